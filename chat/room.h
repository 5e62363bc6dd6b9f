/*
 * room: who is in it, what is said in it, and how far each client has read that.
 *
 * A client is known by its socket's descriptor. Nothing here reads from a socket; what is
 * said goes into the transcript (chat/transcript.h), and chat/readers.h sends it.
 */
#ifndef CHAT_ROOM_H
#define CHAT_ROOM_H

#include "base/fdset.h"
#include "chat/transcript.h"
#include "chat/words.h"
#include "net/input.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No client: a line that is omitted from nobody. */
#define ROOM_NOBODY TRANSCRIPT_NOBODY

/*
 * The ring that all dialog goes through. When more than half of it waits for somebody, no
 * client is listened to. The other half then holds whatever may still be said: the longest
 * answer (a /who in a room of 1,020 is 90 KB), and everyone's leaving (130 KB).
 */
#define ROOM_BYTES ((size_t)1 << 20)

/* The room goes on when this much more is free: less would stop it again at once. */
#define ROOM_BYTES_TO_GO_ON ((size_t)32 * 1024)

struct client {
    char name[WORDS_NAME_MOST]; /* its address, until it takes a nick */
    struct input input;
    enum { NEW_LINE, SPEECH, IGNORED } line; /* what the next piece of its line is */
    struct transcript_cursor cursor;         /* how far it has read */
    int send_error;     /* errno of a send that failed; it is sent nothing more */
    uint64_t leaves_at; /* of one that leaves: where its transcript ends, */
    int64_t leaves_by;  /* and its patience (ms) */
};

struct room {
    struct transcript transcript;
    struct fdset members; /* the clients that may speak */
    struct fdset leaving; /* those that get what was said before they left, and no more */
    struct fdset behind;  /* of both, those whose socket has refused part of a send */
    int64_t full_since;   /* ms; too much waits for somebody since then; 0: it does not */
    struct client clients[FD_SETSIZE]; /* by descriptor */
};

/* Makes an empty room. 0, or -1 with errno ENOMEM. */
int room_open(struct room *room);
void room_close(struct room *room);

bool room_is_client(const struct room *room, int sock);

/* Takes a new client in, a member, who reads what is said from now on. */
void room_enter(struct room *room, int sock, const char *name);

/* A member leaves: it gets what was said until now, until `by` (ms) at the latest. */
void room_leave(struct room *room, int sock, int64_t by);

/* Has it got all of that, or had its time? */
bool room_has_left(const struct room *room, int sock, int64_t now);

/* The client's connection is closed. */
void room_forget(struct room *room, int sock);

/* The member of that name, compared without case (ASCII), or ROOM_NOBODY. */
int room_find(const struct room *room, const char *name, size_t length);

/* Says a line to all clients but one (or ROOM_NOBODY), and to one client alone. */
void room_say(struct room *room, const char *line, int omit_sock);
void room_tell(struct room *room, int sock, const char *line);

/* The same of bytes that are no line. */
void room_tell_bytes(struct room *room, int sock, const char *bytes, size_t length);

#endif
