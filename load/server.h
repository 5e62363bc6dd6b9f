/*
 * server: the server under test, as a child process.
 *
 * Its stdout is a pipe, its stdin /dev/null; stderr is passed through. The caller must
 * poll server.output and call server_drain(): otherwise a server that logs would wait for
 * room in the pipe. The server leads a process group. What it starts counts as its own,
 * and ends with it.
 */
#ifndef LOAD_SERVER_H
#define LOAD_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct server {
    pid_t pid;
    int output; /* the pipe from its stdout, non-blocking; -1 after its end */
    bool ended;
    int status; /* as waitpid() gives it, once it has ended */
};

/*
 * Starts the command (found as by execvp(); NULL ends the arguments) and returns its port
 * on 127.0.0.1. That is `port` if it is not 0. Otherwise, if an argument contains %p, a
 * free port replaces it; if none does, the server has 5 s to print "port N" in a line.
 * Returns -1 with the reason in *why if it does not start, or has no port.
 */
int server_start(struct server *server, char *command[], int port, const char **why);

/* Throws away what is in the pipe, without waiting. */
void server_drain(struct server *server);

bool server_runs(struct server *server);

/* What the group has used so far. Memory that several processes share, as forked ones do,
 * counts once. Only Linux's /proc shows the group: elsewhere the processor time is that of
 * the first process, and the memory is 0. */
struct server_usage {
    double cpu;      /* seconds, user and system; -1: not known */
    long memory_kib; /* 0: not asked for, or not known */
};
struct server_usage server_usage(const struct server *server, bool with_memory);

/* Ends it: SIGTERM, and SIGKILL after 3 s. Returns whether SIGTERM was enough. */
bool server_stop(struct server *server);

#endif
