/*
 * signals: a server's signals, arriving only where it waits for them.
 */
#ifndef NET_SIGNALS_H
#define NET_SIGNALS_H

#include <signal.h>
#include <sys/select.h>
#include <time.h>

/*
 * Has `on_stop` called for SIGINT, SIGTERM and SIGHUP (a SIGHUP that the program was told
 * to ignore, as by nohup, stays ignored). SIGPIPE and SIGXFSZ are ignored: that nobody
 * reads, or that a file is as long as it may be, is for write() to say. The three are
 * blocked, and `while_waiting` is the mask for signals_pselect() to let them in: so a
 * signal can't slip in between the look at a flag and the wait, and nothing else is ever
 * interrupted.
 * 0, or -1 with errno.
 */
int signals_prepare(void (*on_stop)(int), sigset_t *while_waiting);

/*
 * pselect() (POSIX), but for two things. When a signal has interrupted it the sets are
 * empty and the result is 0: nothing is ready. And a signal is let in also when there is
 * always something ready: Linux then leaves it pending, and a server under load would
 * never hear that it is to end. -1 with pselect()'s errno, which is never EINTR.
 */
int signals_pselect(int count, fd_set *readable, fd_set *writable,
                    const struct timespec *timeout, const sigset_t *while_waiting);

#endif
