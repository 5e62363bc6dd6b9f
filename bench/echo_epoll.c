/*
 * echo_epoll: an echo server on epoll, for Linux alone
 *
 * usage: echo_epoll [-p port]                  (23000 unless told; 0: any free port)
 *
 * A yardstick for echo_load: what Linux could do without select(). Level-triggered, with
 * non-blocking sockets and Nagle's algorithm off. What was received is sent at once, since
 * there's room nearly always; what isn't taken waits in the client's buffer, and meanwhile
 * nothing more is received from that client. epoll_wait() costs the same however many
 * clients are idle, where select() looks at each of them in every turn. IPv4 only.
 */
#define _GNU_SOURCE /* accept4() */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER_SIZE = 65536, EVENTS_A_TURN = 256 };

struct client {
    int sock;
    size_t sent, length;      /* buffer[sent..length - 1] has to be sent yet */
    char buffer[BUFFER_SIZE]; /* pages that are never written take no memory */
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int listen_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

    address.sin_port = htons((in_port_t)port);
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    if (listener == -1 ||
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
        bind(listener, (struct sockaddr *)&address, length) == -1 ||
        listen(listener, SOMAXCONN) == -1 ||
        getsockname(listener, (struct sockaddr *)&address, &length) == -1)
        die("echo_epoll: cannot listen");
    printf("EchoServer started on port %d\n", ntohs(address.sin_port));
    (void)fflush(stdout);
    return listener;
}

/* Has epoll_wait() tell of `events` on `sock`, and give `client` back with them. */
static void watch(int poll, int operation, int sock, uint32_t events,
                  struct client *client)
{
    struct epoll_event event = {.events = events, .data.ptr = client};

    if (epoll_ctl(poll, operation, sock, &event) == -1)
        die("echo_epoll: epoll_ctl");
}

static void accept_all(int poll, int listener)
{
    int sock, on = 1;

    while ((sock = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) != -1) {
        struct client *client = malloc(sizeof *client);

        if (client == NULL)
            die("echo_epoll: malloc");
        client->sock = sock;
        client->sent = client->length = 0;
        (void)setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(poll, EPOLL_CTL_ADD, sock, EPOLLIN, client);
    }
    if (errno == EMFILE || errno == ENFILE)
        die("echo_epoll: accept");
}

static void client_close(struct client *client)
{
    (void)close(client->sock); /* epoll forgets it by itself */
    free(client);
}

/* Sends what is owed. When not all of it is taken, the client is watched for room, and
 * not for more, until it is. Returns false when the client is gone. */
static bool client_flush(int poll, struct client *client, bool waited)
{
    ssize_t count = send(client->sock, client->buffer + client->sent,
                         client->length - client->sent, MSG_NOSIGNAL);

    if (count == -1 && errno != EAGAIN)
        return false;
    if (count > 0)
        client->sent += (size_t)count;
    if (client->sent == client->length)
        client->sent = client->length = 0;
    if (waited != (client->length > 0))
        watch(poll, EPOLL_CTL_MOD, client->sock, waited ? EPOLLIN : EPOLLOUT, client);
    return true;
}

static bool client_read(int poll, struct client *client)
{
    ssize_t count = recv(client->sock, client->buffer, BUFFER_SIZE, 0);

    if (count == -1)
        return errno == EAGAIN;
    client->length = (size_t)count;
    return count > 0 && client_flush(poll, client, false);
}

int main(int argc, char **argv)
{
    static struct epoll_event events[EVENTS_A_TURN];
    int port = argc == 3 && strcmp(argv[1], "-p") == 0 ? atoi(argv[2]) : 23000;
    int listener = listen_on(port), poll = epoll_create1(0);

    if (poll == -1)
        die("echo_epoll: epoll_create1");
    watch(poll, EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
    for (;;) {
        int ready = epoll_wait(poll, events, EVENTS_A_TURN, -1);

        if (ready == -1)
            die("echo_epoll: epoll_wait");
        for (int i = 0; i < ready; i++) {
            struct client *client = events[i].data.ptr;

            if (client == NULL)
                accept_all(poll, listener);
            else if (client->length > 0 ? !client_flush(poll, client, true)
                                        : !client_read(poll, client))
                client_close(client);
        }
    }
}
