/*
 * signals: a server's signals, arriving only where it waits for them.
 */
#ifndef BASE_SIGNALS_H
#define BASE_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/select.h>
#include <time.h>

struct signals {
    sigset_t while_waiting; /* the mask that is in force then */
    unsigned turns;         /* that found something ready: in every 16th signals get in */
};

/*
 * Has `on_stop` called for SIGINT, SIGTERM and SIGHUP. They are blocked but in
 * signals_pselect(): so a signal can't slip in between the look at a flag and the wait,
 * and nothing else is ever interrupted. 0, or -1 with errno.
 *
 * A SIGHUP that the program was told to ignore, as by nohup, stays ignored; a SIGINT, as
 * by a script's `&`, does not: that script ends it so.
 */
int signals_prepare(struct signals *signals, void (*on_stop)(int));

/*
 * Has `handler` called for one more signal, in signals_pselect() as those; one that the
 * program was told to ignore stays ignored. 0, or -1 with errno.
 */
int signals_add(struct signals *signals, int signal_number, void (*handler)(int));

/*
 * Has `handler` called wherever the program is, which goes on there (SA_RESTART): it may
 * call only what POSIX 2.4.3 lists. 0, or -1 with errno.
 */
int signals_handle(int signal_number, void (*handler)(int));

/* Was the program told to ignore it, as SIGHUP by nohup? */
bool signals_ignores(int signal_number);

/*
 * pselect() (POSIX), but for two things. When a signal has interrupted it the sets are
 * empty and the result is 0: nothing is ready. And when there is always something ready,
 * in which case Linux leaves a signal pending, one is let in every 16 turns: else a
 * server under load would never hear that it is to end. -1 with pselect()'s errno, which
 * is never EINTR.
 */
int signals_pselect(struct signals *signals, int count, fd_set *readable,
                    fd_set *writable, const struct timespec *timeout);

/* Delivers the signals that are pending, as if the server had waited. */
void signals_let_in(const struct signals *signals);

#endif
