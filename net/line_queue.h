/*
 * line_queue: whole lines that wait to be sent.
 *
 * A line leaves the queue when the system has taken all of it. If the connection is lost
 * in the middle of a line, the next connection gets that line from its beginning, so no
 * peer ever mistakes the second half of a line for a line.
 */
#ifndef NET_LINE_QUEUE_H
#define NET_LINE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#define LINE_QUEUE_BYTES 65536

/* All zero bytes is an empty queue. `bytes` may be anything: unused pages cost nothing. */
struct line_queue {
    size_t length;         /* bytes that wait */
    size_t sent;           /* bytes of the first line that this connection has taken */
    unsigned long lines;   /* lines that wait */
    unsigned long dropped; /* lines that did not fit; the owner reports and clears it */
    char bytes[LINE_QUEUE_BYTES];
};

/* Empties it, and clears its counters. */
void line_queue_clear(struct line_queue *queue);

/* Adds a line that ends in LF. False: it does not fit, and counts as `dropped`. */
bool line_queue_add(struct line_queue *queue, const char *line, size_t length);

/*
 * Sends up to `most` lines, with one send(). Returns how many have left the queue, or -1
 * with send()'s errno: the connection is lost. A full send buffer is not a failure.
 */
long line_queue_send(struct line_queue *queue, int socket, unsigned long most);

#endif
