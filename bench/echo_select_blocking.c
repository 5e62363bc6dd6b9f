/*
 * echo_select_blocking: the echo server that a tutorial on select() ends with.
 *
 *     echo_select_blocking [-p port]        (23000; 0: any free port)
 *
 * A yardstick for line_load: about the least that a select() server can do, one recv() and
 * one send() for a message. It is not an example to follow. Its sockets block, so one
 * client that does not read stops everyone; and it has room only for what an fd_set holds.
 */
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

int main(int argc, char *argv[])
{
    int port = argc == 3 && strcmp(argv[1], "-p") == 0 ? atoi(argv[2]) : 23000, sock;
    const char *why = "";
    int listener = listener_open(NULL, port, SOCK_STREAM, &why), highest = listener;
    fd_set descriptors, ready;

    if (listener == -1) {
        fprintf(stderr, "echo_select_blocking: cannot listen: %s\n", why);
        return EXIT_FAILURE;
    }
    printf("EchoServer started on port %d\n", listener_port(listener));
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
        fcntl(sock, F_SETFL,
              0); /* on some systems it is non-blocking, as the listener is */
        FD_SET((unsigned)sock, &descriptors);
        highest = sock > highest ? sock : highest;
    }
    perror("echo_select_blocking: select, or accept");
    return EXIT_FAILURE;
}
