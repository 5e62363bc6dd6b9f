/*
 * irc_relay: links a chat room (pchatsrv) with an IRC channel.
 *
 *     irc_relay [-n nick] [-r room_host:port] [irc_host [port]] '#channel'
 *
 *     in the room        [ann] hello          in the channel     <relay> <ann> hello
 *     in the channel     <bob> hi, ann        in the room        [relay] <bob> hi, ann
 *
 * Several rooms, each with a relay, can meet in one channel, and the network of IRC
 * servers that carries the channel can span many machines. Each side is a module that
 * connects again by itself (irc/irc_session.h, chat/room_link.h). This file turns one
 * side's words into the other's; one select() waits for both.
 *
 * Lines that one side cannot take yet wait in its link's queue. Joins, leaves and new names
 * are told only when nothing waits; where there is no pace, half a queue may wait. Lost
 * lines are counted, and the side where they were said is told.
 *
 * irc/relay_way.h explains why nothing goes in circles.
 */
#include "base/clock.h"
#include "base/fdset.h"
#include "base/log.h"
#include "base/options.h"
#include "base/signals.h"
#include "base/start.h"
#include "chat/room_link.h"
#include "chat/words.h"
#include "irc/irc_options.h"
#include "irc/irc_session.h"
#include "irc/relay_way.h"
#include "net/line_queue.h"
#include "net/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h> /* optarg, optind */

#define LOG_MS    1000 /* how long to wait at the end for the reader of standard error */
#define ROOM_PORT 2626

#define LOSSES_MS 5000 /* from one report of lost lines to the next */

/* A line: each byte of a message may become three, with names before them. */
#define RELAY_LINE_BYTES (LINE_MOST + 2 * IRC_MESSAGE_MOST)

/* Bytes of text that each message must hold after the names; with 0 a line never ends. */
#define TEXT_LEAST 64

struct irc_relay {
    struct log log; /* standard error; perhaps nobody reads it */
    struct irc_session session;
    struct room_link room;
    bool linked;        /* both sides are up, and both have been told */
    bool told_of_other; /* another relay of this room and channel */
    bool is_quiet;      /* joins, leaves and new names are not passed on */
    int64_t losses_at;  /* lost lines are not reported before (clock_ms()) */
};

static void report(void *owner, const char *text)
{
    struct irc_relay *relay = owner;

    log_line(&relay->log, "irc_relay: %s", text);
}

static const char *called(const struct irc_relay *relay, enum side side)
{
    return side == CHANNEL ? relay->session.settings.channel : "the room";
}

static bool is_up(const struct irc_relay *relay, enum side side)
{
    return side == CHANNEL ? relay->session.state == IRC_JOINED
                           : relay->room.state == ROOM_JOINED;
}

static struct link *link_to(struct irc_relay *relay, enum side side)
{
    return side == CHANNEL ? &relay->session.link : &relay->room.link;
}

/* ---- What is said ------------------------------------------------------------------- */

/* The names that begin each message of a line, so that none looks like a separate line. */
static size_t names_length(const char *line)
{
    if (strncmp(line, "* ", 2) == 0)
        return 2 + strcspn(line + 2, " ") + 1;
    return way_length(line);
}

/*
 * Queues a line in as many messages as it takes. A line that is dropped is dropped whole,
 * so its first piece must leave space for another (`is_rest`: it is not the first). Returns
 * false if it was dropped: its other pieces are not wanted.
 */
static bool say_in_channel(struct irc_relay *relay, const char *line, bool is_rest)
{
    struct line_queue *queue = &relay->session.link.queue;
    size_t most = irc_session_text_most(&relay->session), names = names_length(line);
    size_t spare = is_rest ? 0 : LINE_MOST, messages;
    const char *rest = line + names;

    if (names + TEXT_LEAST > most) { /* the names, with the channel's, are too long */
        queue->dropped++;
        return false;
    }
    most -= names;
    messages = 1 + (strlen(rest) + spare) / (most - 3); /* irc_cut() may leave 3 */
    if (messages * IRC_MESSAGE_MOST > LINE_QUEUE_BYTES - queue->length) {
        queue->dropped++;
        return false;
    }
    do {
        size_t length = irc_cut(rest, most);
        char message[IRC_MESSAGE_MOST];

        snprintf(message, sizeof message, "%.*s%.*s", (int)names, line, (int)length,
                 rest);
        (void)irc_session_say(&relay->session, message); /* all of them fit */
        rest += length;
    } while (*rest != '\0');
    return true;
}

/* Tells the relay's own news, as printf() does. If they do not fit, no line is lost. */
__attribute__((format(printf, 3, 4))) static void
tell(struct irc_relay *relay, enum side to, const char *format, ...)
{
    struct line_queue *queue = &link_to(relay, to)->queue;
    unsigned long dropped = queue->dropped;
    char line[RELAY_LINE_BYTES] = "-- ";
    va_list list;

    va_start(list, format);
    vsnprintf(line + 3, sizeof line - 3, format, list);
    va_end(list);
    if (to == CHANNEL)
        (void)say_in_channel(relay, line, true); /* in the space that speech leaves */
    else
        (void)room_link_say(&relay->room, line);
    queue->dropped = dropped;
}

/* May joins, leaves and new names be told? Speech does not wait for them. */
static bool may_tell_news(struct irc_relay *relay, enum side to)
{
    bool is_fast =
        is_up(relay, to) && (to == ROOM || relay->session.settings.pace_ms == 0);

    return !relay->is_quiet &&
           link_to(relay, to)->queue.length <= (is_fast ? LINE_QUEUE_BYTES / 2 : 0);
}

/* Does a line that was said on a side go further? */
static bool goes_on(struct irc_relay *relay, enum side side, const char *line)
{
    const char *const names[] = {
        [ROOM] = relay->room.name, [CHANNEL] = relay->session.nick};
    enum relay_way way = relay_way_of(names, side, line);

    if (way == WAY_TOO_LONG)
        link_to(relay, !side)->queue.dropped++;
    if (way == WAY_OTHER && !relay->told_of_other) {
        log_line(&relay->log,
                 "irc_relay: %.*s links this room and channel too, so lines may come "
                 "twice: end one of the two, or give this relay another name (-n)",
                 (int)strcspn(line, ">") - 1, line + 1);
        relay->told_of_other = true;
    }
    return way == WAY_ON;
}

/* ---- From the room into the channel ------------------------------------------------- */

/*
 * These functions return what room_link's `hear` returns: how many bytes of the line its
 * next piece should begin with, or 0 if the rest is not for the channel.
 */

static size_t take_speech(struct irc_relay *relay, const char *line,
                          const struct words_parts *parts)
{
    const char *text = line + parts->text;
    char said[RELAY_LINE_BYTES];

    snprintf(said, sizeof said, "<%.*s> %s", (int)parts->name_length, line + parts->name,
             text);
    if (parts->text_length == 0 || !goes_on(relay, ROOM, said) ||
        !say_in_channel(relay, said, relay->room.in_pieces))
        return 0;
    return parts->text + way_length(text);
}

static void take_news(struct irc_relay *relay, enum words kind, const char *line,
                      const struct words_parts *parts)
{
    static const char *const verbs[] = {[WORDS_JOINED] = "joined the room",
                                        [WORDS_LEFT] = "left the room",
                                        [WORDS_RENAMED] = "is now "};

    if (may_tell_news(relay, CHANNEL))
        tell(relay, CHANNEL, "%.*s %s%s", (int)parts->name_length, line + parts->name,
             verbs[kind], line + parts->text);
}

static size_t hear_room(void *owner, const char *line)
{
    struct irc_relay *relay = owner;
    struct words_parts parts = {0};
    enum words kind = words_read(line, &parts);

    if (strncmp(line, "Server full", 11) == 0)
        report(relay, "the room is full");
    if (kind == WORDS_JOINED || kind == WORDS_LEFT || kind == WORDS_RENAMED)
        take_news(relay, kind, line, &parts);
    if (parts.name_length > WAY_MOST ||
        strcspn(line + parts.name, "<>") < parts.name_length)
        return 0;
    if (kind == WORDS_SAID)
        return take_speech(relay, line, &parts);
    if (kind == WORDS_ACTION && say_in_channel(relay, line, relay->room.in_pieces))
        return parts.text;
    return 0;
}

/* ---- From the channel into the room ------------------------------------------------- */

static void take_said(struct irc_relay *relay, const char *nick, char *said)
{
    char line[RELAY_LINE_BYTES], clean[RELAY_LINE_BYTES];
    enum irc_kind kind = irc_unwrap(&said);

    irc_strip(said);
    if (kind == IRC_OTHER || *said == '\0')
        return;
    snprintf(line, sizeof line, "<%s> %s", nick, said);
    if (!goes_on(relay, CHANNEL, text_clean(line, clean, sizeof clean)))
        return;
    if (kind == IRC_ACTION) {
        snprintf(line, sizeof line, "* %s %s", nick, said);
        text_clean(line, clean, sizeof clean);
    }
    (void)room_link_say(&relay->room, clean);
}

/* People come and go in the channel. */
static void take_change(struct irc_relay *relay, const char *nick,
                        const struct irc_message *message)
{
    const char *command = message->command, *channel = relay->session.settings.channel;
    const char *first = message->params[0], *second = message->params[1];
    bool is_here = irc_same(first, channel);
    char line[RELAY_LINE_BYTES] = "", clean[RELAY_LINE_BYTES];

    if (strcmp(command, "JOIN") == 0 && is_here)
        snprintf(line, sizeof line, "%s joined %s", nick, channel);
    else if (strcmp(command, "PART") == 0 && is_here)
        snprintf(line, sizeof line, "%s left %s%s%s", nick, channel,
                 *second == '\0' ? "" : ": ", second);
    else if (strcmp(command, "KICK") == 0 && is_here)
        snprintf(line, sizeof line, "%s was kicked out of %s by %s: %s", second, channel,
                 nick, message->params[2]);
    else if (strcmp(command, "QUIT") == 0)
        snprintf(line, sizeof line, "%s left IRC%s%s", nick, *first == '\0' ? "" : ": ",
                 first);
    else if (strcmp(command, "NICK") == 0)
        snprintf(line, sizeof line, "%s is now %s", nick, first);
    irc_strip(line);
    if (*line != '\0' && may_tell_news(relay, ROOM))
        tell(relay, ROOM, "%s", text_clean(line, clean, sizeof clean));
}

static void hear_channel(void *owner, struct irc_message *message)
{
    struct irc_relay *relay = owner;
    bool is_said = strcmp(message->command, "PRIVMSG") == 0 ||
                   strcmp(message->command, "NOTICE") == 0;
    char nick[IRC_NICK_MOST + 1];

    irc_nick(message, nick);
    if (!is_up(relay, CHANNEL) || *nick == '\0' || strpbrk(nick, "<>") != NULL ||
        irc_session_is_own(&relay->session, nick))
        return;
    if (!is_said)
        take_change(relay, nick, message);
    else if (irc_same(message->params[0], relay->session.settings.channel))
        take_said(relay, nick, message->params[1]);
}

/* ---- What became of the links ------------------------------------------------------- */

/* Tells each side when the other is lost, and both when they are linked. */
static void tell_changes(struct irc_relay *relay)
{
    bool linked = is_up(relay, ROOM) && is_up(relay, CHANNEL);

    if (linked == relay->linked)
        return;
    relay->linked = linked;
    for (enum side side = ROOM; side <= CHANNEL; side++)
        if (is_up(relay, side))
            tell(relay, side, "the link to %s is %s", called(relay, !side),
                 linked ? "up" : "lost");
}

/* Lines were lost on their way to a side. The other side, where they were said, is told. */
static void tell_count(struct irc_relay *relay, enum side to, unsigned long count,
                       const char *one, const char *many)
{
    char text[512];

    if (count == 0)
        return;
    snprintf(text, sizeof text, "%lu %s %s", count, count == 1 ? one : many,
             called(relay, to));
    report(relay, text);
    tell(relay, !to, "%s", text);
}

static bool has_losses(const struct irc_relay *relay)
{
    const struct link *room = &relay->room.link, *channel = &relay->session.link;

    return room->queue.dropped + room->lost + channel->queue.dropped + channel->lost +
               relay->session.rejected >
           0;
}

/* Tells how many lines were lost since it was told last, every few seconds at most. */
static void tell_losses(struct irc_relay *relay)
{
    unsigned long rejected = relay->session.rejected;

    if (!has_losses(relay) || clock_ms() < relay->losses_at)
        return;
    for (enum side to = ROOM; to <= CHANNEL; to++) {
        struct link *link = link_to(relay, to);
        unsigned long dropped = link->queue.dropped, lost = link->lost;

        link->queue.dropped = link->lost = 0;
        tell_count(relay, to, dropped, "line was dropped on the way to",
                   "lines were dropped on the way to");
        tell_count(relay, to, lost, "line said before may not have reached",
                   "lines said before may not have reached");
    }
    relay->session.rejected = 0;
    tell_count(relay, CHANNEL, rejected, "message was not accepted by",
               "messages were not accepted by");
    relay->losses_at = clock_ms() + LOSSES_MS;
}

/* ---- The loop ----------------------------------------------------------------------- */

static int wait_for_events(struct irc_relay *relay, struct signals *signals,
                           struct fdset *readable)
{
    int64_t deadline = clock_earlier(link_deadline(&relay->session.link),
                                     link_deadline(&relay->room.link));
    struct fdset writable;

    if (has_losses(relay) && relay->room.state != ROOM_OVER)
        deadline = clock_earlier(deadline, relay->losses_at);
    fdset_clear(readable);
    fdset_clear(&writable);
    link_watch(&relay->session.link, readable, &writable);
    link_watch(&relay->room.link, readable, &writable);
    deadline = clock_earlier(deadline, log_watch(&relay->log, &writable));
    return signals_pselect(signals, readable, &writable, deadline);
}

/* At the end: what waits will not be sent any more. */
static void report_unsent(struct irc_relay *relay)
{
    unsigned long to_channel = relay->session.link.queue.lines;
    unsigned long to_room = relay->room.link.queue.lines;

    relay->losses_at = clock_ms();
    tell_losses(relay);
    tell_count(relay, CHANNEL, to_channel, "line did not reach", "lines did not reach");
    tell_count(relay, ROOM, to_room, "line did not reach", "lines did not reach");
}

/* Runs until a signal ends it, or the IRC server refuses it. Returns the exit status. */
static int run(struct irc_relay *relay, struct signals *signals)
{
    struct fdset readable;

    while (relay->session.state != IRC_OVER) {
        log_write(&relay->log);
        if (wait_for_events(relay, signals, &readable) == -1) {
            perror("irc_relay: select");
            return EXIT_FAILURE;
        }
        if (signals_stop_requested() && relay->room.state != ROOM_OVER) {
            room_link_stop(&relay->room);
            irc_session_quit(&relay->session, "irc_relay ends");
        }
        irc_session_step(&relay->session, &readable);
        room_link_step(&relay->room, &readable);
        if (relay->room.state != ROOM_OVER) {
            tell_changes(relay);
            tell_losses(relay);
        }
    }
    room_link_stop(&relay->room);
    report_unsent(relay);
    return relay->session.refused ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- The program -------------------------------------------------------------------- */

static const struct options options = {
    .program = "irc_relay",
    .letters = "hi:k:n:qr:Vw:",
    .usage = "usage: irc_relay [-hqV] [-i seconds] [-k key] [-n nick] [-r host:port]\n"
             "                 [-w seconds] [host [port]] '#channel'\n",
    .help =
        "Links a chat room with an IRC channel: what is said in one is said in the\n"
        "other. Use one relay for each room and channel. It restores a lost link by\n"
        "itself; Ctrl-C ends the relay.\n"
        "  host [port]   the IRC server; also host:port or [::1]:port\n"
        "                (default: localhost 6667)\n"
        "  '#channel'    the channel\n"
        "  -i seconds    after five lines at once, the time between two lines in the\n"
        "                channel (default: 2, the limit of most IRC servers; 0 for a\n"
        "                server of your own without one)\n"
        "  -k key        the channel's key\n"
        "  -n nick       the name on both sides (default: relay); if it is in use,\n"
        "                another one\n"
        "  -q            do not pass on joins, leaves and new names\n"
        "  -r host:port  the room, a pchatsrv (default: localhost:2626)\n"
        "  -w seconds    after this much silence ask the IRC server for a sign of life,\n"
        "                and leave it after as much again (default: 60)\n"
        "  -h            print this help\n"
        "  -V            print the version\n"
        "Environment: IRC_SERVER_PASSWORD, the IRC server's password, if it has one;\n"
        "IRC_PASSWORD, the nick's, to identify to NickServ.\n",
};

int main(int argc, char *argv[])
{
    static char log_bytes[LOG_BYTES];
    static struct irc_relay relay;
    struct irc_settings irc = {.nick = "relay",
                               .real_name = "netlab's irc_relay",
                               .silence_ms = IRC_SILENCE_MS,
                               .pace_ms = IRC_PACE_MS,
                               .hear = hear_channel,
                               .report = report,
                               .owner = &relay};
    struct room_settings room = {
        .link = {.server = {.host = "localhost", .port = ROOM_PORT},
                 .report = report,
                 .owner = &relay},
        .hear = hear_room};
    struct signals signals;
    int option, status;

    while ((option = options_next(&options, argc, argv)) != -1) {
        switch (option) {
        case 'i': irc.pace_ms = options_milliseconds(&options, option); break;
        case 'k': irc.key = optarg; break;
        case 'n': irc.nick = optarg; break;
        case 'q': relay.is_quiet = true; break;
        case 'r': options_host(&options, optarg, &room.link.server); break;
        case 'w': irc.silence_ms = options_timeout(&options, option); break;
        }
    }
    irc_options_take(&irc, &options, argc - optind, argv + optind);
    room.name = irc.nick;
    start_server(&options, &signals);
    log_open(&relay.log, "irc_relay", STDERR_FILENO, log_bytes, sizeof log_bytes);
    irc_session_start(&relay.session, &irc);
    room_link_start(&relay.room, &room);
    status = run(&relay, &signals);
    log_finish(&relay.log, LOG_MS);
    return status;
}
