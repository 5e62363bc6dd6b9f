/*
 * options: the command line of every program in the kit.
 *
 * These functions print and end the program themselves: with status 0 after -h and -V, and
 * with status 2 and a message after wrong usage.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

struct options {
    const char *program; /* its name */
    const char *letters; /* for getopt(), including the h and V that all programs have */
    const char *usage;   /* "usage: ..." and its line feed */
    const char *help;    /* what -h prints below it */
};

/* Like getopt(): the program's next option, its value in optarg; -1 after the last. */
int options_next(const struct options *options, int argc, char *argv[]);

/* Where a server listens. */
struct options_server {
    const char *address; /* a name or a number, the caller's; NULL: all addresses */
    int port;            /* 0: any free one */
};

/* options_next() for a server: -b and -p go into `where`, and are not returned. */
int options_next_of_server(const struct options *options, int argc, char *argv[],
                           struct options_server *where);

/* Refuses operands that the program has not taken by now (from optind on). */
void options_end(const struct options *options, int argc, char *argv[]);

/* A port from `least` (0 for a server, 1 for a client) to 65535. */
int options_port(const struct options *options, const char *text, int least);

/*
 * Splits "host:port" or "[IPv6 address]:port". Writes the host, without brackets, to
 * `host` of `size` bytes, and returns the port.
 */
int options_host_port(const struct options *options, const char *text, char *host,
                      size_t size);

/* The value of the option `letter`, a number from `least` to `most`. */
long options_number(const struct options *options, int letter, long least, long most);

/*
 * The value of the option `letter`, which is in seconds ("0.2", at most a day): in
 * nanoseconds, fractions dropped; in milliseconds, rounded up; and in milliseconds, more
 * than 0.
 */
int64_t options_seconds(const struct options *options, int letter);
int64_t options_milliseconds(const struct options *options, int letter);
int64_t options_timeout(const struct options *options, int letter);

/* Prints what is wrong with the usage, as printf() does, and exits with status 2. */
_Noreturn void options_wrong(const struct options *options, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints what failed at run time, as printf() does, and exits with status 1. */
_Noreturn void options_fail(const struct options *options, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints where the server cannot listen and why, and exits with status 1. */
_Noreturn void options_cannot_listen(const struct options *options,
                                     const struct options_server *where, const char *why);

#endif
