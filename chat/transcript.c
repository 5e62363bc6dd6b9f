#include "chat/transcript.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

void transcript_init(struct transcript *transcript, char *ring,
                     struct transcript_entry *entries, size_t capacity)
{
    assert(capacity >= 64 && (capacity & (capacity - 1)) == 0);
    *transcript = (struct transcript){.ring = ring,
                                      .capacity = capacity,
                                      .entries = entries,
                                      .max_entries = capacity / TRANSCRIPT_SMALLEST};
}

static struct transcript_entry *entry_at(const struct transcript *transcript,
                                         uint64_t number)
{
    return &transcript->entries[number & (transcript->max_entries - 1)];
}

size_t transcript_room(const struct transcript *transcript)
{
    size_t bytes = transcript->capacity - (size_t)(transcript->end - transcript->begin);
    size_t entries = transcript->max_entries -
                     (size_t)(transcript->next_entry - transcript->first_entry);
    size_t room_in_entries = entries * TRANSCRIPT_SMALLEST;

    return bytes < room_in_entries ? bytes : room_in_entries;
}

/*
 * The last entry if it has this audience, so that the text joins it; otherwise a new one.
 */
static struct transcript_entry *entry_for(struct transcript *transcript, int omit,
                                          int only)
{
    struct transcript_entry *entry;

    if (transcript->next_entry > transcript->first_entry) {
        entry = entry_at(transcript, transcript->next_entry - 1);
        if (entry->omit == omit && entry->only == only)
            return entry;
    }
    assert(transcript->next_entry - transcript->first_entry < transcript->max_entries);
    entry = entry_at(transcript, transcript->next_entry++);
    entry->omit = omit;
    entry->only = only;
    return entry;
}

void transcript_append(struct transcript *transcript, const char *text, size_t length,
                       int omit, int only)
{
    size_t at = (size_t)transcript->end & (transcript->capacity - 1);
    size_t until_wrap = transcript->capacity - at;
    size_t head = length < until_wrap ? length : until_wrap;

    if (length == 0) /* an empty entry would stay until the next text is released */
        return;
    assert(length <= transcript->capacity - (transcript->end - transcript->begin));
    memcpy(transcript->ring + at, text, head);
    memcpy(transcript->ring, text + head, length - head);
    transcript->end += length;
    entry_for(transcript, omit, only)->end = transcript->end;
}

struct transcript_cursor transcript_now(const struct transcript *transcript)
{
    /* The last entry may grow, so a reader that has read all of it still looks there. */
    bool any = transcript->next_entry > transcript->first_entry;

    return (struct transcript_cursor){.position = transcript->end,
                                      .entry = transcript->next_entry - (any ? 1 : 0)};
}

static bool is_for(const struct transcript_entry *entry, int reader)
{
    return entry->omit != reader &&
           (entry->only == TRANSCRIPT_NOBODY || entry->only == reader);
}

/*
 * Adds the text from span->after.position to `end`: two pieces if the ring wraps there.
 * False: not all of it, since that would be more than `most` bytes, or too many pieces.
 */
static bool add_text(const struct transcript *transcript, struct transcript_span *span,
                     uint64_t end, size_t most)
{
    while (span->after.position < end) {
        size_t at = (size_t)span->after.position & (transcript->capacity - 1);
        size_t length = (size_t)(end - span->after.position);

        if (length > transcript->capacity - at)
            length = transcript->capacity - at;
        if (length > most - span->bytes)
            length = most - span->bytes;
        if (length == 0 || span->count == TRANSCRIPT_PIECES)
            return false;
        span->pieces[span->count++] = (struct iovec){transcript->ring + at, length};
        span->bytes += length;
        span->after.position += length;
    }
    return true;
}

int transcript_read(const struct transcript *transcript, struct transcript_cursor cursor,
                    int reader, size_t most, struct transcript_span *span)
{
    uint64_t number = cursor.entry, next = transcript->next_entry;

    if (number < transcript->first_entry)
        number = transcript->first_entry;
    span->count = 0;
    span->bytes = 0;
    span->after = cursor;
    while (number < next) {
        uint64_t end = span->after.position;

        span->after.entry = number;
        while (number < next && is_for(entry_at(transcript, number), reader))
            end = entry_at(transcript, number++)->end;
        if (!add_text(transcript, span, end, most))
            break;
        while (number < next && !is_for(entry_at(transcript, number), reader))
            span->after.position = entry_at(transcript, number++)->end;
        span->after.entry = number - 1; /* it may grow */
    }
    return span->count;
}

void transcript_release(struct transcript *transcript, uint64_t position)
{
    if (position > transcript->begin)
        transcript->begin = position;
    while (transcript->first_entry < transcript->next_entry &&
           entry_at(transcript, transcript->first_entry)->end <= position)
        transcript->first_entry++;
}
