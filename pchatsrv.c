/*
 * pchatsrv: a chat server with one select() loop. Whoever connects, with telnet for one, is
 * in the room: what one client says goes to all the others, and to standard output.
 *
 *     pchatsrv [-b address] [-p port]
 *
 * This is the ChatServer that tutorials teach: one list of descriptors, the listening
 * socket and every client in it; one loop that waits for all of them; a new connection is
 * accepted, a client that is ready is read from, its line is broadcast. labs/chat_naive.c
 * is that and no more, and lists how it fails. labs/chat_small.c mends the worst in one
 * file. This server keeps running, for two reasons:
 *
 *  - Nothing waits except select(). Every socket is non-blocking, and a client that does
 *    not read delays nobody.
 *  - Broadcasting does not send. It appends the line to the transcript (chat/transcript.h),
 *    one ring of text in which every client has a cursor, the place up to which it has
 *    read. At the end of each turn of the loop a client gets everything after its cursor in
 *    one send. So a line costs the same for two clients as for a thousand, twenty lines of
 *    one turn cost one send, and memory is bounded: the ring is all there is.
 *
 * The folder chat/ has what stands below: who is in the room, its commands, its sentences,
 * and the readers of the transcript.
 */
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/fdset.h"
#include "base/log.h"
#include "base/options.h"
#include "base/signals.h"
#include "base/start.h"
#include "chat/commands.h"
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

/*
 * How long anyone is waited for: a room of people notices a pause of two seconds, and the
 * reader that causes it has usually gone away.
 */
#define PATIENCE_MS 2000

/*
 * A client's share of a turn: what is read from it, and what that may become in the
 * transcript. So a client that sends without end starves nobody.
 */
#define INPUT_BYTES 8192
#define SHARE_BYTES 16384

/* What the kernel may hold for a client that does not read. Its own limit is megabytes. */
#define SEND_BUFFER_BYTES 65536

/* The reader of standard output may be so far behind before lines are left out. */
#define OUTPUT_BYTES ((size_t)1 << 20)

struct chat_server {
    int port;
    int srvsock;              /* the listening socket; -1 once the server is stopping */
    struct fdset descriptors; /* srvsock and every client: the set that select() reads */

    struct room room;
    struct listener newcomers;
    struct log log; /* standard output */
    char log_bytes[OUTPUT_BYTES];
    int next_to_read; /* the client that is read first in the next turn */
    int64_t now;      /* ms; the time of this turn of the loop */
};

/*
 * Listens on where->port (0: any free one), and says so. -1: it cannot, *why says why.
 *
 * listener_open() makes the usual calls: socket(), SO_REUSEADDR, bind(), listen(). Without
 * SO_REUSEADDR a server that was stopped could not be started again for a minute or more,
 * while its last connections are in TIME-WAIT (RFC 9293 3.6). And it listens with a long
 * queue: a class connects within one moment, and whoever does not fit the queue tries again
 * a second later.
 */
static int chat_server_init(struct chat_server *server,
                            const struct options_server *where, const char **why)
{
    const int send_buffer = SEND_BUFFER_BYTES;

    if (room_open(&server->room) == -1) {
        *why = strerror(errno);
        return -1;
    }
    server->srvsock = listener_open(where->address, where->port, SOCK_STREAM, why);
    if (server->srvsock == -1) {
        room_close(&server->room);
        return -1;
    }
    /* Accepted sockets inherit it. If it fails, a stalled client costs more memory. */
    (void)setsockopt(server->srvsock, SOL_SOCKET, SO_SNDBUF, &send_buffer,
                     sizeof send_buffer);
    server->port = listener_port(server->srvsock);
    fdset_clear(&server->descriptors);
    fdset_add(&server->descriptors, server->srvsock);
    listener_init(&server->newcomers, LISTENER_FULL, &server->log);
    server->now = clock_ms();
    log_open(&server->log, "pchatsrv", STDOUT_FILENO, server->log_bytes, OUTPUT_BYTES);
    log_line(&server->log, "ChatServer started on port %d", server->port);
    return 0;
}

/*
 * Says a line to everyone except `omit_sock`, and on standard output.
 *
 * The usual way is a loop that calls send() for each client. With 100 clients and 20 people
 * who talk at once that is 2,000 system calls; and one client that does not read makes
 * send() wait, and everyone with it. Here the line is only written down. It costs one copy,
 * and no client has to be ready: send_to_clients() follows at the end of the turn.
 */
static void broadcast_string(struct chat_server *server, const char *str, int omit_sock)
{
    room_say(&server->room, str, omit_sock);
    log_line(&server->log, "%s", str);
}

/* ---- Coming and going --------------------------------------------------------------- */

/*
 * Takes in a newcomer: greets it, and tells the others. False: nobody else is waiting, or
 * nobody can be accepted now.
 *
 * "Now" may be long: a process has a limited number of descriptors, and an fd_set holds
 * only those below FD_SETSIZE (1,024 on most systems). listener_accept() turns away a
 * newcomer for whom there is no descriptor. If it simply let accept() fail, the newcomer
 * would stay in the queue, select() would report it again at once, and the server would
 * spin. Nor may a newcomer that is gone already end the server: that is ordinary life, and
 * accept() reports it as ECONNABORTED.
 */
static bool accept_new_connection(struct chat_server *server)
{
    char name[ADDRESS_MOST], joined[WORDS_MOST];
    struct sockaddr_storage peer;
    int newsock = listener_accept(&server->newcomers, server->srvsock, &peer);

    if (newsock == -1)
        return false;
    /* A peer whose machine is gone would keep its name for a quarter of an hour. */
    keepalive_limit_sending(newsock);
    address_format(&peer, name); /* from accept(): getpeername() fails if it is gone */
    fdset_add(&server->descriptors, newsock);
    room_enter(&server->room, newsock, name);
    room_tell(&server->room, newsock, GREETING);
    words_write(joined, sizeof joined, WORDS_JOINED, name, "");
    broadcast_string(server, joined, newsock);
    return true;
}

/*
 * Tells the others that a client is gone. `why` follows its name: "", ": " and a farewell,
 * or the server's reason " (...)". The client is closed when it has got what was said
 * before.
 */
static void client_leaves(struct chat_server *server, int sock, const char *why)
{
    char left[WORDS_MOST];

    words_write(left, sizeof left, WORDS_LEFT, server->room.clients[sock].name, why);
    broadcast_string(server, left, sock);
    room_leave(&server->room, sock, server->now + PATIENCE_MS);
}

/*
 * Closes the connection, and takes the client off all lists: a closed descriptor in a set
 * makes select() fail (EBADF), and its number may soon be somebody else's.
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
 * Takes a line, or a piece of one of over LINE_MOST bytes. Long text is said in pieces, so
 * that nothing is lost; a command must be whole before it means anything.
 */
static void take_line(struct chat_server *server, int sock, bool is_whole)
{
    struct client *client = &server->room.clients[sock];
    const char *text = client->input.line.text;
    bool begins = client->line == NEW_LINE;
    char said[WORDS_MOST];

    if (begins && text[0] == '/' && text[1] != '/') {
        if (is_whole)
            take_command(server, sock, text);
        else
            command_refuse(&server->room, sock);
        client->line = is_whole ? NEW_LINE : IGNORED;
        return;
    }
    if (begins && text[0] == '/')
        text++; /* "//" at the beginning stands for "/", and is no command */
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
 * two pieces, and three lines in one. So each client has an input (net/input.h), which
 * keeps its unfinished line, and calls this for each line, and for what telnet adds of its
 * own. A telnet that sends Ctrl-C, for one, asks for an answer (RFC 860) and shows nothing
 * more until it has come.
 */
static void take_event(struct chat_server *server, int sock, enum input_event event)
{
    const struct telnet_reply *reply = &server->room.clients[sock].input.reply;

    switch (event) {
    case INPUT_LINE: take_line(server, sock, true); break;
    case INPUT_PIECE: take_line(server, sock, false); break;
    case INPUT_HTTP:
        room_tell_bytes(&server->room, sock, input_http_answer,
                        strlen(input_http_answer));
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
 * The peer has closed its end (`error` is 0), or its connection is lost. What it said last,
 * without a line end, is said before it leaves. A peer that has closed only its own half
 * still gets the answers to that.
 */
static void hang_up(struct chat_server *server, int sock, int error)
{
    bool is_usual = error == 0 || error == ECONNRESET || error == EPIPE;
    enum input_event event;
    char why[128] = "";

    do {
        event = input_finish(&server->room.clients[sock].input);
        take_event(server, sock, event);
    } while (event == INPUT_PIECE);
    if (!is_usual)
        snprintf(why, sizeof why, " (%s)", strerror(error));
    if (fdset_has(&server->room.members, sock)) /* its last line may have been /quit */
        client_leaves(server, sock, why);
    if (error != 0)
        close_client(server, sock);
}

/*
 * Takes what a client has sent, until its share of the turn or the space in the transcript
 * is used up. That is known only afterwards, so the bytes are peeked at first, and only
 * those that were used are removed. The others wait in the kernel's buffer; when that is
 * full, TCP stops the sender.
 *
 * The socket is non-blocking although select() has said that it is readable: on Linux a
 * segment with a bad checksum is dropped after that (select(2), BUGS).
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
        int error = got == 0 ? 0 : errno, send_error = room->clients[sock].send_error;

        hang_up(server, sock, send_error != 0 ? send_error : error); /* the first cause */
        return;
    }
    while (taken < (size_t)got && fdset_has(&room->members, sock) &&
           room->transcript.end < share_end && readers_leave_space(room)) {
        taken += input_take(&room->clients[sock].input, bytes + taken,
                            (size_t)got - taken, &event);
        take_event(server, sock, event);
    }
    /* They are there, so this only removes them. If it fails they would be said again. */
    if (taken > 0 && recv(sock, bytes, taken, 0) != (ssize_t)taken)
        hang_up(server, sock, errno);
}

/*
 * Reads once from each member that is ready. When the room becomes full before everyone had
 * a turn, the next turn begins where this one ended; else clients with low descriptors would
 * always be first.
 */
static void receive_from_clients(struct chat_server *server, const struct fdset *readable)
{
    int count = server->descriptors.highest + 1;
    int first = server->next_to_read < count ? server->next_to_read : 0;

    for (int n = 0; n < count; n++) {
        int sock = (first + n) % count;

        if (!fdset_has(readable, sock) || !fdset_has(&server->room.members, sock))
            continue;
        if (!readers_leave_space(&server->room)) {
            server->next_to_read = sock;
            return;
        }
        receive(server, sock);
    }
}

/* ---- Sending ------------------------------------------------------------------------ */

/*
 * One send for each client with text before it.
 *
 * Most sockets can take it at once, so it is simply tried, without asking select() first. A
 * socket whose buffer is full takes a part or nothing. Its client is then behind, and is
 * sent to only after select() has said that the socket takes more. In a quiet room the set
 * for writing is empty. It must be: a socket is nearly always ready for writing, and a
 * select() that watched all of them would never wait.
 */
static void send_to_clients(struct chat_server *server, const struct fdset *writable)
{
    struct room *room = &server->room;

    for (int sock = 0; sock <= server->descriptors.highest; sock++) {
        if (!room_is_client(room, sock))
            continue;
        if (room->clients[sock].cursor.position != room->transcript.end &&
            (!fdset_has(&room->behind, sock) || fdset_has(writable, sock)) &&
            readers_send(room, sock) == -1)
            hang_up(server, sock, room->clients[sock].send_error);
        if (room_has_left(room, sock, server->now))
            close_client(server, sock);
    }
}

/*
 * When the ring has no more space, nobody is heard until its slowest readers have read
 * some. Any of them still in the way after two seconds is closed.
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
    if (server->now - room->full_since < PATIENCE_MS)
        return;
    for (int sock = 0; sock <= server->descriptors.highest; sock++) {
        if (!room_is_client(room, sock) || !readers_wait_for(room, sock))
            continue;
        if (fdset_has(&room->members, sock))
            client_leaves(server, sock, " (too slow)");
        close_client(server, sock);
    }
}

/* ---- The loop ----------------------------------------------------------------------- */

/*
 * Chooses who is listened to, and who is waited for with text. Returns until when to wait
 * (clock_ms()); INT64_MAX: for ever.
 *
 * select() changes the sets that it gets, so it gets copies. As in every ChatServer the
 * read set is `descriptors`, the listening socket and all clients, with two exceptions:
 * those that have said goodbye, and everyone while the room is full.
 */
static int64_t choose_descriptors(const struct chat_server *server,
                                  struct fdset *readable, struct fdset *writable)
{
    const struct room *room = &server->room;
    int64_t deadline = INT64_MAX;

    *readable = server->descriptors;
    *writable = room->behind;
    deadline = listener_rest(&server->newcomers, server->srvsock, server->now, readable);
    for (int sock = 0; sock <= room->leaving.highest; sock++) {
        if (!fdset_has(&room->leaving, sock))
            continue;
        fdset_remove(readable, sock);
        deadline = clock_earlier(deadline, room->clients[sock].leaves_by);
    }
    if (room->full_since != 0) {
        fdset_clear(readable);
        deadline = clock_earlier(deadline, room->full_since + PATIENCE_MS);
    }
    return clock_earlier(deadline, log_watch(&server->log, writable));
}

/* Nobody else comes in. Everyone is told, and gets what was said before. */
static void begin_to_stop(struct chat_server *server)
{
    if (server->srvsock == -1)
        return;
    fdset_remove(&server->descriptors, server->srvsock);
    close(server->srvsock);
    server->srvsock = -1;
    broadcast_string(server, STOPPING, ROOM_NOBODY);
    for (int sock = 0; sock <= server->descriptors.highest; sock++)
        if (fdset_has(&server->room.members, sock))
            room_leave(&server->room, sock, server->now + PATIENCE_MS);
}

/*
 * Serves until the listening socket and all clients are gone, as they are some time after
 * a signal asks the server to stop. 0, or -1 with errno: select() itself failed.
 *
 * signals_pselect() is select(), and lets signals in only while it waits. With plain
 * select(), a Ctrl-C could arrive after the look at the flag and before the wait, and would
 * be noticed only at the next line that anybody says.
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
        if (fdset_has(&readable, server->srvsock))
            for (int n = 0; n < LISTENER_A_TURN && accept_new_connection(server); n++)
                continue;
        receive_from_clients(server, &readable);
        send_to_clients(server, &writable);
        close_slow_readers(server);
        log_write(&server->log);
    }
    return 0;
}

static void chat_server_free(struct chat_server *server)
{
    for (int sock = 0; sock <= server->descriptors.highest; sock++)
        if (fdset_has(&server->descriptors, sock))
            close(sock);
    listener_close(&server->newcomers);
    room_close(&server->room);
}

/* ---- The program -------------------------------------------------------------------- */

static const struct options options = {
    .program = "pchatsrv",
    .letters = "b:hp:V",
    .usage = "usage: pchatsrv [-hV] [-b address] [-p port]\n",
    .help = "A chat room for telnets: what one client says, all the others read.\n"
            "  -b address  listen on this address only (default: all, IPv6 and IPv4)\n"
            "  -p port     listen on this port (default: 2626; 0: any free one)\n"
            "  -h          print this help\n"
            "  -V          print the version\n",
};

int main(int argc, char *argv[])
{
    static struct chat_server server; /* megabytes: too much for some stacks */
    struct options_server where = {.port = 2626};
    struct signals signals;
    const char *why;
    int result;

    options_next_of_server(&options, argc, argv, &where); /* -b and -p are all it has */
    options_end(&options, argc, argv);
    if (start_server(&signals) == -1)
        options_fail(&options, "cannot start: %s", strerror(errno));
    if (chat_server_init(&server, &where, &why) == -1)
        options_cannot_listen(&options, &where, why);
    result = chat_server_run(&server, &signals);
    if (result == -1) { /* there is no waiting any more: one send to each must do */
        perror("pchatsrv: select");
        begin_to_stop(&server);
        send_to_clients(&server, &server.room.behind);
    }
    log_finish(&server.log, PATIENCE_MS);
    chat_server_free(&server);
    return result == -1 ? EXIT_FAILURE : EXIT_SUCCESS;
}
