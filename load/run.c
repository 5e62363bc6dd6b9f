#include "load/run.h"

#include "base/clock.h"

#include <time.h>

#define BUSY 0.9 /* of the time */

/* TCP takes less to try a lost SYN three times: 1, 2 and 4 s. */
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
    run->began = run->last_arrival = clock_ns();
    run->deadline = run->began + duration;
}

uint64_t run_due(const struct run *run)
{
    return run->expected - run->arrived - run->missed;
}

bool run_goes_on(const struct run *run, int64_t now)
{
    return now < run->deadline && now - run->last_arrival < RUN_WAIT &&
           (run->sending || run_due(run) > 0);
}

static void note_pause(struct run *run, int64_t now)
{
    if (now - run->last_arrival > run->longest_pause)
        run->longest_pause = now - run->last_arrival;
}

void run_arrived(struct run *run, int64_t sent, int64_t now)
{
    note_pause(run, now);
    run->last_arrival = now;
    run->arrived++;
    histogram_add(&run->latency, (uint64_t)(now - sent));
}

void run_time_over(struct run *run, const struct server *server)
{
    int64_t now = clock_ns();

    run->sending = false;
    run->counted = run->arrived;
    run->seconds = (double)(now - run->began) / 1e9;
    run->own_cpu = own_cpu_seconds() - run->own_cpu;
    run->memory_kib = server_usage(server, true).memory_kib;
    run->deadline = clock_ns() + RUN_WAIT;
}

/* The server has worked for all that arrived, so those counted get their share. If it has
 * not worked at all, it is not the process that was started. */
void run_end(struct run *run, const struct server *server, int64_t now)
{
    double used = server_usage(server, false).cpu - run->server_cpu;
    double share = run->arrived > 0 ? (double)run->counted / (double)run->arrived : 1;

    if (run_due(run) > 0)
        note_pause(run, now);
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
