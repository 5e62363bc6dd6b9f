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
 * An HTTP server speaks only when asked, but a room speaks at any time. So the answer to GET
 * /events does not end: it is a stream of server-sent events (http/event_stream.h). Each
 * event has a number. A browser that was cut off connects again by itself, and sends the
 * number of the last event that it has seen. It gets those after it from the history
 * (chat/history.h), so nothing is lost and nothing comes twice.
 *
 * Nobody may speak for another. A session is a secret of 128 bits. A POST carries it in a
 * field that a foreign page cannot set. The address of the events carries it too, because a
 * page cannot add fields to that request; so no target is ever printed. What a foreign page
 * makes a browser send is refused (http/origin.h). What others say is text in our page,
 * never markup, and the page runs nothing but its own script (http/own_page.h).
 *
 * A person costs two descriptors, so the number of people is about half of what an fd_set
 * holds. All other connections are closed after one answer, so they need a descriptor for a
 * moment only. When places or descriptors run out, the address that holds most of them makes
 * way for the next (net/tally.h).
 */
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/random.h"
#include "base/start.h"
#include "chat/visitor.h"
#include "http/event_stream.h"
#include "http/exchange.h"
#include "http/origin.h"
#include "http/own_page.h"
#include "http/web_path.h"
#include "net/address.h"
#include "net/tally.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Descriptors: two for a person, and some for requests and for what every server has open. */
#define RESERVE           16 /* for connections to the room, while others come and go */
#define REQUESTS          20 /* at a time in a full house; two more for each person missing */
#define OTHER_DESCRIPTORS (RESERVE + REQUESTS + 12)
#define PEOPLE_MOST       ((FD_SETSIZE - OTHER_DESCRIPTORS) / 2)

#define ALIVE_MS  15000
#define IDLE_MS   20000 /* for a request; longer than ALIVE_MS */
#define TAKING_MS 10000 /* for a browser to take some of what it is owed */

/* How long a person without a browser stays in the room, and then may still come back. */
#define STAY_MS 45000
#define AWAY_MS 600000

/* The page is compiled in. The Makefile makes these numbers from labs/web_chat.html. */
static const char page[] = {
#include "build/web_chat.inc"
};
_Static_assert(sizeof page < STREAM_OUTPUT_BYTES - 4096, "page and head fit the output");

#define TOO_LONG "a line has at most 2048 bytes"

struct person {
    struct web_chat *web;
    enum person_state { NOBODY, HERE, AWAY } state;
    char token[RANDOM_TOKEN_MOST];
    char address[ADDRESS_MOST]; /* of the browser that joined */
    int room;       /* the descriptor of the room's connection that is watched, or -1 */
    int browser;    /* the socket of the browser's event stream, or -1 */
    int64_t due;    /* ms; a sign of life for the browser, or the next step out */
    bool is_logged; /* as being in the room */
    struct visitor visitor;
};

struct web_chat {
    struct stream_server loop;
    struct lobby lobby;
    struct origin_names names; /* that we answer to */
    unsigned long named;       /* people who got a name like web-1 */
    int most;                  /* people */
    struct person people[PEOPLE_MOST];
    struct client {
        struct exchange exchange;
        char content[LINE_MOST];
        struct person *person; /* if this is a stream of events */
    } clients[FD_SETSIZE];     /* by descriptor */
    struct tally requests;     /* clients that are not streams of events, by descriptor */
    struct tally places;       /* of the people */
};

static struct web_chat *web_of(const struct stream *stream)
{
    return stream->server->state;
}

static struct client *client_of(const struct stream *stream)
{
    return &web_of(stream)->clients[stream->sock];
}

/* In the room a person has a browser, or is expected to open one soon. */
static void set_state(struct person *person, enum person_state state)
{
    static const enum tally_state states[] = {TALLY_FREE, TALLY_BRIEF, TALLY_LEFT};
    struct web_chat *web = person->web;

    person->state = state;
    tally_set(&web->places, (int)(person - web->people),
              person->browser == -1 ? states[state] : TALLY_LONG, person->address);
}

/* ---- The connection to the room ----------------------------------------------------- */

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

    unwatch_room(person);
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

/* ---- Events for the browser --------------------------------------------------------- */

static void send_event(struct person *person, const char *text, size_t length)
{
    char event[EVENT_STREAM_MOST(HISTORY_LINE_MOST)];

    stream_send(&person->web->loop.streams[person->browser], event,
                event_stream_write(event, person->visitor.sent, text, length));
}

/*
 * Sends the person's browser the events that it was not sent so far, as many as fit its
 * output. The others wait in the history until it has taken some.
 */
static void send_events(struct person *person)
{
    const char *text;
    size_t length;

    while (person->browser != -1 &&
           stream_room(&person->web->loop.streams[person->browser]) >=
               2 * EVENT_STREAM_MOST(HISTORY_LINE_MOST) &&
           (text = visitor_next_event(&person->visitor, &length)) != NULL) {
        send_event(person, text, length);
        if (text == person->visitor.missing)
            watch_room(person); /* it has a question to send */
    }
}

/* The browser is gone, or gets no more events. The person stays for a while. */
static void let_browser_go(struct person *person)
{
    struct stream *stream = &person->web->loop.streams[person->browser];

    client_of(stream)->person = NULL;
    stream_close(stream); /* without effect if it is closed */
    /* It lingers: until it is closed, it is one of those that make way. */
    tally_set(&person->web->requests, stream->sock, TALLY_BRIEF, stream->name);
    person->browser = -1;
    person->due = person->web->loop.now + STAY_MS;
    set_state(person, HERE);
}

/* ---- Being in the room -------------------------------------------------------------- */

/* The person is out of the room. The session is kept. */
static void leave_room(struct person *person, const char *why)
{
    if (person->browser != -1)
        let_browser_go(person);
    unwatch_room(person);
    visitor_leave(&person->visitor);
    if (person->is_logged)
        log_line(&person->web->loop.log, "%s (%s) left%s", person->visitor.name,
                 person->address, why);
    person->is_logged = false;
    person->due = person->web->loop.now + AWAY_MS;
    set_state(person, AWAY);
}

/* Lets the room's link do what it can, passes on what has come, and prints the news. */
static void step_room(struct person *person)
{
    struct visitor *visitor = &person->visitor;
    struct lobby *lobby = visitor->lobby;
    struct log *log = &person->web->loop.log;
    bool was_down = lobby->is_down;
    struct fdset readable;

    fdset_clear(&readable);
    fdset_add(&readable, person->room); /* if nothing has come, no harm is done */
    unwatch_room(person);               /* the step may close the descriptor */
    visitor_step(visitor, &readable);
    send_events(person);
    watch_room(person);
    if (lobby->is_down && !was_down)
        log_complain(log, "%s; trying again", lobby->why);
    else if (!lobby->is_down && was_down)
        log_complain(log, "the room is back");
    if (visitor->is_joined && !person->is_logged) {
        log_line(log, "%s (%s) joined", visitor->name, person->address);
        person->is_logged = true;
    }
    if (visitor->is_over) {
        leave_room(person, "");
        set_state(person, NOBODY);
    }
}

static void room_is_ready(void *owner, int events)
{
    (void)events;
    step_room(owner);
}

/* ---- Sessions ----------------------------------------------------------------------- */

/*
 * Keeps two descriptors free for each person who may still come. Most connections that it
 * closes have sent no request: browsers open some ahead, and hostile clients many.
 */
static void make_way(struct web_chat *web)
{
    while (web->requests.held > REQUESTS + 2 * (web->most - web->places.held))
        stream_drop(&web->loop.streams[tally_first(&web->requests)]);
}

/* The person who sends the request. Without the right token it is refused. */
static struct person *sender_of(struct stream *stream, const char *token)
{
    struct web_chat *web = web_of(stream);

    for (int i = 0; token != NULL && i < web->most; i++)
        if (web->people[i].state != NOBODY && random_is_same(web->people[i].token, token))
            return &web->people[i];
    exchange_refuse(&client_of(stream)->exchange, 403, "", "there is no such session");
    return NULL;
}

/* Begins a session. Its first step, in the next turn, goes into the room. NULL: full. */
static struct person *begin_session(struct stream *stream, const char *name)
{
    struct web_chat *web = web_of(stream);
    int place = tally_choose(&web->places, web->most, stream->name);
    struct person *person;

    if (place == -1)
        return NULL;
    person = &web->people[place];
    if (person->state == HERE) {
        visitor_note(&person->visitor, "note", "Somebody else needed your place", NULL);
        send_events(person);
        leave_room(person, ": somebody else needed the place");
    }
    person->web = web;
    person->room = person->browser = -1;
    person->is_logged = false;
    person->due = web->loop.now + STAY_MS;
    snprintf(person->address, sizeof person->address, "%s", stream->name);
    set_state(person, HERE);
    visitor_come(&person->visitor, &web->lobby, name);
    /* The newest connection now, and so the last to make way: it is owed the answer. */
    tally_set(&web->requests, stream->sock, TALLY_BRIEF, stream->name);
    make_way(web);
    return person;
}

/* ---- Joining ------------------------------------------------------------------------ */

static void answer_page(struct stream *stream)
{
    own_page_send(&client_of(stream)->exchange, page);
}

/* POST /join: the content is the wanted name or nothing, and the answer is the token. */
static void answer_join(struct stream *stream)
{
    struct client *client = client_of(stream);
    struct exchange *exchange = &client->exchange;
    char name[WORDS_NAME_MOST], token[RANDOM_TOKEN_MOST];
    struct person *person;

    snprintf(name, sizeof name, "%.*s", (int)exchange->length, client->content);
    if (exchange->length > 0 && (strlen(name) != exchange->length ||
                                 !words_is_nick(name) || strcasecmp(name, "you") == 0)) {
        exchange_refuse(exchange, 400, "",
                        "a name is 1 to 16 letters, digits, - and _, and not \"you\"");
        return;
    }
    if (*name == '\0')
        snprintf(name, sizeof name, "web-%lu", ++web_of(stream)->named);
    if (random_token(token) == -1) {
        exchange_refuse(exchange, 503, "",
                        "there are no random numbers: try again later");
        return;
    }
    person = begin_session(stream, name);
    if (person == NULL) {
        exchange_refuse(exchange, 503, "", "the room is full: try again later");
        return;
    }
    strcpy(person->token, token);
    exchange_send_text(exchange, 200, "", token);
}

/* ---- The stream of events ----------------------------------------------------------- */

/* The connection becomes the person's stream of events, instead of an earlier one. */
static void take_browser(struct person *person, struct stream *stream)
{
    static const char elsewhere[] =
        "elsewhere\nYou have opened the room in another window";
    struct web_chat *web = person->web;

    if (person->browser != -1) {
        send_event(person, elsewhere, strlen(elsewhere));
        let_browser_go(person);
    }
    if (person->state == AWAY)
        visitor_come_back(&person->visitor);
    person->browser = stream->sock;
    person->due = web->loop.now + ALIVE_MS;
    set_state(person, HERE);
    client_of(stream)->person = person;
    tally_set(&web->requests, stream->sock, TALLY_FREE, "");
}

/* GET /events: the answer has no end. */
static void answer_events(struct stream *stream)
{
    struct exchange *exchange = &client_of(stream)->exchange;
    const struct http_head *head = &exchange->head;
    char token[RANDOM_TOKEN_MOST + 1]; /* or a longer one would be cut to the right one */
    struct person *person =
        sender_of(stream, web_path_query(head->target, "session", token, sizeof token));

    if (person == NULL || !exchange_begin_endless(exchange, EVENT_STREAM_TYPE))
        return;
    take_browser(person, stream);
    stream_print(stream, EVENT_STREAM_START);
    visitor_rewind(&person->visitor, event_stream_last(head));
    send_events(person);
}

/* ---- Saying something --------------------------------------------------------------- */

/* POST /say: the content is a line. */
static void answer_say(struct stream *stream)
{
    static const struct {
        int status;
        const char *why;
    } refusals[] = {
        [VISITOR_NO_LINE] = {400, "there is no line in it, or more than one"},
        [VISITOR_TOO_LONG] = {413, TOO_LONG},
        [VISITOR_CANNOT] = {503, "the room is down: the line was not sent"},
        [VISITOR_TOO_MUCH] = {429, "the room is slower than you: the line was not sent"}};
    struct exchange *exchange = &client_of(stream)->exchange;
    struct person *person =
        sender_of(stream, http_value(&exchange->head, "Chat-Session"));
    enum visitor_says said;

    if (person == NULL)
        return;
    said = visitor_say(&person->visitor, exchange->content, exchange->length);
    if (said != VISITOR_SAID) {
        exchange_refuse(exchange, refusals[said].status, "", refusals[said].why);
        return;
    }
    exchange_send_head(exchange, 204, NULL, 0, "");
    exchange_end(exchange);
    step_room(person);
}

/* ---- Requests ----------------------------------------------------------------------- */

static void answer(struct stream *stream)
{
    static const struct exchange_page pages[] = {{"/", "GET", answer_page},
                                                 {"/events", "GET", answer_events},
                                                 {"/join", "POST", answer_join},
                                                 {"/say", "POST", answer_say},
                                                 {NULL, NULL, NULL}};
    struct exchange *exchange = &client_of(stream)->exchange;

    if (!origin_is_ours(&web_of(stream)->names, &exchange->head))
        exchange_refuse(exchange, 421, "",
                        "this server does not answer to that name (see -n)");
    else if (origin_is_foreign(&exchange->head))
        exchange_refuse(exchange, 403, "", "a page of another site may not do that");
    else
        exchange_serve(exchange, pages, "the room is at /");
}

static const struct exchange_rules rules = {
    .methods = (const char *const[]){"GET", "HEAD", "POST", NULL},
    .allow = "Allow: GET, HEAD, POST\r\n",
    .content_most = LINE_MOST,
    .too_long = TOO_LONG,
    .fields = "Cache-Control: no-store\r\n"
              "X-Content-Type-Options: nosniff\r\n"
              "Referrer-Policy: no-referrer\r\n"
              "Cross-Origin-Resource-Policy: same-origin\r\n",
    .closes = true,
    .answer = answer,
};

/* ---- The connections of browsers ---------------------------------------------------- */

static void begin(struct stream *stream)
{
    struct client *client = client_of(stream);
    struct web_chat *web = web_of(stream);

    client->person = NULL;
    exchange_open(&client->exchange, stream, &rules, client->content);
    tally_set(&web->requests, stream->sock, TALLY_BRIEF, stream->name);
    make_way(web);
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

/* A browser that gets events sends nothing: our signs of life keep its time from running
   out. If they are late, this program was stopped, and the browser is not to blame. */
static void time_out(struct stream *stream)
{
    if (client_of(stream)->person == NULL)
        exchange_time_out(&client_of(stream)->exchange);
}

static void end(struct stream *stream, int error)
{
    (void)error;
    if (client_of(stream)->person != NULL)
        let_browser_go(client_of(stream)->person);
    tally_set(&web_of(stream)->requests, stream->sock, TALLY_FREE, "");
}

/* ---- The clock ---------------------------------------------------------------------- */

/* A person's time has come: a sign of life for its browser, or the next step out. */
static void serve_by_clock(struct person *person)
{
    struct web_chat *web = person->web;

    if (person->browser != -1) {
        stream_print(&web->loop.streams[person->browser], EVENT_STREAM_ALIVE);
        person->due = web->loop.now + ALIVE_MS;
    } else if (person->state == HERE) {
        leave_room(person, ": its browser is gone");
    } else {
        set_state(person, NOBODY);
    }
}

/* Each turn of the loop begins with what is due. Returns when that will be again (ms). */
static int64_t turn(struct stream_server *server)
{
    struct web_chat *web = server->state;
    int64_t next = INT64_MAX;

    for (int i = 0; i < web->most; i++) {
        struct person *person = &web->people[i];

        if (person->state == NOBODY)
            continue;
        if (visitor_deadline(&person->visitor) <= server->now)
            step_room(person);
        if (person->due <= server->now)
            serve_by_clock(person);
        next = clock_earlier(next, person->due);
        next = clock_earlier(next, visitor_deadline(&person->visitor));
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
    }
}

/* ---- The program -------------------------------------------------------------------- */

static const struct options options = {
    .program = "web_chat",
    .letters = "b:hn:p:r:vV",
    .usage =
        "usage: web_chat [-hvV] [-b address] [-n name]... [-p port] [-r host:port]\n",
    .help =
        "Takes people with a browser into a chat room, and prints who comes and goes.\n"
        "The room sees all of them at this machine's address: if it limits the clients\n"
        "from one address, it has to leave room for them.\n"
        "  -b address    listen on this address only (default: all, IPv6 and IPv4)\n"
        "  -n name       answer to this name, too; always to addresses, names without a\n"
        "                dot or in .local, and this machine's own name\n"
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

    web.loop = (struct stream_server){.program = "web_chat",
                                      .where.port = 8080,
                                      .full = EXCHANGE_FULL,
                                      .reserve = RESERVE,
                                      .idle_ms = IDLE_MS,
                                      .taking_ms = TAKING_MS,
                                      .state = &web,
                                      .handlers = {.opened = begin,
                                                   .received = receive,
                                                   .drained = go_on,
                                                   .timed_out = time_out,
                                                   .closed = end,
                                                   .turn = turn,
                                                   .stopping = say_goodbye}};
    take_options(&web, argc, argv);
    start_program(&options);
    origin_find_name(&web.names);
    descriptor_raise_limit(FD_SETSIZE + 8); /* for a number that no socket needs */
    web.most = (descriptor_limit() - OTHER_DESCRIPTORS) / 2;
    if (web.most < 1)
        web.most = 1;
    if (random_token(token) == -1)
        options_fail(&options, "cannot read /dev/urandom: %s", strerror(errno));
    return stream_server_run(&web.loop);
}
