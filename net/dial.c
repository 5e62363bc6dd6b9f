#include "net/dial.h"

#include "net/descriptor.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Waits until a connection that is being made is made. 0, or the errno of what became of
 * it.
 */
static int outcome(int descriptor, int patience_ms)
{
    struct pollfd ready = {.fd = descriptor, .events = POLLOUT};
    int error = 0;
    socklen_t length = sizeof error;

    switch (poll(&ready, 1, patience_ms)) {
    case -1: return errno;
    case 0: return ETIMEDOUT;
    default: break;
    }
    if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) == -1)
        return errno;
    return error;
}

/* Tries one address. -1 with errno. */
static int dial_one(const struct addrinfo *info, int patience_ms)
{
    int descriptor = socket(info->ai_family, info->ai_socktype, info->ai_protocol);

    if (descriptor == -1)
        return -1;
    if (descriptor >= FD_SETSIZE) { /* its program could not wait for it */
        errno = EMFILE;
    } else if (descriptor_prepare(descriptor) == 0) {
        if (connect(descriptor, info->ai_addr, info->ai_addrlen) == 0)
            return descriptor;
        if (errno == EINPROGRESS)
            errno = outcome(descriptor, patience_ms);
        if (errno == 0)
            return descriptor;
    }
    descriptor_close_keeping_errno(descriptor);
    return -1;
}

int dial(const char *host, int port, int type, int patience_ms, const char **why)
{
    return dial_after(0, host, port, type, patience_ms, why);
}

int dial_after(int skip, const char *host, int port, int type, int patience_ms,
               const char **why)
{
    struct addrinfo hints = {.ai_socktype = type, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found;
    char service[8];
    int descriptor = -1, failed;

    (void)snprintf(service, sizeof service, "%d", port);
    failed = getaddrinfo(host, service, &hints, &found);
    if (failed) {
        *why = failed == EAI_SYSTEM ? strerror(errno) : gai_strerror(failed);
        return -1;
    }
    errno = EADDRNOTAVAIL;
    for (struct addrinfo *info = found; info != NULL && descriptor == -1;
         info = info->ai_next) {
        if (skip-- > 0)
            continue;
        descriptor = dial_one(info, patience_ms);
        if (descriptor == -1 && errno == EINTR)
            break;
    }
    if (descriptor == -1)
        *why = strerror(errno);
    freeaddrinfo(found);
    return descriptor;
}
