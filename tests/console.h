/*
 * console: a terminal at which a page's blocks are typed: a shell at a pseudo-terminal of 80
 * columns, all lines that it has shown, and the page's lines that it must still show.
 */
#ifndef TESTS_CONSOLE_H
#define TESTS_CONSOLE_H

#include "tests/page.h"
#include "tests/screen.h"

#include <stdint.h>
#include <sys/types.h>

#define CONSOLE_ROWS    24
#define CONSOLE_COLUMNS 80

/* What must be seen next: a line of the page, and what the terminal does by itself. */
enum want_kind {
    WANT_LINE,
    WANT_ANY,    /* any lines, or none */
    WANT_ECHO,   /* what was typed */
    WANT_EDIT,   /* the same, for a program that may show it otherwise, or not */
    WANT_PROMPT, /* the shell's, with the cursor there */
    WANT_MORE,   /* the shell's for the rest of a command */
};

struct want {
    enum want_kind kind;
    const struct step *step;
};

struct console {
    char *name;
    pid_t shell;
    int fd;   /* keys go here, and what is shown comes from here */
    int line; /* the other end, open: so a read() here never fails */
    struct screen screen;
    char **rows; /* what they show now, those that have scrolled away as well */
    bool *wraps; /* the row goes on in the next */
    size_t row_count;
    size_t at; /* the row in which the next wanted line may be */
    struct want *wants;
    size_t want_count;
    size_t seen;      /* how many of them were there when it was last looked */
    int64_t grown_ms; /* when it last showed a new row */
};

/* Starts a shell. It lives until console_close(). */
struct console *console_open(const char *name);

/* Hangs up. What still runs is the caller's to end. */
void console_close(struct console *console);

/* Takes what has been shown. False: nothing had. */
bool console_read(struct console *console);

void console_want(struct console *console, enum want_kind kind, const struct step *step);

/* Looks for all that is wanted. True: it is all there, and wanted no longer. */
bool console_look(struct console *console);

/* For a message: is the step's line there, except for its blanks at the beginning? */
bool console_differs_in_blanks(const struct console *console, const struct step *step);

/* Does a program run in the foreground, and not the shell? */
bool console_is_busy(const struct console *console);

/* Types a step; its echo is wanted then. */
void console_type(struct console *console, const struct step *step);

#endif
