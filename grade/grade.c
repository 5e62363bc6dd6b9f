/*
 * grade: grades a server of the course, and says what is wrong with it and why.
 *
 *     grade chat mine/chat.c
 *     grade -b pieces chat mine/chat.c
 *     grade -f csv -o marks.csv echo 'python3 echo.py'
 *
 * The behaviours of a lab, their points and their hints are text, grade/LAB.lab. This
 * program reads it, and plays one behaviour after the other, each with a new process of
 * the program under test.
 */
#include "base/descriptor.h"
#include "base/options.h"
#include "base/start.h"
#include "scene/lab.h"
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
#define UNFIT             2 /* the exit status if nothing could be graded */

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
        "  -o file     write the results to this file after each behaviour; the text\n"
        "              is printed all the same\n"
        "  -s seed     other bytes, the same behaviours (default: 1)\n"
        "  -u user     run the program as this user; for root only\n"
        "  -w seconds  how long to wait for what must come (default: 5)\n"
        "  -h          print this help\n"
        "  -V          print the version\n"
        "Status: 0 for full marks, 1 for fewer, 2 if nothing could be graded.\n",
};

struct grader {
    bool one_line, list;
    const char *behaviour, *file, *user;
    enum report_format format;

    struct lab lab;
    struct program program;
    struct play play;
    struct report report;
};

static void read_options(struct grader *grader, int argc, char *argv[])
{
    int letter, format;

    grader->play.seed = 1;
    grader->play.patience_ms = PATIENCE_MS;
    while ((letter = options_next(&options, argc, argv)) != -1) {
        switch (letter) {
        case '1': grader->one_line = true; break;
        case 'b': grader->behaviour = optarg; break;
        case 'f':
            format = report_format(optarg);
            if (format == -1)
                options_wrong(&options,
                              "'%s' is not a format: text, csv, gradescope or autolab",
                              optarg);
            grader->format = (enum report_format)format;
            break;
        case 'l': grader->list = true; break;
        case 'o': grader->file = optarg; break;
        case 's':
            grader->play.seed = (uint64_t)options_number(&options, letter, 0, INT_MAX);
            break;
        case 'u': grader->user = optarg; break;
        case 'w':
            grader->play.patience_ms = (int)options_timeout(&options, letter);
            break;
        }
    }
}

/* What the grader cannot do is not the program's fault: status 2, and no marks. */
static _Noreturn void fail_unfit(const char *what, const char *why)
{
    fprintf(stderr, "grade: %s: %s\n", what, why);
    exit(UNFIT);
}

/*
 * Writes where the scenes of a lab are. A lab with a slash in it is the path itself.
 * Otherwise the file is LAB.lab in the directory that GRADE_DIR names. Without that, it is
 * near this program, as in the tree or as `make install` lays it out; or else in grade/. A
 * program whose name has no slash was found in PATH.
 */
static void find_lab(struct bytes *path, const char *lab, const char *self)
{
    static const char *const places[] = {"../grade", "../share/netlab/grade",
                                         "../../share/netlab/grade"};
    const char *given = getenv("GRADE_DIR"), *slash = strrchr(self, '/');
    const char *directory = slash == NULL ? getenv("PATH") : self;
    bool is_given = given != NULL && given[0] != '\0';

    if (strchr(lab, '/') != NULL) {
        bytes_print(path, "%s", lab);
        return;
    }
    while (directory != NULL && !is_given) {
        size_t length =
            slash == NULL ? strcspn(directory, ":") : (size_t)(slash - directory);
        const char *here = slash == NULL && length == 0 ? "." : "";

        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
            bytes_free(path);
            bytes_print(path, "%.*s%s/%s/%s.lab", (int)length, directory, here, places[i],
                        lab);
            if (access(path->at, R_OK) == 0)
                return;
        }
        directory =
            slash == NULL && directory[length] == ':' ? directory + length + 1 : NULL;
    }
    bytes_free(path);
    bytes_print(path, "%s/%s.lab", is_given ? given : "grade", lab);
}

static void load_lab(struct lab *lab, const char *name, const char *self)
{
    struct bytes path = {0};
    struct lab_error error;

    find_lab(&path, name, self);
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

    descriptor_raise_limit(DESCRIPTORS);
    if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur >= DESCRIPTORS_LEAST)
        return;
    snprintf(why, sizeof why, "this shell allows %llu (ulimit -Hn)",
             (unsigned long long)limit.rlim_cur);
    fail_unfit("it needs 1,200 descriptors, so that all get the same marks", why);
}

/* Descriptors that this program was started with are not for the program under test. */
static void close_in_children(void)
{
    for (int descriptor = 3; descriptor < 256; descriptor++)
        fcntl(descriptor, F_SETFD, FD_CLOEXEC); /* fails for those that are not open */
}

/* 0, or -1 with a message. */
static int write_to_file(struct grader *grader)
{
    FILE *file;
    bool good = false;

    if (grader->file == NULL)
        return 0;
    file = fopen(grader->file, "w");
    if (file != NULL) {
        report_write(&grader->report, grader->format, file);
        good = ferror(file) == 0;
        good = fclose(file) == 0 && good;
    }
    if (!good)
        fprintf(stderr, "grade: cannot write the results to %s: %s\n", grader->file,
                strerror(errno));
    return good ? 0 : -1;
}

/* On a terminal, shows the behaviour that is being tried, in a line that is then erased. */
static void show_progress(const char *name)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%-30s\r%s", "", name);
}

static void try_behaviour(struct grader *grader, size_t index)
{
    const struct behaviour *behaviour = &grader->lab.behaviours[index];
    struct result *result = &grader->report.results[index];

    if (report_needed(&grader->report, behaviour) != NULL) {
        result->mark = NOT_TRIED;
        return;
    }
    show_progress(behaviour->name);
    result->mark =
        play_behaviour(&grader->play, behaviour, &result->outcome) ? PASSED : FAILED;
    show_progress("");
}

/* The behaviours that this one needs, directly or not, and itself. */
static uint64_t needed(const struct lab *lab, size_t index)
{
    uint64_t set = (uint64_t)1 << index;

    for (size_t i = index + 1; i-- > 0;)
        if ((set >> i & 1) != 0)
            set |= lab->behaviours[i].needs;
    return set;
}

/* 0, or -1 after a stop signal, or if the results cannot be written. */
static int grade(struct grader *grader)
{
    int only = grader->report.only, result = 0;
    uint64_t set = only == -1 ? UINT64_MAX : needed(&grader->lab, (size_t)only);

    for (size_t i = 0; i < grader->lab.count && result == 0; i++) {
        if ((set >> i & 1) == 0)
            continue;
        try_behaviour(grader, i);
        result = signals_stop_requested() ? -1 : write_to_file(grader);
    }
    return result;
}

/* 0, or -1 with a message. */
static int finish_output(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    fprintf(stderr, "grade: cannot write to standard output: %s\n", strerror(errno));
    return -1;
}

static int print_results(struct grader *grader)
{
    if (grader->one_line)
        report_write_line(&grader->report, stdout);
    else
        report_write(&grader->report, grader->file == NULL ? grader->format : REPORT_TEXT,
                     stdout);
    return finish_output();
}

/* The program is there, or its compiler has told why not. Returns the exit status. */
static int grade_program(struct grader *grader)
{
    struct report *report = &grader->report;
    int result;

    if (play_write_files(&grader->play) == -1) {
        fprintf(stderr, "grade: cannot write the files of the lab: %s\n",
                strerror(errno));
        return UNFIT;
    }
    if (write_to_file(grader) == -1)
        return UNFIT; /* at once, and not after a minute of grading */
    report->does_not_compile =
        program_prepare(&grader->program, grader->lab.name, &report->refused) == -1;
    if (signals_stop_requested()) {
        fprintf(stderr, "grade: stopped\n");
        return UNFIT;
    }
    if (report->does_not_compile && program_lacks_space(&grader->program)) {
        fprintf(stderr, "grade: no space left in TMPDIR (or /tmp): %s\n",
                report->refused.at);
        return UNFIT;
    }
    result = report->does_not_compile ? write_to_file(grader) : grade(grader);
    if (print_results(grader) == -1 || result == -1)
        return UNFIT;
    return report_points(report) == report_total(report) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(struct grader *grader, const char *argument, const char *self)
{
    const char *why;
    int status = UNFIT;

    grader->play.lab = grader->report.lab = &grader->lab;
    grader->play.program = &grader->program;
    grader->report.program = &grader->program;
    grader->report.seed = grader->play.seed;
    grader->report.again = self;
    if (program_open(&grader->program, argument, grader->user, &why) == -1)
        fail_unfit(grader->user == NULL ? "cannot start" : grader->user, why);
    grader->program.signals = grader->play.signals;
    if (play_open(&grader->play) == 0) {
        status = grade_program(grader);
        play_close(&grader->play);
    } else {
        fprintf(stderr, "grade: all ports below those of the system are taken\n");
    }
    report_free(&grader->report);
    program_close(&grader->program);
    return status;
}

int main(int argc, char *argv[])
{
    static struct grader grader; /* megabytes: too much for a stack */
    struct signals signals;
    struct bytes why = {0};
    const char *argument;
    int status;

    read_options(&grader, argc, argv);
    if (optind == argc || argv[optind][0] == '\0')
        options_wrong(&options, "which lab? chat, dgram, echo, hello, name or web");
    start_program(&options);
    signals_prepare(&signals);
    grader.play.signals = &signals;
    grader.report.scenes = argv[optind++];
    load_lab(&grader.lab, grader.report.scenes, argv[0]);
    grader.report.only =
        grader.behaviour == NULL ? -1 : lab_find(&grader.lab, grader.behaviour);
    if (grader.behaviour != NULL && grader.report.only == -1)
        options_wrong(&options, "the lab %s has no behaviour '%s' (-l lists them)",
                      grader.lab.name, grader.behaviour);
    if (grader.list) {
        options_end(&options, argc, argv);
        report_list(&grader.lab, stdout);
        lab_free(&grader.lab);
        return finish_output() == -1 ? UNFIT : EXIT_SUCCESS;
    }
    if (optind == argc || argv[optind][0] == '\0')
        options_wrong(&options, "which program? mine/%s.c, for example", grader.lab.name);
    argument = argv[optind++];
    options_end(&options, argc, argv);
    if (grader.user != NULL && geteuid() != 0)
        options_wrong(&options, "-u is for root only");
    if (program_check(argument, &why) == -1) {
        fprintf(stderr, "grade: %s\n", why.at); /* a wrong name is not a bad server */
        if (grader.format == REPORT_AUTOLAB)    /* it knows no other answer */
            printf("{\"scores\":{\"%s\":0}}\n", grader.lab.name);
        return UNFIT;
    }
    close_in_children();
    raise_descriptors();
    status = run(&grader, argument, argv[0]);
    lab_free(&grader.lab);
    return status;
}
