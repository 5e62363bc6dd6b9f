/*
 * start: what a program does before it opens anything.
 */
#ifndef BASE_START_H
#define BASE_START_H

#include "base/options.h"
#include "base/signals.h"

/*
 * Opens /dev/null in place of missing standard descriptors (base/descriptor.h) and
 * ignores SIGPIPE and SIGXFSZ: write() then reports a reader that is gone (EPIPE) and a
 * file at its size limit (EFBIG). A failure ends the program (base/options.h).
 */
void start_program(const struct options *options);

/*
 * The same for a server. It also takes over the stop signals (base/signals.h) and raises
 * the descriptor limit above FD_SETSIZE, so that a newcomer that does not fit can be told.
 * Where the system can open standard error again, the server never waits for its reader: a
 * complaint that the reader does not take is lost.
 */
void start_server(const struct options *options, struct signals *signals);

#endif
