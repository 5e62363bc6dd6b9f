/*
 * sockopts: the socket options of POSIX.1-2008 as this system has them.
 *
 *     sockopts [-t|-u]                          a table of them
 *     sockopts [-t|-u] -s NAME=VALUE ...        what the system makes of a value
 *
 * The table asks the system itself. The default is what a fresh socket says. Whether an
 * option can be set is found by setting it to another value and reading it again: to set
 * it to the value that it has proves nothing (SO_DEBUG off is allowed to all, and on to
 * few), and a system may take a value and make nothing of it. The socket is an IPv6 one,
 * which has all of the options, where there is IPv6.
 */
#include "base/number.h"
#include "base/options.h"
#include "base/start.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define VALUE_MOST    32 /* a value in writing, with its NUL */
#define SETTINGS_MOST 64 /* options that one run sets: each of them, and some twice */
#define US_PER_S      1000000

enum type { FLAG, INT, LINGER, TIMEVAL };
static const char *const type_names[] = {"flag", "int", "linger", "timeval"};

union value {
    int number; /* FLAG, INT */
    struct linger linger;
    struct timeval time;
};

struct socket_option {
    const char *name;
    int level, number;
    enum type type;
};

/*
 * <sys/socket.h>, <netinet/tcp.h> and <netinet/in.h> of POSIX.1-2008, but for
 * IPV6_JOIN_GROUP and IPV6_LEAVE_GROUP: they do something, and have no value to be read.
 */
static const struct socket_option socket_options[] = {
    {"SO_ACCEPTCONN", SOL_SOCKET, SO_ACCEPTCONN, FLAG},
    {"SO_BROADCAST", SOL_SOCKET, SO_BROADCAST, FLAG},
    {"SO_DEBUG", SOL_SOCKET, SO_DEBUG, FLAG},
    {"SO_DONTROUTE", SOL_SOCKET, SO_DONTROUTE, FLAG},
    {"SO_ERROR", SOL_SOCKET, SO_ERROR, INT},
    {"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, FLAG},
    {"SO_LINGER", SOL_SOCKET, SO_LINGER, LINGER},
    {"SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE, FLAG},
    {"SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, INT},
    {"SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, INT},
    {"SO_RCVTIMEO", SOL_SOCKET, SO_RCVTIMEO, TIMEVAL},
    {"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, FLAG},
    {"SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, INT},
    {"SO_SNDLOWAT", SOL_SOCKET, SO_SNDLOWAT, INT},
    {"SO_SNDTIMEO", SOL_SOCKET, SO_SNDTIMEO, TIMEVAL},
    {"SO_TYPE", SOL_SOCKET, SO_TYPE, INT},
    {"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, FLAG},
    {"IPV6_MULTICAST_HOPS", IPPROTO_IPV6, IPV6_MULTICAST_HOPS, INT},
    {"IPV6_MULTICAST_IF", IPPROTO_IPV6, IPV6_MULTICAST_IF, INT},
    {"IPV6_MULTICAST_LOOP", IPPROTO_IPV6, IPV6_MULTICAST_LOOP, FLAG},
    {"IPV6_UNICAST_HOPS", IPPROTO_IPV6, IPV6_UNICAST_HOPS, INT},
    {"IPV6_V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY, FLAG},
};
#define OPTION_COUNT (sizeof socket_options / sizeof socket_options[0])

static const char *level_name(int level)
{
    switch (level) {
    case SOL_SOCKET: return "SOL_SOCKET";
    case IPPROTO_TCP: return "IPPROTO_TCP";
    default: return "IPPROTO_IPV6";
    }
}

/* ---- Values ------------------------------------------------------------------------- */

static void format_value(enum type type, const union value *value, char *out)
{
    double seconds = 0;

    switch (type) {
    case FLAG: (void)strcpy(out, value->number != 0 ? "on" : "off"); return;
    case INT: (void)snprintf(out, VALUE_MOST, "%d", value->number); return;
    case LINGER: seconds = value->linger.l_linger; break;
    case TIMEVAL:
        seconds = (double)value->time.tv_sec + (double)value->time.tv_usec / US_PER_S;
        break;
    }
    if (type == LINGER ? value->linger.l_onoff == 0 : seconds == 0)
        (void)strcpy(out, "off"); /* a time-out of no time is none */
    else
        (void)snprintf(out, VALUE_MOST, "%.10g s", seconds);
}

/* 0, or -1: the text is no value of this type. */
static int parse_value(enum type type, const char *text, union value *value)
{
    bool off = strcmp(text, "off") == 0;
    long number = 0;
    int64_t ns = 0;

    memset(value, 0, sizeof *value);
    if (type == TIMEVAL) {
        if (!off && number_parse_seconds(text, &ns) == -1)
            return -1;
        value->time.tv_sec = (time_t)(ns / 1000 / US_PER_S);
        value->time.tv_usec = (suseconds_t)(ns / 1000 % US_PER_S);
        return 0;
    }
    if (type == FLAG && strcmp(text, "on") == 0)
        number = 1;
    else if ((type == INT || !off) &&
             number_parse(text, type == INT ? INT_MIN : 0, INT_MAX, &number) == -1)
        return -1;
    if (type == LINGER) {
        value->linger.l_onoff = !off;
        value->linger.l_linger = (int)number;
    } else {
        value->number = (int)number;
    }
    return 0;
}

/*
 * Another value than this one. Of a number it is the next lower, for it may be the
 * greatest that there is, or the next higher where there may be none below.
 */
static union value another_value(enum type type, const union value *value)
{
    union value other;

    memset(&other, 0, sizeof other);
    switch (type) {
    case FLAG: other.number = value->number == 0; break;
    case INT:
        other.number = value->number > 1 ? value->number - 1 : value->number + 1;
        break;
    case LINGER:
        other.linger.l_onoff = 1;
        other.linger.l_linger = value->linger.l_linger + 1;
        break;
    case TIMEVAL: other.time.tv_sec = value->time.tv_sec + 1; break;
    }
    return other;
}

/* ---- Asking the system -------------------------------------------------------------- */

static socklen_t size_of(enum type type)
{
    switch (type) {
    case LINGER: return sizeof(struct linger);
    case TIMEVAL: return sizeof(struct timeval);
    default: return sizeof(int);
    }
}

static int read_option(int socket, const struct socket_option *option, union value *value)
{
    socklen_t length = size_of(option->type);

    memset(value, 0, sizeof *value);
    return getsockopt(socket, option->level, option->number, value, &length);
}

static int set_option(int socket, const struct socket_option *option,
                      const union value *value)
{
    return setsockopt(socket, option->level, option->number, value,
                      size_of(option->type));
}

static int open_socket(int type)
{
    int fresh = socket(AF_INET6, type, 0);

    if (fresh == -1 && errno == EAFNOSUPPORT)
        fresh = socket(AF_INET, type, 0);
    if (fresh == -1)
        (void)fprintf(stderr, "sockopts: cannot open a socket: %s\n", strerror(errno));
    return fresh;
}

/* ---- The table ---------------------------------------------------------------------- */

/* Tries another value than `text` says. The answer in words. */
static const char *try_to_set(int socket, const struct socket_option *option,
                              const union value *value, const char *text)
{
    union value other = another_value(option->type, value);
    char after[VALUE_MOST];

    if (set_option(socket, option, &other) == -1 ||
        read_option(socket, option, &other) == -1)
        return strerror(errno);
    format_value(option->type, &other, after);
    return strcmp(after, text) == 0 ? "taken, without effect" : NULL;
}

/* A socket for each: one option's value may depend on another's. */
static int print_row(const struct socket_option *option, int type)
{
    int fresh = open_socket(type);
    char text[VALUE_MOST] = "-";
    const char *refused;
    union value value;

    if (fresh == -1)
        return -1;
    if (read_option(fresh, option, &value) == -1) {
        refused = strerror(errno);
    } else {
        format_value(option->type, &value, text);
        refused = try_to_set(fresh, option, &value, text);
    }
    (void)printf("%-20s %-13s %-8s %-10s %s%s\n", option->name, level_name(option->level),
                 type_names[option->type], text, refused != NULL ? "no: " : "yes",
                 refused != NULL ? refused : "");
    return close(fresh);
}

static int print_table(int type)
{
    (void)printf("%-20s %-13s %-8s %-10s %s\n", "option", "level", "type", "default",
                 "can be set");
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (print_row(&socket_options[i], type) == -1)
            return -1;
    return 0;
}

/* ---- One set ------------------------------------------------------------------------ */

struct setting {
    const struct socket_option *option;
    union value value;
};

static int set_one(int socket, const struct setting *setting)
{
    const struct socket_option *option = setting->option;
    char before[VALUE_MOST] = "-", asked[VALUE_MOST], after[VALUE_MOST] = "-";
    union value value;

    format_value(option->type, &setting->value, asked);
    if (read_option(socket, option, &value) == 0)
        format_value(option->type, &value, before);
    if (set_option(socket, option, &setting->value) == -1) {
        (void)fprintf(stderr, "sockopts: cannot set %s to %s: %s\n", option->name, asked,
                      strerror(errno));
        return -1;
    }
    if (read_option(socket, option, &value) == 0)
        format_value(option->type, &value, after);
    (void)printf("%s: was %s, asked for %s, is %s\n", option->name, before, asked, after);
    return 0;
}

/* All of them on one socket, in the order given. -1: one was refused. */
static int set_all(int type, const struct setting *settings, size_t count)
{
    int fresh = open_socket(type), result = 0;

    if (fresh == -1)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (set_one(fresh, &settings[i]) == -1)
            result = -1;
    (void)close(fresh);
    return result;
}

/* ---- The program -------------------------------------------------------------------- */

static const struct options options = {
    .program = "sockopts",
    .letters = "hs:tuV",
    .usage = "usage: sockopts [-hV] [-t|-u] [-s name=value ...]\n",
    .help =
        "Prints the socket options of POSIX, the value that each has at first, and\n"
        "whether it can be set. With -s it sets them, and prints what they are then.\n"
        "  -s name=value  SO_SNDBUF=65536: a number, 'on' or 'off' for a flag, seconds\n"
        "                 or 'off' for a time-out and for SO_LINGER; -s may come again\n"
        "  -t             of a stream socket, TCP (the default)\n"
        "  -u             of a datagram socket, UDP\n"
        "  -h             print this help\n"
        "  -V             print the version\n",
};

static struct setting parse_setting(const char *text)
{
    const char *equals = strchr(text, '=');
    size_t length = equals != NULL ? (size_t)(equals - text) : strlen(text);
    struct setting setting = {0};

    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (strlen(socket_options[i].name) == length &&
            strncmp(socket_options[i].name, text, length) == 0)
            setting.option = &socket_options[i];
    if (setting.option == NULL)
        options_wrong(&options, "'%.*s' is no socket option; the table has their names",
                      (int)length, text);
    if (equals == NULL)
        options_wrong(&options, "set %s to what? Write %s=VALUE", text, text);
    if (parse_value(setting.option->type, equals + 1, &setting.value) == -1)
        options_wrong(&options, "'%s' is no value for %s (%s)", equals + 1,
                      setting.option->name, type_names[setting.option->type]);
    return setting;
}

int main(int argc, char *argv[])
{
    struct setting settings[SETTINGS_MOST];
    size_t count = 0;
    int option, type = SOCK_STREAM, result;

    while ((option = options_next(&options, argc, argv)) != -1) {
        switch (option) {
        case 's':
            if (count == SETTINGS_MOST)
                options_wrong(&options, "-s comes over %d times", SETTINGS_MOST);
            settings[count++] = parse_setting(optarg);
            break;
        case 't': type = SOCK_STREAM; break;
        case 'u': type = SOCK_DGRAM; break;
        }
    }
    options_end(&options, argc, argv);
    if (start_program() == -1)
        options_fail(&options, "cannot start: %s", strerror(errno));
    result = count > 0 ? set_all(type, settings, count) : print_table(type);
    if (fflush(stdout) == EOF) {
        perror("sockopts: cannot write to standard output");
        return EXIT_FAILURE;
    }
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
