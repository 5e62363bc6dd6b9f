#include "base/signals.h"

#include "base/clock.h"

#include <errno.h>
#include <stddef.h>

/* Unblocking signals takes two system calls, a twentieth of a small turn's cost. */
#define TURNS_UNTIL_SIGNALS 16

static volatile sig_atomic_t stop_requested;

static void request_stop(int signal_number)
{
    (void)signal_number;
    stop_requested = 1;
}

void signals_request_stop(void)
{
    stop_requested = 1;
}

bool signals_stop_requested(void)
{
    return stop_requested;
}

bool signals_ignores(int signal_number)
{
    struct sigaction now;

    return sigaction(signal_number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

static void handle(int signal_number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    sigemptyset(&action.sa_mask);
    sigaction(signal_number, &action, NULL);
}

void signals_handle(int signal_number, void (*handler)(int))
{
    handle(signal_number, handler, SA_RESTART);
}

void signals_add(struct signals *signals, int signal_number, void (*handler)(int))
{
    sigset_t blocked;

    sigemptyset(&blocked);
    sigaddset(&blocked, signal_number);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    /* The program may have been started with the signal blocked; unblock it anyway. */
    sigdelset(&signals->while_waiting, signal_number);
    handle(signal_number, handler, 0);
}

void signals_add_stop(struct signals *signals, int signal_number)
{
    signals_add(signals, signal_number, request_stop);
}

void signals_prepare(struct signals *signals)
{
    signals->turns = 0;
    sigprocmask(SIG_BLOCK, NULL, &signals->while_waiting);
    signals_add_stop(signals, SIGINT);
    signals_add_stop(signals, SIGTERM);
    if (!signals_ignores(SIGHUP))
        signals_add_stop(signals, SIGHUP);
}

void signals_let_in(const struct signals *signals)
{
    sigset_t blocked;

    sigprocmask(SIG_SETMASK, &signals->while_waiting, &blocked);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
}

int signals_pselect(struct signals *signals, struct fdset *readable,
                    struct fdset *writable, int64_t deadline)
{
    struct timespec timeout = {0};
    fd_set *to_read = readable == NULL ? NULL : &readable->set;
    fd_set *to_write = writable == NULL ? NULL : &writable->set;
    int highest = readable == NULL ? -1 : readable->highest;
    int ready;

    if (writable != NULL && writable->highest > highest)
        highest = writable->highest;
    if (deadline != INT64_MAX)
        timeout = clock_timespec(deadline - clock_ms());
    ready = pselect(highest + 1, to_read, to_write, NULL,
                    deadline == INT64_MAX ? NULL : &timeout,
                    signals == NULL ? NULL : &signals->while_waiting);
    if (ready > 0 && signals != NULL && ++signals->turns % TURNS_UNTIL_SIGNALS == 0)
        signals_let_in(signals);
    if (ready == -1 && errno == EINTR)
        ready = 0;
    if (ready == 0 && readable != NULL) /* after EINTR POSIX leaves them as they were */
        fdset_clear(readable);
    if (ready == 0 && writable != NULL)
        fdset_clear(writable);
    return ready;
}
