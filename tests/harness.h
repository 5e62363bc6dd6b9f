/*
 * harness: what the tests stand on. It starts the program under test, talks to it over
 * sockets and pipes, and waits for what must come, with a deadline, never for a time.
 *
 * Whatever goes wrong in here fails the test at once, with what was awaited and what came
 * (ck_abort_msg()), so a test has nothing to check but what it is about.
 */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* How long anything may take: much more than it does, also under valgrind. */
#define DEADLINE_MS 30000

/* What arrives on a descriptor, kept until a test has looked at it. */
struct stream {
    int fd;
    char *bytes; /* what a test has not looked at yet; it lies in `buffer` */
    size_t length;
    char *buffer;
    size_t capacity;
    bool ended; /* the peer has closed, or reset, the connection */
};

/* A program that was started, with its standard output and error in pipes. */
struct program {
    pid_t pid;
    int port; /* the one that its first line names */
    struct stream out, err;
};

/*
 * Starts what the environment variable `variable` says (words for a shell; `fallback` if
 * it is unset) with the arguments that follow, up to a NULL. Its standard input is empty.
 */
void program_start(struct program *program, const char *variable, const char *fallback,
                   ...);

/* The same, by way of a shell script in which "$@" stands for the program and the rest. */
void program_start_by(struct program *program, const char *script, const char *variable,
                      const char *fallback, ...);

/* Takes the port from the end of the program's first line, which must begin so. */
void program_read_port(struct program *program, const char *beginning);

/* Waits for the program's end. Its exit status, or 128 and the signal that ended it. */
int program_wait(struct program *program);

/* Sends SIGTERM and expects an orderly end: status 0, nothing on standard error. */
void program_stop(struct program *program);

/* Stops it where it is, so that what is sent meanwhile comes to it together; it goes on. */
void program_pause(const struct program *program);
void program_go_on(const struct program *program);

/* Started with these two arguments (the second may be NULL) it must complain, status 2. */
void expect_wrong_usage(const char *variable, const char *fallback, const char *first,
                        const char *second);

/* Nanoseconds of processor time that the program has used. */
int64_t program_cpu_ns(const struct program *program);

/* Connects to a port of 127.0.0.1, or of a numeric host. */
struct stream connect_to(int port);
struct stream connect_to_host(const char *host, int port);

/*
 * The kernel must probe a connection of this machine that is idle: `table` is the file of
 * proc(5) that has the local port and the remote one. Without such a file all is well.
 */
void expect_keepalive(const char *table, int local, int remote);

/* The local address of a connection, as the server names this peer. Static, a few live. */
const char *name_of(const struct stream *stream);

/* The stream of a descriptor, which it closes in the end. */
struct stream stream_of(int fd);
void stream_close(struct stream *stream);
void stream_reset(struct stream *stream); /* closes it with a RST */

void send_bytes(struct stream *stream, const void *bytes, size_t length);
void send_text(struct stream *stream, const char *text);

/* Reads what there is, waiting until there is something. False: it has ended. */
bool stream_fill(struct stream *stream);

/* Throws away what has come by now, without waiting for more. */
void stream_drain(struct stream *stream);

/* The next `length` bytes must be these. */
void expect_bytes(struct stream *stream, const void *bytes, size_t length);

/* The next line must be this, whole: expect_line() ends it with CR LF, expect_lf with LF. */
void expect_line(struct stream *stream, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void expect_lf(struct stream *stream, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Takes the next line, without its end (LF or CR LF). It belongs to the caller. */
char *next_line(struct stream *stream);

/* Takes lines until one is this; returns how many others there were. */
int skip_to_line(struct stream *stream, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Nothing more comes, and the peer closes. */
void expect_end(struct stream *stream);

/* fork(), for a helper of the test which ends after a minute if nobody has ended it. */
pid_t fork_helper(void);

/* Raises this process's own descriptor limit, or fails saying what the test needs. */
void need_descriptors(unsigned long count);

/* A deterministic random number below `limit`; the same ones in each run of a test. */
unsigned random_below(unsigned limit);

/* Runs the suite, by the conventions of Check's environment variables: 0 if all passed. */
int run_suite(Suite *suite);

#endif
