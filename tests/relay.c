#include "tests/relay.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

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
    close_sockets(); /* scripted servers close like real ones */
    for (int i = 0; i < running_count; i++)
        if (waits[i] && waitpid(running[i], &status, 0) != -1)
            ck_assert_int_eq(status, 0);
    ngircd_stop_all();
}

struct program relay_start(const char *nick, int room_port, int irc_port,
                           const char *channel, const char *pace, const char *option)
{
    const char *script =
        formatted("exec \"$@\" -r 127.0.0.1:%d %s 127.0.0.1 %d '%s'", room_port,
                  option != NULL ? option : "", irc_port, channel);

    return started(program_run_by(script, "bin/irc_relay", "-n", nick, "-i", pace, NULL));
}

void await_links(struct program *program)
{
    bool joined = false, inside = false;

    while (!joined || !inside) {
        const char *line = take_line(&program->err);

        joined = joined || strstr(line, ": joined #") != NULL;
        inside = inside || strstr(line, ": in the room") != NULL;
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
    program_kill(program, SIGTERM);
    expect_status(program, 0);
    expect_end(&program->out);
    while (program->err.length > 0) {
        const char *line = take_line(&program->err);

        ck_assert_msg(strstr(line, "may not have reached") == NULL, "'%s'", line);
    }
}

void expect_next(struct stream *client, const char *format, ...)
{
    char expected[4096], *line = take_line(client);
    va_list list;

    va_start(list, format);
    vsnprintf(expected, sizeof expected, format, list);
    va_end(list);
    while (strstr(line, "-- the link to ") != NULL && strstr(line, " is up") != NULL)
        line = take_line(client);
    ck_assert_str_eq(line, expected);
}

void link_fakes(const char *nick, const char *pace)
{
    struct mock rooms = mock_open("127.0.0.1"), irc_fake = mock_open("127.0.0.1");

    relay = relay_start(nick, rooms.port, irc_fake.port, "#room", pace, NULL);
    fake_server = fake_welcome(&irc_fake, "#room");
    fake_room = mock_accept(&rooms);
    expect_line(&fake_room, "/nick %s", nick);
    send_line(&fake_room, "Client 127.0.0.1:1 is now %s\r", nick);
    await_links(&relay);
    expect_line(&fake_room, "-- the link to #room is up");
    expect_line(&fake_server, "PRIVMSG #room :-- the link to the room is up");
}
