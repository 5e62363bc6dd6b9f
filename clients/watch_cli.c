/*
 * watch_cli: prints what several servers send, and says when none of them sends anything.
 *
 *     watch_cli [-t seconds] host:port ...
 *
 * One select() waits for all of them, also while they are being connected, and its
 * time-out is news too: nothing came. What a server sends is printed when a line of it is
 * whole, or has waited as long for its end, so two servers' pieces never mix. Printing
 * waits for whoever reads it. Meanwhile no server is read, and TCP has each of them wait in
 * turn: nothing is lost, and nothing piles up here.
 */
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/fdset.h"
#include "base/options.h"
#include "base/start.h"
#include "net/dial.h"
#include "net/keepalive.h"
#include "net/line.h"
#include "net/text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define DIAL_MS      5000  /* to connect, with each address of a host */
#define PIECE_BYTES  16384 /* of one receive: then it is the next server's turn */
#define HOST_MOST    256   /* with its NUL: a name has 253 bytes at the most (RFC 1035) */
#define STANDARD     3     /* descriptors: standard input, output and error */
#define SERVERS_MOST (FD_SETSIZE - STANDARD)
#define QUIET_MS     5000

struct server {
    const char *name; /* as it was given: host:port */
    char host[HOST_MOST];
    int port;
    bool dialing; /* `dial` is on its way */
    struct dial dial;
    int socket; /* -1: not yet connected, or no longer */
    struct line line;
    int64_t line_since; /* when the line began that is open (clock_ms()) */
};

struct watch {
    int64_t quiet_ms;    /* after which it is said that nothing came */
    int64_t quiet_since; /* when something came last, or this was said (clock_ms()) */
    bool failed;         /* a server could not be connected, or was lost */
    int count;
    struct server servers[SERVERS_MOST];
};

static int complain_of_output(void)
{
    (void)fprintf(stderr, "watch_cli: cannot write to standard output: %s\n",
                  strerror(errno));
    return -1;
}

static void complain_of_server(struct watch *watch, const struct server *server,
                               const char *what, const char *why)
{
    (void)fprintf(stderr, "watch_cli: %s %s: %s\n", what, server->name, why);
    watch->failed = true;
}

/* ---- Connecting --------------------------------------------------------------------- */

static void begin_connecting(struct watch *watch)
{
    for (int i = 0; i < watch->count; i++) {
        struct server *server = &watch->servers[i];

        server->socket = -1;
        server->dialing = true;
        dial_start(&server->dial, server->host, server->port, SOCK_STREAM, DIAL_MS);
    }
}

static void go_on_connecting(struct watch *watch)
{
    for (int i = 0; i < watch->count; i++) {
        struct server *server = &watch->servers[i];
        const char *why;
        int result = server->dialing ? dial_step(&server->dial, &why) : DIAL_PENDING;

        if (result == DIAL_PENDING)
            continue;
        server->dialing = false;
        server->socket = result;
        if (result == -1)
            complain_of_server(watch, server, "cannot connect to", why);
        else /* nothing is sent that could show that its machine is gone */
            keepalive_enable(result);
    }
}

/* ---- What they send ----------------------------------------------------------------- */

static int print_line(struct server *server)
{
    int printed;

    text_straighten(server->line.text, server->line.length);
    printed = printf("%s: %s\n", server->name, server->line.text);
    line_clear(&server->line, 0);
    return printed < 0 ? complain_of_output() : 0;
}

static int print_lines(struct server *server, const unsigned char *bytes, size_t length,
                       int64_t now)
{
    while (length > 0) {
        enum line_event event;
        size_t taken;

        if (server->line.length == 0)
            server->line_since = now;
        taken = line_take(&server->line, bytes, length, &event);

        bytes += taken;
        length -= taken;
        if (event != LINE_OPEN && print_line(server) == -1)
            return -1;
    }
    return 0;
}

/* The server has closed, or was lost: `why`. What it sent without a line end is a line. */
static int close_server(struct watch *watch, struct server *server, const char *why)
{
    (void)close(server->socket);
    server->socket = -1;
    while (line_finish(&server->line) != LINE_OPEN)
        if (print_line(server) == -1)
            return -1;
    if (why == NULL)
        return printf("%s has closed.\n", server->name) < 0 ? complain_of_output() : 0;
    if (fflush(stdout) == EOF)
        return complain_of_output();
    complain_of_server(watch, server, "lost the connection to", why);
    return 0;
}

/* -1: what came could not be printed, and that was said. */
static int receive(struct watch *watch, struct server *server)
{
    static unsigned char bytes[PIECE_BYTES];
    ssize_t got = recv(server->socket, bytes, sizeof bytes, 0);

    if (got == -1 && descriptor_try_again(errno))
        return 0;
    watch->quiet_since = clock_ms();
    if (got > 0)
        return print_lines(server, bytes, (size_t)got, watch->quiet_since);
    return close_server(watch, server, got == 0 ? NULL : strerror(errno));
}

/* ---- And when they send nothing ----------------------------------------------------- */

/* Prints what has waited too long for its line end: a question that awaits an answer, say. */
static int print_parts(struct watch *watch)
{
    int64_t began_by = clock_ms() - watch->quiet_ms;

    for (int i = 0; i < watch->count; i++) {
        struct server *server = &watch->servers[i];

        if (server->line.length > 0 && server->line_since <= began_by &&
            print_line(server) == -1)
            return -1;
    }
    return 0;
}

static int print_if_quiet(struct watch *watch)
{
    static const char *const numbers[] = {
        "One",     "Two",     "Three",     "Four",     "Five",     "Six",      "Seven",
        "Eight",   "Nine",    "Ten",       "Eleven",   "Twelve",   "Thirteen", "Fourteen",
        "Fifteen", "Sixteen", "Seventeen", "Eighteen", "Nineteen", "Twenty"};
    int64_t now = clock_ms(), ms = watch->quiet_ms;
    int printed;

    if (now < watch->quiet_since + ms)
        return 0;
    watch->quiet_since = now;
    if (ms % 1000 == 0 && ms <= 20 * 1000)
        printed = printf("%s second%s elapsed.\n", numbers[ms / 1000 - 1],
                         ms > 1000 ? "s" : "");
    else
        printed = printf("%.8g seconds elapsed.\n", (double)ms / 1000);
    return printed < 0 ? complain_of_output() : 0;
}

/* When there is something to do though no server has sent anything (clock_ms()). */
static int64_t next_deadline(const struct watch *watch)
{
    int64_t deadline = watch->quiet_since + watch->quiet_ms;

    for (int i = 0; i < watch->count; i++) {
        const struct server *server = &watch->servers[i];

        if (server->dialing && server->dial.deadline < deadline)
            deadline = server->dial.deadline;
        if (server->line.length > 0 && server->line_since + watch->quiet_ms < deadline)
            deadline = server->line_since + watch->quiet_ms;
    }
    return deadline;
}

static int wait_for_servers(const struct watch *watch, struct fdset *readable)
{
    struct timespec timeout = clock_timespec(next_deadline(watch) - clock_ms());
    struct fdset writable;
    int highest;

    fdset_clear(readable);
    fdset_clear(&writable);
    for (int i = 0; i < watch->count; i++) {
        const struct server *server = &watch->servers[i];

        if (server->dialing)
            dial_watch(&server->dial, readable, &writable);
        else
            fdset_add(readable, server->socket);
    }
    highest = readable->highest > writable.highest ? readable->highest : writable.highest;
    return pselect(highest + 1, &readable->set, &writable.set, NULL, &timeout, NULL);
}

static bool is_over(const struct watch *watch)
{
    for (int i = 0; i < watch->count; i++)
        if (watch->servers[i].dialing || watch->servers[i].socket != -1)
            return false;
    return true;
}

/* Until all have closed: 0. -1: it failed, and that was said. */
static int watch_servers(struct watch *watch)
{
    watch->quiet_since = clock_ms();
    for (;;) {
        struct fdset readable;
        int ready;

        go_on_connecting(watch);
        if (is_over(watch))
            return 0;
        ready = wait_for_servers(watch, &readable);
        if (ready == -1) {
            (void)fprintf(stderr, "watch_cli: select: %s\n", strerror(errno));
            return -1;
        }
        for (int i = 0; i < watch->count; i++)
            if (fdset_has(&readable, watch->servers[i].socket) &&
                receive(watch, &watch->servers[i]) == -1)
                return -1;
        if (print_parts(watch) == -1 || (ready == 0 && print_if_quiet(watch) == -1))
            return -1;
        if (fflush(stdout) == EOF)
            return complain_of_output();
    }
}

/* What is left of it, if it failed. */
static void end(struct watch *watch)
{
    for (int i = 0; i < watch->count; i++) {
        if (watch->servers[i].dialing)
            dial_stop(&watch->servers[i].dial);
        if (watch->servers[i].socket != -1)
            (void)close(watch->servers[i].socket);
    }
}

/* ---- The program -------------------------------------------------------------------- */

static const struct options options = {
    .program = "watch_cli",
    .letters = "ht:V",
    .usage = "usage: watch_cli [-hV] [-t seconds] host:port ...\n",
    .help =
        "Prints each line that the servers send, behind the server's name, until all\n"
        "have closed. An IPv6 address stands in brackets: [::1]:2626. The status is 1\n"
        "if a server could not be connected, or was lost.\n"
        "  -t seconds  say so when nothing came for so long (default: 5)\n"
        "  -h          print this help\n"
        "  -V          print the version\n",
};

int main(int argc, char *argv[])
{
    static struct watch watch;
    int option, most, result;

    watch.quiet_ms = QUIET_MS;
    while ((option = options_next(&options, argc, argv)) != -1) {
        switch (option) {
        case 't': watch.quiet_ms = options_timeout(&options, option); break;
        }
    }
    watch.count = argc - optind;
    if (watch.count == 0)
        options_wrong(&options, "which servers? host:port names one");
    descriptor_raise_limit(FD_SETSIZE);
    most = descriptor_limit() - STANDARD;
    if (watch.count > most)
        options_wrong(&options, "%d servers are more than the %d that can be watched",
                      watch.count, most);
    for (int i = 0; i < watch.count; i++) {
        struct server *server = &watch.servers[i];

        server->name = argv[optind + i];
        server->port =
            options_host_port(&options, server->name, server->host, sizeof server->host);
    }
    if (start_program() == -1)
        options_fail(&options, "cannot start: %s", strerror(errno));
    begin_connecting(&watch);
    result = watch_servers(&watch);
    end(&watch);
    return result == 0 && !watch.failed ? EXIT_SUCCESS : EXIT_FAILURE;
}
