/* net/: addresses, the listener, datagrams, and dialling. */
#include "tests/harness.h"

#include "base/clock.h"
#include "base/fdset.h"
#include "net/address.h"
#include "net/datagram.h"
#include "net/dial.h"
#include "net/keepalive.h"
#include "net/link.h"
#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct tests of_listener, others;

/* ---- Addresses ---------------------------------------------------------------------- */

static void expect_v6(const char *address, int port, const char *expected)
{
    struct sockaddr_storage storage;
    char out[ADDRESS_MOST];

    (void)address_of(address, port, &storage);
    address_format(&storage, out);
    ck_assert_str_eq(out, expected);
    ck_assert_int_eq(address_port(&storage), port);
}

TEST(others, addresses_are_written_as_rfc_5952_has_them)
{
    expect_v6("0:0:0:0:0:0:0:1", 37993, "[::1]:37993");
    expect_v6("2001:DB8:0:0:1:0:0:1", 1, "[2001:db8::1:0:0:1]:1");
    expect_v6("2001:db8:0:1:1:1:1:1", 65535, "[2001:db8:0:1:1:1:1:1]:65535");
    expect_v6("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535,
              "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

TEST(others, a_v4_peer_of_a_v6_socket_is_written_as_a_v4_peer)
{
    expect_v6("::ffff:127.0.0.1", 37993, "127.0.0.1:37993");
}

TEST(others, an_address_of_no_known_family_is_a_question_mark)
{
    struct sockaddr_storage storage = {.ss_family = AF_UNIX};
    char out[ADDRESS_MOST];

    address_format(&storage, out);
    ck_assert_str_eq(out, "?");
    ck_assert_int_eq(address_port(&storage), -1);
}

/* ---- The listener ------------------------------------------------------------------- */

static int srvsock;
static struct sockaddr_storage peer;

/* It has no spare descriptor. */
static const struct listener no_spare = {.full = "full\r\n", .spare = -1};

static int listen_at(const char *address, int port, const char **why)
{
    struct options_server where = {.address = address, .port = port};

    return listener_open(&where, SOCK_STREAM, why);
}

static void open_srvsock(void)
{
    const char *why = "";

    srvsock = listen_at(NULL, 0, &why);
    ck_assert_msg(srvsock != -1, "%s", why);
}

TEST(of_listener, one_listener_hears_both_families)
{
    struct stream four, six;
    struct listener newcomers = no_spare;
    char name[ADDRESS_MOST];

    if (lacks("IPv6"))
        return;
    four = connect_to_host("127.0.0.1", local_port(srvsock));
    six = connect_to_host("::1", local_port(srvsock));
    ck_assert_int_ne(listener_accept(&newcomers, srvsock, &peer), -1);
    address_format(&peer, name);
    ck_assert_str_eq(name, name_of(&four));
    ck_assert_int_ne(listener_accept(&newcomers, srvsock, &peer), -1);
    address_format(&peer, name);
    ck_assert_str_eq(name, name_of(&six));
    ck_assert_int_eq(listener_accept(&newcomers, srvsock, &peer), -1);
    ck_assert_int_eq(newcomers.rest_until, 0);
}

static int option_of(int fd, int level, int option)
{
    int value = -1;
    socklen_t length = sizeof value;

    ck_assert_int_eq(getsockopt(fd, level, option, &value, &length), 0);
    return value;
}

TEST(of_listener, a_newcomer_is_non_blocking_and_has_its_options)
{
    struct listener newcomers = no_spare;
    int newcomer;

    (void)connect_to(local_port(srvsock));
    newcomer = listener_accept(&newcomers, srvsock, &peer);
    ck_assert_int_ne(newcomer, -1);
    ck_assert(fcntl(newcomer, F_GETFL) & O_NONBLOCK);
    ck_assert(fcntl(newcomer, F_GETFD) & FD_CLOEXEC);
    ck_assert(fcntl(srvsock, F_GETFL) & O_NONBLOCK);
    ck_assert_int_ne(option_of(newcomer, IPPROTO_TCP, TCP_NODELAY), 0);
    ck_assert_int_ne(option_of(newcomer, SOL_SOCKET, SO_KEEPALIVE), 0);
    ck_assert_int_ne(option_of(newcomer, SOL_SOCKET, SO_OOBINLINE), 0);
#ifdef TCP_USER_TIMEOUT
    keepalive_limit_sending(newcomer);
    ck_assert_int_eq(option_of(newcomer, IPPROTO_TCP, TCP_USER_TIMEOUT), 120000);
#endif
}

TEST(of_listener, a_link_gives_up_a_peer_whose_machine_is_gone_though_it_speaks)
{
    struct link_settings settings = {
        .title = "", .server = {.host = "127.0.0.1", .port = local_port(srvsock)}};
    char bytes[LINK_INPUT_BYTES];
    struct fdset none;
    static struct link link;
    size_t length;

    fdset_clear(&none);
    link_start(&link, &settings);
    while (link_step(&link, &none, bytes, &length) != LINK_CONNECTED)
        ck_assert_int_ne(link.state, LINK_PAUSING);
    ck_assert_int_ne(option_of(link.socket, SOL_SOCKET, SO_KEEPALIVE), 0);
#ifdef TCP_USER_TIMEOUT
    ck_assert_int_eq(option_of(link.socket, IPPROTO_TCP, TCP_USER_TIMEOUT), 120000);
#endif
}

TEST(of_listener, a_newcomer_that_does_not_fit_an_fd_set_is_turned_away)
{
    int last;
    struct listener newcomers = no_spare;
    struct stream client;

    if (lacks_descriptors(FD_SETSIZE + 64))
        return;
    client = connect_to(local_port(srvsock));
    while ((last = dup(STDERR_FILENO)) < FD_SETSIZE - 1)
        ck_assert_int_ne(last, -1);
    ck_assert_int_eq(listener_accept(&newcomers, srvsock, &peer), -1);
    ck_assert_int_eq(newcomers.rest_until, 0);
    expect_line(&client, "full");
    expect_end(&client);
}

static void limit_descriptors(rlim_t count)
{
    struct rlimit limit = {.rlim_cur = count, .rlim_max = count};

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void use_up_descriptors(void)
{
    while (dup(STDERR_FILENO) != -1)
        continue;
}

TEST(of_listener, out_of_descriptors_the_spare_serves_to_send_a_newcomer_away)
{
    struct listener newcomers;
    struct stream clients[2];

    limit_descriptors(64);
    listener_init(&newcomers, "full\r\n", NULL);
    ck_assert_int_ne(newcomers.spare, -1);
    for (int i = 0; i < 2; i++)
        clients[i] = connect_to(local_port(srvsock));
    use_up_descriptors();
    for (int turn = 0; turn < 2; turn++) { /* nobody is left for the second */
        ck_assert_int_eq(listener_accept(&newcomers, srvsock, &peer), -1);
        ck_assert_int_eq(newcomers.rest_until, 0);
    }
    for (int i = 0; i < 2; i++) {
        expect_line(&clients[i], "full");
        expect_end(&clients[i]);
    }
    ck_assert_int_ne(newcomers.spare, -1);
    ck_assert_int_eq(listener_accept(&newcomers, srvsock, &peer), -1);
    ck_assert_int_eq(newcomers.rest_until, 0);
}

TEST(of_listener, without_even_a_spare_accepting_rests_for_a_moment)
{
    struct listener newcomers = no_spare;
    struct fdset readable;
    int64_t before = clock_ms();

    limit_descriptors(64);
    (void)connect_to(local_port(srvsock));
    use_up_descriptors();
    ck_assert_int_eq(listener_accept(&newcomers, srvsock, &peer), -1);
    ck_assert_int_gt(newcomers.rest_until, before);

    fdset_clear(&readable);
    fdset_add(&readable, srvsock);
    ck_assert_int_eq(listener_rest(&newcomers, srvsock, before, &readable),
                     newcomers.rest_until);
    ck_assert(fdset_is_empty(&readable));
    fdset_add(&readable, srvsock);
    ck_assert_int_eq(listener_rest(&newcomers, srvsock, newcomers.rest_until, &readable),
                     INT64_MAX);
    ck_assert(fdset_has(&readable, srvsock));
}

TEST(of_listener, a_failure_to_bind_is_reported_in_words)
{
    const char *why = NULL;

    ck_assert_int_eq(listen_at(NULL, local_port(srvsock), &why), -1);
    ck_assert_str_eq(why, strerror(EADDRINUSE));
    /* Not only the other family: that would be a server on half of its addresses. */
    ck_assert_int_eq(listen_at("localhost", local_port(srvsock), &why), -1);
    ck_assert_str_eq(why, strerror(EADDRINUSE));
    ck_assert_int_eq(listen_at("no.such.host.invalid", 0, &why), -1);
    ck_assert_uint_gt(strlen(why), 0);
    ck_assert_int_eq(listen_at("192.0.2.1", 0, &why), -1);
    ck_assert_str_eq(why, strerror(EADDRNOTAVAIL));
}

/* ---- Datagrams ---------------------------------------------------------------------- */

/*
 * On a machine with two networks, the one that the datagram came in by may have no way back
 * to its source. To an answer that must leave there anyway, nobody listens.
 */
TEST(others, an_answers_way_out_is_routings_to_choose)
{
    static const char *const hosts[] = {"127.0.0.1", "::1"};
    const size_t count = lacks("IPv6") ? 1 : COUNT(hosts);
    struct {
        struct in6_addr address;
        unsigned interface;
    } report; /* RFC 3542 6.1 */
    struct options_server where = {.port = 0};
    struct sockaddr_storage to;
    struct datagram_route route;
    const char *why;
    int sock = listener_open(&where, SOCK_DGRAM, &why);

    datagram_prepare(sock);
    for (size_t i = 0; i < count; i++) {
        socklen_t length = address_of(hosts[i], where.port, &to);
        int client = socket(to.ss_family, SOCK_DGRAM, 0);
        struct msghdr message = {.msg_control = route.report};
        char byte = 'x';

        ck_assert_int_eq(sendto(client, &byte, 1, 0, (struct sockaddr *)&to, length), 1);
        ck_assert_int_eq(poll(&(struct pollfd){.fd = sock, .events = POLLIN}, 1, -1), 1);
        ck_assert_int_eq(datagram_receive(sock, &byte, 1, &route), 1);
        message.msg_controllen = (socklen_t)route.report_length;
        if (route.report_length > 0) {
            memcpy(&report, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof report);
            ck_assert_uint_eq(report.interface, 0);
        }
        ck_assert_int_eq(datagram_answer(sock, &byte, 1, &route), 1);
        ck_assert_int_eq(recv(client, &byte, 1, 0), 1);
        close(client);
    }
}

/* ---- Dialling ----------------------------------------------------------------------- */

TEST(others, dial_tries_a_hosts_addresses_in_turn)
{
    struct mock mock = mock_open("127.0.0.1");
    const char *why = "";
    int fd;

    /* localhost is ::1 first, where it is both, and nobody listens there. */
    fd = dial("localhost", mock.port, SOCK_STREAM, DEADLINE_MS, &why);
    ck_assert_msg(fd != -1, "%s", why);
    ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
    fd = dial("[::ffff:127.0.0.1]", mock.port, SOCK_STREAM, DEADLINE_MS, &why);
    ck_assert_msg(fd != -1, "%s", why);
}

TEST(others, dial_says_why_not)
{
    const char *why = "";

    ck_assert_int_eq(dial("127.0.0.1", unused_port(), SOCK_STREAM, DEADLINE_MS, &why),
                     -1);
    ck_assert_str_eq(why, strerror(ECONNREFUSED));
    ck_assert_int_eq(dial("no.such.host.invalid", 1, SOCK_STREAM, DEADLINE_MS, &why), -1);
    ck_assert_uint_gt(strlen(why), 0);
    ck_assert_int_eq(dial_after(1, "127.0.0.1", 1, SOCK_DGRAM, DEADLINE_MS, &why), -1);
    ck_assert_str_eq(why, strerror(EADDRNOTAVAIL));
}

/* Steps through an attempt as a loop does. Returns the socket, or -1 with the reason. */
static int dial_in_steps(struct dial *attempt, const char **why)
{
    int fd;

    do {
        struct timespec left = clock_timespec(attempt->deadline - clock_ms());
        struct fdset readable, writable;
        int highest;

        fdset_clear(&readable);
        fdset_clear(&writable);
        dial_watch(attempt, &readable, &writable);
        highest =
            readable.highest > writable.highest ? readable.highest : writable.highest;
        ck_assert_int_ne(
            pselect(highest + 1, &readable.set, &writable.set, NULL, &left, NULL), -1);
    } while ((fd = dial_step(attempt, why)) == DIAL_PENDING);
    ck_assert_int_eq(attempt->descriptor, -1);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* it has left no child */
    return fd;
}

TEST(others, dial_connects_in_steps_to_names_and_numbers)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1"};
    struct mock mock = mock_open("127.0.0.1");
    const char *why = "";
    struct dial attempt;

    for (size_t i = 0; i < COUNT(hosts); i++) {
        int fd;

        dial_start(&attempt, hosts[i], mock.port, SOCK_STREAM, DEADLINE_MS);
        fd = dial_in_steps(&attempt, &why);
        ck_assert_msg(fd >= 0, "%s: %s", hosts[i], why);
        ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
        (void)mock_accept(&mock);
    }
}

TEST(others, dial_says_why_not_in_steps)
{
    const char *why = "";
    struct dial attempt;

    dial_start(&attempt, "127.0.0.1", unused_port(), SOCK_STREAM, DEADLINE_MS);
    ck_assert_int_eq(dial_in_steps(&attempt, &why), -1);
    ck_assert_str_eq(why, strerror(ECONNREFUSED));
    dial_start(&attempt, "no.such.host.invalid", 1, SOCK_STREAM, DEADLINE_MS);
    ck_assert_int_eq(dial_in_steps(&attempt, &why), -1);
    ck_assert_uint_gt(strlen(why), 0);
    ck_assert_str_ne(why, strerror(ECONNREFUSED));
}

TEST(others, dial_can_be_stopped_and_leaves_no_child_and_no_descriptor)
{
    int before = dup(STDIN_FILENO), after;
    struct dial attempt;

    dial_start(&attempt, "no.such.host.invalid", 1, SOCK_STREAM, DEADLINE_MS);
    ck_assert_int_gt(attempt.resolver, 0);
    dial_stop(&attempt);
    dial_stop(&attempt);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    after = dup(STDIN_FILENO);
    ck_assert_int_eq(after, before + 1);
}

TEST(others, dial_out_of_descriptors_says_so_and_leaves_no_child)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1"};
    const char *why = "";
    struct dial attempt;

    limit_descriptors(16);
    use_up_descriptors();
    for (size_t i = 0; i < COUNT(hosts); i++) {
        dial_start(&attempt, hosts[i], 1, SOCK_STREAM, DEADLINE_MS);
        ck_assert_int_eq(dial_in_steps(&attempt, &why), -1);
        ck_assert_str_eq(why, strerror(EMFILE));
    }
}

TEST(others, dial_gives_up_an_address_that_does_not_answer_in_time)
{
    struct mock mock = mock_open("127.0.0.1");
    const char *why = "";
    struct dial attempt;

    mock_fill_queue(&mock);
    ck_assert_int_eq(dial("127.0.0.1", mock.port, SOCK_STREAM, 200, &why), -1);
    ck_assert_str_eq(why, strerror(ETIMEDOUT));
    dial_start(&attempt, "127.0.0.1", mock.port, SOCK_STREAM, 200);
    ck_assert_int_eq(dial_in_steps(&attempt, &why), -1);
    ck_assert_str_eq(why, strerror(ETIMEDOUT));
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "listener", .tests = &of_listener, .set_up = open_srvsock},
        {.name = "addresses, datagrams, dialling", .tests = &others},
    };

    return run_cases("net: sockets", cases, COUNT(cases));
}
