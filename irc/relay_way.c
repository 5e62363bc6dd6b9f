#include "irc/relay_way.h"

#include <stdio.h>
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

static void report_once(struct relay_way *way, bool *told, const char *text)
{
    if (!*told)
        way->report(way->owner, text);
    *told = true;
}

static void report_other(struct relay_way *way, const char *line)
{
    char text[WAY_MOST + 128];

    snprintf(text, sizeof text,
             "%.*s links this room and channel too, so lines may come twice: end one of "
             "the two, or give this relay a name of its own (-n)",
             (int)name_length(line) - 3, line + 1);
    report_once(way, &way->told_of_other, text);
}

bool relay_way_came_back(struct relay_way *way, enum side side, const char *line)
{
    size_t end = way_length(line), at = name_length(line), length;
    bool has_author =
        strncmp(line + end, "* ", 2) != 0 && strncmp(line + end, "-- ", 3) != 0;

    if (end > WAY_MOST) {
        report_once(way, &way->told_of_length,
                    "a line with too many names in angle brackets before it, or too "
                    "long ones, is not passed on");
        return true;
    }
    for (int names = 1; (length = name_length(line + at)) > 0; names++) {
        const char *own = way->names[names % 2 == 0 ? side : !side];
        bool is_own =
            strlen(own) == length - 3 && strncmp(line + at + 1, own, length - 3) == 0;

        at += length;
        if (at == end && has_author)
            return false;
        if (is_own && names == 1)
            report_other(way, line);
        else if (is_own)
            report_once(
                way, &way->told_of_ring,
                "its own words came back by way of other relays, and go no further");
        if (is_own)
            return true;
    }
    return false;
}
