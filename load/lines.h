/*
 * lines: the lines that clients send, and whether they arrive whole, once, and in order.
 *
 * A line begins with a mark, names its sender and its number among the sender's lines, and
 * is filled up to a fixed length with letters that follow from both:
 *
 *     ~#0012:00000345:kqzjvwyxhe...\n
 *
 * So a line that was cut, joined to another, or changed is found by comparing it with the
 * original; and whatever name a server puts before it ends at the mark. Lines are under way
 * until every receiver has had them, or a later one of the same sender in their place.
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
    LINES_PERIOD = 251, /* of the letters; a prime, so that lengths do not fit it */
    /* Numbers from here on are not checked and not counted. */
    LINES_OTHERS = 50000000
};

struct lines {
    /* To be set before lines_init(). */
    size_t length;      /* of each, the newline included */
    bool echo;          /* lines go back to their sender; else to all others */
    int clients, first; /* senders are the clients first, first + 1, ... */
    int senders, most;  /* `most` lines are under way for each, or a few more */
    struct run *run;    /* counts each arrival as a piece */

    uint64_t sent, out_of_order, duplicates;
    uint64_t damaged; /* not what was sent */
    uint64_t stray;   /* what nobody sent; notices of joins and leaves are not counted */
    uint32_t ring;    /* a power of two */
    struct sender *sender;     /* [senders] */
    struct arrivals *arrivals; /* [clients][senders] */
    int due[LINES_CLIENTS],
        due_count; /* senders with a line that has arrived everywhere */
    char letters[LINES_PERIOD + LINES_MAX];
};

bool lines_init(struct lines *lines); /* false: out of memory */

/* Writes `length` bytes, no NUL, that are not counted. */
void lines_write(const struct lines *lines, char *line, int client, uint32_t number);

/* The mark in what was received, and the number there; or NULL. */
const char *lines_find(const char *received, size_t length, uint32_t *number);

/*
 * Writes new lines of a client, each for so many receivers, until `most` are under way. NULL
 * if they are, else the text and its length; call it again for what does not lie beside it.
 * The text lives while the lines are under way.
 */
const char *lines_next(struct lines *lines, int client, int most, int receivers,
                       int64_t now, size_t *length);

int lines_under_way(const struct lines *lines, int client);

/* When the last progress was: a line sent, or arrived at some receiver. */
int64_t lines_progress(const struct lines *lines, int client);

/* A client has received a line, without its newline, with a NUL in its place. */
void lines_received(struct lines *lines, int client, const char *line, size_t length,
                    int64_t now);

/* A client will receive nothing more: what is under way to it is missed. */
void lines_give_up(struct lines *lines, int client, int64_t now);

/* Takes a client whose oldest line has arrived everywhere; -1: there is none. */
int lines_take_due(struct lines *lines);

#endif
