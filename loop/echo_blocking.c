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
    struct options_server where = {.port = 23000};
    const char *why;

    options_next_of_server(options, argc, argv, &where); /* it has only -b and -p */
    options_end(options, argc, argv);
    server->options = options;
    if (start_server(&server->signals) == -1)
        options_fail(options, "cannot start: %s", strerror(errno));
    server->srvsock = listener_open(where.address, where.port, SOCK_STREAM, &why);
    if (server->srvsock == -1)
        options_cannot_listen(options, &where, why);
    listener_init(&server->newcomers, LISTENER_FULL, NULL);
}

void echo_blocking_announce(const struct echo_blocking *server)
{
    if (printf("EchoServer started on port %d\n", listener_port(server->srvsock)) < 0 ||
        fflush(stdout) == EOF)
        fprintf(stderr, "%s: cannot write to standard output: %s\n",
                server->options->program, strerror(errno));
}

int echo_blocking_wait(struct echo_blocking *server, int other, struct fdset *readable,
                       int64_t deadline)
{
    int64_t rest_until;
    int ready;

    fdset_clear(readable);
    fdset_add(readable, server->srvsock); /* -1 once the server is stopping: in no set */
    rest_until = listener_rest(&server->newcomers, server->srvsock, clock_ms(), readable);
    fdset_add(readable, other);
    ready = signals_pselect(&server->signals, readable, NULL,
                            clock_earlier(deadline, rest_until));
    if (ready == -1)
        fprintf(stderr, "%s: select: %s\n", server->options->program, strerror(errno));
    return ready;
}

int echo_blocking_accept(struct echo_blocking *server)
{
    struct sockaddr_storage peer;

    return listener_accept(&server->newcomers, server->srvsock, &peer);
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
