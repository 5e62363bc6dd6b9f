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

/* Turns that do not fit are left out, and the picture says so. */
#define PICTURE_TURNS_MOST  1000
#define PICTURE_CELLS_MOST  60000
#define PICTURE_DESCRIPTORS 4096 /* higher ones are left out */

/* It is large (megabytes): better static. All zero bytes is an empty one. */
struct picture {
    size_t turn_count, cell_count, left_out;
    struct picture_turn {
        pid_t task;
        double seconds; /* slept before it */
        size_t first_cell;
    } turns[PICTURE_TURNS_MOST];
    struct picture_cell {
        size_t turn;
        int descriptor;
        unsigned flags;  /* as in struct watch */
        bool is_bad;     /* one of its words is an error, or that it is stuck */
        char words[24];  /* each once, with a space before it */
        char letters[8]; /* one for each word */
    } cells[PICTURE_CELLS_MOST];
};

/* This wait of a task is over: it begins a turn. */
void picture_turn(struct picture *picture, pid_t task, const struct step *wait);

/* The task has done this with a descriptor. It is left out if it has begun no turn. */
void picture_step(struct picture *picture, pid_t task, int descriptor, const char *word);

/* Draws the task with the most turns. The stream tells whether it has failed. */
void picture_draw(const struct picture *picture, const char *program, FILE *file);

#endif
