/*
 * history: the lines that a gateway's people have heard, so that a browser whose connection
 * was cut gets what it has missed.
 *
 * The room says nearly every line to everyone, so each line is stored once, in a ring
 * of bytes, and each person has a list of the lines that they heard. So 400 people who
 * hear the same cost little more than one. The history finds out by comparing that two
 * people hear the same line. What a person hears next is nearly always the line after the
 * last one in the ring, so that costs one comparison.
 *
 * The ring and the lists have fixed sizes: what is too old is overwritten.
 */
#ifndef CHAT_HISTORY_H
#define CHAT_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#define HISTORY_BYTES     ((size_t)4 << 20)
#define HISTORY_LINES     (HISTORY_BYTES / 16)
#define HISTORY_LINE_MOST 4096 /* bytes of a line (assert) */

/* Lines in a person's list: enough for half a minute at 136 a second. */
#define HEARD_MOST 4096

/* All zero bytes is an empty history. Line n is in index[n % HISTORY_LINES]. */
struct history {
    uint64_t lines, end; /* lines so far, and the place in `bytes` after the last */
    struct history_line {
        uint64_t place;
        size_t length;
    } index[HISTORY_LINES];
    char bytes[HISTORY_BYTES];
};

/* What one person has heard: lines 1, 2, ..., next - 1, of which the oldest are gone. */
struct heard {
    uint64_t first, next; /* numbers: the lines from `first` on are still there */
    uint64_t look; /* the line of the history at which to look for what comes next */
    uint64_t lines[HEARD_MOST]; /* their numbers in the history */
};

/* A person comes, who has heard nothing so far. */
void heard_begin(struct heard *heard, const struct history *history);

/* The person hears a line. */
void heard_add(struct heard *heard, struct history *history, const char *line,
               size_t length);

/* The number of the oldest line that is still there; heard->next if there is none. */
uint64_t heard_first(struct heard *heard, const struct history *history);

/* A line that is still there. It is not a string, and is valid until something is added. */
const char *heard_line(const struct heard *heard, const struct history *history,
                       uint64_t number, size_t *length);

#endif
