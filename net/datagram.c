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
#include <string.h>
#include <sys/uio.h>

#if defined IPV6_RECVPKTINFO && defined IP_PKTINFO

/* Room for one control message of either family, aligned as its header must be. */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))]; /* the larger one */
};

void datagram_prepare(int socket)
{
    const int on = 1;

    /* An IPv4 socket refuses this option. On an IPv6 socket it covers IPv4 peers as
       well. */
    if (setsockopt(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) == -1)
        (void)setsockopt(socket, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
}

static void find_asked(struct msghdr *message, struct datagram_route *route)
{
    const struct cmsghdr *header = CMSG_FIRSTHDR(message); /* the only one, or NULL */

    if (header == NULL)
        return;
    if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo info;

        memcpy(&info, CMSG_DATA(header), sizeof info);
        route->asked = info.ipi6_addr;
        route->interface = (unsigned)info.ipi6_ifindex;
    } else if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;

        memcpy(&info, CMSG_DATA(header), sizeof info);
        memset(route->asked.s6_addr + 10, 0xFF, 2); /* ::ffff:, RFC 4291 2.5.5.2 */
        memcpy(route->asked.s6_addr + 12, &info.ipi_addr, 4);
    }
}

static void put_control(struct msghdr *message, union control *control, int level,
                        int type, const void *info, size_t length)
{
    struct cmsghdr *header;

    memset(control, 0, sizeof *control);
    message->msg_control = control->bytes;
    message->msg_controllen = (socklen_t)CMSG_SPACE(length);
    header = CMSG_FIRSTHDR(message);
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = (socklen_t)CMSG_LEN(length);
    memcpy(CMSG_DATA(header), info, length);
}

/*
 * A datagram to a multicast group is answered from the address that routing picks, since a
 * group cannot be a source. A broadcast address cannot be recognised here; the system
 * refuses to send from it, so such a datagram cannot be answered.
 */
static void set_asked(struct msghdr *message, union control *control,
                      const struct datagram_route *route)
{
    struct in6_pktinfo six = {.ipi6_addr = route->asked,
                              .ipi6_ifindex = route->interface};
    struct in_pktinfo four = {0};

    if (IN6_IS_ADDR_UNSPECIFIED(&route->asked) || IN6_IS_ADDR_MULTICAST(&route->asked) ||
        (IN6_IS_ADDR_V4MAPPED(&route->asked) && route->asked.s6_addr[12] >> 4 == 0xE))
        return;
    if (route->peer.ss_family == AF_INET6) {
        put_control(message, control, IPPROTO_IPV6, IPV6_PKTINFO, &six, sizeof six);
    } else {
        memcpy(&four.ipi_spec_dst, route->asked.s6_addr + 12, 4);
        put_control(message, control, IPPROTO_IP, IP_PKTINFO, &four, sizeof four);
    }
}

#else

union control {
    char bytes[1];
};

void datagram_prepare(int socket)
{
    (void)socket;
}

static void find_asked(struct msghdr *message, struct datagram_route *route)
{
    (void)message;
    (void)route;
}

static void set_asked(struct msghdr *message, union control *control,
                      const struct datagram_route *route)
{
    (void)message;
    (void)control;
    (void)route;
}

#endif

ssize_t datagram_receive(int socket, void *bytes, size_t size,
                         struct datagram_route *route)
{
    struct iovec whole = {.iov_base = bytes, .iov_len = size};
    union control control;
    struct msghdr message = {.msg_name = &route->peer,
                             .msg_namelen = sizeof route->peer,
                             .msg_iov = &whole,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t got = recvmsg(socket, &message, 0);

    if (got == -1)
        return -1;
    route->peer_length = message.msg_namelen;
    route->asked = in6addr_any; /* all zero: find_asked() completes it */
    route->interface = 0;
    find_asked(&message, route);
    return got;
}

bool datagram_is_about_earlier(int error)
{
    return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
           error == EMSGSIZE || error == ECONNRESET;
}

ssize_t datagram_answer(int socket, const void *bytes, size_t length,
                        const struct datagram_route *route)
{
    struct iovec whole = {.iov_base = (void *)bytes, .iov_len = length};
    union control control;
    struct msghdr message = {.msg_name = (void *)&route->peer,
                             .msg_namelen = route->peer_length,
                             .msg_iov = &whole,
                             .msg_iovlen = 1};

    set_asked(&message, &control, route);
    return sendmsg(socket, &message, 0);
}
