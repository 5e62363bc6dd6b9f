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
 * How many newcomers may wait to be accepted. A whole class connects at the same moment.
 * With a short queue most of its SYNs would be dropped, and sent again seconds later.
 * Kernels cut this down to their own limit (net.core.somaxconn is 4,096 on Linux).
 */
#define BACKLOG 4096

/* A rest after a failure that no peer has caused, so that the loop does not spin. */
#define REST_MS 100

static bool set_option(int descriptor, int level, int option, int value)
{
    return setsockopt(descriptor, level, option, &value, sizeof value) == 0;
}

/* Opens and binds one of getaddrinfo()'s answers. The socket, or -1 with errno. */
static int open_one(const struct addrinfo *info, struct options_server *where)
{
    bool is_stream = info->ai_socktype == SOCK_STREAM;
    struct sockaddr_storage bound;
    socklen_t length = sizeof bound;
    int sock = socket(info->ai_family, info->ai_socktype, info->ai_protocol);

    if (sock == -1)
        return -1;
    if (sock >= FD_SETSIZE) {
        errno = EMFILE;
    } else if (descriptor_prepare(sock) == 0 &&
               (!is_stream || set_option(sock, SOL_SOCKET, SO_REUSEADDR, 1)) &&
               (info->ai_family != AF_INET6 ||
                set_option(sock, IPPROTO_IPV6, IPV6_V6ONLY, where->address != NULL)) &&
               bind(sock, info->ai_addr, info->ai_addrlen) == 0 &&
               (!is_stream || listen(sock, BACKLOG) == 0) &&
               getsockname(sock, (struct sockaddr *)&bound, &length) == 0) {
        where->port = address_port(&bound);
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

/* Opens the first of the address's answers that can be bound. -1 with errno and *why. */
static int open_first(const char *address, struct options_server *where, int type,
                      const char **why)
{
    struct addrinfo hints = {.ai_socktype = type, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found;
    char service[8], bare[ADDRESS_MOST];
    int sock = -1, failed, error = EADDRNOTAVAIL;

    snprintf(service, sizeof service, "%d", where->port);
    failed = getaddrinfo(address_bare(address, bare), service, &hints, &found);
    if (failed) {
        *why = failed == EAI_SYSTEM ? strerror(errno) : gai_strerror(failed);
        errno = error;
        return -1;
    }
    for (struct addrinfo *info = found;
         info != NULL && sock == -1 && is_unavailable(error); info = info->ai_next) {
        sock = open_one(info, where);
        error = errno;
        *why = address_error(info->ai_addr, error);
    }
    freeaddrinfo(found);
    errno = error;
    return sock;
}

int listener_open(struct options_server *where, int type, const char **why)
{
    const char *address = where->address != NULL ? where->address : "::";
    int sock = open_first(address, where, type, why);

    if (sock == -1 && where->address == NULL && is_unavailable(errno))
        sock = open_first("0.0.0.0", where, type, why);
    return sock;
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

void listener_init(struct listener *listener, const char *full, const struct log *log)
{
    *listener = (struct listener){.full = full, .log = log};
    open_spare(listener);
}

void listener_close(struct listener *listener)
{
    if (listener->spare != -1)
        close(listener->spare);
}

int64_t listener_rest(const struct listener *listener, int srvsock, int64_t now,
                      struct fdset *readable)
{
    if (srvsock == -1 || now >= listener->rest_until)
        return INT64_MAX;
    fdset_remove(readable, srvsock);
    return listener->rest_until;
}

/* No peer caused this failure, and to try again at once would help nobody. */
static void fail(struct listener *listener, int error)
{
    if (listener->log != NULL && !listener->has_failed)
        log_complain(listener->log, "cannot accept connections: %s", strerror(error));
    listener->has_failed = true;
    listener->rest_until = clock_ms() + REST_MS;
}

/* Has that newcomer gone already? On Linux accept() also reports network errors. */
static bool is_gone(int error)
{
    return error == ECONNABORTED || error == EPROTO || error == EINTR ||
           error == ENETDOWN || error == ENETUNREACH || error == EHOSTUNREACH ||
           error == ENOPROTOOPT || error == EOPNOTSUPP;
}

static int take(int srvsock, struct sockaddr_storage *peer)
{
    socklen_t length = sizeof *peer;

    return accept(srvsock, (struct sockaddr *)peer, &length);
}

/*
 * Turns a newcomer away, with the spare's number. False, with errno: nobody waits (Linux
 * says EMFILE then, too), or there is no such number.
 */
static bool send_one_away(struct listener *listener, int srvsock,
                          struct sockaddr_storage *peer)
{
    int newcomer = -1, error = errno;

    if (listener->spare != -1) {
        close(listener->spare);
        newcomer = take(srvsock, peer);
        error = errno;
    }
    if (newcomer != -1)
        listener_turn_away(newcomer, listener->full);
    open_spare(listener);
    errno = error;
    return newcomer != -1 || is_gone(error);
}

/* Makes a newcomer ready to be served. Returns it, or -1: it cannot be, and is closed. */
static int prepare(struct listener *listener, int newcomer)
{
    if (descriptor_prepare(newcomer) == -1) {
        fail(listener, errno);
        close(newcomer);
        return -1;
    }
    listener->has_failed = false;
    /* These fail if the peer is already gone (POSIX: EINVAL), which recv() will show. */
    (void)set_option(newcomer, IPPROTO_TCP, TCP_NODELAY, 1);
    (void)set_option(newcomer, SOL_SOCKET, SO_OOBINLINE, 1);
    keepalive_enable(newcomer);
    return newcomer;
}

int listener_accept(struct listener *listener, int srvsock, struct sockaddr_storage *peer)
{
    for (int tries = 0; tries < LISTENER_A_TURN; tries++) {
        int newcomer = take(srvsock, peer);
        bool is_out;

        if (newcomer >= FD_SETSIZE) {
            listener_turn_away(newcomer, listener->full);
            continue;
        }
        if (newcomer != -1)
            return prepare(listener, newcomer);
        is_out = errno == EMFILE || errno == ENFILE;
        if (is_out ? send_one_away(listener, srvsock, peer) : is_gone(errno))
            continue;
        if (!descriptor_try_again(errno))
            fail(listener, errno);
        return -1;
    }
    return -1;
}
