#include "base/log.h"

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/fdset.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void log_init(struct log *log, int descriptor)
{
    log->descriptor = descriptor;
    log->length = 0;
    log->missing = 0;
}

static bool add(struct log *log, const char *line, size_t length)
{
    if (length > LOG_BYTES - log->length)
        return false;
    memcpy(log->bytes + log->length, line, length);
    log->length += length;
    return true;
}

/* The notice goes where the lines are missing: behind what still had room. */
static bool add_notice(struct log *log)
{
    char notice[64];
    int length;

    if (log->missing == 0)
        return true;
    length = snprintf(notice, sizeof notice, "(lines missing here: %lu)\n", log->missing);
    if (!add(log, notice, (size_t)length))
        return false;
    log->missing = 0;
    return true;
}

/* Writes what the output takes. -1 with write()'s errno. */
static int push(struct log *log)
{
    ssize_t written = write(log->descriptor, log->bytes, log->length);

    if (written == -1)
        return -1;
    log->length -= (size_t)written;
    memmove(log->bytes, log->bytes + written, log->length);
    return 0;
}

void log_line(struct log *log, const char *format, ...)
{
    char line[LOG_LINE_MOST + 2]; /* with its end, and room for a NUL before that */
    size_t length;
    va_list list;

    if (log->descriptor == -1)
        return;
    va_start(list, format);
    (void)vsnprintf(line, sizeof line - 1, format, list);
    va_end(list);
    length = strlen(line);
    line[length++] = '\n';
    if (LOG_BYTES - log->length < sizeof line)
        (void)push(log); /* if it fails it fails again, and log_write() tells */
    if (!add_notice(log) || !add(log, line, length))
        log->missing++;
}

bool log_is_waiting(const struct log *log)
{
    return log->descriptor != -1 && (log->length > 0 || log->missing > 0);
}

int log_write(struct log *log)
{
    (void)add_notice(log); /* no room for it yet: this write makes some */
    if (log->descriptor == -1 || log->length == 0)
        return 0;
    if (push(log) == 0 || descriptor_try_again(errno))
        return 0;
    log->descriptor = -1;
    return -1;
}

int log_finish(struct log *log, int64_t ms)
{
    int64_t deadline = clock_ms() + ms;

    while (log_is_waiting(log)) {
        int64_t left = deadline - clock_ms();
        struct timespec timeout = clock_timespec(left);
        fd_set writable;

        if (log_write(log) == -1)
            return -1;
        if (left <= 0 || !log_is_waiting(log))
            break;
        FD_ZERO(&writable);
        fdset_add(&writable, log->descriptor);
        /* Interrupted or not, what comes next is the same: another try, or the deadline. */
        (void)pselect(log->descriptor + 1, NULL, &writable, NULL, &timeout, NULL);
    }
    return 0;
}
