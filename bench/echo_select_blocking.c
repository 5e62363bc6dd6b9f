/*
 * echo_select_blocking: the echo server that a tutorial on select() ends with
 *
 * usage: echo_select_blocking [-p port]        (23000 unless told; 0: any free port)
 *
 * A yardstick for echo_load: about the least that a select() server can do, one recv() and
 * one send() a message. It's no example to follow: its sockets block, so that a client that
 * doesn't read stops it for all; it has Nagle's algorithm on; it ends when it's out of
 * descriptors. IPv4 only.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RECEIVE_SIZE = 16384 };

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int listen_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    address.sin_port = htons((in_port_t)port);
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    if (listener == -1 ||
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
        bind(listener, (struct sockaddr *)&address, length) == -1 ||
        listen(listener, SOMAXCONN) == -1 ||
        getsockname(listener, (struct sockaddr *)&address, &length) == -1)
        die("echo_select_blocking: cannot listen");
    printf("EchoServer started on port %d\n", ntohs(address.sin_port));
    (void)fflush(stdout);
    return listener;
}

static int accept_from(int listener)
{
    int sock = accept(listener, NULL, NULL);

    if (sock == -1 || sock >= FD_SETSIZE)
        die("echo_select_blocking: no connection, or no room for it");
    return sock;
}

static void echo(int sock, fd_set *descriptors)
{
    static char buffer[RECEIVE_SIZE];
    ssize_t count = recv(sock, buffer, sizeof buffer, 0), sent = 0;

    for (ssize_t at = 0; at < count && sent >= 0; at += sent)
        sent = send(sock, buffer + at, (size_t)(count - at), MSG_NOSIGNAL);
    if (count <= 0 || sent == -1) {
        (void)close(sock);
        FD_CLR((unsigned)sock, descriptors);
    }
}

int main(int argc, char **argv)
{
    int port = argc == 3 && strcmp(argv[1], "-p") == 0 ? atoi(argv[2]) : 23000;
    int listener = listen_on(port), highest = listener;
    fd_set descriptors, ready;

    FD_ZERO(&descriptors);
    FD_SET((unsigned)listener, &descriptors);
    while (ready = descriptors, select(highest + 1, &ready, NULL, NULL, NULL) > 0) {
        for (int sock = highest; sock >= 0; sock--) {
            if (FD_ISSET((unsigned)sock, &ready) && sock == listener) {
                int newcomer = accept_from(listener);
                FD_SET((unsigned)newcomer, &descriptors);
                highest = newcomer > highest ? newcomer : highest;
            } else if (FD_ISSET((unsigned)sock, &ready)) {
                echo(sock, &descriptors);
            }
        }
    }
    die("echo_select_blocking: select");
}
