/*
 * sockopts: shows the socket options of POSIX.1-2008 on this system.
 *
 *     sockopts [-t|-u]                          a table of all options
 *     sockopts [-t|-u] -s NAME=VALUE ...        what the system makes of a value
 *
 * The table comes from the system itself. The default is the value on a new socket. To
 * find out whether an option can be set, the program sets it to a different value and
 * reads it back. Setting the same value would prove nothing: everyone may switch SO_DEBUG
 * off, but few may switch it on. A system may also accept a value without effect. If there
 * is IPv6, the socket is an IPv6 one, which has all of the options.
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

#define VALUE_MOST    32 /* bytes of a value as text, with its NUL */
#define SETTINGS_MOST 64 /* of -s: enough for every option, and some twice */
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
 * All of <sys/socket.h>, <netinet/tcp.h> and <netinet/in.h> in POSIX.1-2008 except
 * IPV6_JOIN_GROUP and IPV6_LEAVE_GROUP, which are actions and have no value to read.
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

static const struct options options = {
    .program = "sockopts",
    .letters = "hs:tuV",
    .usage = "usage: sockopts [-hV] [-t | -u] [-s name=value ...]\n",
    .help =
        "Prints the socket options of POSIX, the default value of each, and whether it\n"
        "can be set. With -s it sets options, and prints their values before and after.\n"
        "  -s name=value  for example SO_SNDBUF=65536. The value is a number, 'on' or\n"
        "                 'off' for a flag, and seconds or 'off' for a timeout and for\n"
        "                 SO_LINGER; -s may be repeated\n"
        "  -t             use a stream socket, TCP (the default)\n"
        "  -u             use a datagram socket, UDP\n"
        "  -h             print this help\n"
        "  -V             print the version\n",
};

/* ---- Values ------------------------------------------------------------------------- */

static void format_value(enum type type, const union value *value, char *out)
{
    strcpy(out, "off"); /* a timeout of 0 means no timeout */
    if (type == FLAG && value->number != 0)
        strcpy(out, "on");
    else if (type == INT)
        snprintf(out, VALUE_MOST, "%d", value->number);
    else if (type == LINGER && value->linger.l_onoff != 0)
        snprintf(out, VALUE_MOST, "%d s", value->linger.l_linger);
    else if (type == TIMEVAL && (value->time.tv_sec != 0 || value->time.tv_usec != 0))
        snprintf(out, VALUE_MOST, "%.10g s",
                 (double)value->time.tv_sec + (double)value->time.tv_usec / US_PER_S);
}

/* 0, or -1: the text is not a value of this type. */
static int parse_value(enum type type, const char *text, union value *value)
{
    long number;
    int64_t ns;

    memset(value, 0, sizeof *value); /* which means "off" */
    if (type != INT && strcmp(text, "off") == 0)
        return 0;
    if (type == TIMEVAL) {
        if (number_parse_seconds(text, &ns) == -1)
            return -1;
        value->time.tv_sec = (time_t)(ns / 1000 / US_PER_S);
        value->time.tv_usec = (suseconds_t)(ns / 1000 % US_PER_S);
        return 0;
    }
    if (type == FLAG && strcmp(text, "on") == 0)
        text = "1";
    if (number_parse(text, type == INT ? INT_MIN : 0, INT_MAX, &number) == -1)
        return -1;
    if (type == LINGER)
        value->linger = (struct linger){.l_onoff = 1, .l_linger = (int)number};
    else
        value->number = (int)number;
    return 0;
}

/*
 * Changes a value. A number becomes the next lower one, because it may be the greatest
 * possible, or the next higher one if no lower one may be possible.
 */
static void change(enum type type, union value *value)
{
    switch (type) {
    case FLAG: value->number = value->number == 0; break;
    case INT: value->number += value->number > 1 ? -1 : 1; break;
    case LINGER:
        value->linger.l_onoff = 1;
        value->linger.l_linger++;
        break;
    case TIMEVAL: value->time.tv_sec++; break;
    }
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

/* Reads the value, also as text, which is "-" if it cannot be read. 0, or -1 with errno. */
static int read_option(int sock, const struct socket_option *option, union value *value,
                       char *text)
{
    socklen_t length = size_of(option->type);

    memset(value, 0, sizeof *value);
    strcpy(text, "-");
    if (getsockopt(sock, option->level, option->number, value, &length) == -1)
        return -1;
    format_value(option->type, value, text);
    return 0;
}

static int set_option(int sock, const struct socket_option *option,
                      const union value *value)
{
    return setsockopt(sock, option->level, option->number, value, size_of(option->type));
}

static int open_socket(int type)
{
    int fresh = socket(AF_INET6, type, 0);

    if (fresh == -1 && errno == EAFNOSUPPORT)
        fresh = socket(AF_INET, type, 0);
    if (fresh == -1)
        options_fail(&options, "cannot open a socket: %s", strerror(errno));
    return fresh;
}

/* ---- The table ---------------------------------------------------------------------- */

/* Each option gets a new socket: its value may depend on another option's. */
static void print_row(const struct socket_option *option, int type)
{
    int fresh = open_socket(type);
    char before[VALUE_MOST], after[VALUE_MOST];
    const char *refused = NULL;
    union value value;

    if (read_option(fresh, option, &value, before) == -1) {
        refused = strerror(errno);
    } else {
        change(option->type, &value);
        if (set_option(fresh, option, &value) == -1 ||
            read_option(fresh, option, &value, after) == -1)
            refused = strerror(errno);
        else if (strcmp(after, before) == 0)
            refused = "accepted, without effect";
    }
    printf("%-20s %-13s %-8s %-10s %s%s\n", option->name, level_name(option->level),
           type_names[option->type], before, refused != NULL ? "no: " : "yes",
           refused != NULL ? refused : "");
    close(fresh);
}

static void print_table(int type)
{
    printf("%-20s %-13s %-8s %-10s %s\n", "option", "level", "type", "default",
           "can be set");
    for (size_t i = 0; i < OPTION_COUNT; i++)
        print_row(&socket_options[i], type);
}

/* ---- Settings ----------------------------------------------------------------------- */

struct setting {
    const struct socket_option *option;
    union value value;
};

/* Returns false, and prints why, if the system refuses it. */
static bool set_one(int sock, const struct setting *setting)
{
    const struct socket_option *option = setting->option;
    char before[VALUE_MOST], asked[VALUE_MOST], after[VALUE_MOST];
    union value value;

    format_value(option->type, &setting->value, asked);
    (void)read_option(sock, option, &value, before); /* some can only be set */
    if (set_option(sock, option, &setting->value) == -1) {
        fprintf(stderr, "sockopts: cannot set %s to %s: %s\n", option->name, asked,
                strerror(errno));
        return false;
    }
    (void)read_option(sock, option, &value, after);
    printf("%s: was %s, asked for %s, is %s\n", option->name, before, asked, after);
    return true;
}

/* ---- The program -------------------------------------------------------------------- */

static struct setting parse_setting(const char *text)
{
    size_t length = strcspn(text, "=");
    struct setting setting = {0};

    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (strlen(socket_options[i].name) == length &&
            strncmp(socket_options[i].name, text, length) == 0)
            setting.option = &socket_options[i];
    if (setting.option == NULL)
        options_wrong(&options, "'%.*s' is not a socket option; run sockopts for a list",
                      (int)length, text);
    if (text[length] == '\0')
        options_wrong(&options, "'%s' has no value: write %s=VALUE", text, text);
    if (parse_value(setting.option->type, text + length + 1, &setting.value) == -1)
        options_wrong(&options, "'%s' is not a value for %s (%s)", text + length + 1,
                      setting.option->name, type_names[setting.option->type]);
    return setting;
}

int main(int argc, char *argv[])
{
    struct setting settings[SETTINGS_MOST];
    size_t count = 0;
    int option, type = SOCK_STREAM, sock, status = EXIT_SUCCESS;

    while ((option = options_next(&options, argc, argv)) != -1) {
        switch (option) {
        case 's':
            if (count == SETTINGS_MOST)
                options_wrong(&options, "-s can be given at most %d times",
                              SETTINGS_MOST);
            settings[count++] = parse_setting(optarg);
            break;
        case 't': type = SOCK_STREAM; break;
        case 'u': type = SOCK_DGRAM; break;
        }
    }
    options_end(&options, argc, argv);
    start_program(&options);
    if (count == 0)
        print_table(type);
    sock = open_socket(type); /* one for all settings, in the order given */
    for (size_t i = 0; i < count; i++)
        if (!set_one(sock, &settings[i]))
            status = EXIT_FAILURE;
    if (fflush(stdout) == EOF)
        options_cannot_write(&options);
    return status;
}
