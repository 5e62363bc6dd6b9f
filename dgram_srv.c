/*
 * dgram_srv: sends every datagram back to where it came from (the Echo Protocol, RFC 862,
 * over UDP).
 *
 *     dgram_srv [-v] [-b address] [-p port]
 *
 * There are no connections here: one socket serves everybody, a datagram comes whole or
 * not at all, and one that can't be sent is dropped, as UDP may. What needs care is a
 * datagram whose source is an echo service itself, or is forged to be one: the two would
 * answer each other for ever (CERT advisory CA-1996-01). The known ports of such services
 * get no answer, nor does this server's own. An echo at a port that nobody knows for one
 * can't be told from a client: two of these on different ports could still be set on each
 * other, by one who forges addresses in the network between them.
 */
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
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

/* Datagrams that are answered before the next look at signals and the log. */
#define DATAGRAMS_A_TURN 64
#define PATIENCE_MS      2000 /* with the log's reader at the server's end */

struct dgram_server {
    int srvsock;
    int port;
    unsigned long long echoed, dropped, ignored;
    struct log log;
    bool verbose;
    char bytes[DATAGRAM_MOST + 1];
};

static volatile sig_atomic_t stop_requested;

static void request_stop(int signal_number)
{
    (void)signal_number;
    stop_requested = 1;
}

/* The services that answer whatever they get, and this one: a datagram's source may be it. */
static bool answers_by_itself(const struct dgram_server *server, int port)
{
    static const int echo_like[] = {
        7,  /* echo, RFC 862 */
        13, /* daytime, RFC 867 */
        17, /* quote of the day, RFC 865 */
        19, /* character generator, RFC 864 */
        37, /* time, RFC 868 */
    };

    for (size_t i = 0; i < sizeof echo_like / sizeof echo_like[0]; i++)
        if (port == echo_like[i])
            return true;
    return port == server->port || port == 0; /* to port 0 nothing can be sent */
}

/* Answers one datagram. False: none is waiting. */
static bool answer(struct dgram_server *server)
{
    struct datagram_route route;
    ssize_t length =
        datagram_receive(server->srvsock, server->bytes, sizeof server->bytes, &route);

    if (length == -1) /* an ICMP error of an earlier answer concerns nobody here */
        return !descriptor_try_again(errno);
    if (answers_by_itself(server, address_port(&route.peer)))
        server->ignored++;
    else if (datagram_answer(server->srvsock, server->bytes, (size_t)length, &route) ==
             -1)
        server->dropped++;
    else
        server->echoed++;
    return true;
}

static void complain_of_output(void)
{
    (void)fprintf(stderr, "dgram_srv: cannot write to standard output: %s\n",
                  strerror(errno));
}

/* Serves until a signal asks it to stop. 0, or -1 with errno: select() itself failed. */
static int dgram_server_run(struct dgram_server *server, struct signals *signals)
{
    fd_set readable, writable;

    while (!stop_requested) {
        FD_ZERO(&readable);
        FD_ZERO(&writable);
        fdset_add(&readable, server->srvsock);
        if (log_is_waiting(&server->log))
            fdset_add(&writable, STDOUT_FILENO);
        if (signals_pselect(signals, server->srvsock + 1, &readable, &writable, NULL) ==
            -1)
            return -1;
        if (fdset_has(&readable, server->srvsock))
            for (int n = 0; n < DATAGRAMS_A_TURN && answer(server); n++)
                continue;
        if (fdset_has(&writable, STDOUT_FILENO) && log_write(&server->log) == -1)
            complain_of_output();
    }
    return 0;
}

static const struct options options = {
    .program = "dgram_srv",
    .letters = "b:hp:vV",
    .usage = "usage: dgram_srv [-hvV] [-b address] [-p port]\n",
    .help =
        "Sends every datagram back to where it came from (RFC 862 over UDP), unless\n"
        "that is an echo-like service itself: port 7, 13, 17, 19, 37, or its own.\n"
        "  -b address  receive at this address only (default: all, IPv6 and IPv4)\n"
        "  -p port     receive at this port (default: 23000; 0: any free one)\n"
        "  -v          at the end, print how many were echoed, dropped, not answered\n"
        "  -h          print this help\n"
        "  -V          print the version\n",
};

int main(int argc, char *argv[])
{
    static struct dgram_server server;
    struct descriptor_output output;
    const char *address = NULL, *why;
    int option, port = 23000, result;
    struct signals signals;

    while ((option = options_next(&options, argc, argv)) != -1) {
        switch (option) {
        case 'b': address = optarg; break;
        case 'p': port = options_port(&options, optarg, 0); break;
        case 'v': server.verbose = true; break;
        }
    }
    options_end(&options, argc, argv);
    if (start_server(&signals, request_stop) == -1) {
        (void)fprintf(stderr, "dgram_srv: cannot start: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    server.srvsock = listener_open(address, port, SOCK_DGRAM, &why);
    if (server.srvsock == -1) {
        options_cannot_listen("dgram_srv", address, port, why);
        return EXIT_FAILURE;
    }
    server.port = listener_port(server.srvsock);
    datagram_prepare(server.srvsock);
    descriptor_prepare_output(STDOUT_FILENO, &output);
    log_init(&server.log, STDOUT_FILENO);
    log_line(&server.log, "DatagramServer started on port %d", server.port);
    result = dgram_server_run(&server, &signals);
    if (result == -1)
        (void)fprintf(stderr, "dgram_srv: select: %s\n", strerror(errno));
    if (server.verbose)
        log_line(&server.log, "datagrams: %llu echoed, %llu dropped, %llu not answered",
                 server.echoed, server.dropped, server.ignored);
    if (log_finish(&server.log, PATIENCE_MS) == -1)
        complain_of_output();
    (void)close(server.srvsock);
    descriptor_restore_output(STDOUT_FILENO, &output);
    return result == -1 ? EXIT_FAILURE : EXIT_SUCCESS;
}
