/*
 * relay_way: keeps lines that relays pass on from going in circles.
 *
 * Whoever passes a line on puts its author before it, so a line that went through relays
 * begins with their names, "<relay2> <relay1> <ann> hello". That is the way it came, and a
 * relay that finds its own name in it drops the line: no line passes the same relay twice,
 * however rooms, channels and relays are linked (news servers do it with their Path,
 * RFC 5536 3.1.5). The names on the way are one side's and the other's in turn, and a relay
 * looks for the one that it has there; the last one is the author's, who may be called as
 * he likes. So that relays in different rooms and networks are told apart, each should be
 * given a name of its own. A text that begins with names in angle brackets is taken for a
 * longer way: whoever writes a relay's name, and another name or the "--" of its news
 * behind it, keeps that line from going through that relay. Relays that are linked in a
 * ring bring a line back to where it was said, once each way round.
 *
 * Several relays between the same room and channel, twins, would each pass every line on.
 * But one that hears another say on one side what it has itself said on the other, under
 * its own name there, knows that they are twins. The one whose nick comes first goes on,
 * and the others stand by: until it leaves, or keeps three lines to itself for ten
 * seconds. It must be their names on one side that count, the channel: on the other they
 * may come in another order, and each would stand by for the other. Nobody on IRC can prove
 * to be a relay: who wants to can act as a twin, but must then pass lines on, or is found
 * out after those ten seconds.
 */
#ifndef CLIENTS_RELAY_WAY_H
#define CLIENTS_RELAY_WAY_H

#include "net/irc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The names that a line may come with, in bytes: they stand before each piece of it. */
#define WAY_MOST 200

/* Lines that each side remembers: more than a twin's queue (clients/line_queue.h) holds. */
#define SAID_LINES 4096

enum side { ROOM, CHANNEL };

/* The lines that were last said, as hashes; 0: none. */
struct said {
    uint32_t lines[SAID_LINES];
    int next;
};

struct relay_way {
    const char *names[2]; /* the relay's own, on either side, as they are now */
    void (*report)(void *owner, const char *text);
    void *owner;

    struct said said[2]; /* by this relay on either side, or by another in its place */
    struct said heard;   /* by others in the channel */
    char heard_from[SAID_LINES][IRC_NICK_MOST + 1];
    char first[IRC_NICK_MOST + 1]; /* the twin that passes lines on, or "": this one */
    /* What it has not passed on, on either side: from that line on, since then; 0: none. */
    int missed_from[2];
    int64_t missed_since[2]; /* clock_ms() */
    bool warned;             /* that own words came back */
    bool warned_of_length;   /* that a line had too many names before it */
};

/* The length of the names that a line begins with, with the spaces behind them. */
size_t way_length(const char *line);

/*
 * Is a line, "<speaker> words" as it was said on a side, to go no further? It has been
 * through this relay, or came too long a way to be sure of that.
 */
bool relay_way_came_back(struct relay_way *way, enum side side, const char *line);

/*
 * Is a line to be said on a side? It is remembered. Of news, who comes and goes, a twin
 * need not pass on what it is not told to.
 */
bool relay_way_may_say(struct relay_way *way, enum side side, const char *line);
bool relay_way_may_tell_news(struct relay_way *way, enum side side, const char *line);

/* Somebody has said it on a side: it may be what a twin has passed on for this relay. */
void relay_way_hear(struct relay_way *way, enum side side, const char *name,
                    const char *words);

/* Somebody has left the channel, and the relay itself has: a twin would not be heard. */
void relay_way_gone(struct relay_way *way, const char *nick);
void relay_way_lost(struct relay_way *way);

#endif
