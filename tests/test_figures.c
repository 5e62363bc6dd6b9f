/*
 * Figures that are counts and not times, so that they are the same on any machine: the
 * system calls of a turn, as strace writes them down, and the server's memory, as Linux
 * tells it; and what becomes of a server whose calls strace has fail. They are of the
 * program itself: not for a run under valgrind or sanitizers.
 */
#include "tests/room.h"

#include "base/clock.h"

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

/* ---- System calls ------------------------------------------------------------------- */

#define LISTENERS 50

/* The server, with strace as its child (-D), which writes down its calls or spoils some. */
static struct program room_under_strace(const char *log, const char *what)
{
    struct program server;
    char script[256];

    snprintf(script, sizeof script, "exec strace -D -o %s -s 0 -e %s \"$@\"", log, what);
    server = program_run_by(script, "bin/pchatsrv", "-p", "0", NULL);
    program_read_port(&server, "ChatServer started on port ");
    return server;
}

static struct program traced_room(const char *log)
{
    return room_under_strace(log, "trace=pselect6,select,sendmsg,sendto,write");
}

/* Of how many descriptors a row of the log is a wait; 0: it is another call. */
static int waited_for(const char *row)
{
    int count = 0;

    if (sscanf(row, "pselect6(%d,", &count) != 1)
        (void)sscanf(row, "select(%d,", &count);
    return count;
}

/* The most sends that one client got between two waits, of all turns in the log. */
static int most_sends_a_turn(const char *log, int *sends)
{
    static char row[4096];
    int counts[FD_SETSIZE] = {0}, most = 0, fd;
    FILE *file = fopen(log, "r");

    ck_assert_ptr_nonnull(file);
    *sends = 0;
    while (fgets(row, sizeof row, file) != NULL) {
        if (waited_for(row) > 0) {
            memset(counts, 0, sizeof counts);
        } else if (sscanf(row, "sendmsg(%d,", &fd) == 1 ||
                   sscanf(row, "sendto(%d,", &fd) == 1) {
            ++*sends;
            if (++counts[fd] > most)
                most = counts[fd];
        }
    }
    fclose(file);
    return most;
}

START_TEST(whatever_came_in_a_client_gets_it_in_one_send_a_turn)
{
    char log[] = "/tmp/chat-calls-XXXXXX", twenty[20 * 16 + 1] = "";
    struct stream clients[LISTENERS];
    struct program server;
    int sends, of_joins = LISTENERS * (LISTENERS + 1) / 2;

    close(mkstemp(log));
    server = traced_room(log);
    room_fill(&server, clients, LISTENERS);
    for (int i = 0; i < 20; i++)
        strcat(twenty, "one of twenty.\n");
    send_text(&clients[0], twenty);
    for (int i = 1; i < LISTENERS; i++)
        for (int n = 0; n < 20; n++)
            expect_line(&clients[i], "[%s] one of twenty.", name_of(&clients[0]));
    program_stop(&server);

    /* Each join, the twenty lines together, and the farewell: a send for each reader. */
    ck_assert_int_eq(most_sends_a_turn(log, &sends), 1);
    ck_assert_int_eq(sends, of_joins + LISTENERS - 1 + LISTENERS);
    unlink(log);
}
END_TEST

START_TEST(whoever_talks_nobody_gets_two_sends_in_a_turn)
{
    char log[] = "/tmp/chat-calls-XXXXXX", line[64];
    struct stream clients[LISTENERS];
    struct program server;
    int sends;

    close(mkstemp(log));
    server = traced_room(log);
    room_fill(&server, clients, LISTENERS);
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < LISTENERS; i++) {
            snprintf(line, sizeof line, "line %d\n", round);
            send_text(&clients[i], line);
        }
    }
    for (int i = 0; i < LISTENERS; i++)
        for (int n = 0; n < 40 * (LISTENERS - 1); n++)
            take_line(&clients[i]);
    program_stop(&server);
    ck_assert_int_eq(most_sends_a_turn(log, &sends), 1);
    ck_assert_int_lt(sends, 40 * LISTENERS * (LISTENERS - 1));
    unlink(log);
}
END_TEST

START_TEST(after_a_crowd_the_server_looks_at_no_more_descriptors_than_before)
{
    char log[] = "/tmp/chat-calls-XXXXXX", row[4096];
    struct stream clients[LISTENERS];
    struct program server;
    int descriptors = 0, most = 0; /* that were waited for at last, and ever */
    FILE *file;

    close(mkstemp(log));
    server = traced_room(log);
    room_fill(&server, clients, LISTENERS);
    for (int i = 1; i < LISTENERS; i++)
        stream_close(&clients[i]);
    for (int i = 1; i < LISTENERS; i++)
        skip_to_beginning(&clients[0], "Client left ");
    program_stop(&server);
    file = fopen(log, "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(row, sizeof row, file) != NULL) {
        if (waited_for(row) > 0)
            descriptors = waited_for(row);
        if (descriptors > most)
            most = descriptors;
    }
    fclose(file);
    ck_assert_int_gt(most, LISTENERS);
    ck_assert_int_le(descriptors, most - (LISTENERS - 1));
    unlink(log);
}
END_TEST

/* ---- Errors that a kernel seldom gives ---------------------------------------------- */

START_TEST(why_a_connection_was_lost_is_said_unless_that_is_the_peers_own_doing)
{
    static const struct {
        const char *name;
        int news; /* the same, if it is to be told */
    } errors[] = {{"EPIPE", 0}, {"ECONNRESET", 0}, {"ENOBUFS", ENOBUFS}};

    for (size_t i = 0; i < COUNT(errors); i++) {
        char spoilt[64], why[64] = "";
        struct program server;
        struct stream clients[2];

        /* Three sends tell of the joins; the fourth is what the second one says. */
        snprintf(spoilt, sizeof spoilt, "inject=sendto:error=%s:when=4", errors[i].name);
        if (errors[i].news != 0)
            snprintf(why, sizeof why, " (%s)", strerror(errors[i].news));
        server = room_under_strace("/dev/null", spoilt);
        room_fill(&server, clients, 2);
        send_text(&clients[1], "hello\n");
        expect_line(&clients[1], "Client left %s%s", name_of(&clients[0]), why);
        expect_end(&clients[0]);
        stream_close(&clients[0]);
        stream_close(&clients[1]);
        program_stop(&server);
    }
}
END_TEST

START_TEST(while_the_machine_is_out_of_files_a_newcomer_is_looked_for_after_rests)
{
    /* Each try is two calls: with the spare descriptor, and without. */
    struct program server =
        room_under_strace("/dev/null", "inject=?accept,?accept4:error=ENFILE:when=1..4");
    int64_t before = clock_ms();
    struct stream client = room_join(&server);

    ck_assert_int_ge(clock_ms() - before, 190); /* two rests of 100 ms */
    expect_lf(&server.err, "pchatsrv: cannot accept connections: %s", strerror(ENFILE));
    stream_close(&client);
    program_stop(&server);
}
END_TEST

START_TEST(a_datagram_server_that_cannot_receive_says_so_once_and_rests)
{
    struct program server;
    struct sockaddr_in peer = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    int64_t before = clock_ms();
    char echoed[8];

    program_start_by(
        &server,
        "exec strace -D -o /dev/null -e inject=recvmsg:error=ENOMEM:when=1..3 "
        "\"$@\"",
        "DGRAM_SRV", "bin/dgram_srv", "-p", "0", NULL);
    program_read_port(&server, "DatagramServer started on port ");
    peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer.sin_port = htons((uint16_t)server.port);
    ck_assert_int_eq(sendto(fd, "hello", 5, 0, (struct sockaddr *)&peer, sizeof peer), 5);
    ck_assert_int_eq(recv(fd, echoed, sizeof echoed, 0), 5);
    ck_assert_int_ge(clock_ms() - before, 290); /* three rests of 100 ms */
    expect_lf(&server.err, "dgram_srv: cannot receive: %s", strerror(ENOMEM));
    program_stop(&server);
}
END_TEST

START_TEST(a_room_whose_select_fails_says_goodbye_and_why)
{
    struct program server =
        room_under_strace("/dev/null", "inject=pselect6:error=ENOMEM:when=3");
    struct stream client = room_join(&server);

    send_text(&client, "hello\n");
    expect_line(&client, "ChatServer stopping");
    expect_end(&client);
    expect_lf(&server.err, "pchatsrv: select: %s", strerror(ENOMEM));
    ck_assert_int_eq(program_wait(&server), 1);
}
END_TEST

START_TEST(one_that_takes_nothing_yet_of_a_late_answer_has_its_idle_time_for_it)
{
    struct program server;
    struct stream client;

    /* A held client has no idle time: 100 ms are long over when it is sent something. */
    server =
        program_run_by("exec strace -D -o /dev/null -e inject=sendto:error=EAGAIN:when=1 "
                       "\"$@\" -i 100 opened=hold started=watch:300 watched=print",
                       "build/loop_srv", NULL);
    program_read_port(&server, "loop_srv started on port ");
    client = connect_to(server.port);
    expect_line(&client, "watched");
    stream_close(&client);
    program_stop(&server);
}
END_TEST

/* ---- Memory ------------------------------------------------------------------------- */

#define CROWD    1000
#define MOST_KIB 6144

/* Says a line, and keeps the log from stalling. False when the room waits for readers. */
static bool say(struct stream *speaker, struct stream *log)
{
    struct pollfd ready[2] = {{.fd = speaker->fd, .events = POLLOUT},
                              {.fd = log->fd, .events = POLLIN}};
    static const char line[] = "a line that nobody else in the room is ever to read\n";

    ck_assert_int_gt(poll(ready, 2, DEADLINE_MS), 0);
    if (ready[1].revents & POLLIN) {
        bool left = false;

        ck_assert(stream_fill(log));
        for (size_t i = 0; i + 10 < log->length && !left; i++)
            left = memcmp(log->bytes + i, "(too slow)", 10) == 0;
        log->length = 0;
        if (left)
            return false;
    }
    if (ready[0].revents & POLLOUT)
        send_text(speaker, line);
    return true;
}

/* The most that was ever resident, in KiB (proc(5): VmHWM); 0 where there is no /proc. */
static int peak_memory(const struct program *server)
{
    char path[64], row[256];
    int kib = 0;
    FILE *status;

    snprintf(path, sizeof path, "/proc/%d/status", (int)server->pid);
    status = fopen(path, "r");
    while (status != NULL && fgets(row, sizeof row, status) != NULL)
        if (sscanf(row, "VmHWM: %d", &kib) == 1)
            break;
    if (status != NULL)
        fclose(status);
    return kib;
}

START_TEST(a_thousand_clients_fit_in_six_megabytes_and_so_they_do_when_none_reads)
{
    static struct stream clients[CROWD];
    struct program server = room_open();
    static char half_a_line[2000];

    need_descriptors(CROWD + 64);
    for (int i = 0; i < CROWD; i++)
        clients[i] = room_join(&server);
    ck_assert_int_lt(peak_memory(&server), MOST_KIB);

    /* Every one of them has half a line waiting at the server, and reads nothing. */
    memset(half_a_line, '.', sizeof half_a_line);
    for (int i = 1; i < CROWD; i++)
        send_bytes(&clients[i], half_a_line, sizeof half_a_line);
    while (say(&clients[0], &server.out))
        continue;
    ck_assert_int_lt(peak_memory(&server), MOST_KIB);
    program_stop(&server);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        whatever_came_in_a_client_gets_it_in_one_send_a_turn,
        whoever_talks_nobody_gets_two_sends_in_a_turn,
        after_a_crowd_the_server_looks_at_no_more_descriptors_than_before,
        why_a_connection_was_lost_is_said_unless_that_is_the_peers_own_doing,
        while_the_machine_is_out_of_files_a_newcomer_is_looked_for_after_rests,
        a_datagram_server_that_cannot_receive_says_so_once_and_rests,
        a_room_whose_select_fails_says_goodbye_and_why,
        one_that_takes_nothing_yet_of_a_late_answer_has_its_idle_time_for_it,
        a_thousand_clients_fit_in_six_megabytes_and_so_they_do_when_none_reads,
        NULL,
    };
    const struct test_case cases[] = {{.name = "figures", .tests = tests}};

    return run_cases("counts", cases, COUNT(cases));
}
