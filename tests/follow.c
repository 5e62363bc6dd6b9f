/*
 * follow: types what Markdown pages ask their reader to type, in several terminals at once,
 * and compares what is shown with what the pages say. tests/page.h says how a page is read.
 *
 *     build/follow [-q] [-w SECONDS] FILE...
 *
 * It runs at the top of the tree. Each page has a directory of its own with the tree's files,
 * so that `make start` and others write there; and where the system allows (unshare), each
 * has a network of its own, in which every port is free. Elsewhere the pages take turns, on
 * this machine's ports. So it may run several times side by side.
 *
 * The blocks are followed in the order of the page. What stands after the last line typed in
 * a block may come later, if a later block is its cause: it must be there before anything
 * else is typed at that terminal, or at the end of the page.
 *
 * The status is 0 if all pages hold, 1 if not, 2 for wrong usage.
 */
#include "base/clock.h"
#include "base/number.h"
#include "scene/processes.h"
#include "tests/console.h"
#include "tests/page.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONSOLES_MOST 16
#define PAUSE_MS      50  /* for what was typed to be taken */
#define GRACE_MS      500 /* at the end of a page, for a program to end by itself */
#define WAITS_MOST    4   /* no step takes longer than this many waits */
#define QUIET_PART    6   /* of a wait without a line: the next needs a later block */
#define ROWS_SHOWN    20

struct options {
    const char *directory; /* what follows is for the one page that runs there */
    bool takes_turns;
    bool quiet;
    char *wait;
    long wait_s;
};

struct reading {
    const struct page *page;
    struct console *consoles[CONSOLES_MOST];
    size_t count;
    int wait_ms;
    const struct block *block; /* that is being followed */
};

/* ---- Looking ------------------------------------------------------------------------- */

/* Reads what all terminals show, within `ms`. False: nothing came. */
static bool look(struct reading *reading, int ms)
{
    struct pollfd ready[CONSOLES_MOST];
    bool any = false;

    for (size_t i = 0; i < reading->count; i++)
        ready[i] = (struct pollfd){.fd = reading->consoles[i]->fd, .events = POLLIN};
    if (poll(ready, (nfds_t)reading->count, ms) <= 0)
        return false;
    for (size_t i = 0; i < reading->count; i++)
        if (ready[i].revents != 0)
            any = console_read(reading->consoles[i]) || any;
    return any;
}

static const char *kind_text(const struct want *want)
{
    switch (want->kind) {
    case WANT_LINE: return want->step->text;
    case WANT_MORE: return "the rest of a command to be asked for";
    case WANT_PROMPT: return "the shell's prompt: the program before it has not ended";
    default: return "what was typed";
    }
}

/* Says what was wanted, and what the terminal shows instead. False, for its callers. */
static bool missing(const struct reading *reading, const struct console *console)
{
    const struct want *want = &console->wants[console->seen];
    size_t end = console->row_count, from = console->at;

    if (end > from + ROWS_SHOWN)
        end = from + ROWS_SHOWN;
    printf("%s:%d: terminal %s\n    wanted  %s\n", reading->page->path,
           want->step != NULL ? want->step->line : reading->block->line, console->name,
           kind_text(want));
    if (want->kind == WANT_LINE && console_differs_in_blanks(console, want->step))
        printf("            (it is there, with other blanks at the beginning)\n");
    for (size_t row = from; row < end; row++)
        printf("    %s  %s\n", row == from ? "shown " : "      ", console->rows[row]);
    if (end < console->row_count)
        printf("            ... %zu more lines\n", console->row_count - end);
    else if (from >= end)
        printf("    shown   nothing more\n");
    return false;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Waits until a terminal shows all that is wanted of it. */
static bool await(struct reading *reading, struct console *console)
{
    int64_t start = clock_ms();

    while (!console_look(console)) {
        int64_t now = clock_ms();

        if (now > later(start, console->grown_ms) + reading->wait_ms ||
            now > start + WAITS_MOST * reading->wait_ms)
            return missing(reading, console);
        look(reading, 100);
    }
    return true;
}

/* ---- Typing -------------------------------------------------------------------------- */

static struct console *console_of(struct reading *reading, const char *name)
{
    struct console *console;

    for (size_t i = 0; i < reading->count; i++)
        if (strcmp(reading->consoles[i]->name, name) == 0)
            return reading->consoles[i];
    if (reading->count == CONSOLES_MOST) {
        printf("%s:%d: more than %d terminals\n", reading->page->path,
               reading->block->line, CONSOLES_MOST);
        return NULL;
    }
    console = console_open(name);
    reading->consoles[reading->count++] = console;
    return console;
}

/* Waits for what must be there before this is typed, types it, and sees it echoed. */
static bool type(struct reading *reading, struct console *console,
                 const struct step *step, bool goes_on)
{
    int64_t deadline;

    if (step->kind == STEP_SHELL)
        console_want(console, goes_on ? WANT_MORE : WANT_PROMPT, step);
    if (!await(reading, console))
        return false;
    deadline = clock_ms() + reading->wait_ms;
    while (step->kind == STEP_KEYS && !console_is_busy(console)) {
        if (clock_ms() > deadline) {
            printf("%s:%d: terminal %s: no program runs there that this could be typed "
                   "into\n",
                   reading->page->path, step->line, console->name);
            return false;
        }
        look(reading, 10);
    }
    console_type(console, step);
    while (look(reading, PAUSE_MS) && clock_ms() < deadline)
        continue; /* what is typed next must come after its echo */
    return true;
}

static bool is_continued(const struct step *step)
{
    return step->kind == STEP_SHELL && *step->text != '\0' &&
           step->text[strlen(step->text) - 1] == '\\';
}

/*
 * At the end of a block: waits for the lines after what was typed last. The first line after
 * a command must come; others may need a later block.
 */
static bool settle(struct reading *reading, struct console *console, bool needs_first)
{
    int64_t start = clock_ms();
    size_t first = 0;

    while (needs_first && first < console->want_count &&
           console->wants[first].kind != WANT_LINE)
        first++;
    while (!console_look(console)) {
        int64_t now = clock_ms(), last = later(start, console->grown_ms);

        if (now > last + reading->wait_ms / QUIET_PART &&
            (!needs_first || console->seen > first))
            return true;
        if (now > last + reading->wait_ms || now > start + WAITS_MOST * reading->wait_ms)
            return missing(reading, console);
        look(reading, 20);
    }
    return true;
}

static bool follow_block(struct reading *reading, const struct block *block)
{
    struct console *console;
    const struct step *typed = NULL;

    reading->block = block;
    console = console_of(reading, block->terminal);
    if (console == NULL)
        return false;
    console_want(console, WANT_ANY, NULL); /* what has come since its last block */
    for (size_t i = 0; i < block->count; i++) {
        const struct step *step = &block->steps[i];

        if (step->kind == STEP_LINE || step->kind == STEP_ANY) {
            console_want(console, step->kind == STEP_LINE ? WANT_LINE : WANT_ANY, step);
            continue;
        }
        if (!type(reading, console, step, i > 0 && is_continued(step - 1)))
            return false;
        typed = step;
    }
    if (console->want_count == 1 && typed != NULL)
        return true;
    return settle(reading, console, typed != NULL && typed->kind == STEP_SHELL);
}

/* ---- A page -------------------------------------------------------------------------- */

/* Ctrl-C for what still runs, and a moment for its last words; then the terminals end. */
static void leave(struct reading *reading)
{
    int64_t deadline = clock_ms() + GRACE_MS;
    bool busy = true;

    for (size_t i = 0; i < reading->count; i++)
        if (console_is_busy(reading->consoles[i]))
            ck_assert_int_eq(write(reading->consoles[i]->fd, "\003", 1), 1);
    while (busy && clock_ms() < deadline) {
        busy = false;
        for (size_t i = 0; i < reading->count; i++)
            busy = busy || console_is_busy(reading->consoles[i]);
        if (busy)
            look(reading, 10);
    }
    for (size_t i = 0; i < reading->count; i++)
        console_close(reading->consoles[i]);
    if (!processes_kill_all())
        printf("%s: something that it started still runs\n", reading->page->path);
}

static bool follow_blocks(struct reading *reading, bool quiet)
{
    const struct page *page = reading->page;
    bool good = true;

    for (size_t i = 0; good && i < page->count; i++) {
        int64_t start = clock_ms();

        good = follow_block(reading, &page->blocks[i]);
        if (!quiet)
            printf("%6d  %-16s %6.2f s\n", page->blocks[i].line, page->blocks[i].terminal,
                   (double)(clock_ms() - start) / 1000);
    }
    for (size_t i = 0; good && i < reading->count; i++)
        good = await(reading, reading->consoles[i]);
    return good;
}

/* In a directory, and a network, of its own. */
static bool follow_page(const char *path, const struct options *options)
{
    int64_t start = clock_ms();
    struct page page;
    struct reading reading = {.page = &page, .wait_ms = (int)options->wait_s * 1000};
    bool good = page_read(&page, path);

    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("HOME", options->directory, 1);
    processes_prepare();
    if (!good) {
        printf("%s:%d: %s\n", path, page.bad_line, page.bad);
    } else if (chdir(options->directory) == -1) {
        perror(options->directory);
        good = false;
    } else {
        good = follow_blocks(&reading, options->quiet);
        leave(&reading);
    }
    printf("%s: %zu blocks in %.1f s, %d shown once%s\n", path, page.count,
           (double)(clock_ms() - start) / 1000, page.once, good ? "" : ": FAILED");
    page_free(&page);
    return good;
}

/* ---- Apart --------------------------------------------------------------------------- */

static void wait_for_turn(void)
{
    int lock = open("build/follow.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    while (lock != -1 && fcntl(lock, F_SETLKW, &whole) == -1 && errno == EINTR)
        continue;
}

/* Follows a page where tests/follow-apart puts it. Returns its status. */
static int follow_apart(const struct options *options, char *program, char *page)
{
    char *arguments[8] = {"follow-apart", program, "-w", options->wait}, script[1024];
    int count = 4, status;
    pid_t pid;

    if (options->quiet)
        arguments[count++] = "-q";
    arguments[count] = page;
    snprintf(script, sizeof script, "%.*s/../tests/follow-apart",
             (int)(strrchr(program, '/') - program), program);
    pid = fork();
    if (pid == 0)
        execv(script, arguments);
    if (pid <= 0) {
        perror(script);
        _exit(2);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* The harness works in a test of Check's alone. */
static const char *the_page;
static const struct options *the_options;
static bool it_holds;

START_TEST(the_page_holds)
{
    it_holds = follow_page(the_page, the_options);
}
END_TEST

/* Everything that runs in its namespace ends with this process. */
static void stop(int signal_number)
{
    (void)signal_number;
    _exit(1);
}

static int follow_one(const struct options *options, const char *page)
{
    Suite *suite = suite_create("follow");
    TCase *tcase = tcase_create(page);
    SRunner *runner = srunner_create(suite);

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)signal(SIGINT, stop); /* the first process of a namespace is spared otherwise */
    (void)signal(SIGTERM, stop);
    the_page = page;
    the_options = options;
    tcase_add_test(tcase, the_page_holds);
    suite_add_tcase(suite, tcase);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_SILENT);
    if (srunner_ntests_failed(runner) > 0)
        srunner_print(runner, CK_NORMAL);
    srunner_free(runner);
    return it_holds ? 0 : 1;
}

static int usage(void)
{
    fputs("Usage: follow [-q] [-w SECONDS] FILE...\n"
          "  -q  print a line for each page, and what fails\n"
          "  -w  wait this long for what must come, again after each progress (30)\n",
          stderr);
    return 2;
}

/* What an outer test of Check's, make and the teacher's shell have set is not for the pages. */
static void forget_surroundings(void)
{
    static const char *const names[] = {
        "MAKEFLAGS",
        "MAKELEVEL",
        "MFLAGS",
        "PORT",
        "NO_COLOR",
        "COLUMNS",
        "LINES",
        "CDPATH",
        "CK_RUN_CASE",
        "CK_RUN_SUITE",
        "CK_INCLUDE_TAGS",
        "CK_EXCLUDE_TAGS",
        "CK_LOG_FILE_NAME",
        "CK_XML_LOG_FILE_NAME",
        "CK_TAP_LOG_FILE_NAME",
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
}

int main(int argc, char *argv[])
{
    struct options options = {.wait = "30", .wait_s = 30};
    int option, worst = 0;

    while ((option = getopt(argc, argv, "d:lqw:")) != -1) {
        bool good = true;

        switch (option) {
        case 'd': options.directory = optarg; break;
        case 'l': options.takes_turns = true; break;
        case 'q': options.quiet = true; break;
        case 'w':
            options.wait = optarg;
            good = number_parse(optarg, 1, 600, &options.wait_s) == 0;
            break;
        default: good = false;
        }
        if (!good)
            return usage();
    }
    if (optind == argc || strchr(argv[0], '/') == NULL)
        return usage();
    forget_surroundings();
    if (options.directory != NULL) {
        if (options.takes_turns)
            wait_for_turn();
        return follow_one(&options, argv[optind]);
    }
    for (; optind < argc; optind++) {
        int status = follow_apart(&options, argv[0], argv[optind]);

        worst = status > worst ? status : worst;
    }
    return worst;
}
