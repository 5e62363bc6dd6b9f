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

void echo_blocking_start(struct echo_blocking *server, const struct options *options,
                         int argc, char *argv[], void (*on_stop)(int))
{
    const char *address = NULL, *why;
    int letter, port = 23000;

    while ((letter = options_next(options, argc, argv)) != -1) {
        switch (letter) {
        case 'b': address = optarg; break;
        case 'p': port = options_port(options, optarg, 0); break;
        }
    }
    options_end(options, argc, argv);
    server->options = options;
    if (start_server(&server->signals, on_stop) == -1) {
        (void)fprintf(stderr, "%s: cannot start: %s\n", options->program,
                      strerror(errno));
        exit(EXIT_FAILURE);
    }
    server->listener = listener_open(address, port, SOCK_STREAM, &why);
    if (server->listener == -1) {
        options_cannot_listen(options->program, address, port, why);
        exit(EXIT_FAILURE);
    }
    listener_spare_open(&server->spare);
    if (printf("EchoServer started on port %d\n", listener_port(server->listener)) < 0 ||
        fflush(stdout) == EOF)
        (void)fprintf(stderr, "%s: cannot write to standard output: %s\n",
                      options->program, strerror(errno));
}

int echo_blocking_wait(struct echo_blocking *server, int other, fd_set *readable,
                       const struct timespec *timeout)
{
    int ready, highest = server->listener > other ? server->listener : other;

    FD_ZERO(readable);
    fdset_add(readable, server->listener);
    fdset_add(readable, other);
    ready = signals_pselect(&server->signals, highest + 1, readable, NULL, timeout);
    if (ready == -1)
        (void)fprintf(stderr, "%s: select: %s\n", server->options->program,
                      strerror(errno));
    return ready;
}

int echo_blocking_accept(struct echo_blocking *server)
{
    const struct timespec rest = clock_timespec(LISTENER_REST_MS);
    struct sockaddr_storage peer;
    int client = listener_accept(server->listener, &server->spare, LISTENER_FULL, &peer);

    if (client == -1 && errno == ENFILE)
        (void)nanosleep(&rest, NULL);
    return client;
}

/* send() of all of it. -1: the client is gone. */
static int send_all(int client, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(client, bytes, length, MSG_NOSIGNAL);

        if (sent == -1 && errno != EINTR)
            return -1;
        if (sent > 0) {
            bytes += sent;
            length -= (size_t)sent;
        }
    }
    return 0;
}

void echo_blocking_serve(int client)
{
    int flags = fcntl(client, F_GETFL);
    char bytes[16384];

    if (flags == -1 || fcntl(client, F_SETFL, flags & ~O_NONBLOCK) == -1)
        return;
    for (;;) {
        ssize_t got = recv(client, bytes, sizeof bytes, 0);

        if (got == -1 && errno == EINTR)
            continue;
        if (got <= 0 || send_all(client, bytes, (size_t)got) == -1)
            return;
    }
}

void echo_blocking_end(struct echo_blocking *server)
{
    (void)close(server->listener);
    server->listener = -1;
    listener_spare_close(&server->spare);
}
