/*
 * datagram: answers a datagram from the address that the datagram was sent to.
 *
 * A socket bound to all addresses of a machine sends from the one that routing picks. A
 * client that asked 127.0.0.2 and gets an answer from 127.0.0.1 thinks that a stranger
 * sent it. So the address that was asked is remembered (IPV6_PKTINFO, RFC 3542 6.2;
 * IP_PKTINFO for an IPv4 socket).
 */
#ifndef NET_DATAGRAM_H
#define NET_DATAGRAM_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* The largest datagram, in IPv6: 65,535 bytes less the UDP header (RFC 8200 3). */
#define DATAGRAM_MOST 65527

/* Where a datagram came from, and to which address of this machine it was sent. */
struct datagram_route {
    struct sockaddr_storage peer;
    socklen_t peer_length;
    struct in6_addr asked; /* IPv4 as ::ffff:a.b.c.d; "::" if the system does not say */
    unsigned interface;    /* its index; 0 if the system does not say */
};

/*
 * Makes a datagram socket report the address that each datagram was sent to. It has no
 * effect if the system cannot do this: answers then come from the address that routing
 * picks.
 */
void datagram_prepare(int socket);

/* recvfrom() that fills `route`: bytes received, or -1 with recvmsg()'s errno. */
ssize_t datagram_receive(int socket, void *bytes, size_t size,
                         struct datagram_route *route);

/*
 * Is this errno an ICMP message about a datagram that was sent earlier (RFC 1122 4.1.3.3)?
 * The next call on the socket reports it. Any other error is this machine's own.
 */
bool datagram_is_about_earlier(int error);

/* sendto() back along `route`: bytes sent, or -1 with sendmsg()'s errno. */
ssize_t datagram_answer(int socket, const void *bytes, size_t length,
                        const struct datagram_route *route);

#endif
