#include "net/signals.h"

#include <stddef.h>

static int is_ignored(int signal_number)
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
        sigprocmask(SIG_BLOCK, &blocked, while_waiting) == -1)
        return -1;
    /* Whoever started the program may have blocked them; they are let in all the same. */
    for (size_t i = 0; i < sizeof stopping / sizeof stopping[0]; i++)
        (void)sigdelset(while_waiting, stopping[i]);
    return 0;
}
