/*
 * report: the results of a lab, for a student, a script, Gradescope or Autolab.
 */
#ifndef SCENE_REPORT_H
#define SCENE_REPORT_H

#include "scene/play.h"

#include <stdbool.h>
#include <stdio.h>

enum mark {
    NOT_REACHED,
    PASSED,
    FAILED,
    NOT_TRIED /* a behaviour that it needs failed */
};

enum report_format { REPORT_TEXT, REPORT_CSV, REPORT_GRADESCOPE, REPORT_AUTOLAB };

struct result {
    enum mark mark;
    struct outcome outcome;
};

struct report {
    const struct lab *lab;
    const struct program *program;
    uint64_t seed;
    const char *again;  /* how the grader was called: what comes before "-b" */
    const char *scenes; /* the lab as it was named there: it may be a file of scenes */
    bool does_not_compile;
    struct bytes refused; /* why it could not be tried at all; empty: it could */
    int only;             /* the one behaviour that was asked for, or -1 */
    struct result results[LAB_BEHAVIOURS];
};

/*
 * A behaviour that this one needs and that has not come far enough for it; NULL: it can be
 * tried.
 */
const struct behaviour *report_needed(const struct report *report,
                                      const struct behaviour *behaviour);

/* -1: there is no such format. */
int report_format(const char *name);

/* Points that were earned, of those of the lab (of the one behaviour, if only that). */
int report_points(const struct report *report);
int report_total(const struct report *report);

void report_write(struct report *report, enum report_format format, FILE *out);

/* One line: "echo 26 of 30, next: half-close". */
void report_write_line(const struct report *report, FILE *out);

/* The table of a lab: name, points and title, separated by a TAB. */
void report_list(const struct lab *lab, FILE *out);

void report_free(struct report *report);

#endif
