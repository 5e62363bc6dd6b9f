#include "loop/echo_blocking.h"

#include "base/clock.h"
#include "base/fdset.h"
#include "base/start.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ECHO_BYTES 16384

void echo_blocking_start(struct echo_blocking *server, const struct options *options,
                         int argc, char *argv[])
{
    struct options_server *where = &server->where;
    const char *why;

    where->port = 23000;
    options_next_of_server(options, argc, argv, where); /* it has only -b, -p and -v */
    options_end(options, argc, argv);
    start_server(options, &server->signals);
    server->srvsock = listener_open(where, SOCK_STREAM, &why);
    if (server->srvsock == -1)
        options_cannot_listen(options, where, why);
    log_open(&server->log, options->program, STDOUT_FILENO, server->log_bytes,
             sizeof server->log_bytes);
    listener_init(&server->newcomers, LISTENER_FULL, &server->log);
}

void echo_blocking_announce(struct echo_blocking *server)
{
    char place[OPTIONS_PLACE_MOST];

    log_line(&server->log, "EchoServer started on %s",
             options_place(&server->where, place));
}

int echo_blocking_wait(struct echo_blocking *server, int other, struct fdset *readable,
                       int64_t deadline)
{
    struct fdset writable;
    int64_t rest_until;
    int ready;

    log_write(&server->log);
    fdset_clear(readable);
    fdset_clear(&writable);
    fdset_add(readable, server->srvsock); /* -1 once the server is stopping: in no set */
    rest_until = listener_rest(&server->newcomers, server->srvsock, clock_ms(), readable);
    fdset_add(readable, other);
    deadline = clock_earlier(deadline, rest_until);
    deadline = clock_earlier(deadline, log_watch(&server->log, &writable));
    ready = signals_pselect(&server->signals, readable, &writable, deadline);
    if (ready == -1)
        log_complain(&server->log, "select: %s", strerror(errno));
    return ready;
}

int echo_blocking_accept(struct echo_blocking *server, char name[ADDRESS_MOST])
{
    struct sockaddr_storage peer;
    int sock = listener_accept(&server->newcomers, server->srvsock, &peer);

    if (sock == -1)
        return -1;
    address_format(&peer, name);
    if (server->where.verbose)
        log_line(&server->log, "Client connected %s", name);
    return sock;
}

void echo_blocking_closed(struct echo_blocking *server, const char *name)
{
    if (server->where.verbose)
        log_line(&server->log, "Client closed %s", name);
}

/* send() may take only a part. -1: the connection is lost. */
static int send_all(int sock, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(sock, bytes, length, MSG_NOSIGNAL);

        if (sent == -1 && errno != EINTR)
            return -1;
        if (sent > 0) {
            bytes += sent;
            length -= (size_t)sent;
        }
    }
    return 0;
}

void echo_blocking_serve(int sock)
{
    int flags = fcntl(sock, F_GETFL);
    char bytes[ECHO_BYTES];

    /* The listener made it non-blocking; here it should wait. */
    if (flags == -1 || fcntl(sock, F_SETFL, flags & ~O_NONBLOCK) == -1)
        return;
    for (;;) {
        ssize_t got = recv(sock, bytes, sizeof bytes, 0);

        if (got == -1 && errno == EINTR)
            continue;
        if (got <= 0 || send_all(sock, bytes, (size_t)got) == -1)
            return;
    }
}

void echo_blocking_end(struct echo_blocking *server)
{
    close(server->srvsock);
    server->srvsock = -1;
    listener_close(&server->newcomers);
}
