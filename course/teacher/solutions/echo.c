/*
 * echo: sends every byte back, to as many clients as an fd_set holds.
 *
 * Nothing waits except select(). A client is read from while it is owed nothing, and written
 * to while it is owed something, so a client that does not read costs one buffer and delays
 * nobody. That is back-pressure: TCP stops a sender whose server has stopped reading.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_BYTES 16384

struct client {
    char bytes[BUFFER_BYTES]; /* what it is owed: from `sent` up to `got` */
    size_t sent, got;
};

static fd_set readers, writers; /* the listening socket and all clients, each in one */
static struct client clients[FD_SETSIZE]; /* by descriptor */
static int limit;                         /* a client's descriptor is less than this */

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static bool is_passing(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static int listen_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    long most = sysconf(_SC_OPEN_MAX);

    if (listener == -1)
        die("socket");
    address.sin_port = htons((in_port_t)port);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1)
        die("bind");
    if (listen(listener, SOMAXCONN) == -1)
        die("listen");
    /* A newcomer may be gone between select() and accept(), which would wait then. */
    if (fcntl(listener, F_SETFL, O_NONBLOCK) == -1)
        die("fcntl");
    FD_SET(listener, &readers);
    /* The last descriptor is kept to turn newcomers away: in the queue they would wake
       select() for ever. And an fd_set has no bit for FD_SETSIZE and more. */
    limit = most > 0 && most <= FD_SETSIZE ? (int)most - 1 : FD_SETSIZE;
    return listener;
}

static void take_in(int listener)
{
    int sock = accept(listener, NULL, NULL);

    if (sock == -1)
        return;
    if (sock >= limit || fcntl(sock, F_SETFL, O_NONBLOCK) == -1) {
        close(sock);
        return;
    }
    clients[sock].sent = clients[sock].got = 0;
    FD_SET(sock, &readers);
}

static void let_go(int sock)
{
    FD_CLR(sock, &readers);
    FD_CLR(sock, &writers);
    close(sock);
}

/* Sends what the socket takes of what the client is owed. The rest waits for select(). */
static void send_rest(int sock)
{
    struct client *client = &clients[sock];
    ssize_t sent =
        send(sock, client->bytes + client->sent, client->got - client->sent, 0);

    if (sent == -1 && !is_passing(errno)) {
        let_go(sock);
        return;
    }
    if (sent > 0)
        client->sent += (size_t)sent;
    if (client->sent == client->got) {
        FD_CLR(sock, &writers);
        FD_SET(sock, &readers);
    } else {
        FD_CLR(sock, &readers);
        FD_SET(sock, &writers);
    }
}

/* A client is read from only while it is owed nothing, so its end comes after all its echo. */
static void receive(int sock)
{
    struct client *client = &clients[sock];
    ssize_t got = recv(sock, client->bytes, sizeof client->bytes, 0);

    if (got == -1 && is_passing(errno))
        return;
    if (got <= 0) { /* 0: it has said all; -1: its connection is lost */
        let_go(sock);
        return;
    }
    client->sent = 0;
    client->got = (size_t)got;
    send_rest(sock);
}

int main(int argc, char *argv[])
{
    int listener = listen_on(atoi(argv[argc - 1]));

    signal(SIGPIPE, SIG_IGN); /* a send() to a client that is gone must only fail */
    for (;;) {
        fd_set readable = readers, writable = writers; /* select() changes them */

        if (select(FD_SETSIZE, &readable, &writable, NULL, NULL) == -1)
            die("select");
        if (FD_ISSET(listener, &readable))
            take_in(listener);
        for (int sock = 0; sock < FD_SETSIZE; sock++) {
            if (sock != listener && FD_ISSET(sock, &readable))
                receive(sock);
            else if (FD_ISSET(sock, &writable))
                send_rest(sock);
        }
    }
}
