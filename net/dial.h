/*
 * dial: a client's way to a server.
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include "base/fdset.h"
#include <stddef.h>
#include <stdint.h>

#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>

/*
 * Connects a socket of `type` (SOCK_STREAM or SOCK_DGRAM) to `port` of `host`, a name or a
 * number, an IPv6 one in brackets or not. The host's addresses, DIAL_ADDRESSES at the most, are tried in turn, each for
 * `patience_ms` milliseconds; the look-up itself waits as long as the system's resolver
 * does. A datagram socket is only told its peer: it takes nothing from others, and hears
 * of a port that is closed (ECONNREFUSED).
 *
 * Returns the socket, non-blocking and fit for an fd_set, or -1 and the reason in words
 * in *why: the last address's, or the look-up's (static, or strerror()'s). A signal that
 * is caught ends the attempt with "Interrupted system call".
 */
int dial(const char *host, int port, int type, int patience_ms, const char **why);

/*
 * The same, passing over the first `skip` addresses: a datagram socket learns only from
 * what it sends that nobody is there, and its program may want to try the next address.
 * With none left the reason is that of a host without an address (EADDRNOTAVAIL).
 */
int dial_after(int skip, const char *host, int port, int type, int patience_ms,
               const char **why);

/*
 * The same without waiting, for a loop that serves others meanwhile:
 *
 *     dial_start(&dial, host, port, SOCK_STREAM, patience_ms);
 *     ...
 *     dial_watch(&dial, &readable, &writable);    before each select(), which is to
 *                                                 return at dial.deadline at the latest
 *     socket = dial_step(&dial, &why);            after each
 *
 * POSIX has no look-up that does not wait, so a name (not a number) is looked up by a
 * child process, which writes what it found into a pipe. It has `patience_ms` too.
 */
#define DIAL_ADDRESSES 16 /* of a host: more are not tried */

struct dial_addresses {
    int failed, error; /* getaddrinfo()'s result, and errno if it is EAI_SYSTEM */
    int count;
    struct dial_address {
        struct sockaddr_storage address;
        socklen_t length;
    } list[DIAL_ADDRESSES];
};

struct dial {
    int descriptor;   /* the resolver's pipe or the socket in the making; -1: nothing */
    int64_t deadline; /* when what is waited for has had its time (clock_ms()) */
    int type, patience_ms;
    int error;       /* errno of the last address that was tried */
    pid_t resolver;  /* the child that looks the name up, or 0 */
    size_t received; /* bytes of `found` that it has written */
    int next;        /* the address to try next */
    struct dial_addresses found;
};

/* Begins. What fails at once is told by dial_step() like all else. */
void dial_start(struct dial *dial, const char *host, int port, int type, int patience_ms);

/* Adds what is waited for to a set. */
void dial_watch(const struct dial *dial, struct fdset *readable, struct fdset *writable);

/*
 * Goes as far as can be gone now; it may be called at any time. Returns the socket as
 * dial() does, DIAL_PENDING, or -1 and the reason in *why: then, too, it is all over.
 */
#define DIAL_PENDING (-2)
int dial_step(struct dial *dial, const char **why);

/* Gives up an attempt that is pending; without effect on one that is over. */
void dial_stop(struct dial *dial);

#endif
