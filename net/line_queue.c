#include "net/line_queue.h"

#include "base/descriptor.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

void line_queue_clear(struct line_queue *queue)
{
    queue->length = queue->sent = 0;
    queue->lines = queue->dropped = 0;
}

bool line_queue_add(struct line_queue *queue, const char *line, size_t length)
{
    if (length > LINE_QUEUE_BYTES - queue->length) {
        queue->dropped++;
        return false;
    }
    memcpy(queue->bytes + queue->length, line, length);
    queue->length += length;
    queue->lines++;
    return true;
}

/* The bytes of the first `most` lines. */
static size_t length_of(const struct line_queue *queue, unsigned long most)
{
    size_t length = 0;

    if (most >= queue->lines)
        return queue->length;
    for (; most > 0; most--) {
        const char *from = queue->bytes + length;
        const char *end = memchr(from, '\n', queue->length - length);

        length += (size_t)(end - from) + 1;
    }
    return length;
}

/* Removes the lines that the system has taken. Returns how many. */
static long remove_sent(struct line_queue *queue)
{
    size_t gone = 0;
    long lines = 0;

    for (size_t at = 0; at < queue->sent; at++) {
        if (queue->bytes[at] == '\n') {
            gone = at + 1;
            lines++;
        }
    }
    queue->lines -= (unsigned long)lines;
    queue->length -= gone;
    queue->sent -= gone;
    memmove(queue->bytes, queue->bytes + gone, queue->length);
    return lines;
}

long line_queue_send(struct line_queue *queue, int socket, unsigned long most)
{
    size_t length = length_of(queue, most);
    ssize_t sent;

    if (length <= queue->sent)
        return 0;
    sent = send(socket, queue->bytes + queue->sent, length - queue->sent, MSG_NOSIGNAL);
    if (sent == -1)
        return descriptor_try_again(errno) ? 0 : -1;
    queue->sent += (size_t)sent;
    return remove_sent(queue);
}
