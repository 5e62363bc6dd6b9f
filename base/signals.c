#include "base/signals.h"

#include <errno.h>
#include <stddef.h>

/* Two system calls are a twentieth of a small turn: not for each of them. */
#define TURNS_UNTIL_SIGNALS 16

bool signals_ignores(int signal_number)
{
    struct sigaction now;

    return sigaction(signal_number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

static int handle(int signal_number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    (void)sigemptyset(&action.sa_mask);
    return sigaction(signal_number, &action, NULL);
}

int signals_handle(int signal_number, void (*handler)(int))
{
    return handle(signal_number, handler, SA_RESTART);
}

/* Lets it in, and only where the server waits. */
static int add(struct signals *signals, int signal_number, void (*handler)(int))
{
    sigset_t blocked;

    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, signal_number);
    if (sigprocmask(SIG_BLOCK, &blocked, NULL) == -1)
        return -1;
    /* Whoever started the program may have blocked it; it is let in all the same. */
    (void)sigdelset(&signals->while_waiting, signal_number);
    return handle(signal_number, handler, 0);
}

int signals_add(struct signals *signals, int signal_number, void (*handler)(int))
{
    return signals_ignores(signal_number) ? 0 : add(signals, signal_number, handler);
}

int signals_prepare(struct signals *signals, void (*on_stop)(int))
{
    signals->turns = 0;
    if (sigprocmask(SIG_BLOCK, NULL, &signals->while_waiting) == -1 ||
        add(signals, SIGINT, on_stop) == -1 || add(signals, SIGTERM, on_stop) == -1)
        return -1;
    return signals_add(signals, SIGHUP, on_stop);
}

/* Neither call can fail: the masks are whole. */
void signals_let_in(const struct signals *signals)
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
        signals_let_in(signals);
    if (ready == -1 && errno == EINTR) {
        if (readable != NULL)
            FD_ZERO(readable);
        if (writable != NULL)
            FD_ZERO(writable);
        ready = 0;
    }
    return ready;
}
