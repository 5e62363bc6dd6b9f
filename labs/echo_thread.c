/*
 * echo_thread: the echo server with a thread for each client. This is the second of three
 * ways to serve many; echo_fork.c and ../echo_srv.c are the others.
 *
 *     echo_thread [-v] [-b address] [-p port]
 *
 * A thread serves one client and may wait for it, as a process may, and costs less. But
 * all threads of a process share its memory and its descriptors. Here they share as little
 * as possible. A thread gets its client's socket; when the client is gone, the thread
 * writes the socket's number into a pipe. The main thread reads the pipe, and only the
 * main thread opens and closes sockets and changes the list. What only one thread touches
 * needs no lock.
 *
 * The pipe has one more advantage: it is a descriptor, so the main thread can wait for
 * newcomers and for threads that have ended in one call. POSIX has no such call for a
 * condition variable and a socket.
 */
#include "loop/echo_blocking.h"

#include "base/clock.h"
#include "base/fdset.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * A thread needs 16 KiB for what it echoes. The usual stack of 8 MiB is only reserved, not
 * used, but 1,000 of them are 8 GB of addresses: too many for a 32-bit system, or for a
 * limit on memory (ulimit -v).
 */
#define STACK_BYTES (256 * 1024)

struct client {
    bool is_there;
    pthread_t thread;
    int sock;
    int ended; /* the pipe's end to write to */
    char name[ADDRESS_MOST];
};

struct echo_thread {
    struct echo_blocking common;
    pthread_attr_t attributes;
    int ended[2]; /* the pipe: sockets of clients that have ended */
    int count;
    struct client clients[FD_SETSIZE]; /* by socket */
};

/* A client's thread. POSIX does not mix writes of up to PIPE_BUF bytes to a pipe. */
static void *serve_client(void *argument)
{
    const struct client *client = argument;

    echo_blocking_serve(client->sock);
    while (write(client->ended, &client->sock, sizeof client->sock) == -1 &&
           errno == EINTR)
        continue;
    return NULL;
}

static void start_thread(struct echo_thread *server, int sock, const char *name)
{
    struct client *client = &server->clients[sock];

    client->sock = sock;
    client->ended = server->ended[1];
    strcpy(client->name, name);
    if (server->count == ECHO_CLIENTS_MOST ||
        pthread_create(&client->thread, &server->attributes, serve_client, client) != 0) {
        echo_blocking_closed(&server->common, name);
        listener_turn_away(sock, LISTENER_FULL);
        return;
    }
    client->is_there = true;
    server->count++;
}

/*
 * Closes the connection of a client whose thread has ended. The thread does not close it
 * itself: by the time the main thread calls shutdown() for it, the descriptor's number
 * could belong to a newcomer. pthread_join() frees the thread's stack.
 */
static void end_client(struct echo_thread *server)
{
    struct client *client;
    int sock;

    if (read(server->ended[0], &sock, sizeof sock) != sizeof sock)
        return;
    client = &server->clients[sock];
    pthread_join(client->thread, NULL);
    echo_blocking_closed(&server->common, client->name);
    close(sock);
    client->is_there = false;
    server->count--;
}

static void shut_down_clients(struct echo_thread *server, int how)
{
    for (int sock = 0; sock < FD_SETSIZE; sock++)
        if (server->clients[sock].is_there)
            shutdown(sock, how);
}

/*
 * shutdown() wakes a thread that waits in recv(); close() would not. After SHUT_RD recv()
 * returns what has come by now, and then 0, and the thread ends when it has sent all of
 * that. SHUT_RDWR ends the threads whose clients do not take it within two seconds.
 */
static void stop(struct echo_thread *server)
{
    int64_t deadline = clock_ms() + 1000 * ECHO_PATIENCE_S;
    struct fdset readable;

    echo_blocking_end(&server->common);
    shut_down_clients(server, SHUT_RD);
    while (server->count > 0 && clock_ms() < deadline) {
        int ready =
            echo_blocking_wait(&server->common, server->ended[0], &readable, deadline);

        if (ready == -1)
            break;
        if (fdset_has(&readable, server->ended[0])) /* or only the log was ready */
            end_client(server);
    }
    shut_down_clients(server, SHUT_RDWR);
    while (server->count > 0)
        end_client(server);
}

static const struct options options = {
    .program = "echo_thread",
    .letters = "b:hp:vV",
    .usage = "usage: echo_thread [-hvV] [-b address] [-p port]\n",
    .help = "Sends back every byte that it receives, with a thread for each client.\n"
            "  -b address  listen on this address only (default: all, IPv6 and IPv4)\n"
            "  -p port     listen on this port (default: 23000; 0: any free one)\n"
            "  -v          print a line for each connection opened or closed\n"
            "  -h          print this help\n"
            "  -V          print the version\n",
};

static void start(struct echo_thread *server, int argc, char *argv[])
{
    int error;

    echo_blocking_start(&server->common, &options, argc, argv);
    error = pipe(server->ended) == -1 ? errno : pthread_attr_init(&server->attributes);
    if (error == 0 && server->ended[0] >= FD_SETSIZE) /* select() could not watch it */
        error = EMFILE;
    if (error == 0)
        error = pthread_attr_setstacksize(&server->attributes, STACK_BYTES);
    if (error != 0)
        options_fail(&options, "cannot start: %s", strerror(error));
    echo_blocking_announce(&server->common);
}

int main(int argc, char *argv[])
{
    static struct echo_thread server;
    char name[ADDRESS_MOST];
    struct fdset readable;
    int sock, ready = 0;

    start(&server, argc, argv);
    while (!signals_stop_requested()) {
        /* A thread inherits the signal mask of the thread that creates it, so signals are
           blocked in all of them; only this wait unblocks them. It also calls
           sigprocmask(), which POSIX leaves undefined with threads; in practice it acts as
           pthread_sigmask(). */
        ready = echo_blocking_wait(&server.common, server.ended[0], &readable, INT64_MAX);
        if (ready == -1)
            break;
        if (fdset_has(&readable, server.ended[0]))
            end_client(&server);
        if (!fdset_has(&readable, server.common.srvsock))
            continue;
        sock = echo_blocking_accept(&server.common, name);
        if (sock != -1)
            start_thread(&server, sock, name);
    }
    stop(&server);
    log_finish(&server.common.log, 1000 * ECHO_PATIENCE_S);
    pthread_attr_destroy(&server.attributes);
    close(server.ended[0]);
    close(server.ended[1]);
    return ready == -1 ? EXIT_FAILURE : EXIT_SUCCESS;
}
