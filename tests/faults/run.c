/*
 * faults: runs every program many times, and makes one of its calls fail each time.
 *
 *     build/faults [-e N] [scenario ...]              every Nth case of these, or of all
 *     build/faults scenario call number errno [all]   one case, as a failure is printed
 *
 * A program plays its scenario (scenarios.c) once without a fault, and its calls are
 * counted. Then it plays it again for each call and each errno that POSIX gives for it, and
 * for reads and writes that move one byte only. "all" means that all later calls of the
 * kind fail too, until nothing moves any more. Whatever fails:
 *
 *  - The program does not crash, and does not spin.
 *  - Nobody but the victim loses anything (script.h).
 *  - A server goes on, and ends as it should when it is asked to.
 *  - Nothing fails in silence: a loss is in the log or on standard error.
 *  - At the end no descriptor and no memory is left that is not always left.
 */
#include "tests/faults/scenarios.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS      16
#define PATIENCE_MS  3000 /* of a script with a step; twice that in each new try */
#define AGAIN        2    /* new tries, if something is wrong */
#define SPIN_MS      300  /* of processor time */
#define SPIN_CALLS   500  /* that failed, in the moment that a failure lasts */
#define EACH_UP_TO   24   /* calls of one kind; of more, these and some later ones */
#define CASES_MOST   200000
#define ERRORS_MOST  12
#define SCENARIO_TOP 64
#define NAME_MOST    256

/* ---- What can fail, and how --------------------------------------------------------- */

/*
 * The errors of each call, up to a 0 that is not the first: POSIX, "Errors". Left out are
 * calls that fail only with arguments that are wrong, or not on any system that is known:
 * sigaction(), clock_gettime(), getsockname() of a bound socket.
 */
#define KIND(call, ...)                                                                  \
    {                                                                                    \
        FAULT_##call, #call,                                                             \
        {                                                                                \
            __VA_ARGS__                                                                  \
        }                                                                                \
    }
static const struct kind {
    enum fault_call call;
    const char *name;
    int errors[ERRORS_MOST];
} kinds[] = {
    KIND(accept, EAGAIN, EINTR, ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTO,
         EPERM),
    KIND(bind, EADDRINUSE, EACCES, EADDRNOTAVAIL, ENOBUFS),
    KIND(calloc, ENOMEM),
    KIND(close, EINTR, EIO),
    KIND(connect, ECONNREFUSED, ENETUNREACH, EADDRNOTAVAIL, ETIMEDOUT, ENOBUFS, EACCES),
    KIND(dup, EMFILE),
    KIND(dup2, EINTR, EMFILE),
    KIND(fchmod, EPERM, EIO),
    KIND(fcntl, EINVAL, EMFILE), /* but F_GETFD: it only fails with EBADF */
    KIND(fork, EAGAIN, ENOMEM),
    KIND(fstat, EIO, EOVERFLOW),
    KIND(fstatat, EIO, ENOMEM, EACCES, EOVERFLOW),
    KIND(fsync, EIO, ENOSPC, EINTR),
    KIND(getaddrinfo, EAI_AGAIN, EAI_FAIL, EAI_MEMORY),
    KIND(getnameinfo, EAI_AGAIN, EAI_FAIL, EAI_MEMORY),
    KIND(getsockopt, EINVAL, ENOPROTOOPT, ENOBUFS),
    KIND(listen, EADDRINUSE, EACCES, ENOBUFS),
    KIND(malloc, ENOMEM),
    KIND(open, EACCES, EINTR, EIO, EMFILE, ENFILE, ENOENT, ENOMEM, ENOSPC),
    KIND(openat, EACCES, EINTR, EIO, EMFILE, ENFILE, ENOMEM),
    KIND(opendir, EACCES, EMFILE, ENFILE, ENOMEM),
    KIND(pipe, EMFILE, ENFILE),
    KIND(poll, EINTR, EINVAL, ENOMEM),
    KIND(pread, FAULT_SHORT, EINTR, EIO),
    KIND(pselect, EINTR, EINVAL, ENOMEM),
    KIND(pthread_create, EAGAIN),
    KIND(read, FAULT_SHORT, EAGAIN, EINTR, EIO, ENOMEM),
    KIND(readdir, EIO, EOVERFLOW),
    KIND(readlink, EINVAL, EIO, EACCES),
    KIND(realloc, ENOMEM),
    KIND(recv, FAULT_SHORT, EAGAIN, EINTR, ECONNRESET, EIO, ENOBUFS, ENOMEM, ETIMEDOUT),
    KIND(recvmsg, EAGAIN, EINTR, ECONNRESET, EIO, ENOBUFS, ENOMEM),
    KIND(rename, EACCES, EIO, ENOSPC),
    KIND(select, EINTR, EINVAL, ENOMEM),
    KIND(send, FAULT_SHORT, EAGAIN, EINTR, ECONNRESET, EPIPE, EIO, ENOBUFS, ENOMEM,
         EHOSTUNREACH),
    KIND(sendmsg, FAULT_SHORT, EAGAIN, EINTR, ECONNRESET, EPIPE, EIO, ENOBUFS, ENOMEM,
         EHOSTUNREACH),
    KIND(sendto, EAGAIN, EINTR, ECONNREFUSED, EIO, ENOBUFS, ENOMEM, EHOSTUNREACH),
    KIND(setrlimit, EPERM),
    KIND(setsockopt, EINVAL, ENOPROTOOPT, ENOBUFS, ENOMEM),
    KIND(shutdown, ENOTCONN, ENOBUFS),
    KIND(socket, EACCES, EAFNOSUPPORT, EMFILE, ENFILE, ENOBUFS, ENOMEM),
    KIND(tcgetattr, EIO),
    KIND(tcsetattr, EINTR, EIO),
    KIND(unlink, EACCES, EIO),
    KIND(waitpid, EINTR, ECHILD),
    KIND(write, FAULT_SHORT, EAGAIN, EINTR, EFBIG, EIO, ENOSPC, EPIPE),
};

#define KINDS (sizeof kinds / sizeof kinds[0])

/* Ordinary life: nobody has to be told, and a connection may end by it without a word. */
static bool is_ordinary(int error)
{
    return error == FAULT_SHORT || error == EAGAIN || error == EINTR ||
           error == ECONNABORTED || error == ECONNRESET || error == EPIPE ||
           error == EPROTO;
}

/* ---- One case ----------------------------------------------------------------------- */

struct one_case {
    int scenario;
    const struct kind *kind;
    int error;
    unsigned number;
    bool lasts; /* all later calls fail, too */
};

/* What there is without a fault. */
struct normal {
    struct outcome outcome;
    unsigned calls[FAULT_COUNT];
    int descriptors, blocks;
};

/* A worker's file, mapped here and in the program. */
struct bench {
    char file[NAME_MOST];
    struct fault *fault;
};

static struct normal normals[SCENARIO_TOP];

/* A file of that size, all zeros, which every process that maps it shares. */
static void *map_new_file(char name[NAME_MOST], size_t size)
{
    const char *directory = getenv("TMPDIR");
    void *map = MAP_FAILED;
    int file;

    snprintf(name, NAME_MOST, "%s/faults-XXXXXX", directory == NULL ? "/tmp" : directory);
    file = mkstemp(name);
    if (file != -1 && ftruncate(file, (off_t)size) == 0)
        map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (map == MAP_FAILED) {
        perror(name);
        exit(EXIT_FAILURE);
    }
    close(file);
    return map;
}

/* The text with each number in it as one #: ports and times differ. */
static char *without_numbers(const char *text, char *out)
{
    char *begin = out;

    for (; *text != '\0'; text++)
        if (*text < '0' || *text > '9')
            *out++ = *text;
        else if (out == begin || out[-1] != '#')
            *out++ = '#';
    *out = '\0';
    return begin;
}

static bool prints_the_same(const struct outcome *a, const struct outcome *b)
{
    static char one[sizeof a->out], other[sizeof b->out];

    return strcmp(without_numbers(a->out, one), without_numbers(b->out, other)) == 0;
}

/*
 * The first socket is one for IPv6. A server goes on without it only where the errno means
 * that there is no IPv6.
 */
static bool is_half_a_start(const struct one_case *one)
{
    return normals[one->scenario].calls[FAULT_bind] > 0 && one->number == 1 &&
           one->error != EAFNOSUPPORT && one->error != EADDRNOTAVAIL &&
           (one->kind->call == FAULT_socket || one->kind->call == FAULT_bind ||
            one->kind->call == FAULT_listen);
}

/* What is wrong with this outcome? NULL: nothing. */
static const char *verdict(const struct one_case *one, const struct outcome *outcome,
                           const struct fault *fault)
{
    const struct scenario *scenario = &scenarios[one->scenario];
    const struct normal *normal = &normals[one->scenario];
    bool is_server = scenario->kind & IS_SERVER;
    bool is_said = script_is_said(fault, outcome);
    bool cannot_wait =
        one->kind->call == FAULT_pselect || one->kind->call == FAULT_select;

    if (*outcome->failure != '\0')
        return outcome->failure;
    /* SIGTERM may come while a client is only beginning, or ending. */
    if (outcome->status == 128 + SIGTERM && !is_server && outcome->left_out > 0)
        return NULL;
    if (outcome->status >= 128 && outcome->status != normal->outcome.status)
        return "it crashed";
    if (!(scenario->kind & MAY_SPIN) &&
        (outcome->cpu_ms > normal->outcome.cpu_ms + SPIN_MS ||
         (fault->fired > SPIN_CALLS && one->error != FAULT_SHORT)))
        return "it spins";
    if (outcome->status != normal->outcome.status && outcome->status != 1)
        return "its status is wrong";
    if (outcome->status == 1 && one->error == EINTR && one->kind->call == FAULT_pselect)
        return "a signal has ended its wait, and so it has ended";
    /* A client whose output has lost its reader (EPIPE) ends like `yes` before `head`. */
    if (outcome->status == 1 && *outcome->err == '\0' && !is_said &&
        !(scenario->kind & IS_QUIET) &&
        !(one->error == EPIPE && one->kind->call == FAULT_write && !is_server))
        return "it failed in silence";
    if (is_server && outcome->status == 1 && *outcome->out != '\0' && !cannot_wait)
        return "it ended";
    if (is_server && outcome->status == 0 && is_half_a_start(one))
        return "it started on a part of its addresses";
    if (outcome->status == 0 && outcome->left_out > 0 && !is_ordinary(one->error) &&
        !(scenario->kind & IS_QUIET) && !outcome->is_told && !is_said)
        return "something was lost in silence";
    if (outcome->status == 0 && (scenario->kind & SAYS_THE_SAME) &&
        *outcome->err == '\0' && !is_said && one->error != EAFNOSUPPORT &&
        !prints_the_same(outcome, &normal->outcome))
        return "status 0, but it did not print what it always prints";
    if (outcome->status == 0 && fault->descriptors > normal->descriptors)
        return "a descriptor was left open";
    if (outcome->status == 0 && fault->blocks > normal->blocks)
        return "memory was not freed";
    return NULL;
}

static void print_case(const struct one_case *one, const char *what)
{
    printf("%s %s %u %d%s: %s\n", scenarios[one->scenario].name, one->kind->name,
           one->number, one->error, one->lasts ? " all" : "", what);
}

/* Returns what is wrong, or NULL. */
static const char *try_case(struct bench *bench, const struct one_case *one,
                            int patience_ms, struct outcome *outcome)
{
    struct fault *fault = bench->fault;

    memset(fault, 0, sizeof *fault);
    fault->call = (int)one->kind->call;
    fault->error = one->error;
    fault->first = one->number;
    fault->last = one->lasts ? (unsigned)-1 : one->number;
    script_run(&scenarios[one->scenario], fault, bench->file, patience_ms, outcome);
    return verdict(one, outcome, fault);
}

/* 1: it is as it must be, 0: the call was not made, -1: something is wrong. */
static int run_case(struct bench *bench, const struct one_case *one, bool verbose)
{
    static struct outcome outcome;
    const struct fault *fault = bench->fault;
    const char *wrong = try_case(bench, one, PATIENCE_MS, &outcome);

    /* Times out of a script's reach decide now and then, most of all on a busy machine. */
    for (int n = 1; n <= AGAIN && wrong != NULL && !verbose; n++)
        wrong = try_case(bench, one, PATIENCE_MS << n, &outcome);
    if (wrong == NULL && !verbose)
        return fault->fired > 0;
    print_case(one, wrong == NULL ? "as it must be" : wrong);
    printf("    status %d, %u failed, %d steps left out, %d ms, %d descriptors, "
           "%d blocks\n",
           outcome.status, fault->fired, outcome.left_out, outcome.cpu_ms,
           fault->descriptors, fault->blocks);
    printf("    err: %.300s\n", outcome.err);
    if (verbose)
        printf("    out: %s\n", outcome.out);
    fflush(stdout);
    return wrong == NULL ? 1 : -1;
}

/* ---- All cases ---------------------------------------------------------------------- */

static struct one_case cases[CASES_MOST];
static size_t cases_count;

/* Shared by the workers. */
static struct score {
    atomic_size_t next;
    atomic_uint right[SCENARIO_TOP], wrong[SCENARIO_TOP];
} * score;

static void add_case(int scenario, const struct kind *kind, int error, unsigned number,
                     bool lasts)
{
    if (cases_count < CASES_MOST)
        cases[cases_count++] = (struct one_case){scenario, kind, error, number, lasts};
}

static void add_cases_of(int scenario, const struct kind *kind, int error)
{
    unsigned calls = normals[scenario].calls[kind->call];
    unsigned step = calls > EACH_UP_TO ? 1 + (calls - EACH_UP_TO) / 8 : 1;

    for (unsigned number = 1; number <= calls; number += number < EACH_UP_TO ? 1 : step)
        add_case(scenario, kind, error, number, false);
    /* These pass by themselves. */
    if (calls == 0 || error == EAGAIN || error == EINTR || error == ECONNABORTED ||
        error == ECONNRESET || error == EPROTO)
        return;
    add_case(scenario, kind, error, 1, true);
    if (calls >= 4)
        add_case(scenario, kind, error, calls / 2, true);
}

static void add_cases(int scenario)
{
    /* A server calls a client "?" if it must: no line of a script is right then. */
    if (scenarios[scenario].kind & IS_SERVER)
        normals[scenario].calls[FAULT_getnameinfo] = 0;
    for (const struct kind *kind = kinds; kind < kinds + KINDS; kind++)
        for (int n = 0; n < ERRORS_MOST; n++)
            if (n == 0 || kind->errors[n] != 0)
                add_cases_of(scenario, kind, kind->errors[n]);
}

/* Runs a scenario without a fault. False: it does not hold even so. */
static bool learn(struct bench *bench, int scenario)
{
    struct normal *normal = &normals[scenario];

    memset(bench->fault, 0, sizeof *bench->fault);
    script_run(&scenarios[scenario], bench->fault, bench->file, 4 * PATIENCE_MS,
               &normal->outcome);
    for (int call = 0; call < FAULT_COUNT; call++)
        normal->calls[call] = bench->fault->calls[call];
    normal->descriptors = bench->fault->descriptors;
    normal->blocks = bench->fault->blocks;
    if (*normal->outcome.failure == '\0' &&
        (normal->outcome.status == 0 || normal->outcome.status == 128 + SIGTERM))
        return true;
    printf("%s: without a fault: %s, status %d, err: %s\n", scenarios[scenario].name,
           normal->outcome.failure, normal->outcome.status, normal->outcome.err);
    return false;
}

static void work(size_t every)
{
    struct bench bench;
    size_t n;

    bench.fault = map_new_file(bench.file, sizeof *bench.fault);
    while ((n = every * atomic_fetch_add(&score->next, 1)) < cases_count) {
        const struct one_case *one = &cases[n];
        int result = run_case(&bench, one, false);

        score->right[one->scenario] += result == 1;
        score->wrong[one->scenario] += result == -1;
    }
    unlink(bench.file);
}

static bool run_all(size_t every)
{
    unsigned right = 0, wrong = 0;
    char name[NAME_MOST];

    score = map_new_file(name, sizeof *score);
    unlink(name);
    fflush(stdout);
    for (int worker = 0; worker < WORKERS; worker++)
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            work(every);
            _exit(0);
        }
    while (wait(NULL) > 0)
        continue;
    for (size_t n = 0; n < scenarios_count; n++) {
        if (score->right[n] + score->wrong[n] > 0)
            printf("%-12s %5u faults\n", scenarios[n].name,
                   score->right[n] + score->wrong[n]);
        right += score->right[n];
        wrong += score->wrong[n];
    }
    printf("faults: %u passed, %u failed\n", right, wrong);
    return wrong == 0;
}

static int scenario_named(const char *name)
{
    for (size_t n = 0; n < scenarios_count; n++)
        if (strcmp(scenarios[n].name, name) == 0)
            return (int)n;
    fprintf(stderr, "faults: there is no scenario '%s'\n", name);
    exit(2);
}

static const struct kind *kind_named(const char *name)
{
    for (const struct kind *kind = kinds; kind < kinds + KINDS; kind++)
        if (strcmp(kind->name, name) == 0)
            return kind;
    return NULL;
}

static bool is_chosen(int scenario, int argc, char *argv[])
{
    bool chosen = argc == 1;

    for (int arg = 1; arg < argc; arg++)
        chosen |= scenario_named(argv[arg]) == scenario;
    return chosen;
}

int main(int argc, char *argv[])
{
    const struct rlimit no_core = {0, 0};
    const struct kind *kind = argc >= 5 ? kind_named(argv[2]) : NULL;
    bool all_well = true;
    size_t every = 1;
    struct bench bench;

    signal(SIGPIPE, SIG_IGN);
    setrlimit(RLIMIT_CORE, &no_core);
    bench.fault = map_new_file(bench.file, sizeof *bench.fault);
    if (kind != NULL) {
        struct one_case one = {scenario_named(argv[1]), kind, atoi(argv[4]),
                               (unsigned)atoi(argv[3]), argc > 5};

        all_well = learn(&bench, one.scenario) && run_case(&bench, &one, true) == 1;
        unlink(bench.file);
        return all_well ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    if (argc > 2 && strcmp(argv[1], "-e") == 0) {
        every = (size_t)atoi(argv[2]);
        argv += 2;
        argc -= 2;
    }
    for (int n = 0; n < (int)scenarios_count; n++) {
        if (!is_chosen(n, argc, argv))
            continue;
        if (learn(&bench, n))
            add_cases(n);
        else
            all_well = false;
    }
    unlink(bench.file);
    return run_all(every) && all_well ? EXIT_SUCCESS : EXIT_FAILURE;
}
