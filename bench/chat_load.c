/*
 * chat_load - what a line chat server does under load
 *
 * usage: chat_load [-c clients] [-s senders] [-f in_flight] [-l line_length] [-t seconds]
 *                  [-z stalled] [-p port] [-C] -- command [arg ...]
 *
 * Starts the command, a chat server that sends each line of a client to all others;
 * connects the clients; lets some of them talk, each keeping so many lines in flight;
 * checks that every line arrives whole at everyone, once and in order; and reports how
 * fast it went and what it cost. USAGE, below, has the options.
 *
 * What the figures mean:
 *
 *   connected      from the first connect until all connections are established
 *   all told       ... and each client was told of each who joined after it
 *   nudged         clients that were connected only in appearance, until they sent a line
 *                  (see chat_join.c)
 *   delivery       a line that arrived whole at one client; the rate counts those of the
 *                  run's seconds, not those that come in after it
 *   latency        from just before a line is sent until it's received, by this program's
 *                  clock: the time that it spends on other clients is in it
 *   longest pause  in which no client got any line, in the run
 *   lost           deliveries that never came, or not whole
 *   late           came after their sender had given them up; not lost
 *   damaged        lines with a mark in them that are not what was sent: cut or glued
 *   unnamed        whole lines with no name before them (some servers give none)
 *   other          lines without a mark: notices, and the ends of cut lines
 *   server CPU     of the command's own process, user and system, in the run's seconds
 *
 * The status is 0 when everything arrived; 1 when something was lost or damaged, not
 * everyone got in, or the server ended by itself; 2 for wrong usage.
 */
#include "chat_load.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    PORT_TIMEOUT_MS = 5000, /* for the server to say its port */
    STOP_TIMEOUT_MS = 3000, /* between SIGTERM and SIGKILL */
    END_WAIT_MS = 500,      /* for a server that closed connections: is it dying? */
    FIGURES_MAX = 40,
    BUSY_PERCENT = 90 /* above it, it's this program that sets the pace */
};

static const char USAGE[] =
    "usage: chat_load [-c clients] [-s senders] [-f in_flight] [-l line_length]\n"
    "                 [-t seconds] [-z stalled] [-p port] [-C] -- command [arg ...]\n"
    "  -c clients      how many connect (100)\n"
    "  -s senders      how many of them, the first, send lines (20)\n"
    "  -f in_flight    lines that each sender has under way at a time (1)\n"
    "  -l line_length  in bytes, with the newline (60)\n"
    "  -t seconds      how long they send (3)\n"
    "  -z stalled      the last so many clients stop reading once all are in (0)\n"
    "  -p port         the server's, on 127.0.0.1; without it, the server's stdout says\n"
    "                  \"port N\" in one of its lines\n"
    "  -C              a CSV row after the report; twice: a row of names before it\n";

volatile sig_atomic_t interrupted;

uint64_t clock_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    if (memory == NULL) {
        fprintf(stderr, "chat_load: out of memory\n");
        exit(1);
    }
    return memory;
}

/* The first reason is the one that counts. */
void load_fail(struct load *load, const char *format, ...)
{
    va_list arguments;

    if (load->failure[0] != '\0')
        return;
    va_start(arguments, format);
    (void)vsnprintf(load->failure, sizeof load->failure, format, arguments);
    va_end(arguments);
}

static void interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = interrupt};

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* After the server is started: it is to run under the limit that it would have without
 * us. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* if not: connecting says what's wrong */
    }
}

/* Options */

static void usage_error(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fprintf(stderr, "chat_load: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n%s", USAGE);
    va_end(arguments);
    exit(2);
}

static int number_of(int option, long low, long high)
{
    char *end;
    long number;

    errno = 0;
    number = strtol(optarg, &end, 10);
    if (errno != 0 || end == optarg || *end != '\0' || number < low || number > high)
        usage_error("-%c takes a number from %ld to %ld", option, low, high);
    return (int)number;
}

static void options_read(struct options *options, int argc, char **argv)
{
    int option;

    *options = (struct options){
        .clients = 100, .senders = 20, .in_flight = 1, .line_length = 60, .seconds = 3};
    while ((option = getopt(argc, argv, "c:s:f:l:t:z:p:Ch")) != -1) {
        switch (option) {
        case 'c': options->clients = number_of(option, 2, CHAT_LINE_SENDERS); break;
        case 's': options->senders = number_of(option, 1, CHAT_LINE_SENDERS); break;
        case 'f': options->in_flight = number_of(option, 1, 10000); break;
        case 'l':
            options->line_length = number_of(option, CHAT_LINE_MIN, CHAT_LINE_MAX);
            break;
        case 't': options->seconds = number_of(option, 1, 600); break;
        case 'z': options->stalled = number_of(option, 0, CHAT_LINE_SENDERS); break;
        case 'p': options->port = number_of(option, 1, 65535); break;
        case 'C': options->csv++; break;
        case 'h': fputs(USAGE, stdout); exit(0);
        default: fputs(USAGE, stderr); exit(2);
        }
    }
    options->command = argv + optind;
    if (options->command[0] == NULL)
        usage_error("no command");
    if (options->clients - options->stalled < 2)
        usage_error("at least two clients have to read");
    if (options->senders > options->clients - options->stalled)
        usage_error("more senders than clients that read");
}

/* The report: figures with a name, as lines and as a CSV row */

struct figure {
    const char *name, *unit;
    double value; /* NAN: not known */
    int decimals;
};

struct report {
    int count;
    struct figure figures[FIGURES_MAX];
};

static void report_add(struct report *report, const char *name, const char *unit,
                       double value, int decimals)
{
    if (report->count < FIGURES_MAX)
        report->figures[report->count++] = (struct figure){name, unit, value, decimals};
}

static void report_count(struct report *report, const char *name, const char *unit,
                         uint64_t value)
{
    report_add(report, name, unit, (double)value, 0);
}

static void report_latency(struct report *report, const char *name,
                           const struct histogram *latency, double percent)
{
    double value =
        latency->total == 0 ? NAN : (double)histogram_percentile(latency, percent) / 1e3;
    report_add(report, name, "us", value, 1);
}

static void report_joining(struct report *report, const struct load *load)
{
    const struct options *options = &load->options;
    const struct joining *join = &load->joining;

    report_add(report, "clients", "", options->clients, 0);
    report_add(report, "senders", "", options->senders, 0);
    report_add(report, "in flight", "lines each", options->in_flight, 0);
    report_add(report, "line length", "bytes", options->line_length, 0);
    report_add(report, "stalled", "clients", options->stalled, 0);
    report_add(report, "connected", "s",
               join->connected == 0 ? NAN : (double)join->connected / SECOND, 4);
    report_add(report, "all told", "s",
               join->told == 0 ? NAN : (double)join->told / SECOND, 4);
    report_add(report, "nudged", "clients", join->told == 0 ? NAN : (double)join->nudged,
               0);
}

/* Without a run its figures are there, but not known: CSV rows have the same columns. */
static void report_run(struct report *report, const struct run *run, bool joined)
{
    int first = report->count;
    double seconds = (double)(run->ended - run->began) / SECOND;
    double deliveries = (double)run->deliveries;
    double expected = (double)run->tally.expected;
    double lost = expected - (double)run->tally.delivered;

    report_count(report, "lines sent", "", run->tally.sent);
    report_add(report, "deliveries", "", deliveries, 0);
    report_add(report, "run time", "s", seconds, 3);
    report_add(report, "delivery rate", "a second", deliveries / seconds, 0);
    report_latency(report, "latency p50", &run->latency, 50);
    report_latency(report, "latency p90", &run->latency, 90);
    report_latency(report, "latency p99", &run->latency, 99);
    report_latency(report, "latency max", &run->latency, 100);
    report_add(report, "longest pause", "s", (double)run->longest_pause / SECOND, 3);
    report_add(report, "lost", "deliveries", lost, 0);
    report_add(report, "lost share", "%", expected > 0 ? 100 * lost / expected : 0, 2);
    report_count(report, "late", "deliveries", run->tally.late);
    report_count(report, "out of order", "deliveries", run->tally.out_of_order);
    report_count(report, "damaged", "lines", run->tally.damaged);
    report_count(report, "duplicates", "lines", run->tally.duplicates);
    report_count(report, "unnamed", "lines", run->tally.unnamed);
    report_count(report, "other", "lines", run->tally.other);
    report_add(report, "server CPU", "s", run->server_cpu < 0 ? NAN : run->server_cpu, 3);
    report_add(report, "server CPU a delivery", "ns",
               run->server_cpu < 0 || deliveries < 1 ? NAN
                                                     : run->server_cpu * 1e9 / deliveries,
               1);
    report_add(report, "server memory", "KiB",
               run->memory_kib < 0 ? NAN : (double)run->memory_kib, 0);
    report_add(report, "generator CPU", "s", run->own_cpu, 3);
    report_add(report, "generator share", "%", 100 * run->own_cpu / seconds, 0);
    for (int i = first; i < report->count && !joined; i++)
        report->figures[i].value = NAN;
}

static void report_print(const struct report *report, int count)
{
    for (int i = 0; i < count; i++) {
        const struct figure *figure = &report->figures[i];
        if (isnan(figure->value))
            printf("%-22s %14s\n", figure->name, "-");
        else if (figure->unit[0] == '\0')
            printf("%-22s %14.*f\n", figure->name, figure->decimals, figure->value);
        else
            printf("%-22s %14.*f %s\n", figure->name, figure->decimals, figure->value,
                   figure->unit);
    }
}

/* A name with its unit, words joined by '_': "latency_p50_us". */
static void print_column(const struct figure *figure)
{
    const char *parts[] = {figure->name, figure->unit};

    for (int part = 0; part < 2; part++) {
        if (part == 1 && isalnum((unsigned char)parts[part][0]))
            putchar('_');
        for (const char *at = parts[part]; *at != '\0'; at++) {
            if (isalnum((unsigned char)*at))
                putchar(tolower((unsigned char)*at));
            else if (at[1] != '\0' && at > parts[part])
                putchar('_');
        }
    }
}

static void report_csv(const struct report *report, const struct options *options,
                       const char *outcome)
{
    const char *slash = strrchr(options->command[0], '/');

    if (options->csv > 1) {
        printf("server");
        for (int i = 0; i < report->count; i++) {
            putchar(',');
            print_column(&report->figures[i]);
        }
        printf(",outcome\n");
    }
    printf("%s", slash != NULL ? slash + 1 : options->command[0]);
    for (int i = 0; i < report->count; i++) {
        const struct figure *figure = &report->figures[i];
        putchar(',');
        if (!isnan(figure->value))
            printf("%.*f", figure->decimals, figure->value);
    }
    printf(",%s\n", outcome);
}

/* Whether the server ended by itself. One that closes its connections because it's dying
 * gets the time to. */
static bool server_died(struct load *load)
{
    const struct timespec pause = {.tv_nsec = 10 * MILLISECOND};
    int tries = load->closed > 0 ? END_WAIT_MS / 10 : 0;

    while (child_running(&load->server) && tries-- > 0)
        (void)nanosleep(&pause, NULL);
    return load->server.ended;
}

static const char *outcome_of(const struct load *load, bool joined, bool died)
{
    const struct tally *tally = &load->run.tally;

    if (died)
        return "died";
    if (!joined)
        return "not joined";
    if (interrupted)
        return "interrupted";
    return tally->delivered == tally->expected && tally->damaged == 0 ? "complete"
                                                                      : "incomplete";
}

static void print_notes(const struct load *load, bool joined, bool died)
{
    const struct run *run = &load->run;
    double seconds = (double)(run->ended - run->began) / SECOND;
    int status = load->server.status;

    if (joined && load->joining.told == 0)
        printf("note: joins not announced\n");
    if (load->failure[0] != '\0')
        printf("note: %s\n", load->failure);
    if (died && WIFSIGNALED(status))
        printf("note: the server died of signal %d\n", WTERMSIG(status));
    else if (died)
        printf("note: the server ended with status %d\n", WEXITSTATUS(status));
    if (load->closed > 0)
        printf("note: the server closed %d connections\n", load->closed);
    if (joined && interrupted)
        printf("note: interrupted\n");
    if (joined && !died && !interrupted && seconds < load->options.seconds)
        printf("note: the run ended early: nothing was delivered any more\n");
    if (run->unfinished)
        printf("note: lines were still arriving when the run was over: they count as "
               "lost\n");
    if (joined && 100 * run->own_cpu > BUSY_PERCENT * seconds)
        printf(100 * run->server_cpu > BUSY_PERCENT * seconds
                   ? "note: the server and the generator were both busy all the time\n"
                   : "note: the generator was the bottleneck\n");
}

/* Starts the server and finds its port, or ends the program. */
static void server_start(struct load *load)
{
    if (child_start(&load->server, load->options.command) < 0) {
        fprintf(stderr, "chat_load: cannot start %s: %s\n", load->options.command[0],
                strerror(errno));
        exit(1);
    }
    load->port = load->options.port;
    if (load->port == 0)
        load->port = child_port(&load->server, PORT_TIMEOUT_MS);
    if (load->port < 0) {
        fprintf(stderr, "chat_load: %s: no line with \"port N\" on its stdout: %s\n",
                load->options.command[0],
                errno == EPIPE ? "it ended" : "nothing for 5 s (try -p port)");
        (void)child_stop(&load->server, STOP_TIMEOUT_MS);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    static struct load load; /* static: the histogram is large for a stack */
    struct report report = {0};
    int joining_count;
    const char *outcome;
    bool joined, died, stopped;

    options_read(&load.options, argc, argv);
    chat_line_init(&load.line, (size_t)load.options.line_length);
    catch_signals();
    server_start(&load);
    raise_descriptor_limit();
    clients_open(&load);

    joined = load_join(&load);
    if (joined)
        load_run(&load);
    died = server_died(&load);
    outcome = outcome_of(&load, joined, died);
    stopped = child_stop(&load.server, STOP_TIMEOUT_MS);
    clients_close(&load);

    report_joining(&report, &load);
    joining_count = report.count;
    report_run(&report, &load.run, joined);
    report_print(&report, joined ? report.count : joining_count);
    print_notes(&load, joined, died);
    if (!stopped)
        printf("note: the server did not end at SIGTERM and was killed\n");
    if (load.options.csv > 0)
        report_csv(&report, &load.options, outcome);
    return strcmp(outcome, "complete") == 0 ? 0 : 1;
}
