/* A class's own client: the telnet of the system, under a pseudo-terminal. */
#define _XOPEN_SOURCE 700 /* posix_openpt() and its like are in the XSI option */
#include "tests/room.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Somebody at a terminal: what is on the screen comes from `screen`, keys go to it. */
struct person {
    pid_t pid;
    struct stream screen;
};

static struct person sit_down(int port)
{
    struct person person;
    char number[16];
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);

    ck_assert_int_ne(terminal, -1);
    ck_assert(grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    (void)snprintf(number, sizeof number, "%d", port);
    person.pid = fork();
    ck_assert_int_ne(person.pid, -1);
    if (person.pid == 0) {
        int slave;

        (void)setsid(); /* the terminal that is opened next is this session's own */
        slave = open(ptsname(terminal), O_RDWR);
        for (int fd = 0; fd <= STDERR_FILENO; fd++)
            (void)dup2(slave, fd);
        (void)setenv("TERM", "vt100", 1);
        (void)execlp("telnet", "telnet", "127.0.0.1", number, (char *)NULL);
        _exit(127);
    }
    person.screen = stream_of(terminal);
    return person;
}

/* Waits until this stands on the screen, behind what was looked for before. */
static void see(struct person *person, const char *text)
{
    for (;;) {
        char *buffer = person->screen.bytes, *found = NULL;

        for (size_t i = 0; i + strlen(text) <= person->screen.length && !found; i++)
            if (memcmp(buffer + i, text, strlen(text)) == 0)
                found = buffer + i;
        if (found != NULL) {
            size_t past = (size_t)(found - buffer) + strlen(text);

            person->screen.bytes += past;
            person->screen.length -= past;
            return;
        }
        if (!stream_fill(&person->screen))
            ck_abort_msg("'%s' is not on the screen: '%.*s'", text,
                         (int)person->screen.length, person->screen.bytes);
    }
}

static void type(struct person *person, const char *keys)
{
    ck_assert_int_eq(write(person->screen.fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}

static void stand_up(struct person *person)
{
    int status;

    ck_assert_int_eq(waitpid(person->pid, &status, 0), person->pid);
    (void)close(person->screen.fd);
}

/* The line on the server's standard output tells what port a telnet has. */
static char *name_of_newcomer(struct program *server)
{
    char *line = next_line(&server->out);

    ck_assert_int_eq(strncmp(line, "Client joined ", 14), 0);
    return line + 14;
}

static struct program server;
static struct person ann, bob;
static char *ann_name, *bob_name;

static void open_terminals(void)
{
    server = room_open();
    ann = sit_down(server.port);
    see(&ann, "You're connected to the C chatserver\r\n");
    ann_name = name_of_newcomer(&server);
    bob = sit_down(server.port);
    see(&bob, "You're connected to the C chatserver\r\n");
    bob_name = name_of_newcomer(&server);
    see(&ann, "Client joined ");
    see(&ann, bob_name);
}

static void close_terminals(void)
{
    ck_assert_int_eq(kill(server.pid, SIGTERM), 0);
    see(&bob, "ChatServer stopping\r\n");
    see(&bob, "Connection closed by foreign host.");
    stand_up(&bob);
    ck_assert_int_eq(program_wait(&server), 0);
}

START_TEST(two_telnets_hold_the_session_of_the_source_document)
{
    type(&bob, "Hello, is anyone there?\r");
    see(&ann, "] Hello, is anyone there?\r\n");
    type(&ann, "Yes, I'm here.\r");
    see(&bob, "] Yes, I'm here.\r\n");
    type(&ann, "\x1D"); /* telnet's own prompt */
    see(&ann, "telnet> ");
    type(&ann, "quit\r");
    stand_up(&ann);
    see(&bob, "Client left ");
    see(&bob, ann_name);

    expect_lf(&server.out, "[%s] Hello, is anyone there?", bob_name);
    expect_lf(&server.out, "[%s] Yes, I'm here.", ann_name);
    expect_lf(&server.out, "Client left %s", ann_name);
}
END_TEST

START_TEST(ctrl_c_in_a_telnet_does_not_make_it_go_mute)
{
    for (int round = 0; round < 3; round++) {
        type(&ann, "\x03");
        type(&ann, "after the ctrl-c\r");
        see(&bob, "] after the ctrl-c\r\n");
        type(&bob, "can you hear me?\r");
        see(&ann, "] can you hear me?\r\n");
    }
    type(&ann, "/quit\r");
    see(&ann, "Connection closed by foreign host.");
    stand_up(&ann);
}
END_TEST

START_TEST(enter_ends_a_line_in_a_telnet_in_character_mode_too)
{
    type(&ann, "\x1D");
    see(&ann, "telnet> ");
    type(&ann, "mode character\r\r");
    type(&ann, "one key at a time\r");
    see(&bob, "] one key at a time\r\n");
    type(&ann, "/quit\r");
    see(&ann, "Connection closed by foreign host.");
    stand_up(&ann);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        two_telnets_hold_the_session_of_the_source_document,
        ctrl_c_in_a_telnet_does_not_make_it_go_mute,
        enter_ends_a_line_in_a_telnet_in_character_mode_too,
    };
    Suite *suite = suite_create("the room from a telnet");
    TCase *tcase = tcase_create("telnet");

    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, open_terminals, close_terminals);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
