/*
 * watch_cli: prints what several servers send, and says when none of them sends anything.
 *
 *     watch_cli [-t seconds] host:port ...
 *
 * One select() waits for all servers, even while they are being connected, and its timeout
 * is news too: nothing came. A line is printed once it is complete, or has waited for its
 * end as long as the timeout, so lines of two servers never mix. Printing waits for the
 * reader of the output. Meanwhile the program reads from no server, and TCP makes them all
 * wait: nothing is lost, and nothing piles up here.
 */
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/fdset.h"
#include "base/options.h"
#include "base/signals.h"
#include "base/start.h"
#include "net/dial.h"
#include "net/input.h"
#include "net/keepalive.h"
#include "net/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DIAL_MS      5000  /* to connect, for each address of a host */
#define QUIET_MS     5000  /* before it says that nothing came */
#define PIECE_BYTES  16384 /* for one recv(); then it is the next server's turn */
#define SERVERS_MOST (FD_SETSIZE - 3) /* 0, 1 and 2 are taken */

struct server {
    const char *name; /* as given: host:port */
    struct options_peer peer;
    struct dial dial;
    int sock; /* DIAL_PENDING: `dial` is under way; -1: there is none */
    struct input input;
    int64_t line_since; /* ms; when the unfinished line began */
};

struct watch {
    int64_t quiet_ms;
    int64_t quiet_since; /* ms; when something last came, or silence was reported */
    bool failed;         /* a server could not be reached, or was lost */
    int count;
    struct server servers[SERVERS_MOST];
};

static const struct options options = {
    .program = "watch_cli",
    .letters = "ht:V",
    .usage = "usage: watch_cli [-hV] [-t seconds] host:port ...\n",
    .help = "Prints each line that the servers send, after the server's name, until all\n"
            "have closed. The status is 1 if a server could not be reached or was lost.\n"
            "  host:port   a server; also [::1]:port\n"
            "  -t seconds  say so when nothing comes for this long (default: 5)\n"
            "  -h          print this help\n"
            "  -V          print the version\n",
};

static void complain(struct watch *watch, const struct server *server, const char *what,
                     const char *why)
{
    fprintf(stderr, "watch_cli: %s %s: %s\n", what, server->name, why);
    watch->failed = true;
}

static void go_on_connecting(struct watch *watch, struct server *server)
{
    const char *why;

    server->sock = dial_step(&server->dial, &why);
    if (server->sock == -1)
        complain(watch, server, "cannot connect to", why);
    else if (server->sock != DIAL_PENDING) /* only probes show that a machine is gone */
        keepalive_enable(server->sock);
}

/* ---- What servers send -------------------------------------------------------------- */

static void print_text(struct server *server)
{
    struct line *line = &server->input.line;

    text_straighten(line->text, line->length);
    printf("%s: %s\n", server->name, line->text);
}

static void take_bytes(struct server *server, const unsigned char *bytes, size_t length,
                       int64_t now)
{
    const struct telnet_reply *refusal = &server->input.reply;
    enum input_event event;

    while (length > 0) {
        size_t taken;

        if (!input_has_part(&server->input))
            server->line_since = now;
        taken = input_take(&server->input, bytes, length, &event);
        bytes += taken;
        length -= taken;
        if (event == INPUT_LINE || event == INPUT_PIECE)
            print_text(server);
        else if (event == INPUT_REPLY) /* if it fails, recv() will say why */
            send(server->sock, refusal->bytes, sizeof refusal->bytes, MSG_NOSIGNAL);
    }
}

/* The server has closed (`error` is 0), or was lost. Its last line may have no end. */
static void close_server(struct watch *watch, struct server *server, int error)
{
    while (input_finish(&server->input) != INPUT_MORE)
        print_text(server);
    if (error == 0) {
        printf("%s has closed.\n", server->name);
    } else {
        fflush(stdout);
        complain(watch, server, "lost the connection to", strerror(error));
    }
    close(server->sock);
    server->sock = -1;
}

static void receive(struct watch *watch, struct server *server)
{
    static unsigned char bytes[PIECE_BYTES];
    ssize_t got = recv(server->sock, bytes, sizeof bytes, 0);

    if (got == -1 && descriptor_try_again(errno))
        return;
    watch->quiet_since = clock_ms();
    if (got > 0)
        take_bytes(server, bytes, (size_t)got, watch->quiet_since);
    else
        close_server(watch, server, got == 0 ? 0 : errno);
}

/* ---- What they do not send ---------------------------------------------------------- */

/* Prints text that has waited too long for its line end, such as a question. */
static void print_part(const struct watch *watch, struct server *server)
{
    if (!input_has_part(&server->input) ||
        clock_ms() < server->line_since + watch->quiet_ms)
        return;
    input_take_part(&server->input);
    print_text(server);
}

static void print_if_quiet(struct watch *watch)
{
    static const char *const numbers[] = {
        "One",     "Two",     "Three",     "Four",     "Five",     "Six",      "Seven",
        "Eight",   "Nine",    "Ten",       "Eleven",   "Twelve",   "Thirteen", "Fourteen",
        "Fifteen", "Sixteen", "Seventeen", "Eighteen", "Nineteen", "Twenty"};
    int64_t now = clock_ms(), ms = watch->quiet_ms;

    if (now < watch->quiet_since + ms)
        return;
    watch->quiet_since = now;
    if (ms % 1000 == 0 && ms <= 20 * 1000)
        printf("%s second%s elapsed.\n", numbers[ms / 1000 - 1], ms > 1000 ? "s" : "");
    else
        printf("%.8g seconds elapsed.\n", (double)ms / 1000);
}

/* ---- The loop ----------------------------------------------------------------------- */

/* Fills the sets. Returns when to stop waiting (clock_ms()). */
static int64_t choose_descriptors(const struct watch *watch, struct fdset *readable,
                                  struct fdset *writable)
{
    int64_t deadline = watch->quiet_since + watch->quiet_ms;

    fdset_clear(readable);
    fdset_clear(writable);
    for (int i = 0; i < watch->count; i++) {
        const struct server *server = &watch->servers[i];

        if (server->sock == DIAL_PENDING) {
            dial_watch(&server->dial, readable, writable);
            deadline = clock_earlier(deadline, server->dial.deadline);
        }
        if (input_has_part(&server->input))
            deadline = clock_earlier(deadline, server->line_since + watch->quiet_ms);
        fdset_add(readable, server->sock);
    }
    return deadline;
}

/* Runs until all servers have closed. */
static void watch_servers(struct watch *watch)
{
    struct fdset readable, writable;
    bool is_over = false;

    for (int i = 0; i < watch->count; i++) {
        struct server *server = &watch->servers[i];

        server->sock = DIAL_PENDING;
        server->input.has_line = true; /* servers send no requests */
        dial_start(&server->dial, server->peer.host, server->peer.port, SOCK_STREAM,
                   DIAL_MS);
    }
    watch->quiet_since = clock_ms();
    while (!is_over) {
        int64_t deadline = choose_descriptors(watch, &readable, &writable);

        if (signals_pselect(NULL, &readable, &writable, deadline) == -1)
            options_fail(&options, "select: %s", strerror(errno));
        is_over = true;
        for (int i = 0; i < watch->count; i++) {
            struct server *server = &watch->servers[i];

            if (server->sock == DIAL_PENDING)
                go_on_connecting(watch, server);
            else if (fdset_has(&readable, server->sock))
                receive(watch, server);
            print_part(watch, server);
            is_over = is_over && server->sock == -1;
        }
        if (!is_over)
            print_if_quiet(watch);
        if (fflush(stdout) == EOF || ferror(stdout))
            options_cannot_write(&options);
    }
}

/* ---- The program -------------------------------------------------------------------- */

int main(int argc, char *argv[])
{
    static struct watch watch;

    watch.quiet_ms = QUIET_MS;
    while (options_next(&options, argc, argv) != -1) /* it has only -t */
        watch.quiet_ms = options_timeout(&options, 't');
    watch.count = argc - optind;
    options_check_order(&options, watch.count, argv + optind);
    if (watch.count == 0)
        options_wrong(&options, "name a server as host:port");
    descriptor_raise_limit(FD_SETSIZE);
    if (watch.count > SERVERS_MOST)
        options_wrong(&options, "at most %d servers can be watched", SERVERS_MOST);
    for (int i = 0; i < watch.count; i++) {
        struct server *server = &watch.servers[i];

        server->name = argv[optind + i];
        if (!options_host(&options, server->name, &server->peer))
            options_wrong(&options,
                          "'%s' has no port: write host:port, for example localhost:2626",
                          server->name);
    }
    start_program(&options);
    watch_servers(&watch);
    return watch.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
