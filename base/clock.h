/*
 * clock: time for deadlines.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/*
 * Milliseconds on a clock that nobody sets (POSIX CLOCK_MONOTONIC); only differences
 * mean anything. It cannot fail on a system that has the clock.
 */
int64_t clock_ms(void);
int64_t clock_ns(void); /* the same in nanoseconds, to measure with */

/* A stretch of milliseconds for pselect(); a negative one, which is over, is none. */
struct timespec clock_timespec(int64_t ms);

/*
 * Writes a time of the calendar in the form of RFC 3339, as this machine's zone has it
 * (2026-11-21T10:49:30+01:00), to `out` of CLOCK_STAMP_BYTES. Returns `out`.
 */
#define CLOCK_STAMP_BYTES 48
char *clock_stamp(time_t when, char *out);

#endif
