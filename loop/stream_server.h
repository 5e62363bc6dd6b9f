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
 * Handlers are called one at a time, so they need no locks. None of the functions here
 * waits. A handler must not wait either: all clients would wait with it.
 *
 * A client's input and output are bounded. Handlers of input are called only when
 * STREAM_ANSWER_BYTES fit the output, so an answer of that size is never cut. If a client
 * asks and does not read the answers, the loop stops reading from it, and TCP stops the
 * client. A client that closes its end still gets what it is owed, and is closed after
 * that.
 *
 * An answer may take longer than one call, because it must be fetched first or is larger
 * than the output. Then the handler holds the stream and resumes it later.
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

#define STREAM_INPUT_BYTES  16384 /* a line, or a browser's request */
#define STREAM_OUTPUT_BYTES 65536
#define STREAM_ANSWER_BYTES 16384

/* A client. */
struct stream {
    struct stream_server *server;
    int sock;                /* handlers keep their own data in an array, by this */
    char name[ADDRESS_MOST]; /* 127.0.0.1:37993 */

    /* The rest is the loop's own. */
    enum {
        STREAM_NONE,
        STREAM_OPEN,
        STREAM_CLOSING,  /* it gets what is in `output`; handlers get nothing from it */
        STREAM_LINGERING /* it has all of that, and has not closed yet */
    } state;
    bool held;        /* see stream_hold() */
    bool ended;       /* the client has closed its end */
    bool due;         /* attend to it even if it is not ready */
    int64_t deadline; /* ms; INT64_MAX: none */
    struct input lines;
    size_t input_length, output_length;
    unsigned char input[STREAM_INPUT_BYTES]; /* what no handler has taken yet */
    char output[STREAM_OUTPUT_BYTES];        /* what the client has not taken yet */
};

/* All are optional. A server has `line` or `received`, not both. */
struct stream_handlers {
    /* The server listens on server->where.port. Default: log "PROGRAM started on port N". */
    void (*started)(struct stream_server *server);

    void (*opened)(struct stream *stream);

    /*
     * A line has come: clean text without its line end (net/line.h). Telnet's commands are
     * removed and answered. A line of more than LINE_MOST bytes comes in pieces; `is_last`
     * is true for its last piece.
     */
    void (*line)(struct stream *stream, const char *text, bool is_last);

    /*
     * Bytes have come. Returns how many it takes. The rest is offered again together with
     * the next bytes; if none come, it is lost. A handler that takes none of
     * STREAM_INPUT_BYTES would wait for ever, so the stream ends (ENOBUFS), unless it is
     * held.
     */
    size_t (*received)(struct stream *stream, const unsigned char *bytes, size_t length);

    /* All output has been sent. */
    void (*drained)(struct stream *stream);

    /*
     * The time set by idle_ms or stream_expire() has run out. Called once, and again only
     * after the next sign of life. Default: the stream ends (ETIMEDOUT).
     */
    void (*timed_out)(struct stream *stream);

    /* The stream is about to be closed. Nothing can be sent. `error` is an errno, or 0. */
    void (*closed)(struct stream *stream, int error);

    /*
     * Each turn of the loop begins with this. It does what is due by the clock, and returns
     * when that will be again (ms; INT64_MAX: never).
     */
    int64_t (*turn)(struct stream_server *server);

    /* The server begins to stop. Clients still get what is sent to them now. */
    void (*stopping)(struct stream_server *server);
};

enum { STREAM_READABLE = 1, STREAM_WRITABLE = 2 };

/* Tells the owner of a watched descriptor what is ready; `events` is 0 on a time-out. */
typedef void stream_watcher(void *owner, int events);

struct stream_watch {
    stream_watcher *watcher; /* NULL: not watched */
    void *owner;
    int events;
    int64_t deadline; /* ms; INT64_MAX: none */
};

struct stream_server {
    const char *program;         /* its name, for messages */
    struct options_server where; /* where to listen; port 0 becomes the one in use; if
                                    verbose, each connection opened or closed is logged */
    const char *full;  /* sent to a newcomer that does not fit; NULL: LISTENER_FULL */
    int reserve;       /* descriptors to keep for what the handlers open */
    int64_t idle_ms;   /* how long a client may be silent; 0: for ever */
    int64_t taking_ms; /* or take none of its output, if idle_ms is set; 0: two minutes */
    void *state;       /* the handlers' own */
    struct stream_handlers handlers;

    struct log log; /* standard output; log_line() adds to it */
    int64_t now;    /* ms; the time of this turn of the loop (base/clock.h) */

    /* The rest is the loop's own. */
    int srvsock;              /* the listening socket; -1 once the server is stopping */
    int64_t stop_by;          /* ms; the end of a stopping server's patience */
    struct fdset descriptors; /* srvsock, the clients and the watched */
    struct listener newcomers;
    struct signals signals;
    char log_bytes[LOG_BYTES];
    struct stream_watch watched[FD_SETSIZE]; /* by descriptor */
    struct stream *streams; /* by descriptor: 85 MB, of which unused pages cost nothing */
};

/*
 * Listens, says so, and serves until SIGINT, SIGTERM or stream_server_stop(). Returns the
 * program's exit status; a failure has been printed on standard error.
 */
int stream_server_run(struct stream_server *server);

/* Stops the server: no more clients, and each is closed once it has what it is owed. */
void stream_server_stop(struct stream_server *server);

/*
 * Calls `watcher` in each turn of the loop in which `descriptor` is ready for one of
 * `events` (STREAM_READABLE, STREAM_WRITABLE), and once when `ms` milliseconds have passed
 * since this call (-1: never). A second call for a descriptor replaces the first. The
 * descriptor must fit an fd_set. It stays the caller's, and must be unwatched before it is
 * closed.
 */
void stream_server_watch(struct stream_server *server, int descriptor, int events,
                         int64_t ms, stream_watcher *watcher, void *owner);
void stream_server_unwatch(struct stream_server *server, int descriptor);

/* Queues bytes to be sent. Returns how many of them fitted. */
size_t stream_send(struct stream *stream, const void *bytes, size_t length);

/*
 * Queues text, as printf() does, up to STREAM_ANSWER_BYTES - 1. Text that does not fit is
 * cut; in a handler of input there is always room.
 */
void stream_print(struct stream *stream, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* How many bytes stream_send() would take. */
size_t stream_room(const struct stream *stream);

/*
 * Until the client is resumed, no handler is called for its input, which waits even if the
 * client closes its end. While it is held and owed nothing, it does not time out.
 */
void stream_hold(struct stream *stream);
void stream_resume(struct stream *stream);

/*
 * The client times out `ms` milliseconds from now, whatever was set before. The next byte
 * from or to the client brings back idle_ms, if there is one.
 */
void stream_expire(struct stream *stream, int64_t ms);

/*
 * Ends the connection in three steps. First the client gets what is queued; it must take
 * some of it every taking_ms. Then shutdown() shows it the end. Last comes close(), when
 * the client has closed too, or after two seconds. From now on `closed` is the only
 * handler that is called.
 */
void stream_close(struct stream *stream);

/* Closes the connection at once: its descriptor is free, and what was queued is lost. */
void stream_drop(struct stream *stream);

#endif
