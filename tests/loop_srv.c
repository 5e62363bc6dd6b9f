/*
 * loop_srv: a server on loop/stream_server.h for the tests of that loop. Its handlers do what
 * the command line says.
 *
 *     loop_srv [-p port] [-i idle_ms] [-k taking_ms] [-f full] [-s speed]
 *              [handler[=word,word...]]...
 *
 * The handlers are those of struct stream_handlers, and `watched`, which is called for one
 * end of a pipe. A handler prints a line, and then obeys its words in order:
 *
 *     print        sends the client the line that came, or else the handler's name
 *     echo         sends it the bytes that came
 *     pour[:BYTES] queues as much as fits, until that many bytes are queued; then resumes
 *     take:BYTES   limits what `received` takes
 *     hold, close, expire:MS   does what stream_hold() and the like do
 *     narrow       makes the kernel take only some kilobytes of output at a time
 *     resume       resumes every client
 *     stop         stops the server
 *     watch:MS, watch-write:MS, unwatch   watches the pipe's reading end, its writing end, or
 *                  neither (MS is -1: without a time-out)
 *     ring, empty  writes a byte to the pipe, reads one from it
 *     obey         does what the line that came says, if it begins with !
 *
 * In `watched`, `started`, `turn` and `stopping` a word for a client applies to every client.
 * `turn` does what it has to every ten seconds of the loop's clock. With -s the
 * loop's clock runs that many times as fast, so its ten seconds are soon over.
 */
#include "loop/stream_server.h"

#include "base/clock.h"
#include "base/descriptor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define POUR_PERIOD 251 /* it pours 0, 1, 2 ... 250, and again */

enum {
    STARTED,
    OPENED,
    LINE,
    RECEIVED,
    DRAINED,
    TIMED_OUT,
    CLOSED,
    WATCHED,
    TURN,
    STOPPING,
    HANDLERS
};

static const char *const names[HANDLERS] = {"started", "opened",    "line",   "received",
                                            "drained", "timed_out", "closed", "watched",
                                            "turn",    "stopping"};
static const char *words[HANDLERS]; /* NULL: the command line does not name the handler */
static struct stream *clients[FD_SETSIZE];
static size_t poured[FD_SETSIZE];
static size_t taken; /* by `received` */
static int ends[2];  /* the pipe's */
static long speed = 1;

/* ---- The loop's clock, in place of base/clock.c ------------------------------------- */

int64_t clock_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return speed * ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

struct timespec clock_timespec(int64_t ms)
{
    int64_t second = 1000 * speed;

    if (ms < 0)
        ms = 0;
    return (struct timespec){.tv_sec = (time_t)(ms / second),
                             .tv_nsec = (long)(ms % second * 1000000 / speed)};
}

/* ---- Words -------------------------------------------------------------------------- */

/* What a word applies to. */
struct event {
    struct stream_server *server;
    struct stream *stream; /* NULL: every client */
    const char *bytes;     /* what came: a string, except in `received` */
    size_t length;
    long number; /* the word's */
};

static void perform(struct event event, const char *list);

static void print(struct event *event)
{
    stream_print(event->stream, "%s\r\n", event->bytes);
}

static void echo(struct event *event)
{
    taken = stream_send(event->stream, event->bytes, event->length);
}

static void pour(struct event *event)
{
    size_t *so_far = &poured[event->stream->sock];
    size_t most = event->number > 0 ? (size_t)event->number : SIZE_MAX, sent = 1;
    char period[POUR_PERIOD];

    for (int i = 0; i < POUR_PERIOD; i++)
        period[i] = (char)i;
    while (*so_far < most && sent > 0) {
        size_t at = *so_far % POUR_PERIOD, length = POUR_PERIOD - at;

        if (length > most - *so_far)
            length = most - *so_far;
        sent = stream_send(event->stream, period + at, length);
        *so_far += sent;
    }
    if (*so_far == most)
        stream_resume(event->stream);
}

static void take(struct event *event)
{
    if (taken > (size_t)event->number)
        taken = (size_t)event->number;
}

static void hold(struct event *event)
{
    stream_hold(event->stream);
}

static void resume(struct event *event)
{
    (void)event;
    for (int sock = 0; sock < FD_SETSIZE; sock++)
        if (clients[sock] != NULL)
            stream_resume(clients[sock]);
}

static void expire(struct event *event)
{
    stream_expire(event->stream, event->number);
}

static void narrow(struct event *event)
{
    const int least = 1;

    (void)setsockopt(event->stream->sock, SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
}

static void close_client(struct event *event)
{
    stream_close(event->stream);
}

static void stop(struct event *event)
{
    stream_server_stop(event->server);
}

static void watched(void *owner, int events);

static void watch(struct event *event)
{
    stream_server_watch(event->server, ends[0], STREAM_READABLE, event->number, watched,
                        event->server);
}

static void watch_write(struct event *event)
{
    stream_server_watch(event->server, ends[1], STREAM_WRITABLE, event->number, watched,
                        event->server);
}

static void unwatch(struct event *event)
{
    stream_server_unwatch(event->server, ends[0]);
    stream_server_unwatch(event->server, ends[1]);
}

static void ring(struct event *event)
{
    (void)event;
    (void)!write(ends[1], "x", 1);
}

static void empty(struct event *event)
{
    char byte;

    (void)event;
    (void)!read(ends[0], &byte, 1);
}

static void obey(struct event *event)
{
    if (event->bytes[0] == '!')
        perform(*event, event->bytes + 1);
}

static const struct word {
    const char *name;
    void (*act)(struct event *event);
    bool is_for_client;
} known[] = {
    {"print", print, true},        {"echo", echo, true},
    {"pour", pour, true},          {"take", take, false},
    {"hold", hold, true},          {"narrow", narrow, true},
    {"close", close_client, true}, {"expire", expire, true},
    {"resume", resume, false},     {"stop", stop, false},
    {"watch", watch, false},       {"watch-write", watch_write, false},
    {"unwatch", unwatch, false},   {"ring", ring, false},
    {"empty", empty, false},       {"obey", obey, false},
};

static const struct word *find_word(const char *text, size_t length)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strlen(known[i].name) == length && strncmp(known[i].name, text, length) == 0)
            return &known[i];
    fprintf(stderr, "loop_srv: '%.*s' is not a word\n", (int)length, text);
    exit(EXIT_FAILURE);
}

static void perform(struct event event, const char *list)
{
    for (; *list != '\0'; list += strcspn(list, ","), list += *list == ',') {
        size_t length = strcspn(list, ":,");
        const struct word *word = find_word(list, length);

        event.number = list[length] == ':' ? strtol(list + length + 1, NULL, 10) : 0;
        if (!word->is_for_client || event.stream != NULL) {
            word->act(&event);
            continue;
        }
        for (int sock = 0; sock < FD_SETSIZE; sock++)
            if ((event.stream = clients[sock]) != NULL)
                word->act(&event);
        event.stream = NULL;
    }
}

/* ---- Handlers ----------------------------------------------------------------------- */

/* A handler that gets no text. `what` is logged after the client's name. */
static void handle(int handler, struct stream *stream, const char *what)
{
    struct event event = {
        .server = stream->server, .stream = stream, .bytes = names[handler]};

    log_line(&stream->server->log, "%s %s%s", names[handler], stream->name, what);
    if (words[handler] != NULL)
        perform(event, words[handler]);
}

static void started(struct stream_server *server)
{
    struct event event = {.server = server, .bytes = names[STARTED]};

    log_line(&server->log, "loop_srv started on port %d", server->where.port);
    if (words[STARTED] != NULL)
        perform(event, words[STARTED]);
}

static void opened(struct stream *stream)
{
    clients[stream->sock] = stream;
    poured[stream->sock] = 0;
    handle(OPENED, stream, "");
}

static void line(struct stream *stream, const char *text, bool is_last)
{
    struct event event = {.server = stream->server, .stream = stream, .bytes = text};

    log_line(&stream->server->log, "line %s %s%s", stream->name, text,
             is_last ? "" : "...");
    perform(event, words[LINE]);
}

static size_t received(struct stream *stream, const unsigned char *bytes, size_t length)
{
    struct event event = {.server = stream->server,
                          .stream = stream,
                          .bytes = (const char *)bytes,
                          .length = length};

    log_line(&stream->server->log, "received %s %zu", stream->name, length);
    taken = length;
    perform(event, words[RECEIVED]);
    return taken;
}

static void drained(struct stream *stream)
{
    handle(DRAINED, stream, "");
}

static void timed_out(struct stream *stream)
{
    handle(TIMED_OUT, stream, "");
}

static void closed(struct stream *stream, int error)
{
    char number[16];

    snprintf(number, sizeof number, " %d", error);
    clients[stream->sock] = NULL;
    handle(CLOSED, stream, number);
    if (stream_send(stream, "x", 1) != 0)
        log_line(&stream->server->log, "something could be sent to %s", stream->name);
}

static void watched(void *owner, int events)
{
    struct stream_server *server = owner;
    struct event event = {.server = server, .bytes = names[WATCHED]};

    log_line(&server->log, "watched %d", events);
    if (words[WATCHED] != NULL)
        perform(event, words[WATCHED]);
}

static int64_t turn(struct stream_server *server)
{
    static int64_t next;
    struct event event = {.server = server, .bytes = names[TURN]};

    if (server->now >= next) {
        perform(event, words[TURN]);
        next = server->now + 10000;
    }
    return next;
}

static void stopping(struct stream_server *server)
{
    struct event event = {.server = server, .bytes = names[STOPPING]};

    perform(event, words[STOPPING]);
}

/* ---- The program -------------------------------------------------------------------- */

static const struct options options = {
    .program = "loop_srv",
    .letters = "f:hi:k:p:s:V",
    .usage = "usage: loop_srv [-hV] [-p port] [-i idle_ms] [-k taking_ms] [-f full] "
             "[-s speed] [handler[=word,word...]]...\n",
    .help = "tests/loop_srv.c lists the words.\n",
};

/* Takes handler[=word,word...]. */
static void name_handler(const char *operand)
{
    size_t length = strcspn(operand, "=");

    for (int i = 0; i < HANDLERS; i++)
        if (strlen(names[i]) == length && strncmp(names[i], operand, length) == 0) {
            words[i] = operand + length + (operand[length] == '=');
            return;
        }
    options_wrong(&options, "'%s' is not a handler", operand);
}

static void add_handlers(struct stream_handlers *handlers)
{
    if (words[LINE] != NULL)
        handlers->line = line;
    if (words[RECEIVED] != NULL)
        handlers->received = received;
    if (words[DRAINED] != NULL)
        handlers->drained = drained;
    if (words[TIMED_OUT] != NULL)
        handlers->timed_out = timed_out;
    if (words[TURN] != NULL)
        handlers->turn = turn;
    if (words[STOPPING] != NULL)
        handlers->stopping = stopping;
}

int main(int argc, char *argv[])
{
    static struct stream_server server = {
        .program = "loop_srv",
        .handlers = {.started = started, .opened = opened, .closed = closed}};
    int letter, status;

    while ((letter = options_next_of_server(&options, argc, argv, &server.where)) != -1) {
        switch (letter) {
        case 'f': server.full = optarg; break;
        case 'i': server.idle_ms = options_number(&options, 'i', 0, 1000000); break;
        case 'k': server.taking_ms = options_number(&options, 'k', 0, 1000000); break;
        case 's': speed = options_number(&options, 's', 1, 1000); break;
        }
    }
    for (int i = optind; i < argc; i++)
        name_handler(argv[i]);
    add_handlers(&server.handlers);
    if (words[WATCHED] != NULL &&
        (descriptor_fill_standard() == -1 || pipe(ends) == -1 ||
         descriptor_prepare(ends[0]) == -1 || descriptor_prepare(ends[1]) == -1)) {
        perror("loop_srv: cannot open a pipe");
        return EXIT_FAILURE;
    }
    status = stream_server_run(&server);
    if (words[WATCHED] != NULL) {
        close(ends[0]);
        close(ends[1]);
    }
    return status;
}
