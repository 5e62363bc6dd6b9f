/*
 * program: a program under test, with its standard output and error in pipes.
 *
 * A program is named by its path from the top of the tree ("bin/echo_srv"), or by a name
 * that the shell looks up in PATH ("nc"). The environment variable named after it in
 * capitals (ECHO_SRV, NC) can say what to run instead, as words for a shell. RUN_UNDER
 * says what to run all the tree's programs with, for example valgrind and its options.
 */
#ifndef TESTS_PROGRAM_H
#define TESTS_PROGRAM_H

#include "tests/stream.h"

#include <stdint.h>
#include <sys/types.h>

struct program {
    pid_t pid;
    int port;       /* a server's, or -1 */
    bool has_ended; /* program_wait() has seen the end */
    struct stream out, err;
};

/*
 * Starts a program with the arguments up to a NULL, by a shell script in which "$@" is the
 * program and its arguments, or without one. Its standard input is empty.
 */
struct program program_run_by(const char *script, const char *path, ...);
#define program_run(...) program_run_by(JUST_RUN_IT, __VA_ARGS__)
#define JUST_RUN_IT      "exec \"$@\""

/*
 * Starts a server on a free port (with -p 0), and takes that port from the first line that
 * it prints: `first_line` and the number.
 */
struct program program_serve_by(const char *script, const char *path,
                                const char *first_line, ...);
#define program_serve(...) program_serve_by(JUST_RUN_IT, __VA_ARGS__)

/* Sets ECHO_SRV (for "bin/echo_srv"), as described above, for a script to use. */
void program_export(const char *path);

/* Waits for the end. Returns the exit status, or 128 + the signal that ended it. */
int program_wait(struct program *program);

/* The program ends with this status. */
void expect_status(struct program *program, int status);

/* It ends with status 0, and prints nothing more. */
void expect_success(struct program *program);

/* It complains in this one line, and ends with status 1. */
void expect_failure(struct program *program, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* With these arguments (up to a NULL) it only complains, and ends with status 2. */
#define expect_usage_error(...) expect_usage_failure(program_run(__VA_ARGS__))
void expect_usage_failure(struct program program);

/* With its standard output on a full disk it says so, and ends with status 1. */
#define expect_write_error(path, ...)                                                    \
    expect_write_failure(path,                                                           \
                         program_run_by(JUST_RUN_IT " >/dev/full", path, __VA_ARGS__))
void expect_write_failure(const char *path, struct program program);

/* Sends a signal. */
void program_kill(const struct program *program, int signal_number);

/* Sends SIGTERM and expects status 0, with nothing on standard error. */
void program_stop(struct program *program);

/* Stops it (SIGSTOP), so that all that is sent until it continues reaches it together. */
void program_pause(const struct program *program);
void program_go_on(const struct program *program);

/* Nanoseconds of processor time that it has used. */
int64_t program_cpu_ns(const struct program *program);

/* It waits: during `ms` it uses less than a third of a processor. */
void expect_rest(const struct program *program, int ms);

/* Takes the port from the first line that a program prints: `beginning` and the number. */
void program_read_port(struct program *program, const char *beginning);

#endif
