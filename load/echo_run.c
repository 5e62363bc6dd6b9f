/*
 * echo_run: the turns and the measuring
 *
 * One poll() a turn, in which each slot that is ready is served once; and the run, in
 * which each slot keeps its number of messages in flight for so many seconds, and then
 * waits for what's still out. Also what the ways share: the content of messages, the
 * count of them, and the sockets.
 */
#include "load/echo_load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    TICK_MS = 20,      /* how often the slots are looked at */
    WAIT_SECONDS = 10, /* when nothing comes back, and after the run for what's in flight.
                          More than it costs to lose a SYN three times: 1, 2 and 4 s */
    STALL_MS = 30      /* a delayed acknowledgement is 40 ms late on Linux */
};

/* Content. Pseudo-random, as it would be hard to see in a pattern that a piece of it is
 * missing; and the same in every run. */

void content_init(struct load *load)
{
    uint32_t random = 2463534242; /* xorshift32; Marsaglia, "Xorshift RNGs", 2003 */

    load->content = allocate(1, CONTENT_PERIOD + CHUNK);
    for (int i = 0; i < CONTENT_PERIOD; i++) {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        load->content[i] = (char)(random >> 24);
    }
    for (int i = 0; i < CHUNK; i++)
        load->content[CONTENT_PERIOD + i] = load->content[i % CONTENT_PERIOD];
}

const char *content_at(const struct load *load, uint64_t position)
{
    return load->content + position % CONTENT_PERIOD;
}

/* Far apart for neighbours, and different for CONTENT_PERIOD numbers in a row. */
uint64_t content_origin(uint64_t number)
{
    return number * 7919 % CONTENT_PERIOD;
}

/* Messages */

/* The run is over, but for what is under way, with the last of the -n messages. */
void message_sent(struct load *load)
{
    load->run.tally.sent++;
    if (load->run.tally.sent == load->options.most)
        load->run.sending = false;
}

void message_returned(struct load *load, uint64_t sent_at)
{
    uint64_t took = load->now - sent_at;

    load->run.tally.returned++;
    load->run.tally.stalls += took > STALL_MS * (uint64_t)MILLISECOND;
    load->run.last_return = load->now;
    histogram_add(&load->run.latency, took);
}

/* Sockets */

/* Not connected yet; non-blocking, and polled for nothing. */
int socket_open(struct load *load, int slot, int type)
{
    int fd = socket(AF_INET, type, 0), on = 1;

    if (fd == -1)
        return -1;
    (void)fcntl(fd, F_SETFL, O_NONBLOCK); /* cannot fail for a socket */
    /* Otherwise a second message would wait until the first is acknowledged, and it's the
     * server that is to be measured. */
    if (type == SOCK_STREAM)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    load->polled[slot] = (struct pollfd){.fd = fd};
    return fd;
}

int socket_connect(const struct load *load, int fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET};

    address.sin_port = htons((in_port_t)load->port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == -1 &&
        errno != EINPROGRESS)
        return -1;
    return 0;
}

void socket_close(struct load *load, int slot)
{
    if (load->polled[slot].fd != -1)
        (void)close(load->polled[slot].fd);
    load->polled[slot] = (struct pollfd){.fd = -1};
}

/* Waits until something is ready, `timeout_ms` at most, and serves all that is. Nothing
 * that a slot does waits, so that once a turn is enough for the server's stdout. */
void load_turn(struct load *load, int timeout_ms)
{
    int slots = load->options.slots, served = 0;
    int ready = poll(load->polled, (nfds_t)slots + 1, timeout_ms);

    load->now = clock_now();
    for (int i = 0; i < slots && served < ready; i++) { /* -1, EINTR: none */
        if (load->polled[i].revents == 0)
            continue;
        served++;
        load->traffic->ready(load, i, load->polled[i].revents);
    }
    if (served < ready) {
        child_drain(&load->server);
        load->polled[slots].fd = load->server.output; /* -1 at its end */
    }
}

/* While the slots are opened: whether there's nothing against going on. */
bool load_may_open(struct load *load, uint64_t deadline, bool refused)
{
    if (load->failure.text[0] != '\0')
        return false;
    if (interrupted)
        failure_note(&load->failure, "interrupted");
    else if (!child_running(&load->server))
        failure_note(&load->failure, "the server ended before the run");
    else if (load->now >= deadline)
        failure_note(&load->failure, refused ? "refused for %d s" : "no echo for %d s",
                     SETTLE_MS / 1000);
    return load->failure.text[0] == '\0';
}

/* The run */

/* Turns, until `deadline` or until there's nothing to wait for. */
static void run_until(struct load *load, uint64_t deadline)
{
    struct run *run = &load->run;
    uint64_t tick = load->now;

    while (load->now < deadline && !interrupted &&
           load->now - run->last_return < WAIT_SECONDS * (uint64_t)SECOND &&
           (run->sending || messages_due(&run->tally) > 0)) {
        load_turn(load, TICK_MS);
        if (load->now < tick)
            continue;
        tick = load->now + TICK_MS * (uint64_t)MILLISECOND;
        for (int i = 0; i < load->options.slots && load->traffic->tick != NULL; i++)
            load->traffic->tick(load, i);
        if (!child_running(&load->server))
            break;
    }
}

/* Reading the server's figures takes time of our own, which is kept out of ours. */
void echo_load_run(struct load *load)
{
    struct run *run = &load->run;
    struct cost *cost = &run->cost;
    double server_cpu, own_cpu;

    *run = (struct run){.sending = true}; /* opening the slots has left its counts */
    server_cpu = child_cpu_seconds(&load->server);
    own_cpu = own_cpu_seconds();
    run->began = run->last_return = load->now = clock_now();
    for (int i = 0; i < load->options.slots; i++)
        load->traffic->fill(load, i);
    run_until(load, run->began + load->options.duration);

    run->sending = false;
    run->ended = clock_now();
    run->round_trips = run->tally.returned;
    cost->seconds = (double)(run->ended - run->began) / SECOND;
    cost->own_cpu = own_cpu_seconds() - own_cpu;
    cost->memory_kib = child_memory_kib(&load->server);
    load->now = clock_now(); /* that may have taken its time */
    run_until(load, run->ended + WAIT_SECONDS * (uint64_t)SECOND);
    cost->server_cpu = server_cpu_seconds(&load->server, server_cpu, run->round_trips,
                                          run->tally.returned);
}
