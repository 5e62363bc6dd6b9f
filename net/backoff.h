/*
 * backoff: pauses between attempts that grow, so that nobody hammers at a closed door.
 */
#ifndef NET_BACKOFF_H
#define NET_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MOST_MS  300000 /* whoever comes back is not missed for long */

struct backoff {
    int64_t pause_ms; /* the last one; 0: none was needed */
};

/* An attempt has failed: how many milliseconds to wait before the next. */
static inline int64_t backoff_next(struct backoff *backoff)
{
    int64_t next = backoff->pause_ms * 2;

    if (next < BACKOFF_FIRST_MS)
        next = BACKOFF_FIRST_MS;
    backoff->pause_ms = next < BACKOFF_MOST_MS ? next : BACKOFF_MOST_MS;
    return backoff->pause_ms;
}

/* It went well for long enough: the next pause is short again. */
static inline void backoff_reset(struct backoff *backoff)
{
    backoff->pause_ms = 0;
}

#endif
