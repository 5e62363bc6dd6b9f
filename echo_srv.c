/*
 * echo_srv: sends back every byte that it receives (the Echo Protocol, RFC 862, over TCP),
 * to as many clients at a time as an fd_set holds.
 *
 *     echo_srv [-v] [-b address] [-p port]
 *
 * This is one of three ways to serve many clients: one loop around select(). The others
 * are a process (labs/echo_fork.c) and a thread (labs/echo_thread.c) for each client.
 *
 * While a client does not take its echo, the server does not read from it. The client's
 * own sends then fill the kernel's buffers, and TCP stops it; nobody else notices, and one
 * buffer for each client is enough. A client that closes only its own half (shutdown())
 * still gets all its echo, because the end of its stream is read after everything else.
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ECHO_BYTES  65536 /* received at a time, and so the most that a client is owed */
#define PATIENCE_MS 2000  /* at the end, with clients that are owed something */

struct client {
    size_t begin, end; /* bytes[sock][begin..end) are what it is owed */
    unsigned long long echoed;
    char name[ADDRESS_MOST];
};

struct echo_server {
    int srvsock;              /* the listening socket; -1 once the server is stopping */
    struct fdset descriptors; /* srvsock and every client */
    struct fdset owed;        /* the clients that have not taken all of their echo */
    struct client clients[FD_SETSIZE]; /* by descriptor */
    char bytes[FD_SETSIZE][ECHO_BYTES];
    struct listener newcomers;
    struct log log;
    char log_bytes[LOG_BYTES];
    bool verbose;
    int64_t stop_by; /* ms; the end of the patience, once the server is stopping */
    int64_t now;     /* ms; the time of this turn of the loop */
};

static bool is_client(const struct echo_server *server, int sock)
{
    return fdset_has(&server->descriptors, sock) && sock != server->srvsock;
}

/* Listens on where->port (0: any free one), and prints the port. -1: *why is the reason. */
static int echo_server_init(struct echo_server *server, struct options_server *where,
                            const char **why)
{
    char place[OPTIONS_PLACE_MOST];

    server->srvsock = listener_open(where, SOCK_STREAM, why);
    if (server->srvsock == -1)
        return -1;
    server->verbose = where->verbose;
    fdset_clear(&server->descriptors);
    fdset_clear(&server->owed);
    fdset_add(&server->descriptors, server->srvsock);
    listener_init(&server->newcomers, LISTENER_FULL, &server->log);
    server->now = clock_ms();
    log_open(&server->log, "echo_srv", STDOUT_FILENO, server->log_bytes,
             sizeof server->log_bytes);
    log_line(&server->log, "EchoServer started on %s", options_place(where, place));
    return 0;
}

/*
 * Accepts a newcomer. False: nobody else is waiting, or nobody can be accepted now. When
 * descriptors run out (EMFILE), or the next one is FD_SETSIZE or more, listener_accept()
 * tells the newcomer that the server is full, and closes it.
 */
static bool accept_new_connection(struct echo_server *server)
{
    struct sockaddr_storage peer;
    int newsock = listener_accept(&server->newcomers, server->srvsock, &peer);
    struct client *client;

    if (newsock == -1)
        return false;
    client = &server->clients[newsock];
    fdset_add(&server->descriptors, newsock);
    client->echoed = 0;
    if (server->verbose) {
        address_format(&peer, client->name);
        log_line(&server->log, "Client connected %s", client->name);
    }
    return true;
}

/*
 * `error` is the errno that ended the connection, or 0. The descriptor leaves the sets: a
 * closed one makes select() fail (EBADF), and its number may soon be another client's.
 */
static void close_client(struct echo_server *server, int sock, int error)
{
    const struct client *client = &server->clients[sock];

    if (server->verbose)
        log_line(&server->log, "Client closed %s, %llu bytes echoed%s%s", client->name,
                 client->echoed, error ? ": " : "", error ? strerror(error) : "");
    descriptor_hang_up(sock);
    fdset_remove(&server->descriptors, sock);
    fdset_remove(&server->owed, sock);
}

/* Sends what the socket takes now. Returns how much that is; -1: the client is closed. */
static ssize_t send_echo(struct echo_server *server, int sock, const char *bytes,
                         size_t length)
{
    /* Without MSG_NOSIGNAL, SIGPIPE would end the server when a client has gone. */
    ssize_t sent = send(sock, bytes, length, MSG_NOSIGNAL);

    if (sent == -1 && descriptor_try_again(errno))
        return 0; /* the kernel's buffer for it is full */
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
 * Reads once, and sends the bytes back at once. Most clients take all of them, so all
 * share one buffer, which stays in the processor's cache; what a client does not take is
 * copied to its own buffer. The socket is non-blocking although select() has said that it
 * is readable: Linux may then drop the segment for a bad checksum (select(2), BUGS).
 */
static void receive(struct echo_server *server, int sock)
{
    static char bytes[ECHO_BYTES];
    struct client *client = &server->clients[sock];
    ssize_t got = recv(sock, bytes, sizeof bytes, 0), sent;

    if (got == -1 && descriptor_try_again(errno))
        return;
    if (got <= 0) { /* 0: the client has closed its end, and has all its echo */
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

/* Stops accepting, and closes each client that is owed nothing. */
static void stop(struct echo_server *server)
{
    if (server->srvsock != -1) {
        fdset_remove(&server->descriptors, server->srvsock);
        close(server->srvsock);
        server->srvsock = -1;
        server->stop_by = server->now + PATIENCE_MS;
    }
    for (int sock = 0; sock <= server->descriptors.highest; sock++)
        if (is_client(server, sock) &&
            (!fdset_has(&server->owed, sock) || server->now >= server->stop_by))
            close_client(server, sock, 0);
}

/*
 * Fills the sets. Returns when to stop waiting (clock_ms()); INT64_MAX: never.
 *
 * select() changes the sets that it gets, so it gets copies. A client is in the write set
 * while it is owed something, otherwise in the read set, never in both: a socket is nearly
 * always writable, and select() would never wait.
 */
static int64_t choose_descriptors(const struct echo_server *server,
                                  struct fdset *readable, struct fdset *writable)
{
    int64_t deadline = server->srvsock == -1 ? server->stop_by : INT64_MAX;

    *readable = server->descriptors;
    *writable = server->owed;
    for (int sock = 0; sock <= server->owed.highest; sock++)
        if (fdset_has(&server->owed, sock))
            fdset_remove(readable, sock);
    deadline = clock_earlier(deadline, listener_rest(&server->newcomers, server->srvsock,
                                                     server->now, readable));
    return clock_earlier(deadline, log_watch(&server->log, writable));
}

/*
 * Serves until a signal asks it to stop. 0, or -1 with errno: select() itself failed.
 *
 * In a turn each client that is ready is served once, so a client that sends without end
 * starves nobody.
 */
static int echo_server_run(struct echo_server *server, struct signals *signals)
{
    struct fdset readable, writable;

    while (!fdset_is_empty(&server->descriptors)) {
        int64_t deadline = choose_descriptors(server, &readable, &writable);

        if (signals_pselect(signals, &readable, &writable, deadline) == -1)
            return -1;
        server->now = clock_ms();
        if (fdset_has(&readable, server->srvsock))
            for (int n = 0; n < LISTENER_A_TURN && accept_new_connection(server); n++)
                continue;
        for (int sock = 0; sock <= server->descriptors.highest; sock++) {
            if (fdset_has(&readable, sock) && is_client(server, sock))
                receive(server, sock);
            else if (fdset_has(&writable, sock) && is_client(server, sock))
                send_owed(server, sock);
        }
        if (signals_stop_requested())
            stop(server);
        log_write(&server->log);
    }
    return 0;
}

static const struct options options = {
    .program = "echo_srv",
    .letters = "b:hp:vV",
    .usage = "usage: echo_srv [-hvV] [-b address] [-p port]\n",
    .help = "Sends back every byte that it receives (RFC 862 over TCP).\n"
            "  -b address  listen on this address only (default: all, IPv6 and IPv4)\n"
            "  -p port     listen on this port (default: 23000; 0: any free one)\n"
            "  -v          print a line for each connection opened or closed\n"
            "  -h          print this help\n"
            "  -V          print the version\n",
};

int main(int argc, char *argv[])
{
    static struct echo_server server; /* 64 MiB; untouched pages cost nothing */
    struct options_server where = {.port = 23000};
    struct signals signals;
    const char *why;
    int result;

    options_next_of_server(&options, argc, argv, &where); /* it has only -b, -p and -v */
    options_end(&options, argc, argv);
    start_server(&options, &signals);
    if (echo_server_init(&server, &where, &why) == -1)
        options_cannot_listen(&options, &where, why);
    result = echo_server_run(&server, &signals);
    if (result == -1)
        perror("echo_srv: select");
    log_finish(&server.log, server.stop_by - clock_ms());
    listener_close(&server.newcomers);
    return result == -1 ? EXIT_FAILURE : EXIT_SUCCESS;
}
