/*
 * Figures that are counts, not times, so that they are the same on any machine: the system
 * calls of a turn, as strace logs them, and the server's memory, as Linux reports it.
 * strace also makes calls fail, to see how the server copes. All this concerns the plain
 * program: it is not for a run under valgrind or with sanitizers.
 */
#include "tests/room.h"
#include "tests/server.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>

static struct tests tests, sizes;

/* ---- System calls ------------------------------------------------------------------- */

#define LISTENERS 50

/* The server with strace as its child (-D), which writes its calls to `log`, or spoils some. */
static void open_under_strace(const char *log, const char *what)
{
    server = room_open_by(formatted("exec strace -D -o %s -s 0 -e %s \"$@\"", log, what));
}

static void open_traced(void)
{
    open_under_strace(temp_path("calls"), "trace=pselect6,select,sendmsg,sendto,write");
}

/* The traced calls of a server that has ended, a row at a time. NULL: there are no more. */
static const char *next_call(FILE **calls)
{
    static char row[4096];

    if (*calls == NULL)
        *calls = fopen(temp_path("calls"), "r");
    ck_assert_ptr_nonnull(*calls);
    return fgets(row, sizeof row, *calls);
}

/* The number of descriptors that a call waits for. 0: it is another call. */
static int waited_for(const char *call)
{
    int count = 0;

    if (sscanf(call, "pselect6(%d,", &count) != 1)
        (void)sscanf(call, "select(%d,", &count);
    return count;
}

/* No client got two sends between two waits. Returns the number of sends. */
static int expect_one_send_a_turn(void)
{
    bool is_sent[FD_SETSIZE] = {false};
    FILE *calls = NULL;
    int sends = 0, fd;

    for (const char *call; (call = next_call(&calls)) != NULL;) {
        if (waited_for(call) > 0) {
            memset(is_sent, 0, sizeof is_sent);
        } else if (sscanf(call, "sendmsg(%d,", &fd) == 1 ||
                   sscanf(call, "sendto(%d,", &fd) == 1) {
            ck_assert(!is_sent[fd]);
            is_sent[fd] = true;
            sends++;
        }
    }
    fclose(calls);
    return sends;
}

TEST(tests, whatever_came_in_a_client_gets_it_in_one_send_a_turn)
{
    char twenty[20 * 16 + 1] = "";
    struct stream clients[LISTENERS];
    int of_joins = LISTENERS * (LISTENERS + 1) / 2;

    open_traced();
    room_fill(&server, clients, LISTENERS);
    for (int i = 0; i < 20; i++)
        strcat(twenty, "one of twenty.\n");
    send_text(&clients[0], twenty);
    for (int i = 1; i < LISTENERS; i++)
        for (int n = 0; n < 20; n++)
            expect_line(&clients[i], "[%s] one of twenty.", name_of(&clients[0]));
    program_stop(&server);

    /* Each join, the twenty lines together, and the farewell: one send for each reader. */
    ck_assert_int_eq(expect_one_send_a_turn(), of_joins + LISTENERS - 1 + LISTENERS);
}

TEST(tests, however_many_talk_nobody_gets_two_sends_in_a_turn)
{
    struct stream clients[LISTENERS];

    open_traced();
    room_fill(&server, clients, LISTENERS);
    for (int round = 0; round < 40; round++)
        for (int i = 0; i < LISTENERS; i++)
            send_line(&clients[i], "line %d", round);
    for (int i = 0; i < LISTENERS; i++)
        for (int n = 0; n < 40 * (LISTENERS - 1); n++)
            take_line(&clients[i]);
    program_stop(&server);
    ck_assert_int_lt(expect_one_send_a_turn(), 40 * LISTENERS * (LISTENERS - 1));
}

TEST(tests, after_a_crowd_the_server_looks_at_no_more_descriptors_than_before)
{
    struct stream clients[LISTENERS];
    int descriptors = 0, most = 0; /* waited for last, and the most ever */
    FILE *calls = NULL;

    open_traced();
    room_fill(&server, clients, LISTENERS);
    for (int i = 1; i < LISTENERS; i++)
        stream_close(&clients[i]);
    for (int i = 1; i < LISTENERS; i++)
        skip_to_beginning(&clients[0], "Client left ");
    program_stop(&server);
    for (const char *call; (call = next_call(&calls)) != NULL;) {
        if (waited_for(call) > 0)
            descriptors = waited_for(call);
        if (descriptors > most)
            most = descriptors;
    }
    fclose(calls);
    ck_assert_int_gt(most, LISTENERS);
    ck_assert_int_le(descriptors, most - (LISTENERS - 1));
}

/* ---- Errors that a kernel seldom gives ---------------------------------------------- */

TEST(tests, why_a_connection_was_lost_is_said_unless_that_is_the_peers_own_doing)
{
    static const struct {
        const char *name;
        int news; /* the same, if it must be reported */
    } errors[] = {{"EPIPE", 0}, {"ECONNRESET", 0}, {"ENOBUFS", ENOBUFS}};

    for (size_t i = 0; i < COUNT(errors); i++) {
        const char *why = "";
        struct stream clients[2];

        if (errors[i].news != 0)
            why = formatted(" (%s)", strerror(errors[i].news));
        /* Three sends announce the joins. The fourth is what the second client says. */
        open_under_strace("/dev/null",
                          formatted("inject=sendto:error=%s:when=4", errors[i].name));
        room_fill(&server, clients, 2);
        send_text(&clients[1], "hello\n");
        expect_line(&clients[1], "Client left %s%s", name_of(&clients[0]), why);
        expect_end(&clients[0]);
        stream_close(&clients[0]);
        stream_close(&clients[1]);
        program_stop(&server);
    }
}

TEST(tests, while_the_machine_is_out_of_files_a_newcomer_is_looked_for_after_rests)
{
    int64_t before;

    /* Each try is two calls: without the spare descriptor, and with it. */
    open_under_strace("/dev/null", "inject=?accept,?accept4:error=ENFILE:when=1..4");
    before = clock_ms();
    (void)room_join(&server);
    ck_assert_int_ge(clock_ms() - before, 190); /* two rests of 100 ms */
    expect_lf(&server.err, "pchatsrv: cannot accept connections: %s", strerror(ENFILE));
}

TEST(tests, a_datagram_server_that_cannot_receive_says_so_once_and_rests)
{
    struct sockaddr_storage peer;
    socklen_t length;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    int64_t before = clock_ms();
    char echoed[8];

    server = program_serve_by(
        "exec strace -D -o /dev/null -e inject=recvmsg:error=ENOMEM:when=1..3 \"$@\"",
        "bin/dgram_srv", "DatagramServer started on port ", NULL);
    length = address_of("127.0.0.1", server.port, &peer);
    ck_assert_int_eq(sendto(fd, "hello", 5, 0, (struct sockaddr *)&peer, length), 5);
    ck_assert_int_eq(recv(fd, echoed, sizeof echoed, 0), 5);
    ck_assert_int_ge(clock_ms() - before, 290); /* three rests of 100 ms */
    expect_lf(&server.err, "dgram_srv: cannot receive: %s", strerror(ENOMEM));
}

TEST(tests, a_room_whose_select_fails_says_goodbye_and_why)
{
    struct stream client;

    open_under_strace("/dev/null", "inject=pselect6:error=ENOMEM:when=3");
    client = room_join(&server);
    send_text(&client, "hello\n");
    expect_line(&client, "ChatServer stopping");
    expect_end(&client);
    expect_failure(&server, "pchatsrv: select: %s", strerror(ENOMEM));
}

TEST(tests, a_signal_that_comes_while_a_room_takes_lines_is_seen_without_another_line)
{
    struct stream clients[3];

    open_under_strace("/dev/null", "inject=recvfrom:delay_enter=200000:when=1");
    room_fill(&server, clients, 3);
    for (int i = 0; i < 3; i++)
        send_line(&clients[i], "/who"); /* which the log does not show */
    program_kill(&server, SIGTERM);
    stream_fill_to_end(&server.out);
    expect_status(&server, 0);
}

TEST(tests, a_client_that_takes_nothing_yet_of_a_late_answer_has_time_for_it)
{
    struct stream client;

    /* A held client does not time out: its 100 ms are long over when it is sent
       something. */
    server = program_serve_by(
        "exec strace -D -o /dev/null -e inject=sendto:error=EAGAIN:when=1 "
        "\"$@\" -i 100 opened=hold started=watch:300 watched=print",
        "build/loop_srv", "loop_srv started on port ", NULL);
    client = connect_to(server.port);
    expect_line(&client, "watched");
}

/* ---- Memory ------------------------------------------------------------------------- */

#define CROWD    1000
#define MOST_KIB 6144

/* Says a line if it can. False: the log says that a reader was too slow for the room. */
static bool say(struct stream *speaker)
{
    while (stream_ready(&server.out, 0))
        if (strstr(take_line(&server.out), "(too slow)") != NULL)
            return false;
    if (poll(&(struct pollfd){.fd = speaker->fd, .events = POLLOUT}, 1, 10) == 1)
        send_text(speaker, "a line that nobody else in the room will ever read\n");
    return true;
}

/* The most memory that was ever resident, in KiB (proc(5): VmHWM), or 0 without Linux. */
static int peak_memory(void)
{
    FILE *status = fopen(formatted("/proc/%d/status", (int)server.pid), "r");
    char row[256];
    int kib = 0;

    if (status == NULL)
        return 0;
    while (fgets(row, sizeof row, status) != NULL)
        if (sscanf(row, "VmHWM: %d", &kib) == 1)
            break;
    fclose(status);
    return kib;
}

TEST(sizes, a_thousand_clients_fit_in_six_megabytes_and_so_they_do_when_none_reads)
{
    static struct stream clients[CROWD];

    if (lacks_descriptors(CROWD + 64))
        return;
    server = room_open();
    for (int i = 0; i < CROWD; i++)
        clients[i] = room_join(&server);
    ck_assert_int_lt(peak_memory(), MOST_KIB);

    /* Each of them has half a line waiting at the server, and reads nothing. */
    for (int i = 1; i < CROWD; i++)
        send_repeated(&clients[i], "..........", 200);
    while (say(&clients[0]))
        continue;
    ck_assert_int_lt(peak_memory(), MOST_KIB);

    /* And now nobody reads what the server prints, either. */
    for (int i = 0; i < 40000; i++)
        send_text(&clients[0], "a line that nobody else in the room will ever read\n");
    send_text(&clients[0], "/who\n");
    skip_to_beginning(&clients[0], "1 here:");
    ck_assert_int_lt(peak_memory(), MOST_KIB);
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "calls", .tests = &tests, .needs = "strace"},
        {.name = "sizes", .tests = &sizes},
    };

    return run_cases("counts", cases, COUNT(cases));
}
