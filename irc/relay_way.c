#include "irc/relay_way.h"

#include <stdbool.h>
#include <string.h>

/* The length of the name in angle brackets, and of the space after it; 0: there is none. */
static size_t name_length(const char *text)
{
    size_t length = *text == '<' ? 1 + strcspn(text + 1, "<> ") : 0;

    return length > 1 && text[length] == '>' && text[length + 1] == ' ' ? length + 2 : 0;
}

size_t way_length(const char *line)
{
    size_t length = 0, name;

    while ((name = name_length(line + length)) > 0)
        length += name;
    return length;
}

enum relay_way relay_way_of(const char *const names[2], enum side side, const char *line)
{
    size_t end = way_length(line), at = name_length(line), length;
    bool has_author =
        strncmp(line + end, "* ", 2) != 0 && strncmp(line + end, "-- ", 3) != 0;

    if (end > WAY_MOST)
        return WAY_TOO_LONG;
    for (int count = 1; (length = name_length(line + at)) > 0; count++) {
        const char *own = names[count % 2 == 0 ? side : !side];
        bool is_own =
            strlen(own) == length - 3 && strncmp(line + at + 1, own, length - 3) == 0;

        at += length;
        if (at == end && has_author)
            return WAY_ON;
        if (is_own)
            return count == 1 ? WAY_OTHER : WAY_CAME_BACK;
    }
    return WAY_ON;
}
