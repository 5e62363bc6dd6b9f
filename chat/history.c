#include "chat/history.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define LOOK_MOST 64 /* lines, of others perhaps, to compare before a new one is stored */
#define ALIGNED   8 /* a line begins at a multiple of this, so its length is in one piece */
#define SKIP      65535 /* instead of a length: the next line is at the ring's beginning */

/* In the ring a line has its length before it. */
typedef uint16_t line_length;

static line_length length_at(const struct history *history, uint64_t place)
{
    line_length length;

    memcpy(&length, history->bytes + place % HISTORY_BYTES, sizeof length);
    return length;
}

static const char *text_at(const struct history *history, uint64_t place)
{
    return history->bytes + place % HISTORY_BYTES + sizeof(line_length);
}

/* The bytes that a line takes up. */
static uint64_t space_for(size_t length)
{
    return (sizeof(line_length) + length + ALIGNED - 1) / ALIGNED * ALIGNED;
}

/* The bytes from a place to the end of the ring. */
static uint64_t rest_of_ring(uint64_t place)
{
    return HISTORY_BYTES - place % HISTORY_BYTES;
}

static bool is_there(const struct history *history, uint64_t place)
{
    return history->end - place <= HISTORY_BYTES;
}

/* The place of a line, or of the one after it if this is where the ring was cut short. */
static uint64_t settle(const struct history *history, uint64_t place)
{
    return place < history->end && length_at(history, place) == SKIP
               ? place + rest_of_ring(place)
               : place;
}

static uint64_t append(struct history *history, const char *line, size_t length)
{
    line_length stored = SKIP;
    uint64_t place;

    assert(length <= HISTORY_LINE_MOST);
    if (rest_of_ring(history->end) < space_for(length)) {
        memcpy(history->bytes + history->end % HISTORY_BYTES, &stored, sizeof stored);
        history->end += rest_of_ring(history->end);
    }
    place = history->end;
    stored = (line_length)length;
    memcpy(history->bytes + place % HISTORY_BYTES, &stored, sizeof stored);
    memcpy(history->bytes + place % HISTORY_BYTES + sizeof stored, line, length);
    history->end += space_for(length);
    return place;
}

/* Looks for the line among those after the person's last. Returns its place, or `end`. */
static uint64_t find(const struct heard *heard, const struct history *history,
                     const char *line, size_t length)
{
    uint64_t place = is_there(history, heard->last) ? heard->last : history->end;

    for (int n = 0; n < LOOK_MOST && place < history->end; n++) {
        place = settle(history, place);
        if (place == history->end)
            break;
        if ((n > 0 || heard->next == 1) && length_at(history, place) == length &&
            memcmp(text_at(history, place), line, length) == 0)
            return place;
        place += space_for(length_at(history, place));
    }
    return history->end;
}

void heard_begin(struct heard *heard, const struct history *history)
{
    heard->first = heard->next = 1;
    heard->last = history->end;
}

void heard_add(struct heard *heard, struct history *history, const char *line,
               size_t length)
{
    uint64_t place = find(heard, history, line, length);

    if (place == history->end)
        place = append(history, line, length);
    heard->last = place;
    heard->places[heard->next++ % HEARD_MOST] = place;
}

uint64_t heard_first(struct heard *heard, const struct history *history)
{
    if (heard->next - heard->first > HEARD_MOST)
        heard->first = heard->next - HEARD_MOST;
    while (heard->first < heard->next &&
           !is_there(history, heard->places[heard->first % HEARD_MOST]))
        heard->first++;
    return heard->first;
}

const char *heard_line(const struct heard *heard, const struct history *history,
                       uint64_t number, size_t *length)
{
    uint64_t place = heard->places[number % HEARD_MOST];

    *length = length_at(history, place);
    return text_at(history, place);
}
