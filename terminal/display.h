/*
 * display: standard output with a prompt below it.
 *
 * On a terminal, a prompt with the line being typed is below what has been printed. It is
 * hidden before anything is printed and shown again afterwards, so the two never mix.
 * Elsewhere the output is plain lines without a prompt.
 *
 * The output is collected, and written by display_flush() or when a page is full.
 */
#ifndef TERMINAL_DISPLAY_H
#define TERMINAL_DISPLAY_H

#include "base/output.h"
#include "base/signals.h"
#include "terminal/line_edit.h"
#include "terminal/terminal.h"

#include <stdbool.h>
#include <stddef.h>

#define DISPLAY_PAGE 16384 /* bytes of one write() */

struct display {
    const struct terminal *terminal; /* NULL: there is none */
    struct signals *signals; /* delivered while the program waits for its reader */
    bool is_dumb;            /* the terminal knows no escape sequences */
    bool is_coloured;
    bool within_line; /* part of a line was printed, but not its end */

    int failed; /* the errno that the output ended with, or 0 */
    bool cut;   /* not all was written, because the program was told to stop */

    bool prompt_shown;          /* it is in the last row, with the cursor in it */
    int columns;                /* the width of the terminal when it was shown */
    struct line_edit_view view; /* the part of the line after that */

    struct output output;
    size_t used;
    char page[DISPLAY_PAGE];
};

/*
 * Prepares standard output. The terminal is the caller's; NULL if standard output is not
 * one. The environment says what it can do: TERM (nothing if it is dumb, unknown, or
 * unset) and NO_COLOR (https://no-color.org).
 */
void display_open(struct display *display, const struct terminal *terminal,
                  struct signals *signals);

/* Prints clean text (net/text.h), which may be part of a line. */
void display_print(struct display *display, const char *text, size_t length);

/* The same in a colour that depends only on the text, so a name always has the same. */
void display_print_name(struct display *display, const char *name, size_t length);

/* Ends the line, if one was begun. */
void display_end_line(struct display *display);

/* Prints a string of clean text as a line. */
void display_print_line(struct display *display, const char *text);

/*
 * Shows the prompt with the line if it is not shown, and rings if something did not fit. A
 * window of less than five columns gets no prompt.
 */
void display_show_prompt(struct display *display, struct line_edit *edit);

/* Takes the prompt off the screen. Call this before the line changes. */
void display_hide_prompt(struct display *display);

/* Prints the entered line, to stay above the prompt; a secret one is not printed. */
void display_leave_line(struct display *display, const struct line_edit *edit);

/* Clears the screen. */
void display_clear(struct display *display);

/* Writes what was collected. What cannot be written is dropped; see `failed` and `cut`. */
void display_flush(struct display *display);

#endif
