#include "http/exchange.h"

#include "http/http_date.h"
#include "http/web_path.h"
#include "net/keepalive.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#define ENDLESS UINT64_MAX /* instead of a length: up to the end of the connection */

/*
 * How much of an endless answer the kernel may hold for a client that does not read. It is
 * not much less than what the loop holds (STREAM_OUTPUT_BYTES); by itself it would hold
 * megabytes.
 */
#define SEND_BUFFER_BYTES 32768

/* ---- The answer --------------------------------------------------------------------- */

/* What a status means, in the words of RFC 9110 15. */
static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "";
}

/*
 * A server with a clock sends a Date (RFC 9110 6.6.1). Content-Length shows the client where
 * the answer ends; without it, only closing the connection can. HTTP/1.0 keeps a connection
 * only if both sides say so.
 */
void exchange_send_head(struct exchange *exchange, int status, const char *type,
                        uint64_t length, const char *more)
{
    const char *connection = "";
    char date[HTTP_DATE_MOST], content[150] = "";

    if (length == ENDLESS) {
        exchange->is_kept = false;
        snprintf(content, sizeof content, "Content-Type: %s\r\n", type);
    } else if (type != NULL) {
        snprintf(content, sizeof content, "Content-Type: %s\r\nContent-Length: %llu\r\n",
                 type, (unsigned long long)length);
    }
    if (!exchange->is_kept)
        connection = "Connection: close\r\n";
    else if (exchange->head.minor == 0)
        connection = "Connection: keep-alive\r\n";
    http_date(time(NULL), date);
    stream_print(exchange->stream, "HTTP/1.1 %d %s\r\nDate: %s\r\n%s%s%s%s\r\n", status,
                 reason_of(status), date, content, connection, exchange->rules->fields,
                 more);
}

bool exchange_begin_endless(struct exchange *exchange, const char *type)
{
    const int size = SEND_BUFFER_BYTES;
    struct stream *stream = exchange->stream;

    exchange_send_head(exchange, 200, type, ENDLESS, "");
    if (exchange_wants_head_only(exchange)) {
        exchange_end(exchange);
        return false;
    }
    /* If it fails, a client that does not read costs more memory. */
    (void)setsockopt(stream->sock, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    keepalive_limit_sending(stream->sock);
    return true;
}

static void begin_request(struct exchange *exchange)
{
    http_head_begin(&exchange->head, HTTP_REQUEST, exchange->text, sizeof exchange->text);
    exchange->in_body = false;
}

void exchange_end(struct exchange *exchange)
{
    if (!exchange->is_kept)
        stream_close(exchange->stream);
    begin_request(exchange);
}

bool exchange_wants_head_only(const struct exchange *exchange)
{
    return strcmp(exchange->head.method, "HEAD") == 0;
}

void exchange_send_text(struct exchange *exchange, int status, const char *more,
                        const char *text)
{
    exchange_send_head(exchange, status, EXCHANGE_PLAIN, strlen(text), more);
    if (!exchange_wants_head_only(exchange))
        stream_send(exchange->stream, text, strlen(text));
    exchange_end(exchange);
}

void exchange_refuse(struct exchange *exchange, int status, const char *more,
                     const char *why)
{
    char text[300];

    snprintf(text, sizeof text, "%d %s%s%s\n", status, reason_of(status),
             *why == '\0' ? "" : ": ", why);
    exchange_send_text(exchange, status, more, text);
}

/*
 * The same if nobody can tell where the next request begins: then there is none. It is
 * also printed.
 */
static void refuse_and_close(struct exchange *exchange, int status, const char *why)
{
    log_line(&exchange->stream->server->log, "%s: %d %s: %s", exchange->stream->name,
             status, reason_of(status), why);
    exchange->is_kept = false;
    exchange_refuse(exchange, status, "", why);
}

/* ---- The request -------------------------------------------------------------------- */

static bool is_one_of(const char *method, const char *const methods[])
{
    while (*methods != NULL && strcmp(method, *methods) != 0)
        methods++;
    return *methods != NULL;
}

/*
 * The head has come: decides what happens to the request. Content that has no meaning,
 * such as a GET's (RFC 9110 9.3.1), is received all the same, so that the next request is
 * found after it. A request with another method is refused at once, without its content.
 */
static void take_head(struct exchange *exchange)
{
    static const char *const known[] = {"GET",     "HEAD",    "POST",  "PUT",   "DELETE",
                                        "CONNECT", "OPTIONS", "TRACE", "PATCH", NULL};
    const struct exchange_rules *rules = exchange->rules;
    const struct http_head *head = &exchange->head;
    const char *expected = http_value(head, "Expect");
    struct http_body *body = &exchange->body;

    http_body_begin(body, head);
    exchange->is_kept = http_keeps_alive(head) && !rules->closes;
    exchange->length = 0;
    exchange->in_body = true;
    if (body->state == HTTP_BAD) {
        refuse_and_close(exchange, body->answer, body->why);
    } else if (!is_one_of(head->method, rules->methods)) {
        /* 405: not here; 501: not known at all (RFC 9110 15.5.6, 15.6.2) */
        exchange->is_kept = exchange->is_kept && body->state == HTTP_WHOLE;
        exchange_refuse(exchange, is_one_of(head->method, known) ? 405 : 501,
                        rules->allow, "");
    } else if (body->framing == HTTP_LENGTH && body->left > rules->content_most) {
        refuse_and_close(exchange, 413, rules->too_long);
    } else if (expected != NULL && strcasecmp(expected, "100-continue") != 0) {
        refuse_and_close(exchange, 417, "only 100-continue may be expected");
    } else if (body->state == HTTP_WHOLE) {
        rules->answer(exchange->stream);
    } else if (expected != NULL && head->minor >= 1) {
        /* The client waits for this before it sends the content (RFC 9110 10.1.1). */
        stream_print(exchange->stream, "HTTP/1.1 100 Continue\r\n\r\n");
    }
}

static size_t take_content(struct exchange *exchange, const char *bytes, size_t length)
{
    const struct exchange_rules *rules = exchange->rules;
    struct http_content content;
    size_t taken = http_body_take(&exchange->body, bytes, length, &content);
    bool fits = content.length <= rules->content_most - exchange->length;

    if (fits && content.length > 0 && exchange->content != NULL)
        memcpy(exchange->content + exchange->length, content.bytes, content.length);
    if (fits)
        exchange->length += content.length;
    if (exchange->body.state == HTTP_BAD)
        refuse_and_close(exchange, exchange->body.answer, exchange->body.why);
    else if (!fits)
        refuse_and_close(exchange, 413, rules->too_long);
    else if (exchange->body.state == HTTP_WHOLE)
        rules->answer(exchange->stream);
    return taken;
}

/*
 * A request has its time as a whole; a client that sends a byte now and then would
 * otherwise hold its place for ever. While the client is still taking the answer before,
 * the time of that counts.
 */
static void limit_time(struct exchange *exchange)
{
    struct stream *stream = exchange->stream;
    int64_t now = stream->server->now, left;

    if (exchange->head.taken == 0)
        exchange->began = now;
    left = exchange->began + stream->server->idle_ms - now;
    if (stream->server->idle_ms > 0 && stream_room(stream) == STREAM_OUTPUT_BYTES)
        stream_expire(stream, left > 0 ? left : 0);
}

size_t exchange_take(struct exchange *exchange, const unsigned char *bytes, size_t length)
{
    struct http_head *head = &exchange->head;
    const char *text = (const char *)bytes;
    size_t taken;

    limit_time(exchange);
    if (exchange->in_body)
        return take_content(exchange, text, length);
    taken = http_head_take(head, text, length);
    if (head->has_ended && exchange->rules->headed != NULL)
        exchange->rules->headed(exchange->stream);
    if (head->state == HTTP_BAD)
        refuse_and_close(exchange, head->answer, head->why);
    else if (head->state == HTTP_WHOLE)
        take_head(exchange);
    return taken;
}

/* A page for GET allows HEAD, too (RFC 9110 9.3.2). */
void exchange_serve(struct exchange *exchange, const struct exchange_page *pages,
                    const char *why_not)
{
    const char *path = web_path_of(exchange->head.target),
               *method = exchange->head.method;
    size_t length = strcspn(path, "?");

    while (pages->path != NULL &&
           (strlen(pages->path) != length || strncmp(path, pages->path, length) != 0))
        pages++;
    if (exchange_wants_head_only(exchange))
        method = "GET";
    if (pages->path == NULL)
        exchange_refuse(exchange, 404, "", why_not);
    else if (strcmp(method, pages->method) == 0)
        pages->answer(exchange->stream);
    else
        exchange_refuse(exchange, 405,
                        strcmp(pages->method, "GET") == 0 ? "Allow: GET, HEAD\r\n"
                                                          : "Allow: POST\r\n",
                        "");
}

/* ---- The connection ----------------------------------------------------------------- */

void exchange_open(struct exchange *exchange, struct stream *stream,
                   const struct exchange_rules *rules, char *content)
{
    exchange->rules = rules;
    exchange->stream = stream;
    exchange->content = content;
    exchange->is_kept = false;
    begin_request(exchange);
}

void exchange_time_out(struct exchange *exchange)
{
    if (exchange->head.taken > 0)
        refuse_and_close(exchange, 408, "the request took too long");
    else
        stream_close(exchange->stream);
}
