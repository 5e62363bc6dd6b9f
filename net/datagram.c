/*
 * The one place for IPV6_RECVPKTINFO: RFC 3542 is not in POSIX. Linux (glibc and musl) and
 * macOS show it only when asked by their own names for that.
 */
#define _GNU_SOURCE
#define __APPLE_USE_RFC_3542
#include "net/datagram.h"

#include <string.h>
#include <sys/uio.h>

#ifdef IPV6_RECVPKTINFO

/* Room for one control message, aligned as its header must be. */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

void datagram_prepare(int socket)
{
    const int on = 1;

    /* An IPv4 socket refuses it (-b 127.0.0.1): it has one address to answer from. */
    (void)setsockopt(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
}

static void find_asked(struct msghdr *message, struct datagram_route *route)
{
    struct in6_pktinfo info;
    struct cmsghdr *header = CMSG_FIRSTHDR(message);

    if (header == NULL || header->cmsg_level != IPPROTO_IPV6 ||
        header->cmsg_type != IPV6_PKTINFO)
        return;
    memcpy(&info, CMSG_DATA(header), sizeof info);
    route->asked = info.ipi6_addr;
    route->interface = info.ipi6_ifindex;
}

/* An answer to a group (multicast) or to nobody known goes out from where routing says. */
static void set_asked(struct msghdr *message, union control *control,
                      const struct datagram_route *route)
{
    struct in6_pktinfo info = {.ipi6_addr = route->asked,
                               .ipi6_ifindex = route->interface};
    struct cmsghdr *header;

    if (IN6_IS_ADDR_UNSPECIFIED(&route->asked) || IN6_IS_ADDR_MULTICAST(&route->asked))
        return;
    memset(control, 0, sizeof *control);
    message->msg_control = control->bytes;
    message->msg_controllen = sizeof control->bytes;
    header = CMSG_FIRSTHDR(message);
    header->cmsg_level = IPPROTO_IPV6;
    header->cmsg_type = IPV6_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(header), &info, sizeof info);
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
    route->asked = in6addr_any;
    route->interface = 0;
    find_asked(&message, route);
    return got;
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
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}
