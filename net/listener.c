#include "net/listener.h"

#include "base/descriptor.h"
#include "net/address.h"
#include "net/keepalive.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

/*
 * How many newcomers may wait to be accepted. A class connects within one moment, and
 * with a short queue most of its SYNs are dropped and come again seconds later. Kernels
 * cut this down to their own limit (net.core.somaxconn is 4,096 on Linux).
 */
#define BACKLOG 4096

static bool set_option(int descriptor, int level, int option, int value)
{
    return setsockopt(descriptor, level, option, &value, sizeof value) == 0;
}

/* Binds one of getaddrinfo()'s answers. -1 with errno if it cannot be had. */
static int open_one(const struct addrinfo *info, bool both_families)
{
    int listener = socket(info->ai_family, info->ai_socktype, info->ai_protocol);

    if (listener == -1)
        return -1;
    if (listener >= FD_SETSIZE) {
        errno = EMFILE;
    } else if (descriptor_prepare(listener) == 0 &&
               (info->ai_socktype != SOCK_STREAM ||
                set_option(listener, SOL_SOCKET, SO_REUSEADDR, 1)) &&
               (info->ai_family != AF_INET6 ||
                set_option(listener, IPPROTO_IPV6, IPV6_V6ONLY, !both_families)) &&
               bind(listener, info->ai_addr, info->ai_addrlen) == 0 &&
               (info->ai_socktype != SOCK_STREAM || listen(listener, BACKLOG) == 0)) {
        return listener;
    }
    descriptor_close_keeping_errno(listener);
    return -1;
}

/* The first of the address's answers in this family that can be bound. */
static int open_family(const char *address, int port, int type, int family,
                       const char **why)
{
    struct addrinfo hints = {.ai_family = family,
                             .ai_socktype = type,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    char service[8];
    int listener = -1, failed, error;

    (void)snprintf(service, sizeof service, "%d", port);
    failed = getaddrinfo(address, service, &hints, &found);
    if (failed) {
        *why = failed == EAI_SYSTEM ? strerror(errno) : gai_strerror(failed);
        errno = EADDRNOTAVAIL; /* for listener_open(): the other family may do */
        return -1;
    }
    for (struct addrinfo *info = found; info != NULL && listener == -1;
         info = info->ai_next)
        listener = open_one(info, address == NULL);
    error = errno;
    if (listener == -1)
        *why = strerror(error);
    freeaddrinfo(found);
    errno = error;
    return listener;
}

int listener_open(const char *address, int port, int type, const char **why)
{
    int listener;

    if (address != NULL)
        return open_family(address, port, type, AF_UNSPEC, why);
    listener = open_family(NULL, port, type, AF_INET6, why);
    if (listener == -1 && errno != EADDRINUSE && errno != EACCES)
        listener = open_family(NULL, port, type, AF_INET, why);
    return listener;
}

int listener_port(int listener)
{
    struct sockaddr_storage bound;
    socklen_t length = sizeof bound;

    if (getsockname(listener, (struct sockaddr *)&bound, &length) == -1)
        return -1;
    return address_port(&bound);
}

void listener_spare_open(struct listener_spare *spare)
{
    spare->descriptor = descriptor_move_up(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

void listener_spare_close(struct listener_spare *spare)
{
    if (spare->descriptor != -1)
        (void)close(spare->descriptor);
    spare->descriptor = -1;
}

static int take(int listener, struct sockaddr_storage *peer)
{
    socklen_t length = sizeof *peer;

    return accept(listener, (struct sockaddr *)peer, &length);
}

void listener_turn_away(int newcomer, const char *sentence)
{
    if (descriptor_prepare(newcomer) == -1) {
        (void)close(newcomer);
        return;
    }
    /* Nothing to be done if it does not get the sentence: it is closed in any case. */
    (void)send(newcomer, sentence, strlen(sentence), MSG_NOSIGNAL);
    descriptor_hang_up(newcomer);
}

/*
 * accept()'s errors as listener_accept() tells them apart. Linux gives a new connection's
 * own errors here, too (accept(2)): whoever it was is gone.
 */
static int accept_error(int error)
{
    switch (error) {
    case ECONNABORTED:
    case EPROTO:
    case EINTR:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENOPROTOOPT:
    case EOPNOTSUPP: return EINTR;
    case EMFILE:
    case ENFILE: return EMFILE;
    default: /* whatever it is, at once is too soon to try again */
        return descriptor_try_again(error) ? EAGAIN : ENFILE;
    }
}

/* With the spare's place free: Linux says EMFILE even if nobody is waiting. */
static int send_one_away(int listener, struct listener_spare *spare, const char *full,
                         struct sockaddr_storage *peer)
{
    int error = ENFILE;

    if (spare->descriptor != -1) {
        int newcomer;

        listener_spare_close(spare);
        newcomer = take(listener, peer);
        error = newcomer == -1 ? accept_error(errno) : EMFILE;
        if (newcomer != -1)
            listener_turn_away(newcomer, full);
        else if (error == EMFILE)
            error = ENFILE;
    }
    listener_spare_open(spare);
    return error;
}

int listener_accept(int listener, struct listener_spare *spare, const char *full,
                    struct sockaddr_storage *peer)
{
    int newcomer = take(listener, peer);

    if (newcomer == -1) {
        int error = accept_error(errno);

        errno = error == EMFILE ? send_one_away(listener, spare, full, peer) : error;
        return -1;
    }
    if (newcomer >= FD_SETSIZE) {
        listener_turn_away(newcomer, full);
        errno = EMFILE;
        return -1;
    }
    if (descriptor_prepare(newcomer) == -1) {
        (void)close(newcomer);
        errno = EINTR;
        return -1;
    }
    /* Refused on a socket whose peer is already gone (POSIX: EINVAL); recv() will tell. */
    (void)set_option(newcomer, IPPROTO_TCP, TCP_NODELAY, 1);
    (void)set_option(newcomer, SOL_SOCKET, SO_OOBINLINE, 1);
    keepalive_enable(newcomer);
    return newcomer;
}
