/*
 * listener: the socket that newcomers connect to, and taking them in.
 *
 * Every descriptor that comes from here is non-blocking, is closed by exec(), and fits an
 * fd_set: one at or over FD_SETSIZE would make FD_SET() write past its end.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include <netinet/in.h>
#include <sys/socket.h>

/*
 * Opens a socket of `type` (SOCK_STREAM, which then listens, or SOCK_DGRAM), bound to
 * `port` (0: any free one) of `address`, a name or a number. NULL is every address of
 * this machine: IPv6 and, through the same socket, IPv4 (RFC 3493 3.7), or IPv4 alone on
 * a machine without IPv6, or without such sockets (OpenBSD). A given address is bound just as it is: "::" means IPv6 only.
 * SO_REUSEADDR is set on a stream socket, so that a server can be started again at once.
 *
 * Returns the socket, or -1 and the reason in words in *why (static, or strerror()'s).
 */
int listener_open(const char *address, int port, int type, const char **why);

/* The port that a socket is bound to, or -1 with getsockname()'s errno. */
int listener_port(int listener);

/*
 * A descriptor kept for the moment when there is no other (EMFILE, ENFILE): it is given
 * up so that a newcomer can be accepted, told so, and closed; without it the newcomer
 * would stay in the queue and select() would report it for ever.
 */
struct listener_spare {
    int descriptor;
};

/* Opens the spare, out of the fd_sets' way (descriptor_move_up()); or it stays -1. */
void listener_spare_open(struct listener_spare *spare);
void listener_spare_close(struct listener_spare *spare);

/* Sends `sentence` to a newcomer for whom there is no place, and closes it. */
#define LISTENER_FULL "Server full, try again later\r\n"
void listener_turn_away(int newcomer, const char *sentence);

/*
 * Accepts a newcomer: non-blocking, TCP_NODELAY (a line is wanted now, not with the next:
 * RFC 896 would hold it back), SO_OOBINLINE (telnet's urgent data is read in its place),
 * keepalive on. Returns its socket and fills `peer`; or -1 with errno
 *
 *   EAGAIN   nobody is waiting;
 *   EMFILE   there was no descriptor for it: it was sent `full` and closed;
 *   EINTR    it was gone before it was taken, or its network was: try the next;
 *   ENFILE   it could be neither taken nor sent away: look again later, not at once.
 */
int listener_accept(int listener, struct listener_spare *spare, const char *full,
                    struct sockaddr_storage *peer);

#define LISTENER_A_TURN  64  /* newcomers, and then the others are heard again */
#define LISTENER_REST_MS 100 /* after ENFILE: a moment, in place of a busy loop */

#endif
