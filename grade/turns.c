/*
 * turns: select() made visible.
 *
 *     turns [-a] [-o file] [-p file.svg] program [argument ...]
 *
 * Runs a server, in any language and as it is, and prints what it does turn by turn: what
 * it waited for and how long, what was ready, and what it did then. While the program
 * waits, turns says where, for example in a send() to a client that does not read.
 *
 * The system calls come from strace, which runs the program. The program's input and
 * output are left alone, so the trace goes to standard error, as that of strace does.
 * docs/turns.md explains how to read it.
 */
#define _XOPEN_SOURCE 700 /* SIGXFSZ is in the XSI option */
#include "trace/turns.h"
#include "base/descriptor.h"
#include "base/executable.h"
#include "base/log.h"
#include "base/options.h"
#include "base/signals.h"
#include "base/start.h"
#include "terminal/terminal.h"
#include "trace/picture.h"
#include "trace/show.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_MOST    "48"  /* bytes that strace shows of a text: a line has less room */
#define TRACE_BYTES  65536 /* of the trace, read at once */
#define SCREEN_BYTES (1 << 20) /* of lines that wait for the screen */
#define PATIENCE_MS  2000      /* for the screen, in the end */

extern char **environ;

struct viewer {
    pid_t strace;
    int status;   /* of strace, as waitpid() gives it: it is the program's */
    int trace[2]; /* a pipe: strace writes its trace into it */
    struct signals signals;
    struct log log;
    struct show show;
    struct picture picture;
    struct turns turns;
    char screen[SCREEN_BYTES];
};

static const struct options options = {
    .program = "turns",
    .letters = "+aho:p:V", /* the plus: options after the program are the program's */
    .usage = "usage: turns [-ahV] [-o file] [-p file.svg] program [argument ...]\n",
    .help =
        "Runs a program and prints what its select() loop does, turn by turn, to\n"
        "standard error. The program's own input and output are left alone. It needs\n"
        "strace (Linux).\n"
        "  -a           also show descriptors 0 to 2, files, MSG_PEEK and EAGAIN\n"
        "  -o file      also write the trace to a file\n"
        "  -p file.svg  draw it: a column for each turn, a row for each descriptor\n"
        "  -h           print this help\n"
        "  -V           print the version\n"
        "Status: the program's, or 128 plus the number of the signal that ended it.\n",
};

/* ---- Signals ------------------------------------------------------------------------ */

static volatile sig_atomic_t sent_to_turns; /* a signal, or 0 */
static volatile sig_atomic_t key_was_pressed;
static volatile sig_atomic_t suspend_requested; /* Ctrl-Z */

/*
 * A key such as Ctrl-C sends its signal to all programs in the terminal's foreground, the
 * program under strace among them. So what is passed on is what was sent by kill(), and
 * SIGHUP, which a closed terminal sends to its session's first program only. turns itself
 * ends when the program and all that it has started have ended.
 */
static void take_signal(int number, siginfo_t *about, void *context)
{
    (void)context;
    if (number == SIGTSTP)
        suspend_requested = 1;
    else if (number == SIGHUP || (number != SIGCHLD && about->si_code == SI_USER))
        sent_to_turns = number;
    else if (number != SIGCHLD)
        key_was_pressed = 1;
}

/* They arrive only in signals_pselect(); SIGCHLD is there to end that. */
static void prepare_signals(struct signals *signals)
{
    static const int taken[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCHLD};
    struct sigaction action = {.sa_sigaction = take_signal, .sa_flags = SA_SIGINFO};

    sigemptyset(&action.sa_mask);
    signals_prepare(signals);
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        if (taken[i] == SIGHUP && signals_ignores(SIGHUP))
            continue; /* by nohup; then the program ignores it as well */
        signals_add(signals, taken[i], SIG_DFL);
        sigaction(taken[i], &action, NULL);
    }
}

/* ---- strace ------------------------------------------------------------------------- */

/* Runs strace, which gets the signals as turns has got them. */
static pid_t run_strace(const struct viewer *viewer, char *const arguments[],
                        bool is_silent)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t ignored;
    pid_t pid;
    int error;

    sigemptyset(&ignored); /* by start_program() */
    sigaddset(&ignored, SIGPIPE);
    sigaddset(&ignored, SIGXFSZ);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &viewer->signals.while_waiting);
    posix_spawnattr_setsigdefault(&attributes, &ignored);
    posix_spawn_file_actions_init(&actions);
    if (is_silent)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY,
                                         0);
    error = posix_spawnp(&pid, "strace", &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0)
        options_fail(&options,
                     "cannot run strace (Linux only; 'make deps' installs it): %s",
                     strerror(error));
    return pid;
}

/* Refuses in one sentence what strace would complain about in several. */
static void try_strace(const struct viewer *viewer, const char *program)
{
    char *arguments[] = {"strace", "-o", "/dev/null", "-e", "trace=none", "true", NULL};
    int status;

    if (!executable_exists(program))
        options_fail(&options, "cannot run '%s': %s", program, strerror(errno));
    if (waitpid(run_strace(viewer, arguments, true), &status, 0) == -1 || status != 0)
        options_fail(&options,
                     "strace may not watch a program here: ptrace() is forbidden");
}

/*
 * Starts the program under strace, with its trace in a pipe. strace opens the pipe by its
 * name among the descriptors of turns. Were it handed down, the program would have it as
 * well, and its first socket would not be 3.
 */
static void start_trace(struct viewer *viewer, char *program[], int count)
{
    char calls[STEPS_CALLS_MOST], name[64];
    char *fixed[] = {"strace", "-f", "-q",      "-T", "-yy",           "-a",
                     "1",      "-s", TEXT_MOST, "-e", "abbrev=execve", "-e",
                     calls,    "-o", name,      "--"};
    size_t fixed_count = sizeof fixed / sizeof fixed[0];
    char **arguments = calloc(fixed_count + (size_t)count + 1, sizeof *arguments);

    if (arguments == NULL || pipe(viewer->trace) == -1 ||
        descriptor_prepare(viewer->trace[0]) == -1 ||
        fcntl(viewer->trace[1], F_SETFD, FD_CLOEXEC) == -1)
        options_fail(&options, "cannot start: %s", strerror(errno));
    steps_calls(calls);
    snprintf(name, sizeof name, "/proc/%ld/fd/%d", (long)getpid(), viewer->trace[1]);
    memcpy(arguments, fixed, sizeof fixed);
    memcpy(arguments + fixed_count, program, (size_t)count * sizeof *program);
    viewer->strace = run_strace(viewer, arguments, false);
    free(arguments);
}

/* ---- The loop ----------------------------------------------------------------------- */

/* Follows the trace until strace has ended, which is when all its processes have. */
static int follow(struct viewer *viewer)
{
    static char bytes[TRACE_BYTES];
    struct fdset readable, writable;
    bool is_over = false;
    ssize_t got = 0;

    while (!is_over || got > 0) {
        const struct terminal terminal = {.descriptor = STDERR_FILENO};
        int64_t deadline;

        if (suspend_requested) { /* the shell writes where the wait is drawn */
            suspend_requested = 0;
            show_clear(&viewer->show);
            terminal_stop_program();
        }
        viewer->show.columns = terminal_columns(&terminal); /* it may have changed */
        deadline = turns_tell_waits(&viewer->turns);
        if (sent_to_turns != 0 && viewer->turns.first != 0) { /* it has started */
            turns_signal(&viewer->turns, (int)sent_to_turns);
            sent_to_turns = 0;
        }
        if (key_was_pressed && turns_program_is_gone(&viewer->turns))
            turns_signal(&viewer->turns, SIGTERM); /* a daemon gets no keys */
        key_was_pressed = 0;
        fdset_clear(&readable);
        fdset_clear(&writable);
        fdset_add(&readable, viewer->trace[0]);
        log_write(&viewer->log);
        log_watch(&viewer->log, &writable);
        if (!is_over &&
            signals_pselect(&viewer->signals, &readable, &writable, deadline) == -1)
            return -1;
        /* First this: what strace has written before its end is in the pipe by then. */
        is_over |= waitpid(viewer->strace, &viewer->status, WNOHANG) == viewer->strace;
        got = read(viewer->trace[0], bytes, sizeof bytes);
        if (got > 0)
            turns_take(&viewer->turns, bytes, (size_t)got);
    }
    return 0;
}

/* ---- The program -------------------------------------------------------------------- */

/* A file to write, which the program does not get. */
static FILE *open_file(const char *path)
{
    FILE *file = path == NULL ? NULL : fopen(path, "w");

    if (path != NULL && (file == NULL || fcntl(fileno(file), F_SETFD, FD_CLOEXEC) == -1))
        options_fail(&options, "cannot write '%s': %s", path, strerror(errno));
    return file;
}

static void close_file(struct viewer *viewer, FILE *file, const char *path)
{
    bool has_failed = file != NULL && ferror(file);

    if (file != NULL && (fclose(file) == EOF || has_failed))
        log_complain(&viewer->log, "cannot write '%s': %s", path, strerror(errno));
}

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);

    return value != NULL && *value != '\0';
}

static void prepare_show(struct viewer *viewer, FILE *file, const char *program)
{
    const char *slash = strrchr(program, '/');
    struct show *show = &viewer->show;

    show->can_draw =
        isatty(STDERR_FILENO) && is_set("TERM") && strcmp(getenv("TERM"), "dumb") != 0;
    show->has_colours = show->can_draw && !is_set("NO_COLOR");
    show->screen = &viewer->log;
    show->file = file;
    viewer->turns.program = slash == NULL ? program : slash + 1;
    viewer->turns.show = show;
    show_begin(show, viewer->turns.program);
    log_open(&viewer->log, options.program, STDERR_FILENO, viewer->screen,
             sizeof viewer->screen);
}

int main(int argc, char *argv[])
{
    static struct viewer viewer; /* megabytes: too much for a stack */
    const char *trace_path = NULL, *picture_path = NULL;
    FILE *trace_file, *picture_file;
    int option;

    while ((option = options_next(&options, argc, argv)) != -1) {
        switch (option) {
        case 'a': viewer.turns.shows_all = true; break;
        case 'o': trace_path = optarg; break;
        case 'p': picture_path = optarg; break;
        default: break;
        }
    }
    if (optind == argc)
        options_wrong(&options, "name the program to run");
    start_program(&options);
    prepare_signals(&viewer.signals);
    try_strace(&viewer, argv[optind]);
    trace_file = open_file(trace_path);
    picture_file = open_file(picture_path);
    start_trace(&viewer, argv + optind, argc - optind);
    prepare_show(&viewer, trace_file, argv[optind]);
    if (picture_file != NULL)
        viewer.turns.picture = &viewer.picture;
    if (follow(&viewer) == -1)
        log_complain(&viewer.log, "select: %s", strerror(errno));
    close(viewer.trace[0]);
    close(viewer.trace[1]);
    show_clear(&viewer.show);
    log_finish(&viewer.log, PATIENCE_MS);
    if (picture_file != NULL)
        picture_draw(&viewer.picture, viewer.turns.program, picture_file);
    close_file(&viewer, trace_file, trace_path);
    close_file(&viewer, picture_file, picture_path);
    turns_free(&viewer.turns);
    return WIFSIGNALED(viewer.status) ? 128 + WTERMSIG(viewer.status)
                                      : WEXITSTATUS(viewer.status);
}
