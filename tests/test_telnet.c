/* The client that a class uses: the system's telnet, at a terminal. */
#include "tests/person.h"
#include "tests/room.h"

#include <signal.h>
#include <string.h>

static struct person sit_down(int port)
{
    return person_start("exec telnet 127.0.0.1 $1", formatted("%d", port));
}

static struct program server;
static struct person ann, bob;
static char *ann_name, *bob_name;

/* The server's standard output shows which port a telnet has. */
static char *name_of_newcomer(void)
{
    return strdup(expect_beginning(&server.out, "Client joined "));
}

static void open_terminals(void)
{
    server = room_open();
    ann = sit_down(server.port);
    person_sees(&ann, GREETING "\r\n");
    ann_name = name_of_newcomer();
    bob = sit_down(server.port);
    person_sees(&bob, GREETING "\r\n");
    bob_name = name_of_newcomer();
    person_sees(&ann, "Client joined ");
    person_sees(&ann, bob_name);
}

static void close_terminals(void)
{
    program_kill(&server, SIGTERM);
    person_sees(&bob, "ChatServer stopping\r\n");
    person_sees(&bob, "Connection closed by foreign host.");
    person_leaves(&bob);
    expect_status(&server, 0);
}

START_TEST(row_1_two_telnets_hold_the_session_of_the_source_document)
{
    person_types(&bob, "Hello, is anyone there?\r");
    person_sees(&ann, "] Hello, is anyone there?\r\n");
    person_types(&ann, "Yes, I'm here.\r");
    person_sees(&bob, "] Yes, I'm here.\r\n");
    person_types(&ann, "\x1D"); /* telnet's own prompt */
    person_sees(&ann, "telnet> ");
    person_types(&ann, "quit\r");
    person_leaves(&ann);
    person_sees(&bob, "Client left ");
    person_sees(&bob, ann_name);

    expect_lf(&server.out, "[%s] Hello, is anyone there?", bob_name);
    expect_lf(&server.out, "[%s] Yes, I'm here.", ann_name);
    expect_lf(&server.out, "Client left %s", ann_name);
}
END_TEST

/* netkit's telnet throws away what was typed before it takes the Ctrl-C: types it again. */
static void say_after_ctrl_c(int round)
{
    int tries = DEADLINE_MS / 300;

    do
        person_types(&ann, formatted("after the ctrl-c %d\r", round));
    while (
        !person_sees_within(&bob, formatted("] after the ctrl-c %d\r\n", round), 300) &&
        --tries > 0);
    ck_assert_int_gt(tries, 0);
}

START_TEST(ctrl_c_in_a_telnet_does_not_make_it_go_mute)
{
    for (int round = 0; round < 3; round++) {
        person_types(&ann, "\x03");
        say_after_ctrl_c(round);
        person_types(&bob, "can you hear me?\r");
        person_sees(&ann, "] can you hear me?\r\n");
    }
    person_types(&ann, "/quit\r");
    person_sees(&ann, "Connection closed by foreign host.");
    person_leaves(&ann);
}
END_TEST

START_TEST(enter_ends_a_line_in_a_telnet_in_character_mode_too)
{
    person_types(&ann, "\x1D");
    person_sees(&ann, "telnet> ");
    person_types(&ann, "mode character\r\r");
    person_types(&ann, "one key at a time\r");
    person_sees(&bob, "] one key at a time\r\n");
    person_types(&ann, "/quit\r");
    person_sees(&ann, "Connection closed by foreign host.");
    person_leaves(&ann);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        row_1_two_telnets_hold_the_session_of_the_source_document,
        ctrl_c_in_a_telnet_does_not_make_it_go_mute,
        enter_ends_a_line_in_a_telnet_in_character_mode_too,
        NULL,
    };
    const struct test_case cases[] = {{.name = "telnet",
                                       .tests = tests,
                                       .needs = "telnet",
                                       .set_up = open_terminals,
                                       .tear_down = close_terminals}};

    return run_cases("the room from a telnet", cases, COUNT(cases));
}
