#include "chat/visitor.h"

#include "base/clock.h"
#include "net/text.h"

#include <stdio.h>
#include <string.h>

#define PAUSE_MOST_MS 2000 /* between attempts: people wait for it */

/*
 * The texts go to people's screens, so they are without what misleads a reader
 * (net/text.h). What does not fit is cut off; a line of the room's fits.
 */
void visitor_note(struct visitor *visitor, const char *type, const char *first,
                  const char *second)
{
    char event[LINE_MOST + WORDS_NAME_MOST + 64];
    int length = snprintf(event, sizeof event, "%s%s%s%s%s", type,
                          first != NULL ? "\n" : "", first != NULL ? first : "",
                          second != NULL ? "\n" : "", second != NULL ? second : "");

    if ((size_t)length >= sizeof event)
        length = (int)sizeof event - 1;
    text_straighten(event, (size_t)length);
    heard_add(&visitor->heard, &visitor->lobby->history, event, (size_t)length);
}

/* ---- What the room says ------------------------------------------------------------- */

/*
 * Is the line a row of the answer to the gateway's own /who? "3 here: ann, bob," begins it,
 * further rows begin with two spaces, and the last does not end in a comma. What people say
 * never begins like that: a name comes before it.
 */
static bool take_who_row(struct visitor *visitor, const char *line)
{
    size_t digits = strspn(line, "0123456789"), length = strlen(line);
    bool begins = visitor->who == WHO_ASKED && digits > 0 &&
                  strncmp(line + digits, " here:", 6) == 0;
    bool goes_on = visitor->who == WHO_LISTING && strncmp(line, "  ", 2) == 0;

    if (!begins && !goes_on)
        return false;
    visitor->who = strchr(",:", line[length - 1]) != NULL ? WHO_LISTING : WHO_NOT;
    visitor_note(visitor, "who", line, NULL);
    return true;
}

static void take_sentence(struct visitor *visitor, enum words kind, const char *line,
                          const struct words_parts *parts)
{
    static const char *const types[] = {
        [WORDS_FROM_YOU] = "to",    [WORDS_TO_YOU] = "from",   [WORDS_SAID] = "said",
        [WORDS_ACTION] = "action",  [WORDS_JOINED] = "joined", [WORDS_LEFT] = "left",
        [WORDS_RENAMED] = "renamed"};
    const char *text = line + parts->text;
    char name[WORDS_NAME_MOST];

    snprintf(name, sizeof name, "%.*s", (int)parts->name_length, line + parts->name);
    visitor_note(visitor, types[kind], name, kind == WORDS_JOINED ? NULL : text);
    if (kind == WORDS_RENAMED && strcmp(name, visitor->name) == 0) {
        snprintf(visitor->name, sizeof visitor->name, "%s", text);
        visitor_note(visitor, "you", visitor->name, NULL);
    }
}

/* Returns what room_link's `hear` returns: where the text begins, for the next piece. */
static size_t hear(void *owner, const char *line)
{
    struct visitor *visitor = owner;
    struct words_parts parts;
    enum words kind = words_read(line, &parts);

    if (take_who_row(visitor, line))
        return 0;
    if (kind == WORDS_NONE || kind == WORDS_IN_USE ||
        parts.name_length >= WORDS_NAME_MOST) {
        if (!visitor->is_down) /* each attempt to come back hears the same */
            visitor_note(visitor, "note", line, NULL);
        return 0;
    }
    take_sentence(visitor, kind, line, &parts);
    /* A farewell keeps its colon: without it the rest would look like a part of the name. */
    return parts.text + (kind == WORDS_LEFT && parts.text_length > 0 ? strlen(": ") : 0);
}

/* ---- Coming and going --------------------------------------------------------------- */

/*
 * The link's news. Only a failure matters here: visitor_step() sees the rest. A room that
 * lets nobody in says why before it closes the connection.
 */
static void report(void *owner, const char *text)
{
    struct visitor *visitor = owner;
    struct lobby *lobby = visitor->lobby;
    bool was_naming = visitor->room.state == ROOM_NAMING;
    const char *heard = was_naming ? visitor->room.input.line.text : "";

    if (visitor->room.link.state != LINK_PAUSING)
        return;
    lobby->is_down = true;
    snprintf(lobby->why, sizeof lobby->why, "%.*s%s%.200s%s", (int)strcspn(text, ";"),
             text, *heard != '\0' ? " after '" : "", heard, *heard != '\0' ? "'" : "");
    if (!visitor->is_down)
        visitor_note(visitor, "down", lobby->why, NULL);
    visitor->is_down = true;
    visitor->is_joined = false;
}

static void enter(struct visitor *visitor)
{
    struct lobby *lobby = visitor->lobby;
    struct room_settings settings = {.link = {.server = lobby->server,
                                              .pause_most_ms = PAUSE_MOST_MS,
                                              .known = &lobby->known,
                                              .report = report,
                                              .owner = visitor},
                                     .name = visitor->name,
                                     .hear = hear};

    visitor->is_joined = visitor->is_over = false;
    visitor->who = WHO_NOT;
    visitor->is_down = lobby->is_down;
    if (lobby->is_down)
        visitor_note(visitor, "down", lobby->why, NULL);
    room_link_start(&visitor->room, &settings);
}

void visitor_come(struct visitor *visitor, struct lobby *lobby, const char *name)
{
    visitor->lobby = lobby;
    snprintf(visitor->name, sizeof visitor->name, "%s", name);
    heard_begin(&visitor->heard, &lobby->history);
    visitor->sent = 0;
    enter(visitor);
}

void visitor_leave(struct visitor *visitor)
{
    room_link_stop(&visitor->room);
    visitor->is_over = true;
    visitor->left_at = clock_ms();
}

void visitor_come_back(struct visitor *visitor)
{
    char text[120];

    snprintf(
        text, sizeof text,
        "You were out of the room for %lld s, and what was said then is missing here",
        (long long)(clock_ms() - visitor->left_at) / 1000);
    visitor_note(visitor, "missing", text, NULL);
    enter(visitor);
}

/* Notes the name, and who is here, for a browser that may know neither. */
static void refresh(struct visitor *visitor)
{
    static const char question[] = "/who\r\n";

    if (!visitor->is_joined || visitor->who != WHO_NOT)
        return;
    visitor_note(visitor, "you", visitor->name, NULL);
    link_reply(&visitor->room.link, question, strlen(question)); /* not the visitor's */
    visitor->who = WHO_ASKED;
}

static void join(struct visitor *visitor)
{
    visitor->is_joined = true;
    visitor->is_down = visitor->lobby->is_down = false;
    visitor->who = WHO_NOT;
    snprintf(visitor->name, sizeof visitor->name, "%s", visitor->room.name);
    refresh(visitor);
}

/* ---- The link ----------------------------------------------------------------------- */

/* Is the visitor about to try a room that is down? Attempts begin two seconds apart. */
static bool is_trying(const struct visitor *visitor)
{
    return visitor->lobby->is_down && visitor->room.link.state == LINK_PAUSING;
}

int64_t visitor_deadline(const struct visitor *visitor)
{
    int64_t deadline = link_deadline(&visitor->room.link);
    int64_t try_at = visitor->lobby->try_at;

    return is_trying(visitor) && try_at > deadline ? try_at : deadline;
}

void visitor_step(struct visitor *visitor, const struct fdset *readable)
{
    struct link *link = &visitor->room.link;
    int64_t now = clock_ms();
    char lost[80];

    if (is_trying(visitor) && now < visitor_deadline(visitor))
        return;
    if (is_trying(visitor))
        visitor->lobby->try_at = now + PAUSE_MOST_MS;
    room_link_step(&visitor->room, readable);
    if (link->lost > 0) {
        snprintf(lost, sizeof lost, "%lu of your lines may not have arrived", link->lost);
        visitor_note(visitor, "note", lost, NULL);
        link->lost = 0;
    }
    if (visitor->room.state == ROOM_JOINED && !visitor->is_joined)
        join(visitor);
    if (visitor->room.state == ROOM_OVER && !visitor->is_over) {
        visitor->is_over = true;
        visitor_note(visitor, "over", NULL, NULL);
    }
}

/* ---- Events for the browser --------------------------------------------------------- */

const char *visitor_next_event(struct visitor *visitor, size_t *length)
{
    struct heard *heard = &visitor->heard;
    const struct history *history = &visitor->lobby->history;
    uint64_t first = heard_first(heard, history), next = visitor->sent + 1;

    if (next == heard->next)
        return NULL;
    if (next >= first)
        return heard_line(heard, history, ++visitor->sent, length);
    *length =
        (size_t)snprintf(visitor->missing, sizeof visitor->missing,
                         "missing\n%llu lines are missing here: there were too many",
                         (unsigned long long)(first - next));
    visitor->sent = first - 1;
    refresh(visitor);
    return visitor->missing;
}

void visitor_rewind(struct visitor *visitor, uint64_t last)
{
    visitor->sent = last < visitor->heard.next ? last : visitor->heard.next - 1;
}

/* ---- What the visitor says ---------------------------------------------------------- */

/* The words after a command, or NULL if the line is not that command. */
static const char *words_of(const char *line, const char *command)
{
    size_t length = strlen(command);

    if (strncmp(line, command, length) != 0 || strchr(" \t", line[length]) == NULL)
        return NULL; /* strchr() finds the end of the string, too */
    return line + length + strspn(line + length, " \t");
}

/* Notes what the others hear, as the room will take it (chat/commands.h). */
static void note_own(struct visitor *visitor, const char *line)
{
    const char *action = words_of(line, "/me");

    if (action != NULL && *action != '\0')
        visitor_note(visitor, "own-action", visitor->name, action);
    else if (line[0] != '/' || line[1] == '/')
        visitor_note(visitor, "own", visitor->name, line + (line[0] == '/'));
}

/*
 * Makes bytes clean text, as the room would (net/text.h), so that none of them is a telnet
 * command or a control character. Returns the length.
 */
static size_t clean(const char *bytes, size_t length, char *text)
{
    struct text state = {.have = 0};
    size_t written = 0;

    for (size_t i = 0; i < length; i++)
        written += text_take(&state, (unsigned char)bytes[i], text + written);
    written += text_finish(&state, text + written);
    text[written] = '\0';
    return written;
}

enum visitor_says visitor_say(struct visitor *visitor, const char *bytes, size_t length)
{
    char line[TEXT_MOST * (LINE_MOST + 1) + 1];

    if (length > 0 && bytes[length - 1] == '\n')
        length--;
    if (length > 0 && bytes[length - 1] == '\r')
        length--;
    if (length == 0 || memchr(bytes, '\n', length) != NULL ||
        memchr(bytes, '\r', length) != NULL)
        return VISITOR_NO_LINE;
    if (length > LINE_MOST || clean(bytes, length, line) > LINE_MOST)
        return VISITOR_TOO_LONG;
    if (visitor->is_down || visitor->is_over || visitor->room.link.ending)
        return VISITOR_CANNOT;
    if (!room_link_say(&visitor->room, line))
        return VISITOR_TOO_MUCH;
    note_own(visitor, line);
    if (words_of(line, "/nick") != NULL && visitor->is_joined)
        visitor->room.asked = false; /* the answer is the visitor's, not the link's */
    if (words_of(line, "/quit") != NULL)
        link_end(&visitor->room.link); /* the room closes the connection */
    return VISITOR_SAID;
}
