/*
 * show: the lines of a trace, for a terminal, a pipe or a file.
 *
 *     pchatsrv   3  read 3 4 5            slept   0.298 s   ready: 4
 *                        4  recv    12    "Hello, every"
 *
 * A line has at most 80 columns, and nothing in it but printable ASCII and the sign of
 * something left out (U+2026). On a terminal the task that waits is shown below the last
 * line, and redrawn while it waits. The cursor stays above, so that what the program itself
 * prints there comes before it.
 */
#ifndef TRACE_SHOW_H
#define TRACE_SHOW_H

#include "base/log.h"
#include "trace/steps.h"

#include <stdbool.h>
#include <stdio.h>

#define SHOW_COLUMNS 80

struct show {
    struct log *screen; /* it never waits for its reader */
    FILE *file;         /* gets the same lines, or NULL */
    bool can_draw;      /* the screen is a terminal that obeys sequences */
    bool has_colours;
    int columns;           /* of the terminal */
    int name_width;        /* of the first column */
    const char *last_name; /* what is there in the last line */
    bool is_drawn;         /* a task that waits is, below the last line */
};

/* Who a line is about. */
struct show_task {
    char name[12];
    unsigned turns; /* that it has begun */
    double seconds; /* it has been in its present call */
    bool is_stuck;  /* there, where it should not wait */
};

/* Sets the width of the first column: the program's name fits, if it is not too long. */
void show_begin(struct show *show, const char *program);

/*
 * Adds a line for a step. If it is not over, the line says how long the task has waited; a
 * screen on which that is drawn does not get the line.
 */
void show_step(struct show *show, const struct show_task *task, const struct step *step);

/* Draws a step that is not over, on a screen that can, until show_clear(). */
void show_draw(struct show *show, const struct show_task *task, const struct step *step);
void show_clear(struct show *show);

#endif
