#include "net/signals.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

static bool is_ignored(int signal_number)
{
    struct sigaction now;

    return sigaction(signal_number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

int signals_prepare(void (*on_stop)(int), sigset_t *while_waiting)
{
    static const int stopping[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction stop = {.sa_handler = on_stop}, ignore = {.sa_handler = SIG_IGN};
    sigset_t blocked;

    (void)sigemptyset(&stop.sa_mask);
    (void)sigemptyset(&ignore.sa_mask);
    (void)sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof stopping / sizeof stopping[0]; i++) {
        if (stopping[i] == SIGHUP && is_ignored(SIGHUP))
            continue;
        (void)sigaddset(&blocked, stopping[i]);
        if (sigaction(stopping[i], &stop, NULL) == -1)
            return -1;
    }
    if (sigaction(SIGPIPE, &ignore, NULL) == -1 ||
        sigaction(SIGXFSZ, &ignore, NULL) == -1 ||
        sigprocmask(SIG_BLOCK, &blocked, while_waiting) == -1)
        return -1;
    /* Whoever started the program may have blocked them; they are let in all the same. */
    for (size_t i = 0; i < sizeof stopping / sizeof stopping[0]; i++)
        (void)sigdelset(while_waiting, stopping[i]);
    return 0;
}

int signals_pselect(int count, fd_set *readable, fd_set *writable,
                    const struct timespec *timeout, const sigset_t *while_waiting)
{
    int ready = pselect(count, readable, writable, NULL, timeout, while_waiting);
    sigset_t blocked;

    if (ready > 0) {
        /* Neither can fail: the masks are whole, and the first argument is known. */
        (void)sigprocmask(SIG_SETMASK, while_waiting, &blocked);
        (void)sigprocmask(SIG_SETMASK, &blocked, NULL);
    }
    if (ready == -1 && errno == EINTR) {
        FD_ZERO(readable);
        FD_ZERO(writable);
        ready = 0;
    }
    return ready;
}
