/*
 * lines: the lines that clients send, and whether they arrive whole, once, and in order.
 *
 * A line begins with a mark, names its sender and its number among the sender's lines, and
 * is filled to a fixed length with letters that both of these determine:
 *
 *     ~#0012:00000345:kqzjvwyxhe...\n
 *
 * So comparing a line with the original shows whether it was cut, joined to another, or
 * changed; and whatever name a server puts before it ends at the mark. A line is under way
 * until every receiver has received it, or a later line of the same sender instead.
 */
#ifndef LOAD_LINES_H
#define LOAD_LINES_H

#include "load/run.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LINES_MIN = 24, /* bytes: mark, numbers, some letters, newline */
    LINES_MAX = 65536,
    LINES_CLIENTS = 10000,
    LINES_OTHERS = 50000000 /* numbers from here on are not checked and not counted */
};

struct lines {
    /* To be set before lines_init(). */
    size_t length;      /* of each, the newline included */
    bool echo;          /* lines go back to their sender; otherwise to all others */
    int clients, live;  /* `live` of them receive; the caller keeps it up to date */
    int first, senders; /* the clients first, first + 1, ... send */
    int most;           /* lines that each usually has under way */
    struct run *run;    /* counts each arrival as a piece */

    /* Stray lines were sent by nobody; notices of joins, leaves and names do not count. */
    uint64_t sent, out_of_order, duplicates, damaged, stray;
    uint32_t ring;                     /* a power of two */
    struct sender *sender;             /* [senders] */
    struct arrivals *arrivals;         /* [clients][senders] */
    int due[LINES_CLIENTS], due_count; /* their oldest line has arrived everywhere */
};

bool lines_init(struct lines *lines); /* false: out of memory */

/* Writes a line that is not counted: `length` bytes, no NUL. */
void lines_write(char *line, size_t length, int client, uint32_t number);

/* Finds the mark in what was received, and the number after it; or NULL. */
const char *lines_find(const char *received, size_t length, uint32_t *number);

/*
 * Writes new lines of a client until `most` are under way. Returns their text and its
 * length, or NULL. Call it again: more lines may be elsewhere in memory.
 */
const char *lines_next(struct lines *lines, int client, int most, size_t *length);

int lines_under_way(const struct lines *lines, int client);

/* For how long no line of this client was sent, or arrived anywhere. */
int64_t lines_waited(const struct lines *lines, int client);

/* A client has received a line, in which a NUL has replaced the newline. */
void lines_received(struct lines *lines, int client, const char *line, size_t length);

/* A client will receive nothing more, so it misses what is under way. */
void lines_give_up(struct lines *lines, int client);

/* Takes a client out of `due`, or returns -1. */
int lines_take_due(struct lines *lines);

#endif
