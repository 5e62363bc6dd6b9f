/*
 * line_load: measures a chat server, or an echo server, under load.
 *
 *     line_load [-e] [-c clients] [-s senders] [-f in_flight] [-l line_length]
 *               [-z stalled] [-r rate] [-t seconds] [-p port] [-n servers] [-C]
 *               command [arg ...]
 *
 * Starts the command, a server that passes each client's line on to all others, or with -e
 * back to where it came from. Connects the clients, makes some of them talk, and checks
 * that every line arrives where it should: whole, once, and in order. README.md explains
 * the figures.
 *
 * The status is 0 if all lines did; 1 if they did not, if not everyone got in, or if the
 * server ended by itself; 2 for wrong usage.
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
#include <netinet/in.h>
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
    OTHER_DESCRIPTORS = 64,     /* in addition to the clients' */
    READ_SIZE = 65536,          /* large, so that few calls are needed */
    NAME_MOST = 256,            /* what a server may put before a line */
    READS_A_DRAIN = 16,         /* a server that logs must not find its pipe full */
    LITTLE_BUFFER = 4096,       /* of a client that will stall */
    LITTLE_SEGMENT = 536,       /* every IPv4 host accepts it (RFC 1122 3.3.2) */
    JOIN_NUMBER = LINES_OTHERS, /* of a nudge; probes have higher numbers */
    NUDGES = 4,                 /* at a time: few enough for a short queue */
    CONNECTS_A_TURN = 16,
    TICK_MS = 10,
    DYING_TICKS = 50 /* for a server to end, if something was wrong */
};

#define TICK       (TICK_MS * MILLISECOND)
#define START_WAIT (5 * SECOND) /* while the first connection is refused */
#define JOIN_WAIT  (60 * SECOND)
#define QUIET      (300 * MILLISECOND)  /* nothing new for this long: see nudge_some() */
#define AGAIN      (1000 * MILLISECOND) /* a line seems lost */
#define OVERDUE    (200 * MILLISECOND)  /* see sender_watch() */

struct client {
    bool heard;     /* it has received something */
    uint32_t probe; /* the last one it received; 0: none */
    bool nudged;
    char *tail; /* the beginning of a line */
    size_t tail_length;
};

struct load {
    /* The command line. */
    bool csv;
    int port, servers; /* the first server's, and how many there are */
    int rate;          /* lines a second, all senders together; 0: as they arrive */
    int64_t duration;

    struct server server;
    struct client client[LINES_CLIENTS];     /* listeners, then talkers, then stallers */
    struct pollfd polled[LINES_CLIENTS + 1]; /* the last is server.output */
    char buffer[LINES_MAX + NAME_MOST + READ_SIZE];
    const char *failure; /* the first one: later ones mostly follow from it */

    /* Joining: see join_look(). */
    int64_t began, joined;   /* when it began and when all were in; 0: not yet */
    int64_t heard;           /* when something new was last heard */
    int64_t waited;          /* in silence before the first nudge: not in `joined` */
    int connections, nudged; /* clients */
    uint32_t probe;          /* the number of the last, from 1 on */
    int64_t probed;          /* when it was sent */

    struct run run;
    struct lines lines;
    uint64_t paced, skipped;        /* lines that the rate asked for; those not sent */
    uint64_t closed;                /* connections, by the server */
    bool unknown;                   /* from now on no figure is known */
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
    .letters = "ec:s:f:l:z:r:t:p:n:ChV",
    .usage = "usage: line_load [-eChV] [-c clients] [-s senders] [-f in_flight]\n"
             "                 [-l line_length] [-z stalled] [-r rate] [-t seconds]\n"
             "                 [-p port] [-n servers] command [arg ...]\n",
    .help =
        "Starts the command, a chat server, and measures it.\n"
        "  -e              it is an echo server\n"
        "  -c clients      how many connect (default: 100)\n"
        "  -s senders      how many of them send lines (default: 20)\n"
        "  -f in_flight    lines that each sender has under way (default: 1)\n"
        "  -l line_length  in bytes, with the newline (default: 60)\n"
        "  -z stalled      how many stop reading once all have joined (default: 0)\n"
        "  -r rate         instead of -f: this many lines a second, all senders in turn\n"
        "  -t seconds      how long the run lasts (default: 3)\n"
        "  -p port         the server's, on 127.0.0.1. Without -p the server must\n"
        "                  print \"port N\" in a line, or the command must contain %p:\n"
        "                  a free port takes its place\n"
        "  -n servers      the command starts this many, on this port and those after\n"
        "                  it; what is said in one is heard in all\n"
        "                  (default: 1)\n"
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
    int option, stalled = 0;

    *lines = (struct lines){.clients = 100, .senders = 20, .most = 1, .length = 60};
    lines->run = &load->run;
    load->duration = 3 * SECOND;
    load->servers = 1;
    while ((option = options_next(&command_line, argc, argv)) != -1) {
        switch (option) {
        case 'e': lines->echo = true; break;
        case 'c': lines->clients = int_option('c', 1, LINES_CLIENTS); break;
        case 's': lines->senders = int_option('s', 1, LINES_CLIENTS); break;
        case 'f': lines->most = int_option('f', 1, 10000); break;
        case 'l': lines->length = (size_t)int_option('l', LINES_MIN, LINES_MAX); break;
        case 'z': stalled = int_option('z', 0, LINES_CLIENTS); break;
        case 't':
            load->duration = options_timeout(&command_line, 't') * MILLISECOND;
            break;
        case 'r': load->rate = int_option('r', 1, 100000); break;
        case 'p': load->port = options_port(&command_line, optarg, 1); break;
        case 'n': load->servers = int_option('n', 1, 100); break;
        case 'C': load->csv = true; break;
        }
    }
    lines->live = lines->clients - stalled;
    lines->first = lines->live - lines->senders;
    if (lines->live < (lines->echo ? 1 : 2) || lines->first < 0)
        options_wrong(&command_line, "all senders, and two clients in a chat, must read");
    if (argv[optind] == NULL)
        options_wrong(&command_line, "no command");
    if (load->rate > 0) /* room for the lines of a tenth of a second, and more */
        lines->most = load->rate / lines->senders / 10 + 1;
}

static void load_allocate(struct load *load)
{
    size_t size = load->lines.length + NAME_MOST;
    char *tails = calloc((size_t)load->lines.clients, size);

    if (!lines_init(&load->lines) || tails == NULL) {
        perror("line_load");
        exit(EXIT_FAILURE);
    }
    for (int i = 0; i < load->lines.clients; i++) {
        load->polled[i].fd = -1;
        load->client[i].tail = tails + (size_t)i * size;
    }
}

/* ---- Senders ------------------------------------------------------------------------ */

/*
 * Sends until `most` lines are under way. The socket takes so few at once, unless the
 * server does not read: then a line was cut, and no more is sent. Any error other than
 * EAGAIN will show in recv().
 */
static void sender_fill(struct load *load, int index, int most)
{
    int sock = load->polled[index].fd;
    const char *text;
    size_t length;

    while (sock != -1 && load->failure == NULL &&
           (text = lines_next(&load->lines, index, most, &length)) != NULL) {
        ssize_t sent = send(sock, text, length, MSG_NOSIGNAL);

        if (sent == -1 ? errno == EAGAIN : (size_t)sent < length)
            load_fail(load, "a sender's socket was full: try fewer lines in flight");
    }
}

/*
 * A lost line would hold up its sender for ever, and shows only when a later one has come.
 * So if none of a sender's lines has arrived anywhere for much longer than any ever took,
 * the sender sends one more, even after the run. That shows whether the server has lost
 * lines or is only slow.
 */
static void sender_watch(struct load *load, int index)
{
    int64_t waited = lines_waited(&load->lines, index);
    int under_way = lines_under_way(&load->lines, index);

    if (under_way > 0 && load->run.arrived > 0 && waited > OVERDUE &&
        waited > 3 * load->run.slowest)
        sender_fill(load, index, under_way + 1);
}

/* Sends the lines whose time has come: one of each sender in turn, at an even rate. */
static void send_at_rate(struct load *load)
{
    int64_t passed = load->run.now - load->run.began;
    uint64_t due = (uint64_t)(passed / MILLISECOND * load->rate / 1000);

    for (; load->run.sending && load->paced < due; load->paced++) {
        int index =
            load->lines.first + (int)(load->paced % (uint64_t)load->lines.senders);
        int more = lines_under_way(&load->lines, index) + 1;

        sender_fill(load, index, more);
        if (load->polled[index].fd != -1 && load->failure == NULL)
            load->skipped += lines_under_way(&load->lines, index) < more;
    }
}

/* ---- Joining ------------------------------------------------------------------------ */

static void join_send(struct load *load, int index, uint32_t number)
{
    lines_write(load->buffer, load->lines.length, index, number);
    (void)!send(load->polled[index].fd, load->buffer, load->lines.length, MSG_NOSIGNAL);
}

/*
 * Some clients get into the queue only when they send something, since the answer to their
 * SYN was a SYN cookie; and some servers wait for a word. So when nothing more comes, those
 * that have received nothing send something. With an echo server all do so from the start.
 */
static void nudge_some(struct load *load)
{
    if (!load->lines.echo && load->waited == 0) {
        if (load->run.now - load->heard < QUIET)
            return;
        load->waited = load->run.now - load->heard;
    }
    for (int i = load->lines.echo ? 0 : 1, under_way = 0;
         i < load->lines.clients && under_way < NUDGES; i++) {
        struct client *client = &load->client[i];

        if (client->heard)
            continue;
        under_way++;
        if (client->nudged)
            continue;
        client->nudged = true;
        load->nudged++;
        join_send(load, i, JOIN_NUMBER);
    }
}

/*
 * Everyone is in the chat when one line has reached everyone: a client may be connected and
 * not in the server's queue, if that was full. So the first client, which is in, sends probes
 * until all the others have received the same one. Because lines come in order, each has then
 * been told of all that joined after it. The next probe goes out when all that received any
 * have received the last, and something new has come; or after a second.
 */
static void join_look(struct load *load)
{
    bool echo = load->lines.echo, news = load->heard > load->probed;
    int out = 0, behind = 0;

    for (int i = echo ? 0 : 1; i < load->lines.clients; i++) {
        uint32_t probe = load->client[i].probe;

        out += echo ? !load->client[i].heard : probe == 0;
        behind += probe > 0 && probe < load->probe;
    }
    if (out + behind == 0) {
        load->joined = load->run.now - load->began - load->waited;
    } else if (!echo &&
               load->run.now - load->probed >= (behind == 0 && news ? TICK : AGAIN)) {
        load->probed = load->run.now;
        join_send(load, 0, JOIN_NUMBER + ++load->probe);
    }
}

static void join_line(struct load *load, struct client *client, const char *line,
                      size_t length)
{
    uint32_t number = 0;

    lines_find(line, length, &number);
    if (number <= JOIN_NUMBER || client->probe == 0)
        load->heard = load->run.now;
    if (number > JOIN_NUMBER && number <= JOIN_NUMBER + load->probe)
        client->probe = number - JOIN_NUMBER;
    client->heard = true;
}

/* ---- Sockets ------------------------------------------------------------------------ */

/*
 * Nagle's algorithm is off: it would delay a second line until the first is acknowledged,
 * and this measures the server, not the client. If the client will stall, small buffers
 * and segments leave that to the server: on loopback the two ends would hold megabytes.
 */
static bool client_connect(struct load *load, int index)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int sock = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    int size = LITTLE_BUFFER;

    if (sock == -1) {
        load_fail(load, strerror(errno));
        return false;
    }
    address.sin_port = htons((in_port_t)(load->port + index % load->servers));
    address.sin_addr.s_addr = inet_addr("127.0.0.1");
    fcntl(sock, F_SETFL, O_NONBLOCK);
    setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (index >= load->lines.live) {
        setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
#ifdef TCP_MAXSEG /* which is not in POSIX */
        int segment = LITTLE_SEGMENT;

        setsockopt(sock, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
#endif
    }
    (void)!connect(sock, (struct sockaddr *)&address, sizeof address); /* see poll() */
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
    load->lines.live--;
    lines_give_up(&load->lines, index);
    if (load->joined == 0)
        load_fail(load, "the server closed a connection before the run");
}

static void client_line(struct load *load, int index, char *line, size_t length)
{
    line[length] = '\0';
    if (load->joined == 0)
        join_line(load, &load->client[index], line, length);
    else
        lines_received(&load->lines, index, line, length);
}

static void client_read(struct load *load, int index)
{
    struct client *client = &load->client[index];
    char *line = load->buffer, *fresh = line + client->tail_length, *end, *newline;
    ssize_t count = recv(load->polled[index].fd, fresh, READ_SIZE, 0);

    if (count == -1 && (errno == EAGAIN || errno == EINTR))
        return;
    load->run.now = clock_ns();
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
    if (client->tail_length > load->lines.length + NAME_MOST - 1) { /* not our line */
        client_line(load, index, line, load->lines.length);
        client->tail_length = 0;
    }
    memcpy(client->tail, line, client->tail_length);
}

/*
 * Senders whose oldest line has arrived everywhere send the next at once, so that the
 * server has work while this program reads from the other clients.
 */
static void client_ready(struct load *load, int index)
{
    struct pollfd *polled = &load->polled[index];
    int sender;

    if (polled->revents & POLLOUT) {
        load->connections++;
        load->heard = load->run.now;
        polled->events = POLLIN;
    }
    if (polled->revents & ~POLLOUT)
        client_read(load, index);
    while ((sender = lines_take_due(&load->lines)) != -1)
        if (load->run.sending && load->rate == 0)
            sender_fill(load, sender, load->lines.most);
}

static void load_turn(struct load *load, int timeout_ms)
{
    struct pollfd *output = &load->polled[load->lines.clients];
    int ready;

    *output = (struct pollfd){.fd = load->server.output, .events = POLLIN};
    ready = poll(load->polled, (nfds_t)load->lines.clients + 1, timeout_ms);
    load->run.now = clock_ns();
    for (int i = 0; i < load->lines.clients && ready > 0; i++) {
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
    /* Not earlier: the server inherits the limit, and should have the usual one. */
    descriptor_raise_limit(load->lines.clients + OTHER_DESCRIPTORS);
}

static bool may_go_on(struct load *load)
{
    if (signals_stop_requested())
        load_fail(load, "interrupted");
    else if (!server_runs(&load->server))
        load_fail(load, "the server ended before the run");
    return load->failure == NULL;
}

/* Its server may still be starting, and refuse connections for a while. */
static bool connect_patiently(struct load *load, int index)
{
    int64_t deadline = clock_ns() + START_WAIT;

    while (may_go_on(load)) {
        load->began = load->heard = load->run.now = clock_ns();
        if (!client_connect(load, index))
            return false;
        if (poll(&load->polled[index], 1, (int)(START_WAIT / MILLISECOND)) == 1 &&
            load->polled[index].revents == POLLOUT)
            return true;
        client_close(load, index);
        if (load->run.now > deadline)
            load_fail(load, "no connection was accepted for 5 s");
        server_drain(&load->server);
        poll(NULL, 0, TICK_MS);
    }
    return false;
}

/* One at each server, then all others at once, which tests the server's queue. */
static bool load_join(struct load *load)
{
    bool connecting = true;

    for (int i = 0; i < load->lines.clients && connecting; i++) {
        connecting =
            i < load->servers ? connect_patiently(load, i) : client_connect(load, i);
        if (i % CONNECTS_A_TURN == 0)
            load_turn(load, 0);
    }
    while (load->joined == 0 && may_go_on(load)) {
        load_turn(load, TICK_MS);
        if (load->run.now - load->began > JOIN_WAIT)
            load_fail(load, "not everyone got in within 60 s");
        if (load->connections < load->lines.clients)
            continue;
        join_look(load);
        nudge_some(load);
    }
    return load->joined > 0;
}

static void run_turns(struct load *load)
{
    int64_t next_look = 0;

    while (run_goes_on(&load->run) && !signals_stop_requested() &&
           server_runs(&load->server)) {
        load_turn(load, TICK_MS);
        send_at_rate(load);
        if (load->run.now < next_look)
            continue;
        next_look = load->run.now + TICK;
        for (int i = 0; i < load->lines.senders; i++)
            sender_watch(load, load->lines.first + i);
    }
}

/*
 * With an echo server the clients before the senders are idle: to poll them would cost
 * time that the server needs. Nothing may come to them, which is checked afterwards.
 */
static void load_run(struct load *load)
{
    int first = load->lines.first, idle = load->lines.echo ? first : 0;

    for (int i = 0; i < load->lines.clients; i++)
        if (i < idle || i >= load->lines.live)
            load->polled[i].fd = ~load->polled[i].fd; /* below 0: not polled */
    printf("note: all have joined\n");
    fflush(stdout); /* bench/network reads it, and looks at its processes */
    run_begin(&load->run, &load->server, load->duration);
    for (int i = 0; i < load->lines.senders && load->rate == 0; i++)
        sender_fill(load, first + i, load->lines.most);
    run_turns(load);
    run_time_over(&load->run, &load->server);
    run_turns(load);
    run_end(&load->run, &load->server);
    for (int i = 0; i < idle; i++)
        load->polled[i].fd = ~load->polled[i].fd;
    load_turn(load, 0);
    for (int i = 0; i < load->lines.clients && load->lines.echo; i++)
        load->lines.stray += load->client[i].tail_length > 0;
}

/* ---- The report --------------------------------------------------------------------- */

static const char *outcome_of(struct load *load)
{
    const struct run *run = &load->run;
    uint64_t faults = run->missed + load->lines.out_of_order + load->lines.damaged +
                      load->lines.duplicates + load->lines.stray + load->closed;
    bool ran = run->began > 0, whole = run->arrived > 0 && run_due(run) + faults == 0;

    /* A server that has closed connections may be about to end. */
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

static void report_text(struct load *load, const char *name, const char *text)
{
    const char *comma = load->names[0] == '\0' ? "" : ",";
    size_t names = strlen(load->names), values = strlen(load->values);

    printf("%-20s %14s\n", name, text[0] == '\0' ? "-" : text);
    snprintf(load->names + names, sizeof load->names - names, "%s%s", comma, name);
    snprintf(load->values + values, sizeof load->values - values, "%s%s", comma, text);
}

/* NAN stands for an unknown value. */
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
    double p50 = (double)run_latency(run, 50) / 1e3,
           p99 = (double)run_latency(run, 99) / 1e3;
    bool memory = run->server_cpu >= 0 && run->memory_kib > 0;

    report(load, "run_s", 3, run->seconds);
    report(load, "arrived", 0, counted);
    report(load, "arrived_a_second", 0, counted / run->seconds);
    report(load, "latency_p50_us", 1, run->arrived > 0 ? p50 : NAN);
    report(load, "latency_p99_us", 1, run->arrived > 0 ? p99 : NAN);
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
    report(load, "clients", 0, load->lines.clients);
    load->unknown = load->run.began == 0;
    report(load, "joined_s", 4, (double)load->joined / 1e9);
    report(load, "nudged", 0, load->lines.echo ? 0 : load->nudged);
    report(load, "lines", 0, (double)load->lines.sent);
    report_run(load);
    report(load, "out_of_order", 0, (double)load->lines.out_of_order);
    report(load, "damaged", 0, (double)load->lines.damaged);
    report(load, "duplicates", 0, (double)load->lines.duplicates);
    report(load, "stray", 0, (double)load->lines.stray);
    report(load, "closed", 0, (double)load->closed);
    report_text(load, "outcome", outcome);
}

/* Connections first: a server that forks may have children that wait for this. */
static void load_stop(struct load *load)
{
    int status = load->server.status;

    if (load->failure != NULL)
        printf("note: %s\n", load->failure);
    if (load->skipped > 0)
        printf("note: %llu lines were not sent: too many were under way\n",
               (unsigned long long)load->skipped);
    if (load->server.ended)
        printf("note: the server ended with %s %d\n",
               WIFSIGNALED(status) ? "signal" : "status",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    for (int i = 0; i < load->lines.clients; i++)
        client_close(load, i);
    if (!server_stop(&load->server))
        printf("note: the server did not end at SIGTERM and was killed\n");
}

int main(int argc, char *argv[])
{
    static struct load load; /* static: it is too large for some stacks */
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
