/*
 * web_chat: the gateway under test (bin/web_chat) with its room, and people who use it
 * without a browser.
 */
#ifndef TESTS_WEB_CHAT_H
#define TESTS_WEB_CHAT_H

#include "tests/harness.h"

#include <stdint.h>

#define WEB_CHAT       "bin/web_chat"
#define WEB_CHAT_FIRST "web_chat started on port "

/* The room, which is a pchatsrv, and the gateway. */
extern struct program chat_room, web_chat;

/* The address that all connections to the gateway come from, and go to: 127.0.0.1, or ::1. */
extern const char *web_chat_host;

/* The fixture that starts both, and the one that ends them; each must end well. */
void web_chat_set_up(void);
void web_chat_tear_down(void);

/* Starts a gateway to that port, with further arguments, words for a shell. */
struct program web_chat_open(int room_port, const char *more);

/*
 * Sends a request, printf()'s way, on a connection of its own. Returns the status of the
 * answer; its head and its content are in `answer_head` and `answer_content`.
 */
int request(const char *format, ...) __attribute__((format(printf, 1, 2)));
extern char answer_head[4096], answer_content[65536];

/* A POST of bytes, with further fields ("Origin: x\r\n"). Returns the status. */
int post_bytes(const char *path, const char *fields, const char *bytes, size_t length);

/* Joins under a name ("": none). Returns the token, one of a few buffers. */
const char *join(const char *name);

/* Says a line, as the person with that token. Returns the status. */
int say(const char *token, const char *line);

/* Opens a person's events, after the number `last` (0: all), up to the first event. */
struct stream open_events(const char *token, uint64_t last);

/* Joins, and waits until the person is in the room, and knows who is there. */
struct stream join_and_listen(const char *name, const char **token);

/* Takes the next event. `event_data` has its data, with a line feed between two. */
uint64_t take_event(struct stream *events);
extern char event_type[40], event_data[4096];

/* Takes events up to one of this type, whose data are then in `event_data`. */
void skip_to_event(struct stream *events, const char *type);

/* Takes events up to one of this type with these data. Returns its number. */
uint64_t expect_event(struct stream *events, const char *type, const char *data);

#endif
