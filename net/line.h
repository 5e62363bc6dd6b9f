/*
 * line: lines of clean text out of a stream of bytes, however the stream was cut up.
 *
 * A line ends in LF or CR LF. CR NUL ends one too: it is what a telnet in character mode
 * sends for the Enter key, and RFC 1123 (3.3.1) wants it to do what CR LF does. A CR
 * before anything else is a control character like any other (^M, see net/text.h).
 *
 * A line that is longer than LINE_MOST comes in pieces of at most LINE_MOST bytes, never
 * cut inside a character: memory is bounded and nothing is lost.
 */
#ifndef NET_LINE_H
#define NET_LINE_H

#include "net/text.h"

#include <stdbool.h>
#include <stddef.h>

#define LINE_MOST 2048 /* bytes of clean text */

/* The line so far; all zero bytes is the start of a stream. */
struct line {
    size_t length;
    struct text tail; /* the character that is not whole yet */
    bool after_cr;    /* the last byte was a CR: the next one tells what it means */
    char text[LINE_MOST + 1];
};

enum line_event {
    LINE_OPEN,  /* all bytes were taken, the line goes on */
    LINE_ENDED, /* `text`, now a string, is a line, or the last piece of one */
    LINE_FULL   /* `text`, now a string, is a piece: what comes next does not fit */
};

/*
 * Takes bytes until a line or a piece is whole, or until there are no more. Returns how
 * many it took, and in *event what they made. After LINE_ENDED and LINE_FULL, use the
 * text, call line_clear(), and go on with the bytes that were not taken; LINE_FULL may
 * have taken none.
 */
size_t line_take(struct line *line, const unsigned char *bytes, size_t length,
                 enum line_event *event);

/*
 * The stream ends here. LINE_ENDED: `text` stood without a line end. LINE_FULL:
 * a piece, call again after line_clear(). LINE_OPEN: nothing is left.
 */
enum line_event line_finish(struct line *line);

/*
 * Empties the line but for its first `keep` bytes, LINE_KEPT at the most, which begin the
 * next piece too: there must be room behind them for a character (assert).
 */
#define LINE_KEPT (LINE_MOST / 2)
void line_clear(struct line *line, size_t keep);

#endif
