/*
 * room_link: a program's place in a chat room (pchatsrv), which it takes again when it is
 * lost.
 *
 * On a link that reconnects by itself (net/link.h) it takes a name with /nick, or another
 * if that is in use, and passes on the room's lines. A room that does not answer in five
 * seconds is left, and tried again. The program watches the link.
 */
#ifndef CHAT_ROOM_LINK_H
#define CHAT_ROOM_LINK_H

#include "base/fdset.h"
#include "chat/words.h"
#include "net/input.h"
#include "net/link.h"

#include <stdbool.h>
#include <stdint.h>

struct room_settings {
    struct link_settings link; /* without its title and its question */
    const char *name; /* the wanted name; characters not allowed in a nick become "_" */
    /*
     * Takes a line, or a piece of a long one. Returns how many bytes of its beginning (at
     * most LINE_KEPT) the next piece should begin with; 0 skips the rest of the line, so
     * that no piece is ever mistaken for a line.
     */
    size_t (*hear)(void *owner, const char *line);
};

enum room_state {
    ROOM_OFFLINE, /* the link pauses or dials */
    ROOM_NAMING,  /* until the room has answered /nick */
    ROOM_JOINED,
    ROOM_OVER /* it was stopped */
};

struct room_link {
    struct room_settings settings;
    enum room_state state;

    char name[WORDS_NICK_MOST + 1];
    int names_tried;
    bool asked; /* for that name, and it was not refused so far */

    struct input input;
    bool in_pieces; /* the line is not the first piece of a long one */
    bool skipping;  /* nobody wants the rest of the line */

    struct link link; /* its queue holds the lines to say */
};

/* Begins. The first step makes the first attempt. */
void room_link_start(struct room_link *room, const struct room_settings *settings);

/* Does what can be done now. Both callbacks are called from here. */
void room_link_step(struct room_link *room, const struct fdset *readable);

/* Queues a line. False: the queue is full, and the line is counted in link.queue.dropped. */
bool room_link_say(struct room_link *room, const char *text);

/* Leaves the room. What the system does not take at once is lost. */
void room_link_stop(struct room_link *room);

#endif
