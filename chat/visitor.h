/*
 * visitor: somebody who is in a room (pchatsrv) through a gateway, and what becomes of the
 * room's lines on the way to a page: events.
 *
 * An event is a text whose first line is its type; its data follow, a line for each:
 *
 *     said NAME TEXT      action NAME TEXT      somebody else says, or does, something
 *     own NAME TEXT       own-action NAME TEXT  the visitor does
 *     from NAME TEXT      to NAME TEXT          a /msg from somebody, or the receipt for one
 *     joined NAME         left NAME WHY         renamed NAME NEW-NAME
 *     who ROW                                   a row of the list of those who are here
 *     note TEXT                                 everything else that the room says
 *     you NAME                                  the visitor is in the room under that name
 *     down WHY                                  the room cannot be reached: it is tried again
 *     over                                      the visitor has left, by /quit
 *     missing TEXT                              lines are missing
 *
 * All are kept in the history (chat/history.h), where they have numbers. The visitor's own
 * lines are among them, because the room does not send them back.
 *
 * Nothing here waits: the program's loop steps the link (chat/room_link.h).
 */
#ifndef CHAT_VISITOR_H
#define CHAT_VISITOR_H

#include "base/options.h"
#include "chat/history.h"
#include "chat/room_link.h"
#include "net/dial.h"

#include <stdbool.h>
#include <stdint.h>

/* What all visitors of a room share. */
struct lobby {
    struct options_peer server; /* the room's */
    bool is_down;               /* the last attempt to get in has failed, */
    char why[LINK_REPORT_MOST]; /* because of this */
    struct dial_addresses known;
    struct history history;
};

struct visitor {
    struct lobby *lobby;
    char name[WORDS_NAME_MOST]; /* the wanted one, then the one in use */
    bool is_joined, is_down, is_over;
    enum { WHO_NOT, WHO_ASKED, WHO_LISTING } who; /* the gateway's own /who */
    struct room_link room;
    struct heard heard; /* the events */
};

/* Somebody comes, who has heard nothing so far. The name, which must fit, is kept. */
void visitor_begin(struct visitor *visitor, struct lobby *lobby, const char *name);

/* Goes into the room, for the first time or again. The first step does it. */
void visitor_enter(struct visitor *visitor);

/*
 * Must the visitor wait with dialing? While the room cannot be reached, one visitor alone
 * tries it, every two seconds. `others_try`: another one does.
 */
bool visitor_must_wait(const struct visitor *visitor, bool others_try);

/* Does what can be done now. */
void visitor_step(struct visitor *visitor, const struct fdset *readable);

/* Notes the name again, and who is here: the browser may have missed both. */
void visitor_refresh(struct visitor *visitor);

/* Queues a line of clean text, which may be a command. The next step sends it. */
enum visitor_says {
    VISITOR_SAID,
    VISITOR_CANNOT,  /* the room is down, or the visitor is out */
    VISITOR_TOO_MUCH /* the room takes lines more slowly than they come */
};
enum visitor_says visitor_say(struct visitor *visitor, const char *line);

/* Adds an event with at most two data, which may be NULL. */
void visitor_note(struct visitor *visitor, const char *type, const char *first,
                  const char *second);

#endif
