/*
 * chat_run: the measuring
 *
 * Each sender keeps a number of lines in flight: when its oldest has reached everyone,
 * it sends the next. A line that will not arrive any more must not hold its sender up,
 * and is known by either of two signs: the client got a later line of the same sender;
 * or for a while nobody got the line, which is then given up, and counts as late if it
 * comes.
 *
 * After the run everything that is still due is waited for, as long as anything comes. If
 * nothing does, each sender sends one more line: where that arrives, those before it never
 * will. So a server that has lost lines is told from one that takes its time.
 */
#include "load/chat_load.h"

#include <string.h>
#include <sys/socket.h>

enum {
    TICK_MS = 20,              /* how often the senders are looked at */
    GIVE_UP_MS = 200,          /* at least; a slow server gets more, see patience() */
    STALLED_GIVE_UP_MS = 2500, /* it may take its time to be rid of stalled clients */
    LAST_LINE_MS = 300,        /* without any delivery after the run: see above */
    FLIGHTS_MIN = 64 /* of the ring: more than WAIT_SECONDS of last lines; old ones are
                        kept to time late lines by */
};

static struct flight *flight_of(const struct load *load, const struct sender *sender,
                                uint32_t line)
{
    return &sender->flights[line & (load->flights - 1)];
}

/* Sends what the socket takes; poll() says when it takes the rest. */
static void sender_flush(struct load *load, int index)
{
    struct sender *sender = &load->senders[index];
    ssize_t count = send(load->clients[index].fd, sender->unsent, sender->unsent_length,
                         MSG_NOSIGNAL);

    if (count > 0) {
        sender->unsent_length -= (size_t)count;
        memmove(sender->unsent, sender->unsent + count, sender->unsent_length);
    }
    /* Other errors than EAGAIN come back from recv(), and are handled there. */
    load->polled[index].events = sender->unsent_length > 0 ? POLLIN | POLLOUT : POLLIN;
}

/* Whether it can have one more line under way. */
static bool sender_has_room(const struct load *load, int index)
{
    const struct sender *sender = &load->senders[index];
    size_t most = (size_t)load->options.in_flight * load->line.length;

    return load->clients[index].fd != -1 && load->run.live >= 2 &&
           sender->unsent_length + load->line.length <= most &&
           sender->next < CHAT_LINE_SEQUENCES - 1;
}

/* Begins one; sender_flush() sends it. */
static void sender_begin(struct load *load, int index, uint64_t now)
{
    struct sender *sender = &load->senders[index];
    struct flight *flight = flight_of(load, sender, sender->next);

    flight->sent = now;
    flight->remaining = (uint32_t)load->run.live - 1;
    load->run.tally.sent++;
    load->run.tally.expected += flight->remaining;
    chat_line_write(&load->line, sender->unsent + sender->unsent_length, (uint32_t)index,
                    sender->next);
    sender->unsent_length += load->line.length;
    sender->next++;
}

/* Puts as many lines in flight as are to be there. */
static void sender_fill(struct load *load, int index)
{
    struct sender *sender = &load->senders[index];
    uint64_t now = clock_now();

    while (load->run.sending && sender_has_room(load, index) &&
           sender->next - sender->oldest < (uint32_t)load->options.in_flight)
        sender_begin(load, index, now);
    if (sender->unsent_length > 0 && load->clients[index].fd != -1)
        sender_flush(load, index);
}

static void senders_send_last(struct load *load)
{
    load->run.last_lines = load->now;
    for (int i = 0; i < load->options.senders; i++) {
        if (!sender_has_room(load, i))
            continue;
        sender_begin(load, i, load->now);
        sender_flush(load, i);
    }
}

/* Passes over the lines that are done. */
static void sender_advance(const struct load *load, struct sender *sender)
{
    while (sender->oldest != sender->next &&
           flight_of(load, sender, sender->oldest)->remaining == 0)
        sender->oldest++;
}

/* A client has had a line that is in flight, or will not get it. */
static void line_settled(struct load *load, uint32_t index, uint32_t line)
{
    struct sender *sender = &load->senders[index];

    if (line < sender->oldest)
        return; /* given up: nobody waits for it */
    if (--flight_of(load, sender, line)->remaining == 0 && line == sender->oldest &&
        !sender->due) {
        sender->due = true;
        load->due[load->due_count++] = (int)index;
    }
}

static void lines_missed(struct load *load, struct arrivals *from, uint32_t index,
                         uint32_t until)
{
    load->run.tally.missed += until - from->next;
    from->seen = until - from->next < 64 ? from->seen << (until - from->next) : 0;
    while (from->next < until)
        line_settled(load, index, from->next++);
}

static void line_timed(struct load *load, const struct sender *sender, uint32_t line)
{
    load->run.tally.delivered++;
    if (sender->next - line <= load->flights)
        histogram_add(&load->run.latency,
                      load->now - flight_of(load, sender, line)->sent);
}

/* A line that a later one of the same sender has overtaken, or that came before. Of
 * what's 64 lines back that's no longer known, and the first is assumed. */
static void line_overtaken(struct load *load, struct arrivals *from, uint32_t index,
                           uint32_t line)
{
    uint32_t age = from->next - 1 - line;

    if (load->run.tally.missed == 0 || (age < 64 && (from->seen >> age & 1) != 0)) {
        load->run.tally.duplicates++;
        return;
    }
    if (age < 64)
        from->seen |= UINT64_C(1) << age;
    load->run.tally.out_of_order++;
    load->run.tally.missed--;
    line_timed(load, &load->senders[index], line);
}

static void line_arrived(struct load *load, struct arrivals *from, uint32_t index,
                         uint32_t line)
{
    struct sender *sender = &load->senders[index];

    if (line < from->next) {
        line_overtaken(load, from, index, line);
        return;
    }
    if (line > from->next)
        lines_missed(load, from, index, line);
    from->next++;
    from->seen = from->seen << 1 | 1;
    line_timed(load, sender, line);
    if (line < sender->oldest)
        load->run.tally.late++;
    line_settled(load, index, line);
}

/* A line without a mark. Until a client's first line it may be greeted. */
static void run_other(struct load *load, int receiver, const char *line, size_t length)
{
    if (load->clients[receiver].heard && !chat_is_notice(line, length))
        load->run.tally.stray++;
    else
        load->run.tally.notices++;
}

static void run_line(struct load *load, int receiver, const char *line, size_t length)
{
    const char *mark = chat_line_find(line, length);
    struct tally *tally = &load->run.tally;
    uint32_t sender = 0, number = 0;

    if (mark == NULL) {
        run_other(load, receiver, line, length);
        return;
    }
    length -= (size_t)(mark - line);
    if (!chat_line_read(&load->line, mark, length, &sender, &number) ||
        sender >= (uint32_t)load->options.senders ||
        number >= load->senders[sender].next) {
        /* A probe that comes late is none of the run's lines, but not damaged, either. */
        tally->damaged += number != CHAT_LINE_SEQUENCES - 1;
        return;
    }
    if (sender == (uint32_t)receiver)
        return; /* some servers send to the sender, too: not our affair */
    tally->unnamed += mark == line;
    load->clients[receiver].heard = true;
    line_arrived(load, &load->clients[receiver].from[sender], sender, number);
}

/* No client has got anything since the last delivery. */
static void pause_note(struct load *load)
{
    struct run *run = &load->run;

    if (load->now - run->last_delivery > run->longest_pause)
        run->longest_pause = load->now - run->last_delivery;
}

/* After each client's lines, not after all clients': the server is to have work
 * meanwhile. */
static void run_was_read(struct load *load)
{
    struct run *run = &load->run;

    if (run->tally.delivered != run->counted) {
        pause_note(load);
        run->last_delivery = load->now;
        run->counted = run->tally.delivered;
    }
    while (load->due_count > 0) {
        int index = load->due[--load->due_count];
        load->senders[index].due = false;
        sender_advance(load, &load->senders[index]);
        sender_fill(load, index);
    }
}

static void run_closed(struct load *load, int client)
{
    load->run.live--;
    for (int i = 0; i < load->options.senders; i++) {
        if (i != client)
            lines_missed(load, &load->clients[client].from[i], (uint32_t)i,
                         load->senders[i].next);
    }
}

static const struct phase running = {sender_flush, run_line, run_was_read, run_closed};

/* How long to wait for anyone to get a line: longer than it ever took. A line given up
 * too early would be followed by a second one, in flight where there was to be one. */
static uint64_t patience(const struct load *load)
{
    uint64_t least = (load->options.stalled > 0 ? STALLED_GIVE_UP_MS : GIVE_UP_MS) *
                     (uint64_t)MILLISECOND;
    uint64_t longest = load->run.latency.highest;

    return 3 * longest > least ? 3 * longest : least;
}

/* Gives the oldest line up when nobody has got it for too long. At the very start that's
 * not known to be long; run_until() sees to a server that delivers nothing at all. */
static void sender_watch(struct load *load, int index)
{
    struct sender *sender = &load->senders[index];
    uint32_t remaining = flight_of(load, sender, sender->oldest)->remaining;

    if (sender->oldest == sender->next || sender->watched != sender->oldest ||
        sender->watched_remaining != remaining || load->run.latency.total == 0) {
        sender->watched = sender->oldest;
        sender->watched_remaining = remaining;
        sender->watched_since = load->now;
    } else if (load->now - sender->watched_since >= patience(load)) {
        sender->oldest++;
        sender_advance(load, sender);
        sender_fill(load, index);
    }
}

static void run_prepare(struct load *load)
{
    const struct chat_options *options = &load->options;
    size_t unsent = (size_t)options->in_flight * load->line.length;

    load->flights = FLIGHTS_MIN;
    while (load->flights < 4 * (uint32_t)options->in_flight)
        load->flights *= 2;
    load->senders = allocate((size_t)options->senders, sizeof *load->senders);
    load->due = allocate((size_t)options->senders, sizeof *load->due);
    for (int i = 0; i < options->senders; i++) {
        load->senders[i].flights = allocate(load->flights, sizeof(struct flight));
        load->senders[i].unsent = allocate(1, unsent);
    }
    for (int i = 0; i < options->clients; i++)
        load->clients[i].heard = false;
    load->run.live = options->clients - options->stalled;
    for (int i = load->run.live; i < options->clients; i++)
        load->polled[i].fd = -1; /* stalled: not read from now on */
}

static bool is_quiet(const struct load *load, uint64_t since)
{
    return load->now - since > LAST_LINE_MS * (uint64_t)MILLISECOND;
}

/* Turns, until `deadline` or until there's nothing to wait for. Watches the senders. */
static void run_until(struct load *load, uint64_t deadline)
{
    struct run *run = &load->run;
    uint64_t tick = load->now;

    while (load->now < deadline && !interrupted &&
           load->now - run->last_delivery < WAIT_SECONDS * (uint64_t)SECOND &&
           (run->sending || deliveries_due(&run->tally) > 0)) {
        clients_turn(load, TICK_MS);
        if (load->now < tick)
            continue;
        tick = load->now + TICK_MS * (uint64_t)MILLISECOND;
        for (int i = 0; i < load->options.senders; i++)
            sender_watch(load, i);
        if (!run->sending && is_quiet(load, run->last_delivery) &&
            is_quiet(load, run->last_lines))
            senders_send_last(load);
        if (!child_running(&load->server))
            break;
    }
}

void chat_load_run(struct load *load)
{
    struct run *run = &load->run;
    struct cost *cost = &run->cost;
    double server_cpu = child_cpu_seconds(&load->server), own_cpu = own_cpu_seconds();

    load->phase = &running;
    run_prepare(load);
    run->sending = true;
    run->began = run->last_delivery = load->now = clock_now();
    for (int i = 0; i < load->options.senders; i++)
        sender_fill(load, i);
    run_until(load, run->began + load->options.duration);

    run->sending = false;
    run->ended = load->now;
    run->deliveries = run->tally.delivered;
    cost->seconds = (double)(run->ended - run->began) / SECOND;
    cost->own_cpu = own_cpu_seconds() - own_cpu;
    cost->memory_kib = child_memory_kib(&load->server);
    load->now = clock_now(); /* that may have taken its time */
    run_until(load, run->ended + WAIT_SECONDS * (uint64_t)SECOND);
    cost->server_cpu = server_cpu_seconds(&load->server, server_cpu, run->deliveries,
                                          run->tally.delivered);
    if (deliveries_due(&run->tally) > 0)
        pause_note(load);
}
