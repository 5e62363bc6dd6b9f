#include "loop/stream_server.h"

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/fdset.h"
#include "base/start.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLOSING_MS  10000 /* for a client that is closed to take some of what it is owed */
#define LINGER_MS   2000  /* for one that has got all of it to close its end */
#define PATIENCE_MS 2000  /* with all of them at the server's end */

/* ---- Time-outs ---------------------------------------------------------------------- */

static void set_deadline(struct stream *stream, int64_t ms)
{
    stream->deadline = ms == -1 ? INT64_MAX : stream->server->now + ms;
}

/* Whatever a client sends or takes is a sign of life. */
static void note_activity(struct stream *stream)
{
    if (stream->state == STREAM_CLOSING)
        set_deadline(stream, CLOSING_MS);
    else if (stream->state == STREAM_OPEN && stream->server->idle_ms > 0)
        set_deadline(stream, stream->server->idle_ms);
}

/* One that is held, and owed nothing, waits for us: that is no time to hold against it. */
static bool is_waited_for(const struct stream *stream)
{
    return stream->state != STREAM_OPEN || !stream->held || stream->output_end > 0;
}

static bool is_late(const struct stream *stream)
{
    return is_waited_for(stream) && stream->server->now >= stream->deadline;
}

/* ---- What handlers call ------------------------------------------------------------- */

size_t stream_room(const struct stream *stream)
{
    return sizeof stream->output - (stream->output_end - stream->output_begin);
}

size_t stream_send(struct stream *stream, const void *bytes, size_t length)
{
    size_t room = stream_room(stream), owed = stream->output_end - stream->output_begin;

    if (stream->state != STREAM_OPEN)
        return 0;
    if (length > room)
        length = room;
    if (owed == 0)
        note_activity(stream); /* from here on it is the client's turn */
    if (length > sizeof stream->output - stream->output_end) {
        memmove(stream->output, stream->output + stream->output_begin, owed);
        stream->output_begin = 0;
        stream->output_end = owed;
    }
    memcpy(stream->output + stream->output_end, bytes, length);
    stream->output_end += length;
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
        (void)stream_send(stream, text, strlen(text));
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
        set_deadline(stream, ms);
}

void stream_close(struct stream *stream)
{
    if (stream->state != STREAM_OPEN)
        return;
    stream->state = STREAM_CLOSING;
    stream->due = true;
    set_deadline(stream, CLOSING_MS);
}

/* ---- The list of descriptors -------------------------------------------------------- */

void stream_server_watch(struct stream_server *server, int descriptor, int events,
                         int64_t ms, stream_watcher *watcher, void *owner)
{
    fdset_add(&server->descriptors, descriptor);
    server->watched[descriptor].watcher = watcher;
    server->watched[descriptor].owner = owner;
    server->watched[descriptor].events = events;
    server->watched[descriptor].deadline = ms == -1 ? INT64_MAX : server->now + ms;
}

void stream_server_unwatch(struct stream_server *server, int descriptor)
{
    server->watched[descriptor].watcher = NULL;
    fdset_remove(&server->descriptors, descriptor);
}

/* The client with this descriptor, or NULL if it is nobody's. */
static struct stream *stream_at(struct stream_server *server, int sock)
{
    struct stream *stream = &server->streams[sock];

    return stream->state == STREAM_NONE ? NULL : stream;
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
    stream->input_length = stream->output_begin = stream->output_end = 0;
    set_deadline(stream, server->idle_ms > 0 ? server->idle_ms : -1);
    if (server->handlers.opened != NULL)
        server->handlers.opened(stream);
}

/* False: nobody else is waiting, or nobody can be accepted now. */
static bool accept_new_connection(struct stream_server *server)
{
    struct sockaddr_storage peer;
    int sock = listener_accept(&server->newcomers, server->srvsock, &peer);

    if (sock == -1)
        return false;
    if (sock < server->client_limit)
        open_stream(server, sock, &peer);
    else
        listener_turn_away(sock, server->newcomers.full);
    return true;
}

static void end_stream(struct stream *stream, int error)
{
    stream->state = STREAM_NONE; /* so that nothing is sent, and it is not ended twice */
    if (stream->server->handlers.closed != NULL)
        stream->server->handlers.closed(stream, error);
    fdset_remove(&stream->server->descriptors, stream->sock);
    descriptor_hang_up(stream->sock);
}

/*
 * All has been sent. The client is told so, and what it still sends is read and thrown
 * away for a while: a close() with unread input is a reset (RFC 1122 4.2.2.13), which can
 * cost the client the end of what it was sent.
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
    set_deadline(stream, LINGER_MS);
}

/* ---- Input -------------------------------------------------------------------------- */

/* Is the client's input to go to the handlers now? */
static bool is_listened_to(const struct stream *stream)
{
    return stream->state == STREAM_OPEN && !stream->held &&
           stream_room(stream) >= STREAM_ANSWER_BYTES;
}

static void receive(struct stream *stream)
{
    size_t room = sizeof stream->input - stream->input_length;
    ssize_t got = recv(stream->sock, stream->input + stream->input_length, room, 0);

    if (got == -1) {
        if (!descriptor_try_again(errno))
            end_stream(stream, errno);
        return;
    }
    if (got == 0 && stream->state == STREAM_LINGERING) {
        end_stream(stream, 0);
        return;
    }
    if (got == 0)
        stream->ended = true;
    else if (stream->state == STREAM_OPEN)
        stream->input_length += (size_t)got;
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
        stream_print(stream, "%s", input_http_answer);
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

static void offer_lines(struct stream *stream)
{
    enum input_event event;
    size_t taken = 0;

    while (taken < stream->input_length && is_listened_to(stream)) {
        taken += input_take(&stream->lines, stream->input + taken,
                            stream->input_length - taken, &event);
        take_event(stream, event);
    }
    stream->input_length -= taken;
    memmove(stream->input, stream->input + taken, stream->input_length);
    if (!stream->ended || stream->input_length > 0)
        return;
    while (is_listened_to(stream) && (event = input_finish(&stream->lines)) != INPUT_MORE)
        take_event(stream, event);
}

static void offer_bytes(struct stream *stream)
{
    size_t taken = 1;

    while (taken > 0 && stream->input_length > 0 && is_listened_to(stream)) {
        taken = stream->server->handlers.received(stream, stream->input,
                                                  stream->input_length);
        assert(taken <= stream->input_length);
        stream->input_length -= taken;
        memmove(stream->input, stream->input + taken, stream->input_length);
    }
    /* There is no room for more, and without more it takes none of it. */
    if (taken == 0 && is_listened_to(stream) &&
        stream->input_length == sizeof stream->input)
        end_stream(stream, ENOBUFS);
}

/* Gives the handlers what has come. When that was all that ever will, the stream ends. */
static void offer_input(struct stream *stream)
{
    if (stream->server->handlers.line != NULL)
        offer_lines(stream);
    else if (stream->server->handlers.received != NULL)
        offer_bytes(stream);
    else
        stream->input_length = 0;
    if (stream->ended && is_listened_to(stream))
        stream_close(stream);
}

/* ---- Output ------------------------------------------------------------------------- */

/* Sends what the client takes. False: it is gone. */
static bool send_output(struct stream *stream)
{
    size_t owed = stream->output_end - stream->output_begin;
    ssize_t sent =
        send(stream->sock, stream->output + stream->output_begin, owed, MSG_NOSIGNAL);

    if (sent == -1) {
        if (descriptor_try_again(errno))
            return true;
        end_stream(stream, errno);
        return false;
    }
    stream->output_begin += (size_t)sent;
    if (stream->output_begin == stream->output_end)
        stream->output_begin = stream->output_end = 0;
    note_activity(stream);
    return true;
}

/* Does for a client what there is to do: hear it, and answer it. */
static void attend(struct stream *stream)
{
    bool was_owed;

    stream->due = false;
    if (stream->state == STREAM_OPEN)
        offer_input(stream);
    was_owed = stream->output_end > 0;
    if (stream->state == STREAM_NONE || (was_owed && !send_output(stream)) ||
        stream->output_end > 0)
        return;
    if (stream->state == STREAM_CLOSING)
        linger(stream);
    else if (was_owed && stream->state == STREAM_OPEN) {
        if (stream->server->handlers.drained != NULL)
            stream->server->handlers.drained(stream);
        if (stream->input_length > 0 || stream->ended)
            stream->due = true; /* there may have been no room to answer it */
    }
}

/* ---- The loop ----------------------------------------------------------------------- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* When there is something to do for this descriptor even if it is not ready. */
static int64_t deadline_of(struct stream_server *server, int descriptor)
{
    const struct stream *stream = stream_at(server, descriptor);

    if (stream != NULL && stream->due)
        return server->now;
    if (stream != NULL)
        return is_waited_for(stream) ? stream->deadline : INT64_MAX;
    if (server->watched[descriptor].watcher != NULL)
        return server->watched[descriptor].deadline;
    return INT64_MAX;
}

/* Fills the sets, and returns until when to wait for them. */
static int64_t choose_descriptors(struct stream_server *server, struct fdset *readable,
                                  struct fdset *writable)
{
    int64_t deadline = server->stopping ? server->stop_by : INT64_MAX;

    *readable = server->descriptors;
    fdset_clear(writable);
    for (int sock = 0; sock <= server->descriptors.highest; sock++) {
        const struct stream *stream = stream_at(server, sock);

        deadline = earlier(deadline, deadline_of(server, sock));
        if (stream != NULL && (stream->ended || stream->state == STREAM_CLOSING ||
                               stream->input_length == sizeof stream->input))
            fdset_remove(readable, sock);
        if (stream != NULL && stream->output_end > 0)
            fdset_add(writable, sock);
        if (server->watched[sock].watcher == NULL)
            continue;
        if (!(server->watched[sock].events & STREAM_READABLE))
            fdset_remove(readable, sock);
        if (server->watched[sock].events & STREAM_WRITABLE)
            fdset_add(writable, sock);
    }
    deadline = earlier(deadline, listener_rest(&server->newcomers, server->srvsock,
                                               server->now, readable));
    log_watch(&server->log, writable);
    return deadline;
}

static void call_watchers(struct stream_server *server, const struct fdset *readable,
                          const struct fdset *writable)
{
    for (int descriptor = 0; descriptor <= server->descriptors.highest; descriptor++) {
        int events = (fdset_has(readable, descriptor) ? STREAM_READABLE : 0) |
                     (fdset_has(writable, descriptor) ? STREAM_WRITABLE : 0);

        if (server->watched[descriptor].watcher == NULL)
            continue;
        events &= server->watched[descriptor].events;
        if (events == 0 && server->now < server->watched[descriptor].deadline)
            continue;
        if (events == 0)
            server->watched[descriptor].deadline = INT64_MAX;
        server->watched[descriptor].watcher(server->watched[descriptor].owner, events);
    }
}

static void time_out(struct stream *stream)
{
    stream->deadline = INT64_MAX;
    if (stream->state == STREAM_OPEN && stream->server->handlers.timed_out != NULL)
        stream->server->handlers.timed_out(stream);
    else
        end_stream(stream, stream->state == STREAM_LINGERING ? 0 : ETIMEDOUT);
}

static void serve_streams(struct stream_server *server, const struct fdset *readable,
                          const struct fdset *writable)
{
    for (int sock = 0; sock <= server->descriptors.highest; sock++) {
        struct stream *stream = stream_at(server, sock);

        if (stream == NULL)
            continue;
        if (fdset_has(readable, sock))
            receive(stream);
        if (stream->state != STREAM_NONE && (stream->due || fdset_has(writable, sock)))
            attend(stream);
        if (stream->state != STREAM_NONE && is_late(stream))
            time_out(stream);
    }
}

/* Has it sent what nobody has read? close() would be a reset, as linger() says. */
static bool has_input(const struct stream *stream)
{
    char byte;

    return recv(stream->sock, &byte, 1, MSG_PEEK) == 1;
}

void stream_server_stop(struct stream_server *server)
{
    if (server->stopping)
        return;
    server->stopping = true;
    server->stop_by = server->now + PATIENCE_MS;
    fdset_remove(&server->descriptors, server->srvsock);
    (void)close(server->srvsock);
    server->srvsock = -1;
    for (int sock = 0; sock <= server->descriptors.highest; sock++) {
        struct stream *stream = stream_at(server, sock);

        if (stream != NULL && (stream->output_end > 0 || has_input(stream)))
            stream_close(stream);
        else if (stream != NULL && stream->state != STREAM_LINGERING)
            end_stream(stream, 0); /* it is owed nothing */
    }
}

/* Has everyone what they were owed when it was stopped, or have they had their time? */
static bool may_end(struct stream_server *server)
{
    if (!server->stopping)
        return false;
    for (int sock = 0; sock <= server->descriptors.highest; sock++)
        if (stream_at(server, sock) != NULL && server->now < server->stop_by)
            return false;
    return true;
}

/* Serves until it should stop. 0, or -1 with errno: select() itself failed. */
static int serve(struct stream_server *server)
{
    struct fdset readable, writable;

    while (!may_end(server)) {
        int64_t deadline = choose_descriptors(server, &readable, &writable);
        struct timespec timeout = clock_timespec(deadline - server->now);

        if (signals_pselect(&server->signals, &readable, &writable,
                            deadline == INT64_MAX ? NULL : &timeout) == -1)
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

/* Listens, and says so. 0, or -1 after the reason has been printed. */
static int start(struct stream_server *server)
{
    const struct options options = {.program = server->program};
    const char *why;

    if (server->streams == NULL || start_server(&server->signals) == -1)
        options_fail(&options, "cannot start: %s", strerror(errno));
    server->srvsock =
        listener_open(server->where.address, server->where.port, SOCK_STREAM, &why);
    if (server->srvsock == -1)
        options_cannot_listen(&options, &server->where, why);
    server->where.port = listener_port(server->srvsock);
    fdset_clear(&server->descriptors);
    fdset_add(&server->descriptors, server->srvsock);
    listener_init(&server->newcomers, server->full != NULL ? server->full : LISTENER_FULL,
                  &server->log);
    server->client_limit = descriptor_limit() - server->reserve;
    server->now = clock_ms();
    log_open(&server->log, server->program, STDOUT_FILENO, server->log_bytes,
             sizeof server->log_bytes);
    if (server->handlers.started != NULL)
        server->handlers.started(server);
    else
        log_line(&server->log, "%s started on port %d", server->program,
                 server->where.port);
    return 0;
}

int stream_server_run(struct stream_server *server)
{
    int result;

    server->streams = calloc(FD_SETSIZE, sizeof *server->streams);
    if (start(server) == -1) {
        free(server->streams);
        return EXIT_FAILURE;
    }
    result = serve(server);
    if (result == -1)
        fprintf(stderr, "%s: select: %s\n", server->program, strerror(errno));
    for (int sock = 0; sock <= server->descriptors.highest; sock++)
        if (stream_at(server, sock) != NULL)
            end_stream(&server->streams[sock], ETIMEDOUT);
    log_finish(&server->log, server->stop_by - clock_ms());
    if (server->srvsock != -1)
        close(server->srvsock);
    listener_close(&server->newcomers);
    free(server->streams);
    return result == -1 ? EXIT_FAILURE : EXIT_SUCCESS;
}
