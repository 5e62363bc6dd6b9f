#include "base/options.h"

#include "base/number.h"
#include "base/version.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WRONG_USAGE 2
#define NS_PER_MS   1000000

/* What was asked for was printed, or could not be. */
static _Noreturn void end_printed(const struct options *options, int printed)
{
    if (printed >= 0 && fflush(stdout) != EOF)
        exit(EXIT_SUCCESS);
    (void)fprintf(stderr, "%s: ", options->program);
    perror("cannot write to standard output");
    exit(EXIT_FAILURE);
}

void options_wrong(const struct options *options, const char *format, ...)
{
    va_list arguments;

    (void)fprintf(stderr, "%s: ", options->program);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fprintf(stderr, "\n%s", options->usage);
    exit(WRONG_USAGE);
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
                      known != NULL && known[1] == ':' ? "-%c wants a value"
                                                       : "there is no option -%c",
                      optopt);
    default: return option;
    }
}

int options_port(const struct options *options, const char *text, int least)
{
    long port;

    if (number_parse(text, least, 65535, &port) == -1)
        options_wrong(options, "'%s' is no port (%d to 65535)", text, least);
    return (int)port;
}

int options_host_port(const struct options *options, const char *text, char *host,
                      size_t size)
{
    const char *begin = text, *colon = strrchr(text, ':');
    size_t length;

    if (colon == NULL)
        options_wrong(options, "'%s' names no port, as localhost:2626 does", text);
    length = (size_t)(colon - begin);
    if (length > 2 && begin[0] == '[' && begin[length - 1] == ']') {
        begin++;
        length -= 2;
    } else if (memchr(begin, ':', length) != NULL || begin[0] == '[') {
        options_wrong(options,
                      "'%s': write an IPv6 address and its port like this: [::1]:2626",
                      text);
    }
    if (length == 0)
        options_wrong(options, "'%s' names no host, as localhost:2626 does", text);
    if (length >= size)
        options_wrong(options, "no host has a name of %zu bytes", length);
    memcpy(host, begin, length);
    host[length] = '\0';
    return options_port(options, colon + 1, 1);
}

long options_number(const struct options *options, int letter, long least, long most)
{
    long number;

    if (number_parse(optarg, least, most, &number) == -1)
        options_wrong(options, "'%s' is no value for -%c (%ld to %ld)", optarg, letter,
                      least, most);
    return number;
}

int64_t options_seconds(const struct options *options, int letter)
{
    int64_t ns;

    if (number_parse_seconds(optarg, &ns) == -1)
        options_wrong(options, "'%s' is no value for -%c (seconds, 0 to 86400)", optarg,
                      letter);
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
        options_wrong(options, "no time at all is no value for -%c", letter);
    return ms;
}

void options_cannot_listen(const char *program, const char *address, int port,
                           const char *why)
{
    (void)fprintf(stderr, "%s: cannot listen on port %d%s%s: %s\n", program, port,
                  address == NULL ? "" : " of ", address == NULL ? "" : address, why);
}

void options_end(const struct options *options, int argc, char *argv[])
{
    if (optind < argc)
        options_wrong(options, "what is '%s' for?", argv[optind]);
}
