/*
 * hello: says one line to each client, and closes.
 *
 *     cc -Wall -Wextra -o mine/hello mine/hello.c && mine/hello 4000
 *     make grade LAB=hello
 *
 * It accepts, and closes at once. What do its clients get now, and what should they get?
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
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    if (listener == -1)
        die("socket");
    address.sin_port = htons((in_port_t)atoi(argv[argc - 1])); /* why htons()? */

    /* A client is connected, and you restart the server. What does this call return then?
       Which option of the socket changes that? */
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1)
        die("bind");
    if (listen(listener, 5) == -1)
        die("listen");

    for (;;) {
        int sock = accept(listener, NULL, NULL); /* how many sockets are there now? */

        if (sock == -1)
            die("accept");
        /* And if the client has sent something that nobody has read yet: what does
           close() tell it? */
        close(sock);
    }
}
