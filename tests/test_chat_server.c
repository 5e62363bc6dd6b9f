/* How the room holds up, and how it starts and ends: pchatsrv from outside. */
#include "tests/room.h"
#include "tests/server.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct tests in_room, by_itself, limits;

static void open_room(void)
{
    server = room_open();
}

/* ---- A full room -------------------------------------------------------------------- */

#define CROWD 1100

TEST(in_room, it_serves_as_many_as_an_fd_set_holds_and_tells_the_next_that_it_is_full)
{
    static struct stream clients[CROWD];
    int served;

    if (lacks_descriptors(CROWD + 64))
        return;
    served = room_crowd(&server, clients, CROWD);
    /* It has three standard descriptors, srvsock and a spare; valgrind has a log. */
    ck_assert_int_ge(served, FD_SETSIZE - 6);
    ck_assert_int_lt(served, FD_SETSIZE);
    expect_working_crowd(&server, clients, served, &clients[1]);
}

TEST(limits, when_descriptors_run_out_earlier_a_newcomer_is_told_and_nothing_spins)
{
    struct stream clients[60];
    int served;

    server = room_open_by("ulimit -n 20; exec \"$@\"");
    served = room_crowd(&server, clients, 60);
    ck_assert_int_ge(served, 12);
    ck_assert_int_lt(served, 20);
    expect_rest(&server, 300);
    expect_working_crowd(&server, clients, served, &clients[1]);
}

/* ---- Clients that do not read, or read too little ------------------------------------ */

/* One client says numbered lines, and another hears them. */
struct talk {
    struct stream *speaker, *reader;
    int said, heard;
    int64_t longest_pause_ms;
};

#define TALK_LINE 1000 /* bytes: these soon fill the ring */

static void say_next(struct talk *talk)
{
    const char *begin = formatted("line %d ", talk->said++);

    send_line(talk->speaker, "%s%s", begin, repeated('.', TALK_LINE - 1 - strlen(begin)));
}

/* Hears the speaker's lines up to `said`. False: `end` came instead. */
static bool hear_up_to(struct talk *talk, int said, const char *end)
{
    while (talk->heard < said) {
        int64_t before = clock_ms();
        const char *line = take_line(talk->reader), *text = strchr(line, ' ');
        int number = -1;

        if (clock_ms() - before > talk->longest_pause_ms)
            talk->longest_pause_ms = clock_ms() - before;
        if (strcmp(line, end) == 0)
            return false;
        ck_assert_ptr_nonnull(text);
        if (strncmp(line, "Client ", 7) == 0) /* news of another */
            continue;
        ck_assert_int_eq(sscanf(text, " line %d ", &number), 1);
        ck_assert_int_eq(number, talk->heard);
        ck_assert_uint_eq(strlen(text), TALK_LINE);
        talk->heard++;
    }
    return true;
}

/* Starts a process that reads `piece` bytes at a time, with a pause after each. */
static pid_t read_slowly(const struct stream *stream, size_t piece, int pause_ms)
{
    pid_t pid = fork_helper();
    char bytes[16384];

    if (pid > 0)
        return pid;
    while (read(stream->fd, bytes, piece) > 0)
        sleep_ms(pause_ms);
    _exit(0);
}

/* Two clients talk and lose nothing, until the server closes the third. */
static void talk_until_given_up(struct stream clients[3])
{
    struct talk talk = {.speaker = &clients[0], .reader = &clients[1]};
    const char *left =
        strdup(formatted("Client left %s (too slow)", name_of(&clients[2])));

    while (hear_up_to(&talk, talk.said - 50, left)) {
        say_next(&talk);
        stream_drain(&server.out);
    }
    ck_assert(hear_up_to(&talk, talk.said, left));
    skip_to_line(&clients[0], "%s", left);
    /* Two seconds are promised; a loaded machine may add to them. */
    ck_assert_int_lt(talk.longest_pause_ms, 10000);
}

TEST(in_room, a_stalled_reader_is_closed_and_the_others_lose_nothing)
{
    struct stream clients[3];

    room_fill(&server, clients, 3);
    talk_until_given_up(clients);
}

TEST(in_room, a_reader_that_takes_a_byte_now_and_then_is_closed_too)
{
    struct stream clients[3];
    pid_t slow_reader;

    room_fill(&server, clients, 3);
    slow_reader = read_slowly(&clients[2], 1, 50);
    talk_until_given_up(clients);
    kill(slow_reader, SIGKILL);
}

TEST(in_room, readers_that_stall_together_cost_the_room_one_pause_and_not_one_each)
{
    enum { STALLED = 8 };
    struct stream clients[2 + STALLED];
    struct talk talk = {.speaker = &clients[0], .reader = &clients[1]};
    const int least = 1;
    const char *left;
    int64_t start;

    room_fill(&server, clients, 2);
    for (int i = 2; i < 2 + STALLED; i++) { /* each joins 40 KB later */
        clients[i] = room_join(&server);
        (void)setsockopt(clients[i].fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
        for (int n = 0; n < 40; n++)
            say_next(&talk);
        ck_assert(hear_up_to(&talk, talk.said, ""));
    }
    sleep_ms(2000);
    start = clock_ms();
    left = strdup(formatted("Client left %s (too slow)", name_of(&clients[1 + STALLED])));
    while (hear_up_to(&talk, talk.said - 50, left)) {
        say_next(&talk);
        stream_drain(&server.out);
    }
    /* That is, not two seconds for each of them. */
    ck_assert_int_lt(clock_ms() - start, 1000 * STALLED);
}

TEST(in_room, a_slow_reader_that_reads_all_the_time_loses_nothing)
{
    struct stream clients[3];
    struct talk talk = {.speaker = &clients[0], .reader = &clients[2]};
    const int count = 20000;

    room_fill(&server, clients, 3);
    if (fork_helper() == 0) {
        while (talk.said < count)
            say_next(&talk);
        _exit(0);
    }
    sleep_ms(300); /* meanwhile the ring fills, and the speaker must wait */
    while (talk.heard < count) {
        ck_assert(hear_up_to(&talk, talk.heard + 4, ""));
        stream_drain(&clients[1]);
        stream_drain(&server.out);
    }
}

/* Starts a process that sends `text` to the server without end. */
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

/*
 * The README's figure. A kernel accepts tens of KB at a time, so a slower reader can look
 * as if it did not read at all.
 */
TEST(in_room, a_reader_of_100_kilobytes_a_second_stays_in_a_flooding_room)
{
    enum { BYTES_A_MS = 100, TIME_MS = 6000 };
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
        sleep_ms(20);
    }
    kill(flooder, SIGKILL);
}

TEST(in_room, a_flooding_sender_that_never_reads_keeps_nobody_from_talking)
{
    struct stream clients[3];
    pid_t flooder;

    room_fill(&server, clients, 3);
    flooder = flood(&clients[2], "\n");
    for (int i = 0; i < 10; i++) {
        send_line(&clients[0], "hello %d", i);
        skip_to_line(&clients[1], "[%s] hello %d", name_of(&clients[0]), i);
        stream_drain(&clients[0]);
    }
    kill(flooder, SIGKILL);
}

TEST(in_room, a_client_that_sends_many_tiny_lines_gets_no_more_of_a_turn_than_another)
{
    struct stream clients[3];
    static char lines[16384]; /* of one byte each, which the prefix makes twenty */

    room_fill(&server, clients, 3);
    memset(lines, '\n', sizeof lines);
    program_pause(&server);
    send_bytes(&clients[0], lines, sizeof lines);
    send_text(&clients[1], "hello\n");
    program_go_on(&server);
    ck_assert_int_lt(skip_to_line(&clients[2], "[%s] hello", name_of(&clients[1])), 2000);
}

TEST(in_room, all_who_talk_get_their_turns_while_a_reader_is_slow)
{
    enum { TALKERS = 8, LINES = 16384, TURN = 820 /* lines of one talker */ };
    struct stream clients[TALKERS + 1], *slow = &clients[TALKERS];
    static char lines[LINES]; /* of one byte each, which the prefix makes twenty */
    int said[TALKERS] = {0}, before[TALKERS], who = 0, silent = TALKERS;
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
        const char *line = take_line(slow);

        for (who = 0; strcmp(line, names[who]) != 0; who++)
            ck_assert_int_lt(who, TALKERS - 1);
        if (said[who]++ == 0 && --silent == 0)
            memcpy(before, said, sizeof said);
        if (heard % 400 > 0)
            continue;
        sleep_ms(1); /* slower than they talk, so the ring is always full */
        stream_drain(&server.out);
        for (int i = 0; i < TALKERS; i++)
            stream_drain(&clients[i]);
    }
    /* On a busy machine some are heard late: since then all have said about as much. */
    ck_assert_int_eq(silent, 0);
    for (int i = 0; i < TALKERS; i++)
        ck_assert_int_gt(said[i] - before[i], said[who] - before[who] - 3 * TURN);
}

TEST(in_room, every_question_of_a_flood_is_answered)
{
    struct stream clients[40];
    const int asked = 3000;

    room_fill(&server, clients, 40);
    if (fork_helper() == 0) {
        send_repeated(&clients[39], "/who\n/help\n/foo\n", (size_t)asked);
        _exit(0);
    }
    for (int i = 0; i < asked; i++)
        skip_to_line(&clients[39], "Unknown command /foo, try /help");
}

TEST(in_room, endless_questions_whose_answers_are_read_slowly_silence_nobody)
{
    static struct stream clients[60];
    struct talk talk = {.speaker = &clients[0], .reader = &clients[1]};
    pid_t asker, slow_reader;

    for (int i = 0; i < 60; i++)
        clients[i] = room_join(&server);
    asker = flood(&clients[59], "/who\n");
    slow_reader = read_slowly(&clients[59], 4096, 50);
    skip_to_line(&clients[1], "Client joined %s", name_of(&clients[59]));
    for (int i = 0; i < 20; i++) {
        say_next(&talk);
        ck_assert(hear_up_to(&talk, talk.said, ""));
    }
    kill(asker, SIGKILL);
    kill(slow_reader, SIGKILL);
}

TEST(in_room, a_leaver_that_does_not_read_leaves_once)
{
    struct stream clients[3];
    struct talk talk = {.speaker = &clients[0], .reader = &clients[1]};
    const int least = 1;
    const char *left;

    room_fill(&server, clients, 3);
    left = strdup(formatted("Client left %s", name_of(&clients[2])));
    (void)setsockopt(clients[2].fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
    /* More than the kernel holds for the leaver, and less than the ring holds. */
    while (talk.said < 600)
        say_next(&talk);
    ck_assert(hear_up_to(&talk, talk.said, left));
    stream_drain(&server.out);
    /* From now on it may also be closed as too slow, which would make it leave twice. */
    sleep_ms(2100);
    send_text(&clients[2], "/quit\n");
    ck_assert(!hear_up_to(&talk, talk.said + 1, left));
    left = strdup(formatted("%s (too slow)", left));
    while (talk.said < 2000) {
        say_next(&talk);
        ck_assert(hear_up_to(&talk, talk.said - 50, left));
        stream_drain(&server.out);
    }
    ck_assert(hear_up_to(&talk, talk.said, left));
}

TEST(in_room,
     a_reader_whose_socket_was_full_gets_its_text_while_others_keep_the_server_busy)
{
    static struct stream clients[80];
    struct talk talk = {.speaker = &clients[0], .reader = &clients[1]};
    pid_t flooders[3];

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
}

/* ---- Resets ------------------------------------------------------------------------- */

TEST(in_room, clients_that_reset_while_others_join_are_reported_and_the_room_goes_on)
{
    struct stream watcher = room_join(&server);
    int joined = 0, left = 0;
    bool alone;

    room_resets(&server);
    /* All the others are closed, so in the end as many have left as have joined. */
    do {
        const char *line = take_line(&watcher);

        joined += strncmp(line, "Client joined ", 14) == 0;
        left += strncmp(line, "Client left ", 12) == 0;
        alone = strncmp(line, "1 here: ", 8) == 0;
        if (!alone && left == joined)
            send_text(&watcher, "/who\n");
    } while (!alone || left < joined);
    ck_assert_int_ge(joined, 300);
}

TEST(in_room, a_reset_is_a_client_that_left)
{
    struct stream clients[2];
    const char *name;

    room_fill(&server, clients, 2);
    name = name_of(&clients[0]);
    stream_reset(&clients[0]);
    expect_line(&clients[1], "Client left %s", name);
}

TEST(in_room, what_a_client_said_before_it_was_reset_by_its_unread_news_is_passed_on)
{
    struct stream clients[2];
    const char *name;

    /* close() with something unread is a reset. It must not cost the client its last words. */
    room_fill(&server, clients, 2);
    name = name_of(&clients[0]);
    send_text(&clients[1], "unread\n");
    ck_assert(stream_ready(&clients[0], DEADLINE_MS));
    send_text(&clients[0], "last words\n");
    expect_line(&clients[1], "[%s] last words", name);
    stream_close(&clients[0]);
    expect_line(&clients[1], "Client left %s", name);
}

TEST(in_room, a_peer_whose_machine_died_is_looked_for)
{
    struct stream client = room_join(&server);

    expect_keepalive("/proc/net/tcp6", server.port, local_port(client.fd));
}

/* ---- Standard output ---------------------------------------------------------------- */

#define CANNOT_WRITE "pchatsrv: cannot write to standard output: %s"

/* One client says three thousand lines to another. */
static void talk_a_lot(void)
{
    struct stream clients[2];
    struct talk talk = {.speaker = &clients[0], .reader = &clients[1]};

    clients[0] = room_join(&server);
    clients[1] = room_join(&server);
    skip_to_line(&clients[0], "Client joined %s", name_of(&clients[1]));
    while (talk.said < 3000) {
        say_next(&talk);
        ck_assert(hear_up_to(&talk, talk.said - 20, ""));
    }
    ck_assert(hear_up_to(&talk, talk.said, ""));
    stream_close(&clients[0]);
    stream_close(&clients[1]);
}

TEST(in_room, a_log_whose_reader_sleeps_does_not_stop_the_room_and_says_what_it_missed)
{
    struct stream client;

    talk_a_lot(); /* three rings full */
    client = room_join(&server);
    ck_assert_int_gt(atoi(skip_to_beginning(&server.out, "(lines missing here: ")), 0);
    send_text(&client, "awake again\n");
    skip_to_line(&server.out, "[%s] awake again", name_of(&client));
}

/*
 * Starts the server with its standard output elsewhere, as `log` says, after `before`. Its
 * first line cannot be read there, so it gets a port that was free, and the test connects
 * until it listens.
 */
static void open_room_with_log(const char *before, const char *log)
{
    int port = unused_port(), fd, connected;
    struct sockaddr_storage address;
    socklen_t length = address_of("127.0.0.1", port, &address);
    siginfo_t ended = {.si_pid = 0};

    server = program_run_by(formatted("%s exec \"$@\" -p %d %s", before, port, log),
                            PCHATSRV, NULL);
    server.port = port;
    do {
        sleep_ms(5);
        if (waitid(P_PID, (id_t)server.pid, &ended, WEXITED | WNOHANG | WNOWAIT) == -1 ||
            ended.si_pid != 0)
            expect_end(&server.err); /* it did not start: this shows why */
        fd = socket(AF_INET, SOCK_STREAM, 0);
        connected = connect(fd, (struct sockaddr *)&address, length);
        ck_assert(connected == 0 || errno == ECONNREFUSED);
        close(fd);
    } while (connected == -1);
}

/* The room's standard output fails: it says so once, and goes on. */
static void expect_talk_without_log(const char *before, const char *log, int error)
{
    open_room_with_log(before, log);
    talk_a_lot();
    program_kill(&server, SIGTERM);
    expect_lf(&server.err, CANNOT_WRITE, strerror(error));
    expect_status(&server, 0);
    expect_end(&server.err);
}

TEST(limits, the_room_goes_on_without_standard_output_and_says_so_once)
{
    expect_talk_without_log("", ">&-", EBADF);
}

TEST(by_itself, the_room_goes_on_when_the_disk_is_full_and_says_so_once)
{
    expect_talk_without_log("", ">/dev/full", ENOSPC);
}

TEST(limits, the_room_goes_on_when_its_log_file_is_as_long_as_it_may_be)
{
    expect_talk_without_log("ulimit -f 1;", formatted(">%s", temp_path("log")), EFBIG);
}

TEST(by_itself, the_room_goes_on_when_the_logs_reader_is_gone)
{
    server = room_open();
    stream_close(&server.out);
    talk_a_lot();
    program_kill(&server, SIGTERM);
    expect_lf(&server.err, CANNOT_WRITE, strerror(EPIPE));
    expect_status(&server, 0);
    expect_end(&server.err);
}

/* The log is read at 50 KB a second, so three megabytes of talk would take a minute. */
static void expect_talk_with_slow_log(size_t piece, int pause_ms)
{
    int64_t before = clock_ms();
    pid_t slow_reader;

    server = room_open();
    slow_reader = read_slowly(&server.out, piece, pause_ms);
    talk_a_lot();
    ck_assert_int_lt(clock_ms() - before, 30000);
    kill(slow_reader, SIGKILL);
    program_stop(&server);
}

TEST(by_itself, a_log_that_is_read_slowly_does_not_slow_the_room_down)
{
    expect_talk_with_slow_log(1024, 20);
    expect_talk_with_slow_log(16384, 320); /* as much as one write */
}

TEST(by_itself, a_log_in_a_file_holds_all_that_was_said)
{
    const char *path = temp_write("log", "");
    struct stream log = stream_of(open(path, O_RDONLY));

    open_room_with_log("", formatted(">%s", path));
    talk_a_lot();
    program_stop(&server);
    expect_lf(&log, FIRST_LINE "%d", server.port);
    for (int said = 0, others = 0; said < 3000;) {
        const char *text = strstr(take_line(&log), "] line ");

        if (text == NULL) /* a join, or a visit to find the server listening */
            ck_assert_int_lt(++others, 10);
        else
            ck_assert_int_eq(atoi(text + strlen("] line ")), said++);
    }
}

/* ---- Start and end ------------------------------------------------------------------ */

static void expect_farewell(int signal_number)
{
    struct program next;
    struct stream clients[3];

    server = room_open();
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
    next = program_run(PCHATSRV, "-p", formatted("%d", server.port), NULL);
    program_read_port(&next, FIRST_LINE);
    ck_assert_int_eq(next.port, server.port);
    program_stop(&next);
}

TEST(by_itself, sigint_ends_it_with_a_farewell_and_status_0)
{
    expect_farewell(SIGINT);
}

TEST(by_itself, sigterm_ends_it_with_a_farewell_and_status_0)
{
    expect_farewell(SIGTERM);
}

TEST(by_itself, what_was_said_before_a_sigterm_is_heard)
{
    struct stream clients[2];

    server = room_open();
    room_fill(&server, clients, 2);
    program_pause(&server);
    send_line(&clients[0], "Good night");
    program_kill(&server, SIGTERM);
    program_go_on(&server);
    skip_to_line(&clients[1], "[%s] Good night", name_of(&clients[0]));
    expect_line(&clients[1], "ChatServer stopping");
    program_stop(&server);
}

TEST(by_itself, sigterm_ends_it_while_clients_flood)
{
    struct stream clients[4];
    pid_t flooders[4];

    server = room_open();
    room_fill(&server, clients, 4);
    for (int i = 0; i < 4; i++)
        flooders[i] = flood(&clients[i], "\xFF\xF1"); /* IAC NOP: nothing to pass on */
    send_text(&clients[0], "x"); /* waits for space: the flood has begun */
    program_stop(&server);
    for (int i = 0; i < 4; i++)
        kill(flooders[i], SIGKILL);
}

TEST(by_itself,
     the_end_waits_for_nobody_longer_than_two_seconds_and_delivers_what_is_queued)
{
    struct stream clients[3];
    struct talk talk = {.speaker = &clients[0], .reader = &clients[1]};
    int64_t before;

    /* The third never reads, and the second still has a lot to read at the end. */
    server = room_open();
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

/* Neither the third client nor the reader of standard output takes any more. */
static int64_t time_to_end_a_deaf_room(void)
{
    struct stream clients[3];
    struct talk talk = {.speaker = &clients[0], .reader = &clients[1]};
    int64_t before;

    server = room_open();
    room_fill(&server, clients, 3);
    for (int i = 0; i < 400; i++)
        say_next(&talk);
    ck_assert(hear_up_to(&talk, 400, ""));
    before = clock_ms();
    program_kill(&server, SIGTERM);
    expect_line(&clients[1], "ChatServer stopping");
    expect_status(&server, 0);
    return clock_ms() - before;
}

TEST(by_itself, the_end_waits_for_a_client_and_for_the_log_together)
{
    const int one_after_the_other = 4000;
    int64_t took = time_to_end_a_deaf_room();

    if (took >= one_after_the_other) /* a busy machine may take that too, but not twice */
        took = time_to_end_a_deaf_room();
    ck_assert_int_ge(took, 1500);
    ck_assert_int_lt(took, one_after_the_other);
}

TEST(by_itself, it_listens_where_b_says_and_nowhere_else)
{
    static const struct {
        const char *bound, *heard, *deaf;
    } cases[] = {{"127.0.0.1", "127.0.0.1", "::1"},
                 {"::1", "::1", "127.0.0.1"},
                 {"[::1]", "::1", "127.0.0.1"}};

    if (lacks("IPv6"))
        return;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sockaddr_storage address;
        struct stream client;
        socklen_t length;
        int fd;

        server = program_serve(PCHATSRV, FIRST_LINE, "-b", cases[i].bound, NULL);
        client = connect_to_host(cases[i].heard, server.port);
        expect_line(&client, GREETING);
        length = address_of(cases[i].deaf, server.port, &address);
        fd = socket(address.ss_family, SOCK_STREAM, 0);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, length), -1);
        ck_assert_int_eq(errno, ECONNREFUSED);
        close(fd);
        program_stop(&server);
    }
}

TEST(by_itself, wrong_usage_is_status_2_and_said_on_standard_error)
{
    expect_usage_error(PCHATSRV, "-x", NULL);
    expect_usage_error(PCHATSRV, "operand", NULL);
    expect_usage_error(PCHATSRV, "-p", NULL);
    expect_usage_error(PCHATSRV, "-p", "65536", NULL);
    expect_usage_error(PCHATSRV, "-p", "-1", NULL);
    expect_usage_error(PCHATSRV, "-p", "80x", NULL);
    expect_usage_error(PCHATSRV, "-p", "", NULL);
    expect_usage_error(PCHATSRV, "-xp", "4000", NULL);
}

TEST(by_itself, help_and_version_go_to_standard_output_with_status_0)
{
    server = program_run(PCHATSRV, "-h", NULL);
    expect_lf(&server.out,
              "usage: pchatsrv [-hV] [-b address] [-c number] [-p port] [-r lines]");
    expect_status(&server, 0);
    expect_end(&server.err);
    server = program_run(PCHATSRV, "-V", NULL);
    expect_beginning(&server.out, "pchatsrv (netlab ");
    expect_success(&server);
}

TEST(in_room, a_port_in_use_is_an_error_in_words_with_status_1)
{
    struct program second;
    const char *port = formatted("%d", server.port);

    second = program_run(PCHATSRV, "-p", port, NULL);
    ck_assert_ptr_nonnull(strstr(
        expect_beginning(&second.err, "pchatsrv: cannot listen on port "), "in use"));
    expect_status(&second, 1);
    expect_end(&second.out);
    second = program_run(PCHATSRV, "-b", "192.0.2.1", "-p", port, NULL);
    expect_containing(&second.err, " of 192.0.2.1: ");
    expect_status(&second, 1);
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "room", .tests = &in_room, .set_up = open_room},
        {.name = "start and end", .tests = &by_itself},
        {.name = "limits", .tests = &limits, .tags = "limits"},
    };

    return run_cases("how the room holds up", cases, COUNT(cases));
}
