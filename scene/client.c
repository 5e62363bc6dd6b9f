#include "scene/client.h"

#include "base/descriptor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES 65536

static void fail(struct client *client, int error)
{
    client->error = error;
    client->ended = true;
}

int client_open(struct client *client, int port, bool is_datagram, bool small)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((in_port_t)port)};
    socklen_t length = sizeof address;
    int buffer = CLIENT_SMALL_BUFFER, on = 1;

    *client = (struct client){.is_datagram = is_datagram};
    client->sock = socket(AF_INET, is_datagram ? SOCK_DGRAM : SOCK_STREAM, 0);
    if (client->sock == -1)
        return -1;
    descriptor_prepare(client->sock);
    if (!is_datagram)
        setsockopt(client->sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (small) {
        setsockopt(client->sock, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
#ifdef TCP_MAXSEG /* which is not in POSIX */
        int segment = CLIENT_SMALL_SEGMENT;

        setsockopt(client->sock, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
#endif
    }
    address.sin_addr.s_addr = inet_addr("127.0.0.1");
    if (connect(client->sock, (struct sockaddr *)&address, sizeof address) == 0)
        client->connected = true;
    else if (errno != EINPROGRESS)
        fail(client, errno);
    if (getsockname(client->sock, (struct sockaddr *)&address, &length) == 0)
        client->port = ntohs(address.sin_port);
    return 0;
}

void client_close(struct client *client)
{
    if (client->sock != -1)
        close(client->sock);
    client->sock = -1;
    client->ended = true;
    bytes_free(&client->in);
    bytes_free(&client->out);
    client->taken = client->sent = 0;
}

/* SO_LINGER with no time turns close() into an RST. */
void client_reset(struct client *client)
{
    struct linger at_once = {.l_onoff = 1};

    setsockopt(client->sock, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    client_close(client);
}

bool client_has_sent(const struct client *client)
{
    return client->sent == client->out.length;
}

short client_events(const struct client *client, int64_t now, int64_t *wake_at)
{
    short events = 0;

    if (client->sock == -1 || client->ended)
        return 0;
    if (!client->connected)
        return POLLOUT;
    if (client->reading == CLIENT_READS ||
        (client->reading == CLIENT_READS_SLOWLY && now >= client->next_read))
        events = POLLIN;
    else if (client->reading == CLIENT_READS_SLOWLY && client->next_read < *wake_at)
        *wake_at = client->next_read;
    if (!client_has_sent(client) || client->half_close)
        events |= POLLOUT;
    return events;
}

static void keep(struct client *client, const char *bytes, size_t length)
{
    client->received += length;
    if (client->counts) {
        for (size_t i = 0; i < length; i++)
            client->letters += bytes[i] == client->letter;
        return;
    }
    if (client->is_datagram)
        bytes_add(&client->in, &length, sizeof length);
    bytes_add(&client->in, bytes, length);
}

static bool receive(struct client *client, int64_t now)
{
    static char buffer[READ_BYTES]; /* a datagram has less */
    bool slow = client->reading == CLIENT_READS_SLOWLY;
    ssize_t count =
        recv(client->sock, buffer, slow ? CLIENT_SLOW_BYTES : sizeof buffer, 0);

    client->next_read = now + CLIENT_SLOW_MS;
    if (count == -1 && descriptor_try_again(errno))
        return false;
    if (count == -1)
        fail(client, errno);
    else if (count == 0 && !client->is_datagram)
        client->ended = true;
    else
        keep(client, buffer, (size_t)count);
    return true;
}

static bool send_waiting(struct client *client)
{
    ssize_t count = 0;

    if (!client_has_sent(client)) {
        count = send(client->sock, client->out.at + client->sent,
                     client->out.length - client->sent, MSG_NOSIGNAL);
        if (count == -1 && descriptor_try_again(errno))
            return false;
        if (count == -1) {
            /* What the server has sent before may still be read; recv() shows the end. */
            client->sent = client->out.length;
            return true;
        }
        client->sent += (size_t)count;
    }
    if (client_has_sent(client) && client->half_close) {
        shutdown(client->sock, SHUT_WR);
        client->half_close = false;
    }
    return true;
}

static bool finish_connecting(struct client *client)
{
    int error = 0;
    socklen_t length = sizeof error;

    getsockopt(client->sock, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0)
        fail(client, error);
    client->connected = error == 0;
    return true;
}

bool client_turn(struct client *client, short events, int64_t now)
{
    bool moved = false;

    if (client->sock == -1 || client->ended || events == 0)
        return false;
    if (!client->connected)
        return finish_connecting(client);
    if ((events & (POLLHUP | POLLERR)) != 0 && client->reading == CLIENT_READS_NOT)
        fail(client, ECONNRESET);
    else if ((events & (POLLIN | POLLHUP | POLLERR)) != 0)
        moved = receive(client, now);
    if ((events & POLLOUT) != 0 && !client->ended)
        moved = send_waiting(client) || moved;
    return moved;
}

void client_send(struct client *client, const void *bytes, size_t length)
{
    bytes_add(&client->out, bytes, length);
    if (client->connected && !client->ended)
        send_waiting(client);
}

const char *client_rest(const struct client *client, size_t *length)
{
    *length = client->in.length - client->taken;
    return bytes_text(&client->in) + client->taken;
}

const char *client_line(struct client *client, size_t *length)
{
    const char *line = client_rest(client, length), *end = memchr(line, '\n', *length);

    if (end == NULL)
        return NULL;
    *length = (size_t)(end - line) + 1;
    client->taken += *length;
    return line;
}

const char *client_datagram(struct client *client, size_t *length)
{
    const char *from = client_rest(client, length);

    if (*length == 0)
        return NULL;
    memcpy(length, from, sizeof *length);
    client->taken += sizeof *length + *length;
    return from + sizeof *length;
}
