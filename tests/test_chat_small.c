/* chat_small, under what ends or spoils the servers that are usually taught. */
#include "tests/room.h"
#include "tests/server.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>

static struct tests of_two, limits, usage;

#define CHAT_SMALL "bin/chat_small"
#define LINE_MOST  1024

/* Each test starts with a server and two clients that have been told of each other. */
static struct stream ann, bob;
static const char *ann_name, *bob_name;

/* Starts the server by a shell that does something first. */
static void open_room_after(const char *first)
{
    server = program_serve_by(formatted("%s exec \"$@\"", first), CHAT_SMALL, FIRST_LINE,
                              NULL);
    ann = room_join(&server);
    bob = room_join(&server);
    ann_name = strdup(name_of(&ann));
    bob_name = strdup(name_of(&bob));
    expect_line(&ann, "Client joined %s", bob_name);
}

static void open_room(void)
{
    open_room_after("");
}

/* SIGTERM ends it, and nothing else did: it does not catch signals. */
static void close_room(void)
{
    program_kill(&server, SIGTERM);
    expect_status(&server, 128 + SIGTERM);
    expect_end(&server.err);
}

/* ---- The session of the source document --------------------------------------------- */

TEST(of_two, row_1_a_session_of_two_is_held_to_the_byte)
{
    expect_source_session(&server, &ann, &bob);
}

/* ---- Lines -------------------------------------------------------------------------- */

TEST(of_two, a_line_split_over_many_segments_arrives_whole)
{
    for (const char *byte = "one byte at a time\r\n"; *byte; byte++)
        send_bytes(&ann, byte, 1);
    expect_line(&bob, "[%s] one byte at a time", ann_name);
}

TEST(of_two, two_who_write_at_once_do_not_mix_their_lines)
{
    struct stream eve = room_join(&server);

    send_text(&ann, "one ");
    send_text(&bob, "two ");
    send_text(&ann, "line\n");
    skip_to_line(&eve, "[%s] one line", ann_name);
    send_text(&bob, "lines\n");
    expect_line(&eve, "[%s] two lines", bob_name);
}

TEST(of_two, many_lines_in_one_segment_are_many_lines)
{
    send_text(&ann, "one\ntwo\r\n\nthree\n");
    expect_line(&bob, "[%s] one", ann_name);
    expect_line(&bob, "[%s] two", ann_name);
    expect_line(&bob, "[%s] ", ann_name);
    expect_line(&bob, "[%s] three", ann_name);
}

TEST(of_two, cr_and_nul_are_dropped)
{
    send_bytes(&ann, "a\0b\rc\r\0\r\nd\n", 12);
    expect_line(&bob, "[%s] abc", ann_name);
    expect_line(&bob, "[%s] d", ann_name);
}

/* The next line is this many x, and then `end`. */
static void expect_xs(size_t count, const char *end)
{
    const char *text = expect_beginning(&bob, formatted("[%s] ", ann_name));

    ck_assert_uint_eq(strspn(text, "x"), count);
    ck_assert_str_eq(text + count, end);
}

TEST(of_two, a_long_line_goes_out_in_pieces_and_nothing_is_lost)
{
    send_repeated(&ann, "x", LINE_MOST - 1);
    send_text(&ann, "y\r\n"); /* as much as fits */
    expect_xs(LINE_MOST - 1, "y");
    send_repeated(&ann, "x", 2 * LINE_MOST);
    send_text(&ann, "y\r\n");
    expect_xs(LINE_MOST, "");
    expect_xs(LINE_MOST, "");
    expect_xs(0, "y");
}

TEST(of_two, what_was_said_last_without_a_line_end_is_passed_on)
{
    send_text(&ann, "one\nlast words");
    stream_half_close(&ann);
    expect_line(&bob, "[%s] one", ann_name);
    expect_line(&bob, "[%s] last words", ann_name);
    expect_line(&bob, "Client left %s", ann_name);
}

/* ---- Clients that do not read ------------------------------------------------------- */

/* Says line `n`, of a thousand bytes: these soon fill the buffer of a client. */
static void say(struct stream *client, int n)
{
    const char *begin = formatted("line %d ", n);

    send_line(client, "%s%s", begin, repeated('.', 999 - strlen(begin)));
}

/* Hears the next line, which is the whole line `n`. False: it is `end` instead. */
static bool hears(struct stream *client, int n, const char *end)
{
    const char *line = take_line(client);
    const char *beginning = formatted("[%s] line %d .", ann_name, n);

    if (strcmp(line, end) == 0)
        return false;
    if (strncmp(line, beginning, strlen(beginning)) != 0)
        ck_abort_msg("'%.80s' is not line %d", line, n);
    ck_assert_uint_eq(strlen(line), strlen("[] ") + strlen(ann_name) + 999);
    return true;
}

TEST(of_two, a_client_that_stops_reading_is_dropped_and_the_others_get_every_line)
{
    struct stream deaf = room_join(&server);
    const char *left = strdup(formatted("Client left %s (too slow)", name_of(&deaf)));
    int said = 0;

    expect_line(&ann, "Client joined %s", name_of(&deaf));
    expect_line(&bob, "Client joined %s", name_of(&deaf));
    do {
        ck_assert_int_lt(said, 100000); /* otherwise everything is kept */
        stream_drain(&server.out);
        say(&ann, said);
    } while (hears(&bob, said++, left));
    ck_assert(hears(&bob, said - 1, ""));
    skip_to_line(&ann, "%s", left);
    say(&ann, said);
    ck_assert(hears(&bob, said, ""));
}

TEST(of_two, more_in_one_turn_than_the_buffer_holds_costs_no_line)
{
    enum { TALKERS = 40, LINES = 100 };
    struct stream talkers[TALKERS];
    int heard = 0;

    for (int i = 0; i < TALKERS; i++)
        talkers[i] = room_join(&server);
    program_pause(&server);
    for (int i = 0; i < TALKERS; i++)
        send_repeated(&talkers[i], "a line.\n", LINES);
    program_go_on(&server);
    while (heard < TALKERS * LINES) { /* 116 KB */
        const char *line = take_line(&bob);

        if (strstr(line, "] a line.") != NULL)
            heard++;
        else
            ck_assert_msg(strncmp(line, "Client joined ", 14) == 0, "'%s'", line);
        stream_drain(&server.out);
    }
}

/* ---- Resets ------------------------------------------------------------------------- */

TEST(of_two, clients_that_reset_while_others_join_are_reported_and_the_room_goes_on)
{
    int joined = 0, left = 0;

    room_resets(&server);
    send_text(&bob, "still here\n");
    skip_to_line(&ann, "[%s] still here", bob_name);
    do { /* as many leave as join */
        const char *line = take_line(&bob);

        joined += strncmp(line, "Client joined ", 14) == 0;
        left += strncmp(line, "Client left ", 12) == 0;
    } while (joined < 300 || left < joined);
}

/* ---- Too many ----------------------------------------------------------------------- */

TEST(limits, it_serves_as_many_as_an_fd_set_holds_and_tells_the_next_that_it_is_full)
{
    enum { CROWD = 1100 };
    static struct stream clients[CROWD];
    int served;

    if (lacks_descriptors(CROWD + 64))
        return;
    open_room();
    served = room_crowd(&server, clients, CROWD);
    ck_assert_int_ge(served, FD_SETSIZE - 4 - 2 - 2); /* ann and bob; valgrind's log */
    ck_assert_int_lt(served, FD_SETSIZE);
    expect_working_crowd(&server, clients, served, &bob);
    close_room();
}

TEST(limits, when_descriptors_run_out_earlier_newcomers_are_told_and_nothing_spins)
{
    struct stream clients[60];
    int served;

    open_room_after("ulimit -n 20;");
    served = room_crowd(&server, clients, 60);
    ck_assert_int_ge(served, 20 - 5 - 2);
    expect_rest(&server, 300);
    expect_working_crowd(&server, clients, served, &bob);
    close_room();
}

/* ---- Start -------------------------------------------------------------------------- */

TEST(of_two, the_port_can_be_used_again_at_once)
{
    const char *port = formatted("%d", server.port);
    struct program second = program_run(CHAT_SMALL, "-p", port, NULL);

    expect_status(&second, 1); /* but not twice */
    expect_containing(&second.err, "chat_small: cannot listen: ");
    close_room();
    server = program_run(CHAT_SMALL, "-p", port, NULL);
    program_read_port(&server, FIRST_LINE);
    ck_assert_int_eq(server.port, atoi(port));
}

TEST(usage, wrong_usage_is_status_2)
{
    expect_usage_error(CHAT_SMALL, "-x", NULL);
    expect_usage_error(CHAT_SMALL, "-p", "x", NULL);
    expect_usage_error(CHAT_SMALL, "-p", "-1", NULL);
    expect_usage_error(CHAT_SMALL, "-p", "65536", NULL);
    expect_usage_error(CHAT_SMALL, "operand", NULL);
}

int main(void)
{
    const struct test_case cases[] = {
        /* A signal ends the program, which has not closed anything then. */
        {.name = "two",
         .tests = &of_two,
         .set_up = open_room,
         .tear_down = close_room,
         .tags = "limits"},
        {.name = "limits", .tests = &limits, .tags = "limits"},
        {.name = "usage", .tests = &usage},
    };

    return run_cases("chat_small", cases, COUNT(cases));
}
