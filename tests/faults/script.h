/*
 * script: runs a program under test, and plays everything around it: its terminal or pipes,
 * its clients, and the servers that it calls.
 *
 * An end is one letter: i, o and e are the program's standard streams, u is a UDP socket,
 * and any other letter is a TCP connection. A script has one step on each line:
 *
 *     @TEXT     wait for the program's first line: TEXT and the port that it listens on
 *     +x        connect to that port
 *     ?x &x     accept a connection from the program, whose command names the port % or &
 *     x>TEXT    send a line. | is CR LF, $y the address of end y, % and & are the ports
 *     x-TEXT    the same without a line end
 *     x=TEXT    wait for this line, and pass over others. *TEXT: for a line with TEXT in it
 *     x*N       send N bytes, and wait until they have come back
 *     u@N       send N datagrams back as they come
 *     x.        send nothing more (i: close it)
 *     x~        wait until the program closes the connection
 *     !         send SIGTERM
 *
 * A fault may hit one connection, the victim. The program may close it, and the steps that
 * need it are then left out. All other ends must get everything, and so must a victim that
 * is not closed. A step needs its own end, the ends that it names with $, and, if it waits
 * for a line, the end that sent last.
 */
#ifndef TESTS_FAULTS_SCRIPT_H
#define TESTS_FAULTS_SCRIPT_H

#include "tests/faults/fault.h"

#include <stdbool.h>
#include <stddef.h>

/* The kinds of programs. One may be of several. */
enum {
    IS_SERVER = 1,     /* it runs until SIGTERM */
    SAYS_THE_SAME = 2, /* if its status is 0, its output is always the same */
    AT_TERMINAL = 4,   /* its standard input and output are a terminal */
    IS_QUIET = 8,      /* it prints nothing about its clients, or it serves datagrams */
    MAY_SPIN = 16      /* its source says that it spins while accept() fails */
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
 * Runs the script, and waits at most `patience_ms` for each step. `fault`, mapped from the
 * file `fault_file`, says what is to fail; what happened is added to it. A lasting fault
 * ends when nothing has come for a quarter of a second.
 */
void script_run(const struct scenario *scenario, struct fault *fault,
                const char *fault_file, int patience_ms, struct outcome *outcome);

/* Has the program printed the reason, in the words of strerror()? */
bool script_is_said(const struct fault *fault, const struct outcome *outcome);

#endif
