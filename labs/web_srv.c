/*
 * web_srv: a web server (HTTP/1.1: RFC 9110, RFC 9112), for as many browsers at a time as
 * an fd_set holds.
 *
 *     web_srv [-v] [-b address] [-d directory] [-p port] [-t seconds]
 *
 * It prints the first line and the header of each request. It answers with Hello, World!
 * or, with -d, with a file or a list of files from a directory (http/web_file.h), or a part
 * of it (http/part.h).
 *
 * Three things are harder than they look:
 *
 *  - A request comes in any pieces, and another may come right after it, before the
 *    answer to the first (pipelining, RFC 9112 9.3.2). So receive() takes bytes up to the
 *    end of one request. While a file is being sent, the stream is held: what comes waits
 *    in its input, and when that is full, TCP stops the client.
 *  - A file may be larger than memory. It goes out a piece at a time, each when the one
 *    before it is gone (send_piece()). Any number of long files at once cost one buffer
 *    each.
 *  - The request is a stranger's. It is bounded in length and in time, and what is
 *    printed of it is made harmless first (show()).
 */
#include "base/descriptor.h"
#include "base/start.h"
#include "http/http.h"
#include "http/http_date.h"
#include "http/part.h"
#include "http/reason.h"
#include "http/web_file.h"
#include "http/web_path.h"
#include "loop/stream_server.h"
#include "net/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define HELLO "Hello, World!\n"
#define FULL                                                                             \
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
#define PATIENCE_S 30
#define BODY_MOST  65536 /* of a request: it needs none, so a longer one is refused */
#define SHOWN_MOST 480   /* of each line of a request: less than LOG_LINE_MOST */

#define PLAIN "text/plain; charset=utf-8"

struct client {
    struct http_head head; /* of the request that is being received, or answered */
    char text[HTTP_HEAD_MOST];
    struct http_body body;
    bool in_body;
    size_t skipped; /* bytes of the body so far */
    bool is_kept;   /* the connection stays open for another request */
    int64_t began;  /* ms; when the request began */
    struct web_file file;
    struct range left; /* what is still to be sent of the file */
};

struct web {
    struct web_root root;              /* without a path, no directory is served */
    struct client clients[FD_SETSIZE]; /* by descriptor */
};

static struct client *client_of(const struct stream *stream)
{
    struct web *web = stream->server->state;

    return &web->clients[stream->sock];
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

/* ---- The answer --------------------------------------------------------------------- */

/*
 * `more` is further fields with their line ends, or "". Content-Length shows the client
 * where the answer ends; without it, only closing the connection could. An answer without
 * a type has no content (304). A server with a clock sends a Date (RFC 9110 6.6.1).
 * HTTP/1.0 keeps a connection only if both sides say so.
 */
static void send_head(struct stream *stream, int status, const char *type,
                      uint64_t length, const char *more)
{
    const struct client *client = client_of(stream);
    char date[HTTP_DATE_MOST], content[150] = "";
    const char *connection = "";

    if (!client->is_kept)
        connection = "Connection: close\r\n";
    else if (client->head.minor == 0)
        connection = "Connection: keep-alive\r\n";
    if (type != NULL)
        snprintf(content, sizeof content,
                 "Content-Type: %s\r\n"
                 "Content-Length: %llu\r\n",
                 type, (unsigned long long)length);
    http_date(time(NULL), date);
    stream_print(stream, "HTTP/1.1 %d %s\r\nDate: %s\r\n%s%s%s\r\n", status,
                 reason_of(status), date, content, connection, more);
}

static void begin_request(struct client *client)
{
    http_head_begin(&client->head, HTTP_REQUEST, client->text, sizeof client->text);
    client->in_body = false;
}

/* The answer is queued. Next comes another request, or the end of the connection. */
static void end_answer(struct stream *stream)
{
    struct client *client = client_of(stream);

    if (!client->is_kept)
        stream_close(stream);
    begin_request(client);
}

/* The answer to HEAD is that to GET, without its body (RFC 9110 9.3.2). */
static bool wants_head_only(const struct client *client)
{
    return strcmp(client->head.method, "HEAD") == 0;
}

static void send_text(struct stream *stream, int status, const char *more,
                      const char *text)
{
    send_head(stream, status, PLAIN, strlen(text), more);
    if (!wants_head_only(client_of(stream)))
        stream_send(stream, text, strlen(text));
    end_answer(stream);
}

/* Answers with a page that says what is wrong. */
static void refuse(struct stream *stream, int status, const char *more, const char *why)
{
    char text[200];

    snprintf(text, sizeof text, "%d %s%s%s\n", status, reason_of(status),
             *why == '\0' ? "" : ": ", why);
    send_text(stream, status, more, text);
}

/* The same, if nobody can tell where the next request begins: then there is none. */
static void refuse_and_close(struct stream *stream, int status, const char *why)
{
    log_line(&stream->server->log, "%s: %d %s: %s", stream->name, status,
             reason_of(status), why);
    client_of(stream)->is_kept = false;
    refuse(stream, status, "", why);
}

/* ---- Files -------------------------------------------------------------------------- */

static void log_unreadable(struct stream *stream, const char *why)
{
    char shown[SHOWN_MOST];

    log_line(&stream->server->log, "%s: cannot read %s: %s", stream->name,
             show(client_of(stream)->head.target, shown), why);
}

/*
 * Queues as much of the file as there is room for. If it cannot be read any more, or has
 * become shorter than the head said, there is no right way to end the answer: closing
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
    end_answer(stream);
}

/* Answers with the part of the open file that the request wants. */
static void send_part(struct stream *stream)
{
    struct client *client = client_of(stream);
    struct part part;

    part_choose(&part, &client->head, &client->file, time(NULL));
    if (part.status >= 400) {
        web_file_close(&client->file);
        refuse(stream, part.status, part.fields, "");
        return;
    }
    send_head(stream, part.status, part.status == 304 ? NULL : client->file.type,
              part.range.length, part.fields);
    client->left = part.range;
    if (wants_head_only(client) || part.status == 304)
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
    refuse(stream, 301, location, "");
}

static void answer_with_file(struct stream *stream, const char *path)
{
    struct web *web = stream->server->state;
    int status = web_file_open(&client_of(stream)->file, &web->root, path);

    if (status >= 500)
        log_unreadable(stream, strerror(errno));
    if (status == 200)
        send_part(stream);
    else if (status == 301)
        redirect(stream, path);
    else
        refuse(stream, status, "", "");
}

/* ---- The request -------------------------------------------------------------------- */

/* The method and the names of fields are tokens (RFC 9110 5.6.2), which are harmless. */
static void print_request(struct stream *stream)
{
    struct log *log = &stream->server->log;
    const struct http_head *head = &client_of(stream)->head;
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
    const char *path = web_path_of(client_of(stream)->head.target);

    if (*path != '/')
        refuse(stream, 400, "", "the target is not a path");
    else if (*web->root.path == '\0')
        send_text(stream, 200, "", HELLO);
    else
        answer_with_file(stream, path);
}

static bool is_one_of(const char *method, const char *const methods[])
{
    while (*methods != NULL && strcmp(method, *methods) != 0)
        methods++;
    return *methods != NULL;
}

/*
 * The head has come: decides what happens to the request. The body of a GET has no
 * meaning (RFC 9110 9.3.1); it is received and thrown away, so that the next request is
 * found after it. A request with another method is refused at once, without its body.
 */
static void take_head(struct stream *stream)
{
    static const char *const served[] = {"GET", "HEAD", NULL};
    static const char *const known[] = {"POST",    "PUT",   "DELETE", "CONNECT",
                                        "OPTIONS", "TRACE", "PATCH",  NULL};
    struct client *client = client_of(stream);
    const char *expected = http_value(&client->head, "Expect");
    struct http_body *body = &client->body;

    http_body_begin(body, &client->head);
    client->is_kept = http_keeps_alive(&client->head);
    client->skipped = 0;
    client->in_body = true;
    if (body->state == HTTP_BAD) {
        refuse_and_close(stream, body->answer, body->why);
    } else if (!is_one_of(client->head.method, served)) {
        /* 405: not here; 501: not known at all (RFC 9110 15.5.6, 15.6.2) */
        client->is_kept = client->is_kept && body->state == HTTP_WHOLE;
        refuse(stream, is_one_of(client->head.method, known) ? 405 : 501,
               "Allow: GET, HEAD\r\n", "");
    } else if (body->framing == HTTP_LENGTH && body->left > BODY_MOST) {
        refuse_and_close(stream, 413, "a GET needs no body");
    } else if (expected != NULL && strcasecmp(expected, "100-continue") != 0) {
        refuse_and_close(stream, 417, "only 100-continue may be expected");
    } else if (body->state == HTTP_WHOLE) {
        answer(stream);
    } else if (expected != NULL && client->head.minor >= 1) {
        /* The client waits for this before it sends the body (RFC 9110 10.1.1). */
        stream_print(stream, "HTTP/1.1 100 Continue\r\n\r\n");
    }
}

static size_t skip_body(struct stream *stream, const char *bytes, size_t length)
{
    struct client *client = client_of(stream);
    struct http_content content;
    size_t taken = http_body_take(&client->body, bytes, length, &content);

    client->skipped += taken;
    if (client->body.state == HTTP_BAD)
        refuse_and_close(stream, client->body.answer, client->body.why);
    else if (client->skipped > BODY_MOST)
        refuse_and_close(stream, 413, "a GET needs no body");
    else if (client->body.state == HTTP_WHOLE)
        answer(stream);
    return taken;
}

/*
 * The handler of input: takes bytes up to the end of one request. A request has its time
 * as a whole; a client that sends a byte now and then would otherwise hold its place for
 * ever. While the client is still taking the answer before, the time of that counts.
 */
static size_t receive(struct stream *stream, const unsigned char *bytes, size_t length)
{
    struct client *client = client_of(stream);
    struct http_head *head = &client->head;
    const char *text = (const char *)bytes;
    int64_t now = stream->server->now, left;
    size_t taken;

    if (head->taken == 0)
        client->began = now;
    left = client->began + stream->server->idle_ms - now;
    if (stream->server->idle_ms > 0 && stream_room(stream) == STREAM_OUTPUT_BYTES)
        stream_expire(stream, left > 0 ? left : 0);
    if (client->in_body)
        return skip_body(stream, text, length);
    taken = http_head_take(head, text, length);
    if (head->has_ended)
        print_request(stream);
    if (head->state == HTTP_BAD)
        refuse_and_close(stream, head->answer, head->why);
    else if (head->state == HTTP_WHOLE)
        take_head(stream);
    return taken;
}

/* ---- The connection ----------------------------------------------------------------- */

/* The handler for a client that has connected. */
static void begin(struct stream *stream)
{
    struct client *client = client_of(stream);

    begin_request(client);
    client->file.descriptor = -1;
    client->left.length = 0;
}

/* The handler for a client that has taken all output: there is room for the next piece. */
static void go_on(struct stream *stream)
{
    if (client_of(stream)->left.length > 0)
        send_piece(stream);
}

/* Between two requests the client is closed without a word; inside one it is told why. */
static void time_out(struct stream *stream)
{
    const struct client *client = client_of(stream);

    if (client->left.length == 0 && client->head.taken > 0)
        refuse_and_close(stream, 408, "the request took too long");
    else
        stream_close(stream);
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
    .help =
        "Serves Hello, World! or files over HTTP, and prints each request. A client has\n"
        "to take some of an answer every two minutes.\n"
        "  -b address    listen on this address only (default: all, IPv6 and IPv4)\n"
        "  -d directory  serve the files in it, and lists of them; no links, and no "
        "names\n"
        "                that begin with a dot\n"
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
                                          .full = FULL,
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
    int letter, result;

    while ((letter = options_next_of_server(&options, argc, argv, &server.where)) != -1) {
        switch (letter) {
        case 'd': directory = optarg; break;
        case 't': server.idle_ms = options_milliseconds(&options, letter); break;
        }
    }
    options_end(&options, argc, argv);
    /* First, because the directory would become standard output if that is closed. */
    if (start_program() == -1)
        options_fail(&options, "cannot start: %s", strerror(errno));
    if (directory != NULL) {
        descriptor_raise_limit(2 * FD_SETSIZE + 8); /* a file for each client */
        if (web_root_open(&web.root, directory) == -1)
            options_fail(&options, "cannot open '%s': %s", directory, strerror(errno));
    }
    result = stream_server_run(&server);
    if (directory != NULL)
        web_root_close(&web.root);
    return result;
}
