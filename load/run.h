/*
 * run: what is counted and timed while a server is under load.
 *
 * A piece is a line that must arrive somewhere. Times are clock_ns()'s. A run begins, its
 * time runs out, it waits for what is still under way, and it ends. The server's processor
 * time is read at the two ends, when nothing is under way: reading it takes as long as the
 * server needs for hundreds of pieces.
 */
#ifndef LOAD_RUN_H
#define LOAD_RUN_H

#include "load/server.h"

#include <stdbool.h>
#include <stdint.h>

#define MILLISECOND INT64_C(1000000)
#define SECOND      INT64_C(1000000000)

/* Latencies are counted in buckets that grow with them: below 128 ns exact, then 64 buckets
 * for each power of two, up to an hour. So a percentile is at most 0.8% off. */
enum { RUN_SUB = 64, RUN_SHIFTS = 36, RUN_BUCKETS = RUN_SUB * (RUN_SHIFTS + 2) };

struct run {
    int64_t now;  /* the caller sets it, whenever it has waited or received */
    bool sending; /* until its time runs out */
    int64_t began, deadline, last_arrival, longest_pause;
    /* Pieces. `missed` will never come. `counted` had arrived when the time ran out. */
    uint64_t expected, arrived, missed, counted;
    int64_t slowest;
    uint64_t latency[RUN_BUCKETS];
    double seconds;
    double server_cpu, own_cpu; /* seconds, for `counted`; server_cpu is -1: not known */
    long memory_kib;            /* the server's; 0: not known */
};

void run_begin(struct run *run, const struct server *server, int64_t duration);
void run_time_over(struct run *run, const struct server *server);
void run_end(struct run *run, const struct server *server);

/* Is there more to do, or to wait for? Not if nothing has arrived for 10 s. */
bool run_goes_on(const struct run *run);

/* Pieces that are still under way. */
uint64_t run_due(const struct run *run);

/* A piece that was sent at `sent` has arrived. */
void run_arrived(struct run *run, int64_t sent);

/* The latency that `percent` of the pieces did not exceed; 0 if none has arrived. */
int64_t run_latency(const struct run *run, double percent);

/* Who was busy for over 90% of the time, and so set the pace: "server", "generator",
 * "both", or "neither" when they wait for each other; "" if unknown. */
const char *run_bottleneck(const struct run *run);

#endif
