/*
 * client: one client of the server under test, and what it has sent and received.
 *
 * A client never waits: client_turn() moves what can be moved now. What it receives is kept
 * for the scene to look at, unless it only counts: one letter of a flood, or nothing.
 */
#ifndef SCENE_CLIENT_H
#define SCENE_CLIENT_H

#include "scene/bytes.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Small enough that a reader that stalls is noticed at once: SO_RCVBUF, and the size of a
 * segment (TCP_MAXSEG), which keeps the sender's buffer small too.
 */
#define CLIENT_SMALL_BUFFER  16384
#define CLIENT_SMALL_SEGMENT 1024

/* A client that reads slowly reads this many bytes, and then waits for this long. */
#define CLIENT_SLOW_BYTES 16384
#define CLIENT_SLOW_MS    20

#define CLIENT_UNASKED_MOST ((size_t)16 << 20)

enum client_reading { CLIENT_READS, CLIENT_READS_SLOWLY, CLIENT_READS_NOT };

struct client {
    int sock; /* -1: it is not there */
    bool is_datagram;
    int port; /* of 127.0.0.1, as the server sees it */
    bool connected;
    bool ended; /* the server has closed, or the connection failed: see `error` */
    int error;  /* errno of the failure; 0 after an orderly end */

    enum client_reading reading;
    int64_t next_read;               /* clock_ms(), if it reads slowly */
    bool counts;                     /* what comes is counted, not kept */
    char letter;                     /* how often this has come while it counts */
    size_t letters, received, asked; /* bytes received in all, and expected in all */
    struct bytes in; /* what was kept; a datagram has its length before it */
    size_t taken;    /* how much of it the scene has taken */

    struct bytes out;
    size_t sent;     /* how much of `out` the system has taken */
    bool half_close; /* shutdown() follows when all of it was sent */
};

/* Begins to connect to the server. `small`: with small buffers. 0, or -1 with errno. */
int client_open(struct client *client, int port, bool is_datagram, bool small);

/* Closes it, and forgets what it received. The port stays. */
void client_close(struct client *client);
void client_reset(struct client *client); /* with an RST */

/* What to poll() for now (POLLIN, POLLOUT), and when to look again at the latest. */
short client_events(const struct client *client, int64_t now, int64_t *wake_at);

/* Does what poll() found possible. True if bytes moved, or it connected, or it ended. */
bool client_turn(struct client *client, short events, int64_t now);

/* Queues bytes; client_turn() sends them. Returns at once. */
void client_send(struct client *client, const void *bytes, size_t length);
bool client_has_sent(const struct client *client);

/* What was kept and not taken yet. It lies in `in` until more comes. */
const char *client_rest(const struct client *client, size_t *length);

/* Takes the next whole line, with its LF, or the next datagram. NULL: there is none. */
const char *client_line(struct client *client, size_t *length);
const char *client_datagram(struct client *client, size_t *length);

#endif
