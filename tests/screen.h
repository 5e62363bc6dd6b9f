/*
 * screen: what somebody sees at a terminal, made from the bytes that a program has written.
 *
 * It is a small model of a terminal (ECMA-48): characters of one and two columns and
 * combining ones (after U+FE0F a character has two columns), wrapping and scrolling, CR,
 * LF, BS and BEL, and the sequences ESC [ A, H, J, K and m. Any other control character or
 * sequence fails the test, or is passed over if `is_lenient` is set; TAB works then.
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
    int row, column; /* of the cursor; if column == columns, the next character wraps */
    int scrolled;    /* rows that have left the screen at the top */
    int bells, sequences; /* received so far */
    bool is_lenient;
    struct text tail;
    bool in_sequence;
    char sequence[32];
    size_t sequence_length;
    char colour[32]; /* the last ESC [ ... m, or "" after ESC [ 0 m */
    struct cell {
        char text[CELL_BYTES]; /* "" is empty */
        bool is_half;          /* the right half of a wide character */
        char colour[32];
    } cells[SCREEN_ROWS][SCREEN_COLUMNS];
    bool wraps[SCREEN_ROWS]; /* the row continues in the next */
};

void screen_init(struct screen *screen, int rows, int columns);

/* Changes the width, as a terminal does that cuts off what no longer fits. */
void screen_resize(struct screen *screen, int columns);

/* The same for a terminal that wraps its lines again, as tmux and most others do. */
void screen_rewrap(struct screen *screen, int columns);

void screen_take(struct screen *screen, const char *bytes, size_t length);

/*
 * Writes all rows down to the cursor's to `out`, which holds SCREEN_TEXT, with LF between them
 * and a | where the cursor is. Spaces at the end of a row are left out, but not before the |.
 */
#define SCREEN_TEXT ((size_t)SCREEN_ROWS * SCREEN_COLUMNS * CELL_BYTES)
void screen_text(const struct screen *screen, char *out);

/* Writes one row to `out`, which holds SCREEN_TEXT, without spaces at its end. */
void screen_row(const struct screen *screen, int row, char *out);

/* The colour of the first place that shows this text, or "". NULL: none does. */
const char *screen_colour(const struct screen *screen, const char *text);

#endif
