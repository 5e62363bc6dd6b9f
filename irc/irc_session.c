#include "irc/irc_session.h"

#include "base/clock.h"
#include "net/text.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define QUIT_MS     2000 /* for the server to close after a QUIT */
#define BURST_LINES 5    /* go out at once: RFC 2813's ten seconds, two for each line */
#define NICK_LENGTH 9    /* accepted by every server (RFC 2812 1.2.1) */
#define NICKS_MOST  99   /* to try, all except the first with a number at the end */
#define NICKSERV    "NickServ"
#define ARRIVED     "arrived" /* in the PING that follows what was said, and in its PONG */

/* A server puts ":nick!user@host " before our message. The most bytes of its parts: */
#define USER_MOST 10 /* on today's servers */
#define HOST_MOST 63 /* RFC 2812 2.3.1 */

static void mask(const char *password, char *text)
{
    if (password == NULL)
        return;
    for (char *at = text; (at = strstr(at, password)) != NULL; at += strlen(password))
        memset(at, '*', strlen(password));
}

/* A server may send back what we said, and nobody may read the passwords there. */
static void mask_passwords(const struct irc_session *session, char *text)
{
    mask(session->settings.password, text);
    mask(session->settings.server_password, text);
}

/* Passes on the link's report, with the server's words made safe to print. */
static void pass_report(void *owner, const char *text)
{
    struct irc_session *session = owner;
    char masked[LINK_REPORT_MOST], clean[3 * LINK_REPORT_MOST];

    snprintf(masked, sizeof masked, "%s", text);
    irc_strip(masked);
    mask_passwords(session, masked);
    session->settings.report(session->settings.owner,
                             text_clean(masked, clean, sizeof clean));
}

/* ---- What goes out ------------------------------------------------------------------ */

/* Sends a message, as printf() does, at once, whatever the pace. */
__attribute__((format(printf, 2, 3))) static void reply(struct irc_session *session,
                                                        const char *format, ...)
{
    char text[2 * IRC_MESSAGE_MOST], message[IRC_MESSAGE_MOST];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    link_reply(&session->link, message, irc_build(message, text));
}

/* The longest nick that the session may get: see take_another_nick(). */
static size_t nick_most(const struct irc_session *session)
{
    size_t wanted = strlen(session->settings.nick);

    return wanted > NICK_LENGTH ? wanted : NICK_LENGTH;
}

size_t irc_session_text_most(const struct irc_session *session)
{
    size_t prefix = strlen(":!@ ") + nick_most(session) + USER_MOST + HOST_MOST;

    return IRC_MESSAGE_MOST - prefix - strlen("PRIVMSG ") -
           strlen(session->settings.channel) - strlen(" :\r\n");
}

bool irc_session_say(struct irc_session *session, const char *text)
{
    char said[2 * IRC_MESSAGE_MOST], message[IRC_MESSAGE_MOST];

    snprintf(said, sizeof said, "PRIVMSG %s :%s", session->settings.channel, text);
    return line_queue_add(&session->link.queue, message, irc_build(message, said));
}

/* How many lines may be said now. */
static unsigned long lines_allowed(const struct irc_session *session)
{
    int64_t pace = session->settings.pace_ms, credit = clock_ms() - session->empty_at;

    if (session->state != IRC_JOINED)
        return 0;
    if (pace == 0)
        return ULONG_MAX;
    if (credit > BURST_LINES * pace)
        return BURST_LINES;
    return credit < 0 ? 0 : (unsigned long)(credit / pace);
}

static void pay(struct irc_session *session, unsigned long lines)
{
    int64_t pace = session->settings.pace_ms, full = clock_ms() - BURST_LINES * pace;

    if (session->empty_at < full)
        session->empty_at = full;
    session->empty_at += (int64_t)lines * pace;
    /* The question costs as much as a line. While lines wait for the pace, they go first. */
    session->link.ask_after = session->empty_at + 2 * pace;
    session->link.allowed = lines_allowed(session);
}

/* ---- Registering and joining -------------------------------------------------------- */

static void enter(struct irc_session *session, enum irc_state state, int64_t ms)
{
    session->state = state;
    session->deadline = clock_ms() + ms;
}

/* In the channel: after this much silence the server is asked for a sign of life. */
static void stay(struct irc_session *session)
{
    session->asked = false;
    enter(session, IRC_JOINED, session->settings.silence_ms);
}

static void introduce(struct irc_session *session)
{
    const struct irc_settings *settings = &session->settings;

    session->reader = (struct irc_reader){.length = 0};
    session->nicks_tried = 0;
    snprintf(session->nick, sizeof session->nick, "%s", settings->nick);
    enter(session, IRC_REGISTERING, 2 * settings->silence_ms);
    if (settings->server_password != NULL) /* it comes first (RFC 2812 3.1.1) */
        reply(session, "PASS :%s", settings->server_password);
    reply(session, "NICK %s", session->nick);
    reply(session, "USER netlab 0 * :%s", settings->real_name);
}

/* Tries the nick with a number at its end, no longer than every server accepts. */
static void take_another_nick(struct irc_session *session, const char *why)
{
    char number[8];
    int keep;

    if (++session->nicks_tried > NICKS_MOST) {
        link_lose(&session->link, "no nick is free on", why);
        return;
    }
    keep = (int)nick_most(session) -
           snprintf(number, sizeof number, "%d", session->nicks_tried);
    snprintf(session->nick, sizeof session->nick, "%.*s%s", keep, session->settings.nick,
             number);
    reply(session, "NICK %s", session->nick);
}

/* The server decides what we are called, even if we could not ask for it: "42XAAAAAB". */
static void take_nick(struct irc_session *session, const char *nick)
{
    if (*nick != '\0' && strlen(nick) <= IRC_NICK_MOST && strpbrk(nick, " !@") == NULL)
        snprintf(session->nick, sizeof session->nick, "%s", nick);
}

static bool has_nick(const struct irc_session *session)
{
    return strcmp(session->nick, session->settings.nick) == 0;
}

/* Under another nick, NickServ must be told whose password it is. */
static void identify(struct irc_session *session)
{
    const char *password = session->settings.password;

    if (password == NULL)
        return;
    if (has_nick(session))
        reply(session, "PRIVMSG " NICKSERV " :IDENTIFY %s", password);
    else
        reply(session, "PRIVMSG " NICKSERV " :IDENTIFY %s %s", session->settings.nick,
              password);
}

static void join(struct irc_session *session)
{
    const char *key = session->settings.key;

    reply(session, "JOIN %s%s%s", session->settings.channel, key == NULL ? "" : " ",
          key == NULL ? "" : key);
    enter(session, IRC_JOINING, 2 * session->settings.silence_ms);
}

/* The nick in the welcome is ours now: a server may have cut it. */
static void take_welcome(struct irc_session *session, const struct irc_message *message)
{
    take_nick(session, message->params[0]);
    session->nick_at = clock_ms() + session->settings.silence_ms;
    identify(session);
    join(session);
}

bool irc_session_is_own(const struct irc_session *session, const char *nick)
{
    return strcasecmp(nick, session->nick) == 0;
}

/* ---- What the server refuses -------------------------------------------------------- */

/* In a report the server's own words follow these. */
static const struct refusal {
    int numeric;
    const char *what;
} refusals[] = {
    {432, "the server does not allow this nick (-n gives another)"},
    {463, "the server does not accept this machine"},
    {464, "the server needs a password (IRC_SERVER_PASSWORD gives it)"},
    {465, "banned from the server"},
    {403, "cannot join: there is no such channel"},
    {473, "cannot join: the channel is for invited people only"},
    {474, "cannot join: banned from the channel"},
    {475, "cannot join: the channel needs another key (-k gives it)"},
    {477, "cannot join: the channel is for registered nicks only"},
};

/* What a numeric refuses, or NULL. */
static const char *refused_by(int numeric)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (refusals[i].numeric == numeric)
            return refusals[i].what;
    return NULL;
}

/* Any error about the channel or the command answers JOIN, and so does "try again" (263). */
static bool is_about_join(const struct irc_session *session,
                          const struct irc_message *message)
{
    const char *about = message->params[1];
    bool is_error = message->numeric >= 400 && message->numeric < 600;

    return (is_error && irc_same(about, session->settings.channel)) ||
           ((is_error || message->numeric == 263) && irc_same(about, "JOIN"));
}

/* NickServ may need a moment to let us in, and a busy server may soon have time. */
static bool may_pass(const struct irc_session *session, int numeric)
{
    return numeric == 263 || numeric == 437 ||
           ((numeric == 471 || numeric == 477) && session->settings.password != NULL);
}

/* A numeric's words for people are its last parameter. */
static const char *last_param(const struct irc_message *message)
{
    return message->params[message->count > 0 ? message->count - 1 : 0];
}

/*
 * Before the channel was ever joined, a refusal ends the session: somebody must change the
 * command line. Later a refusal may pass with time.
 */
static void refuse(struct irc_session *session, const char *what,
                   const struct irc_message *message)
{
    const char *words = last_param(message);

    link_report(&session->link, "%s: %s", what, words);
    if (session->joins == 0 && !may_pass(session, message->numeric)) {
        session->refused = true;
        link_close(&session->link);
    } else if (session->state == IRC_JOINING) {
        enter(session, IRC_OUTSIDE, link_next_pause(&session->link));
    } else {
        link_lose(&session->link, "left", words);
    }
}

/* 404: the channel did not accept what was said. */
static void take_rejection(struct irc_session *session, const char *words)
{
    if (session->rejected == 0)
        link_report(&session->link, "what was said did not reach the channel: %s", words);
    session->rejected++;
}

static void take_refusal(struct irc_session *session, const struct irc_message *message)
{
    const char *what = refused_by(message->numeric), *words = last_param(message);

    if (session->state == IRC_REGISTERING && what != NULL)
        refuse(session, what, message);
    else if (session->state == IRC_JOINING && is_about_join(session, message))
        refuse(session, what != NULL ? what : "cannot join", message);
    else if (message->numeric == 401 && session->settings.password != NULL &&
             irc_same(message->params[1], NICKSERV))
        link_report(&session->link, "there is no %s to identify to: %s", NICKSERV, words);
    else if (message->numeric == 404)
        take_rejection(session, words);
}

/* ---- What comes in ------------------------------------------------------------------ */

static void take_numeric(struct irc_session *session, const struct irc_message *message)
{
    bool in_use =
        message->numeric == 433 || message->numeric == 436 || message->numeric == 437;

    if (session->state == IRC_REGISTERING && message->numeric == 1)
        take_welcome(session, message);
    else if (session->state == IRC_REGISTERING && in_use)
        take_another_nick(session, last_param(message));
    else
        take_refusal(session, message);
}

static void take_join(struct irc_session *session)
{
    const struct irc_settings *settings = &session->settings;

    if (session->state != IRC_JOINING && session->state != IRC_OUTSIDE)
        return;
    stay(session);
    session->joins++;
    link_report(&session->link, "joined %s on %s port %d as %s", settings->channel,
                settings->server.host, settings->server.port, session->nick);
}

static void take_new_nick(struct irc_session *session, const char *nick)
{
    bool had = has_nick(session);

    take_nick(session, nick);
    if (had || !has_nick(session))
        return;
    link_report(&session->link, "called %s now", session->nick);
    identify(session);
}

/* Out of the channel, but still on the server: join again after a pause. */
static void take_removal(struct irc_session *session, const char *how, const char *why)
{
    int64_t pause;

    if (session->state != IRC_JOINED)
        return;
    pause = link_next_pause(&session->link);
    enter(session, IRC_OUTSIDE, pause);
    link_report(&session->link, "%s %s%s%s%s; joining again in %lld s", how,
                session->settings.channel, *why == '\0' ? "" : " (", why,
                *why == '\0' ? "" : ")", (long long)pause / 1000);
}

/*
 * An ERROR also answers QUIT (RFC 2812 3.1.7): the server has read all that came before. And
 * ngIRCd has no 464: it says "Access denied: Bad password?".
 */
static void take_error(struct irc_session *session, const struct irc_message *message)
{
    if (session->state == IRC_QUITTING)
        link_proven(&session->link);
    if (session->state == IRC_REGISTERING &&
        strstr(message->params[0], "Bad password") != NULL)
        refuse(session, refused_by(464), message);
    else
        link_lose(&session->link, "disconnected by", message->params[0]);
}

/* Takes a message whose command is a word. */
static void take_word(struct irc_session *session, const struct irc_message *message)
{
    const char *command = message->command, *first = message->params[0];
    bool is_here = irc_same(first, session->settings.channel), is_own;
    char nick[IRC_NICK_MOST + 1];

    irc_nick(message, nick);
    is_own = irc_session_is_own(session, nick);
    if (strcmp(command, "PING") == 0)
        reply(session, "PONG :%s", first);
    else if (strcmp(command, "PONG") == 0 && strcmp(last_param(message), ARRIVED) == 0)
        link_answered(&session->link);
    else if (strcmp(command, "ERROR") == 0)
        take_error(session, message);
    else if (strcmp(command, "NOTICE") == 0 && session->settings.password != NULL &&
             irc_same(nick, NICKSERV) && irc_session_is_own(session, first))
        link_report(&session->link, "%s says: %s", NICKSERV, message->params[1]);
    else if (strcmp(command, "KICK") == 0 && is_here &&
             irc_session_is_own(session, message->params[1]))
        take_removal(session, "kicked out of", message->params[2]);
    else if (strcmp(command, "PART") == 0 && is_here && is_own)
        take_removal(session, "taken out of", message->params[1]);
    else if (strcmp(command, "JOIN") == 0 && is_here && is_own)
        take_join(session);
    else if (strcmp(command, "NICK") == 0 && is_own)
        take_new_nick(session, first);
}

static void take_message(struct irc_session *session)
{
    struct irc_message message;

    if (!irc_parse(session->reader.text, &message))
        return;
    if (message.numeric > 0)
        take_numeric(session, &message);
    else
        take_word(session, &message);
    /* What people say in a channel stays unmasked: a word may happen to be the
       password. */
    if (!irc_is_channel(message.params[0]))
        for (int i = 0; i < message.count; i++)
            mask_passwords(session, message.params[i]);
    session->settings.hear(session->settings.owner, &message);
}

static void take_bytes(struct irc_session *session, const char *bytes, size_t length)
{
    if (session->state == IRC_JOINED)
        stay(session);
    for (size_t at = 0; at < length && session->link.state == LINK_UP;) {
        at += irc_read(&session->reader, bytes + at, length - at);
        if (session->reader.is_whole)
            take_message(session);
    }
}

/* ---- Time --------------------------------------------------------------------------- */

/* A program that was stopped for an hour has not asked yet: the server may be there. */
static void take_silence(struct irc_session *session)
{
    if (session->asked) {
        link_lose(&session->link, "lost the connection to", "it does not answer");
        return;
    }
    stay(session);
    session->asked = true;
    reply(session, "PING %s", session->nick);
}

/* The wanted nick may be free by now. */
static void try_nick_again(struct irc_session *session)
{
    if (has_nick(session) || clock_ms() < session->nick_at)
        return;
    reply(session, "NICK %s", session->settings.nick);
    session->nick_at = clock_ms() + session->settings.silence_ms;
}

static void take_time(struct irc_session *session)
{
    if (session->state == IRC_JOINED)
        try_nick_again(session);
    if (clock_ms() < session->deadline)
        return;
    switch (session->state) {
    case IRC_REGISTERING:
        link_lose(&session->link, "no welcome from", "it took too long");
        break;
    case IRC_OUTSIDE: join(session); break;
    case IRC_JOINING:
        link_lose(&session->link, "no answer to JOIN from", "it took too long");
        break;
    case IRC_JOINED: take_silence(session); break;
    case IRC_QUITTING: link_close(&session->link); break;
    default: break;
    }
}

/* ---- The session -------------------------------------------------------------------- */

void irc_session_start(struct irc_session *session, const struct irc_settings *settings)
{
    static const char question[] = "PING " ARRIVED "\r\n";

    *session = (struct irc_session){.settings = *settings};
    link_start(&session->link,
               &(struct link_settings){.title = "",
                                       .server = settings->server,
                                       .question = question,
                                       .question_length = strlen(question),
                                       .report = pass_report,
                                       .owner = session});
}

void irc_session_step(struct irc_session *session, const struct fdset *readable)
{
    char bytes[LINK_INPUT_BYTES];
    size_t length;

    switch (link_step(&session->link, readable, bytes, &length)) {
    case LINK_CONNECTED: introduce(session); break;
    case LINK_RECEIVED: take_bytes(session, bytes, length); break;
    case LINK_NOTHING: break;
    }
    if (session->link.state == LINK_UP)
        take_time(session);
    session->link.allowed = lines_allowed(session);
    pay(session, link_send(&session->link));
    session->link.due = session->deadline;
    if (session->state == IRC_JOINED && session->link.allowed == 0)
        session->link.due = clock_earlier(session->deadline,
                                          session->empty_at + session->settings.pace_ms);
    if (session->link.state == LINK_OVER)
        session->state = IRC_OVER;
    else if (session->link.state != LINK_UP)
        session->state = IRC_OFFLINE;
}

void irc_session_quit(struct irc_session *session, const char *words)
{
    reply(session, "QUIT :%s", words);
    enter(session, IRC_QUITTING, QUIT_MS);
    session->link.due = session->deadline;
    link_end(&session->link);
}
