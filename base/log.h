/*
 * log: lines for standard output, without ever waiting for whoever reads it.
 *
 * A line goes into a buffer of a fixed size, and the buffer to the output when select()
 * says that it takes something, or when it is full. If its reader is too slow for that,
 * whole lines are missing, and a line in their place says how many.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_BYTES 16384

struct log {
    int descriptor; /* non-blocking, see descriptor_prepare_output(); -1: it failed */
    size_t length;  /* bytes that wait */
    unsigned long missing;
    char bytes[LOG_BYTES];
};

/* An empty log that writes to `descriptor`, which stays the caller's. */
void log_init(struct log *log, int descriptor);

/* Adds a line, printf()'s way, and its end. Over LOG_LINE_MOST bytes it is cut. */
#define LOG_LINE_MOST 500
void log_line(struct log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Is there something to be written? Then the descriptor belongs into the write set. */
bool log_is_waiting(const struct log *log);

/*
 * Writes what the output takes. 0, or -1 with write()'s errno if it failed for good:
 * then the log is closed, and whatever is added from now on is thrown away.
 */
int log_write(struct log *log);

/*
 * Before the end: writes the rest, but waits for the reader `ms` milliseconds at the most.
 * 0, or -1 as log_write().
 */
int log_finish(struct log *log, int64_t ms);

#endif
