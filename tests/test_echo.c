/*
 * The echo over TCP: the three servers and echo_cli as black boxes. ECHO_SRV, ECHO_FORK,
 * ECHO_THREAD and ECHO_CLI name other programs in place of bin/echo_srv and so on.
 */
#include "tests/harness.h"

#include "base/clock.h"
#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* The three ways to serve many clients. */
static const struct way {
    const char *variable, *fallback;
} echo_srv = {"ECHO_SRV", "bin/echo_srv"}, echo_fork = {"ECHO_FORK", "bin/echo_fork"},
  echo_thread = {"ECHO_THREAD", "bin/echo_thread"};

static const struct way *way; /* the one under test */
static struct program server;

static void open_server(void)
{
    program_start(&server, way->variable, way->fallback, "-p", "0", NULL);
    program_read_port(&server, "EchoServer started on port ");
}

static void open_echo_srv(void)
{
    way = &echo_srv;
    open_server();
}

static void open_echo_fork(void)
{
    way = &echo_fork;
    open_server();
}

static void open_echo_thread(void)
{
    way = &echo_thread;
    open_server();
}

static void close_server(void)
{
    program_stop(&server);
    ck_assert_uint_eq(server.out.length, 0); /* silent but for its first line */
}

/* Bytes of all kinds, the same each time for the same seed. */
static unsigned char byte_of(unsigned seed, size_t position)
{
    uint32_t x = (uint32_t)(seed * 2654435761u + position * 40503u);

    return (unsigned char)(x >> 13 ^ x >> 5 ^ x);
}

static void fill(unsigned char *bytes, size_t length, unsigned seed, size_t from)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = byte_of(seed, from + i);
}

/* Takes what has come; it must go on as `seed` has it from `seen` on. */
static void take_pattern(struct stream *stream, unsigned seed, size_t *seen)
{
    size_t same = 0;

    while (same < stream->length &&
           (unsigned char)stream->bytes[same] == byte_of(seed, *seen + same))
        same++;
    ck_assert_uint_eq(same, stream->length);
    *seen += same;
    stream->length = 0;
}

/* ---- The server --------------------------------------------------------------------- */

START_TEST(row_2_every_byte_comes_back_in_order)
{
    struct stream client = connect_to(server.port);
    unsigned char bytes[256];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)i;
    for (int round = 0; round < 50; round++) {
        send_bytes(&client, bytes, sizeof bytes);
        expect_bytes(&client, bytes, sizeof bytes);
    }
    stream_close(&client);
}
END_TEST

START_TEST(the_sources_client_works_over_both_families)
{
    static const char *const hosts[] = {"127.0.0.1", "::1"};

    for (int i = 0; i < 2; i++) {
        struct stream client = connect_to_host(hosts[i], server.port);

        send_text(&client, "Hello World!\n");
        expect_lf(&client, "Hello World!");
        stream_close(&client);
    }
}
END_TEST

#define CROWD       300
#define CROWD_BYTES 20000

START_TEST(row_9_three_hundred_clients_with_random_cuts_get_every_byte_back)
{
    static struct stream clients[CROWD];
    static size_t sent[CROWD], seen[CROWD];
    size_t unfinished = CROWD;

    need_descriptors(CROWD + 64);
    for (int i = 0; i < CROWD; i++)
        clients[i] = connect_to(server.port);
    while (unfinished > 0) {
        unsigned char bytes[700];
        unsigned i = random_below(CROWD);
        size_t left = CROWD_BYTES - sent[i], length = 1 + random_below(sizeof bytes);

        if (left > 0) {
            length = length < left ? length : left;
            fill(bytes, length, i, sent[i]);
            send_bytes(&clients[i], bytes, length);
            sent[i] += length;
            unfinished -= sent[i] == CROWD_BYTES;
        }
    }
    for (unsigned i = 0; i < CROWD; i++) {
        while (seen[i] < CROWD_BYTES) {
            ck_assert(clients[i].length > 0 || stream_fill(&clients[i]));
            take_pattern(&clients[i], i, &seen[i]);
        }
        stream_close(&clients[i]);
    }
}
END_TEST

/* Sends until the server takes no more for a while. Returns how much it took. */
static size_t send_until_stopped(struct stream *client, unsigned seed)
{
    unsigned char bytes[16384];
    size_t sent = 0;

    ck_assert_int_ne(fcntl(client->fd, F_SETFL, O_NONBLOCK), -1);
    while (poll(&(struct pollfd){client->fd, POLLOUT, 0}, 1, 300) == 1) {
        ssize_t taken;

        fill(bytes, sizeof bytes, seed, sent);
        taken = send(client->fd, bytes, sizeof bytes, MSG_NOSIGNAL);
        ck_assert(taken > 0 || errno == EAGAIN);
        if (taken > 0)
            sent += (size_t)taken;
        ck_assert_uint_lt(sent, 200000000); /* or it is buffered, and not stopped */
    }
    return sent;
}

START_TEST(a_client_that_never_reads_is_stopped_and_the_others_do_not_notice)
{
    struct stream deaf = connect_to(server.port), other = connect_to(server.port);
    size_t sent = send_until_stopped(&deaf, 7), seen = 0;

    for (int i = 0; i < 100; i++) {
        send_text(&other, "are you there?\n");
        expect_lf(&other, "are you there?");
    }
    /* And when it reads after all, nothing is missing. */
    ck_assert_int_eq(fcntl(deaf.fd, F_SETFL, 0), 0);
    stream_half_close(&deaf);
    while (stream_fill(&deaf))
        take_pattern(&deaf, 7, &seen);
    ck_assert_uint_eq(seen, sent);
    stream_close(&deaf);
    stream_close(&other);
}
END_TEST

START_TEST(after_a_half_close_all_that_is_owed_comes_back)
{
    struct stream client = connect_to(server.port);

    send_text(&client, "hi");
    stream_half_close(&client);
    expect_bytes(&client, "hi", 2);
    expect_end(&client);
    stream_close(&client);
}
END_TEST

START_TEST(a_client_that_is_reset_is_its_own_affair)
{
    struct stream other = connect_to(server.port);

    for (int i = 0; i < 100; i++) {
        struct stream reset = connect_to(server.port);

        send_text(&reset, "what is under way is lost");
        stream_reset(&reset);
    }
    send_text(&other, "still here\n");
    expect_lf(&other, "still here");
    stream_close(&other);
}
END_TEST

START_TEST(as_many_are_served_as_an_fd_set_holds_and_the_next_are_told)
{
    static struct stream clients[1100];
    int served = 0, told = 0;

    need_descriptors(1100 + 64);
    for (int i = 0; i < 1100; i++) {
        clients[i] = connect_to(server.port);
        (void)send(clients[i].fd, "x", 1, MSG_NOSIGNAL); /* it may be closed already */
    }
    for (int i = 0; i < 1100; i++) {
        ck_assert(stream_fill(&clients[i]));
        if (clients[i].bytes[0] == 'x') {
            served++;
        } else {
            expect_line(&clients[i], "Server full, try again later");
            told++;
        }
    }
    ck_assert_int_ge(served, FD_SETSIZE - 6);
    ck_assert_int_eq(served + told, 1100);
    for (int i = 0; i < 1100; i++)
        stream_close(&clients[i]);
}
END_TEST

START_TEST(echo_fork_and_echo_thread_tell_the_1001st_and_serve_on_when_one_has_gone)
{
    static struct stream clients[1000];
    struct stream late;

    need_descriptors(1000 + 64);
    for (int i = 0; i < 1000; i++)
        clients[i] = connect_to(server.port);
    for (int i = 0; i < 1000; i++) {
        send_text(&clients[i], "x");
        expect_bytes(&clients[i], "x", 1);
    }
    late = connect_to(server.port);
    expect_line(&late, "Server full, try again later");
    expect_end(&late);
    stream_close(&late);
    stream_close(&clients[0]);
    for (bool served = false; !served; stream_close(&late)) {
        late = connect_to(server.port); /* that the other has gone may not be known yet */
        (void)send(late.fd, "x", 1, MSG_NOSIGNAL);
        ck_assert(stream_fill(&late));
        served = late.bytes[0] == 'x';
    }
    for (int i = 1; i < 1000; i++)
        stream_close(&clients[i]);
}
END_TEST

START_TEST(echo_fork_ends_without_its_shells_children_and_with_its_own_on_time)
{
    struct program alone;
    struct stream deaf;
    int64_t before;

    alone = program_run_by("trap '' ALRM; sleep 20 >/dev/null 2>&1 & exec \"$@\"",
                           "bin/echo_fork", "-p", "0", NULL);
    program_read_port(&alone, "EchoServer started on port ");
    deaf = connect_to(alone.port);
    (void)send_until_stopped(&deaf, 5);
    before = clock_ms();
    program_stop(&alone);
    ck_assert_int_lt(clock_ms() - before, 15000); /* two seconds, and a slow machine */
    stream_close(&deaf);
}
END_TEST

START_TEST(echo_thread_does_not_say_that_it_has_started_before_it_knows_that_it_can)
{
    struct program poor;
    char *complaint;

    /* It gets its listening socket, and no pipe. */
    program_start_by(&poor, "ulimit -n 4; exec \"$@\"", "ECHO_THREAD", "bin/echo_thread",
                     "-p", "0", NULL);
    ck_assert_int_eq(program_wait(&poor), 1);
    complaint = next_line(&poor.err); /* each libc has its own words for EMFILE */
    ck_assert_ptr_eq(strstr(complaint, "echo_thread: cannot start: "), complaint);
    free(complaint);
    expect_end(&poor.out);
}
END_TEST

START_TEST(when_descriptors_run_out_earlier_a_newcomer_is_told_and_nothing_spins)
{
    struct stream clients[60];
    struct program poor;
    int64_t before;
    int served = 0;

    poor = program_run_by("ulimit -n 20; exec \"$@\"", "bin/echo_srv", "-p", "0", NULL);
    program_read_port(&poor, "EchoServer started on port ");
    for (int i = 0; i < 60; i++) {
        clients[i] = connect_to(poor.port);
        (void)send(clients[i].fd, "x", 1, MSG_NOSIGNAL); /* it may be closed already */
    }
    for (int i = 0; i < 60; i++) {
        ck_assert(stream_fill(&clients[i]));
        if (clients[i].bytes[0] == 'x')
            served++;
        else
            expect_line(&clients[i], "Server full, try again later");
    }
    ck_assert_int_ge(served, 12);
    ck_assert_int_lt(served, 20);
    before = program_cpu_ns(&poor);
    sleep_ms(300);
    ck_assert_int_lt(program_cpu_ns(&poor) - before, 100000000);
    program_stop(&poor);
}
END_TEST

START_TEST(what_is_owed_is_sent_before_it_ends)
{
    struct stream client = connect_to(server.port);
    size_t sent = send_until_stopped(&client, 3), seen = 0;

    /* Its buffer is full. What the kernel has not handed to it yet is not owed. */
    program_kill(&server, SIGTERM);
    sleep_ms(300);
    if (way ==
        &echo_srv) /* which waits for its client; to the others the kernel may grant room */
        ck_assert_int_eq(waitpid(server.pid, NULL, WNOHANG), 0);
    while (stream_fill(&client))
        take_pattern(&client, 3, &seen);
    ck_assert_uint_gt(seen, 0);
    ck_assert_uint_le(seen, sent);
    expect_status(&server, 0);
    stream_close(&client);
    open_server(); /* for the fixture, which stops one */
}
END_TEST

START_TEST(with_v_it_prints_who_came_and_how_much_was_echoed)
{
    struct program talker;
    struct stream client;
    char name[128];

    talker = program_run("bin/echo_srv", "-v", "-p", "0", NULL);
    program_read_port(&talker, "EchoServer started on port ");
    client = connect_to(talker.port);
    snprintf(name, sizeof name, "%s", name_of(&client));
    expect_lf(&talker.out, "Client connected %s", name);
    send_text(&client, "Hello");
    expect_bytes(&client, "Hello", 5);
    stream_close(&client);
    expect_lf(&talker.out, "Client closed %s, 5 bytes echoed", name);
    program_stop(&talker);
}
END_TEST

START_TEST(nc_gets_its_echo)
{
    struct program nc;
    char script[128];

    snprintf(script, sizeof script, "printf hi | exec nc -N localhost %d", server.port);
    nc = program_run_by(script, "nc", NULL);
    expect_bytes(&nc.out, "hi", 2);
    expect_end(&nc.out);
    expect_status(&nc, 0);
}
END_TEST

/* ---- The client --------------------------------------------------------------------- */

static char port_text[16];

static const char *port_of(int port)
{
    snprintf(port_text, sizeof port_text, "%d", port);
    return port_text;
}

START_TEST(row_3_echo_cli_sends_hello_world_or_the_words)
{
    struct program client;

    client = program_run("bin/echo_cli", "-p", port_of(server.port), NULL);
    expect_lf(&client.out, "Hello World!");
    expect_end(&client.out);
    expect_status(&client, 0);
    client = program_run("bin/echo_cli", "-p", port_of(server.port), "::1", "two",
                         "words", NULL);
    expect_lf(&client.out, "two words");
    expect_end(&client.out);
    expect_status(&client, 0);
    expect_end(&client.err);
}
END_TEST

START_TEST(echo_cli_sends_a_stream_of_any_size_both_ways_at_once)
{
    struct program client;
    const long size = 100000000;
    char *line;

    client = program_run_by("head -c 100000000 /dev/zero | tr '\\0' 'e' | \"$@\" | wc -c",
                            "bin/echo_cli", "-p", port_of(server.port), "localhost", "-",
                            NULL);
    line = next_line(&client.out);
    ck_assert_int_eq(atol(line), size);
    expect_status(&client, 0);
    free(line);
}
END_TEST

START_TEST(echo_cli_says_which_host_and_port_refused_it_and_why)
{
    struct program client;
    const char *why;
    int listener = listener_open("127.0.0.1", 0, SOCK_STREAM, &why);
    int port = listener_port(listener);

    close(listener);
    client = program_run("bin/echo_cli", "-p", port_of(port), "127.0.0.1", NULL);
    expect_lf(&client.err, "echo_cli: cannot connect to 127.0.0.1 port %d: %s", port,
              strerror(ECONNREFUSED));
    expect_status(&client, 1);
    client = program_run("bin/echo_cli", "no.such.host.invalid", NULL);
    expect_status(&client, 1);
    ck_assert_uint_gt(client.err.length, 0);
}
END_TEST

/*
 * Plays the server to one echo_cli: it gets `answer` when it has sent Hello World!, and
 * complains of that; NULL: that the server has closed too early.
 */
static void expect_complaint(const char *answer, const char *complaint)
{
    const char *why;
    int listener = listener_open("127.0.0.1", 0, SOCK_STREAM, &why);
    struct program client;
    struct stream peer;

    client = program_run("bin/echo_cli", "-p", port_of(listener_port(listener)),
                         "127.0.0.1", NULL);
    ck_assert_int_eq(poll(&(struct pollfd){listener, POLLIN, 0}, 1, DEADLINE_MS), 1);
    peer = stream_of(accept(listener, NULL, NULL));
    expect_lf(&peer, "Hello World!");
    send_text(&peer, answer);
    stream_close(&peer);
    if (complaint != NULL)
        expect_lf(&client.err, "%s", complaint);
    else
        expect_lf(&client.err,
                  "echo_cli: 127.0.0.1 port %d has closed after %zu of 13 bytes",
                  listener_port(listener), strlen(answer));
    expect_status(&client, 1);
    close(listener);
}

START_TEST(echo_cli_gives_up_a_silent_server_while_its_own_input_comes)
{
    int listener = listener_open("127.0.0.1", 0, SOCK_STREAM, &(const char *){NULL});
    struct program client;

    /* A line every 0.1 s, until nobody reads them. */
    client = program_run_by(
        "while echo x 2>&3; do sleep 0.1; done 3>/dev/null | \"$@\"; echo $?",
        "bin/echo_cli", "-w", "0.5", "-p", port_of(listener_port(listener)), "127.0.0.1",
        "-", NULL);
    expect_lf(&client.err,
              "echo_cli: no answer from 127.0.0.1 port %d: timed out after 0.5 s",
              listener_port(listener));
    expect_lf(&client.out, "1");
    program_wait(&client);
    close(listener);
}
END_TEST

START_TEST(echo_cli_tells_a_lying_server_and_a_silent_one_from_a_right_one)
{
    expect_complaint("Hello world!\n",
                     "echo_cli: byte 7 that came back is not the one that was sent");
    expect_complaint("Hello", NULL);
    expect_complaint("", NULL);
    expect_complaint("Hello World!\nand more",
                     "echo_cli: byte 14 that came back was never sent");
}
END_TEST

START_TEST(echo_cli_gives_up_on_a_server_that_says_nothing)
{
    const char *why;
    int listener = listener_open("127.0.0.1", 0, SOCK_STREAM, &why);
    struct program client;

    client = program_run("bin/echo_cli", "-w", "0.3", "-p",
                         port_of(listener_port(listener)), "127.0.0.1", NULL);
    expect_lf(&client.err,
              "echo_cli: no answer from 127.0.0.1 port %d: timed out after 0.3 s",
              listener_port(listener));
    expect_status(&client, 1);
    close(listener);
}
END_TEST

START_TEST(echo_cli_says_that_nobody_takes_its_output)
{
    struct program client;

    client = program_run_by("exec \"$@\" >/dev/full", "bin/echo_cli", "-p",
                            port_of(server.port), NULL);
    expect_lf(&client.err, "echo_cli: cannot write to standard output: %s",
              strerror(ENOSPC));
    expect_status(&client, 1);
}
END_TEST

START_TEST(wrong_usage_is_status_2)
{
    expect_usage_error("bin/echo_srv", "-x", NULL);
    expect_usage_error("bin/echo_srv", "operand", NULL);
    expect_usage_error("bin/echo_srv", "-p", "70000", NULL);
    expect_usage_error("bin/echo_cli", "-x", NULL);
    expect_usage_error("bin/echo_cli", "-p", "echo", NULL);
}
END_TEST

static TCase *add(Suite *suite, const char *name, void (*open)(void),
                  const TTest *const *tests, size_t count)
{
    TCase *tcase = tcase_create(name);

    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, open, close_server);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return tcase;
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

int main(void)
{
    const TTest *const of_each[] = {
        row_2_every_byte_comes_back_in_order,
        the_sources_client_works_over_both_families,
        row_9_three_hundred_clients_with_random_cuts_get_every_byte_back,
        a_client_that_never_reads_is_stopped_and_the_others_do_not_notice,
        after_a_half_close_all_that_is_owed_comes_back,
        a_client_that_is_reset_is_its_own_affair,
        what_is_owed_is_sent_before_it_ends,
        nc_gets_its_echo,
    };
    const TTest *const of_echo_srv[] = {
        as_many_are_served_as_an_fd_set_holds_and_the_next_are_told,
        with_v_it_prints_who_came_and_how_much_was_echoed,
        row_3_echo_cli_sends_hello_world_or_the_words,
        echo_cli_sends_a_stream_of_any_size_both_ways_at_once,
        echo_cli_says_which_host_and_port_refused_it_and_why,
        echo_cli_gives_up_a_silent_server_while_its_own_input_comes,
        echo_cli_tells_a_lying_server_and_a_silent_one_from_a_right_one,
        echo_cli_gives_up_on_a_server_that_says_nothing,
        echo_cli_says_that_nobody_takes_its_output,
        echo_fork_ends_without_its_shells_children_and_with_its_own_on_time,
        wrong_usage_is_status_2,
    };
    const TTest *const of_the_others[] = {
        echo_fork_and_echo_thread_tell_the_1001st_and_serve_on_when_one_has_gone,
    };
    Suite *suite = suite_create("the echo over TCP");
    TCase *limits = tcase_create("limits"), *forks, *threads;

    (void)add(suite, "echo_srv", open_echo_srv, of_each, COUNT(of_each));
    (void)add(suite, "echo_fork", open_echo_fork, of_each, COUNT(of_each));
    (void)add(suite, "echo_thread", open_echo_thread, of_each, COUNT(of_each));
    (void)add(suite, "alone", open_echo_srv, of_echo_srv, COUNT(of_echo_srv));
    forks = add(suite, "forks", open_echo_fork, of_the_others, COUNT(of_the_others));
    threads =
        add(suite, "threads", open_echo_thread, of_the_others, COUNT(of_the_others));
    tcase_add_test(limits,
                   when_descriptors_run_out_earlier_a_newcomer_is_told_and_nothing_spins);
    tcase_add_test(
        limits, echo_thread_does_not_say_that_it_has_started_before_it_knows_that_it_can);
    suite_add_tcase(suite, limits);
    /* valgrind itself does not run within such limits: CK_EXCLUDE_TAGS=limits */
    tcase_set_tags(limits, "limits");
    tcase_set_tags(forks, "limits");
    tcase_set_tags(threads, "limits");
    return run_suite(suite);
}
