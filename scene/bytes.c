#include "scene/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_OF_LONG 40

static void reserve(struct bytes *bytes, size_t more)
{
    size_t wanted = bytes->length + more + 1;

    if (wanted <= bytes->capacity)
        return;
    bytes->capacity = wanted < 64 ? 64 : wanted * 2;
    bytes->at = realloc(bytes->at, bytes->capacity);
    if (bytes->at == NULL)
        abort();
}

void bytes_add(struct bytes *bytes, const void *more, size_t length)
{
    reserve(bytes, length);
    if (length > 0)
        memcpy(bytes->at + bytes->length, more, length);
    bytes->length += length;
    bytes->at[bytes->length] = '\0';
}

void bytes_vprint(struct bytes *bytes, const char *format, va_list arguments)
{
    va_list again;
    int length;

    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, arguments);
    reserve(bytes, (size_t)length);
    vsnprintf(bytes->at + bytes->length, (size_t)length + 1, format, again);
    va_end(again);
    bytes->length += (size_t)length;
}

void bytes_print(struct bytes *bytes, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    bytes_vprint(bytes, format, arguments);
    va_end(arguments);
}

void bytes_drop(struct bytes *bytes, size_t length)
{
    bytes->length -= length;
    memmove(bytes->at, bytes->at + length, bytes->length + 1); /* with its NUL */
}

const char *bytes_text(const struct bytes *bytes)
{
    return bytes->at == NULL ? "" : bytes->at;
}

/* An escape takes all the hexadecimal digits that follow (C11 6.4.4.4), so octal it is. */
static void quote_byte(struct bytes *bytes, unsigned char byte)
{
    static const char plain[] = "\a\b\t\n\v\f\r\"\\", letters[] = "abtnvfr\"\\";
    const char *escape = byte == '\0' ? NULL : strchr(plain, byte);

    if (escape != NULL)
        bytes_print(bytes, "\\%c", letters[escape - plain]);
    else if (byte < 0x20 || byte >= 0x7f)
        bytes_print(bytes, "\\%03o", byte);
    else
        bytes_add(bytes, &byte, 1);
}

void bytes_number(struct bytes *bytes, size_t number)
{
    if (number >= 1000) {
        bytes_number(bytes, number / 1000);
        bytes_print(bytes, ",%03zu", number % 1000);
    } else {
        bytes_print(bytes, "%zu", number);
    }
}

void bytes_quote(struct bytes *bytes, const char *text, size_t length)
{
    size_t shown = length > BYTES_QUOTED_MOST ? SHOWN_OF_LONG : length;

    bytes_print(bytes, "\"");
    for (size_t i = 0; i < shown; i++)
        quote_byte(bytes, (unsigned char)text[i]);
    bytes_print(bytes, "\"");
    if (shown < length) {
        bytes_print(bytes, "… ");
        bytes_number(bytes, length);
        bytes_print(bytes, " bytes");
    }
}

void bytes_free(struct bytes *bytes)
{
    free(bytes->at);
    *bytes = (struct bytes){0};
}

bool bytes_end_in(const char *text, size_t length, const char *tail, size_t tail_length)
{
    return length >= tail_length &&
           (tail_length == 0 ||
            memcmp(text + length - tail_length, tail, tail_length) == 0);
}

const char *bytes_find(const char *text, size_t length, const char *part,
                       size_t part_length)
{
    for (size_t at = 0; part_length > 0 && at + part_length <= length; at++)
        if (text[at] == part[0] && memcmp(text + at, part, part_length) == 0)
            return text + at;
    return NULL;
}
