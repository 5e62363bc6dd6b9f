/*
 * histogram: a great many times in little memory.
 *
 * Counts values, such as nanoseconds, in buckets that grow with the value: exact below 128,
 * then 64 buckets for each power of two. So a percentile is at most 0.8% off. Adding takes a
 * few nanoseconds, and allocates nothing. All zero is empty.
 */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_SUB = 64,    /* buckets for each power of two */
    HISTOGRAM_SHIFTS = 36, /* so values up to 2^42: over an hour in ns */
    HISTOGRAM_BUCKETS = HISTOGRAM_SUB * (HISTOGRAM_SHIFTS + 2)
};

struct histogram {
    uint64_t total, highest;
    uint64_t count[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t value);

/* The value that `percent` of the values do not exceed; 0 if there is none. */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);

#endif
