/*
 * dgram_select_blocking: the datagram echo server that a tutorial on select() ends with
 *
 * usage: dgram_select_blocking [-p port]       (23000 unless told; 0: any free port)
 *
 * A yardstick for echo_load -u: one select(), one recvfrom() and one sendto() a datagram.
 * It answers everyone, another echo server too: two of them can be made to talk for ever.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int bind_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET}; /* any address: 0 */
    socklen_t length = sizeof address;
    int sock = socket(AF_INET, SOCK_DGRAM, 0);

    address.sin_port = htons((in_port_t)port);
    if (sock == -1 || bind(sock, (struct sockaddr *)&address, length) == -1 ||
        getsockname(sock, (struct sockaddr *)&address, &length) == -1)
        die("dgram_select_blocking: cannot bind");
    printf("DatagramServer started on port %d\n", ntohs(address.sin_port));
    (void)fflush(stdout);
    return sock;
}

int main(int argc, char **argv)
{
    static char datagram[65535];
    int sock = bind_to(argc == 3 && strcmp(argv[1], "-p") == 0 ? atoi(argv[2]) : 23000);
    struct sockaddr_in peer;
    fd_set ready;

    FD_ZERO(&ready);
    FD_SET((unsigned)sock, &ready); /* select() leaves it there: it is what was ready */
    while (select(sock + 1, &ready, NULL, NULL, NULL) > 0) {
        socklen_t length = sizeof peer;
        ssize_t count = recvfrom(sock, datagram, sizeof datagram, 0,
                                 (struct sockaddr *)&peer, &length);

        if (count != -1) /* what cannot be sent is lost, as datagrams may be */
            (void)sendto(sock, datagram, (size_t)count, 0, (struct sockaddr *)&peer,
                         length);
    }
    die("dgram_select_blocking: select");
}
