#include "terminal/line_edit.h"

#include "terminal/columns.h"

#include <string.h>

/* ---- Characters --------------------------------------------------------------------- */

/* Where the character at `at` ends; at the end of the line there is none. */
static size_t after(const struct line_edit *edit, size_t at)
{
    size_t bytes = 0;

    if (at < edit->length)
        columns_of_character(edit->text + at, edit->length - at, &bytes);
    return at + bytes;
}

/* Where the character before `at` begins. */
static size_t before(const struct line_edit *edit, size_t at)
{
    size_t begin = 0;

    while (after(edit, begin) < at)
        begin = after(edit, begin);
    return begin;
}

static size_t columns_between(const struct line_edit *edit, size_t from, size_t to)
{
    size_t columns = 0, bytes;

    for (; from < to; from += bytes)
        columns += columns_of_character(edit->text + from, to - from, &bytes);
    return columns;
}

/* ---- Changes ------------------------------------------------------------------------ */

/* A change may have left a combining code point under the cursor, which then skips it. */
static void settle(struct line_edit *edit)
{
    size_t bytes;

    while (edit->cursor > 0 && edit->cursor < edit->length &&
           columns_at(edit->text + edit->cursor, &bytes) == 0)
        edit->cursor += bytes;
}

static void insert(struct line_edit *edit, const char *bytes, size_t count)
{
    char *gap = edit->text + edit->cursor;

    if (edit->overflowed || count > LINE_EDIT_MOST - edit->length) {
        edit->bell = edit->overflowed = true;
        return;
    }
    memmove(gap + count, gap, edit->length - edit->cursor + 1);
    memcpy(gap, bytes, count);
    edit->length += count;
    edit->cursor += count;
}

static void cut_out(struct line_edit *edit, size_t from, size_t to)
{
    memmove(edit->text + from, edit->text + to, edit->length - to + 1);
    edit->length -= to - from;
    edit->cursor = from;
    if (from < to)
        edit->overflowed = false;
}

static size_t word_before(const struct line_edit *edit)
{
    size_t at = edit->cursor;

    while (at > 0 && edit->text[at - 1] == ' ')
        at--;
    while (at > 0 && edit->text[at - 1] != ' ')
        at--;
    return at;
}

/* ---- History ------------------------------------------------------------------------ */

static char *entry(struct line_edit *edit, size_t back)
{
    return edit->history[(edit->entered - back) % (LINE_EDIT_HISTORY + 1)];
}

/* Shows the line entered `back` lines ago; 0 is the new line, kept meanwhile. */
static void show_line(struct line_edit *edit, size_t back)
{
    if (edit->back == 0)
        memcpy(entry(edit, 0), edit->text, edit->length + 1);
    edit->back = back;
    strcpy(edit->text, entry(edit, back));
    edit->length = edit->cursor = strlen(edit->text);
    edit->overflowed = false;
}

void line_edit_next(struct line_edit *edit)
{
    if (edit->length > 0 && !edit->is_secret &&
        (edit->entered == 0 || strcmp(entry(edit, 1), edit->text) != 0)) {
        memcpy(entry(edit, 0), edit->text, edit->length + 1);
        edit->entered++;
    }
    edit->length = edit->cursor = edit->back = 0;
    edit->text[0] = '\0';
    edit->overflowed = edit->is_secret = false;
}

/* ---- Keys --------------------------------------------------------------------------- */

/* A control key sends the number of its letter in the alphabet: Ctrl-A sends 1. */
#define CTRL(letter) ((letter)&0x1F)

enum {
    ESC = 27,
    DEL = 127, /* the Backspace key of most terminals; some send Ctrl-H */
    DELETE     /* the Delete key, which sends a sequence; this number is ours */
};

static enum line_edit_event press(struct line_edit *edit, unsigned key)
{
    switch (key) {
    case CTRL('A'): edit->cursor = 0; break;
    case CTRL('B'): edit->cursor = before(edit, edit->cursor); break;
    case CTRL('E'): edit->cursor = edit->length; break;
    case CTRL('F'): edit->cursor = after(edit, edit->cursor); break;
    case CTRL('H'):
    case DEL: cut_out(edit, before(edit, edit->cursor), edit->cursor); break;
    case CTRL('D'):
        if (edit->length == 0)
            return LINE_EDIT_END;
        /* fall through */
    case DELETE: cut_out(edit, edit->cursor, after(edit, edit->cursor)); break;
    case CTRL('K'): cut_out(edit, edit->cursor, edit->length); break;
    case CTRL('U'): cut_out(edit, 0, edit->cursor); break;
    case CTRL('W'): cut_out(edit, word_before(edit), edit->cursor); break;
    case CTRL('N'):
        if (edit->back > 0)
            show_line(edit, edit->back - 1);
        break;
    case CTRL('P'):
        if (edit->back < edit->entered && edit->back < LINE_EDIT_HISTORY)
            show_line(edit, edit->back + 1);
        break;
    case '\t': /* spaces, so that every character in view has a known width */
        insert(edit, "        ", 8 - columns_between(edit, 0, edit->cursor) % 8);
        break;
    case CTRL('L'): return LINE_EDIT_CLEAR;
    case '\r':
    case '\n': return LINE_EDIT_ENTERED;
    default: break;
    }
    return LINE_EDIT_OPEN;
}

/*
 * A key without a letter sends ESC [ or ESC O, sometimes numbers separated by semicolons,
 * and a final byte that says which key it is. Returns the control key that does the same,
 * or 0.
 */
static unsigned key_of(unsigned char final, unsigned number)
{
    switch (final) {
    case 'A': return CTRL('P');
    case 'B': return CTRL('N');
    case 'C': return CTRL('F');
    case 'D': return CTRL('B');
    case 'F': return CTRL('E');
    case 'H': return CTRL('A');
    case '~':
        if (number == 1 || number == 7)
            return CTRL('A');
        if (number == 4 || number == 8)
            return CTRL('E');
        return number == 3 ? DELETE : 0;
    default: return 0;
    }
}

/* The places in an escape sequence. */
enum {
    OUTSIDE,
    AFTER_ESC,
    IN_NUMBER, /* after ESC [: the first number, if there is one */
    IN_OTHERS, /* after the first number */
    AT_FINAL   /* after ESC O, or the Linux console's ESC [ [: any byte ends it */
};

void line_edit_pause(struct line_edit *edit)
{
    edit->escape = OUTSIDE;
}

/* A byte from 0x20 to 0x7E within a sequence. */
static enum line_edit_event take_sequence(struct line_edit *edit, unsigned char byte)
{
    bool at_final = edit->escape == AT_FINAL;

    if (edit->escape == AFTER_ESC) {
        edit->parameter = 0;
        edit->escape = byte == '[' ? IN_NUMBER : byte == 'O' ? AT_FINAL : OUTSIDE;
    } else if (edit->escape == IN_NUMBER && byte >= '0' && byte <= '9') {
        edit->parameter = (edit->parameter * 10 + byte - '0') % 1000;
    } else if (edit->escape == IN_NUMBER && byte == '[') {
        edit->escape = AT_FINAL;
        edit->parameter = 1; /* the console's function keys are not those of ESC O */
    } else if (!at_final && byte < 0x40) {
        edit->escape = IN_OTHERS;
    } else {
        edit->escape = OUTSIDE;
        if (!at_final || edit->parameter == 0)
            return press(edit, key_of(byte, edit->parameter));
    }
    return LINE_EDIT_OPEN;
}

static void insert_text(struct line_edit *edit, const char *clean, size_t length)
{
    /* Of what bytes over 0x7F become, only a visible C1 control begins with an M. */
    if (length > 0 && clean[0] != 'M')
        insert(edit, clean, length);
}

static enum line_edit_event take_byte(struct line_edit *edit, unsigned char byte)
{
    bool is_of_cr = byte == '\n' && edit->after_cr;
    char clean[TEXT_MOST];

    edit->after_cr = byte == '\r';
    if (byte >= 0x80) {
        edit->escape = OUTSIDE;
        insert_text(edit, clean, text_take(&edit->tail, byte, clean));
        return LINE_EDIT_OPEN;
    }
    insert_text(edit, clean, text_finish(&edit->tail, clean));
    if (byte < 0x20 || byte == DEL) {
        edit->escape = byte == ESC ? AFTER_ESC : OUTSIDE;
        return is_of_cr ? LINE_EDIT_OPEN : press(edit, byte);
    }
    if (edit->escape != OUTSIDE)
        return take_sequence(edit, byte);
    clean[0] = (char)byte;
    insert(edit, clean, 1);
    return LINE_EDIT_OPEN;
}

size_t line_edit_take(struct line_edit *edit, const unsigned char *bytes, size_t length,
                      enum line_edit_event *event)
{
    size_t taken = 0;

    *event = LINE_EDIT_OPEN;
    while (taken < length && *event == LINE_EDIT_OPEN) {
        *event = take_byte(edit, bytes[taken++]);
        settle(edit);
    }
    return taken;
}

/* ---- The view ----------------------------------------------------------------------- */

/* Where the text from `at` on that fits these columns ends. */
static size_t end_of_fitting(const struct line_edit *edit, size_t at, size_t columns)
{
    size_t used = 0, bytes;

    for (; at < edit->length; at += bytes) {
        used += columns_of_character(edit->text + at, edit->length - at, &bytes);
        if (used > columns)
            break;
    }
    return at;
}

void line_edit_view(const struct line_edit *edit, size_t columns,
                    struct line_edit_view *view)
{
    size_t first = 0, end, used, bytes;

    *view = (struct line_edit_view){.bytes = edit->text};
    if (edit->is_secret)
        return;
    end = end_of_fitting(edit, edit->cursor, columns / 3);
    used = columns_between(edit, 0, end);
    while (used >= columns) { /* the last column is for a cursor after the end */
        used -= columns_of_character(edit->text + first, edit->length - first, &bytes);
        first += bytes;
    }
    view->bytes = edit->text + first;
    view->length = end_of_fitting(edit, first, columns) - first;
    view->before_cursor = edit->cursor - first;
}
