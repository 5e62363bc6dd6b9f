/*
 * options: the command line of every program in the kit.
 *
 * These functions end the program themselves: with status 0 after -h and -V, and with
 * status 2 and a message after wrong usage.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct options {
    const char *program; /* its name */
    const char *letters; /* for getopt(), including the h and V that all programs have */
    const char *usage;   /* "usage: ..." and its line feed */
    const char *help;    /* what -h prints below it */
};

/* getopt(), with --help and --version for -h and -V. */
int options_next(const struct options *options, int argc, char *argv[]);

/* Where a server listens, and whether it prints a line for each client. */
struct options_server {
    const char *address; /* a name or a number, the caller's; NULL: all addresses */
    int port;            /* 0: any free one */
    bool verbose;
};

/* options_next() for a server: -b, -p and -v go into `where`, and are not returned. */
int options_next_of_server(const struct options *options, int argc, char *argv[],
                           struct options_server *where);

/* "port 4000", or "port 4000 of 127.0.0.1" if -b was given, for messages. */
#define OPTIONS_PLACE_MOST 300
const char *options_place(const struct options_server *where,
                          char out[OPTIONS_PLACE_MOST]);

/* The server that a client talks to. */
#define OPTIONS_HOST_MOST 256 /* a name has at most 253 bytes (RFC 1035) */
struct options_peer {
    char host[OPTIONS_HOST_MOST]; /* a name or a number, without brackets */
    int port;
};

/* Refuses an option after the first operand, where getopt() does not take it (POSIX). */
void options_check_order(const struct options *options, int count, char *operands[]);

/*
 * Takes the server from the first of `count` operands, before a "-" or "--":
 *
 *     host  or  host port  or  host:port  or  [IPv6 address]:port
 *
 * A part that is not given keeps its value. Returns how many operands it took, 0 to 2.
 */
int options_peer(const struct options *options, int count, char *operands[],
                 struct options_peer *peer);

/*
 * The same, from optind on, for a client that sends words. They come after "--", so that
 * none is ever mistaken for a host or a port. Returns the words up to a NULL; or NULL for
 * a "-" in their place.
 */
char **options_words(const struct options *options, int argc, char *argv[],
                     struct options_peer *peer);

/* Refuses operands that the program has not taken by now (from optind on). */
void options_end(const struct options *options, int argc, char *argv[]);

/* A port from `least` (0 for a server, 1 for a client) to 65535. */
int options_port(const struct options *options, const char *text, int least);

/* Takes a server in one word, as above. False: it has no port, which keeps its value. */
bool options_host(const struct options *options, const char *text,
                  struct options_peer *peer);

/* The value of the option `letter`, a number from `least` to `most`. */
long options_number(const struct options *options, int letter, long least, long most);

/*
 * The value of the option `letter` in seconds ("0.2", at most a day): in nanoseconds; in
 * milliseconds, rounded up; and in milliseconds, more than 0.
 */
int64_t options_seconds(const struct options *options, int letter);
int64_t options_milliseconds(const struct options *options, int letter);
int64_t options_timeout(const struct options *options, int letter);

/* These print a message, as printf() does, and exit. Wrong usage: status 2. */
_Noreturn void options_wrong(const struct options *options, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What failed at run time: status 1. */
_Noreturn void options_fail(const struct options *options, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What failed with a client's server, and why: status 1. */
_Noreturn void options_fail_with(const struct options *options,
                                 const struct options_peer *peer, const char *what,
                                 const char *why);

/* Where the server cannot listen, and why: status 1. */
_Noreturn void options_cannot_listen(const struct options *options,
                                     const struct options_server *where, const char *why);

/* Standard output failed: status 1. Silent if its reader has had enough (EPIPE). */
_Noreturn void options_cannot_write(const struct options *options);

#endif
