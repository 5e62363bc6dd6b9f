/*
 * steps: what a system call means to somebody who watches a server.
 *
 * A step is a wait for many descriptors, something done with one descriptor, or something
 * that happens to a task.
 */
#ifndef TRACE_STEPS_H
#define TRACE_STEPS_H

#include "trace/calls.h"

#include <stdbool.h>
#include <stddef.h>

enum step_kind {
    STEP_NONE,    /* of no interest here */
    STEP_WAIT,    /* select(), poll() or epoll_wait() */
    STEP_ACCEPT,  /* `other` is the new descriptor, `text` the peer */
    STEP_RECEIVE, /* from a socket or a pipe */
    STEP_SEND,
    STEP_PLAIN,  /* something else with a descriptor */
    STEP_EPOLL,  /* epoll_ctl(): of interest to steps_read() alone */
    STEP_FORK,   /* `other` is the new task, a process or a thread */
    STEP_SIGNAL, /* has arrived; `text` is its name */
    STEP_EXIT    /* the task is gone; `text` says how */
};

/* For what a descriptor in a wait was watched, and for what it was ready. */
#define WATCH_READ  1U
#define WATCH_WRITE 2U
#define READY_READ  4U
#define READY_WRITE 8U

/* The descriptors in a wait, in order, each once. Any over WATCHES_MOST are left out. */
#define WATCHES_MOST 2048
struct watches {
    size_t count;
    struct watch {
        int descriptor;
        unsigned flags;
    } list[WATCHES_MOST];
};

struct step {
    enum step_kind kind;
    bool is_over;   /* false: the task is in the call now, and its results are missing */
    double seconds; /* how long it took */
    const char *verb; /* "select", "recv", ... */
    int descriptor;   /* -1: none */
    long bytes;       /* received or sent */
    unsigned long of; /* how many at most; 0: the call does not say */
    bool is_end;      /* nothing was received: the peer has closed */
    bool is_hidden;   /* standard input and output, files, bind(), MSG_PEEK, and EAGAIN */
    bool is_network;  /* the descriptor is not a pipe or a file */
    int other;
    char error[24];                /* "EPIPE"; "": none */
    char text[256];                /* escaped as in C */
    bool is_cut;                   /* the text goes on */
    const struct watches *watches; /* of a STEP_WAIT, until the next steps_read() */
};

/* What epoll_ctl() has entered, since epoll_wait() does not say what it waits for. */
struct steps_interest {
    pid_t process; /* 0: a free place */
    int epoll, descriptor;
    unsigned flags;
    char data[48]; /* what epoll_wait() will give back, as strace shows it */
};

/* All zero bytes is the start of a trace. */
struct steps {
    struct watches watches;
    struct steps_interest interests[WATCHES_MOST];
};

/* Writes strace's option -e for the calls that matter. */
#define STEPS_CALLS_MOST 512
void steps_calls(char out[STEPS_CALLS_MOST]);

/* Says what a call means. `process` is the one to which the task belongs. */
void steps_read(struct steps *steps, const struct call *call, pid_t process,
                struct step *step);

#endif
