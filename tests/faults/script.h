/*
 * script: a program under test, driven by a script from all its ends: its standard streams,
 * connections to it, and connections that it makes.
 *
 * An end has a letter: i, o and e are the program's standard streams; any other one is a
 * connection, u one of datagrams. A script has a step on each line:
 *
 *     @TEXT     the first line of o begins so, and ends in the port to connect to
 *     +x        connects to that port
 *     ?x &x     accepts a connection of the program, which was given the ports % and &
 *     x>TEXT    sends a line; | in it is CR LF, $y the address of end y, % and & the ports
 *     x-TEXT    the same without a line end
 *     x=TEXT    the line must come; others before it are passed over; *TEXT: it holds this
 *     x*N       sends N bytes, which must come back
 *     u@N       returns N datagrams as they come
 *     x.        sends nothing more (i: closes it)
 *     x~        the connection must be closed by the program
 *     !         SIGTERM
 *
 * The connection that a fault has hit, the victim, may be closed by the program: then the
 * steps that need it are left out. Nobody else may miss anything, and a victim that is not
 * closed may not either. A step needs its own end, those that it names with $, and the end
 * that has sent last.
 */
#ifndef TESTS_FAULTS_SCRIPT_H
#define TESTS_FAULTS_SCRIPT_H

#include "tests/faults/fault.h"

#include <stdbool.h>
#include <stddef.h>

/* What a program is; it may be several of them. */
enum {
    IS_SERVER = 1,     /* it must not end before it is asked to */
    SAYS_THE_SAME = 2, /* with status 0, it must have printed what it always prints */
    AT_TERMINAL = 4,   /* i and o are a terminal; what is typed there is a line's text */
    MAY_SPIN = 16,     /* while nobody can be accepted; its source says so */
    IS_QUIET = 8       /* it says nothing of its clients; or it serves datagrams */
};

struct scenario {
    const char *name;
    const char *command; /* words; in them % and & are the ports of ?x and &x */
    const char *steps;
    unsigned kind;
};

struct outcome {
    char failure[512]; /* "" if all is as it must be */
    int status;        /* of the program; 128 and the signal that ended it */
    int cpu_ms;
    int left_out; /* steps */
    bool is_told; /* a client was told the reason, or that there is no place for it */
    char out[8192], err[8192];
};

/*
 * Runs the script. `fault` is mapped from `fault_file`, and says what is to fail; it is
 * filled with what happened. `patience_ms` is for each step. A fault that lasts is lifted after a moment in which nothing
 * goes on.
 */
void script_run(const struct scenario *scenario, struct fault *fault,
                const char *fault_file, int patience_ms, struct outcome *outcome);

/* Are the system's words for the fault in what the program has printed? */
bool script_is_said(const struct fault *fault, const struct outcome *outcome);

#endif
