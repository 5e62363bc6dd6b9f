#include "chat/chat_names.h"

#include <stdint.h>
#include <string.h>

/* How a line begins that has a name in it, and what stands behind the name, if anything. */
static const struct announcement {
    const char *before, *after;
} announcements[] = {
    {"[you to ", "] "},
    {"[", " to you] "},
    {"[", "] "},
    {"* ", " "},
    {"Client joined ", ""},
    {"Client left ", ":"},
    {"Client left ", " ("},
    {"Client left ", ""},
    {"Client ", " is now "},
};

/* The name's length in a line of that kind, or 0: the line is of another. */
static size_t name_length(const char *line, const struct announcement *kind)
{
    size_t before = strlen(kind->before);
    const char *name = line + before, *end;

    if (strncmp(line, kind->before, before) != 0)
        return 0;
    end = name + strcspn(name, " ");
    if (*kind->after == '\0')
        return *end == '\0' ? (size_t)(end - name) : 0;
    for (const char *at = strstr(name, kind->after); at != NULL && at <= end;
         at = strstr(at + 1, kind->after))
        if (at + 1 >= end)
            return (size_t)(at - name);
    return 0;
}

int chat_names_find(const char *line, struct chat_name names[CHAT_NAMES_MOST])
{
    const struct announcement *kind = announcements;
    const struct announcement *end = kind + sizeof announcements / sizeof *kind;
    size_t length = 0, second;

    while (kind < end && (length = name_length(line, kind)) == 0)
        kind++;
    if (kind == end)
        return 0;
    names[0] = (struct chat_name){.at = strlen(kind->before), .length = length};
    if (strcmp(kind->after, " is now ") != 0)
        return 1;
    second = names[0].at + length + strlen(kind->after);
    names[1] = (struct chat_name){.at = second, .length = strlen(line + second)};
    return 2;
}

const char *chat_names_colour(const char *name, size_t length)
{
    /* Six colours that can be read on black and on white, and their bold sisters. */
    static const char *const colours[] = {"31",   "32",   "33",   "34",   "35",   "36",
                                          "1;31", "1;32", "1;33", "1;34", "1;35", "1;36"};
    uint32_t hash = 2166136261U; /* FNV-1a */

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619U;
    return colours[(hash >> 16) % (sizeof colours / sizeof colours[0])];
}
