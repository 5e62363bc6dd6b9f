/*
 * clock: time for deadlines.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/*
 * Milliseconds, and nanoseconds, on a clock that nobody can set (POSIX CLOCK_MONOTONIC).
 * Only differences mean anything. It cannot fail on a system that has this clock.
 */
int64_t clock_ms(void);
int64_t clock_ns(void);

/* The earlier of two deadlines. */
static inline int64_t clock_earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Milliseconds as a time-out for pselect(). A negative number becomes 0. */
struct timespec clock_timespec(int64_t ms);

/*
 * Writes a calendar time as in RFC 3339, in the local time zone
 * (2026-11-21T10:49:30+01:00), to `out` of CLOCK_STAMP_BYTES. Returns `out`.
 */
#define CLOCK_STAMP_BYTES 48
char *clock_stamp(time_t when, char *out);

#endif
