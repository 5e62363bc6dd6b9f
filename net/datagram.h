/*
 * datagram: answers a datagram from the address that the datagram was sent to.
 *
 * A socket bound to all addresses of a machine sends from the one that routing picks. A
 * client that asked 127.0.0.2 and gets an answer from 127.0.0.1 thinks that a stranger
 * sent it. So the system is asked to report that address with each datagram, in a control
 * message (IPV6_PKTINFO, RFC 3542 6.2; IP_PKTINFO for an IPv4 socket). The same message
 * sent along with an answer makes it the answer's source.
 */
#ifndef NET_DATAGRAM_H
#define NET_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

/* The largest datagram, in IPv6: 65,535 bytes less the UDP header (RFC 8200 3). */
#define DATAGRAM_MOST 65527

/* Where a datagram came from, and the system's report of where it was sent. */
struct datagram_route {
    struct sockaddr_storage peer;
    socklen_t peer_length;
    size_t report_length; /* 0: the system does not report it, and routing picks */
    _Alignas(struct cmsghdr) char report[64]; /* either kind has less than 50 bytes */
};

/* Makes a datagram socket report the address that each datagram was sent to. */
void datagram_prepare(int socket);

/* recvfrom() that fills `route`: bytes received, or -1 with recvmsg()'s errno. */
ssize_t datagram_receive(int socket, void *bytes, size_t size,
                         struct datagram_route *route);

/*
 * sendto() back along `route`: bytes sent, or -1 with sendmsg()'s errno. A datagram to a
 * broadcast or multicast address cannot be answered: no answer may come from there.
 */
ssize_t datagram_answer(int socket, const void *bytes, size_t length,
                        struct datagram_route *route);

/*
 * Is this errno an ICMP message about a datagram that was sent earlier (RFC 1122 4.1.3.3)?
 * The next call on the socket reports it. Any other error is this machine's own.
 */
bool datagram_is_about_earlier(int error);

#endif
