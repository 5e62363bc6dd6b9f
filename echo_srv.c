/*
 * echo_srv: sends back every byte that it gets (the Echo Protocol, RFC 862, over TCP), to
 * as many clients at a time as an fd_set holds.
 *
 *     echo_srv [-v] [-b address] [-p port]
 *
 * A client has one buffer, and is either read from or written to: while its echo waits
 * because it does not read, the server does not read from it either. So TCP itself stops
 * a client that only sends, the buffer is all that it can ever fill, and nobody else
 * notices. And its half-close is seen only when it has got all that it was owed.
 */
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/fdset.h"
#include "base/log.h"
#include "base/options.h"
#include "base/signals.h"
#include "base/start.h"
#include "net/address.h"
#include "net/listener.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define ECHO_BYTES  65536 /* of one receive, and so the most that a client is owed */
#define PATIENCE_MS 2000  /* with clients that are owed something at the server's end */

struct client {
    size_t begin, end; /* what it is owed, if it is: bytes[sock][begin..end) */
    unsigned long long echoed;
    char name[ADDRESS_MOST];
};

struct echo_server {
    int srvsock;        /* the listening socket; -1 once the server is stopping */
    fd_set descriptors; /* srvsock and every client */
    fd_set owed; /* clients that have not taken all of it: nothing is read from them */
    int highest; /* of the descriptors */
    struct client clients[FD_SETSIZE]; /* by descriptor */
    char bytes[FD_SETSIZE][ECHO_BYTES];
    struct listener_spare spare;
    struct log log;
    bool verbose;
    int64_t accept_from; /* ms; newcomers are left alone until then */
    int64_t stop_by;     /* ms; the end of a stopping server's patience */
    int64_t now;         /* ms; the time of this turn */
};

static volatile sig_atomic_t stop_requested;

static void request_stop(int signal_number)
{
    (void)signal_number;
    stop_requested = 1;
}

static bool is_client(const struct echo_server *server, int sock)
{
    return fdset_has(&server->descriptors, sock) && sock != server->srvsock;
}

/* Takes one newcomer in. False: nobody else is waiting, or nobody can be taken now. */
static bool accept_new_connection(struct echo_server *server)
{
    struct sockaddr_storage peer;
    int newsock = listener_accept(server->srvsock, &server->spare, LISTENER_FULL, &peer);
    struct client *client;

    if (newsock == -1) {
        if (errno == ENFILE)
            server->accept_from = server->now + LISTENER_REST_MS;
        return errno != EAGAIN && errno != ENFILE;
    }
    fdset_add(&server->descriptors, newsock);
    if (newsock > server->highest)
        server->highest = newsock;
    client = &server->clients[newsock];
    client->echoed = 0;
    if (server->verbose) {
        address_format(&peer, client->name);
        log_line(&server->log, "Client connected %s", client->name);
    }
    return true;
}

static void close_client(struct echo_server *server, int sock, int error)
{
    const struct client *client = &server->clients[sock];

    if (server->verbose)
        log_line(&server->log, "Client closed %s, %llu bytes echoed%s%s", client->name,
                 client->echoed, error ? ": " : "", error ? strerror(error) : "");
    descriptor_hang_up(sock);
    fdset_remove(&server->descriptors, sock);
    fdset_remove(&server->owed, sock);
    while (server->highest > STDOUT_FILENO &&
           !fdset_has(&server->descriptors, server->highest))
        server->highest--;
}

/* Sends what the client takes. Returns how much that was; -1: it is gone, and closed. */
static ssize_t send_echo(struct echo_server *server, int sock, const char *bytes,
                         size_t length)
{
    ssize_t sent = send(sock, bytes, length, MSG_NOSIGNAL);

    if (sent == -1 && descriptor_try_again(errno))
        return 0;
    if (sent == -1)
        close_client(server, sock, errno);
    else
        server->clients[sock].echoed += (unsigned long long)sent;
    return sent;
}

static void send_owed(struct echo_server *server, int sock)
{
    struct client *client = &server->clients[sock];
    ssize_t sent = send_echo(server, sock, server->bytes[sock] + client->begin,
                             client->end - client->begin);

    if (sent == -1)
        return;
    client->begin += (size_t)sent;
    if (client->begin == client->end)
        fdset_remove(&server->owed, sock);
}

/*
 * Reads, and sends it back at once: most clients take it, and all share one buffer that the
 * processor has at hand. What a client does not take is kept for it. The end of what it
 * sends is read here too, and so only when nothing is owed to it any more.
 */
static void receive(struct echo_server *server, int sock)
{
    static char bytes[ECHO_BYTES];
    struct client *client = &server->clients[sock];
    ssize_t got = recv(sock, bytes, sizeof bytes, 0), sent;

    if (got == -1 && descriptor_try_again(errno))
        return;
    if (got <= 0) {
        close_client(server, sock, got == 0 ? 0 : errno);
        return;
    }
    sent = send_echo(server, sock, bytes, (size_t)got);
    if (sent == -1 || sent == got)
        return;
    client->begin = 0;
    client->end = (size_t)(got - sent);
    memcpy(server->bytes[sock], bytes + sent, client->end);
    fdset_add(&server->owed, sock);
}

/* A client is waited for in one way or the other: to send, or to take its echo. */
static void choose_descriptors(const struct echo_server *server, fd_set *readable,
                               fd_set *writable)
{
    *readable = server->descriptors;
    *writable = server->owed;
    for (int sock = 0; sock <= server->highest; sock++)
        if (fdset_has(&server->owed, sock))
            fdset_remove(readable, sock);
    if (server->accept_from > server->now)
        fdset_remove(readable, server->srvsock);
    if (log_is_waiting(&server->log))
        fdset_add(writable, STDOUT_FILENO);
}

/* Waits until a descriptor is ready, a deadline has come, or a signal. -1: select failed. */
static int wait_for_events(struct echo_server *server, fd_set *readable, fd_set *writable,
                           struct signals *signals)
{
    int64_t deadline = INT64_MAX;
    struct timespec timeout;
    int ready;

    if (server->srvsock == -1)
        deadline = server->stop_by;
    else if (server->accept_from > server->now)
        deadline = server->accept_from;
    timeout = clock_timespec(deadline - server->now);
    choose_descriptors(server, readable, writable);
    ready = signals_pselect(signals, server->highest + 1, readable, writable,
                            deadline == INT64_MAX ? NULL : &timeout);
    server->now = clock_ms();
    return ready;
}

/* Nobody else comes in; who is owed something gets it, if it takes it within two seconds. */
static void stop(struct echo_server *server)
{
    if (server->srvsock != -1) {
        fdset_remove(&server->descriptors, server->srvsock);
        (void)close(server->srvsock);
        server->srvsock = -1;
        server->stop_by = server->now + PATIENCE_MS;
    }
    for (int sock = 0; sock <= server->highest; sock++)
        if (is_client(server, sock) &&
            (!fdset_has(&server->owed, sock) || server->now >= server->stop_by))
            close_client(server, sock, 0);
}

static bool is_finished(const struct echo_server *server)
{
    if (server->srvsock != -1)
        return false;
    for (int sock = 0; sock <= server->highest; sock++)
        if (is_client(server, sock))
            return false;
    return true;
}

static void complain_of_output(void)
{
    (void)fprintf(stderr, "echo_srv: cannot write to standard output: %s\n",
                  strerror(errno));
}

/* Serves until a signal asks it to stop. 0, or -1 with errno: select() itself failed. */
static int echo_server_run(struct echo_server *server, struct signals *signals)
{
    fd_set readable, writable;

    while (!is_finished(server)) {
        if (wait_for_events(server, &readable, &writable, signals) == -1)
            return -1;
        if (fdset_has(&readable, server->srvsock))
            for (int n = 0; n < LISTENER_A_TURN && accept_new_connection(server); n++)
                continue;
        for (int sock = 0; sock <= server->highest; sock++) {
            if (!is_client(server, sock))
                continue;
            if (fdset_has(&readable, sock))
                receive(server, sock);
            else if (fdset_has(&writable, sock))
                send_owed(server, sock);
        }
        if (stop_requested)
            stop(server);
        if (fdset_has(&writable, STDOUT_FILENO) && log_write(&server->log) == -1)
            complain_of_output();
    }
    return 0;
}

/* Listens on `port` (0: any free one), and says so. 0, or -1 with the reason in *why. */
static int echo_server_init(struct echo_server *server, const char *address, int port,
                            const char **why)
{
    server->srvsock = listener_open(address, port, SOCK_STREAM, why);
    if (server->srvsock == -1)
        return -1;
    FD_ZERO(&server->descriptors);
    FD_ZERO(&server->owed);
    fdset_add(&server->descriptors, server->srvsock);
    server->highest = server->srvsock;
    listener_spare_open(&server->spare);
    server->now = clock_ms();
    log_init(&server->log, STDOUT_FILENO);
    log_line(&server->log, "EchoServer started on port %d",
             listener_port(server->srvsock));
    return 0;
}

static void echo_server_free(struct echo_server *server)
{
    for (int sock = 0; sock <= server->highest; sock++)
        if (fdset_has(&server->descriptors, sock))
            (void)close(sock);
    listener_spare_close(&server->spare);
}

static const struct options options = {
    .program = "echo_srv",
    .letters = "b:hp:vV",
    .usage = "usage: echo_srv [-hvV] [-b address] [-p port]\n",
    .help = "Sends back every byte that it gets (RFC 862 over TCP).\n"
            "  -b address  listen on this address only (default: all, IPv6 and IPv4)\n"
            "  -p port     listen on this port (default: 23000; 0: any free one)\n"
            "  -v          print a line a connection opened and closed\n"
            "  -h          print this help\n"
            "  -V          print the version\n",
};

int main(int argc, char *argv[])
{
    static struct echo_server server; /* 64 MB of buffers, of which few are touched */
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
        (void)fprintf(stderr, "echo_srv: cannot start: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    if (echo_server_init(&server, address, port, &why) == -1) {
        options_cannot_listen("echo_srv", address, port, why);
        return EXIT_FAILURE;
    }
    descriptor_prepare_output(STDOUT_FILENO, &output);
    result = echo_server_run(&server, &signals);
    if (result == -1)
        (void)fprintf(stderr, "echo_srv: select: %s\n", strerror(errno));
    if (log_finish(&server.log, server.stop_by - clock_ms()) == -1)
        complain_of_output();
    echo_server_free(&server);
    descriptor_restore_output(STDOUT_FILENO, &output);
    return result == -1 ? EXIT_FAILURE : EXIT_SUCCESS;
}
