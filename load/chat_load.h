/*
 * chat_load: what the files of the chat load generator share
 *
 * The files are chat_load.c (options, report, main), chat_clients.c (the sockets),
 * chat_join.c (until everyone is in), chat_run.c (the measuring).
 */
#ifndef LOAD_CHAT_LOAD_H
#define LOAD_CHAT_LOAD_H

#include "load/chat_line.h"
#include "load/generator.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    READ_SIZE = 65536, /* of one recv(): large, so that few of them are needed */
    TAIL_SIZE = CHAT_LINE_MAX + 256, /* of a line not yet complete: a line and a name */
    WAIT_SECONDS = 10 /* without any delivery, or after the run for all that are due */
};

struct chat_options {
    int clients, senders, in_flight, line_length, stalled;
    uint64_t duration; /* of the run, in ns */
    uint64_t patience; /* until everyone is in */
    int port;          /* 0: the server says it */
    int csv;           /* 1: a row; 2: a row with names before it */
    char **command;
};

/* What has arrived at a client from one sender. */
struct arrivals {
    uint64_t seen; /* bit n: line next - 1 - n has come */
    uint32_t next; /* the line that is expected now */
};

struct client {
    int fd; /* -1: closed */
    bool connected;
    bool heard;      /* it has received a line; from the run on, a sender's */
    bool known;      /* a probe of it has come through (chat_join.c) */
    uint64_t probed; /* when it last sent one; 0: never */
    bool skipping;   /* the rest of a line that is too long */
    size_t tail_length;
    char *tail;            /* [TAIL_SIZE] the beginning of a line */
    struct arrivals *from; /* [senders] */
};

/* A line in flight. */
struct flight {
    uint64_t sent;
    uint32_t remaining; /* clients that have neither had nor missed it */
};

struct sender {
    uint32_t oldest, next;               /* the lines in flight, oldest to next - 1 */
    bool due;                            /* its oldest line is done */
    uint32_t watched, watched_remaining; /* the oldest line as the last look found it */
    uint64_t watched_since;              /* when it was first seen so */
    struct flight *flights; /* [load.flights], a ring indexed by line number */
    char *unsent;           /* [in_flight lines] what the socket has not taken yet */
    size_t unsent_length;
};

/* What came of the joining; times are from the first connect on. */
struct joining {
    uint64_t began, connected, told; /* told 0: joins are not announced */
    uint64_t heard;                  /* when anything last came */
    uint64_t waited;                 /* for more to come, by us alone: not in `told` */
    uint64_t announcements;          /* "joined" lines received by all clients together */
    uint64_t probes;                 /* probes received, likewise */
    bool greeted; /* those lines were not announcements: each newcomer's own greeting */
    int connections, known, nudged;
};

/* What came of the run. A delivery is one line at one client. */
struct tally {
    uint64_t sent;      /* lines */
    uint64_t expected;  /* deliveries that they make */
    uint64_t delivered; /* whole, and for the first time */
    uint64_t missed;    /* passed over by a later line, or the client was closed */
    uint64_t late, out_of_order, damaged, duplicates, unnamed, notices, stray;
};

static inline uint64_t deliveries_due(const struct tally *tally)
{
    return tally->expected - tally->delivered - tally->missed;
}

struct run {
    bool sending;
    int live; /* clients that read and are not closed */
    uint64_t began, ended, last_delivery, longest_pause;
    uint64_t last_lines; /* when each sender sent one more after the run; 0: not yet */
    uint64_t counted;    /* tally.delivered at last_delivery */
    uint64_t deliveries; /* from began to ended; what comes later is in the tally */
    struct cost cost;    /* from began to ended */
    struct tally tally;
    struct histogram latency;
};

struct load {
    struct chat_options options;
    struct child server;
    int port;
    uint64_t now; /* as of the last poll() or recv() */
    const struct phase *phase;
    struct client *clients; /* [options.clients] */
    struct pollfd *polled;  /* [options.clients + 1]; the last is the server's stdout */
    int closed;             /* clients that the server has closed */
    char *buffer;           /* [TAIL_SIZE + READ_SIZE] */
    struct chat_line line;
    struct sender *senders; /* [options.senders] */
    uint32_t flights;       /* a power of two */
    int *due;               /* [options.senders] the senders with `due` set */
    int due_count;
    struct joining joining;
    struct run run;
    struct failure failure; /* what ended it early */
};

/* What a phase does when something comes of a client's socket. */
struct phase {
    void (*writable)(struct load *load, int client);
    void (*line)(struct load *load, int client, const char *line, size_t length);
    void (*was_read)(struct load *load); /* after the lines of each client */
    void (*closed)(struct load *load, int client);
};

void clients_open(struct load *load);
void clients_close(struct load *load);
bool client_connect(struct load *load, int client, bool waiting);
void clients_turn(struct load *load, int timeout_ms);

bool load_join(struct load *load); /* false: failed */
bool chat_is_notice(const char *line, size_t length);
void chat_load_run(struct load *load);

#endif
