/*
 * line_edit: the line that somebody is typing, as bytes come from the keyboard.
 *
 * It knows nothing of terminals: bytes go in (UTF-8 and the sequences that the keys of
 * a terminal send, ECMA-48 and xterm's, cut anywhere), a line and a cursor come out, and
 * what of them fits so many columns. The text is always valid UTF-8 (RFC 3629) without
 * control characters: a TAB that is typed becomes spaces, bytes that are no UTF-8 become
 * U+FFFD, and keys without a meaning do nothing.
 *
 *     Left Right Ctrl-B Ctrl-F     a character back or on
 *     Home End Ctrl-A Ctrl-E       to the beginning, to the end
 *     Backspace Ctrl-H             deletes the character before the cursor
 *     Delete Ctrl-D                deletes the one under it
 *     Ctrl-W Ctrl-U Ctrl-K         deletes a word back, all before, all behind the cursor
 *     Up Down Ctrl-P Ctrl-N        the lines entered before, and the one in the making
 *     Tab                          spaces, up to the next column of 8
 *     Enter                        enters the line; so does each line of a paste
 *     Ctrl-C, Ctrl-L, Ctrl-D       see enum line_edit_event
 *
 * A character is a code point with the combining ones behind it: they are never parted.
 */
#ifndef TERMINAL_LINE_EDIT_H
#define TERMINAL_LINE_EDIT_H

#include "net/text.h"

#include <stdbool.h>
#include <stddef.h>

#define LINE_EDIT_MOST    2000 /* bytes: less than LINE_MOST, for others see a name, too */
#define LINE_EDIT_HISTORY 100  /* lines entered that are kept */

/*
 * The line and what came before it; all zero bytes is an empty line without history. It
 * is large (200 KB): better static than on the stack.
 */
struct line_edit {
    size_t length, cursor; /* in bytes; the cursor stands where a character begins */
    size_t first;          /* the first byte that is in view */
    bool bell;             /* something did not fit: the caller may ring, and clears it */
    bool overflowed; /* it was in this line: what comes behind it does not, either */
    char text[LINE_EDIT_MOST + 1];

    struct text tail;     /* the character that is not whole yet */
    bool after_cr;        /* Enter was a CR: an LF behind it belongs to it */
    unsigned char escape; /* how far an escape sequence has come, see line_edit.c */
    unsigned parameter;   /* its first number */

    size_t entered; /* lines ever kept; line n is history[n % LINE_EDIT_HISTORY] */
    size_t back;    /* how many lines up from the one in the making is shown */
    char history[LINE_EDIT_HISTORY][LINE_EDIT_MOST + 1];
    char draft[LINE_EDIT_MOST + 1]; /* the one in the making, while another is shown */
};

enum line_edit_event {
    LINE_EDIT_OPEN,      /* all bytes were taken, the line goes on */
    LINE_EDIT_ENTERED,   /* Enter: `text`, a string; go on with line_edit_next() */
    LINE_EDIT_END,       /* Ctrl-D on an empty line: nothing more will be said */
    LINE_EDIT_INTERRUPT, /* Ctrl-C */
    LINE_EDIT_CLEAR      /* Ctrl-L: the screen is to be cleared */
};

/*
 * Takes bytes until there is an event, or until there are no more. Returns how many it
 * took, and the event in *event.
 */
size_t line_edit_take(struct line_edit *edit, const unsigned char *bytes, size_t length,
                      enum line_edit_event *event);

/*
 * Begins the next line after LINE_EDIT_ENTERED. The last one is kept in the history, if
 * it is not empty and not the same as the one before.
 */
void line_edit_next(struct line_edit *edit);

/* The part of the line that is to be seen. */
struct line_edit_view {
    const char *bytes; /* within `text`: no string */
    size_t length;
    size_t before_cursor; /* bytes of it that stand left of the cursor */
};

/*
 * Fits the line into `columns` columns, of which the cursor may need the last: scrolls no
 * further than the cursor asks for, and shows as much as there is.
 */
#define LINE_EDIT_NARROWEST 2 /* columns: a wide character, or one and the cursor */
void line_edit_view(struct line_edit *edit, size_t columns, struct line_edit_view *view);

#endif
