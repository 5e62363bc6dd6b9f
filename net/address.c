#include "net/address.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

/* Bytes of the longest numeric host: an address, "%", and the name of an interface. */
#define HOST_MOST 64

void address_format(const struct sockaddr_storage *address, char *out)
{
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    bool is_v4 = address->ss_family == AF_INET;
    socklen_t length = is_v4 ? sizeof(struct sockaddr_in) : sizeof *v6;
    int port = address_port(address);
    char host[HOST_MOST];

    if (port == -1 || getnameinfo((const struct sockaddr *)address, length, host,
                                  sizeof host, NULL, 0, NI_NUMERICHOST) != 0)
        strcpy(out, "?");
    else if (is_v4)
        snprintf(out, ADDRESS_MOST, "%s:%d", host, port);
    else if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) /* ::ffff:127.0.0.1 */
        snprintf(out, ADDRESS_MOST, "%s:%d", strrchr(host, ':') + 1, port);
    else
        snprintf(out, ADDRESS_MOST, "[%s]:%d", host, port);
}

const char *address_bare(const char *host, char *bare)
{
    size_t length = strlen(host);

    if (length < 3 || length > ADDRESS_MOST || host[0] != '[' || host[length - 1] != ']')
        return host;
    memcpy(bare, host + 1, length - 2);
    bare[length - 2] = '\0';
    return bare;
}

const char *address_error(const struct sockaddr *address, int error)
{
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;

    return error == EINVAL && address->sa_family == AF_INET6 &&
                   IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) && v6->sin6_scope_id == 0
               ? "a link-local address needs an interface: write fe80::1%eth0"
               : strerror(error);
}

int address_port(const struct sockaddr_storage *address)
{
    switch (address->ss_family) {
    case AF_INET: return ntohs(((const struct sockaddr_in *)address)->sin_port);
    case AF_INET6: return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
    default: return -1;
    }
}

bool address_is_same_host(const struct sockaddr_storage *a,
                          const struct sockaddr_storage *b)
{
    if (a->ss_family != b->ss_family)
        return false;
    if (a->ss_family == AF_INET)
        return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)b)->sin_addr.s_addr;
    return a->ss_family == AF_INET6 &&
           memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
                  &((const struct sockaddr_in6 *)b)->sin6_addr,
                  sizeof(struct in6_addr)) == 0;
}
