/*
 * irc_session: a client's place in one channel of an IRC server, which it takes again when
 * it is lost.
 *
 * On a link that reconnects by itself (net/link.h) the session registers (PASS, NICK, USER),
 * takes another nick if its own is in use, waits for the welcome, identifies to NickServ,
 * joins the channel, answers PING, and asks a silent server for a sign of life. It joins
 * again after a kick. The program watches the link.
 *
 * Lines go out at the pace that servers ask for (RFC 2813 5.8: each line costs two
 * seconds, and a client may be ten seconds ahead), so none disconnects it for flooding.
 */
#ifndef IRC_IRC_SESSION_H
#define IRC_IRC_SESSION_H

#include "base/fdset.h"
#include "base/options.h"
#include "irc/irc.h"
#include "net/link.h"

#include <stdbool.h>
#include <stdint.h>

#define IRC_SILENCE_MS 60000 /* the usual value */
#define IRC_PACE_MS    2000  /* RFC 2813 5.8 */

/* What the program wants. The strings stay the program's. */
struct irc_settings {
    struct options_peer server;
    const char *nick; /* the wanted nick; irc_session.nick is the actual one */
    const char *real_name;
    const char *channel;
    const char *key;             /* the channel's, or NULL */
    const char *password;        /* for NickServ, or NULL */
    const char *server_password; /* or NULL */
    int64_t silence_ms; /* after this much silence ask the server for a sign of life */
    int64_t pace_ms;    /* the cost of a line; 0: no limit */
    /* Takes each message that came, after the session has done its part. */
    void (*hear)(void *owner, struct irc_message *message);
    /* Takes news of the session: one line without control characters. */
    void (*report)(void *owner, const char *text);
    void *owner;
};

enum irc_state {
    IRC_OFFLINE,     /* the link pauses or dials */
    IRC_REGISTERING, /* until the server's welcome */
    IRC_OUTSIDE,     /* registered, and will join after a pause */
    IRC_JOINING,     /* until it is in the channel */
    IRC_JOINED,
    IRC_QUITTING, /* until the server closes */
    IRC_OVER      /* it has quit, or `refused` */
};

struct irc_session {
    struct irc_settings settings;
    struct link link; /* its queue holds what to say, as whole messages */
    enum irc_state state;
    bool refused;     /* the server refused us before the channel was ever joined */
    unsigned joins;   /* how often it came into the channel */
    int64_t deadline; /* of every state except offline and over (clock_ms()) */
    bool asked;       /* the silent server, for a sign of life */

    char nick[IRC_NICK_MOST + 1];
    int nicks_tried;
    int64_t nick_at; /* when to try the wanted nick again, if need be */

    struct irc_reader reader;
    unsigned long rejected; /* messages refused by the channel, of which the first is
                               reported; the owner clears it */
    int64_t empty_at; /* the pace: a line may go for each pace_ms since then, at most 5 */
};

/* Begins. The first step makes the first attempt. */
void irc_session_start(struct irc_session *session, const struct irc_settings *settings);

/* Does what can be done now. Both callbacks are called from here. */
void irc_session_step(struct irc_session *session, const struct fdset *readable);

/* How many bytes of text reach everyone in one message: the server adds its prefix. */
size_t irc_session_text_most(const struct irc_session *session);

/*
 * Queues a PRIVMSG to the channel, of a text of at most that many bytes. False: the queue is
 * full, and the line is counted in link.queue.dropped.
 */
bool irc_session_say(struct irc_session *session, const char *text);

/*
 * Is this the session's own nick? Only the case of ASCII letters may differ: which other
 * characters are the same depends on the server (irc_same()).
 */
bool irc_session_is_own(const struct irc_session *session, const char *nick);

/* Says QUIT, and waits at most two seconds for the server to close. */
void irc_session_quit(struct irc_session *session, const char *words);

#endif
