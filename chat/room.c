#include "chat/room.h"

#include "net/address.h"

#include <string.h>
#include <strings.h>

/* What one turn may add to a nearly full room: one answer, and everyone's leaving. */
#define LONGEST_ANSWER  ((size_t)FD_SETSIZE * (WORDS_NAME_MOST + 8) + 2 * WORDS_MOST)
#define EVERYONE_LEAVES ((size_t)FD_SETSIZE * (WORDS_NAME_MOST + 48))

_Static_assert(LONGEST_ANSWER + EVERYONE_LEAVES + ROOM_BYTES_TO_GO_ON <= ROOM_BYTES / 2,
               "half of the ring is kept for what a full room may still say");

void room_init(struct room *room)
{
    fdset_clear(&room->members);
    fdset_clear(&room->leaving);
    fdset_clear(&room->behind);
    room->full_since = 0;
    transcript_init(&room->transcript, room->ring, room->entries, ROOM_BYTES);
}

bool room_is_client(const struct room *room, int sock)
{
    return fdset_has(&room->members, sock) || fdset_has(&room->leaving, sock);
}

void room_enter(struct room *room, int sock, const struct sockaddr_storage *address)
{
    struct client *client = &room->clients[sock];

    *client =
        (struct client){.address = *address, .cursor = transcript_now(&room->transcript)};
    address_format(address, client->name);
    fdset_add(&room->members, sock);
}

void room_leave(struct room *room, int sock, int64_t by)
{
    struct client *client = &room->clients[sock];

    client->leaves_at = room->transcript.end;
    client->leaves_by = by;
    fdset_remove(&room->members, sock);
    fdset_add(&room->leaving, sock);
}

bool room_has_left(const struct room *room, int sock, int64_t now)
{
    const struct client *client = &room->clients[sock];

    return fdset_has(&room->leaving, sock) &&
           (client->cursor.position >= client->leaves_at || now >= client->leaves_by);
}

void room_forget(struct room *room, int sock)
{
    fdset_remove(&room->members, sock);
    fdset_remove(&room->leaving, sock);
    fdset_remove(&room->behind, sock);
}

int room_find(const struct room *room, const char *name, size_t length)
{
    for (int sock = 0; sock <= room->members.highest; sock++) {
        const char *known = room->clients[sock].name;

        if (fdset_has(&room->members, sock) && strlen(known) == length &&
            strncasecmp(known, name, length) == 0)
            return sock;
    }
    return ROOM_NOBODY;
}

/* Two appends with one audience are one entry of the transcript. */
static void append_line(struct room *room, const char *line, int omit_sock, int only_sock)
{
    transcript_append(&room->transcript, line, strlen(line), omit_sock, only_sock);
    transcript_append(&room->transcript, "\r\n", 2, omit_sock, only_sock);
}

void room_say(struct room *room, const char *line, int omit_sock)
{
    append_line(room, line, omit_sock, ROOM_NOBODY);
}

void room_tell(struct room *room, int sock, const char *line)
{
    append_line(room, line, ROOM_NOBODY, sock);
}

void room_tell_bytes(struct room *room, int sock, const char *bytes, size_t length)
{
    transcript_append(&room->transcript, bytes, length, ROOM_NOBODY, sock);
}
