/*
 * terminal: reads single keys from a terminal, and restores it afterwards.
 */
#ifndef TERMINAL_TERMINAL_H
#define TERMINAL_TERMINAL_H

#include <stdbool.h>
#include <termios.h>

struct terminal {
    int descriptor;        /* of the terminal that the keys come from */
    bool keyed;            /* terminal_enter() is in force... */
    struct termios before; /* ...and these were the settings before it */
};

/*
 * Makes the terminal pass on each byte as it is typed: no echo, no line editing by the
 * system, no flow control with Ctrl-S. The keys that send signals (Ctrl-C, Ctrl-Z) still
 * do, so they work however busy the program is. Output settings stay the same. 0, or -1
 * with errno. Called in the background, it stops the program (SIGTTOU) until it is in the
 * foreground.
 */
int terminal_enter(struct terminal *terminal);

/*
 * Do the terminal's keys go to this program? In the background they go to another: reading
 * a key there stops the program (SIGTTIN). On another session's terminal reading never
 * stops it: true.
 */
bool terminal_in_foreground(const struct terminal *terminal);

/* Is that so, and is terminal_enter() in force? */
bool terminal_is_ours(const struct terminal *terminal);

/*
 * Restores the settings, unless another program has the terminal and its own settings. It
 * never waits, and fails only if the terminal is gone.
 */
void terminal_leave(struct terminal *terminal);

/* Stops the program as Ctrl-Z stops one without a handler. Returns once it is continued. */
void terminal_stop_program(void);

/* The width of the terminal in columns; 80 if it is unknown. */
int terminal_columns(const struct terminal *terminal);

/* SIGWINCH, the signal for a change of size. */
int terminal_resize_signal(void);

#endif
