/*
 * options: the command line, as every program of the kit takes it.
 *
 * These functions print, and end the program where there is nothing left for it to do:
 * with status 0 after -h and -V, 2 after wrong usage, and what was wrong on standard error.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

struct options {
    const char *program; /* its name */
    const char *letters; /* for getopt(), with the h and the V that all programs have */
    const char *usage;   /* "usage: ..." and its line end */
    const char *help;    /* what -h prints below it */
};

/* getopt(): an option that is the program's own, its value in optarg; -1 after the last. */
int options_next(const struct options *options, int argc, char *argv[]);

/* A port, `least` (0: any, as a server takes it; 1: as a client) to 65535. */
int options_port(const struct options *options, const char *text, int least);

/* Takes "host:port" or "[v6 address]:port" apart; `host` has `size` bytes. Its port. */
int options_host_port(const struct options *options, const char *text, char *host,
                      size_t size);

/* The number that the option `letter` has, from `least` to `most`. */
long options_number(const struct options *options, int letter, long least, long most);

/*
 * Its seconds ("0.2", up to a day): in ns, of which a part is dropped; in ms, rounded up;
 * and in ms, where none at all would make no sense.
 */
int64_t options_seconds(const struct options *options, int letter);
int64_t options_milliseconds(const struct options *options, int letter);
int64_t options_timeout(const struct options *options, int letter);

/* Says that a server cannot listen on a port of an address (NULL: any), and why not. */
void options_cannot_listen(const char *program, const char *address, int port,
                           const char *why);

/* There is to be no operand that the program has not taken by now (optind). */
void options_end(const struct options *options, int argc, char *argv[]);

/* Says what is wrong with the usage, printf()'s way, and ends the program. */
_Noreturn void options_wrong(const struct options *options, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
