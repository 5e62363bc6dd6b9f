#include "base/options.h"

#include "base/number.h"
#include "base/version.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WRONG_USAGE 2
#define NS_PER_MS   1000000

/* "program: message", and a line feed. */
static void complain(const struct options *options, const char *format, va_list arguments)
{
    fprintf(stderr, "%s: ", options->program);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
}

void options_wrong(const struct options *options, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    complain(options, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s", options->usage);
    exit(WRONG_USAGE);
}

void options_fail(const struct options *options, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    complain(options, format, arguments);
    va_end(arguments);
    exit(EXIT_FAILURE);
}

/* Ends the program after -h and -V. `printed` is printf()'s result. */
static _Noreturn void end_printed(const struct options *options, int printed)
{
    if (printed >= 0 && fflush(stdout) != EOF)
        exit(EXIT_SUCCESS);
    options_fail(options, "cannot write to standard output: %s", strerror(errno));
}

int options_next(const struct options *options, int argc, char *argv[])
{
    const char *known;
    int option;

    opterr = 0;
    option = getopt(argc, argv, options->letters);
    switch (option) {
    case 'h': end_printed(options, printf("%s%s", options->usage, options->help));
    case 'V': end_printed(options, printf("%s (" KIT_VERSION ")\n", options->program));
    case '?':
        known = strchr(options->letters, optopt);
        options_wrong(options,
                      known != NULL && known[1] == ':' ? "option -%c needs a value"
                                                       : "unknown option -%c",
                      optopt);
    default: return option;
    }
}

int options_next_of_server(const struct options *options, int argc, char *argv[],
                           struct options_server *where)
{
    int option;

    while ((option = options_next(options, argc, argv)) == 'b' || option == 'p') {
        if (option == 'b')
            where->address = optarg;
        else
            where->port = options_port(options, optarg, 0);
    }
    return option;
}

int options_port(const struct options *options, const char *text, int least)
{
    long port;

    if (number_parse(text, least, 65535, &port) == -1)
        options_wrong(options, "'%s' is not a port number (%d to 65535)", text, least);
    return (int)port;
}

int options_host_port(const struct options *options, const char *text, char *host,
                      size_t size)
{
    const char *begin = text, *colon = strrchr(text, ':');
    size_t length;

    if (colon == NULL)
        options_wrong(options,
                      "'%s' has no port: write host:port, for example localhost:2626",
                      text);
    length = (size_t)(colon - begin);
    if (length > 2 && begin[0] == '[' && begin[length - 1] == ']') {
        begin++;
        length -= 2;
    } else if (memchr(begin, ':', length) != NULL || begin[0] == '[') {
        options_wrong(options, "'%s': write an IPv6 address and its port as [::1]:2626",
                      text);
    }
    if (length == 0)
        options_wrong(options,
                      "'%s' has no host: write host:port, for example localhost:2626",
                      text);
    if (length >= size)
        options_wrong(options, "a host name of %zu bytes is too long", length);
    memcpy(host, begin, length);
    host[length] = '\0';
    return options_port(options, colon + 1, 1);
}

long options_number(const struct options *options, int letter, long least, long most)
{
    long number;

    if (number_parse(optarg, least, most, &number) == -1)
        options_wrong(options, "-%c takes a number from %ld to %ld, not '%s'", letter,
                      least, most, optarg);
    return number;
}

int64_t options_seconds(const struct options *options, int letter)
{
    int64_t ns;

    if (number_parse_seconds(optarg, &ns) == -1)
        options_wrong(options, "-%c takes seconds from 0 to 86400, not '%s'", letter,
                      optarg);
    return ns;
}

int64_t options_milliseconds(const struct options *options, int letter)
{
    return (options_seconds(options, letter) + NS_PER_MS - 1) / NS_PER_MS;
}

int64_t options_timeout(const struct options *options, int letter)
{
    int64_t ms = options_milliseconds(options, letter);

    if (ms == 0)
        options_wrong(options, "-%c must be more than 0", letter);
    return ms;
}

void options_cannot_listen(const struct options *options,
                           const struct options_server *where, const char *why)
{
    options_fail(options, "cannot listen on port %d%s%s: %s", where->port,
                 where->address == NULL ? "" : " of ",
                 where->address == NULL ? "" : where->address, why);
}

void options_end(const struct options *options, int argc, char *argv[])
{
    if (optind < argc)
        options_wrong(options, "unexpected argument '%s'", argv[optind]);
}
