#include "base/clock.h"

#include <stdio.h>
#include <string.h>

int64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_ms(void)
{
    return clock_ns() / 1000000;
}

struct timespec clock_timespec(int64_t ms)
{
    if (ms < 0)
        ms = 0;
    return (struct timespec){.tv_sec = (time_t)(ms / 1000),
                             .tv_nsec = (long)(ms % 1000) * 1000000};
}

char *clock_stamp(time_t when, char *out)
{
    struct tm local;
    char zone[8] = ""; /* +0100, to which the RFC adds a colon */

    if (localtime_r(&when, &local) == NULL ||
        strftime(out, CLOCK_STAMP_BYTES - sizeof zone, "%Y-%m-%dT%H:%M:%S", &local) == 0)
        return strcpy(out, "-"); /* a year that does not fit an int */
    if (strftime(zone, sizeof zone, "%z", &local) == 5)
        sprintf(out + strlen(out), "%.3s:%s", zone, zone + 3);
    return out;
}
