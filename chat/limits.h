/*
 * limits: what keeps one person from filling a room that many share. By default there are
 * none: a whole class may have one address (NAT), and a person may paste a thousand lines.
 */
#ifndef CHAT_LIMITS_H
#define CHAT_LIMITS_H

#include "chat/room.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct limits {
    long connections; /* from one address at a time; 0: no limit */
    long lines;       /* from one client in a second; 0: no limit */
};

/* May another client from this address come in? */
bool limits_let_in(const struct limits *limits, const struct room *room,
                   const struct sockaddr_storage *address);

/* A client has said a line at `now` (ms), or a piece of a long one. */
void limits_count_line(const struct limits *limits, struct client *client, int64_t now);

/* May the client say one more now? It may say `lines` at once, and then as many a second. */
bool limits_allow_line(const struct limits *limits, const struct client *client,
                       int64_t now);

/*
 * Removes the members that may say no more now from the read set, so that TCP stops them.
 * Returns when the first of them may speak again (ms), or INT64_MAX.
 */
int64_t limits_hold_back(const struct limits *limits, const struct room *room,
                         int64_t now, struct fdset *readable);

#endif
