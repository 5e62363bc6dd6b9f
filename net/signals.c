#include "net/signals.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

/* Two system calls are a twentieth of a small turn: not for each of them. */
#define TURNS_UNTIL_SIGNALS 16

static bool is_ignored(int signal_number)
{
    struct sigaction now;

    return sigaction(signal_number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

int signals_prepare(struct signals *signals, void (*on_stop)(int))
{
    static const int stopping[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction stop = {.sa_handler = on_stop}, ignore = {.sa_handler = SIG_IGN};
    sigset_t blocked;

    signals->turns = 0;
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
        sigprocmask(SIG_BLOCK, &blocked, &signals->while_waiting) == -1)
        return -1;
    /* Whoever started the program may have blocked them; they are let in all the same. */
    for (size_t i = 0; i < sizeof stopping / sizeof stopping[0]; i++)
        (void)sigdelset(&signals->while_waiting, stopping[i]);
    return 0;
}

/* What is pending is delivered at once. Neither call can fail: the masks are whole. */
static void let_in(const struct signals *signals)
{
    sigset_t blocked;

    (void)sigprocmask(SIG_SETMASK, &signals->while_waiting, &blocked);
    (void)sigprocmask(SIG_SETMASK, &blocked, NULL);
}

int signals_pselect(struct signals *signals, int count, fd_set *readable,
                    fd_set *writable, const struct timespec *timeout)
{
    int ready =
        pselect(count, readable, writable, NULL, timeout, &signals->while_waiting);

    if (ready > 0 && ++signals->turns % TURNS_UNTIL_SIGNALS == 0)
        let_in(signals);
    if (ready == -1 && errno == EINTR) {
        FD_ZERO(readable);
        FD_ZERO(writable);
        ready = 0;
    }
    return ready;
}
