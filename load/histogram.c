#include "load/histogram.h"

/* Keeps the seven highest bits of a value: the first, always 1, and six that choose one of
 * 64 buckets. `shift` counts the bits dropped, and each shift has its own 64 buckets. */
void histogram_add(struct histogram *histogram, uint64_t value)
{
    unsigned shift = value < 1 << 14 ? 0 : 8; /* a shorter way for most values */

    while (value >> shift >= 2 * HISTOGRAM_SUB && shift < HISTOGRAM_SHIFTS)
        shift++;
    if (value >> shift >= 2 * HISTOGRAM_SUB)
        value = ((uint64_t)(2 * HISTOGRAM_SUB) << shift) - 1;
    if (value > histogram->highest)
        histogram->highest = value;
    histogram->total++;
    histogram->count[shift * HISTOGRAM_SUB + (unsigned)(value >> shift)]++;
}

/* The middle of what falls into a bucket. */
static uint64_t middle_of(unsigned bucket)
{
    unsigned shift = bucket < 2 * HISTOGRAM_SUB ? 0 : bucket / HISTOGRAM_SUB - 1;

    return ((uint64_t)(bucket - shift * HISTOGRAM_SUB) << shift) +
           (UINT64_C(1) << shift) / 2;
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
    double wanted = (double)histogram->total * percent / 100;
    uint64_t passed = 0;

    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS && percent < 100; bucket++) {
        passed += histogram->count[bucket];
        if (passed > 0 && (double)passed >= wanted)
            return middle_of(bucket) < histogram->highest ? middle_of(bucket)
                                                          : histogram->highest;
    }
    return histogram->highest;
}
