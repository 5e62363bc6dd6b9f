/*
 * web: serves the files below www/ to browsers.
 *
 *     cc -Wall -Wextra -pthread -o mine/web mine/web.c && mine/web 4000
 *     make grade LAB=web
 *
 * It answers everything with Hello. Try it in a browser, or with http_get -i.
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
    /* Which of these lines must be right, and how does the client know where the text
       ends? What would be different for a file? */
    static const char answer[] = "HTTP/1.1 200 OK\r\n"
                                 "Content-Type: text/plain\r\n"
                                 "Content-Length: 6\r\n"
                                 "Connection: close\r\n"
                                 "\r\n"
                                 "Hello\n";
    char request[1024];

    /* Where does a request end? Is all of it there yet? Can it be too long? */
    if (recv(sock, request, sizeof request, 0) <= 0)
        return;
    /* What is asked for, and may this client have it? */
    send(sock, answer, strlen(answer), MSG_NOSIGNAL);
}

int main(int argc, char *argv[])
{
    int listener = listen_on(atoi(argv[argc - 1]));

    for (;;) {
        int sock = accept(listener, NULL, NULL);

        if (sock == -1)
            die("accept");
        serve(sock); /* a browser opens six connections at once */
        close(sock);
    }
}
