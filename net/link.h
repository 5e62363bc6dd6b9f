/*
 * link: a client's connection that reconnects by itself.
 *
 * A link dials its peer. When that fails, or the connection is lost, it reports why,
 * pauses, and dials again. What the program says waits in a queue that outlives the
 * connection. What the protocol says, to log in or to answer, waits in another queue, which
 * goes out first and is emptied when the connection ends.
 *
 * TCP does not tell a sender what has arrived. So while lines are sent, the link asks its
 * peer a question every five seconds; the answer proves that everything before it has
 * arrived. When the connection is lost, the lines without such a proof are counted. They
 * are not sent again, because they could arrive twice.
 *
 * Nothing here waits. Each turn of the program's loop makes these calls:
 *
 *     link_watch(&link, &readable, &writable);
 *     ... pselect(), until link_deadline(&link) at the latest
 *     event = link_step(&link, &readable, bytes, &length);
 *     ... the protocol acts on the event, and sets link.allowed and link.due
 *     lines = link_send(&link);
 */
#ifndef NET_LINK_H
#define NET_LINK_H

#include "base/fdset.h"
#include "base/options.h"
#include "net/dial.h"
#include "net/line_queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_INPUT_BYTES 8192 /* for one recv() */
#define LINK_REPORT_MOST 1024 /* bytes of a report with its NUL */

/* The strings stay the caller's. */
struct link_settings {
    const char *title; /* comes before the host in reports: "the room at ", or "" */
    struct options_peer server;
    int64_t pause_most_ms; /* 0: five minutes */
    /* Links that share this, zero bytes at first, look the host up once, and again after a
       failure. NULL: each looks it up. */
    struct dial_addresses *known;
    const char *question; /* the peer answers it when it has read all that came before */
    size_t question_length;
    void (*report)(void *owner, const char *text); /* takes one line, without its end */
    void *owner;
};

enum link_state {
    LINK_PAUSING, /* until the next attempt */
    LINK_DIALING,
    LINK_UP,
    LINK_OVER /* for ever */
};

enum link_event {
    LINK_NOTHING,
    LINK_CONNECTED, /* the connection is new: introduce yourself */
    LINK_RECEIVED   /* bytes have come */
};

struct link {
    struct link_settings settings;
    enum link_state state;
    int socket; /* or -1 */
    struct dial dial;
    bool ending;       /* there will be no more attempts */
    int64_t pause_ms;  /* the last pause, or 0 */
    int64_t resume_at; /* its end (clock_ms()) */

    /* Set by the protocol: */
    int64_t due;           /* when it must be stepped, at the latest (clock_ms()) */
    unsigned long allowed; /* lines of the queue that may be sent now */
    int64_t ask_after;     /* no question before, except about lines sent 30 s ago */

    unsigned long unproven; /* lines of the queue that were sent, but may not have come */
    unsigned long asked; /* how many of them were sent before the last question, or 0 */
    int64_t unproven_since;
    unsigned long lost; /* unproven lines of lost connections; the owner clears it */

    struct line_queue replies; /* what the protocol says */
    struct line_queue queue;   /* what the program says */
};

/* Begins. The first step makes the first attempt. */
void link_start(struct link *link, const struct link_settings *settings);

/* Adds what the link waits for to the sets. */
void link_watch(const struct link *link, struct fdset *readable, struct fdset *writable);

/* When it must be stepped even if nothing is ready (clock_ms()), or INT64_MAX. */
int64_t link_deadline(const struct link *link);

/*
 * Dials, or receives up to LINK_INPUT_BYTES. Returns what has happened, and on LINK_RECEIVED
 * the number of bytes in *length.
 */
enum link_event link_step(struct link *link, const struct fdset *readable,
                          char bytes[LINK_INPUT_BYTES], size_t *length);

/*
 * Queues what the protocol says. It is dropped if the link is not up, or if it does not fit:
 * a peer that never reads is as good as lost.
 */
void link_reply(struct link *link, const char *line, size_t length);

/*
 * Sends replies, the lines of the queue that are allowed, and a question when it is time. A
 * reply never goes into the middle of a line. Returns how many lines have left the queue,
 * the question included.
 */
unsigned long link_send(struct link *link);

/* The peer has answered the question. */
void link_answered(struct link *link);

/* Something that the peer did shows that everything sent has arrived. */
void link_proven(struct link *link);

/*
 * Begins a pause before the next attempt, and returns its milliseconds: one second, or
 * twice the last pause if that ended less than a minute ago.
 */
int64_t link_next_pause(struct link *link);

/* Closes the connection, reports "`what` the host: `why`", and dials again after a pause. */
void link_lose(struct link *link, const char *what, const char *why);

/* The protocol has said goodbye. When the peer closes, the link is over: no report. */
void link_end(struct link *link);

/* Closes the connection and ends the link. */
void link_close(struct link *link);

/* Reports a line, as printf() does. */
void link_report(const struct link *link, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
