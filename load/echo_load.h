/*
 * echo_load: what the files of the echo load generator share
 *
 * The files are echo_load.c (options, report, main), echo_run.c (the turns of poll(),
 * and the measuring), echo_stream.c (TCP: connections that stay, and such that are
 * opened and closed) and echo_datagram.c (UDP).
 *
 * A message is what's sent and has to come back: -m bytes of a connection's stream, or a
 * datagram. A round trip is a message that came back, every byte of it the right one. A
 * slot is one of the -c connections or sockets, counted from 0.
 */
#ifndef LOAD_ECHO_LOAD_H
#define LOAD_ECHO_LOAD_H

#include "load/generator.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    CHUNK = 65536, /* the most that is sent or received at once */
    CONTENT_PERIOD =
        65521, /* a prime, so that content misplaced by a buffer's size shows */
    DATAGRAM_MAX = 65507, /* what UDP carries over IPv4 */
    SETTLE_MS = 5000      /* for the server to begin: to echo the first message */
};

enum way { WAY_STREAM, WAY_OPEN, WAY_DATAGRAM };

struct echo_options {
    enum way way;
    int slots, message, in_flight;
    int idle;          /* connections that only stay */
    uint64_t duration; /* of the run, in ns */
    uint64_t most;     /* messages: the run ends after so many; 0: when its time is up */
    int port;          /* 0: the server says it */
    int csv;           /* 1: a row; 2: a row with names before it */
    char **command;
};

/* What came of the messages. Each that was sent is pending until it is returned or given
 * up; one that was given up may come late. */
struct tally {
    uint64_t sent, returned, given_up, late;
    uint64_t damaged, duplicates, foreign; /* what came that should not have */
    uint64_t closed; /* connections, by the server or for want of one */
    uint64_t stalls; /* round trips of over STALL_MS */
};

static inline uint64_t messages_due(const struct tally *tally)
{
    return tally->sent - tally->returned - tally->given_up;
}

struct run {
    bool sending;
    uint64_t began, ended, last_return;
    uint64_t round_trips; /* from began to ended; what comes later is in the tally */
    struct cost cost;     /* from began to ended */
    struct tally tally;
    struct histogram latency;
};

struct load;

/* What is done with the slots; one for each way. */
struct traffic {
    bool (*open)(struct load *load);           /* false: it has failed, and said why */
    void (*fill)(struct load *load, int slot); /* puts in flight what's to be there */
    void (*ready)(struct load *load, int slot, int events);
    void (*tick)(struct load *load, int slot); /* now and then; NULL: nothing to do */
    void (*close)(struct load *load);          /* a last look, after the run; likewise */
};

extern const struct traffic stream_traffic, open_traffic, datagram_traffic;

struct load {
    struct echo_options options;
    const struct traffic *traffic;
    struct child server;
    int port;
    uint64_t now; /* as of the last poll() or recv() */
    struct pollfd
        *polled;   /* [options.slots + 1], by slot; the last is the server's stdout */
    void *slots;   /* [options.slots], of the way's own kind */
    char *content; /* [CONTENT_PERIOD + CHUNK] */
    char *buffer;  /* [CHUNK] what is received */
    struct run run;
    int *idle; /* [options.idle] sockets */
    struct failure failure;
};

/* What is sent at a position: CHUNK bytes, and after CONTENT_PERIOD positions the same
 * again. Where a slot begins in it is content_origin(). */
void content_init(struct load *load);
const char *content_at(const struct load *load, uint64_t position);
uint64_t content_origin(uint64_t number);

void message_sent(struct load *load);
void message_returned(struct load *load, uint64_t sent_at);

int socket_open(struct load *load, int slot, int type); /* -1: failed, errno is set */
int socket_connect(const struct load *load, int fd);    /* likewise; EINPROGRESS is 0 */
void socket_close(struct load *load, int slot);

void load_turn(struct load *load, int timeout_ms);
bool load_may_open(struct load *load, uint64_t deadline, bool refused);
void echo_load_run(struct load *load);

#endif
