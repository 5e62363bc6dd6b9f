#include "net/line_queue.h"

#include "base/descriptor.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

void line_queue_clear(struct line_queue *queue)
{
    queue->begin = queue->length = queue->sent = 0;
    queue->lines = queue->dropped = 0;
}

bool line_queue_add(struct line_queue *queue, const char *line, size_t length)
{
    if (length > LINE_QUEUE_BYTES - queue->length) {
        queue->dropped++;
        return false;
    }
    if (length > LINE_QUEUE_BYTES - queue->begin - queue->length) {
        memmove(queue->bytes, queue->bytes + queue->begin, queue->length);
        queue->begin = 0;
    }
    memcpy(queue->bytes + queue->begin + queue->length, line, length);
    queue->length += length;
    queue->lines++;
    return true;
}

/* The bytes of the first `most` lines. */
static size_t length_of(const struct line_queue *queue, unsigned long most)
{
    const char *first = queue->bytes + queue->begin;
    size_t length = 0;

    if (most >= queue->lines)
        return queue->length;
    for (; most > 0; most--) {
        const char *end = memchr(first + length, '\n', queue->length - length);

        length = (size_t)(end - first) + 1;
    }
    return length;
}

bool line_queue_front(const struct line_queue *queue, char *line, size_t size)
{
    size_t length;

    if (queue->lines == 0)
        return false;
    length = length_of(queue, 1) - 1;
    if (length > size - 1)
        length = size - 1;
    memcpy(line, queue->bytes + queue->begin, length);
    line[length] = '\0';
    return true;
}

void line_queue_pop(struct line_queue *queue)
{
    size_t length = length_of(queue, 1);

    queue->lines--;
    queue->length -= length;
    queue->begin = queue->length == 0 ? 0 : queue->begin + length;
    queue->sent -= queue->sent < length ? queue->sent : length;
}

long line_queue_send(struct line_queue *queue, int socket, unsigned long most)
{
    size_t length = length_of(queue, most);
    unsigned long before = queue->lines;
    ssize_t sent;

    if (length <= queue->sent)
        return 0;
    sent = send(socket, queue->bytes + queue->begin + queue->sent, length - queue->sent,
                MSG_NOSIGNAL);
    if (sent == -1)
        return descriptor_try_again(errno) ? 0 : -1;
    queue->sent += (size_t)sent;
    while (queue->sent > 0 && length_of(queue, 1) <= queue->sent)
        line_queue_pop(queue);
    return (long)(before - queue->lines);
}

void line_queue_rewind(struct line_queue *queue)
{
    queue->sent = 0;
}
