/*
 * chat_small: the ChatServer of the tutorials, mended, in one file and with libc alone.
 *
 *     chat_small [-p port]
 *
 * In chat_naive.c one bad client stops the server. Three rules make the difference:
 *
 *  1. Nothing waits except select(): every socket is non-blocking.
 *  2. TCP carries bytes (RFC 9293 2.2). So each client has a buffer for a growing line.
 *  3. A client may read slowly. So each client has a buffer for what its socket does not
 *     take yet. The buffer is bounded, and a client that lets it fill up is dropped.
 *
 * What is missing here, and what pchatsrv.c has:
 *
 *  - Patience: pchatsrv makes the writers wait for a client that reads slowly.
 *  - One copy of the text. Here every client has its own, of up to 64 KiB.
 *  - Clean text: escape sequences and telnet's commands (RFC 854) reach everyone.
 *  - A log that waits for nobody. If standard output is not read, the whole room stops.
 *  - A pause after ENFILE, which makes this one spin; a guard for a closed stdout.
 *  - A farewell at Ctrl-C, keepalive, IPv6, a choice of address, names, and commands.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define GREETING    "You're connected to the C chatserver"
#define NAME_MOST   32    /* fits "255.255.255.255:65535" */
#define LINE_MOST   1024  /* a longer line goes out in pieces of this size */
#define TEXT_MOST   1100  /* fits a name and a line */
#define OUTPUT_MOST 65536 /* many screens of text, and 64 MiB for 1,024 such clients */

struct client {
    int sock;
    char name[NAME_MOST];              /* 127.0.0.1:37993 */
    char line[LINE_MOST + 1];          /* rule 2 */
    char output[OUTPUT_MOST];          /* rule 3 */
    size_t line_length, output_length; /* both are 0 if this place is free */
    const char *leaving; /* NULL: it stays. Otherwise this follows "Client left NAME". */
};

struct chat_server {
    int port;
    int srvsock;                       /* the listening socket */
    fd_set descriptors;                /* srvsock and every client: what select() reads */
    long limit;                        /* a client's descriptor is less than this */
    struct client clients[FD_SETSIZE]; /* by descriptor */
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void chat_server_init(struct chat_server *server, in_port_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t length = sizeof address;
    int on = 1;

    server->srvsock = socket(AF_INET, SOCK_STREAM, 0);
    /* SO_REUSEADDR: the port is free although old connections are in TIME-WAIT. SOMAXCONN:
       a newcomer that finds the queue full tries again only a second later. O_NONBLOCK: a
       newcomer may be gone before accept(), which would wait for the next one. */
    if (server->srvsock == -1 ||
        setsockopt(server->srvsock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
        bind(server->srvsock, (struct sockaddr *)&address, length) == -1 ||
        listen(server->srvsock, SOMAXCONN) == -1 ||
        fcntl(server->srvsock, F_SETFL, O_NONBLOCK) == -1 ||
        getsockname(server->srvsock, (struct sockaddr *)&address, &length) == -1)
        die("chat_small: cannot listen");
    server->port = ntohs(address.sin_port);
    FD_ZERO(&server->descriptors);
    FD_SET((unsigned)server->srvsock, &server->descriptors); /* musl's macro divides it */
    /* An fd_set has FD_SETSIZE bits, usually 1024, and FD_SET() does not check. If fewer may
       be open, the last is kept to turn newcomers away: in the queue they wake select(). */
    server->limit = sysconf(_SC_OPEN_MAX) - 1;
    if (server->limit < 0 || server->limit > FD_SETSIZE)
        server->limit = FD_SETSIZE;
    printf("ChatServer started on port %d\n", server->port);
}

/* Sends what the socket takes now: all of it, a part, or nothing. */
static void send_output(struct client *client)
{
    ssize_t sent = send(client->sock, client->output, client->output_length, 0);

    if (sent > 0) {
        client->output_length -= (size_t)sent;
        memmove(client->output, client->output + sent, client->output_length);
    } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
        client->leaving = ""; /* its connection is lost */
    }
}

/* Adds a line to the output that the client is sent at the end of this turn. */
static void queue_line(struct client *client, const char *line)
{
    size_t length = strlen(line) + strlen("\r\n"); /* as telnet ends a line (RFC 854) */

    if (client->output_length + length >= OUTPUT_MOST)
        send_output(client); /* much was said in this turn: the socket may take it all */
    if (client->output_length + length >= OUTPUT_MOST)
        client->leaving = " (too slow)";
    if (client->leaving != NULL)
        return; /* better closed than left with a gap that nobody sees */
    sprintf(client->output + client->output_length, "%s\r\n", line);
    client->output_length += length;
}

static void broadcast_string(struct chat_server *server, const char *str, int omit_sock)
{
    for (int sock = 0; sock < FD_SETSIZE; sock++)
        if (FD_ISSET((unsigned)sock, &server->descriptors) && sock != server->srvsock &&
            sock != omit_sock)
            queue_line(&server->clients[sock], str);
    printf("%s\n", str);
}

static void accept_new_connection(struct chat_server *server)
{
    char text[TEXT_MOST];
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    int newsock = accept(server->srvsock, (struct sockaddr *)&peer, &length);
    struct client *client;

    if (newsock == -1)
        return; /* it may be gone again (ECONNABORTED): no reason to stop */
    if (newsock >= server->limit || fcntl(newsock, F_SETFL, O_NONBLOCK) == -1) {
        dprintf(newsock, "Server full, try again later\r\n"); /* its buffer is empty */
        close(newsock);
        return;
    }
    FD_SET((unsigned)newsock, &server->descriptors);
    client = &server->clients[newsock];
    client->sock = newsock;
    snprintf(client->name, NAME_MOST, "%s:%d", inet_ntoa(peer.sin_addr),
             ntohs(peer.sin_port));
    queue_line(client, GREETING);
    snprintf(text, sizeof text, "Client joined %s", client->name);
    broadcast_string(server, text, newsock);
}

static void say_line(struct chat_server *server, struct client *client)
{
    char text[TEXT_MOST];

    client->line[client->line_length] = '\0';
    client->line_length = 0;
    snprintf(text, sizeof text, "[%s] %s", client->name, client->line);
    broadcast_string(server, text, client->sock);
}

static void receive(struct chat_server *server, struct client *client)
{
    char bytes[4096];
    ssize_t got = recv(client->sock, bytes, sizeof bytes, 0);

    if (got == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return;     /* Linux may drop what made select() report it (select(2), BUGS) */
    if (got <= 0) { /* 0: it has closed its end; -1: its connection is lost */
        if (client->line_length > 0)
            say_line(server, client);
        client->leaving = "";
    }
    for (ssize_t i = 0; i < got; i++) {
        if (bytes[i] == '\r' || bytes[i] == '\0')
            continue; /* a line ends in LF, or CR LF; a NUL would end our string */
        if (bytes[i] == '\n' || client->line_length == LINE_MOST)
            say_line(server, client);
        if (bytes[i] != '\n')
            client->line[client->line_length++] = bytes[i];
    }
}

static void close_client(struct chat_server *server, struct client *client)
{
    char text[TEXT_MOST];

    close(client->sock);
    FD_CLR((unsigned)client->sock, &server->descriptors);
    snprintf(text, sizeof text, "Client left %s%s", client->name, client->leaving);
    *client = (struct client){.sock = client->sock};
    broadcast_string(server, text, client->sock);
}

static void chat_server_run(struct chat_server *server)
{
    for (;;) {
        fd_set readable = server->descriptors, writable; /* select() changes them */

        /* Only where a send was refused: the other sockets are writable all the time. */
        FD_ZERO(&writable);
        for (int sock = 0; sock < FD_SETSIZE; sock++)
            if (server->clients[sock].output_length > 0)
                FD_SET((unsigned)sock, &writable);
        if (select(FD_SETSIZE, &readable, &writable, NULL, NULL) == -1)
            die("chat_small: select");
        if (FD_ISSET((unsigned)server->srvsock, &readable))
            accept_new_connection(server);
        for (int sock = 0; sock < FD_SETSIZE; sock++)
            if (FD_ISSET((unsigned)sock, &readable) && sock != server->srvsock)
                receive(server, &server->clients[sock]);
        for (int sock = 0; sock < FD_SETSIZE; sock++) {
            if (server->clients[sock].output_length > 0)
                send_output(&server->clients[sock]);
            if (server->clients[sock].leaving != NULL)
                close_client(server, &server->clients[sock]);
        }
    }
}

static const char usage[] =
    "usage: chat_small [-h] [-p port]\n"
    "The chat server as it is usually taught, with its worst faults mended.\n"
    "  -p port  listen on this port (default: 2626; 0: any free one)\n"
    "  -h       print this help\n";

int main(int argc, char *argv[])
{
    static struct chat_server server; /* all zero: no clients, empty sets */
    char *text = "2626", *end;
    int option;
    long port;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        argv[1] = "-h";
    while ((option = getopt(argc, argv, "hp:")) == 'p')
        text = optarg;
    if (option == 'h')
        return printf("%s", usage) < 0;
    port = strtol(text, &end, 10);
    if (option != -1 || optind < argc || end == text || *end || port != (in_port_t)port) {
        fputs(usage, stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);         /* or send() to a lost client ends the server */
    setvbuf(stdout, NULL, _IOLBF, 0); /* each line comes at once, even through a pipe */
    chat_server_init(&server, (in_port_t)port);
    chat_server_run(&server);
}
