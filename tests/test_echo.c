/* The echo over TCP: the three servers and echo_cli, from outside. */
#include "tests/server.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

static struct tests of_each, of_echo_srv, alone, full, limits;

/* Three ways to serve many clients. */
#define ECHO_SRV    "bin/echo_srv"
#define ECHO_FORK   "bin/echo_fork"
#define ECHO_THREAD "bin/echo_thread"
#define ECHO_CLI    "bin/echo_cli"

#define FIRST_LINE "EchoServer started on port "

static const char *way; /* the one under test */

/* What is sent in bulk: of prime length, so that any lost part is noticed. */
#define PATTERN 65521
static char pattern[PATTERN];

static void open_server(const char *path)
{
    way = path;
    server = program_serve(path, FIRST_LINE, NULL);
    for (size_t i = 0; i < PATTERN; i++)
        pattern[i] = (char)random_below(256);
}

static void open_echo_srv(void)
{
    open_server(ECHO_SRV);
}

static void open_echo_fork(void)
{
    open_server(ECHO_FORK);
}

static void open_echo_thread(void)
{
    open_server(ECHO_THREAD);
}

/* It has printed only its first line. */
static void close_server(void)
{
    close_sockets();
    program_kill(&server, SIGTERM);
    expect_success(&server);
}

/* ---- The server --------------------------------------------------------------------- */

TEST(of_each, row_2_every_byte_comes_back_in_order)
{
    struct stream client = connect_to(server.port);
    unsigned char bytes[256];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)i;
    for (int round = 0; round < 50; round++) {
        send_bytes(&client, bytes, sizeof bytes);
        expect_bytes(&client, bytes, sizeof bytes);
    }
}

TEST(of_each, the_sources_client_works_over_both_families)
{
    static const char *const hosts[] = {"127.0.0.1", "::1"};
    int families = lacks("IPv6") ? 1 : 2;

    for (int i = 0; i < families; i++) {
        struct stream client = connect_to_host(hosts[i], server.port);

        send_text(&client, "Hello World!\n");
        expect_lf(&client, "Hello World!");
        stream_close(&client);
    }
}

#define CROWD       300
#define CROWD_BYTES 20000

TEST(of_each, row_9_three_hundred_clients_with_random_cuts_get_every_byte_back)
{
    static struct stream clients[CROWD];
    static size_t sent[CROWD];
    size_t unfinished = CROWD;

    if (lacks_descriptors(CROWD + 64))
        return;
    for (int i = 0; i < CROWD; i++)
        clients[i] = connect_to(server.port);
    while (unfinished > 0) {
        unsigned i = random_below(CROWD);
        size_t left = CROWD_BYTES - sent[i], length = 1 + random_below(700);

        if (left > 0) {
            length = length < left ? length : left;
            send_bytes(&clients[i], pattern + 100 * i + sent[i], length);
            sent[i] += length;
            unfinished -= sent[i] == CROWD_BYTES;
        }
    }
    for (unsigned i = 0; i < CROWD; i++) {
        expect_bytes(&clients[i], pattern + 100 * i, CROWD_BYTES);
        stream_close(&clients[i]);
    }
}

TEST(of_each, a_client_that_never_reads_is_stopped_and_the_others_do_not_notice)
{
    struct stream deaf = connect_to(server.port), other = connect_to(server.port);
    size_t sent = send_until_stopped(&deaf, pattern, PATTERN);

    for (int i = 0; i < 100; i++) {
        send_text(&other, "are you there?\n");
        expect_lf(&other, "are you there?");
    }
    /* When it does read, nothing is missing. */
    stream_half_close(&deaf);
    expect_pattern(&deaf, pattern, PATTERN, 0, sent);
    expect_end(&deaf);
}

TEST(of_each, after_a_half_close_all_that_is_owed_comes_back)
{
    struct stream client = connect_to(server.port);

    send_text(&client, "hi");
    stream_half_close(&client);
    expect_bytes(&client, "hi", 2);
    expect_end(&client);
}

TEST(of_each, a_client_that_is_reset_is_its_own_affair)
{
    struct stream other = connect_to(server.port);

    for (int i = 0; i < 100; i++) {
        struct stream reset = connect_to(server.port);

        send_text(&reset, "what is under way is lost");
        stream_reset(&reset);
    }
    send_text(&other, "still here\n");
    expect_lf(&other, "still here");
}

/*
 * Connects this many clients, each of which says something. Returns how many are served.
 */
static int serve_crowd(struct stream *clients, int count)
{
    int served = 0;

    for (int i = 0; i < count; i++) {
        clients[i] = connect_to(server.port);
        send_if_open(&clients[i], "x\n");
    }
    for (int i = 0; i < count; i++)
        served += was_served(&clients[i], "x");
    return served;
}

TEST(of_echo_srv, it_serves_as_many_as_an_fd_set_holds_and_tells_the_next_that_it_is_full)
{
    static struct stream clients[1100];

    if (lacks_descriptors(COUNT(clients) + 64))
        return;
    ck_assert_int_ge(serve_crowd(clients, COUNT(clients)), FD_SETSIZE - 6);
}

TEST(full,
     echo_fork_and_echo_thread_turn_away_the_1001st_and_accept_again_when_one_has_gone)
{
    static struct stream clients[1000];
    struct stream late = {.fd = -1};

    if (lacks_descriptors(1000 + 64))
        return;
    ck_assert_int_eq(serve_crowd(clients, 1000), 1000);
    ck_assert_int_eq(serve_crowd(&late, 1), 0);
    stream_close(&late);
    stream_close(&clients[0]);
    while (serve_crowd(&late, 1) == 0) /* until the server has noticed that */
        stream_close(&late);
}

TEST(alone, echo_fork_ends_without_its_shells_children_and_with_its_own_on_time)
{
    struct stream deaf;
    int64_t before;

    server = program_serve_by("trap '' ALRM; sleep 20 >/dev/null 2>&1 & exec \"$@\"",
                              ECHO_FORK, FIRST_LINE, NULL);
    deaf = connect_to(server.port);
    (void)send_until_stopped(&deaf, pattern, PATTERN);
    before = clock_ms();
    program_stop(&server);
    ck_assert_int_lt(clock_ms() - before, 15000); /* two seconds, and a slow machine */
}

/* A pipe holds 64 KiB, and 1,200 clients come and go in some more bytes. */
TEST(alone, echo_thread_ends_on_time_also_if_somebody_reads_its_output_only_then)
{
    struct stream deaf, client;

    server = program_serve(ECHO_THREAD, FIRST_LINE, "-v", NULL);
    deaf = connect_to(server.port);
    (void)send_until_stopped(&deaf, pattern, PATTERN);
    for (int i = 0; i < 1200; i++) {
        client = connect_to(server.port);
        send_text(&client, "x");
        expect_text(&client, "x");
        stream_reset(&client);
    }
    program_kill(&server, SIGTERM);
    sleep_ms(300); /* by now it waits for the deaf one, and for room in the pipe */
    stream_fill_to_end(&server.out);
    expect_status(&server, 0);
}

TEST(limits, echo_thread_does_not_say_that_it_has_started_before_it_knows_that_it_can)
{
    /* It gets its listening socket, but no pipe. */
    struct program poor =
        program_run_by("ulimit -n 4; exec \"$@\"", ECHO_THREAD, "-p", "0", NULL);

    expect_status(&poor, 1);
    expect_beginning(&poor.err,
                     "echo_thread: cannot start: "); /* libcs differ in the rest */
    expect_end(&poor.out);
}

TEST(limits, echo_thread_does_not_start_with_a_pipe_that_select_cannot_watch)
{
    struct program crowded;

    if (lacks("python3") || lacks_descriptors(FD_SETSIZE + 64))
        return;
    crowded = program_run_by("exec python3 -c 'import os, sys\n"
                             "for n in range(3, 1023): os.dup2(0, n)\n"
                             "os.execvp(sys.argv[1], sys.argv[1:])' \"$@\"",
                             ECHO_THREAD, "-p", "0", NULL);
    expect_status(&crowded, 1);
    expect_beginning(&crowded.err, "echo_thread: cannot start: ");
    expect_end(&crowded.out);
}

TEST(limits, when_descriptors_run_out_earlier_a_newcomer_is_told_and_nothing_spins)
{
    struct stream clients[60];
    int served;

    server = program_serve_by("ulimit -n 20; exec \"$@\"", ECHO_SRV, FIRST_LINE, NULL);
    served = serve_crowd(clients, 60);
    ck_assert_int_ge(served, 12);
    ck_assert_int_lt(served, 20);
    expect_rest(&server, 300);
}

TEST(of_each, what_is_owed_is_sent_before_it_ends)
{
    struct stream client = connect_to(server.port);
    size_t sent = send_until_stopped(&client, pattern, PATTERN);

    /* Its buffer is full. It does not owe what the kernel has not given it yet. */
    program_kill(&server, SIGTERM);
    sleep_ms(300);
    if (strcmp(way, ECHO_SRV) == 0) /* the kernel may take all that the others owe */
        ck_assert_int_eq(waitpid(server.pid, NULL, WNOHANG), 0);
    stream_fill_to_end(&client);
    ck_assert_uint_gt(client.length, 0);
    ck_assert_uint_le(client.length, sent);
    expect_pattern(&client, pattern, PATTERN, 0, client.length);
    expect_status(&server, 0);
    stream_close(&client);
    open_server(way); /* for the fixture, which stops one */
}

TEST(alone, with_v_it_prints_who_came_and_how_much_was_echoed)
{
    struct stream client;
    const char *name;

    server = program_serve(ECHO_SRV, FIRST_LINE, "-v", NULL);
    client = connect_to(server.port);
    name = name_of(&client);
    expect_lf(&server.out, "Client connected %s", name);
    send_text(&client, "Hello");
    expect_text(&client, "Hello");
    stream_close(&client);
    expect_lf(&server.out, "Client closed %s, 5 bytes echoed", name);
}

/* Not even a descriptor for turning somebody away is left. */
TEST(limits, echo_fork_says_that_it_can_accept_nobody)
{
    server = program_serve_by("ulimit -n 4; exec \"$@\"", ECHO_FORK, FIRST_LINE, NULL);
    (void)connect_to(server.port);
    expect_beginning(&server.err, "echo_fork: cannot accept connections: ");
    expect_rest(&server, 300);
    program_kill(&server, SIGTERM);
    expect_success(&server);
}

TEST(of_each, nc_gets_its_echo)
{
    struct program nc;

    if (lacks("nc"))
        return;
    nc = program_run_by("printf hi | exec \"$@\"", "nc", "-N", "localhost",
                        formatted("%d", server.port), NULL);
    expect_text(&nc.out, "hi");
    expect_success(&nc);
}

/* ---- The client --------------------------------------------------------------------- */

TEST(of_echo_srv, row_3_echo_cli_sends_hello_world_or_the_words)
{
    const char *port = formatted("%d", server.port);
    struct program client = program_run(ECHO_CLI, "-p", port, NULL);

    expect_lf(&client.out, "Hello World!");
    expect_success(&client);
    if (lacks("IPv6"))
        return;
    client = program_run(ECHO_CLI, "-p", port, "::1", "--", "two", "words", NULL);
    expect_lf(&client.out, "two words");
    expect_success(&client);
}

TEST(of_echo_srv, echo_cli_sends_a_stream_of_any_size_both_ways_at_once)
{
    struct program client = program_run_by(
        "head -c 100000000 /dev/zero | tr '\\0' 'e' | \"$@\" | wc -c", ECHO_CLI, "-p",
        formatted("%d", server.port), "localhost", "-", NULL);

    ck_assert_int_eq(atol(take_line(&client.out)), 100000000);
    expect_success(&client);
}

TEST(alone, echo_cli_says_which_host_and_port_refused_it_and_why)
{
    int port = unused_port();
    struct program client =
        program_run(ECHO_CLI, "-p", formatted("%d", port), "127.0.0.1", NULL);

    expect_failure(&client, "echo_cli: cannot connect to 127.0.0.1 port %d: %s", port,
                   strerror(ECONNREFUSED));
    client = program_run(ECHO_CLI, "no.such.host.invalid", NULL);
    expect_status(&client, 1);
    ck_assert_uint_gt(client.err.length, 0);
}

TEST(alone, echo_cli_says_that_a_link_local_address_needs_an_interface)
{
    struct program client = program_run(ECHO_CLI, "fe80::1", NULL);
    char *why =
        expect_beginning(&client.err, "echo_cli: cannot connect to fe80::1 port 23000: ");

    if (strcmp(why, strerror(EAFNOSUPPORT)) != 0)
        ck_assert_str_eq(why,
                         "a link-local address needs an interface: write fe80::1%eth0");
    expect_status(&client, 1);
}

/*
 * The test plays the server: `answer` is what echo_cli gets for its Hello World!, and it
 * must complain. NULL: it must complain that the server closed too early.
 */
static void expect_complaint(const char *answer, const char *complaint)
{
    struct mock mock = mock_open("127.0.0.1");
    struct program client =
        program_run(ECHO_CLI, "-p", formatted("%d", mock.port), "127.0.0.1", NULL);
    struct stream peer = mock_accept(&mock);

    if (complaint == NULL)
        complaint =
            formatted("echo_cli: 127.0.0.1 port %d has closed after %zu of 13 bytes",
                      mock.port, strlen(answer));
    expect_lf(&peer, "Hello World!");
    send_text(&peer, answer);
    stream_close(&peer);
    expect_failure(&client, "%s", complaint);
    mock_close(&mock);
}

TEST(alone, echo_cli_tells_a_wrong_answer_and_one_cut_short_from_a_right_one)
{
    expect_complaint("Hello world!\n",
                     "echo_cli: byte 7 that came back is not the one that was sent");
    expect_complaint("Hello", NULL);
    expect_complaint("", NULL);
    expect_complaint("Hello World!\nand more",
                     "echo_cli: byte 14 that came back was never sent");
}

TEST(alone, echo_cli_says_that_the_server_is_full)
{
    static const char *const words[] = {"Hello", "Some"}; /* one begins like the answer */

    for (size_t i = 0; i < COUNT(words); i++) {
        struct mock mock = mock_open("127.0.0.1");
        struct program client = program_run(ECHO_CLI, "-p", formatted("%d", mock.port),
                                            "127.0.0.1", "--", words[i], NULL);
        struct stream peer = mock_accept(&mock);

        expect_lf(&peer, "%s", words[i]);
        send_text(&peer, FULL "\r\n");
        stream_close(&peer);
        expect_end(&client.out);
        expect_failure(&client,
                       "echo_cli: no answer from 127.0.0.1 port %d: the server is full",
                       mock.port);
        mock_close(&mock);
    }
}

#define NO_ANSWER "echo_cli: no answer from 127.0.0.1 port %d: timed out after %s s"

TEST(alone, echo_cli_gives_up_a_silent_server)
{
    struct mock mock = mock_open("127.0.0.1");
    struct program client = program_run(ECHO_CLI, "-w", "0.3", "-p",
                                        formatted("%d", mock.port), "127.0.0.1", NULL);

    expect_failure(&client, NO_ANSWER, mock.port, "0.3");
    mock_close(&mock);
}

TEST(alone, echo_cli_gives_up_a_silent_server_while_its_own_input_comes)
{
    struct mock mock = mock_open("127.0.0.1");
    /* A line comes every 0.1 s, until nobody reads any. */
    struct program client = program_run_by(
        "while echo x 2>&3; do sleep 0.1; done 3>/dev/null | \"$@\"; echo $?", ECHO_CLI,
        "-w", "0.5", "-p", formatted("%d", mock.port), "127.0.0.1", "-", NULL);

    expect_lf(&client.err, NO_ANSWER, mock.port, "0.5");
    expect_lf(&client.out, "1");
    expect_success(&client); /* the shell */
    mock_close(&mock);
}

TEST(alone, echo_cli_says_that_all_came_back_from_a_server_that_does_not_close)
{
    struct mock mock = mock_open("127.0.0.1");
    struct program client =
        program_run_by("echo x | \"$@\"", ECHO_CLI, "-w", "0.3", "-p",
                       formatted("%d", mock.port), "127.0.0.1", "-", NULL);
    struct stream peer = mock_accept(&mock);

    expect_text(&peer, "x\n");
    send_text(&peer, "x\n");
    expect_lf(&client.out, "x");
    expect_failure(&client,
                   "echo_cli: no end of the echo from 127.0.0.1 port %d: "
                   "timed out after 0.3 s",
                   mock.port);
    stream_close(&peer);
    mock_close(&mock);
}

TEST(of_echo_srv, echo_cli_says_that_nobody_takes_its_output)
{
    expect_write_error(ECHO_CLI, "-p", formatted("%d", server.port), NULL);
}

TEST(alone, wrong_usage_is_status_2)
{
    expect_usage_error(ECHO_SRV, "-x", NULL);
    expect_usage_error(ECHO_SRV, "operand", NULL);
    expect_usage_error(ECHO_SRV, "-p", "70000", NULL);
    expect_usage_error(ECHO_CLI, "-x", NULL);
    expect_usage_error(ECHO_CLI, "-p", "echo", NULL);
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = ECHO_SRV,
         .tests = &of_each,
         .set_up = open_echo_srv,
         .tear_down = close_server},
        {.name = ECHO_FORK,
         .tests = &of_each,
         .set_up = open_echo_fork,
         .tear_down = close_server},
        {.name = ECHO_THREAD,
         .tests = &of_each,
         .set_up = open_echo_thread,
         .tear_down = close_server},
        {.name = "with echo_srv",
         .tests = &of_echo_srv,
         .set_up = open_echo_srv,
         .tear_down = close_server},
        {.name = "alone", .tests = &alone},
        {.name = "many forks",
         .tests = &full,
         .set_up = open_echo_fork,
         .tear_down = close_server,
         .tags = "limits"},
        {.name = "many threads",
         .tests = &full,
         .set_up = open_echo_thread,
         .tear_down = close_server,
         .tags = "limits"},
        {.name = "limits", .tests = &limits, .tags = "limits"},
    };

    return run_cases("the echo over TCP", cases, COUNT(cases));
}
