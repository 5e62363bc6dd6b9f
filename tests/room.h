/*
 * room: a chat server under test (bin/pchatsrv), and clients that have joined it. The same
 * is expected of bin/chat_small.
 */
#ifndef TESTS_ROOM_H
#define TESTS_ROOM_H

#include "tests/harness.h"

#define PCHATSRV   "bin/pchatsrv"
#define FIRST_LINE "ChatServer started on port "
#define GREETING   "You're connected to the C chatserver"

/* Starts the server on a free port, or by a script, as program_serve_by() does. */
struct program room_open(void);
struct program room_open_by(const char *script);

/* Connects and takes the greeting, but not the news that the log and the others get. */
struct stream room_join(const struct program *server);

/* Joins a room under a name, and reads what the room says about it. */
struct stream named(const struct program *server, const char *name);

/* Joins `count` clients, and takes the news that each gets of those that join later. */
void room_fill(const struct program *server, struct stream *clients, int count);

/* Two clients of a new room hold the session of the source document, to the byte. */
void expect_source_session(struct program *server, struct stream *ann,
                           struct stream *bob);

/*
 * Connects `count` clients. Those that find a place come first, and the others are told that
 * the room is full. Returns how many found one.
 */
int room_crowd(struct program *server, struct stream *clients, int count);

/* The crowd talks to a listener, and a place that becomes free is given to the next. */
void expect_working_crowd(const struct program *server, struct stream *crowd, int served,
                          struct stream *listener);

/* 300 clients reset their connections, at different moments, while as many join. */
void room_resets(struct program *server);

#endif
