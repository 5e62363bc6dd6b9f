/*
 * page: what a Markdown page asks its reader to type, and what it says they will see.
 *
 *     ```console ann
 *     $ telnet localhost 4000
 *     …
 *     » Hello, everyone
 *     «Ctrl-C»
 *     ```
 *
 * Each block has the name of its terminal; blocks of one name continue one terminal. A line
 * that begins with "$ " is typed at a shell, one that begins with "» " into the program that
 * runs there, and one of keys («Ctrl-C») too. A command whose line ends in a backslash goes
 * on in the next line. All other lines must be seen, each right after the one before; a line
 * of "…" stands for any lines, also for none. In a line "…" stands for any text.
 *
 * ```console once is shown and not typed: for what needs another machine, or a minute.
 */
#ifndef TESTS_PAGE_H
#define TESTS_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#define PAGE_ONCE_MOST 2
#define KEYS_MOST      1024

enum step_kind {
    STEP_SHELL, /* typed at the shell's prompt */
    STEP_KEYS,  /* typed into the program */
    STEP_LINE,  /* must be seen */
    STEP_ANY,   /* any lines, or none */
};

struct step {
    enum step_kind kind;
    int line;   /* in the page, from 1 */
    char *text; /* as it stands in the page, without "$ " or "» " */
};

struct block {
    int line; /* of its fence */
    char *terminal;
    struct step *steps;
    size_t count;
};

struct page {
    const char *path;
    struct block *blocks; /* those that are typed */
    size_t count;
    int once; /* how many are shown and not typed */
    int bad_line;
    char bad[200]; /* what is wrong there, or "" */
};

/*
 * Reads a page, which page_free() gives back. False: there is a mistake in it, and
 * `bad_line` (0: in none) and `bad` say which.
 */
bool page_read(struct page *page, const char *path);
void page_free(struct page *page);

/*
 * Writes what a step types to `keys` of KEYS_MOST bytes: its text with «Ctrl-C»
 * and other keys as their bytes, and Enter at its end unless a key is there. Returns what is
 * wrong with it, or NULL.
 */
const char *page_keys(const char *text, char *keys);

/* Is this what the page's line says, with its "…"? Blanks at the end do not matter. */
bool page_matches(const char *line, const char *seen);

#endif
