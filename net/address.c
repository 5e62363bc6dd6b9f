#include "net/address.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

/* Bytes of the longest numeric host: an address, "%", and the name of an interface. */
#define HOST_MOST 64

static struct sockaddr_in unmapped(const struct sockaddr_in6 *mapped)
{
    struct sockaddr_in plain = {.sin_family = AF_INET, .sin_port = mapped->sin6_port};

    memcpy(&plain.sin_addr, mapped->sin6_addr.s6_addr + 12, sizeof plain.sin_addr);
    return plain;
}

static int numeric_host(const void *address, socklen_t length, char *host)
{
    return getnameinfo(address, length, host, HOST_MOST, NULL, 0, NI_NUMERICHOST);
}

void address_format(const struct sockaddr_storage *address, char *out)
{
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    char host[HOST_MOST];
    int failed = 1;

    if (address->ss_family == AF_INET) {
        failed = numeric_host(address, sizeof(struct sockaddr_in), host);
    } else if (address->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        struct sockaddr_in v4 = unmapped(v6);

        failed = numeric_host(&v4, sizeof v4, host);
    } else if (address->ss_family == AF_INET6) {
        failed = numeric_host(address, sizeof *v6, host);
    }
    if (failed)
        strcpy(out, "?");
    else
        snprintf(out, ADDRESS_MOST, strchr(host, ':') ? "[%s]:%d" : "%s:%d", host,
                 address_port(address));
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
