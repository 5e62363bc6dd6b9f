#include "chat/room_link.h"

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/fdset.h"
#include "net/keepalive.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define DIAL_MS     10000 /* to connect, with each address of the host */
#define NAMING_MS   5000  /* for a room that knows no /nick: then it goes without */
#define STEADY_MS   60000 /* a link that held for so long did not fail at once */
#define NAMES_MOST  99    /* that are tried, the first with a number behind it */
#define INPUT_BYTES 8192  /* of one recv() */
#define TIMING_MARK 6     /* the telnet option (RFC 860) */

static void report(struct room_link *link, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void report(struct room_link *link, const char *format, ...)
{
    char text[1024];
    va_list list;

    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    link->settings.report(link->settings.owner, text);
}

/* ---- Coming and going --------------------------------------------------------------- */

static void close_connection(struct room_link *link)
{
    dial_stop(&link->dial);
    if (link->socket != -1)
        descriptor_hang_up(link->socket);
    link->socket = -1;
    link->replies = (struct line_queue){.length = 0};
    line_queue_rewind(&link->queue);
}

static void enter(struct room_link *link, enum room_state state, int64_t ms)
{
    link->state = state;
    link->deadline = clock_ms() + ms;
}

static void lose(struct room_link *link, const char *what, const char *why)
{
    int64_t pause;

    if (link->state == ROOM_JOINED && clock_ms() - link->joined_at >= STEADY_MS)
        backoff_reset(&link->backoff);
    pause = backoff_next(&link->backoff);
    close_connection(link);
    enter(link, ROOM_PAUSING, pause);
    report(link, "%s the room at %s port %d: %s; trying again in %lld s", what,
           link->settings.host, link->settings.port, why, (long long)pause / 1000);
}

/* The name that is wanted, as far as the room allows it, with a number from the second on. */
static void ask_for_name(struct room_link *link)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    char number[12] = "", command[ROOM_NAME_MOST + 16];
    int keep, length;

    if (link->names_tried > 0)
        (void)snprintf(number, sizeof number, "%d", link->names_tried);
    keep = ROOM_NAME_MOST - (int)strlen(number);
    (void)snprintf(link->name, sizeof link->name, "%.*s%s", keep, link->settings.name,
                   number);
    for (char *letter = link->name; *letter != '\0'; letter++)
        if (strchr(allowed, *letter) == NULL)
            *letter = '_';
    length = snprintf(command, sizeof command, "/nick %s\r\n", link->name);
    link->asked = line_queue_add(&link->replies, command, (size_t)length);
}

static void greet(struct room_link *link)
{
    keepalive_enable(link->socket);
    link->telnet = (struct telnet){0};
    link->line = (struct line){.length = 0};
    link->in_pieces = link->skipping = link->knows_nick = false;
    link->names_tried = 0;
    enter(link, ROOM_NAMING, NAMING_MS);
    ask_for_name(link);
}

static void join(struct room_link *link)
{
    link->state = ROOM_JOINED;
    link->joined_at = clock_ms();
    report(link, "in the room at %s port %d as %s", link->settings.host,
           link->settings.port, link->name);
}

/* ---- What comes in ------------------------------------------------------------------ */

/* "Client OLD is now NAME". */
static bool is_renaming(const char *line, const char *name)
{
    static const char client[] = "Client ", is_now[] = " is now ";

    if (strncmp(line, client, strlen(client)) != 0)
        return false;
    line += strlen(client);
    line += strcspn(line, " ");
    return strncmp(line, is_now, strlen(is_now)) == 0 &&
           strcmp(line + strlen(is_now), name) == 0;
}

/*
 * Is the line the room's answer to /nick? What people say stands behind their names, so
 * none of them can give it. That somebody else got the name just before us looks like our
 * own success; that it is in use is believed after that, too.
 */
static bool take_answer(struct room_link *link, const char *line)
{
    char in_use[64];

    (void)snprintf(in_use, sizeof in_use, "The name %s is in use", link->name);
    if (link->asked && strcmp(line, in_use) == 0) {
        link->asked = false;
        if (++link->names_tried > NAMES_MOST) {
            lose(link, "no name is free in", "all that were tried are in use");
            return true;
        }
        enter(link, ROOM_NAMING, NAMING_MS);
        ask_for_name(link);
        return true;
    }
    if (link->state != ROOM_NAMING)
        return false;
    link->knows_nick = is_renaming(line, link->name);
    if (link->knows_nick || strncmp(line, "Unknown command /nick", 21) == 0) {
        join(link);
        return true;
    }
    return false;
}

static void take_line(struct room_link *link, enum line_event event)
{
    size_t keep = 0;

    if (!link->skipping && (link->in_pieces || !take_answer(link, link->line.text)))
        keep = link->settings.hear(link->settings.owner, link->line.text);
    if (keep > LINE_KEPT)
        keep = 0;
    link->in_pieces = event == LINE_FULL;
    link->skipping = link->in_pieces && keep == 0;
    line_clear(&link->line, link->in_pieces ? keep : 0);
}

static void take_data(struct room_link *link, const unsigned char *bytes, size_t length)
{
    while (length > 0 && link->socket != -1) {
        enum line_event event;
        size_t taken = line_take(&link->line, bytes, length, &event);

        if (event != LINE_OPEN)
            take_line(link, event);
        bytes += taken;
        length -= taken;
    }
}

static void take_bytes(struct room_link *link, const unsigned char *bytes, size_t length)
{
    while (length > 0 && link->socket != -1) {
        size_t plain = telnet_plain(&link->telnet, bytes, length);
        struct telnet_reply answer;

        take_data(link, bytes, plain);
        if (plain < length) {
            unsigned char byte = bytes[plain];

            if (byte == TIMING_MARK &&
                (link->verb == TELNET_WONT || link->verb == TELNET_WILL))
                line_queue_answered(&link->queue);
            link->verb = byte;
            if (telnet_take(&link->telnet, byte, &answer) == TELNET_DATA)
                take_data(link, bytes + plain, 1);
            plain++; /* what a room of pchatsrv's kind never asks for is not answered */
        }
        bytes += plain;
        length -= plain;
    }
}

static void receive(struct room_link *link)
{
    unsigned char bytes[INPUT_BYTES];
    ssize_t got = recv(link->socket, bytes, sizeof bytes, 0);

    if (got == -1 && descriptor_try_again(errno))
        return;
    if (got > 0 && link->state == ROOM_JOINED && !link->knows_nick)
        link->queue.unproven = 0; /* it cannot be asked, and is alive */
    if (got > 0)
        take_bytes(link, bytes, (size_t)got);
    else
        lose(link, "lost", got == 0 ? "it has closed" : strerror(errno));
}

/* ---- What goes out ------------------------------------------------------------------ */

bool room_link_say(struct room_link *link, const char *text)
{
    char line[LINE_MOST + 3];
    int length = snprintf(line, sizeof line, "%.*s\r\n", LINE_MOST, text);

    return line_queue_add(&link->queue, line, (size_t)length);
}

static bool has_output(const struct room_link *link)
{
    return link->replies.length > 0 || link->queue.sent > 0 ||
           (link->state == ROOM_JOINED && link->queue.length > 0);
}

/*
 * Whoever talks telnet answers a timing mark when all before it has been read, be it to say
 * that it has no such option.
 */
static void ask_what_arrived(struct room_link *link)
{
    static const char mark[] = {(char)TELNET_IAC, (char)TELNET_DO, TIMING_MARK};
    ssize_t sent;

    if (!link->knows_nick || link->queue.sent > 0 || link->replies.sent > 0 ||
        clock_ms() < line_queue_question_at(&link->queue))
        return;
    sent = send(link->socket, mark, sizeof mark, MSG_NOSIGNAL);
    if (sent == sizeof mark)
        line_queue_asked(&link->queue);
    else if (sent == -1 && descriptor_try_again(errno))
        link->queue.unproven_since = clock_ms(); /* later, then */
    else
        lose(link, "lost", sent == -1 ? strerror(errno) : "it takes no more");
}

/* A name is asked for before the first line, and never in the middle of one. */
static int send_some(struct room_link *link)
{
    if (link->queue.sent > 0 && line_queue_send(&link->queue, link->socket, 1) == -1)
        return -1;
    if (link->queue.sent > 0)
        return 0;
    if (link->replies.length > 0 &&
        line_queue_send(&link->replies, link->socket, link->replies.lines) == -1)
        return -1;
    if (link->replies.length > 0 || link->state != ROOM_JOINED)
        return 0;
    return line_queue_send(&link->queue, link->socket, link->queue.lines) == -1 ? -1 : 0;
}

/* ---- The link ----------------------------------------------------------------------- */

void room_link_start(struct room_link *link, const struct room_settings *settings)
{
    *link = (struct room_link){.settings = *settings, .socket = -1};
    link->dial.descriptor = -1;
}

void room_link_watch(const struct room_link *link, struct fdset *readable,
                     struct fdset *writable)
{
    if (link->state == ROOM_DIALING)
        dial_watch(&link->dial, readable, writable);
    fdset_add(readable, link->socket);
    if (link->socket != -1 && has_output(link))
        fdset_add(writable, link->socket);
}

int64_t room_link_deadline(const struct room_link *link)
{
    if (link->state == ROOM_DIALING)
        return link->dial.deadline;
    if (link->state == ROOM_JOINED)
        return link->knows_nick && link->queue.sent == 0 && link->replies.sent == 0
                   ? line_queue_question_at(&link->queue)
                   : INT64_MAX;
    return link->deadline;
}

static void dial_on(struct room_link *link)
{
    const char *why;
    int socket = dial_step(&link->dial, &why);

    if (socket == -1) {
        lose(link, "cannot connect to", why);
    } else if (socket != DIAL_PENDING) {
        link->socket = socket;
        greet(link);
    }
}

void room_link_step(struct room_link *link, const struct fdset *readable)
{
    if (link->state == ROOM_DIALING)
        dial_on(link);
    if (link->socket != -1 && fdset_has(readable, link->socket))
        receive(link);
    if (link->state == ROOM_PAUSING && clock_ms() >= link->deadline) {
        enter(link, ROOM_DIALING, 0);
        dial_start(&link->dial, link->settings.host, link->settings.port, SOCK_STREAM,
                   DIAL_MS);
    }
    if (link->state == ROOM_NAMING && clock_ms() >= link->deadline)
        join(link);
    if (link->socket != -1 && has_output(link) && send_some(link) == -1)
        lose(link, "lost", strerror(errno));
    if (link->state == ROOM_JOINED)
        ask_what_arrived(link);
}

void room_link_stop(struct room_link *link)
{
    if (link->socket != -1 && has_output(link))
        (void)send_some(link);
    link->queue.unproven = 0; /* the system brings it, after an orderly close */
    close_connection(link);
    link->state = ROOM_OVER;
}
