/*
 * address: socket addresses in writing.
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>

/*
 * The longest that is written, with its NUL: brackets, 45 characters of an IPv6 address,
 * % and an interface's name or number, a colon and five digits; and some to spare.
 */
#define ADDRESS_MOST 80

/*
 * Writes an IPv4 peer as 127.0.0.1:37993 and an IPv6 peer as [::1]:37993 (RFC 5952), to
 * `out`, which holds ADDRESS_MOST bytes. A v4 peer of a v6 socket (::ffff:127.0.0.1,
 * RFC 4291 2.5.5.2) shows as the v4 peer that it is. No name is looked up. An address of
 * another family shows as "?".
 */
void address_format(const struct sockaddr_storage *address, char *out);

/* The port of an IPv4 or IPv6 address in host order; -1 for another family. */
int address_port(const struct sockaddr_storage *address);

#endif
