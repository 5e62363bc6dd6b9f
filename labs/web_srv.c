/*
 * web_srv: a web server (HTTP/1.1: RFC 9110, RFC 9112), for as many browsers at a time as
 * an fd_set holds.
 *
 *     web_srv [-v] [-b address] [-d directory] [-p port] [-t seconds]
 *
 * It prints the first line and the header of each request. It answers with Hello, World!
 * or, with -d, with a file from a directory, a part of one (http/part.h), or a list of the
 * files there (http/web_file.h).
 *
 * Three things are harder than they look:
 *
 *  - A request comes in any pieces, and another may come right after it, before the
 *    answer to the first (pipelining, RFC 9112 9.3.2). So exchange_take() (http/exchange.h)
 *    takes bytes up to the end of one request. While a file is being sent, the stream is
 *    held: what comes waits in its input, and when that is full, TCP stops the client.
 *  - A file may be larger than memory. It goes out a piece at a time, each when the one
 *    before it is gone (send_piece()). Any number of long files at once cost one buffer
 *    each.
 *  - A request cannot be trusted. It is limited in length and in time, and what is printed
 *    of it is made harmless first (show()).
 */
#include "base/descriptor.h"
#include "http/exchange.h"
#include "http/part.h"
#include "http/web_file.h"
#include "http/web_path.h"
#include "loop/stream_server.h"
#include "net/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HELLO      "Hello, World!\n"
#define PATIENCE_S 30
#define BODY_MOST  65536 /* of a request: it needs none, so a longer one is refused */
#define SHOWN_MOST 480   /* of each line of a request: less than LOG_LINE_MOST */

struct client {
    struct exchange exchange;
    struct web_file file;
    struct range left; /* what is still to be sent of the file */
};

struct web {
    char root[WEB_FILE_ROOT_MOST];     /* the directory's path; "": none is served */
    struct client clients[FD_SETSIZE]; /* by descriptor */
};

static struct client *client_of(const struct stream *stream)
{
    struct web *web = stream->server->state;

    return &web->clients[stream->sock];
}

static struct exchange *exchange_of(const struct stream *stream)
{
    return &client_of(stream)->exchange;
}

/* Makes a text harmless: it may hold what a terminal obeys, or what misleads people. */
static const char *show(const char *text, char shown[SHOWN_MOST])
{
    struct text state = {.have = 0};
    size_t length = 0;

    while (*text != '\0' && length + 2 * TEXT_MOST + strlen("...") < SHOWN_MOST)
        length += text_take(&state, (unsigned char)*text++, shown + length);
    length += text_finish(&state, shown + length);
    strcpy(shown + length, *text == '\0' ? "" : "...");
    text_straighten(shown, length);
    return shown;
}

/* ---- Files -------------------------------------------------------------------------- */

static void log_unreadable(struct stream *stream, const char *why)
{
    char shown[SHOWN_MOST];

    log_line(&stream->server->log, "%s: cannot read %s: %s", stream->name,
             show(exchange_of(stream)->head.target, shown), why);
}

/*
 * Queues as much of the file as there is room for. If it cannot be read any more, or has
 * become shorter than the head said, there is no correct way to end the answer. Closing
 * early shows the client that something is missing.
 */
static void send_piece(struct stream *stream)
{
    struct client *client = client_of(stream);
    static char bytes[STREAM_OUTPUT_BYTES];
    size_t room = stream_room(stream);
    ssize_t got = 0;

    if (client->left.length < room)
        room = (size_t)client->left.length;
    if (room > 0)
        got = web_file_read(&client->file, client->left.first, bytes, room);
    if (got <= 0 && room > 0) {
        log_unreadable(stream, got == 0 ? "it has become shorter" : strerror(errno));
        stream_close(stream);
        return;
    }
    client->left.first += stream_send(stream, bytes, (size_t)got);
    client->left.length -= (size_t)got;
    if (client->left.length > 0)
        return;
    web_file_close(&client->file);
    stream_resume(stream);
    exchange_end(&client->exchange);
}

/* Answers with the part of the open file that the request wants. */
static void send_part(struct stream *stream)
{
    struct client *client = client_of(stream);
    struct part part;

    part_choose(&part, &client->exchange.head, &client->file, time(NULL));
    if (part.status >= 400) {
        web_file_close(&client->file);
        exchange_refuse(&client->exchange, part.status, part.fields, "");
        return;
    }
    exchange_send_head(&client->exchange, part.status,
                       part.status == 304 ? NULL : client->file.type, part.range.length,
                       part.fields);
    client->left = part.range;
    if (exchange_wants_head_only(&client->exchange) || part.status == 304)
        client->left.length = 0;
    stream_hold(stream);
    send_piece(stream);
    if (client->left.length > 0)
        web_file_keep(&client->file);
}

/* The path is a directory's, but lacks the slash at its end. */
static void redirect(struct stream *stream, const char *path)
{
    char location[HTTP_LINE_MOST + 40];

    /* A client would read "//b" as the path "/" of the host b (RFC 3986 4.2). */
    path += strspn(path, "/") - 1;
    snprintf(location, sizeof location, "Location: %.*s/%s\r\n", (int)strcspn(path, "?"),
             path, path + strcspn(path, "?"));
    exchange_refuse(exchange_of(stream), 301, location, "");
}

static void answer_with_file(struct stream *stream, const char *path)
{
    const struct web *web = stream->server->state;
    int status = web_file_open(&client_of(stream)->file, web->root, path);

    if (status >= 500)
        log_unreadable(stream, strerror(errno));
    if (status == 200)
        send_part(stream);
    else if (status == 301)
        redirect(stream, path);
    else
        exchange_refuse(exchange_of(stream), status, "", "");
}

/* ---- The request -------------------------------------------------------------------- */

/* The method and the names of fields are tokens (RFC 9110 5.6.2), which are harmless. */
static void print_request(struct stream *stream)
{
    struct log *log = &stream->server->log;
    const struct http_head *head = &exchange_of(stream)->head;
    struct http_field field = {NULL, NULL};
    char shown[SHOWN_MOST];

    log_line(log, "%s %s HTTP/1.%d", head->method, show(head->target, shown),
             head->minor);
    while (http_next_field(head, &field))
        log_line(log, "%s: %s", field.name, show(field.value, shown));
    log_line(log, "%s", "");
}

/* The request is whole, and is one for a document. */
static void answer(struct stream *stream)
{
    const struct web *web = stream->server->state;
    const char *path = web_path_of(exchange_of(stream)->head.target);

    if (*path != '/')
        exchange_refuse(exchange_of(stream), 400, "", "the target is not a path");
    else if (*web->root == '\0')
        exchange_send_text(exchange_of(stream), 200, "", HELLO);
    else
        answer_with_file(stream, path);
}

static const struct exchange_rules rules = {
    .methods = (const char *const[]){"GET", "HEAD", NULL},
    .allow = "Allow: GET, HEAD\r\n",
    .content_most = BODY_MOST,
    .too_long = "a GET needs no body",
    .fields = "",
    .headed = print_request,
    .answer = answer,
};

/* ---- The connection ----------------------------------------------------------------- */

/* The handler for a client that has connected. */
static void begin(struct stream *stream)
{
    struct client *client = client_of(stream);

    exchange_open(&client->exchange, stream, &rules, NULL);
    client->file.descriptor = -1;
    client->left.length = 0;
}

/* The handler for a client that has taken all output: there is room for the next piece. */
static void go_on(struct stream *stream)
{
    if (client_of(stream)->left.length > 0)
        send_piece(stream);
}

static size_t receive(struct stream *stream, const unsigned char *bytes, size_t length)
{
    return exchange_take(exchange_of(stream), bytes, length);
}

/* Not called for a client that is taking a file: that is held (send_part()). */
static void time_out(struct stream *stream)
{
    exchange_time_out(exchange_of(stream));
}

/* The handler for a client that is gone, perhaps in the middle of a file. */
static void end(struct stream *stream, int error)
{
    (void)error;
    web_file_close(&client_of(stream)->file);
}

static void say_where(struct stream_server *server)
{
    char place[OPTIONS_PLACE_MOST];

    log_line(&server->log, "Serving HTTP on %s ...",
             options_place(&server->where, place));
}

/* ---- The program -------------------------------------------------------------------- */

static const struct options options = {
    .program = "web_srv",
    .letters = "b:d:hp:t:vV",
    .usage = "usage: web_srv [-hvV] [-b address] [-d directory] [-p port] [-t seconds]\n",
    .help = "Serves Hello, World! or files over HTTP, and prints each request. A client\n"
            "has to take some of an answer every two minutes, unless -t is 0.\n"
            "  -b address    listen on this address only (default: all, IPv6 and IPv4)\n"
            "  -d directory  serve the files in it, and lists of them; no links, and no\n"
            "                names that begin with a dot\n"
            "  -p port       listen on this port (default: 8888; 0: any free one)\n"
            "  -t seconds    wait this long for a whole request, and for the next one\n"
            "                (default: 30; 0: for ever)\n"
            "  -v            print a line for each connection opened or closed\n"
            "  -h            print this help\n"
            "  -V            print the version\n",
};

int main(int argc, char *argv[])
{
    static struct web web;
    static struct stream_server server = {.program = "web_srv",
                                          .where.port = 8888,
                                          .full = EXCHANGE_FULL,
                                          .idle_ms = PATIENCE_S * 1000,
                                          .reserve = WEB_FILE_DESCRIPTORS,
                                          .state = &web,
                                          .handlers = {.started = say_where,
                                                       .opened = begin,
                                                       .received = receive,
                                                       .drained = go_on,
                                                       .timed_out = time_out,
                                                       .closed = end}};
    const char *directory = NULL;
    int letter;

    while ((letter = options_next_of_server(&options, argc, argv, &server.where)) != -1) {
        switch (letter) {
        case 'd': directory = optarg; break;
        case 't': server.idle_ms = options_milliseconds(&options, letter); break;
        }
    }
    options_end(&options, argc, argv);
    if (directory != NULL) {
        descriptor_raise_limit(2 * FD_SETSIZE + 8); /* a file for each client */
        if (web_file_root(web.root, directory) == -1)
            options_fail(&options, "cannot open '%s': %s", directory, strerror(errno));
    }
    return stream_server_run(&server);
}
