/*
 * cage: a program that nobody trusts, in its own session and process group. It is not a
 * prison: docs/grade.md says what it promises, and what it does not.
 *
 * What the program prints is always read: a program that waits for room in a pipe would look
 * as if it hung. The last 16 KB are kept. Its standard input is a pipe in which nothing comes
 * and which does not end.
 */
#ifndef SCENE_CAGE_H
#define SCENE_CAGE_H

#include "scene/bytes.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CAGE_KEPT       16384 /* bytes of each output */
#define CAGE_TERM_MS    2000  /* from SIGTERM to SIGKILL */
#define CAGE_STOP_MS    5000  /* for SIGSTOP to take effect on a busy machine */
#define CAGE_AGAIN_MS   10000 /* to try a start again when there are no processes */
#define CAGE_POLL_FDS   2
#define CAGE_CPU_S      60
#define CAGE_MEMORY     ((size_t)1 << 30) /* of data: Java and Go take more addresses */
#define CAGE_FILE_BYTES ((size_t)16 << 20)

/* Who it runs as. If this program is root, that may be somebody else. */
struct cage_user {
    const char *name; /* NULL: only the number is to change, see processes_leave_root() */
    uid_t uid;
    gid_t gid;
};

/* All zero bytes is a cage in which nothing was started yet. */
struct cage {
    pid_t pid; /* also of its group; 0: none runs */
    bool gone; /* it has ended, and `status` is waitpid()'s */
    int status;
    int input, out, err;
    struct bytes printed, complained; /* the last CAGE_KEPT bytes of out and err */
    bool is_deaf; /* SIGTERM was not enough for it, so the next gets SIGKILL at once */
};

struct cage_start {
    const char *const *command; /* NULL at its end; found as execvp() finds it */
    const char *directory;      /* where it runs; NULL: here */
    unsigned long descriptors;  /* its RLIMIT_NOFILE; 0: as many as this program has */
    const struct cage_user *user;
};

/* Starts it. 0, or -1 with errno, even if it was exec() that failed. cage_end() frees it. */
int cage_start(struct cage *cage, const struct cage_start *start);

/* Writes what to poll() for to `polled` of CAGE_POLL_FDS. */
struct pollfd;
void cage_watch(const struct cage *cage, struct pollfd *polled);

/* Takes what it has printed, and notices its end, without waiting. */
void cage_read(struct cage *cage);

/* Waits for its end, at most `ms`, and reads on meanwhile. */
bool cage_wait(struct cage *cage, int ms);

/* Sends a signal to its group. */
void cage_signal(const struct cage *cage, int signal_number);

/* Stops it (SIGSTOP), and returns when it has stopped; SIGCONT makes it go on. */
void cage_pause(struct cage *cage);

/*
 * Ends it and all that it has started: SIGTERM, 2 s, SIGKILL. What was printed stays until
 * cage_free(). False: something is left.
 */
bool cage_end(struct cage *cage);
void cage_free(struct cage *cage);

/* Adds how it ended, such as "status 1" or "SIGSEGV". */
void cage_explain(const struct cage *cage, struct bytes *out);

/* Adds its last lines on standard error; or if it gave up without any, on standard output. */
#define CAGE_LAST_LINES 5
void cage_last_words(const struct cage *cage, struct bytes *out);

#endif
