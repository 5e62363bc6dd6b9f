/*
 * echo_blocking: what echo_fork and echo_thread have in common: the start, the wait for
 * newcomers, and the conversation with one client. A process or a thread has only one
 * client, and may wait for it in recv() and send().
 */
#ifndef LOOP_ECHO_BLOCKING_H
#define LOOP_ECHO_BLOCKING_H

#include "base/options.h"
#include "base/signals.h"
#include "net/address.h"
#include "net/listener.h"

#include <time.h>

#define ECHO_CLIENTS_MOST 1000 /* at a time, about as many as an fd_set holds */
#define ECHO_PATIENCE_S   2    /* at the end, with clients that are owed something */

struct echo_blocking {
    struct options_server where;
    int srvsock; /* the listening socket */
    struct listener newcomers;
    struct signals signals;
    struct log log; /* standard output; only echo_blocking_wait() and the end write it */
    char log_bytes[LOG_BYTES];
};

/*
 * Reads the command line and listens. A failure is printed and ends the program. From here
 * on signals_stop_requested() says when the server must end.
 */
void echo_blocking_start(struct echo_blocking *server, const struct options *options,
                         int argc, char *argv[]);

/* Prints that the server has started, and where. */
void echo_blocking_announce(struct echo_blocking *server);

/*
 * Waits for a newcomer, a signal, or `other` (a descriptor, or -1), until `deadline`
 * (clock_ms()) at the latest. `readable` then holds those that are ready. -1: it failed,
 * and has printed why.
 */
int echo_blocking_wait(struct echo_blocking *server, int other, struct fdset *readable,
                       int64_t deadline);

/* Accepts a newcomer, whose address is its `name`. Returns its socket, or -1: none now. */
int echo_blocking_accept(struct echo_blocking *server, char name[ADDRESS_MOST]);

/* With -v, prints that a client is gone. */
void echo_blocking_closed(struct echo_blocking *server, const char *name);

/* Sends back all that the client sends until either direction ends. Closes nothing. */
void echo_blocking_serve(int sock);

/* Closes the descriptors that echo_blocking_start() opened. */
void echo_blocking_end(struct echo_blocking *server);

#endif
