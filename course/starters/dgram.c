/*
 * dgram: sends every datagram back to its sender.
 *
 *     cc -Wall -Wextra -o mine/dgram mine/dgram.c && mine/dgram 4000
 *     make grade LAB=dgram
 *
 * It says how long each datagram is, and answers none. There is no listen(), no accept() and
 * no close() for a client here. Why not?
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void die(const char *what)
{
    perror(what);
    exit(1);
}

int main(int argc, char *argv[])
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int sock = socket(AF_INET, SOCK_DGRAM, 0);

    if (sock == -1)
        die("socket");
    address.sin_port = htons((in_port_t)atoi(argv[argc - 1]));
    if (bind(sock, (struct sockaddr *)&address, sizeof address) == -1)
        die("bind");

    for (;;) {
        char bytes[100]; /* what happens to a datagram that is longer? */
        ssize_t length = recvfrom(sock, bytes, sizeof bytes, 0, NULL, NULL);

        if (length == -1)
            die("recvfrom"); /* whose mistake can this be, and is it a reason to stop? */
        printf("%zd bytes\n", length); /* can it be 0, and what does 0 mean here? */
        fflush(stdout);
        /* Where should the answer go? What can recvfrom() tell about that? */
    }
}
