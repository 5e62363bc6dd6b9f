/*
 * The loop of loop/stream_server.h, by way of tests/loop_srv.c, whose handlers do what its
 * words say and log each call. LOOP_SRV names another program in place of build/loop_srv.
 */
#include "tests/harness.h"

#include "base/clock.h"
#include "net/address.h"
#include "net/line.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOP_SRV    "LOOP_SRV", "build/loop_srv"
#define INPUT_BYTES 16384 /* STREAM_INPUT_BYTES */
#define POUR_PERIOD 251   /* the server pours 0, 1, 2 ... 250, and again */
#define NAMES_MOST  200

static struct program server;

/* ---- The server --------------------------------------------------------------------- */

/* Starts it with these options and words, after what the shell is to do before. */
static void serve_after(const char *before, const char *words)
{
    char script[512];

    snprintf(script, sizeof script, "%s exec \"$@\" %s", before, words);
    program_start_by(&server, script, LOOP_SRV, NULL);
    program_read_port(&server, "loop_srv started on port ");
}

static void serve(const char *words)
{
    serve_after("", words);
}

/* It ends, and nothing that has not been looked at is in its log. */
static void expect_its_end(void)
{
    expect_success(&server);
    stream_close(&server.out);
    stream_close(&server.err);
}

static void stop_server(void)
{
    program_kill(&server, SIGTERM);
    expect_its_end();
}

/* The next line of its log. */
#define expect_log(...) expect_lf(&server.out, __VA_ARGS__)

/* Connects, and waits until the handler has been called. */
static struct stream join(char *name)
{
    struct stream client = connect_to(server.port);

    strcpy(name, name_of(&client));
    expect_log("opened %s", name);
    return client;
}

/* The server does nothing for some time, without the processor. */
static void expect_rest(int ms)
{
    int64_t before = program_cpu_ns(&server);

    sleep_ms(ms);
    ck_assert_int_lt(program_cpu_ns(&server) - before, (int64_t)ms * 1000000 / 3);
}

static int count_descriptors(void)
{
    char path[64];
    DIR *open;
    int count = 0;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)server.pid);
    open = opendir(path);
    if (open == NULL) /* no Linux: what it has open can't be seen */
        return -1;
    while (readdir(open) != NULL)
        count++;
    closedir(open);
    return count - 2; /* . and .. */
}

/*
 * Reads the log to its end, or until as many streams have been closed as `wanted`: each
 * must have been opened, and be closed once. Returns how many were closed with error 0.
 */
static int tally_log(int wanted)
{
    static char names[NAMES_MOST][ADDRESS_MOST];
    int opened = 0, closed = 0, well = 0;

    while (closed < wanted && (server.out.length > 0 || stream_fill(&server.out))) {
        char *line = next_line(&server.out), name[ADDRESS_MOST];
        int error, i;

        if (sscanf(line, "opened %63s", name) == 1) {
            ck_assert_int_lt(opened, NAMES_MOST);
            strcpy(names[opened++], name);
        } else if (sscanf(line, "closed %63s %d", name, &error) == 2) {
            for (i = 0; i < opened && strcmp(names[i], name) != 0; i++)
                continue;
            if (i == opened)
                ck_abort_msg("'%s', but it is not open", line);
            names[i][0] = '\0';
            closed++;
            well += error == 0;
        } else if (strncmp(line, "something", 9) == 0) {
            ck_abort_msg("%s", line);
        }
        free(line);
    }
    for (int i = 0; wanted == NAMES_MOST && i < opened; i++)
        ck_assert_str_eq(names[i], "");
    return well;
}

/* Reads as many bytes of what the server pours. */
static void expect_poured(struct stream *client, size_t length)
{
    for (size_t at = 0; at < length;) {
        if (client->length == 0 && !stream_fill(client))
            ck_abort_msg("it ended after %zu bytes", at);
        for (; client->length > 0 && at < length; at++, client->length--)
            if ((unsigned char)*client->bytes++ != at % POUR_PERIOD)
                ck_abort_msg("byte %zu is wrong", at);
    }
}

static void say(struct stream *client, const char *line)
{
    char text[100];

    snprintf(text, sizeof text, "%s\n", line);
    send_text(client, text);
    expect_line(client, "%s", line);
}

/* ---- Handlers ----------------------------------------------------------------------- */

START_TEST(the_handlers_of_a_session_come_in_their_order)
{
    char name[ADDRESS_MOST];
    struct stream client;

    serve("opened=print line=print,obey drained timed_out=print,close");
    client = join(name);
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
    stream_close(&client);
    expect_log("closed %s 0", name);
    stop_server();
}
END_TEST

/* Ways to have a handler called, which then does one more word. The client says "hello". */
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

START_TEST(it_can_be_stopped_in_every_handler)
{
    bool is_opened = _i == 0; /* then nobody can come before */
    struct stream client, before[3], after[3];

    serve_caller(_i, "stop");
    for (int i = 0; !is_opened && i < 3; i++)
        before[i] = connect_to(server.port);
    client = connect_to(server.port);
    for (int i = 0; !is_opened && i < 3; i++)
        after[i] = connect_to(server.port);
    for (int n = 0; n < (is_opened ? 1 : 7);) /* all are in before one says something */
        n += strncmp(next_line(&server.out), "opened", 6) == 0;
    if (!is_opened)
        send_text(&client, "hello\n");
    stream_fill_to_end(&client);
    if (_i < CALLERS - 1)
        ck_assert_uint_gt(client.length, 0);
    stream_close(&client);
    for (int i = 0; !is_opened && i < 3; i++) {
        stream_fill_to_end(&before[i]);
        stream_fill_to_end(&after[i]);
        stream_close(&before[i]);
        stream_close(&after[i]);
    }
    for (int n = 0; server.out.length > 0 || stream_fill(&server.out); n++) {
        char *line = next_line(&server.out);
        size_t length = strlen(line);

        if (strncmp(line, "closed", 6) != 0)
            n--;
        else
            ck_assert_str_eq(line + length - 2, " 0");
        ck_assert_int_lt(n, is_opened ? 1 : 7);
        free(line);
    }
    expect_its_end();
}
END_TEST

START_TEST(stopped_at_the_start_it_ends)
{
    serve("started=stop");
    expect_its_end();
}
END_TEST

START_TEST(a_client_can_be_closed_in_every_handler_and_no_other_is_called_then)
{
    struct stream client;
    char name[ADDRESS_MOST];

    serve_caller(_i, "close");
    client = join(name);
    if (_i > 0)
        send_text(&client, "hello\n");
    stream_fill_to_end(&client);
    if (_i < CALLERS - 1)
        ck_assert_uint_gt(client.length, 0);
    send_text(&client, "more\n");
    stream_close(&client);
    for (int n = 0;;) {
        char *line = next_line(&server.out);

        n += strncmp(line, "line", 4) == 0 || strncmp(line, "received", 8) == 0;
        ck_assert_int_lt(n, 2);
        if (strncmp(line, "closed", 6) == 0) {
            ck_assert_str_eq(line + strlen(line) - 2, " 0");
            break;
        }
    }
    stop_server();
}
END_TEST

START_TEST(stopped_it_closes_each_once_whatever_it_was_at)
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
    expect_its_end();
}
END_TEST

/* ---- Time --------------------------------------------------------------------------- */

START_TEST(a_watcher_whose_time_is_over_is_called_once)
{
    char name[ADDRESS_MOST];
    struct stream client;

    serve("started=watch:50 watched");
    expect_log("watched 0");
    expect_rest(300);
    client = join(name);
    stream_close(&client);
    expect_log("closed %s 0", name);
    stop_server();
}
END_TEST

START_TEST(a_watcher_is_told_what_its_descriptor_is_ready_for)
{
    char name[ADDRESS_MOST];
    struct stream client;

    serve("started=watch:50,watch:-1 watched=empty line=ring,obey");
    client = join(name);
    for (int i = 0; i < 3; i++) {
        sleep_ms(40); /* the first watch's time, which is no more */
        send_text(&client, "x\n");
        expect_log("line %s x", name);
        expect_log("watched 1");
    }
    send_text(&client, "!unwatch\n");
    expect_log("line %s !unwatch", name);
    expect_rest(50);
    stream_close(&client);
    expect_log("closed %s 0", name);
    stop_server();

    serve("started=watch-write:-1 watched=unwatch");
    expect_log("watched 2");
    client = join(name);
    stream_close(&client);
    expect_log("closed %s 0", name);
    stop_server();
}
END_TEST

START_TEST(without_a_byte_for_its_time_a_client_is_closed)
{
    char name[ADDRESS_MOST];
    struct stream client;

    serve("-i 100");
    client = join(name);
    expect_end(&client);
    expect_log("closed %s %d", name, ETIMEDOUT);
    stop_server();
}
END_TEST

START_TEST(what_a_client_is_sent_is_a_sign_of_life)
{
    struct stream client;

    serve("-i 300 started=watch:50 watched=print,watch:50");
    client = connect_to(server.port);
    for (int i = 0; i < 14; i++)
        expect_line(&client, "watched");
    stream_close(&client);
    program_stop(&server);
}
END_TEST

START_TEST(one_that_does_not_close_its_end_is_closed_after_two_seconds)
{
    int64_t before = clock_ms();
    char deaf_name[ADDRESS_MOST], name[ADDRESS_MOST];
    struct stream deaf, client;

    serve("-s 2 opened=print,close");
    deaf = join(deaf_name);
    client = join(name);
    expect_line(&client, "opened");
    expect_end(&client);
    stream_close(&client);
    expect_log("closed %s 0", name);
    expect_line(&deaf, "opened");
    expect_end(&deaf);
    while (server.out.length == 0 && !stream_ready(&server.out, 50)) {
        ck_assert_int_lt(clock_ms() - before, DEADLINE_MS);
        (void)send(deaf.fd, "x", 1, MSG_NOSIGNAL); /* which makes no difference */
    }
    expect_log("closed %s 0", deaf_name);
    ck_assert_int_ge(clock_ms() - before, 1000); /* two seconds, twice as fast */
    stream_close(&deaf);
    stop_server();
}
END_TEST

/* Connects with the least of windows, so that the kernel takes no more after a while. */
static struct stream connect_narrowly(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)server.port)};
    int sock = socket(AF_INET, SOCK_STREAM, 0), least = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ne(sock, -1);
    ck_assert(setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &least, sizeof least) == 0);
    ck_assert(connect(sock, (struct sockaddr *)&address, sizeof address) == 0);
    return stream_of(sock);
}

START_TEST(a_client_that_takes_nothing_of_what_it_is_owed_is_closed_in_the_end)
{
    char name[ADDRESS_MOST], other_name[ADDRESS_MOST];
    struct stream deaf, other;
    int64_t before;

    serve("-s 10 line=obey drained=pour started=watch:-1 watched=empty,close");
    other = join(other_name);
    deaf = connect_narrowly();
    strcpy(name, name_of(&deaf));
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
    ck_assert_int_ge(clock_ms() - before, 1000); /* ten seconds, ten times as fast */
    stream_close(&deaf);
    stop_server();
}
END_TEST

/* A socket that is closed answers what comes with a reset: the peer may lose the rest. */
START_TEST(stopped_it_still_sends_all_to_one_that_sends_on)
{
    static const char *const orders[] = {"!pour:2000", "!pour:2000,close"};
    static const char more[300000];

    for (size_t i = 0; i < 2; i++) {
        bool lingers = i == 1;
        struct stream slow, other;

        serve("line=obey");
        slow = connect_narrowly();
        other = connect_to(server.port);
        send_text(&slow, orders[i]);
        send_text(&slow, "\n");
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
END_TEST

/* ---- Held clients ------------------------------------------------------------------- */

START_TEST(a_held_client_has_no_idle_time_and_what_it_sends_keeps_its_order)
{
    char name[ADDRESS_MOST];
    struct stream client;

    serve("-i 200 started=watch:600 opened=hold line=print watched=resume,watch:600");
    client = connect_to(server.port);
    send_text(&client, "one\ntwo\nthree\n");
    strcpy(name, name_of(&client));
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
    stream_close(&client);
    program_stop(&server);
}
END_TEST

START_TEST(a_held_client_that_closes_its_end_is_answered_when_it_is_resumed)
{
    char name[ADDRESS_MOST], other_name[ADDRESS_MOST];
    struct stream client, other;

    serve("line=print,obey");
    client = join(name);
    other = join(other_name);
    say(&client, "!hold");
    expect_log("line %s !hold", name);
    send_text(&client, "one\ntwo");
    stream_half_close(&client);
    expect_rest(100);
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
END_TEST

START_TEST(one_that_has_closed_its_end_still_gets_all_that_a_server_has_to_send)
{
    struct stream client;

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
END_TEST

START_TEST(a_held_client_with_full_input_that_resets_is_no_busy_loop)
{
    static char much[INPUT_BYTES + 4000];
    char name[ADDRESS_MOST];
    struct stream client;

    serve("started=watch:500 opened=hold received=echo watched=resume");
    client = join(name);
    send_bytes(&client, much, sizeof much);
    expect_rest(100);
    stream_reset(&client);
    expect_rest(100);
    program_kill(&server, 0);
    /* It may hear of the reset at once, or from send() when the client is resumed. */
    for (bool closed = false; !closed;) {
        char *line = next_line(&server.out);

        closed = strncmp(line, "closed", 6) == 0;
        ck_assert(!closed || strcmp(line + strlen(line) - 2, " 0") != 0);
        free(line);
    }
    program_stop(&server);
}
END_TEST

/* ---- Input -------------------------------------------------------------------------- */

START_TEST(what_a_handler_leaves_is_offered_again)
{
    char name[ADDRESS_MOST];
    struct stream client;

    serve("received=echo,take:3");
    client = join(name);
    send_text(&client, "abcdefgh");
    expect_log("received %s 8", name);
    expect_log("received %s 5", name);
    expect_log("received %s 2", name);
    stream_reset(&client);
    expect_log("closed %s %d", name, ECONNRESET);
    stop_server();

    serve("received=take:0");
    client = join(name);
    send_text(&client, "abc");
    expect_log("received %s 3", name);
    send_text(&client, "de");
    expect_log("received %s 5", name);
    expect_rest(50);
    stream_close(&client); /* and what nobody took is lost */
    skip_to_line(&server.out, "closed %s 0", name);
    stop_server();
}
END_TEST

START_TEST(full_input_of_which_a_handler_takes_nothing_ends_the_stream)
{
    static char much[INPUT_BYTES];

    serve("received=take:0");
    for (int i = 0; i < 2; i++) { /* the second is gone when the handler hears of it */
        char name[ADDRESS_MOST];
        struct stream client = join(name);
        char *line;
        int error;

        send_bytes(&client, much, sizeof much);
        if (i == 1)
            stream_reset(&client);
        do
            line = next_line(&server.out);
        while (strncmp(line, "received", 8) == 0);
        ck_assert_int_eq(sscanf(line, "closed %*s %d", &error), 1);
        ck_assert(error == ENOBUFS || (i == 1 && error == ECONNRESET));
        if (i == 0) {
            expect_end(&client);
            stream_close(&client);
        }
    }
    stop_server();
}
END_TEST

START_TEST(lines_and_telnets_commands_may_be_cut_anywhere)
{
    static const char bytes[] = "one\r\ntwo\n\xFF\xFD\x06three\r\0\xFF\xF6"
                                "fo\xFF\xFA\x18\x01\xFF\xF0ur \xC3\xA9\r\n\xFF\xFF\n";
    struct stream client, after;

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
    stream_close(&client);
    stream_close(&after);
    program_stop(&server);
}
END_TEST

/* A full line has no room for what a doubled 255 becomes. */
START_TEST(a_doubled_255_behind_a_full_line_begins_the_next_piece)
{
    static char full[LINE_MOST + 1];
    struct stream client;

    memset(full, 'x', LINE_MOST);
    serve("line=print");
    client = connect_to(server.port);
    send_text(&client, full);
    send_text(&client, "\xFF\xFF\n");
    expect_line(&client, "%s", full);
    expect_line(&client, "\xEF\xBF\xBD");
    stream_close(&client);
    program_stop(&server);
}
END_TEST

START_TEST(one_that_asks_and_never_reads_is_stopped_and_loses_nothing)
{
    static char bytes[POUR_PERIOD * 200];
    struct stream deaf, other;
    size_t sent = 0;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i % POUR_PERIOD);
    serve("opened=narrow received=echo"); /* so some of it is owed when more is queued */
    deaf = connect_to(server.port);
    other = connect_to(server.port);
    while (poll(&(struct pollfd){deaf.fd, POLLOUT, 0}, 1, 300) == 1) {
        ssize_t taken = send(deaf.fd, bytes + sent % sizeof bytes,
                             sizeof bytes - sent % sizeof bytes, MSG_DONTWAIT);

        if (taken > 0)
            sent += (size_t)taken;
        ck_assert_uint_lt(sent, 200000000); /* or it is buffered, and not stopped */
    }
    send_text(&other, "are you there?\n");
    expect_lf(&other, "are you there?");
    expect_rest(100);
    stream_half_close(&deaf);
    expect_poured(&deaf, sent);
    expect_end(&deaf);
    stream_close(&deaf);
    stream_close(&other);
    program_stop(&server);
}
END_TEST

/* ---- Descriptors -------------------------------------------------------------------- */

/* One of the ways in which clients go. */
static void come_and_go(int way)
{
    struct stream client = connect_to(server.port);

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

START_TEST(the_server_in_the_header_answers_each_line_with_its_length)
{
    struct stream client;

    server = program_run("build/length_srv", NULL);
    program_read_port(&server, "length_srv started on port ");
    client = connect_to(server.port);
    send_text(&client, "hello\r\n\n");
    expect_line(&client, "5");
    expect_line(&client, "0");
    stream_close(&client);
    stop_server();
}
END_TEST

START_TEST(no_descriptor_is_lost_and_the_next_client_finds_nothing_of_the_last)
{
    enum { WAYS = 12, ROUNDS = 5, HELD = ROUNDS };
    struct stream other;
    int before;

    serve("line=print,obey");
    other = connect_to(server.port);
    say(&other, "I am first");
    before = count_descriptors();
    for (int i = 0; i < WAYS * ROUNDS; i++) {
        struct stream next;

        come_and_go(i % WAYS);
        say(&other, "!resume"); /* a held one would never go */
        next = connect_to(server.port);
        say(&next, "still here");
        stream_close(&next);
    }
    say(&other, "!resume");
    (void)tally_log(2 * WAYS * ROUNDS);
    say(&other, "I am last");
    ck_assert_int_eq(count_descriptors(), before);
    stream_close(&other);
    program_stop(&server);
}
END_TEST

/* Connects until it is told that there is no place. Returns how many got in. */
static int fill_server(struct stream *clients, int most)
{
    for (int i = 0; i < most; i++) {
        clients[i] = connect_to(server.port);
        (void)send(clients[i].fd, "x\n", 2, MSG_NOSIGNAL);
        ck_assert(stream_fill(&clients[i]));
        if (clients[i].bytes[0] == 'x') {
            expect_line(&clients[i], "x");
            continue;
        }
        expect_bytes(&clients[i], "No room", 7);
        expect_end(&clients[i]);
        stream_close(&clients[i]);
        return i;
    }
    ck_abort_msg("all %d got in", most);
}

START_TEST(the_one_after_the_last_that_an_fd_set_holds_is_told)
{
    static struct stream clients[FD_SETSIZE];
    int before, count;

    need_descriptors(FD_SETSIZE + 64);
    serve("-f 'No room' line=print");
    before = count_descriptors();
    count = fill_server(clients, FD_SETSIZE);
    if (before != -1)
        ck_assert_int_eq(count, FD_SETSIZE - (before - 1)); /* the spare is above it */
    for (int i = 0; i < count; i++)
        stream_close(&clients[i]);
    program_stop(&server);
}
END_TEST

START_TEST(out_of_descriptors_it_says_so_and_takes_the_next_when_there_is_one)
{
    struct stream clients[32], next;
    int count;

    serve_after("ulimit -n 16;", "-f 'No room' line=print");
    for (int i = 0; i < 3; i++) {
        count = fill_server(clients, 32);
        ck_assert_int_ge(count, 8);
        expect_rest(50);
        stream_close(&clients[0]);
        do { /* until the server has seen that it is gone */
            next = connect_to(server.port);
            (void)send(next.fd, "x\n", 2, MSG_NOSIGNAL);
            (void)stream_fill(&next);
        } while (next.bytes[0] != 'x');
        stream_close(&next);
        for (int k = 1; k < count; k++)
            stream_close(&clients[k]);
        sleep_ms(20);
    }
    program_stop(&server);
}
END_TEST

START_TEST(with_no_descriptor_at_all_for_a_newcomer_it_rests)
{
    struct stream client;
    char *complaint;

    serve_after("ulimit -n 4;", "line=print");
    client = connect_to(server.port);
    expect_rest(300);
    complaint = next_line(&server.err); /* each libc has its own words for EMFILE */
    ck_assert_ptr_eq(strstr(complaint, "loop_srv: cannot accept connections: "),
                     complaint);
    free(complaint);
    stream_close(&client);
    stop_server();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_server_in_the_header_answers_each_line_with_its_length,
        the_handlers_of_a_session_come_in_their_order,
        stopped_at_the_start_it_ends,
        stopped_it_closes_each_once_whatever_it_was_at,
        a_watcher_whose_time_is_over_is_called_once,
        a_watcher_is_told_what_its_descriptor_is_ready_for,
        without_a_byte_for_its_time_a_client_is_closed,
        what_a_client_is_sent_is_a_sign_of_life,
        one_that_does_not_close_its_end_is_closed_after_two_seconds,
        a_client_that_takes_nothing_of_what_it_is_owed_is_closed_in_the_end,
        stopped_it_still_sends_all_to_one_that_sends_on,
        a_held_client_has_no_idle_time_and_what_it_sends_keeps_its_order,
        a_held_client_that_closes_its_end_is_answered_when_it_is_resumed,
        one_that_has_closed_its_end_still_gets_all_that_a_server_has_to_send,
        a_held_client_with_full_input_that_resets_is_no_busy_loop,
        what_a_handler_leaves_is_offered_again,
        full_input_of_which_a_handler_takes_nothing_ends_the_stream,
        lines_and_telnets_commands_may_be_cut_anywhere,
        a_doubled_255_behind_a_full_line_begins_the_next_piece,
        one_that_asks_and_never_reads_is_stopped_and_loses_nothing,
        no_descriptor_is_lost_and_the_next_client_finds_nothing_of_the_last,
    };
    Suite *suite = suite_create("stream_server");
    TCase *loop = tcase_create("loop"), *limits = tcase_create("limits");

    tcase_set_tags(limits, "limits"); /* valgrind needs descriptors of its own */
    tcase_set_timeout(loop, 120);
    tcase_set_timeout(limits, 120);
    for (size_t i = 0; i < COUNT(tests); i++)
        tcase_add_test(loop, tests[i]);
    tcase_add_loop_test(loop, it_can_be_stopped_in_every_handler, 0, CALLERS);
    tcase_add_loop_test(
        loop, a_client_can_be_closed_in_every_handler_and_no_other_is_called_then, 0,
        CALLERS);
    tcase_add_test(limits, the_one_after_the_last_that_an_fd_set_holds_is_told);
    tcase_add_test(limits,
                   out_of_descriptors_it_says_so_and_takes_the_next_when_there_is_one);
    tcase_add_test(limits, with_no_descriptor_at_all_for_a_newcomer_it_rests);
    suite_add_tcase(suite, loop);
    suite_add_tcase(suite, limits);
    return run_suite(suite);
}
