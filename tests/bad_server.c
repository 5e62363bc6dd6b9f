/*
 * bad_server: a server with one fault, for the tests of the load generator.
 *
 *     bad_server chat FAULT [port]   none lose cut glue twice swap stray pause stall die
 *                                    greet shy shut tilde rename
 *     bad_server echo FAULT [port]   none change lose more close
 *
 * The fault shows at every seventh line or message, early enough for a run of any length.
 * A server that pauses, stalls or dies does so at the first seventh, for two seconds or
 * for ever. Some are not faults: a chat server may greet newcomers and tell nobody of
 * them, be shy until they say something, have a '~' in its names, or say that one of them
 * has a new name (but it must not shut them out). Others are there to be measured:
 *
 * - early: it uses 0.3 s of processor time before it prints its port.
 * - child: at the first seventh line or message a child uses as much, and ends.
 * - large: it touches 20 MB of memory.
 * - slow: it answers after 20 ms.
 *
 * It prints its port, as the kit's servers do, and serves a few clients.
 */
#include "net/listener.h"

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MOST 128 /* in all: a client that has left still counts */
#define EVERY        7   /* lines or messages a fault */
#define BUFFER_SIZE  65536
#define LARGE        (20 * 1000 * 1000)

static const char *fault;
static struct pollfd polled[1 + CLIENTS_MOST]; /* the listener, then the clients */
static nfds_t count = 1;
static bool known[1 + CLIENTS_MOST]; /* in the chat, to the others */

static bool is(const char *name)
{
    return strcmp(fault, name) == 0;
}

/* Uses 0.3 s of the processor. */
static void burn(void)
{
    clock_t end = clock() + CLOCKS_PER_SEC * 3 / 10;

    while (clock() < end)
        continue;
}

static void burn_in_child(void)
{
    pid_t child = fork();

    if (child == 0) {
        burn();
        _exit(EXIT_SUCCESS);
    }
    (void)waitpid(child, NULL, 0);
}

static void touch_memory(void)
{
    volatile char *memory = malloc(LARGE);

    for (size_t i = 0; memory != NULL && i < LARGE; i++)
        memory[i] = 1;
}

/* Does this line or message get the fault? */
static bool is_due(void)
{
    static unsigned long number;

    number++;
    if (is("slow"))
        (void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    if (is("child") && number == EVERY)
        burn_in_child();
    return number % EVERY == 0;
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
        if (i != from && known[i])
            send_to(i, bytes, length);
}

/* ---- Chat --------------------------------------------------------------------------- */

static void chat_newcomer(nfds_t client)
{
    if (is("greet")) {
        send_to(client, "Welcome, you have joined the room\n", 34);
    } else {
        send_to(client, "Welcome\n", 8);
        broadcast(client, "Client joined\n", 14);
    }
    known[client] = true;
    if (is("shut"))
        shutdown(polled[client].fd, SHUT_RDWR);
}

/* A client's line, with its line end. */
static void say(nfds_t from, const char *line, size_t length)
{
    static char kept[BUFFER_SIZE];
    static size_t kept_length;
    static nfds_t kept_from;
    static bool paused;
    bool due = is_due();

    if (!known[from])
        chat_newcomer(from);
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
        if (is("tilde"))
            broadcast(from, "~u@host> ", 9);
        broadcast(from, line, length);
        if (due && is("twice"))
            broadcast(from, line, length);
        if (due && is("stray"))
            broadcast(from, "nobody has said this\n", 21);
        if (due && is("rename"))
            broadcast(from, "Client a is now b\n[r0] <r1> -- the link is up\n", 46);
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

/* ---- Echo --------------------------------------------------------------------------- */

static void echo_client(nfds_t client, char *bytes, size_t length)
{
    bool due = is_due();

    if (due && is("lose"))
        return;
    if (due && is("close")) {
        shutdown(polled[client].fd, SHUT_RDWR);
        return;
    }
    if (due && is("change"))
        bytes[length - 2] ^= 1; /* the last letter of a line */
    send_to(client, bytes, length);
    if (due && is("more"))
        send_to(client, "!", 1);
}

static void serve(bool chat)
{
    static char bytes[BUFFER_SIZE / 2];
    struct sockaddr_storage peer;
    struct listener newcomers;

    listener_init(&newcomers, "", NULL);
    for (;;) {
        poll(polled, count, -1);
        for (nfds_t i = 1; i < count; i++) {
            ssize_t got =
                polled[i].revents == 0 ? -1 : recv(polled[i].fd, bytes, sizeof bytes, 0);

            if (got == 0) {
                close(polled[i].fd);
                polled[i].fd = -1;
            }
            if (got > 0 && chat)
                chat_client(i, bytes, (size_t)got);
            else if (got > 0)
                echo_client(i, bytes, (size_t)got);
        }
        if (polled[0].revents != 0 && count <= CLIENTS_MOST) {
            polled[count].fd = listener_accept(&newcomers, polled[0].fd, &peer);
            polled[count].events = POLLIN;
            if (polled[count].fd != -1 && ++count && chat && !is("shy"))
                chat_newcomer(count - 1);
        }
    }
}

int main(int argc, char *argv[])
{
    struct options_server where = {.address = "127.0.0.1"};
    const char *why = "";

    if (argc < 3 || argc > 4)
        return 2;
    fault = argv[2];
    where.port = argc == 4 ? atoi(argv[3]) : 0;
    if (is("early"))
        burn();
    if (is("large"))
        touch_memory();
    polled[0].fd = listener_open(&where, SOCK_STREAM, &why);
    polled[0].events = POLLIN;
    if (polled[0].fd == -1) {
        fprintf(stderr, "bad_server: cannot listen: %s\n", why);
        return EXIT_FAILURE;
    }
    printf("BadServer started on port %d\n", where.port);
    fflush(stdout);
    serve(strcmp(argv[1], "chat") == 0);
}
