/*
 * relay_way: keeps lines that relays pass on from going in circles.
 *
 * A relay that passes a line on puts the speaker's name before it. So a line that has come
 * through relays begins with their names, which are its way: "<relay2> <relay1> <ann>
 * hello". A relay that finds its own name there drops the line, so no line passes the same
 * relay twice, however rooms, channels and relays are linked. (News servers do this with
 * their Path header, RFC 5536 3.1.5.)
 *
 * A relay may have one name in the room and another in the channel. The names on the way
 * come from the two sides in turn, and the relay looks for its name on that side. The last
 * name is the author's, which may be anything; the relay's own news ("-- ...") and actions
 * ("* ann waves") have no author's name. A person who writes a relay's name and another
 * name before a line keeps that relay from passing it on.
 *
 * If a room and a channel have two relays, each hears the other repeat what it said itself:
 * its own name is the first on the way, right after the other's.
 */
#ifndef IRC_RELAY_WAY_H
#define IRC_RELAY_WAY_H

#include <stddef.h>

/* The most bytes of names before a line: they are repeated before each piece of it. */
#define WAY_MOST 200

enum side { ROOM, CHANNEL };

/* The length of the names that a line begins with, and of the spaces after them. */
size_t way_length(const char *line);

enum relay_way {
    WAY_ON,        /* it goes further; the others do not */
    WAY_CAME_BACK, /* it has been through this relay */
    WAY_OTHER,     /* the same, through another relay of this room and channel */
    WAY_TOO_LONG   /* its way has more than WAY_MOST bytes */
};

/* Judges "<speaker> words", as said on a side. `names` are the relay's own on each side. */
enum relay_way relay_way_of(const char *const names[2], enum side side, const char *line);

#endif
