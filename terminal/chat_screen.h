/*
 * chat_screen: standard output, as chat_cli prints on it.
 *
 * On a terminal a prompt with the line that is being typed stands below what the others
 * have said. The prompt is hidden before anything is printed and shown again after, so
 * the two never mix. Elsewhere there are plain lines, and no prompt.
 *
 * What is printed is collected, and written by chat_screen_flush() or when there is much
 * of it.
 */
#ifndef TERMINAL_CHAT_SCREEN_H
#define TERMINAL_CHAT_SCREEN_H

#include "base/output.h"
#include "base/signals.h"
#include "terminal/line_edit.h"
#include "terminal/terminal.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#define CHAT_SCREEN_PAGE 16384 /* bytes of one write() */

struct chat_screen {
    const struct terminal *terminal; /* NULL: there is none */
    bool is_dumb;                    /* the terminal obeys no sequences */
    bool is_coloured;
    struct signals *signals; /* let in where the output makes the program wait */

    int failed;                 /* the errno that its output ended with, or 0 */
    bool cut;                   /* not all was shown, for the program was stopped */
    bool within_line;           /* a piece of a long line was printed, no end yet */
    bool prompt_shown;          /* it is in the last row, and the cursor in it */
    int columns;                /* the terminal's, when it was shown */
    int margin;                 /* those of its `> ` */
    struct line_edit_view view; /* what of the line stands behind that */
    struct output output;       /* standard output */
    size_t used;
    char page[CHAT_SCREEN_PAGE];
};

/* Prepares standard output, so that a write to it never waits for its reader. */
void chat_screen_open(struct chat_screen *screen);

/* Prints a string of clean text (net/text.h) and its line end, or a piece without. */
void chat_screen_print(struct chat_screen *screen, const char *text, bool ends);

/* Ends a line of which there will be no other piece. */
void chat_screen_end_line(struct chat_screen *screen);

/* Shows the prompt with the line, if it is not there, and rings for what didn't fit. */
void chat_screen_show_prompt(struct chat_screen *screen, struct line_edit *edit);

/* Takes it off again. To be called before the line is changed, and before any print. */
void chat_screen_hide_prompt(struct chat_screen *screen);

/* Puts the line that was typed where it stays: among what the others have said. */
void chat_screen_leave_line(struct chat_screen *screen, const struct line_edit *edit);

/* Clears the terminal. */
void chat_screen_clear(struct chat_screen *screen);

/* Writes what is there. What cannot be written is dropped, and shows in `failed`. */
void chat_screen_flush(struct chat_screen *screen);

#endif
