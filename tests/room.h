/*
 * room: a chat server under test, and clients that have joined it. The server is the
 * program that the environment variable PCHATSRV names, bin/pchatsrv if it is unset.
 */
#ifndef TESTS_ROOM_H
#define TESTS_ROOM_H

#include "tests/harness.h"

#define GREETING "You're connected to the C chatserver"
#define FULL     "Server full, try again later"

/* Starts the server on a free port. */
struct program room_open(void);

/* Connects and reads the greeting; the log's and the others' news are not touched. */
struct stream room_join(const struct program *server);

/* Fills `clients` with so many, each told of all that joined after it. */
void room_fill(const struct program *server, struct stream *clients, int count);

#endif
