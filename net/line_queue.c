#include "net/line_queue.h"

#include "base/clock.h"
#include "base/descriptor.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

bool line_queue_add(struct line_queue *queue, const char *line, size_t length)
{
    if (length > sizeof queue->bytes - queue->length) {
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
        const char *end = memchr(queue->bytes + length, '\n', queue->length - length);

        length = (size_t)(end - queue->bytes) + 1;
    }
    return length;
}

void line_queue_remove(struct line_queue *queue, size_t length)
{
    for (size_t i = 0; i < length; i++)
        queue->lines -= queue->bytes[i] == '\n';
    queue->length -= length;
    queue->sent -= queue->sent < length ? queue->sent : length;
    memmove(queue->bytes, queue->bytes + length, queue->length);
}

/* Takes the lines off that are sent as a whole. Returns how many. */
static long remove_sent(struct line_queue *queue)
{
    unsigned long before = queue->lines;
    size_t whole = queue->sent;

    while (whole > 0 && queue->bytes[whole - 1] != '\n')
        whole--;
    line_queue_remove(queue, whole);
    return (long)(before - queue->lines);
}

long line_queue_send(struct line_queue *queue, int socket, unsigned long most)
{
    size_t length = length_of(queue, most);
    ssize_t sent;
    long lines;

    if (length <= queue->sent)
        return 0;
    sent = send(socket, queue->bytes + queue->sent, length - queue->sent, MSG_NOSIGNAL);
    if (sent == -1)
        return descriptor_try_again(errno) ? 0 : -1;
    queue->sent += (size_t)sent;
    lines = remove_sent(queue);
    if (queue->unproven == 0)
        queue->unproven_since = clock_ms();
    queue->unproven += (unsigned long)lines;
    return lines;
}

int64_t line_queue_question_at(const struct line_queue *queue)
{
    if (queue->unproven == 0 || queue->asked > 0)
        return INT64_MAX;
    return queue->unproven_since + LINE_QUEUE_UNPROVEN_MS;
}

void line_queue_asked(struct line_queue *queue)
{
    queue->asked = queue->unproven;
}

void line_queue_answered(struct line_queue *queue)
{
    queue->unproven -= queue->asked;
    queue->unproven_since = clock_ms();
    queue->asked = 0;
}

void line_queue_rewind(struct line_queue *queue)
{
    queue->sent = 0;
    queue->lost += queue->unproven;
    queue->unproven = queue->asked = 0;
}
