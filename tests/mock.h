/*
 * mock: a server that the test itself plays, for a client under test.
 */
#ifndef TESTS_MOCK_H
#define TESTS_MOCK_H

#include "tests/stream.h"

struct mock {
    int listener; /* the listening socket */
    int port;
    char name[32]; /* 127.0.0.1:37993 */
};

/* Listens on a free port of `host`, which is 127.0.0.1 or ::1. */
struct mock mock_open(const char *host);

/* Is a client waiting to be accepted, now or within `ms`? */
bool mock_ready(const struct mock *mock, int ms);

/* Waits for the next client. */
struct stream mock_accept(const struct mock *mock);

/* Fills the queue of connections, so that the next client is neither accepted nor refused. */
void mock_fill_queue(const struct mock *mock);

/* From now on clients are refused. Where the system allows, nobody else gets the port. */
void mock_close(struct mock *mock);

/*
 * A port of 127.0.0.1 that nobody listens on. Where the system allows, the test holds it
 * until its end: of the suites that run side by side only a server that it names it to, and
 * that sets SO_REUSEADDR, can have it.
 */
int unused_port(void);

#endif
