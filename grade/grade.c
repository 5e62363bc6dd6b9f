/*
 * grade: grades a server of the course, and says what is wrong with it and why.
 *
 *     grade chat mine/chat.c
 *     grade -b pieces chat mine/chat.c
 *     grade -f csv -o marks.csv echo 'python3 echo.py'
 *
 * The behaviours of a lab, their points and their hints are text, grade/LAB.lab. This
 * program reads it, and plays one behaviour after the other with a new process of the
 * program under test.
 */
#include "base/number.h"
#include "base/options.h"
#include "base/start.h"
#include "scene/lab.h"
#include "scene/lab_file.h"
#include "scene/play.h"
#include "scene/program.h"
#include "scene/report.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define DESCRIPTORS_LEAST 1200 /* for a crowd of 1,100 */
#define DESCRIPTORS       4096
#define PATIENCE_MS       5000
#define UNFIT             2

static const struct options options = {
    .program = "grade",
    .letters = "1b:f:hlo:s:u:Vw:",
    .usage = "usage: grade [-1hlV] [-b name] [-f format] [-o file] [-s seed] [-u user]\n"
             "             [-w seconds] lab program\n",
    .help =
        "Grades a server. The lab is chat, dgram, echo, hello, name or web; the program\n"
        "is a .c file, a directory with a Makefile, a program, or a command in quotes.\n"
        "It gets its port as the last argument, or in place of %p.\n"
        "  -1          print one line\n"
        "  -b name     try this behaviour only, and show all its steps\n"
        "  -f format   text, csv, gradescope or autolab (default: text)\n"
        "  -l          list the lab's behaviours; no program is needed\n"
        "  -o file     write the results there after each behaviour; the text is\n"
        "              printed all the same\n"
        "  -s seed     other bytes, the same behaviours (default: 1)\n"
        "  -u user     run the program as this user; for root only\n"
        "  -w seconds  how long to wait for what must come (default: 5)\n"
        "  -h          print this help\n"
        "  -V          print the version\n"
        "Status: 0 for full marks, 1 for fewer, 2 if nothing could be graded.\n",
};

struct wanted {
    bool one_line, list;
    const char *behaviour, *file, *user;
    enum report_format format;
    uint64_t seed;
    int patience_ms;
};

static struct wanted read_options(int argc, char *argv[])
{
    struct wanted wanted = {.seed = 1, .patience_ms = PATIENCE_MS};
    int letter, format;

    while ((letter = options_next(&options, argc, argv)) != -1) {
        switch (letter) {
        case '1': wanted.one_line = true; break;
        case 'b': wanted.behaviour = optarg; break;
        case 'f':
            format = report_format(optarg);
            if (format == -1)
                options_wrong(&options,
                              "'%s' is not a format: text, csv, gradescope or autolab",
                              optarg);
            wanted.format = (enum report_format)format;
            break;
        case 'l': wanted.list = true; break;
        case 'o': wanted.file = optarg; break;
        case 's':
            wanted.seed = (uint64_t)options_number(&options, letter, 0, INT_MAX);
            break;
        case 'u': wanted.user = optarg; break;
        case 'w': wanted.patience_ms = (int)options_timeout(&options, letter); break;
        }
    }
    return wanted;
}

/* What the grader cannot do is not the program's fault: status 2, and no marks. */
static _Noreturn void fail_unfit(const char *what, const char *why)
{
    fprintf(stderr, "grade: %s: %s\n", what, why);
    exit(UNFIT);
}

static void load_lab(struct lab *lab, const char *name, const char *self)
{
    struct bytes path = {0};
    struct lab_error error;

    lab_file_find(&path, name, self);
    if (lab_load(lab, path.at, &error) == -1) {
        if (error.line == 0)
            fprintf(
                stderr,
                "grade: there is no lab '%s' (%s: %s); the labs are chat, dgram, echo, "
                "hello, name and web\n",
                name, path.at, error.reason);
        else
            fprintf(stderr, "grade: %s:%d: %s\n", path.at, error.line, error.reason);
        exit(UNFIT);
    }
    bytes_free(&path);
}

/* A grader with fewer descriptors would have to give other marks: it gives none. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    char why[64];

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
        return;
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= DESCRIPTORS)
        return;
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < DESCRIPTORS_LEAST) {
        snprintf(why, sizeof why, "this shell allows %llu (ulimit -Hn)",
                 (unsigned long long)limit.rlim_cur);
        fail_unfit("it needs 1,200 descriptors, so that all get the same marks", why);
    }
}

/* Descriptors that this program was started with are not for the program under test. */
static void close_in_children(void)
{
    for (int descriptor = 3; descriptor < 256; descriptor++)
        fcntl(descriptor, F_SETFD, FD_CLOEXEC); /* fails for those that are not open */
}

/* 0, or -1 with a message. */
static int write_to_file(struct report *report, const struct wanted *wanted)
{
    FILE *file = NULL;
    bool good = wanted->file == NULL;

    if (wanted->file != NULL)
        file = fopen(wanted->file, "w");
    if (file != NULL) {
        report_write(report, wanted->format, file);
        good = ferror(file) == 0;
        good = fclose(file) == 0 && good;
    }
    if (!good)
        fprintf(stderr, "grade: cannot write the results to %s: %s\n", wanted->file,
                strerror(errno));
    return good ? 0 : -1;
}

/* On a terminal, the behaviour that is being tried, in a line that goes again. */
static void show_progress(const char *name)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%-30s\r%s", "", name);
}

static void try_behaviour(struct report *report, size_t index)
{
    const struct behaviour *behaviour = &report->play->lab->behaviours[index];
    struct result *result = &report->results[index];

    if (report_needed(report, behaviour) != NULL) {
        result->mark = NOT_TRIED;
        return;
    }
    show_progress(behaviour->name);
    result->mark =
        play_behaviour(report->play, behaviour, &result->outcome) ? PASSED : FAILED;
    show_progress("");
}

/* All that the one needs, directly or not, and itself. */
static uint64_t needed(const struct lab *lab, size_t index)
{
    uint64_t set = (uint64_t)1 << index;

    for (size_t i = index + 1; i-- > 0;)
        if ((set >> i & 1) != 0)
            set |= lab->behaviours[i].needs;
    return set;
}

/* 0, or -1 after a stop signal, or if the results cannot be written. */
static int grade(struct report *report, const struct wanted *wanted)
{
    const struct lab *lab = report->play->lab;
    uint64_t set = report->only == -1 ? UINT64_MAX : needed(lab, (size_t)report->only);
    int result = 0;

    for (size_t i = 0; i < lab->count && result == 0; i++) {
        if ((set >> i & 1) == 0)
            continue;
        try_behaviour(report, i);
        result = signals_stop_requested() ? -1 : write_to_file(report, wanted);
    }
    return result;
}

static int print_results(struct report *report, const struct wanted *wanted)
{
    if (wanted->one_line)
        report_write_line(report, stdout);
    else
        report_write(report, wanted->file == NULL ? wanted->format : REPORT_TEXT, stdout);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    fprintf(stderr, "grade: cannot write to standard output: %s\n", strerror(errno));
    return -1;
}

/* The program is there, or its compiler has told why not. Returns the exit status. */
static int grade_program(struct report *report, struct program *program,
                         const struct wanted *wanted)
{
    int result;

    if (play_write_files(report->play) == -1) {
        fprintf(stderr, "grade: cannot write the files of the lab: %s\n",
                strerror(errno));
        return UNFIT;
    }
    if (write_to_file(report, wanted) == -1)
        return UNFIT; /* at once, and not after a minute of grading */
    report->does_not_compile =
        program_prepare(program, report->play->lab->name, &report->refused) == -1;
    result =
        report->does_not_compile ? write_to_file(report, wanted) : grade(report, wanted);
    if (print_results(report, wanted) == -1 || result == -1)
        return UNFIT;
    return report_points(report) == report_total(report) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(const struct wanted *wanted, const struct lab *lab, const char *argument,
               const char *self, const struct signals *signals)
{
    static struct program program;
    static struct play play;
    static struct report report;
    const char *why;
    int status;

    play.lab = lab;
    play.program = &program;
    play.seed = wanted->seed;
    play.patience_ms = wanted->patience_ms;
    play.signals = signals;
    report =
        (struct report){.play = &play, .program = &program, .again = self, .only = -1};
    if (wanted->behaviour != NULL)
        report.only = lab_find(lab, wanted->behaviour);
    if (program_open(&program, argument, wanted->user, &why) == -1)
        fail_unfit(wanted->user == NULL ? "cannot start" : wanted->user, why);
    if (play_open(&play) == 0) {
        status = grade_program(&report, &program, wanted);
        play_close(&play);
    } else {
        fprintf(stderr, "grade: all ports below those of the system are taken\n");
        status = UNFIT;
    }
    report_free(&report);
    program_close(&program);
    return status;
}

int main(int argc, char *argv[])
{
    struct wanted wanted = read_options(argc, argv);
    static struct lab lab;
    struct signals signals;
    const char *argument;
    int status;

    if (optind == argc || argv[optind][0] == '\0')
        options_wrong(&options, "which lab? chat, dgram, echo, hello, name or web");
    if (start_program() == -1 || signals_prepare(&signals) == -1)
        options_fail(&options, "cannot start: %s", strerror(errno));
    load_lab(&lab, argv[optind++], argv[0]);
    if (wanted.behaviour != NULL && lab_find(&lab, wanted.behaviour) == -1)
        options_wrong(&options, "the lab %s has no behaviour '%s' (-l lists them)",
                      lab.name, wanted.behaviour);
    if (wanted.list) {
        options_end(&options, argc, argv);
        report_list(&lab, stdout);
        lab_free(&lab);
        return fflush(stdout) == EOF ? UNFIT : EXIT_SUCCESS;
    }
    if (optind == argc || argv[optind][0] == '\0')
        options_wrong(&options, "which program? mine/%s.c, for example", lab.name);
    argument = argv[optind++];
    options_end(&options, argc, argv);
    if (wanted.user != NULL && geteuid() != 0)
        options_wrong(&options, "-u is for root only");
    close_in_children();
    raise_descriptors();
    status = run(&wanted, &lab, argument, argv[0], &signals);
    lab_free(&lab);
    return status;
}
