/* watch_cli, between servers that the test plays itself. */
#include "tests/harness.h"

#include "base/clock.h"
#include "net/line.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct tests tests, names, limits;

#define WATCH_CLI "bin/watch_cli"
#define SERVERS   3

/* The servers that are watched, and their connections. */
static struct mock servers[SERVERS];
static struct stream peers[SERVERS];
static struct program watch;

/* Plays `count` servers that one program watches, with -t `seconds`. */
static void watch_servers(int count, const char *seconds)
{
    for (int i = 0; i < count; i++)
        servers[i] = mock_open("127.0.0.1");
    watch = program_run(WATCH_CLI, "-t", seconds, servers[0].name,
                        count > 1 ? servers[1].name : NULL,
                        count > 2 ? servers[2].name : NULL, NULL);
    for (int i = 0; i < count; i++)
        peers[i] = mock_accept(&servers[i]);
}

static void expect_closed(const struct mock *server, struct stream *peer)
{
    stream_close(peer);
    expect_lf(&watch.out, "%s has closed.", server->name);
}

/* It prints nothing more, and ends with status 1. */
static void expect_status_1(void)
{
    expect_end(&watch.out);
    expect_status(&watch, 1);
}

/* The servers close, in the middle of a line or not, and that ends the watch. */
static void expect_all_closed(int count)
{
    for (int i = 0; i < count; i++)
        stream_close(&peers[i]);
    stream_fill_to_end(&watch.out);
    watch.out.length = 0;
    expect_success(&watch);
}

/* ---- What servers send -------------------------------------------------------------- */

TEST(tests, row_17_what_two_servers_send_is_printed_under_their_names)
{
    watch_servers(2, "60");
    send_text(&peers[1], "Hello World! \n");
    expect_lf(&watch.out, "%s: Hello World! ", servers[1].name);
    send_text(&peers[0], "first\r\n\nthird\n");
    expect_lf(&watch.out, "%s: first", servers[0].name);
    expect_lf(&watch.out, "%s: ", servers[0].name);
    expect_lf(&watch.out, "%s: third", servers[0].name);
    expect_closed(&servers[0], &peers[0]);
    send_text(&peers[1], "still here\n");
    expect_lf(&watch.out, "%s: still here", servers[1].name);
    expect_closed(&servers[1], &peers[1]);
    expect_success(&watch);
}

#define PIECES 600

TEST(tests, row_17_pieces_of_three_servers_never_mix_inside_a_line)
{
    char expected[SERVERS][64];
    int line[SERVERS] = {0}, seen[SERVERS] = {0}, printed = 0;
    size_t sent[SERVERS] = {0};

    watch_servers(SERVERS, "60");
    for (int piece = 0; piece < PIECES; piece++) {
        unsigned i = random_below(SERVERS);
        size_t left, length;

        snprintf(expected[i], sizeof expected[i], "line %d of server %u\n", line[i], i);
        left = strlen(expected[i]) - sent[i];
        length = 1 + random_below((unsigned)left);
        send_bytes(&peers[i], expected[i] + sent[i], length);
        sent[i] = length == left ? 0 : sent[i] + length;
        line[i] += length == left;
    }
    for (; printed < line[0] + line[1] + line[2]; printed++) {
        const char *text = take_line(&watch.out);
        unsigned i = 0;

        while (i < SERVERS &&
               strncmp(text, servers[i].name, strlen(servers[i].name)) != 0)
            i++;
        ck_assert_uint_lt(i, SERVERS);
        ck_assert_str_eq(
            text, formatted("%s: line %d of server %u", servers[i].name, seen[i]++, i));
    }
    expect_all_closed(SERVERS);
}

TEST(tests, text_without_a_line_end_is_printed_when_its_server_is_gone)
{
    watch_servers(2, "60");
    send_text(&peers[0], "login: ");
    stream_close(&peers[0]);
    expect_lf(&watch.out, "%s: login: ", servers[0].name);
    expect_lf(&watch.out, "%s has closed.", servers[0].name);
    send_text(&peers[1], "half a character \xe2\x82");
    stream_close(&peers[1]);
    expect_lf(&watch.out, "%s: half a character \xef\xbf\xbd", servers[1].name);
    expect_lf(&watch.out, "%s has closed.", servers[1].name);
    expect_success(&watch);
}

TEST(tests, control_characters_and_bytes_that_are_not_text_are_shown)
{
    static const char bytes[] = "\033[2J\a \xfe caf\xc3\xa9 \0 \xc2\x9b\n";

    watch_servers(1, "60");
    send_bytes(&peers[0], bytes, sizeof bytes - 1);
    expect_lf(&watch.out, "%s: ^[[2J^G \xef\xbf\xbd caf\xc3\xa9 ^@ M-^[",
              servers[0].name);
    expect_closed(&servers[0], &peers[0]);
    expect_success(&watch);
}

TEST(tests, telnets_commands_are_refused_and_not_shown)
{
    static const char bytes[] = "a\xff\xfb\x01"
                                "b\xff\xfd\x18"
                                "c\n";

    watch_servers(1, "60");
    send_bytes(&peers[0], bytes, sizeof bytes - 1);
    expect_lf(&watch.out, "%s: abc", servers[0].name);
    expect_text(&peers[0], "\xff\xfe\x01\xff\xfc\x18");
    expect_closed(&servers[0], &peers[0]);
    expect_success(&watch);
}

TEST(tests, a_line_without_end_comes_in_pieces_and_nothing_is_lost)
{
    const size_t size = 3000000;
    size_t seen = 0;

    watch_servers(1, "60");
    if (fork_helper() == 0) {
        send_repeated(&peers[0], repeated('x', 3000), size / 3000);
        _exit(0);
    }
    stream_close(&peers[0]);
    while (seen < size) {
        const char *text =
            expect_beginning(&watch.out, formatted("%s: ", servers[0].name));

        ck_assert(strlen(text) > 0 && strlen(text) <= LINE_MOST);
        ck_assert_uint_eq(strspn(text, "x"), strlen(text));
        seen += strlen(text);
    }
    ck_assert_uint_eq(seen, size);
    expect_lf(&watch.out, "%s has closed.", servers[0].name);
    expect_success(&watch);
}

TEST(tests, a_slow_reader_makes_the_servers_wait_and_loses_nothing)
{
    const int lines = 500000;

    watch_servers(2, "60");
    if (fork_helper() == 0) {
        for (int i = 0; i < lines; i++)
            send_line(&peers[0], "line %d", i);
        _exit(0);
    }
    /* Nobody reads until the output is full, and every buffer up to the server. */
    while (poll(&(struct pollfd){.fd = peers[0].fd, .events = POLLOUT}, 1, 0) == 1)
        sleep_ms(20);
    stream_close(&peers[0]);
    for (int i = 0; i < lines; i++)
        expect_lf(&watch.out, "%s: line %d", servers[0].name, i);
    expect_lf(&watch.out, "%s has closed.", servers[0].name);
    expect_closed(&servers[1], &peers[1]);
    expect_success(&watch);
}

/* ---- When they send nothing --------------------------------------------------------- */

TEST(tests, row_17_it_says_five_seconds_elapsed_when_nothing_came)
{
    struct mock silent = mock_open("127.0.0.1");
    int64_t before = clock_ms();
    struct stream peer;

    watch = program_run(WATCH_CLI, silent.name, NULL);
    peer = mock_accept(&silent);
    expect_lf(&watch.out, "Five seconds elapsed.");
    ck_assert_int_ge(clock_ms() - before, 5000);
    expect_closed(&silent, &peer);
    expect_success(&watch);
}

TEST(tests, the_seconds_are_in_words_up_to_twenty_and_in_digits_with_a_fraction)
{
    static const char *const said[][2] = {{"1", "One second elapsed."},
                                          {"2.0", "Two seconds elapsed."},
                                          {"0.29", "0.29 seconds elapsed."},
                                          {"1.5", "1.5 seconds elapsed."}};
    struct program watches[COUNT(said)];
    struct stream silent[COUNT(said)];

    for (size_t i = 0; i < COUNT(said);
         i++) { /* all at once, because they take seconds */
        struct mock mock = mock_open("127.0.0.1");

        watches[i] = program_run(WATCH_CLI, "-t", said[i][0], mock.name, NULL);
        silent[i] = mock_accept(&mock);
    }
    for (size_t i = 0; i < COUNT(said); i++) {
        expect_lf(&watches[i].out, "%s", said[i][1]);
        stream_close(&silent[i]);
        expect_status(&watches[i], 0);
    }
}

TEST(tests, text_without_a_line_end_is_shown_before_silence_is_reported)
{
    watch_servers(1, "0.3");
    send_text(&peers[0], "Are you there\xe2\x80");
    skip_to_line(&watch.out, "%s: Are you there", servers[0].name);
    expect_lf(&watch.out, "0.3 seconds elapsed.");
    send_text(&peers[0], "\x94or not?\n");
    skip_to_line(&watch.out, "%s: \xe2\x80\x94or not?", servers[0].name);
    stream_close(&peers[0]);
    skip_to_line(&watch.out, "%s has closed.", servers[0].name);
    expect_success(&watch);
}

TEST(tests, a_line_that_drips_is_shown_as_it_comes)
{
    const char *shown;

    watch_servers(1, "0.3");
    do
        send_text(&peers[0], ".");
    while (!stream_ready(&watch.out, 50));
    /* On a slow machine time may elapse first. */
    shown = skip_to_beginning(&watch.out, formatted("%s: ", servers[0].name));
    ck_assert_uint_gt(strlen(shown), 0);
    ck_assert_uint_eq(strspn(shown, "."), strlen(shown));
    stream_close(&peers[0]);
    skip_to_line(&watch.out, "%s has closed.", servers[0].name);
    expect_success(&watch);
}

TEST(tests, waiting_costs_no_processor_time)
{
    watch_servers(2, "60");
    send_text(&peers[0], "ready\n");
    expect_lf(&watch.out, "%s: ready", servers[0].name);
    expect_rest(&watch, 300);
    expect_all_closed(2);
}

/* ---- When something fails ----------------------------------------------------------- */

TEST(tests, a_host_that_refuses_is_reported_and_the_others_are_watched)
{
    const char *nobody = formatted("127.0.0.1:%d", unused_port());

    if (lacks("IPv6"))
        return;
    servers[0] = mock_open("127.0.0.1");
    servers[1] = mock_open("::1");
    watch = program_run(WATCH_CLI, nobody, servers[0].name, servers[1].name, NULL);
    expect_lf(&watch.err, "watch_cli: cannot connect to %s: %s", nobody,
              strerror(ECONNREFUSED));
    for (int i = 0; i < 2; i++)
        peers[i] = mock_accept(&servers[i]);
    send_text(&peers[1], "six\n");
    expect_lf(&watch.out, "%s: six", servers[1].name);
    expect_closed(&servers[1], &peers[1]);
    send_text(&peers[0], "four\n");
    expect_lf(&watch.out, "%s: four", servers[0].name);
    expect_closed(&servers[0], &peers[0]);
    expect_status_1();
}

TEST(tests, a_host_that_does_not_answer_keeps_none_of_the_others_waiting)
{
    struct mock deaf = mock_open("127.0.0.1"), there = mock_open("127.0.0.1");
    struct stream peer;

    mock_fill_queue(&deaf);
    watch = program_run(WATCH_CLI, "-t", "60", deaf.name, there.name, NULL);
    peer = mock_accept(&there);
    send_text(&peer, "meanwhile\n");
    expect_lf(&watch.out, "%s: meanwhile", there.name);
    ck_assert(!stream_ready(&watch.err, 0));
    expect_closed(&there, &peer);
    mock_close(&deaf); /* at the next attempt it is refused, or the watch gives up */
    expect_beginning(&watch.err,
                     formatted("watch_cli: cannot connect to %s: ", deaf.name));
    expect_status_1();
}

TEST(names, names_are_looked_up_and_a_name_without_an_address_is_reported)
{
    struct mock there = mock_open("127.0.0.1");
    const char *name = formatted("localhost:%d", there.port);
    struct stream peer;

    /* A label has 63 letters at most. */
    watch = program_run(WATCH_CLI, formatted("%s:1", repeated('x', 200)), name, NULL);
    peer = mock_accept(&there);
    send_text(&peer, "found\n");
    expect_lf(&watch.out, "%s: found", name);
    stream_close(&peer);
    expect_lf(&watch.out, "%s has closed.", name);
    expect_beginning(&watch.err, "watch_cli: cannot connect to xxx");
    expect_status_1();
}

TEST(tests, a_server_that_resets_is_told_after_what_it_sent)
{
    watch_servers(2, "60");
    send_text(&peers[0], "whole\nin the mid");
    expect_lf(&watch.out, "%s: whole", servers[0].name);
    stream_reset(&peers[0]);
    expect_lf(&watch.out, "%s: in the mid", servers[0].name);
    expect_lf(&watch.err, "watch_cli: lost the connection to %s: %s", servers[0].name,
              strerror(ECONNRESET));
    send_text(&peers[1], "still here\n");
    expect_lf(&watch.out, "%s: still here", servers[1].name);
    expect_closed(&servers[1], &peers[1]);
    expect_status_1();
}

TEST(tests, it_says_so_when_its_output_cannot_be_written)
{
    struct mock server = mock_open("127.0.0.1");
    struct stream peer;

    watch = program_run_by("exec \"$@\" >/dev/full", WATCH_CLI, "-t", "0.1", server.name,
                           NULL);
    peer = mock_accept(&server);
    expect_failure(&watch, "watch_cli: cannot write to standard output: %s",
                   strerror(ENOSPC));
    stream_close(&peer);
    /* A reader that has had enough ends it too, but that is nothing to complain of. */
    watch = program_run_by("{ \"$@\"; echo $? >&2; } | :", WATCH_CLI, "-t", "0.1",
                           server.name, NULL);
    peer = mock_accept(&server);
    expect_lf(&watch.err, "1");
    expect_success(&watch);
}

TEST(limits, too_many_servers_are_refused_at_once)
{
    watch =
        program_run_by("exec \"$@\" $(yes 127.0.0.1:1 | head -n 1022)", WATCH_CLI, NULL);
    expect_lf(&watch.err, "watch_cli: at most 1021 servers can be watched");
    expect_status(&watch, 2);
}

TEST(tests, wrong_usage_is_status_2)
{
    static const char *const operands[] = {
        "localhost", "localhost:", "localhost:0", "localhost:echo", ":2626",
        "::1",       "::1:2626",   "[::1]",       "[::1",           "[]:2626"};

    for (size_t i = 0; i < COUNT(operands); i++)
        expect_usage_error(WATCH_CLI, operands[i], NULL);
    expect_usage_error(WATCH_CLI, NULL);
    expect_usage_error(WATCH_CLI, "-t0", "localhost:1", NULL);
    expect_usage_error(WATCH_CLI, "-t-1", "localhost:1", NULL);
}

/* ---- A real server ------------------------------------------------------------------ */

TEST(tests, row_17_nc_is_watched)
{
    struct program nc;
    const char *listening, *name;

    if (lacks("nc"))
        return;
    nc = program_run_by("printf 'Hello from nc\\n' | exec \"$@\"", "nc", "-lvnN",
                        "127.0.0.1", "0", NULL);
    listening = take_line(&nc.err); /* Listening on 127.0.0.1 36907 */
    name = formatted("127.0.0.1:%d", atoi(strrchr(listening, ' ') + 1));
    watch = program_run(WATCH_CLI, name, NULL);
    expect_lf(&watch.out, "%s: Hello from nc", name);
    expect_lf(&watch.out, "%s has closed.", name);
    expect_success(&watch);
    expect_status(&nc, 0);
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "watch", .tests = &tests},
        {.name = "names", .tests = &names, .tags = "resolver"},
        {.name = "limits", .tests = &limits, .tags = "limits"},
    };

    return run_cases("watching servers", cases, COUNT(cases));
}
