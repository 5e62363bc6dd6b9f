/*
 * echo_datagram: messages over UDP
 *
 * Every socket has so many flights, each with one datagram under way at a time: when it
 * has come back, or has not for a while, the flight's next one goes. A datagram begins
 * with the numbers of its socket and of itself, so that each that comes is known for
 * what it is: one that's waited for, one that was given up and comes late, a duplicate,
 * another socket's (foreign), or damaged.
 *
 * Datagrams too short for the numbers are known by their content alone: what is not the
 * content of any that is under way is late if any was given up, and damaged otherwise.
 */
#include "load/echo_load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
    HEADER_SIZE = 8, /* the socket and the datagram, in network byte order */
    GIVE_UP_MS = 200,
    GIVEN_UP_KEPT = 8, /* of a flight: what comes up to 1.6 s late is known for late */
    PROBE = '?',
    PROBE_MS = 10, /* after a refusal; GIVE_UP_MS after none */
    /* Room for all of a slot's that are under way, when they aren't very many or large:
     * what is lost should be the server's loss. */
    RECEIVE_BUFFER = 1 << 20,
    CONTENT_STEP = 31 /* between the contents of one datagram and the next */
};

struct flight {
    uint64_t sent_at;                 /* 0: nothing is under way */
    uint32_t round;                   /* the one under way, or to be sent next */
    uint32_t given_up[GIVEN_UP_KEPT]; /* 1 + round; 0: none, or it has come late */
    uint32_t given_up_count;          /* its ring's next place, modulo the size */
};

static struct flight *flight_of(const struct load *load, int slot, uint32_t number)
{
    size_t first = (size_t)slot * (size_t)load->options.in_flight;

    return &((struct flight *)load->slots)[first + number];
}

static const char *datagram_content(const struct load *load, uint32_t slot,
                                    uint32_t sequence)
{
    return content_at(load, content_origin(slot) + (uint64_t)sequence * CONTENT_STEP);
}

static uint32_t sequence_of(const struct load *load, const struct flight *flight,
                            uint32_t number)
{
    return flight->round * (uint32_t)load->options.in_flight + number;
}

static size_t header_size(const struct load *load)
{
    return load->options.message >= HEADER_SIZE ? HEADER_SIZE : 0;
}

/* If the socket doesn't take it, the next tick tries again. */
static void flight_send(struct load *load, int slot, uint32_t number)
{
    struct flight *flight = flight_of(load, slot, number);
    uint32_t sequence = sequence_of(load, flight, number);
    uint32_t header[] = {htonl((uint32_t)slot), htonl(sequence)};
    size_t skipped = header_size(load);
    struct iovec parts[] = {
        {.iov_base = header, .iov_len = skipped},
        {.iov_base = (char *)datagram_content(load, (uint32_t)slot, sequence) + skipped,
         .iov_len = (size_t)load->options.message - skipped}}; /* not written to */
    struct msghdr datagram = {.msg_iov = parts, .msg_iovlen = 2};

    if (sendmsg(load->polled[slot].fd, &datagram, MSG_NOSIGNAL) != -1) {
        flight->sent_at = load->now;
        message_sent(load);
    } else if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS) {
        failure_note(&load->failure, "socket %d cannot send: %s", slot, strerror(errno));
    }
}

/* The datagram under way is done with: the next one goes. */
static void flight_next(struct load *load, int slot, uint32_t number)
{
    struct flight *flight = flight_of(load, slot, number);

    flight->round++;
    flight->sent_at = 0;
    if (load->run.sending)
        flight_send(load, slot, number);
}

static void flight_returned(struct load *load, int slot, uint32_t number)
{
    message_returned(load, flight_of(load, slot, number)->sent_at);
    flight_next(load, slot, number);
}

static void flight_give_up(struct load *load, int slot, uint32_t number)
{
    struct flight *flight = flight_of(load, slot, number);

    flight->given_up[flight->given_up_count++ % GIVEN_UP_KEPT] = flight->round + 1;
    load->run.tally.given_up++;
    flight_next(load, slot, number);
}

static void datagram_fill(struct load *load, int slot)
{
    for (uint32_t i = 0; i < (uint32_t)load->options.in_flight; i++) {
        if (load->run.sending && flight_of(load, slot, i)->sent_at == 0)
            flight_send(load, slot, i);
    }
}

static void datagram_tick(struct load *load, int slot)
{
    for (uint32_t i = 0; i < (uint32_t)load->options.in_flight; i++) {
        uint64_t sent_at = flight_of(load, slot, i)->sent_at;

        if (sent_at != 0 && load->now > sent_at + GIVE_UP_MS * (uint64_t)MILLISECOND)
            flight_give_up(load, slot, i);
    }
    datagram_fill(load, slot);
}

/* One that's no longer waited for: given up, or it had come. */
static void datagram_again(struct load *load, struct flight *flight, uint32_t round)
{
    for (int i = 0; i < GIVEN_UP_KEPT; i++) {
        if (flight->given_up[i] == round + 1) {
            flight->given_up[i] = 0;
            load->run.tally.late++;
            return;
        }
    }
    load->run.tally.duplicates++;
}

/* A whole datagram with a header, which a wrong content would have given away. */
static void datagram_numbered(struct load *load, int slot, uint32_t sequence)
{
    uint32_t number = sequence % (uint32_t)load->options.in_flight;
    uint32_t round = sequence / (uint32_t)load->options.in_flight;
    struct flight *flight = flight_of(load, slot, number);

    if (round < flight->round)
        datagram_again(load, flight, round);
    else if (round == flight->round && flight->sent_at != 0)
        flight_returned(load, slot, number);
    else
        load->run.tally.damaged++; /* never sent */
}

static void datagram_unnumbered(struct load *load, int slot)
{
    size_t length = (size_t)load->options.message;

    for (uint32_t i = 0; i < (uint32_t)load->options.in_flight; i++) {
        struct flight *flight = flight_of(load, slot, i);
        const char *wanted =
            datagram_content(load, (uint32_t)slot, sequence_of(load, flight, i));

        if (flight->sent_at != 0 && memcmp(load->buffer, wanted, length) == 0) {
            flight_returned(load, slot, i);
            return;
        }
    }
    if (load->run.tally.given_up > load->run.tally.late)
        load->run.tally.late++;
    else
        load->run.tally.damaged++;
}

static void datagram_received(struct load *load, int slot, size_t length)
{
    uint32_t header[2];

    if (length != (size_t)load->options.message) {
        if (length != 1 || load->buffer[0] != PROBE) /* the answer to a second one */
            load->run.tally.damaged++;
        return;
    }
    if (length < HEADER_SIZE) {
        datagram_unnumbered(load, slot);
        return;
    }
    memcpy(header, load->buffer, HEADER_SIZE);
    header[0] = ntohl(header[0]);
    header[1] = ntohl(header[1]);
    if (memcmp(load->buffer + HEADER_SIZE,
               datagram_content(load, header[0], header[1]) + HEADER_SIZE,
               length - HEADER_SIZE) != 0)
        load->run.tally.damaged++;
    else if (header[0] != (uint32_t)slot)
        load->run.tally.foreign++;
    else
        datagram_numbered(load, slot, header[1]);
}

/* As many as there can be, unless some are late; poll() tells of any that are left. */
static void datagram_ready(struct load *load, int slot, int events)
{
    (void)events; /* an error, too, comes from recv() */
    for (int i = 0; i < load->options.in_flight; i++) {
        ssize_t count = recv(load->polled[slot].fd, load->buffer, CHUNK, 0);

        if (count == -1 && errno != EAGAIN && errno != EINTR)
            failure_note(&load->failure, "socket %d cannot receive: %s", slot,
                         strerror(errno));
        if (count == -1)
            return;
        load->now = clock_now();
        datagram_received(load, slot, (size_t)count);
    }
}

/* Opening */

/* Connected sockets: they get what comes from the server's port alone, and are told when
 * nobody has that port. */
static bool socket_prepare(struct load *load, int slot)
{
    int fd = socket_open(load, slot, SOCK_DGRAM), size = RECEIVE_BUFFER;

    if (fd == -1 || socket_connect(load, fd) == -1) {
        failure_note(&load->failure, "socket %d: %s", slot, strerror(errno));
        return false;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size); /* or less */
    load->polled[slot].events = POLLIN;
    return true;
}

/* Sends a byte from the first socket, again and again, until one comes back. */
static void await_echo(struct load *load)
{
    const struct timespec pause = {.tv_nsec = PROBE_MS * MILLISECOND};
    uint64_t deadline = clock_now() + SETTLE_MS * (uint64_t)MILLISECOND;
    struct pollfd probe = {.fd = load->polled[0].fd, .events = POLLIN};
    bool refused = false;
    char byte = PROBE;

    for (load->now = clock_now(); load_may_open(load, deadline, refused);
         load->now = clock_now()) {
        (void)!send(probe.fd, &byte, 1, 0); /* refused: recv() says so, too */
        refused = poll(&probe, 1, GIVE_UP_MS) == 1 && recv(probe.fd, &byte, 1, 0) == -1;
        if (refused)
            (void)nanosleep(&pause, NULL);
        else if (probe.revents != 0)
            break;
    }
}

static bool datagram_open(struct load *load)
{
    size_t slots = (size_t)load->options.slots;

    load->slots =
        allocate(slots * (size_t)load->options.in_flight, sizeof(struct flight));
    for (int i = 0; i < load->options.slots; i++) {
        if (!socket_prepare(load, i))
            return false;
    }
    await_echo(load);
    return load->failure.text[0] == '\0';
}

const struct traffic datagram_traffic = {datagram_open, datagram_fill, datagram_ready,
                                         datagram_tick, NULL};
