/*
 * echo_thread: the echo server with a thread for each client, the second of the three ways
 * (echo_fork and echo_srv are the others).
 *
 *     echo_thread [-b address] [-p port]
 *
 * A thread has its client to itself and may wait for it, as a process may, and costs less.
 * But all threads have one memory. So here they share nothing: a thread is given its
 * client's socket, and when the client ends it writes its number into a pipe; the main
 * thread reads that, and only it opens and closes sockets and keeps the list. What no two
 * threads touch needs no lock.
 */
#include "loop/echo_blocking.h"

#include "base/clock.h"
#include "base/fdset.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

/* A thread needs 16 KiB for what it echoes. A system's usual 8 MiB are for more. */
#define STACK_BYTES (256 * 1024)

struct client {
    pthread_t thread;
    int number; /* its place in the list */
    int sock;   /* -1: the place is free */
    int ended;  /* the pipe's end to write to */
};

struct echo_thread {
    struct echo_blocking common;
    pthread_attr_t attributes;
    int ended[2]; /* the pipe: numbers of clients that have ended */
    int count;
    struct client clients[ECHO_CLIENTS_MOST];
};

/* A client's thread. The number is less than PIPE_BUF bytes: it is written whole. */
static void *serve_client(void *argument)
{
    const struct client *client = argument;

    echo_blocking_serve(client->sock);
    while (write(client->ended, &client->number, sizeof client->number) == -1 &&
           errno == EINTR)
        continue;
    return NULL;
}

static void start_thread(struct echo_thread *server, int sock)
{
    struct client *client = server->clients;

    if (server->count == ECHO_CLIENTS_MOST) {
        listener_turn_away(sock, LISTENER_FULL);
        return;
    }
    while (client->sock != -1)
        client++;
    client->sock = sock;
    if (pthread_create(&client->thread, &server->attributes, serve_client, client) != 0) {
        client->sock = -1;
        listener_turn_away(sock, LISTENER_FULL);
        return;
    }
    server->count++;
}

/* Closes the connection of a client whose thread has said that it ended. */
static void end_client(struct echo_thread *server)
{
    int number;

    if (read(server->ended[0], &number, sizeof number) != sizeof number)
        return;
    (void)pthread_join(server->clients[number].thread, NULL);
    (void)close(server->clients[number].sock);
    server->clients[number].sock = -1;
    server->count--;
}

static void shut_down_clients(struct echo_thread *server, int how)
{
    for (int i = 0; i < ECHO_CLIENTS_MOST; i++)
        if (server->clients[i].sock != -1)
            (void)shutdown(server->clients[i].sock, how);
}

/*
 * For recv() every client ends after what it has sent by now. One that does not take what
 * it is owed within two seconds ends for send(), too.
 */
static void stop(struct echo_thread *server)
{
    int64_t left, deadline = clock_ms() + 1000 * ECHO_PATIENCE_S;
    struct fdset readable;

    echo_blocking_end(&server->common);
    shut_down_clients(server, SHUT_RD);
    while (server->count > 0 && (left = deadline - clock_ms()) > 0) {
        struct timespec timeout = clock_timespec(left);
        int ready =
            echo_blocking_wait(&server->common, server->ended[0], &readable, &timeout);

        if (ready == -1)
            break;
        if (ready > 0)
            end_client(server);
    }
    shut_down_clients(server, SHUT_RDWR);
    while (server->count > 0)
        end_client(server);
}

static const struct options options = {
    .program = "echo_thread",
    .letters = "b:hp:V",
    .usage = "usage: echo_thread [-hV] [-b address] [-p port]\n",
    .help = "Sends back every byte that it gets, with a thread for each client.\n"
            "  -b address  listen on this address only (default: all, IPv6 and IPv4)\n"
            "  -p port     listen on this port (default: 23000; 0: any free one)\n"
            "  -h          print this help\n"
            "  -V          print the version\n",
};

int main(int argc, char *argv[])
{
    static struct echo_thread server;
    struct fdset readable;
    int sock, error, ready = 0;

    echo_blocking_start(&server.common, &options, argc, argv);
    error = pipe(server.ended) == -1 ? errno : pthread_attr_init(&server.attributes);
    if (error == 0)
        error = pthread_attr_setstacksize(&server.attributes, STACK_BYTES);
    if (error != 0) {
        (void)fprintf(stderr, "echo_thread: cannot start: %s\n", strerror(error));
        return EXIT_FAILURE;
    }
    for (int i = 0; i < ECHO_CLIENTS_MOST; i++)
        server.clients[i] =
            (struct client){.number = i, .sock = -1, .ended = server.ended[1]};
    while (!signals_stop_requested()) {
        /* It calls sigprocmask(), of which POSIX does not say whose mask that is among
           threads; every system takes it for pthread_sigmask(). */
        ready = echo_blocking_wait(&server.common, server.ended[0], &readable, NULL);
        if (ready == -1)
            break;
        if (fdset_has(&readable, server.ended[0]))
            end_client(&server);
        if (!fdset_has(&readable, server.common.srvsock))
            continue;
        sock = echo_blocking_accept(&server.common);
        if (sock != -1)
            start_thread(&server, sock);
    }
    stop(&server);
    (void)pthread_attr_destroy(&server.attributes);
    (void)close(server.ended[0]);
    (void)close(server.ended[1]);
    return ready == -1 ? EXIT_FAILURE : EXIT_SUCCESS;
}
