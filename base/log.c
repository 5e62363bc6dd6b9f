#include "base/log.h"

#include "base/clock.h"
#include "base/complaint.h"
#include "base/descriptor.h"
#include "base/signals.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RETRY_MS 1000

void log_open(struct log *log, const char *program, int descriptor, char *buffer,
              size_t size)
{
    *log = (struct log){.program = program, .bytes = buffer, .size = size};
    output_open(&log->output, descriptor);
}

/* False: there is not enough room after the bytes that wait. */
static bool add(struct log *log, const char *line, size_t length)
{
    if (length > log->size - log->end && log->begin > 0) {
        memmove(log->bytes, log->bytes + log->begin, log->end - log->begin);
        log->end -= log->begin;
        log->begin = 0;
    }
    if (length > log->size - log->end)
        return false;
    memcpy(log->bytes + log->end, line, length);
    log->end += length;
    return true;
}

/* Adds a line that says how many are missing, as soon as there is room for it. */
static void add_notice(struct log *log)
{
    char notice[64];
    int length;

    if (log->missing == 0)
        return;
    length = snprintf(notice, sizeof notice, "(lines missing here: %lu)\n", log->missing);
    if (add(log, notice, (size_t)length))
        log->missing = 0;
}

void log_line(struct log *log, const char *format, ...)
{
    char line[LOG_LINE_MOST + 2]; /* plus a line feed, or the NUL before it is added */
    size_t length;
    va_list list;

    va_start(list, format);
    vsnprintf(line, sizeof line - 1, format, list);
    va_end(list);
    length = strlen(line);
    line[length++] = '\n';
    if (length > log->size - (log->end - log->begin))
        log_write(log);
    add_notice(log);
    if (log->missing > 0 || !add(log, line, length))
        log->missing++;
}

static bool is_waiting(const struct log *log)
{
    return log->end > log->begin || log->missing > 0;
}

int64_t log_watch(const struct log *log, struct fdset *writable)
{
    if (!is_waiting(log))
        return INT64_MAX;
    if (log->retry_at != 0)
        return log->retry_at;
    fdset_add(writable, log->output.descriptor);
    return INT64_MAX;
}

void log_complain(const struct log *log, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    complaint_print(log->program, format, list);
    va_end(list);
}

static void fail(struct log *log, int error)
{
    if (log->retry_at == 0 && log->output.descriptor != STDERR_FILENO)
        log_complain(log, "cannot write to standard output: %s", strerror(error));
    log->retry_at = clock_ms() + RETRY_MS;
}

void log_write(struct log *log)
{
    ssize_t written;

    if (log->retry_at != 0 && clock_ms() < log->retry_at)
        return;
    add_notice(log); /* if there is no room for it yet, this write makes some */
    if (log->end == log->begin)
        return;
    written = output_write(&log->output, log->bytes + log->begin, log->end - log->begin);
    if (written == -1 && !descriptor_try_again(errno)) {
        fail(log, errno);
        return;
    }
    log->retry_at = 0; /* if it is only slow now, select() says when it takes more */
    if (written > 0)
        log->begin += (size_t)written;
    if (log->begin == log->end)
        log->begin = log->end = 0;
}

void log_finish(struct log *log, int64_t ms)
{
    int64_t deadline = clock_ms() + ms;
    struct fdset writable;

    if (log->retry_at != 0)
        log->retry_at = clock_ms(); /* the last try is due now */
    log_write(log);
    while (is_waiting(log) && log->retry_at == 0 && clock_ms() < deadline) {
        fdset_clear(&writable);
        log_watch(log, &writable);
        signals_pselect(NULL, NULL, &writable, deadline);
        log_write(log);
    }
}
