#include "load/run.h"

#include "base/clock.h"

#include <time.h>

#define BUSY 0.9 /* as a part of the time */

/* Longer than TCP takes to try a lost SYN three times: 1, 2 and 4 s. */
#define RUN_WAIT (10 * SECOND)

static double own_cpu_seconds(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

void run_begin(struct run *run, const struct server *server, int64_t duration)
{
    *run = (struct run){.sending = true};
    run->server_cpu = server_usage(server, false).cpu;
    run->own_cpu = own_cpu_seconds();
    run->began = run->last_arrival = run->now = clock_ns();
    run->deadline = run->began + duration;
}

uint64_t run_due(const struct run *run)
{
    return run->expected - run->arrived - run->missed;
}

bool run_goes_on(const struct run *run)
{
    return run->now < run->deadline && run->now - run->last_arrival < RUN_WAIT &&
           (run->sending || run_due(run) > 0);
}

static void note_pause(struct run *run)
{
    if (run->now - run->last_arrival > run->longest_pause)
        run->longest_pause = run->now - run->last_arrival;
}

/*
 * The seven highest bits of a latency count: the first, always 1, and six that choose one
 * of 64 buckets. `shift` is how many bits are dropped.
 */
void run_arrived(struct run *run, int64_t sent)
{
    int64_t latency = run->now - sent;
    int shift = latency < 1 << 14 ? 0 : 8; /* most need few steps from here */

    note_pause(run);
    run->last_arrival = run->now;
    run->arrived++;
    if (latency > run->slowest)
        run->slowest = latency;
    while (latency >> shift >= 2 * RUN_SUB && shift < RUN_SHIFTS)
        shift++;
    run->latency[shift * RUN_SUB + (int)(latency >> shift) % (2 * RUN_SUB)]++;
}

int64_t run_latency(const struct run *run, double percent)
{
    double passed = 0;

    for (int bucket = 0; bucket < RUN_BUCKETS && percent < 100; bucket++) {
        int shift = bucket < 2 * RUN_SUB ? 0 : bucket / RUN_SUB - 1;
        int64_t least = (int64_t)(bucket - shift * RUN_SUB) << shift;

        passed += (double)run->latency[bucket];
        if (passed > 0 && passed >= (double)run->arrived * percent / 100)
            return least + (INT64_C(1) << shift) / 2;
    }
    return run->slowest;
}

void run_time_over(struct run *run, const struct server *server)
{
    run->sending = false;
    run->counted = run->arrived;
    run->seconds = (double)(clock_ns() - run->began) / 1e9;
    run->own_cpu = own_cpu_seconds() - run->own_cpu;
    run->memory_kib = server_usage(server, true).memory_kib;
    run->now = clock_ns();
    run->deadline = run->now + RUN_WAIT;
}

/*
 * The server worked for every piece that arrived, so those counted get their share. If it
 * did no work at all, the process that was started is not the server.
 */
void run_end(struct run *run, const struct server *server)
{
    double used = server_usage(server, false).cpu - run->server_cpu;
    double share = run->arrived > 0 ? (double)run->counted / (double)run->arrived : 1;

    if (run_due(run) > 0)
        note_pause(run);
    run->server_cpu = run->server_cpu < 0 || used <= 0 ? -1 : used * share;
}

const char *run_bottleneck(const struct run *run)
{
    bool server = run->server_cpu > BUSY * run->seconds;
    bool generator = run->own_cpu > BUSY * run->seconds;

    if (run->server_cpu < 0)
        return "";
    if (generator)
        return server ? "both" : "generator";
    return server ? "server" : "neither";
}
