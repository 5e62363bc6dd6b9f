/*
 * fuzz: what the fuzz targets share.
 *
 * A target is one function, which libFuzzer (https://llvm.org/docs/LibFuzzer.html) calls
 * with millions of inputs of its own making. An assert() that fails ends the run, and so
 * does whatever AddressSanitizer and UndefinedBehaviorSanitizer find; the input is kept.
 * The first byte of an input decides how the rest is cut into pieces.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The lengths of the pieces: short ones, with a long one now and then. */
struct cut {
    uint32_t state;
};

static inline size_t cut_next(struct cut *cut, size_t left)
{
    size_t most, length;

    cut->state = cut->state * 1664525 + 1013904223; /* Numerical Recipes' ranqd1 */
    most = cut->state >> 29 == 0 ? 3000 : 9;
    length = 1 + (cut->state >> 8) % most;
    return length < left ? length : left;
}

/* A copy that ends where its memory does, so that reading past its end is noticed. */
static inline void *copy_of(const void *bytes, size_t length)
{
    void *copy = malloc(length);

    assert(copy != NULL && length > 0);
    return memcpy(copy, bytes, length);
}

/* The same as a string. There may be NULs before its end. */
static inline char *string_of(const uint8_t *bytes, size_t length)
{
    char *string = malloc(length + 1);

    assert(string != NULL);
    if (length > 0)
        memcpy(string, bytes, length);
    string[length] = '\0';
    return string;
}

/* What a module made of its input, written down to be compared. */
struct notes {
    size_t length;
    char bytes[1 << 18];
};

static inline void notes_add(struct notes *notes, const void *bytes, size_t length)
{
    assert(length <= sizeof notes->bytes - notes->length);
    memcpy(notes->bytes + notes->length, bytes, length);
    notes->length += length;
}

static inline void notes_add_number(struct notes *notes, long long number)
{
    notes_add(notes, &number, sizeof number);
}

/* A string with its NUL, or something else for NULL. */
static inline void notes_add_string(struct notes *notes, const char *string)
{
    notes_add(notes, string == NULL ? "\1" : string,
              string == NULL ? 2 : strlen(string) + 1);
}

static inline bool notes_equal(const struct notes *a, const struct notes *b)
{
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

/*
 * Is it UTF-8 without control characters but TAB? It decodes and looks at the code point,
 * as RFC 3629 3 and 10 describe it; net/text.c looks at bytes.
 */
static inline bool is_clean(const char *text, size_t length)
{
    for (size_t at = 0, more; at < length; at += 1 + more) {
        static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        unsigned char lead = (unsigned char)text[at];
        uint32_t code;

        more = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
        if ((lead >= 0x80 && lead < 0xC0) || lead >= 0xF8 || more >= length - at)
            return false;
        code = more == 0 ? lead : lead & (0x3Fu >> more);
        for (size_t i = 1; i <= more; i++) {
            if (((unsigned char)text[at + i] & 0xC0) != 0x80)
                return false;
            code = code << 6 | ((unsigned char)text[at + i] & 0x3F);
        }
        if (code < least[more] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
            return false;
        if ((code < 0x20 && code != '\t') || (code >= 0x7F && code < 0xA0))
            return false;
    }
    return true;
}

#endif
