/* net/address, append, clock, descriptor, dial, fdset, listener, log, number and signals. */
#include "tests/harness.h"

#include "base/append.h"
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/fdset.h"
#include "base/log.h"
#include "base/number.h"
#include "base/output.h"
#include "base/signals.h"
#include "base/start.h"
#include "net/address.h"
#include "net/dial.h"
#include "net/keepalive.h"
#include "net/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Addresses ---------------------------------------------------------------------- */

static void expect_v6(const char *address, int port, const char *expected)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
    char out[ADDRESS_MOST];

    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)port);
    ck_assert_int_eq(inet_pton(AF_INET6, address, &v6->sin6_addr), 1);
    address_format(&storage, out);
    ck_assert_str_eq(out, expected);
    ck_assert_int_eq(address_port(&storage), port);
}

START_TEST(addresses_are_written_as_rfc_5952_has_them)
{
    expect_v6("0:0:0:0:0:0:0:1", 37993, "[::1]:37993");
    expect_v6("2001:DB8:0:0:1:0:0:1", 1, "[2001:db8::1:0:0:1]:1");
    expect_v6("2001:db8:0:1:1:1:1:1", 65535, "[2001:db8:0:1:1:1:1:1]:65535");
    expect_v6("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535,
              "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}
END_TEST

START_TEST(a_v4_peer_of_a_v6_socket_is_written_as_a_v4_peer)
{
    expect_v6("::ffff:127.0.0.1", 37993, "127.0.0.1:37993");
}
END_TEST

START_TEST(an_address_of_no_known_family_is_a_question_mark)
{
    struct sockaddr_storage storage = {.ss_family = AF_UNIX};
    char out[ADDRESS_MOST];

    address_format(&storage, out);
    ck_assert_str_eq(out, "?");
    ck_assert_int_eq(address_port(&storage), -1);
}
END_TEST

START_TEST(a_port_is_a_number_and_nothing_else)
{
    static const char *const bad[] = {"",   "-1",    "+1",          " 1",
                                      "1 ", "65536", "99999999999", "x"};
    long port;

    ck_assert_int_eq(number_parse("0", 0, 65535, &port), 0);
    ck_assert_int_eq(number_parse("65535", 0, 65535, &port), 0);
    ck_assert_int_eq(port, 65535);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_int_eq(number_parse(bad[i], 0, 65535, &port), -1);
}
END_TEST

/* ---- The listener ------------------------------------------------------------------- */

static int open_listener(void)
{
    const char *why = "";
    int listener = listener_open(NULL, 0, SOCK_STREAM, &why);

    ck_assert_msg(listener != -1, "%s", why);
    return listener;
}

START_TEST(one_listener_hears_both_families)
{
    int listener = open_listener();
    struct stream four = connect_to_host("127.0.0.1", listener_port(listener));
    struct stream six = connect_to_host("::1", listener_port(listener));
    struct listener newcomers = {.full = "full\r\n", .spare = -1};
    struct sockaddr_storage peer;
    char name[ADDRESS_MOST];

    ck_assert_int_ne(listener_accept(&newcomers, listener, &peer), -1);
    address_format(&peer, name);
    ck_assert_str_eq(name, name_of(&four));
    ck_assert_int_ne(listener_accept(&newcomers, listener, &peer), -1);
    address_format(&peer, name);
    ck_assert_str_eq(name, name_of(&six));
    ck_assert_int_eq(listener_accept(&newcomers, listener, &peer), -1);
    ck_assert_int_eq(newcomers.rest_until, 0);
}
END_TEST

static int option_of(int fd, int level, int option)
{
    int value = -1;
    socklen_t length = sizeof value;

    ck_assert_int_eq(getsockopt(fd, level, option, &value, &length), 0);
    return value;
}

START_TEST(a_newcomer_is_non_blocking_and_has_its_options)
{
    int listener = open_listener();
    struct listener newcomers = {.full = "full\r\n", .spare = -1};
    struct sockaddr_storage peer;
    int newcomer;

    (void)connect_to(listener_port(listener));
    newcomer = listener_accept(&newcomers, listener, &peer);
    ck_assert_int_ne(newcomer, -1);
    ck_assert(fcntl(newcomer, F_GETFL) & O_NONBLOCK);
    ck_assert(fcntl(newcomer, F_GETFD) & FD_CLOEXEC);
    ck_assert(fcntl(listener, F_GETFL) & O_NONBLOCK);
    ck_assert_int_ne(option_of(newcomer, IPPROTO_TCP, TCP_NODELAY), 0);
    ck_assert_int_ne(option_of(newcomer, SOL_SOCKET, SO_KEEPALIVE), 0);
    ck_assert_int_ne(option_of(newcomer, SOL_SOCKET, SO_OOBINLINE), 0);
#ifdef TCP_USER_TIMEOUT
    keepalive_limit_sending(newcomer);
    ck_assert_int_eq(option_of(newcomer, IPPROTO_TCP, TCP_USER_TIMEOUT), 120000);
#endif
}
END_TEST

START_TEST(a_descriptor_that_fits_no_fd_set_is_sent_away)
{
    int listener = open_listener(), last;
    struct listener newcomers = {.full = "full\r\n", .spare = -1};
    struct sockaddr_storage peer;
    struct stream client;

    need_descriptors(FD_SETSIZE + 64);
    client = connect_to(listener_port(listener));
    while ((last = dup(STDERR_FILENO)) < FD_SETSIZE - 1)
        ck_assert_int_ne(last, -1);
    ck_assert_int_eq(listener_accept(&newcomers, listener, &peer), -1);
    ck_assert_int_eq(newcomers.rest_until, 0);
    expect_line(&client, "full");
    expect_end(&client);
}
END_TEST

static void use_up_descriptors(void)
{
    while (dup(STDERR_FILENO) != -1)
        continue;
}

START_TEST(out_of_descriptors_the_spare_serves_to_send_a_newcomer_away)
{
    struct rlimit few = {.rlim_cur = 64, .rlim_max = 64};
    int listener = open_listener();
    struct listener newcomers;
    struct sockaddr_storage peer;
    struct stream clients[2];

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    listener_init(&newcomers, "full\r\n", NULL);
    ck_assert_int_ne(newcomers.spare, -1);
    for (int i = 0; i < 2; i++)
        clients[i] = connect_to(listener_port(listener));
    use_up_descriptors();
    for (int turn = 0; turn < 2; turn++) { /* and nobody is left for the second */
        ck_assert_int_eq(listener_accept(&newcomers, listener, &peer), -1);
        ck_assert_int_eq(newcomers.rest_until, 0);
    }
    for (int i = 0; i < 2; i++) {
        expect_line(&clients[i], "full");
        expect_end(&clients[i]);
    }
    ck_assert_int_ne(newcomers.spare, -1);
    ck_assert_int_eq(listener_accept(&newcomers, listener, &peer), -1);
    ck_assert_int_eq(newcomers.rest_until, 0);
}
END_TEST

START_TEST(without_even_a_spare_accepting_rests_for_a_moment)
{
    struct rlimit few = {.rlim_cur = 64, .rlim_max = 64};
    int listener = open_listener();
    struct listener newcomers = {.full = "full\r\n", .spare = -1};
    struct sockaddr_storage peer;
    struct fdset readable;
    int64_t before = clock_ms();

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    (void)connect_to(listener_port(listener));
    use_up_descriptors();
    ck_assert_int_eq(listener_accept(&newcomers, listener, &peer), -1);
    ck_assert_int_gt(newcomers.rest_until, before);

    fdset_clear(&readable);
    fdset_add(&readable, listener);
    ck_assert_int_eq(listener_rest(&newcomers, listener, before, &readable),
                     newcomers.rest_until);
    ck_assert(fdset_is_empty(&readable));
    fdset_add(&readable, listener);
    ck_assert_int_eq(listener_rest(&newcomers, listener, newcomers.rest_until, &readable),
                     INT64_MAX);
    ck_assert(fdset_has(&readable, listener));
}
END_TEST

START_TEST(what_cannot_be_bound_is_said_in_words)
{
    int listener = open_listener();
    const char *why = NULL;

    ck_assert_int_eq(listener_open(NULL, listener_port(listener), SOCK_STREAM, &why), -1);
    ck_assert_str_eq(why, strerror(EADDRINUSE));
    /* Not the other family: that would be a server on half of its addresses. */
    ck_assert_int_eq(
        listener_open("localhost", listener_port(listener), SOCK_STREAM, &why), -1);
    ck_assert_str_eq(why, strerror(EADDRINUSE));
    ck_assert_int_eq(listener_open("no.such.host.invalid", 0, SOCK_STREAM, &why), -1);
    ck_assert_uint_gt(strlen(why), 0);
    ck_assert_int_eq(listener_open("192.0.2.1", 0, SOCK_STREAM, &why), -1);
    ck_assert_str_eq(why, strerror(EADDRNOTAVAIL));
}
END_TEST

/* ---- Descriptors, sets, signals, time ----------------------------------------------- */

START_TEST(a_missing_standard_descriptor_is_filled_and_a_failing_write_kills_nobody)
{
    (void)close(STDIN_FILENO);
    (void)close(STDERR_FILENO);
    ck_assert_int_eq(start_program(), 0);
    ck_assert_int_ne(fcntl(STDIN_FILENO, F_GETFD), -1);
    ck_assert_int_ne(fcntl(STDERR_FILENO, F_GETFD), -1);
    ck_assert_int_eq(raise(SIGPIPE), 0);
    ck_assert_int_eq(raise(SIGXFSZ), 0);
}
END_TEST

/* A descriptor of its own for a pipe's end, full: the next write would wait. */
static void fill(int pipe_end)
{
    char bytes[4096] = {0};
    struct pollfd ready = {.fd = pipe_end, .events = POLLOUT};

    while (poll(&ready, 1, 0) == 1)
        ck_assert_int_gt(write(pipe_end, bytes, sizeof bytes), 0);
}

START_TEST(an_output_never_waits_and_its_flags_stay_as_they_were)
{
    static const bool shared[] = {false, true};

    for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++) {
        struct output output;
        int ends[2], others;

        ck_assert_int_eq(pipe(ends), 0);
        others = dup(ends[1]); /* the pipe's other writer, a shell perhaps */
        output_open(&output, ends[1]);
        output.is_shared |= shared[i];
        ck_assert_int_eq(output_write(&output, "x", 1), 1);
        fill(others);
        ck_assert_int_eq(output_write(&output, "x", 1), -1);
        ck_assert_int_eq(errno, EAGAIN);
        ck_assert(!(fcntl(others, F_GETFL) & O_NONBLOCK));
    }
}
END_TEST

START_TEST(a_socket_and_a_file_can_be_outputs)
{
    char name[] = "/tmp/test_sockets-XXXXXX";
    struct output output;
    int ends[2], file = mkstemp(name);

    ck_assert_int_ne(file, -1);
    ck_assert_int_eq(unlink(name), 0);
    output_open(&output, file);
    ck_assert_int_eq(output_write(&output, "text", 4), 4);
    ck_assert_int_eq(lseek(file, 0, SEEK_CUR), 4);

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    output_open(&output, ends[0]);
    while (output_write(&output, name, sizeof name) > 0)
        continue;
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert(!(fcntl(ends[0], F_GETFL) & O_NONBLOCK));
}
END_TEST

START_TEST(a_set_has_what_was_added_and_minus_one_is_in_none)
{
    struct fdset set;

    fdset_clear(&set);
    fdset_add(&set, 0);
    fdset_add(&set, FD_SETSIZE - 1);
    fdset_add(&set, -1);
    ck_assert(fdset_has(&set, 0) && fdset_has(&set, FD_SETSIZE - 1));
    ck_assert(!fdset_has(&set, 1) && !fdset_has(&set, -1));
    fdset_remove(&set, 0);
    fdset_remove(&set, -1);
    ck_assert(!fdset_has(&set, 0));
    ck_assert_int_eq(set.highest, FD_SETSIZE - 1);
    fdset_add(&set, 7);
    fdset_remove(&set, FD_SETSIZE - 1);
    ck_assert_int_eq(set.highest, 7);
    fdset_remove(&set, 7);
    ck_assert(fdset_is_empty(&set));
}
END_TEST

START_TEST(a_signal_arrives_where_it_is_waited_for_and_nowhere_else)
{
    struct timespec long_time = {.tv_sec = DEADLINE_MS / 1000};
    struct signals signals;

    ck_assert_int_eq(signals_prepare(&signals), 0);
    ck_assert_int_eq(raise(SIGTERM), 0);
    ck_assert(!signals_stop_requested());
    ck_assert_int_eq(pselect(0, NULL, NULL, NULL, &long_time, &signals.while_waiting),
                     -1);
    ck_assert_int_eq(errno, EINTR);
    ck_assert(signals_stop_requested());
}
END_TEST

START_TEST(a_hangup_that_was_ignored_stays_ignored)
{
    struct sigaction now;
    struct signals signals;

    (void)signal(SIGHUP, SIG_IGN);
    ck_assert_int_eq(signals_prepare(&signals), 0);
    ck_assert_int_eq(sigaction(SIGHUP, NULL, &now), 0);
    ck_assert(now.sa_handler == SIG_IGN);
}
END_TEST

START_TEST(a_time_that_is_over_is_no_time)
{
    struct timespec none = clock_timespec(-5), some = clock_timespec(1234);

    ck_assert(none.tv_sec == 0 && none.tv_nsec == 0);
    ck_assert(some.tv_sec == 1 && some.tv_nsec == 234000000);
    ck_assert_int_ge(clock_ms(), 0);
}
END_TEST

START_TEST(a_signal_is_let_in_when_there_is_always_something_ready)
{
    struct signals signals;
    struct fdset readable, writable;
    int ends[2];

    ck_assert_int_eq(signals_prepare(&signals), 0);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(raise(SIGINT), 0);
    for (int turn = 0; turn < 100 && !signals_stop_requested(); turn++) {
        fdset_clear(&readable);
        fdset_clear(&writable);
        fdset_add(&writable, ends[1]);
        ck_assert_int_ge(signals_pselect(&signals, &readable, &writable, NULL), 0);
    }
    ck_assert(signals_stop_requested());
}
END_TEST

START_TEST(after_a_signal_nothing_is_ready_and_nothing_has_failed)
{
    struct timespec long_time = {.tv_sec = DEADLINE_MS / 1000};
    struct signals signals;
    struct fdset readable, writable;
    int ends[2];

    ck_assert_int_eq(signals_prepare(&signals), 0);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(raise(SIGINT), 0);
    fdset_clear(&readable);
    fdset_clear(&writable);
    fdset_add(&readable, ends[0]);
    ck_assert_int_eq(signals_pselect(&signals, &readable, &writable, &long_time), 0);
    ck_assert(!fdset_has(&readable, ends[0]));
    ck_assert(signals_stop_requested());
}
END_TEST

/* ---- A file of lines ---------------------------------------------------------------- */

/* The disk is full at so many bytes, as far as this process goes. */
static void fill_disk(rlim_t bytes)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_line_that_a_full_disk_has_cut_is_ended_before_the_next)
{
    char path[] = "/tmp/netlab-append-XXXXXX", text[64] = "";
    int made = mkstemp(path);
    struct append file;

    ck_assert_int_ne(made, -1);
    (void)signal(SIGXFSZ, SIG_IGN);
    fill_disk(10);
    ck_assert_int_eq(append_open(&file, path), 0);
    ck_assert_int_eq(append_line(&file, "first\n", 6), 0);
    ck_assert_int_eq(append_line(&file, "second\n", 7), -1);
    ck_assert_int_eq(errno, EFBIG);
    ck_assert_int_eq(append_line(&file, "lost\n", 5), -1);
    append_close(&file);
    ck_assert_int_eq(append_open(&file, path), 0); /* another finds it so */
    fill_disk(20);
    ck_assert_int_eq(append_line(&file, "third\n", 6), 0);
    ck_assert_int_eq(append_line(&file, "fourth\n", 7), -1);
    fill_disk(RLIM_INFINITY);
    ck_assert_int_eq(append_line(&file, "fifth\n", 6), 0);
    append_close(&file);
    ck_assert_int_gt(pread(made, text, sizeof text - 1, 0), 0);
    ck_assert_str_eq(text, "first\nseco\nthird\nfou\nfifth\n");
    (void)unlink(path);
    (void)close(made);
}
END_TEST

START_TEST(a_file_of_lines_may_be_a_device_or_one_that_is_not_to_be_read)
{
    char path[] = "/tmp/netlab-append-XXXXXX";
    int made = mkstemp(path);
    struct append file;

    ck_assert_int_ne(made, -1);
    ck_assert_int_eq(write(made, "x\n", 2), 2);
    ck_assert_int_eq(fchmod(made, 0200), 0);
    ck_assert_int_eq(append_open(&file, path), 0);
    ck_assert_int_eq(append_line(&file, "line\n", 5), 0);
    append_close(&file);
    (void)unlink(path);
    (void)close(made);
    ck_assert_int_eq(append_open(&file, "/dev/full"), 0);
    ck_assert_int_eq(append_line(&file, "line\n", 5), -1);
    ck_assert_int_eq(errno, ENOSPC);
    append_close(&file);
    ck_assert_int_eq(append_open(&file, "/no/such/file"), -1);
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

/* ---- The log ------------------------------------------------------------------------ */

static struct log lines;
static char log_bytes[LOG_BYTES];

static bool is_waiting(void)
{
    struct fdset writable;

    fdset_clear(&writable);
    log_watch(&lines, &writable);
    return fdset_has(&writable, lines.output.descriptor);
}

START_TEST(a_log_writes_whole_lines)
{
    struct stream out;
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    out = stream_of(ends[0]);
    log_open(&lines, "test", ends[1], log_bytes, sizeof log_bytes);
    ck_assert(!is_waiting());
    log_line(&lines, "number %d", 1);
    log_line(&lines, "%s", "number 2");
    ck_assert(is_waiting());
    log_write(&lines);
    ck_assert(!is_waiting());
    expect_lf(&out, "number 1");
    expect_lf(&out, "number 2");
}
END_TEST

START_TEST(a_log_of_more_than_it_holds_in_one_turn_is_whole_if_it_is_taken)
{
    const int count = 3 * LOG_BYTES / 16; /* of 16 bytes each: a pipe holds as many */
    struct stream out;
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(descriptor_prepare(ends[1]), 0);
    out = stream_of(ends[0]);
    log_open(&lines, "test", ends[1], log_bytes, sizeof log_bytes);
    for (int i = 0; i < count; i++)
        log_line(&lines, "number %08d", i);
    log_write(&lines);
    for (int i = 0; i < count; i++)
        expect_lf(&out, "number %08d", i);
    (void)close(ends[1]);
    expect_end(&out);
}
END_TEST

START_TEST(a_log_that_nobody_reads_leaves_lines_out_and_says_how_many)
{
    struct stream out;
    char *line;
    int ends[2], expected = 0;

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(descriptor_prepare(ends[1]), 0);
    out = stream_of(ends[0]);
    log_open(&lines, "test", ends[1], log_bytes, sizeof log_bytes);
    for (int i = 0; i < 20000; i++) {
        log_line(&lines, "number %d", i);
        log_write(&lines);
    }
    while (is_waiting()) {
        ck_assert(stream_fill(&out));
        log_write(&lines);
    }
    (void)close(ends[1]);
    while (out.length > 0 || stream_fill(&out)) {
        int missing, number;

        line = next_line(&out);
        if (sscanf(line, "(lines missing here: %d)", &missing) == 1)
            expected += missing;
        else if (sscanf(line, "number %d", &number) == 1)
            ck_assert_int_eq(number, expected++);
        free(line);
    }
    ck_assert_int_eq(expected, 20000);
}
END_TEST

START_TEST(a_log_that_cannot_be_written_says_so_once_and_goes_on_when_it_can)
{
    char path[] = "/tmp/netlab-log-XXXXXX", text[LOG_BYTES + 100] = "", said[256] = "";
    int file = mkstemp(path), errors[2];
    bool was_waiting;

    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(pipe(errors), 0);
    ck_assert_int_eq(dup2(errors[1], STDERR_FILENO), STDERR_FILENO);
    (void)signal(SIGXFSZ, SIG_IGN);
    log_open(&lines, "test", file, log_bytes, sizeof log_bytes);
    log_line(&lines, "number %d", 1);
    log_write(&lines);
    fill_disk(16);
    for (int i = 2; i < 3000; i++)
        log_line(&lines, "number %d", i);
    for (int tries = 0; tries < 10; tries++)
        log_write(&lines);
    was_waiting = is_waiting();
    fill_disk(RLIM_INFINITY); /* that is, it is freed */
    ck_assert(!was_waiting);  /* or select() would be a busy loop */
    ck_assert_int_gt(read(errors[0], said, sizeof said - 1), 0);
    ck_assert_ptr_eq(strstr(said, "test: cannot write to standard output: "), said);
    ck_assert_ptr_eq(strchr(said, '\n'), said + strlen(said) - 1);

    log_line(&lines, "number %d", 3000);
    log_finish(&lines, DEADLINE_MS);
    ck_assert_int_eq(poll(&(struct pollfd){.fd = errors[0], .events = POLLIN}, 1, 0), 0);
    ck_assert_int_gt(pread(file, text, sizeof text - 1, 0), 0);
    ck_assert_int_eq(strncmp(text, "number 1\nnumber 2\nnumber 3\n", 27), 0);
    ck_assert_ptr_nonnull(strstr(text, "(lines missing here: "));
}
END_TEST

START_TEST(a_log_is_finished_for_so_long_and_no_longer)
{
    int64_t before = clock_ms();
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(descriptor_prepare(ends[1]), 0);
    log_open(&lines, "test", ends[1], log_bytes, sizeof log_bytes);
    for (int i = 0; i < 20000; i++) {
        log_line(&lines, "number %d", i);
        log_write(&lines);
    }
    log_finish(&lines, 50);
    ck_assert_int_ge(clock_ms() - before, 50);
    ck_assert(is_waiting());
}
END_TEST

/* ---- Dialling, and numbers ---------------------------------------------------------- */

START_TEST(dial_tries_a_hosts_addresses_in_turn)
{
    const char *why = "";
    int listener = listener_open("127.0.0.1", 0, SOCK_STREAM, &why), fd;

    /* localhost is ::1 first where it is both; nobody listens there. */
    fd = dial("localhost", listener_port(listener), SOCK_STREAM, DEADLINE_MS, &why);
    ck_assert_msg(fd != -1, "%s", why);
    ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
    fd = dial("[::ffff:127.0.0.1]", listener_port(listener), SOCK_STREAM, DEADLINE_MS,
              &why);
    ck_assert_msg(fd != -1, "%s", why);
}
END_TEST

START_TEST(dial_says_why_not)
{
    const char *why = "";
    int listener = listener_open("127.0.0.1", 0, SOCK_STREAM, &why);
    int port = listener_port(listener);

    (void)close(listener);
    ck_assert_int_eq(dial("127.0.0.1", port, SOCK_STREAM, DEADLINE_MS, &why), -1);
    ck_assert_str_eq(why, strerror(ECONNREFUSED));
    ck_assert_int_eq(dial("no.such.host.invalid", 1, SOCK_STREAM, DEADLINE_MS, &why), -1);
    ck_assert_uint_gt(strlen(why), 0);
    ck_assert_int_eq(dial_after(1, "127.0.0.1", 1, SOCK_DGRAM, DEADLINE_MS, &why), -1);
    ck_assert_str_eq(why, strerror(EADDRNOTAVAIL));
}
END_TEST

/* Steps through an attempt as a loop does. The socket, or -1 and the reason. */
static int dial_in_steps(struct dial *attempt, const char **why)
{
    int64_t deadline = clock_ms() + DEADLINE_MS;
    int fd;

    do {
        struct timespec left = clock_timespec(attempt->deadline - clock_ms());
        struct fdset readable, writable;
        int highest;

        ck_assert_int_lt(clock_ms(), deadline);
        fdset_clear(&readable);
        fdset_clear(&writable);
        dial_watch(attempt, &readable, &writable);
        highest =
            readable.highest > writable.highest ? readable.highest : writable.highest;
        ck_assert_int_ne(
            pselect(highest + 1, &readable.set, &writable.set, NULL, &left, NULL), -1);
    } while ((fd = dial_step(attempt, why)) == DIAL_PENDING);
    ck_assert_int_eq(attempt->descriptor, -1);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no child is left behind */
    return fd;
}

START_TEST(dial_connects_in_steps_to_names_and_numbers)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1"};
    const char *why = "";
    int listener = listener_open("127.0.0.1", 0, SOCK_STREAM, &why);
    struct dial attempt;

    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        int fd;

        dial_start(&attempt, hosts[i], listener_port(listener), SOCK_STREAM, DEADLINE_MS);
        fd = dial_in_steps(&attempt, &why);
        ck_assert_msg(fd >= 0, "%s: %s", hosts[i], why);
        ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
        ck_assert_int_ne(accept(listener, NULL, NULL), -1);
    }
}
END_TEST

START_TEST(dial_says_why_not_in_steps)
{
    const char *why = "";
    int listener = listener_open("127.0.0.1", 0, SOCK_STREAM, &why);
    int port = listener_port(listener);
    struct dial attempt;

    (void)close(listener);
    dial_start(&attempt, "127.0.0.1", port, SOCK_STREAM, DEADLINE_MS);
    ck_assert_int_eq(dial_in_steps(&attempt, &why), -1);
    ck_assert_str_eq(why, strerror(ECONNREFUSED));
    dial_start(&attempt, "no.such.host.invalid", 1, SOCK_STREAM, DEADLINE_MS);
    ck_assert_int_eq(dial_in_steps(&attempt, &why), -1);
    ck_assert_uint_gt(strlen(why), 0);
    ck_assert_str_ne(why, strerror(ECONNREFUSED));
}
END_TEST

START_TEST(dial_can_be_stopped_and_leaves_nothing_behind)
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
END_TEST

START_TEST(dial_out_of_descriptors_says_so_and_leaves_no_child)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1"};
    const char *why = "";
    struct rlimit limit;
    struct dial attempt;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 16;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    while (dup(STDIN_FILENO) != -1)
        continue;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        dial_start(&attempt, hosts[i], 1, SOCK_STREAM, DEADLINE_MS);
        ck_assert_int_eq(dial_in_steps(&attempt, &why), -1);
        ck_assert_str_eq(why, strerror(EMFILE));
    }
}
END_TEST

/* A queue for one that is full: what comes next is neither accepted nor refused. */
static int port_that_does_not_answer(void)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0), fd = 0, port;
    struct sockaddr_in address = {.sin_family = AF_INET};
    const char *why;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 0), 0);
    port = listener_port(listener);
    for (int i = 0; i < 8 && fd != -1; i++)
        fd = dial("127.0.0.1", port, SOCK_STREAM, 200, &why);
    ck_assert_int_eq(fd, -1);
    ck_assert_str_eq(why, strerror(ETIMEDOUT));
    return port;
}

START_TEST(dial_waits_for_an_address_that_does_not_answer_only_so_long)
{
    int port = port_that_does_not_answer();
    const char *why = "";
    struct dial attempt;

    dial_start(&attempt, "127.0.0.1", port, SOCK_STREAM, 200);
    ck_assert_int_eq(dial_in_steps(&attempt, &why), -1);
    ck_assert_str_eq(why, strerror(ETIMEDOUT));
}
END_TEST

START_TEST(a_number_is_digits_within_its_bounds)
{
    static const char *const bad[] = {"",  " 1", "1 ",  "+1",  "1x",
                                      "x", "0",  "101", "9e9", "99999999999999999999"};
    long number;

    ck_assert_int_eq(number_parse("1", 1, 100, &number), 0);
    ck_assert_int_eq(number, 1);
    ck_assert_int_eq(number_parse("100", 1, 100, &number), 0);
    ck_assert_int_eq(number_parse("-5", -10, 100, &number), 0);
    ck_assert_int_eq(number, -5);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_int_eq(number_parse(bad[i], 1, 100, &number), -1);
}
END_TEST

START_TEST(seconds_may_have_a_fraction)
{
    static const char *const bad[] = {"",      "-1", "x",     "1s",  "1e3",
                                      "1.2.3", ".",  "86401", "inf", "nan"};
    int64_t ns;

    ck_assert_int_eq(number_parse_seconds("2", &ns), 0);
    ck_assert_int_eq(ns, 2000000000);
    ck_assert_int_eq(number_parse_seconds("0.25", &ns), 0);
    ck_assert_int_eq(ns, 250000000);
    ck_assert_int_eq(number_parse_seconds("0", &ns), 0);
    ck_assert_int_eq(ns, 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_int_eq(number_parse_seconds(bad[i], &ns), -1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        addresses_are_written_as_rfc_5952_has_them,
        a_v4_peer_of_a_v6_socket_is_written_as_a_v4_peer,
        an_address_of_no_known_family_is_a_question_mark,
        a_port_is_a_number_and_nothing_else,
        one_listener_hears_both_families,
        a_newcomer_is_non_blocking_and_has_its_options,
        a_descriptor_that_fits_no_fd_set_is_sent_away,
        out_of_descriptors_the_spare_serves_to_send_a_newcomer_away,
        without_even_a_spare_accepting_rests_for_a_moment,
        what_cannot_be_bound_is_said_in_words,
        a_missing_standard_descriptor_is_filled_and_a_failing_write_kills_nobody,
        an_output_never_waits_and_its_flags_stay_as_they_were,
        a_socket_and_a_file_can_be_outputs,
        a_set_has_what_was_added_and_minus_one_is_in_none,
        a_signal_arrives_where_it_is_waited_for_and_nowhere_else,
        a_signal_is_let_in_when_there_is_always_something_ready,
        after_a_signal_nothing_is_ready_and_nothing_has_failed,
        a_hangup_that_was_ignored_stays_ignored,
        a_line_that_a_full_disk_has_cut_is_ended_before_the_next,
        a_file_of_lines_may_be_a_device_or_one_that_is_not_to_be_read,
        a_log_writes_whole_lines,
        a_log_of_more_than_it_holds_in_one_turn_is_whole_if_it_is_taken,
        a_log_that_nobody_reads_leaves_lines_out_and_says_how_many,
        a_log_that_cannot_be_written_says_so_once_and_goes_on_when_it_can,
        a_log_is_finished_for_so_long_and_no_longer,
        dial_tries_a_hosts_addresses_in_turn,
        dial_says_why_not,
        dial_connects_in_steps_to_names_and_numbers,
        dial_says_why_not_in_steps,
        dial_can_be_stopped_and_leaves_nothing_behind,
        dial_out_of_descriptors_says_so_and_leaves_no_child,
        dial_waits_for_an_address_that_does_not_answer_only_so_long,
        a_number_is_digits_within_its_bounds,
        seconds_may_have_a_fraction,
        a_time_that_is_over_is_no_time,
    };
    Suite *suite = suite_create("net/: sockets, signals, the log, numbers");
    TCase *tcase = tcase_create("sockets");

    tcase_set_timeout(tcase, 60);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
