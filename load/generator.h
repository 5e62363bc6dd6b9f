/*
 * generator: what the load generators have in common beside their reports: time, signals,
 * and the server that they start, measure and end.
 *
 * These functions print, and end the program where there is nothing left for it to do.
 */
#ifndef LOAD_GENERATOR_H
#define LOAD_GENERATOR_H

#include "base/clock.h"
#include "base/options.h"
#include "load/child.h"
#include "load/report.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MILLISECOND = 1000000, /* all times are in nanoseconds */
    SECOND = 1000000000
};

static inline uint64_t clock_now(void)
{
    return (uint64_t)clock_ns();
}

double own_cpu_seconds(void);
void *allocate(size_t count, size_t size); /* zeroed, or the program ends */

/* What went wrong first: a later reason mostly follows from it. */
struct failure {
    char text[200]; /* or "" */
};
void failure_note(struct failure *failure, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

extern volatile sig_atomic_t interrupted; /* by SIGINT, SIGTERM or SIGHUP */
void signals_catch(void);

/* The value of the option `letter` as an int, and as seconds that are more than none. */
int option_int(const struct options *options, int letter, int least, int most);
uint64_t option_duration(const struct options *options, int letter);

/*
 * For a server that does not say its port but is told one: puts `port`, or if that is 0 a
 * port that is free for sockets of `type`, in place of each %p in the command. Returns the
 * port; 0 if there was no %p to tell it by, and so the server has to say it.
 */
int command_fill_port(const struct options *options, char *command[], int type, int port);

/* The last part of the command's path, as a name for the server. */
const char *command_name(char *const command[]);

/* Starts it. Returns its port: `port`, or if that is 0, the one that it says. */
int server_start(struct child *server, const struct options *options,
                 char *const command[], int port);

/* Has it ended by itself? One that closes its connections because it is dying gets the
 * time to. */
bool server_died(struct child *server, bool has_closed);

/*
 * The processor time of the run, for cost.server_cpu, read when nothing is under way any
 * more: reading it takes as long as a server needs for hundreds of pieces. Since it had
 * used `before`, the server has done `all` of them, of which `pieces` count. -1 if it is
 * not known: something was done, but not by the command, which has used none.
 */
double server_cpu_seconds(const struct child *server, double before, uint64_t pieces,
                          uint64_t all);

/* Prints what ended it, if that was not us. */
void server_note_end(const struct child *server);

/* Ends it, and says so if it took more than a SIGTERM. */
void server_stop(struct child *server);

/* Prints who set the pace, if that was the generator. */
void note_bottleneck(const struct cost *cost);

/* The program's status: a failure too, which it tells, if what was printed got nowhere. */
int exit_status(const struct options *options, bool all_is_well);

#endif
