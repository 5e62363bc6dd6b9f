/*
 * name: answers each line with the line and a name: "Hello" with "Hello Ali".
 *
 *     cc -Wall -Wextra -pthread -o mine/name mine/name.c && mine/name 4000
 *     make grade LAB=name
 *
 * So far it is an echo server for one client at a time. Two things are missing: it must know
 * where a line ends, and it must serve three clients at once. Will you give each client a
 * process, give each a thread, or wait for all of them with select()?
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAME "Ali" /* yours */

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

static bool send_all(int sock, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(sock, bytes, length, MSG_NOSIGNAL);

        if (sent == -1)
            return false;
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

static void serve(int sock)
{
    char bytes[1024];
    ssize_t got;

    /* One recv() may give half a line, or three. Which of these bytes are a line? What must
       be kept for the next time, and where, if every client has its own line? */
    while ((got = recv(sock, bytes, sizeof bytes, 0)) > 0)
        if (!send_all(sock, bytes, (size_t)got))
            return;
    /* The client has said all. Was its last line complete? Is it owed an answer? */
}

int main(int argc, char *argv[])
{
    int listener = listen_on(atoi(argv[argc - 1]));

    printf("I am %s\n", NAME);
    for (;;) {
        int sock = accept(listener, NULL, NULL);

        if (sock == -1)
            die("accept");
        serve(sock);
        close(sock);
    }
}
