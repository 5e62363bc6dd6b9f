/*
 * relay: what the suites of irc_relay share. The relay is the program that the environment
 * variable IRC_RELAY names, bin/irc_relay if it is unset; it links a room (tests/room.h) with
 * an IRC server (tests/ngircd.h), or two servers that are scripts.
 */
#ifndef TESTS_RELAY_H
#define TESTS_RELAY_H

#include "tests/ngircd.h"
#include "tests/room.h"

/* Each test runs in a process of its own: these belong to that test. */
extern struct program room, relay;
extern struct ngircd irc;

/* Notes that a program runs. At the end of the test it is ended, and must end well. */
struct program started(struct program program);

/* The fixture that does this. */
void end_all(void);

/* Starts a relay with this nick and pace, and one more option (or NULL). */
struct program relay_start(const char *nick, int room_port, int irc_port,
                           const char *channel, const char *pace, const char *option);

/* Waits until it is in the room and in the channel, whichever comes first. */
void await_links(struct program *program);

/* Starts a relay without a pace, and waits until it is linked. */
struct program relay_linked(const char *nick, int room_port, int irc_port,
                            const char *channel, const char *option);

/* Ends a relay by SIGTERM. It must end well, and miss no line. */
void relay_stop(struct program *program);

/* The next line must be this, apart from the news that a link is up. */
void expect_next(struct stream *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A room and a server that are both scripts, linked by `relay`. */
extern struct stream fake_room, fake_server;
void link_fakes(const char *nick, const char *pace);

#endif
