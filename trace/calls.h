/*
 * calls: the system calls in what strace writes, as soon as it writes them.
 *
 * strace shows a call twice: its beginning when the program makes the call, the rest when
 * the call returns. Until then the line has no end. So this reads bytes and not lines, and
 * gives a call that waits as CALL_BEGUN. When another task is faster, strace cuts the line
 * (`<unfinished ...>`) and goes on with it later (`<... resumed>`); here it is whole again.
 *
 * The lines are those of `strace -f -T -yy -a 1 -o`: the number of the task, the call, its
 * result, and how long it took.
 *
 *     4711 recvfrom(4<TCP:[127.0.0.1:4000->127.0.0.1:40312]>, "Hi\n", 100, 0, NULL, NULL)
 *          = 3 <0.000064>
 */
#ifndef TRACE_CALLS_H
#define TRACE_CALLS_H

#include <stddef.h>
#include <sys/types.h>

/* Of a longer line the rest is left out. A poll() of 10,000 descriptors fits. */
#define CALLS_LINE_MOST (1 << 20)

enum call_kind {
    CALL_NONE,   /* the bytes so far show no call */
    CALL_BEGUN,  /* the program is in this call; given again as more of it comes */
    CALL_ENDED,  /* it has returned */
    CALL_SIGNAL, /* `name` has arrived: "SIGINT" */
    CALL_EXIT    /* the task is gone; `name` says how: "exited with 0" */
};

/* The strings belong to the reader, and last until the next calls_take(). */
struct call {
    enum call_kind kind;
    pid_t task;            /* a process, or a thread */
    const char *name;      /* "recvfrom" */
    const char *arguments; /* what follows the parenthesis, as strace shows it */
    const char *result;    /* "3", "-1 EPIPE (Broken pipe)", "?"; "" while it has begun */
    double seconds;        /* how long it took */
};

/* The beginning of a call which another task has interrupted. */
struct calls_cut {
    pid_t task;
    char *text;
    struct calls_cut *next;
};

/* The reader. All zero bytes is the start of a trace. It is large: better static. */
struct calls {
    size_t length; /* of the line so far */
    struct calls_cut *cut;
    char line[CALLS_LINE_MOST + 1];
    char whole[2 * CALLS_LINE_MOST + 1]; /* the call that was given last, taken apart */
};

/*
 * Takes bytes up to the end of a line, or all. Returns how many it took, at least 1 if
 * there are any, and what they show in *call.
 */
size_t calls_take(struct calls *calls, const char *bytes, size_t length,
                  struct call *call);

void calls_free(struct calls *calls);

/*
 * Where `what` is in strace's text, outside of all strings, or NULL. Whatever a peer
 * sends is within a string, so it is never taken for anything else.
 */
const char *calls_find(const char *text, const char *what);

/* The end of the string that begins here with a quote: its closing quote, or the NUL. */
const char *calls_string_end(const char *text);

#endif
