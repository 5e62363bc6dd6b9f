#include "net/text.h"

#include <string.h>

static size_t put_replacement(char *out)
{
    memcpy(out, "\xEF\xBF\xBD", 3); /* U+FFFD */
    return 3;
}

/* C0 and DEL: the letter is the code of the control character with bit 6 inverted. */
static size_t put_caret(unsigned char control, char *out)
{
    out[0] = '^';
    out[1] = (char)(control ^ 0x40);
    return 2;
}

/* Length of a character that begins with this byte, or 0 if none does (RFC 3629 4). */
static unsigned char length_from(unsigned char lead)
{
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    if (lead < 0xE0)
        return 2;
    return lead < 0xF0 ? 3 : 4;
}

/*
 * Can this byte follow? Any of 80..BF can, but after four of the lead bytes the second byte
 * has a narrower range, which excludes overlong forms (E0, F0), surrogates (ED) and code
 * points above U+10FFFF (F4).
 */
static bool can_follow(const struct text *text, unsigned char byte)
{
    unsigned char low = 0x80, high = 0xBF;

    if (text->have == 1) {
        switch (text->bytes[0]) {
        case 0xE0: low = 0xA0; break;
        case 0xED: high = 0x9F; break;
        case 0xF0: low = 0x90; break;
        case 0xF4: high = 0x8F; break;
        default: break;
        }
    }
    return byte >= low && byte <= high;
}

static size_t put_whole(struct text *text, char *out)
{
    size_t length = text->have;

    text->have = 0;
    if (text->bytes[0] == 0xC2 && text->bytes[1] < 0xA0) { /* U+0080..U+009F: C1 */
        memcpy(out, "M-", 2);
        return 2 + put_caret(text->bytes[1] & 0x1F, out + 2);
    }
    memcpy(out, text->bytes, length);
    return length;
}

static size_t begin(struct text *text, unsigned char byte, char *out)
{
    if (text_is_plain(byte) || byte == '\t') {
        out[0] = (char)byte;
        return 1;
    }
    if (byte < 0x80)
        return put_caret(byte, out);
    text->need = length_from(byte);
    if (text->need == 0)
        return put_replacement(out);
    text->bytes[0] = byte;
    text->have = 1;
    return 0;
}

size_t text_take(struct text *text, unsigned char byte, char *out)
{
    size_t length;

    if (text->have == 0)
        return begin(text, byte, out);
    if (can_follow(text, byte)) {
        text->bytes[text->have++] = byte;
        return text->have == text->need ? put_whole(text, out) : 0;
    }
    length = text_finish(text, out);
    return length + begin(text, byte, out + length);
}

size_t text_finish(struct text *text, char *out)
{
    if (text->have == 0)
        return 0;
    text->have = 0;
    return put_replacement(out);
}

const char *text_clean(const char *string, char *out, size_t size)
{
    struct text text = {.have = 0};
    char clean[TEXT_MOST];
    size_t length = 0, more;

    do {
        more = *string != '\0' ? text_take(&text, (unsigned char)*string, clean)
                               : text_finish(&text, clean);
        if (length + more >= size)
            break;
        memcpy(out + length, clean, more);
        length += more;
    } while (*string++ != '\0');
    out[length] = '\0';
    return out;
}

static bool misleads(unsigned long code)
{
    static const struct {
        unsigned long first, last;
    } list[] = {{0x115F, 0x1160}, {0x180E, 0x180E}, {0x200B, 0x200B},
                {0x2028, 0x202E}, {0x2060, 0x206F}, {0x3164, 0x3164},
                {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0}, {0xFFF9, 0xFFFB}};

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (code >= list[i].first && code <= list[i].last)
            return true;
    return false;
}

void text_straighten(char *text, size_t length)
{
    for (size_t at = 0; at + 3 <= length; at++) {
        const unsigned char *bytes = (const unsigned char *)text + at;

        /* All of them have three bytes, as U+FFFD has. */
        if ((bytes[0] & 0xF0) == 0xE0 &&
            misleads((bytes[0] & 0x0FUL) << 12 | (bytes[1] & 0x3FUL) << 6 |
                     (bytes[2] & 0x3FUL)))
            put_replacement(text + at);
    }
}
