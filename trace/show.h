/*
 * show: the lines of a trace, for a terminal, a pipe or a file.
 *
 *     pchatsrv   3  read 3 4 5            slept   0.298 s   ready: 4
 *                        4  recv    12    "Hello, every"
 *
 * A line has at most 80 columns, and nothing in it but printable ASCII and the sign of
 * something left out (U+2026). On a terminal the task that waits is shown below the last
 * line, and drawn anew while it waits. The cursor stays above, so that what the program
 * itself prints there comes before it.
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
    const char *last_name; /* what stands in the first column of the last line */
    bool is_drawn;         /* a task that waits is, below the last line */
};

/* Who a line is about: a task, and how many turns it has begun. */
struct show_task {
    char name[12];
    unsigned turns;
};

/* Sets the width of the first column: the program's name fits, if it is not too long. */
void show_begin(struct show *show, const char *program);

/* A wait of this task is over, and a turn begins. */
void show_turn(struct show *show, const struct show_task *task, const struct step *step);

/* Something was done, or has happened. */
void show_step(struct show *show, const struct show_task *task, const struct step *step);

/* What a wait is for ("read 3 4 5"), to be kept for show_wait(). */
#define SHOW_SETS_BYTES 64
void show_sets(const struct watches *watches, char out[SHOW_SETS_BYTES]);

/*
 * The task has been in this call for so long. If that is a wait, `sets` is what show_sets()
 * has made; `is_stuck`: it waits where it should not. show_wait() adds a line to the
 * others, except on a terminal. There show_draw() draws it, until show_clear().
 */
void show_wait(struct show *show, const struct show_task *task, const struct step *step,
               const char *sets, bool is_stuck, double seconds);
void show_draw(struct show *show, const struct show_task *task, const struct step *step,
               const char *sets, bool is_stuck, double seconds);
void show_clear(struct show *show);

#endif
