#include "net/listener.h"

#include "base/clock.h"
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
 * How many newcomers may wait to be accepted. A whole class connects at one moment. With a
 * short queue most of its SYNs would be dropped, and sent again seconds later. Kernels cut
 * this down to their own limit (net.core.somaxconn is 4,096 on Linux).
 */
#define BACKLOG 4096

/* A rest after a failure that no peer has caused, so that the loop does not spin. */
#define REST_MS 100

static bool set_option(int descriptor, int level, int option, int value)
{
    return setsockopt(descriptor, level, option, &value, sizeof value) == 0;
}

/* Opens and binds one of getaddrinfo()'s answers. -1 with errno. */
static int open_one(const struct addrinfo *info, bool both_families)
{
    bool is_stream = info->ai_socktype == SOCK_STREAM;
    int sock = socket(info->ai_family, info->ai_socktype, info->ai_protocol);

    if (sock == -1)
        return -1;
    if (sock >= FD_SETSIZE) {
        errno = EMFILE;
    } else if (descriptor_prepare(sock) == 0 &&
               (!is_stream || set_option(sock, SOL_SOCKET, SO_REUSEADDR, 1)) &&
               (info->ai_family != AF_INET6 ||
                set_option(sock, IPPROTO_IPV6, IPV6_V6ONLY, !both_families)) &&
               bind(sock, info->ai_addr, info->ai_addrlen) == 0 &&
               (!is_stream || listen(sock, BACKLOG) == 0)) {
        return sock;
    }
    descriptor_close_keeping_errno(sock);
    return -1;
}

/*
 * Does the failure mean that this machine has no such address or no such family? Then
 * another one may do. A port in use or a lack of resources is final: a server on half of
 * its addresses would only look as if it worked.
 */
static bool is_unavailable(int error)
{
    return error == EAFNOSUPPORT || error == EPROTONOSUPPORT || error == EADDRNOTAVAIL ||
           error == ENOPROTOOPT || error == EINVAL; /* the last two: no v4 through v6 */
}

/* The first of the address's answers that can be bound. -1 with errno and *why. */
static int open_family(const char *address, int port, int type, int family,
                       const char **why)
{
    struct addrinfo hints = {.ai_family = family,
                             .ai_socktype = type,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    char service[8], bare[ADDRESS_MOST];
    int sock = -1, failed, error = EADDRNOTAVAIL;

    snprintf(service, sizeof service, "%d", port);
    if (address != NULL)
        address = address_bare(address, bare);
    failed = getaddrinfo(address, service, &hints, &found);
    if (failed) {
        *why = failed == EAI_SYSTEM ? strerror(errno) : gai_strerror(failed);
        errno = error;
        return -1;
    }
    for (struct addrinfo *info = found;
         info != NULL && sock == -1 && is_unavailable(error); info = info->ai_next) {
        sock = open_one(info, address == NULL);
        error = errno;
        *why = address_error(info->ai_addr, error);
    }
    freeaddrinfo(found);
    errno = error;
    return sock;
}

int listener_open(struct options_server *where, int type, const char **why)
{
    int family = where->address == NULL ? AF_INET6 : AF_UNSPEC, port;
    int sock = open_family(where->address, where->port, type, family, why);

    if (sock == -1 && where->address == NULL && is_unavailable(errno))
        sock = open_family(NULL, where->port, type, AF_INET, why);
    if (sock == -1)
        return -1;
    port = listener_port(sock);
    if (port == -1) {
        *why = strerror(errno);
        descriptor_close_keeping_errno(sock);
        return -1;
    }
    where->port = port;
    return sock;
}

int listener_port(int listener)
{
    struct sockaddr_storage bound;
    socklen_t length = sizeof bound;

    if (getsockname(listener, (struct sockaddr *)&bound, &length) == -1)
        return -1;
    return address_port(&bound);
}

void listener_turn_away(int newcomer, const char *sentence)
{
    if (descriptor_prepare(newcomer) == -1) {
        close(newcomer);
        return;
    }
    /* It is closed even if it does not get the sentence. */
    (void)send(newcomer, sentence, strlen(sentence), MSG_NOSIGNAL);
    descriptor_hang_up(newcomer);
}

static void open_spare(struct listener *listener)
{
    listener->spare = descriptor_move_up(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

static void close_spare(struct listener *listener)
{
    if (listener->spare != -1)
        close(listener->spare);
    listener->spare = -1;
}

void listener_init(struct listener *listener, const char *full, const struct log *log)
{
    *listener = (struct listener){.full = full, .log = log};
    open_spare(listener);
}

void listener_close(struct listener *listener)
{
    close_spare(listener);
}

int64_t listener_rest(const struct listener *listener, int srvsock, int64_t now,
                      struct fdset *readable)
{
    if (srvsock == -1 || now >= listener->rest_until)
        return INT64_MAX;
    fdset_remove(readable, srvsock);
    return listener->rest_until;
}

enum accept_result { ACCEPTED, GONE, NO_DESCRIPTOR, NOBODY, FAILED };

/* Linux also reports errors of the new connection (accept(2)): that peer is gone. */
static enum accept_result result_of(int error)
{
    switch (error) {
    case ECONNABORTED:
    case EPROTO:
    case EINTR:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENOPROTOOPT:
    case EOPNOTSUPP: return GONE;
    case EMFILE:
    case ENFILE: return NO_DESCRIPTOR;
    default: return descriptor_try_again(error) ? NOBODY : FAILED;
    }
}

static enum accept_result take(int srvsock, int *newcomer, struct sockaddr_storage *peer)
{
    socklen_t length = sizeof *peer;

    *newcomer = accept(srvsock, (struct sockaddr *)peer, &length);
    return *newcomer == -1 ? result_of(errno) : ACCEPTED;
}

/* Turns one away, with the spare's number. Linux says EMFILE even if nobody waits. */
static enum accept_result send_one_away(struct listener *listener, int srvsock)
{
    enum accept_result result = FAILED;
    struct sockaddr_storage peer;
    int newcomer, error = errno;

    if (listener->spare != -1) {
        close_spare(listener);
        result = take(srvsock, &newcomer, &peer);
        error = errno;
        if (result == ACCEPTED) {
            listener_turn_away(newcomer, listener->full);
            result = GONE;
        }
    }
    open_spare(listener);
    errno = error;
    return result == NO_DESCRIPTOR ? FAILED : result;
}

/* No peer caused this failure, and to try again at once would help nobody. */
static void fail(struct listener *listener, int error)
{
    if (listener->log != NULL && !listener->has_failed)
        log_complain(listener->log, "cannot accept connections: %s", strerror(error));
    listener->has_failed = true;
    listener->rest_until = clock_ms() + REST_MS;
}

/* Makes the newcomer ready to be served, or turns it away. */
static enum accept_result prepare(const struct listener *listener, int newcomer)
{
    if (newcomer >= FD_SETSIZE) {
        listener_turn_away(newcomer, listener->full);
        return GONE;
    }
    if (descriptor_prepare(newcomer) == -1) {
        descriptor_close_keeping_errno(newcomer);
        return FAILED;
    }
    /* These fail if the peer is already gone (POSIX: EINVAL), which recv() will show. */
    (void)set_option(newcomer, IPPROTO_TCP, TCP_NODELAY, 1);
    (void)set_option(newcomer, SOL_SOCKET, SO_OOBINLINE, 1);
    keepalive_enable(newcomer);
    return ACCEPTED;
}

int listener_accept(struct listener *listener, int srvsock, struct sockaddr_storage *peer)
{
    for (int tries = 0; tries < LISTENER_A_TURN; tries++) {
        int newcomer;
        enum accept_result result = take(srvsock, &newcomer, peer);

        if (result == ACCEPTED)
            result = prepare(listener, newcomer);
        else if (result == NO_DESCRIPTOR)
            result = send_one_away(listener, srvsock);
        if (result == FAILED)
            fail(listener, errno);
        else
            listener->has_failed = false;
        if (result != GONE)
            return result == ACCEPTED ? newcomer : -1;
    }
    return -1;
}
