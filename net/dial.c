#include "net/dial.h"

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/fdset.h"
#include "net/address.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- The name ----------------------------------------------------------------------- */

/* Fills dial->found. With AI_NUMERICHOST in `flags` it never waits. */
static void look_up(struct dial *dial, const char *host, int port, int flags)
{
    char bare[ADDRESS_MOST];
    struct addrinfo hints = {.ai_socktype = dial->type,
                             .ai_flags = AI_NUMERICSERV | flags};
    struct dial_addresses *found = &dial->found;
    struct addrinfo *first;
    char service[8];

    snprintf(service, sizeof service, "%d", port);
    errno = 0;
    found->count = 0;
    found->failed = getaddrinfo(address_bare(host, bare), service, &hints, &first);
    found->error = errno;
    if (found->failed)
        return;
    for (struct addrinfo *info = first; info != NULL && found->count < DIAL_ADDRESSES;
         info = info->ai_next) {
        struct dial_address *address = &found->list[found->count++];

        memcpy(&address->address, info->ai_addr, info->ai_addrlen);
        address->length = info->ai_addrlen;
    }
    freeaddrinfo(first);
}

/*
 * The resolver. It closes its copies of the parent's connections, so that they can end,
 * and nothing else: a trace (bin/turns) would show a thousand failures to close.
 */
static _Noreturn void resolve(struct dial *dial, const char *host, int port, int out)
{
    struct dial_addresses found;

    for (int descriptor = 0; descriptor < FD_SETSIZE; descriptor++)
        if (descriptor != out && fcntl(descriptor, F_GETFD) != -1)
            close(descriptor);
    look_up(dial, host, port, 0);
    found = dial->found; /* a copy, since gcc's sanitizers mistake its size in *dial */
    _exit(write(out, &found, sizeof found) == -1);
}

static int start_resolver(struct dial *dial, const char *host, int port)
{
    int ends[2];

    if (pipe(ends) == -1)
        return -1;
    if (ends[0] >= FD_SETSIZE || ends[1] >= FD_SETSIZE)
        errno = EMFILE;
    else if (descriptor_prepare(ends[0]) == 0 && (dial->resolver = fork()) != -1) {
        if (dial->resolver == 0)
            resolve(dial, host, port, ends[1]);
        close(ends[1]);
        dial->descriptor = ends[0];
        return 0;
    }
    dial->resolver = 0;
    descriptor_close_keeping_errno(ends[0]);
    descriptor_close_keeping_errno(ends[1]);
    return -1;
}

/* Ends the resolver, unless it has written its result and ends by itself. */
static void end_resolver(struct dial *dial)
{
    if (dial->received < sizeof dial->found)
        kill(dial->resolver, SIGKILL);
    while (waitpid(dial->resolver, NULL, 0) == -1 && errno == EINTR)
        continue;
    dial->resolver = 0;
    close(dial->descriptor);
    dial->descriptor = -1;
}

/* Reads the resolver's result. Returns false if not all of it has come yet. */
static bool hear_resolver(struct dial *dial)
{
    ssize_t got = 1;

    while (got > 0 && dial->received < sizeof dial->found) {
        got = read(dial->descriptor, (char *)&dial->found + dial->received,
                   sizeof dial->found - dial->received);
        if (got > 0)
            dial->received += (size_t)got;
    }
    if (got == -1 && descriptor_try_again(errno) && clock_ms() < dial->deadline)
        return false;
    end_resolver(dial);
    if (dial->received < sizeof dial->found)
        dial->found = (struct dial_addresses){.failed = EAI_AGAIN};
    return true;
}

/* ---- Its addresses ------------------------------------------------------------------ */

/* Begins to connect to the next address. 0, or -1 with errno. */
static int try_next(struct dial *dial)
{
    const struct dial_address *to = &dial->found.list[dial->next++];
    const struct sockaddr *address = (const struct sockaddr *)&to->address;
    int descriptor = socket(address->sa_family, dial->type, 0), yes = 1;

    if (descriptor == -1)
        return -1;
    (void)setsockopt(descriptor, SOL_SOCKET, SO_OOBINLINE, &yes, sizeof yes);
    if (descriptor >= FD_SETSIZE) { /* select() could not watch it */
        errno = EMFILE;
    } else if (descriptor_prepare(descriptor) == 0 &&
               (connect(descriptor, address, to->length) == 0 || errno == EINPROGRESS)) {
        dial->descriptor = descriptor;
        dial->deadline = clock_ms() + dial->patience_ms;
        return 0;
    }
    descriptor_close_keeping_errno(descriptor);
    return -1;
}

/* The state of the connection: 0 (connected), an errno, or EINPROGRESS. */
static int outcome(const struct dial *dial)
{
    struct pollfd ready = {.fd = dial->descriptor, .events = POLLOUT};
    int is_ready = poll(&ready, 1, 0), error = 0;
    socklen_t length = sizeof error;

    if (is_ready == -1 && errno != EINTR)
        return errno;
    if (is_ready != 1)
        return clock_ms() < dial->deadline ? EINPROGRESS : ETIMEDOUT;
    if (getsockopt(dial->descriptor, SOL_SOCKET, SO_ERROR, &error, &length) == -1)
        return errno;
    return error;
}

int dial_step(struct dial *dial, const char **why)
{
    if (dial->resolver > 0 && !hear_resolver(dial))
        return DIAL_PENDING;
    if (dial->found.failed) {
        *why = dial->found.failed == EAI_SYSTEM ? strerror(dial->found.error)
                                                : gai_strerror(dial->found.failed);
        return -1;
    }
    for (;;) {
        if (dial->descriptor != -1) {
            dial->error = outcome(dial);
            if (dial->error == EINPROGRESS)
                return DIAL_PENDING;
            if (dial->error == 0) {
                int descriptor = dial->descriptor;

                dial->descriptor = -1;
                return descriptor;
            }
            dial_stop(dial);
        }
        if (dial->next >= dial->found.count) {
            struct dial_address *last = &dial->found.list[dial->next - 1];

            *why = address_error((struct sockaddr *)&last->address, dial->error);
            return -1;
        }
        if (try_next(dial) == -1)
            dial->error = errno;
    }
}

/* The deadline is now: the first step waits for nothing. */
static void prepare(struct dial *dial, int type, int patience_ms)
{
    *dial = (struct dial){.descriptor = -1,
                          .deadline = clock_ms(),
                          .type = type,
                          .patience_ms = patience_ms,
                          .error = EADDRNOTAVAIL};
}

void dial_start(struct dial *dial, const char *host, int port, int type, int patience_ms)
{
    prepare(dial, type, patience_ms);
    look_up(dial, host, port, AI_NUMERICHOST);
    if (dial->found.failed != EAI_NONAME)
        return;
    if (start_resolver(dial, host, port) == 0) {
        dial->found.failed = 0;
        dial->deadline += patience_ms;
    } else {
        dial->found.failed = EAI_SYSTEM;
        dial->found.error = errno;
    }
}

void dial_start_found(struct dial *dial, const struct dial_addresses *found, int type,
                      int patience_ms)
{
    prepare(dial, type, patience_ms);
    dial->found = *found;
}

void dial_watch(const struct dial *dial, struct fdset *readable, struct fdset *writable)
{
    fdset_add(dial->resolver > 0 ? readable : writable, dial->descriptor);
}

void dial_stop(struct dial *dial)
{
    if (dial->resolver > 0)
        end_resolver(dial);
    if (dial->descriptor != -1)
        close(dial->descriptor);
    dial->descriptor = -1;
}

/* ---- Waiting for it ----------------------------------------------------------------- */

int dial(const char *host, int port, int type, int patience_ms, const char **why)
{
    return dial_after(0, host, port, type, patience_ms, why);
}

int dial_after(int skip, const char *host, int port, int type, int patience_ms,
               const char **why)
{
    struct dial dial;
    int descriptor;

    prepare(&dial, type, patience_ms);
    look_up(&dial, host, port, 0);
    dial.next = skip;
    while ((descriptor = dial_step(&dial, why)) == DIAL_PENDING) {
        struct pollfd ready = {.fd = dial.descriptor, .events = POLLOUT};
        int64_t left = dial.deadline - clock_ms();

        if (poll(&ready, 1, left > 0 ? (int)left : 0) == -1) {
            *why = strerror(errno);
            dial_stop(&dial);
            return -1;
        }
    }
    return descriptor;
}
