#include "terminal/chat_screen.h"

#include "base/descriptor.h"

#include "base/fdset.h"
#include "chat/chat_names.h"
#include "terminal/columns.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROMPT        "> "
#define PROMPT_LENGTH 2

/*
 * The last column stays free: terminals differ in what they do behind it. So this is what
 * the prompt and a view of the narrowest take; a narrower window goes without the prompt.
 */
#define NARROW (PROMPT_LENGTH + LINE_EDIT_NARROWEST + 1)

/* ---- Standard output ---------------------------------------------------------------- */

void chat_screen_open(struct chat_screen *screen)
{
    output_open(&screen->output, STDOUT_FILENO);
}

static void wait_for_output(struct chat_screen *screen)
{
    struct fdset writable;

    fdset_clear(&writable);
    fdset_add(&writable, STDOUT_FILENO);
    (void)signals_pselect(screen->signals, NULL, &writable, NULL);
}

void chat_screen_flush(struct chat_screen *screen)
{
    size_t done = 0;

    while (done < screen->used && screen->failed == 0 && !screen->cut) {
        ssize_t wrote =
            output_write(&screen->output, screen->page + done, screen->used - done);

        if (wrote >= 0)
            done += (size_t)wrote;
        else if (!descriptor_try_again(errno))
            screen->failed = errno;
        else if (signals_stop_requested()) /* it may never take more */
            screen->cut = true;
        else
            wait_for_output(screen);
    }
    screen->used = 0;
}

static void put(struct chat_screen *screen, const char *bytes, size_t length)
{
    while (length > 0) {
        size_t room = sizeof screen->page - screen->used;
        size_t piece = length < room ? length : room;

        memcpy(screen->page + screen->used, bytes, piece);
        screen->used += piece;
        bytes += piece;
        length -= piece;
        if (screen->used == sizeof screen->page)
            chat_screen_flush(screen);
    }
}

static void put_string(struct chat_screen *screen, const char *string)
{
    put(screen, string, strlen(string));
}

/* ---- What the others say ------------------------------------------------------------ */

static void put_coloured(struct chat_screen *screen, const char *line)
{
    struct chat_name names[CHAT_NAMES_MOST];
    int count = chat_names_find(line, names);
    size_t done = 0;

    for (int i = 0; i < count; i++) {
        const char *name = line + names[i].at;

        put(screen, line + done, names[i].at - done);
        put_string(screen, "\033[");
        put_string(screen, chat_names_colour(name, names[i].length));
        put_string(screen, "m");
        put(screen, name, names[i].length);
        put_string(screen, "\033[0m");
        done = names[i].at + names[i].length;
    }
    put_string(screen, line + done);
}

void chat_screen_print(struct chat_screen *screen, const char *text, bool ends)
{
    chat_screen_hide_prompt(screen);
    if (screen->is_coloured && !screen->within_line)
        put_coloured(screen, text);
    else
        put_string(screen, text);
    screen->within_line = true;
    if (ends)
        chat_screen_end_line(screen);
}

void chat_screen_end_line(struct chat_screen *screen)
{
    if (screen->within_line)
        put_string(screen, screen->terminal != NULL ? "\r\n" : "\n");
    screen->within_line = false;
}

/* ---- The prompt --------------------------------------------------------------------- */

static void place(int width, int columns, int *row, int *column)
{
    if (*column + width > columns) {
        (*row)++;
        *column = 0;
    }
    *column += width;
}

/*
 * In which of the prompt's rows the cursor stands, from 0: most terminals that have
 * become narrower have wrapped it as they wrap what is printed.
 */
static int cursor_row(const struct chat_screen *screen, int columns)
{
    const struct line_edit_view *view = &screen->view;
    int row = 0, column = 0;
    size_t at = 0, bytes;

    for (int i = 0; i < screen->margin; i++)
        place(1, columns, &row, &column);
    for (; at < view->before_cursor; at += bytes)
        place((int)columns_at(view->bytes + at, &bytes), columns, &row, &column);
    if (at < view->length) /* it stands on a character, which may have been wrapped */
        place((int)columns_at(view->bytes + at, &bytes), columns, &row, &column);
    return row;
}

/* What is printed next begins where the prompt stood. */
void chat_screen_hide_prompt(struct chat_screen *screen)
{
    int columns, row;
    char up[16];

    if (!screen->prompt_shown)
        return;
    screen->prompt_shown = false;
    columns = terminal_columns(screen->terminal);
    put_string(screen, "\r");
    if (!screen->is_dumb) {
        row = cursor_row(screen, columns);
        (void)snprintf(up, sizeof up, "\033[%dA", row);
        put_string(screen, row > 0 ? up : "");
        /* Where it cannot have been wrapped, its row is enough. (To erase all from the
         * screen's first row on is for tmux to clear it: it keeps a copy of each.) */
        put_string(screen, columns == screen->columns ? "\033[K" : "\033[J");
        return;
    }
    for (int column = 1; column < columns; column++)
        put_string(screen, " ");
    put_string(screen, "\r");
}

/*
 * The cursor is brought to its place by printing again what stands before it: that needs
 * no sequence, and is right even where the terminal has its own idea of how wide a
 * character is.
 */
void chat_screen_show_prompt(struct chat_screen *screen, struct line_edit *edit)
{
    int columns = terminal_columns(screen->terminal), room;
    struct line_edit_view *view = &screen->view;

    if (screen->prompt_shown)
        return;
    chat_screen_end_line(screen);
    screen->columns = columns;
    screen->margin = columns < NARROW ? 0 : PROMPT_LENGTH;
    room = columns - screen->margin - 1;
    if (room >= LINE_EDIT_NARROWEST)
        line_edit_view(edit, (size_t)room, view);
    else
        *view = (struct line_edit_view){.bytes = edit->text};
    put(screen, PROMPT, (size_t)screen->margin);
    put(screen, view->bytes, view->length);
    if (view->before_cursor < view->length) {
        put_string(screen, "\r");
        put(screen, PROMPT, (size_t)screen->margin);
        put(screen, view->bytes, view->before_cursor);
    }
    if (edit->bell)
        put_string(screen, "\a");
    edit->bell = false;
    screen->prompt_shown = true;
}

void chat_screen_leave_line(struct chat_screen *screen, const struct line_edit *edit)
{
    chat_screen_hide_prompt(screen);
    put_string(screen, PROMPT);
    put(screen, edit->text, edit->length);
    put_string(screen, "\r\n");
}

void chat_screen_clear(struct chat_screen *screen)
{
    if (!screen->is_dumb)
        put_string(screen, "\033[H\033[2J");
}
