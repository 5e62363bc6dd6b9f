/*
 * echo_blocking: what echo_fork and echo_thread have in common: the start of a server, and
 * the conversation with one client, of whom a process or a thread has only the one, and so
 * can simply wait for it.
 */
#ifndef LOOP_ECHO_BLOCKING_H
#define LOOP_ECHO_BLOCKING_H

#include "base/options.h"
#include "base/signals.h"
#include "net/listener.h"

#include <sys/select.h>
#include <time.h>

#define ECHO_CLIENTS_MOST 1000 /* at a time, about as many as an fd_set holds */
#define ECHO_PATIENCE_S   2 /* with clients that are owed something at the server's end */

struct echo_blocking {
    const struct options *options;
    int srvsock;
    struct listener newcomers;
    struct signals signals;
};

/*
 * Reads the command line, listens, and prints so. If that fails it prints why, and ends the
 * program. From here on signals_stop_requested() tells when the server should end.
 */
void echo_blocking_start(struct echo_blocking *server, const struct options *options,
                         int argc, char *argv[]);

/*
 * Waits for a newcomer, a signal, or `other` (a descriptor, or -1), for as long as
 * `timeout` says (NULL: for ever). -1: that failed, and it was said why.
 */
int echo_blocking_wait(struct echo_blocking *server, int other, struct fdset *readable,
                       const struct timespec *timeout);

/* Accepts a newcomer. Its socket, or -1: nobody is there, or can be accepted now. */
int echo_blocking_accept(struct echo_blocking *server);

/* Sends back what the client sends, waiting for it, until it ends. Closes nothing. */
void echo_blocking_serve(int client);

/* Closes what echo_blocking_start() has opened. */
void echo_blocking_end(struct echo_blocking *server);

#endif
