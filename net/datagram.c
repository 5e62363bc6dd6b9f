/*
 * IPV6_PKTINFO (RFC 3542) and IP_PKTINFO are not in POSIX; they are used in this file
 * only. The headers of Linux (glibc and musl) and macOS show them to a program that defines
 * these macros.
 */
#undef _POSIX_C_SOURCE
#define _GNU_SOURCE 1
#define __APPLE_USE_RFC_3542
#include "net/datagram.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/uio.h>

void datagram_prepare(int socket)
{
#if defined IPV6_RECVPKTINFO && defined IP_PKTINFO
    const int on = 1;

    /* An IPv4 socket refuses the first. On an IPv6 socket it covers IPv4 peers as well. */
    if (setsockopt(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) == -1)
        (void)setsockopt(socket, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
#else
    (void)socket;
#endif
}

/*
 * Makes the report fit sendmsg(), which takes an IPv4 address from another field. The
 * interface is removed: the one that the datagram came in by may have no way back to its
 * source. Only a link-local address needs it (RFC 4007 6).
 */
static void complete_report(struct msghdr *message)
{
#if defined IPV6_RECVPKTINFO && defined IP_PKTINFO
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    void *data = header == NULL ? NULL : CMSG_DATA(header);

    if (header != NULL && header->cmsg_level == IPPROTO_IP) {
        struct in_pktinfo *info = data;

        info->ipi_spec_dst = info->ipi_addr;
        info->ipi_ifindex = 0;
    } else if (header != NULL && header->cmsg_level == IPPROTO_IPV6) {
        struct in6_pktinfo *info = data;

        if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr))
            info->ipi6_ifindex = 0;
    }
#else
    (void)message;
#endif
}

ssize_t datagram_receive(int socket, void *bytes, size_t size,
                         struct datagram_route *route)
{
    struct iovec whole = {.iov_base = bytes, .iov_len = size};
    struct msghdr message = {.msg_name = &route->peer,
                             .msg_namelen = sizeof route->peer,
                             .msg_iov = &whole,
                             .msg_iovlen = 1,
                             .msg_control = route->report,
                             .msg_controllen = sizeof route->report};
    ssize_t got = recvmsg(socket, &message, 0);

    if (got == -1)
        return -1;
    complete_report(&message);
    route->peer_length = message.msg_namelen;
    route->report_length = (size_t)message.msg_controllen;
    return got;
}

ssize_t datagram_answer(int socket, const void *bytes, size_t length,
                        struct datagram_route *route)
{
    struct iovec whole = {.iov_base = (void *)bytes, .iov_len = length};
    struct msghdr message = {.msg_name = &route->peer,
                             .msg_namelen = route->peer_length,
                             .msg_iov = &whole,
                             .msg_iovlen = 1,
                             .msg_control = route->report,
                             .msg_controllen = (socklen_t)route->report_length};

    return sendmsg(socket, &message, 0);
}

bool datagram_is_about_earlier(int error)
{
    return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
           error == EMSGSIZE || error == ECONNRESET;
}
