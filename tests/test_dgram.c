/* The echo over UDP: dgram_srv and dgram_cli, from outside. */
#include "tests/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct tests with_server, alone;

#define DGRAM_SRV  "bin/dgram_srv"
#define DGRAM_CLI  "bin/dgram_cli"
#define FIRST_LINE "DatagramServer started on port "

static void open_server(void)
{
    server = program_serve(DGRAM_SRV, FIRST_LINE, "-v", NULL);
}

/* ---- Datagrams ---------------------------------------------------------------------- */

/* A socket whose peer is the server, at one of its addresses. */
static int socket_to(const char *host)
{
    struct sockaddr_storage address;
    socklen_t length = address_of(host, server.port, &address);
    int fd = socket(address.ss_family, SOCK_DGRAM, 0);

    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, length), 0);
    return fd;
}

/* A socket with this address. -1: only root may use the port, and this is not root. */
static int socket_at(const char *host, int port)
{
    struct sockaddr_storage address;
    socklen_t length = address_of(host, port, &address);
    int fd = socket(address.ss_family, SOCK_DGRAM, 0);

    if (bind(fd, (struct sockaddr *)&address, length) == 0)
        return fd;
    ck_assert_int_eq(errno, EACCES);
    close(fd);
    return -1;
}

static bool has_datagram(int fd, int ms)
{
    return poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, ms) == 1;
}

/* Waits for the next datagram. Returns its length; `from` may be NULL. */
static size_t await(int fd, char *bytes, size_t size, struct sockaddr_storage *from)
{
    socklen_t length = sizeof *from;
    ssize_t got;

    ck_assert(has_datagram(fd, DEADLINE_MS));
    got = recvfrom(fd, bytes, size, 0, (struct sockaddr *)from,
                   from != NULL ? &length : NULL);
    ck_assert_int_ge(got, 0);
    return (size_t)got;
}

static void send_to(int fd, const char *bytes, size_t length,
                    const struct sockaddr_storage *to)
{
    socklen_t to_length = to->ss_family == AF_INET ? sizeof(struct sockaddr_in)
                                                   : sizeof(struct sockaddr_in6);

    ck_assert_int_eq(sendto(fd, bytes, length, 0, (const struct sockaddr *)to, to_length),
                     (ssize_t)length);
}

static void expect_echo(int fd, size_t length)
{
    static char sent[66000], got[66000];

    for (size_t i = 0; i < length; i++)
        sent[i] = (char)random_below(256);
    ck_assert_int_eq(send(fd, sent, length, 0), (ssize_t)length);
    ck_assert_uint_eq(await(fd, got, sizeof got, NULL), length);
    ck_assert_int_eq(memcmp(sent, got, length), 0);
}

/* ---- The server --------------------------------------------------------------------- */

TEST(with_server, row_4_every_size_of_datagram_comes_back_whole)
{
    static const size_t sizes[] = {0, 1, 2, 511, 512, 1472, 1473, 9000, 65506, 65507};
    int fd = socket_to("127.0.0.1");

    for (size_t i = 0; i < COUNT(sizes); i++)
        expect_echo(fd, sizes[i]);
}

TEST(with_server, every_size_comes_back_over_ipv6_too)
{
    static const size_t sizes[] = {0, 1, 1452, 1453, 65507, 65527};
    int fd;

    if (lacks("IPv6"))
        return;
    fd = socket_to("::1");
    for (size_t i = 0; i < COUNT(sizes); i++)
        expect_echo(fd, sizes[i]);
}

TEST(with_server, the_answer_comes_from_the_address_that_was_asked)
{
    expect_echo(socket_to("127.0.0.2"), 100);
    expect_echo(socket_to("127.7.7.7"), 100);
}

TEST(alone, the_answer_comes_from_the_address_that_was_asked_even_with_only_ipv4)
{
    server = program_serve(DGRAM_SRV, FIRST_LINE, "-b", "0.0.0.0", NULL);
    expect_echo(socket_to("127.0.0.2"), 100);
}

TEST(with_server, a_burst_of_datagrams_is_echoed_in_order)
{
    int fd = socket_to("127.0.0.1");
    char got[32];

    for (int i = 0; i < 100; i++) {
        const char *text = formatted("number %03d", i);

        ck_assert_int_eq(send(fd, text, strlen(text) + 1, 0), (ssize_t)strlen(text) + 1);
    }
    for (int i = 0; i < 100; i++) {
        ck_assert_uint_eq(await(fd, got, sizeof got, NULL), strlen("number 000") + 1);
        ck_assert_str_eq(got, formatted("number %03d", i));
    }
}

TEST(with_server, peers_that_are_gone_before_their_answer_do_it_no_harm)
{
    if (lacks("IPv6"))
        return;
    for (int i = 0; i < 200; i++) {
        int fd = socket_to(i % 2 ? "127.0.0.1" : "::1");

        ck_assert_int_eq(send(fd, "gone", 4, 0), 4);
        close(fd);
    }
    expect_echo(socket_to("127.0.0.1"), 10);
}

TEST(alone, the_ports_of_echo_like_services_and_its_own_get_no_answer)
{
    static const int ports[] = {7, 13, 17, 19, 37, 0 /* its own */};
    struct sockaddr_storage to;
    int unanswered = 0, sockets[COUNT(ports)];

    server = program_serve(DGRAM_SRV, FIRST_LINE, "-v", "-b", "127.0.0.1", NULL);
    (void)address_of("127.0.0.1", server.port, &to);
    for (size_t i = 0; i < COUNT(ports); i++) {
        sockets[i] = socket_at("127.0.0.9", ports[i] != 0 ? ports[i] : server.port);
        if (sockets[i] == -1)
            continue;
        send_to(sockets[i], "echo?", 5, &to);
        unanswered++;
    }
    ck_assert_int_ge(unanswered, 1);
    /* Datagrams are answered in order: once this one is back, the others got nothing. */
    expect_echo(socket_to("127.0.0.1"), 5);
    for (size_t i = 0; i < COUNT(ports); i++)
        ck_assert(sockets[i] == -1 || !has_datagram(sockets[i], 0));
    for (int i = 0; i < unanswered; i++)
        expect_containing(&server.out, ": not answered");
    expect_beginning(&server.out, "5 bytes from 127.0.0.1:"); /* live */
    program_kill(&server, SIGTERM);
    expect_lf(&server.out, "datagrams: 1 echoed, 0 dropped, %d not answered", unanswered);
    expect_success(&server);
}

TEST(with_server, it_ends_with_a_signal_and_its_counts_while_datagrams_pour_in)
{
    int fd, other;
    pid_t flooder;

    if (lacks("IPv6"))
        return;
    fd = socket_to("127.0.0.1");
    other = socket_to("::1");
    flooder = fork_helper();
    if (flooder == 0)
        for (;;)
            (void)send(fd, "flood", 5, 0);
    do /* again, when the server's buffer was full of the flood */
        ck_assert_int_eq(send(other, "hello", 5, 0), 5);
    while (!has_datagram(other, 10));
    program_kill(&server, SIGINT);
    skip_to_beginning(&server.out, "datagrams: ");
    expect_success(&server);
    kill(flooder, SIGKILL);
}

TEST(with_server, a_datagram_that_comes_after_its_end_is_refused_and_not_lost)
{
    int fd = socket_to("127.0.0.1");

    for (int i = 0; i < 3000; i++) /* nobody reads its lines: they fill its pipe */
        expect_echo(fd, 1);
    program_kill(&server, SIGTERM);
    while (send(fd, "late", 4, 0) != -1)
        poll(NULL, 0, 1);
    ck_assert_int_eq(errno, ECONNREFUSED);
    skip_to_beginning(&server.out, "datagrams: "); /* it has waited for its reader */
    expect_success(&server);
}

TEST(with_server, nc_gets_its_echo)
{
    struct program nc;

    if (lacks("nc"))
        return;
    nc = program_run_by("printf hi | exec \"$@\"", "nc", "-u", "-w", "1", "127.0.0.1",
                        formatted("%d", server.port), NULL);
    expect_text(&nc.out, "hi");
    expect_success(&nc);
}

/* ---- The client --------------------------------------------------------------------- */

TEST(with_server, row_5_dgram_cli_sends_hello_world_or_the_words_and_prints_the_answer)
{
    const char *port = formatted("%d", server.port);
    struct program client = program_run(DGRAM_CLI, "-p", port, NULL);

    expect_lf(&client.out, "Hello World ");
    expect_success(&client);
    if (lacks("IPv6"))
        return;
    client = program_run(DGRAM_CLI, "-p", port, "::1", "--", "two", "words", NULL);
    expect_lf(&client.out, "two words");
    expect_success(&client);
}

TEST(with_server, dgram_cli_counts_answers_and_sums_up)
{
    struct program client =
        program_run(DGRAM_CLI, "-c", "3", "-i", "0.01", "-s", "1000", "-p",
                    formatted("%d", server.port), "127.0.0.1", NULL);

    for (int i = 0; i < 3; i++) {
        int number = -1;
        double ms = -1;

        ck_assert_int_eq(
            sscanf(take_line(&client.out), "1000 bytes: number %d, %lf ms", &number, &ms),
            2);
        ck_assert_int_eq(number, i);
        ck_assert(ms > 0);
    }
    expect_lf(&client.out, "3 sent, 3 received, 0 lost (0.0%%)");
    expect_beginning(&client.out, "round trip min/avg/max ");
    expect_success(&client);
}

TEST(with_server, dgram_cli_counts_datagrams_of_every_small_size)
{
    for (int size = 0; size <= 20; size++) {
        struct program client =
            program_run(DGRAM_CLI, "-c", "20", "-i", "0", "-s", formatted("%d", size),
                        "-p", formatted("%d", server.port), "127.0.0.1", NULL);

        skip_to_line(&client.out, "20 sent, 20 received, 0 lost (0.0%%)");
        expect_status(&client, 0);
    }
}

TEST(with_server, ctrl_c_prints_the_summary_too)
{
    struct program client = program_run(DGRAM_CLI, "-c", "1000", "-i", "20", "-p",
                                        formatted("%d", server.port), NULL);

    expect_beginning(&client.out, "64 bytes: number 0, ");
    program_kill(&client, SIGINT);
    expect_lf(&client.out, "1 sent, 1 received, 0 lost (0.0%%)");
    expect_status(&client, 0);
}

/* A server that the test plays, and the client that it hears. */
static int played;
static struct sockaddr_storage peer;
static struct program client;

/* The client has these options, words for a shell. */
static void play_server(const char *options)
{
    played = socket_at("127.0.0.1", 0);
    client = program_run_by(formatted("exec \"$@\" %s 127.0.0.1", options), DGRAM_CLI,
                            "-p", formatted("%d", local_port(played)), NULL);
}

TEST(alone, dgram_cli_says_when_nothing_comes)
{
    play_server("-w 0.1");
    expect_failure(&client, "dgram_cli: no answer from 127.0.0.1 port %d in 0.1 s",
                   local_port(played));
}

TEST(alone, dgram_cli_says_at_once_that_it_is_refused)
{
    int fd = socket_at("127.0.0.1", 0), port = local_port(fd);

    close(fd);
    client = program_run(DGRAM_CLI, "-w", "60", "-p", formatted("%d", port), "127.0.0.1",
                         NULL);
    expect_failure(&client, "dgram_cli: no answer from 127.0.0.1 port %d: %s", port,
                   strerror(ECONNREFUSED));
}

TEST(with_server, dgram_cli_tells_once_that_its_output_is_full)
{
    expect_write_error(DGRAM_CLI, "-c", "2", "-i", "0", "-p",
                       formatted("%d", server.port), NULL);
}

TEST(alone, dgram_cli_tells_a_wrong_answer_from_a_right_one)
{
    char bytes[256];

    play_server("-w 20");
    (void)await(played, bytes, sizeof bytes, &peer);
    send_to(played, "Hello world \n", 13, &peer);
    expect_end(&client.out); /* a stranger's text does not belong on a terminal */
    expect_failure(
        &client, "dgram_cli: the answer from 127.0.0.1 port %d: it is not what was sent",
        local_port(played));
}

TEST(alone, dgram_cli_tells_late_doubled_and_foreign_answers_from_lost_ones)
{
    char first[256], second[256];
    size_t length;

    play_server("-c 2 -w 2");
    length = await(played, first, sizeof first, &peer);
    expect_lf(&client.out, "number 0: no answer in 2 s");
    send_to(played, first, length, &peer);
    expect_beginning(&client.out, "number 0 came late, after ");

    length = await(played, second, sizeof second, &peer);
    send_to(socket_at("127.0.0.1", 0), second, length, &peer); /* not from the server */
    send_to(played, "what?", 5, &peer);
    expect_lf(&client.out, "5 bytes that are not an answer to what was sent");
    send_to(played, first, length, &peer);
    expect_lf(&client.out, "number 0 came again");
    send_to(played, second, length, &peer);
    expect_beginning(&client.out, "64 bytes: number 1, ");
    expect_lf(&client.out, "2 sent, 1 received, 1 lost (50.0%%)");
    expect_status(&client, 1);
}

TEST(alone, wrong_usage_is_status_2)
{
    expect_usage_error(DGRAM_SRV, "-p", "x", NULL);
    expect_usage_error(DGRAM_SRV, "operand", NULL);
    expect_usage_error(DGRAM_CLI, "-c", "0", NULL);
    expect_usage_error(DGRAM_CLI, "-s", "65528", NULL);
    expect_usage_error(DGRAM_CLI, "-i", "-1", NULL);
    expect_usage_error(DGRAM_CLI, "-w", "soon", NULL);
    expect_usage_error(DGRAM_CLI, "-w", "0", NULL);
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "with dgram_srv", .tests = &with_server, .set_up = open_server},
        {.name = "alone", .tests = &alone},
    };

    return run_cases("the echo over UDP", cases, COUNT(cases));
}
