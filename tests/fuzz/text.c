/*
 * Fuzzes net/text.h: text_clean() makes of any string what the stream makes of it, cut only
 * where the next character does not fit.
 *
 * Modules: net/text.c
 */
#include "tests/fuzz/fuzz.h"

#include "net/text.h"

/* The clean text of the longest beginning of `string` that fits `size` bytes with a NUL. */
static size_t fitting(const char *string, char *out, size_t size)
{
    struct text text = {.have = 0};
    char clean[TEXT_MOST];
    size_t length = 0, more;

    for (;; string++) {
        if (*string == '\0')
            more = text_finish(&text, clean);
        else
            more = text_take(&text, (unsigned char)*string, clean);
        assert(more <= TEXT_MOST);
        if (length + more > size - 1)
            break;
        memcpy(out + length, clean, more);
        length += more;
        if (*string == '\0')
            break;
    }
    out[length] = '\0';
    return length;
}

static void check(const char *string, size_t size)
{
    char *expected = malloc(size), *out = malloc(size);
    size_t length = fitting(string, expected, size);

    assert(text_clean(string, out, size) == out && strcmp(out, expected) == 0);
    assert(is_clean(out, length));
    text_straighten(out, length);
    assert(strlen(out) == length && is_clean(out, length));
    assert(strstr(out, "\xE2\x80\xAE") == NULL); /* U+202E, right-to-left override */
    free(expected);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *string;

    if (size == 0)
        return 0;
    string = string_of(data + 1, size - 1);
    check(string, 1 + (size_t)data[0]);
    check(string, size * TEXT_MOST);
    free(string);
    return 0;
}
