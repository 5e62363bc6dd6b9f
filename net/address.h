/*
 * address: socket addresses as text.
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

/* Bytes of the longest IPv6 address with an interface, brackets, a port and a NUL. */
#define ADDRESS_MOST 80

/*
 * Writes an IPv4 address as 127.0.0.1:37993 and an IPv6 address as [::1]:37993 (RFC 5952)
 * to `out` of ADDRESS_MOST bytes. An IPv4 peer of an IPv6 socket (::ffff:127.0.0.1, RFC
 * 4291 2.5.5.2) is written as an IPv4 address; an address of another family becomes "?".
 */
void address_format(const struct sockaddr_storage *address, char *out);

/*
 * Returns `host`; or, if it is in brackets as in [::1], what is in them: `bare`, which has
 * ADDRESS_MOST bytes.
 */
const char *address_bare(const char *host, char *bare);

/* Are these the same IP address, whatever the ports? Never for another family. */
bool address_is_same_host(const struct sockaddr_storage *a,
                          const struct sockaddr_storage *b);

/*
 * Why connect() or bind() failed with `error`, in words. With EINVAL, an address in
 * fe80::/10 lacks an interface: every link has such addresses (RFC 4007 6).
 */
const char *address_error(const struct sockaddr *address, int error);

/* The port of an IPv4 or IPv6 address in host order; -1 for another family. */
int address_port(const struct sockaddr_storage *address);

#endif
