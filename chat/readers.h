/*
 * readers: each client reads the transcript at its own pace.
 *
 * At the end of a turn a client gets everything that it has not read, in one send. If its
 * socket takes only a part, the cursor stays there and the client is behind, until
 * select() says that the socket takes more. A client that does not read costs nobody
 * anything until half of the ring waits for it.
 */
#ifndef CHAT_READERS_H
#define CHAT_READERS_H

#include "chat/room.h"

/*
 * Sends a client what it has not read: one send(), or sendmsg() for several pieces. After
 * an error (send_error) the client is sent nothing more, and recv() reports the end after
 * what the client has said. Returns -1 if not even that will happen: close it.
 */
int readers_send(struct room *room, int sock);

/*
 * Is there space for more to be said? When it gets short, frees what everyone has read.
 * While the room is full (full_since) it asks for a little more space.
 */
bool readers_leave_space(struct room *room);

/* The client that has read least, or ROOM_NOBODY if all have read everything. */
int readers_slowest(const struct room *room);

#endif
