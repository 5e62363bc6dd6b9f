/*
 * exchange: the requests of one client of a web server, and the heads of the answers
 * (HTTP/1.1: RFC 9110, RFC 9112).
 *
 * It stands between the shared loop (loop/stream_server.h) and a server's own handlers:
 *
 *     opened     exchange_open(&exchange, stream, &rules, content)
 *     received   exchange_take(&exchange, bytes, length)
 *     timed_out  exchange_time_out(&exchange)
 *
 * A request may come in any pieces, and another right after it, before the answer to the
 * first (pipelining, RFC 9112 9.3.2). So exchange_take() takes bytes up to the end of one
 * request, and then calls rules->answer. That sends a head and the content, and calls
 * exchange_end(). If the content takes longer than one call, hold the stream meanwhile.
 *
 * Requests cannot be trusted: each is limited in length, and in time by the server's
 * idle_ms. A request that cannot be served is refused here, with a page that says why.
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "http/http.h"
#include "loop/stream_server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXCHANGE_PLAIN "text/plain; charset=utf-8"

/* For stream_server.full. */
#define EXCHANGE_FULL                                                                    \
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

/* What a server takes, and how it answers. The strings are static. */
struct exchange_rules {
    const char *const *methods; /* up to a NULL; other methods get 405 or 501 */
    const char *allow;          /* the same as a field: "Allow: GET, HEAD\r\n" */
    size_t content_most;        /* bytes of a request's content; more gets 413, and */
    const char *too_long;       /* this reason */
    const char *fields;         /* of each answer, with their CR LFs; or "" */
    bool closes;                /* a connection is for one request */

    /* The head of a request has ended, be it good or bad. May be NULL. */
    void (*headed)(struct stream *stream);

    /* The request is whole. */
    void (*answer)(struct stream *stream);
};

/* A page of a server, for requests with this path and this method. */
struct exchange_page {
    const char *path, *method;
    void (*answer)(struct stream *stream);
};

struct exchange {
    const struct exchange_rules *rules;
    struct stream *stream;
    struct http_head head; /* of the request that is being received, or answered */
    char text[HTTP_HEAD_MOST];
    struct http_body body;
    bool in_body;
    char *content; /* rules->content_most bytes of the caller's; NULL: thrown away */
    size_t length; /* of the content so far */
    bool is_kept;  /* the connection stays open for another request */
    int64_t began; /* ms; when the request began */
};

void exchange_open(struct exchange *exchange, struct stream *stream,
                   const struct exchange_rules *rules, char *content);

/* Takes bytes up to the end of one request. Returns how many. */
size_t exchange_take(struct exchange *exchange, const unsigned char *bytes,
                     size_t length);

/* The answer to HEAD is that to GET, without its content (RFC 9110 9.3.2). */
bool exchange_wants_head_only(const struct exchange *exchange);

/*
 * Queues the head of an answer. `more` is further fields with their CR LFs, or "". Without
 * a type the answer has no content (204, 304).
 */
void exchange_send_head(struct exchange *exchange, int status, const char *type,
                        uint64_t length, const char *more);

/*
 * Queues the head of an answer that goes on until somebody closes the connection. A client
 * that does not read it costs a bounded buffer. False: the request wanted the head alone.
 */
bool exchange_begin_endless(struct exchange *exchange, const char *type);

/* The answer is queued. Next comes another request, or the end of the connection. */
void exchange_end(struct exchange *exchange);

/* Queues a whole answer of text, and ends it. */
void exchange_send_text(struct exchange *exchange, int status, const char *more,
                        const char *text);

/* The same with a page that says what is wrong. `why` may be "". */
void exchange_refuse(struct exchange *exchange, int status, const char *more,
                     const char *why);

/*
 * Lets the page with the request's path answer; it may have a query after that. HEAD is like
 * GET. Otherwise the answer is 405, or 404 and why. The list ends with a path of NULL.
 */
void exchange_serve(struct exchange *exchange, const struct exchange_page *pages,
                    const char *why_not);

/* The client's time is over. Inside a request it is told so; otherwise it is closed. */
void exchange_time_out(struct exchange *exchange);

#endif
