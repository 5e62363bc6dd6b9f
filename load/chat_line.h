/*
 * chat_line: lines that show on arrival whether they came whole
 *
 * A line names its sender and its place among the sender's lines, and is filled up to a
 * fixed length with letters that follow from both; a mark, "~0000", is at its start alone:
 *
 *     ~00000012:00000345:kqzjvwyxhe...\n
 *
 * So a line that was cut, glued to another or altered is found by comparing, and the line
 * is found behind whatever name a server puts before it by looking for the mark.
 */
#ifndef LOAD_CHAT_LINE_H
#define LOAD_CHAT_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CHAT_LINE_MIN = 24, /* the numbers, four letters, the newline */
    CHAT_LINE_MAX = 4096,
    CHAT_LINE_SENDERS = 10000, /* so that each number begins with the mark's zeros */
    CHAT_LINE_SEQUENCES = 100000000,
    CHAT_LINE_PERIOD = 251 /* of the letters; a prime, so that lengths don't fit it */
};

struct chat_line {
    size_t length; /* of each line, its newline included */
    char letters[CHAT_LINE_PERIOD + CHAT_LINE_MAX];
};

/* `length` is CHAT_LINE_MIN to CHAT_LINE_MAX. */
void chat_line_init(struct chat_line *format, size_t length);

/* Writes format->length bytes to `line`, no '\0'. sender < CHAT_LINE_SENDERS, sequence <
 * CHAT_LINE_SEQUENCES. */
void chat_line_write(const struct chat_line *format, char *line, uint32_t sender,
                     uint32_t sequence);

/* The first mark in the `length` bytes of what was received, or NULL. */
const char *chat_line_find(const char *received, size_t length);

/* Whether the `length` bytes from a mark on, the newline not included (a '\r' before it
 * is allowed), are a line as it was written; if so, sets whose and which. */
bool chat_line_read(const struct chat_line *format, const char *line, size_t length,
                    uint32_t *sender, uint32_t *sequence);

#endif
