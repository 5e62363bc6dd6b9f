/*
 * stream_server: one select() loop for many servers, each of which is a table of handlers.
 * It is C's counterpart of Python's SocketServer. This is a whole server, which answers
 * each line with its length:
 *
 *     #include "loop/stream_server.h"
 *     #include <string.h>
 *
 *     static void answer(struct stream *stream, const char *text, bool is_last)
 *     {
 *         stream_print(stream, "%zu%s\r\n", strlen(text), is_last ? "" : " and more");
 *     }
 *
 *     int main(void)
 *     {
 *         static struct stream_server server = {
 *             .program = "length_srv", .where.port = 4000, .handlers = {.line = answer}};
 *
 *         return stream_server_run(&server);
 *     }
 *
 *     cc -std=c11 -D_POSIX_C_SOURCE=200809L -I. -o bin/length_srv length_srv.c \
 *         build/libkit.a
 *
 * Handlers are called one at a time, and whatever they do is done at once: none of these
 * functions waits. A handler must not either, or all the clients wait with it.
 *
 * A client's input and output have a bound each. Handlers of input are called only when
 * STREAM_ANSWER_BYTES can be sent, so an answer of that size always fits; a client that
 * asks and does not read what it gets is not read from any more, and TCP stops it. When a
 * client closes its end it still gets what it is owed, and is then closed; a server that
 * has more to send than fits the output holds the stream until it has sent all of it.
 */
#ifndef LOOP_STREAM_SERVER_H
#define LOOP_STREAM_SERVER_H

#include "base/fdset.h"
#include "base/log.h"
#include "base/options.h"
#include "base/signals.h"
#include "net/address.h"
#include "net/input.h"
#include "net/listener.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_INPUT_BYTES  16384 /* a telnet's line, or a browser's request */
#define STREAM_OUTPUT_BYTES 65536
#define STREAM_ANSWER_BYTES 16384

/* A client. */
struct stream {
    struct stream_server *server;
    int sock;                /* handlers keep what is theirs in an array, by this */
    char name[ADDRESS_MOST]; /* 127.0.0.1:37993 */

    /* What follows is the loop's own. */
    enum { STREAM_NONE, STREAM_OPEN, STREAM_CLOSING, STREAM_LINGERING } state;
    bool held;        /* see stream_hold() */
    bool ended;       /* the client has closed its end */
    bool due;         /* it is to be attended to, whatever select() says of it */
    int64_t deadline; /* ms; INT64_MAX: none */
    struct input lines;
    size_t input_length, output_begin, output_end;
    unsigned char input[STREAM_INPUT_BYTES];
    char output[STREAM_OUTPUT_BYTES];
};

/* Any of them may be NULL; of `line` and `received` a server has one at the most. */
struct stream_handlers {
    /* The server listens at server->where.port; without it, "PROGRAM started on port N" is said. */
    void (*started)(struct stream_server *server);

    void (*opened)(struct stream *stream);

    /*
     * A line came: clean text without its end (net/line.h), telnet's commands taken out
     * and answered. A line over LINE_MOST bytes comes in pieces, `is_last` on the last.
     */
    void (*line)(struct stream *stream, const char *text, bool is_last);

    /*
     * Bytes came. Returns how many it took. The others are offered again with those that
     * come next, and are lost if none do. One that takes nothing of STREAM_INPUT_BYTES
     * would wait for ever: then the stream ends (ENOBUFS), unless it is held.
     */
    size_t (*received)(struct stream *stream, const unsigned char *bytes, size_t length);

    /* All that was to be sent has gone out. */
    void (*drained)(struct stream *stream);

    /*
     * The time has passed that idle_ms or stream_expire() gave; without a handler that is
     * the end (ETIMEDOUT). It comes once, and again only after the next sign of life.
     */
    void (*timed_out)(struct stream *stream);

    /* The stream is about to be closed: nothing can be sent. `error` is an errno, or 0. */
    void (*closed)(struct stream *stream, int error);
};

enum { STREAM_READABLE = 1, STREAM_WRITABLE = 2 };

/* What a watched descriptor's owner is told; `events` 0: the time is over. */
typedef void stream_watcher(void *owner, int events);

struct stream_server {
    const char *program;         /* its name, as messages begin */
    struct options_server where; /* to listen; port 0 becomes the one in use */
    const char *full; /* what one hears for whom there is no place, or NULL: a sentence */
    int reserve;      /* descriptors to be kept for what the handlers open */
    int64_t idle_ms;  /* that a client may keep us waiting; 0: for ever */
    void *state;      /* the handlers' own */
    struct stream_handlers handlers;

    struct log log; /* standard output; log_line() adds to it */
    int64_t now;    /* ms; the time of this turn of the loop (base/clock.h) */

    /* What follows is the loop's own. */
    int srvsock;              /* the listening socket; -1 once the server is stopping */
    struct fdset descriptors; /* srvsock, the clients and the watched */
    int client_limit;         /* a client's descriptor is less */
    bool stopping;
    int64_t stop_by; /* ms; the end of a stopping server's patience */
    struct listener newcomers;
    char log_bytes[LOG_BYTES];
    struct {
        stream_watcher *watcher; /* NULL: not watched */
        void *owner;
        int events;
        int64_t deadline;
    } watched[FD_SETSIZE]; /* by descriptor */
    /* FD_SETSIZE, by descriptor: 85 MB, which are nobody's until a client uses them. */
    struct stream *streams;
    struct signals signals;
};

/*
 * Listens, says so, and serves until SIGINT, SIGTERM or stream_server_stop(). Returns the
 * program's exit status; what failed was said on standard error.
 */
int stream_server_run(struct stream_server *server);

/* Ends it: nobody else comes in, and every client is closed with what it is owed. */
void stream_server_stop(struct stream_server *server);

/*
 * Has `watcher` called in each turn of the loop that finds `descriptor` ready for one of
 * `events` (STREAM_READABLE, STREAM_WRITABLE), and once when `ms` milliseconds have passed
 * since this call (-1: never). Another call for the descriptor takes this one's place.
 * It fits an fd_set and stays the caller's, who unwatches it before it is closed.
 */
void stream_server_watch(struct stream_server *server, int descriptor, int events,
                         int64_t ms, stream_watcher *watcher, void *owner);
void stream_server_unwatch(struct stream_server *server, int descriptor);

/* Queues bytes to be sent. Returns for how many there was room. */
size_t stream_send(struct stream *stream, const void *bytes, size_t length);

/*
 * Queues text, printf()'s way. More than STREAM_ANSWER_BYTES less one is cut off, as is
 * what there is no room for: in a handler of input there always is.
 */
void stream_print(struct stream *stream, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The bytes that stream_send() would take. */
size_t stream_room(const struct stream *stream);

/*
 * Nothing that the client sends comes to the handlers, until it is resumed. While it is
 * held and owed nothing it is the client who waits, and it has no time-out.
 */
void stream_hold(struct stream *stream);
void stream_resume(struct stream *stream);

/*
 * The time-out is `ms` milliseconds from now, whatever it was; -1: there is none. With
 * idle_ms, the next byte from the client or to it puts that in its place.
 */
void stream_expire(struct stream *stream, int64_t ms);

/*
 * Ends the connection when what was queued has gone out, for which the client must take
 * some of it every ten seconds: shutdown() first, so that the client sees its end, and
 * close() when it has closed too, or after two seconds. From now on no handler is called
 * for it but `closed`.
 */
void stream_close(struct stream *stream);

#endif
