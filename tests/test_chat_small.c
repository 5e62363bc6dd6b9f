/*
 * chat_small as a black box: the trials that end or spoil the servers usually taught.
 * CHAT_SMALL names another program in place of bin/chat_small.
 */
#include "tests/harness.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHAT_SMALL "CHAT_SMALL", "bin/chat_small"
#define GREETING   "You're connected to the C chatserver"
#define FULL       "Server full, try again later"
#define LINE_MOST  1024

/* Every test starts with a server and two clients, each of whom knows of the other. */
static struct program server;
static struct stream ann, bob;
static char ann_name[64], bob_name[64];

static struct stream join(void)
{
    struct stream client = connect_to(server.port);

    expect_line(&client, GREETING);
    return client;
}

/* Starts it by way of a shell that first does `before`. */
static void open_room_after(const char *before)
{
    char script[64];

    (void)snprintf(script, sizeof script, "%s exec \"$@\"", before);
    program_start_by(&server, script, CHAT_SMALL, "-p", "0", NULL);
    program_read_port(&server, "ChatServer started on port ");
    ann = join();
    bob = join();
    (void)strcpy(ann_name, name_of(&ann));
    (void)strcpy(bob_name, name_of(&bob));
    expect_line(&ann, "Client joined %s", bob_name);
}

static void open_room(void)
{
    open_room_after("");
}

/* SIGTERM ends it, and nothing else has: it has no word for that. */
static void close_room(void)
{
    ck_assert_int_eq(kill(server.pid, SIGTERM), 0);
    ck_assert_int_eq(program_wait(&server), 128 + SIGTERM);
    expect_end(&server.err);
    stream_close(&ann);
    stream_close(&bob);
}

/* ---- The session of the source document --------------------------------------------- */

START_TEST(row_1_a_session_of_two_is_held_to_the_byte)
{
    send_text(&bob, "Hello, is anyone there?\r\n");
    expect_line(&ann, "[%s] Hello, is anyone there?", bob_name);
    send_text(&ann, "Yes, I'm here.\r\n");
    expect_line(&bob, "[%s] Yes, I'm here.", ann_name);
    (void)shutdown(ann.fd, SHUT_WR);
    expect_end(&ann);
    expect_line(&bob, "Client left %s", ann_name);

    expect_lf(&server.out, "Client joined %s", ann_name);
    expect_lf(&server.out, "Client joined %s", bob_name);
    expect_lf(&server.out, "[%s] Hello, is anyone there?", bob_name);
    expect_lf(&server.out, "[%s] Yes, I'm here.", ann_name);
    expect_lf(&server.out, "Client left %s", ann_name);
}
END_TEST

/* ---- Lines -------------------------------------------------------------------------- */

START_TEST(a_line_split_over_many_segments_arrives_whole)
{
    for (const char *byte = "one byte at a time\r\n"; *byte; byte++)
        send_bytes(&ann, byte, 1);
    expect_line(&bob, "[%s] one byte at a time", ann_name);
}
END_TEST

START_TEST(two_who_write_at_once_do_not_mix_their_lines)
{
    struct stream eve = join();

    send_text(&ann, "one ");
    send_text(&bob, "two ");
    send_text(&ann, "line\n");
    send_text(&bob, "lines\n");
    (void)skip_to_line(&eve, "[%s] one line", ann_name);
    expect_line(&eve, "[%s] two lines", bob_name);
    stream_close(&eve);
}
END_TEST

START_TEST(many_lines_in_one_segment_are_many_lines)
{
    send_text(&ann, "one\ntwo\r\n\nthree\n");
    expect_line(&bob, "[%s] one", ann_name);
    expect_line(&bob, "[%s] two", ann_name);
    expect_line(&bob, "[%s] ", ann_name);
    expect_line(&bob, "[%s] three", ann_name);
}
END_TEST

START_TEST(cr_and_nul_are_left_out)
{
    send_bytes(&ann, "a\0b\rc\r\0\r\nd\n", 12);
    expect_line(&bob, "[%s] abc", ann_name);
    expect_line(&bob, "[%s] d", ann_name);
}
END_TEST

START_TEST(a_long_line_goes_out_in_pieces_and_nothing_is_lost)
{
    static char line[2 * LINE_MOST + 4];

    memset(line, 'x', 2 * LINE_MOST);
    (void)strcpy(line + 2 * LINE_MOST, "y\r\n");
    send_text(&ann, line + LINE_MOST + 1); /* 1,023 and a y: as much as fits */
    expect_line(&bob, "[%s] %.*sy", ann_name, LINE_MOST - 1, line);
    send_text(&ann, line);
    expect_line(&bob, "[%s] %.*s", ann_name, LINE_MOST, line);
    expect_line(&bob, "[%s] %.*s", ann_name, LINE_MOST, line);
    expect_line(&bob, "[%s] y", ann_name);
}
END_TEST

START_TEST(what_was_said_last_without_a_line_end_is_passed_on)
{
    send_text(&ann, "one\nlast words");
    (void)shutdown(ann.fd, SHUT_WR);
    expect_line(&bob, "[%s] one", ann_name);
    expect_line(&bob, "[%s] last words", ann_name);
    expect_line(&bob, "Client left %s", ann_name);
}
END_TEST

/* ---- Those who do not read ---------------------------------------------------------- */

/* Says line `n`, of a thousand bytes: one that does not read has soon got enough. */
static void say(struct stream *client, int n)
{
    char line[1001];

    memset(line, '.', sizeof line);
    line[snprintf(line, sizeof line, "line %d ", n)] = '.';
    line[sizeof line - 2] = '\n';
    line[sizeof line - 1] = '\0';
    send_text(client, line);
}

/* Reads the next line: line `n`, whole, or if not, `end`. False: it was the end. */
static bool hears(struct stream *client, int n, const char *end)
{
    char *line = next_line(client), beginning[80];
    bool is_end = strcmp(line, end) == 0;

    (void)snprintf(beginning, sizeof beginning, "[%s] line %d .", ann_name, n);
    if (!is_end && strncmp(line, beginning, strlen(beginning)) != 0)
        ck_abort_msg("'%.80s' is not line %d", line, n);
    if (!is_end)
        ck_assert_uint_eq(strlen(line), strlen("[] ") + strlen(ann_name) + 999);
    free(line);
    return !is_end;
}

START_TEST(one_that_stops_reading_is_dropped_and_the_others_get_every_line)
{
    struct stream deaf = join();
    char left[100];
    int said = 0;

    expect_line(&ann, "Client joined %s", name_of(&deaf));
    expect_line(&bob, "Client joined %s", name_of(&deaf));
    (void)snprintf(left, sizeof left, "Client left %s (too slow)", name_of(&deaf));
    do {
        ck_assert_int_lt(said, 100000); /* or all of it is kept for him */
        stream_drain(&server.out);
        say(&ann, said);
    } while (hears(&bob, said++, left));
    ck_assert(hears(&bob, said - 1, ""));
    (void)skip_to_line(&ann, "%s", left);
    say(&ann, said);
    ck_assert(hears(&bob, said, ""));
    stream_close(&deaf);
}
END_TEST

START_TEST(more_in_one_turn_than_the_buffer_holds_costs_no_line)
{
    enum { TALKERS = 40, LINES = 100 }; /* of a byte each, which become twenty */
    struct stream talkers[TALKERS];
    static char lines[LINES * 8];
    int heard = 0;

    for (int i = 0; i < LINES; i++)
        memcpy(lines + i * 8, "a line.\n", 8);
    for (int i = 0; i < TALKERS; i++)
        talkers[i] = join();
    program_pause(&server);
    for (int i = 0; i < TALKERS; i++)
        send_bytes(&talkers[i], lines, sizeof lines);
    program_go_on(&server);
    while (heard < TALKERS * LINES) { /* 116 KB */
        char *line = next_line(&bob);

        if (strstr(line, "] a line.") != NULL)
            heard++;
        else
            ck_assert_msg(strncmp(line, "Client joined ", 14) == 0, "'%s'", line);
        free(line);
        stream_drain(&server.out);
    }
    for (int i = 0; i < TALKERS; i++)
        stream_close(&talkers[i]);
}
END_TEST

/* ---- Resets ------------------------------------------------------------------------- */

START_TEST(clients_that_reset_while_others_join_are_reported_and_the_room_goes_on)
{
    int joined = 0, left = 0;

    for (int i = 0; i < 300; i++) {
        struct stream reset = connect_to(server.port), joins = connect_to(server.port);

        if (i % 3 == 0)
            send_text(&reset, "hello\nhal");
        if (i % 3 == 1)
            expect_line(&reset, GREETING);
        stream_reset(&reset);
        expect_line(&joins, GREETING);
        stream_close(&joins);
        stream_drain(&server.out);
    }
    send_text(&bob, "still here\n");
    (void)skip_to_line(&ann, "[%s] still here", bob_name);
    do { /* as many leave as join, and among them those who joined to stay */
        char *line = next_line(&bob);

        joined += strncmp(line, "Client joined ", 14) == 0;
        left += strncmp(line, "Client left ", 12) == 0;
        free(line);
    } while (joined < 300 || left < joined);
}
END_TEST

/* ---- Too many ----------------------------------------------------------------------- */

static bool was_served(struct stream *client)
{
    char *line = next_line(client);
    bool served = strcmp(line, GREETING) == 0;

    if (!served) {
        ck_assert_str_eq(line, FULL);
        expect_end(client);
    }
    free(line);
    return served;
}

/* Fills the room, beside ann and bob. Returns how many found a place, all the first ones. */
static int crowd_in(struct stream *clients, int count)
{
    int served = 0;

    for (int i = 0; i < count; i++) {
        clients[i] = connect_to(server.port);
        stream_drain(&server.out);
    }
    while (served < count && was_served(&clients[served]))
        served++;
    for (int i = served + 1; i < count; i++)
        ck_assert(!was_served(&clients[i]));
    return served;
}

/* The crowd talks, and when one of them goes there is a place for the next. */
static void expect_a_working_room(struct stream *clients, int served)
{
    send_text(&clients[served - 1], "hello\n");
    (void)skip_to_line(&bob, "[%s] hello", name_of(&clients[served - 1]));
    (void)shutdown(clients[0].fd, SHUT_WR);
    (void)skip_to_line(&bob, "Client left %s", name_of(&clients[0]));
    stream_close(&clients[0]);
    clients[0] = connect_to(server.port);
    ck_assert(was_served(&clients[0]));
}

START_TEST(as_many_are_served_as_an_fd_set_holds_and_the_next_are_told)
{
    enum { CROWD = 1100 };
    static struct stream clients[CROWD];
    int served;

    need_descriptors(CROWD + 64);
    open_room();
    served = crowd_in(clients, CROWD);
    ck_assert_int_ge(served, FD_SETSIZE - 4 - 2 - 2); /* ann and bob; valgrind's log */
    ck_assert_int_lt(served, FD_SETSIZE);
    expect_a_working_room(clients, served);
    for (int i = 0; i < CROWD; i++)
        stream_close(&clients[i]);
    close_room();
}
END_TEST

START_TEST(when_descriptors_run_out_earlier_newcomers_are_told_and_nothing_spins)
{
    struct stream clients[60];
    int64_t before;
    int served;

    open_room_after("ulimit -n 20;");
    served = crowd_in(clients, 60);
    ck_assert_int_ge(served, 20 - 5 - 2);
    before = program_cpu_ns(&server);
    (void)poll(NULL, 0, 300);
    ck_assert_int_lt(program_cpu_ns(&server) - before, 100000000);
    expect_a_working_room(clients, served);
    for (int i = 0; i < 60; i++)
        stream_close(&clients[i]);
    close_room();
}
END_TEST

/* ---- Start -------------------------------------------------------------------------- */

START_TEST(the_port_can_be_used_again_at_once)
{
    struct program next;
    char port[16];

    (void)snprintf(port, sizeof port, "%d", server.port);
    program_start(&next, CHAT_SMALL, "-p", port, NULL); /* and not twice */
    ck_assert_int_eq(program_wait(&next), 1);
    ck_assert_ptr_nonnull(strstr(next_line(&next.err), "chat_small: cannot listen: "));
    close_room();
    program_start(&server, CHAT_SMALL, "-p", port, NULL);
    program_read_port(&server, "ChatServer started on port ");
    ck_assert_int_eq(server.port, atoi(port));
}
END_TEST

START_TEST(wrong_usage_is_status_2)
{
    expect_wrong_usage(CHAT_SMALL, "-x", NULL);
    expect_wrong_usage(CHAT_SMALL, "-p", "x");
    expect_wrong_usage(CHAT_SMALL, "-p", "-1");
    expect_wrong_usage(CHAT_SMALL, "-p", "65536");
    expect_wrong_usage(CHAT_SMALL, "operand", NULL);
}
END_TEST

int main(void)
{
    const TTest *const of_two[] = {
        row_1_a_session_of_two_is_held_to_the_byte,
        a_line_split_over_many_segments_arrives_whole,
        two_who_write_at_once_do_not_mix_their_lines,
        many_lines_in_one_segment_are_many_lines,
        cr_and_nul_are_left_out,
        a_long_line_goes_out_in_pieces_and_nothing_is_lost,
        what_was_said_last_without_a_line_end_is_passed_on,
        one_that_stops_reading_is_dropped_and_the_others_get_every_line,
        more_in_one_turn_than_the_buffer_holds_costs_no_line,
        clients_that_reset_while_others_join_are_reported_and_the_room_goes_on,
        the_port_can_be_used_again_at_once,
    };
    Suite *suite = suite_create("chat_small");
    TCase *two = tcase_create("two"), *limits = tcase_create("limits");
    TCase *usage = tcase_create("usage");

    tcase_set_tags(limits, "limits"); /* valgrind needs descriptors of its own */
    tcase_set_timeout(two, 120);
    tcase_set_timeout(limits, 120);
    tcase_add_checked_fixture(two, open_room, close_room);
    for (size_t i = 0; i < sizeof of_two / sizeof of_two[0]; i++)
        tcase_add_test(two, of_two[i]);
    tcase_add_test(limits, as_many_are_served_as_an_fd_set_holds_and_the_next_are_told);
    tcase_add_test(limits,
                   when_descriptors_run_out_earlier_newcomers_are_told_and_nothing_spins);
    tcase_add_test(usage, wrong_usage_is_status_2);
    suite_add_tcase(suite, two);
    suite_add_tcase(suite, limits);
    suite_add_tcase(suite, usage);
    return run_suite(suite);
}
