/*
 * bad_server: a server with one fault, for the tests of the load generators
 *
 *     bad_server chat FAULT      none lose cut glue twice swap stray pause stall die
 *     bad_server echo FAULT      none change lose more close
 *     bad_server datagram FAULT  none change lose twice
 *
 * The fault shows at every hundredth line or message; what pauses, stalls or dies does it
 * at the first hundredth, for two seconds or for good. It says its port, as the kit's servers do, and serves a
 * few clients: it is as short as it can be.
 */
#include "net/address.h"
#include "net/listener.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MOST 128 /* in all: one that has left still counts */
#define EVERY        100 /* lines or messages a fault */
#define BUFFER_SIZE  65536

static const char *fault;
static struct pollfd polled[1 + CLIENTS_MOST]; /* the listener, then the clients */
static nfds_t count = 1;

static bool is(const char *name)
{
    return strcmp(fault, name) == 0;
}

/* Is this line or message the one with the fault? */
static bool is_due(void)
{
    static unsigned long number;

    return ++number % EVERY == 0;
}

static void send_to(nfds_t client, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(polled[client].fd, bytes, length, MSG_NOSIGNAL);

        if (sent > 0) {
            bytes += sent;
            length -= (size_t)sent;
        } else if (sent == -1 &&
                   poll(&(struct pollfd){.fd = polled[client].fd, .events = POLLOUT}, 1,
                        1000) != 1) {
            return;
        }
    }
}

static void broadcast(nfds_t from, const char *bytes, size_t length)
{
    for (nfds_t i = 1; i < count; i++)
        if (i != from)
            send_to(i, bytes, length);
}

/* ---- Chat --------------------------------------------------------------------------- */

/* A line of a client, its line end included. */
static void say(nfds_t from, const char *line, size_t length)
{
    static char kept[BUFFER_SIZE];
    static size_t kept_length;
    static nfds_t kept_from;
    static bool paused;
    bool due = is_due();

    if (due && is("pause") && !paused) {
        paused = true;
        (void)sleep(2);
    }
    if (due && is("stall"))
        for (;;)
            (void)pause();
    if (due && is("die"))
        abort();
    if (due && is("lose"))
        return;
    if (due && is("cut")) {
        broadcast(from, line, length / 2);
        broadcast(from, "\n", 1);
    } else if (due && is("glue")) {
        broadcast(from, line, length - 1);
    } else if (due && is("swap")) {
        memcpy(kept, line, length);
        kept_length = length;
        kept_from = from;
    } else {
        broadcast(from, line, length);
        if (due && is("twice"))
            broadcast(from, line, length);
        if (due && is("stray"))
            broadcast(from, "nobody has said this\n", 21);
        if (kept_length > 0 && kept_from == from) {
            broadcast(from, kept, kept_length);
            kept_length = 0;
        }
    }
}

static void chat_client(nfds_t client, char *bytes, size_t length)
{
    static char partial[1 + CLIENTS_MOST][BUFFER_SIZE];
    static size_t have[1 + CLIENTS_MOST];
    char *line = partial[client], *end;

    memcpy(line + have[client], bytes, length);
    have[client] += length;
    while ((end = memchr(line, '\n', have[client])) != NULL) {
        size_t size = (size_t)(end + 1 - line);

        say(client, line, size);
        have[client] -= size;
        memmove(line, end + 1, have[client]);
    }
}

static void chat_newcomer(nfds_t client)
{
    send_to(client, "Welcome\n", 8);
    broadcast(client, "Client joined\n", 14);
}

/* ---- Echo --------------------------------------------------------------------------- */

static void echo_client(nfds_t client, char *bytes, size_t length)
{
    bool due = is_due();

    if (due && is("lose"))
        return;
    if (due && is("close")) {
        (void)shutdown(polled[client].fd, SHUT_RDWR);
        return;
    }
    if (due && is("change"))
        bytes[length / 2] ^= 1;
    send_to(client, bytes, length);
    if (due && is("more"))
        send_to(client, "!", 1);
}

static void serve_streams(bool chat)
{
    static char bytes[BUFFER_SIZE / 2];
    struct sockaddr_storage peer;
    struct listener_spare spare;

    listener_spare_open(&spare);
    for (;;) {
        (void)poll(polled, count, -1);
        for (nfds_t i = 1; i < count; i++) {
            ssize_t got =
                polled[i].revents == 0 ? -1 : recv(polled[i].fd, bytes, sizeof bytes, 0);

            if (got == 0) {
                (void)close(polled[i].fd);
                polled[i].fd = -1;
            }
            if (got > 0 && chat)
                chat_client(i, bytes, (size_t)got);
            else if (got > 0)
                echo_client(i, bytes, (size_t)got);
        }
        if (polled[0].revents != 0 && count <= CLIENTS_MOST) {
            polled[count].fd = listener_accept(polled[0].fd, &spare, "", &peer);
            polled[count].events = POLLIN;
            if (polled[count].fd != -1 && ++count && chat)
                chat_newcomer(count - 1);
        }
    }
}

/* ---- Datagrams ---------------------------------------------------------------------- */

static void serve_datagrams(void)
{
    static char bytes[BUFFER_SIZE];

    for (;;) {
        struct sockaddr_storage peer;
        socklen_t peer_length = sizeof peer;
        ssize_t got;
        bool due;

        (void)poll(polled, 1, -1);
        got = recvfrom(polled[0].fd, bytes, sizeof bytes, 0, (struct sockaddr *)&peer,
                       &peer_length);
        due = got > 0 && is_due();
        if (got < 0 || (due && is("lose")))
            continue;
        if (due && is("change"))
            bytes[got / 2] ^= 1;
        for (int times = due && is("twice") ? 2 : 1; times > 0; times--)
            (void)sendto(polled[0].fd, bytes, (size_t)got, 0, (struct sockaddr *)&peer,
                         peer_length);
    }
}

int main(int argc, char *argv[])
{
    bool datagrams = argc == 3 && strcmp(argv[1], "datagram") == 0;
    const char *why = "";

    if (argc != 3)
        return 2;
    fault = argv[2];
    polled[0].fd =
        listener_open("127.0.0.1", 0, datagrams ? SOCK_DGRAM : SOCK_STREAM, &why);
    polled[0].events = POLLIN;
    if (polled[0].fd == -1) {
        (void)fprintf(stderr, "bad_server: cannot listen: %s\n", why);
        return EXIT_FAILURE;
    }
    printf("BadServer started on port %d\n", listener_port(polled[0].fd));
    (void)fflush(stdout);
    if (datagrams)
        serve_datagrams();
    else
        serve_streams(strcmp(argv[1], "chat") == 0);
}
