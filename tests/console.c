#include "tests/console.h"

#include "base/clock.h"
#include "tests/person.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define PROMPT       "$ "
#define MORE         "> "
#define LOGICAL_ROWS 32 /* a line longer than this is cut */
#define ROW_BYTES    ((size_t)SCREEN_COLUMNS * CELL_BYTES)

/* bash is what most students have; both without their rc files, history and line editing. */
#define SHELL_SCRIPT                                                                     \
    "unset ENV BASH_ENV; PS1='" PROMPT "' PS2='" MORE "'; export PS1 PS2; "              \
    "command -v bash >/dev/null && exec bash --norc --noprofile --noediting -i; "        \
    "exec sh -i"

/* ---- Opening and closing ------------------------------------------------------------- */

/* A key such as Ctrl-C does its work and is not shown as ^C in the middle of a line. */
static int set_up_terminal(int terminal)
{
    struct winsize size = {.ws_row = CONSOLE_ROWS, .ws_col = CONSOLE_COLUMNS};
    int line = open(getenv("TTY"), O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios settings;

    ck_assert_int_eq(ioctl(terminal, TIOCSWINSZ, &size), 0);
    ck_assert_int_eq(tcgetattr(line, &settings), 0);
#ifdef ECHOCTL
    settings.c_lflag &= ~(tcflag_t)ECHOCTL;
#endif
    ck_assert_int_eq(tcsetattr(line, TCSANOW, &settings), 0);
    return line;
}

struct console *console_open(const char *name)
{
    struct console *console = calloc(1, sizeof *console);

    ck_assert_ptr_nonnull(console);
    console->name = strdup(name);
    console->fd = person_terminal();
    ck_assert_int_ne(fcntl(console->fd, F_SETFD, FD_CLOEXEC), -1);
    console->line = set_up_terminal(console->fd);
    screen_init(&console->screen, CONSOLE_ROWS, CONSOLE_COLUMNS);
    console->screen.is_lenient = true;
    console->shell = person_sits_down(console->fd, SHELL_SCRIPT, NULL);
    console->grown_ms = clock_ms();
    return console;
}

void console_close(struct console *console)
{
    close(console->fd);
    close(console->line);
    for (size_t i = 0; i < console->row_count; i++)
        free(console->rows[i]);
    free(console->rows);
    free(console->wraps);
    free(console->wants);
    free(console->name);
    free(console);
}

/* ---- What it shows ------------------------------------------------------------------- */

/* Takes over what the screen's rows show, from the row in which it was before. */
static void note_rows(struct console *console)
{
    const struct screen *screen = &console->screen;
    size_t count = (size_t)(screen->scrolled + screen->row) + 1;
    char text[ROW_BYTES];

    for (; console->row_count < count; console->row_count++) {
        size_t more = console->row_count + 1;

        console->rows = realloc(console->rows, more * sizeof *console->rows);
        console->wraps = realloc(console->wraps, more * sizeof *console->wraps);
        ck_assert(console->rows != NULL && console->wraps != NULL);
        console->rows[console->row_count] = strdup("");
        console->grown_ms = clock_ms();
    }
    for (int row = 0; row < screen->rows; row++) {
        size_t i = (size_t)(screen->scrolled + row);

        if (i >= console->row_count)
            break;
        screen_row(screen, row, text);
        if (strcmp(console->rows[i], text) != 0) {
            free(console->rows[i]);
            console->rows[i] = strdup(text);
        }
        console->wraps[i] = screen->wraps[row];
    }
}

bool console_read(struct console *console)
{
    char bytes[4096];
    ssize_t got = read(console->fd, bytes, sizeof bytes);
    const char *next = bytes;

    if (got <= 0)
        return false;
    while (next < bytes + got) { /* a line at a time, as the screen may lose its first */
        size_t left = (size_t)(bytes + got - next);
        const char *end = memchr(next, '\n', left);
        size_t length = end == NULL ? left : (size_t)(end - next) + 1;

        screen_take(&console->screen, next, length);
        note_rows(console);
        next += length;
    }
    return true;
}

static size_t cursor_row(const struct console *console)
{
    return (size_t)(console->screen.scrolled + console->screen.row);
}

/* Writes the line that begins in a row, which may fill several. Returns the next row. */
static size_t line_at(const struct console *console, size_t row, char *out)
{
    size_t first = row;

    *out = '\0';
    for (bool wraps = true; wraps && row < console->row_count; row++) {
        if (row - first < LOGICAL_ROWS)
            strcat(out, console->rows[row]);
        wraps = console->wraps[row];
    }
    return row;
}

/* ---- What it must show --------------------------------------------------------------- */

bool console_is_busy(const struct console *console)
{
    return tcgetpgrp(console->fd) != console->shell;
}

static bool shows_prompt(const struct console *console, size_t row, const char *prompt)
{
    return row == cursor_row(console) && console->screen.column == (int)strlen(prompt) &&
           page_matches(prompt, console->rows[row]) && !console_is_busy(console);
}

/* Does a line end in what was typed? The keys in that are not shown. */
static bool is_echo(const char *line, const char *typed)
{
    char text[KEYS_MOST];
    size_t length = 0, line_length = strlen(line);

    for (; *typed != '\0'; typed++) {
        if (strncmp(typed, "«", strlen("«")) == 0)
            typed = strstr(typed, "»") + strlen("»") - 1;
        else
            text[length++] = *typed;
    }
    while (length > 0 && text[length - 1] == ' ')
        length--;
    return line_length >= length &&
           strncmp(line + line_length - length, text, length) == 0;
}

/* Are all wants from `i` on in the lines from `row` on? Then *end is the row after them. */
static bool find(struct console *console, size_t i, size_t row, size_t *end)
{
    static char line[ROW_BYTES * LOGICAL_ROWS];
    const struct want *want = &console->wants[i];
    size_t next;

    if (i > console->seen)
        console->seen = i;
    if (i == console->want_count) {
        *end = row;
        return true;
    }
    if (row >= console->row_count)
        return want->kind == WANT_ANY && find(console, i + 1, row, end);
    next = line_at(console, row, line);
    switch (want->kind) {
    case WANT_LINE: /* an empty row at the cursor is not yet an empty line */
        return (*line != '\0' || row < cursor_row(console)) &&
               page_matches(want->step->text, line) && find(console, i + 1, next, end);
    case WANT_ECHO: /* before a command's echo the prompt is still the one before it */
        return is_echo(line, want->step->text) && find(console, i + 1, next, end);
    case WANT_EDIT:
        return (is_echo(line, want->step->text) && find(console, i + 1, next, end)) ||
               find(console, i + 1, row, end);
    case WANT_MORE:
        return shows_prompt(console, row, MORE) && find(console, i + 1, next, end);
    case WANT_PROMPT:
        if (shows_prompt(console, row, PROMPT))
            return find(console, i + 1, next, end);
        return line[strspn(line, " ")] == '\0' && next < console->row_count &&
               find(console, i, next, end);
    case WANT_ANY: return find(console, i + 1, row, end) || find(console, i, next, end);
    }
    return false;
}

void console_want(struct console *console, enum want_kind kind, const struct step *step)
{
    console->wants =
        realloc(console->wants, (console->want_count + 1) * sizeof *console->wants);
    ck_assert_ptr_nonnull(console->wants);
    console->wants[console->want_count].kind = kind;
    console->wants[console->want_count++].step = step;
}

bool console_differs_in_blanks(const struct console *console, const struct step *step)
{
    const char *wanted = step->text + strspn(step->text, " ");
    bool differs = false;

    for (size_t i = console->at; i < console->row_count; i++) {
        const char *row = console->rows[i];

        if (page_matches(step->text, row))
            return false; /* it is there, and not where it must be */
        differs = differs || page_matches(wanted, row + strspn(row, " "));
    }
    return differs;
}

/* The last line may still change: it can be looked at once more. */
bool console_look(struct console *console)
{
    size_t end;

    console->seen = 0;
    if (!find(console, 0, console->at, &end))
        return false;
    console->at =
        console->row_count > 0 && end > cursor_row(console) ? cursor_row(console) : end;
    console->want_count = console->seen = 0;
    return true;
}

/* Or the program could answer in the same words, and they would be taken for the echo. */
static bool is_echoed(const struct console *console, const struct step *step)
{
    struct termios mode;

    if (step->kind == STEP_SHELL)
        return true;
    return strstr(step->text, "«") == NULL && tcgetattr(console->line, &mode) == 0 &&
           (mode.c_lflag & ECHO) != 0;
}

void console_type(struct console *console, const struct step *step)
{
    enum want_kind kind = is_echoed(console, step) ? WANT_ECHO : WANT_EDIT;
    char keys[KEYS_MOST];

    (void)page_keys(step->text, keys); /* looked at when the page was read */
    console->at = console->row_count > 0 ? cursor_row(console) : 0;
    console_want(console, kind, step);
    ck_assert_int_eq(write(console->fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}
