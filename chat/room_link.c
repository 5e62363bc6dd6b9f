#include "chat/room_link.h"

#include "base/clock.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define NAMING_MS   5000 /* for the answer to /nick */
#define NAMES_MOST  99   /* to try, all except the first with a number at the end */
#define TIMING_MARK 6    /* the telnet option (RFC 860) */

/* ---- The name ----------------------------------------------------------------------- */

/* Asks for the wanted name, in the room's letters, with a number after the first try. */
static void ask_for_name(struct room_link *room)
{
    char number[12] = "", command[sizeof room->name + 16];
    int keep, length;

    if (room->names_tried > 0)
        snprintf(number, sizeof number, "%d", room->names_tried);
    keep = WORDS_NICK_MOST - (int)strlen(number);
    snprintf(room->name, sizeof room->name, "%.*s%s", keep, room->settings.name, number);
    for (char *letter = room->name; *letter != '\0'; letter++)
        if (strchr(WORDS_NICK_LETTERS, *letter) == NULL)
            *letter = '_';
    length = snprintf(command, sizeof command, "/nick %s\r\n", room->name);
    link_reply(&room->link, command, (size_t)length);
    room->asked = true;
    room->state = ROOM_NAMING;
    room->link.due = clock_ms() + NAMING_MS;
}

static void introduce(struct room_link *room)
{
    room->input = (struct input){.keep = 0};
    room->in_pieces = room->skipping = false;
    room->names_tried = 0;
    ask_for_name(room);
}

static void take_another_name(struct room_link *room)
{
    room->asked = false;
    if (++room->names_tried > NAMES_MOST)
        link_lose(&room->link, "no name is free in", "all that were tried are in use");
    else
        ask_for_name(room);
}

/*
 * Is the line the room's answer to /nick? If somebody else took the name just before us,
 * the news of that looks like our own success. So "in use" is believed even after that.
 */
static bool take_answer(struct room_link *room, const char *line)
{
    const struct options_peer *server = &room->settings.link.server;
    struct words_parts parts;
    enum words kind = words_read(line, &parts);

    if (kind == WORDS_IN_USE && room->asked && parts.name_length == strlen(room->name) &&
        strncmp(line + parts.name, room->name, parts.name_length) == 0) {
        take_another_name(room);
        return true;
    }
    if (room->state != ROOM_NAMING || kind != WORDS_RENAMED ||
        strcmp(line + parts.text, room->name) != 0)
        return false;
    room->state = ROOM_JOINED;
    room->link.due = INT64_MAX;
    link_report(&room->link, "in the room at %s port %d as %s", server->host,
                server->port, room->name);
    return true;
}

/* ---- What comes in ------------------------------------------------------------------ */

static void take_line(struct room_link *room, enum input_event event)
{
    const char *line = room->input.line.text;
    size_t keep = 0;

    if (!room->skipping && (room->in_pieces || !take_answer(room, line)))
        keep = room->settings.hear(room->settings.link.owner, line);
    room->in_pieces = event == INPUT_PIECE;
    room->skipping = room->in_pieces && (keep == 0 || keep > LINE_KEPT);
    if (room->in_pieces && !room->skipping)
        input_keep(&room->input, keep);
}

static void take_bytes(struct room_link *room, const unsigned char *bytes, size_t length)
{
    for (size_t at = 0; at < length && room->link.state == LINK_UP;) {
        enum input_event event;

        at += input_take(&room->input, bytes + at, length - at, &event);
        switch (event) {
        case INPUT_LINE:
        case INPUT_PIECE: take_line(room, event); break;
        case INPUT_REPLY: /* it gets none: the room answers about our option */
        case INPUT_ANSWERED:
            if (room->input.telnet.option == TIMING_MARK)
                link_answered(&room->link);
            break;
        default: break;
        }
    }
}

/* ---- The link ----------------------------------------------------------------------- */

void room_link_start(struct room_link *room, const struct room_settings *settings)
{
    /* A telnet answers a timing mark when it has read all that came before, even if only to
       say that it has no such option. */
    static const char mark[] = {(char)TELNET_IAC, (char)TELNET_DO, TIMING_MARK};

    struct link_settings link = settings->link;

    memset(room, 0, offsetof(struct room_link, link));
    room->settings = *settings;
    link.title = "the room at ";
    link.question = mark;
    link.question_length = sizeof mark;
    link_start(&room->link, &link);
}

void room_link_step(struct room_link *room, const struct fdset *readable)
{
    char bytes[LINK_INPUT_BYTES];
    size_t length;

    switch (link_step(&room->link, readable, bytes, &length)) {
    case LINK_CONNECTED: introduce(room); break;
    case LINK_RECEIVED: take_bytes(room, (const unsigned char *)bytes, length); break;
    case LINK_NOTHING: break;
    }
    if (room->state == ROOM_NAMING && room->link.state == LINK_UP &&
        clock_ms() >= room->link.due)
        link_lose(&room->link, "no answer to /nick from", "it took too long");
    /* Nothing is said before the name is settled. */
    room->link.allowed = room->state == ROOM_JOINED ? ULONG_MAX : 0;
    (void)link_send(&room->link);
    if (room->link.state != LINK_UP)
        room->state = room->link.state == LINK_OVER ? ROOM_OVER : ROOM_OFFLINE;
}

bool room_link_say(struct room_link *room, const char *text)
{
    char line[LINE_MOST + 3];
    int length = snprintf(line, sizeof line, "%.*s\r\n", LINE_MOST, text);

    return line_queue_add(&room->link.queue, line, (size_t)length);
}

void room_link_stop(struct room_link *room)
{
    (void)link_send(&room->link);
    link_proven(&room->link); /* after an orderly close the system delivers it */
    link_close(&room->link);
    room->state = ROOM_OVER;
}
