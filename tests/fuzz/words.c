/*
 * Fuzzes chat/words.h: a sentence that the server wrote is read as the same sentence, with
 * the same name and text in it, whatever people say. The input is a kind, a name, a line
 * end, and a text.
 *
 * Modules: chat/words.c
 */
#include "tests/fuzz/fuzz.h"

#include "chat/words.h"

/* The parts lie within the line, whatever the line is. */
static void check_any(const char *line)
{
    struct words_parts parts;

    if (words_read(line, &parts) == WORDS_NONE)
        return;
    assert(parts.name_length > 0 && parts.name + parts.name_length <= parts.text);
    assert(parts.text + parts.text_length == strlen(line));
    assert(memchr(line + parts.name, ' ', parts.name_length) == NULL);
}

/* A nick has neither space nor bracket nor colon in it; an address has them, as [::1]:1. */
static bool is_name(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length < WORDS_NAME_MOST && strchr(name, ' ') == NULL &&
           strchr("[]:", name[length - 1]) == NULL && strcmp(name, "you") != 0;
}

/* Kinds without a text have none, and a farewell begins as chat/words.h says. */
static bool is_text(enum words kind, const char *text)
{
    if (kind == WORDS_JOINED || kind == WORDS_IN_USE)
        return *text == '\0';
    if (kind == WORDS_LEFT)
        return *text == '\0' || strncmp(text, ": ", 2) == 0 ||
               strncmp(text, " (", 2) == 0;
    return true;
}

static void check(enum words kind, const char *name, const char *text)
{
    static char line[WORDS_MOST], small[64];
    struct words_parts parts;
    size_t length;

    if (!is_name(name) || strlen(text) > LINE_MOST || !is_text(kind, text))
        return;
    length = words_write(line, sizeof line, kind, name, text);
    assert(length == strlen(line));
    assert(words_read(line, &parts) == kind);
    assert(parts.name_length == strlen(name) && parts.text_length == strlen(text));
    assert(memcmp(line + parts.name, name, parts.name_length) == 0);
    assert(strcmp(line + parts.text, text) == 0);
    assert(words_write(small, sizeof small, kind, name, text) == strlen(small));
    assert(strncmp(small, line, strlen(small)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *name, *text;

    if (size == 0)
        return 0;
    name = string_of(data + 1, size - 1);
    check_any(name);
    text = strchr(name, '\n');
    if (text != NULL) {
        *text++ = '\0';
        check((enum words)(WORDS_FROM_YOU + data[0] % WORDS_IN_USE), name, text);
    }
    free(name);
    return 0;
}
