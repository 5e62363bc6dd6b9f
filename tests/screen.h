/*
 * screen: what somebody sees at a terminal, after the bytes that a program has written.
 *
 * A small model of one (ECMA-48): characters of one and two columns and combining ones,
 * wrapping and scrolling, CR, LF, BS and BEL, and the sequences ESC [ A, H, J, K and m. Any
 * other control character or sequence fails the test: the program is to send none.
 */
#ifndef TESTS_SCREEN_H
#define TESTS_SCREEN_H

#include "net/text.h"

#include <stdbool.h>
#include <stddef.h>

#define SCREEN_ROWS    64
#define SCREEN_COLUMNS 200
#define CELL_BYTES     16

struct screen {
    int rows, columns;
    int row, column; /* the cursor's; column == columns: the next character wraps */
    int scrolled;    /* rows that have left it at the top */
    int bells;
    struct text tail;
    bool in_sequence;
    char sequence[32];
    size_t sequence_length;
    char colour[32]; /* the last ESC [ ... m, or "" after ESC [ 0 m */
    struct cell {
        char text[CELL_BYTES]; /* "" is empty */
        bool is_half;          /* the right one of a wide character */
        char colour[32];
    } cells[SCREEN_ROWS][SCREEN_COLUMNS];
    bool wraps[SCREEN_ROWS]; /* the row goes on in the next */
};

void screen_init(struct screen *screen, int rows, int columns);

/* A terminal that does not wrap its lines anew: what no longer fits is cut off. */
void screen_resize(struct screen *screen, int columns);

/* One that does, as tmux and most others. */
void screen_rewrap(struct screen *screen, int columns);

void screen_take(struct screen *screen, const char *bytes, size_t length);

/*
 * All rows down to the cursor's, LF between them, without the spaces on the right, and a
 * | where the cursor is (the spaces before it count). `out` holds SCREEN_TEXT.
 */
#define SCREEN_TEXT ((size_t)SCREEN_ROWS * SCREEN_COLUMNS * CELL_BYTES)
void screen_text(const struct screen *screen, char *out);

/* The colour of the first place where this stands: "" for none. NULL: nowhere. */
const char *screen_colour(const struct screen *screen, const char *text);

#endif
