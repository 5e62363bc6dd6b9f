/*
 * readers: each client reads the transcript at its own pace. A client that does not read
 * costs nobody anything until half of the ring waits for it.
 */
#ifndef CHAT_READERS_H
#define CHAT_READERS_H

#include "chat/room.h"

/*
 * Sends a client what it has not read: one send(), or sendmsg() for several pieces. If its
 * socket takes only a part, the client is behind. After an error (send_error) it gets
 * nothing more, and recv() reports the end after what the client has said. Returns -1 if
 * not even that will happen: close it. `now` is clock_ms().
 */
int readers_send(struct room *room, int sock, int64_t now);

/*
 * Is there space for more to be said? When it gets short, frees what everyone has read. A
 * full room (full_since) needs a little more.
 */
bool readers_leave_space(struct room *room);

/* The client that has read least, or ROOM_NOBODY if all have read everything. */
int readers_slowest(const struct room *room);

#endif
