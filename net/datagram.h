/*
 * datagram: answering a datagram from the address that it was sent to.
 *
 * A socket bound to every address of a machine sends from the one that routing picks, and
 * a client that asked at 127.0.0.2 and is answered from 127.0.0.1 takes that for a
 * stranger's datagram. So the address asked is taken along (RFC 3542 6.2, IPV6_PKTINFO, and
 * IP_PKTINFO for an IPv4 socket).
 */
#ifndef NET_DATAGRAM_H
#define NET_DATAGRAM_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* The most that a datagram holds, in IPv6: 65,535 less the UDP header (RFC 8200 3). */
#define DATAGRAM_MOST 65527

/* Where a datagram came from, and what address of ours it was sent to. */
struct datagram_route {
    struct sockaddr_storage peer;
    socklen_t peer_length;
    struct in6_addr asked; /* an IPv4 one mapped; :: if the system does not tell */
    unsigned interface;    /* its index, 0 likewise */
};

/*
 * Has a datagram socket tell what address each datagram was sent to. Without effect where
 * the system can't: answers then come from the address that routing picks.
 */
void datagram_prepare(int socket);

/* recvfrom() that fills `route`: bytes received, or -1 with recvmsg()'s errno. */
ssize_t datagram_receive(int socket, void *bytes, size_t size,
                         struct datagram_route *route);

/* sendto() back along `route`: bytes sent, or -1 with sendmsg()'s errno. */
ssize_t datagram_answer(int socket, const void *bytes, size_t length,
                        const struct datagram_route *route);

#endif
