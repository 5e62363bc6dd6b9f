/* base/: numbers, time, descriptors, sets, signals, files of lines, and the log. */
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

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct tests suite;

/* ---- Numbers and time ---------------------------------------------------------------- */

TEST(suite, a_port_is_a_number_and_nothing_else)
{
    static const char *const bad[] = {"",   "-1",    "+1",          " 1",
                                      "1 ", "65536", "99999999999", "x"};
    long port;

    ck_assert_int_eq(number_parse("0", 0, 65535, &port), 0);
    ck_assert_int_eq(number_parse("65535", 0, 65535, &port), 0);
    ck_assert_int_eq(port, 65535);
    for (size_t i = 0; i < COUNT(bad); i++)
        ck_assert_int_eq(number_parse(bad[i], 0, 65535, &port), -1);
}

TEST(suite, a_number_is_digits_within_its_bounds)
{
    static const char *const bad[] = {"",  " 1", "1 ",  "+1",  "1x",
                                      "x", "0",  "101", "9e9", "99999999999999999999"};
    long number;

    ck_assert_int_eq(number_parse("1", 1, 100, &number), 0);
    ck_assert_int_eq(number, 1);
    ck_assert_int_eq(number_parse("100", 1, 100, &number), 0);
    ck_assert_int_eq(number_parse("-5", -10, 100, &number), 0);
    ck_assert_int_eq(number, -5);
    for (size_t i = 0; i < COUNT(bad); i++)
        ck_assert_int_eq(number_parse(bad[i], 1, 100, &number), -1);
}

TEST(suite, seconds_may_have_a_fraction)
{
    static const char *const bad[] = {"",      "-1", "x",     "1s",  "1e3",
                                      "1.2.3", ".",  "86401", "inf", "nan"};
    int64_t ns;

    ck_assert_int_eq(number_parse_seconds("2", &ns), 0);
    ck_assert_int_eq(ns, 2000000000);
    ck_assert_int_eq(number_parse_seconds("0.25", &ns), 0);
    ck_assert_int_eq(ns, 250000000);
    ck_assert_int_eq(number_parse_seconds("1.001", &ns), 0); /* a double is a bit less */
    ck_assert_int_eq(ns, 1001000000);
    ck_assert_int_eq(number_parse_seconds("0", &ns), 0);
    ck_assert_int_eq(ns, 0);
    for (size_t i = 0; i < COUNT(bad); i++)
        ck_assert_int_eq(number_parse_seconds(bad[i], &ns), -1);
}

TEST(suite, a_time_in_the_past_becomes_zero)
{
    struct timespec none = clock_timespec(-5), some = clock_timespec(1234);

    ck_assert(none.tv_sec == 0 && none.tv_nsec == 0);
    ck_assert(some.tv_sec == 1 && some.tv_nsec == 234000000);
    ck_assert_int_ge(clock_ms(), 0);
}

/* ---- Descriptors, sets, signals ----------------------------------------------------- */

TEST(suite, a_missing_standard_descriptor_is_filled_and_a_failing_write_kills_nobody)
{
    close(STDIN_FILENO);
    close(STDERR_FILENO);
    start_program(&(struct options){.program = "test"});
    ck_assert_int_ne(fcntl(STDIN_FILENO, F_GETFD), -1);
    ck_assert_int_ne(fcntl(STDERR_FILENO, F_GETFD), -1);
    ck_assert_int_eq(raise(SIGPIPE), 0);
    ck_assert_int_eq(raise(SIGXFSZ), 0);
}

/* Fills a pipe, so that the next write would wait. */
static void fill(int pipe_end)
{
    char bytes[4096] = {0};
    struct pollfd ready = {.fd = pipe_end, .events = POLLOUT};

    while (poll(&ready, 1, 0) == 1)
        ck_assert_int_gt(write(pipe_end, bytes, sizeof bytes), 0);
}

TEST(suite, an_output_never_waits_and_its_flags_stay_as_they_were)
{
    static const bool shared[] = {false, true};

    for (size_t i = 0; i < COUNT(shared); i++) {
        struct output output;
        int ends[2], others;

        ck_assert_int_eq(pipe(ends), 0);
        others = dup(ends[1]); /* another writer's, perhaps a shell's */
        output_open(&output, ends[1]);
        output.is_shared |= shared[i];
        ck_assert_int_eq(output_write(&output, "x", 1), 1);
        fill(others);
        ck_assert_int_eq(output_write(&output, "x", 1), -1);
        ck_assert_int_eq(errno, EAGAIN);
        ck_assert(!(fcntl(others, F_GETFL) & O_NONBLOCK));
    }
}

TEST(suite, a_pipe_of_ones_own_is_read_without_waiting)
{
    int ends[2], others, file = open(temp_path("file"), O_RDWR | O_CREAT, 0600);
    char byte;

    ck_assert_int_eq(pipe(ends), 0);
    others = dup(ends[0]);
    ck_assert(descriptor_unshare(ends[0], O_RDONLY));
    ck_assert_int_eq(read(ends[0], &byte, 1), -1);
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert(!(fcntl(others, F_GETFL) & O_NONBLOCK));
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);

    ck_assert_int_eq(write(file, "text", 4), 4);
    ck_assert(descriptor_unshare(file, O_RDONLY));
    ck_assert_int_eq(lseek(file, 0, SEEK_CUR), 4);

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    ck_assert(!descriptor_unshare(ends[0], O_RDONLY));
}

TEST(suite, a_socket_and_a_file_can_be_outputs)
{
    struct output output;
    int ends[2], file = open(temp_write("file", ""), O_WRONLY);

    ck_assert_int_ne(file, -1);
    output_open(&output, file);
    ck_assert_int_eq(output_write(&output, "text", 4), 4);
    ck_assert_int_eq(lseek(file, 0, SEEK_CUR), 4);

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    output_open(&output, ends[0]);
    while (output_write(&output, "text", 4) > 0)
        continue;
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert(!(fcntl(ends[0], F_GETFL) & O_NONBLOCK));
}

TEST(suite, a_set_has_what_was_added_and_minus_one_is_in_none)
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

TEST(suite, a_signal_arrives_where_it_is_waited_for_and_nowhere_else)
{
    struct timespec long_time = {.tv_sec = DEADLINE_MS / 1000};
    struct signals signals;

    signals_prepare(&signals);
    ck_assert_int_eq(raise(SIGTERM), 0);
    ck_assert(!signals_stop_requested());
    ck_assert_int_eq(pselect(0, NULL, NULL, NULL, &long_time, &signals.while_waiting),
                     -1);
    ck_assert_int_eq(errno, EINTR);
    ck_assert(signals_stop_requested());
}

TEST(suite, a_hangup_that_was_ignored_stays_ignored)
{
    struct sigaction now;
    struct signals signals;

    signal(SIGHUP, SIG_IGN);
    signals_prepare(&signals);
    ck_assert_int_eq(sigaction(SIGHUP, NULL, &now), 0);
    ck_assert(now.sa_handler == SIG_IGN);
}

TEST(suite, a_signal_is_let_in_when_there_is_always_something_ready)
{
    struct signals signals;
    struct fdset readable, writable;
    int ends[2];

    signals_prepare(&signals);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(raise(SIGINT), 0);
    for (int turn = 0; turn < 100 && !signals_stop_requested(); turn++) {
        fdset_clear(&readable);
        fdset_clear(&writable);
        fdset_add(&writable, ends[1]);
        ck_assert_int_ge(signals_pselect(&signals, &readable, &writable, INT64_MAX), 0);
    }
    ck_assert(signals_stop_requested());
}

TEST(suite, after_a_signal_nothing_is_ready_and_nothing_has_failed)
{
    struct signals signals;
    struct fdset readable, writable;
    int ends[2];

    signals_prepare(&signals);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(raise(SIGINT), 0);
    fdset_clear(&readable);
    fdset_clear(&writable);
    fdset_add(&readable, ends[0]);
    ck_assert_int_eq(
        signals_pselect(&signals, &readable, &writable, clock_ms() + DEADLINE_MS), 0);
    ck_assert(!fdset_has(&readable, ends[0]));
    ck_assert(signals_stop_requested());
}

/* ---- A file of lines ---------------------------------------------------------------- */

/* For this process the disk is full after this many bytes. */
static void fill_disk(rlim_t bytes)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

TEST(suite, a_line_that_a_full_disk_has_cut_is_ended_before_the_next)
{
    const char *path = temp_write("lines", "");
    struct append file;

    signal(SIGXFSZ, SIG_IGN);
    fill_disk(10);
    ck_assert_int_eq(append_open(&file, path), 0);
    ck_assert_int_eq(append_line(&file, "first\n", 6), 0);
    ck_assert_int_eq(append_line(&file, "second\n", 7), -1);
    ck_assert_int_eq(errno, EFBIG);
    ck_assert_int_eq(append_line(&file, "lost\n", 5), -1);
    append_close(&file);
    ck_assert_int_eq(append_open(&file, path), 0); /* as another program finds it */
    fill_disk(20);
    ck_assert_int_eq(append_line(&file, "third\n", 6), 0);
    ck_assert_int_eq(append_line(&file, "fourth\n", 7), -1);
    fill_disk(RLIM_INFINITY);
    ck_assert_int_eq(append_line(&file, "fifth\n", 6), 0);
    append_close(&file);
    expect_file(path, "first\nseco\nthird\nfou\nfifth\n");
}

TEST(suite, a_file_of_lines_may_be_a_device_or_unreadable)
{
    const char *path = temp_write("lines", "x\n");
    struct append file;

    ck_assert_int_eq(chmod(path, 0200), 0);
    ck_assert_int_eq(append_open(&file, path), 0);
    ck_assert_int_eq(append_line(&file, "line\n", 5), 0);
    append_close(&file);
    ck_assert_int_eq(chmod(path, 0600), 0);
    expect_file(path, "x\nline\n");
    ck_assert_int_eq(append_open(&file, "/dev/full"), 0);
    ck_assert_int_eq(append_line(&file, "line\n", 5), -1);
    ck_assert_int_eq(errno, ENOSPC);
    append_close(&file);
    ck_assert_int_eq(append_open(&file, "/no/such/file"), -1);
    ck_assert_int_eq(errno, ENOENT);
}

/* ---- The log ------------------------------------------------------------------------ */

static struct log lines;
static char log_bytes[LOG_BYTES];

/* Opens the log on a pipe, and returns the reading end. */
static struct stream open_log(void)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(descriptor_prepare(ends[1]), 0);
    log_open(&lines, "test", ends[1], log_bytes, sizeof log_bytes);
    return stream_of(ends[0]);
}

/* Does the log wait for its reader? */
static bool is_waiting(void)
{
    struct fdset writable;

    fdset_clear(&writable);
    log_watch(&lines, &writable);
    return fdset_has(&writable, lines.output.descriptor);
}

TEST(suite, a_log_writes_whole_lines)
{
    struct stream out = open_log();

    ck_assert(!is_waiting());
    log_line(&lines, "number %d", 1);
    log_line(&lines, "%s", "number 2");
    ck_assert(is_waiting());
    log_write(&lines);
    ck_assert(!is_waiting());
    expect_lf(&out, "number 1");
    expect_lf(&out, "number 2");
}

TEST(suite, a_log_of_more_than_it_holds_in_one_turn_is_whole_if_it_is_taken)
{
    const int count = 3 * LOG_BYTES / 16; /* of 16 bytes each: a pipe holds as many */
    struct stream out = open_log();

    for (int i = 0; i < count; i++)
        log_line(&lines, "number %08d", i);
    log_write(&lines);
    for (int i = 0; i < count; i++)
        expect_lf(&out, "number %08d", i);
    ck_assert(!stream_ready(&out, 0));
}

static void write_twenty_thousand_lines(void)
{
    for (int i = 0; i < 20000; i++) {
        log_line(&lines, "number %d", i);
        log_write(&lines);
    }
}

TEST(suite, a_log_that_nobody_reads_leaves_lines_out_and_says_how_many)
{
    struct stream out = open_log();
    int expected = 0;

    write_twenty_thousand_lines();
    while (is_waiting()) {
        ck_assert(stream_fill(&out));
        log_write(&lines);
    }
    while (stream_ready(&out, 0)) {
        const char *line = take_line(&out);
        int missing, number;

        if (sscanf(line, "(lines missing here: %d)", &missing) == 1)
            expected += missing;
        else if (sscanf(line, "number %d", &number) == 1)
            ck_assert_int_eq(number, expected++);
    }
    ck_assert_int_eq(expected, 20000);
}

TEST(suite, a_log_that_cannot_be_written_says_so_once_and_goes_on_when_it_can)
{
    const char *path = temp_write("log", "");
    struct stream errors, text;
    bool was_waiting;
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    errors = stream_of(ends[0]);
    signal(SIGXFSZ, SIG_IGN);
    log_open(&lines, "test", open(path, O_WRONLY), log_bytes, sizeof log_bytes);
    log_line(&lines, "number %d", 1);
    log_write(&lines);
    fill_disk(16);
    for (int i = 2; i < 3000; i++)
        log_line(&lines, "number %d", i);
    for (int tries = 0; tries < 10; tries++)
        log_write(&lines);
    was_waiting = is_waiting();
    fill_disk(RLIM_INFINITY); /* there is space again, even for Check's own notes */
    ck_assert(!was_waiting);  /* otherwise select() would spin */
    expect_beginning(&errors, "test: cannot write to standard output: ");

    log_line(&lines, "number %d", 3000);
    log_finish(&lines, DEADLINE_MS);
    ck_assert(!stream_ready(&errors, 0));
    text = stream_of(open(path, O_RDONLY));
    expect_text(&text, "number 1\nnumber 2\nnumber 3\n");
    skip_to_beginning(&text, "(lines missing here: ");
}

/* In a quiet room nothing else would wake the server for another try. */
TEST(suite, a_log_that_failed_says_when_to_try_again)
{
    int full = open("/dev/full", O_WRONLY);
    int64_t due, before = clock_ms();
    struct fdset writable;

    ck_assert_int_ne(full, -1);
    fdset_clear(&writable);
    log_open(&lines, "test", full, log_bytes, sizeof log_bytes);
    ck_assert_int_eq(log_watch(&lines, &writable), INT64_MAX);
    log_line(&lines, "one");
    ck_assert_int_eq(log_watch(&lines, &writable), INT64_MAX);
    ck_assert(fdset_has(&writable, full));
    log_write(&lines);
    fdset_clear(&writable);
    due = log_watch(&lines, &writable);
    ck_assert(fdset_is_empty(&writable));
    ck_assert_int_ge(due, before + 1000);
    ck_assert_int_le(due, clock_ms() + 1000);
}

/* A FIFO's reader goes, with the FIFO full, and another comes that does not read yet. */
TEST(suite, a_log_that_failed_waits_for_a_new_reader_that_is_slow)
{
    const char *path = temp_path("fifo");
    struct fdset writable;
    int reader;

    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    reader = open(path, O_RDONLY | O_NONBLOCK);
    log_open(&lines, "test", open(path, O_WRONLY), log_bytes, sizeof log_bytes);
    write_twenty_thousand_lines();
    close(reader);
    log_write(&lines);
    ck_assert_int_ne(lines.retry_at, 0);

    reader = open(path, O_RDONLY | O_NONBLOCK);
    lines.retry_at = clock_ms(); /* the time of the next try has come */
    log_write(&lines);
    fdset_clear(&writable);
    ck_assert_int_eq(log_watch(&lines, &writable),
                     INT64_MAX); /* a past time would spin */
    ck_assert(fdset_has(&writable, lines.output.descriptor));
    close(reader);
}

TEST(suite, finishing_a_log_waits_no_longer_than_it_should)
{
    int64_t before = clock_ms();

    (void)open_log();
    write_twenty_thousand_lines();
    log_finish(&lines, 50);
    ck_assert_int_ge(clock_ms() - before, 50);
    ck_assert(is_waiting());
}

int main(void)
{
    return run_tests("base: what makes a program", &suite, NULL);
}
