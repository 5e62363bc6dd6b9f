/*
 * POSIX.1-2008 lacks a terminal's size, and the signal that reports a change. Every system
 * has them, and POSIX.1-2024 adds them (tcgetwinsize(), SIGWINCH). The BSDs' headers hide
 * them from a program that asks for POSIX only, so this file does not.
 */
#undef _POSIX_C_SOURCE
#define _DEFAULT_SOURCE 1

#include "terminal/terminal.h"

#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define USUAL_COLUMNS 80

int terminal_enter(struct terminal *terminal)
{
    struct termios keyed;

    /* After SIGCONT without a stop the settings are still ours, so `before` is right. */
    if (!terminal->keyed && tcgetattr(terminal->descriptor, &terminal->before) == -1)
        return -1;
    keyed = terminal->before;
    keyed.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IGNCR | INPCK | ISTRIP | IXON);
    keyed.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN);
    keyed.c_lflag |= ISIG | NOFLSH; /* keep what was typed before Ctrl-Z */
    keyed.c_cc[VMIN] = 1;
    keyed.c_cc[VTIME] = 0;
    if (tcsetattr(terminal->descriptor, TCSANOW, &keyed) == -1)
        return -1;
    terminal->keyed = true;
    return 0;
}

bool terminal_in_foreground(const struct terminal *terminal)
{
    pid_t foreground = tcgetpgrp(terminal->descriptor);

    return foreground == -1 || foreground == getpgrp();
}

bool terminal_is_ours(const struct terminal *terminal)
{
    return terminal->keyed && terminal_in_foreground(terminal);
}

void terminal_leave(struct terminal *terminal)
{
    if (terminal_is_ours(terminal))
        tcsetattr(terminal->descriptor, TCSANOW, &terminal->before);
    terminal->keyed = false;
}

void terminal_stop_program(void)
{
    struct sigaction stop = {.sa_handler = SIG_DFL}, before;
    sigset_t stopping;

    sigemptyset(&stop.sa_mask);
    sigemptyset(&stopping);
    sigaddset(&stopping, SIGTSTP);
    sigaction(SIGTSTP, &stop, &before);
    raise(SIGTSTP);
    sigprocmask(SIG_UNBLOCK, &stopping, NULL); /* the program stops here, until SIGCONT */
    sigprocmask(SIG_BLOCK, &stopping, NULL);
    sigaction(SIGTSTP, &before, NULL);
}

int terminal_columns(const struct terminal *terminal)
{
    struct winsize size;

    if (ioctl(terminal->descriptor, TIOCGWINSZ, &size) == -1 || size.ws_col == 0)
        return USUAL_COLUMNS;
    return size.ws_col;
}

int terminal_resize_signal(void)
{
    return SIGWINCH;
}
