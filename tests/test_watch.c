/*
 * watch_cli as a black box, between servers that the test plays itself. WATCH_CLI names
 * another program in place of bin/watch_cli.
 */
#include "tests/harness.h"

#include "base/clock.h"
#include "net/line.h"
#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVERS 3

/* A server that the test plays: where it listens, what it is called, and its connection. */
struct played {
    int listener;
    char name[64];
    struct stream peer;
};

static struct played servers[SERVERS];
static struct program watch;

static struct played play(const char *host)
{
    const char *why = "";
    struct played played = {.listener = listener_open(host, 0, SOCK_STREAM, &why)};

    ck_assert_msg(played.listener != -1, "%s", why);
    snprintf(played.name, sizeof played.name, strchr(host, ':') ? "[%s]:%d" : "%s:%d",
             host, listener_port(played.listener));
    return played;
}

static void take_in(struct played *played)
{
    struct pollfd ready = {played->listener, POLLIN, 0};

    ck_assert_int_eq(poll(&ready, 1, DEADLINE_MS), 1);
    played->peer = stream_of(accept(played->listener, NULL, NULL));
    ck_assert_int_ne(played->peer.fd, -1);
}

/* Plays `count` servers and has one program watch them, with -t `seconds`. */
static void watch_servers(int count, const char *seconds)
{
    for (int i = 0; i < count; i++)
        servers[i] = play("127.0.0.1");
    watch = program_run("bin/watch_cli", "-t", seconds, servers[0].name,
                        count > 1 ? servers[1].name : NULL,
                        count > 2 ? servers[2].name : NULL, NULL);
    for (int i = 0; i < count; i++)
        take_in(&servers[i]);
}

/* ::1, or 127.0.0.1 again on a machine without IPv6. */
static const char *v6_loopback(void)
{
    const char *why;
    int listener = listener_open("::1", 0, SOCK_STREAM, &why);

    close(listener);
    return listener != -1 ? "::1" : "127.0.0.1";
}

/* A name at which nobody listens: its port was free a moment ago. */
static const char *nobody(void)
{
    static struct played gone;

    gone = play("127.0.0.1");
    close(gone.listener);
    return gone.name;
}

static void expect_closed(struct played *played)
{
    stream_close(&played->peer);
    expect_lf(&watch.out, "%s has closed.", played->name);
}

static void expect_status(int status)
{
    expect_end(&watch.out);
    expect_status(&watch, status);
    if (status == 0)
        expect_end(&watch.err);
}

/* The servers close, whatever they have sent of a line, and that is the watch's end. */
static void expect_all_closed(int count)
{
    for (int i = 0; i < count; i++)
        stream_close(&servers[i].peer);
    stream_fill_to_end(&watch.out);
    watch.out.length = 0;
    expect_status(0);
}

/* ---- What servers send -------------------------------------------------------------- */

START_TEST(row_17_what_two_servers_send_is_printed_under_their_names)
{
    watch_servers(2, "60");
    send_text(&servers[1].peer, "Hello World! \n");
    expect_lf(&watch.out, "%s: Hello World! ", servers[1].name);
    send_text(&servers[0].peer, "first\r\n\nthird\n");
    expect_lf(&watch.out, "%s: first", servers[0].name);
    expect_lf(&watch.out, "%s: ", servers[0].name);
    expect_lf(&watch.out, "%s: third", servers[0].name);
    expect_closed(&servers[0]);
    send_text(&servers[1].peer, "still here\n");
    expect_lf(&watch.out, "%s: still here", servers[1].name);
    expect_closed(&servers[1]);
    expect_status(0);
}
END_TEST

#define PIECES 600

START_TEST(row_17_pieces_of_three_servers_never_mix_inside_a_line)
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
        send_bytes(&servers[i].peer, expected[i] + sent[i], length);
        sent[i] = length == left ? 0 : sent[i] + length;
        line[i] += length == left;
    }
    for (; printed < line[0] + line[1] + line[2]; printed++) {
        char *text = next_line(&watch.out), whole[128];
        unsigned i = 0;

        while (i < SERVERS &&
               strncmp(text, servers[i].name, strlen(servers[i].name)) != 0)
            i++;
        ck_assert_uint_lt(i, SERVERS);
        snprintf(whole, sizeof whole, "%s: line %d of server %u", servers[i].name,
                 seen[i]++, i);
        ck_assert_str_eq(text, whole);
        free(text);
    }
    expect_all_closed(SERVERS);
}
END_TEST

START_TEST(what_has_no_line_end_is_printed_when_its_server_is_gone)
{
    watch_servers(2, "60");
    send_text(&servers[0].peer, "login: ");
    stream_close(&servers[0].peer);
    expect_lf(&watch.out, "%s: login: ", servers[0].name);
    expect_lf(&watch.out, "%s has closed.", servers[0].name);
    send_text(&servers[1].peer, "half a character \xe2\x82");
    stream_close(&servers[1].peer);
    expect_lf(&watch.out, "%s: half a character \xef\xbf\xbd", servers[1].name);
    expect_lf(&watch.out, "%s has closed.", servers[1].name);
    expect_status(0);
}
END_TEST

START_TEST(control_characters_and_bytes_that_are_no_text_are_shown)
{
    static const char bytes[] = "\033[2J\a \xfe caf\xc3\xa9 \0 \xc2\x9b\n";

    watch_servers(1, "60");
    send_bytes(&servers[0].peer, bytes, sizeof bytes - 1);
    expect_lf(&watch.out, "%s: ^[[2J^G \xef\xbf\xbd caf\xc3\xa9 ^@ M-^[",
              servers[0].name);
    expect_closed(&servers[0]);
    expect_status(0);
}
END_TEST

START_TEST(a_line_without_end_comes_in_pieces_and_nothing_is_lost)
{
    const size_t size = 3000000;
    char *bytes = malloc(size);
    size_t seen = 0, head;

    ck_assert_ptr_nonnull(bytes);
    memset(bytes, 'x', size);
    watch_servers(1, "60");
    head = strlen(servers[0].name) + 2;
    if (fork_helper() == 0) {
        send_bytes(&servers[0].peer, bytes, size);
        _exit(0);
    }
    stream_close(&servers[0].peer);
    while (seen < size) {
        char *text = next_line(&watch.out);

        ck_assert_uint_gt(strlen(text), head);
        ck_assert_uint_le(strlen(text), head + LINE_MOST);
        ck_assert_uint_eq(strspn(text + head, "x"), strlen(text) - head);
        seen += strlen(text) - head;
        free(text);
    }
    ck_assert_uint_eq(seen, size);
    expect_lf(&watch.out, "%s has closed.", servers[0].name);
    expect_status(0);
    free(bytes);
}
END_TEST

START_TEST(a_reader_that_is_slow_has_the_servers_wait_and_loses_nothing)
{
    const int lines = 500000;
    int64_t deadline = clock_ms() + DEADLINE_MS;
    struct pollfd full;

    watch_servers(2, "60");
    if (fork_helper() == 0) {
        for (int i = 0; i < lines; i++) {
            char line[32];

            snprintf(line, sizeof line, "line %d\n", i);
            send_text(&servers[0].peer, line);
        }
        _exit(0);
    }
    /* Nobody reads until nothing can be sent: the output is full, and all behind it. */
    full = (struct pollfd){servers[0].peer.fd, POLLOUT, 0};
    while (poll(&full, 1, 0) == 1 && clock_ms() < deadline)
        sleep_ms(20);
    ck_assert_int_lt(clock_ms(), deadline);
    stream_close(&servers[0].peer);
    for (int i = 0; i < lines; i++)
        expect_lf(&watch.out, "%s: line %d", servers[0].name, i);
    expect_lf(&watch.out, "%s has closed.", servers[0].name);
    expect_closed(&servers[1]);
    expect_status(0);
}
END_TEST

/* ---- And when they send nothing ----------------------------------------------------- */

START_TEST(row_17_five_seconds_elapsed_is_said_when_nothing_came)
{
    struct played silent = play("127.0.0.1");
    int64_t before = clock_ms();

    watch = program_run("bin/watch_cli", silent.name, NULL);
    take_in(&silent);
    expect_lf(&watch.out, "Five seconds elapsed.");
    ck_assert_int_ge(clock_ms() - before, 5000);
    expect_closed(&silent);
    expect_status(0);
}
END_TEST

START_TEST(the_seconds_are_said_in_words_up_to_twenty_and_in_digits_with_a_fraction)
{
    static const char *const said[][2] = {{"1", "One second elapsed."},
                                          {"2.0", "Two seconds elapsed."},
                                          {"0.29", "0.29 seconds elapsed."},
                                          {"1.5", "1.5 seconds elapsed."}};
    struct program watches[4];
    struct played silent[4];

    for (int i = 0; i < 4; i++) {
        silent[i] = play("127.0.0.1");
        watches[i] = program_run("bin/watch_cli", "-t", said[i][0], silent[i].name, NULL);
        take_in(&silent[i]);
    }
    for (int i = 0; i < 4; i++) {
        expect_lf(&watches[i].out, "%s", said[i][1]);
        stream_close(&silent[i].peer);
        expect_status(&watches[i], 0);
    }
}
END_TEST

START_TEST(what_stands_without_a_line_end_is_shown_before_it_is_said_that_nothing_came)
{
    watch_servers(1, "0.3");
    send_text(&servers[0].peer, "Are you there\xe2\x80");
    skip_to_line(&watch.out, "%s: Are you there", servers[0].name);
    expect_lf(&watch.out, "0.3 seconds elapsed.");
    send_text(&servers[0].peer, "\x94or not?\n");
    skip_to_line(&watch.out, "%s: \xe2\x80\x94or not?", servers[0].name);
    stream_close(&servers[0].peer);
    skip_to_line(&watch.out, "%s has closed.", servers[0].name);
    expect_status(0);
}
END_TEST

START_TEST(a_line_that_drips_is_shown_as_it_comes)
{
    char *shown;

    watch_servers(1, "0.3");
    do
        send_text(&servers[0].peer, ".");
    while (!stream_ready(&watch.out, 50));
    do /* or time passes on a slow machine */
        shown = next_line(&watch.out);
    while (strstr(shown, "elapsed") != NULL);
    ck_assert_ptr_eq(strstr(shown, servers[0].name), shown);
    ck_assert_str_eq(shown + strlen(servers[0].name) +
                         strspn(shown + strlen(servers[0].name), ":. "),
                     "");
    free(shown);
    stream_close(&servers[0].peer);
    skip_to_line(&watch.out, "%s has closed.", servers[0].name);
    expect_status(0);
}
END_TEST

START_TEST(waiting_costs_no_processor_time)
{
    int64_t before;

    watch_servers(2, "60");
    send_text(&servers[0].peer, "ready\n");
    expect_lf(&watch.out, "%s: ready", servers[0].name);
    before = program_cpu_ns(&watch);
    sleep_ms(300);
    ck_assert_int_lt(program_cpu_ns(&watch) - before, 100000000);
    expect_all_closed(2);
}
END_TEST

/* ---- When something fails ----------------------------------------------------------- */

START_TEST(a_host_that_refuses_is_told_and_the_others_are_watched)
{
    struct played there = play("127.0.0.1"), over_v6 = play(v6_loopback());
    const char *none = nobody();

    watch = program_run("bin/watch_cli", none, there.name, over_v6.name, NULL);
    expect_lf(&watch.err, "watch_cli: cannot connect to %s: %s", none,
              strerror(ECONNREFUSED));
    take_in(&there);
    take_in(&over_v6);
    send_text(&over_v6.peer, "six\n");
    expect_lf(&watch.out, "%s: six", over_v6.name);
    expect_closed(&over_v6);
    send_text(&there.peer, "four\n");
    expect_lf(&watch.out, "%s: four", there.name);
    expect_closed(&there);
    expect_status(1);
}
END_TEST

/* Connects until the listener's queue is full, and the next one gets no answer. */
static void fill_queue(struct played *played)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    int ready = 1;

    ck_assert_int_eq(listen(played->listener, 0), 0);
    to.sin_port = htons((uint16_t)listener_port(played->listener));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < 100 && ready == 1; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
        (void)connect(fd, (struct sockaddr *)&to, sizeof to); /* poll() tells */
        ready = poll(&(struct pollfd){fd, POLLOUT, 0}, 1, 200);
    }
    ck_assert_int_eq(ready, 0);
}

START_TEST(a_host_that_does_not_answer_keeps_none_of_the_others_waiting)
{
    struct played deaf = play("127.0.0.1"), there = play("127.0.0.1");
    char expected[128], *line;

    fill_queue(&deaf);
    watch = program_run("bin/watch_cli", "-t", "60", deaf.name, there.name, NULL);
    take_in(&there);
    send_text(&there.peer, "meanwhile\n");
    expect_lf(&watch.out, "%s: meanwhile", there.name);
    ck_assert_uint_eq(watch.err.length, 0);
    expect_closed(&there);
    close(deaf.listener); /* at its next attempt it is refused, or it gives up */
    line = next_line(&watch.err);
    snprintf(expected, sizeof expected, "watch_cli: cannot connect to %s: ", deaf.name);
    ck_assert_int_eq(strncmp(line, expected, strlen(expected)), 0);
    free(line);
    expect_status(1);
}
END_TEST

START_TEST(names_are_looked_up_and_one_that_has_no_address_is_told)
{
    struct played there = play("127.0.0.1");
    char name[64], no_host[300];

    snprintf(name, sizeof name, "localhost:%d", listener_port(there.listener));
    memset(no_host, 'x', 200); /* a label has 63 letters at the most */
    strcpy(no_host + 200, ":1");
    watch = program_run("bin/watch_cli", no_host, name, NULL);
    take_in(&there);
    send_text(&there.peer, "found\n");
    expect_lf(&watch.out, "%s: found", name);
    stream_close(&there.peer);
    expect_lf(&watch.out, "%s has closed.", name);
    expect_status(1);
    ck_assert_int_eq(strncmp(watch.err.bytes, "watch_cli: cannot connect to xxx", 32), 0);
}
END_TEST

START_TEST(a_server_that_resets_is_told_after_what_it_sent)
{
    watch_servers(2, "60");
    send_text(&servers[0].peer, "whole\nin the mid");
    expect_lf(&watch.out, "%s: whole", servers[0].name);
    stream_reset(&servers[0].peer);
    expect_lf(&watch.out, "%s: in the mid", servers[0].name);
    expect_lf(&watch.err, "watch_cli: lost the connection to %s: %s", servers[0].name,
              strerror(ECONNRESET));
    send_text(&servers[1].peer, "still here\n");
    expect_lf(&watch.out, "%s: still here", servers[1].name);
    expect_closed(&servers[1]);
    expect_status(1);
}
END_TEST

START_TEST(it_says_that_nobody_takes_its_output)
{
    static const char *const scripts[] = {"exec \"$@\" >/dev/full", "\"$@\" | :; exit 0"};

    for (int i = 0; i < 2; i++) {
        struct played server = play("127.0.0.1");

        watch =
            program_run_by(scripts[i], "bin/watch_cli", "-t", "0.1", server.name, NULL);
        take_in(&server);
        expect_lf(&watch.err, "watch_cli: cannot write to standard output: %s",
                  strerror(i == 0 ? ENOSPC : EPIPE));
        expect_status(&watch, i == 0);
        stream_close(&server.peer);
    }
}
END_TEST

START_TEST(more_servers_than_descriptors_are_told_at_once)
{
    watch = program_run_by("ulimit -n 20; exec \"$@\" $(yes 127.0.0.1:1 | head -n 18)",
                           "bin/watch_cli", NULL);
    expect_lf(&watch.err,
              "watch_cli: 18 servers are more than the 17 that can be watched");
    expect_status(&watch, 2);
    watch = program_run_by("exec \"$@\" $(yes 127.0.0.1:1 | head -n 1022)",
                           "bin/watch_cli", NULL);
    expect_status(&watch, 2);
}
END_TEST

START_TEST(wrong_usage_is_status_2)
{
    static const char *const operands[] = {
        "localhost", "localhost:", "localhost:0", "localhost:echo", ":2626",
        "::1",       "::1:2626",   "[::1]",       "[::1",           "[]:2626"};

    for (size_t i = 0; i < COUNT(operands); i++)
        expect_usage_error("bin/watch_cli", operands[i], NULL);
    expect_usage_error("bin/watch_cli", NULL);
    expect_usage_error("bin/watch_cli", "-t0", "localhost:1", NULL);
    expect_usage_error("bin/watch_cli", "-t-1", "localhost:1", NULL);
}
END_TEST

/* ---- A real server ------------------------------------------------------------------ */

START_TEST(row_17_nc_is_watched)
{
    struct program nc;
    char name[64], *line;

    nc = program_run_by("printf 'Hello from nc\\n' | exec nc -lvnN 127.0.0.1 0", "nc",
                        NULL);
    line = next_line(&nc.err); /* Listening on 127.0.0.1 36907 */
    snprintf(name, sizeof name, "127.0.0.1:%d", atoi(strrchr(line, ' ') + 1));
    watch = program_run("bin/watch_cli", name, NULL);
    expect_lf(&watch.out, "%s: Hello from nc", name);
    expect_lf(&watch.out, "%s has closed.", name);
    expect_status(0);
    expect_status(&nc, 0);
    free(line);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        row_17_what_two_servers_send_is_printed_under_their_names,
        row_17_pieces_of_three_servers_never_mix_inside_a_line,
        what_has_no_line_end_is_printed_when_its_server_is_gone,
        control_characters_and_bytes_that_are_no_text_are_shown,
        a_line_without_end_comes_in_pieces_and_nothing_is_lost,
        a_reader_that_is_slow_has_the_servers_wait_and_loses_nothing,
        row_17_five_seconds_elapsed_is_said_when_nothing_came,
        the_seconds_are_said_in_words_up_to_twenty_and_in_digits_with_a_fraction,
        what_stands_without_a_line_end_is_shown_before_it_is_said_that_nothing_came,
        a_line_that_drips_is_shown_as_it_comes,
        waiting_costs_no_processor_time,
        a_host_that_refuses_is_told_and_the_others_are_watched,
        a_host_that_does_not_answer_keeps_none_of_the_others_waiting,
        a_server_that_resets_is_told_after_what_it_sent,
        it_says_that_nobody_takes_its_output,
        wrong_usage_is_status_2,
        row_17_nc_is_watched,
    };
    Suite *suite = suite_create("watching servers");
    TCase *tcase = tcase_create("watch"), *limits = tcase_create("limits");
    TCase *name = tcase_create("name");

    tcase_set_timeout(tcase, 120);
    for (size_t i = 0; i < COUNT(tests); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    /* What a resolver keeps until its process ends is its own: CK_EXCLUDE_TAGS=resolver */
    tcase_set_tags(name, "resolver");
    tcase_add_test(name, names_are_looked_up_and_one_that_has_no_address_is_told);
    suite_add_tcase(suite, name);
    /* valgrind itself does not run within such limits: CK_EXCLUDE_TAGS=limits */
    tcase_set_tags(limits, "limits");
    tcase_add_test(limits, more_servers_than_descriptors_are_told_at_once);
    suite_add_tcase(suite, limits);
    return run_suite(suite);
}
