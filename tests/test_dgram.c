/*
 * The echo over UDP: dgram_srv and dgram_cli as black boxes. DGRAM_SRV and DGRAM_CLI name
 * other programs in place of bin/dgram_srv and bin/dgram_cli.
 */
#include "tests/harness.h"

#include "base/clock.h"
#include "net/dial.h"
#include "net/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct program server;
static char port_text[16];

static const char *port_of(int port)
{
    snprintf(port_text, sizeof port_text, "%d", port);
    return port_text;
}

static void open_server(void)
{
    server = program_run("bin/dgram_srv", "-v", "-p", "0", NULL);
    program_read_port(&server, "DatagramServer started on port ");
}

static void close_server(void)
{
    program_stop(&server);
}

static int dial_server(const char *host)
{
    const char *why = "";
    int fd = dial(host, server.port, SOCK_DGRAM, DEADLINE_MS, &why);

    ck_assert_msg(fd != -1, "%s", why);
    return fd;
}

/* The next datagram's length, waiting for it; it must come. */
static size_t await(int fd, char *bytes, size_t size)
{
    ssize_t got;

    ck_assert_int_eq(poll(&(struct pollfd){fd, POLLIN, 0}, 1, DEADLINE_MS), 1);
    got = recv(fd, bytes, size, 0);
    ck_assert_int_ge(got, 0);
    return (size_t)got;
}

static void expect_echo(int fd, size_t length)
{
    static char sent[66000], got[66000];

    for (size_t i = 0; i < length; i++)
        sent[i] = (char)random_below(256);
    ck_assert_int_eq(send(fd, sent, length, 0), (ssize_t)length);
    ck_assert_uint_eq(await(fd, got, sizeof got), length);
    ck_assert_int_eq(memcmp(sent, got, length), 0);
}

/* ---- The server --------------------------------------------------------------------- */

START_TEST(row_4_every_size_of_datagram_comes_back_whole)
{
    static const size_t sizes[] = {0, 1, 2, 511, 512, 1472, 1473, 9000, 65506, 65507};
    int fd = dial_server("127.0.0.1");

    for (size_t i = 0; i < COUNT(sizes); i++)
        expect_echo(fd, sizes[i]);
}
END_TEST

START_TEST(every_size_comes_back_over_ipv6_too)
{
    static const size_t sizes[] = {0, 1, 1452, 1453, 65507, 65527};
    int fd = dial_server("::1");

    for (size_t i = 0; i < COUNT(sizes); i++)
        expect_echo(fd, sizes[i]);
}
END_TEST

START_TEST(the_answer_comes_from_the_address_that_was_asked)
{
    expect_echo(dial_server("127.0.0.2"), 100);
    expect_echo(dial_server("127.7.7.7"), 100);
}
END_TEST

START_TEST(a_burst_of_datagrams_is_echoed_in_order)
{
    int fd = dial_server("127.0.0.1");
    char text[32], got[32];

    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "number %d", i);
        ck_assert_int_gt(send(fd, text, strlen(text) + 1, 0), 0);
    }
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "number %d", i);
        ck_assert_uint_eq(await(fd, got, sizeof got), strlen(text) + 1);
        ck_assert_str_eq(got, text);
    }
}
END_TEST

START_TEST(peers_that_are_gone_before_their_answer_do_it_no_harm)
{
    for (int i = 0; i < 200; i++) {
        int fd = dial_server(i % 2 ? "127.0.0.1" : "::1");

        ck_assert_int_eq(send(fd, "gone", 4, 0), 4);
        close(fd);
    }
    expect_echo(dial_server("127.0.0.1"), 10);
}
END_TEST

/* A socket with a source port of its own choosing, or -1: that needs root. */
static int bound_to(const char *address, int port)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    ck_assert_int_eq(inet_pton(AF_INET, address, &from.sin_addr), 1);
    if (bind(fd, (struct sockaddr *)&from, sizeof from) == 0)
        return fd;
    ck_assert_int_eq(errno, EACCES);
    close(fd);
    return -1;
}

static void send_from(int fd, int to_port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)to_port)};

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(sendto(fd, "echo?", 5, 0, (struct sockaddr *)&to, sizeof to), 5);
}

START_TEST(the_ports_of_echo_like_services_and_its_own_get_no_answer)
{
    static const int ports[] = {7, 13, 17, 19, 37, 0};
    struct program other;
    int unanswered = 0, sockets[6];
    char expected[64];

    other = program_run("bin/dgram_srv", "-v", "-b", "127.0.0.1", "-p", "0", NULL);
    program_read_port(&other, "DatagramServer started on port ");
    for (int i = 0; i < 6; i++) {
        sockets[i] = bound_to("127.0.0.9", ports[i] != 0 ? ports[i] : other.port);
        if (sockets[i] == -1)
            continue; /* a port that only root may use, and this is not root */
        send_from(sockets[i], other.port);
        unanswered++;
    }
    ck_assert_int_ge(unanswered, 1);
    /* Datagrams are taken in order: when this one is back, the others got nothing. */
    server.port = other.port;
    expect_echo(dial_server("127.0.0.1"), 5);
    for (int i = 0; i < 6; i++)
        if (sockets[i] != -1)
            ck_assert_int_eq(poll(&(struct pollfd){sockets[i], POLLIN, 0}, 1, 0), 0);
    program_kill(&other, SIGTERM);
    snprintf(expected, sizeof expected, "datagrams: 1 echoed, 0 dropped, %d not answered",
             unanswered);
    expect_lf(&other.out, "%s", expected);
    expect_status(&other, 0);
}
END_TEST

START_TEST(it_ends_with_a_signal_and_its_counts_while_datagrams_pour_in)
{
    int fd = dial_server("127.0.0.1");
    int other = dial_server("::1");
    int64_t deadline = clock_ms() + DEADLINE_MS;
    pid_t flooder = fork_helper();
    char *line;

    if (flooder == 0)
        for (;;)
            (void)send(fd, "flood", 5, 0);
    do { /* what finds the server's buffer full of the flood is lost */
        ck_assert_int_lt(clock_ms(), deadline);
        ck_assert_int_eq(send(other, "hello", 5, 0), 5);
    } while (poll(&(struct pollfd){other, POLLIN, 0}, 1, 10) != 1);
    program_kill(&server, SIGINT);
    line = next_line(&server.out);
    ck_assert_ptr_nonnull(strstr(line, "datagrams: "));
    expect_status(&server, 0);
    kill(flooder, SIGKILL);
    open_server(); /* for the fixture, which stops one */
}
END_TEST

START_TEST(nc_gets_its_echo)
{
    struct program nc;
    char script[128];

    snprintf(script, sizeof script, "printf hi | exec nc -u -w 1 127.0.0.1 %d",
             server.port);
    nc = program_run_by(script, "nc", NULL);
    expect_bytes(&nc.out, "hi", 2);
    expect_status(&nc, 0);
}
END_TEST

/* ---- The client --------------------------------------------------------------------- */

START_TEST(row_5_dgram_cli_sends_hello_world_or_the_words_and_prints_the_answer)
{
    struct program client;

    client = program_run("bin/dgram_cli", "-p", port_of(server.port), NULL);
    expect_lf(&client.out, "Hello World ");
    expect_status(&client, 0);
    client = program_run("bin/dgram_cli", "-p", port_of(server.port), "::1", "two",
                         "words", NULL);
    expect_lf(&client.out, "two words");
    expect_status(&client, 0);
    expect_end(&client.err);
}
END_TEST

START_TEST(dgram_cli_counts_answers_and_sums_up)
{
    struct program client;

    client = program_run("bin/dgram_cli", "-c", "3", "-i", "0.01", "-s", "1000", "-p",
                         port_of(server.port), "127.0.0.1", NULL);
    for (int i = 0; i < 3; i++) {
        char *line = next_line(&client.out);
        int number = -1;
        double ms = -1;

        ck_assert_int_eq(sscanf(line, "1000 bytes: number %d, %lf ms", &number, &ms), 2);
        ck_assert_int_eq(number, i);
        ck_assert(ms > 0);
        free(line);
    }
    expect_lf(&client.out, "3 sent, 3 received, 0 lost (0.0%%)");
    expect_beginning(&client.out, "round trip min/avg/max ");
    expect_status(&client, 0);
}
END_TEST

/* A server that the test plays itself: a socket, and the client that talks to it. */
static int play_server(struct program *client, const char *first, const char *second,
                       const char *third, const char *fourth)
{
    const char *why;
    int fd = listener_open("127.0.0.1", 0, SOCK_DGRAM, &why);

    program_start(client, "DGRAM_CLI", "bin/dgram_cli", "-p", port_of(listener_port(fd)),
                  first, second, third, fourth, "127.0.0.1", NULL);
    return fd;
}

static size_t take_request(int fd, char *bytes, size_t size, struct sockaddr_in *from)
{
    socklen_t length = sizeof *from;
    ssize_t got;

    ck_assert_int_eq(poll(&(struct pollfd){fd, POLLIN, 0}, 1, DEADLINE_MS), 1);
    got = recvfrom(fd, bytes, size, 0, (struct sockaddr *)from, &length);
    ck_assert_int_ge(got, 0);
    return (size_t)got;
}

static void give(int fd, const char *bytes, size_t length, const struct sockaddr_in *to)
{
    ck_assert_int_eq(
        sendto(fd, bytes, length, 0, (const struct sockaddr *)to, sizeof *to),
        (ssize_t)length);
}

START_TEST(dgram_cli_counts_datagrams_of_every_small_size)
{
    for (int size = 0; size <= 20; size++) {
        struct program client;
        char text[16];

        snprintf(text, sizeof text, "%d", size);
        client = program_run("bin/dgram_cli", "-c", "20", "-i", "0", "-s", text, "-p",
                             port_of(server.port), "127.0.0.1", NULL);
        skip_to_line(&client.out, "20 sent, 20 received, 0 lost (0.0%%)");
        expect_status(&client, 0);
    }
}
END_TEST

START_TEST(the_answer_comes_from_the_address_that_was_asked_over_ipv4_alone_too)
{
    struct program four;

    four = program_run("bin/dgram_srv", "-b", "0.0.0.0", "-p", "0", NULL);
    program_read_port(&four, "DatagramServer started on port ");
    server.port = four.port;
    expect_echo(dial_server("127.0.0.2"), 100);
    program_stop(&four);
}
END_TEST

START_TEST(dgram_cli_says_when_nothing_comes)
{
    struct program client;
    int fd = play_server(&client, "-w", "0.1", "-i", "1");

    expect_lf(&client.err, "dgram_cli: no answer from 127.0.0.1 port %d in 0.1 s",
              listener_port(fd));
    expect_status(&client, 1);
    close(fd);
}
END_TEST

START_TEST(dgram_cli_says_at_once_that_it_is_refused)
{
    const char *why;
    int fd = listener_open("127.0.0.1", 0, SOCK_DGRAM, &why), port = listener_port(fd);
    int64_t before = clock_ms();
    struct program client;

    close(fd);
    client =
        program_run("bin/dgram_cli", "-w", "60", "-p", port_of(port), "127.0.0.1", NULL);
    expect_lf(&client.err, "dgram_cli: no answer from 127.0.0.1 port %d: %s", port,
              strerror(ECONNREFUSED));
    expect_status(&client, 1);
    ck_assert_int_lt(clock_ms() - before, 30000);
}
END_TEST

START_TEST(dgram_cli_tells_a_lying_answer_from_a_right_one)
{
    struct program client;
    struct sockaddr_in from;
    char bytes[256];
    int fd = play_server(&client, "-w", "20", "-i", "1");

    (void)take_request(fd, bytes, sizeof bytes, &from);
    give(fd, "Hello world \n", 13, &from);
    expect_lf(&client.err,
              "dgram_cli: the answer from 127.0.0.1 port %d: it is not what was sent",
              listener_port(fd));
    expect_end(&client.out); /* a stranger's text is not for a terminal */
    expect_status(&client, 1);
    close(fd);
}
END_TEST

START_TEST(dgram_cli_tells_late_doubled_and_foreign_answers_from_lost_ones)
{
    struct program client;
    struct sockaddr_in from;
    char first[256], second[256];
    int fd = play_server(&client, "-c", "2", "-w", "0.2"), stranger;
    size_t length = take_request(fd, first, sizeof first, &from);

    /* The first gets its answer when it is too late, and the second's comes twice. */
    expect_lf(&client.out, "number 0: no answer in 0.2 s");
    give(fd, first, length, &from);
    take_line(&client.out); /* number 0 came late, after so many ms */
    length = take_request(fd, second, sizeof second, &from);
    stranger = bound_to("127.0.0.1", 0);
    give(stranger, second, length, &from); /* never seen: it is not from the server */
    give(fd, "what?", 5, &from);
    expect_lf(&client.out, "5 bytes that are no answer to what was sent");
    give(fd, first, length, &from);
    expect_lf(&client.out, "number 0 came again");
    give(fd, second, length, &from);
    take_line(&client.out); /* 64 bytes: number 1, so many ms */
    expect_lf(&client.out, "2 sent, 1 received, 1 lost (50.0%%)");
    expect_status(&client, 1);
    close(stranger);
    close(fd);
}
END_TEST

START_TEST(ctrl_c_prints_the_summary_too)
{
    struct program client;

    client = program_run("bin/dgram_cli", "-c", "1000", "-i", "20", "-p",
                         port_of(server.port), NULL);
    take_line(&client.out);
    program_kill(&client, SIGINT);
    expect_lf(&client.out, "1 sent, 1 received, 0 lost (0.0%%)");
    expect_status(&client, 0);
}
END_TEST

START_TEST(wrong_usage_is_status_2)
{
    expect_usage_error("bin/dgram_srv", "-p", "x", NULL);
    expect_usage_error("bin/dgram_srv", "operand", NULL);
    expect_usage_error("bin/dgram_cli", "-c", "0", NULL);
    expect_usage_error("bin/dgram_cli", "-s", "65528", NULL);
    expect_usage_error("bin/dgram_cli", "-i", "-1", NULL);
    expect_usage_error("bin/dgram_cli", "-w", "soon", NULL);
    expect_usage_error("bin/dgram_cli", "-w", "0", NULL);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        row_4_every_size_of_datagram_comes_back_whole,
        every_size_comes_back_over_ipv6_too,
        the_answer_comes_from_the_address_that_was_asked,
        a_burst_of_datagrams_is_echoed_in_order,
        peers_that_are_gone_before_their_answer_do_it_no_harm,
        the_ports_of_echo_like_services_and_its_own_get_no_answer,
        it_ends_with_a_signal_and_its_counts_while_datagrams_pour_in,
        nc_gets_its_echo,
        row_5_dgram_cli_sends_hello_world_or_the_words_and_prints_the_answer,
        dgram_cli_counts_answers_and_sums_up,
        dgram_cli_counts_datagrams_of_every_small_size,
        the_answer_comes_from_the_address_that_was_asked_over_ipv4_alone_too,
        dgram_cli_says_when_nothing_comes,
        dgram_cli_says_at_once_that_it_is_refused,
        dgram_cli_tells_a_lying_answer_from_a_right_one,
        dgram_cli_tells_late_doubled_and_foreign_answers_from_lost_ones,
        ctrl_c_prints_the_summary_too,
        wrong_usage_is_status_2,
        NULL,
    };
    const struct test_case cases[] = {{.name = "datagrams",
                                       .tests = tests,
                                       .set_up = open_server,
                                       .tear_down = close_server}};

    return run_cases("the echo over UDP", cases, COUNT(cases));
}
