/* child - see child.h */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    DRAIN_SIZE = 65536, /* what a pipe holds on Linux: one read empties it */
    LINE_SIZE = 512,    /* of a line that may name the port; the rest is not looked at */
    WAIT_MS = 10        /* how often child_stop() looks whether it has ended */
};

static long now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
    return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* In the new process: becomes the command, or writes errno to `failed` and is gone. */
static void become(char *const command[], int output, int failed)
{
    int null = open("/dev/null", O_RDONLY);
    int why;

    if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0) {
        if (null > STDERR_FILENO)
            close(null);
        execvp(command[0], command);
    }
    why = errno;
    (void)!write(failed, &why, sizeof why); /* if nobody reads it, nobody asked */
    _exit(127);
}

static int cloexec_pipe(int ends[2])
{
    if (pipe(ends) < 0)
        return -1;
    if (fcntl(ends[0], F_SETFD, FD_CLOEXEC) < 0 ||
        fcntl(ends[1], F_SETFD, FD_CLOEXEC) < 0) {
        close(ends[0]);
        close(ends[1]);
        return -1;
    }
    return 0;
}

/* `failed` is closed by a successful exec, so that reading its end means success. */
int child_start(struct child *child, char *const command[])
{
    int output[2], failed[2], why = 0;

    if (cloexec_pipe(output) < 0)
        return -1;
    if (cloexec_pipe(failed) < 0) {
        close(output[0]);
        close(output[1]);
        return -1;
    }
    (void)fcntl(output[0], F_SETFL, O_NONBLOCK); /* cannot fail for a pipe */
    *child = (struct child){.output = output[0]};
    child->pid = fork();
    if (child->pid == 0)
        become(command, output[1], failed[1]);
    if (child->pid < 0)
        why = errno;
    close(output[1]);
    close(failed[1]);
    if (child->pid > 0 && read(failed[0], &why, sizeof why) == sizeof why)
        (void)waitpid(child->pid, NULL, 0);
    close(failed[0]);
    if (why == 0)
        return 0;
    close(child->output);
    child->output = -1;
    child->ended = true;
    errno = why;
    return -1;
}

/* The number after the first "port " that a digit follows, or -1. */
static int port_in(const char *line)
{
    for (const char *at = line; (at = strstr(at, "port ")) != NULL;) {
        at += strlen("port ");
        if (*at >= '0' && *at <= '9') {
            long port = strtol(at, NULL, 10);
            return port <= 65535 ? (int)port : -1;
        }
    }
    return -1;
}

int child_port(struct child *child, int timeout_ms)
{
    long deadline = now_ms() + timeout_ms;
    char line[LINE_SIZE];
    size_t length = 0;

    for (;;) {
        struct pollfd output = {.fd = child->output, .events = POLLIN};
        long left = deadline - now_ms();
        char byte;

        /* A byte at a time: nothing after that line is taken, and it's one line. */
        ssize_t count = read(child->output, &byte, 1);
        if (count == 0) {
            errno = EPIPE;
            return -1;
        }
        if (count < 0 && (left <= 0 || poll(&output, 1, (int)left) == 0)) {
            errno = ETIMEDOUT;
            return -1;
        }
        if (count == 1 && byte == '\n') {
            line[length] = '\0';
            if (port_in(line) > 0)
                return port_in(line);
            length = 0;
        } else if (count == 1 && length < sizeof line - 1) {
            line[length++] = byte;
        }
    }
}

void child_drain(struct child *child)
{
    char unread[DRAIN_SIZE];
    ssize_t count = DRAIN_SIZE;

    while (child->output >= 0 && count == DRAIN_SIZE)
        count = read(child->output, unread, sizeof unread);
    if (count == 0) {
        close(child->output);
        child->output = -1;
    }
}

bool child_running(struct child *child)
{
    if (!child->ended && waitpid(child->pid, &child->status, WNOHANG) == child->pid)
        child->ended = true;
    return !child->ended;
}

double child_cpu_seconds(const struct child *child)
{
    struct timespec used;
    clockid_t clock;

    if (child->ended || clock_getcpuclockid(child->pid, &clock) != 0 ||
        clock_gettime(clock, &used) < 0)
        return -1;
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* POSIX has no call for it. Linux says it in a file of /proc, and where there is none the
 * answer is that it isn't known. */
long child_memory_kib(const struct child *child)
{
    char path[64], line[256];
    long kib = -1;
    FILE *status;

    snprintf(path, sizeof path, "/proc/%ld/status", (long)child->pid);
    status = fopen(path, "r");
    if (status == NULL)
        return -1;
    while (kib < 0 && fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, "VmRSS:", strlen("VmRSS:")) == 0)
            kib = strtol(line + strlen("VmRSS:"), NULL, 10);
    }
    fclose(status);
    return kib;
}

bool child_stop(struct child *child, int patience_ms)
{
    long deadline = now_ms() + patience_ms;
    bool gently = true;

    if (child_running(child))
        kill(child->pid, SIGTERM);
    while (child_running(child)) {
        struct pollfd output = {.fd = child->output, .events = POLLIN};

        (void)poll(&output, 1, WAIT_MS); /* an early return does no harm */
        child_drain(child);
        if (gently && now_ms() >= deadline) {
            gently = false;
            kill(child->pid, SIGKILL);
        }
    }
    if (child->output >= 0)
        close(child->output);
    child->output = -1;
    return gently;
}
