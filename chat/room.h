/*
 * room: who is in the room, what is said there, and how far each client has read.
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
#include <sys/socket.h>

/* No client: such a line goes to everyone. */
#define ROOM_NOBODY TRANSCRIPT_NOBODY

/*
 * The ring that everything said goes through. While more than half of it waits for
 * somebody, the server reads from no client. The other half is for what may still be said:
 * the longest answer (a /who of 1,020 names is 90 KB), and everyone's leaving (130 KB).
 */
#define ROOM_BYTES ((size_t)1 << 20)

/* A full room goes on when this much more is free; otherwise it would fill up at once. */
#define ROOM_BYTES_TO_GO_ON ((size_t)32 * 1024)

struct client {
    struct sockaddr_storage address;
    char name[WORDS_NAME_MOST]; /* its address, until it takes a nick */
    struct input input;
    enum { NEW_LINE, SPEECH, IGNORED } line; /* what the next piece of its line is */
    struct transcript_cursor cursor;         /* how far it has read, */
    int64_t took_at;                         /* and when it last took something (ms) */
    int64_t busy_until_us;                   /* see chat/limits.c */
    int send_error;     /* errno of a failed send; it is sent nothing more; or 0 */
    uint64_t leaves_at; /* if it is leaving: where its transcript ends, */
    int64_t leaves_by;  /* and when to stop waiting (ms) */
};

struct room {
    struct transcript transcript;
    char ring[ROOM_BYTES];
    struct transcript_entry entries[ROOM_BYTES / TRANSCRIPT_SMALLEST];
    struct fdset members; /* the clients that may speak */
    struct fdset leaving; /* those that get only what was said before they left */
    struct fdset behind;  /* clients in either whose socket refused part of a send */
    int64_t full_since;   /* ms; since when too much of the ring waits; 0: it does not */
    int64_t full_until;   /* ms; and until when it waits for the slowest client then */
    struct client clients[FD_SETSIZE]; /* by descriptor */
};

/* Makes an empty room. It has megabytes: too many for some stacks. */
void room_init(struct room *room);

bool room_is_client(const struct room *room, int sock);

/* Makes a new client a member, who reads what is said from now on. */
void room_enter(struct room *room, int sock, const struct sockaddr_storage *address);

/* A member leaves. It has until `by` (ms) to read what was said before. */
void room_leave(struct room *room, int sock, int64_t by);

/* Has it read all of that, or run out of time? */
bool room_has_left(const struct room *room, int sock, int64_t now);

/* Forgets a client whose connection is closed. */
void room_forget(struct room *room, int sock);

/* The member of that name, without regard to case (ASCII), or ROOM_NOBODY. */
int room_find(const struct room *room, const char *name, size_t length);

/* room_say: to all clients except `omit_sock` (or ROOM_NOBODY). room_tell: to one only. */
void room_say(struct room *room, const char *line, int omit_sock);
void room_tell(struct room *room, int sock, const char *line);

/* The same for bytes that are not a line. */
void room_tell_bytes(struct room *room, int sock, const char *bytes, size_t length);

#endif
