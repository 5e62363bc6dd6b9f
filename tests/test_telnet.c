/* The client that a class uses: the system's telnet, at a terminal. */
#include "base/clock.h"
#include "tests/person.h"
#include "tests/room.h"
#include "tests/server.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static struct tests suite;

static struct person sit_down(int port)
{
    return person_start("exec telnet 127.0.0.1 $1", formatted("%d", port));
}

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

TEST(suite, row_1_two_telnets_hold_the_session_of_the_source_document)
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

/* Does it sleep, with no signal under way? As proc(5) says; without it, nobody can tell. */
static bool is_at_rest(pid_t pid)
{
    FILE *status = fopen(formatted("/proc/%ld/status", (long)pid), "r");
    char line[256], state = 'S';
    unsigned long pending = 0, more;

    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        (void)sscanf(line, "State: %c", &state);
        if (sscanf(line, "SigPnd: %lx", &more) == 1 ||
            sscanf(line, "ShdPnd: %lx", &more) == 1)
            pending |= more;
    }
    if (status != NULL)
        fclose(status);
    return state == 'S' && pending == 0;
}

/*
 * Types a Ctrl-C, and waits until the telnet has taken it: netkit's throws away what is
 * typed before, and may even end.
 */
static void interrupt(struct person *person)
{
    int64_t deadline = clock_ms() + DEADLINE_MS;

    person_types(person, "\x03");
    person_sees(person, "^C");
    while (!is_at_rest(person->pid))
        ck_assert_int_lt(clock_ms(), deadline);
}

TEST(suite, ctrl_c_in_a_telnet_does_not_make_it_go_mute)
{
    for (int round = 0; round < 3; round++) {
        interrupt(&ann);
        person_types(&ann, "after the ctrl-c\r");
        person_sees(&bob, "] after the ctrl-c\r\n");
        person_types(&bob, "can you hear me?\r");
        person_sees(&ann, "] can you hear me?\r\n");
    }
    person_types(&ann, "/quit\r");
    person_sees(&ann, "Connection closed by foreign host.");
    person_leaves(&ann);
}

TEST(suite, enter_ends_a_line_in_a_telnet_in_character_mode_too)
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

int main(void)
{
    const struct test_case cases[] = {{.name = "telnet",
                                       .tests = &suite,
                                       .needs = "telnet",
                                       .set_up = open_terminals,
                                       .tear_down = close_terminals}};

    return run_cases("the room from a telnet", cases, COUNT(cases));
}
