/*
 * report: figures with a name and a unit, as lines to read and as a row of CSV.
 *
 * A figure that isn't known is NAN: "-" in a line, an empty field in a row.
 */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

#include "load/histogram.h"

#include <stdbool.h>
#include <stdint.h>

#define REPORT_MOST 40 /* figures: more than any program has; the rest is not kept */

struct figure {
    const char *name, *unit; /* kept, not copied */
    const char *text;        /* in place of a value, with no comma in it; or NULL */
    double value;
    int decimals;
};

struct report {
    int count; /* all zero is an empty report */
    struct figure figures[REPORT_MOST];
};

/* What a run took, of the server and of the generator itself. Where the server's time is
 * not known, its memory is not, either. */
struct cost {
    double seconds;             /* that the run lasted */
    double server_cpu, own_cpu; /* seconds; server_cpu is -1 if it is not known */
    long memory_kib;            /* the server's; likewise */
};

void report_text(struct report *report, const char *name, const char *text);
void report_add(struct report *report, const char *name, const char *unit, double value,
                int decimals);
void report_count(struct report *report, const char *name, const char *unit,
                  uint64_t value);

/* p50, p90, p99 and the highest of times in ns, in microseconds. */
void report_latency(struct report *report, const struct histogram *latency);

/*
 * What the run cost, each of `pieces` too (named `each`, in ns); and who set the pace, by
 * report_bottleneck().
 */
void report_cost(struct report *report, const struct cost *cost, const char *each,
                 uint64_t pieces);

/*
 * Who was busy for more than nine tenths of the run: "server", "generator" (the server
 * could have done more), "both" or, as when one waits for the other in turn, "neither";
 * "" if the server's time is not known.
 */
const char *report_bottleneck(const struct cost *cost);

/* Forgets the values from the figure `first` on, for want of a run; the names stay. */
void report_forget(struct report *report, int first);

/* A line a figure, on stdout. */
void report_print(const struct report *report);

/* The row; with `names`, a row before it of the columns' names, with their units:
 * "latency_p50_us". */
void report_csv(const struct report *report, bool names);

#endif
