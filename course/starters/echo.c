/*
 * echo: sends every byte back.
 *
 *     cc -Wall -Wextra -o mine/echo mine/echo.c && mine/echo 4000
 *     make grade LAB=echo
 *
 * It answers once and closes. One client at a time will do today.
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

static int listen_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    if (listener == -1)
        die("socket");
    address.sin_port = htons((in_port_t)port);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1)
        die("bind");
    if (listen(listener, SOMAXCONN) == -1)
        die("listen");
    return listener;
}

static void serve(int sock)
{
    char bytes[1024];
    ssize_t got = recv(sock, bytes, sizeof bytes, 0);

    /* 0 and -1 are not lengths. What has happened in each case? */
    if (got <= 0)
        return;
    /* Has the client said all that it wanted to say? How would you know? */

    /* This returns a number too. Is it always the one that you asked for? */
    send(sock, bytes, (size_t)got, MSG_NOSIGNAL);
}

int main(int argc, char *argv[])
{
    int listener = listen_on(atoi(argv[argc - 1]));

    for (;;) {
        int sock = accept(listener, NULL, NULL);

        if (sock == -1)
            die("accept");
        serve(sock); /* who else is served meanwhile? */
        close(sock);
    }
}
