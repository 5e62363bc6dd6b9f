#include "clients/relay_way.h"

#include "net/clock.h"

#include <stdio.h>
#include <string.h>

/* A line is known by so much of it: the rest may have been cut off on the way. */
#define SAID_BYTES 100

/* A relay that stands by goes on when its twin has kept lines to itself for so long. */
#define MISSED_MS 10000

/* And so many: one that was heard before it was to be said looks like one that is missed. */
#define MISSED_LINES 3

/* ---- What was said ------------------------------------------------------------------ */

/* FNV-1a. */
static uint32_t hash_of(const char *line)
{
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < SAID_BYTES && line[i] != '\0'; i++)
        hash = (hash ^ (unsigned char)line[i]) * 16777619U;
    return hash == 0 ? 1 : hash;
}

/* Remembers a line. Returns its place. */
static int remember(struct said *said, const char *line)
{
    int place = said->next;

    said->lines[place] = hash_of(line);
    said->next = (place + 1) % SAID_LINES;
    return place;
}

static bool was_said(const struct relay_way *way, enum side side, const char *line)
{
    uint32_t hash = hash_of(line);

    for (int i = 0; i < SAID_LINES; i++)
        if (way->said[side].lines[i] == hash)
            return true;
    return false;
}

/* ---- Names -------------------------------------------------------------------------- */

/* The length of the name in angle brackets, with the space behind it, or 0 for none. */
static size_t name_length(const char *text)
{
    size_t length = *text == '<' ? 1 + strcspn(text + 1, "<> ") : 0;

    return length > 1 && text[length] == '>' && text[length + 1] == ' ' ? length + 2 : 0;
}

/* ---- Twins -------------------------------------------------------------------------- */

static void go_on(struct relay_way *way, const char *why)
{
    char text[256];

    (void)snprintf(text, sizeof text, "%.64s %s: this relay goes on", way->first, why);
    way->first[0] = '\0';
    way->report(way->owner, text);
}

/* The one whose nick comes first passes lines on. */
static void meet_twin(struct relay_way *way, const char *nick)
{
    const char *chosen = *way->first != '\0' ? way->first : way->names[CHANNEL];
    char text[256];

    if (strlen(nick) > IRC_NICK_MOST || strcmp(nick, chosen) >= 0)
        return;
    if (*way->first == '\0') {
        (void)snprintf(text, sizeof text,
                       "%.64s links the same room and channel: this relay stands by",
                       nick);
        way->report(way->owner, text);
    }
    memcpy(way->first, nick, strlen(nick) + 1);
    way->missed_since[ROOM] = way->missed_since[CHANNEL] = 0;
}

/* The twin is known by its name in the room: its nick is that of who said this there. */
static void meet_who_said(struct relay_way *way, const char *line)
{
    uint32_t hash = hash_of(line);

    for (int i = 0; i < SAID_LINES; i++)
        if (way->heard.lines[i] == hash)
            meet_twin(way, way->heard_from[i]);
}

/* How many lines the twin has still to pass on, on a side. */
static int missed(const struct relay_way *way, enum side side)
{
    int count = way->said[side].next - way->missed_from[side];

    return count < 0 ? count + SAID_LINES : count;
}

/* It has itself brought this from there: it is not to bring it back. */
static bool is_of_twin(const struct relay_way *way, enum side side, const char *line)
{
    size_t name = name_length(line);

    return name > 0 && was_said(way, !side, line + name);
}

bool relay_way_may_say(struct relay_way *way, enum side side, const char *line)
{
    int place = remember(&way->said[side], line), kept;
    char why[64];

    if (*way->first == '\0')
        return true;
    if (is_of_twin(way, side, line))
        return false;
    if (way->missed_since[side] == 0) {
        way->missed_since[side] = clock_ms();
        way->missed_from[side] = place;
    }
    kept = missed(way, side) - 1; /* this one is not lost */
    if (kept < MISSED_LINES || clock_ms() - way->missed_since[side] <= MISSED_MS)
        return false;
    (void)snprintf(why, sizeof why, "has kept %d line%s to itself", kept,
                   kept == 1 ? "" : "s");
    go_on(way, why);
    return true;
}

bool relay_way_may_tell_news(struct relay_way *way, enum side side, const char *line)
{
    (void)remember(&way->said[side], line);
    return *way->first == '\0';
}

/* The twin has passed this on, and so, in their order, all that it will of those before. */
static void tick_off(struct relay_way *way, enum side side, const char *line)
{
    uint32_t hash = hash_of(line);

    for (int count = missed(way, side), i = 0; i < count; i++) {
        int place = (way->missed_from[side] + i) % SAID_LINES;

        if (way->said[side].lines[place] == hash) {
            way->missed_from[side] = (place + 1) % SAID_LINES;
            way->missed_since[side] = missed(way, side) > 0 ? clock_ms() : 0;
            return;
        }
    }
}

void relay_way_hear(struct relay_way *way, enum side side, const char *name,
                    const char *words)
{
    if (side == CHANNEL)
        (void)snprintf(way->heard_from[remember(&way->heard, words)],
                       sizeof way->heard_from[0], "%s", name);
    if (way->missed_since[side] != 0)
        tick_off(way, side, words);
}

void relay_way_gone(struct relay_way *way, const char *nick)
{
    if (*way->first != '\0' && strcmp(way->first, nick) == 0)
        go_on(way, "has left");
}

void relay_way_lost(struct relay_way *way)
{
    if (*way->first != '\0')
        go_on(way, "is out of sight");
}

/* ---- The way a line came ------------------------------------------------------------ */

size_t way_length(const char *line)
{
    size_t length = 0, name;

    while ((name = name_length(line + length)) > 0)
        length += name;
    return length;
}

static bool is_too_long(struct relay_way *way, size_t length)
{
    if (length <= WAY_MOST)
        return false;
    if (!way->warned_of_length)
        way->report(way->owner,
                    "a line with too many names in angle brackets before it, or too "
                    "long ones, is not passed on");
    way->warned_of_length = true;
    return true;
}

static void warn(struct relay_way *way)
{
    if (!way->warned)
        way->report(way->owner, "its own words came back, and go no further");
    way->warned = true;
}

bool relay_way_came_back(struct relay_way *way, enum side side, const char *line)
{
    size_t end = way_length(line), at = name_length(line), length;
    bool has_author =
        strncmp(line + end, "* ", 2) != 0 && strncmp(line + end, "-- ", 3) != 0;
    char name[WAY_MOST + 1], speaker[WAY_MOST + 1];

    if (is_too_long(way, end))
        return true;
    (void)snprintf(speaker, sizeof speaker, "%.*s", (int)at - 3, line + 1);

    /* A twin says here what this relay has said here: it would go round between them. */
    if (end > at + name_length(line + at) && was_said(way, side, line + at))
        return true;
    for (int names = 1; (length = name_length(line + at)) > 0; names++) {
        at += length;
        if (at == end && has_author)
            break;
        (void)snprintf(name, sizeof name, "%.*s", (int)length - 3,
                       line + at - length + 1);
        if (!irc_same(name, way->names[names % 2 == 0 ? side : !side]))
            continue;
        if (names > 1 || !was_said(way, !side, line + at))
            warn(way);
        else if (side == CHANNEL)
            meet_twin(way, speaker);
        else
            meet_who_said(way, line + at);
        return true;
    }
    return false;
}
