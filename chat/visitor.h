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
 *     down WHY                                  the room cannot be reached, and is tried again
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
    int64_t try_at;             /* clock_ms(); while it is down, no earlier */
    struct dial_addresses known;
    struct history history;
};

struct visitor {
    struct lobby *lobby;
    char name[WORDS_NAME_MOST]; /* the wanted one, then the one in use */
    bool is_joined, is_down, is_over;
    int64_t left_at;                              /* clock_ms() */
    enum { WHO_NOT, WHO_ASKED, WHO_LISTING } who; /* the gateway's own /who */
    uint64_t sent;      /* the number of the last event that the browser was sent */
    char missing[100];  /* an event that says how many are missing */
    struct heard heard; /* the events */
    struct room_link room;
};

/* Somebody comes, who has heard nothing so far. The name, which must fit, is kept. */
void visitor_come(struct visitor *visitor, struct lobby *lobby, const char *name);

/* Leaves the room, and comes back; somebody else may have the name by then. */
void visitor_leave(struct visitor *visitor);
void visitor_come_back(struct visitor *visitor);

/*
 * When the visitor must be stepped even if nothing is ready (clock_ms()), or INT64_MAX.
 * While the room cannot be reached, one visitor tries it every two seconds, for all.
 */
int64_t visitor_deadline(const struct visitor *visitor);

/* Does what can be done now. */
void visitor_step(struct visitor *visitor, const struct fdset *readable);

/*
 * The next event that the browser was not sent, or NULL; its number is then `sent`. It is not
 * a string, and is valid until the next step. If it is `missing`, watch the link again: it
 * asks the room who is here, because the lost events may have told that.
 */
const char *visitor_next_event(struct visitor *visitor, size_t *length);

/* The browser says that it has seen the events up to that number: the next one follows. */
void visitor_rewind(struct visitor *visitor, uint64_t last);

/* Queues a line, which may be a command. The next step sends it. */
enum visitor_says {
    VISITOR_SAID,
    VISITOR_NO_LINE,  /* it is empty, or more than one line */
    VISITOR_TOO_LONG, /* as clean text it has more than LINE_MOST bytes */
    VISITOR_CANNOT,   /* the room is down, or the visitor is out */
    VISITOR_TOO_MUCH  /* the room takes lines more slowly than they come */
};
enum visitor_says visitor_say(struct visitor *visitor, const char *bytes, size_t length);

/* Adds an event with at most two lines of data, which may be NULL. */
void visitor_note(struct visitor *visitor, const char *type, const char *first,
                  const char *second);

#endif
