#include "chat/history.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define LOOK_MOST 64 /* lines to compare, other people's too, before one is stored */

static const struct history_line *line_at(const struct history *history, uint64_t line)
{
    return &history->index[line % HISTORY_LINES];
}

static const char *text_of(const struct history *history, const struct history_line *line)
{
    return history->bytes + line->place % HISTORY_BYTES;
}

static bool is_there(const struct history *history, uint64_t line)
{
    return line < history->lines && history->lines - line <= HISTORY_LINES &&
           history->end - line_at(history, line)->place <= HISTORY_BYTES;
}

/* Adds a line. In the ring it is in one piece. Returns which line it is. */
static uint64_t append(struct history *history, const char *text, size_t length)
{
    uint64_t rest = HISTORY_BYTES - history->end % HISTORY_BYTES;

    assert(length <= HISTORY_LINE_MOST);
    if (rest < length)
        history->end += rest;
    memcpy(history->bytes + history->end % HISTORY_BYTES, text, length);
    history->index[history->lines % HISTORY_LINES] =
        (struct history_line){history->end, length};
    history->end += length;
    return history->lines++;
}

/* Looks for the text among what comes after the person's last line. Returns which line. */
static uint64_t find_or_append(const struct heard *heard, struct history *history,
                               const char *text, size_t length)
{
    uint64_t line = heard->look;

    for (; line < heard->look + LOOK_MOST && is_there(history, line); line++) {
        const struct history_line *stored = line_at(history, line);

        if (stored->length == length &&
            memcmp(text_of(history, stored), text, length) == 0)
            return line;
    }
    return append(history, text, length);
}

void heard_begin(struct heard *heard, const struct history *history)
{
    heard->first = heard->next = 1;
    heard->look = history->lines;
}

void heard_add(struct heard *heard, struct history *history, const char *line,
               size_t length)
{
    uint64_t stored = find_or_append(heard, history, line, length);

    heard->look = stored + 1;
    heard->lines[heard->next++ % HEARD_MOST] = stored;
}

uint64_t heard_first(struct heard *heard, const struct history *history)
{
    if (heard->next - heard->first > HEARD_MOST)
        heard->first = heard->next - HEARD_MOST;
    while (heard->first < heard->next &&
           !is_there(history, heard->lines[heard->first % HEARD_MOST]))
        heard->first++;
    return heard->first;
}

const char *heard_line(const struct heard *heard, const struct history *history,
                       uint64_t number, size_t *length)
{
    const struct history_line *line = line_at(history, heard->lines[number % HEARD_MOST]);

    *length = line->length;
    return text_of(history, line);
}
