#include "tests/ngircd.h"

#include "base/clock.h"
#include "net/dial.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 4096

/* No penalties or look-ups that a test would have to wait for; loopback only. */
static const char configuration[] = "[Global]\n"
                                    "Name = %s.test\n"
                                    "Info = a server for the tests\n"
                                    "AdminInfo1 = netlab\n"
                                    "AdminInfo2 = here\n"
                                    "AdminEMail = nobody@example.com\n"
                                    "Listen = 127.0.0.1\n"
                                    "Ports = %d\n"
                                    "MotdPhrase = hello\n"
                                    "[Limits]\n"
                                    "ConnectRetry = 3600\n"
                                    "MaxConnectionsIP = 0\n"
                                    "MaxPenaltyTime = 0\n"
                                    "[Options]\n"
                                    "DNS = no\n"
                                    "Ident = no\n"
                                    "PAM = no\n"
                                    "[Operator]\n"
                                    "Name = op\n"
                                    "Password = secret\n"
                                    "%s";

/* The same for InspIRCd. */
static const char inspircd_configuration[] =
    "<server name=\"%s.test\" description=\"a server for the tests\" network=\"tests\">\n"
    "<admin name=\"netlab\" nick=\"netlab\" email=\"nobody@example.com\">\n"
    "<bind address=\"127.0.0.1\" port=\"%d\" type=\"clients\">\n"
    "<connect name=\"all\" allow=\"*\" resolvehostnames=\"no\" fakelag=\"no\"\n"
    " commandrate=\"1000000\" recvq=\"65536\" sendq=\"1048576\" localmax=\"100\"\n"
    " globalmax=\"100\">\n"
    "%s";

#define SBIN "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; "

#define SERVERS_MOST 4

static struct ngircd running[SERVERS_MOST]; /* in this test; a pid of 0 is a free place */

/* The path of the server's "conf" or "log". */
static const char *file_of(const struct ngircd *server, const char *what)
{
    return temp_path(formatted("ircd-%s-%s", server->name, what));
}

static void write_configuration(const struct ngircd *server, const char *path,
                                const char *format, const char *more)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_gt(fprintf(file, format, server->name, server->port, more), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void show_log(const struct ngircd *server)
{
    char text[4096];
    FILE *file = fopen(file_of(server, "log"), "r");
    size_t length = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;

    text[length] = '\0';
    ck_abort_msg("the IRC server does not start: %s", text);
}

static void await_listening(const struct ngircd *server)
{
    int64_t deadline = clock_ms() + DEADLINE_MS;
    struct timespec moment = {.tv_nsec = 5000000};
    const char *why;
    int fd;

    while ((fd = dial("127.0.0.1", server->port, SOCK_STREAM, DEADLINE_MS, &why)) == -1) {
        if (clock_ms() > deadline || waitpid(server->program.pid, NULL, WNOHANG) != 0)
            show_log(server);
        nanosleep(&moment, NULL);
    }
    close(fd);
}

/* Starts a server by a script that finds its files in IRCD_CONF and IRCD_LOG. */
static void start(struct ngircd *server, const char *format, const char *more,
                  const char *script, const char *daemon)
{
    const char *path = file_of(server, "conf");

    write_configuration(server, path, format, more);
    ck_assert_int_eq(setenv("IRCD_CONF", path, 1), 0);
    ck_assert_int_eq(setenv("IRCD_LOG", file_of(server, "log"), 1), 0);
    server->program = program_run_by(script, daemon, NULL);
    await_listening(server);
    for (int i = 0; i <= SERVERS_MOST; i++) {
        ck_assert_int_lt(i, SERVERS_MOST);
        if (running[i].program.pid == 0) {
            running[i] = *server;
            break;
        }
    }
}

void ngircd_start(struct ngircd *server, const char *name, int port, const char *more)
{
    server->name = name;
    server->port = port > 0 ? port : unused_port();
    start(server, configuration, more,
          SBIN "exec \"$@\" -n -f \"$IRCD_CONF\" >\"$IRCD_LOG\" 2>&1", "ngircd");
}

bool inspircd_start(struct ngircd *server, const char *name)
{
    if (system(SBIN "command -v ${INSPIRCD:-inspircd} >/dev/null") != 0) {
        printf("left out: there is no InspIRCd here\n");
        return false;
    }
    server->name = name;
    server->port = unused_port();
    start(server, inspircd_configuration, "",
          SBIN "exec \"$@\" --nofork --nolog --nopid --runasroot "
               "--config \"$IRCD_CONF\" >\"$IRCD_LOG\" 2>&1",
          "inspircd");
    return true;
}

void ngircd_stop_all(void)
{
    for (int i = 0; i < SERVERS_MOST; i++) {
        if (running[i].program.pid == 0)
            continue;
        (void)kill(running[i].program.pid, SIGTERM);
        (void)waitpid(running[i].program.pid, NULL, 0);
        running[i].program.pid = 0;
    }
}

/*
 * A child that looks up a client's name has a copy of the listening socket, and may outlive
 * a server that was killed. A client that connects then never reaches the next server.
 */
static void await_refusal(int port)
{
    const char *why;
    int fd;

    while ((fd = dial("127.0.0.1", port, SOCK_STREAM, DEADLINE_MS, &why)) != -1)
        close(fd);
}

void ngircd_stop(struct ngircd *server, int signal_number)
{
    ck_assert_int_eq(kill(server->program.pid, signal_number), 0);
    (void)program_wait(&server->program);
    await_refusal(server->port);
    stream_close(&server->program.out);
    stream_close(&server->program.err);
    for (int i = 0; i < SERVERS_MOST; i++)
        if (running[i].program.pid == server->program.pid)
            running[i].program.pid = 0;
}

const char *ngircd_link(const char *peer, int peer_port)
{
    static char lines[2][512];
    static unsigned next;
    char *out = lines[next++ % 2];

    snprintf(out, sizeof lines[0],
             "[Server]\n"
             "Name = %s.test\n"
             "Host = 127.0.0.1\n"
             "Port = %d\n"
             "MyPassword = link\n"
             "PeerPassword = link\n"
             "Passive = yes\n",
             peer, peer_port);
    return out;
}

/* ---- People on it ------------------------------------------------------------------- */

void irc_send(struct stream *client, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list list;

    va_start(list, format);
    vsnprintf(line, sizeof line - 2, format, list);
    va_end(list);
    strcat(line, "\r\n");
    send_text(client, line);
}

char *irc_await(struct stream *client, const char *words)
{
    for (;;) {
        char *line = take_line(client);

        if (strstr(line, words) != NULL)
            return line;
        if (strncmp(line, "PING", 4) == 0)
            irc_send(client, "PONG%s", line + 4);
    }
}

struct stream irc_join(int port, const char *nick, const char *channel)
{
    struct stream client = connect_to(port);

    irc_send(&client, "NICK %s", nick);
    irc_send(&client, "USER tester 0 * :a tester");
    irc_await(&client, " 001 ");
    irc_send(&client, "JOIN %s", channel);
    irc_await(&client, " 366 ");
    return client;
}

void expect_said(struct stream *client, const char *nick, const char *format, ...)
{
    char expected[LINE_BYTES], beginning[128];
    char *line = irc_await(client, " PRIVMSG ");
    char *text = strstr(line, " PRIVMSG ") + strlen(" PRIVMSG ");
    va_list list;

    va_start(list, format);
    vsnprintf(expected, sizeof expected, format, list);
    va_end(list);
    snprintf(beginning, sizeof beginning, ":%s!", nick);
    text += strcspn(text, ":") + 1;
    if (strncmp(line, beginning, strlen(beginning)) != 0 || strcmp(text, expected) != 0)
        ck_abort_msg("expected %s to say '%s', got '%s'", nick, expected, line);
}

/* ---- A server that is a script ------------------------------------------------------ */

static char nick[64]; /* of the client that came last */

struct stream fake_accept(const struct mock *fake)
{
    struct stream client = mock_accept(fake);

    snprintf(nick, sizeof nick, "%s", expect_beginning(&client, "NICK "));
    irc_await(&client, "USER ");
    return client;
}

struct stream fake_welcome(const struct mock *fake, const char *channel)
{
    struct stream client = fake_accept(fake);

    irc_send(&client, ":fake 001 %s :Welcome", nick);
    irc_await(&client, "JOIN ");
    irc_send(&client, ":%s!~netlab@host JOIN %s", nick, channel);
    return client;
}

void expect_no_wait_for_reader(struct stream *client, struct program *program)
{
    for (int i = 0; i < 1000; i++)
        irc_send(client, ":NickServ!s@s NOTICE %s :%400d", nick, i);
    irc_send(client, "PING :turn");
    irc_await(client, "PONG :turn");
    skip_to_beginning(&program->err, "(lines missing here: ");
}
