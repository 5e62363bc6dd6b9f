/*
 * relay_way: keeps lines that relays pass on from going in circles, and from coming twice.
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
 * its own name there, knows that the other speaks on that side for both. From then on it
 * stands by there: it holds what it would say until it hears the other say it. So when
 * that one leaves, loses its link, or says nothing of what is held for ten seconds, the
 * relay that stood by goes on with the very next line. Each says what it has begun to do,
 * and so they know of each other; two that stand by for each other settle it by their
 * names. A relay whose own link is lost stands by for the one that stood by for it, and
 * the news that the link is up, which the other passes on, is a mark of how far it came.
 *
 * Nobody can prove to be a relay: who wants to can act as a twin, but must then pass lines
 * on, or is found out after those ten seconds.
 */
#ifndef IRC_RELAY_WAY_H
#define IRC_RELAY_WAY_H

#include "irc/irc.h"
#include "net/line.h"
#include "net/line_queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The names that a line may come with, in bytes: they stand before each piece of it. */
#define WAY_MOST 200

/* A line as it waits: each byte of a message's text may become three, and names before it. */
#define WAY_LINE_BYTES (LINE_MOST + 2 * IRC_MESSAGE_MOST)

/* Lines that each side remembers: more than a twin's queue (net/line_queue.h) holds. */
#define SAID_LINES 4096

enum side { ROOM, CHANNEL };

/* The lines that were last said, as hashes; 0: none. */
struct said {
    uint32_t lines[SAID_LINES];
    int next;
};

/* What a relay says on a side. */
struct way_side {
    struct line_queue waiting; /* to be said, or held */
    struct said said;
    char speaker[IRC_NICK_MOST + 1]; /* the twin for which it stands by; "": none */
    char deputy[IRC_NICK_MOST + 1];  /* that twin stands by for it, or "" */
    struct said early;   /* what the twin has said before this relay was to say it */
    int64_t early_until; /* it may still come when that twin has left (clock_ms()) */
    int64_t held_since;  /* the first line that waits, or the last that the twin said */
};

struct relay_way {
    const char *names[2]; /* the relay's own, on either side, as they are now */
    void (*report)(void *owner, const char *text);
    /* Says a line of the relay's own on a side, whatever else is held there. */
    void (*tell)(void *owner, enum side side, const char *line);
    void *owner;

    struct way_side sides[2];
    bool linked;           /* on both sides */
    bool warned;           /* that own words came back */
    bool warned_of_length; /* that a line had too many names before it */
};

/* The length of the names that a line begins with, with the spaces behind them. */
size_t way_length(const char *line);

/* Does it leave what is to be said on a side to a twin? */
bool relay_way_stands_by(const struct relay_way *way, enum side side);

/*
 * Somebody has said that on a side. True: it is the twin that speaks there, and says what
 * this relay has heard itself.
 */
bool relay_way_hear(struct relay_way *way, enum side side, const char *name,
                    const char *words);

/*
 * Is a line, "<speaker> words" as it was said on a side, to go no further? It has been
 * through this relay, or came too long a way to be sure of that.
 */
bool relay_way_came_back(struct relay_way *way, enum side side, const char *line);

/*
 * A line is to be said on a side: it waits there. The first piece of it is dropped where
 * there is no place for another behind it, which may come (`is_rest`). False: it was, or
 * the twin has said it; the rest of it is not to be said either.
 */
bool relay_way_say(struct relay_way *way, enum side side, const char *line, bool is_rest);

/* The same of the relay's own news, which do not wait where it stands by. */
void relay_way_tell(struct relay_way *way, enum side side, const char *line);

/* Is a line that waits no more than a mark of how far a twin has come? */
bool relay_way_is_mark(const struct relay_way *way, enum side side, const char *line);

/* Somebody has left a side, or is called otherwise now ("": has left). */
void relay_way_gone(struct relay_way *way, enum side side, const char *name,
                    const char *now_called);

/* Both links are up, or one of them is lost. */
void relay_way_link(struct relay_way *way, bool linked);

/* When it is to be stepped (clock_ms()), and what there is to do then. */
int64_t relay_way_deadline(const struct relay_way *way);
void relay_way_step(struct relay_way *way);

#endif
