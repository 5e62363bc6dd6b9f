/*
 * dgram_srv: sends every datagram back to its source (the Echo Protocol, RFC 862, over
 * UDP).
 *
 *     dgram_srv [-v] [-b address] [-p port]
 *
 * There are no connections here. One socket serves everybody. A datagram arrives whole or
 * not at all, and an answer that cannot be sent is dropped, as UDP allows.
 *
 * One thing needs care: a datagram whose source is an echo service itself, or is forged to
 * look like one. The two would answer each other for ever (CERT advisory CA-1996-01). So
 * the well-known ports of such services get no answer, and neither does this server's own
 * port. On any other port an echo service looks just like a client.
 */
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/fdset.h"
#include "base/log.h"
#include "base/options.h"
#include "base/signals.h"
#include "base/start.h"
#include "net/address.h"
#include "net/datagram.h"
#include "net/listener.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Datagrams to answer before looking at signals and the log again. */
#define DATAGRAMS_A_TURN 64
#define PATIENCE_MS      2000 /* at the end, with the log's reader */
#define REST_MS          100  /* after a failure to receive, so as not to spin */

struct dgram_server {
    int srvsock;
    int port;
    unsigned long long echoed, dropped, ignored;
    struct log log;
    char log_bytes[LOG_BYTES];
    bool verbose, has_failed;
    int64_t rest_until;            /* clock_ms(); receives nothing until then */
    char bytes[DATAGRAM_MOST + 1]; /* one more, to see that a datagram is too long */
};

/* Binds to where->port (0: any free one), and prints the port. -1: *why is the reason. */
static int dgram_server_init(struct dgram_server *server, struct options_server *where,
                             const char **why)
{
    char place[OPTIONS_PLACE_MOST];

    server->srvsock = listener_open(where, SOCK_DGRAM, why);
    if (server->srvsock == -1)
        return -1;
    server->port = where->port;
    server->verbose = where->verbose;
    datagram_prepare(server->srvsock);
    log_open(&server->log, "dgram_srv", STDOUT_FILENO, server->log_bytes,
             sizeof server->log_bytes);
    log_line(&server->log, "DatagramServer started on %s", options_place(where, place));
    return 0;
}

/* Does this port's service answer everything that it gets? */
static bool answers_by_itself(const struct dgram_server *server, int port)
{
    switch (port) {
    case 0:  /* cannot be sent to */
    case 7:  /* echo, RFC 862 */
    case 13: /* daytime, RFC 867 */
    case 17: /* quote of the day, RFC 865 */
    case 19: /* character generator, RFC 864 */
    case 37: /* time, RFC 868 */ return true;
    default: return port == server->port;
    }
}

static void fail(struct dgram_server *server, int error)
{
    if (!server->has_failed)
        log_complain(&server->log, "cannot receive: %s", strerror(error));
    server->has_failed = true;
    server->rest_until = clock_ms() + REST_MS;
}

/* With -v, prints what became of a datagram. */
static void tell(struct dgram_server *server, const struct datagram_route *route,
                 ssize_t length, const char *what)
{
    char name[ADDRESS_MOST];

    if (!server->verbose)
        return;
    address_format(&route->peer, name);
    log_line(&server->log, "%zd bytes from %s: %s", length, name, what);
}

/* Answers one datagram. False: none is waiting, or none can be received now. */
static bool answer(struct dgram_server *server)
{
    struct datagram_route route;
    ssize_t length =
        datagram_receive(server->srvsock, server->bytes, sizeof server->bytes, &route);

    if (length == -1 && datagram_is_about_earlier(errno))
        return true; /* that client is gone, which concerns nobody else */
    if (length == -1) {
        if (!descriptor_try_again(errno))
            fail(server, errno);
        return false;
    }
    server->has_failed = false;
    if (answers_by_itself(server, address_port(&route.peer))) {
        server->ignored++;
        tell(server, &route, length, "not answered");
    } else if (datagram_answer(server->srvsock, server->bytes, (size_t)length, &route) ==
               -1) {
        server->dropped++;
        tell(server, &route, length, strerror(errno));
    } else {
        server->echoed++;
        tell(server, &route, length, "echoed");
    }
    return true;
}

/*
 * Serves until a signal asks it to stop. 0, or -1 with errno: select() itself failed.
 *
 * With one socket, recvmsg() could wait by itself. But then a signal that arrives just
 * before the call would go unnoticed until the next datagram, and the server could not
 * wait for a slow reader of standard output at the same time.
 */
static int dgram_server_run(struct dgram_server *server, struct signals *signals)
{
    struct fdset readable, writable;

    while (!signals_stop_requested()) {
        int64_t deadline = INT64_MAX;

        fdset_clear(&readable);
        fdset_clear(&writable);
        if (clock_ms() < server->rest_until)
            deadline = server->rest_until;
        else
            fdset_add(&readable, server->srvsock);
        deadline = clock_earlier(deadline, log_watch(&server->log, &writable));
        if (signals_pselect(signals, &readable, &writable, deadline) == -1)
            return -1;
        if (fdset_has(&readable, server->srvsock))
            for (int n = 0; n < DATAGRAMS_A_TURN && answer(server); n++)
                continue;
        log_write(&server->log);
    }
    return 0;
}

static const struct options options = {
    .program = "dgram_srv",
    .letters = "b:hp:vV",
    .usage = "usage: dgram_srv [-hvV] [-b address] [-p port]\n",
    .help =
        "Sends every datagram back to its source (RFC 862 over UDP), except to a port\n"
        "that might answer the echo for ever: 7, 13, 17, 19, 37, and its own.\n"
        "  -b address  receive at this address only (default: all, IPv6 and IPv4)\n"
        "  -p port     receive at this port (default: 23000; 0: any free one)\n"
        "  -v          print a line for each datagram, and their number at the end\n"
        "  -h          print this help\n"
        "  -V          print the version\n",
};

int main(int argc, char *argv[])
{
    static struct dgram_server server;
    struct options_server where = {.port = 23000};
    struct signals signals;
    const char *why;
    int64_t stop_by;
    int result;

    options_next_of_server(&options, argc, argv, &where); /* it has only -b, -p and -v */
    options_end(&options, argc, argv);
    start_server(&options, &signals);
    if (dgram_server_init(&server, &where, &why) == -1)
        options_cannot_listen(&options, &where, why);
    result = dgram_server_run(&server, &signals);
    if (result == -1)
        perror("dgram_srv: select");
    close(server.srvsock); /* from now on the system tells senders that nobody is here */
    stop_by = clock_ms() + PATIENCE_MS;
    if (server.verbose) {
        log_finish(&server.log, PATIENCE_MS); /* so that there is room for this line */
        log_line(&server.log, "datagrams: %llu echoed, %llu dropped, %llu not answered",
                 server.echoed, server.dropped, server.ignored);
    }
    log_finish(&server.log, stop_by - clock_ms());
    return result == -1 ? EXIT_FAILURE : EXIT_SUCCESS;
}
