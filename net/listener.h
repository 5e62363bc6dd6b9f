/*
 * listener: the socket that newcomers connect to, and accepting them.
 *
 * Every descriptor that comes from here is non-blocking, is closed by exec(), and fits an
 * fd_set: a number of FD_SETSIZE or more would make FD_SET() write past its end.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "base/fdset.h"
#include "base/log.h"
#include "base/options.h"

#include <stdint.h>
#include <sys/socket.h>

/*
 * Opens a socket of `type` (SOCK_STREAM, which then listens, or SOCK_DGRAM), bound to
 * where->port of where->address, a name or a number, with or without brackets. NULL means
 * all addresses of this machine: IPv6 and, through the same socket, IPv4 (RFC 3493 3.7), or
 * only IPv4 where there is no such socket. The address "::" means only IPv6.
 *
 * Returns the socket, and in where->port the port in use; or -1 and the reason in *why (a
 * static string, or strerror()'s).
 */
int listener_open(struct options_server *where, int type, const char **why);

/*
 * What accepting needs besides the socket. `spare` is a descriptor kept for the moment
 * when no other is left (EMFILE, ENFILE): it is closed, so that a newcomer can be accepted,
 * told that the server is full, and closed. Otherwise select() would report it for ever.
 */
struct listener {
    const char *full;      /* the caller's sentence for a newcomer that is turned away */
    int spare;             /* -1: there is none */
    int64_t rest_until;    /* clock_ms(); until then accept() would fail */
    const struct log *log; /* where a lasting failure is reported, once; or NULL */
    bool has_failed;
};

#define LISTENER_FULL "Server full, try again later\r\n"
void listener_init(struct listener *listener, const char *full, const struct log *log);
void listener_close(struct listener *listener);

/*
 * Accepts the next newcomer of `srvsock`: non-blocking, with TCP_NODELAY (RFC 896 would
 * hold a line back until the last is acknowledged), SO_OOBINLINE (telnet's urgent data is
 * read in its place) and keepalive. Turns away those that do not fit, and skips those that
 * are gone. Returns its socket and fills `peer`; -1: nobody waits, or nobody can be
 * accepted now.
 */
int listener_accept(struct listener *listener, int srvsock,
                    struct sockaddr_storage *peer);

/* A server accepts at most this many newcomers before it serves its clients again. */
#define LISTENER_A_TURN 64

/*
 * Removes `srvsock` from the read set for 100 ms after accept() has failed for want of
 * resources: select() would only report it again at once. Returns when that rest ends
 * (clock_ms()), or INT64_MAX.
 */
int64_t listener_rest(const struct listener *listener, int srvsock, int64_t now,
                      struct fdset *readable);

/* Sends `sentence` to a newcomer and closes it. */
void listener_turn_away(int newcomer, const char *sentence);

#endif
