/*
 * faulty_echo: echo servers as students begin with, to grade the grader with.
 *
 *     faulty_echo turns PORT    one client at a time, each to its end
 *     faulty_echo text PORT     the same, and as many bytes as strlen() says
 *     faulty_echo whole PORT    the same, and all of its buffer
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

/* How many bytes it sends of those that it has received. */
static ssize_t length_of(const char *buffer, ssize_t received, const char *fault)
{
    if (strcmp(fault, "text") == 0)
        return (ssize_t)strlen(buffer);
    return strcmp(fault, "whole") == 0 && received > 0 ? RECEIVE_SIZE : received;
}

static ssize_t echo(int sock, const char *fault)
{
    char buffer[RECEIVE_SIZE + 1] = "";
    ssize_t length = recv(sock, buffer, RECEIVE_SIZE, 0), sent = 0, count = 0;
    ssize_t owed = length_of(buffer, length, fault);

    while (sent < owed && count != -1) {
        count = send(sock, buffer + sent, (size_t)(owed - sent), MSG_NOSIGNAL);
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

        while (sock != -1 && echo(sock, argv[1]) > 0 && strcmp(argv[1], "once") != 0)
            continue;
        close(sock);
    }
}
