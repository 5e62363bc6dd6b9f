#include "irc/relay_way.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

/* A line is known by so much of it: the rest may have been cut off on the way. */
#define SAID_BYTES 100

/* A relay that stands by goes on when its twin has said nothing of what is held for so long. */
#define HELD_MS 10000

/* ---- What was said ------------------------------------------------------------------ */

/* FNV-1a, of a line that may still have its end. */
static uint32_t hash_of(const char *line)
{
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < SAID_BYTES && line[i] != '\0' && line[i] != '\n'; i++)
        hash = (hash ^ (unsigned char)line[i]) * 16777619U;
    return hash == 0 ? 1 : hash;
}

static void remember(struct said *said, const char *line)
{
    said->lines[said->next] = hash_of(line);
    said->next = (said->next + 1) % SAID_LINES;
}

/* Where the line is remembered, or NULL. */
static const uint32_t *find(const struct said *said, const char *line)
{
    uint32_t hash = hash_of(line);

    for (int i = 0; i < SAID_LINES; i++)
        if (said->lines[i] == hash)
            return &said->lines[i];
    return NULL;
}

/* Was it remembered? It is no more. */
static bool forget(struct said *said, const char *line)
{
    const uint32_t *found = find(said, line);

    if (found != NULL)
        said->lines[found - said->lines] = 0;
    return found != NULL;
}

static bool was_said(const struct relay_way *way, enum side side, const char *line)
{
    return find(&way->sides[side].said, line) != NULL;
}

/* ---- Names -------------------------------------------------------------------------- */

/* The length of the name in angle brackets, with the space behind it, or 0 for none. */
static size_t name_length(const char *text)
{
    size_t length = *text == '<' ? 1 + strcspn(text + 1, "<> ") : 0;

    return length > 1 && text[length] == '>' && text[length + 1] == ' ' ? length + 2 : 0;
}

/* Does a text begin with this name in angle brackets? */
static bool begins_with(const char *text, const char *name)
{
    size_t length = name_length(text);

    return length > 0 && strlen(name) == length - 3 &&
           strncmp(text + 1, name, length - 3) == 0;
}

/* ---- Twins -------------------------------------------------------------------------- */

static const char stands_by_for[] = "-- this relay stands by for ";

bool relay_way_stands_by(const struct relay_way *way, enum side side)
{
    return *way->sides[side].speaker != '\0';
}

static void report(struct relay_way *way, const char *name, const char *what)
{
    char text[256];

    (void)snprintf(text, sizeof text, "%.64s %s", name, what);
    way->report(way->owner, text);
}

static void go_on(struct relay_way *way, enum side side, const char *why)
{
    report(way, way->sides[side].speaker, why);
    way->sides[side].speaker[0] = '\0';
    way->sides[side].early_until = clock_ms() + HELD_MS;
}

static void tell_standing_by(struct relay_way *way, enum side side)
{
    char line[sizeof stands_by_for + IRC_NICK_MOST];

    (void)snprintf(line, sizeof line, "%s%s", stands_by_for, way->sides[side].speaker);
    relay_way_tell(way, side, line);
}

static void stand_by(struct relay_way *way, enum side side, const char *name)
{
    struct way_side *here = &way->sides[side];

    (void)snprintf(here->speaker, sizeof here->speaker, "%s", name);
    here->early = (struct said){.next = 0};
    here->held_since = clock_ms();
}

/* Somebody brings here what this relay has said on the other side. */
static void meet_twin(struct relay_way *way, enum side side, const char *name)
{
    if (relay_way_stands_by(way, side) || strlen(name) > IRC_NICK_MOST)
        return;
    stand_by(way, side, name);
    report(way, name,
           side == CHANNEL ? "passes on the room as well: this relay stands by"
                           : "passes on the channel as well: this relay stands by");
    tell_standing_by(way, side);
}

/* Takes off what waits up to this line: what is said of it comes in its order. */
static bool strike(struct line_queue *queue, const char *line)
{
    uint32_t hash = hash_of(line);

    for (size_t at = 0; at < queue->length;) {
        const char *begin = queue->bytes + at;
        const char *end = memchr(begin, '\n', queue->length - at);

        at += (size_t)(end - begin) + 1;
        if (hash_of(begin) == hash) {
            line_queue_remove(queue, at);
            queue->dropped = 0; /* of what the twin has said */
            return true;
        }
    }
    return false;
}

/* A twin has begun to stand by. Of two that do for each other the first in order goes on. */
static void take_deputy(struct relay_way *way, enum side side, const char *name)
{
    struct way_side *here = &way->sides[side];

    (void)snprintf(here->deputy, sizeof here->deputy, "%s", name);
    if (strcmp(name, here->speaker) == 0 && strcmp(way->names[side], name) < 0)
        go_on(way, side, "stands by as well: this relay goes on");
}

bool relay_way_hear(struct relay_way *way, enum side side, const char *name,
                    const char *words)
{
    struct way_side *here = &way->sides[side];
    size_t length = strlen(words), known = strlen(stands_by_for);

    if (strlen(name) <= IRC_NICK_MOST && strncmp(words, stands_by_for, known) == 0 &&
        strcmp(words + known, way->names[side]) == 0)
        take_deputy(way, side, name);
    if (strcmp(name, here->speaker) != 0)
        return false;
    if (strncmp(words, "-- the link to ", 15) == 0 && length > 8 &&
        strcmp(words + length - 8, " is lost") == 0)
        go_on(way, side, "has lost its link: this relay goes on");
    else if (strike(&here->waiting, words))
        here->held_since = clock_ms();
    else
        remember(&here->early, words);
    return true;
}

void relay_way_gone(struct relay_way *way, enum side side, const char *name,
                    const char *now_called)
{
    struct way_side *here = &way->sides[side];

    if (strlen(now_called) > IRC_NICK_MOST)
        now_called = "";
    if (strcmp(name, here->deputy) == 0)
        (void)snprintf(here->deputy, sizeof here->deputy, "%s", now_called);
    if (!relay_way_stands_by(way, side) || strcmp(name, here->speaker) != 0)
        return;
    if (*now_called == '\0')
        go_on(way, side, "has left: this relay goes on");
    else
        (void)snprintf(here->speaker, sizeof here->speaker, "%s", now_called);
}

void relay_way_link(struct relay_way *way, bool linked)
{
    way->linked = linked;
    for (enum side side = ROOM; side <= CHANNEL; side++) {
        struct way_side *here = &way->sides[side];

        here->held_since = clock_ms();
        if (linked && relay_way_stands_by(way, side)) {
            tell_standing_by(way, side);
        } else if (!linked && !relay_way_stands_by(way, side) && *here->deputy != '\0') {
            stand_by(way, side, here->deputy);
            report(way, here->deputy, "goes on in the place of this relay");
        }
    }
}

static int64_t held_until(const struct relay_way *way, enum side side)
{
    const struct way_side *here = &way->sides[side];

    if (!way->linked || !relay_way_stands_by(way, side) || here->waiting.length == 0)
        return INT64_MAX;
    return here->held_since + HELD_MS;
}

int64_t relay_way_deadline(const struct relay_way *way)
{
    int64_t room = held_until(way, ROOM), channel = held_until(way, CHANNEL);

    return room < channel ? room : channel;
}

/* A mark that comes first has had its time: a twin that knows this relay passes none on. */
static bool drop_marks(struct relay_way *way, enum side side)
{
    struct line_queue *queue = &way->sides[side].waiting;
    bool dropped = false;

    while (queue->length > 0 && relay_way_is_mark(way, side, queue->bytes)) {
        const char *end = memchr(queue->bytes, '\n', queue->length);

        line_queue_remove(queue, (size_t)(end - queue->bytes) + 1);
        dropped = true;
    }
    return dropped;
}

void relay_way_step(struct relay_way *way)
{
    for (enum side side = ROOM; side <= CHANNEL; side++) {
        if (clock_ms() < held_until(way, side))
            continue;
        if (drop_marks(way, side))
            way->sides[side].held_since = clock_ms();
        else
            go_on(way, side, "keeps lines to itself: this relay goes on");
    }
}

/* ---- What is to be said ------------------------------------------------------------- */

static bool add(struct way_side *here, const char *line, size_t spare)
{
    struct line_queue *queue = &here->waiting;
    char whole[WAY_LINE_BYTES];
    int length = snprintf(whole, sizeof whole, "%.*s\n", WAY_LINE_BYTES - 2, line);

    if ((size_t)length + spare > sizeof queue->bytes - queue->length) {
        queue->dropped++;
        return false;
    }
    if (queue->length == 0)
        here->held_since = clock_ms();
    return line_queue_add(queue, whole, (size_t)length);
}

/* Is the twin's name on the way? It does not pass that on, and need not. */
static bool is_through_twin(const struct relay_way *way, const char *line)
{
    size_t at = 0, length;

    for (; (length = name_length(line + at)) > 0; at += length)
        for (enum side side = ROOM; side <= CHANNEL; side++)
            if (begins_with(line + at, way->sides[side].speaker))
                return true;
    return false;
}

bool relay_way_say(struct relay_way *way, enum side side, const char *line, bool is_rest)
{
    struct way_side *here = &way->sides[side];

    remember(&here->said, line);
    if (relay_way_stands_by(way, side) && is_through_twin(way, line))
        return false;
    if ((relay_way_stands_by(way, side) || clock_ms() < here->early_until) &&
        forget(&here->early, line))
        return false;
    return add(here, line, is_rest ? 0 : WAY_LINE_BYTES);
}

void relay_way_tell(struct relay_way *way, enum side side, const char *line)
{
    char mark[WAY_LINE_BYTES];

    remember(&way->sides[side].said, line);
    if (relay_way_stands_by(way, side))
        way->tell(way->owner, side, line);
    else
        (void)add(&way->sides[side], line, 0);
    if (!relay_way_stands_by(way, !side))
        return;
    (void)snprintf(mark, sizeof mark, "<%s> %s", way->names[side], line);
    (void)add(&way->sides[!side], mark, 0);
}

bool relay_way_is_mark(const struct relay_way *way, enum side side, const char *line)
{
    return begins_with(line, way->names[!side]);
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
    char speaker[WAY_MOST + 1];

    if (is_too_long(way, end))
        return true;
    (void)snprintf(speaker, sizeof speaker, "%.*s", (int)at - 3, line + 1);

    /* A twin says here what this relay has said here: it would go round between them. */
    if (end > at + name_length(line + at) && was_said(way, side, line + at))
        return true;
    for (int names = 1; (length = name_length(line + at)) > 0; names++) {
        const char *name = line + at;

        at += length;
        if (at == end && has_author)
            break;
        if (!begins_with(name, way->names[names % 2 == 0 ? side : !side]))
            continue;
        if (names > 1 || !was_said(way, !side, line + at))
            warn(way);
        else
            meet_twin(way, side, speaker);
        return true;
    }
    return false;
}
