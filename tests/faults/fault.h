/*
 * fault: what the runner (run.c) and the library that it loads into a program (shim.c) share:
 * which call is to fail, and what has happened. It lies in a file that both map.
 */
#ifndef TESTS_FAULTS_FAULT_H
#define TESTS_FAULTS_FAULT_H

#include <stdatomic.h>

/* The calls that can be made to fail. */
#define FAULT_CALLS(X)                                                                   \
    X(accept)                                                                            \
    X(bind)                                                                              \
    X(calloc)                                                                            \
    X(close)                                                                             \
    X(connect)                                                                           \
    X(dup)                                                                               \
    X(dup2)                                                                              \
    X(fchmod)                                                                            \
    X(fcntl)                                                                             \
    X(fork)                                                                              \
    X(fstat)                                                                             \
    X(fstatat)                                                                           \
    X(fsync)                                                                             \
    X(getaddrinfo)                                                                       \
    X(getnameinfo) X(getsockname) X(getsockopt) X(listen) X(malloc) X(open) X(openat)    \
        X(opendir) X(pipe) X(poll) X(pread) X(pselect) X(pthread_create) X(read)         \
            X(readdir) X(readlink) X(realloc) X(recv) X(recvmsg) X(rename) X(select)     \
                X(send) X(sendmsg) X(sendto) X(setrlimit) X(setsockopt) X(shutdown)      \
                    X(sigaction) X(sigprocmask) X(socket) X(tcgetattr) X(tcsetattr)      \
                        X(unlink) X(waitpid) X(write)

enum fault_call {
#define X(name) FAULT_##name,
    FAULT_CALLS(X)
#undef X
        FAULT_COUNT
};

/* In place of an errno: the call does its work, but takes or gives one byte only. */
#define FAULT_SHORT 0

#define FAULT_VICTIMS 16

struct fault {
    /* Calls number `first` to `last` of this kind fail (1 is the first). */
    int call, error;
    atomic_uint first, last;

    atomic_uint calls[FAULT_COUNT];    /* how many were made */
    atomic_uint fired;                 /* how many failed */
    atomic_int victims[FAULT_VICTIMS]; /* the peers' ports of their sockets */

    /* At the program's end: how many were there more than at its start. */
    int descriptors, blocks;
};

#endif
