/*
 * picture: the turns of a program, drawn (SVG 1.1).
 *
 * A column is a turn, a row a descriptor. A ring shows that it was watched for reading,
 * a square for writing; they are filled if it was ready. Words say what was done with it
 * in that turn; if there are many turns, a letter for each word. Turns that do not fit
 * side by side go on below.
 */
#ifndef TRACE_PICTURE_H
#define TRACE_PICTURE_H

#include "trace/steps.h"

#include <stdio.h>

#define PICTURE_TURNS       256  /* the last of a program; those before are left out */
#define PICTURE_CELLS       512  /* descriptors in a turn */
#define PICTURE_DESCRIPTORS 4096 /* higher ones are left out */

/* It is large (megabytes): better static. All zero bytes is an empty one. */
struct picture {
    size_t count; /* of all turns; turn n, from 0 on, is in turns[n % PICTURE_TURNS] */
    struct picture_turn {
        pid_t task;
        unsigned number; /* of the task's turns */
        double seconds;  /* slept before it */
        size_t cell_count;
        struct picture_cell {
            int descriptor;
            unsigned flags;  /* as in struct watch */
            bool is_bad;     /* one of the words is an error, or "stuck" */
            char words[24];  /* each once, with a space before it */
            char letters[8]; /* one for each word */
        } cells[PICTURE_CELLS];
    } turns[PICTURE_TURNS];
};

/* This wait of a task is over: it begins a turn. */
void picture_turn(struct picture *picture, pid_t task, unsigned number,
                  const struct step *wait);

/* The task has done this with a descriptor. It is left out if it has begun no turn. */
void picture_step(struct picture *picture, pid_t task, int descriptor, const char *word);

/* Draws the task with most of the turns that are kept. A failure shows in ferror(file). */
void picture_draw(const struct picture *picture, const char *program, FILE *file);

#endif
