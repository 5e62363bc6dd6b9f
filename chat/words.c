#include "chat/words.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* What comes before the name and after it, in the order in which words_read() tries. */
static const struct sentence {
    const char *before, *after;
} sentences[] = {
    [WORDS_FROM_YOU] = {"[you to ", "] "},
    [WORDS_TO_YOU] = {"[", " to you] "},
    [WORDS_SAID] = {"[", "] "},
    [WORDS_ACTION] = {"* ", " "},
    [WORDS_JOINED] = {"Client joined ", ""},
    [WORDS_LEFT] = {"Client left ", ""},
    [WORDS_RENAMED] = {"Client ", " is now "},
    [WORDS_IN_USE] = {"The name ", " is in use"},
};

#define SENTENCES (sizeof sentences / sizeof sentences[0])

bool words_is_nick(const char *name)
{
    size_t length = strlen(name);

    return length >= 1 && length <= WORDS_NICK_MOST &&
           strspn(name, WORDS_NICK_LETTERS) == length;
}

size_t words_write(char *out, size_t size, enum words kind, const char *name,
                   const char *text)
{
    const struct sentence *sentence = &sentences[kind];
    int length =
        snprintf(out, size, "%s%s%s%s", sentence->before, name, sentence->after, text);

    return (size_t)length < size ? (size_t)length : size - 1;
}

/* The text of "Client left": nothing, a farewell after the colon, or a reason. */
static bool is_farewell(const char *text)
{
    return *text == '\0' || strncmp(text, ": ", 2) == 0 || strncmp(text, " (", 2) == 0;
}

/*
 * The length of the name at the beginning of `rest`, or 0 if it is not this kind of
 * sentence. A name never ends in a bracket or a colon: in "[ann] to you] x" ann says "to
 * you] x".
 */
static size_t name_length(const char *rest, enum words kind)
{
    const char *after = sentences[kind].after;
    size_t length = strcspn(rest, " ");

    if (length > 1 && strchr("]:", rest[length - 1]) != NULL)
        length--;
    if (strncmp(rest + length, after, strlen(after)) != 0)
        return 0;
    after = rest + length + strlen(after);
    if ((kind == WORDS_JOINED || kind == WORDS_IN_USE) && *after != '\0')
        return 0;
    return kind == WORDS_LEFT && !is_farewell(after) ? 0 : length;
}

enum words words_read(const char *line, struct words_parts *parts)
{
    for (enum words kind = WORDS_FROM_YOU; kind < SENTENCES; kind++) {
        const struct sentence *sentence = &sentences[kind];
        size_t before = strlen(sentence->before), length;

        if (strncmp(line, sentence->before, before) != 0)
            continue;
        length = name_length(line + before, kind);
        if (length == 0)
            continue;
        parts->name = before;
        parts->name_length = length;
        parts->text = before + length + strlen(sentence->after);
        parts->text_length = strlen(line + parts->text);
        return kind;
    }
    return WORDS_NONE;
}
