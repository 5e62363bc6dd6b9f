/*
 * echo_load - what an echo server does under load, over TCP or UDP
 *
 * usage: echo_load [-u | -o] [-c connections] [-m message_bytes] [-t seconds]
 *                  [-f in_flight] [-p port] [-C] -- command [arg ...]
 *
 * Starts the command, an echo server; sends messages over many connections at once (-u:
 * datagrams from many sockets; -o: a message a connection, opened for it and closed after
 * it), each keeping so many in flight; compares every byte that comes back; and reports
 * how fast it went and what it cost. USAGE, below, has the options.
 *
 * What the figures mean:
 *
 *   round trip      a message that came back whole; the rate counts those of the run's
 *                   seconds, not those that come in after it. With -o, a connection
 *   throughput      round trips times their size: so many bytes went each way
 *   latency         from just before a message is sent (-o: connecting) until its last
 *                   byte is received, by this program's clock: the time that it spends on
 *                   other connections is in it, and with several in flight the time that a
 *                   message waits for those before it
 *   stalls          round trips of more than 30 ms. With little in flight they tell of
 *                   Nagle's algorithm and a delayed acknowledgement waiting for each
 *                   other; with -o, of a queue of new connections that was full; but a
 *                   server with enough to do is as slow without either
 *   lost            messages that never came back whole. A datagram is given up after
 *                   200 ms
 *   late            datagrams that came back after that; not lost, not round trips
 *   damaged         connections on which a wrong byte came, or one too many (no more is
 *                   sent there: what's in flight is lost); datagrams that aren't what
 *                   was sent, or not so long
 *   duplicates      datagrams that came a second time
 *   foreign         datagrams that belong to another socket
 *   closed          connections that the server closed, reset or didn't take
 *   server CPU      of the command and the processes that it starts, user and system, in
 *                   the run's seconds
 *   server memory   likewise; what several processes share counts once
 *
 * The status is 0 when everything came back right, in time or late; 1 when not, when the
 * connections cannot be opened, or when the server ended by itself; 2 for wrong usage.
 */
#include "echo_load.h"

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
    BUSY_PERCENT = 90,      /* above it, it's this program that sets the pace */
    SLOTS_MAX = 50000,
    MESSAGE_MAX = 1 << 24,
    IN_FLIGHT_MAX = 10000
};

static const char USAGE[] =
    "usage: echo_load [-u | -o] [-c connections] [-m message_bytes] [-t seconds]\n"
    "                 [-f in_flight] [-p port] [-C] -- command [arg ...]\n"
    "  -u                datagrams: UDP in place of TCP\n"
    "  -o                opens and closes a connection for each message\n"
    "  -c connections    how many at a time; with -u, sockets (50)\n"
    "  -m message_bytes  what is sent and has to come back (64)\n"
    "  -t seconds        how long (3)\n"
    "  -f in_flight      messages that each has under way at a time (1)\n"
    "  -p port           the server's, on 127.0.0.1; without it, the server's stdout "
    "says\n"
    "                    \"port N\" in one of its lines\n"
    "  -C                a CSV row after the report; twice: a row of names before it\n";

static const char *const way_names[] = {"stream", "open", "datagram"};

static const struct traffic *const traffics[] = {&stream_traffic, &open_traffic,
                                                 &datagram_traffic};

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
        fprintf(stderr, "echo_load: out of memory\n");
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
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* if not: socket() says what's wrong */
    }
}

/* Options */

static void usage_error(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fprintf(stderr, "echo_load: ");
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

static void options_check(const struct options *options, bool datagrams, bool opening)
{
    if (datagrams && opening)
        usage_error("-u and -o exclude each other");
    if (opening && options->in_flight > 1)
        usage_error("with -o each connection has one message");
    if (datagrams && options->message > DATAGRAM_MAX)
        usage_error("a datagram has %d bytes at most", DATAGRAM_MAX);
    if (!datagrams && options->message == 0)
        usage_error("an empty message leaves no trace on a connection");
    if (options->command[0] == NULL)
        usage_error("no command");
}

static void options_read(struct options *options, int argc, char **argv)
{
    bool datagrams = false, opening = false;
    int option;

    *options = (struct options){.slots = 50, .message = 64, .seconds = 3, .in_flight = 1};
    while ((option = getopt(argc, argv, "uoc:m:t:f:p:Ch")) != -1) {
        switch (option) {
        case 'u': datagrams = true; break;
        case 'o': opening = true; break;
        case 'c': options->slots = number_of(option, 1, SLOTS_MAX); break;
        case 'm': options->message = number_of(option, 0, MESSAGE_MAX); break;
        case 't': options->seconds = number_of(option, 1, 600); break;
        case 'f': options->in_flight = number_of(option, 1, IN_FLIGHT_MAX); break;
        case 'p': options->port = number_of(option, 1, 65535); break;
        case 'C': options->csv++; break;
        case 'h': fputs(USAGE, stdout); exit(0);
        default: fputs(USAGE, stderr); exit(2);
        }
    }
    options->command = argv + optind;
    options_check(options, datagrams, opening);
    options->way = datagrams ? WAY_DATAGRAM : opening ? WAY_OPEN : WAY_STREAM;
}

/* The report */

static uint64_t lost(const struct tally *tally)
{
    return tally->sent - tally->returned - tally->late;
}

static double run_seconds(const struct run *run)
{
    return (double)(run->ended - run->began) / SECOND;
}

static void report_options(struct report *report, const struct options *options)
{
    report_add(report, "connections", "", options->slots, 0);
    report_add(report, "message", "bytes", options->message, 0);
    report_add(report, "in flight", "messages each", options->in_flight, 0);
}

static void report_latency(struct report *report, const char *name,
                           const struct histogram *latency, double percent)
{
    double value =
        latency->total == 0 ? NAN : (double)histogram_percentile(latency, percent) / 1e3;
    report_add(report, name, "us", value, 1);
}

static void report_speed(struct report *report, const struct load *load)
{
    const struct run *run = &load->run;
    double rate = (double)run->round_trips / run_seconds(run);

    report_add(report, "run time", "s", run_seconds(run), 3);
    report_add(report, "round trips", "", (double)run->round_trips, 0);
    report_add(report, "round trip rate", "a second", rate, 0);
    report_add(report, "throughput", "MB/s each way", rate * load->options.message / 1e6,
               2);
    report_latency(report, "latency p50", &run->latency, 50);
    report_latency(report, "latency p90", &run->latency, 90);
    report_latency(report, "latency p99", &run->latency, 99);
    report_latency(report, "latency max", &run->latency, 100);
    report_add(report, "stalls", "", (double)run->tally.stalls, 0);
}

static void report_faults(struct report *report, const struct load *load)
{
    const struct tally *tally = &load->run.tally;

    report_add(report, "lost", "", (double)lost(tally), 0);
    report_add(report, "late", "", (double)tally->late, 0);
    report_add(report, "damaged", "", (double)tally->damaged, 0);
    report_add(report, "duplicates", "", (double)tally->duplicates, 0);
    report_add(report, "foreign", "", (double)tally->foreign, 0);
    report_add(report, "closed", "connections", (double)tally->closed, 0);
}

static void report_cost(struct report *report, const struct run *run)
{
    double cpu = run->server_cpu < 0 ? NAN : run->server_cpu;
    double each = run->round_trips > 0 ? cpu * 1e9 / (double)run->round_trips : NAN;

    report_add(report, "server CPU", "s", cpu, 3);
    report_add(report, "server CPU a round trip", "ns", each, 0);
    report_add(report, "server memory", "KiB",
               run->memory_kib < 0 ? NAN : (double)run->memory_kib, 0);
    report_add(report, "generator CPU", "s", run->own_cpu, 3);
    report_add(report, "generator share", "%", 100 * run->own_cpu / run_seconds(run), 0);
}

/* Without a run its figures are there, but not known: CSV rows have the same columns. */
static void report_fill(struct report *report, const struct load *load, bool opened)
{
    int first;

    report_options(report, &load->options);
    first = report->count;
    report_speed(report, load);
    report_faults(report, load);
    report_cost(report, &load->run);
    for (int i = first; i < report->count && !opened; i++)
        report->figures[i].value = NAN;
}

static void print_csv(const struct report *report, const struct options *options,
                      const char *outcome)
{
    const char *slash = strrchr(options->command[0], '/');

    if (options->csv > 1)
        report_csv_names(report);
    if (options->csv > 0)
        report_csv(report, slash != NULL ? slash + 1 : options->command[0],
                   way_names[options->way], outcome);
}

/* Whether the server ended by itself. One that closes its connections because it's dying
 * gets the time to. */
static bool server_died(struct load *load)
{
    const struct timespec pause = {.tv_nsec = 10 * MILLISECOND};
    int tries = load->run.tally.closed > 0 ? END_WAIT_MS / 10 : 0;

    while (child_running(&load->server) && tries-- > 0)
        (void)nanosleep(&pause, NULL);
    return load->server.ended;
}

static const char *outcome_of(const struct load *load, bool opened, bool died)
{
    const struct tally *tally = &load->run.tally;

    if (died)
        return "died";
    if (!opened)
        return "not opened";
    if (interrupted)
        return "interrupted";
    if (tally->returned > 0 && lost(tally) == 0 && tally->damaged == 0 &&
        tally->duplicates == 0 && tally->foreign == 0 && tally->closed == 0)
        return "complete";
    return "incomplete";
}

static void print_notes(const struct load *load, bool opened, bool died)
{
    const struct run *run = &load->run;
    double busy = run_seconds(run) * BUSY_PERCENT / 100;
    int status = load->server.status;

    if (load->failure[0] != '\0')
        printf("note: %s\n", load->failure);
    if (died && WIFSIGNALED(status))
        printf("note: the server died of signal %d\n", WTERMSIG(status));
    else if (died)
        printf("note: the server ended with status %d\n", WEXITSTATUS(status));
    if (opened && interrupted)
        printf("note: interrupted\n");
    if (opened && !died && !interrupted && run_seconds(run) < load->options.seconds)
        printf("note: the run ended early: nothing came back any more\n");
    if (opened && run->own_cpu > busy)
        printf(run->server_cpu > busy
                   ? "note: the server and the generator were both busy all the time\n"
                   : "note: the generator was the bottleneck\n");
}

/* Starts the server and finds its port, or ends the program. */
static void server_start(struct load *load)
{
    if (child_start(&load->server, load->options.command) < 0) {
        fprintf(stderr, "echo_load: cannot start %s: %s\n", load->options.command[0],
                strerror(errno));
        exit(1);
    }
    load->port = load->options.port;
    if (load->port == 0)
        load->port = child_port(&load->server, PORT_TIMEOUT_MS);
    if (load->port < 0) {
        fprintf(stderr, "echo_load: %s: no line with \"port N\" on its stdout: %s\n",
                load->options.command[0],
                errno == EPIPE ? "it ended" : "nothing for 5 s (try -p port)");
        (void)child_stop(&load->server, STOP_TIMEOUT_MS);
        exit(1);
    }
}

static void load_prepare(struct load *load)
{
    int slots = load->options.slots;

    load->traffic = traffics[load->options.way];
    load->buffer = allocate(1, CHUNK);
    content_init(load);
    load->polled = allocate((size_t)slots + 1, sizeof *load->polled);
    for (int i = 0; i < slots; i++)
        load->polled[i].fd = -1;
    load->polled[slots] = (struct pollfd){.fd = load->server.output, .events = POLLIN};
}

int main(int argc, char **argv)
{
    static struct load load; /* static: the histogram is large for a stack */
    struct report report = {0};
    const char *outcome;
    bool opened, died, stopped;

    options_read(&load.options, argc, argv);
    catch_signals();
    server_start(&load);
    raise_descriptor_limit();
    load_prepare(&load);

    opened = load.traffic->open(&load);
    if (opened)
        load_run(&load);
    died = server_died(&load);
    outcome = outcome_of(&load, opened, died);
    for (int i = 0; i < load.options.slots; i++)
        socket_close(&load, i); /* first: it's what ends a server's processes */
    stopped = child_stop(&load.server, STOP_TIMEOUT_MS);

    report_fill(&report, &load, opened);
    report_print(&report);
    print_notes(&load, opened, died);
    if (!stopped)
        printf("note: the server did not end at SIGTERM and was killed\n");
    print_csv(&report, &load.options, outcome);
    return strcmp(outcome, "complete") == 0 ? 0 : 1;
}
