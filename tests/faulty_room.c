/*
 * faulty_room: a right chat server with one fault at a time, to grade the grader with.
 *
 *     faulty_room FAULT PORT
 *
 * Students' servers have these faults. tests/test_grade_marks.c has the table of what the
 * grader must take off for each, and nothing else. `none` is the server without.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS    2048
#define LINE_MOST  4096
#define QUEUE_MOST (4 << 20) /* what a client may be owed before it is dropped */

#define FAULTS                                                                           \
    X(NONE, "none")                                                                      \
    X(BLOCKING, "sends with a blocking send")                                            \
    X(DROPS, "drops what does not fit")                                                  \
    X(LISTEN_5, "listen(5)")                                                             \
    X(DIES_EMFILE, "dies at EMFILE")                                                     \
    X(SPINS_EMFILE, "spins at EMFILE")                                                   \
    X(FD_SET_1024, "descriptor >= 1024")                                                 \
    X(BUSY, "busy loop")                                                                 \
    X(HALF_LINES, "loses half-lines")                                                    \
    X(INHERITS, "inherits half-lines")                                                   \
    X(GLUES, "glues")                                                                    \
    X(CUTS, "cuts at 512")                                                               \
    X(PRINTF, "printf(text)")                                                            \
    X(NO_TELNET, "no telnet")                                                            \
    X(NO_MARK, "no timing mark")                                                         \
    X(RAW, "raw bytes")                                                                  \
    X(ASCII, "ASCII only")                                                               \
    X(NO_LEAVE, "no leave")                                                              \
    X(TELLS_NEWCOMER, "tells the newcomer")                                              \
    X(NO_PREFIX, "no prefix")                                                            \
    X(PORT_0, "port 0 in the prefix")                                                    \
    X(DIES_ON_RESET, "dies on reset")                                                    \
    X(DIES_IN_GETPEERNAME, "dies in getpeername")                                        \
    X(NO_FLUSH, "no flush")                                                              \
    X(NO_HANDLER, "no handler")                                                          \
    X(IGNORES_TERM, "ignores TERM")                                                      \
    X(TO_SENDER, "sends to the sender")                                                  \
    X(FORGETS_CLOSED, "forgets a closed peer")                                           \
    X(CRASHES, "crashes")                                                                \
    X(NEVER_LISTENS, "never listens")

#define X(name, text) name,
enum fault { FAULTS COUNT };
#undef X
#define X(name, text) text,
static const char *const faults[] = {FAULTS};

static struct client {
    int sock; /* -1: nobody */
    char name[32], shown[32];
    char line[LINE_MOST];
    size_t length;
    unsigned char command[2]; /* telnet's: what has come of it */
    int command_length;
    bool is_glued; /* a line of this recv() was said already */
    bool has_left; /* announced, by the server that forgets to close */
    char *queue;   /* queue[sent..sent + owed) waits to be sent */
    size_t sent, owed;
} clients[CLIENTS];

static enum fault fault;
static int listener;
static int spare; /* a descriptor for the newcomer that there is none for */
static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
    (void)signal_number;
    stopped = 1;
}

static void say(const struct client *omit, const char *text, size_t length);

static void drop(struct client *client, bool tell)
{
    char text[64];
    int length = snprintf(text, sizeof text, "Client left %s\r\n", client->name);

    close(client->sock);
    free(client->queue);
    client->queue = NULL;
    client->sock = -1;
    if (tell && fault != NO_LEAVE)
        say(NULL, text, (size_t)length);
}

/* What is not sent at once waits. A client that is owed too much is dropped. */
static void send_to(struct client *client, const char *text, size_t length)
{
    ssize_t sent = 0;

    if (client->owed == 0)
        sent = send(client->sock, text, length,
                    MSG_NOSIGNAL | (fault == BLOCKING ? 0 : MSG_DONTWAIT));
    if (sent == -1)
        sent = 0; /* if it is gone, recv() will tell */
    if ((size_t)sent == length || fault == DROPS || fault == BLOCKING)
        return;
    if (client->queue == NULL)
        client->queue = malloc(QUEUE_MOST);
    if (client->owed == 0)
        client->sent = 0;
    if (client->queue == NULL || client->sent + client->owed + length > QUEUE_MOST) {
        drop(client, true);
        return;
    }
    memcpy(client->queue + client->sent + client->owed, text + sent,
           length - (size_t)sent);
    client->owed += length - (size_t)sent;
}

static void send_owed(struct client *client)
{
    ssize_t sent = send(client->sock, client->queue + client->sent, client->owed,
                        MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent <= 0)
        return;
    client->sent += (size_t)sent;
    client->owed -= (size_t)sent;
}

static void say(const struct client *omit, const char *text, size_t length)
{
    for (int i = 0; i < CLIENTS; i++)
        if (clients[i].sock != -1 && &clients[i] != omit && !clients[i].has_left)
            send_to(&clients[i], text, length);
    fwrite(text, 1, length, stdout);
    if (fault != NO_FLUSH)
        fflush(stdout);
}

static void turn_away(void)
{
    int sock;

    if (fault == DIES_EMFILE)
        exit(1);
    if (fault == SPINS_EMFILE)
        return;
    close(spare);
    sock = accept(listener, NULL, NULL);
    if (sock != -1)
        close(sock);
    spare = open("/dev/null", O_RDONLY);
}

static void name_client(struct client *client, const struct sockaddr_in *peer)
{
    char address[INET_ADDRSTRLEN];
    struct sockaddr_in again;
    socklen_t length = sizeof again;

    if (fault == DIES_IN_GETPEERNAME &&
        getpeername(client->sock, (struct sockaddr *)&again, &length) == -1)
        exit(1);
    inet_ntop(AF_INET, &peer->sin_addr, address, sizeof address);
    snprintf(client->name, sizeof client->name, "%s:%d", address, ntohs(peer->sin_port));
    snprintf(client->shown, sizeof client->shown, "%s:%d", address,
             fault == PORT_0 ? 0 : ntohs(peer->sin_port));
}

/* For a newcomer. The server that inherits leaves the last one's unfinished line in place. */
static void clear(struct client *client)
{
    struct client last = *client;

    *client = (struct client){0};
    if (fault == INHERITS) {
        client->length = last.length;
        memcpy(client->line, last.line, last.length);
    }
}

static void accept_one(void)
{
    static const char greeting[] = "Welcome to the faulty room\r\n";
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    int sock = accept(listener, (struct sockaddr *)&peer, &length), i = 0;
    char text[64];
    fd_set set;

    if (sock == -1) {
        if (errno == EMFILE)
            turn_away();
        return;
    }
    while (i < CLIENTS && clients[i].sock != -1)
        i++;
    if (i == CLIENTS) {
        close(sock);
        return;
    }
    if (fault == FD_SET_1024 && sock >= FD_SETSIZE)
        abort(); /* what a checked FD_SET() does */
    if (fault == FD_SET_1024)
        FD_SET((unsigned)sock, &set);
    clear(&clients[i]);
    clients[i].sock = sock;
    name_client(&clients[i], &peer);
    send_to(&clients[i], greeting, sizeof greeting - 1);
    snprintf(text, sizeof text, "Client joined %s\r\n", clients[i].name);
    say(fault == TELLS_NEWCOMER ? NULL : &clients[i], text, strlen(text));
}

/* Printable bytes, TAB, and those of UTF-8 stay; the others are shown. */
static size_t clean(const char *text, size_t length, char *out)
{
    size_t written = 0;

    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];

        if (fault == ASCII && byte > 0x7e)
            out[written++] = '?';
        else if (byte == '%' && fault == PRINTF)
            i++; /* a conversion, for which nothing is there */
        else if (byte >= 0x20 || byte == '\t' || fault == RAW)
            out[written++] = (char)byte;
        else
            written += (size_t)sprintf(out + written, "^%c", byte + '@');
    }
    return written;
}

/* A server that glues gives the lines of one recv() one prefix. */
static void say_line(struct client *client)
{
    static char text[3 * LINE_MOST];
    size_t length = 0;

    if (fault == CRASHES)
        abort();
    if (fault != NO_PREFIX && !client->is_glued)
        length = (size_t)sprintf(text, "[%s] ", client->shown);
    length += clean(client->line, client->length, text + length);
    memcpy(text + length, "\r\n", 2);
    client->length = 0;
    client->is_glued = fault == GLUES;
    say(fault == TO_SENDER ? NULL : client, text, length + 2);
}

static void take_text(struct client *client, char byte)
{
    size_t most = fault == CUTS ? 512 : LINE_MOST;

    if (byte == '\n') {
        while (client->length > 0 && client->line[client->length - 1] == '\r')
            client->length--;
        say_line(client);
    } else if (client->length < most) {
        client->line[client->length++] = byte;
    }
}

/* IAC and a byte, or two after WILL, WONT, DO and DONT (RFC 854). */
static void take_byte(struct client *client, unsigned char byte)
{
    static const char refusal[] = "\xff\xfc\x06";

    if (fault == NO_TELNET || (client->command_length == 0 && byte != 0xff)) {
        take_text(client, (char)byte);
    } else if (client->command_length == 2) {
        if (client->command[1] == 0xfd && byte == 6 && fault != NO_MARK)
            send_to(client, refusal, 3);
        client->command_length = 0;
    } else {
        client->command[client->command_length++] = byte;
        if (client->command_length == 2 && (byte < 0xfb || byte > 0xfe))
            client->command_length = 0;
    }
}

static void receive(struct client *client)
{
    static char buffer[16384];
    ssize_t length = recv(client->sock, buffer, sizeof buffer, MSG_DONTWAIT);

    if (length == -1 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length == -1 && fault == DIES_ON_RESET)
        exit(1);
    if (length <= 0 && fault == FORGETS_CLOSED) {
        char text[64];

        snprintf(text, sizeof text, "Client left %s\r\n", client->name);
        if (!client->has_left)
            say(client, text, strlen(text));
        client->has_left = true;
        return;
    }
    if (length <= 0) {
        drop(client, true);
        return;
    }
    client->is_glued = false;
    for (ssize_t i = 0; i < length && client->sock != -1; i++)
        take_byte(client, (unsigned char)buffer[i]);
    if (fault == HALF_LINES)
        client->length = 0;
}

static void listen_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((in_port_t)port)};
    int on = 1;

    address.sin_addr.s_addr = htonl(INADDR_ANY);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1 ||
        (fault != NEVER_LISTENS && listen(listener, fault == LISTEN_5 ? 5 : 511) == -1) ||
        fcntl(listener, F_SETFL, O_NONBLOCK) == -1) {
        perror("faulty_room");
        exit(1);
    }
}

static void turn(void)
{
    static struct pollfd polled[CLIENTS + 1];
    static struct client *of[CLIENTS + 1];
    nfds_t n = 0;

    polled[n++] = (struct pollfd){.fd = listener, .events = POLLIN};
    for (int i = 0; i < CLIENTS; i++) {
        if (clients[i].sock == -1)
            continue;
        of[n] = &clients[i];
        polled[n++] = (struct pollfd){
            .fd = clients[i].sock,
            .events = (short)(POLLIN | (clients[i].owed > 0 ? POLLOUT : 0))};
    }
    if (poll(polled, n, fault == BUSY ? 0 : fault == NEVER_LISTENS ? 100 : -1) == -1)
        return;
    for (nfds_t i = 1; i < n; i++) {
        if ((polled[i].revents & POLLOUT) != 0 && of[i]->sock == polled[i].fd)
            send_owed(of[i]);
        if ((polled[i].revents & ~POLLOUT) != 0 && of[i]->sock == polled[i].fd)
            receive(of[i]);
    }
    if (polled[0].revents != 0 && fault != NEVER_LISTENS)
        accept_one();
}

int main(int argc, char *argv[])
{
    struct sigaction action = {.sa_handler = stop};
    static const char farewell[] = "The room closes\r\n";

    while (argc == 3 && fault < COUNT && strcmp(faults[fault], argv[1]) != 0)
        fault++;
    if (argc != 3 || fault == COUNT) {
        fprintf(stderr, "usage: faulty_room FAULT PORT\n");
        return 2;
    }
    for (int i = 0; i < CLIENTS; i++)
        clients[i].sock = -1;
    signal(SIGPIPE, SIG_IGN);
    if (fault != NO_HANDLER) {
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
    }
    if (fault == IGNORES_TERM)
        signal(SIGTERM, SIG_IGN);
    listen_on(atoi(argv[2]));
    spare = open("/dev/null", O_RDONLY);
    while (!stopped)
        turn();
    say(NULL, farewell, sizeof farewell - 1);
    return 0;
}
