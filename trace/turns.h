/*
 * turns: what a program's processes and threads do, turn by turn.
 *
 * A turn begins when a task returns from select(), poll() or epoll_wait(), and ends when
 * it waits there again. This follows each task through the trace, has its steps shown and
 * drawn, and knows which of them waits, and where.
 */
#ifndef TRACE_TURNS_H
#define TRACE_TURNS_H

#include "trace/calls.h"
#include "trace/picture.h"
#include "trace/show.h"
#include "trace/steps.h"

#include <stdint.h>

/* A process or a thread. */
struct turns_task {
    pid_t id;
    pid_t process; /* the process that a thread belongs to; a process's own id */
    struct show_task shown;
    bool has_begun;        /* its steps are shown: it has used a socket, or waited */
    struct step now;       /* the call that it is in; STEP_NONE: none that matters */
    struct watches waited; /* what `now` watches */
    int64_t since;         /* clock_ms() at its beginning */
    bool is_told;          /* that it takes long */
    struct turns_task *next;
};

/* The caller sets the first four; the rest is zero at the start. Large: better static. */
struct turns {
    const char *program; /* its name */
    bool shows_all;
    struct show *show;
    struct picture *picture; /* or NULL */
    pid_t first;             /* the program; 0: it has not begun yet */
    struct turns_task *tasks;
    struct calls calls;
    struct steps steps;
};

/* Takes what strace has written. */
void turns_take(struct turns *turns, const char *bytes, size_t length);

/*
 * Tells which tasks wait, and for how long. To be called after turns_take(), and at the
 * time that it returns (base/clock.h, clock_ms()); INT64_MAX: nobody waits.
 */
int64_t turns_tell_waits(struct turns *turns);

/* Has the program ended? What it has started may go on. */
bool turns_program_is_gone(const struct turns *turns);

/* Sends a signal to the program and all processes that it has started. */
void turns_signal(const struct turns *turns, int number);

void turns_free(struct turns *turns);

#endif
