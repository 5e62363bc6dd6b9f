/*
 * echo_select_blocking: the echo server that a tutorial on select() ends with.
 *
 *     echo_select_blocking [-p port]        (23000; 0: any free port)
 *
 * A yardstick for line_load: about the least that a select() server can do, one recv() and
 * one send() for a message. It is not an example to follow. Its sockets block, so one
 * client that does not read stops everyone; and it has room only for what an fd_set holds.
 */
#include "base/options.h"
#include "net/listener.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

enum { RECEIVE_SIZE = 16384 };

static void echo(int sock, fd_set *descriptors)
{
    static char buffer[RECEIVE_SIZE];
    ssize_t count = recv(sock, buffer, sizeof buffer, 0), sent = 0;

    for (ssize_t at = 0; at < count && sent >= 0; at += sent)
        sent = send(sock, buffer + at, (size_t)(count - at), MSG_NOSIGNAL);
    if (count <= 0 || sent == -1) {
        close(sock);
        FD_CLR((unsigned)sock, descriptors);
    }
}

static const struct options options = {
    .program = "echo_select_blocking",
    .letters = "hp:V",
    .usage = "usage: echo_select_blocking [-hV] [-p port]\n",
    .help = "Sends back every byte: a small select() loop with blocking sockets, to\n"
            "compare echo_srv with.\n"
            "  -p port  listen on this port (default: 23000; 0: any free one)\n"
            "  -h       print this help\n"
            "  -V       print the version\n",
};

int main(int argc, char *argv[])
{
    struct options_server where = {.port = 23000};
    const char *why;
    int listener, highest, sock;
    fd_set descriptors, ready;

    options_next_of_server(&options, argc, argv, &where);
    options_end(&options, argc, argv);
    listener = highest = listener_open(&where, SOCK_STREAM, &why);
    if (listener == -1)
        options_cannot_listen(&options, &where, why);
    printf("EchoServer started on port %d\n", where.port);
    fflush(stdout);
    FD_ZERO(&descriptors);
    FD_SET((unsigned)listener, &descriptors);
    while (ready = descriptors, select(highest + 1, &ready, NULL, NULL, NULL) > 0) {
        for (int i = highest; i >= 0; i--)
            if (FD_ISSET((unsigned)i, &ready) && i != listener)
                echo(i, &descriptors);
        if (!FD_ISSET((unsigned)listener, &ready))
            continue;
        if ((sock = accept(listener, NULL, NULL)) < 0 || sock >= FD_SETSIZE)
            break;
        /* On some systems it is non-blocking, as the listener is. */
        fcntl(sock, F_SETFL, 0);
        FD_SET((unsigned)sock, &descriptors);
        highest = sock > highest ? sock : highest;
    }
    perror("echo_select_blocking: select, or accept");
    return EXIT_FAILURE;
}
