/*
 * chat_readers: how the transcript is read. Every client, and standard output as the
 * server's log, takes what lies before it at its own pace, in one send a turn; only when
 * the ring has no more space is somebody's pace everybody's business.
 */
#include "chat/pchatsrv.h"

#include "base/descriptor.h"
#include "base/fdset.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool is_reader(const struct chat_server *server, int sock)
{
    return is_client(server, sock) || (sock == STDOUT_FILENO && server->log_open);
}

/* ---- Space in the transcript -------------------------------------------------------- */

static uint64_t slowest_position(const struct chat_server *server)
{
    uint64_t slowest = server->transcript.end;

    for (int sock = 0; sock <= server->highest; sock++)
        if (is_reader(server, sock) && server->clients[sock].cursor.position < slowest)
            slowest = server->clients[sock].cursor.position;
    return slowest;
}

bool has_space(struct chat_server *server, size_t bytes)
{
    if (transcript_room(&server->transcript) < bytes)
        transcript_release(&server->transcript, slowest_position(server));
    return transcript_room(&server->transcript) >= bytes;
}

void wait_for_slow_readers(struct chat_server *server)
{
    if (server->waiting)
        return;
    server->waiting = true;
    server->waiting_since = server->now;
    server->resume_at =
        transcript_position_for(&server->transcript, SPACE_FOR_INPUT + SPACE_TO_GO_ON);
}

/* ---- Sending, at the end of a turn -------------------------------------------------- */

/*
 * Notes what a reader took, and since when it has been refusing to take any more. For the
 * log it is since when it has not caught up: one who reads the log slowly loses lines, and
 * does not slow down the room.
 */
static void move_cursor(struct chat_server *server, int sock,
                        const struct transcript_span *span, size_t taken, bool refused)
{
    struct client *reader = &server->clients[sock];
    bool is_log = sock == STDOUT_FILENO;

    reader->cursor =
        transcript_advance(&server->transcript, reader->cursor, sock, span, taken);
    if (!refused && (!is_log || reader->cursor.position == server->transcript.end))
        reader->refused_since = 0;
    else if ((taken > 0 && !is_log) || reader->refused_since == 0)
        reader->refused_since = server->now;
}

static void send_transcript(struct chat_server *server, int sock)
{
    struct client *client = &server->clients[sock];
    struct transcript_span span;
    struct msghdr message = {.msg_iov = span.pieces};
    ssize_t sent = 0;

    if (client->send_error != 0) {
        client->cursor = transcript_now(&server->transcript);
        return;
    }
    if (transcript_read(&server->transcript, client->cursor, sock, &span) > 0) {
        message.msg_iovlen = (size_t)span.count;
        sent = sendmsg(sock, &message, MSG_NOSIGNAL);
        if (sent == -1 && !descriptor_try_again(errno)) {
            client->send_error = errno;
            (void)shutdown(sock, SHUT_RDWR); /* so that recv() is sure to see the end */
        }
        if (sent == -1)
            sent = 0;
    }
    move_cursor(server, sock, &span, (size_t)sent, (size_t)sent < span.bytes);
}

static size_t count_lines(const char *text, size_t length)
{
    size_t lines = 0;

    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    return lines;
}

/* Copies the span's text for the log, in which a line ends in LF alone. */
static size_t log_text(const struct transcript_span *span, char *out, size_t size)
{
    size_t length = 0;

    for (int i = 0; i < span->count; i++) {
        const char *text = span->pieces[i].iov_base;

        for (size_t n = 0; n < span->pieces[i].iov_len && length < size; n++)
            if (text[n] != '\r')
                out[length++] = text[n];
    }
    return length;
}

/* Standard output is a reader like any other, and may be just as slow. */
static void write_log(struct chat_server *server)
{
    struct transcript_span span;
    char text[16384];
    size_t length;
    ssize_t written;

    do {
        (void)transcript_read(&server->transcript, server->clients[STDOUT_FILENO].cursor,
                              STDOUT_FILENO, &span);
        length = log_text(&span, text, sizeof text);
        written = length > 0 ? write(STDOUT_FILENO, text, length) : 0;
        if (written == -1 && !descriptor_try_again(errno)) {
            (void)fprintf(stderr, "pchatsrv: cannot write to standard output: %s\n",
                          strerror(errno));
            server->log_open = false;
            return;
        }
        if (written == -1)
            written = 0;
        /* Each LF that was written stands for two bytes of the transcript. */
        move_cursor(server, STDOUT_FILENO, &span,
                    (size_t)written + count_lines(text, (size_t)written),
                    (size_t)written < length);
    } while (length > 0 && (size_t)written == length);
}

void send_to_all(struct chat_server *server, const fd_set *writable)
{
    for (int sock = 0; sock <= server->highest; sock++) {
        struct client *reader = &server->clients[sock];

        if (!is_reader(server, sock))
            continue;
        if (reader->cursor.position != server->transcript.end &&
            (reader->refused_since == 0 || fdset_has(writable, sock))) {
            if (sock == STDOUT_FILENO)
                write_log(server);
            else
                send_transcript(server, sock);
        }
        if (reader->leaving && (reader->cursor.position >= reader->leaves_at ||
                                server->now >= reader->leaves_by))
            close_client(server, sock);
    }
}

/* ---- Readers that the room waits for ------------------------------------------------ */

/* The log's reader sleeps: it misses what the others have read, and is told so. */
static void skip_log(struct chat_server *server)
{
    server->clients[STDOUT_FILENO].cursor = transcript_now(&server->transcript);
    tell(server, STDOUT_FILENO,
         "\r\n(lines are missing here: standard output was not read)");
}

static void lose_reader(struct chat_server *server, int sock)
{
    if (sock == STDOUT_FILENO) {
        skip_log(server);
        return;
    }
    if (is_present(server, sock))
        client_leaves(server, sock, " (too slow)");
    close_client(server, sock);
}

void close_slow_readers(struct chat_server *server)
{
    int64_t waited = server->now - server->waiting_since;

    transcript_release(&server->transcript, slowest_position(server));
    if (server->transcript.begin >= server->resume_at) {
        server->waiting = false;
        return;
    }
    for (int sock = 0; sock <= server->highest; sock++) {
        const struct client *reader = &server->clients[sock];
        bool slept_before = reader->refused_since != 0 &&
                            server->waiting_since - reader->refused_since >= PATIENCE_MS;

        if (is_reader(server, sock) && reader->cursor.position < server->resume_at &&
            (slept_before || waited >= PATIENCE_MS))
            lose_reader(server, sock);
    }
}
