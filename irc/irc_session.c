#include "irc/irc_session.h"

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/fdset.h"
#include "net/keepalive.h"
#include "net/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define DIAL_MS      10000 /* to connect, with each address of the host */
#define QUIT_MS      2000  /* for the server to close after a QUIT */
#define COMPLAIN_MS  60000 /* from one complaint about what was said to the next */
#define BURST_LINES  5     /* that go out at once: RFC 2813's ten seconds, two a line */
#define NICK_LENGTH  9     /* that every server takes (RFC 2812 1.2.1) */
#define NICKS_MOST   99    /* that are tried, the first with a number behind it */
#define INPUT_BYTES  8192  /* of one recv() */
#define REPORT_BYTES 1024
#define NICKSERV     "NickServ"
#define ARRIVED      "arrived" /* the PING behind what was said, and its PONG */
#define NO_DEADLINE  INT64_MAX

/*
 * What the server puts before our text, until it has shown us: ":nick!user@host", with a
 * user name of 10 and a host of 63 bytes, as servers have them.
 */
#define PREFIX_GUESSED (IRC_NICK_MOST + 1 + 10 + 1 + 63)

#define PREFIX_MOST 256

static void report(struct irc_session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A server may send back what we said, and nobody is to read the password there. */
static void mask_password(const struct irc_session *session, char *text)
{
    const char *password = session->settings.password;

    if (password == NULL)
        return;
    for (char *at = text; (at = strstr(at, password)) != NULL; at += strlen(password))
        memset(at, '*', strlen(password));
}

/* What the server says is made fit to be printed. */
static void report(struct irc_session *session, const char *format, ...)
{
    char text[REPORT_BYTES], clean[3 * REPORT_BYTES];
    va_list list;

    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    mask_password(session, text);
    session->settings.report(session->settings.owner,
                             text_clean(text, clean, sizeof clean));
}

/* ---- What goes out ------------------------------------------------------------------ */

/* Replies beyond what fits are dropped: a server that asks and never reads is lost anyway. */
static void reply(struct irc_session *session, const char *message, size_t length)
{
    (void)line_queue_add(&session->replies, message, length);
    session->replies.dropped = 0;
}

size_t irc_session_text_most(const struct irc_session *session)
{
    size_t prefix = session->prefix_length > 0 ? session->prefix_length : PREFIX_GUESSED;
    size_t around = strlen(":") + prefix + strlen(" PRIVMSG ") +
                    strlen(session->settings.channel) + strlen(" :") + strlen("\r\n");

    return around < IRC_MESSAGE_MOST ? IRC_MESSAGE_MOST - around : 0;
}

bool irc_session_say(struct irc_session *session, const char *text)
{
    char message[IRC_MESSAGE_MOST], fitting[IRC_MESSAGE_MOST];
    size_t length = irc_cut(text, irc_session_text_most(session));

    memcpy(fitting, text, length);
    fitting[length] = '\0';
    length = irc_build(message, "PRIVMSG", session->settings.channel, fitting, NULL);
    return line_queue_add(&session->queue, message, length);
}

/* How many lines may be said now. */
static unsigned long lines_allowed(const struct irc_session *session, int64_t now)
{
    int64_t pace = session->settings.pace_ms, ahead = session->paid_until - now;

    if (session->state != IRC_JOINED)
        return 0;
    if (pace == 0)
        return session->queue.lines;
    if (ahead < 0)
        ahead = 0;
    /* What a line costs must still fit. */
    return ahead >= BURST_LINES * pace
               ? 0
               : (unsigned long)((BURST_LINES * pace - ahead) / pace);
}

/* Is there something that may go out now? A line that was begun is brought to its end. */
static bool has_output(const struct irc_session *session)
{
    return session->replies.length > 0 || session->queue.sent > 0 ||
           (session->queue.length > 0 && lines_allowed(session, clock_ms()) > 0);
}

static void pay(struct irc_session *session, long lines)
{
    int64_t now = clock_ms();

    if (session->paid_until < now)
        session->paid_until = now;
    session->paid_until += lines * session->settings.pace_ms;
}

static int send_lines(struct irc_session *session)
{
    unsigned long allowed = lines_allowed(session, clock_ms());
    long sent;

    if (allowed == 0 && session->queue.sent > 0)
        allowed = 1;
    sent = line_queue_send(&session->queue, session->socket, allowed);
    if (sent > 0)
        pay(session, sent);
    return sent == -1 ? -1 : 0;
}

/* Replies come first, but not into the middle of a line. */
static int send_some(struct irc_session *session)
{
    if (session->queue.sent > 0 && send_lines(session) == -1)
        return -1;
    if (session->queue.sent > 0)
        return 0;
    if (session->replies.length > 0 &&
        line_queue_send(&session->replies, session->socket, session->replies.lines) == -1)
        return -1;
    return session->replies.length > 0 ? 0 : send_lines(session);
}

/* ---- Coming and going --------------------------------------------------------------- */

static void close_connection(struct irc_session *session)
{
    dial_stop(&session->dial);
    if (session->socket != -1)
        descriptor_hang_up(session->socket);
    session->socket = -1;
    session->replies = (struct line_queue){.length = 0};
    line_queue_rewind(&session->queue);
}

static void enter(struct irc_session *session, enum irc_state state, int64_t ms)
{
    session->state = state;
    session->deadline = clock_ms() + ms;
}

/* Before the next attempt. It is short again when the last one went well for a while. */
static int64_t next_pause(struct irc_session *session)
{
    if (session->state == IRC_JOINED &&
        clock_ms() - session->joined_at >= session->settings.silence_ms)
        backoff_reset(&session->backoff);
    return backoff_next(&session->backoff);
}

/* The connection is lost, or was not to be had: another attempt after a pause. */
static void lose(struct irc_session *session, const char *what, const char *why)
{
    int64_t pause;

    close_connection(session);
    if (session->state == IRC_QUITTING) {
        session->state = IRC_OVER;
        return;
    }
    pause = next_pause(session);
    enter(session, IRC_PAUSING, pause);
    report(session, "%s %s port %d: %s; trying again in %lld s", what,
           session->settings.host, session->settings.port, why, (long long)pause / 1000);
}

/*
 * The server has refused something. Before the channel was ever joined, somebody has to
 * change the command line; later it may be a matter of time.
 */
static void refuse(struct irc_session *session, const char *what, const char *why,
                   bool passing)
{
    report(session, "%s: %s", what, why);
    if (session->joins == 0 && !passing) {
        close_connection(session);
        session->refused = true;
        session->state = IRC_OVER;
    } else if (session->state == IRC_JOINING) {
        enter(session, IRC_OUTSIDE, next_pause(session));
    } else {
        lose(session, "left", why);
    }
}

static void send_nick(struct irc_session *session)
{
    char message[IRC_MESSAGE_MOST];

    reply(session, message, irc_build(message, "NICK", session->nick, NULL));
}

static void begin(struct irc_session *session)
{
    const struct irc_settings *settings = &session->settings;

    session->reader = (struct irc_reader){.length = 0};
    session->nicks_tried = 0;
    session->prefix_length = 0;
    (void)snprintf(session->nick, sizeof session->nick, "%s", settings->nick);
    enter(session, IRC_DIALING, 0);
    dial_start(&session->dial, settings->host, settings->port, SOCK_STREAM, DIAL_MS);
}

static void introduce(struct irc_session *session)
{
    const char *name = session->settings.real_name;
    char message[IRC_MESSAGE_MOST];

    keepalive_enable(session->socket);
    session->heard_at = clock_ms();
    session->asked_at = 0;
    enter(session, IRC_REGISTERING, 2 * session->settings.silence_ms);
    send_nick(session);
    reply(session, message, irc_build(message, "USER", "netlab", "0", "*", name, NULL));
}

/* A number behind the nick, within the length that every server takes. */
static void take_another_nick(struct irc_session *session, const char *why)
{
    const char *wanted = session->settings.nick;
    size_t most = strlen(wanted) > NICK_LENGTH ? strlen(wanted) : NICK_LENGTH, keep;
    char number[8];

    if (++session->nicks_tried > NICKS_MOST) {
        lose(session, "no nick is free on", why);
        return;
    }
    keep = most - (size_t)snprintf(number, sizeof number, "%d", session->nicks_tried);
    (void)snprintf(session->nick, sizeof session->nick, "%.*s%s", (int)keep, wanted,
                   number);
    send_nick(session);
}

static void join(struct irc_session *session)
{
    const struct irc_settings *settings = &session->settings;
    char message[IRC_MESSAGE_MOST];

    reply(session, message,
          irc_build(message, "JOIN", settings->channel, settings->key, NULL));
    enter(session, IRC_JOINING, 2 * settings->silence_ms);
}

/* What the server calls us we are called, be it what we could not ask for: "42XAAAAAB". */
static void take_nick(struct irc_session *session, const char *nick)
{
    if (*nick != '\0' && strlen(nick) <= IRC_NICK_MOST && strpbrk(nick, " !@") == NULL)
        (void)snprintf(session->nick, sizeof session->nick, "%s", nick);
}

static bool has_nick(const struct irc_session *session)
{
    return strcmp(session->nick, session->settings.nick) == 0;
}

/* Under another nick, the services are told whose password it is. */
static void identify(struct irc_session *session)
{
    bool named = has_nick(session);
    char out[IRC_MESSAGE_MOST], words[IRC_MESSAGE_MOST];

    if (session->settings.password == NULL)
        return;
    (void)snprintf(words, sizeof words, "IDENTIFY %s%s%s",
                   named ? "" : session->settings.nick, named ? "" : " ",
                   session->settings.password);
    reply(session, out, irc_build(out, "PRIVMSG", NICKSERV, words, NULL));
}

/* The nick in the welcome is the one that we have: a server may have cut it. */
static void welcome(struct irc_session *session, const struct irc_message *message)
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

/* ---- What comes in ------------------------------------------------------------------ */

/* What a server refuses, and what it means; the words in the message are the server's. */
static const struct refusal {
    int numeric;
    enum irc_state state; /* in which it is an answer to what was asked */
    const char *what;
} refusals[] = {
    {431, IRC_REGISTERING, "the server wants a nick"},
    {432, IRC_REGISTERING, "the server does not allow this nick (-n gives another)"},
    {451, IRC_REGISTERING, "the server does not let anyone register"},
    {461, IRC_REGISTERING, "the server wants to know more"},
    {463, IRC_REGISTERING, "this machine is not welcome on the server"},
    {464, IRC_REGISTERING, "the server wants a password"},
    {465, IRC_REGISTERING, "banned from the server"},
    {466, IRC_REGISTERING, "soon to be banned from the server"},
    {403, IRC_JOINING, "cannot join: there is no such channel"},
    {473, IRC_JOINING, "cannot join: the channel is for those who are invited"},
    {474, IRC_JOINING, "cannot join: banned from the channel"},
    {475, IRC_JOINING, "cannot join: the channel wants another key (-k gives it)"},
    {477, IRC_JOINING, "cannot join: the channel is for registered nicks"},
};

/* Any error about what JOIN named, and "try again" (263), answers it: in its own words. */
static bool is_join_refused(const struct irc_session *session,
                            const struct irc_message *message)
{
    const char *about = message->params[1];
    bool is_error = message->numeric >= 400 && message->numeric < 600;

    return session->state == IRC_JOINING &&
           ((is_error && irc_same(about, session->settings.channel)) ||
            ((is_error || message->numeric == 263) && irc_same(about, "JOIN")));
}

/* It may take NickServ a moment to let us in, and what is busy is so for a while. */
static bool is_passing(const struct irc_session *session, int numeric)
{
    return session->state == IRC_JOINING &&
           (numeric == 263 || numeric == 437 ||
            ((numeric == 471 || numeric == 477) && session->settings.password != NULL));
}

/* A numeric's words for people stand last. */
static const char *last_param(const struct irc_message *message)
{
    return message->params[message->count > 0 ? message->count - 1 : 0];
}

static void take_refusal(struct irc_session *session, const struct irc_message *message)
{
    const char *words = last_param(message);
    int64_t now = clock_ms();

    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        if (refusals[i].numeric == message->numeric &&
            refusals[i].state == session->state) {
            refuse(session, refusals[i].what, words,
                   is_passing(session, message->numeric));
            return;
        }
    }
    if (is_join_refused(session, message))
        refuse(session, "cannot join", words, is_passing(session, message->numeric));
    else if (message->numeric == 401 && session->settings.password != NULL &&
             irc_same(message->params[1], NICKSERV))
        report(session, "there is no %s to identify to: %s", NICKSERV, words);
    if (message->numeric == 404)
        session->rejected++;
    if (message->numeric == 404 && session->state == IRC_JOINED &&
        now - session->complained_at >= COMPLAIN_MS) {
        session->complained_at = now;
        report(session, "what was said did not reach the channel: %s", words);
    }
}

static void take_numeric(struct irc_session *session, const struct irc_message *message)
{
    bool in_use =
        message->numeric == 433 || message->numeric == 436 || message->numeric == 437;

    if (session->state == IRC_REGISTERING && message->numeric == 1)
        welcome(session, message);
    else if (session->state == IRC_REGISTERING && in_use)
        take_another_nick(session, last_param(message));
    else if (message->numeric == 396) /* NickServ may have given us another host */
        session->prefix_length = 0;
    else
        take_refusal(session, message);
}

static void take_join(struct irc_session *session, const struct irc_message *message)
{
    if (!irc_same(message->params[0], session->settings.channel))
        return;
    session->prefix_length = strlen(message->prefix);
    if (session->prefix_length > PREFIX_MOST || /* it would leave no room */
        strchr(message->prefix, '!') == NULL || strchr(message->prefix, '@') == NULL)
        session->prefix_length = 0;
    if (session->state != IRC_JOINING && session->state != IRC_OUTSIDE)
        return;
    session->state = IRC_JOINED;
    session->joins++;
    session->joined_at = clock_ms();
    report(session, "joined %s on %s port %d as %s", session->settings.channel,
           session->settings.host, session->settings.port, session->nick);
}

static void take_new_nick(struct irc_session *session, const char *nick)
{
    bool had = has_nick(session);

    take_nick(session, nick);
    session->prefix_length = 0; /* its length is not what it was */
    if (had || !has_nick(session))
        return;
    report(session, "called %s now", session->nick);
    identify(session);
}

/* Out of the channel, but not off the server: back after a pause. */
static void take_removal(struct irc_session *session, const char *how, const char *why)
{
    int64_t pause = next_pause(session);

    enter(session, IRC_OUTSIDE, pause);
    report(session, "%s %s (%s); joining again in %lld s", how, session->settings.channel,
           why, (long long)pause / 1000);
}

static void take_word(struct irc_session *session, const struct irc_message *message)
{
    const char *command = message->command, *channel = session->settings.channel;
    char nick[IRC_NICK_MOST + 1], out[IRC_MESSAGE_MOST];
    bool is_own, here = irc_same(message->params[0], channel);

    irc_nick(message, nick);
    is_own = irc_session_is_own(session, nick);
    if (strcmp(command, "PING") == 0) {
        reply(session, out, irc_build(out, "PONG", message->params[0], NULL));
    } else if (strcmp(command, "PONG") == 0) {
        if (strcmp(last_param(message), ARRIVED) == 0)
            line_queue_answered(&session->queue);
    } else if (strcmp(command, "ERROR") == 0) {
        lose(session, "sent away by", message->params[0]);
    } else if (strcmp(command, "NOTICE") == 0 && session->settings.password != NULL &&
               irc_same(nick, NICKSERV) &&
               irc_session_is_own(session, message->params[0])) {
        report(session, "%s says: %s", NICKSERV, message->params[1]);
    } else if (strcmp(command, "JOIN") == 0 && is_own) {
        take_join(session, message);
    } else if (strcmp(command, "NICK") == 0 && is_own) {
        take_new_nick(session, message->params[0]);
    } else if (strcmp(command, "CHGHOST") == 0 && is_own) {
        session->prefix_length = 0;
    } else if (session->state == IRC_JOINED && here) {
        if (strcmp(command, "KICK") == 0 &&
            irc_session_is_own(session, message->params[1]))
            take_removal(session, "kicked out of", message->params[2]);
        else if (strcmp(command, "PART") == 0 && is_own)
            take_removal(session, "taken out of", message->params[1]);
    }
}

static void take_message(struct irc_session *session, char *text)
{
    struct irc_message message;

    if (!irc_parse(text, &message))
        return;
    if (message.numeric > 0)
        take_numeric(session, &message);
    else
        take_word(session, &message);
    /* What is said in a channel is others' words: one may be a password and a word. */
    if (!irc_is_channel(message.params[0]))
        for (int i = 0; i < message.count; i++)
            mask_password(session, message.params[i]);
    session->settings.hear(session->settings.owner, &message);
}

static void receive(struct irc_session *session)
{
    char bytes[INPUT_BYTES];
    ssize_t got = recv(session->socket, bytes, sizeof bytes, 0);
    size_t at = 0;

    if (got == -1 && descriptor_try_again(errno))
        return;
    if (got <= 0) {
        if (got == 0 && session->state == IRC_QUITTING) /* it has read up to the QUIT */
            session->queue.unproven = 0;
        lose(session, "lost the connection to",
             got == 0 ? "it has closed" : strerror(errno));
        return;
    }
    session->heard_at = clock_ms();
    session->asked_at = 0;
    while (at < (size_t)got && session->socket != -1) {
        bool whole;

        at += irc_read(&session->reader, bytes + at, (size_t)got - at, &whole);
        if (whole)
            take_message(session, session->reader.text);
    }
}

/* ---- Time --------------------------------------------------------------------------- */

/*
 * Nothing came for so long: the server is asked, and then given up. The time counts from
 * the question: a program that was stopped for an hour has not asked yet.
 */
static void look_for_life(struct irc_session *session)
{
    int64_t now = clock_ms(), silence_ms = session->settings.silence_ms;
    char out[IRC_MESSAGE_MOST];

    if (session->asked_at != 0 && now - session->asked_at >= silence_ms) {
        lose(session, "lost the connection to", "it does not answer");
    } else if (session->asked_at == 0 && now - session->heard_at >= silence_ms) {
        session->asked_at = now;
        reply(session, out, irc_build(out, "PING", session->nick, NULL));
    }
}

/* Behind what was said, so that its answer shows that all of that has arrived. */
static void ask_what_arrived(struct irc_session *session)
{
    char out[IRC_MESSAGE_MOST];

    if (session->queue.sent > 0 || clock_ms() < line_queue_question_at(&session->queue))
        return;
    reply(session, out, irc_build(out, "PING", ARRIVED, NULL));
    line_queue_asked(&session->queue);
    pay(session, 1);
}

/* Who had the nick that was asked for may have gone. */
static void try_nick_again(struct irc_session *session)
{
    char out[IRC_MESSAGE_MOST];

    if (has_nick(session) || clock_ms() < session->nick_at)
        return;
    reply(session, out, irc_build(out, "NICK", session->settings.nick, NULL));
    session->nick_at = clock_ms() + session->settings.silence_ms;
}

static void take_time(struct irc_session *session)
{
    if (session->state == IRC_JOINED)
        ask_what_arrived(session);
    if (session->state == IRC_JOINED || session->state == IRC_OUTSIDE) {
        look_for_life(session);
        try_nick_again(session);
    }
    if (session->state == IRC_JOINED || clock_ms() < session->deadline)
        return;
    switch (session->state) {
    case IRC_PAUSING: begin(session); break;
    case IRC_REGISTERING: lose(session, "no welcome from", "it took too long"); break;
    case IRC_OUTSIDE: join(session); break;
    case IRC_JOINING: lose(session, "no answer to JOIN from", "it took too long"); break;
    case IRC_QUITTING: lose(session, "", ""); break;
    default: break;
    }
}

/* ---- The session -------------------------------------------------------------------- */

void irc_session_start(struct irc_session *session, const struct irc_settings *settings)
{
    *session = (struct irc_session){.settings = *settings, .socket = -1};
    session->dial.descriptor = -1;
    session->complained_at = clock_ms() - COMPLAIN_MS;
}

void irc_session_watch(const struct irc_session *session, struct fdset *readable,
                       struct fdset *writable)
{
    if (session->state == IRC_DIALING)
        dial_watch(&session->dial, readable, writable);
    fdset_add(readable, session->socket);
    if (session->socket != -1 && has_output(session))
        fdset_add(writable, session->socket);
}

int64_t irc_session_deadline(const struct irc_session *session)
{
    int64_t life = (session->asked_at != 0 ? session->asked_at : session->heard_at) +
                   session->settings.silence_ms;
    int64_t nick = has_nick(session) ? NO_DEADLINE : session->nick_at;
    int64_t question = line_queue_question_at(&session->queue);
    int64_t deadline = session->deadline;

    if (nick < life)
        life = nick;
    switch (session->state) {
    case IRC_DIALING: return session->dial.deadline;
    case IRC_OVER: return NO_DEADLINE;
    case IRC_OUTSIDE: return life < deadline ? life : deadline;
    case IRC_JOINED: break;
    default: return deadline;
    }
    if (session->queue.sent == 0 && question < life)
        life = question;
    if (session->queue.length > 0 && lines_allowed(session, clock_ms()) == 0) {
        int64_t next =
            session->paid_until - (BURST_LINES - 1) * session->settings.pace_ms;

        return next < life ? next : life;
    }
    return life;
}

static void dial_on(struct irc_session *session)
{
    const char *why;
    int socket = dial_step(&session->dial, &why);

    if (socket == -1) {
        lose(session, "cannot connect to", why);
    } else if (socket != DIAL_PENDING) {
        session->socket = socket;
        introduce(session);
    }
}

void irc_session_step(struct irc_session *session, const struct fdset *readable)
{
    if (session->state == IRC_DIALING)
        dial_on(session);
    if (session->socket != -1 && fdset_has(readable, session->socket))
        receive(session);
    if (session->state != IRC_OVER)
        take_time(session);
    if (session->socket != -1 && has_output(session) && send_some(session) == -1)
        lose(session, "lost the connection to", strerror(errno));
}

void irc_session_quit(struct irc_session *session, const char *words)
{
    char out[IRC_MESSAGE_MOST];

    if (session->socket == -1) {
        close_connection(session);
        session->state = IRC_OVER;
        return;
    }
    reply(session, out, irc_build(out, "QUIT", words, NULL));
    enter(session, IRC_QUITTING, QUIT_MS);
}
