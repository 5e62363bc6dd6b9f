/*
 * relay_way: keeps the lines that relays pass on from going in circles.
 *
 * A relay that passes a line on puts the speaker's name before it. So a line that has come
 * through relays begins with their names, "<relay2> <relay1> <ann> hello": that is the way
 * it came. A relay that finds its own name there drops the line, so no line passes the same
 * relay twice, however rooms, channels and relays are linked. (News servers do this with
 * their Path header, RFC 5536 3.1.5.)
 *
 * A relay may have one name in the room and another in the channel. The names on the way
 * belong to the two sides in turn, and the relay looks for the one that it has there. The
 * last name is the author's, which may be anything; the relay's own news ("-- ...") and
 * actions ("* ann waves") have no author's name. A text that itself begins with names in
 * angle brackets looks like a longer way: a person who writes a relay's name and another
 * one before a line keeps that line from going through that relay.
 *
 * Each relay needs a name of its own, and a room and a channel need one relay. Where there
 * are two, both pass on every line. Each hears the other say what it has said itself: then
 * its own name is the first on the way, which comes next after the other's. Where relays are
 * linked in a longer ring, its name stands further down.
 */
#ifndef IRC_RELAY_WAY_H
#define IRC_RELAY_WAY_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the names that a line may have before it: they stand before each piece of it. */
#define WAY_MOST 200

enum side { ROOM, CHANNEL };

struct relay_way {
    const char *names[2]; /* the relay's own, on each side, as they are now */
    void (*report)(void *owner, const char *text);
    void *owner;

    bool told_of_other, told_of_ring, told_of_length; /* each is reported once */
};

/* The length of the names that a line begins with, and of the spaces after them. */
size_t way_length(const char *line);

/*
 * Must a line, "<speaker> words" as it was said on a side, go no further? Either it has been
 * through this relay, or it has come too long a way to be sure of that.
 */
bool relay_way_came_back(struct relay_way *way, enum side side, const char *line);

#endif
