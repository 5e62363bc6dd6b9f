/*
 * echo_load: what an echo server does under load, over TCP or UDP
 *
 *     echo_load [-u | -o | -i idle] [-c connections] [-m bytes] [-t seconds]
 *               [-n messages] [-f in_flight] [-p port] [-C] command [arg ...]
 *
 * Starts the command, an echo server; sends messages over many connections at once (-u:
 * datagrams from many sockets; -o: a message a connection, opened for it and closed after
 * it; -i: beside connections that are idle), each keeping so many in flight; compares
 * every byte that comes back; and reports how fast it went and what it cost. The options
 * are below.
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
 *   due             that had not come back when nothing had for 10 s, or 10 s after the
 *                   run
 *   late            datagrams that came back after that; not lost, not round trips
 *   damaged         connections on which a wrong byte came, or one too many (no more is
 *                   sent there: what's in flight is lost); datagrams that aren't what
 *                   was sent, or not so long
 *   duplicates      datagrams that came a second time
 *   foreign         datagrams that belong to another socket
 *   closed          connections that the server closed, reset or didn't take
 *   server CPU      of the command and the processes that it starts, user and system, for
 *                   the round trips of the run's seconds
 *   server memory   likewise; what several processes share counts once
 *
 * The status is 0 when everything came back right, in time or late; 1 when not, when the
 * connections cannot be opened, or when the server ended by itself; 2 for wrong usage.
 */
#include "load/echo_load.h"

#include "base/descriptor.h"
#include "base/options.h"
#include "load/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SLOTS_MOST        50000
#define IN_FLIGHT_MOST    10000
#define MESSAGE_MOST      (1 << 24)
#define COUNT_MOST        1000000000
#define OTHER_DESCRIPTORS 64 /* beside the connections': many more than there are */

static const struct options command_line = {
    .program = "echo_load",
    .letters = "uoc:i:m:t:n:f:p:ChV",
    .usage = "usage: echo_load [-ChV] [-u | -o | -i idle] [-c connections] [-m bytes]\n"
             "                 [-t seconds] [-n messages] [-f in_flight] [-p port]\n"
             "                 command [arg ...]\n",
    .help =
        "Measures an echo server, which it starts: the command.\n"
        "  -u              datagrams: UDP in place of TCP\n"
        "  -o              opens and closes a connection for each message\n"
        "  -i idle         so many connections more, opened first, that only stay (0)\n"
        "  -c connections  how many at a time; with -u, sockets (50)\n"
        "  -m bytes        what is sent and has to come back: a message (64)\n"
        "  -t seconds      how long (3)\n"
        "  -n messages     end earlier, with so many in all\n"
        "  -f in_flight    messages that each has under way at a time (1)\n"
        "  -p port         the server's, on 127.0.0.1; without it, the server's stdout\n"
        "                  says \"port N\" in one of its lines, or the command has a %p\n"
        "                  in it, in place of which it gets a free port\n"
        "  -C              a CSV row after the report; twice: a row of names before it\n"
        "  -h              print this help\n"
        "  -V              print the version\n",
};

static const char *const way_names[] = {"stream", "open", "datagram"};

static const struct traffic *const traffics[] = {&stream_traffic, &open_traffic,
                                                 &datagram_traffic};

static void options_check(const struct echo_options *options, bool datagrams,
                          bool opening)
{
    if (datagrams + opening + (options->idle > 0) > 1)
        options_wrong(&command_line, "-u, -o and -i exclude each other");
    if (opening && options->in_flight > 1)
        options_wrong(&command_line, "with -o each connection has one message");
    if (datagrams && options->message > DATAGRAM_MAX)
        options_wrong(&command_line, "a datagram has %d bytes at most", DATAGRAM_MAX);
    if (!datagrams && options->message == 0)
        options_wrong(&command_line, "an empty message leaves no trace on a connection");
    if (options->command[0] == NULL)
        options_wrong(&command_line, "no command");
}

static void options_read(struct echo_options *options, int argc, char *argv[])
{
    const struct options *line = &command_line;
    bool datagrams = false, opening = false;
    int option;

    *options = (struct echo_options){
        .slots = 50, .message = 64, .duration = 3 * (uint64_t)SECOND, .in_flight = 1};
    while ((option = options_next(line, argc, argv)) != -1) {
        switch (option) {
        case 'u': datagrams = true; break;
        case 'o': opening = true; break;
        case 'c': options->slots = option_int(line, 'c', 1, SLOTS_MOST); break;
        case 'i': options->idle = option_int(line, 'i', 0, SLOTS_MOST); break;
        case 'm': options->message = option_int(line, 'm', 0, MESSAGE_MOST); break;
        case 't': options->duration = option_duration(line, 't'); break;
        case 'n': options->most = (uint64_t)option_int(line, 'n', 1, COUNT_MOST); break;
        case 'f': options->in_flight = option_int(line, 'f', 1, IN_FLIGHT_MOST); break;
        case 'p': options->port = options_port(line, optarg, 1); break;
        case 'C': options->csv++; break;
        }
    }
    options->command = argv + optind;
    options_check(options, datagrams, opening);
    options->way = datagrams ? WAY_DATAGRAM : opening ? WAY_OPEN : WAY_STREAM;
}

/* The report */

static uint64_t lost(const struct tally *tally)
{
    return tally->given_up - tally->late;
}

static void report_options(struct report *report, const struct echo_options *options)
{
    report_text(report, "server", command_name(options->command));
    report_text(report, "way", way_names[options->way]);
    report_add(report, "connections", "", options->slots, 0);
    report_add(report, "idle", "connections", options->idle, 0);
    report_add(report, "message", "bytes", options->message, 0);
    report_add(report, "in flight", "messages each", options->in_flight, 0);
}

static void report_speed(struct report *report, const struct load *load)
{
    const struct run *run = &load->run;
    double rate = (double)run->round_trips / run->cost.seconds;

    report_add(report, "run time", "s", run->cost.seconds, 3);
    report_count(report, "round trips", "", run->round_trips);
    report_add(report, "round trip rate", "a second", rate, 0);
    report_add(report, "throughput", "MB/s each way", rate * load->options.message / 1e6,
               2);
    report_latency(report, &run->latency);
    report_count(report, "stalls", "", run->tally.stalls);
}

static void report_faults(struct report *report, const struct load *load)
{
    const struct tally *tally = &load->run.tally;

    report_count(report, "lost", "", lost(tally));
    report_count(report, "due", "", messages_due(tally));
    report_count(report, "late", "", tally->late);
    report_count(report, "damaged", "", tally->damaged);
    report_count(report, "duplicates", "", tally->duplicates);
    report_count(report, "foreign", "", tally->foreign);
    report_count(report, "closed", "connections", tally->closed);
}

/* Without a run its figures are there, but not known: CSV rows have the same columns. */
static void report_fill(struct report *report, const struct load *load, bool opened)
{
    int first;

    report_options(report, &load->options);
    first = report->count;
    report_speed(report, load);
    report_faults(report, load);
    report_cost(report, &load->run.cost, "server CPU a round trip",
                load->run.round_trips);
    if (!opened)
        report_forget(report, first);
}

static const char *outcome_of(const struct load *load, bool opened, bool died)
{
    const struct tally *tally = &load->run.tally;

    if (interrupted)
        return "interrupted";
    if (died)
        return "died";
    if (!opened)
        return "not opened";
    if (messages_due(tally) > 0)
        return "unfinished";
    if (tally->returned > 0 && lost(tally) == 0 && tally->damaged == 0 &&
        tally->duplicates == 0 && tally->foreign == 0 && tally->closed == 0)
        return "complete";
    return "incomplete";
}

static void print_notes(const struct load *load, bool opened, bool died)
{
    const struct run *run = &load->run;

    if (load->failure.text[0] != '\0')
        printf("note: %s\n", load->failure.text);
    if (died)
        server_note_end(&load->server);
    if (opened && interrupted)
        printf("note: interrupted\n");
    if (opened && !died && !interrupted && run->tally.sent != load->options.most &&
        run->ended - run->began < load->options.duration)
        printf("note: the run ended early: nothing came back any more\n");
    if (opened && !died && !interrupted && messages_due(&run->tally) > 0)
        printf("note: 10 s later messages had not come back\n");
    if (opened)
        note_bottleneck(&run->cost);
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

int main(int argc, char *argv[])
{
    static struct load load; /* static: the histogram is large for a stack */
    struct echo_options *options = &load.options;
    struct report report = {0};
    const char *outcome;
    bool opened, died;

    options_read(options, argc, argv);
    signals_catch();
    options->port = command_fill_port(
        &command_line, options->command,
        options->way == WAY_DATAGRAM ? SOCK_DGRAM : SOCK_STREAM, options->port);
    load.port =
        server_start(&load.server, &command_line, options->command, options->port);
    /* Now, not before: the server is to run under the limit that it has without us. */
    descriptor_raise_limit((unsigned long)(options->slots + options->idle) +
                           OTHER_DESCRIPTORS);
    load_prepare(&load);

    opened = load.traffic->open(&load);
    if (opened)
        echo_load_run(&load);
    died = server_died(&load.server, load.run.tally.closed > 0);
    if (load.traffic->close != NULL)
        load.traffic->close(&load);
    outcome = outcome_of(&load, opened, died);
    report_fill(&report, &load, opened);
    report_text(&report, "outcome", outcome);
    report_print(&report);
    print_notes(&load, opened, died);
    for (int i = 0; i < options->slots; i++)
        socket_close(&load, i); /* first: it's what ends a server's processes */
    server_stop(&load.server);

    if (options->csv > 0)
        report_csv(&report, options->csv > 1);
    return exit_status(&command_line, strcmp(outcome, "complete") == 0);
}
