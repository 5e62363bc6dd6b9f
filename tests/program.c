#include "tests/harness.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST_ARGUMENTS 24

/* ---- Starting ----------------------------------------------------------------------- */

static void become_program(const char *script, const char *arguments[], int out, int err)
{
    const char *shell[MOST_ARGUMENTS + 8] = {"sh", "-c", script, "sh"};
    int none = open("/dev/null", O_RDONLY), count = 4;

    for (int i = 0; arguments[i] != NULL; i++)
        shell[count++] = arguments[i];
    dup2(none, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    execv("/bin/sh", (char *const *)shell);
    _exit(127);
}

/* `variable` holds the program. Its first `count` arguments are set, the rest follow. */
static struct program start(const char *script, const char *variable,
                            const char *arguments[MOST_ARGUMENTS + 1], int count,
                            va_list list)
{
    struct program program = {.port = -1};
    char whole[2048];
    int out[2], err[2];

    while ((arguments[count] = va_arg(list, const char *)) != NULL)
        ck_assert_int_lt(count++, MOST_ARGUMENTS);
    /* The variable is split into words: it can be a program with options, or valgrind. */
    snprintf(whole, sizeof whole, "set -- $%s \"$@\"; %s", variable, script);
    ck_assert(pipe(out) == 0 && pipe(err) == 0);
    program.pid = fork();
    ck_assert_int_ne(program.pid, -1);
    if (program.pid == 0)
        become_program(whole, arguments, out[1], err[1]);
    close(out[1]);
    close(err[1]);
    program.out = stream_of(out[0]);
    program.err = stream_of(err[0]);
    return program;
}

/* A program in PATH is run as it is; one in the tree is run under $RUN_UNDER. */
static void set_fallback(const char *variable, const char *path)
{
    const char *under = getenv("RUN_UNDER");
    char command[1024];

    if (under == NULL || strchr(path, '/') == NULL)
        under = "";
    snprintf(command, sizeof command, "%s %s", under, path);
    ck_assert(setenv(variable, command, 0) == 0);
}

/* Sets the variable of "bin/echo_srv", and returns its name, ECHO_SRV. */
static const char *export(const char *path)
{
    const char *name = strrchr(path, '/');
    static char variable[64];
    size_t length = 0;

    for (name = name != NULL ? name + 1 : path; *name != '\0'; name++)
        variable[length++] = (char)toupper((unsigned char)*name);
    variable[length] = '\0';
    set_fallback(variable, path);
    return variable;
}

void program_export(const char *path)
{
    export(path);
}

struct program program_run_by(const char *script, const char *path, ...)
{
    const char *arguments[MOST_ARGUMENTS + 1];
    struct program program;
    va_list list;

    va_start(list, path);
    program = start(script, export(path), arguments, 0, list);
    va_end(list);
    return program;
}

void program_read_port(struct program *program, const char *beginning)
{
    program->port = atoi(expect_beginning(&program->out, beginning));
    ck_assert_int_gt(program->port, 0);
}

struct program program_serve_by(const char *script, const char *path,
                                const char *first_line, ...)
{
    const char *arguments[MOST_ARGUMENTS + 1] = {"-p", "0"};
    struct program program;
    va_list list;

    va_start(list, first_line);
    program = start(script, export(path), arguments, 2, list);
    va_end(list);
    program_read_port(&program, first_line);
    return program;
}

/* ---- Ending ------------------------------------------------------------------------- */

int program_wait(struct program *program)
{
    stream_fill_to_end(&program->err); /* this has a deadline, which waitpid() has not */
    program->has_ended = true;
    return await_child(program->pid);
}

void expect_status(struct program *program, int status)
{
    ck_assert_int_eq(program_wait(program), status);
}

static void close_outputs(struct program *program)
{
    stream_close(&program->out);
    stream_close(&program->err);
}

void expect_success(struct program *program)
{
    expect_end(&program->out);
    expect_status(program, 0);
    expect_end(&program->err);
    close_outputs(program);
}

void expect_failure(struct program *program, const char *format, ...)
{
    char expected[1024];
    va_list list;

    va_start(list, format);
    vsnprintf(expected, sizeof expected, format, list);
    va_end(list);
    expect_lf(&program->err, "%s", expected);
    expect_status(program, 1);
    expect_end(&program->err);
}

void expect_usage_failure(struct program program)
{
    expect_status(&program, 2);
    ck_assert_uint_gt(program.err.length, 0);
    expect_end(&program.out);
    close_outputs(&program);
}

void expect_write_failure(const char *path, struct program program)
{
    expect_failure(&program, "%s: cannot write to standard output: %s",
                   strrchr(path, '/') + 1, strerror(ENOSPC));
}

void program_kill(const struct program *program, int signal_number)
{
    ck_assert_int_gt(program->pid, 0); /* 0 would be this process's own group */
    ck_assert_int_eq(kill(program->pid, signal_number), 0);
}

void program_stop(struct program *program)
{
    program_kill(program, SIGTERM);
    stream_fill_to_end(&program->out);
    expect_status(program, 0);
    expect_end(&program->err);
    close_outputs(program);
}

/* ---- While it runs ------------------------------------------------------------------ */

void program_pause(const struct program *program)
{
    int status;

    program_kill(program, SIGSTOP);
    ck_assert_int_eq(waitpid(program->pid, &status, WUNTRACED), program->pid);
    ck_assert(WIFSTOPPED(status));
}

void program_go_on(const struct program *program)
{
    program_kill(program, SIGCONT);
}

int64_t program_cpu_ns(const struct program *program)
{
#if defined _POSIX_CPUTIME && _POSIX_CPUTIME >= 0
    struct timespec used;
    clockid_t clock;

    ck_assert_int_eq(clock_getcpuclockid(program->pid, &clock), 0);
    ck_assert_int_eq(clock_gettime(clock, &used), 0);
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
#else /* macOS does not tell */
    (void)program;
    return 0;
#endif
}

void expect_rest(const struct program *program, int ms)
{
    int64_t before = program_cpu_ns(program);

    sleep_ms(ms);
    ck_assert_int_lt(program_cpu_ns(program) - before, (int64_t)ms * 1000000 / 3);
}
