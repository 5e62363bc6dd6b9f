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

#if defined TCP_KEEPIDLE && defined TCP_KEEPINTVL && defined TCP_KEEPCNT
static void set_timing(int socket)
{
    const int idle = 60, interval = 10, probes = 6;

    /* If one of these fails, the system's own timing holds. */
    (void)setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    (void)setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    (void)setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}
#else
static void set_timing(int socket)
{
    (void)socket;
}
#endif

void keepalive_enable(int socket)
{
    const int on = 1;

    (void)setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    set_timing(socket);
}

void keepalive_limit_sending(int socket)
{
#ifdef TCP_USER_TIMEOUT
    const unsigned ms = 120000;

    (void)setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
#else
    (void)socket;
#endif
}
