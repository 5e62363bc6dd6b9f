#define _XOPEN_SOURCE 700 /* some systems have getpgid() in the XSI option */
#include "load/server.h"

#include "base/clock.h"
#include "net/listener.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    START_MS = 5000, /* to print the port */
    STOP_MS = 3000,  /* between SIGTERM and SIGKILL */
    WAIT_MS = 10,    /* between two checks whether it has ended */
    SAID_SIZE = 4096,
    DRAIN_SIZE = 65536 /* a pipe's size on Linux: one read empties it */
};

extern char **environ;

/*
 * Replaces %p by the port. If that is 0, first finds one that nobody else is likely to get
 * before the server takes it. The new word lives until the program's end.
 */
static int fill_port(char **word, int port, const char **why)
{
    const char *mark = strstr(*word, "%p");
    size_t size = strlen(*word) + sizeof "65535";
    char *text;

    if (port == 0) {
        struct options_server probe = {.address = "127.0.0.1"};
        int sock = listener_open(&probe, SOCK_STREAM, why);

        if (sock == -1)
            return -1;
        port = probe.port;
        close(sock);
    }
    text = malloc(size);
    if (text == NULL) {
        *why = strerror(errno);
        return -1;
    }
    snprintf(text, size, "%.*s%d%s", (int)(mark - *word), *word, port, mark + 2);
    *word = text;
    return port;
}

/*
 * posix_spawnp() returns exec()'s error, which after fork() would need a pipe. Its
 * preparations fail only for want of memory, and then the spawn fails too.
 */
static int spawn(struct server *server, char *command[])
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int ends[2], error;

    if (pipe(ends) == -1)
        return errno;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    error =
        posix_spawnp(&server->pid, command[0], &actions, &attributes, command, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(ends[1]);
    server->output = ends[0];
    return error;
}

/* The number after a "port " in a whole line, or -1. */
static int port_in(const char *said)
{
    while ((said = strstr(said, "port ")) != NULL) {
        said += strlen("port ");
        if (*said >= '0' && *said <= '9' && strchr(said, '\n') != NULL)
            return atoi(said);
    }
    return -1;
}

/* -1: it did not print it in time, or ended before. */
static int port_said(const struct server *server)
{
    struct pollfd output = {.fd = server->output, .events = POLLIN};
    int64_t deadline = clock_ms() + START_MS, left;
    char said[SAID_SIZE] = "";
    size_t length = 0;
    ssize_t count;

    while (port_in(said) == -1 && (left = deadline - clock_ms()) > 0 &&
           poll(&output, 1, (int)left) == 1 &&
           (count = read(server->output, said + length, SAID_SIZE - 1 - length)) > 0) {
        length += (size_t)count;
        said[length] = '\0';
    }
    return port_in(said);
}

int server_start(struct server *server, char *command[], int port, const char **why)
{
    int error;

    *why = "out of memory";
    for (char **word = command; *word != NULL; word++)
        if (strstr(*word, "%p") != NULL && (port = fill_port(word, port, why)) == -1)
            return -1;
    error = spawn(server, command);
    if (error != 0) {
        *why = strerror(error);
        return -1;
    }
    if (port == 0 && (port = port_said(server)) == -1) {
        *why = "it has printed no line with \"port N\" in it (does it need %p?)";
        server_stop(server);
    }
    return port;
}

void server_drain(struct server *server)
{
    char unread[DRAIN_SIZE];
    ssize_t count = DRAIN_SIZE;

    while (server->output != -1 && count == DRAIN_SIZE)
        count = read(server->output, unread, sizeof unread);
    if (count == 0) {
        close(server->output);
        server->output = -1;
    }
}

/* -1: unknown. Not every system has a clock for another process (an option of POSIX). */
static double cpu_seconds(pid_t pid)
{
#if defined _POSIX_CPUTIME && _POSIX_CPUTIME >= 0
    struct timespec used;
    clockid_t clock;

    if (clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &used) == 0)
        return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
#else
    (void)pid;
#endif
    return -1;
}

/* Opens a file of /proc/N (proc(5)); NULL if the process has just ended. */
static FILE *proc_open(pid_t pid, const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, name);
    return fopen(path, "r");
}

/*
 * Seconds used by its children that have ended, if it waited for them: fields 16 and 17.
 * Field 2 is a name in parentheses, which may hold anything.
 */
static double reaped_seconds(pid_t pid)
{
    char line[1024], *name_end = NULL;
    long user = 0, system = 0;
    FILE *file = proc_open(pid, "stat");

    if (file == NULL)
        return 0;
    if (fgets(line, sizeof line, file) != NULL)
        name_end = strrchr(line, ')');
    fclose(file);
    if (name_end != NULL)
        sscanf(name_end + 1,
               " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %ld %ld", &user,
               &system);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* In Pss, a page that n processes share counts as 1/n in each of them. */
static long memory_kib(pid_t pid)
{
    char line[256];
    long kib = 0;
    FILE *file = proc_open(pid, "smaps_rollup");

    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL && sscanf(line, "Pss: %ld", &kib) != 1)
        continue;
    fclose(file);
    return kib;
}

struct server_usage server_usage(const struct server *server, bool with_memory)
{
    struct server_usage usage = {.cpu = server->ended ? -1 : cpu_seconds(server->pid)};
    DIR *table = opendir("/proc");
    struct dirent *entry;

    while (usage.cpu >= 0 && table != NULL && (entry = readdir(table)) != NULL) {
        pid_t pid = (pid_t)atol(entry->d_name);
        double own;

        if (pid <= 0 || getpgid(pid) != server->pid)
            continue;
        own = pid == server->pid ? 0 : cpu_seconds(pid);
        usage.cpu += reaped_seconds(pid) + (own > 0 ? own : 0);
        if (with_memory)
            usage.memory_kib += memory_kib(pid);
    }
    if (table != NULL)
        closedir(table);
    return usage;
}

/* Also ends what the first process leaves running, while the group is surely ours. */
bool server_runs(struct server *server)
{
    if (!server->ended && waitpid(server->pid, &server->status, WNOHANG) == server->pid) {
        server->ended = true;
        kill(-server->pid, SIGKILL); /* usually there is nothing left */
    }
    return !server->ended;
}

bool server_stop(struct server *server)
{
    int64_t deadline = clock_ms() + STOP_MS;
    bool gently = true;

    if (server_runs(server))
        kill(-server->pid, SIGTERM);
    while (server_runs(server)) {
        struct pollfd output = {.fd = server->output, .events = POLLIN};

        poll(&output, 1, WAIT_MS);
        server_drain(server);
        if (gently && clock_ms() >= deadline) {
            gently = false;
            kill(-server->pid, SIGKILL);
        }
    }
    return gently;
}
