/*
 * server: what every server of the kit does before it opens its first socket.
 */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include "net/signals.h"

/*
 * Prepares the program (net/program.h), takes over the signals (net/signals.h), and raises
 * the descriptor limit as far as an fd_set reaches, and a little over it, so that a
 * newcomer who does not fit can be told. 0, or -1 with errno.
 */
int server_prepare(struct signals *signals, void (*on_stop)(int));

#endif
