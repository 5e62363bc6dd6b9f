/*
 * echo_stream: messages over TCP
 *
 * What is sent on a connection is one stream of content, whose messages are so many
 * bytes each; what comes back is compared with it piece by piece, as it comes. Nothing
 * waits for a whole message: a server that blocks in send() until we read would
 * otherwise wait for us, while we wait for it.
 *
 * With -o a connection is opened for each message, and closed when it has come back. It's
 * we who close first, so it's our port that rests in TIME_WAIT for a minute. If the system
 * chose the ports, soon there would be none left, for other programs either: so we take
 * some that it doesn't give out, and as many addresses of 127/8 as that makes necessary.
 */
#include "load/echo_load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    TURN_MS = 20,
    SOURCE_PORT = 61000, /* above what Linux gives out; elsewhere they're few enough */
    SOURCE_PORTS = 4000,
    SOURCE_HOSTS = 250 * 256, /* the third and fourth number of the address */
    SOURCE_NETS = 250         /* the second */
};

struct stream {
    uint64_t origin;          /* of its content */
    uint64_t sent, received;  /* bytes */
    uint64_t begun, returned; /* messages; those between are in flight, or to be sent */
    uint64_t *sent_at;        /* [in_flight] when each of them was begun; a ring */
};

static struct stream *stream_of(const struct load *load, int slot)
{
    return &((struct stream *)load->slots)[slot];
}

static uint64_t message_length(const struct load *load)
{
    return (uint64_t)load->options.message;
}

static uint64_t *sent_at(const struct load *load, struct stream *stream, uint64_t message)
{
    return &stream->sent_at[message % (uint64_t)load->options.in_flight];
}

/* Closes it, and counts that in `tally`. What it has in flight is lost. After a wrong
 * byte, too, there's nothing more to be learned from a connection: all that follows would
 * be out of place. */
static void stream_fail(struct load *load, int slot, uint64_t *tally, const char *why)
{
    struct stream *stream = stream_of(load, slot);

    failure_note(&load->failure, "connection %d, byte %llu: %s", slot,
                 (unsigned long long)stream->received, why);
    load->run.tally.given_up += stream->begun - stream->returned;
    stream->returned = stream->begun;
    (*tally)++;
    socket_close(load, slot);
}

/* One more message is to be sent; stream_flush() sends it. */
static void stream_begin(struct load *load, struct stream *stream)
{
    *sent_at(load, stream, stream->begun) = load->now;
    stream->begun++;
    message_sent(load);
}

/* Sends what the socket takes of what's to be sent; poll() says when it takes more. */
static void stream_flush(struct load *load, int slot)
{
    struct stream *stream = stream_of(load, slot);
    struct pollfd *polled = &load->polled[slot];
    uint64_t unsent = stream->begun * message_length(load) - stream->sent;
    ssize_t count = 0;

    if (unsent > 0)
        count = send(polled->fd, content_at(load, stream->origin + stream->sent),
                     unsent < CHUNK ? (size_t)unsent : CHUNK, MSG_NOSIGNAL);
    if (count == -1 && errno != EAGAIN && errno != EINTR && errno != ENOTCONN) {
        stream_fail(load, slot, &load->run.tally.closed, strerror(errno));
        return;
    }
    if (count == -1) /* or not connected yet, which says the same when it is */
        count = 0;
    stream->sent += (uint64_t)count;
    polled->events = (uint64_t)count < unsent ? POLLIN | POLLOUT : POLLIN;
}

static void stream_fill(struct load *load, int slot)
{
    struct stream *stream = stream_of(load, slot);
    uint64_t in_flight = (uint64_t)load->options.in_flight;

    while (load->run.sending && load->polled[slot].fd != -1 &&
           stream->begun - stream->returned < in_flight)
        stream_begin(load, stream);
    if (stream->sent < stream->begun * message_length(load) &&
        load->polled[slot].fd != -1)
        stream_flush(load, slot);
}

/* Whether the `count` bytes in load->buffer are what has to come back now. */
static bool stream_check(struct load *load, int slot, size_t count)
{
    struct stream *stream = stream_of(load, slot);
    const char *wanted = content_at(load, stream->origin + stream->received);

    if (count > stream->sent - stream->received) {
        stream_fail(load, slot, &load->run.tally.damaged, "more came back than was sent");
        return false;
    }
    if (memcmp(load->buffer, wanted, count) == 0)
        return true;
    for (size_t i = 0; load->buffer[i] == wanted[i]; i++)
        stream->received++;
    stream_fail(load, slot, &load->run.tally.damaged,
                "what came back is not what was sent");
    return false;
}

static void stream_read(struct load *load, int slot)
{
    struct stream *stream = stream_of(load, slot);
    ssize_t count = recv(load->polled[slot].fd, load->buffer, CHUNK, 0);

    if (count == -1 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0) {
        stream_fail(load, slot, &load->run.tally.closed,
                    count == -1 ? strerror(errno) : "the server closed it");
        return;
    }
    load->now = clock_now();
    if (!stream_check(load, slot, (size_t)count))
        return;
    stream->received += (uint64_t)count;
    while (stream->received >= (stream->returned + 1) * message_length(load)) {
        message_returned(load, *sent_at(load, stream, stream->returned));
        stream->returned++;
    }
    load->traffic->fill(load, slot);
}

static void stream_ready(struct load *load, int slot, int events)
{
    if (events & POLLOUT)
        stream_flush(load, slot);
    if (load->polled[slot].fd != -1 && (events & (POLLIN | POLLHUP | POLLERR)))
        stream_read(load, slot);
}

/* Opening */

/* The address and port of the n-th connection, n from 0. The second number of the address
 * is by the second at which the run began: another than those of a minute ago. Where a
 * system has 127.0.0.1 alone, connect() chooses. */
static void bind_source(const struct load *load, int fd, uint64_t number)
{
    uint64_t net = 1 + load->run.began / SECOND % SOURCE_NETS;
    uint64_t host = 256 + number / SOURCE_PORTS % SOURCE_HOSTS;
    struct sockaddr_in source = {.sin_family = AF_INET};
    int on = 1;

    source.sin_addr.s_addr = htonl((uint32_t)(UINT32_C(127) << 24 | net << 16 | host));
    source.sin_port = htons((in_port_t)(SOURCE_PORT + number % SOURCE_PORTS));
    /* One at rest with another server's port at its end doesn't matter. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    (void)bind(fd, (struct sockaddr *)&source, sizeof source);
}

/* A new connection in the slot, with a message on its way. On loopback it's often there
 * when connect() returns, although it says that it's in progress. */
static void stream_connect(struct load *load, int slot, uint64_t number)
{
    struct stream *stream = stream_of(load, slot);
    int fd = load->polled[slot].fd; /* -1, but after await_listener() */

    *stream =
        (struct stream){.origin = content_origin(number), .sent_at = stream->sent_at};
    stream_begin(load, stream);
    if (fd == -1) {
        fd = socket_open(load, slot, SOCK_STREAM);
        if (fd != -1 && load->options.way == WAY_OPEN)
            bind_source(load, fd, number);
        if (fd != -1 && socket_connect(load, fd) == -1)
            fd = -1;
    }
    if (fd == -1)
        stream_fail(load, slot, &load->run.tally.closed, strerror(errno));
    else
        stream_flush(load, slot);
}

/* One after the other, and each with a message there and back: so it's known that the
 * server has accepted it, and a short queue of new connections doesn't matter. */
static bool stream_open_one(struct load *load, int slot)
{
    uint64_t deadline = clock_now() + SETTLE_MS * (uint64_t)MILLISECOND;

    load->now = clock_now();
    stream_connect(load, slot, (uint64_t)slot);
    while (load_may_open(load, deadline, false) && stream_of(load, slot)->returned == 0)
        load_turn(load, TURN_MS);
    return load->failure.text[0] == '\0';
}

/* A server that doesn't say when it's ready is known to be by being connected to. It may
 * be one that serves a single connection: so this is the first slot's. */
static void await_listener(struct load *load)
{
    const struct timespec pause = {.tv_nsec = 10 * MILLISECOND};
    uint64_t deadline = clock_now() + SETTLE_MS * (uint64_t)MILLISECOND;

    for (load->now = clock_now(); load_may_open(load, deadline, true);
         load->now = clock_now()) {
        struct pollfd first = {.fd = socket_open(load, 0, SOCK_STREAM),
                               .events = POLLOUT};

        if (first.fd != -1 && socket_connect(load, first.fd) == 0 &&
            poll(&first, 1, SETTLE_MS) == 1 && first.revents == POLLOUT)
            return; /* and not refused, which is POLLERR, too */
        socket_close(load, 0);
        (void)nanosleep(&pause, NULL);
    }
}

static void streams_prepare(struct load *load)
{
    struct stream *streams = allocate((size_t)load->options.slots, sizeof *streams);

    for (int i = 0; i < load->options.slots; i++)
        streams[i].sent_at =
            allocate((size_t)load->options.in_flight, sizeof *streams[i].sent_at);
    load->slots = streams;
    load->idle = allocate((size_t)load->options.idle + 1, sizeof *load->idle);
    for (int i = 0; i < load->options.idle; i++)
        load->idle[i] = -1;
    if (load->options.port != 0)
        await_listener(load);
}

/* The idle come first, so that the others have the highest descriptors: each shows with
 * a message that it's in, and then says no more. */
static bool idle_open(struct load *load)
{
    for (int i = 0; i < load->options.idle; i++) {
        if (!stream_open_one(load, 0))
            return false;
        load->idle[i] = load->polled[0].fd;
        load->polled[0].fd = -1;
    }
    return true;
}

static bool streams_open(struct load *load)
{
    streams_prepare(load);
    if (!idle_open(load))
        return false;
    for (int i = 0; i < load->options.slots; i++) {
        if (!stream_open_one(load, i))
            return false;
    }
    return true;
}

/* Nothing is to have come of the idle connections, and least of all their end. */
static void streams_close(struct load *load)
{
    char byte;

    /* From the first -1 on opening them has failed, and that is told already. */
    for (int i = 0; i < load->options.idle && load->idle[i] != -1; i++) {
        ssize_t count = recv(load->idle[i], &byte, 1, 0);

        if (count != -1 || errno != EAGAIN) {
            failure_note(&load->failure, "idle connection %d: %s", i,
                         count == 1   ? "something came"
                         : count == 0 ? "the server closed it"
                                      : strerror(errno));
            load->run.tally.damaged += count == 1;
            load->run.tally.closed += count != 1;
        }
        (void)close(load->idle[i]);
    }
}

const struct traffic stream_traffic = {streams_open, stream_fill, stream_ready, NULL,
                                       streams_close};

/* Opened and closed. The run's connections are numbered by the messages that were sent. */

static void open_fill(struct load *load, int slot)
{
    struct stream *stream = stream_of(load, slot);

    if (load->polled[slot].fd != -1 && stream->returned < stream->begun)
        return; /* stream_ready() sends the rest */
    socket_close(load, slot);
    if (load->run.sending)
        stream_connect(load, slot, load->run.tally.sent);
}

/* A slot whose connection failed tries again. */
static void open_tick(struct load *load, int slot)
{
    if (load->polled[slot].fd == -1)
        open_fill(load, slot);
}

/* One connection shows that there's an echo; all others belong to the run. */
static bool open_open(struct load *load)
{
    streams_prepare(load);
    return stream_open_one(load, 0);
}

const struct traffic open_traffic = {open_open, open_fill, stream_ready, open_tick, NULL};
