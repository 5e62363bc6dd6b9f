/*
 * fault: which call of a program is to fail, and what has happened. run.c and shim.c, which
 * is loaded into the program, both map the file in which this is.
 */
#ifndef TESTS_FAULTS_FAULT_H
#define TESTS_FAULTS_FAULT_H

#include <stdatomic.h>

/* The calls that can be made to fail. */
enum fault_call {
    FAULT_accept,
    FAULT_bind,
    FAULT_calloc,
    FAULT_close,
    FAULT_connect,
    FAULT_dup,
    FAULT_dup2,
    FAULT_fchmod,
    FAULT_fcntl,
    FAULT_fork,
    FAULT_fstat,
    FAULT_fstatat,
    FAULT_fsync,
    FAULT_getaddrinfo,
    FAULT_getnameinfo,
    FAULT_getsockopt,
    FAULT_listen,
    FAULT_malloc,
    FAULT_open,
    FAULT_openat,
    FAULT_opendir,
    FAULT_pipe,
    FAULT_poll,
    FAULT_pread,
    FAULT_pselect,
    FAULT_pthread_create,
    FAULT_read,
    FAULT_readdir,
    FAULT_readlink,
    FAULT_realloc,
    FAULT_recv,
    FAULT_recvmsg,
    FAULT_rename,
    FAULT_select,
    FAULT_send,
    FAULT_sendmsg,
    FAULT_sendto,
    FAULT_setrlimit,
    FAULT_setsockopt,
    FAULT_shutdown,
    FAULT_socket,
    FAULT_tcgetattr,
    FAULT_tcsetattr,
    FAULT_unlink,
    FAULT_waitpid,
    FAULT_write,
    FAULT_COUNT
};

/* In place of an errno: the call succeeds, but moves one byte only. */
#define FAULT_SHORT 0

#define FAULT_VICTIMS 16

struct fault {
    /* Calls number `first` to `last` of this kind fail (1 is the first). */
    int call, error;
    atomic_uint first, last;

    atomic_uint calls[FAULT_COUNT];    /* how many were made */
    atomic_uint fired;                 /* how many failed */
    atomic_int victims[FAULT_VICTIMS]; /* the peers' ports of their sockets */

    /* How many more there were at the program's end than at its start. */
    int descriptors, blocks;
};

#endif
