#include "loop/stream_server.h"

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/start.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TAKING_MS   120000 /* for a client to take some of what it is owed */
#define LINGER_MS   2000   /* for a client that has all of it to close its end */
#define PATIENCE_MS 2000   /* with all clients, when the server ends */

/* ---- Time-outs ---------------------------------------------------------------------- */

/* A sign of life: the client has taken something or, if it is owed nothing, sent it. */
static void note_activity(struct stream *stream)
{
    int64_t idle_ms = stream->server->idle_ms, taking_ms = stream->server->taking_ms;

    if (stream->state == STREAM_CLOSING || (stream->output_length > 0 && idle_ms > 0))
        stream->deadline = stream->server->now + (taking_ms > 0 ? taking_ms : TAKING_MS);
    else if (stream->state == STREAM_OPEN && idle_ms > 0)
        stream->deadline = stream->server->now + idle_ms;
}

/* A client that is held and owed nothing waits for us, so it does not time out. */
static int64_t deadline_of(const struct stream *stream)
{
    bool waits =
        stream->state == STREAM_OPEN && stream->held && stream->output_length == 0;

    return waits ? INT64_MAX : stream->deadline;
}

/* ---- What handlers call ------------------------------------------------------------- */

size_t stream_room(const struct stream *stream)
{
    return sizeof stream->output - stream->output_length;
}

size_t stream_send(struct stream *stream, const void *bytes, size_t length)
{
    if (stream->state != STREAM_OPEN)
        return 0;
    if (length > stream_room(stream))
        length = stream_room(stream);
    memcpy(stream->output + stream->output_length, bytes, length);
    stream->output_length += length;
    if (stream->output_length == length)
        note_activity(stream); /* from now on it is the client's turn */
    stream->due = true;
    return length;
}

void stream_print(struct stream *stream, const char *format, ...)
{
    char text[STREAM_ANSWER_BYTES];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length > 0)
        stream_send(stream, text, strlen(text));
}

void stream_hold(struct stream *stream)
{
    stream->held = true;
}

void stream_resume(struct stream *stream)
{
    stream->held = false;
    stream->due = true;
    note_activity(stream);
}

void stream_expire(struct stream *stream, int64_t ms)
{
    if (stream->state == STREAM_OPEN)
        stream->deadline = stream->server->now + ms;
}

void stream_close(struct stream *stream)
{
    if (stream->state != STREAM_OPEN)
        return;
    stream->state = STREAM_CLOSING;
    stream->due = true;
    note_activity(stream);
}

void stream_server_watch(struct stream_server *server, int descriptor, int events,
                         int64_t ms, stream_watcher *watcher, void *owner)
{
    fdset_add(&server->descriptors, descriptor);
    server->watched[descriptor] = (struct stream_watch){
        watcher, owner, events, ms == -1 ? INT64_MAX : server->now + ms};
}

void stream_server_unwatch(struct stream_server *server, int descriptor)
{
    server->watched[descriptor].watcher = NULL;
    fdset_remove(&server->descriptors, descriptor);
}

/* ---- Coming and going --------------------------------------------------------------- */

static void open_stream(struct stream_server *server, int sock,
                        const struct sockaddr_storage *peer)
{
    struct stream *stream = &server->streams[sock];

    fdset_add(&server->descriptors, sock);
    stream->server = server;
    stream->sock = sock;
    address_format(peer, stream->name);
    stream->state = STREAM_OPEN;
    stream->held = stream->ended = stream->due = false;
    stream->lines = (struct input){.is_used = false};
    stream->input_length = stream->output_length = 0;
    stream->deadline = INT64_MAX;
    note_activity(stream);
    if (server->where.verbose)
        log_line(&server->log, "Client connected %s", stream->name);
    if (server->handlers.opened != NULL)
        server->handlers.opened(stream);
}

/* Returns false if nobody else is waiting, or nobody can be accepted now. */
static bool accept_new_connection(struct stream_server *server)
{
    struct sockaddr_storage peer;
    int sock = listener_accept(&server->newcomers, server->srvsock, &peer);

    if (sock == -1)
        return false;
    if (sock < descriptor_limit() - server->reserve)
        open_stream(server, sock, &peer);
    else
        listener_turn_away(sock, server->newcomers.full);
    return server->srvsock != -1; /* the handler may have stopped the server */
}

static void end_stream(struct stream *stream, int error)
{
    struct stream_server *server = stream->server;

    stream->state = STREAM_NONE; /* so that nothing is sent, and it does not end twice */
    if (server->where.verbose)
        log_line(&server->log, "Client closed %s%s%s", stream->name, error ? ": " : "",
                 error ? strerror(error) : "");
    if (server->handlers.closed != NULL)
        server->handlers.closed(stream, error);
    fdset_remove(&server->descriptors, stream->sock);
    descriptor_hang_up(stream->sock);
}

void stream_drop(struct stream *stream)
{
    if (stream->state != STREAM_NONE)
        end_stream(stream, 0);
}

/*
 * Everything has been sent, and shutdown() tells the client so. Until the client closes
 * too, what it sends is read and thrown away for a while. A close() with unread input
 * would send a reset (RFC 1122 4.2.2.13), which can destroy what is still on its way to
 * the client.
 */
static void linger(struct stream *stream)
{
    if (stream->ended) {
        end_stream(stream, 0);
        return;
    }
    (void)shutdown(stream->sock, SHUT_WR); /* a lost connection shows in recv() */
    stream->state = STREAM_LINGERING;
    stream->input_length = 0;
    stream->deadline = stream->server->now + LINGER_MS;
}

/* ---- Input -------------------------------------------------------------------------- */

/* Handlers of input are called only when the longest answer fits the output. */
static bool is_listened_to(const struct stream *stream)
{
    return stream->state == STREAM_OPEN && !stream->held &&
           stream_room(stream) >= STREAM_ANSWER_BYTES;
}

static void receive(struct stream *stream)
{
    size_t room = sizeof stream->input - stream->input_length;
    ssize_t got = recv(stream->sock, stream->input + stream->input_length, room, 0);

    if (got == -1 && descriptor_try_again(errno))
        return;
    if (got == -1 || (got == 0 && stream->state == STREAM_LINGERING)) {
        end_stream(stream, got == -1 ? errno : 0);
        return;
    }
    if (got == 0)
        stream->ended = true;
    else if (stream->state == STREAM_OPEN)
        stream->input_length += (size_t)got;
    if (stream->output_length == 0)
        note_activity(stream);
    stream->due = true;
}

static void take_event(struct stream *stream, enum input_event event)
{
    const struct telnet_reply *reply = &stream->lines.reply;

    switch (event) {
    case INPUT_LINE:
    case INPUT_PIECE:
        stream->server->handlers.line(stream, stream->lines.line.text,
                                      event == INPUT_LINE);
        break;
    case INPUT_HTTP:
        stream_print(stream,
                     "HTTP/1.1 400 This server takes lines of text, not HTTP\r\n\r\n");
        stream_close(stream);
        break;
    case INPUT_LEAVE: stream->ended = true; break;
    case INPUT_REPLY: stream_send(stream, reply->bytes, sizeof reply->bytes); break;
    case INPUT_ARE_YOU_THERE:
        stream_print(stream, "Yes, %s is here\r\n", stream->server->program);
        break;
    case INPUT_ANSWERED:
    case INPUT_MORE: break;
    }
}

/* Takes bytes of a line. A piece of one may take no byte. */
static size_t take_line(struct stream *stream, const unsigned char *bytes, size_t length)
{
    enum input_event event;
    size_t taken = 0;

    while (taken == 0 && is_listened_to(stream)) {
        taken = input_take(&stream->lines, bytes, length, &event);
        take_event(stream, event);
    }
    return taken;
}

/* Offers a handler what has come. Returns how much is taken. Without a handler, all is. */
static size_t offer(struct stream *stream, const unsigned char *bytes, size_t length)
{
    const struct stream_handlers *handlers = &stream->server->handlers;

    if (handlers->line != NULL)
        return take_line(stream, bytes, length);
    return handlers->received != NULL ? handlers->received(stream, bytes, length)
                                      : length;
}

/* Offers all that has come. If no more can come, closes the stream. */
static void offer_input(struct stream *stream)
{
    size_t taken = 1, begin = 0;
    enum input_event event;

    while (taken > 0 && begin < stream->input_length && is_listened_to(stream)) {
        taken = offer(stream, stream->input + begin, stream->input_length - begin);
        assert(taken <= stream->input_length - begin);
        begin += taken;
    }
    stream->input_length -= begin;
    memmove(stream->input, stream->input + begin, stream->input_length);
    /* It takes none of a full input, and there is no room for more. */
    if (taken == 0 && is_listened_to(stream) &&
        stream->input_length == sizeof stream->input)
        end_stream(stream, ENOBUFS);
    if (!stream->ended)
        return;
    while (stream->server->handlers.line != NULL && stream->input_length == 0 &&
           is_listened_to(stream) && (event = input_finish(&stream->lines)) != INPUT_MORE)
        take_event(stream, event); /* the last line had no line end */
    if (is_listened_to(stream))
        stream_close(stream);
}

/* ---- Output ------------------------------------------------------------------------- */

static void send_output(struct stream *stream)
{
    ssize_t sent =
        send(stream->sock, stream->output, stream->output_length, MSG_NOSIGNAL);

    if (sent == -1) {
        if (!descriptor_try_again(errno))
            end_stream(stream, errno);
        return;
    }
    stream->output_length -= (size_t)sent;
    memmove(stream->output, stream->output + sent, stream->output_length);
    note_activity(stream);
}

/* Does what is due for a client: receives, answers, closes. */
static void attend(struct stream *stream)
{
    bool was_owed;

    stream->due = false;
    if (stream->state == STREAM_OPEN)
        offer_input(stream);
    was_owed = stream->output_length > 0;
    if (was_owed && stream->state != STREAM_NONE)
        send_output(stream);
    if (stream->output_length > 0)
        return;
    if (stream->state == STREAM_CLOSING) {
        linger(stream);
    } else if (was_owed && stream->state == STREAM_OPEN) {
        if (stream->server->handlers.drained != NULL)
            stream->server->handlers.drained(stream);
        if (stream->input_length > 0 || stream->ended)
            stream->due = true; /* there may be room for an answer now */
    }
}

/* ---- The loop ----------------------------------------------------------------------- */

/* Adds a client to the sets. Returns its deadline. */
static int64_t choose_stream(const struct stream *stream, struct fdset *readable,
                             struct fdset *writable)
{
    if (!stream->ended && stream->state != STREAM_CLOSING &&
        stream->input_length < sizeof stream->input)
        fdset_add(readable, stream->sock);
    if (stream->output_length > 0)
        fdset_add(writable, stream->sock);
    return stream->due ? stream->server->now : deadline_of(stream);
}

/* Fills the sets. Returns when to stop waiting (clock_ms()); INT64_MAX: never. */
static int64_t choose_descriptors(struct stream_server *server, struct fdset *readable,
                                  struct fdset *writable)
{
    int64_t deadline = server->srvsock == -1 ? server->stop_by : INT64_MAX;

    if (server->handlers.turn != NULL)
        deadline = clock_earlier(deadline, server->handlers.turn(server));
    fdset_clear(readable);
    fdset_clear(writable);
    fdset_add(readable, server->srvsock);
    deadline = clock_earlier(deadline, listener_rest(&server->newcomers, server->srvsock,
                                                     server->now, readable));
    for (int descriptor = 0; descriptor <= server->descriptors.highest; descriptor++) {
        const struct stream *stream = &server->streams[descriptor];
        const struct stream_watch *watch = &server->watched[descriptor];

        if (stream->state != STREAM_NONE)
            deadline = clock_earlier(deadline, choose_stream(stream, readable, writable));
        if (watch->watcher == NULL)
            continue;
        if (watch->events & STREAM_READABLE)
            fdset_add(readable, descriptor);
        if (watch->events & STREAM_WRITABLE)
            fdset_add(writable, descriptor);
        deadline = clock_earlier(deadline, watch->deadline);
    }
    return clock_earlier(deadline, log_watch(&server->log, writable));
}

static void call_watchers(struct stream_server *server, const struct fdset *readable,
                          const struct fdset *writable)
{
    for (int descriptor = 0; descriptor <= server->descriptors.highest; descriptor++) {
        struct stream_watch *watch = &server->watched[descriptor];
        int events = (fdset_has(readable, descriptor) ? STREAM_READABLE : 0) |
                     (fdset_has(writable, descriptor) ? STREAM_WRITABLE : 0);

        events &= watch->events;
        if (watch->watcher == NULL || (events == 0 && server->now < watch->deadline))
            continue;
        if (events == 0)
            watch->deadline = INT64_MAX; /* it is told only once */
        watch->watcher(watch->owner, events);
    }
}

static void time_out(struct stream *stream)
{
    stream->deadline = INT64_MAX;
    if (stream->state == STREAM_OPEN && stream->output_length == 0 &&
        stream->server->handlers.timed_out != NULL)
        stream->server->handlers.timed_out(stream);
    else
        end_stream(stream, stream->state == STREAM_LINGERING ? 0 : ETIMEDOUT);
}

/*
 * select() shows a socket as writable only when a good part of its buffer is free, which
 * may be megabytes. A slow reader's progress shows before that: send() takes what fits.
 */
static bool must_try(const struct stream *stream)
{
    return stream->output_length > 0 && stream->server->now >= stream->deadline;
}

static void serve_streams(struct stream_server *server, const struct fdset *readable,
                          const struct fdset *writable)
{
    for (int sock = 0; sock <= server->descriptors.highest; sock++) {
        struct stream *stream = &server->streams[sock];

        if (stream->state != STREAM_NONE && fdset_has(readable, sock))
            receive(stream);
        if (stream->state != STREAM_NONE &&
            (stream->due || fdset_has(writable, sock) || must_try(stream)))
            attend(stream);
        if (stream->state != STREAM_NONE && server->now >= deadline_of(stream))
            time_out(stream);
    }
}

/* Has it sent something that nobody has read? Then close() would send a reset. */
static bool has_input(const struct stream *stream)
{
    char byte;

    return recv(stream->sock, &byte, 1, MSG_PEEK) == 1;
}

void stream_server_stop(struct stream_server *server)
{
    if (server->srvsock == -1)
        return;
    server->stop_by = server->now + PATIENCE_MS;
    fdset_remove(&server->descriptors, server->srvsock);
    close(server->srvsock);
    server->srvsock = -1;
    if (server->handlers.stopping != NULL)
        server->handlers.stopping(server);
    for (int sock = 0; sock <= server->descriptors.highest; sock++) {
        struct stream *stream = &server->streams[sock];

        if (stream->state == STREAM_NONE)
            continue;
        if (stream->output_length > 0 || has_input(stream))
            stream_close(stream);
        else if (stream->state != STREAM_LINGERING)
            end_stream(stream, 0); /* it is owed nothing */
    }
}

static bool has_streams(struct stream_server *server)
{
    for (int sock = 0; sock <= server->descriptors.highest; sock++)
        if (server->streams[sock].state != STREAM_NONE)
            return true;
    return false;
}

/*
 * Serves until it is stopped, and all clients are gone or have run out of time. 0, or -1
 * with errno: select() itself failed.
 */
static int serve(struct stream_server *server)
{
    struct fdset readable, writable;

    while (server->srvsock != -1 ||
           (has_streams(server) && server->now < server->stop_by)) {
        int64_t deadline = choose_descriptors(server, &readable, &writable);

        if (signals_pselect(&server->signals, &readable, &writable, deadline) == -1)
            return -1;
        server->now = clock_ms();
        if (signals_stop_requested())
            stream_server_stop(server);
        call_watchers(server, &readable, &writable);
        serve_streams(server, &readable, &writable);
        if (fdset_has(&readable, server->srvsock))
            for (int n = 0; n < LISTENER_A_TURN && accept_new_connection(server); n++)
                continue;
        log_write(&server->log);
    }
    return 0;
}

/* ---- The program -------------------------------------------------------------------- */

/* Listens, and prints that it does. If it cannot, it prints why and ends the program. */
static void start(struct stream_server *server)
{
    const struct options options = {.program = server->program};
    char place[OPTIONS_PLACE_MOST];
    const char *why;

    start_server(&options, &server->signals);
    server->srvsock = listener_open(&server->where, SOCK_STREAM, &why);
    if (server->srvsock == -1)
        options_cannot_listen(&options, &server->where, why);
    server->streams = calloc(FD_SETSIZE, sizeof *server->streams);
    if (server->streams == NULL)
        options_fail(&options, "cannot start: %s", strerror(errno));
    fdset_clear(&server->descriptors);
    fdset_add(&server->descriptors, server->srvsock);
    listener_init(&server->newcomers, server->full != NULL ? server->full : LISTENER_FULL,
                  &server->log);
    server->now = clock_ms();
    log_open(&server->log, server->program, STDOUT_FILENO, server->log_bytes,
             sizeof server->log_bytes);
    if (server->handlers.started != NULL)
        server->handlers.started(server);
    else
        log_line(&server->log, "%s started on %s", server->program,
                 options_place(&server->where, place));
}

int stream_server_run(struct stream_server *server)
{
    int result;

    start(server);
    result = serve(server);
    if (result == -1)
        fprintf(stderr, "%s: select: %s\n", server->program, strerror(errno));
    for (int sock = 0; sock <= server->descriptors.highest; sock++)
        if (server->streams[sock].state != STREAM_NONE)
            end_stream(&server->streams[sock], ETIMEDOUT);
    log_finish(&server->log, server->stop_by - clock_ms());
    if (server->srvsock != -1)
        close(server->srvsock);
    listener_close(&server->newcomers);
    free(server->streams);
    return result == -1 ? EXIT_FAILURE : EXIT_SUCCESS;
}
