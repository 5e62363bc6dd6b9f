#include "tests/relay.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define STARTED_MOST 16

struct program room, relay;
struct ngircd irc;
struct stream fake_room, fake_server;

static pid_t running[STARTED_MOST];
static int running_count;

struct program started(struct program program)
{
    ck_assert_int_lt(running_count, STARTED_MOST);
    running[running_count++] = program.pid;
    return program;
}

void end_all(void)
{
    bool waits[STARTED_MOST];
    int status;

    for (int i = 0; i < running_count; i++) {
        waits[i] = waitpid(running[i], &status, WNOHANG) == 0;
        if (waits[i])
            (void)kill(running[i], SIGTERM);
    }
    for (int fd = 3; fd < 64; fd++) /* scripted servers close like real ones */
        close(fd);
    for (int i = 0; i < running_count; i++)
        if (waits[i] && waitpid(running[i], &status, 0) != -1)
            ck_assert_int_eq(status, 0);
    ngircd_stop_all();
}

struct program relay_start(const char *nick, int room_port, int irc_port,
                           const char *channel, const char *pace, const char *option)
{
    struct program program;
    char host[32], port[16];

    snprintf(host, sizeof host, "127.0.0.1:%d", room_port);
    snprintf(port, sizeof port, "%d", irc_port);
    if (option != NULL)
        program = program_run("bin/irc_relay", "-n", nick, "-i", pace, "-r", host, option,
                              "127.0.0.1", port, channel, NULL);
    else
        program = program_run("bin/irc_relay", "-n", nick, "-i", pace, "-r", host,
                              "127.0.0.1", port, channel, NULL);
    return started(program);
}

void await_links(struct program *program)
{
    bool joined = false, inside = false;

    while (!joined || !inside) {
        char *line = next_line(&program->err);

        joined = joined || strstr(line, ": joined #") != NULL;
        inside = inside || strstr(line, ": in the room") != NULL;
        free(line);
    }
}

struct program relay_linked(const char *nick, int room_port, int irc_port,
                            const char *channel, const char *option)
{
    struct program program = relay_start(nick, room_port, irc_port, channel, "0", option);

    await_links(&program);
    return program;
}

void relay_stop(struct program *program)
{
    ck_assert_int_eq(kill(program->pid, SIGTERM), 0);
    ck_assert_int_eq(program_wait(program), 0);
    expect_end(&program->out);
    while (program->err.length > 0) {
        char *line = next_line(&program->err);

        ck_assert_msg(strstr(line, "may not have reached") == NULL, "'%s'", line);
        free(line);
    }
}

void await_error(struct program *program, const char *words)
{
    for (bool found = false; !found;) {
        char *line = next_line(&program->err);

        found = strstr(line, words) != NULL;
        free(line);
    }
}

void expect_next(struct stream *client, const char *format, ...)
{
    char expected[4096], *line = next_line(client);
    va_list list;

    va_start(list, format);
    vsnprintf(expected, sizeof expected, format, list);
    va_end(list);
    while (strstr(line, "-- the link to ") != NULL && strstr(line, " is up") != NULL) {
        free(line);
        line = next_line(client);
    }
    ck_assert_str_eq(line, expected);
    free(line);
}

void link_fakes(const char *nick, const char *pace)
{
    struct mock rooms = mock_open("127.0.0.1"), irc_fake = mock_open("127.0.0.1");
    char got[64];

    relay = relay_start(nick, rooms.port, irc_fake.port, "#room", pace, NULL);
    fake_server = fake_welcome(&irc_fake, "#room", got);
    fake_room = mock_accept(&rooms);
    expect_line(&fake_room, "/nick %s", nick);
    send_text(&fake_room, "Client 127.0.0.1:1 is now ");
    send_text(&fake_room, nick);
    send_text(&fake_room, "\r\n");
    await_links(&relay);
    expect_line(&fake_room, "-- the link to #room is up");
    expect_line(&fake_server, "PRIVMSG #room :-- the link to the room is up");
}
