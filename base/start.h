/*
 * start: what a program does before it opens anything.
 */
#ifndef BASE_START_H
#define BASE_START_H

#include "base/signals.h"

/*
 * Opens /dev/null in the place of missing standard descriptors (base/descriptor.h) and
 * ignores SIGPIPE and SIGXFSZ: write() then reports a reader that is gone (EPIPE) and a
 * file at its size limit (EFBIG). 0, or -1 with errno; in that case there may be no
 * standard error to print to.
 */
int start_program(void);

/*
 * The same for a server. It also takes over the stop signals (base/signals.h) and raises
 * the descriptor limit above FD_SETSIZE, so that a newcomer that does not fit can be told.
 */
int start_server(struct signals *signals);

#endif
