/*
 * irc_session: a client's place on an IRC server, in one channel, for good.
 *
 * It dials, registers (NICK, USER), takes another nick when its own is in use, waits for
 * the welcome, identifies to NickServ, joins the channel, answers PING, asks a server that
 * is silent for a sign of life, and when the connection is lost or the server says no, it
 * comes back, with pauses that grow (net/backoff.h). None of that waits: it is fed by its
 * program's select(), and tells its program what it heard and what became of it.
 *
 * What is to be said goes through a queue at the pace that servers ask for (RFC 2813 5.8:
 * each line puts the clock on by so much, and it may be five lines ahead), so nobody is
 * thrown out for flooding. The queue outlives a connection.
 */
#ifndef IRC_IRC_SESSION_H
#define IRC_IRC_SESSION_H

#include "irc/irc.h"
#include "net/backoff.h"
#include "net/dial.h"
#include "net/line_queue.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/select.h>

#define IRC_SILENCE_MS 60000 /* what is usual */
#define IRC_PACE_MS    2000  /* RFC 2813 5.8 */

/* What the program wants; the strings stay its own. */
struct irc_settings {
    const char *host;
    int port;
    const char *nick; /* as it was asked for: irc_session.nick is what it became */
    const char *real_name;
    const char *channel;
    const char *key;      /* the channel's, or NULL */
    const char *password; /* for NickServ, or NULL */
    int64_t silence_ms;   /* of a server before it is asked whether it is there */
    int64_t pace_ms;      /* a line; 0: no limit */
    /*
     * Every message that came, after the session has done its part; and, a line each
     * without control characters, what became of the session.
     */
    void (*hear)(void *owner, struct irc_message *message);
    void (*report)(void *owner, const char *text);
    void *owner;
};

enum irc_state {
    IRC_PAUSING,     /* until the next attempt */
    IRC_DIALING,     /* until the server has been reached */
    IRC_REGISTERING, /* until its welcome */
    IRC_OUTSIDE,     /* welcome, and to join in a while */
    IRC_JOINING,     /* until it is in the channel */
    IRC_JOINED,
    IRC_QUITTING, /* until the server closes */
    IRC_OVER      /* it has quit, or `refused` */
};

struct irc_session {
    struct irc_settings settings;
    enum irc_state state;
    bool refused;     /* the server said no before the channel was ever joined */
    unsigned joins;   /* how often it came into the channel */
    int64_t deadline; /* of the state, IRC_JOINED excepted (clock_ms()) */
    struct backoff backoff;
    struct dial dial;
    int socket; /* or -1 */

    char nick[IRC_NICK_MOST + 1];
    int nicks_tried;
    int64_t nick_at; /* when the nick that was asked for is tried again, if need be */
    size_t prefix_length; /* of its own nick!user@host, as the server puts it */
    int64_t heard_at;     /* when the server last sent something */
    int64_t joined_at, complained_at;
    int64_t asked_at; /* it has been silent since, and was asked; 0: it was not */

    struct irc_reader reader;
    struct line_queue replies; /* what is no business of the pace: PONG, JOIN */
    struct line_queue queue;   /* and what is said */
    unsigned long rejected; /* messages that the channel did not take; as its `dropped` */
    int64_t paid_until;     /* the clock that each line said puts on */
};

/* Begins; the first attempt is made by the first step. */
void irc_session_start(struct irc_session *session, const struct irc_settings *settings);

/* Adds what it waits for to the sets. */
void irc_session_watch(const struct irc_session *session, struct fdset *readable,
                       struct fdset *writable);

/* When it is to be stepped even if nothing is ready (clock_ms()). */
int64_t irc_session_deadline(const struct irc_session *session);

/* Does what there is to do. Both callbacks are called from here, and from quit(). */
void irc_session_step(struct irc_session *session, const struct fdset *readable);

/*
 * Queues a PRIVMSG to the channel: `text`, cut to what reaches everyone in one message.
 * False: the queue is full, and the line is counted in session->queue.dropped.
 */
bool irc_session_say(struct irc_session *session, const char *text);

/* How many bytes of text reach everyone in one message: the server puts its prefix before. */
size_t irc_session_text_most(const struct irc_session *session);

/*
 * Is that our own nick? A server sends it as it knows it, so no more than the case of ASCII
 * may differ: what else is the same letter depends on the server (irc_same()).
 */
bool irc_session_is_own(const struct irc_session *session, const char *nick);

/* Says QUIT and waits two seconds at the most for the server to close. */
void irc_session_quit(struct irc_session *session, const char *words);

#endif
