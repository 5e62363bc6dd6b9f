/*
 * line_load: measures a chat server, or an echo server, under load.
 *
 *     line_load [-e] [-c clients] [-s senders] [-f in_flight] [-l line_length]
 *               [-z stalled] [-t seconds] [-j seconds] [-p port] [-C] command [arg ...]
 *
 * Starts the command, a server that passes each line of a client on to all others, or with
 * -e back to where it came from. Connects the clients, has some of them talk, and checks
 * that every line arrives where it should: whole, once, and in order. README.md explains
 * the figures.
 *
 * The status is 0 when all lines arrived so; 1 when they did not, when not everyone got in,
 * or when the server ended by itself; 2 for wrong usage.
 */
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/options.h"
#include "base/signals.h"
#include "load/lines.h"
#include "load/run.h"
#include "load/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    OTHER_DESCRIPTORS = 64,     /* besides the clients': more than there are */
    READ_SIZE = 65536,          /* large, so that few calls are needed */
    NAME_MOST = 256,            /* what a server may put before a line */
    READS_A_DRAIN = 16,         /* a server that logs must not find its pipe full */
    LITTLE_BUFFER = 4096,       /* of a client that is to stall */
    LITTLE_SEGMENT = 536,       /* every IPv4 host takes it (RFC 1122 3.3.2) */
    JOIN_NUMBER = LINES_OTHERS, /* a nudge's; those of probes are higher */
    NUDGES = 4, /* at a time: so few that a short queue has room for them */
    CONNECTS_A_TURN = 16,
    TICK_MS = 10,
    DYING_TICKS = 50 /* for a server that has closed connections */
};

#define TICK            (TICK_MS * MILLISECOND)
#define START_WAIT      (5 * SECOND)        /* while the first connection is refused */
#define QUIET           (300 * MILLISECOND) /* nothing new for so long: see nudge_some() */
#define AGAIN           (1000 * MILLISECOND) /* a line seems to be lost */
#define OVERDUE         (200 * MILLISECOND)  /* see sender_watch() */
#define OVERDUE_STALLED (2500 * MILLISECOND) /* it takes time to be rid of those */

struct client {
    bool heard;     /* it has received something */
    uint32_t probe; /* the last that it heard; 0: none */
    int64_t nudged; /* when it last was; 0: never */
    char *tail;     /* the beginning of a line */
    size_t tail_length;
};

struct load {
    /* The command line. */
    bool csv;
    int stalled, port;
    int64_t duration, patience;

    struct server server;
    int clients, live;                       /* `live` of them read */
    struct client client[LINES_CLIENTS];     /* those who listen, who talk, who stall */
    struct pollfd polled[LINES_CLIENTS + 1]; /* the last is server.output */
    int64_t now;                             /* as of the last poll() or recv() */
    char *buffer;                            /* [a tail and READ_SIZE] */
    const char *failure; /* the first: later ones mostly follow from it */

    /* Joining: see probe_again(). */
    int64_t began, connected, joined; /* the last two since `began`; 0: not yet */
    int64_t heard;                    /* when something new was last heard */
    int64_t waited;              /* for more, before the first nudge: not in `joined` */
    int connections, in, nudged; /* `in`: clients that are known to be */
    uint32_t probe;              /* the number of the last, from 1 on */
    int64_t probed;              /* when it was sent */
    int probe_in, probe_heard;   /* `in` at that time; clients that have heard it */

    struct run run;
    struct lines lines;
    uint64_t closed;                /* connections, by the server */
    bool unknown;                   /* no number is known from now on */
    char names[1024], values[1024]; /* the rows of CSV */
};

static void load_fail(struct load *load, const char *why)
{
    if (load->failure == NULL)
        load->failure = why;
}

/* ---- The command line --------------------------------------------------------------- */

static const struct options command_line = {
    .program = "line_load",
    .letters = "ec:s:f:l:z:t:j:p:ChV",
    .usage = "usage: line_load [-eChV] [-c clients] [-s senders] [-f in_flight]\n"
             "                 [-l line_length] [-z stalled] [-t seconds] [-j seconds]\n"
             "                 [-p port] command [arg ...]\n",
    .help =
        "Starts the command, a chat server, and measures it.\n"
        "  -e              it is an echo server\n"
        "  -c clients      how many connect (100)\n"
        "  -s senders      how many of them send lines (20)\n"
        "  -f in_flight    lines that each sender has under way at a time (1)\n"
        "  -l line_length  in bytes, with the newline (60)\n"
        "  -z stalled      how many clients stop reading once all are in (0)\n"
        "  -t seconds      how long the run lasts (3)\n"
        "  -j seconds      how long joining may take (60)\n"
        "  -p port         the server's, on 127.0.0.1. Without -p the server must\n"
        "                  print \"port N\" in a line, or the command must contain %p:\n"
        "                  a free port takes its place\n"
        "  -C              print two rows of CSV after the report, names and values\n"
        "  -h              print this help\n"
        "  -V              print the version\n",
};

static int int_option(int letter, int least, int most)
{
    return (int)options_number(&command_line, letter, least, most);
}

static void load_options(struct load *load, int argc, char *argv[])
{
    struct lines *lines = &load->lines;
    int option;

    load->clients = 100;
    load->duration = 3 * SECOND;
    load->patience = 60 * SECOND;
    lines->senders = 20;
    lines->most = 1;
    lines->length = 60;
    while ((option = options_next(&command_line, argc, argv)) != -1) {
        switch (option) {
        case 'e': lines->echo = true; break;
        case 'c': load->clients = int_option('c', 1, LINES_CLIENTS); break;
        case 's': lines->senders = int_option('s', 1, LINES_CLIENTS); break;
        case 'f': lines->most = int_option('f', 1, 10000); break;
        case 'l': lines->length = (size_t)int_option('l', LINES_MIN, LINES_MAX); break;
        case 'z': load->stalled = int_option('z', 0, LINES_CLIENTS); break;
        case 't':
            load->duration = options_timeout(&command_line, 't') * MILLISECOND;
            break;
        case 'j':
            load->patience = options_timeout(&command_line, 'j') * MILLISECOND;
            break;
        case 'p': load->port = int_option('p', 1, 65535); break;
        case 'C': load->csv = true; break;
        }
    }
    load->live = load->clients - load->stalled;
    lines->clients = load->clients;
    lines->first = load->live - lines->senders;
    lines->run = &load->run;
    if (load->live < (lines->echo ? 1 : 2) || lines->first < 0)
        options_wrong(&command_line, "all senders, and two clients in a chat, must read");
    if (argv[optind] == NULL)
        options_wrong(&command_line, "no command");
}

static void load_allocate(struct load *load)
{
    size_t tail = load->lines.length + NAME_MOST;
    char *tails = calloc((size_t)load->clients, tail);

    load->buffer = malloc(tail + READ_SIZE);
    if (!lines_init(&load->lines) || tails == NULL || load->buffer == NULL) {
        perror("line_load");
        exit(EXIT_FAILURE);
    }
    for (int i = 0; i < load->clients; i++) {
        load->polled[i].fd = -1;
        load->client[i].tail = tails + (size_t)i * tail;
    }
}

/* ---- Senders ------------------------------------------------------------------------ */

/* Sends until `most` lines are under way. They are so few that the socket takes them all,
 * unless the server has not read for long. Another error is recv()'s, too, and seen there. */
static void sender_fill(struct load *load, int index, int most)
{
    int receivers = load->lines.echo ? 1 : load->live - 1;
    int64_t now = clock_ns();
    const char *text;
    size_t length;

    while (load->polled[index].fd != -1 &&
           (text = lines_next(&load->lines, index, most, receivers, now, &length)) !=
               NULL) {
        ssize_t sent = send(load->polled[index].fd, text, length, MSG_NOSIGNAL);

        if (sent == -1 ? errno == EAGAIN : (size_t)sent < length)
            load_fail(load, "the server did not read, and a sender's socket was full");
    }
}

/*
 * A line that was lost would hold its sender up for ever, and shows only when a later one
 * has come. So if none of a sender's lines has arrived anywhere for much longer than any
 * ever took, the sender sends one more, after the run too. That is how a server that has
 * lost lines is told from a slow one.
 */
static void sender_watch(struct load *load, int index)
{
    int64_t longest = (int64_t)load->run.latency.highest;
    int64_t overdue = load->stalled > 0 ? OVERDUE_STALLED : OVERDUE;
    int under_way = lines_under_way(&load->lines, index);

    if (overdue < 3 * longest)
        overdue = 3 * longest;
    if (under_way > 0 && longest > 0 &&
        load->now - lines_progress(&load->lines, index) > overdue)
        sender_fill(load, index, under_way + 1);
}

/* Those whose oldest line has arrived everywhere may send the next. */
static void senders_continue(struct load *load)
{
    int index;

    while ((index = lines_take_due(&load->lines)) != -1)
        if (load->run.sending)
            sender_fill(load, index, load->lines.most);
}

/* ---- Joining ------------------------------------------------------------------------ */

/* A line that the socket does not take is heard by nobody, and is sent again. */
static void join_send(struct load *load, int index, uint32_t number)
{
    lines_write(&load->lines, load->buffer, index, number);
    (void)!send(load->polled[index].fd, load->buffer, load->lines.length, MSG_NOSIGNAL);
}

/*
 * Everyone is in a chat when one line has reached everyone. A connection that is established
 * at its client's end need not be in the server's queue: where that was full, it gets there
 * when one of the two systems tries again, a second later. So the first client, which is in,
 * sends probes until all the others have heard the same one. As lines come in order, each
 * has then been told of all who joined after it. A probe is followed by the next when it
 * has reached all who were known to be in, or after a second, as it may be lost.
 */
static void probe_again(struct load *load)
{
    int64_t wait = load->probe_heard >= load->probe_in ? TICK : AGAIN;

    if (load->probe > 0 && load->now - load->probed < wait)
        return;
    load->probed = load->now;
    load->probe_in = load->in;
    load->probe_heard = 0;
    join_send(load, 0, JOIN_NUMBER + ++load->probe);
}

/* Some get into the queue only when they send something: their system has been answered
 * with a SYN cookie. And some servers wait for a word. So when no more is heard, clients
 * that have heard nothing at all say something, as a user who gets no greeting would. In
 * an echo all do so from the start. */
static void nudge_some(struct load *load)
{
    if (!load->lines.echo && load->waited == 0) {
        if (load->now - load->heard < QUIET)
            return;
        load->waited = load->now - load->heard;
    }
    for (int i = load->lines.echo ? 0 : 1, under_way = 0;
         i < load->clients && under_way < NUDGES; i++) {
        struct client *client = &load->client[i];

        if (client->heard)
            continue;
        under_way++;
        if (client->nudged != 0 && load->now - client->nudged < AGAIN)
            continue;
        load->nudged += client->nudged == 0;
        client->nudged = load->now;
        join_send(load, i, JOIN_NUMBER);
    }
}

static void join_line(struct load *load, int index, const char *line, size_t length)
{
    struct client *client = &load->client[index];
    uint32_t number = 0;

    lines_find(line, length, &number);
    number = number > JOIN_NUMBER ? number - JOIN_NUMBER : 0; /* of a probe */
    if (number == 0 || client->probe == 0)
        load->heard = load->now;
    if (load->lines.echo) {
        load->in += !client->heard;
    } else if (index > 0 && number > client->probe) {
        load->in += client->probe == 0;
        load->probe_heard += number == load->probe;
        client->probe = number;
    }
    client->heard = true;
    if (load->lines.echo ? load->in == load->clients
                         : load->probe_heard == load->clients - 1)
        load->joined = load->now - load->began - load->waited;
}

/* ---- Sockets ------------------------------------------------------------------------ */

/* Nagle's algorithm is off: a second line would wait until the first is acknowledged, and it
 * is the server that is to be measured. Where the client is to stall, small buffers and
 * segments have the server cope with it: on loopback the two ends would take megabytes. */
static bool client_connect(struct load *load, int index)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int sock = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    int size = LITTLE_BUFFER, segment = LITTLE_SEGMENT;

    if (sock == -1) {
        load_fail(load, strerror(errno));
        return false;
    }
    address.sin_port = htons((in_port_t)load->port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fcntl(sock, F_SETFL, O_NONBLOCK);
    setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (index >= load->live) {
        setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        setsockopt(sock, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
    }
    (void)!connect(sock, (struct sockaddr *)&address, sizeof address); /* poll() tells */
    load->polled[index] = (struct pollfd){.fd = sock, .events = POLLOUT};
    return true;
}

static void client_close(struct load *load, int index)
{
    close(load->polled[index].fd);
    load->polled[index].fd = -1;
}

static void client_lost(struct load *load, int index)
{
    client_close(load, index);
    load->closed++;
    if (load->joined == 0) {
        load_fail(load, "the server closed a connection before the run");
        return;
    }
    load->live--;
    lines_give_up(&load->lines, index, load->now);
}

static void client_line(struct load *load, int index, char *line, size_t length)
{
    line[length] = '\0';
    if (load->joined == 0)
        join_line(load, index, line, length);
    else
        lines_received(&load->lines, index, line, length, load->now);
}

static void client_read(struct load *load, int index)
{
    struct client *client = &load->client[index];
    char *line = load->buffer, *fresh = line + client->tail_length, *end, *newline;
    ssize_t count = recv(load->polled[index].fd, fresh, READ_SIZE, 0);

    if (count == -1 && (errno == EAGAIN || errno == EINTR))
        return;
    load->now = clock_ns();
    if (count <= 0) {
        client_lost(load, index);
        return;
    }
    memcpy(line, client->tail, client->tail_length);
    end = fresh + count;
    while ((newline = memchr(fresh, '\n', (size_t)(end - fresh))) != NULL) {
        client_line(load, index, line, (size_t)(newline - line));
        line = fresh = newline + 1;
    }
    client->tail_length = (size_t)(end - line);
    if (client->tail_length > load->lines.length + NAME_MOST - 1) { /* no line of ours */
        client_line(load, index, line, load->lines.length);
        client->tail_length = 0;
    }
    memcpy(client->tail, line, client->tail_length);
}

/* Senders go on after each client's lines, so that the server has work while the other
 * clients are read. */
static void client_ready(struct load *load, int index)
{
    struct pollfd *polled = &load->polled[index];

    if (polled->revents & POLLOUT) {
        load->connections++;
        load->heard = load->now;
        polled->events = POLLIN;
    }
    if (polled->revents & ~POLLOUT)
        client_read(load, index);
    senders_continue(load);
}

static void load_turn(struct load *load, int timeout_ms)
{
    struct pollfd *output = &load->polled[load->clients];
    int ready;

    *output = (struct pollfd){.fd = load->server.output, .events = POLLIN};
    ready = poll(load->polled, (nfds_t)load->clients + 1, timeout_ms);
    load->now = clock_ns();
    for (int i = 0; i < load->clients && ready > 0; i++) {
        if (load->polled[i].revents == 0)
            continue;
        client_ready(load, i);
        if (--ready % READS_A_DRAIN == 0)
            server_drain(&load->server);
    }
    if (ready > 0)
        server_drain(&load->server);
}

/* ---- The phases --------------------------------------------------------------------- */

static void on_signal(int signal_number)
{
    (void)signal_number;
    signals_request_stop();
}

static void load_start(struct load *load, char *command[])
{
    const char *why = "";

    signals_handle(SIGINT, on_signal);
    signals_handle(SIGTERM, on_signal);
    if (!signals_ignores(SIGHUP))
        signals_handle(SIGHUP, on_signal);
    load->port = server_start(&load->server, command, load->port, &why);
    if (load->port == -1) {
        fprintf(stderr, "line_load: cannot start %s: %s\n", command[0], why);
        exit(EXIT_FAILURE);
    }
    /* Not earlier: the server inherits the limit, and should have its usual one. */
    descriptor_raise_limit((unsigned long)load->clients + OTHER_DESCRIPTORS);
}

static bool may_go_on(struct load *load)
{
    if (signals_stop_requested())
        load_fail(load, "interrupted");
    else if (!server_runs(&load->server))
        load_fail(load, "the server ended before the run");
    return load->failure == NULL;
}

/* The server may be starting, and so it may refuse connections for a while. */
static bool connect_first(struct load *load)
{
    int64_t deadline = clock_ns() + START_WAIT;

    while (may_go_on(load)) {
        load->began = load->heard = load->now = clock_ns();
        if (!client_connect(load, 0))
            return false;
        if (poll(&load->polled[0], 1, (int)(START_WAIT / MILLISECOND)) == 1 &&
            load->polled[0].revents == POLLOUT)
            return true;
        client_close(load, 0);
        if (load->now > deadline)
            load_fail(load, "no connection was taken for 5 s");
        server_drain(&load->server);
        poll(NULL, 0, TICK_MS);
    }
    return false;
}

/* All others at once: that tries the server's queue. */
static bool connect_all(struct load *load)
{
    if (!connect_first(load))
        return false;
    for (int i = 1; i < load->clients; i++) {
        if (!client_connect(load, i))
            return false;
        if (i % CONNECTS_A_TURN == 0)
            load_turn(load, 0);
    }
    return true;
}

static bool load_join(struct load *load)
{
    if (!connect_all(load))
        return false;
    while (load->joined == 0 && may_go_on(load)) {
        load_turn(load, TICK_MS);
        if (load->now - load->began > load->patience)
            load_fail(load, "not everyone got in in time");
        if (load->connections < load->clients)
            continue;
        if (load->connected == 0)
            load->connected = load->now - load->began;
        if (!load->lines.echo)
            probe_again(load);
        nudge_some(load);
    }
    return load->joined > 0;
}

static void run_turns(struct load *load)
{
    int64_t next_look = 0;

    while (run_goes_on(&load->run, load->now) && !signals_stop_requested() &&
           server_runs(&load->server)) {
        load_turn(load, TICK_MS);
        if (load->now < next_look)
            continue;
        next_look = load->now + TICK;
        for (int i = load->lines.first; i < load->live; i++)
            sender_watch(load, i);
    }
}

/* In an echo the clients before the senders are idle: it would cost time to poll them, and
 * the server would feel it. Nothing may have come of them, which is looked at afterwards. */
static void load_run(struct load *load)
{
    int first = load->lines.first, idle = load->lines.echo ? first : 0;

    for (int i = 0; i < load->clients; i++)
        if (i < idle || i >= load->live)
            load->polled[i].fd = ~load->polled[i].fd; /* below 0: not polled */
    run_begin(&load->run, &load->server, load->duration);
    load->now = load->run.began;
    for (int i = first; i < load->live; i++)
        sender_fill(load, i, load->lines.most);
    run_turns(load);
    run_time_over(&load->run, &load->server);
    load->now = clock_ns();
    run_turns(load);
    run_end(&load->run, &load->server, load->now);
    for (int i = 0; i < idle; i++)
        load->polled[i].fd = ~load->polled[i].fd;
    load_turn(load, 0);
    for (int i = 0; i < load->live && load->lines.echo; i++)
        load->lines.stray += load->client[i].tail_length > 0;
}

/* ---- The report --------------------------------------------------------------------- */

static const char *outcome_of(struct load *load)
{
    const struct run *run = &load->run;
    uint64_t faults = run->missed + load->lines.out_of_order + load->lines.damaged +
                      load->lines.duplicates + load->lines.stray + load->closed;
    bool ran = run->began > 0, whole = run->arrived > 0 && run_due(run) + faults == 0;

    /* One that has closed connections may be about to end. */
    for (int i = 0; i < DYING_TICKS && !(ran && whole) && server_runs(&load->server); i++)
        poll(NULL, 0, TICK_MS);
    if (signals_stop_requested())
        return "interrupted";
    if (!server_runs(&load->server))
        return "died";
    if (!ran)
        return "not connected";
    return whole ? "complete" : run_due(run) > 0 ? "unfinished" : "incomplete";
}

static void add_field(char *row, size_t size, const char *text)
{
    size_t length = strlen(row);

    snprintf(row + length, size - length, "%s%s", length > 0 ? "," : "", text);
}

static void report_text(struct load *load, const char *name, const char *text)
{
    printf("%-20s %14s\n", name, text[0] == '\0' ? "-" : text);
    add_field(load->names, sizeof load->names, name);
    add_field(load->values, sizeof load->values, text);
}

/* A value that is NAN is not known. */
static void report(struct load *load, const char *name, int decimals, double value)
{
    char text[40] = "";

    if (!load->unknown && !isnan(value))
        snprintf(text, sizeof text, "%.*f", decimals, value);
    report_text(load, name, text);
}

static void report_run(struct load *load)
{
    const struct run *run = &load->run;
    double counted = (double)run->counted, expected = (double)run->expected;
    double cpu = run->server_cpu < 0 ? NAN : run->server_cpu;
    double p50 = (double)histogram_percentile(&run->latency, 50);
    double p99 = (double)histogram_percentile(&run->latency, 99);
    bool memory = run->server_cpu >= 0 && run->memory_kib > 0;

    report(load, "run_s", 3, run->seconds);
    report(load, "arrived", 0, counted);
    report(load, "arrived_a_second", 0, counted / run->seconds);
    report(load, "latency_p50_us", 1, run->arrived > 0 ? p50 / 1e3 : NAN);
    report(load, "latency_p99_us", 1, run->arrived > 0 ? p99 / 1e3 : NAN);
    report(load, "longest_pause_s", 3, (double)run->longest_pause / 1e9);
    report(load, "lost", 0, (double)run->missed);
    report(load, "lost_percent", 2, 100 * (double)run->missed / expected);
    report(load, "due", 0, (double)run_due(run));
    report(load, "server_cpu_s", 3, cpu);
    report(load, "server_cpu_ns", 1, counted > 0 ? cpu * 1e9 / counted : NAN);
    report(load, "server_kib", 0, memory ? (double)run->memory_kib : NAN);
    report(load, "generator_percent", 0, 100 * run->own_cpu / run->seconds);
    report_text(load, "bottleneck", load->unknown ? "" : run_bottleneck(run));
}

static void report_all(struct load *load, const char *command, const char *outcome)
{
    const char *slash = strrchr(command, '/');

    report_text(load, "server", slash == NULL ? command : slash + 1);
    report_text(load, "kind", load->lines.echo ? "echo" : "chat");
    report(load, "clients", 0, load->clients);
    report(load, "senders", 0, load->lines.senders);
    report(load, "in_flight", 0, load->lines.most);
    report(load, "line_bytes", 0, (double)load->lines.length);
    report(load, "stalled", 0, load->stalled);
    load->unknown = load->run.began == 0;
    report(load, "connected_s", 4, (double)load->connected / 1e9);
    report(load, "joined_s", 4, (double)load->joined / 1e9);
    report(load, "nudged", 0, load->nudged);
    report(load, "lines", 0, (double)load->lines.sent);
    report_run(load);
    report(load, "out_of_order", 0, (double)load->lines.out_of_order);
    report(load, "damaged", 0, (double)load->lines.damaged);
    report(load, "duplicates", 0, (double)load->lines.duplicates);
    report(load, "stray", 0, (double)load->lines.stray);
    report(load, "closed", 0, (double)load->closed);
    report_text(load, "outcome", outcome);
}

/* Connections first: a server that forks may have children which wait for that. */
static void load_stop(struct load *load)
{
    int status = load->server.status;

    if (load->failure != NULL)
        printf("note: %s\n", load->failure);
    if (load->server.ended && WIFSIGNALED(status))
        printf("note: the server died of signal %d\n", WTERMSIG(status));
    else if (load->server.ended)
        printf("note: the server ended with status %d\n", WEXITSTATUS(status));
    for (int i = 0; i < load->clients; i++)
        client_close(load, i);
    if (!server_stop(&load->server))
        printf("note: the server did not end at SIGTERM and was killed\n");
}

int main(int argc, char *argv[])
{
    static struct load load; /* static: it is large for a stack */
    const char *outcome;

    load_options(&load, argc, argv);
    load_allocate(&load);
    load_start(&load, argv + optind);
    if (load_join(&load))
        load_run(&load);
    outcome = outcome_of(&load);
    report_all(&load, argv[optind], outcome);
    load_stop(&load);
    if (load.csv)
        printf("%s\n%s\n", load.names, load.values);
    if (fflush(stdout) == EOF || ferror(stdout)) {
        perror("line_load: cannot write to standard output");
        return EXIT_FAILURE;
    }
    return strcmp(outcome, "complete") == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
