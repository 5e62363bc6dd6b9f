/*
 * chat_naive: the ChatServer as tutorials teach it, faults and all.
 *
 *     chat_naive [-p port]
 *
 * It looks finished and works with three telnets. It is here for a class to break and to
 * mend. chat_small.c, beside it, mends the worst of these faults; ../pchatsrv.c mends all
 * of them:
 *
 *  - A client that stops reading freezes everyone for ever, because send() waits for it.
 *  - It treats the result of one recv() as one line. TCP makes no such promise: a line may
 *    come in pieces, and one recv() may return several lines. So lines are cut, or glued
 *    together.
 *  - A client that resets its connection kills the server, by SIGPIPE or in die().
 *  - The queue in listen(5) is short. When many clients connect at once, most of them have
 *    to try again a second or more later.
 *  - Descriptor 1024 does not fit an fd_set. What FD_SET() does with it is undefined.
 *  - When descriptors run out, accept() fails, and the server ends.
 *  - Every line goes to every client in a separate system call.
 *  - Control characters are passed on, so an escape sequence reaches everyone's terminal.
 *    Telnet's commands are treated as text: after Ctrl-C telnet shows nothing more.
 *  - Ctrl-C in the server's terminal ends it without a word to its clients.
 *  - Through a pipe its output comes late, several KiB at a time.
 *  - It listens on every address, and on IPv4 only.
 *  - atoi() takes anything for a port: "x" becomes 0 (any port), and 70000 becomes 4464.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RECEIVE_SIZE = 100, /* what the tutorial's server receives at a time */
    NAME_SIZE = 32      /* fits "255.255.255.255:65535" */
};

struct chat_server {
    int port;
    int srvsock;
    fd_set descriptors; /* the listening socket and every client */
    int highest;        /* the highest descriptor, for select() */
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void peer_name(int sock, char name[NAME_SIZE])
{
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;

    if (getpeername(sock, (struct sockaddr *)&peer, &length) < 0)
        die("chat_naive: getpeername");
    snprintf(name, NAME_SIZE, "%s:%d", inet_ntoa(peer.sin_addr), ntohs(peer.sin_port));
}

static void chat_server_init(struct chat_server *server, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int on = 1;

    address.sin_port = htons((in_port_t)port);
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    server->srvsock = socket(AF_INET, SOCK_STREAM, 0);
    if (server->srvsock < 0)
        die("chat_naive: socket");
    setsockopt(server->srvsock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(server->srvsock, (struct sockaddr *)&address, length) < 0)
        die("chat_naive: bind");
    if (listen(server->srvsock, 5) < 0)
        die("chat_naive: listen");
    if (getsockname(server->srvsock, (struct sockaddr *)&address, &length) < 0)
        die("chat_naive: getsockname");

    server->port = ntohs(address.sin_port);
    FD_ZERO(&server->descriptors);
    FD_SET((unsigned)server->srvsock, &server->descriptors);
    server->highest = server->srvsock;
    printf("ChatServer started on port %d\n", server->port);
    fflush(stdout);
}

static void broadcast_string(struct chat_server *server, const char *text, size_t length,
                             int omit_sock)
{
    for (int sock = 0; sock <= server->highest; sock++) {
        if (FD_ISSET((unsigned)sock, &server->descriptors) && sock != server->srvsock &&
            sock != omit_sock && send(sock, text, length, 0) < 0)
            die("chat_naive: send");
    }
    fwrite(text, 1, length, stdout);
}

static void accept_new_connection(struct chat_server *server)
{
    static const char greeting[] = "You're connected to the C chatserver\r\n";
    char name[NAME_SIZE], text[NAME_SIZE + 32];
    int newsock = accept(server->srvsock, NULL, NULL);

    if (newsock < 0)
        die("chat_naive: accept");
    FD_SET((unsigned)newsock, &server->descriptors);
    if (newsock > server->highest)
        server->highest = newsock;
    if (send(newsock, greeting, strlen(greeting), 0) < 0)
        die("chat_naive: send");
    peer_name(newsock, name);
    snprintf(text, sizeof text, "Client joined %s\r\n", name);
    broadcast_string(server, text, strlen(text), newsock);
}

static void receive_from(struct chat_server *server, int sock)
{
    char name[NAME_SIZE], text[NAME_SIZE + 32 + RECEIVE_SIZE], received[RECEIVE_SIZE];
    ssize_t count = recv(sock, received, sizeof received, 0);

    if (count < 0)
        die("chat_naive: recv");
    peer_name(sock, name);
    if (count == 0) {
        snprintf(text, sizeof text, "Client left %s\r\n", name);
        broadcast_string(server, text, strlen(text), sock);
        close(sock);
        FD_CLR((unsigned)sock, &server->descriptors);
    } else {
        snprintf(text, sizeof text, "[%s] ", name);
        size_t length = strlen(text);
        memcpy(text + length, received, (size_t)count);
        broadcast_string(server, text, length + (size_t)count, sock);
    }
}

static void chat_server_run(struct chat_server *server)
{
    for (;;) {
        fd_set ready = server->descriptors;
        int highest = server->highest; /* a newcomer of this turn is not in `ready` */

        if (select(highest + 1, &ready, NULL, NULL, NULL) < 0)
            die("chat_naive: select");
        for (int sock = 0; sock <= highest; sock++) {
            if (!FD_ISSET((unsigned)sock, &ready))
                continue;
            if (sock == server->srvsock)
                accept_new_connection(server);
            else
                receive_from(server, sock);
        }
    }
}

static const char usage[] = "usage: chat_naive [-h] [-p port]\n";
static const char help[] =
    "The chat server as it is usually taught, with its faults.\n"
    "  -p port  listen on this port (default: 2626; 0: any free one)\n"
    "  -h       print this help\n";

int main(int argc, char **argv)
{
    struct chat_server server;
    int port = 2626, option;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        argv[1] = "-h";
    while ((option = getopt(argc, argv, "hp:")) != -1) {
        if (option == 'h')
            return printf("%s%s", usage, help) < 0;
        if (option != 'p') {
            fputs(usage, stderr);
            return 2;
        }
        port = atoi(optarg);
    }
    chat_server_init(&server, port);
    chat_server_run(&server);
}
