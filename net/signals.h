/*
 * signals: a server's signals, arriving only where it waits for them.
 */
#ifndef NET_SIGNALS_H
#define NET_SIGNALS_H

#include <signal.h>

/*
 * Has `on_stop` called for SIGINT, SIGTERM and SIGHUP (a SIGHUP that the program was told
 * to ignore, as by nohup, stays ignored), and SIGPIPE ignored. The three are blocked, and
 * `while_waiting` is the mask for pselect() to let them in: so a signal can't slip in
 * between the look at a flag and the wait (POSIX pselect()), and nothing else is ever
 * interrupted. 0, or -1 with errno.
 */
int signals_prepare(void (*on_stop)(int), sigset_t *while_waiting);

#endif
