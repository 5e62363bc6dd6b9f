/*
 * echo_report - figures with a name and a unit, as lines to read and as a row of CSV
 *
 * A figure that isn't known is NAN: "-" in a line, an empty field in a row.
 */
#ifndef ECHO_REPORT_H
#define ECHO_REPORT_H

enum { FIGURES_MAX = 40 };

struct figure {
    const char *name, *unit; /* kept, not copied */
    double value;
    int decimals;
};

struct report {
    int count; /* zero-initialised is empty */
    struct figure figures[FIGURES_MAX];
};

void report_add(struct report *report, const char *name, const char *unit, double value,
                int decimals);

/* A line a figure, on stdout. */
void report_print(const struct report *report);

/* The names of the columns, units included: "latency_p50_us". */
void report_csv_names(const struct report *report);

/* The row; texts stand before the figures and after them, and have no commas. */
void report_csv(const struct report *report, const char *server, const char *way,
                const char *outcome);

#endif
