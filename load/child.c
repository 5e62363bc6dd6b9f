#include "load/child.h"

#include "base/clock.h"

#include <dirent.h>
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

/* In the new process: becomes the command, or writes errno to `failed` and is gone. */
static void become(char *const command[], int output, int failed)
{
    int null = open("/dev/null", O_RDONLY);
    int why;

    if (null != -1 && setpgid(0, 0) == 0 && dup2(null, STDIN_FILENO) != -1 &&
        dup2(output, STDOUT_FILENO) != -1) {
        if (null > STDERR_FILENO)
            (void)close(null);
        execvp(command[0], command);
    }
    why = errno;
    (void)!write(failed, &why, sizeof why); /* if nobody reads it, nobody asked */
    _exit(127);
}

static int cloexec_pipe(int ends[2])
{
    if (pipe(ends) == -1)
        return -1;
    if (fcntl(ends[0], F_SETFD, FD_CLOEXEC) == -1 ||
        fcntl(ends[1], F_SETFD, FD_CLOEXEC) == -1) {
        (void)close(ends[0]);
        (void)close(ends[1]);
        return -1;
    }
    return 0;
}

/* `failed` is closed by a successful exec, so that reading its end means success. */
int child_start(struct child *child, char *const command[])
{
    int output[2], failed[2], why = 0;

    if (cloexec_pipe(output) == -1)
        return -1;
    if (cloexec_pipe(failed) == -1) {
        (void)close(output[0]);
        (void)close(output[1]);
        return -1;
    }
    (void)fcntl(output[0], F_SETFL, O_NONBLOCK); /* cannot fail for a pipe */
    *child = (struct child){.output = output[0]};
    child->pid = fork();
    if (child->pid == 0)
        become(command, output[1], failed[1]);
    if (child->pid == -1)
        why = errno;
    (void)close(output[1]);
    (void)close(failed[1]);
    if (child->pid > 0 && read(failed[0], &why, sizeof why) == sizeof why)
        (void)waitpid(child->pid, NULL, 0);
    (void)close(failed[0]);
    if (why == 0)
        return 0;
    (void)close(child->output);
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
    int64_t deadline = clock_ms() + timeout_ms;
    char line[LINE_SIZE];
    size_t length = 0;

    for (;;) {
        struct pollfd output = {.fd = child->output, .events = POLLIN};
        int64_t left = deadline - clock_ms();
        char byte;

        /* A byte at a time: nothing after that line is taken, and it's one line. */
        ssize_t count = read(child->output, &byte, 1);
        if (count == 0) {
            errno = EPIPE;
            return -1;
        }
        if (count == -1 && (left <= 0 || poll(&output, 1, (int)left) < 1)) {
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

    while (child->output != -1 && count == DRAIN_SIZE)
        count = read(child->output, unread, sizeof unread);
    if (count == 0) {
        (void)close(child->output);
        child->output = -1;
    }
}

/* What the first process leaves behind ends with it, while the group is surely ours. */
bool child_running(struct child *child)
{
    if (!child->ended && waitpid(child->pid, &child->status, WNOHANG) == child->pid) {
        child->ended = true;
        (void)kill(-child->pid, SIGKILL); /* mostly there is none */
    }
    return !child->ended;
}

static double cpu_seconds(pid_t pid)
{
    struct timespec used;
    clockid_t clock;

    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) == -1)
        return -1;
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* POSIX has no call for it. Linux says it in a file of /proc, and where there is none the
 * answer is that it isn't known. */
static long memory_kib(pid_t pid, const char *file, const char *name)
{
    char path[64], line[256];
    long kib = -1;
    FILE *lines;

    (void)snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, file);
    lines = fopen(path, "r");
    if (lines == NULL)
        return -1;
    while (kib < 0 && fgets(line, sizeof line, lines) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0)
            kib = strtol(line + strlen(name), NULL, 10);
    }
    (void)fclose(lines);
    return kib;
}

/* A child and its descendants, found in /proc. */

struct process {
    pid_t pid, parent;
    double reaped; /* seconds that the children used for which it has waited */
};

struct family {
    struct process *processes; /* the child and its descendants first, then the others */
    size_t count, capacity;
    size_t members; /* how many of them are the family's: 0 without a /proc */
};

/* Reads /proc/N/stat (proc(5)). The name in it is in parentheses, and may hold any. */
static bool process_read(struct process *process, const char *number)
{
    char path[64], line[1024], *name_end = NULL;
    long user, system, parent;
    FILE *stat;

    (void)snprintf(path, sizeof path, "/proc/%.20s/stat", number);
    stat = fopen(path, "r");
    if (stat == NULL)
        return false; /* it has ended meanwhile */
    if (fgets(line, sizeof line, stat) != NULL)
        name_end = strrchr(line, ')');
    (void)fclose(stat);
    if (name_end == NULL ||
        sscanf(name_end + 1, /* fields 3 to 17, of which 4, 16 and 17 are kept */
               " %*c %ld %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %ld %ld", &parent,
               &user, &system) != 3)
        return false;
    process->pid = (pid_t)strtol(number, NULL, 10);
    process->parent = (pid_t)parent;
    process->reaped = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
    return true;
}

static void processes_read(struct family *family)
{
    DIR *table = opendir("/proc");
    struct dirent *entry;

    while (table != NULL && (entry = readdir(table)) != NULL) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        if (family->count == family->capacity) {
            size_t capacity = 2 * family->capacity + 256;
            void *larger = realloc(family->processes, capacity * sizeof(struct process));
            if (larger == NULL)
                break;
            family->processes = larger;
            family->capacity = capacity;
        }
        if (process_read(&family->processes[family->count], entry->d_name))
            family->count++;
    }
    if (table != NULL)
        (void)closedir(table);
}

static void family_take(struct family *family, size_t index)
{
    struct process taken = family->processes[index];

    family->processes[index] = family->processes[family->members];
    family->processes[family->members++] = taken;
}

/* The caller frees family.processes. */
static struct family family_of(pid_t root)
{
    struct family family = {0};

    processes_read(&family);
    for (size_t i = 0; i < family.count && family.members == 0; i++) {
        if (family.processes[i].pid == root)
            family_take(&family, i);
    }
    for (size_t member = 0; member < family.members; member++) {
        for (size_t i = family.members; i < family.count; i++) {
            if (family.processes[i].parent == family.processes[member].pid)
                family_take(&family, i);
        }
    }
    return family;
}

double child_cpu_seconds(const struct child *child)
{
    double used = child->ended ? -1 : cpu_seconds(child->pid);
    struct family family;

    if (used < 0)
        return -1;
    family = family_of(child->pid);
    for (size_t i = 0; i < family.members; i++) {
        double seconds = i > 0 ? cpu_seconds(family.processes[i].pid) : 0;
        used += family.processes[i].reaped + (seconds > 0 ? seconds : 0);
    }
    free(family.processes);
    return used;
}

/* Pss is the memory of a process in which a page that n of them share counts as 1/n. */
long child_memory_kib(const struct child *child)
{
    struct family family = family_of(child->pid);
    long sum = 0;

    for (size_t i = 0; i < family.members; i++) {
        long kib = memory_kib(family.processes[i].pid, "smaps_rollup", "Pss:");
        sum += kib > 0 ? kib : 0;
    }
    free(family.processes);
    return sum > 0 ? sum : memory_kib(child->pid, "status", "VmRSS:");
}

bool child_stop(struct child *child, int patience_ms)
{
    int64_t deadline = clock_ms() + patience_ms;
    bool gently = true;

    if (child_running(child))
        (void)kill(-child->pid, SIGTERM);
    while (child_running(child)) {
        struct pollfd output = {.fd = child->output, .events = POLLIN};

        (void)poll(&output, 1, WAIT_MS); /* an early return does no harm */
        child_drain(child);
        if (gently && clock_ms() >= deadline) {
            gently = false;
            (void)kill(-child->pid, SIGKILL);
        }
    }
    if (child->output != -1)
        (void)close(child->output);
    child->output = -1;
    return gently;
}
