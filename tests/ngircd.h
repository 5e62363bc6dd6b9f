/*
 * ngircd: a real IRC server for the tests, and people on it. The program is Debian's
 * ngircd unless the environment variable NGIRCD names another. It listens on a free
 * loopback port, has its files in the test's directory (temp.h), and needs no root rights.
 * If root starts it, it runs as "nobody" once it has read the configuration.
 */
#ifndef TESTS_NGIRCD_H
#define TESTS_NGIRCD_H

#include "tests/harness.h"

struct ngircd {
    const char *name; /* "a" is a.test */
    int port;
    struct program program;
};

/* Starts a server on `port` (0: any free one), with `more` lines of configuration. */
void ngircd_start(struct ngircd *server, const char *name, int port, const char *more);

/*
 * Starts an InspIRCd (or what INSPIRCD names) in the same way. The tests do not need it.
 * Returns false, after printing a line that says so, if it is not installed.
 */
bool inspircd_start(struct ngircd *server, const char *name);

/* Ends it by a signal. */
void ngircd_stop(struct ngircd *server, int signal_number);

/* Ends the servers that still run, at the end of a test. It closes no stream. */
void ngircd_stop_all(void);

/* Lines of configuration (`more`) for a link with another server, which an operator makes. */
const char *ngircd_link(const char *peer, int peer_port);

/* Registers as `nick`, joins `channel`, and reads what the server says about it. */
struct stream irc_join(int port, const char *nick, const char *channel);

/* Sends a line, as printf() does. */
void irc_send(struct stream *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Takes lines up to one with `words`, which it returns as take_line() does. Answers PING. */
char *irc_await(struct stream *client, const char *words);

/* The next PRIVMSG must be this text, from that nick. */
void expect_said(struct stream *client, const char *nick, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- A server that is a script ------------------------------------------------------ */

/* Accepts the next client, up to the end of what it says about itself. */
struct stream fake_accept(const struct mock *fake);

/* Plays a server from there until JOIN, and lets it into the channel. */
struct stream fake_welcome(const struct mock *fake, const char *channel);

/*
 * NickServ says more than fits into the program's standard error, a pipe that nobody
 * reads. The program, which was started with a password, must go on and say that lines are
 * missing.
 */
void expect_no_wait_for_reader(struct stream *client, struct program *program);

#endif
