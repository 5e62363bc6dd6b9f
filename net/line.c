#include "net/line.h"

#include <assert.h>
#include <string.h>

/*
 * Puts clean text at the line's end, all of it or, if there is no room, none of it: then
 * the unfinished character stays as it was too, and the same bytes can come again.
 */
static bool put(struct line *line, struct text tail, const char *clean, size_t length)
{
    if (length > LINE_MOST - line->length)
        return false;
    memcpy(line->text + line->length, clean, length);
    line->length += length;
    line->tail = tail;
    return true;
}

/* One byte, behind the CR that was held back until it was known to be no line end. */
static bool put_byte(struct line *line, unsigned char byte)
{
    struct text tail = line->tail;
    char clean[2 * TEXT_MOST];
    size_t length = 0;

    if (line->after_cr)
        length = text_take(&tail, '\r', clean);
    length += text_take(&tail, byte, clean + length);
    return put(line, tail, clean, length);
}

/* The line is to end: what has come of a character, or a CR alone, is all there will be. */
static bool put_rest(struct line *line, bool after_cr)
{
    struct text tail = line->tail;
    char clean[2 * TEXT_MOST];
    size_t length = 0;

    if (after_cr)
        length = text_take(&tail, '\r', clean);
    length += text_finish(&tail, clean + length);
    return put(line, tail, clean, length);
}

static enum line_event take_byte(struct line *line, unsigned char byte)
{
    if (byte == '\n' || (byte == '\0' && line->after_cr)) {
        if (!put_rest(line, false))
            return LINE_FULL;
        line->after_cr = false;
        return LINE_ENDED;
    }
    if (byte == '\r') { /* of two in a row the first is no line end; the second may be */
        if (line->after_cr && !put_rest(line, true))
            return LINE_FULL;
        line->after_cr = true;
        return LINE_OPEN;
    }
    if (!put_byte(line, byte))
        return LINE_FULL;
    line->after_cr = false;
    return LINE_OPEN;
}

/* Most of what people say is printable ASCII: it is copied without a look behind. */
static size_t take_plain(struct line *line, const unsigned char *bytes, size_t length)
{
    size_t room = LINE_MOST - line->length;
    size_t n = 0;

    if (line->after_cr || line->tail.have > 0)
        return 0;
    if (length > room)
        length = room;
    while (n < length && text_is_plain(bytes[n]))
        n++;
    memcpy(line->text + line->length, bytes, n);
    line->length += n;
    return n;
}

size_t line_take(struct line *line, const unsigned char *bytes, size_t length,
                 enum line_event *event)
{
    size_t taken = 0;

    *event = LINE_OPEN;
    while (*event == LINE_OPEN) {
        taken += take_plain(line, bytes + taken, length - taken);
        if (taken == length)
            break;
        *event = take_byte(line, bytes[taken]);
        if (*event != LINE_FULL)
            taken++;
    }
    line->text[line->length] = '\0';
    return taken;
}

enum line_event line_finish(struct line *line)
{
    bool all = put_rest(line, line->after_cr);

    line->text[line->length] = '\0';
    if (!all)
        return LINE_FULL;
    line->after_cr = false;
    return line->length > 0 ? LINE_ENDED : LINE_OPEN;
}

void line_clear(struct line *line, size_t keep)
{
    assert(keep <= LINE_KEPT);
    if (keep < line->length)
        line->length = keep;
}
