/*
 * dial: a client's way to a server.
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

/*
 * Connects a socket of `type` (SOCK_STREAM or SOCK_DGRAM) to `port` of `host`, a name or a
 * number. Every address that the host has is tried in turn, each for `patience_ms`
 * milliseconds at the most; the look-up itself waits as long as the system's resolver
 * does. A datagram socket is only told its peer: it takes nothing from others, and hears
 * of a port that is closed (ECONNREFUSED).
 *
 * Returns the socket, non-blocking and fit for an fd_set, or -1 and the reason in words in *why: the last
 * address's, or the look-up's (static, or strerror()'s). A signal that is caught ends the
 * attempt with "Interrupted system call".
 */
int dial(const char *host, int port, int type, int patience_ms, const char **why);

/*
 * The same, passing over the first `skip` addresses: a datagram socket learns only from
 * what it sends that nobody is there, and its program may want to try the next address.
 * With none left the reason is that of a host without an address (EADDRNOTAVAIL).
 */
int dial_after(int skip, const char *host, int port, int type, int patience_ms,
               const char **why);

#endif
