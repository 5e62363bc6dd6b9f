/*
 * dial: connects a client to a server.
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include "base/fdset.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/*
 * Connects a socket of `type` (SOCK_STREAM or SOCK_DGRAM) to `port` of `host`: a name or a
 * number, an IPv6 one with or without brackets. Tries the addresses of the host, at most
 * DIAL_ADDRESSES, in turn, each for `patience_ms` milliseconds; the look-up itself takes
 * as long as the system's resolver does. A datagram socket only remembers its peer: it
 * then receives nothing from others, and learns of a closed port (ECONNREFUSED).
 *
 * Returns the socket, non-blocking, small enough for an fd_set, and with SO_OOBINLINE
 * (telnet's urgent data is read in its place); or -1 with the reason in *why, from the last
 * address or from the look-up (a static string, or strerror()'s). A caught signal ends the
 * attempt with "Interrupted system call".
 */
int dial(const char *host, int port, int type, int patience_ms, const char **why);

/*
 * The same without the first `skip` addresses: a datagram socket learns only after sending
 * that nobody is there. If no address is left, the reason is EADDRNOTAVAIL's.
 */
int dial_after(int skip, const char *host, int port, int type, int patience_ms,
               const char **why);

/*
 * The same without waiting, for a program whose loop serves others meanwhile:
 *
 *     dial_start(&dial, host, port, SOCK_STREAM, patience_ms);
 *     ...
 *     dial_watch(&dial, &readable, &writable);
 *     ... pselect(), until dial.deadline at the latest
 *     socket = dial_step(&dial, &why);
 *
 * POSIX has no look-up that does not wait. So a child process looks up a name (a number
 * needs no look-up) and writes the result to a pipe. It has `patience_ms` for that.
 */
#define DIAL_ADDRESSES 16

struct dial_addresses {
    int failed, error; /* getaddrinfo()'s result, and errno if it is EAI_SYSTEM */
    int count;
    struct dial_address {
        struct sockaddr_storage address;
        socklen_t length;
    } list[DIAL_ADDRESSES];
};

struct dial {
    int descriptor;   /* of the resolver's pipe, or of the connecting socket; -1: none */
    int64_t deadline; /* of the current step (clock_ms()) */
    int type, patience_ms;
    int error;       /* errno of the last address tried */
    pid_t resolver;  /* the child that looks up the name, or 0 */
    size_t received; /* bytes of `found` read from it */
    int next;        /* the address to try next */
    struct dial_addresses found;
};

/* Begins. dial_step() reports every failure. */
void dial_start(struct dial *dial, const char *host, int port, int type, int patience_ms);

/* The same for addresses that another attempt has found (dial->found). */
void dial_start_found(struct dial *dial, const struct dial_addresses *found, int type,
                      int patience_ms);

/* Adds the descriptor to wait for to one of the sets. */
void dial_watch(const struct dial *dial, struct fdset *readable, struct fdset *writable);

/* Does what can be done now. DIAL_PENDING; or, at the end, the socket or -1 as dial(). */
#define DIAL_PENDING (-2)
int dial_step(struct dial *dial, const char **why);

/* Gives up a pending attempt. Without effect if it is over. */
void dial_stop(struct dial *dial);

#endif
