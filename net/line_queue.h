/*
 * line_queue: whole lines that wait to be sent, and outlive the connection.
 *
 * A line leaves the queue when the system has taken all of it. When the connection is lost
 * in the middle of one, the whole line is sent again on the next: a server never sees half
 * of a line as the beginning of another. What the system had taken may be lost with the
 * connection: to send that again could bring it twice. So it is counted, until the peer's
 * answer to a question that was sent behind it shows that it has arrived.
 */
#ifndef NET_LINE_QUEUE_H
#define NET_LINE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_QUEUE_BYTES 65536

/* Lines that are unproven for so long are a reason for a question. */
#define LINE_QUEUE_UNPROVEN_MS 5000

/* All zero bytes is an empty queue. */
struct line_queue {
    size_t length;          /* bytes that wait */
    size_t sent;            /* those of the first line that the system has taken */
    unsigned long lines;    /* that wait */
    unsigned long dropped;  /* lines that did not fit; the owner says so, and clears it */
    unsigned long unproven; /* lines that were sent, and may not have arrived */
    unsigned long asked;    /* those of them that a question was sent behind, or 0 */
    int64_t unproven_since; /* clock_ms() */
    unsigned long lost;     /* lines unproven when the connection was; as `dropped` */
    char bytes[LINE_QUEUE_BYTES];
};

/* Adds a line that has its LF. False: it does not fit, and is counted in `dropped`. */
bool line_queue_add(struct line_queue *queue, const char *line, size_t length);

/* Takes the first `length` bytes off, whole lines. */
void line_queue_remove(struct line_queue *queue, size_t length);

/*
 * Sends up to `most` lines. Returns how many have left the queue, or -1 with send()'s
 * errno: the connection is lost. That the system takes no more for now is no failure.
 */
long line_queue_send(struct line_queue *queue, int socket, unsigned long most);

/* When the next question is due (clock_ms()), or INT64_MAX. */
int64_t line_queue_question_at(const struct line_queue *queue);

/* A question was sent behind what was sent so far, and it was answered. */
void line_queue_asked(struct line_queue *queue);
void line_queue_answered(struct line_queue *queue);

/*
 * The connection is lost: a line that was begun waits again as a whole, and what is not
 * proven to have arrived is counted in `lost`.
 */
void line_queue_rewind(struct line_queue *queue);

#endif
