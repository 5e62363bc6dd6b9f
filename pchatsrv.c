/*
 * pchatsrv: a chat server with one select() loop. Whoever connects to it, with telnet for
 * one, is in the room: what one says goes to all the others, and to standard output.
 *
 *     pchatsrv [-b address] [-p port]
 *
 * Nothing in it waits but pselect(), and nothing is sent where it is said: a line goes
 * into the transcript (net/transcript.h), one ring of text in which every client has a
 * place up to which it has read. At the end of each turn of the loop, whoever has text
 * before it gets all of it in one send. So a line costs the same for two clients and for
 * a thousand, and a client that does not read keeps nobody from anything: its place stays
 * where it is. Only when the ring is full of what it has not read does the room wait for
 * it, for two seconds; then it is shown the door.
 */
#include "pchatsrv.h"

#include "net/clock.h"
#include "net/descriptor.h"
#include "net/fdset.h"
#include "net/signals.h"
#include "net/version.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GREETING "You're connected to the C chatserver"
#define FULL     "Server full, try again later\r\n"
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

static bool is_client(const struct chat_server *server, int sock)
{
    return fdset_has(&server->descriptors, sock) && sock != server->srvsock;
}

bool is_present(const struct chat_server *server, int sock)
{
    return is_client(server, sock) && !server->clients[sock].leaving;
}

/* A reader of the transcript: a client, or standard output. */
static bool is_reader(const struct chat_server *server, int sock)
{
    return is_client(server, sock) || (sock == STDOUT_FILENO && server->log_open);
}

/* ---- Room in the transcript --------------------------------------------------------- */

static uint64_t slowest_position(const struct chat_server *server)
{
    uint64_t slowest = server->transcript.end;

    for (int sock = 0; sock <= server->highest; sock++)
        if (is_reader(server, sock) && server->clients[sock].cursor.position < slowest)
            slowest = server->clients[sock].cursor.position;
    return slowest;
}

/* Is there room for so many bytes? What everyone has read is given up only when needed. */
static bool has_room(struct chat_server *server, size_t bytes)
{
    if (transcript_room(&server->transcript) < bytes)
        transcript_release(&server->transcript, slowest_position(server));
    return transcript_room(&server->transcript) >= bytes;
}

static bool has_room_for_input(struct chat_server *server)
{
    return has_room(server, ROOM_FOR_INPUT);
}

/* No room: from now on nothing is read until the slowest readers have caught up. */
static void wait_for_readers(struct chat_server *server)
{
    if (server->waiting)
        return;
    server->waiting = true;
    server->waiting_since = server->now;
    server->goal =
        transcript_position_for(&server->transcript, ROOM_FOR_INPUT + ROOM_TO_GO_ON);
}

/* ---- Coming and going --------------------------------------------------------------- */

/* Takes one newcomer in. False: nobody else is waiting, or nobody can be taken now. */
static bool accept_new_connection(struct chat_server *server)
{
    struct sockaddr_storage peer;
    struct client *client;
    char joined[NAME_MOST + 32];
    int newsock = listener_accept(server->srvsock, &server->spare, FULL, &peer);

    if (newsock == -1) {
        if (errno == ENFILE)
            server->accept_from = server->now + ACCEPT_REST_MS;
        return errno != EAGAIN && errno != ENFILE;
    }
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
    for (int n = 0; n < ACCEPTS_A_TURN; n++) {
        if (!has_room(server, ROOM_FOR_NEWCOMER)) {
            wait_for_readers(server);
            return;
        }
        if (!accept_new_connection(server))
            return;
    }
}

/* It gets what was said until now, and no more is heard of it. */
static void let_go(struct chat_server *server, int sock)
{
    struct client *client = &server->clients[sock];

    client->leaving = true;
    client->leaves_at = server->transcript.end;
    client->leaves_by = server->now + PATIENCE_MS;
}

void client_leaves(struct chat_server *server, int sock, const char *reason)
{
    char left[NAME_MOST + LINE_MOST + 32];

    (void)snprintf(left, sizeof left, "Client left %s%s%s%s", server->clients[sock].name,
                   *reason ? " (" : "", reason, *reason ? ")" : "");
    broadcast_string(server, left, sock);
    let_go(server, sock);
}

static void close_client(struct chat_server *server, int sock)
{
    char unheard[4096];

    /*
     * What the peer has sent and nobody has read would turn the close into a reset, and
     * the reset could cost it what it was sent last. One that sends without end gets it.
     */
    (void)shutdown(sock, SHUT_WR);
    for (int n = 0; n < 16 && recv(sock, unheard, sizeof unheard, 0) > 0; n++)
        continue;
    (void)close(sock);
    fdset_remove(&server->descriptors, sock);
    while (server->highest > STDOUT_FILENO &&
           !fdset_has(&server->descriptors, server->highest))
        server->highest--;
}

/* ---- Listening to clients ----------------------------------------------------------- */

/* Passes on a whole line, or a piece of one that was longer than LINE_MOST. */
static void hear_line(struct chat_server *server, int sock, bool is_last_piece)
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
static size_t hear_text(struct chat_server *server, int sock, const unsigned char *bytes,
                        size_t length)
{
    enum line_event event;
    size_t taken;

    do {
        taken = line_take(&server->clients[sock].line, bytes, length, &event);
        if (event != LINE_OPEN)
            hear_line(server, sock, event == LINE_ENDED);
    } while (taken == 0);
    return taken;
}

/* The same of what may hold telnet's commands (RFC 854), which are for the server alone. */
static size_t hear(struct chat_server *server, int sock, const unsigned char *bytes,
                   size_t length)
{
    struct telnet *telnet = &server->clients[sock].telnet;
    size_t plain = telnet_plain(telnet, bytes, length);
    struct telnet_reply reply;

    if (plain > 0)
        return hear_text(server, sock, bytes, plain);
    switch (telnet_take(telnet, *bytes, &reply)) {
    case TELNET_DATA: return hear_text(server, sock, bytes, 1);
    case TELNET_REFUSE:
        transcript_append(&server->transcript, reply.bytes, sizeof reply.bytes, NOBODY,
                          sock);
        break;
    case TELNET_ARE_YOU_THERE: tell(server, sock, AYT_TEXT); break;
    case TELNET_NOTHING: break;
    }
    return 1;
}

/* Works through what was received last, until the transcript has no more room. */
static void hear_inbox(struct chat_server *server)
{
    while (server->inbox.taken < server->inbox.length && !server->waiting) {
        if (!is_present(server, server->inbox.from)) /* it has said /quit */
            server->inbox.taken = server->inbox.length;
        else if (!has_room_for_input(server))
            wait_for_readers(server);
        else
            server->inbox.taken += hear(server, server->inbox.from,
                                        server->inbox.bytes + server->inbox.taken,
                                        server->inbox.length - server->inbox.taken);
    }
}

/* The peer has closed its end: that is its leaving, after what it said last. */
static void hang_up(struct chat_server *server, int sock, int error)
{
    bool own_doing = error == 0 || error == ECONNRESET || error == EPIPE;
    enum line_event event;

    do {
        event = line_finish(&server->clients[sock].line);
        if (event != LINE_OPEN)
            hear_line(server, sock, event == LINE_ENDED);
    } while (event == LINE_FULL);
    if (is_present(server, sock)) /* its last line may have been a /quit */
        client_leaves(server, sock, own_doing ? "" : strerror(error));
    close_client(server, sock);
}

static bool try_again(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static void receive(struct chat_server *server, int sock)
{
    ssize_t got = recv(sock, server->inbox.bytes, sizeof server->inbox.bytes, 0);

    if (got > 0) {
        server->inbox.from = sock;
        server->inbox.taken = 0;
        server->inbox.length = (size_t)got;
        hear_inbox(server);
    } else if (got == 0 || !try_again(errno)) {
        hang_up(server, sock, got == 0 ? 0 : errno);
    }
}

/* Reads once from each client that is ready, as long as the transcript has room. */
static void receive_from_clients(struct chat_server *server, const fd_set *readable)
{
    int count = server->highest + 1, first = server->next_to_read % count;

    hear_inbox(server);
    for (int n = 0; n < count; n++) {
        int sock = (first + n) % count;

        if (!fdset_has(readable, sock) || !is_present(server, sock))
            continue;
        if (server->waiting || !has_room_for_input(server)) {
            wait_for_readers(server);
            server->next_to_read = sock;
            return;
        }
        receive(server, sock);
    }
}

/* ---- Sending, at the end of a turn -------------------------------------------------- */

/* Notes what a reader took, and since when it has been refusing to take any more. */
static void move_cursor(struct chat_server *server, int sock,
                        const struct transcript_span *span, size_t taken, bool refused)
{
    struct client *reader = &server->clients[sock];

    reader->cursor =
        transcript_advance(&server->transcript, reader->cursor, sock, span, taken);
    if (!refused)
        reader->refused_since = 0;
    else if (taken > 0 || reader->refused_since == 0)
        reader->refused_since = server->now;
}

static void send_transcript(struct chat_server *server, int sock)
{
    struct client *client = &server->clients[sock];
    struct transcript_span span;
    struct msghdr message = {.msg_iov = span.pieces};
    ssize_t sent = 0;

    (void)transcript_read(&server->transcript, client->cursor, sock, &span);
    if (client->deaf) {
        client->cursor = transcript_now(&server->transcript);
        return;
    }
    if (span.bytes > 0) {
        message.msg_iovlen = (size_t)span.count;
        sent = sendmsg(sock, &message, MSG_NOSIGNAL);
        if (sent == -1) {
            client->deaf = !try_again(errno) && errno != ENOBUFS && errno != ENOMEM;
            sent = 0;
        }
    }
    move_cursor(server, sock, &span, (size_t)sent, (size_t)sent < span.bytes);
}

static size_t count_lines(const char *text, size_t length)
{
    size_t lines = 0;

    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    return lines;
}

/* Copies the span's text for the log, in which a line ends in LF alone. */
static size_t log_text(const struct transcript_span *span, char *out, size_t size)
{
    size_t length = 0;

    for (int i = 0; i < span->count; i++) {
        const char *text = span->pieces[i].iov_base;

        for (size_t n = 0; n < span->pieces[i].iov_len && length < size; n++)
            if (text[n] != '\r')
                out[length++] = text[n];
    }
    return length;
}

/* Standard output is a reader like any other, and may be just as slow. */
static void write_log(struct chat_server *server)
{
    struct transcript_span span;
    char text[16384];
    size_t length;
    ssize_t written;

    do {
        (void)transcript_read(&server->transcript, server->clients[STDOUT_FILENO].cursor,
                              STDOUT_FILENO, &span);
        length = log_text(&span, text, sizeof text);
        written = length > 0 ? write(STDOUT_FILENO, text, length) : 0;
        if (written == -1 && !try_again(errno)) {
            (void)fprintf(stderr, "pchatsrv: cannot write to standard output: %s\n",
                          strerror(errno));
            server->log_open = false;
            return;
        }
        if (written == -1)
            written = 0;
        /* Each LF that was written stands for two bytes of the transcript. */
        move_cursor(server, STDOUT_FILENO, &span,
                    (size_t)written + count_lines(text, (size_t)written),
                    (size_t)written < length);
    } while (length > 0 && (size_t)written == length);
}

/* Brings everyone up to date who is not known to refuse, or whose socket takes again. */
static void send_to_all(struct chat_server *server, const fd_set *writable)
{
    for (int sock = 0; sock <= server->highest; sock++) {
        struct client *reader = &server->clients[sock];

        if (!is_reader(server, sock))
            continue;
        if (reader->cursor.position != server->transcript.end &&
            (reader->refused_since == 0 || fdset_has(writable, sock))) {
            if (sock == STDOUT_FILENO)
                write_log(server);
            else
                send_transcript(server, sock);
        }
        if (reader->leaving && (reader->cursor.position >= reader->leaves_at ||
                                server->now >= reader->leaves_by))
            close_client(server, sock);
    }
}

/* ---- Readers that the room waits for ------------------------------------------------ */

/* The log's reader sleeps: it misses what the others have read, and is told so. */
static void skip_log(struct chat_server *server)
{
    server->clients[STDOUT_FILENO].cursor = transcript_now(&server->transcript);
    say(server, "\r\n(lines are missing here: standard output was not read)", NOBODY,
        STDOUT_FILENO);
}

static void lose_reader(struct chat_server *server, int sock)
{
    if (sock == STDOUT_FILENO) {
        skip_log(server);
        return;
    }
    if (is_present(server, sock))
        client_leaves(server, sock, "too slow");
    close_client(server, sock);
}

/*
 * Goes on as soon as the slowest have made room. Whoever stands in the way and had taken
 * nothing for two seconds when the room ran out is given up at once, whoever still
 * stands in the way after two seconds of waiting then: taking a byte now and then is not
 * enough.
 */
static void mind_slow_readers(struct chat_server *server)
{
    int64_t waited = server->now - server->waiting_since;

    transcript_release(&server->transcript, slowest_position(server));
    if (server->transcript.begin >= server->goal) {
        server->waiting = false;
        return;
    }
    for (int sock = 0; sock <= server->highest; sock++) {
        const struct client *reader = &server->clients[sock];
        bool slept_before = reader->refused_since != 0 &&
                            server->waiting_since - reader->refused_since >= PATIENCE_MS;

        if (is_reader(server, sock) && reader->cursor.position < server->goal &&
            (slept_before || waited >= PATIENCE_MS))
            lose_reader(server, sock);
    }
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
    else if (server->inbox.taken < server->inbox.length)
        deadline = server->now;
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
            server->clients[sock].cursor.position != server->transcript.end)
            fdset_add(writable, sock);
    }
    if (server->accept_from > server->now ||
        (server->waiting && !has_room(server, ROOM_FOR_NEWCOMER)))
        fdset_remove(readable, server->srvsock);
}

/* Waits until a descriptor is ready, a deadline has come, or a signal. -1: select failed. */
static int wait_for_events(struct chat_server *server, fd_set *readable, fd_set *writable,
                           const sigset_t *while_waiting)
{
    int64_t deadline = next_deadline(server);
    struct timespec timeout = clock_timespec(deadline - server->now);

    choose_descriptors(server, readable, writable);
    if (pselect(server->highest + 1, readable, writable, NULL,
                deadline == INT64_MAX ? NULL : &timeout, while_waiting) == -1) {
        if (errno != EINTR)
            return -1;
        FD_ZERO(readable);
        FD_ZERO(writable);
    }
    server->now = clock_ms();
    return 0;
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
            let_go(server, sock);
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

/* Serves until a signal asks it to stop. 0, or -1 with errno: select() itself failed. */
static int chat_server_run(struct chat_server *server, const sigset_t *while_waiting)
{
    fd_set readable, writable;

    while (!is_finished(server)) {
        if (wait_for_events(server, &readable, &writable, while_waiting) == -1)
            return -1;
        if (stop_requested && server->srvsock != -1)
            begin_to_stop(server);
        if (fdset_has(&readable, server->srvsock))
            accept_newcomers(server);
        receive_from_clients(server, &readable);
        send_to_all(server, &writable);
        if (server->waiting)
            mind_slow_readers(server);
    }
    return 0;
}

/* Listens on `port` (0: any free one), and says so. 0, or -1 with the reason in *why. */
static int chat_server_init(struct chat_server *server, const char *address, int port,
                            const char **why)
{
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

static void print_usage(FILE *out)
{
    (void)fputs("usage: pchatsrv [-hV] [-b address] [-p port]\n", out);
}

static void print_help(void)
{
    print_usage(stdout);
    (void)puts("A chat room for telnets: what one says, all the others read.\n"
               "  -b address  listen on this address only (default: all, IPv6 and IPv4)\n"
               "  -p port     listen on this port (default: 2626; 0: any free one)\n"
               "  -h          print this help\n"
               "  -V          print the version");
}

static int printed(void)
{
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char *argv[])
{
    static struct chat_server server; /* two megabytes are too much for some stacks */
    struct descriptor_output output;
    const char *address = NULL, *why;
    int option, port = 2626, result;
    sigset_t while_waiting;

    while ((option = getopt(argc, argv, "b:hp:V")) != -1) {
        switch (option) {
        case 'b': address = optarg; break;
        case 'p': port = address_parse_port(optarg); break;
        case 'h': print_help(); return printed();
        case 'V': (void)puts("pchatsrv (" KIT_VERSION ")"); return printed();
        default: print_usage(stderr); return 2;
        }
    }
    if (optind != argc || port == -1) {
        if (port == -1)
            (void)fputs("pchatsrv: a port is a number from 0 to 65535\n", stderr);
        print_usage(stderr);
        return 2;
    }
    if (descriptor_fill_standard() == -1 ||
        signals_prepare(request_stop, &while_waiting) == -1) {
        (void)fprintf(stderr, "pchatsrv: cannot start: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    descriptor_raise_limit(FD_SETSIZE + 8);
    if (chat_server_init(&server, address, port, &why) == -1) {
        (void)fprintf(stderr, "pchatsrv: cannot listen on port %d: %s\n", port, why);
        return EXIT_FAILURE;
    }
    descriptor_prepare_output(STDOUT_FILENO, &output);
    result = chat_server_run(&server, &while_waiting);
    if (result == -1)
        (void)fprintf(stderr, "pchatsrv: select: %s\n", strerror(errno));
    chat_server_free(&server);
    descriptor_restore_output(STDOUT_FILENO, &output);
    return result == -1 ? EXIT_FAILURE : EXIT_SUCCESS;
}
