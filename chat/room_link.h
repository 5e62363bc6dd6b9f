/*
 * room_link: a program's place in a chat room (pchatsrv), for good.
 *
 * It dials, takes a name with /nick, and another when that is in use, hears the room's
 * lines, and when the connection is lost it comes back, with pauses that grow
 * (net/backoff.h). What is said to the room waits in a queue, which outlives a connection.
 * None of that waits: it is fed by its program's select().
 */
#ifndef CHAT_ROOM_LINK_H
#define CHAT_ROOM_LINK_H

#include "net/backoff.h"
#include "net/dial.h"
#include "net/line.h"
#include "net/line_queue.h"
#include "net/telnet.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/select.h>

#define ROOM_NAME_MOST 16 /* pchatsrv's /nick */

struct room_settings {
    char host[256];
    int port;
    const char *name; /* wanted; what a room does not allow in it becomes an underscore */
    /*
     * A line that came, or a piece of a long one. Returns how many bytes at its beginning
     * are to stand before the next piece too, LINE_KEPT at the most, or 0: the rest of the
     * line is skipped, so that no piece is ever taken for a line. And, in a line, what
     * became of the link.
     */
    size_t (*hear)(void *owner, const char *line);
    void (*report)(void *owner, const char *text);
    void *owner;
};

enum room_state {
    ROOM_PAUSING, /* until the next attempt */
    ROOM_DIALING,
    ROOM_NAMING, /* until the room has answered to /nick, or it knows none */
    ROOM_JOINED,
    ROOM_OVER /* it was stopped */
};

struct room_link {
    struct room_settings settings;
    enum room_state state;
    int64_t deadline; /* of the state, ROOM_JOINED excepted */
    struct backoff backoff;
    struct dial dial;
    int socket; /* or -1 */
    int64_t joined_at;

    char name[ROOM_NAME_MOST + 1];
    int names_tried;
    bool asked; /* for that name, and the room has not said that it is in use */

    bool knows_nick; /* so it is a pchatsrv, and talks telnet */
    struct telnet telnet;
    unsigned char verb; /* the last byte of a telnet command */
    struct line line;
    bool in_pieces; /* the line is the next piece of a long one */
    bool skipping;  /* and of no interest */
    struct line_queue replies, queue;
};

/* Begins; the first attempt is made by the first step. */
void room_link_start(struct room_link *link, const struct room_settings *settings);

/* As the session's of irc_session.h: the sets, the deadline, and what there is to do. */
void room_link_watch(const struct room_link *link, struct fdset *readable,
                     struct fdset *writable);
int64_t room_link_deadline(const struct room_link *link);
void room_link_step(struct room_link *link, const struct fdset *readable);

/* Queues a line. False: the queue is full, and it is counted in link->queue.dropped. */
bool room_link_say(struct room_link *link, const char *text);

/* Leaves the room; what the system does not take at once is lost. */
void room_link_stop(struct room_link *link);

#endif
