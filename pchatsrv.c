/*
 * pchatsrv: a chat server with one select() loop. Whoever connects to it, with telnet for
 * one, is in the room: what one says goes to all the others, and to standard output.
 *
 *     pchatsrv [-b address] [-p port]
 *
 * Nothing in it waits but pselect(), and nothing is sent where it is said: a line goes
 * into the transcript (chat/transcript.h), one ring of text in which every client has a
 * place up to which it has read. At the end of each turn of the loop, whoever has text
 * before it gets all of it in one send. So a line costs the same for two clients and for
 * a thousand, and a client that does not read keeps nobody from anything: its place stays
 * where it is. Only when the ring is full of what it has not read does the room wait for
 * it, for two seconds; then it is shown the door.
 */
#include "chat/pchatsrv.h"

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/fdset.h"
#include "base/options.h"
#include "base/signals.h"
#include "base/start.h"
#include "net/keepalive.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GREETING "You're connected to the C chatserver"
#define STOPPING "ChatServer stopping"
#define AYT_TEXT "Yes, the ChatServer is here"

static volatile sig_atomic_t stop_requested;

static void request_stop(int signal_number)
{
    (void)signal_number;
    stop_requested = 1;
}

/* ---- Saying things: into the transcript, to be sent at the end of the turn ---------- */

static void say(struct chat_server *server, const char *str, int omit_sock, int only_sock)
{
    transcript_append(&server->transcript, str, strlen(str), omit_sock, only_sock);
    transcript_append(&server->transcript, "\r\n", 2, omit_sock, only_sock);
}

void broadcast_string(struct chat_server *server, const char *str, int omit_sock)
{
    say(server, str, omit_sock, NOBODY);
}

void tell(struct chat_server *server, int sock, const char *str)
{
    say(server, str, NOBODY, sock);
}

/* ---- Who is there ------------------------------------------------------------------- */

bool is_client(const struct chat_server *server, int sock)
{
    return fdset_has(&server->descriptors, sock) && sock != server->srvsock;
}

bool is_present(const struct chat_server *server, int sock)
{
    return is_client(server, sock) && !server->clients[sock].leaving;
}

/* ---- Coming and going --------------------------------------------------------------- */

/* Takes one newcomer in. False: nobody else is waiting, or nobody can be taken now. */
static bool accept_new_connection(struct chat_server *server)
{
    struct sockaddr_storage peer;
    struct client *client;
    char joined[NAME_MOST + 32];
    int newsock = listener_accept(server->srvsock, &server->spare, LISTENER_FULL, &peer);

    if (newsock == -1) {
        if (errno == ENFILE)
            server->accept_from = server->now + LISTENER_REST_MS;
        return errno != EAGAIN && errno != ENFILE;
    }
    keepalive_limit_sending(newsock);
    fdset_add(&server->descriptors, newsock);
    if (newsock > server->highest)
        server->highest = newsock;
    client = &server->clients[newsock];
    *client = (struct client){.cursor = transcript_now(&server->transcript)};
    address_format(&peer, client->name);

    tell(server, newsock, GREETING);
    (void)snprintf(joined, sizeof joined, "Client joined %s", client->name);
    broadcast_string(server, joined, newsock);
    return true;
}

static void accept_newcomers(struct chat_server *server)
{
    for (int n = 0; n < LISTENER_A_TURN; n++) {
        if (!has_space(server, SPACE_FOR_NEWCOMER)) {
            wait_for_slow_readers(server);
            return;
        }
        if (!accept_new_connection(server))
            return;
    }
}

/* It gets what was said until now, and no more is heard of it. */
static void begin_to_leave(struct chat_server *server, int sock)
{
    struct client *client = &server->clients[sock];

    client->leaving = true;
    client->leaves_at = server->transcript.end;
    client->leaves_by = server->now + PATIENCE_MS;
}

void client_leaves(struct chat_server *server, int sock, const char *why)
{
    char left[NAME_MOST + LINE_MOST + 32];

    (void)snprintf(left, sizeof left, "Client left %s%s", server->clients[sock].name,
                   why);
    broadcast_string(server, left, sock);
    begin_to_leave(server, sock);
}

void close_client(struct chat_server *server, int sock)
{
    descriptor_hang_up(sock);
    fdset_remove(&server->descriptors, sock);
    while (server->highest > STDOUT_FILENO &&
           !fdset_has(&server->descriptors, server->highest))
        server->highest--;
}

/* ---- Taking in what clients send --------------------------------------------------- */

/* Passes on a whole line, or a piece of one that was longer than LINE_MOST. */
static void take_line(struct chat_server *server, int sock, bool is_last_piece)
{
    struct client *client = &server->clients[sock];
    const char *text = client->line.text;
    char said[NAME_MOST + LINE_MOST + 4];
    size_t keep = 0;

    if (client->kind == NEW_LINE) {
        client->kind = text[0] == '/' && text[1] != '/' ? COMMAND : SPEECH;
        if (client->kind == SPEECH && text[0] == '/')
            text++; /* the first of two slashes says that this is no command */
    }
    if (client->kind == SPEECH) {
        (void)snprintf(said, sizeof said, "[%s] %s", client->name, text);
        broadcast_string(server, said, sock);
    } else if (client->kind == COMMAND) {
        keep = chat_command(server, sock, text);
        if (keep == 0)
            client->kind = IGNORED;
    }
    if (is_last_piece) {
        client->kind = NEW_LINE;
        keep = 0;
    }
    line_clear(&client->line, keep);
}

/* Takes text up to a line's end at the most. Returns how many bytes it took, never none. */
static size_t take_text(struct chat_server *server, int sock, const unsigned char *bytes,
                        size_t length)
{
    enum line_event event;
    size_t taken;

    do {
        taken = line_take(&server->clients[sock].line, bytes, length, &event);
        if (event != LINE_OPEN)
            take_line(server, sock, event == LINE_ENDED);
    } while (taken == 0);
    return taken;
}

/* The same of what may hold telnet's commands (RFC 854), which are for the server alone. */
static size_t take_input(struct chat_server *server, int sock, const unsigned char *bytes,
                         size_t length)
{
    struct telnet *telnet = &server->clients[sock].telnet;
    size_t plain = telnet_plain(telnet, bytes, length);
    struct telnet_reply reply;

    if (plain > 0)
        return take_text(server, sock, bytes, plain);
    switch (telnet_take(telnet, *bytes, &reply)) {
    case TELNET_DATA: return take_text(server, sock, bytes, 1);
    case TELNET_REFUSE:
        transcript_append(&server->transcript, reply.bytes, sizeof reply.bytes, NOBODY,
                          sock);
        break;
    case TELNET_ARE_YOU_THERE: tell(server, sock, AYT_TEXT); break;
    case TELNET_NOTHING: break;
    }
    return 1;
}

/*
 * The peer has closed its end, or its connection is lost. That is its leaving, after what
 * it said last. One that has only closed its end still gets the answers to that.
 */
static void hang_up(struct chat_server *server, int sock, int error)
{
    bool own_doing = error == 0 || error == ECONNRESET || error == EPIPE;
    enum line_event event;
    char why[128] = "";

    do {
        event = line_finish(&server->clients[sock].line);
        if (event != LINE_OPEN)
            take_line(server, sock, event == LINE_ENDED);
    } while (event == LINE_FULL);
    if (!own_doing)
        (void)snprintf(why, sizeof why, " (%s)", strerror(error));
    if (is_present(server, sock)) /* its last line may have been a /quit */
        client_leaves(server, sock, why);
    if (error != 0)
        close_client(server, sock);
}

/*
 * Takes in what a client has sent, as far as there is space and its share of a turn goes.
 * So it is only looked at first (MSG_PEEK): what is too much stays in the kernel's buffer,
 * and when that is full TCP stops the sender.
 */
static void receive(struct chat_server *server, int sock)
{
    unsigned char bytes[INPUT_BYTES];
    ssize_t got = recv(sock, bytes, sizeof bytes, MSG_PEEK);
    uint64_t share_end = server->transcript.end + SHARE_BYTES;
    size_t taken = 0;

    if (got == -1 && descriptor_try_again(errno))
        return;
    if (got <= 0) {
        hang_up(server, sock, got == 0 ? server->clients[sock].send_error : errno);
        return;
    }
    while (taken < (size_t)got && is_present(server, sock) &&
           server->transcript.end < share_end && has_space(server, SPACE_FOR_INPUT))
        taken += take_input(server, sock, bytes + taken, (size_t)got - taken);
    (void)recv(sock, bytes, taken, 0); /* they are there: this only removes them */
}

/* Reads once from each client that is ready while there is space. Returns from how many. */
static int receive_from_clients(struct chat_server *server, const fd_set *readable)
{
    int count = server->highest + 1, first = server->next_to_read % count, heard = 0;

    for (int n = 0; n < count; n++) {
        int sock = (first + n) % count;

        if (!fdset_has(readable, sock) || !is_present(server, sock))
            continue;
        if (!has_space(server, SPACE_FOR_INPUT)) {
            wait_for_slow_readers(server);
            server->next_to_read = sock;
            break;
        }
        receive(server, sock);
        heard++;
    }
    return heard;
}

/* ---- The loop ----------------------------------------------------------------------- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* When there is something to do even if no descriptor is ready. */
static int64_t next_deadline(const struct chat_server *server)
{
    int64_t deadline = INT64_MAX;

    if (server->waiting)
        deadline = server->waiting_since + PATIENCE_MS;
    if (server->accept_from > server->now)
        deadline = earlier(deadline, server->accept_from);
    if (server->srvsock == -1)
        deadline = earlier(deadline, server->stop_by);
    for (int sock = 0; sock <= server->highest; sock++)
        if (is_client(server, sock) && server->clients[sock].leaving)
            deadline = earlier(deadline, server->clients[sock].leaves_by);
    return deadline;
}

/* Whom to listen to now, and who has text before it. */
static void choose_descriptors(struct chat_server *server, fd_set *readable,
                               fd_set *writable)
{
    *readable = server->descriptors;
    FD_ZERO(writable);
    for (int sock = 0; sock <= server->highest; sock++) {
        if (is_client(server, sock) && (server->waiting || server->clients[sock].leaving))
            fdset_remove(readable, sock);
        if (is_reader(server, sock) &&
            server->clients[sock].cursor.position != server->transcript.end &&
            (server->gathering == 0 || server->clients[sock].refused_since != 0))
            fdset_add(writable, sock);
    }
    if (server->accept_from > server->now ||
        (server->waiting && !has_space(server, SPACE_FOR_NEWCOMER)))
        fdset_remove(readable, server->srvsock);
}

/* Waits until a descriptor is ready, a deadline has come, or a signal. -1: select failed. */
static int wait_for_events(struct chat_server *server, fd_set *readable, fd_set *writable,
                           struct signals *signals)
{
    int64_t deadline = next_deadline(server);
    struct timespec timeout = clock_timespec(deadline - server->now);
    int ready;

    if (server->gathering > 0)
        timeout = (struct timespec){.tv_nsec = GATHER_NS};
    choose_descriptors(server, readable, writable);
    ready = signals_pselect(signals, server->highest + 1, readable, writable,
                            deadline == INT64_MAX && server->gathering == 0 ? NULL
                                                                            : &timeout);
    server->now = clock_ms();
    return ready;
}

/* Nobody else comes in; whoever is there hears it, and gets what is queued. */
static void begin_to_stop(struct chat_server *server)
{
    fdset_remove(&server->descriptors, server->srvsock);
    (void)close(server->srvsock);
    server->srvsock = -1;
    server->stop_by = server->now + PATIENCE_MS;
    broadcast_string(server, STOPPING, NOBODY);
    for (int sock = 0; sock <= server->highest; sock++)
        if (is_present(server, sock))
            begin_to_leave(server, sock);
}

static bool is_finished(const struct chat_server *server)
{
    const struct client *log = &server->clients[STDOUT_FILENO];

    if (server->srvsock != -1)
        return false;
    for (int sock = 0; sock <= server->highest; sock++)
        if (is_client(server, sock))
            return false;
    return !server->log_open || log->cursor.position == server->transcript.end ||
           server->now >= server->stop_by;
}

/*
 * When several talk at once in a large room, more is on its way while the first of it is
 * heard, and to send it all together costs hardly more than to send one line. So before
 * everyone is sent what came there is another look, as long as each brings something.
 */
static bool gather_more(struct chat_server *server, int heard)
{
    bool more = heard >= 2 && server->highest >= GATHER_FROM && !server->waiting &&
                server->gathering < GATHER_LOOKS;

    server->gathering = more ? server->gathering + 1 : 0;
    return more;
}

/* Serves until a signal asks it to stop. 0, or -1 with errno: select() itself failed. */
static int chat_server_run(struct chat_server *server, struct signals *signals)
{
    fd_set readable, writable;

    while (!is_finished(server)) {
        if (wait_for_events(server, &readable, &writable, signals) == -1)
            return -1;
        if (stop_requested && server->srvsock != -1)
            begin_to_stop(server);
        if (fdset_has(&readable, server->srvsock))
            accept_newcomers(server);
        if (gather_more(server, receive_from_clients(server, &readable)))
            continue;
        send_to_all(server, &writable);
        if (server->waiting)
            close_slow_readers(server);
    }
    return 0;
}

/* Listens on `port` (0: any free one), and says so. 0, or -1 with the reason in *why. */
static int chat_server_init(struct chat_server *server, const char *address, int port,
                            const char **why)
{
    const int send_buffer = SEND_BUFFER_BYTES;
    char started[64];

    if (transcript_init(&server->transcript, TRANSCRIPT_BYTES) == -1) {
        *why = strerror(errno);
        return -1;
    }
    server->srvsock = listener_open(address, port, SOCK_STREAM, why);
    if (server->srvsock == -1) {
        transcript_free(&server->transcript);
        return -1;
    }
    /* A kernel may keep megabytes for a client that does not read: not for a thousand. */
    (void)setsockopt(server->srvsock, SOL_SOCKET, SO_SNDBUF, &send_buffer,
                     sizeof send_buffer);
    server->port = listener_port(server->srvsock);
    FD_ZERO(&server->descriptors);
    fdset_add(&server->descriptors, server->srvsock);
    server->highest = server->srvsock;
    listener_spare_open(&server->spare);
    server->now = clock_ms();
    server->log_open = true;
    (void)snprintf(started, sizeof started, "ChatServer started on port %d",
                   server->port);
    tell(server, STDOUT_FILENO, started);
    return 0;
}

static void chat_server_free(struct chat_server *server)
{
    for (int sock = 0; sock <= server->highest; sock++)
        if (fdset_has(&server->descriptors, sock))
            (void)close(sock);
    listener_spare_close(&server->spare);
    transcript_free(&server->transcript);
}

/* ---- The program -------------------------------------------------------------------- */

static const struct options options = {
    .program = "pchatsrv",
    .letters = "b:hp:V",
    .usage = "usage: pchatsrv [-hV] [-b address] [-p port]\n",
    .help = "A chat room for telnets: what one says, all the others read.\n"
            "  -b address  listen on this address only (default: all, IPv6 and IPv4)\n"
            "  -p port     listen on this port (default: 2626; 0: any free one)\n"
            "  -h          print this help\n"
            "  -V          print the version\n",
};

int main(int argc, char *argv[])
{
    static struct chat_server server; /* two megabytes are too much for some stacks */
    struct descriptor_output output;
    const char *address = NULL, *why;
    int option, port = 2626, result;
    struct signals signals;

    while ((option = options_next(&options, argc, argv)) != -1) {
        switch (option) {
        case 'b': address = optarg; break;
        case 'p': port = options_port(&options, optarg, 0); break;
        }
    }
    options_end(&options, argc, argv);
    if (start_server(&signals, request_stop) == -1) {
        (void)fprintf(stderr, "pchatsrv: cannot start: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    if (chat_server_init(&server, address, port, &why) == -1) {
        options_cannot_listen("pchatsrv", address, port, why);
        return EXIT_FAILURE;
    }
    descriptor_prepare_output(STDOUT_FILENO, &output);
    result = chat_server_run(&server, &signals);
    if (result == -1)
        (void)fprintf(stderr, "pchatsrv: select: %s\n", strerror(errno));
    chat_server_free(&server);
    descriptor_restore_output(STDOUT_FILENO, &output);
    return result == -1 ? EXIT_FAILURE : EXIT_SUCCESS;
}
