#include "net/line.h"

#include <assert.h>
#include <string.h>

#define CTRL_D 4 /* EOT, which means the end of input in a terminal */

/*
 * Adds clean text if all of it fits. If not, nothing changes, not even the unfinished
 * character, and the same bytes can be taken again.
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

/* A CR that was held back is text after all. */
static size_t put_held_cr(const struct line *line, struct text *tail, char *clean)
{
    return line->place == AFTER_CR ? text_take(tail, '\r', clean) : 0;
}

static bool put_byte(struct line *line, unsigned char byte)
{
    struct text tail = line->tail;
    char clean[2 * TEXT_MOST];
    size_t length = put_held_cr(line, &tail, clean);

    length += text_take(&tail, byte, clean + length);
    return put(line, tail, clean, length);
}

/* The line ends here, so an unfinished character or a CR that was held back is final. */
static bool put_rest(struct line *line, bool cr_is_line_end)
{
    struct text tail = line->tail;
    char clean[2 * TEXT_MOST];
    size_t length = cr_is_line_end ? 0 : put_held_cr(line, &tail, clean);

    length += text_finish(&tail, clean + length);
    return put(line, tail, clean, length);
}

static bool is_after_cr(const struct line *line)
{
    return line->place == AFTER_CR || line->place == AFTER_LF_CR;
}

static bool is_empty(const struct line *line)
{
    return line->length == 0 && line->tail.have == 0 && line->place != AFTER_CR &&
           !line->is_rest;
}

static enum line_event take_byte(struct line *line, unsigned char byte)
{
    bool ends = byte == '\n' || (byte == '\0' && is_after_cr(line));
    bool fits;

    if (byte == CTRL_D)
        return is_empty(line) ? LINE_LEAVE : LINE_OPEN;
    fits = ends || byte == '\r' ? put_rest(line, ends) : put_byte(line, byte);
    if (!fits)
        return LINE_FULL;
    if (byte == '\r') /* of two in a row, only the second can be part of a line end */
        line->place = line->place == AFTER_LF ? AFTER_LF_CR : AFTER_CR;
    else
        line->place = byte == '\n' ? AFTER_LF : AFTER_TEXT;
    return ends ? LINE_ENDED : LINE_OPEN;
}

/* Most of what people say is printable ASCII, which is copied as it is. */
static size_t take_plain(struct line *line, const unsigned char *bytes, size_t length)
{
    size_t room = LINE_MOST - line->length;
    size_t n = 0;

    if (is_after_cr(line) || line->tail.have > 0)
        return 0;
    if (length > room)
        length = room;
    while (n < length && text_is_plain(bytes[n]))
        n++;
    memcpy(line->text + line->length, bytes, n);
    line->length += n;
    if (n > 0)
        line->place = AFTER_TEXT;
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
    if (*event != LINE_OPEN)
        line->is_rest = *event == LINE_FULL;
    line->text[line->length] = '\0';
    return taken;
}

enum line_event line_finish(struct line *line)
{
    bool all = put_rest(line, false);

    line->text[line->length] = '\0';
    if (!all)
        return LINE_FULL;
    line->place = AFTER_TEXT;
    return line->length > 0 ? LINE_ENDED : LINE_OPEN;
}

void line_clear(struct line *line, size_t keep)
{
    assert(keep <= LINE_KEPT);
    if (keep < line->length)
        line->length = keep;
}
