/*
 * terminal: a terminal whose keys are read one by one, and put back as it was.
 */
#ifndef TERMINAL_TERMINAL_H
#define TERMINAL_TERMINAL_H

#include <stdbool.h>
#include <termios.h>

struct terminal {
    int descriptor;        /* the terminal's: where its keys come from */
    bool keyed;            /* terminal_enter() is in force */
    struct termios before; /* and this is what it changed */
};

/*
 * Hands over each byte as it is typed: no echo, no line editing by the system, no flow
 * control with Ctrl-S. The keys that send signals (Ctrl-C, Ctrl-Z) still do, so they work
 * however busy the program is. What it was before is kept; the output is left alone.
 * 0, or -1 with errno. Called in the background it stops the program (SIGTTOU) until it
 * is in the foreground.
 */
int terminal_enter(struct terminal *terminal);

/*
 * Are its keys for this program? In the background they are somebody else's: to read one
 * there stops the program (SIGTTIN). A terminal of another session stops nobody: true.
 */
bool terminal_in_foreground(const struct terminal *terminal);

/* The same, and terminal_enter() is in force. */
bool terminal_is_ours(const struct terminal *terminal);

/*
 * Puts it back; without effect if it is not ours: who has taken it has set it as they like.
 * It waits for nothing.
 */
void terminal_leave(struct terminal *terminal);

/* Stops the program as Ctrl-Z stops one without a handler. Returns when it is continued. */
void terminal_stop_program(void);

/* How many columns it has; 80 if it doesn't say. */
int terminal_columns(const struct terminal *terminal);

/* The signal that a change of its size sends; 0 where there is none. */
int terminal_resize_signal(void);

#endif
