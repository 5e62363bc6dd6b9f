/*
 * child: a server under test, as a child process
 *
 * Starts a command with its stdout in a pipe, finds in it the port that the server says
 * it listens on, reads the server's processor time and memory, and ends it. stderr is
 * passed through; stdin is /dev/null. Whoever starts a child has to call child_drain()
 * often, or poll child.output and call it then: a server that logs would otherwise wait
 * for room in the pipe.
 *
 * Functions return -1 and set errno when they fail, unless they say otherwise. The child is
 * a process group of its own, and what it starts ends with it.
 */
#ifndef LOAD_CHILD_H
#define LOAD_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct child {
    pid_t pid;
    int output; /* the pipe from its stdout, non-blocking; -1 at its end */
    bool ended;
    int status; /* as waitpid() gives it, once it has ended */
};

/* Starts command[0] (found as execvp() does) with the arguments in command[1..], NULL at
 * the end. A command that cannot be executed is a failure with exec's errno. */
int child_start(struct child *child, char *const command[]);

/* Reads its output up to the first line with "port N" in it, and returns N. errno is
 * ETIMEDOUT after `timeout_ms` or a signal, EPIPE when its output ended before. */
int child_port(struct child *child, int timeout_ms);

/* Reads what is in the pipe, without waiting, and throws it away. */
void child_drain(struct child *child);

/* Whether it's still running; when not, `ended` and `status` are set. */
bool child_running(struct child *child);

/*
 * The processor time that the child and all that come from it have used so far, user and
 * system together, in seconds; and their memory in KiB. -1 when that cannot be known. They
 * need Linux's /proc; elsewhere the time is the first process's alone. It includes that of
 * processes that ended, if their parents waited for them (those in steps of 10 ms). Memory
 * that several share, as forked processes and the users of a library do, counts once. They
 * read the whole process table: some 10 ms with 1,000 processes.
 */
double child_cpu_seconds(const struct child *child);
long child_memory_kib(const struct child *child);

/* Ends it, if it's still running: SIGTERM to the group; after `patience_ms`, SIGKILL. Then
 * closes the pipe. Returns whether SIGTERM was enough. */
bool child_stop(struct child *child, int patience_ms);

#endif
