/*
 * line: makes lines of clean text out of a stream of bytes, however the stream was cut.
 *
 * A line ends in LF, CR LF, LF CR (some MUD clients send it), or CR NUL, which telnet in
 * character mode sends for the Enter key (RFC 1123 3.3.1). Any other CR is a control
 * character and shows as ^M (net/text.h). A line of more than LINE_MOST bytes comes in
 * pieces of at most that size, never cut inside a character.
 */
#ifndef NET_LINE_H
#define NET_LINE_H

#include "net/text.h"

#include <stdbool.h>
#include <stddef.h>

#define LINE_MOST 2048 /* bytes of clean text */

/* The line so far. All zero bytes is the start of a stream. */
struct line {
    size_t length;
    struct text tail; /* an unfinished character */
    bool is_rest;     /* a piece of this line has been taken already */
    enum {
        AFTER_TEXT,
        AFTER_LF, /* a CR now belongs to it */
        AFTER_LF_CR,
        AFTER_CR /* it is text, unless a line end follows */
    } place;
    char text[LINE_MOST + 1];
};

enum line_event {
    LINE_OPEN,  /* all bytes were taken, and the line has not ended */
    LINE_ENDED, /* `text`, a string now, is a line, or the last piece of one */
    LINE_FULL,  /* `text`, a string now, is a piece: the next character does not fit */
    LINE_LEAVE  /* Ctrl-D (EOT) at the beginning of a line: the user has finished */
};

/*
 * Takes bytes until there is an event, or until there are no more. Returns how many it
 * took; with LINE_FULL that may be none. After LINE_ENDED and LINE_FULL use the text, call
 * line_clear(), and go on with the bytes that were not taken. A Ctrl-D inside a line is
 * dropped.
 */
size_t line_take(struct line *line, const unsigned char *bytes, size_t length,
                 enum line_event *event);

/*
 * The stream has ended. LINE_ENDED: `text` is a last line without a line end. LINE_FULL: a
 * piece; call again after line_clear(). LINE_OPEN: nothing is left.
 */
enum line_event line_finish(struct line *line);

/*
 * Empties the line, except for its first `keep` bytes, with which the next piece begins.
 * `keep` is at most LINE_KEPT, to leave room for a character (assert).
 */
#define LINE_KEPT (LINE_MOST / 2)
void line_clear(struct line *line, size_t keep);

#endif
