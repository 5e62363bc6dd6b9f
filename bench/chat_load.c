/*
 * chat_load: what a line chat server does under load
 *
 *     chat_load [-c clients] [-s senders] [-f in_flight] [-l line_length] [-t seconds]
 *               [-j seconds] [-z stalled] [-p port] [-C] command [arg ...]
 *
 * Starts the command, a chat server that sends each line of a client to all others;
 * connects the clients; lets some of them talk, each keeping so many lines in flight;
 * checks that every line arrives whole at everyone, once and in order; and reports how
 * fast it went and what it cost. The options are below.
 *
 * What the figures mean:
 *
 *   connected      from the first connect until all connections are established
 *   all told       ... and each client was told of each who joined after it; without the
 *                  0.3 s for which this program waits to see whether it has to nudge
 *   nudged         clients that were connected only in appearance, until they sent a line
 *                  (see chat_join.c)
 *   delivery       a line that arrived whole at one client; the rate counts those of the
 *                  run's seconds, not those that come in after it
 *   latency        from just before a line is sent until it's received, by this program's
 *                  clock: the time that it spends on other clients is in it
 *   longest pause  in which no client got any line that was due
 *   lost           deliveries that did not come, or not whole, while later ones did
 *   due            that had not come when nothing had for 10 s, or 10 s after the run
 *   late           came after their sender had given them up; not lost
 *   damaged        lines with a mark in them that are not what was sent: cut or glued
 *   unnamed        whole lines with no name before them (some servers give none)
 *   notices        lines without a mark that tell of a join or a leave
 *   stray          others without a mark: what nobody sent, and the ends of cut lines
 *   server CPU     of the command and the processes that it starts, user and system, for
 *                  the deliveries of the run's seconds
 *   server memory  likewise; what several processes share counts once
 *
 * A name, or whatever a server puts before a line, is not looked at.
 *
 * The status is 0 when everything arrived, once and in order; 1 when it did not, not
 * everyone got in, or the server ended by itself; 2 for wrong usage.
 */
#include "load/chat_load.h"

#include "base/descriptor.h"
#include "base/options.h"
#include "load/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OTHER_DESCRIPTORS 64 /* beside the clients': many more than there are */

static const struct options command_line = {
    .program = "chat_load",
    .letters = "c:s:f:l:t:j:z:p:ChV",
    .usage = "usage: chat_load [-ChV] [-c clients] [-s senders] [-f in_flight]\n"
             "                 [-l line_length] [-t seconds] [-j seconds] [-z stalled]\n"
             "                 [-p port] command [arg ...]\n",
    .help =
        "Measures a line chat server, which it starts: the command.\n"
        "  -c clients      how many connect (100)\n"
        "  -s senders      how many of them, the first, send lines (20)\n"
        "  -f in_flight    lines that each sender has under way at a time (1)\n"
        "  -l line_length  in bytes, with the newline (60)\n"
        "  -t seconds      how long they send (3)\n"
        "  -j seconds      how long they may take to join (60)\n"
        "  -z stalled      the last so many clients stop reading once all are in (0)\n"
        "  -p port         the server's, on 127.0.0.1; without it, the server's stdout\n"
        "                  says \"port N\" in one of its lines, or the command has a %p\n"
        "                  in it, in place of which it gets a free port\n"
        "  -C              a CSV row after the report; twice: a row of names before it\n"
        "  -h              print this help\n"
        "  -V              print the version\n",
};

static void options_read(struct chat_options *options, int argc, char *argv[])
{
    const struct options *line = &command_line;
    int option;

    *options = (struct chat_options){.clients = 100,
                                     .senders = 20,
                                     .in_flight = 1,
                                     .line_length = 60,
                                     .duration = 3 * (uint64_t)SECOND,
                                     .patience = 60 * (uint64_t)SECOND};
    while ((option = options_next(line, argc, argv)) != -1) {
        switch (option) {
        case 'c': options->clients = option_int(line, 'c', 2, CHAT_LINE_SENDERS); break;
        case 's': options->senders = option_int(line, 's', 1, CHAT_LINE_SENDERS); break;
        case 'f': options->in_flight = option_int(line, 'f', 1, 10000); break;
        case 'l':
            options->line_length = option_int(line, 'l', CHAT_LINE_MIN, CHAT_LINE_MAX);
            break;
        case 't': options->duration = option_duration(line, 't'); break;
        case 'j': options->patience = option_duration(line, 'j'); break;
        case 'z': options->stalled = option_int(line, 'z', 0, CHAT_LINE_SENDERS); break;
        case 'p': options->port = options_port(line, optarg, 1); break;
        case 'C': options->csv++; break;
        }
    }
    options->command = argv + optind;
    if (options->command[0] == NULL)
        options_wrong(line, "no command");
    if (options->clients - options->stalled < 2)
        options_wrong(line, "at least two clients have to read");
    if (options->senders > options->clients - options->stalled)
        options_wrong(line, "more senders than clients that read");
}

static void report_joining(struct report *report, const struct load *load)
{
    const struct chat_options *options = &load->options;
    const struct joining *join = &load->joining;

    report_text(report, "server", command_name(options->command));
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
    double seconds = run->cost.seconds;
    double expected = (double)run->tally.expected;

    report_count(report, "lines sent", "", run->tally.sent);
    report_count(report, "deliveries", "", run->deliveries);
    report_add(report, "run time", "s", seconds, 3);
    report_add(report, "delivery rate", "a second", (double)run->deliveries / seconds, 0);
    report_latency(report, &run->latency);
    report_add(report, "longest pause", "s", (double)run->longest_pause / SECOND, 3);
    report_count(report, "lost", "deliveries", run->tally.missed);
    report_add(report, "lost share", "%",
               expected > 0 ? 100 * (double)run->tally.missed / expected : 0, 2);
    report_count(report, "due", "deliveries", deliveries_due(&run->tally));
    report_count(report, "late", "deliveries", run->tally.late);
    report_count(report, "out of order", "deliveries", run->tally.out_of_order);
    report_count(report, "damaged", "lines", run->tally.damaged);
    report_count(report, "duplicates", "lines", run->tally.duplicates);
    report_count(report, "unnamed", "lines", run->tally.unnamed);
    report_count(report, "notices", "lines", run->tally.notices);
    report_count(report, "stray", "lines", run->tally.stray);
    report_cost(report, &run->cost, "server CPU a delivery", run->deliveries);
    if (!joined)
        report_forget(report, first);
}

static const char *outcome_of(const struct load *load, bool joined, bool died)
{
    const struct tally *tally = &load->run.tally;

    if (interrupted)
        return "interrupted";
    if (died)
        return "died";
    if (!joined)
        return "not joined";
    if (deliveries_due(tally) > 0)
        return "unfinished";
    if (tally->missed == 0 && tally->damaged == 0 && tally->duplicates == 0 &&
        tally->out_of_order == 0 && tally->stray == 0)
        return "complete";
    return "incomplete";
}

static void print_notes(const struct load *load, bool joined, bool died)
{
    const struct run *run = &load->run;

    if (joined && load->joining.told == 0)
        printf("note: joins not announced\n");
    if (load->failure.text[0] != '\0')
        printf("note: %s\n", load->failure.text);
    if (died)
        server_note_end(&load->server);
    if (load->closed > 0)
        printf("note: the server closed %d connections\n", load->closed);
    if (joined && interrupted)
        printf("note: interrupted\n");
    if (joined && !died && !interrupted &&
        run->ended - run->began < load->options.duration)
        printf("note: the run ended early: nothing was delivered any more\n");
    if (joined && !died && !interrupted && deliveries_due(&run->tally) > 0)
        printf("note: %s\n", run->longest_pause >= WAIT_SECONDS * (uint64_t)SECOND
                                 ? "nothing came for 10 s"
                                 : "10 s after the run lines were still due");
    if (joined)
        note_bottleneck(&run->cost);
}

int main(int argc, char *argv[])
{
    static struct load load; /* static: the histogram is large for a stack */
    struct chat_options *options = &load.options;
    struct report report = {0};
    const char *outcome;
    bool joined, died;

    options_read(options, argc, argv);
    chat_line_init(&load.line, (size_t)options->line_length);
    signals_catch();
    options->port =
        command_fill_port(&command_line, options->command, SOCK_STREAM, options->port);
    load.port =
        server_start(&load.server, &command_line, options->command, options->port);
    /* Now, not before: the server is to run under the limit that it has without us. */
    descriptor_raise_limit((unsigned long)options->clients + OTHER_DESCRIPTORS);
    clients_open(&load);

    joined = load_join(&load);
    if (joined)
        chat_load_run(&load);
    died = server_died(&load.server, load.closed > 0);
    outcome = outcome_of(&load, joined, died);
    report_joining(&report, &load);
    report_run(&report, &load.run, joined);
    report_text(&report, "outcome", outcome);
    report_print(&report);
    print_notes(&load, joined, died);
    server_stop(&load.server);
    clients_close(&load);

    if (options->csv > 0)
        report_csv(&report, options->csv > 1);
    return exit_status(&command_line, strcmp(outcome, "complete") == 0);
}
