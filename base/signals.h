/*
 * signals: signals that arrive only where a program waits. The calls that take one over
 * can fail only on a system that lacks the signal (POSIX sigaction()).
 *
 * The flag that the stop signals set is the only global variable in the kit's modules: a
 * signal handler may write to nothing else (C11 7.14.1.1).
 */
#ifndef BASE_SIGNALS_H
#define BASE_SIGNALS_H

#include "base/fdset.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct signals {
    sigset_t while_waiting; /* the mask in force while signals_pselect() waits */
    unsigned turns;         /* calls that found a descriptor ready */
};

/*
 * Makes SIGINT, SIGTERM and SIGHUP ask the program to stop (signals_stop_requested()).
 * They are blocked except during signals_pselect(), so no signal can arrive between the
 * check of the flag and the wait, and no other call is interrupted.
 *
 * SIGHUP stays ignored if it was, by nohup for example. SIGINT does not: a shell script
 * makes what it starts with `&` ignore SIGINT, and may still end it that way.
 */
void signals_prepare(struct signals *signals);

/* Has one of these signals arrived? */
bool signals_stop_requested(void);

/* As if one had: for a program that ends its own loop. */
void signals_request_stop(void);

/* Makes one more signal ask the program to stop. */
void signals_add_stop(struct signals *signals, int signal_number);

/*
 * Calls `handler` for one more signal, or for one of those three instead of setting the
 * flag; again only during signals_pselect().
 */
void signals_add(struct signals *signals, int signal_number, void (*handler)(int));

/*
 * Calls `handler` at any point of the program, which then continues (SA_RESTART). The
 * handler may use only what is async-signal-safe (POSIX 2.4.3).
 */
void signals_handle(int signal_number, void (*handler)(int));

/* Was the program started with this signal ignored, as SIGHUP is by nohup? */
bool signals_ignores(int signal_number);

/*
 * pselect() (POSIX) until `deadline` (clock_ms()); INT64_MAX waits for ever. Either set may
 * be NULL, and so may `signals` in a program that catches none. There are two differences.
 * After a signal the sets are empty and the result is 0: nothing is ready. And Linux leaves
 * a signal pending as long as some descriptor is always ready, so a busy server would never
 * learn that it should stop; every 16th such call delivers signals anyway. -1 with
 * pselect()'s errno, which is never EINTR.
 */
int signals_pselect(struct signals *signals, struct fdset *readable,
                    struct fdset *writable, int64_t deadline);

/* Delivers the pending signals, as if the program had waited. */
void signals_let_in(const struct signals *signals);

#endif
