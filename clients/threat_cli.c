/*
 * threat_cli: sends commands to a threat server and prints its answers.
 *
 *     threat_cli [-w seconds] [host [port]] [-- command ...]
 *
 * Each command is sent when the one before it has been answered with a line. Without
 * commands it is a conversation: it sends standard input as it comes, and prints what the
 * server says as it comes, including a goodbye for a silent client.
 */
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/fdset.h"
#include "base/options.h"
#include "base/signals.h"
#include "base/start.h"
#include "net/dial.h"
#include "net/keepalive.h"
#include "net/line.h"
#include "net/listener.h"
#include "net/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define DIAL_MS 5000
#define WAIT_S  10 /* for an answer; the server may take 5 s to fetch it */

struct threat_client {
    struct options_peer server;
    int64_t patience_ms;
    int sock;
    char **commands;  /* those not yet sent, up to a NULL */
    bool converses;   /* there were no commands: it sends standard input */
    bool reads_input; /* which has not ended */
    bool awaits;      /* a command was sent, and is not answered yet */
    bool typed;       /* something, or the end of standard input */
    bool asked;       /* what was typed has an answer */
    bool heard;       /* an answer has come */
    bool ended;       /* the server has closed */
    int64_t deadline; /* ms; for the answer, or for the server to close after us */
    struct line line; /* the answer so far */
    size_t left;      /* bytes to send, a command or what was typed */
    char to_send[LINE_MOST + 2];
};

static const struct options options = {
    .program = "threat_cli",
    .letters = "hp:Vw:",
    .usage =
        "usage: threat_cli [-hV] [-p port] [-w seconds] [host [port]] [-- command ...]\n",
    .help =
        "Sends commands to a threat server and prints its answers. The status is 0 if\n"
        "every command was answered.\n"
        "  host [port]     the server; also host:port or [::1]:port\n"
        "                  (default: localhost 9055)\n"
        "  -- command ...  send these: getTime, getThreat, help or disconnect (default:\n"
        "                  send standard input)\n"
        "  -p port         the server's port, if it does not follow the host\n"
        "  -w seconds      how long to wait for an answer (default: 10)\n"
        "  -h              print this help\n"
        "  -V              print the version\n",
};

static _Noreturn void fail(const struct threat_client *client, const char *what,
                           const char *why)
{
    options_fail_with(&options, &client->server, what, why);
}

/* ---- What goes out ------------------------------------------------------------------ */

/* The right answer to "disconnect", or to an empty command, is to close. */
static bool disconnects(const char *text)
{
    char word[16] = "disconnect", more;

    return sscanf(text, "%15s %c", word, &more) != 2 &&
           strcasecmp(word, "disconnect") == 0;
}

/* Takes the next command if the one before it has been answered. */
static void next_command(struct threat_client *client)
{
    if (client->awaits || *client->commands == NULL)
        return;
    client->left = (size_t)snprintf(client->to_send, sizeof client->to_send, "%s\r\n",
                                    *client->commands++);
    client->awaits = true;
    client->deadline = clock_ms() + client->patience_ms;
}

static void read_input(struct threat_client *client)
{
    ssize_t got = read(STDIN_FILENO, client->to_send, sizeof client->to_send - 1);

    if (got == -1 && descriptor_try_again(errno))
        return;
    if (got == -1)
        options_fail(&options, "cannot read standard input: %s", strerror(errno));
    client->left = (size_t)got;
    client->to_send[got] = '\0';
    client->typed = true;
    client->asked = client->asked || !disconnects(client->to_send);
    if (got > 0)
        return;
    client->reads_input = false;
    client->deadline = clock_ms() + client->patience_ms;
    (void)shutdown(client->sock, SHUT_WR); /* a lost connection shows in recv() */
}

static void send_some(struct threat_client *client)
{
    ssize_t sent = send(client->sock, client->to_send, client->left, MSG_NOSIGNAL);

    if (sent == -1 && !descriptor_try_again(errno))
        fail(client, "cannot send to", strerror(errno));
    if (sent > 0) {
        client->left -= (size_t)sent;
        memmove(client->to_send, client->to_send + sent, client->left);
    }
}

/* ---- What comes back ---------------------------------------------------------------- */

static void print_line(struct threat_client *client, enum line_event event)
{
    char *text = client->line.text;

    text_straighten(text, client->line.length);
    if (!client->heard && strncmp(text, LISTENER_FULL, strcspn(LISTENER_FULL, "\r")) == 0)
        fail(client, "no answer from", text);
    if (printf("%s%s", text, event == LINE_ENDED ? "\n" : "") < 0 ||
        fflush(stdout) == EOF)
        options_cannot_write(&options);
    line_clear(&client->line, 0);
    client->heard = true;
    client->deadline = clock_ms() + client->patience_ms; /* for the next piece */
    if (event == LINE_ENDED)
        client->awaits = false;
}

static void receive(struct threat_client *client)
{
    unsigned char bytes[4096];
    ssize_t got = recv(client->sock, bytes, sizeof bytes, 0);
    enum line_event event;

    if (got == -1 && descriptor_try_again(errno))
        return;
    if (got == -1)
        fail(client, "lost the connection to", strerror(errno));
    for (size_t taken = 0; taken < (size_t)got;) {
        taken += line_take(&client->line, bytes + taken, (size_t)got - taken, &event);
        if (event == LINE_ENDED || event == LINE_FULL)
            print_line(client, event);
    }
    client->ended = got == 0;
    while (client->ended && (event = line_finish(&client->line)) != LINE_OPEN)
        print_line(client, event);
}

/* ---- Both --------------------------------------------------------------------------- */

static void wait_for_events(const struct threat_client *client, struct fdset *readable,
                            struct fdset *writable)
{
    bool has_deadline = client->awaits || (client->converses && !client->reads_input);
    int64_t deadline = has_deadline ? client->deadline : INT64_MAX;
    char why[60];
    int ready;

    fdset_clear(readable);
    fdset_clear(writable);
    fdset_add(readable, client->sock);
    if (client->reads_input && client->left == 0)
        fdset_add(readable, STDIN_FILENO);
    if (client->left > 0)
        fdset_add(writable, client->sock);
    ready = signals_pselect(NULL, readable, writable, deadline);
    if (ready == -1)
        options_fail(&options, "select: %s", strerror(errno));
    if (ready > 0 || clock_ms() < deadline)
        return;
    snprintf(why, sizeof why, "timed out after %g s", (double)client->patience_ms / 1000);
    fail(client, "no answer from", why);
}

/* Have all commands been answered, or has the server ended the conversation? */
static bool is_over(const struct threat_client *client)
{
    return client->ended ||
           (!client->converses && !client->awaits && *client->commands == NULL);
}

static void talk(struct threat_client *client)
{
    struct fdset readable, writable;

    while (!is_over(client)) {
        next_command(client);
        wait_for_events(client, &readable, &writable);
        if (fdset_has(&readable, STDIN_FILENO))
            read_input(client);
        if (fdset_has(&writable, client->sock))
            send_some(client);
        if (fdset_has(&readable, client->sock))
            receive(client);
    }
    if (client->converses ? !client->heard && (client->asked || !client->typed)
                          : client->awaits && (*client->commands != NULL ||
                                               !disconnects(client->commands[-1])))
        fail(client, "no answer from", "the server has closed the connection");
}

static void check_commands(char *const commands[])
{
    for (int i = 0; commands[i] != NULL; i++)
        if (strlen(commands[i]) > LINE_MOST - 2 || strpbrk(commands[i], "\r\n") != NULL)
            options_wrong(&options, "command %d is not one line of at most %d bytes",
                          i + 1, LINE_MOST - 2);
}

int main(int argc, char *argv[])
{
    static struct threat_client client = {.server = {.host = "localhost", .port = 9055},
                                          .patience_ms = WAIT_S * 1000};
    static char *none[] = {NULL};
    const char *why;
    int option;

    while ((option = options_next(&options, argc, argv)) != -1) {
        switch (option) {
        case 'p': client.server.port = options_port(&options, optarg, 1); break;
        case 'w': client.patience_ms = options_timeout(&options, option); break;
        }
    }
    client.commands = options_words(&options, argc, argv, &client.server);
    if (client.commands == NULL) /* "-": standard input, as without commands */
        client.commands = none;
    client.converses = client.reads_input = *client.commands == NULL;
    check_commands(client.commands);
    start_program(&options);
    descriptor_unshare(STDIN_FILENO, O_RDONLY); /* otherwise read() could wait for ever */
    client.sock =
        dial(client.server.host, client.server.port, SOCK_STREAM, DIAL_MS, &why);
    if (client.sock == -1)
        fail(&client, "cannot connect to", why);
    /* Nobody may type for hours. Only probes show then that the machine is gone. */
    keepalive_enable(client.sock);
    talk(&client);
    close(client.sock);
    return EXIT_SUCCESS;
}
