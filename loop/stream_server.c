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

static volatile sig_atomic_t stop_requested;

static void request_stop(int signal_number)
{
    (void)signal_number;
    stop_requested = 1;
}

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

static void add_descriptor(struct stream_server *server, int descriptor)
{
    fdset_add(&server->descriptors, descriptor);
    if (descriptor > server->highest)
        server->highest = descriptor;
}

static void remove_descriptor(struct stream_server *server, int descriptor)
{
    fdset_remove(&server->descriptors, descriptor);
    while (server->highest > STDOUT_FILENO &&
           !fdset_has(&server->descriptors, server->highest))
        server->highest--;
}

void stream_server_watch(struct stream_server *server, int descriptor, int events,
                         int64_t ms, stream_watcher *watcher, void *owner)
{
    add_descriptor(server, descriptor);
    server->watched[descriptor].watcher = watcher;
    server->watched[descriptor].owner = owner;
    server->watched[descriptor].events = events;
    server->watched[descriptor].deadline = ms == -1 ? INT64_MAX : server->now + ms;
}

void stream_server_unwatch(struct stream_server *server, int descriptor)
{
    server->watched[descriptor].watcher = NULL;
    remove_descriptor(server, descriptor);
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

    add_descriptor(server, sock);
    stream->server = server;
    stream->sock = sock;
    address_format(peer, stream->name);
    stream->state = STREAM_OPEN;
    stream->held = stream->ended = stream->due = false;
    stream->telnet = (struct telnet){0};
    stream->line = (struct line){0};
    stream->input_length = stream->output_begin = stream->output_end = 0;
    set_deadline(stream, server->idle_ms > 0 ? server->idle_ms : -1);
    if (server->handlers.opened != NULL)
        server->handlers.opened(stream);
}

/* Takes one newcomer in. False: nobody else is waiting, or nobody can be taken now. */
static bool accept_new_connection(struct stream_server *server)
{
    const char *full = server->full != NULL ? server->full : LISTENER_FULL;
    struct sockaddr_storage peer;
    int sock = listener_accept(server->srvsock, &server->spare, full, &peer);

    if (sock == -1) {
        if (errno == ENFILE)
            server->accept_from = server->now + LISTENER_REST_MS;
        return errno != EAGAIN && errno != ENFILE;
    }
    if (sock < server->client_limit)
        open_stream(server, sock, &peer);
    else
        listener_turn_away(sock, full);
    return true;
}

static void end_stream(struct stream *stream, int error)
{
    stream->state = STREAM_NONE; /* so that nothing is sent, and it is not ended twice */
    if (stream->server->handlers.closed != NULL)
        stream->server->handlers.closed(stream, error);
    remove_descriptor(stream->server, stream->sock);
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

/* Takes text up to a line's end at the most. Returns how many bytes it took. */
static size_t take_text(struct stream *stream, const unsigned char *bytes, size_t length)
{
    enum line_event event;
    size_t taken = line_take(&stream->line, bytes, length, &event);

    if (event != LINE_OPEN) {
        stream->server->handlers.line(stream, stream->line.text, event == LINE_ENDED);
        line_clear(&stream->line, 0);
    }
    return taken;
}

/* The same of what may hold telnet's commands (RFC 854). */
static size_t take_telnet(struct stream *stream, const unsigned char *bytes,
                          size_t length)
{
    size_t plain = telnet_plain(&stream->telnet, bytes, length);
    struct telnet before = stream->telnet;
    struct telnet_reply reply;

    if (plain > 0)
        return take_text(stream, bytes, plain);
    switch (telnet_take(&stream->telnet, *bytes, &reply)) {
    case TELNET_DATA:
        if (take_text(stream, bytes, 1) == 1)
            return 1;
        stream->telnet = before; /* the line was full: the byte is taken next time */
        return 0;
    case TELNET_REFUSE: (void)stream_send(stream, reply.bytes, sizeof reply.bytes); break;
    case TELNET_ARE_YOU_THERE:
        stream_print(stream, "Yes, %s is here\r\n", stream->server->program);
        break;
    case TELNET_NOTHING: break;
    }
    return 1;
}

static void offer_lines(struct stream *stream)
{
    size_t taken = 0;
    enum line_event event;

    while (taken < stream->input_length && is_listened_to(stream))
        taken += take_telnet(stream, stream->input + taken, stream->input_length - taken);
    stream->input_length -= taken;
    memmove(stream->input, stream->input + taken, stream->input_length);
    if (!stream->ended || stream->input_length > 0)
        return;
    while (is_listened_to(stream) && (event = line_finish(&stream->line)) != LINE_OPEN) {
        stream->server->handlers.line(stream, stream->line.text, event == LINE_ENDED);
        line_clear(&stream->line, 0);
    }
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

static void choose_descriptors(struct stream_server *server, fd_set *readable,
                               fd_set *writable)
{
    *readable = server->descriptors;
    FD_ZERO(writable);
    for (int sock = 0; sock <= server->highest; sock++) {
        const struct stream *stream = stream_at(server, sock);

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
    if (server->accept_from > server->now)
        fdset_remove(readable, server->srvsock);
    if (log_is_waiting(&server->log))
        fdset_add(writable, STDOUT_FILENO);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* When there is something to do even if no descriptor is ready. */
static int64_t next_deadline(struct stream_server *server)
{
    int64_t deadline = server->stopping ? server->stop_by : INT64_MAX;

    if (server->accept_from > server->now)
        deadline = earlier(deadline, server->accept_from);
    for (int sock = 0; sock <= server->highest; sock++) {
        const struct stream *stream = stream_at(server, sock);

        if (stream != NULL && stream->due)
            deadline = server->now;
        else if (stream != NULL && is_waited_for(stream))
            deadline = earlier(deadline, stream->deadline);
        else if (server->watched[sock].watcher != NULL)
            deadline = earlier(deadline, server->watched[sock].deadline);
    }
    return deadline;
}

/* Waits until a descriptor is ready, a deadline has come, or a signal. -1: select failed. */
static int wait_for_events(struct stream_server *server, fd_set *readable,
                           fd_set *writable)
{
    int64_t deadline = next_deadline(server);
    struct timespec timeout = clock_timespec(deadline - server->now);
    int ready;

    choose_descriptors(server, readable, writable);
    ready = signals_pselect(&server->signals, server->highest + 1, readable, writable,
                            deadline == INT64_MAX ? NULL : &timeout);
    server->now = clock_ms();
    return ready;
}

static void call_watchers(struct stream_server *server, const fd_set *readable,
                          const fd_set *writable)
{
    for (int descriptor = 0; descriptor <= server->highest; descriptor++) {
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

static void serve_streams(struct stream_server *server, const fd_set *readable,
                          const fd_set *writable)
{
    for (int sock = 0; sock <= server->highest; sock++) {
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
    remove_descriptor(server, server->srvsock);
    (void)close(server->srvsock);
    server->srvsock = -1;
    for (int sock = 0; sock <= server->highest; sock++) {
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
    for (int sock = 0; sock <= server->highest; sock++)
        if (stream_at(server, sock) != NULL && server->now < server->stop_by)
            return false;
    return true;
}

static void complain_of_output(const struct stream_server *server)
{
    (void)fprintf(stderr, "%s: cannot write to standard output: %s\n", server->program,
                  strerror(errno));
}

/* Serves until it is to stop. 0, or -1 with errno: select() itself failed. */
static int serve(struct stream_server *server)
{
    fd_set readable, writable;

    while (!may_end(server)) {
        if (wait_for_events(server, &readable, &writable) == -1)
            return -1;
        if (stop_requested)
            stream_server_stop(server);
        call_watchers(server, &readable, &writable);
        serve_streams(server, &readable, &writable);
        if (fdset_has(&readable, server->srvsock))
            for (int n = 0; n < LISTENER_A_TURN && accept_new_connection(server); n++)
                continue;
        if (fdset_has(&writable, STDOUT_FILENO) && log_write(&server->log) == -1)
            complain_of_output(server);
    }
    return 0;
}

/* ---- The program -------------------------------------------------------------------- */

void stream_server_option(struct stream_server *server, const struct options *options,
                          int letter)
{
    if (letter == 'b')
        server->address = optarg;
    if (letter == 'p')
        server->port = options_port(options, optarg, 0);
}

/* Listens, and says so. 0, or -1 after it was said why not. */
static int start(struct stream_server *server)
{
    const char *why;

    if (server->streams == NULL || start_server(&server->signals, request_stop) == -1) {
        (void)fprintf(stderr, "%s: cannot start: %s\n", server->program, strerror(errno));
        return -1;
    }
    server->srvsock = listener_open(server->address, server->port, SOCK_STREAM, &why);
    if (server->srvsock == -1) {
        options_cannot_listen(server->program, server->address, server->port, why);
        return -1;
    }
    server->port = listener_port(server->srvsock);
    FD_ZERO(&server->descriptors);
    add_descriptor(server, server->srvsock);
    listener_spare_open(&server->spare);
    server->client_limit = descriptor_limit() - server->reserve;
    server->now = clock_ms();
    log_init(&server->log, STDOUT_FILENO);
    if (server->handlers.started != NULL)
        server->handlers.started(server);
    else
        log_line(&server->log, "%s started on port %d", server->program, server->port);
    return 0;
}

int stream_server_run(struct stream_server *server)
{
    struct descriptor_output output;
    int result;

    server->streams = calloc(FD_SETSIZE, sizeof *server->streams);
    if (start(server) == -1) {
        free(server->streams);
        return EXIT_FAILURE;
    }
    descriptor_prepare_output(STDOUT_FILENO, &output);
    result = serve(server);
    if (result == -1)
        (void)fprintf(stderr, "%s: select: %s\n", server->program, strerror(errno));
    for (int sock = 0; sock <= server->highest; sock++)
        if (stream_at(server, sock) != NULL)
            end_stream(&server->streams[sock], ETIMEDOUT);
    if (log_finish(&server->log, server->stop_by - clock_ms()) == -1)
        complain_of_output(server);
    if (server->srvsock != -1)
        (void)close(server->srvsock);
    listener_spare_close(&server->spare);
    free(server->streams);
    descriptor_restore_output(STDOUT_FILENO, &output);
    return result == -1 ? EXIT_FAILURE : EXIT_SUCCESS;
}
