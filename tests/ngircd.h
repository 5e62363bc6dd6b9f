/*
 * ngircd: a real IRC server for the tests, Debian's ngircd unless the environment variable
 * NGIRCD names another, and people on it. It listens on loopback on a free port, with a
 * configuration in a temporary directory, and needs no root; started by root it goes on as
 * "nobody" once it has read that.
 */
#ifndef TESTS_NGIRCD_H
#define TESTS_NGIRCD_H

#include "tests/harness.h"

struct ngircd {
    const char *name; /* "a" is a.test */
    int port;
    struct program program;
    char directory[64];
};

/* A port that is free now. */
int free_port(void);

/*
 * Starts a server, on `port` (0: any free one), with `more` lines of configuration. Without
 * ngircd the test fails, and says what to install.
 */
void ngircd_start(struct ngircd *server, const char *name, int port, const char *more);

/*
 * Starts an InspIRCd (or what INSPIRCD names) in the same way: the other server that is
 * much in use. It is no package that the tests ask for: false, and a line that says so, if
 * it is not there.
 */
bool inspircd_start(struct ngircd *server, const char *name);

/* Ends it, with a signal, and removes its directory. */
void ngircd_stop(struct ngircd *server, int signal_number);

/* Ends those that still run, and closes nothing else: for the end of a test. */
void ngircd_stop_all(void);

/* What `more` is for the server at each end of a link: the one that calls, when told to. */
const char *ngircd_link(const char *peer, int peer_port);

/* Registers as `nick` and joins `channel`, with all that the server says read. */
struct stream irc_join(int port, const char *nick, const char *channel);

/* Sends a line, printf()'s way. */
void irc_send(struct stream *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Takes lines up to one that holds `words`, which belongs to the caller. PING is answered. */
char *irc_await(struct stream *client, const char *words);

/* The next PRIVMSG must be this text, said by that nick. */
void expect_said(struct stream *client, const char *nick, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- A server that is a script ------------------------------------------------------ */

struct fake {
    int listener, port;
};

struct fake fake_open(void);

/* Takes the next connection, and no more. */
struct stream fake_accept(const struct fake *fake);

/* The same, and plays a server up to the end of the JOIN: it returns the nick in `nick`. */
struct stream fake_welcome(const struct fake *fake, const char *channel, char nick[64]);

/*
 * Has NickServ say more than fits into a program's standard error, a pipe that nobody reads:
 * the program, which was started with a password, must go on, and say that lines are missing.
 */
void expect_no_wait_for_reader(struct stream *client, struct program *program,
                               const char *nick);

#endif
