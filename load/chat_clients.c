/*
 * chat_clients: the clients' sockets
 *
 * Connecting them, and turns of one poll() in which all that are ready are read once
 * each and their bytes cut into lines. What a line means is the phase's affair.
 */
#include "load/chat_load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    /* In one turn up to 64 KiB is read from each client; the server's stdout must not
     * fill meanwhile, so it's emptied after every so many of them. */
    CLIENTS_A_DRAIN = 16,
    STALLED_BUFFER = 4096, /* of a client that is to stall */
    STALLED_SEGMENT = 536  /* what every IPv4 host takes (RFC 1122 3.3.2) */
};

void clients_open(struct load *load)
{
    int count = load->options.clients;

    load->clients = allocate((size_t)count, sizeof *load->clients);
    load->polled = allocate((size_t)count + 1, sizeof *load->polled);
    load->buffer = allocate(1, TAIL_SIZE + READ_SIZE);
    for (int i = 0; i < count; i++) {
        load->clients[i].fd = -1;
        load->clients[i].tail = allocate(1, TAIL_SIZE);
        load->clients[i].from =
            allocate((size_t)load->options.senders, sizeof *load->clients[i].from);
        load->polled[i].fd = -1;
    }
    load->polled[count] = (struct pollfd){.fd = load->server.output, .events = POLLIN};
}

void clients_close(struct load *load)
{
    for (int i = 0; i < load->options.clients; i++) {
        if (load->clients[i].fd != -1)
            (void)close(load->clients[i].fd);
    }
}

/*
 * For a client that is to stall: between two ends on loopback the kernel takes megabytes
 * that nobody reads, and it is the server that is to cope. Small segments, as there are on
 * every other network, keep the server's side small too.
 */
static void buffer_little(int fd)
{
    int size = STALLED_BUFFER;

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
#ifdef TCP_MAXSEG
    size = STALLED_SEGMENT;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &size, sizeof size);
#endif
}

/* Starts to connect; with `waiting`, waits until it has. Sets errno on failure. */
bool client_connect(struct load *load, int index, bool waiting)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct client *client = &load->clients[index];
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    if (fd == -1)
        return false;
    if (index >= load->options.clients - load->options.stalled)
        buffer_little(fd);
    /* Otherwise a second line would wait until the first is acknowledged, and it's the
     * server that is to be measured. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    address.sin_port = htons((in_port_t)load->port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!waiting)
        (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
        client->connected = true;
        load->joining.connections++;
    } else if (waiting || errno != EINPROGRESS) {
        int why = errno;
        (void)close(fd);
        errno = why;
        return false;
    }
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    client->fd = fd;
    load->polled[index].fd = fd;
    load->polled[index].events = client->connected ? POLLIN : POLLOUT;
    return true;
}

static void client_closed(struct load *load, int index)
{
    (void)close(load->clients[index].fd);
    load->clients[index].fd = -1;
    load->polled[index].fd = -1;
    load->closed++;
    load->phase->closed(load, index);
}

/* Keeps the beginning of a line until the rest comes. One that's too long to be any line
 * of ours is given to the phase as it is, and the rest of it is skipped. */
static void client_keep(struct load *load, int index, const char *line, size_t length)
{
    struct client *client = &load->clients[index];

    if (length > TAIL_SIZE && !client->skipping) {
        load->phase->line(load, index, line, length);
        client->skipping = true;
    }
    client->tail_length = client->skipping ? 0 : length;
    memcpy(client->tail, line, client->tail_length);
}

static void client_read(struct load *load, int index)
{
    struct client *client = &load->clients[index];
    char *line = load->buffer, *fresh = line + client->tail_length;
    char *end, *newline;
    ssize_t count;

    memcpy(line, client->tail, client->tail_length);
    count = recv(client->fd, fresh, READ_SIZE, 0);
    if (count == -1 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0) {
        client_closed(load, index);
        return;
    }
    load->now = clock_now();
    end = fresh + count;
    while ((newline = memchr(fresh, '\n', (size_t)(end - fresh))) != NULL) {
        if (!client->skipping)
            load->phase->line(load, index, line, (size_t)(newline - line));
        client->skipping = false;
        line = fresh = newline + 1;
    }
    client_keep(load, index, line, (size_t)(end - line));
}

static void client_ready(struct load *load, int index, int events)
{
    if (!load->clients[index].connected || (events & POLLOUT))
        load->phase->writable(load, index);
    if (load->clients[index].fd != -1 && load->clients[index].connected &&
        (events & (POLLIN | POLLHUP | POLLERR)))
        client_read(load, index);
    load->phase->was_read(load);
}

/* Waits until something is ready, `timeout_ms` at most, and handles all that is. */
void clients_turn(struct load *load, int timeout_ms)
{
    int count = load->options.clients;
    int ready = poll(load->polled, (nfds_t)count + 1, timeout_ms);

    load->now = clock_now();
    if (ready <= 0) /* EINTR: the callers look at `interrupted` */
        return;
    for (int i = 0, handled = 0; i < count && handled < ready; i++) {
        if (load->polled[i].revents == 0)
            continue;
        client_ready(load, i, load->polled[i].revents);
        if (++handled % CLIENTS_A_DRAIN == 0)
            child_drain(&load->server);
    }
    if (load->polled[count].revents != 0)
        child_drain(&load->server);
    load->polled[count].fd = load->server.output;
}
