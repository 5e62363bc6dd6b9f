#include "chat/readers.h"

#include "base/descriptor.h"

#include <errno.h>
#include <sys/socket.h>

/* ---- Sending ------------------------------------------------------------------------ */

/* Most sends are one run of bytes, for which send() costs less than sendmsg(). */
static ssize_t send_span(int sock, struct transcript_span *span)
{
    struct msghdr message = {.msg_iov = span->pieces, .msg_iovlen = span->count};

    if (span->count == 1)
        return send(sock, span->pieces[0].iov_base, span->pieces[0].iov_len,
                    MSG_NOSIGNAL);
    return sendmsg(sock, &message, MSG_NOSIGNAL);
}

int readers_send(struct room *room, int sock, int64_t now)
{
    struct client *client = &room->clients[sock];
    struct transcript_span span;
    ssize_t sent = 0;
    int result = 0;

    if (client->send_error == 0 &&
        transcript_read(&room->transcript, client->cursor, sock, SIZE_MAX, &span) > 0)
        sent = send_span(sock, &span);
    if (sent > 0)
        client->took_at = now;
    if (sent == -1 && !descriptor_try_again(errno)) {
        client->send_error = errno;
        if (shutdown(sock, SHUT_RDWR) == -1 && errno != ENOTCONN)
            result = -1;
    }
    if (client->send_error != 0) {
        client->cursor = transcript_now(&room->transcript);
    } else {
        if (sent < (ssize_t)span.bytes)
            transcript_read(&room->transcript, client->cursor, sock,
                            sent > 0 ? (size_t)sent : 0, &span);
        client->cursor = span.after;
    }
    if (client->cursor.position == room->transcript.end)
        fdset_remove(&room->behind, sock);
    else
        fdset_add(&room->behind, sock);
    return result;
}

/* ---- Space -------------------------------------------------------------------------- */

static size_t space_wanted(const struct room *room)
{
    return ROOM_BYTES / 2 + (room->full_since != 0 ? ROOM_BYTES_TO_GO_ON : 0);
}

int readers_slowest(const struct room *room)
{
    uint64_t position = room->transcript.end;
    int slowest = ROOM_NOBODY;

    for (int sock = 0; sock < FD_SETSIZE; sock++) {
        uint64_t has_read = room->clients[sock].cursor.position;

        if (room_is_client(room, sock) && has_read < position) {
            position = has_read;
            slowest = sock;
        }
    }
    return slowest;
}

bool readers_leave_space(struct room *room)
{
    if (transcript_room(&room->transcript) < space_wanted(room)) {
        int slowest = readers_slowest(room);

        transcript_release(&room->transcript,
                           slowest == ROOM_NOBODY
                               ? room->transcript.end
                               : room->clients[slowest].cursor.position);
    }
    return transcript_room(&room->transcript) >= space_wanted(room);
}
