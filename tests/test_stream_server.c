/*
 * The loop of loop/stream_server.h. Its handlers are those of tests/loop_srv.c, which do
 * what the words on its command line say, and log each call.
 */
#include "tests/server.h"

#include "base/clock.h"
#include "net/address.h"
#include "net/line.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static struct tests tests, of_each_caller, limits;

#define LOOP_SRV    "build/loop_srv"
#define FIRST_LINE  "loop_srv started on port "
#define INPUT_BYTES 16384 /* STREAM_INPUT_BYTES */
#define NAMES_MOST  200

/* What the server pours: 0, 1, 2 ... 250, and again. */
#define PERIOD 251
static char poured[PERIOD];

/* ---- The server --------------------------------------------------------------------- */

static void make_pattern(void)
{
    for (int i = 0; i < PERIOD; i++)
        poured[i] = (char)i;
}

/* Starts it with these options and words, after what the shell must do first. */
static void serve_after(const char *first, const char *words)
{
    server = program_serve_by(formatted("%s exec \"$@\" %s", first, words), LOOP_SRV,
                              FIRST_LINE, NULL);
}

static void serve(const char *words)
{
    serve_after("", words);
}

/* It ends, and the test has looked at all that it has logged. */
static void stop_server(void)
{
    program_kill(&server, SIGTERM);
    expect_success(&server);
}

/* The next line of its log. */
#define expect_log(...) expect_lf(&server.out, __VA_ARGS__)

/* Connects, and waits until the server has logged that. Its name is then in *name. */
static struct stream join_as(const char **name)
{
    struct stream stream = connect_to(server.port);

    *name = name_of(&stream);
    expect_log("opened %s", *name);
    return stream;
}

/* The client of most tests, and its name. */
static struct stream client;
static const char *name;

static void join(void)
{
    client = join_as(&name);
}

/* Closes, which the server must log next. */
static void leave(void)
{
    stream_close(&client);
    expect_log("closed %s 0", name);
}

/* How many descriptors the server has open, or -1 if that is unknown (without Linux). */
static int count_descriptors(void)
{
    DIR *open = opendir(formatted("/proc/%d/fd", (int)server.pid));
    int count = 0;

    if (open == NULL)
        return -1;
    while (readdir(open) != NULL)
        count++;
    closedir(open);
    return count - 2; /* . and .. */
}

/*
 * Reads the log until `wanted` streams have been closed, or to its end. Each must have
 * been opened, and closed once. Returns how many were closed with error 0.
 */
static int tally_log(int wanted)
{
    static char names[NAMES_MOST][ADDRESS_MOST];
    int opened = 0, closed = 0, well = 0;

    while (closed < wanted && (server.out.length > 0 || stream_fill(&server.out))) {
        const char *line = take_line(&server.out);
        char one[ADDRESS_MOST];
        int error, i;

        if (sscanf(line, "opened %63s", one) == 1) {
            ck_assert_int_lt(opened, NAMES_MOST);
            strcpy(names[opened++], one);
        } else if (sscanf(line, "closed %63s %d", one, &error) == 2) {
            for (i = 0; i < opened && strcmp(names[i], one) != 0; i++)
                continue;
            if (i == opened)
                ck_abort_msg("'%s', but it is not open", line);
            names[i][0] = '\0';
            closed++;
            well += error == 0;
        } else if (strncmp(line, "something", 9) == 0) {
            ck_abort_msg("%s", line);
        }
    }
    for (int i = 0; wanted == NAMES_MOST && i < opened; i++)
        ck_assert_str_eq(names[i], "");
    return well;
}

/* The next bytes are the first that the server pours. */
static void expect_poured(struct stream *stream, size_t length)
{
    expect_pattern(stream, poured, PERIOD, 0, length);
}

static void say(struct stream *stream, const char *line)
{
    send_line(stream, "%s", line);
    expect_line(stream, "%s", line);
}

/* ---- Handlers ----------------------------------------------------------------------- */

TEST(tests, the_handlers_of_a_session_come_in_their_order)
{
    serve("opened=print line=print,obey drained timed_out=print,close");
    join();
    expect_line(&client, "opened");
    expect_log("drained %s", name);
    send_text(&client, "one\n!expire:50\ntw");
    expect_log("line %s one", name);
    expect_log("line %s !expire:50", name);
    expect_log("drained %s", name);
    expect_log("timed_out %s", name);
    expect_line(&client, "one");
    expect_line(&client, "!expire:50");
    expect_line(&client, "timed_out");
    expect_end(&client);
    leave();
    stop_server();
}

/* Ways to call a handler that then does one more word. The client says "hello". */
static const char *const callers[] = {
    "opened=print,%s",
    "line=print,%s",
    "received=echo,%s",
    "line=print drained=%s",
    "line=expire:20 timed_out=print,%s",
    "started=watch:-1 line=ring watched=empty,print,%s",
    "line=close closed=%s",
};
enum { CALLERS = COUNT(callers) };

static void serve_caller(int caller, const char *word)
{
    char words[256];

    snprintf(words, sizeof words, callers[caller], word);
    serve(words);
}

TEST(of_each_caller, it_can_be_stopped_in_every_handler)
{
    struct stream others[6];
    int count = _i == 0 ? 0 : 6; /* if it stops in `opened`, no other can come */

    serve_caller(_i, "stop");
    for (int i = 0; i < count / 2; i++)
        others[i] = connect_to(server.port);
    client = connect_to(server.port);
    for (int i = count / 2; i < count; i++)
        others[i] = connect_to(server.port);
    for (int i = 0; i <= count; i++)
        skip_to_beginning(&server.out, "opened ");
    if (_i > 0)
        send_text(&client, "hello\n");
    stream_fill_to_end(&client);
    if (_i < CALLERS - 1)
        ck_assert_uint_gt(client.length, 0);
    stream_close(&client);
    for (int i = 0; i < count; i++) {
        stream_fill_to_end(&others[i]);
        stream_close(&others[i]);
    }
    for (int closed = 0; closed <= count; closed++)
        ck_assert_ptr_nonnull(strstr(skip_to_beginning(&server.out, "closed "), " 0"));
    while (server.out.length > 0 || stream_fill(&server.out))
        ck_assert_int_ne(strncmp(take_line(&server.out), "closed", 6), 0);
    expect_success(&server);
}

TEST(tests, stopped_at_the_start_it_ends)
{
    serve("started=stop");
    expect_success(&server);
}

TEST(of_each_caller, a_client_can_be_closed_in_every_handler_and_no_other_is_called_then)
{
    serve_caller(_i, "close");
    join();
    if (_i > 0)
        send_text(&client, "hello\n");
    stream_fill_to_end(&client);
    if (_i < CALLERS - 1)
        ck_assert_uint_gt(client.length, 0);
    send_text(&client, "more\n");
    stream_close(&client);
    for (int inputs = 0;;) {
        const char *line = take_line(&server.out);

        inputs += strncmp(line, "line", 4) == 0 || strncmp(line, "received", 8) == 0;
        ck_assert_int_lt(inputs, 2);
        if (strncmp(line, "closed", 6) == 0) {
            ck_assert_str_eq(line, formatted("closed %s 0", name));
            break;
        }
    }
    stop_server();
}

TEST(tests, when_stopped_it_closes_each_client_once_in_any_state)
{
    struct stream clients[5];

    serve("-s 10 line=print,obey");
    for (int i = 0; i < 5; i++)
        clients[i] = connect_to(server.port);
    say(&clients[0], "!close"); /* it lingers */
    say(&clients[1], "!hold");
    say(&clients[2], "half a line follows");
    send_text(&clients[2], "half");
    send_text(&clients[3], "!pour:60000\n");
    say(&clients[4], "!stop");
    ck_assert_int_ge(tally_log(NAMES_MOST), 4);
    expect_success(&server);
}

/* ---- Time --------------------------------------------------------------------------- */

TEST(tests, a_watcher_that_times_out_is_called_once)
{
    serve("started=watch:50 watched");
    expect_log("watched 0");
    expect_rest(&server, 300);
    join();
    leave();
    stop_server();
}

TEST(tests, a_watcher_is_told_what_its_descriptor_is_ready_for)
{
    serve("started=watch:50,watch:-1 watched=empty line=ring,obey");
    join();
    for (int i = 0; i < 3; i++) {
        sleep_ms(40); /* past the time of the first watch, which the second replaced */
        send_text(&client, "x\n");
        expect_log("line %s x", name);
        expect_log("watched 1");
    }
    send_text(&client, "!unwatch\n");
    expect_log("line %s !unwatch", name);
    expect_rest(&server, 50);
    leave();
    stop_server();

    serve("started=watch-write:-1 watched=unwatch");
    expect_log("watched 2");
    join();
    leave();
    stop_server();
}

TEST(tests, without_a_byte_for_its_time_a_client_is_closed)
{
    serve("-i 100");
    join();
    expect_end(&client);
    expect_log("closed %s %d", name, ETIMEDOUT);
    stop_server();
}

TEST(tests, what_a_client_is_sent_is_a_sign_of_life)
{
    serve("-i 300 started=watch:50 watched=print,watch:50");
    client = connect_to(server.port);
    for (int i = 0; i < 14; i++)
        expect_line(&client, "watched");
}

TEST(tests, a_client_that_does_not_close_its_end_is_closed_after_two_seconds)
{
    int64_t before = clock_ms();
    const char *deaf_name;
    struct stream deaf;

    serve("-s 2 opened=print,close");
    deaf = join_as(&deaf_name);
    join();
    expect_line(&client, "opened");
    expect_end(&client);
    leave();
    expect_line(&deaf, "opened");
    expect_end(&deaf);
    while (!stream_ready(&server.out, 50))
        send_if_open(&deaf, "x"); /* this makes no difference */
    expect_log("closed %s 0", deaf_name);
    ck_assert_int_ge(clock_ms() - before, 1000); /* two seconds, twice as fast */
    stream_close(&deaf);
    stop_server();
}

TEST(tests, a_client_that_takes_nothing_of_what_it_is_owed_is_closed_in_the_end)
{
    const char *other_name;
    struct stream deaf, other;
    int64_t before;

    serve("-s 100 line=obey drained=pour started=watch:-1 watched=empty,close");
    other = join_as(&other_name);
    deaf = connect_narrowly(server.port);
    name = name_of(&deaf);
    send_text(&deaf, "!pour\n");
    skip_to_line(&server.out, "line %s !pour", name);
    for (int tries = 0; tries < 5; tries++) { /* a kernel may take more at a second try */
        sleep_ms(20);
        send_text(&other, "!resume\n");
        if (skip_to_line(&server.out, "line %s !resume", other_name) > 0)
            tries = 0;
    }
    before = clock_ms();
    send_text(&other, "!ring\n");
    expect_end(&other);
    stream_close(&other);
    skip_to_line(&server.out, "closed %s 0", other_name);
    expect_log("closed %s %d", name, ETIMEDOUT);
    /* two minutes, a hundred times as fast */
    ck_assert_int_ge(clock_ms() - before, 1200);
    stream_close(&deaf);
    stop_server();
}

TEST(tests, a_client_has_two_minutes_to_take_some_of_what_it_is_owed)
{
    struct stream slow;
    int64_t before;

    serve("-s 50 -i 5000 line=obey drained=pour");
    slow = connect_narrowly(server.port);
    send_text(&slow, "!pour\n");
    for (int n = 0; n < 3; n++) { /* 20 seconds each, which is four idle times */
        sleep_ms(400);
        ck_assert(stream_fill(&slow));
    }
    before = clock_ms();
    skip_to_line(&server.out, "closed %s %d", name_of(&slow), ETIMEDOUT);
    ck_assert_int_ge(clock_ms() - before, 2200);
    stream_close(&slow);
    stop_server();
}

TEST(tests, a_server_may_wait_less_for_a_client_that_takes_nothing)
{
    struct stream deaf;
    int64_t before;

    serve("-s 10 -i 5000 -k 8000 line=obey drained=pour");
    deaf = connect_narrowly(server.port);
    send_text(&deaf, "!pour\n");
    before = clock_ms();
    skip_to_line(&server.out, "closed %s %d", name_of(&deaf), ETIMEDOUT);
    ck_assert_int_ge(clock_ms() - before, 700);
    ck_assert_int_lt(clock_ms() - before, 11000);
    stream_close(&deaf);
    stop_server();
}

TEST(tests, a_turn_comes_when_it_said_even_if_no_descriptor_is_ready)
{
    int64_t before;

    serve("-s 20 turn=print");
    join();
    expect_text(&client, "turn\r\n");
    before = clock_ms();
    expect_text(&client, "turn\r\n");
    ck_assert_int_ge(clock_ms() - before, 450); /* ten seconds, twenty times as fast */
    expect_rest(&server, 300);
    leave();
    stop_server();
}

TEST(tests, what_is_said_when_the_server_stops_still_arrives)
{
    struct stream clients[3];

    serve("stopping=print");
    for (int i = 0; i < 3; i++)
        clients[i] = connect_to(server.port);
    for (int i = 0; i < 3; i++)
        expect_beginning(&server.out, "opened ");
    program_kill(&server, SIGTERM);
    for (int i = 0; i < 3; i++) {
        expect_text(&clients[i], "stopping\r\n");
        expect_end(&clients[i]);
        stream_close(&clients[i]);
    }
    for (int i = 0; i < 3; i++)
        expect_beginning(&server.out, "closed ");
    expect_success(&server);
}

/*
 * Its kernel takes megabytes for it at once. Then select() shows no room for minutes, but
 * 150 KB/s are 5 KB/s on the server's clock.
 */
TEST(tests, a_reader_that_is_slow_but_moves_is_not_closed)
{
    struct stream slow, other;
    const char *line;
    char bytes[15000];

    serve("-s 30 -i 5000 line=obey drained=pour"); /* two minutes are 4 s */
    slow = connect_to(server.port);
    send_text(&slow, "!pour\n");
    for (int n = 0; n < 60; n++) {
        sleep_ms(100);
        ck_assert_int_gt(recv(slow.fd, bytes, sizeof bytes, 0), 0);
    }
    other = connect_to(server.port);
    do {
        line = take_line(&server.out);
        ck_assert_msg(strncmp(line, "closed", 6) != 0, "%s", line);
    } while (strncmp(line, "opened", 6) != 0 || strstr(line, name_of(&other)) == NULL);
}

/* A closed socket answers input with a reset, and the peer can lose what it is owed. */
TEST(tests, when_stopped_it_still_sends_everything_to_a_client_that_goes_on_sending)
{
    static const char *const orders[] = {"!pour:2000", "!pour:2000,close"};
    static const char more[300000];

    for (size_t i = 0; i < 2; i++) {
        bool lingers = i == 1;
        struct stream slow, other;

        serve("line=obey");
        slow = connect_narrowly(server.port);
        other = connect_to(server.port);
        send_line(&slow, "%s", orders[i]);
        skip_to_line(&server.out, "line %s %s", name_of(&slow), orders[i]);
        program_pause(&server);
        if (!lingers)
            (void)send(slow.fd, more, sizeof more, MSG_NOSIGNAL | MSG_DONTWAIT);
        program_kill(&server, SIGTERM);
        program_go_on(&server);
        expect_end(&other);
        if (lingers)
            (void)send(slow.fd, more, sizeof more, MSG_NOSIGNAL | MSG_DONTWAIT);
        expect_poured(&slow, 2000);
        expect_end(&slow);
        stream_close(&slow);
        stream_close(&other);
        expect_status(&server, 0);
    }
}

/* ---- Held clients ------------------------------------------------------------------- */

TEST(tests, a_held_client_has_no_idle_time_and_what_it_sends_keeps_its_order)
{
    serve("-i 200 started=watch:600 opened=hold line=print watched=resume,watch:600");
    client = connect_to(server.port);
    send_text(&client, "one\ntwo\nthree\n");
    name = name_of(&client);
    skip_to_line(&server.out, "opened %s", name);
    expect_log("watched 0");
    expect_log("line %s one", name);
    expect_log("line %s two", name);
    expect_log("line %s three", name);
    skip_to_line(&server.out, "closed %s %d", name, ETIMEDOUT);
    expect_line(&client, "one");
    expect_line(&client, "two");
    expect_line(&client, "three");
    expect_end(&client);
}

TEST(tests, a_held_client_that_closes_its_end_is_answered_when_it_is_resumed)
{
    const char *other_name;
    struct stream other;

    serve("line=print,obey");
    join();
    other = join_as(&other_name);
    say(&client, "!hold");
    expect_log("line %s !hold", name);
    send_text(&client, "one\ntwo");
    stream_half_close(&client);
    expect_rest(&server, 100);
    say(&other, "still here?");
    expect_log("line %s still here?", other_name);
    say(&other, "!resume");
    expect_log("line %s !resume", other_name);
    expect_line(&client, "one");
    expect_line(&client, "two");
    expect_end(&client);
    expect_log("line %s one", name);
    expect_log("line %s two", name);
    expect_log("closed %s 0", name);
    stream_close(&client);
    stream_close(&other);
    expect_log("closed %s 0", other_name);
    stop_server();
}

TEST(tests, a_client_that_has_closed_its_end_still_gets_all_that_a_server_has_to_send)
{
    serve("opened=hold,pour:3000000 drained=pour:3000000");
    client = connect_to(server.port);
    stream_half_close(&client);
    expect_poured(&client, 3000000);
    expect_end(&client);
    ck_assert_int_eq(tally_log(1), 1);
    stream_close(&client);
    stop_server();

    serve("opened=hold,pour drained=pour"); /* without an end */
    client = connect_to(server.port);
    stream_half_close(&client);
    expect_poured(&client, 1000000);
    stream_reset(&client);
    ck_assert_int_eq(tally_log(1), 0);
    stop_server();
}

TEST(tests, a_held_client_with_full_input_that_resets_makes_no_busy_loop)
{
    static char much[INPUT_BYTES + 4000];

    serve("started=watch:500 opened=hold received=echo watched=resume");
    join();
    send_bytes(&client, much, sizeof much);
    expect_rest(&server, 100);
    stream_reset(&client);
    expect_rest(&server, 100);
    /* It learns of the reset at once, or from send() when the client is resumed. */
    ck_assert_str_ne(skip_to_beginning(&server.out, formatted("closed %s ", name)), "0");
}

/* ---- Input -------------------------------------------------------------------------- */

TEST(tests, what_a_handler_leaves_is_offered_again)
{
    serve("received=echo,take:3");
    join();
    send_text(&client, "abcdefgh");
    expect_log("received %s 8", name);
    expect_log("received %s 5", name);
    expect_log("received %s 2", name);
    stream_reset(&client);
    expect_log("closed %s %d", name, ECONNRESET);
    stop_server();

    serve("received=take:0");
    join();
    send_text(&client, "abc");
    expect_log("received %s 3", name);
    send_text(&client, "de");
    expect_log("received %s 5", name);
    expect_rest(&server, 50);
    stream_close(&client); /* what was not received is lost */
    skip_to_line(&server.out, "closed %s 0", name);
    stop_server();
}

TEST(tests, full_input_of_which_a_handler_takes_nothing_ends_the_stream)
{
    static char much[INPUT_BYTES];

    serve("received=take:0");
    for (int i = 0; i < 2; i++) { /* the second is gone when the handler hears of it */
        int error;

        join();
        send_bytes(&client, much, sizeof much);
        if (i == 1)
            stream_reset(&client);
        error = atoi(skip_to_beginning(&server.out, formatted("closed %s ", name)));
        ck_assert(error == ENOBUFS || (i == 1 && error == ECONNRESET));
        if (i == 0) {
            expect_end(&client);
            stream_close(&client);
        }
    }
    stop_server();
}

TEST(tests, lines_and_telnets_commands_may_be_cut_anywhere)
{
    static const char bytes[] = "one\r\ntwo\n\xFF\xFD\x06three\r\0\xFF\xF6"
                                "fo\xFF\xFA\x18\x01\xFF\xF0ur \xC3\xA9\r\n\xFF\xFF\n";
    struct stream after;

    serve("line=print");
    client = connect_to(server.port);
    after = connect_to(server.port); /* served after it in each turn of the loop */
    for (size_t cut = 0; cut < sizeof bytes - 1; cut++) {
        send_bytes(&client, bytes, cut);
        say(&after, "has it come?");
        send_bytes(&client, bytes + cut, sizeof bytes - 1 - cut);
        expect_line(&client, "one");
        expect_line(&client, "two");
        expect_bytes(&client, "\xFF\xFC\x06", 3);
        expect_line(&client, "three");
        expect_line(&client, "Yes, loop_srv is here");
        expect_line(&client, "four \xC3\xA9");
        expect_line(&client, "\xEF\xBF\xBD");
    }
}

/* A full line has no room for what a doubled 255 becomes. */
TEST(tests, a_doubled_255_after_a_full_line_begins_the_next_piece)
{
    serve("line=print");
    client = connect_to(server.port);
    send_repeated(&client, "x", LINE_MOST);
    send_text(&client, "\xFF\xFF\n");
    expect_pattern(&client, "x", 1, 0, LINE_MOST);
    expect_line(&client, "%s", "");
    expect_line(&client, "\xEF\xBF\xBD");
}

TEST(tests, a_client_that_asks_and_never_reads_is_stopped_and_loses_nothing)
{
    struct stream deaf, other;
    size_t sent;

    serve("opened=narrow received=echo"); /* so that some is owed when more is queued */
    deaf = connect_to(server.port);
    other = connect_to(server.port);
    sent = send_until_stopped(&deaf, poured, PERIOD);
    send_text(&other, "are you there?\n");
    expect_lf(&other, "are you there?");
    expect_rest(&server, 100);
    stream_half_close(&deaf);
    expect_poured(&deaf, sent);
    expect_end(&deaf);
}

/* ---- Descriptors -------------------------------------------------------------------- */

/* One of the ways in which clients go. */
static void come_and_go(int way)
{
    client = connect_to(server.port);
    switch (way % 6) {
    case 0: send_text(&client, "half\xFF\xFA"); break;
    case 1: say(&client, "!hold"); break;
    case 2: send_text(&client, "one\ntwo\nthr"); break; /* the answers are not read */
    case 3:
        send_text(&client, "one\n!close\n");
        expect_line(&client, "one");
        break;
    case 4:
        send_text(&client, "one");
        stream_half_close(&client);
        expect_line(&client, "one");
        expect_end(&client);
        break;
    default: break;
    }
    if (way < 6)
        stream_close(&client);
    else
        stream_reset(&client);
}

TEST(tests, the_server_in_the_header_answers_each_line_with_its_length)
{
    server = program_run("build/length_srv", NULL);
    program_read_port(&server, "length_srv started on port ");
    client = connect_to(server.port);
    send_text(&client, "hello\r\n\n");
    expect_line(&client, "5");
    expect_line(&client, "0");
    stream_close(&client);
    stop_server();
}

TEST(tests, no_descriptor_is_lost_and_the_next_client_finds_nothing_of_the_last)
{
    enum { WAYS = 12, ROUNDS = 5 };
    struct stream other;
    int before;

    serve("line=print,obey");
    other = connect_to(server.port);
    say(&other, "I am first");
    before = count_descriptors();
    for (int i = 0; i < WAYS * ROUNDS; i++) {
        struct stream next;

        come_and_go(i % WAYS);
        say(&other, "!resume"); /* a held client would never leave */
        next = connect_to(server.port);
        say(&next, "still here");
        stream_close(&next);
    }
    say(&other, "!resume");
    (void)tally_log(2 * WAYS * ROUNDS);
    say(&other, "I am last");
    ck_assert_int_eq(count_descriptors(), before);
}

/* Connects clients until one is told that the server is full. Returns how many got in. */
static int fill_server(struct stream *clients, int most)
{
    for (int i = 0; i < most; i++) {
        clients[i] = connect_to(server.port);
        send_if_open(&clients[i], "x\n");
        ck_assert(stream_fill(&clients[i]));
        if (clients[i].bytes[0] != 'x') {
            expect_text(&clients[i], "No room");
            expect_end(&clients[i]);
            stream_close(&clients[i]);
            return i;
        }
        expect_line(&clients[i], "x");
    }
    return most;
}

TEST(limits, a_client_that_no_fd_set_holds_is_told_that_the_server_is_full)
{
    static struct stream clients[FD_SETSIZE];
    int before, count;

    if (lacks_descriptors(FD_SETSIZE + 64))
        return;
    serve("-f 'No room' line=print");
    before = count_descriptors();
    count = fill_server(clients, FD_SETSIZE);
    ck_assert_int_lt(count, FD_SETSIZE);
    if (before != -1)
        ck_assert_int_eq(count, FD_SETSIZE - (before - 1)); /* the spare is above it */
}

TEST(limits, out_of_descriptors_it_says_so_and_takes_the_next_when_there_is_one)
{
    struct stream clients[32], next;
    int count;

    serve_after("ulimit -n 16;", "-f 'No room' line=print");
    for (int i = 0; i < 3; i++) {
        count = fill_server(clients, 32);
        ck_assert(count >= 8 && count < 16);
        expect_rest(&server, 50);
        stream_close(&clients[0]);
        while (fill_server(&next, 1) == 0) /* until the server has noticed that */
            continue;
        stream_close(&next);
        for (int k = 1; k < count; k++)
            stream_close(&clients[k]);
        for (int k = 0; k <= count; k++)
            skip_to_beginning(&server.out, "closed ");
    }
}

TEST(limits, with_no_descriptor_at_all_for_a_newcomer_it_rests)
{
    serve_after("ulimit -n 4;", "line=print");
    client = connect_to(server.port);
    expect_rest(&server, 300);
    /* Each libc has its own words for the rest. */
    expect_beginning(&server.err, "loop_srv: cannot accept connections: ");
    stream_close(&client);
    stop_server();
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "loop", .tests = &tests, .set_up = make_pattern},
        {.name = "callers", .tests = &of_each_caller, .times = CALLERS},
        {.name = "limits", .tests = &limits, .tags = "limits"},
    };

    return run_cases("stream_server", cases, COUNT(cases));
}
