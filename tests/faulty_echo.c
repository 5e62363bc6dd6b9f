/*
 * faulty_echo: echo servers as students begin with, to grade the grader with.
 *
 *     faulty_echo turns PORT    one client at a time, each to its end
 *     faulty_echo once PORT     one recv() and one send() a client
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_SIZE 1024

static int listen_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((in_port_t)port)};
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    address.sin_addr.s_addr = htonl(INADDR_ANY);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1 ||
        listen(listener, SOMAXCONN) == -1) {
        perror("faulty_echo");
        exit(1);
    }
    return listener;
}

static ssize_t echo(int sock)
{
    char buffer[RECEIVE_SIZE];
    ssize_t length = recv(sock, buffer, sizeof buffer, 0), sent = 0, count = 0;

    while (sent < length && count != -1) {
        count = send(sock, buffer + sent, (size_t)(length - sent), MSG_NOSIGNAL);
        sent += count;
    }
    return count == -1 ? -1 : length;
}

int main(int argc, char *argv[])
{
    int listener;

    if (argc != 3)
        return 2;
    listener = listen_on(atoi(argv[2]));
    for (;;) {
        int sock = accept(listener, NULL, NULL);

        while (sock != -1 && echo(sock) > 0 && strcmp(argv[1], "turns") == 0)
            continue;
        close(sock);
    }
}
