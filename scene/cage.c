#define _XOPEN_SOURCE 700 /* SIGXCPU and SIGXFSZ are in the XSI option */
#include "scene/cage.h"

#include "base/clock.h"
#include "base/descriptor.h"
#include "scene/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * More than the user has already. A server with 256 descriptors may have a thread with a
 * small stack for each, as in Java, which has some thirty of its own.
 */
#define PROCESSES_MORE 320

#define SLICE_MS 10 /* between two looks for its end, and two tries to start it */

static void limit(int resource, rlim_t most)
{
    struct rlimit limit;

    if (getrlimit(resource, &limit) == -1)
        return;
    if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max > most)
        limit.rlim_max = most;
    limit.rlim_cur = limit.rlim_max;
    if (resource == RLIMIT_CPU && limit.rlim_cur > 1)
        limit.rlim_cur--; /* SIGXCPU says why; at the hard limit Linux sends SIGKILL */
    setrlimit(resource, &limit);
}

static int become_user(const struct cage_user *user)
{
    if (user->name != NULL)
        return processes_become(user->name, user->uid, user->gid);
    return user->uid == getuid() ? 0 : processes_leave_root(user->uid);
}

struct pipes {
    int in[2], out[2], err[2], failed[2];
};

/* In the new process: becomes the program, or writes errno to `failed` and is gone. */
static void become(const struct cage_start *start, const struct pipes *pipes,
                   long processes)
{
    sigset_t none;
    int why;

    setsid();
    /* A program expects the signals as a shell leaves them. exec() restores the others. */
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    signal(SIGHUP, SIG_DFL); /* nohup may have this program ignore it */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    limit(RLIMIT_DATA, CAGE_MEMORY);
    limit(RLIMIT_FSIZE, CAGE_FILE_BYTES);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, CAGE_CPU_S + 1);
    if (start->descriptors != 0)
        limit(RLIMIT_NOFILE, (rlim_t)start->descriptors);
#ifdef RLIMIT_NPROC /* which is not in POSIX */
    if (processes != -1)
        limit(RLIMIT_NPROC, (rlim_t)processes + PROCESSES_MORE);
#endif
    if (dup2(pipes->in[0], STDIN_FILENO) != -1 &&
        dup2(pipes->out[1], STDOUT_FILENO) != -1 &&
        dup2(pipes->err[1], STDERR_FILENO) != -1 && become_user(start->user) == 0 &&
        (start->directory == NULL || chdir(start->directory) == 0)) {
        processes_die_with_parent(); /* a change of user would undo it (prctl(2)) */
        execvp(start->command[0], (char *const *)(uintptr_t)start->command);
    }
    why = errno;
    if (write(pipes->failed[1], &why, sizeof why) == -1)
        _exit(126); /* nobody is left to be told */
    _exit(127);
}

static int open_pipe(int ends[2])
{
    if (pipe(ends) == -1)
        return -1;
    for (int i = 0; i < 2; i++)
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    return 0;
}

static void close_pipes(const struct pipes *pipes)
{
    const int *ends[] = {pipes->in, pipes->out, pipes->err, pipes->failed};

    for (int i = 0; i < 4; i++)
        for (int end = 0; end < 2; end++)
            if (ends[i][end] != -1)
                close(ends[i][end]);
}

static int take(int *end)
{
    int taken = *end;

    *end = -1;
    return taken;
}

static int start_once(struct cage *cage, const struct cage_start *start)
{
    struct pipes pipes = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    long processes = processes_of(start->user->uid);
    int why = 0;

    *cage = (struct cage){.is_deaf = cage->is_deaf};
    if (open_pipe(pipes.in) == -1 || open_pipe(pipes.out) == -1 ||
        open_pipe(pipes.err) == -1 || open_pipe(pipes.failed) == -1) {
        why = errno;
    } else {
        cage->pid = fork();
        if (cage->pid == 0)
            become(start, &pipes, processes);
        if (cage->pid == -1)
            why = errno;
        close(take(&pipes.failed[1])); /* a successful exec() closes the other */
        if (cage->pid > 0 && read(pipes.failed[0], &why, sizeof why) == sizeof why)
            waitpid(cage->pid, NULL, 0);
    }
    if (why == 0) {
        cage->input = take(&pipes.in[1]);
        cage->out = take(&pipes.out[0]);
        cage->err = take(&pipes.err[0]);
        descriptor_prepare(cage->out);
        descriptor_prepare(cage->err);
    } else {
        cage->pid = 0;
    }
    close_pipes(&pipes);
    errno = why;
    return why == 0 ? 0 : -1;
}

/* Another program of the same user may have all its processes: that passes. */
int cage_start(struct cage *cage, const struct cage_start *start)
{
    int64_t deadline = clock_ms() + CAGE_AGAIN_MS;
    int result;

    while ((result = start_once(cage, start)) == -1 && errno == EAGAIN &&
           clock_ms() < deadline)
        poll(NULL, 0, SLICE_MS);
    return result;
}

void cage_watch(const struct cage *cage, struct pollfd *polled)
{
    bool runs = cage->pid != 0;

    polled[0] = (struct pollfd){.fd = runs ? cage->out : -1, .events = POLLIN};
    polled[1] = (struct pollfd){.fd = runs ? cage->err : -1, .events = POLLIN};
}

static void read_output(int *descriptor, struct bytes *kept)
{
    char buffer[65536];
    ssize_t count = 1;

    /* At most a megabyte a turn, or a program that prints for ever would have it all. */
    for (int i = 0; i < 16 && *descriptor != -1 && count > 0; i++) {
        count = read(*descriptor, buffer, sizeof buffer);
        if (count > 0)
            bytes_add(kept, buffer, (size_t)count);
        if (kept->length > CAGE_KEPT)
            bytes_drop(kept, kept->length - CAGE_KEPT);
        if (count == 0 || (count == -1 && !descriptor_try_again(errno))) {
            close(*descriptor);
            *descriptor = -1;
        }
    }
}

void cage_read(struct cage *cage)
{
    if (cage->pid == 0)
        return;
    read_output(&cage->out, &cage->printed);
    read_output(&cage->err, &cage->complained);
    if (!cage->gone && waitpid(cage->pid, &cage->status, WNOHANG) == cage->pid) {
        cage->gone = true;
        read_output(&cage->out, &cage->printed);
        read_output(&cage->err, &cage->complained);
    }
}

bool cage_wait(struct cage *cage, int ms)
{
    int64_t deadline = clock_ms() + ms;

    for (cage_read(cage); !cage->gone; cage_read(cage)) {
        struct pollfd polled[CAGE_POLL_FDS];
        int64_t left = deadline - clock_ms();

        if (left <= 0)
            return false;
        cage_watch(cage, polled);
        poll(polled, CAGE_POLL_FDS, left < SLICE_MS ? (int)left : SLICE_MS);
    }
    return true;
}

void cage_signal(const struct cage *cage, int signal_number)
{
    if (cage->pid > 0)
        kill(-cage->pid, signal_number);
}

/* A stop is reported only once: if the program had stopped before, no report comes. */
void cage_pause(struct cage *cage)
{
    int64_t deadline = clock_ms() + CAGE_STOP_MS;
    int status = 0;
    pid_t told = 0;

    cage_signal(cage, SIGSTOP);
    while (!cage->gone && told == 0 && clock_ms() < deadline) {
        told = waitpid(cage->pid, &status, WUNTRACED | WNOHANG);
        poll(NULL, 0, told == 0);
    }
    if (told == cage->pid && !WIFSTOPPED(status)) {
        cage->gone = true;
        cage->status = status;
    }
}

bool cage_end(struct cage *cage)
{
    int *descriptors[] = {&cage->input, &cage->out, &cage->err};
    bool all;

    if (cage->pid == 0)
        return true;
    if (!cage->gone && !cage->is_deaf) {
        cage_signal(cage, SIGTERM);
        cage_signal(cage, SIGCONT); /* it may be stopped */
        cage->is_deaf = !cage_wait(cage, CAGE_TERM_MS);
    }
    cage_signal(cage, SIGKILL);
    cage_wait(cage, CAGE_TERM_MS);
    all = processes_kill_all();
    cage_read(cage);
    for (int i = 0; i < 3; i++)
        if (*descriptors[i] != -1)
            close(*descriptors[i]);
    cage->pid = 0;
    return all;
}

void cage_free(struct cage *cage)
{
    bytes_free(&cage->printed);
    bytes_free(&cage->complained);
}

void cage_explain(const struct cage *cage, struct bytes *out)
{
    static const struct {
        int number;
        const char *name;
    } signals[] = {{SIGSEGV, "SIGSEGV"},
                   {SIGABRT, "SIGABRT"},
                   {SIGPIPE, "SIGPIPE"},
                   {SIGFPE, "SIGFPE"},
                   {SIGBUS, "SIGBUS"},
                   {SIGILL, "SIGILL"},
                   {SIGINT, "SIGINT"},
                   {SIGTERM, "SIGTERM"},
                   {SIGKILL, "SIGKILL"},
                   {SIGXCPU, "SIGXCPU: over 60 s of processor time"},
                   {SIGXFSZ, "SIGXFSZ: a file of over 16 MB"}};

    if (WIFEXITED(cage->status)) {
        bytes_print(out, "status %d", WEXITSTATUS(cage->status));
        return;
    }
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        if (signals[i].number == WTERMSIG(cage->status)) {
            bytes_print(out, "%s", signals[i].name);
            return;
        }
    }
    bytes_print(out, "signal %d", WTERMSIG(cage->status));
}

void cage_last_words(const struct cage *cage, struct bytes *out)
{
    bool gave_up =
        cage->gone && WIFEXITED(cage->status) && WEXITSTATUS(cage->status) != 0;
    const struct bytes *said =
        gave_up && cage->complained.length == 0 ? &cage->printed : &cage->complained;
    const char *text = bytes_text(said);
    size_t length = said->length, at = length, lines = 0;

    for (; at > 0; at--)
        if (text[at - 1] == '\n' && at < length && ++lines == CAGE_LAST_LINES)
            break;
    bytes_add(out, text + at, length - at);
}
