/*
 * chat: the chat room of the last exercise. It earns 100 of 100.
 *
 *     chat PORT
 *
 * Its design is that of labs/chat_small.c: one select() loop in which nothing else waits, a
 * buffer for each client's unfinished line, and a buffer for what its socket does not take
 * yet. What chat_small leaves out is here:
 *
 *  - Patience. While one client's output is more than half full, the server reads from
 *    nobody and lets nobody in. So TCP stops the writers, and the room goes at the pace of
 *    its slowest reader. A reader that is in the way for two seconds is closed.
 *  - Clean text. A telnet's commands are taken out and answered; control characters become
 *    question marks.
 *  - A farewell at Ctrl-C.
 *
 * pchatsrv.c has more: one copy of the text for all clients, a log that waits for nobody,
 * IPv6, names, and commands.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define GREETING "Welcome to the room"
#define FULL     "The room is full, try again later\r\n"
#define FAREWELL "The room closes"

#define NAME_MOST 32   /* fits "255.255.255.255:65535" */
#define LINE_MOST 1024 /* a longer line goes out in pieces of this size */
#define TEXT_MOST 1100 /* fits a name and a line */

/* Each byte received may be an empty line, and goes out as 26 bytes: a name, and CR LF. What
   one recv() brings fits into half of the output. */
#define RECEIVE_MOST 1024
#define OUTPUT_MOST  65536
#define OUTPUT_HALF  (OUTPUT_MOST / 2)

#define PATIENCE_S 2

/* Telnet's commands (RFC 854), and the option that it sends at Ctrl-C (RFC 860). */
enum { WILL = 251, WONT = 252, DO = 253, DONT = 254, IAC = 255, TIMING_MARK = 6 };

struct client {
    int sock;
    char name[NAME_MOST]; /* 127.0.0.1:37993 */
    char line[LINE_MOST + 1];
    char output[OUTPUT_MOST];
    size_t line_length, output_length;
    unsigned char command[3]; /* telnet's: as much of it as has come */
    size_t command_length;
    time_t behind_since; /* 0: its output is less than half full */
    const char *leaving; /* NULL: it stays. Otherwise this follows "Client left NAME". */
};

struct room {
    int listener;
    fd_set descriptors; /* the listener and every client */
    int limit;          /* a client's descriptor is less than this */
    bool is_behind;     /* somebody's output is more than half full: nobody may speak */
    struct client clients[FD_SETSIZE]; /* by descriptor */
};

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
    (void)signal_number;
    stopped = 1;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* Seconds, never 0, of a clock that nobody sets. */
static time_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + 1;
}

/* ---- What a client is sent ------------------------------------------------------------- */

/* Sends what the socket takes now: all of it, a part, or nothing. */
static void send_output(struct client *client)
{
    ssize_t sent = send(client->sock, client->output, client->output_length, 0);

    if (sent == -1 && errno != EAGAIN && errno != EWOULDBLOCK)
        client->leaving = ""; /* its connection is lost */
    if (sent > 0) {
        client->output_length -= (size_t)sent;
        memmove(client->output, client->output + sent, client->output_length);
    }
}

/* Adds bytes to the output that the client is sent at the end of this turn, or earlier if
   they are many. */
static void queue(struct room *room, struct client *client, const char *bytes,
                  size_t length)
{
    if (client->output_length + length > OUTPUT_HALF)
        send_output(client);
    if (client->output_length + length > OUTPUT_HALF)
        room->is_behind = true;
    if (client->output_length + length > OUTPUT_MOST)
        client->leaving = " (too slow)";
    if (client->leaving != NULL)
        return; /* better closed than left with a gap that nobody sees */
    memcpy(client->output + client->output_length, bytes, length);
    client->output_length += length;
}

static void broadcast(struct room *room, const char *line, int omit)
{
    char text[TEXT_MOST + 2];
    int length = snprintf(text, sizeof text, "%s\r\n", line);

    for (int sock = 0; sock < FD_SETSIZE; sock++)
        if (FD_ISSET(sock, &room->descriptors) && sock != room->listener && sock != omit)
            queue(room, &room->clients[sock], text, (size_t)length);
    printf("%s\n", line);
}

/* ---- What a client says ------------------------------------------------------------------ */

static void say_line(struct room *room, struct client *client)
{
    char text[TEXT_MOST];

    client->line[client->line_length] = '\0';
    client->line_length = 0;
    snprintf(text, sizeof text, "[%s] %s", client->name, client->line);
    broadcast(room, text, client->sock);
}

/*
 * A command is IAC and a byte, or two bytes after WILL, WONT, DO and DONT. At Ctrl-C telnet
 * asks for a timing mark, and shows nothing until it gets an answer: we won't. No other
 * option is answered, so telnet uses none (RFC 855).
 */
static void take_command_byte(struct room *room, struct client *client,
                              unsigned char byte)
{
    static const char refusal[] = {(char)IAC, (char)WONT, TIMING_MARK};

    client->command[client->command_length++] = byte;
    if (client->command_length == 1 ||
        (client->command_length == 2 && byte >= WILL && byte <= DONT))
        return; /* more of it follows */
    if (client->command[1] == DO && byte == TIMING_MARK)
        queue(room, client, refusal, sizeof refusal);
    client->command_length = 0;
}

static void take_text_byte(struct room *room, struct client *client, unsigned char byte)
{
    if (byte == '\r' || byte == '\0')
        return; /* a line ends in LF, or CR LF; a NUL would end our string */
    if (byte == '\n' || client->line_length == LINE_MOST)
        say_line(room, client);
    if (byte == '\n')
        return;
    if ((byte < ' ' && byte != '\t') || byte == 127)
        byte = '?'; /* a terminal would obey it */
    client->line[client->line_length++] = (char)byte;
}

static void receive(struct room *room, struct client *client)
{
    unsigned char bytes[RECEIVE_MOST];
    ssize_t got = recv(client->sock, bytes, sizeof bytes, 0);

    if (got == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return;
    if (got <= 0) { /* 0: it has closed its end; -1: its connection is lost */
        if (client->line_length > 0)
            say_line(room, client);
        client->leaving = "";
    }
    for (ssize_t i = 0; i < got; i++) {
        if (client->command_length > 0 || bytes[i] == IAC)
            take_command_byte(room, client, bytes[i]);
        else
            take_text_byte(room, client, bytes[i]);
    }
}

/* ---- Coming and leaving -------------------------------------------------------------------- */

static void accept_client(struct room *room)
{
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    char address[INET_ADDRSTRLEN], text[TEXT_MOST];
    int sock = accept(room->listener, (struct sockaddr *)&peer, &length);
    struct client *client;

    if (sock == -1)
        return; /* it may be gone again: no reason to stop */
    if (sock >= room->limit || fcntl(sock, F_SETFL, O_NONBLOCK) == -1) {
        send(sock, FULL, strlen(FULL), 0); /* it fits the socket's empty buffer */
        close(sock);
        return;
    }
    inet_ntop(AF_INET, &peer.sin_addr, address, sizeof address);
    client = &room->clients[sock];
    client->sock = sock;
    client->line_length = client->output_length = client->command_length = 0;
    client->behind_since = 0;
    client->leaving = NULL;
    snprintf(client->name, NAME_MOST, "%s:%d", address, ntohs(peer.sin_port));
    snprintf(text, sizeof text, "Client joined %s", client->name);
    broadcast(room, text, sock);
    FD_SET(sock, &room->descriptors);
    queue(room, client, GREETING "\r\n", strlen(GREETING "\r\n"));
}

static void close_client(struct room *room, struct client *client)
{
    char text[TEXT_MOST];

    close(client->sock);
    FD_CLR(client->sock, &room->descriptors);
    client->output_length = 0;
    snprintf(text, sizeof text, "Client left %s%s", client->name, client->leaving);
    broadcast(room, text, client->sock);
}

/* Sends what waits, closes those that leave, and checks whether somebody is in the way. */
static void end_turn(struct room *room)
{
    room->is_behind = false;
    for (int sock = 0; sock < FD_SETSIZE; sock++) {
        struct client *client = &room->clients[sock];

        if (!FD_ISSET(sock, &room->descriptors) || sock == room->listener)
            continue;
        if (client->output_length > 0)
            send_output(client);
        if (client->output_length <= OUTPUT_HALF)
            client->behind_since = 0;
        else if (client->behind_since == 0)
            client->behind_since = now();
        else if (now() - client->behind_since > PATIENCE_S)
            client->leaving = " (too slow)";
        if (client->leaving != NULL)
            close_client(room, client);
        else if (client->behind_since != 0)
            room->is_behind = true;
    }
}

static void say_farewell(struct room *room)
{
    broadcast(room, FAREWELL, -1);
    for (int sock = 0; sock < FD_SETSIZE; sock++) {
        if (FD_ISSET(sock, &room->descriptors) && sock != room->listener) {
            send_output(&room->clients[sock]);
            close(sock);
        }
    }
    close(room->listener);
}

/* ---- The loop -------------------------------------------------------------------------------- */

/* Signals come only while pselect() waits: if the flag were set between the check and the
   wait, nobody would notice until somebody speaks. */
static void run(struct room *room, const sigset_t *while_waiting)
{
    static const struct timespec look_again = {.tv_nsec = 100000000}; /* 0.1 s */

    while (!stopped) {
        fd_set readable = room->descriptors, writable;

        FD_ZERO(&writable);
        for (int sock = 0; sock < FD_SETSIZE; sock++)
            if (room->clients[sock].output_length > 0)
                FD_SET(sock, &writable);
        if (room->is_behind)
            FD_ZERO(&readable);
        if (pselect(FD_SETSIZE, &readable, &writable, NULL,
                    room->is_behind ? &look_again : NULL, while_waiting) == -1) {
            if (errno != EINTR)
                die("chat: pselect");
            continue; /* a signal: the sets mean nothing */
        }
        if (FD_ISSET(room->listener, &readable))
            accept_client(room);
        for (int sock = 0; sock < FD_SETSIZE; sock++)
            if (FD_ISSET(sock, &readable) && sock != room->listener && !room->is_behind)
                receive(room, &room->clients[sock]);
        end_turn(room);
    }
}

static void listen_on(struct room *room, in_port_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    long most = sysconf(_SC_OPEN_MAX);
    int on = 1;

    address.sin_addr.s_addr = htonl(INADDR_ANY);
    room->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (room->listener == -1 ||
        setsockopt(room->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
        bind(room->listener, (struct sockaddr *)&address, sizeof address) == -1 ||
        listen(room->listener, SOMAXCONN) == -1 ||
        fcntl(room->listener, F_SETFL, O_NONBLOCK) == -1)
        die("chat: cannot listen");
    FD_SET(room->listener, &room->descriptors);
    /* The last descriptor is kept to turn newcomers away: in the queue they would wake
       pselect() for ever. And an fd_set has no bit for FD_SETSIZE and more. */
    room->limit = most > 0 && most <= FD_SETSIZE ? (int)most - 1 : FD_SETSIZE;
}

int main(int argc, char *argv[])
{
    static struct room room; /* all zero: no clients, an empty set */
    struct sigaction action = {.sa_handler = stop};
    sigset_t blocked, while_waiting;
    char *end = "";
    long port = argc == 2 ? strtol(argv[1], &end, 10) : 0;

    if (port < 1 || port > 65535 || *end != '\0') {
        fprintf(stderr, "usage: chat port\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* each line comes at once, even through a pipe */
    signal(SIGPIPE, SIG_IGN);         /* or send() to a lost client ends the server */
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &while_waiting);
    listen_on(&room, (in_port_t)port);
    printf("Chat room on port %ld\n", port);
    run(&room, &while_waiting);
    say_farewell(&room);
    return 0;
}
