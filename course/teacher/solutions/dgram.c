/*
 * dgram: sends every datagram back to its sender.
 *
 * One socket serves everybody: each datagram brings the address that its answer goes to.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define DATAGRAM_MOST 65535 /* the length in a UDP header has 16 bits (RFC 768) */

static void die(const char *what)
{
    perror(what);
    exit(1);
}

int main(int argc, char *argv[])
{
    static char bytes[DATAGRAM_MOST]; /* what did not fit would be cut off */
    struct sockaddr_in address = {.sin_family = AF_INET};
    int sock = socket(AF_INET, SOCK_DGRAM, 0);

    if (sock == -1)
        die("socket");
    address.sin_port = htons((in_port_t)atoi(argv[argc - 1]));
    if (bind(sock, (struct sockaddr *)&address, sizeof address) == -1)
        die("bind");

    for (;;) {
        struct sockaddr_in peer;
        socklen_t peer_length = sizeof peer; /* recvfrom() changes it */
        ssize_t length = recvfrom(sock, bytes, sizeof bytes, 0, (struct sockaddr *)&peer,
                                  &peer_length);

        /* An error is about an earlier answer that nobody took (ECONNREFUSED). It does not
           concern the next client. A length of 0 is a datagram like any other. */
        if (length == -1)
            continue;
        /* If this fails, the answer is lost, as any datagram may be. */
        sendto(sock, bytes, (size_t)length, 0, (struct sockaddr *)&peer, peer_length);
    }
}
