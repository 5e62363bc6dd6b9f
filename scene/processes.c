/*
 * initgroups() and syscall() are not in POSIX, and some systems hide them from a program
 * that asks for POSIX only, so this file does not.
 */
#undef _POSIX_C_SOURCE
#define _GNU_SOURCE
#include "scene/processes.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#endif

#define PATH_BYTES  64
#define KILL_ROUNDS 500 /* a bomb that forks without end loses long before */

void processes_prepare(void)
{
#ifdef __linux__
    struct ifreq request = {.ifr_name = "lo"};
    int sock = socket(AF_INET, SOCK_DGRAM, 0);

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (sock == -1)
        return;
    if (ioctl(sock, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) == 0) {
        request.ifr_flags |= IFF_UP;
        ioctl(sock, SIOCSIFFLAGS, &request);
    }
    close(sock);
#endif
}

void processes_die_with_parent(void)
{
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
}

int processes_become(const char *name, uid_t uid, gid_t gid)
{
    return initgroups(name, gid) == -1 || setgid(gid) == -1 || setuid(uid) == -1 ? -1 : 0;
}

/* Is root an ordinary user outside of this namespace (user_namespaces(7))? Then the limit holds. */
static bool root_is_a_user(void)
{
    FILE *map = fopen("/proc/self/uid_map", "r");
    long outside = 0;

    if (map != NULL) {
        if (fscanf(map, "%*d %ld", &outside) != 1)
            outside = 0;
        fclose(map);
    }
    return outside != 0;
}

int processes_leave_root(uid_t uid)
{
#ifdef __linux__
    /* As in linux/capability.h, which not every compiler finds. */
    enum { VERSION_3 = 0x20080522, DAC_OVERRIDE = 1, DAC_READ_SEARCH = 2 };
    /* As in linux/securebits.h. Without it access(), which gcc 10 asks, counts no such right. */
    enum { NO_SETUID_FIXUP = 1 << 2 };
    const uint32_t kept = 1U << DAC_OVERRIDE | 1U << DAC_READ_SEARCH;
    struct {
        uint32_t version;
        int pid;
    } header = {VERSION_3, 0};
    struct {
        uint32_t effective, permitted, inheritable;
    } sets[2] = {{kept, kept, kept}};

    prctl(PR_SET_KEEPCAPS, 1);
    prctl(PR_SET_SECUREBITS, NO_SETUID_FIXUP);
#endif
    if (setuid(uid) == -1)
        return errno == EINVAL && root_is_a_user() ? 0 : -1;
#ifdef __linux__
    if (syscall(SYS_capset, &header, sets) == 0) {
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, DAC_OVERRIDE, 0, 0);
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, DAC_READ_SEARCH, 0, 0);
    }
#endif
    return 0;
}

/* ---- The process table --------------------------------------------------------------- */

struct process {
    pid_t pid, parent;
    char state; /* of its first thread: R runs or could, S waits, T is stopped */
    unsigned long threads;
    bool is_ours;
};

struct table {
    struct process *processes; /* the caller frees it */
    size_t count;
};

/*
 * Reads /proc/N/stat. The name in it is in parentheses, and may hold anything, line ends too:
 * no program hides by its name.
 */
static bool process_read(struct process *process, const char *path)
{
    char text[1024], *name_end;
    long pid, parent;
    FILE *stat = fopen(path, "r");

    if (stat == NULL)
        return false; /* it has ended meanwhile */
    text[fread(text, 1, sizeof text - 1, stat)] = '\0';
    fclose(stat);
    name_end = strrchr(text, ')');
    if (name_end == NULL || sscanf(text, "%ld", &pid) != 1 ||
        sscanf(name_end + 1, /* fields 3 to 20, of which 3, 4 and 20 are kept */
               " %c %ld %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %lu",
               &process->state, &parent, &process->threads) != 3)
        return false;
    process->pid = (pid_t)pid;
    process->parent = (pid_t)parent;
    process->is_ours = process->parent == getpid();
    return true;
}

/* The next number in a directory of /proc, or NULL. The directory may be NULL. */
static const char *next_number(DIR *directory)
{
    const struct dirent *entry;

    while (directory != NULL && (entry = readdir(directory)) != NULL)
        if (*entry->d_name >= '1' && *entry->d_name <= '9')
            return entry->d_name;
    return NULL;
}

static struct table table_read(void)
{
    struct table table = {0};
    DIR *directory = opendir("/proc");
    const char *number;
    size_t capacity = 0;

    while ((number = next_number(directory)) != NULL) {
        char path[PATH_BYTES];

        if (table.count == capacity) {
            capacity = capacity * 2 + 256;
            table.processes =
                realloc(table.processes, capacity * sizeof *table.processes);
            if (table.processes == NULL)
                abort();
        }
        snprintf(path, sizeof path, "/proc/%.20s/stat", number);
        if (process_read(&table.processes[table.count], path))
            table.count++;
    }
    if (directory != NULL)
        closedir(directory);
    return table;
}

static bool parent_is_ours(const struct table *table, const struct process *process)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->processes[i].pid == process->parent)
            return table->processes[i].is_ours;
    return false;
}

/* The table, with all our descendants marked. */
static struct table family_read(void)
{
    struct table table = table_read();

    for (bool found = true; found;) {
        found = false;
        for (size_t i = 0; i < table.count; i++) {
            struct process *process = &table.processes[i];

            if (!process->is_ours && parent_is_ours(&table, process))
                process->is_ours = found = true;
        }
    }
    return table;
}

static void signal_family(int signal_number)
{
    struct table table = family_read();

    for (size_t i = 0; i < table.count; i++)
        if (table.processes[i].is_ours)
            kill(table.processes[i].pid, signal_number);
    free(table.processes);
}

bool processes_kill_all(void)
{
    for (int round = 0; round < KILL_ROUNDS; round++) {
        pid_t reaped;

        while ((reaped = waitpid(-1, NULL, WNOHANG)) > 0)
            continue;
        if (reaped == -1 && errno == ECHILD)
            return true;
        signal_family(SIGSTOP); /* so that none forks while the others are killed */
        signal_family(SIGKILL);
        poll(NULL, 0, 2); /* they need a moment, and waitpid() has no time-out */
    }
    return false;
}

bool processes_asleep(void)
{
    struct table table = family_read();
    bool asleep = true;

    for (size_t i = 0; i < table.count; i++)
        if (table.processes[i].is_ours && table.processes[i].state == 'R')
            asleep = false;
    free(table.processes);
    return asleep;
}

/* Adds a thread's schedstat: ns on a processor, and ns of waiting for one. */
static void add_schedstat(const char *path, int64_t *used, int64_t *waited)
{
    long long running = 0, waiting = 0;
    FILE *file = fopen(path, "r");

    if (file == NULL)
        return;
    if (fscanf(file, "%lld %lld", &running, &waiting) == 2) {
        *used += running;
        *waited += waiting;
    }
    fclose(file);
}

int64_t processes_cpu_ns(int64_t *waited)
{
    struct table table = family_read();
    int64_t used = 0;

    *waited = 0;
    for (size_t i = 0; i < table.count; i++) {
        long pid = (long)table.processes[i].pid;
        char path[PATH_BYTES];
        const char *thread;
        DIR *threads;

        if (!table.processes[i].is_ours)
            continue;
        snprintf(path, sizeof path, "/proc/%ld/task", pid);
        threads = opendir(path);
        while ((thread = next_number(threads)) != NULL) {
            snprintf(path, sizeof path, "/proc/%ld/task/%.20s/schedstat", pid, thread);
            add_schedstat(path, &used, waited);
        }
        if (threads != NULL)
            closedir(threads);
    }
    free(table.processes);
    return used;
}

/*
 * Has the process mapped this file? It maps what it runs. /proc/PID/exe would not do: where an
 * emulator runs the file, that is the emulator.
 */
static bool has_mapped(long pid, const char *file)
{
    char path[PATH_BYTES], line[2 * PATH_MAX];
    FILE *maps;
    bool found = false;

    snprintf(path, sizeof path, "/proc/%ld/maps", pid);
    maps = fopen(path, "r");
    while (maps != NULL && !found && fgets(line, sizeof line, maps) != NULL)
        found = strstr(line, file) != NULL;
    if (maps != NULL)
        fclose(maps);
    return found;
}

bool processes_run_another(const char *file, char *other, size_t size)
{
    struct table table = family_read();
    bool found = false;

    for (size_t i = 0; i < table.count && !found; i++) {
        long pid = (long)table.processes[i].pid;
        char path[PATH_BYTES];
        ssize_t length;

        if (!table.processes[i].is_ours || has_mapped(pid, file))
            continue;
        snprintf(path, sizeof path, "/proc/%ld/exe", pid);
        length = readlink(path, other, size - 1);
        other[length == -1 ? 0 : length] = '\0';
        found = length != -1; /* one that has just ended has none any more */
    }
    free(table.processes);
    return found;
}

long processes_of(uid_t uid)
{
    struct table table = table_read();
    long count = table.count == 0 ? -1 : 0;

    for (size_t i = 0; i < table.count; i++) {
        char path[PATH_BYTES];
        struct stat about;

        snprintf(path, sizeof path, "/proc/%ld", (long)table.processes[i].pid);
        if (stat(path, &about) == 0 && about.st_uid == uid)
            count += (long)table.processes[i].threads;
    }
    free(table.processes);
    return count;
}

/* ---- Connections --------------------------------------------------------------------- */

/*
 * Each connection has two lines, one for each end: what the client does not know to have
 * arrived, and what the server has not read. A server on an IPv6 socket has its IPv4
 * connections in the second table.
 */
long processes_unread(int server_port, int client_port)
{
    static const char *const tables[] = {"/proc/net/tcp", "/proc/net/tcp6"};
    long sum = 0;
    int ends = 0;

    for (int i = 0; i < 2; i++) {
        FILE *file = fopen(tables[i], "r");
        char line[512];

        while (file != NULL && fgets(line, sizeof line, file) != NULL) {
            unsigned local, remote, sending, received;

            if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%x %*x %x:%x", &local,
                       &remote, &sending, &received) != 4)
                continue;
            if ((int)local == server_port && (int)remote == client_port) {
                sum += (long)received;
                ends++;
            } else if ((int)local == client_port && (int)remote == server_port) {
                sum += (long)sending;
                ends++;
            }
        }
        if (file != NULL)
            fclose(file);
    }
    return ends == 2 ? sum : -1;
}
