/*
 * echo_epoll: echo_select_blocking with epoll instead of select(), for Linux only.
 *
 *     echo_epoll [-p port]                  (23000; 0: any free port)
 *
 * A yardstick for line_load: epoll_wait() costs the same however many clients are idle,
 * while select() looks at each of them in every turn.
 */
#include "base/options.h"
#include "net/listener.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { RECEIVE_SIZE = 16384, EVENTS_A_TURN = 256 };

static void watch(int poll, int sock)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = sock};

    if (epoll_ctl(poll, EPOLL_CTL_ADD, sock, &event) == -1)
        perror("echo_epoll: epoll_ctl");
}

static void echo(int sock)
{
    static char buffer[RECEIVE_SIZE];
    ssize_t count = recv(sock, buffer, sizeof buffer, 0), sent = 0;

    for (ssize_t at = 0; at < count && sent >= 0; at += sent)
        sent = send(sock, buffer + at, (size_t)(count - at), MSG_NOSIGNAL);
    if (count <= 0 || sent == -1)
        close(sock); /* epoll forgets it by itself */
}

static const struct options options = {
    .program = "echo_epoll",
    .letters = "hp:V",
    .usage = "usage: echo_epoll [-hV] [-p port]\n",
    .help =
        "Sends back every byte: a small epoll loop, to compare echo_srv with (Linux).\n"
        "  -p port  listen on this port (default: 23000; 0: any free one)\n"
        "  -h       print this help\n"
        "  -V       print the version\n",
};

int main(int argc, char *argv[])
{
    static struct epoll_event events[EVENTS_A_TURN];
    struct options_server where = {.port = 23000};
    const char *why;
    int listener, poll, ready;

    options_next_of_server(&options, argc, argv, &where);
    options_end(&options, argc, argv);
    listener = listener_open(&where, SOCK_STREAM, &why);
    if (listener == -1)
        options_cannot_listen(&options, &where, why);
    poll = epoll_create1(0);
    printf("EchoServer started on port %d\n", where.port);
    fflush(stdout);
    watch(poll, listener);
    while ((ready = epoll_wait(poll, events, EVENTS_A_TURN, -1)) != -1) {
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == listener)
                watch(poll, accept(listener, NULL, NULL));
            else
                echo(events[i].data.fd);
        }
    }
    perror("echo_epoll: epoll_wait");
    return EXIT_FAILURE;
}
