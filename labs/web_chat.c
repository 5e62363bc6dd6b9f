/*
 * web_chat: a chat room (pchatsrv) in a browser. It stands between the two: to the browsers
 * it is a web server, and for each person it is a client in the room.
 *
 *     web_chat [-b address] [-p port] [-r room_host:port] [-n name]
 *
 *     a browser sends               web_chat
 *     GET /                         answers with the page (labs/web_chat.html)
 *     POST /join, a name            connects to the room, and answers with the token of a
 *                                   new session
 *     GET /events?session=TOKEN     answers with an event for each line of the room
 *     POST /say, a line             sends the line to the room
 *       with Chat-Session: TOKEN
 *
 * HTTP knows a request and an answer. For a room, which speaks unasked, the answer to GET
 * /events does not end: it is a stream of server-sent events (http/event_stream.h). Each
 * event has a number. A browser that was cut off connects again by itself, and sends the
 * number of the last event that it has seen (Last-Event-ID). It gets those after it from the
 * history (chat/history.h), so nothing is lost and nothing comes twice.
 *
 * Nobody may speak for another:
 *
 *  - A session is a secret of 128 bits. A POST carries it in a field that a foreign page
 *    cannot set. The address of the events carries it too, because a page cannot add fields
 *    to that request; so no target is ever printed.
 *  - A browser says which page makes it send a request (Origin). Only our own page may: its
 *    origin is the host that the request is sent to.
 *  - That host must be one of ours, as http/origin.h explains.
 *  - What others say is a text for the page, never a part of it, and the page may run
 *    nothing but its own script (Content-Security-Policy).
 *
 * A person costs two descriptors, so the number of people is about half of what an fd_set
 * holds. All other connections are closed after one answer, so they need a descriptor for a
 * moment only.
 */
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/random.h"
#include "base/start.h"
#include "chat/visitor.h"
#include "http/event_stream.h"
#include "http/exchange.h"
#include "http/origin.h"
#include "http/query.h"
#include "http/web_path.h"
#include "net/address.h"
#include "net/keepalive.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* Descriptors that are not for people: other requests, and what every server has open. */
#define OTHERS      48
#define PEOPLE_MOST ((FD_SETSIZE - OTHERS) / 2)
#define RESERVE     16 /* of these for the connections to the room alone */

#define COMMENT_MS 15000
#define IDLE_MS    20000 /* for a request; longer than the time between comments */
#define TAKING_MS  10000 /* for a browser to take some of what it is owed */
#define SILENT_MS  5000 /* for a connection without a request: browsers open some ahead */

/* A person without a browser stays in the room so long, and can then come back so long. */
#define STAY_MS  45000
#define AWAY_MS  600000
#define FOREVER  INT64_MAX
#define MS_PER_S 1000

/*
 * What the kernel may hold for a browser that does not read. It is not much less than what
 * we hold (STREAM_OUTPUT_BYTES); the kernel's own limit is megabytes.
 */
#define SEND_BUFFER_BYTES 32768

/* The page is compiled in. The Makefile makes these numbers from labs/web_chat.html. */
static const char page[] = {
#include "build/web_chat.inc"
};

/* An answer must fit the output, head and all. */
_Static_assert(sizeof page < STREAM_OUTPUT_BYTES - 4096, "the page is too long");

/* In the page; a secret of the same length replaces it, each time anew. */
#define NONCE "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"

struct person {
    struct web_chat *web;
    enum { NOBODY, HERE, AWAY } state;
    char token[RANDOM_TOKEN_MOST];
    char address[ADDRESS_MOST]; /* of the browser that joined */
    struct visitor visitor;
    int room;      /* the descriptor of the room's connection that is watched, or -1 */
    int browser;   /* the socket of the browser's event stream, or -1 */
    uint64_t sent; /* the number of the last event that the browser was sent */
    int64_t due;   /* ms; a comment for the browser or, without one, the next step out */
    int64_t left_at; /* ms; if AWAY */
    bool has_missed; /* events that were overwritten; so it may not know who is here */
    bool was_in;     /* the log knows that it is in the room */
};

struct web_chat {
    struct stream_server loop;
    struct lobby lobby;
    int random;                /* descriptor */
    int most;                  /* people */
    unsigned long named;       /* people who got a name like web-1 */
    bool is_down_told;         /* the operator knows that the room is down */
    struct origin_names names; /* that we answer to */
    struct person people[PEOPLE_MOST];
    struct client {
        struct exchange exchange;
        char content[LINE_MOST];
        struct person *person; /* if this is a stream of events */
    } clients[FD_SETSIZE];     /* by descriptor */
};

static struct web_chat *web_of(const struct stream *stream)
{
    return stream->server->state;
}

static struct client *client_of(const struct stream *stream)
{
    return &web_of(stream)->clients[stream->sock];
}

/* ---- Events for the browser --------------------------------------------------------- */

static void send_event(struct stream *stream, uint64_t number, const char *text,
                       size_t length)
{
    char event[EVENT_STREAM_MOST(HISTORY_LINE_MOST)];

    stream_send(stream, event, event_stream_write(event, number, text, length));
}

/* The history has lost events before the browser got them: says how many. */
static void send_missing(struct stream *stream, struct person *person, uint64_t first)
{
    char text[100];
    int length = snprintf(text, sizeof text,
                          "missing\n%llu lines are missing here: there were too many",
                          (unsigned long long)(first - person->sent - 1));

    send_event(stream, first - 1, text, (size_t)length);
    person->sent = first - 1;
    person->has_missed = true;
}

/*
 * Sends the person's browser the events that it was not sent so far, as many as fit its
 * output. The others wait in the history until it has taken some.
 */
static void send_events(struct person *person)
{
    struct heard *heard = &person->visitor.heard;
    struct stream *stream;

    if (person->browser == -1)
        return;
    stream = &person->web->loop.streams[person->browser];
    while (person->sent + 1 < heard->next &&
           stream_room(stream) >= 2 * EVENT_STREAM_MOST(HISTORY_LINE_MOST)) {
        uint64_t first = heard_first(heard, &person->web->lobby.history);
        const char *text;
        size_t length;

        if (person->sent + 1 < first) {
            send_missing(stream, person, first);
            continue; /* perhaps none is left */
        }
        text = heard_line(heard, &person->web->lobby.history, ++person->sent, &length);
        send_event(stream, person->sent, text, length);
    }
}

/* The browser is gone, or gets no more events. The person stays for a while. */
static void let_browser_go(struct person *person)
{
    struct stream *stream;

    if (person->browser == -1)
        return;
    stream = &person->web->loop.streams[person->browser];
    client_of(stream)->person = NULL;
    stream_close(stream); /* without effect if it is closed */
    person->browser = -1;
    person->due = person->web->loop.now + STAY_MS;
}

/* ---- The room ----------------------------------------------------------------------- */

static void room_is_ready(void *owner, int events);

static void unwatch_room(struct person *person)
{
    if (person->room != -1)
        stream_server_unwatch(&person->web->loop, person->room);
    person->room = -1;
}

/* The link has another descriptor while it dials than afterwards, and none in a pause. */
static void watch_room(struct person *person)
{
    struct fdset readable, writable;
    int events;

    fdset_clear(&readable);
    fdset_clear(&writable);
    link_watch(&person->visitor.room.link, &readable, &writable);
    events = (fdset_is_empty(&readable) ? 0 : STREAM_READABLE) |
             (fdset_is_empty(&writable) ? 0 : STREAM_WRITABLE);
    person->room = readable.highest != -1 ? readable.highest : writable.highest;
    if (person->room != -1)
        stream_server_watch(&person->web->loop, person->room, events, -1, room_is_ready,
                            person);
}

static void forget(struct person *person)
{
    let_browser_go(person);
    person->state = NOBODY;
}

/* The person is out of the room, but its session is kept. */
static void leave_room(struct person *person, const char *why)
{
    unwatch_room(person);
    room_link_stop(&person->visitor.room);
    if (person->was_in)
        log_line(&person->web->loop.log, "%s (%s) left%s", person->visitor.name,
                 person->address, why);
    person->was_in = false;
    person->state = AWAY;
    person->left_at = person->web->loop.now;
    person->due = person->web->loop.now + AWAY_MS;
}

/* Tells the operator once that the room is down, and once that it is back. */
static void tell_operator(struct web_chat *web)
{
    bool is_down = web->lobby.is_down;

    if (is_down && !web->is_down_told)
        log_complain(&web->loop.log, "%s; trying again", web->lobby.why);
    else if (!is_down && web->is_down_told)
        log_complain(&web->loop.log, "the room is back");
    web->is_down_told = is_down;
}

/* Lets the room's link do what it can, and passes on what has come. */
static void step_room(struct person *person, const struct fdset *readable)
{
    struct visitor *visitor = &person->visitor;

    unwatch_room(person); /* it may close the descriptor */
    visitor_step(visitor, readable);
    watch_room(person);
    send_events(person);
    tell_operator(person->web);
    if (visitor->is_joined && !person->was_in) {
        log_line(&person->web->loop.log, "%s (%s) joined", visitor->name,
                 person->address);
        person->was_in = true;
    }
    if (visitor->is_over) {
        leave_room(person, "");
        forget(person);
    }
}

static void room_is_ready(void *owner, int events)
{
    struct person *person = owner;
    struct fdset readable;

    fdset_clear(&readable);
    if (events & STREAM_READABLE)
        fdset_add(&readable, person->room);
    step_room(person, &readable);
}

/* ---- Sessions ----------------------------------------------------------------------- */

static struct person *person_with(struct web_chat *web, const char *token)
{
    for (int i = 0; token != NULL && i < web->most; i++)
        if (web->people[i].state != NOBODY && random_is_same(web->people[i].token, token))
            return &web->people[i];
    return NULL;
}

/* A place for a newcomer: a free one, or that of the person who is out for longest. */
static struct person *free_place(struct web_chat *web)
{
    struct person *found = NULL;

    for (int i = 0; i < web->most; i++) {
        struct person *person = &web->people[i];

        if (person->state == NOBODY)
            return person;
        if (person->state == AWAY && (found == NULL || person->left_at < found->left_at))
            found = person;
    }
    return found;
}

/* Begins a session. Its first step, in the next turn, goes into the room. */
static void begin_session(struct person *person, const char *name, const char *address)
{
    struct web_chat *web = person->web;

    person->state = HERE;
    snprintf(person->address, sizeof person->address, "%s", address);
    person->room = person->browser = -1;
    person->sent = 0;
    person->due = web->loop.now + STAY_MS;
    person->was_in = person->has_missed = false;
    visitor_begin(&person->visitor, &web->lobby, name);
    visitor_enter(&person->visitor);
}

/* ---- The page ----------------------------------------------------------------------- */

/*
 * The script and the style in the page carry a secret that is new in each answer. The policy
 * allows nothing else, so even if somebody smuggled a script into the page, it would not run.
 * No other site may be asked for anything, or show the page inside its own.
 */
static void answer_page(struct stream *stream)
{
    struct exchange *exchange = &client_of(stream)->exchange;
    char nonce[RANDOM_TOKEN_MOST], policy[500];
    static char copy[sizeof page];
    char *mark;

    if (random_token(web_of(stream)->random, nonce) == -1) {
        exchange_refuse(exchange, 503, "", "there is no randomness");
        return;
    }
    snprintf(policy, sizeof policy,
             "Content-Security-Policy: default-src 'none'; script-src 'nonce-%s'; "
             "style-src 'nonce-%s'; connect-src 'self'; img-src data:; base-uri 'none'; "
             "form-action 'none'; frame-ancestors 'none'; "
             "require-trusted-types-for 'script'\r\n",
             nonce, nonce);
    memcpy(copy, page, sizeof page);
    while ((mark = strstr(copy, NONCE)) != NULL)
        memcpy(mark, nonce, strlen(nonce));
    exchange_send_head(exchange, 200, "text/html; charset=utf-8", strlen(copy), policy);
    if (!exchange_wants_head_only(exchange))
        stream_send(stream, copy, strlen(copy));
    exchange_end(exchange);
}

/* ---- Joining, and the events -------------------------------------------------------- */

/* POST /join: the content is the wanted name or nothing, and the answer is the token. */
static void answer_join(struct stream *stream)
{
    struct client *client = client_of(stream);
    struct exchange *exchange = &client->exchange;
    struct web_chat *web = web_of(stream);
    struct person *person = free_place(web);
    char name[WORDS_NAME_MOST];

    snprintf(name, sizeof name, "%.*s", (int)exchange->length, client->content);
    if (exchange->length > 0 && (strlen(name) != exchange->length ||
                                 !words_is_nick(name) || strcasecmp(name, "you") == 0)) {
        exchange_refuse(exchange, 400, "",
                        "a name is 1 to 16 letters, digits, - and _, and not \"you\"");
    } else if (person == NULL) {
        exchange_refuse(exchange, 503, "",
                        "as many people as fit are in the room: try again later");
    } else if (random_token(web->random, person->token) == -1) {
        exchange_refuse(exchange, 503, "", "there is no randomness");
    } else {
        if (*name == '\0')
            snprintf(name, sizeof name, "web-%lu", ++web->named);
        begin_session(person, name, stream->name);
        exchange_send_text(exchange, 200, "", person->token);
    }
}

/*
 * The number of the last event that the browser has seen. A browser that connects again by
 * itself sends it in a field; a page that was loaded again, in the query. Without a number
 * it gets all that there is.
 */
static uint64_t last_seen(const struct person *person, const struct http_head *head)
{
    const char *field = http_value(head, "Last-Event-ID");
    char query[24];
    uint64_t last;

    if (field == NULL)
        field = http_query_value(head->target, "last", query, sizeof query);
    last = strspn(field, "0123456789") == strlen(field) ? strtoull(field, NULL, 10) : 0;
    return last < person->visitor.heard.next ? last : person->visitor.heard.next - 1;
}

/* Goes back into the room, in which somebody else may have the name by now. */
static void come_back(struct person *person)
{
    int64_t seconds = (person->web->loop.now - person->left_at) / MS_PER_S;
    char text[120];

    snprintf(
        text, sizeof text,
        "You were out of the room for %lld s, and what was said then is missing here",
        (long long)seconds);
    person->state = HERE;
    visitor_note(&person->visitor, "missing", text, NULL);
    visitor_enter(&person->visitor);
}

/* GET /events: the answer has no end. A second one for the same person ends the first. */
static void answer_events(struct stream *stream)
{
    static const char elsewhere[] =
        "elsewhere\nYou have opened the room in another window";
    const int send_buffer = SEND_BUFFER_BYTES;
    struct client *client = client_of(stream);
    const struct http_head *head = &client->exchange.head;
    struct web_chat *web = web_of(stream);
    char token[RANDOM_TOKEN_MOST + 1];
    struct person *person =
        person_with(web, http_query_value(head->target, "session", token, sizeof token));

    if (person == NULL) {
        exchange_refuse(&client->exchange, 403, "", "there is no such session");
        return;
    }
    exchange_send_endless_head(&client->exchange, EVENT_STREAM_TYPE);
    if (exchange_wants_head_only(&client->exchange)) {
        exchange_end(&client->exchange);
        return;
    }
    /* If it fails, a browser that does not read costs more memory. */
    (void)setsockopt(stream->sock, SOL_SOCKET, SO_SNDBUF, &send_buffer,
                     sizeof send_buffer);
    keepalive_limit_sending(stream->sock);
    if (person->browser != -1)
        send_event(&web->loop.streams[person->browser], person->sent, elsewhere,
                   strlen(elsewhere));
    let_browser_go(person);
    if (person->state == AWAY)
        come_back(person);
    client->person = person;
    person->browser = stream->sock;
    person->sent = last_seen(person, head);
    person->due = web->loop.now + COMMENT_MS;
    stream_print(stream, "retry: 1000\n" EVENT_STREAM_COMMENT);
    send_events(person);
}

/* ---- Saying something --------------------------------------------------------------- */

/*
 * Makes the content clean text, as the room would (net/text.h), so that no byte of it is a
 * telnet command or a control character. 0, or the status for the answer and why.
 */
static int clean_line(const struct exchange *exchange, char line[LINE_MOST + 1],
                      const char **why)
{
    size_t given = exchange->length, length = 0;
    struct text state = {.have = 0};

    if (given > 0 && exchange->content[given - 1] == '\n')
        given--;
    if (given > 0 && exchange->content[given - 1] == '\r')
        given--;
    *why = "there is no line in it, or more than one";
    if (given == 0 || memchr(exchange->content, '\n', given) != NULL ||
        memchr(exchange->content, '\r', given) != NULL)
        return 400;
    *why = exchange->rules->too_long;
    for (size_t i = 0; i < given; i++) {
        char clean[TEXT_MOST];
        size_t more = text_take(&state, (unsigned char)exchange->content[i], clean);

        if (length + more > LINE_MOST)
            return 413;
        memcpy(line + length, clean, more);
        length += more;
    }
    if (state.have > 0 && length + TEXT_MOST > LINE_MOST)
        return 413;
    length += text_finish(&state, line + length);
    line[length] = '\0';
    return 0;
}

/* POST /say: the content is a line. */
static void answer_say(struct stream *stream)
{
    struct exchange *exchange = &client_of(stream)->exchange;
    struct person *person =
        person_with(web_of(stream), http_value(&exchange->head, "Chat-Session"));
    static const struct fdset none = {.highest = -1};
    char line[LINE_MOST + 1];
    const char *why;
    int status;

    if (person == NULL) {
        exchange_refuse(exchange, 403, "", "there is no such session");
        return;
    }
    status = clean_line(exchange, line, &why);
    if (status != 0) {
        exchange_refuse(exchange, status, "", why);
        return;
    }
    switch (person->state == HERE ? visitor_say(&person->visitor, line)
                                  : VISITOR_CANNOT) {
    case VISITOR_SAID:
        exchange_send_head(exchange, 204, NULL, 0, "");
        exchange_end(exchange);
        break;
    case VISITOR_CANNOT:
        exchange_refuse(exchange, 503, "", "the room is down: the line was not sent");
        break;
    case VISITOR_TOO_MUCH:
        exchange_refuse(exchange, 429, "",
                        "the room does not take so much: the line was not sent");
        break;
    }
    if (person->state == HERE)
        step_room(person, &none);
}

/* ---- Requests ----------------------------------------------------------------------- */

static void answer(struct stream *stream)
{
    static const struct {
        const char *path, *method;
        void (*answer)(struct stream *stream);
    } pages[] = {{"/", "GET", answer_page},
                 {"/events", "GET", answer_events},
                 {"/join", "POST", answer_join},
                 {"/say", "POST", answer_say}};
    struct exchange *exchange = &client_of(stream)->exchange;
    const struct http_head *head = &exchange->head;
    const char *host = http_value(head, "Host"), *path = web_path_of(head->target);
    const char *method = exchange_wants_head_only(exchange) ? "GET" : head->method;
    size_t length = strcspn(path, "?"), i = 0;

    if (host != NULL && !origin_is_ours(&web_of(stream)->names, host)) {
        exchange_refuse(exchange, 421, "",
                        "this server does not know itself by that name (see -n)");
        return;
    }
    while (i < sizeof pages / sizeof pages[0] &&
           (strncmp(path, pages[i].path, length) != 0 || pages[i].path[length] != '\0'))
        i++;
    if (i == sizeof pages / sizeof pages[0])
        exchange_refuse(exchange, 404, "", "the room is at /");
    else if (strcmp(method, pages[i].method) != 0)
        exchange_refuse(
            exchange, 405,
            *pages[i].method == 'G' ? "Allow: GET, HEAD\r\n" : "Allow: POST\r\n", "");
    else if (pages[i].answer != answer_page && origin_is_foreign(head))
        exchange_refuse(exchange, 403, "", "a page of another site may not do that");
    else
        pages[i].answer(stream);
}

static const struct exchange_rules rules = {
    .methods = (const char *const[]){"GET", "HEAD", "POST", NULL},
    .allow = "Allow: GET, HEAD, POST\r\n",
    .content_most = LINE_MOST,
    .too_long = "a line has at most 2048 bytes",
    .fields = "Cache-Control: no-store\r\n"
              "X-Content-Type-Options: nosniff\r\n"
              "Referrer-Policy: no-referrer\r\n"
              "Cross-Origin-Resource-Policy: same-origin\r\n",
    .closes = true,
    .answer = answer,
};

/* ---- The handlers of the loop ------------------------------------------------------- */

static void begin(struct stream *stream)
{
    struct client *client = client_of(stream);

    client->person = NULL;
    exchange_open(&client->exchange, stream, &rules, client->content);
    stream_expire(stream, SILENT_MS);
}

/* Nothing is expected from a browser that gets events. */
static size_t receive(struct stream *stream, const unsigned char *bytes, size_t length)
{
    struct client *client = client_of(stream);

    return client->person != NULL ? length
                                  : exchange_take(&client->exchange, bytes, length);
}

static void go_on(struct stream *stream)
{
    if (client_of(stream)->person != NULL)
        send_events(client_of(stream)->person);
}

static void time_out(struct stream *stream)
{
    exchange_time_out(&client_of(stream)->exchange);
}

static void end(struct stream *stream, int error)
{
    (void)error;
    if (client_of(stream)->person != NULL)
        let_browser_go(client_of(stream)->person);
}

/* A person's time has come: a comment for its browser, or the next step out. */
static void serve_by_clock(struct person *person)
{
    struct web_chat *web = person->web;

    if (person->browser != -1) {
        stream_print(&web->loop.streams[person->browser], EVENT_STREAM_COMMENT);
        person->due = web->loop.now + COMMENT_MS;
    } else if (person->state == HERE) {
        leave_room(person, ": its browser is gone");
    } else {
        forget(person);
    }
}

/* Is the person on the way into a room that is down? */
static bool is_trying(const struct person *person)
{
    return person->web->lobby.is_down && person->state == HERE &&
           (person->visitor.room.link.state == LINK_DIALING ||
            person->visitor.room.state == ROOM_NAMING);
}

/* Does what is due for a person. Returns when that will be again (ms). */
static int64_t attend(struct person *person, bool others_try)
{
    static const struct fdset none = {.highest = -1};
    struct visitor *visitor = &person->visitor;
    int64_t now = person->web->loop.now;

    if (person->state == HERE && person->has_missed) {
        visitor_refresh(visitor);
        person->has_missed = false;
        step_room(person, &none);
    }
    if (person->state == HERE && !visitor_must_wait(visitor, others_try) &&
        link_deadline(&visitor->room.link) <= now)
        step_room(person, &none);
    if (person->state != NOBODY && person->due <= now)
        serve_by_clock(person);
    if (person->state == NOBODY)
        return FOREVER;
    if (person->state == AWAY || visitor_must_wait(visitor, others_try))
        return person->due;
    return clock_earlier(person->due, link_deadline(&visitor->room.link));
}

static int64_t turn(struct stream_server *server)
{
    struct web_chat *web = server->state;
    int64_t next = FOREVER;
    bool others_try = false;

    for (int i = 0; i < web->most; i++)
        others_try |= is_trying(&web->people[i]);
    for (int i = 0; i < web->most; i++) {
        next = clock_earlier(next, attend(&web->people[i], others_try));
        others_try |= is_trying(&web->people[i]);
    }
    return next;
}

/* Everyone leaves the room, and each browser is told why its events end. */
static void say_goodbye(struct stream_server *server)
{
    struct web_chat *web = server->state;

    for (int i = 0; i < web->most; i++) {
        struct person *person = &web->people[i];

        if (person->state == HERE) {
            visitor_note(&person->visitor, "stopping", "The web server is stopping",
                         NULL);
            send_events(person);
            leave_room(person, ": the server is stopping");
        }
        if (person->state != NOBODY)
            forget(person);
    }
}

static void say_where(struct stream_server *server)
{
    struct web_chat *web = server->state;
    char place[OPTIONS_PLACE_MOST];

    web->most = (descriptor_limit() - OTHERS) / 2;
    if (web->most > PEOPLE_MOST)
        web->most = PEOPLE_MOST;
    if (web->most < 1)
        web->most = 1;
    log_line(&server->log, "web_chat started on %s",
             options_place(&server->where, place));
}

/* ---- The program -------------------------------------------------------------------- */

static const struct options options = {
    .program = "web_chat",
    .letters = "b:hn:p:r:vV",
    .usage =
        "usage: web_chat [-hvV] [-b address] [-n name]... [-p port] [-r host:port]\n",
    .help =
        "Takes people with a browser into a chat room, and prints who comes and goes. "
        "The\n"
        "room sees all of them at this machine's address: if it limits the clients of "
        "one\n"
        "address, it has to leave room for them.\n"
        "  -b address    listen on this address only (default: all, IPv6 and IPv4)\n"
        "  -n name       answer to this name, too; always to addresses, names without a\n"
        "                dot, and this machine's own name\n"
        "  -p port       listen on this port (default: 8080; 0: any free one)\n"
        "  -r host:port  the room (default: localhost:2626)\n"
        "  -v            print a line for each connection opened or closed\n"
        "  -h            print this help\n"
        "  -V            print the version\n",
};

static void take_options(struct web_chat *web, int argc, char *argv[])
{
    int letter;

    web->lobby.server = (struct options_peer){.host = "localhost", .port = 2626};
    while ((letter = options_next_of_server(&options, argc, argv, &web->loop.where)) !=
           -1) {
        if (letter == 'r')
            options_host(&options, optarg, &web->lobby.server);
        else if (web->names.count < ORIGIN_NAMES_MOST)
            web->names.list[web->names.count++] = optarg;
        else
            options_wrong(&options, "-n can be given at most %d times",
                          ORIGIN_NAMES_MOST);
    }
    options_end(&options, argc, argv);
}

int main(int argc, char *argv[])
{
    static struct web_chat web; /* megabytes, of which unused pages cost nothing */
    char token[RANDOM_TOKEN_MOST];
    int result;

    web.loop = (struct stream_server){.program = "web_chat",
                                      .where.port = 8080,
                                      .full = EXCHANGE_FULL,
                                      .reserve = RESERVE,
                                      .idle_ms = IDLE_MS,
                                      .taking_ms = TAKING_MS,
                                      .state = &web,
                                      .handlers = {.started = say_where,
                                                   .opened = begin,
                                                   .received = receive,
                                                   .drained = go_on,
                                                   .timed_out = time_out,
                                                   .closed = end,
                                                   .turn = turn,
                                                   .stopping = say_goodbye}};
    take_options(&web, argc, argv);
    if (start_program() == -1)
        options_fail(&options, "cannot start: %s", strerror(errno));
    for (int i = 0; i < PEOPLE_MOST; i++)
        web.people[i].web = &web;
    origin_find_name(&web.names);
    descriptor_raise_limit(FD_SETSIZE + 8); /* for a number that no socket needs */
    web.random = random_open();
    if (web.random == -1 || random_token(web.random, token) == -1)
        options_fail(&options, "cannot read /dev/urandom: %s", strerror(errno));
    result = stream_server_run(&web.loop);
    close(web.random);
    return result;
}
