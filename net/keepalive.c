/*
 * TCP_KEEPIDLE and its relatives, and TCP_USER_TIMEOUT, are not in POSIX.1-2008; they are
 * used in this file only. Linux and the BSDs have them, and macOS calls the first one
 * TCP_KEEPALIVE; elsewhere the system's own timing holds. The headers of the BSDs and
 * macOS hide them from a program that asks for POSIX only, so this file does not.
 */
#undef _POSIX_C_SOURCE
#define _DEFAULT_SOURCE 1

#include "net/keepalive.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#if !defined TCP_KEEPIDLE && defined TCP_KEEPALIVE
#define TCP_KEEPIDLE TCP_KEEPALIVE
#endif

/* If one of these fails, the system's own timing holds. */
static void set(int socket, int level, int option, int value)
{
    (void)setsockopt(socket, level, option, &value, sizeof value);
}

void keepalive_enable(int socket)
{
    set(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
#if defined TCP_KEEPIDLE && defined TCP_KEEPINTVL && defined TCP_KEEPCNT
    set(socket, IPPROTO_TCP, TCP_KEEPIDLE, 60);
    set(socket, IPPROTO_TCP, TCP_KEEPINTVL, 10);
    set(socket, IPPROTO_TCP, TCP_KEEPCNT, 6);
#endif
}

void keepalive_limit_sending(int socket)
{
#ifdef TCP_USER_TIMEOUT
    set(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, 120000); /* ms */
#else
    (void)socket;
#endif
}
