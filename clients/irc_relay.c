/*
 * irc_relay: links a chat room (pchatsrv) with an IRC channel.
 *
 *     irc_relay [-n nick] [-r room_host:port] [irc_host [port]] '#channel'
 *
 *     in the room        [ann] hello          in the channel     <relay> <ann> hello
 *     in the channel     <bob> hi, ann        in the room        [relay] <bob> hi, ann
 *
 * Rooms on several machines are joined by a relay each in one channel, and the network of
 * IRC servers that carries the channel spans as many machines as one likes. Each side is
 * a module that comes back by itself when its connection is lost (irc/irc_session.h,
 * chat/room_link.h); here is what one side's words become on the other. One select()
 * waits for both.
 *
 * What one side cannot take yet waits, and speech comes first: who comes and goes is told
 * only where nothing waits, and summed up in a line behind what did. What is lost all the
 * same is said where it came from, and how much it was.
 *
 * Where it waits, why nothing goes in circles, and what several relays between the same
 * room and channel make of each other, is irc/relay_way.h.
 */
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/fdset.h"
#include "base/log.h"
#include "base/options.h"
#include "base/signals.h"
#include "base/start.h"
#include "chat/room_link.h"
#include "irc/irc_options.h"
#include "irc/irc_session.h"
#include "irc/relay_way.h"
#include "net/text.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h> /* optarg, optind */

#define LOG_MS    1000 /* at the end, for who reads standard error */
#define ROOM_PORT 2626

#define REJECTED_MS 5000 /* from one time that it is told to the next */

/* Of a message, beside the names: a line that is passed on must come to an end. */
#define TEXT_LEAST 64

/* What a link is given before it has sent the last: more than comes in at once. */
#define AHEAD_BYTES 16384

struct irc_relay {
    struct log log; /* standard error, of which nobody may read */
    struct irc_session session;
    struct room_link room;
    struct relay_way way;
    bool is_quiet;                  /* joins and leaves are not passed on */
    bool told_of_drops[2];          /* on the way to that side, and not how many yet */
    unsigned long news_left_out[2]; /* there, as lines waited */
    int64_t tell_rejected_at;       /* not before (clock_ms()) */
};

static void report(void *owner, const char *text)
{
    struct irc_relay *relay = owner;

    log_line(&relay->log, "irc_relay: %s", text);
}

/* What its link has taken and not sent yet. */
static struct line_queue *sending(struct irc_relay *relay, enum side to)
{
    return to == CHANNEL ? &relay->session.queue : &relay->room.queue;
}

static const char *called(const struct irc_relay *relay, enum side side)
{
    return side == CHANNEL ? relay->session.settings.channel : "the room";
}

/* At once: what is held for a twin is none of the relay's own news. */
static void tell_at_once(void *owner, enum side to, const char *line)
{
    struct irc_relay *relay = owner;

    if (to == CHANNEL)
        (void)irc_session_say(&relay->session, line);
    else
        (void)room_link_say(&relay->room, line);
}

/* ---- From the room into the channel ------------------------------------------------- */

/* The names that each piece of a line is to begin with: so that none is a line by itself. */
static size_t names_length(const char *line)
{
    if (strncmp(line, "* ", 2) == 0)
        return 2 + strcspn(line + 2, " ") + 1;
    return way_length(line);
}

/* Says a line in as many messages as it takes. */
static void say_in_channel(struct irc_relay *relay, const char *line)
{
    size_t most = irc_session_text_most(&relay->session), keep = names_length(line);
    char piece[WAY_LINE_BYTES];
    const char *rest = line + keep;

    if (keep + TEXT_LEAST > most) { /* long names: of the channel, and on the way */
        relay->way.sides[CHANNEL].waiting.dropped++;
        return;
    }
    do {
        size_t length = irc_cut(rest, most - keep);

        (void)snprintf(piece, sizeof piece, "%.*s%.*s", (int)keep, line, (int)length,
                       rest);
        (void)irc_session_say(&relay->session, piece);
        rest += length;
    } while (*rest != '\0');
}

/*
 * "[name] text". How many bytes of it stand before each further piece; 0, here and below:
 * it is not for the channel, and so the rest of the line is not either.
 */
static size_t take_speech(struct irc_relay *relay, const char *line)
{
    const char *text = strstr(line, "] ");
    size_t name = text != NULL ? (size_t)(text - line - 1) : 0;
    char said[WAY_LINE_BYTES], speaker[WAY_MOST + 1];

    /* A name holds no space: "[ann to you] ..." is for the relay alone. */
    if (name == 0 || name > WAY_MOST || strcspn(line + 1, " <>") < name ||
        text[2] == '\0')
        return 0;
    text += 2;
    (void)snprintf(speaker, sizeof speaker, "%.*s", (int)name, line + 1);
    (void)snprintf(said, sizeof said, "<%s> %s", speaker, text);
    if (relay_way_hear(&relay->way, ROOM, speaker, text) ||
        relay_way_came_back(&relay->way, ROOM, said) ||
        !relay_way_say(&relay->way, CHANNEL, said, relay->room.in_pieces))
        return 0;
    return (size_t)(text - line) + way_length(text);
}

/* Is it to be told who comes or goes? Where speech waits it is counted and left out. */
static bool may_tell_news(struct irc_relay *relay, enum side to)
{
    bool is_slow = to == ROOM ? relay->room.state != ROOM_JOINED
                              : relay->session.state != IRC_JOINED ||
                                    relay->session.settings.pace_ms > 0;
    size_t waiting = relay->way.sides[to].waiting.length + sending(relay, to)->length;

    if (relay->is_quiet || relay_way_stands_by(&relay->way, to))
        return false;
    if (waiting <= (is_slow ? 0 : LINE_QUEUE_BYTES / 2))
        return true;
    relay->news_left_out[to]++;
    return false;
}

/* "* name words" goes as it is. */
static size_t take_action(struct irc_relay *relay, const char *line)
{
    size_t name = strcspn(line + 2, " <>"), keep = 2 + name + 1;

    if (name == 0 || name > WAY_MOST || line[2 + name] != ' ')
        return 0;
    return relay_way_say(&relay->way, CHANNEL, line, relay->room.in_pieces) ? keep : 0;
}

static void take_news(struct irc_relay *relay, const char *line)
{
    static const char joined[] = "Client joined ", left[] = "Client left ";
    const char *name = line + strlen("Client "), *is_now = strstr(name, " is now ");
    char said[WAY_LINE_BYTES], who[WAY_MOST + 1];

    if (strncmp(line, joined, strlen(joined)) == 0 &&
        strchr(line + strlen(joined), ' ') == NULL) {
        (void)snprintf(said, sizeof said, "-- %s joined the room", line + strlen(joined));
    } else if (strncmp(line, left, strlen(left)) == 0 &&
               strncmp(line + strlen(left), "is now ", 7) != 0) {
        size_t length = strcspn(line + strlen(left), " ");
        const char *why = line + strlen(left) + length;

        if (why[-1] == ':') { /* it belongs to the words that follow */
            why--;
            length--;
        }
        (void)snprintf(who, sizeof who, "%.*s", (int)length, line + strlen(left));
        relay_way_gone(&relay->way, ROOM, who, "");
        (void)snprintf(said, sizeof said, "-- %s left the room%s", who, why);
    } else {
        if (is_now != NULL) {
            (void)snprintf(who, sizeof who, "%.*s", (int)(is_now - name), name);
            relay_way_gone(&relay->way, ROOM, who, is_now + strlen(" is now "));
        }
        (void)snprintf(said, sizeof said, "-- %s", name);
    }
    if (may_tell_news(relay, CHANNEL))
        relay_way_tell(&relay->way, CHANNEL, said);
}

static size_t hear_room(void *owner, const char *line)
{
    struct irc_relay *relay = owner;

    if (*line == '[')
        return take_speech(relay, line);
    if (strncmp(line, "* ", 2) == 0)
        return take_action(relay, line);
    if (strncmp(line, "Server full", 11) == 0)
        report(relay, "the room has no place left");
    else if (strncmp(line, "Client ", 7) == 0)
        take_news(relay, line);
    return 0;
}

/* ---- From the channel into the room ------------------------------------------------- */

static void take_said(struct irc_relay *relay, const char *nick, char *said)
{
    char line[WAY_LINE_BYTES], clean[WAY_LINE_BYTES];
    enum irc_kind kind = irc_unwrap(&said);

    irc_strip(said);
    if (kind == IRC_OTHER || *said == '\0')
        return;
    (void)snprintf(line, sizeof line, "<%s> %s", nick, said);
    if (relay_way_hear(&relay->way, CHANNEL, nick, said) ||
        relay_way_came_back(&relay->way, CHANNEL, line))
        return;
    if (kind == IRC_ACTION)
        (void)snprintf(line, sizeof line, "* %s %s", nick, said);
    (void)relay_way_say(&relay->way, ROOM, text_clean(line, clean, sizeof clean), false);
}

/* Who comes and goes in the channel. */
static void take_change(struct irc_relay *relay, const char *nick,
                        const struct irc_message *message)
{
    const char *command = message->command, *channel = relay->session.settings.channel;
    const char *first = message->params[0], *second = message->params[1];
    bool here = irc_same(first, channel);
    char line[WAY_LINE_BYTES] = "", clean[WAY_LINE_BYTES];

    if (strcmp(command, "NICK") == 0)
        relay_way_gone(&relay->way, CHANNEL, nick, first);
    else if (strcmp(command, "QUIT") == 0 || (strcmp(command, "PART") == 0 && here))
        relay_way_gone(&relay->way, CHANNEL, nick, "");
    else if (strcmp(command, "KICK") == 0 && here)
        relay_way_gone(&relay->way, CHANNEL, second, "");
    if (strcmp(command, "JOIN") == 0 && here)
        (void)snprintf(line, sizeof line, "-- %s joined %s", nick, channel);
    else if (strcmp(command, "PART") == 0 && here)
        (void)snprintf(line, sizeof line, "-- %s left %s%s%s", nick, channel,
                       *second == '\0' ? "" : ": ", second);
    else if (strcmp(command, "KICK") == 0 && here)
        (void)snprintf(line, sizeof line, "-- %s was kicked out of %s by %s: %s", second,
                       channel, nick, message->params[2]);
    else if (strcmp(command, "QUIT") == 0)
        (void)snprintf(line, sizeof line, "-- %s left IRC%s%s", nick,
                       *first == '\0' ? "" : ": ", first);
    else if (strcmp(command, "NICK") == 0)
        (void)snprintf(line, sizeof line, "-- %s is now %s", nick, first);
    irc_strip(line);
    if (*line != '\0' && may_tell_news(relay, ROOM))
        relay_way_tell(&relay->way, ROOM, text_clean(line, clean, sizeof clean));
}

static void hear_channel(void *owner, struct irc_message *message)
{
    struct irc_relay *relay = owner;
    bool is_said = strcmp(message->command, "PRIVMSG") == 0 ||
                   strcmp(message->command, "NOTICE") == 0;
    char nick[IRC_NICK_MOST + 1];

    irc_nick(message, nick);
    if (relay->session.state != IRC_JOINED || *nick == '\0' ||
        strpbrk(nick, "<>") != NULL || irc_session_is_own(&relay->session, nick))
        return;
    if (!is_said)
        take_change(relay, nick, message);
    else if (irc_same(message->params[0], relay->session.settings.channel))
        take_said(relay, nick, message->params[1]);
}

/* ---- What became of the links ------------------------------------------------------- */

/* What a link has not sent is the twin's to say. It should have it: nobody can prove it. */
static void leave_to_twin(struct line_queue *queue)
{
    queue->lost += queue->lines;
    line_queue_remove(queue, queue->length);
}

/* Each side hears when the other is lost, and both when they are linked. */
static void tell_changes(struct irc_relay *relay)
{
    bool up[2] = {[ROOM] = relay->room.state == ROOM_JOINED,
                  [CHANNEL] = relay->session.state == IRC_JOINED};
    bool linked = up[ROOM] && up[CHANNEL];
    char line[WAY_LINE_BYTES];

    if (linked == relay->way.linked)
        return;
    relay_way_link(&relay->way, linked);
    for (enum side side = ROOM; side <= CHANNEL; side++) {
        (void)snprintf(line, sizeof line, "-- the link to %s is %s", called(relay, !side),
                       linked ? "up" : "lost");
        if (up[side])
            relay_way_tell(&relay->way, side, line);
        else if (relay_way_stands_by(&relay->way, side))
            leave_to_twin(sending(relay, side));
    }
}

/*
 * Lines that find no place on their way to one side are a matter for the other, where they
 * were said: at once that it happens, and how many they were when there is place again.
 */
static void tell_losses(struct irc_relay *relay, enum side to)
{
    struct line_queue *queue = &relay->way.sides[to].waiting;
    const char *where = called(relay, to);
    bool over = queue->length < LINE_QUEUE_BYTES / 2;
    char text[512];

    if (queue->dropped == 0 || (relay->told_of_drops[to] && !over) ||
        relay_way_stands_by(&relay->way, to)) /* it may be the twin's to say */
        return;
    if (over)
        (void)snprintf(text, sizeof text, "-- %lu line%s dropped on the way to %s",
                       queue->dropped, queue->dropped == 1 ? " was" : "s were", where);
    else
        (void)snprintf(text, sizeof text,
                       "-- too much waits on the way to %s: lines are being dropped",
                       where);
    relay->told_of_drops[to] = !over;
    if (over)
        queue->dropped = 0;
    report(relay, text + strlen("-- "));
    relay_way_tell(&relay->way, !to, text);
}

/* What a connection had taken when it was lost may have arrived, or not. */
static void tell_unproven(struct irc_relay *relay, enum side to)
{
    unsigned long *lost = &sending(relay, to)->lost;
    char text[512];

    if (*lost == 0)
        return;
    (void)snprintf(text, sizeof text, "-- %lu line%s said before may not have reached %s",
                   *lost, *lost == 1 ? "" : "s", called(relay, to));
    *lost = 0;
    report(relay, text + strlen("-- "));
    relay_way_tell(&relay->way, !to, text);
}

/* The channel is moderated, or the relay was muted: those in the room are to know. */
static void tell_rejected(struct irc_relay *relay)
{
    char text[512];

    if (relay->session.rejected == 0 || clock_ms() < relay->tell_rejected_at)
        return;
    (void)snprintf(
        text, sizeof text, "-- %lu message%s not let into %s", relay->session.rejected,
        relay->session.rejected == 1 ? " was" : "s were", called(relay, CHANNEL));
    relay->session.rejected = 0;
    relay->tell_rejected_at = clock_ms() + REJECTED_MS;
    relay_way_tell(&relay->way, ROOM, text);
}

/* The news that were left out are summed up when all that waited has been said. */
static void tell_news_left_out(struct irc_relay *relay, enum side to)
{
    char text[128];

    if (relay->news_left_out[to] == 0 || relay->way.sides[to].waiting.length > 0 ||
        sending(relay, to)->length > 0)
        return;
    (void)snprintf(text, sizeof text, "-- %lu more came, left or took a name",
                   relay->news_left_out[to]);
    relay->news_left_out[to] = 0;
    relay_way_tell(&relay->way, to, text);
}

/* ---- The loop ----------------------------------------------------------------------- */

/* Can its link do with another line? At a pace it is given one by one. */
static bool wants_line(struct irc_relay *relay, enum side to)
{
    size_t most = AHEAD_BYTES;

    if (to == CHANNEL && relay->session.settings.pace_ms > 0)
        most = 1;
    return sending(relay, to)->length < most &&
           (to == CHANNEL ? relay->session.state == IRC_JOINED
                          : relay->room.state == ROOM_JOINED);
}

static void pass_on(struct irc_relay *relay, enum side to)
{
    struct line_queue *queue = &relay->way.sides[to].waiting;
    size_t taken = 0;

    if (relay_way_stands_by(&relay->way, to))
        return;
    while (taken < queue->length && wants_line(relay, to)) {
        char *line = queue->bytes + taken;
        char *end = memchr(line, '\n', queue->length - taken);

        *end = '\0';
        if (relay_way_is_mark(&relay->way, to, line))
            ;
        else if (to == CHANNEL)
            say_in_channel(relay, line);
        else
            (void)room_link_say(&relay->room, line);
        *end = '\n';
        taken += (size_t)(end - line) + 1;
    }
    line_queue_remove(queue, taken);
}

static int wait_for_events(struct irc_relay *relay, struct signals *signals,
                           struct fdset *readable)
{
    int64_t deadline = irc_session_deadline(&relay->session);
    int64_t room_deadline = room_link_deadline(&relay->room);
    int64_t way_deadline = relay_way_deadline(&relay->way);
    struct timespec timeout;
    struct fdset writable;

    if (room_deadline < deadline)
        deadline = room_deadline;
    if (way_deadline < deadline)
        deadline = way_deadline;
    if (relay->session.rejected > 0 && relay->tell_rejected_at < deadline)
        deadline = relay->tell_rejected_at;
    timeout = clock_timespec(deadline - clock_ms());
    fdset_clear(readable);
    fdset_clear(&writable);
    irc_session_watch(&relay->session, readable, &writable);
    room_link_watch(&relay->room, readable, &writable);
    log_watch(&relay->log, &writable);
    return signals_pselect(signals, readable, &writable,
                           deadline == INT64_MAX ? NULL : &timeout);
}

static void report_unsent(struct irc_relay *relay, enum side to)
{
    const struct line_queue *queue = &relay->way.sides[to].waiting;
    unsigned long lines = queue->lines + queue->dropped + sending(relay, to)->lines;
    char text[128];

    (void)snprintf(text, sizeof text, "%lu line%s did not reach %.64s", lines,
                   lines == 1 ? "" : "s", called(relay, to));
    if (lines > 0 && !relay_way_stands_by(&relay->way, to))
        report(relay, text);
}

static void stop(struct irc_relay *relay)
{
    room_link_stop(&relay->room);
    irc_session_quit(&relay->session, "irc_relay ends");
}

/* Until a signal ends it, or the IRC server says no. The exit status. */
static int run(struct irc_relay *relay, struct signals *signals)
{
    struct fdset readable;

    while (relay->session.state != IRC_OVER) {
        log_write(&relay->log);
        if (wait_for_events(relay, signals, &readable) == -1) {
            perror("irc_relay: select");
            return EXIT_FAILURE;
        }
        if (signals_stop_requested() && relay->room.state != ROOM_OVER)
            stop(relay);
        irc_session_step(&relay->session, &readable);
        room_link_step(&relay->room, &readable);
        if (relay->room.state == ROOM_OVER)
            continue;
        tell_changes(relay);
        relay_way_step(&relay->way);
        tell_losses(relay, CHANNEL);
        tell_losses(relay, ROOM);
        tell_unproven(relay, CHANNEL);
        tell_unproven(relay, ROOM);
        tell_rejected(relay);
        tell_news_left_out(relay, CHANNEL);
        tell_news_left_out(relay, ROOM);
        pass_on(relay, CHANNEL);
        pass_on(relay, ROOM);
    }
    room_link_stop(&relay->room);
    report_unsent(relay, CHANNEL);
    report_unsent(relay, ROOM);
    tell_unproven(relay, CHANNEL);
    return relay->session.refused ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- The program -------------------------------------------------------------------- */

static const struct options options = {
    .program = "irc_relay",
    .letters = "hi:k:n:qr:Vw:",
    .usage =
        "usage: irc_relay [-hqV] [-n nick] [-r room_host:port] [-k key] [-i seconds]\n"
        "                 [-w seconds] [irc_host [port]] '#channel'\n",
    .help =
        "Links a chat room with an IRC channel: what is said in one is said in the\n"
        "other. The IRC host is localhost and the port 6667 if not given. A link that\n"
        "is lost is made anew; Ctrl-C ends it. With a password in the environment\n"
        "variable IRC_PASSWORD it identifies to NickServ.\n"
        "  -n nick       be called so on both sides (default: relay); another one if\n"
        "                it is in use\n"
        "  -r host:port  the room, a pchatsrv (default: localhost:2626)\n"
        "  -k key        the channel's key\n"
        "  -q            do not tell who comes and goes\n"
        "  -i seconds    the time from one line to the next in the channel, after the\n"
        "                first five (default: 2, as IRC servers want it; 0 for one of\n"
        "                your own that has no such limit)\n"
        "  -w seconds    ask an IRC server that is silent for so long for a sign of\n"
        "                life, and leave it after as long again (default: 60)\n"
        "  -h            print this help\n"
        "  -V            print the version\n",
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
    struct room_settings room = {.host = "localhost",
                                 .port = ROOM_PORT,
                                 .hear = hear_room,
                                 .report = report,
                                 .owner = &relay};
    struct signals signals;
    int option, status;

    while ((option = options_next(&options, argc, argv)) != -1) {
        switch (option) {
        case 'i': irc.pace_ms = options_milliseconds(&options, option); break;
        case 'k': irc.key = optarg; break;
        case 'n': irc.nick = optarg; break;
        case 'q': relay.is_quiet = true; break;
        case 'r':
            room.port = options_host_port(&options, optarg, room.host, sizeof room.host);
            break;
        case 'w': irc.silence_ms = options_timeout(&options, option); break;
        }
    }
    irc_options_take(&irc, &options, argc - optind, argv + optind);
    room.name = irc.nick;
    if (start_server(&signals) == -1)
        options_fail(&options, "cannot start: %s", strerror(errno));
    log_open(&relay.log, "irc_relay", STDERR_FILENO, log_bytes, sizeof log_bytes);
    relay.way = (struct relay_way){
        .names = {[ROOM] = relay.room.name, [CHANNEL] = relay.session.nick},
        .report = report,
        .tell = tell_at_once,
        .owner = &relay};
    irc_session_start(&relay.session, &irc);
    room_link_start(&relay.room, &room);
    status = run(&relay, &signals);
    log_finish(&relay.log, LOG_MS);
    return status;
}
