/*
 * line_edit: a line while it is being typed.
 *
 * The module knows nothing of terminals. Bytes from a keyboard go in: UTF-8, and the
 * sequences that the keys of a terminal send (ECMA-48 and xterm's), cut anywhere. Out come
 * a line and a cursor, and the part of them that fits a number of columns. The text is
 * always valid UTF-8 (RFC 3629) without control characters: a Tab becomes spaces, bytes
 * that are not UTF-8 become U+FFFD, and keys without a meaning do nothing.
 *
 *     Left Right Ctrl-B Ctrl-F     move by a character
 *     Home End Ctrl-A Ctrl-E       move to the beginning, to the end
 *     Backspace Ctrl-H             delete the character before the cursor
 *     Delete Ctrl-D                delete the character under the cursor
 *     Ctrl-W Ctrl-U Ctrl-K         delete the word before, all before, all after the cursor
 *     Up Down Ctrl-P Ctrl-N        go through the lines entered before
 *     Tab                          spaces, up to the next multiple of 8 columns
 *     Enter                        enters the line, even in the middle of a paste
 *     Ctrl-L, Ctrl-D               see enum line_edit_event
 *
 * A character is a code point with the combining ones after it. They are never separated.
 */
#ifndef TERMINAL_LINE_EDIT_H
#define TERMINAL_LINE_EDIT_H

#include "net/text.h"

#include <stdbool.h>
#include <stddef.h>

#define LINE_EDIT_MOST    2000 /* bytes; with a nick before it, it still fits LINE_MOST */
#define LINE_EDIT_HISTORY 100  /* lines to keep */

/*
 * The line and its history. All zero bytes is an empty line without a history. The struct
 * is large (200 KB): better static than on the stack.
 */
struct line_edit {
    size_t length, cursor; /* in bytes; the cursor is at the beginning of a character */
    bool bell;             /* something did not fit; the caller rings, and clears it */
    bool overflowed;       /* the same for this line: no more text is inserted after it */
    bool is_secret;        /* the caller's: the line is not shown and not kept */
    char text[LINE_EDIT_MOST + 1];

    struct text tail;     /* the unfinished UTF-8 character */
    bool after_cr;        /* Enter was a CR: an LF after it belongs to it */
    unsigned char escape; /* the place in an escape sequence, see line_edit.c */
    unsigned parameter;   /* its first number */

    size_t entered; /* lines ever kept; line n is history[n % (LINE_EDIT_HISTORY + 1)] */
    size_t back;    /* how many lines back the line shown is; 0: it is the new one */
    /* The last lines, and after them the new one while an old one is shown. */
    char history[LINE_EDIT_HISTORY + 1][LINE_EDIT_MOST + 1];
};

enum line_edit_event {
    LINE_EDIT_OPEN,    /* all bytes were taken, and the line has not been entered */
    LINE_EDIT_ENTERED, /* Enter: `text` is the line; go on with line_edit_next() */
    LINE_EDIT_END,     /* Ctrl-D on an empty line: the user has finished */
    LINE_EDIT_CLEAR    /* Ctrl-L: clear the screen */
};

/*
 * Takes bytes until there is an event, or until there are no more. Returns the number of
 * bytes taken, and the event in *event.
 */
size_t line_edit_take(struct line_edit *edit, const unsigned char *bytes, size_t length,
                      enum line_edit_event *event);

/*
 * Ends an incomplete escape sequence. A key sends its sequence at once, so if there is a
 * pause, the Esc was the Esc key, and what comes next is text.
 */
void line_edit_pause(struct line_edit *edit);

/*
 * Begins the next line after LINE_EDIT_ENTERED. The old line goes into the history, unless
 * it is secret, empty or the same as the line before it. The new line is not secret.
 */
void line_edit_next(struct line_edit *edit);

/* The part of the line to show. */
struct line_edit_view {
    const char *bytes; /* within `text`, not a string */
    size_t length;
    size_t before_cursor; /* bytes of it to the left of the cursor */
};

/*
 * Fits the line into `columns` columns, the last of which the cursor may need. Of a line
 * that is too long it shows the cursor with the text before it, and up to a third of the
 * columns after it. Nothing of a secret line is shown.
 */
#define LINE_EDIT_NARROWEST 2 /* a wide character, or a narrow one and the cursor */
void line_edit_view(const struct line_edit *edit, size_t columns,
                    struct line_edit_view *view);

#endif
