/* How the room holds up, and how it starts and ends: pchatsrv as a black box. */
#include "tests/room.h"

#include "base/clock.h"
#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- A full room -------------------------------------------------------------------- */

#define CROWD 1100

/* Connects without a greeting: who reads what is for the test to find out. */
static void connect_all(struct stream *clients, int count, int port)
{
    for (int i = 0; i < count; i++)
        clients[i] = connect_to(port);
}

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

START_TEST(as_many_are_served_as_an_fd_set_holds_and_the_next_are_told)
{
    static struct stream clients[CROWD];
    struct program server = room_open();
    struct stream late;
    int served = 0;

    need_descriptors(CROWD + 64);
    connect_all(clients, CROWD, server.port);
    while (served < CROWD && was_served(&clients[served]))
        served++;
    ck_assert_int_ge(
        served, FD_SETSIZE - 6); /* 3 standard, the listener, a spare; valgrind's log */
    ck_assert_int_lt(served, FD_SETSIZE);
    for (int i = served + 1; i < CROWD; i++)
        ck_assert(!was_served(&clients[i]));

    /* The room goes on, and a place that is free again is given. */
    send_text(&clients[served - 1], "hello\n");
    skip_to_line(&clients[0], "[%s] hello", name_of(&clients[served - 1]));
    stream_close(&clients[1]);
    skip_to_beginning(&clients[0], "Client left ");
    late = connect_to(server.port);
    ck_assert(was_served(&late));
    program_stop(&server);
}
END_TEST

START_TEST(when_descriptors_run_out_earlier_a_newcomer_is_told_and_nothing_spins)
{
    struct stream clients[60];
    struct program server;
    int64_t before;
    int served = 0;

    server = program_run_by("ulimit -n 20; exec \"$@\"", "bin/pchatsrv", "-p", "0", NULL);
    program_read_port(&server, "ChatServer started on port ");
    connect_all(clients, 60, server.port);
    for (int i = 0; i < 60; i++)
        served += was_served(&clients[i]);
    ck_assert_int_ge(served, 12);
    ck_assert_int_lt(served, 20);

    /* It rests while there is nothing to do: a server that spins uses all of the time. */
    before = program_cpu_ns(&server);
    sleep_ms(300);
    ck_assert_int_lt(program_cpu_ns(&server) - before, 100000000);

    stream_half_close(&clients[0]);
    skip_to_line(&clients[1], "Client left %s", name_of(&clients[0]));
    stream_close(&clients[0]);
    clients[0] = connect_to(server.port);
    ck_assert(was_served(&clients[0]));
    program_stop(&server);
}
END_TEST

/* ---- Those who do not read, or read too little --------------------------------------- */

/* Says numbered lines until somebody is gone, and reads all that `reader` is to read. */
struct talk {
    struct stream *speaker, *reader;
    int said, heard;
    int64_t longest_pause_ms;
};

#define TALK_LINE 1000 /* bytes: a ring is soon full of them */

static void say_next(struct talk *talk)
{
    char line[TALK_LINE + 1];

    snprintf(line, sizeof line, "line %d ", talk->said++);
    memset(line + strlen(line), '.', sizeof line - strlen(line));
    line[TALK_LINE - 1] = '\n';
    send_bytes(talk->speaker, line, TALK_LINE);
}

/* Reads what the speaker said up to `said`; false if it reads `end` instead. */
static bool hear_up_to(struct talk *talk, int said, const char *end)
{
    while (talk->heard < said) {
        int64_t before = clock_ms();
        char *line = next_line(talk->reader), *text = strchr(line, ' ');
        int number = -1;

        if (clock_ms() - before > talk->longest_pause_ms)
            talk->longest_pause_ms = clock_ms() - before;
        if (strcmp(line, end) == 0) {
            free(line);
            return false;
        }
        ck_assert_ptr_nonnull(text);
        if (strncmp(line, "Client ", 7) == 0) { /* news of somebody else */
            free(line);
            continue;
        }
        ck_assert_int_eq(sscanf(text, " line %d ", &number), 1);
        ck_assert_int_eq(number, talk->heard);
        ck_assert_uint_eq(strlen(text), TALK_LINE);
        talk->heard++;
        free(line);
    }
    return true;
}

/* The others talk on, losing nothing, until the server has given the slow one up. */
static void talk_until_left(struct talk *talk, const char *left, struct stream *log)
{
    while (hear_up_to(talk, talk->said - 50, left)) {
        say_next(talk);
        stream_drain(log);
    }
    ck_assert(hear_up_to(talk, talk->said, left));
    /* Two seconds are promised; a loaded machine may add to them. */
    ck_assert_int_lt(talk->longest_pause_ms, 10000);
}

START_TEST(a_stalled_reader_is_closed_and_the_others_lose_nothing)
{
    struct program server = room_open();
    struct stream clients[3];
    struct talk talk = {.speaker = &clients[0], .reader = &clients[1]};
    char left[128];

    room_fill(&server, clients, 3);
    snprintf(left, sizeof left, "Client left %s (too slow)", name_of(&clients[2]));
    talk_until_left(&talk, left, &server.out);
    skip_to_line(&clients[0], "%s", left);
    program_stop(&server);
}
END_TEST

START_TEST(a_reader_that_takes_a_byte_now_and_then_is_closed_too)
{
    struct program server = room_open();
    struct stream clients[3];
    struct talk talk = {.speaker = &clients[0], .reader = &clients[1]};
    char left[128], byte;
    pid_t trickler;

    room_fill(&server, clients, 3);
    snprintf(left, sizeof left, "Client left %s (too slow)", name_of(&clients[2]));
    trickler = fork_helper();
    if (trickler == 0) {
        while (recv(clients[2].fd, &byte, 1, 0) == 1)
            sleep_ms(50);
        _exit(0);
    }
    talk_until_left(&talk, left, &server.out);
    kill(trickler, SIGKILL);
    program_stop(&server);
}
END_TEST

START_TEST(a_slow_reader_that_reads_all_the_time_loses_nothing)
{
    struct program server = room_open();
    struct stream clients[3];
    struct talk talk = {.speaker = &clients[0], .reader = &clients[2]};
    int64_t got = 0, wanted = (int64_t)20000 * TALK_LINE;
    char bytes[4096];
    pid_t speaker;

    room_fill(&server, clients, 3);
    speaker = fork_helper(); /* it waits when the room does, as TCP has it */
    if (speaker == 0) {
        while (talk.said < 20000)
            say_next(&talk);
        _exit(0);
    }
    /* 4 KB at a time is slower than a sender of 1 KB lines. */
    while (got < wanted) {
        ssize_t length = recv(clients[2].fd, bytes, sizeof bytes, 0);

        ck_assert_int_gt(length, 0);
        for (ssize_t i = 0; i < length; i++)
            got += bytes[i] == '\n' ? TALK_LINE : 0;
        stream_drain(&clients[1]);
        stream_drain(&server.out);
    }
    program_stop(&server);
}
END_TEST

/* Starts a process that sends `text` to the server without end. It is to be killed. */
static pid_t flood(struct stream *client, const char *text)
{
    static char bytes[65536];
    pid_t pid = fork_helper();

    if (pid > 0)
        return pid;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = text[i % strlen(text)];
    while (send(client->fd, bytes, sizeof bytes, MSG_NOSIGNAL) > 0)
        continue;
    _exit(0);
}

/* The README's figure. A kernel takes in tens of KB at a time: less can look like nothing. */
START_TEST(a_reader_of_100_kilobytes_a_second_stays_in_a_flooding_room)
{
    enum { BYTES_A_MS = 100, TIME_MS = 6000 };
    struct program server = room_open();
    struct stream clients[2];
    char bytes[65536];
    int64_t begun, got = 0;
    pid_t flooder;

    room_fill(&server, clients, 2);
    flooder = flood(&clients[0], "words and more words for a room that is full\n");
    begun = clock_ms();
    while (got < BYTES_A_MS * TIME_MS) {
        int64_t due = (clock_ms() - begun) * BYTES_A_MS - got;
        ssize_t length = 0;

        if (due > (int64_t)sizeof bytes)
            due = sizeof bytes;
        if (due > 0)
            length = recv(clients[1].fd, bytes, (size_t)due, 0);
        ck_assert_int_ge(length, due > 0);
        got += length;
        stream_drain(&server.out);
        (void)poll(NULL, 0, 20);
    }
    (void)kill(flooder, SIGKILL);
    program_stop(&server);
}
END_TEST

START_TEST(a_flooding_sender_who_never_reads_keeps_nobody_from_talking)
{
    struct program server = room_open();
    struct stream clients[3];
    pid_t flooder;

    room_fill(&server, clients, 3);
    flooder = flood(&clients[2], "\n");
    for (int i = 0; i < 10; i++) {
        char line[32];

        snprintf(line, sizeof line, "hello %d\n", i);
        send_text(&clients[0], line);
        skip_to_line(&clients[1], "[%s] hello %d", name_of(&clients[0]), i);
        stream_drain(&clients[0]);
    }
    kill(flooder, SIGKILL);
    program_stop(&server);
}
END_TEST

START_TEST(who_sends_much_in_few_bytes_has_no_more_of_a_turn_than_the_others)
{
    struct program server = room_open();
    struct stream clients[3];
    static char lines[16384]; /* of a byte each, which become twenty */

    room_fill(&server, clients, 3);
    memset(lines, '\n', sizeof lines);
    program_pause(&server);
    send_bytes(&clients[0], lines, sizeof lines);
    send_text(&clients[1], "hello\n");
    program_go_on(&server);
    ck_assert_int_lt(skip_to_line(&clients[2], "[%s] hello", name_of(&clients[1])), 2000);
    program_stop(&server);
}
END_TEST

START_TEST(who_talks_has_a_turn_whoever_else_does_while_a_reader_is_slow)
{
    enum { TALKERS = 8, LINES = 16384, TURN = 820 /* lines, of one */ };
    struct program server = room_open();
    struct stream clients[TALKERS + 1], *slow = &clients[TALKERS];
    static char lines[LINES]; /* of a byte each, which become twenty */
    int said[TALKERS] = {0}, who = 0;
    char names[TALKERS][64];

    room_fill(&server, clients, TALKERS + 1);
    memset(lines, '\n', sizeof lines);
    program_pause(&server);
    for (int i = 0; i < TALKERS; i++) {
        snprintf(names[i], sizeof names[i], "[%s] ", name_of(&clients[i]));
        send_bytes(&clients[i], lines, sizeof lines);
    }
    program_go_on(&server);
    for (int heard = 0; said[who] < LINES; heard++) {
        char *line = next_line(slow);

        for (who = 0; strcmp(line, names[who]) != 0; who++)
            ck_assert_int_lt(who, TALKERS - 1);
        said[who]++;
        free(line);
        if (heard % 400 > 0)
            continue;
        sleep_ms(1); /* slower than they talk: the ring is full all the time */
        stream_drain(&server.out);
        for (int i = 0; i < TALKERS; i++)
            stream_drain(&clients[i]);
    }
    for (int i = 0; i < TALKERS; i++) /* when the first has said all */
        ck_assert_int_gt(said[i], LINES - 3 * TURN);
    for (int i = 0; i <= TALKERS; i++)
        stream_close(&clients[i]);
    program_stop(&server);
}
END_TEST

START_TEST(a_flood_of_questions_is_answered_in_whole)
{
    struct program server = room_open();
    struct stream clients[40];
    const int asked = 3000;
    pid_t asker;

    room_fill(&server, clients, 40);
    asker = fork_helper();
    if (asker == 0) {
        for (int i = 0; i < asked; i++)
            send_text(&clients[39], "/who\n/help\n/foo\n");
        _exit(0);
    }
    for (int i = 0; i < asked; i++)
        skip_to_line(&clients[39], "Unknown command /foo, try /help");
    program_stop(&server);
}
END_TEST

START_TEST(questions_without_end_whose_answers_are_read_slowly_silence_nobody)
{
    struct program server = room_open();
    static struct stream clients[60];
    struct talk talk = {.speaker = &clients[0], .reader = &clients[1]};
    pid_t asker, slow_reader;
    char bytes[4096];

    for (int i = 0; i < 60; i++)
        clients[i] = room_join(&server);
    asker = flood(&clients[59], "/who\n");
    slow_reader = fork_helper();
    if (slow_reader == 0) {
        while (recv(clients[59].fd, bytes, sizeof bytes, 0) > 0)
            sleep_ms(50);
        _exit(0);
    }
    skip_to_line(&clients[1], "Client joined %s", name_of(&clients[59]));
    for (int i = 0; i < 20; i++) {
        say_next(&talk);
        ck_assert(hear_up_to(&talk, talk.said, ""));
    }
    kill(asker, SIGKILL);
    kill(slow_reader, SIGKILL);
    program_stop(&server);
}
END_TEST

START_TEST(a_leaver_who_does_not_read_has_left_once)
{
    struct program server = room_open();
    struct stream clients[3];
    struct talk talk = {.speaker = &clients[0], .reader = &clients[1]};
    const int least = 1;
    char left[128];

    room_fill(&server, clients, 3);
    snprintf(left, sizeof left, "Client left %s", name_of(&clients[2]));
    (void)setsockopt(clients[2].fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
    while (talk.said < 600) /* more than the kernel takes for it, less than the ring */
        say_next(&talk);
    ck_assert(hear_up_to(&talk, talk.said, left));
    stream_drain(&server.out);
    sleep_ms(2100); /* who has read nothing for so long may be given up */
    send_text(&clients[2], "/quit\n");
    ck_assert(!hear_up_to(&talk, talk.said + 1, left));
    strcat(left, " (too slow)");
    while (talk.said < 2000) {
        say_next(&talk);
        ck_assert(hear_up_to(&talk, talk.said - 50, left));
        stream_drain(&server.out);
    }
    ck_assert(hear_up_to(&talk, talk.said, left));
    program_stop(&server);
}
END_TEST

/* ---- Resets ------------------------------------------------------------------------- */

START_TEST(clients_that_reset_while_others_join_are_reported_and_the_room_goes_on)
{
    struct program server = room_open();
    struct stream watcher = room_join(&server);
    int joined = 0, left = 0;
    bool alone;

    for (int i = 0; i < 300; i++) {
        struct stream reset = connect_to(server.port), joins = connect_to(server.port);

        if (i % 3 == 0)
            send_text(&reset, "hello\nhal");
        if (i % 3 == 1)
            expect_line(&reset, GREETING);
        stream_reset(&reset);
        expect_line(&joins, GREETING);
        stream_close(&joins);
    }
    /* The others have all been closed: as many have left as have joined, in the end. */
    do {
        char *line = next_line(&watcher);

        joined += strncmp(line, "Client joined ", 14) == 0;
        left += strncmp(line, "Client left ", 12) == 0;
        alone = strncmp(line, "1 here: ", 8) == 0;
        if (!alone && left == joined)
            send_text(&watcher, "/who\n");
        free(line);
    } while (!alone || left < joined);
    ck_assert_int_ge(joined, 300);
    program_stop(&server);
}
END_TEST

START_TEST(a_reset_is_a_client_that_left)
{
    struct program server = room_open();
    struct stream clients[2];
    char name[128];

    room_fill(&server, clients, 2);
    snprintf(name, sizeof name, "%s", name_of(&clients[0]));
    stream_reset(&clients[0]);
    expect_line(&clients[1], "Client left %s", name);
    program_stop(&server);
}
END_TEST

START_TEST(what_a_client_said_before_it_was_reset_by_its_unread_news_is_passed_on)
{
    struct program server = room_open();
    struct stream clients[2];
    char name[128];

    /* close() with something unread is a reset, which must not cost the last words. */
    room_fill(&server, clients, 2);
    snprintf(name, sizeof name, "%s", name_of(&clients[0]));
    send_text(&clients[1], "unread\n");
    (void)poll(&(struct pollfd){clients[0].fd, POLLIN, 0}, 1, DEADLINE_MS);
    send_text(&clients[0], "last words\n");
    expect_line(&clients[1], "[%s] last words", name);
    stream_close(&clients[0]);
    expect_line(&clients[1], "Client left %s", name);
    program_stop(&server);
}
END_TEST

START_TEST(a_peer_whose_machine_died_is_looked_for)
{
    struct program server = room_open();
    struct stream client = room_join(&server);

    expect_keepalive("/proc/net/tcp6", server.port,
                     atoi(strrchr(name_of(&client), ':') + 1));
    program_stop(&server);
}
END_TEST

/* ---- Standard output ---------------------------------------------------------------- */

/* Somebody says three thousand lines to somebody else. */
static void talk_a_lot(const struct program *server)
{
    struct stream clients[2];
    struct talk talk = {.speaker = &clients[0], .reader = &clients[1]};

    clients[0] = room_join(server);
    clients[1] = room_join(server);
    skip_to_line(&clients[0], "Client joined %s", name_of(&clients[1]));
    while (talk.said < 3000) {
        say_next(&talk);
        ck_assert(hear_up_to(&talk, talk.said - 20, ""));
    }
    ck_assert(hear_up_to(&talk, talk.said, ""));
    stream_close(&clients[0]);
    stream_close(&clients[1]);
}

START_TEST(a_log_whose_reader_sleeps_does_not_stop_the_room_and_says_what_it_missed)
{
    struct program server = room_open();
    struct stream client;

    talk_a_lot(&server); /* three rings full */
    client = room_join(&server);
    skip_to_line(&server.out, "(lines are missing here: standard output was not read)");
    send_text(&client, "awake again\n");
    skip_to_line(&server.out, "[%s] awake again", name_of(&client));
    program_stop(&server);
}
END_TEST

/* A port that was free a moment ago. */
static int free_port(void)
{
    const char *why = "";
    int listener = listener_open(NULL, 0, SOCK_STREAM, &why),
        port = listener_port(listener);

    ck_assert_msg(listener != -1, "%s", why);
    close(listener);
    return port;
}

/* Starts the server with its standard output elsewhere, its first lines on error. */
static struct program room_with_log(const char *before, const char *log)
{
    struct program server;
    char script[256];
    int64_t deadline = clock_ms() + DEADLINE_MS;
    int port = free_port();

    /* With its output elsewhere the port can't be read: one is chosen, and tried. */
    snprintf(script, sizeof script, "%s exec \"$@\" -p %d %s", before, port, log);
    server = program_run_by(script, "bin/pchatsrv", NULL);
    server.port = port;
    for (;;) {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)port)};
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        bool connected;

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connected = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
        close(fd);
        if (connected)
            return server;
        ck_assert(errno == ECONNREFUSED && clock_ms() < deadline);
        sleep_ms(5);
    }
}

/* The room's standard output fails: it says so once, and goes on. */
static void talk_without_log(const char *log, int error)
{
    struct program server = room_with_log("", log);

    talk_a_lot(&server);
    program_kill(&server, SIGTERM);
    expect_lf(&server.err, "pchatsrv: cannot write to standard output: %s",
              strerror(error));
    expect_end(&server.err);
    expect_status(&server, 0);
}

START_TEST(the_room_goes_on_without_standard_output_and_says_so_once)
{
    talk_without_log(">&-", EBADF);
}
END_TEST

START_TEST(the_room_goes_on_when_the_disk_is_full_and_says_so_once)
{
    talk_without_log(">/dev/full", ENOSPC);
}
END_TEST

START_TEST(the_room_goes_on_when_its_log_file_is_as_long_as_it_may_be)
{
    char path[] = "/tmp/chat-log-XXXXXX", redirection[64];
    struct program server;

    close(mkstemp(path));
    snprintf(redirection, sizeof redirection, ">%s", path);
    server = room_with_log("ulimit -f 1;", redirection);
    talk_a_lot(&server);
    program_kill(&server, SIGTERM);
    expect_lf(&server.err, "pchatsrv: cannot write to standard output: %s",
              strerror(EFBIG));
    expect_status(&server, 0);
    unlink(path);
}
END_TEST

/* The log is read in pieces of this size, with a pause behind each. */
static void talk_with_slow_log(size_t piece, int pause_ms)
{
    struct program server = room_open();
    int64_t before = clock_ms();
    char bytes[16384];
    pid_t slow_reader = fork_helper();

    if (slow_reader == 0) {
        while (read(server.out.fd, bytes, piece) > 0)
            sleep_ms(pause_ms);
        _exit(0);
    }
    talk_a_lot(&server); /* three megabytes: a minute at the log's pace */
    ck_assert_int_lt(clock_ms() - before, 30000);
    kill(slow_reader, SIGKILL);
    program_stop(&server);
}

START_TEST(a_log_that_is_read_slowly_does_not_slow_the_room_down)
{
    talk_with_slow_log(1024, 20);
    talk_with_slow_log(16384, 320); /* as much as is written at a time */
}
END_TEST

START_TEST(the_room_goes_on_when_the_logs_reader_is_gone)
{
    struct program server = room_open();

    stream_close(&server.out);
    talk_a_lot(&server);
    program_kill(&server, SIGTERM);
    expect_lf(&server.err, "pchatsrv: cannot write to standard output: %s",
              strerror(EPIPE));
    expect_status(&server, 0);
}
END_TEST

START_TEST(a_log_in_a_file_holds_all_that_was_said)
{
    char path[] = "/tmp/chat-log-XXXXXX", redirection[64];
    struct program server;
    struct stream log;
    int fd = mkstemp(path);

    snprintf(redirection, sizeof redirection, ">%s", path);
    server = room_with_log("", redirection);
    talk_a_lot(&server);
    program_stop(&server);
    log = stream_of(fd);
    expect_lf(&log, "ChatServer started on port %d", server.port);
    for (int i = 0, before = 0; i < 3000; i++) {
        char *line = next_line(&log), *text = strstr(line, "] line ");

        if (text == NULL) { /* joins, and the visit that found the port */
            ck_assert_int_lt(++before, 10);
            i--;
        } else {
            ck_assert_int_eq(atoi(text + 7), i);
        }
        free(line);
    }
    unlink(path);
    stream_close(&log);
}
END_TEST

/* ---- Start and end ------------------------------------------------------------------ */

static void expect_farewell(int signal_number)
{
    struct program server = room_open(), next;
    struct stream clients[3];
    char port[16];

    room_fill(&server, clients, 3);
    send_text(&clients[0], "one more thing\n");
    expect_line(&clients[1], "[%s] one more thing", name_of(&clients[0]));
    program_kill(&server, signal_number);
    for (int i = 0; i < 3; i++) {
        skip_to_line(&clients[i], "ChatServer stopping");
        expect_end(&clients[i]);
    }
    expect_status(&server, 0);
    skip_to_line(&server.out, "ChatServer stopping");
    expect_end(&server.out);
    expect_end(&server.err);

    /* The port can be bound again at once. */
    snprintf(port, sizeof port, "%d", server.port);
    next = program_run("bin/pchatsrv", "-p", port, NULL);
    program_read_port(&next, "ChatServer started on port ");
    ck_assert_int_eq(next.port, server.port);
    program_stop(&next);
}

START_TEST(sigint_ends_it_with_a_farewell_and_status_0)
{
    expect_farewell(SIGINT);
}
END_TEST

START_TEST(sigterm_ends_it_with_a_farewell_and_status_0)
{
    expect_farewell(SIGTERM);
}
END_TEST

START_TEST(sigterm_ends_it_while_clients_flood)
{
    struct program server = room_open();
    struct stream clients[4];
    pid_t flooders[4];

    room_fill(&server, clients, 4);
    for (int i = 0; i < 4; i++)
        flooders[i] = flood(&clients[i], "\xFF\xF1"); /* IAC NOP: nothing to pass on */
    send_text(&clients[0], "x"); /* they do: this comes behind what is in the buffers */
    program_stop(&server);
    for (int i = 0; i < 4; i++)
        kill(flooders[i], SIGKILL);
}
END_TEST

START_TEST(a_reader_that_was_refused_gets_its_text_while_others_keep_the_server_busy)
{
    struct program server = room_open();
    static struct stream clients[80];
    struct talk talk = {.speaker = &clients[0], .reader = &clients[1]};
    pid_t flooders[3];

    /* In a room so large, with several talking, sends are put off to gather more. */
    for (int i = 0; i < 80; i++)
        clients[i] = room_join(&server);
    for (int i = 0; i < 400; i++)
        say_next(&talk);
    skip_to_line(&server.out, "Client joined %s", name_of(&clients[79]));
    for (int i = 0; i < 400; i++)
        take_line(&server.out);
    for (int i = 0; i < 3; i++)
        flooders[i] = flood(&clients[77 + i], "\xFF\xF1");
    skip_to_line(&clients[1], "Client joined %s", name_of(&clients[79]));
    ck_assert(hear_up_to(&talk, 400, ""));
    for (int i = 0; i < 3; i++)
        kill(flooders[i], SIGKILL);
    program_stop(&server);
}
END_TEST

START_TEST(the_end_waits_for_nobody_longer_than_two_seconds_and_delivers_what_is_queued)
{
    struct program server = room_open();
    struct stream clients[3];
    struct talk talk = {.speaker = &clients[0], .reader = &clients[1]};
    int64_t before;

    /* The third never reads; the second has a lot to read when the end comes. */
    room_fill(&server, clients, 3);
    for (int i = 0; i < 400; i++)
        say_next(&talk);
    skip_to_line(&server.out, "Client joined %s", name_of(&clients[2]));
    for (int heard = 0; heard < 400; heard++)
        take_line(&server.out);
    program_kill(&server, SIGTERM);
    before = clock_ms();
    ck_assert(hear_up_to(&talk, 400, ""));
    expect_line(&clients[1], "ChatServer stopping");
    expect_end(&clients[1]);
    expect_status(&server, 0);
    ck_assert_int_ge(clock_ms() - before, 1500);
    ck_assert_int_lt(clock_ms() - before, 15000);
}
END_TEST

START_TEST(it_listens_where_b_says_and_nowhere_else)
{
    static const struct {
        const char *bound, *heard, *deaf;
    } cases[] = {{"127.0.0.1", "127.0.0.1", "::1"},
                 {"::1", "::1", "127.0.0.1"},
                 {"[::1]", "::1", "127.0.0.1"}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct program server;
        struct stream client;
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        int fd = socket(i == 0 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

        server = program_run("bin/pchatsrv", "-p", "0", "-b", cases[i].bound, NULL);
        program_read_port(&server, "ChatServer started on port ");
        client = connect_to_host(cases[i].heard, server.port);
        expect_line(&client, GREETING);
        v6.sin6_port = v4.sin_port = htons((uint16_t)server.port);
        v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ck_assert_int_eq(connect(fd,
                                 i == 0 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4,
                                 i == 0 ? sizeof v6 : sizeof v4),
                         -1);
        ck_assert_int_eq(errno, ECONNREFUSED);
        close(fd);
        program_stop(&server);
    }
}
END_TEST

START_TEST(wrong_usage_is_status_2_and_said_on_standard_error)
{
    expect_usage_error("bin/pchatsrv", "-x", NULL);
    expect_usage_error("bin/pchatsrv", "operand", NULL);
    expect_usage_error("bin/pchatsrv", "-p", NULL);
    expect_usage_error("bin/pchatsrv", "-p", "65536", NULL);
    expect_usage_error("bin/pchatsrv", "-p", "-1", NULL);
    expect_usage_error("bin/pchatsrv", "-p", "80x", NULL);
    expect_usage_error("bin/pchatsrv", "-p", "", NULL);
    expect_usage_error("bin/pchatsrv", "-xp", "4000", NULL);
}
END_TEST

START_TEST(help_and_version_go_to_standard_output_with_status_0)
{
    struct program server;

    server = program_run("bin/pchatsrv", "-h", NULL);
    expect_lf(&server.out, "usage: pchatsrv [-hV] [-b address] [-p port]");
    expect_status(&server, 0);
    expect_end(&server.err);
    server = program_run("bin/pchatsrv", "-V", NULL);
    expect_beginning(&server.out, "pchatsrv (netlab ");
    expect_end(&server.out);
    expect_status(&server, 0);
}
END_TEST

START_TEST(a_port_in_use_is_an_error_in_words_with_status_1)
{
    struct program server = room_open(), second;
    char port[16], *line;

    snprintf(port, sizeof port, "%d", server.port);
    second = program_run("bin/pchatsrv", "-p", port, NULL);
    line = next_line(&second.err);
    ck_assert_ptr_eq(strstr(line, "pchatsrv: cannot listen on port "), line);
    ck_assert_ptr_nonnull(strstr(line, "in use"));
    expect_status(&second, 1);
    expect_end(&second.out);
    second = program_run("bin/pchatsrv", "-b", "192.0.2.1", "-p", port, NULL);
    ck_assert_ptr_nonnull(strstr(next_line(&second.err), " of 192.0.2.1: "));
    expect_status(&second, 1);
    program_stop(&server);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        as_many_are_served_as_an_fd_set_holds_and_the_next_are_told,
        a_stalled_reader_is_closed_and_the_others_lose_nothing,
        a_reader_that_takes_a_byte_now_and_then_is_closed_too,
        a_slow_reader_that_reads_all_the_time_loses_nothing,
        a_reader_of_100_kilobytes_a_second_stays_in_a_flooding_room,
        a_flooding_sender_who_never_reads_keeps_nobody_from_talking,
        who_sends_much_in_few_bytes_has_no_more_of_a_turn_than_the_others,
        who_talks_has_a_turn_whoever_else_does_while_a_reader_is_slow,
        a_flood_of_questions_is_answered_in_whole,
        questions_without_end_whose_answers_are_read_slowly_silence_nobody,
        a_leaver_who_does_not_read_has_left_once,
        clients_that_reset_while_others_join_are_reported_and_the_room_goes_on,
        a_reset_is_a_client_that_left,
        what_a_client_said_before_it_was_reset_by_its_unread_news_is_passed_on,
        a_peer_whose_machine_died_is_looked_for,
        a_log_whose_reader_sleeps_does_not_stop_the_room_and_says_what_it_missed,
        the_room_goes_on_when_the_disk_is_full_and_says_so_once,
        a_log_that_is_read_slowly_does_not_slow_the_room_down,
        the_room_goes_on_when_the_logs_reader_is_gone,
        a_log_in_a_file_holds_all_that_was_said,
        sigint_ends_it_with_a_farewell_and_status_0,
        sigterm_ends_it_with_a_farewell_and_status_0,
        sigterm_ends_it_while_clients_flood,
        a_reader_that_was_refused_gets_its_text_while_others_keep_the_server_busy,
        the_end_waits_for_nobody_longer_than_two_seconds_and_delivers_what_is_queued,
        it_listens_where_b_says_and_nowhere_else,
        wrong_usage_is_status_2_and_said_on_standard_error,
        help_and_version_go_to_standard_output_with_status_0,
        a_port_in_use_is_an_error_in_words_with_status_1,
    };
    Suite *suite = suite_create("how the room holds up");
    TCase *tcase = tcase_create("server"), *limits = tcase_create("limits");

    tcase_set_timeout(tcase, 120);
    for (size_t i = 0; i < COUNT(tests); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    /* valgrind itself does not run within such limits, and opens a standard output that
       is missing: CK_EXCLUDE_TAGS=limits */
    tcase_set_tags(limits, "limits");
    tcase_set_timeout(limits, 120);
    tcase_add_test(limits, the_room_goes_on_without_standard_output_and_says_so_once);
    tcase_add_test(limits, the_room_goes_on_when_its_log_file_is_as_long_as_it_may_be);
    tcase_add_test(limits,
                   when_descriptors_run_out_earlier_a_newcomer_is_told_and_nothing_spins);
    suite_add_tcase(suite, limits);
    return run_suite(suite);
}
