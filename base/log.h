/*
 * log: lines for standard output or standard error, without ever waiting for their reader.
 *
 * A line goes into a buffer of a fixed size, and from there to the output when select()
 * says that the output is writable. If the reader is too slow, whole lines are left out,
 * and a line in their place says how many. A write that fails (a full disk) is reported
 * once on standard error, and tried again once a second.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/fdset.h"
#include "base/output.h"

#include <stddef.h>
#include <stdint.h>

#define LOG_BYTES 16384 /* the usual size of the buffer */

struct log {
    const char *program; /* the first word of its complaints */
    struct output output;
    char *bytes; /* the buffer; bytes[begin..end) wait to be written */
    size_t size, begin, end;
    unsigned long missing; /* lines left out since the last line in the buffer */
    int64_t retry_at;      /* clock_ms() of the next try after a failure; 0: no failure */
};

/* Starts an empty log. The buffer, the name and the descriptor stay the caller's. */
void log_open(struct log *log, const char *program, int descriptor, char *buffer,
              size_t size);

/* Adds a line, as printf() does, and a line feed. More than LOG_LINE_MOST bytes are cut. */
#define LOG_LINE_MOST 4096
void log_line(struct log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Adds the descriptor to the write set if lines wait. Returns when the next try after a
 * failure is due (clock_ms()), or INT64_MAX.
 */
int64_t log_watch(const struct log *log, struct fdset *writable);

/* Writes what the output takes now. */
void log_write(struct log *log);

/* Prints "program: ..." on standard error, as printf() does. */
void log_complain(const struct log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Before the program ends: writes the rest, and waits at most `ms` for its reader. */
void log_finish(struct log *log, int64_t ms);

#endif
