#include "terminal/display.h"

#include "base/descriptor.h"
#include "base/fdset.h"
#include "terminal/columns.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROMPT        "> "
#define PROMPT_LENGTH 2

/*
 * The columns beside the view. The last one stays free, because terminals differ in what
 * they do after it.
 */
#define MARGIN (PROMPT_LENGTH + 1)

/* ---- Standard output ---------------------------------------------------------------- */

void display_open(struct display *display, const struct terminal *terminal,
                  struct signals *signals)
{
    const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");

    *display = (struct display){.terminal = terminal, .signals = signals};
    display->is_dumb = term == NULL || *term == '\0' || strcmp(term, "dumb") == 0 ||
                       strcmp(term, "unknown") == 0;
    display->is_coloured = terminal != NULL && !display->is_dumb &&
                           (no_colour == NULL || *no_colour == '\0');
    output_open(&display->output, STDOUT_FILENO);
}

void display_flush(struct display *display)
{
    struct fdset writable;
    size_t done = 0;

    while (done < display->used && display->failed == 0 && !display->cut) {
        ssize_t wrote =
            output_write(&display->output, display->page + done, display->used - done);

        if (wrote >= 0) {
            done += (size_t)wrote;
        } else if (!descriptor_try_again(errno)) {
            display->failed = errno;
        } else if (signals_stop_requested()) {
            display->cut = true; /* its reader may never take more */
        } else {
            fdset_clear(&writable);
            fdset_add(&writable, STDOUT_FILENO);
            signals_pselect(display->signals, NULL, &writable, INT64_MAX);
        }
    }
    display->used = 0;
}

static void put(struct display *display, const char *bytes, size_t length)
{
    while (length > 0) {
        size_t room = sizeof display->page - display->used;
        size_t piece = length < room ? length : room;

        memcpy(display->page + display->used, bytes, piece);
        display->used += piece;
        bytes += piece;
        length -= piece;
        if (display->used == sizeof display->page)
            display_flush(display);
    }
}

static void put_string(struct display *display, const char *string)
{
    put(display, string, strlen(string));
}

/* ---- Lines -------------------------------------------------------------------------- */

void display_print(struct display *display, const char *text, size_t length)
{
    display_hide_prompt(display);
    put(display, text, length);
    display->within_line = true;
}

void display_print_name(struct display *display, const char *name, size_t length)
{
    uint32_t hash = 2166136261U; /* FNV-1a */
    char colour[16];

    if (!display->is_coloured) {
        display_print(display, name, length);
        return;
    }
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619U;
    /* Six colours that are readable on black and on white, each also in bold (ECMA-48). */
    snprintf(colour, sizeof colour, "\033[%d;%dm", (int)(hash >> 16) % 2,
             31 + (int)(hash >> 17) % 6);
    display_hide_prompt(display);
    put_string(display, colour);
    display_print(display, name, length);
    put_string(display, "\033[0m");
}

void display_end_line(struct display *display)
{
    if (display->within_line)
        put_string(display, display->terminal != NULL ? "\r\n" : "\n");
    display->within_line = false;
}

void display_print_line(struct display *display, const char *text)
{
    display_print(display, text, strlen(text));
    display_end_line(display);
}

/* ---- The prompt --------------------------------------------------------------------- */

/*
 * The row of the prompt that holds the cursor, from 0. Most terminals, when their window
 * becomes narrower, wrap the prompt just as they wrap what is printed.
 */
static int cursor_row(const struct display *display, int columns)
{
    const struct line_edit_view *view = &display->view;
    int row = (PROMPT_LENGTH - 1) / columns, column = PROMPT_LENGTH - row * columns;
    size_t bytes;

    /* The last character is the one under the cursor, which may have wrapped as well. */
    for (size_t at = 0; at <= view->before_cursor && at < view->length; at += bytes) {
        int width =
            (int)columns_of_character(view->bytes + at, view->length - at, &bytes);

        if (column + width > columns) { /* it is in the next row */
            row++;
            column = 0;
        }
        column += width;
    }
    return row;
}

/* Leaves the cursor where the prompt began: the next output goes there. */
void display_hide_prompt(struct display *display)
{
    int columns, row;
    char up[16];

    if (!display->prompt_shown)
        return;
    display->prompt_shown = false;
    columns = terminal_columns(display->terminal);
    put_string(display, "\r");
    if (!display->is_dumb) {
        row = cursor_row(display, columns);
        snprintf(up, sizeof up, "\033[%dA", row);
        put_string(display, row > 0 ? up : "");
        /*
         * Erase its row, or, if it may have been wrapped, the screen from there on. (tmux
         * treats erasing from the first row as clearing, and saves a copy each time.)
         */
        put_string(display, columns == display->columns ? "\033[K" : "\033[J");
        return;
    }
    for (int column = 1; column < columns; column++)
        put_string(display, " ");
    put_string(display, "\r");
}

/*
 * To put the cursor in its place, the text before it is printed again. That needs no
 * escape sequence, and is right even if the terminal disagrees about a character's width.
 */
void display_show_prompt(struct display *display, struct line_edit *edit)
{
    int columns = terminal_columns(display->terminal);
    struct line_edit_view *view = &display->view;

    if (display->prompt_shown || columns < MARGIN + LINE_EDIT_NARROWEST)
        return;
    display_end_line(display);
    display->columns = columns;
    line_edit_view(edit, (size_t)(columns - MARGIN), view);
    put_string(display, PROMPT);
    put(display, view->bytes, view->length);
    if (view->before_cursor < view->length) {
        put_string(display, "\r" PROMPT);
        put(display, view->bytes, view->before_cursor);
    }
    if (edit->bell)
        put_string(display, "\a");
    edit->bell = false;
    display->prompt_shown = true;
}

void display_leave_line(struct display *display, const struct line_edit *edit)
{
    display_hide_prompt(display);
    put_string(display, PROMPT);
    put(display, edit->text, edit->is_secret ? 0 : edit->length);
    put_string(display, "\r\n");
}

void display_clear(struct display *display)
{
    if (!display->is_dumb)
        put_string(display, "\033[H\033[2J");
}
