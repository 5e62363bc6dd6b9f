/*
 * pchatsrv: a chat server with one select() loop. Connect to it, with telnet for example,
 * and you are in the room: what one client says goes to all the others, and to standard
 * output.
 *
 *     pchatsrv [-b address] [-c number] [-p port] [-r lines]
 *
 * This is the ChatServer that tutorials teach: one loop waits for the listening socket and
 * all clients; a new connection is accepted, a client that is ready is read from, its line
 * is broadcast. labs/chat_naive.c is just that, and lists how it fails. labs/chat_small.c
 * mends the worst faults in one file. This server keeps running, for two reasons:
 *
 *  - Nothing waits except select(). Every socket is non-blocking, and a client that does
 *    not read delays nobody.
 *  - Broadcasting does not send. It appends the line to the transcript
 *    (chat/transcript.h), one ring of text in which every client has a cursor, the place
 *    up to which it has read. At the end of each turn of the loop a client gets everything
 *    after its cursor in one send. So a line costs the same for two clients as for a
 *    thousand, and memory is bounded.
 *
 * The path of a line, from the client that sends it to the others:
 *
 *     receive()           recv(); input_take() makes lines of the bytes (net/input.h)
 *     take_line()         words_write() puts the name before the line (chat/words.h)
 *     broadcast_string()  room_say() appends it to the transcript; log_line() prints it
 *     send_to_clients()   readers_send() sends it straight out of the ring
 *
 * A struct fdset is an fd_set and its highest member: fdset_add() is FD_SET(), fdset_has()
 * is FD_ISSET() (base/fdset.h). There are four of them:
 *
 *     descriptors  the listening socket and every client
 *     members      the clients that may speak
 *     leaving      the clients that have said goodbye, and still get what was said before
 *     behind       the clients whose socket has refused part of a send
 */
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/fdset.h"
#include "base/log.h"
#include "base/options.h"
#include "base/signals.h"
#include "base/start.h"
#include "chat/commands.h"
#include "chat/limits.h"
#include "chat/readers.h"
#include "chat/room.h"
#include "net/address.h"
#include "net/keepalive.h"
#include "net/listener.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GREETING "You're connected to the C chatserver"
#define STOPPING "ChatServer stopping"
#define AYT_TEXT "Yes, the ChatServer is here"
#define TO_A_BROWSER                                                                     \
    "HTTP/1.1 400 This server takes lines of text, not HTTP. "                           \
    "For a browser there is web_chat, on port 8080\r\n\r\n"
#define LONG_COMMAND "A command has at most 2048 bytes: this one was not sent"
#define TOO_MANY     "Too many connections from your address\r\n"

/* How long it waits for one client. A reader that holds the room up longer is usually gone. */
#define PATIENCE_MS 2000

/*
 * How much is read from a client at a time, and how much text that may become. A client is
 * read at most twice in a turn, so a flood from one client starves nobody.
 */
#define INPUT_BYTES 8192
#define SHARE_BYTES 16384

/* How much the kernel may hold for a client that does not read: by itself, megabytes. */
#define SEND_BUFFER_BYTES 65536

/* How far the reader of standard output may fall behind before lines are left out. */
#define OUTPUT_BYTES ((size_t)512 * 1024)

struct chat_server {
    int port;
    int srvsock;              /* the listening socket; -1 once the server is stopping */
    struct fdset descriptors; /* srvsock and every client: the set that select() reads */

    struct room room;
    struct limits limits;
    struct listener newcomers;
    struct log log; /* standard output */
    char log_bytes[OUTPUT_BYTES];
    int next_to_read; /* the client that is read first in the next turn */
    int64_t stop_by;  /* ms; the end of the patience, once the server is stopping */
    int64_t now;      /* ms; the time of this turn of the loop */
};

/*
 * Listens on where->port (0: any free one), and prints the port. -1: *why is the reason.
 *
 * listener_open() makes the usual calls: socket(), SO_REUSEADDR, bind(), listen(). Without
 * SO_REUSEADDR a server that was stopped could not be started again for a minute or more,
 * while its last connections are in TIME-WAIT (RFC 9293 3.6). And it listens with a long
 * queue: a whole class connects at the same moment, and a client that finds the queue full
 * tries again only a second later.
 */
static int chat_server_init(struct chat_server *server, struct options_server *where,
                            const char **why)
{
    const int send_buffer = SEND_BUFFER_BYTES;
    char place[OPTIONS_PLACE_MOST];

    server->srvsock = listener_open(where, SOCK_STREAM, why);
    if (server->srvsock == -1)
        return -1;
    /* Accepted sockets inherit this. If it fails, a stalled client costs more memory. */
    (void)setsockopt(server->srvsock, SOL_SOCKET, SO_SNDBUF, &send_buffer,
                     sizeof send_buffer);
    server->port = where->port;
    room_init(&server->room);
    fdset_clear(&server->descriptors);
    fdset_add(&server->descriptors, server->srvsock);
    listener_init(&server->newcomers, LISTENER_FULL, &server->log);
    server->now = clock_ms();
    log_open(&server->log, "pchatsrv", STDOUT_FILENO, server->log_bytes, OUTPUT_BYTES);
    log_line(&server->log, "ChatServer started on %s", options_place(where, place));
    return 0;
}

/*
 * Says a line to everyone except `omit_sock`, and on standard output.
 *
 * The usual way is a loop that calls send() for each client. When 20 of 100 clients talk
 * at once, that is 2,000 system calls; and one client that does not read makes send()
 * wait, and everyone with it. Here the line is only stored, which costs one copy.
 */
static void broadcast_string(struct chat_server *server, const char *str, int omit_sock)
{
    room_say(&server->room, str, omit_sock);
    log_line(&server->log, "%s", str);
}

/* ---- Coming and going --------------------------------------------------------------- */

/*
 * Accepts a newcomer, greets it, and tells the others. Returns false if nobody else is
 * waiting, or nobody can be accepted now.
 *
 * A process has a limited number of descriptors, and an fd_set holds only those below
 * FD_SETSIZE (1,024 on most systems). When they run out, listener_accept() turns the
 * newcomer away. If it let accept() fail, the newcomer would stay in the queue, select()
 * would report it again at once, and the server would spin. A newcomer that has already
 * gone (ECONNABORTED) is ordinary life.
 */
static bool accept_new_connection(struct chat_server *server)
{
    char joined[WORDS_MOST];
    struct sockaddr_storage peer; /* not from getpeername(): it may be gone by then */
    int newsock = listener_accept(&server->newcomers, server->srvsock, &peer);

    if (newsock == -1)
        return false;
    if (!limits_let_in(&server->limits, &server->room, &peer)) {
        listener_turn_away(newsock, TOO_MANY);
        return true;
    }
    /* Otherwise a peer whose machine has died would stay for a quarter of an hour. */
    keepalive_limit_sending(newsock);
    fdset_add(&server->descriptors, newsock);
    room_enter(&server->room, newsock, &peer);
    room_tell(&server->room, newsock, GREETING);
    words_write(joined, sizeof joined, WORDS_JOINED, server->room.clients[newsock].name,
                "");
    broadcast_string(server, joined, newsock);
    return true;
}

/*
 * Tells the others that a client is gone, and why (WORDS_LEFT, chat/words.h). It is closed
 * once it has received what was said before.
 */
static void client_leaves(struct chat_server *server, int sock, const char *why)
{
    char left[WORDS_MOST];

    words_write(left, sizeof left, WORDS_LEFT, server->room.clients[sock].name, why);
    broadcast_string(server, left, sock);
    room_leave(&server->room, sock, server->now + PATIENCE_MS);
}

/*
 * Closes the connection, and removes the client from every set: a closed descriptor in a
 * set makes select() fail (EBADF), and its number may soon be somebody else's.
 */
static void close_client(struct chat_server *server, int sock)
{
    descriptor_hang_up(sock);
    fdset_remove(&server->descriptors, sock);
    room_forget(&server->room, sock);
}

/* ---- Receiving ---------------------------------------------------------------------- */

static void take_command(struct chat_server *server, int sock, const char *line)
{
    struct command_effect effect;

    command_obey(&server->room, sock, line, &effect);
    if (effect.kind == COMMAND_SAYS)
        broadcast_string(server, effect.text, effect.omit_sock);
    else if (effect.kind == COMMAND_LEAVES)
        client_leaves(server, sock, effect.text);
}

/*
 * Takes a line, or a piece of a line of more than LINE_MOST bytes. Long text is said in
 * pieces; a long command is refused, because half of it could mean something else.
 */
static void take_line(struct chat_server *server, int sock, bool is_whole)
{
    struct client *client = &server->room.clients[sock];
    const char *text = client->input.line.text;
    bool begins = client->line == NEW_LINE;
    char said[WORDS_MOST];

    limits_count_line(&server->limits, client, server->now);
    if (begins && text[0] == '/' && text[1] != '/') {
        if (is_whole)
            take_command(server, sock, text);
        else
            room_tell(&server->room, sock, LONG_COMMAND);
        client->line = is_whole ? NEW_LINE : IGNORED;
        return;
    }
    if (begins && text[0] == '/')
        text++; /* a line that begins with "//" is speech that begins with "/" */
    if (client->line != IGNORED) {
        words_write(said, sizeof said, WORDS_SAID, client->name, text);
        broadcast_string(server, said, sock);
        client->line = SPEECH;
    }
    if (is_whole)
        client->line = NEW_LINE;
}

/*
 * What one recv() returns is not a line. TCP carries a stream of bytes: a line may come in
 * two pieces, and three lines in one. So each client has an input (net/input.h). It keeps
 * the unfinished line, and finds lines and telnet's own commands: after Ctrl-C telnet
 * shows nothing more until it gets an INPUT_REPLY (RFC 860).
 */
static void take_event(struct chat_server *server, int sock, enum input_event event)
{
    const struct telnet_reply *reply = &server->room.clients[sock].input.reply;

    switch (event) {
    case INPUT_LINE: take_line(server, sock, true); break;
    case INPUT_PIECE: take_line(server, sock, false); break;
    case INPUT_HTTP:
        room_tell_bytes(&server->room, sock, TO_A_BROWSER, strlen(TO_A_BROWSER));
        client_leaves(server, sock, " (it speaks HTTP)");
        break;
    case INPUT_LEAVE: client_leaves(server, sock, ""); break;
    case INPUT_REPLY:
        room_tell_bytes(&server->room, sock, reply->bytes, sizeof reply->bytes);
        break;
    case INPUT_ARE_YOU_THERE: room_tell(&server->room, sock, AYT_TEXT); break;
    case INPUT_ANSWERED:
    case INPUT_MORE: break;
    }
}

/*
 * The peer has closed its end (`error` is 0), or its connection is lost. A last line without
 * a line end is said now. A peer that closed only its own half still gets what it is owed.
 */
static void hang_up(struct chat_server *server, int sock, int error)
{
    const struct client *client = &server->room.clients[sock];
    enum input_event event = INPUT_PIECE;
    char why[128] = "";

    if (client->send_error != 0)
        error = client->send_error; /* the first cause */
    while (event == INPUT_PIECE && fdset_has(&server->room.members, sock)) {
        event = input_finish(&server->room.clients[sock].input);
        take_event(server, sock, event);
    }
    if (error != 0 && error != ECONNRESET && error != EPIPE)
        snprintf(why, sizeof why, " (%s)", strerror(error));
    if (fdset_has(&server->room.members, sock)) /* its last line may have been /quit */
        client_leaves(server, sock, why);
    if (error != 0)
        close_client(server, sock);
}

/*
 * Takes what a client has sent, until its share of the turn or the space in the transcript
 * is used up. Nobody knows beforehand how many bytes that is. So one recv() peeks at them,
 * and another removes those that were used. The rest waits in the kernel's buffer; when
 * that is full, TCP stops the sender.
 *
 * The socket is non-blocking although select() has said that it is readable: Linux may
 * then drop the segment for a bad checksum, and recv() would wait (select(2), BUGS).
 */
static void receive(struct chat_server *server, int sock)
{
    unsigned char bytes[INPUT_BYTES];
    struct room *room = &server->room;
    ssize_t got = recv(sock, bytes, sizeof bytes, MSG_PEEK);
    uint64_t share_end = room->transcript.end + SHARE_BYTES;
    enum input_event event;
    size_t taken = 0;

    if (got == -1 && descriptor_try_again(errno))
        return;
    if (got <= 0) {
        hang_up(server, sock, got == 0 ? 0 : errno);
        return;
    }
    while (taken < (size_t)got && fdset_has(&room->members, sock) &&
           room->transcript.end < share_end && readers_leave_space(room) &&
           limits_allow_line(&server->limits, &room->clients[sock], server->now)) {
        taken += input_take(&room->clients[sock].input, bytes + taken,
                            (size_t)got - taken, &event);
        take_event(server, sock, event);
    }
    /* Removes what was peeked at. If that fails, the same bytes would be said again. */
    if (taken > 0 && recv(sock, bytes, taken, 0) != (ssize_t)taken)
        hang_up(server, sock, errno);
}

/*
 * Reads once from each member that is ready, and returns how many those were. If the room
 * fills up first, the next turn begins where this one ended; otherwise clients with low
 * descriptors would always be first.
 */
static int receive_from_clients(struct chat_server *server, const struct fdset *readable)
{
    int count = server->descriptors.highest + 1;
    int first = server->next_to_read < count ? server->next_to_read : 0;
    int heard = 0;

    for (int n = 0; n < count; n++) {
        int sock = (first + n) % count;

        if (!fdset_has(readable, sock) || !fdset_has(&server->room.members, sock))
            continue;
        if (!readers_leave_space(&server->room)) {
            server->next_to_read = sock;
            break;
        }
        receive(server, sock);
        heard++;
    }
    return heard;
}

/* ---- Sending ------------------------------------------------------------------------ */

/*
 * One send for each client that has text to read.
 *
 * Most sockets can take it at once, so the server tries without asking select() first. A
 * socket whose buffer is full takes a part or nothing. Its client is then behind, and is
 * sent more when select() says that the socket is writable. In a quiet room the write set
 * is empty. It must be: a socket is nearly always writable, and select() would never wait.
 *
 * Returns false if a client was lost. That was said after some had been sent their text, so
 * call it again: in a quiet room there may be no other turn for a long time.
 */
static bool send_to_clients(struct chat_server *server, const struct fdset *writable)
{
    struct room *room = &server->room;
    bool all_stay = true;

    for (int sock = 0; sock <= server->descriptors.highest; sock++) {
        const struct client *client = &room->clients[sock];
        bool has_text = client->cursor.position != room->transcript.end;
        bool is_ready = !fdset_has(&room->behind, sock) || fdset_has(writable, sock);
        bool is_over = false;

        if (!room_is_client(room, sock))
            continue;
        if (has_text && is_ready)
            is_over = readers_send(room, sock, server->now) == -1;
        /* A lost client is still heard: its last words wait in the kernel. But with a
           limit (-r) that could take hours. */
        if (client->send_error != 0 &&
            !limits_allow_line(&server->limits, client, server->now))
            is_over = true;
        if (is_over) {
            hang_up(server, sock, client->send_error);
            all_stay = false;
        }
    }
    for (int sock = 0; sock <= room->leaving.highest; sock++)
        if (room_has_left(room, sock, server->now))
            close_client(server, sock);
    return all_stay;
}

/*
 * When the ring is full, the server reads from nobody until the slowest reader has read some
 * of it. A reader in the way is closed if it has taken nothing for two seconds, or if the
 * room has been full for two seconds. The next turn tells the others.
 */
static void close_slow_readers(struct chat_server *server)
{
    struct room *room = &server->room;

    if (readers_leave_space(room)) {
        room->full_since = 0;
        return;
    }
    if (room->full_since == 0)
        room->full_since = server->now;
    while (!readers_leave_space(room)) {
        int sock = readers_slowest(room);
        int64_t took_at = room->clients[sock].took_at;

        room->full_until = clock_earlier(room->full_since, took_at) + PATIENCE_MS;
        if (server->now < room->full_until)
            return;
        if (fdset_has(&room->members, sock))
            client_leaves(server, sock, " (too slow)");
        close_client(server, sock);
    }
}

/* ---- The loop ----------------------------------------------------------------------- */

/*
 * Chooses the sockets to read from, and those to wait for with text to send. Returns when
 * to stop waiting (clock_ms()); INT64_MAX: never.
 *
 * select() changes the sets that it gets, so it gets copies. The read set is `descriptors`
 * without the clients that are leaving or have said too much (-r). While the room is full
 * it is empty.
 */
static int64_t choose_descriptors(const struct chat_server *server,
                                  struct fdset *readable, struct fdset *writable)
{
    const struct room *room = &server->room;
    int64_t deadline;

    *readable = server->descriptors;
    *writable = room->behind;
    deadline = listener_rest(&server->newcomers, server->srvsock, server->now, readable);
    for (int sock = 0; sock <= room->leaving.highest; sock++) {
        if (!fdset_has(&room->leaving, sock))
            continue;
        fdset_remove(readable, sock);
        deadline = clock_earlier(deadline, room->clients[sock].leaves_by);
    }
    deadline = clock_earlier(
        deadline, limits_hold_back(&server->limits, room, server->now, readable));
    if (room->full_since != 0) {
        fdset_clear(readable);
        deadline = clock_earlier(deadline, room->full_until);
    }
    return clock_earlier(deadline, log_watch(&server->log, writable));
}

/*
 * When several clients talk, more of them often have spoken by the time these are read. In
 * this turn another line costs one copy; in the next, a send for each client. So the server
 * looks once more, without waiting, before it sends. With 900 clients, 50 of whom talk,
 * that saves a third of the processor's time.
 */
static void receive_once_more(struct chat_server *server)
{
    struct fdset readable, writable;

    choose_descriptors(server, &readable, &writable);
    /* NULL: signals stay blocked. The loop would notice one only after its next wait. */
    if (signals_pselect(NULL, &readable, NULL, 0) > 0)
        receive_from_clients(server, &readable);
}

/* Stops accepting. Everyone is told, and gets what was said before. */
static void begin_to_stop(struct chat_server *server)
{
    if (server->srvsock == -1)
        return;
    receive_once_more(server); /* the signal may have come after their words */
    fdset_remove(&server->descriptors, server->srvsock);
    close(server->srvsock);
    server->srvsock = -1;
    server->stop_by = server->now + PATIENCE_MS;
    broadcast_string(server, STOPPING, ROOM_NOBODY);
    for (int sock = 0; sock <= server->descriptors.highest; sock++)
        if (fdset_has(&server->room.members, sock))
            room_leave(&server->room, sock, server->stop_by);
}

/*
 * Serves until a signal asks the server to stop and the last client is closed. 0, or -1
 * with errno: select() itself failed.
 *
 * signals_pselect() is select() with signals unblocked only while it waits (POSIX
 * pselect). With plain select(), a Ctrl-C could arrive after the flag was checked and
 * before the wait, and nobody would notice until the next line came.
 */
static int chat_server_run(struct chat_server *server, struct signals *signals)
{
    struct fdset readable, writable;

    while (!fdset_is_empty(&server->descriptors)) {
        int64_t deadline = choose_descriptors(server, &readable, &writable);

        if (signals_pselect(signals, &readable, &writable, deadline) == -1)
            return -1;
        server->now = clock_ms();
        if (signals_stop_requested())
            begin_to_stop(server);
        if (receive_from_clients(server, &readable) > 1)
            receive_once_more(server);
        if (fdset_has(&readable, server->srvsock))
            for (int n = 0; n < LISTENER_A_TURN && accept_new_connection(server); n++)
                continue;
        while (!send_to_clients(server, &writable))
            continue;
        close_slow_readers(server);
        log_write(&server->log);
    }
    return 0;
}

/* ---- The program -------------------------------------------------------------------- */

static const struct options options = {
    .program = "pchatsrv",
    .letters = "b:c:hp:r:V",
    .usage = "usage: pchatsrv [-hV] [-b address] [-c number] [-p port] [-r lines]\n",
    .help =
        "A chat room for telnet: what one client says, all the others read.\n"
        "  -b address  listen on this address only (default: all, IPv6 and IPv4)\n"
        "  -c number   let in this many clients from one address (default: no limit). A\n"
        "              gateway, such as web_chat, has one address for all its people\n"
        "  -p port     listen on this port (default: 2626; 0: any free one)\n"
        "  -r lines    take this many lines a second from each client, and as many at\n"
        "              once (default: no limit). More lines wait; none is lost\n"
        "              while the client stays\n"
        "  -h          print this help\n"
        "  -V          print the version\n",
};

int main(int argc, char *argv[])
{
    static struct chat_server server; /* megabytes: too many for some stacks */
    struct options_server where = {.port = 2626};
    struct signals signals;
    const char *why;
    int option, result;

    while ((option = options_next_of_server(&options, argc, argv, &where)) != -1) {
        if (option == 'c')
            server.limits.connections = options_number(&options, 'c', 1, FD_SETSIZE);
        else if (option == 'r')
            server.limits.lines = options_number(&options, 'r', 1, 1000);
    }
    options_end(&options, argc, argv);
    start_server(&options, &signals);
    if (chat_server_init(&server, &where, &why) == -1)
        options_cannot_listen(&options, &where, why);
    result = chat_server_run(&server, &signals);
    if (result == -1) { /* it cannot wait any more: one send to each client must do */
        perror("pchatsrv: select");
        begin_to_stop(&server);
        send_to_clients(&server, &server.room.behind);
    }
    log_finish(&server.log, server.stop_by - clock_ms());
    listener_close(&server.newcomers);
    return result == -1 ? EXIT_FAILURE : EXIT_SUCCESS;
}
