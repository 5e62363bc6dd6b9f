/*
 * processes: all that a program under test has started, whatever it did to get away.
 *
 * POSIX has only process groups, and a process leaves one with setsid(). It does not tell
 * what a running process has used. So this is the one module that asks Linux: for the
 * orphans of our descendants (prctl PR_SET_CHILD_SUBREAPER), and for the process table and
 * the connections (proc(5)). On another system each function does what its comment says, and
 * the group must be enough.
 */
#ifndef SCENE_PROCESSES_H
#define SCENE_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Orphans among our descendants become our children; elsewhere they get away. The loopback
 * interface, which is down in a new network namespace, is brought up.
 */
void processes_prepare(void);

/* In a child before exec(): it is killed when this program ends. Elsewhere it lives on. */
void processes_die_with_parent(void);

/*
 * In a child of root before exec(): becomes that user, with the user's groups. 0, or -1
 * with errno.
 */
int processes_become(const char *name, uid_t uid, gid_t gid);

/*
 * The same for a number that is nobody's. No limit on processes holds for root (setrlimit(2)),
 * so this is for a program that may do what root may do, and fork no more than others. It
 * keeps root's access to files (capabilities(7)); elsewhere it loses that, too.
 */
int processes_leave_root(uid_t uid);

/*
 * Kills all descendants of this program and waits for them, until there is none. False:
 * some are still there, or nobody can tell.
 */
bool processes_kill_all(void);

/* Do all our descendants wait for something? Elsewhere nobody can tell: true. */
bool processes_asleep(void);

/*
 * The processor time in ns that our descendants have used so far; and in *waited the time
 * in which they had work to do and waited for a processor. Elsewhere both are 0.
 */
int64_t processes_cpu_ns(int64_t *waited);

/*
 * Does one of our descendants run another program? `file` is the end of the path of the one
 * that is allowed. Writes the other's path to `other`, of `size` bytes. Systems without /proc
 * cannot tell: false.
 */
bool processes_run_another(const char *file, char *other, size_t size);

/* How many processes and threads the user has; -1 elsewhere. */
long processes_of(uid_t uid);

/*
 * How many bytes of a TCP connection over 127.0.0.1 are on their way from the client to the
 * server, or have arrived and were not read yet; -1 if nobody can tell.
 */
long processes_unread(int server_port, int client_port);

#endif
