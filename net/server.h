/*
 * server: what every server of the kit does before it opens its first socket.
 */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include <signal.h>

/*
 * Fills missing standard descriptors (net/descriptor.h), takes over the signals
 * (net/signals.h: `on_stop`, and the mask for pselect()), and raises the descriptor limit
 * as far as an fd_set reaches, and a little over it, so that a newcomer who does not fit
 * can be told. 0, or -1 with errno.
 */
int server_prepare(void (*on_stop)(int), sigset_t *while_waiting);

#endif
