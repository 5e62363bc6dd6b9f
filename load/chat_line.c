#include "load/chat_line.h"

#include <string.h>

enum {
    SENDER_AT = 1,
    DIGITS = 8, /* of either number: as many as are read at once */
    SEQUENCE_AT = SENDER_AT + DIGITS + 1,
    LETTERS_AT = SEQUENCE_AT + DIGITS + 1
};

static const char mark[] = "~0000";

void chat_line_init(struct chat_line *format, size_t length)
{
    uint32_t random = 1;

    format->length = length;
    for (size_t i = 0; i < CHAT_LINE_PERIOD; i++) {
        random = random * 1664525 + 1013904223; /* Numerical Recipes' generator */
        format->letters[i] = (char)('a' + (random >> 16) % 26);
    }
    for (size_t i = CHAT_LINE_PERIOD; i < sizeof format->letters; i++)
        format->letters[i] = format->letters[i - CHAT_LINE_PERIOD];
}

static const char *letters_for(const struct chat_line *format, uint32_t sender,
                               uint32_t sequence)
{
    return format->letters + (sender * 31 + sequence) % CHAT_LINE_PERIOD;
}

static void write_number(char *to, uint32_t number)
{
    for (int i = DIGITS - 1; i >= 0; i--) {
        to[i] = (char)('0' + number % 10);
        number /= 10;
    }
}

/* The first is the lowest, whatever the machine's order: compilers make it one load. */
static uint64_t eight_bytes(const unsigned char *from)
{
    return (uint64_t)from[0] | (uint64_t)from[1] << 8 | (uint64_t)from[2] << 16 |
           (uint64_t)from[3] << 24 | (uint64_t)from[4] << 32 | (uint64_t)from[5] << 40 |
           (uint64_t)from[6] << 48 | (uint64_t)from[7] << 56;
}

/*
 * Reads eight digits at once, since this is done twice for every line that is delivered:
 * neighbours become numbers of two digits, those of four, and those the whole. Anything
 * but digits makes a number that no line is numbered with.
 */
static uint32_t read_number(const char *from)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t digits = eight_bytes((const unsigned char *)from);

    if ((digits & 0xf0 * ones) != 0x30 * ones ||
        ((digits + 0x06 * ones) & 0xf0 * ones) != 0x30 * ones)
        return UINT32_MAX;
    digits -= 0x30 * ones;
    digits = digits * 10 + (digits >> 8);
    digits = (digits & UINT64_C(0x00ff00ff00ff00ff)) * 100 +
             (digits >> 16 & UINT64_C(0x00ff00ff00ff00ff));
    return (uint32_t)((digits & 0xffff) * 10000 + (digits >> 32 & 0xffff));
}

void chat_line_write(const struct chat_line *format, char *line, uint32_t sender,
                     uint32_t sequence)
{
    line[0] = mark[0];
    write_number(line + SENDER_AT, sender);
    line[SEQUENCE_AT - 1] = ':';
    write_number(line + SEQUENCE_AT, sequence);
    line[LETTERS_AT - 1] = ':';
    memcpy(line + LETTERS_AT, letters_for(format, sender, sequence),
           format->length - LETTERS_AT - 1);
    line[format->length - 1] = '\n';
}

const char *chat_line_find(const char *received, size_t length)
{
    const char *end = received + length, *at = received;

    while ((at = memchr(at, mark[0], (size_t)(end - at))) != NULL) {
        if ((size_t)(end - at) >= strlen(mark) && memcmp(at, mark, strlen(mark)) == 0)
            return at;
        at++;
    }
    return NULL;
}

bool chat_line_read(const struct chat_line *format, const char *line, size_t length,
                    uint32_t *sender, uint32_t *sequence)
{
    if (length == format->length && line[length - 1] == '\r')
        length--;
    if (length != format->length - 1 || line[SEQUENCE_AT - 1] != ':' ||
        line[LETTERS_AT - 1] != ':')
        return false;
    *sender = read_number(line + SENDER_AT);
    *sequence = read_number(line + SEQUENCE_AT);
    return *sender < CHAT_LINE_SENDERS && *sequence < CHAT_LINE_SEQUENCES &&
           memcmp(line + LETTERS_AT, letters_for(format, *sender, *sequence),
                  length - LETTERS_AT) == 0;
}
