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
    LINES_OTHERS = 50000000 /* numbers from here on are not checked and not counted */
};

struct lines {
    /* To be set before lines_init(). */
    size_t length;      /* of each, the newline included */
    bool echo;          /* lines go back to their sender; else to all others */
    int clients, live;  /* `live` of them receive; the caller keeps it up to date */
    int first, senders; /* the clients first, first + 1, ... send */
    int most;           /* lines of each that are usually under way */
    struct run *run;    /* counts each arrival as a piece */

    /* Stray is what nobody sent, except notices of joins and leaves. */
    uint64_t sent, out_of_order, duplicates, damaged, stray;
    uint32_t ring;                     /* a power of two */
    struct sender *sender;             /* [senders] */
    struct arrivals *arrivals;         /* [clients][senders] */
    int due[LINES_CLIENTS], due_count; /* whose oldest line has arrived everywhere */
};

bool lines_init(struct lines *lines); /* false: out of memory */

/* Writes a line that is not counted: `length` bytes, no NUL. */
void lines_write(char *line, size_t length, int client, uint32_t number);

/* The mark in what was received, and the number there; or NULL. */
const char *lines_find(const char *received, size_t length, uint32_t *number);

/* Writes new lines of a client until `most` are under way. Returns their text and its
 * length, or NULL; call it again for lines that do not lie beside them. */
const char *lines_next(struct lines *lines, int client, int most, size_t *length);

int lines_under_way(const struct lines *lines, int client);

/* How long none of a client's lines was sent, or arrived anywhere. */
int64_t lines_waited(const struct lines *lines, int client);

/* A client has received a line, without its newline, with a NUL in its place. */
void lines_received(struct lines *lines, int client, const char *line, size_t length);

/* A client will receive nothing more: what is under way to it is missed. */
void lines_give_up(struct lines *lines, int client);

/* Takes a client out of `due`; -1: there is none. */
int lines_take_due(struct lines *lines);

#endif
