/* chat_line - see chat_line.h */
#include "chat_line.h"

#include <string.h>

enum {
    SENDER_AT = 1,
    SENDER_DIGITS = 4,
    SEQUENCE_AT = SENDER_AT + SENDER_DIGITS + 1,
    SEQUENCE_DIGITS = 9,
    LETTERS_AT = SEQUENCE_AT + SEQUENCE_DIGITS + 1
};

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

static void write_number(char *to, int digits, uint32_t number)
{
    while (digits-- > 0) {
        to[digits] = (char)('0' + number % 10);
        number /= 10;
    }
}

/* Anything but digits makes a number that no line is numbered with. */
static uint32_t read_number(const char *from, int digits)
{
    uint32_t number = 0;

    for (int i = 0; i < digits; i++) {
        uint32_t digit = (uint32_t)(unsigned char)from[i] - '0';
        if (digit > 9)
            return UINT32_MAX;
        number = number * 10 + digit;
    }
    return number;
}

void chat_line_write(const struct chat_line *format, char *line, uint32_t sender,
                     uint32_t sequence)
{
    line[0] = CHAT_LINE_MARK;
    write_number(line + SENDER_AT, SENDER_DIGITS, sender);
    line[SEQUENCE_AT - 1] = ':';
    write_number(line + SEQUENCE_AT, SEQUENCE_DIGITS, sequence);
    line[LETTERS_AT - 1] = ':';
    memcpy(line + LETTERS_AT, letters_for(format, sender, sequence),
           format->length - LETTERS_AT - 1);
    line[format->length - 1] = '\n';
}

bool chat_line_read(const struct chat_line *format, const char *line, size_t length,
                    uint32_t *sender, uint32_t *sequence)
{
    if (length == format->length && line[length - 1] == '\r')
        length--;
    if (length != format->length - 1 || line[SEQUENCE_AT - 1] != ':' ||
        line[LETTERS_AT - 1] != ':')
        return false;
    *sender = read_number(line + SENDER_AT, SENDER_DIGITS);
    *sequence = read_number(line + SEQUENCE_AT, SEQUENCE_DIGITS);
    return *sender < CHAT_LINE_SENDERS && *sequence < CHAT_LINE_SEQUENCES &&
           memcmp(line + LETTERS_AT, letters_for(format, *sender, *sequence),
                  length - LETTERS_AT) == 0;
}
