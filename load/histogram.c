#include "load/histogram.h"

/* The position of the highest bit that is set in `value`, which isn't 0: C11 has no name
 * for the instruction, and six steps are next to nothing. */
static unsigned highest_bit(uint64_t value)
{
    unsigned bit = 0;

    for (unsigned step = 32; step > 0; step /= 2) {
        if (value >> step != 0) {
            value >>= step;
            bit += step;
        }
    }
    return bit;
}

/*
 * A value is kept to its highest seven bits: the first of them, always 1, and six that
 * choose among 64 buckets. `shift` is how many bits are dropped; each shift adds 64 to
 * the index. Values below 64 have no seventh bit and need none: their shift is 0, too.
 */
static unsigned bucket_of(uint64_t value)
{
    unsigned bit = highest_bit(value | 1);
    unsigned shift = bit > HISTOGRAM_SUB_BITS ? bit - HISTOGRAM_SUB_BITS : 0;

    return (shift << HISTOGRAM_SUB_BITS) + (unsigned)(value >> shift);
}

static uint64_t middle_of(unsigned bucket)
{
    unsigned shift = bucket >> HISTOGRAM_SUB_BITS;
    uint64_t low;

    if (shift < 2)
        return bucket;
    shift--;
    low = (uint64_t)(bucket - (shift << HISTOGRAM_SUB_BITS)) << shift;
    return low + (UINT64_C(1) << shift) / 2;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
    if (value >> HISTOGRAM_TOP_BITS != 0)
        value = (UINT64_C(1) << HISTOGRAM_TOP_BITS) - 1;
    if (value > histogram->highest)
        histogram->highest = value;
    histogram->total++;
    histogram->count[bucket_of(value)]++;
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
    double wanted = (double)histogram->total * percent / 100;
    uint64_t passed = 0;

    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        passed += histogram->count[bucket];
        if (passed > 0 && (double)passed >= wanted) {
            uint64_t middle = middle_of(bucket);
            return percent < 100 && middle < histogram->highest ? middle
                                                                : histogram->highest;
        }
    }
    return histogram->highest;
}
