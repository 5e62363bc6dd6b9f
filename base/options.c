#include "base/options.h"

#include "base/complaint.h"
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

void options_wrong(const struct options *options, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    complaint_print(options->program, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s", options->usage);
    exit(WRONG_USAGE);
}

void options_fail(const struct options *options, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    complaint_print(options->program, format, arguments);
    va_end(arguments);
    exit(EXIT_FAILURE);
}

/* -h and -V end the program. */
static _Noreturn void answer(const struct options *options, int letter)
{
    int printed = letter == 'h' ? printf("%s%s", options->usage, options->help)
                                : printf("%s (" KIT_VERSION ")\n", options->program);

    if (printed >= 0 && fflush(stdout) != EOF)
        exit(EXIT_SUCCESS);
    options_cannot_write(options);
}

/* getopt() knows no long options, and there are only two. */
static void take_long_option(const struct options *options, const char *word)
{
    if (strcmp(word, "--help") == 0)
        answer(options, 'h');
    if (strcmp(word, "--version") == 0)
        answer(options, 'V');
    if (strncmp(word, "--", 2) == 0 && word[2] != '\0')
        options_wrong(options, "unknown option '%s'", word);
}

int options_next(const struct options *options, int argc, char *argv[])
{
    const char *known;
    int option;

    if (optind < argc)
        take_long_option(options, argv[optind]);
    opterr = 0;
    option = getopt(argc, argv, options->letters);
    switch (option) {
    case 'h':
    case 'V': answer(options, option);
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
    for (;;) {
        int option = options_next(options, argc, argv);

        switch (option) {
        case 'b': where->address = optarg; break;
        case 'p': where->port = options_port(options, optarg, 0); break;
        case 'v': where->verbose = true; break;
        default: return option;
        }
    }
}

int options_port(const struct options *options, const char *text, int least)
{
    long port;

    if (number_parse(text, least, 65535, &port) == -1)
        options_wrong(options, "'%s' is not a port number (%d to 65535)", text, least);
    return (int)port;
}

/* ---- The server of a client --------------------------------------------------------- */

bool options_host(const struct options *options, const char *text,
                  struct options_peer *peer)
{
    const char *host = text, *end = text + strlen(text), *rest = end;

    if (*text == '[' && strchr(text, ']') != NULL) {
        host = text + 1;
        end = strchr(text, ']');
        rest = end + 1;
    } else if (strchr(text, ':') != NULL && strchr(text, ':') == strrchr(text, ':')) {
        end = rest = strchr(text, ':'); /* more than one colon: an IPv6 address alone */
    }
    if (end == host || *host == '[' || (*rest != '\0' && *rest != ':') ||
        end - host >= OPTIONS_HOST_MOST)
        options_wrong(options,
                      "'%s' is not a server: write host, host:port or [::1]:port", text);
    memcpy(peer->host, host, (size_t)(end - host));
    peer->host[end - host] = '\0';
    if (*rest == ':')
        peer->port = options_port(options, rest + 1, 1);
    return *rest == ':';
}

/* Does an operand say what follows the server? */
static bool is_mark(const char *operand)
{
    return strcmp(operand, "-") == 0 || strcmp(operand, "--") == 0;
}

void options_check_order(const struct options *options, int count, char *operands[])
{
    for (int i = 1; i < count && strcmp(operands[i], "--") != 0; i++)
        if (operands[i][0] == '-' && operands[i][1] != '\0')
            options_wrong(options, "'%s' must come before '%s'", operands[i],
                          operands[0]);
}

int options_peer(const struct options *options, int count, char *operands[],
                 struct options_peer *peer)
{
    bool has_port;

    if (count == 0 || is_mark(operands[0]))
        return 0;
    options_check_order(options, count, operands);
    has_port = options_host(options, operands[0], peer);
    if (count == 1 || is_mark(operands[1]))
        return 1;
    if (has_port)
        options_wrong(options, "'%s' has a port: unexpected argument '%s'", operands[0],
                      operands[1]);
    peer->port = options_port(options, operands[1], 1);
    return 2;
}

char **options_words(const struct options *options, int argc, char *argv[],
                     struct options_peer *peer)
{
    /* getopt() skips a "--" that comes before all operands. */
    if (strcmp(argv[optind - 1], "--") == 0)
        return argv + optind;
    optind += options_peer(options, argc - optind, argv + optind, peer);
    if (optind < argc && strcmp(argv[optind], "-") == 0) {
        optind++;
        options_end(options, argc, argv);
        return NULL;
    }
    if (optind < argc && strcmp(argv[optind++], "--") != 0)
        options_wrong(options, "unexpected argument '%s': words come after --",
                      argv[optind - 1]);
    return argv + optind;
}

/* ---- Values ------------------------------------------------------------------------- */

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
        options_wrong(options, "-%c takes seconds (at most 86400), not '%s'", letter,
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

void options_fail_with(const struct options *options, const struct options_peer *peer,
                       const char *what, const char *why)
{
    options_fail(options, "%s %s port %d: %s", what, peer->host, peer->port, why);
}

const char *options_place(const struct options_server *where,
                          char out[OPTIONS_PLACE_MOST])
{
    const char *address = where->address;

    snprintf(out, OPTIONS_PLACE_MOST, "port %d%s%.255s", where->port,
             address == NULL ? "" : " of ", address == NULL ? "" : address);
    return out;
}

void options_cannot_listen(const struct options *options,
                           const struct options_server *where, const char *why)
{
    char place[OPTIONS_PLACE_MOST];

    options_fail(options, "cannot listen on %s: %s", options_place(where, place), why);
}

void options_cannot_write(const struct options *options)
{
    if (errno == EPIPE)
        exit(EXIT_FAILURE);
    options_fail(options, "cannot write to standard output: %s", strerror(errno));
}

void options_end(const struct options *options, int argc, char *argv[])
{
    if (optind < argc)
        options_wrong(options, "unexpected argument '%s'", argv[optind]);
}
