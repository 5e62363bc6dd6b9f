/*
 * http: HTTP/1.1 messages, taken apart as they arrive (RFC 9110, RFC 9112).
 *
 * There is no socket here. A program passes in the bytes that it has received, however
 * they were cut, and looks at the result. A message is a head, which ends with an empty
 * line, and a body, whose end is described in the head:
 *
 *     size_t begin = 0, end = 0; (bytes[begin..end) have come, and are not taken yet)
 *
 *     http_head_begin(&head, HTTP_RESPONSE, text, sizeof text);
 *     while (head.state == HTTP_OPEN) {
 *         (if begin == end, receive: begin = 0, end = the number of bytes)
 *         begin += http_head_take(&head, bytes + begin, end - begin);
 *     }
 *     http_body_begin(&body, &head);
 *     while (body.state == HTTP_OPEN) {
 *         (if begin == end, receive)
 *         begin += http_body_take(&body, bytes + begin, end - begin, &content);
 *         (use content.bytes, content.length)
 *     }
 *
 * If two readers do not agree where a message ends, a stranger can slip another message in
 * (request smuggling, RFC 9112 11.2). So whatever RFC 9112 calls ambiguous in a request, or
 * in the length of a body, is refused. The rest of a response is read as leniently as RFC
 * 9112 lets a client read it: users want the document.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "http/url.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_state {
    HTTP_OPEN,  /* more bytes are needed */
    HTTP_WHOLE, /* it has ended; bytes that were not taken belong to the next message */
    HTTP_BAD    /* it is refused, and `why` says why; no more bytes are taken */
};

/* ---- The head ----------------------------------------------------------------------- */

/* A request line without its end: RFC 9112 3 recommends that all support this length. */
#define HTTP_LINE_MOST 8000

/* All lines of a head with their ends: common limits. */
#define HTTP_HEAD_MOST     16384  /* of a request */
#define HTTP_RESPONSE_MOST 262144 /* of a response: some set hundreds of cookies */

enum http_kind { HTTP_REQUEST, HTTP_RESPONSE };

struct http_head {
    enum http_kind kind;
    enum http_state state;

    /* When it is whole. The strings are in `text`. */
    int minor;          /* HTTP/1.minor */
    const char *method; /* of a request, "GET": case matters */
    const char *target; /* of a request, "/index.html": no spaces or control characters */
    int status;         /* of a response, 100 to 999 */
    const char *reason; /* of a response, "Not Found", or "" */

    const char *why; /* when it is bad (static) */
    int answer;      /* and the status for the answer: 400, 414, 431 or 505 */

    size_t taken;      /* bytes taken so far */
    size_t length;     /* of what is kept of them in `text` */
    size_t line_begin; /* where the current line begins */
    size_t fields;     /* where the fields begin; 0: in the first line */
    bool has_ended;    /* the empty line has come: a bad head can be looked at, too */
    char *text;        /* the caller's */
    size_t size;       /* of `text` */
};

/* Begins a message. The head is kept in `text`; more than `size` bytes are refused. */
void http_head_begin(struct http_head *head, enum http_kind kind, char *text,
                     size_t size);

/*
 * Takes bytes up to the end of the head. Returns how many, and sets head->state.
 *
 * Lines end in CR LF, or in LF alone, as a person types them into nc. Empty lines before a
 * request are ignored. Everything that is not HTTP/1 is refused. What else is refused in a
 * request is mended in a response (RFC 9110 5.5, RFC 9112 5):
 *
 *  - a control character, but not TAB: it counts as a space
 *  - a space before the colon of a field: it is left out
 *  - a field that continues in the next line (obs-fold): the lines are joined with a space
 *
 * A request of HTTP/1.1 is also refused if its Host is missing, given twice, or impossible.
 * An interim answer (1xx, RFC 9110 15.2) is passed over: the head is the one after it.
 */
size_t http_head_take(struct http_head *head, const char *bytes, size_t length);

/* The value is without the space around it. It may be any bytes except control characters. */
struct http_field {
    const char *name, *value;
};

/* Goes to the next field; from {NULL, NULL}, to the first. False: there are no more. */
bool http_next_field(const struct http_head *head, struct http_field *field);

/* The value of the first field of that name (case does not matter), or NULL. */
const char *http_value(const struct http_head *head, const char *name);

/* Is `token` in the comma-separated list that all fields of that name make together? */
bool http_lists(const struct http_head *head, const char *name, const char *token);

/* Does the sender keep the connection open for another message (RFC 9112 9.3)? */
bool http_keeps_alive(const struct http_head *head);

/* ---- The body ----------------------------------------------------------------------- */

/* The most bytes of a line around the chunks, and of all lines after the last chunk. */
#define HTTP_CHUNK_LINE_MOST 1024
#define HTTP_TRAILERS_MOST   8192

enum http_framing {
    HTTP_LENGTH,     /* as many bytes as Content-Length says; none without it */
    HTTP_CHUNKED,    /* chunks, each after its size (RFC 9112 7.1) */
    HTTP_UNTIL_CLOSE /* all bytes until the connection is closed */
};

struct http_body {
    enum http_state state;
    enum http_framing framing;
    uint64_t left; /* bytes of content that are still to come, in all or in this chunk */
    const char *why; /* when it is bad (static) */
    int answer;      /* and the status for the answer: 400 or 501 */

    /* Of a chunked one. */
    int place;
    char line[HTTP_CHUNK_LINE_MOST];
    size_t in_line; /* bytes of the current line */
    size_t between; /* bytes of lines since the last chunk's size */
};

/*
 * Finds out from a whole head how its body ends (RFC 9112 6.3), and sets body->state:
 * HTTP_WHOLE if there is none. (An answer to HEAD has none, whatever its head says.)
 * It refuses a Transfer-Encoding with a Content-Length, in HTTP/1.0, or other than
 * "chunked"; and a length that is not a number, or that differs when it is given again.
 */
void http_body_begin(struct http_body *body, const struct http_head *head);

/* A run of content, where it lies in the bytes that were taken. */
struct http_content {
    const char *bytes;
    size_t length;
};

/*
 * Takes bytes up to the end of the first run of content, or of the body. Returns how many.
 * A call may find no content (length 0) and leave bytes: call it while there are bytes and
 * body->state is HTTP_OPEN. Trailers are ignored.
 */
size_t http_body_take(struct http_body *body, const char *bytes, size_t length,
                      struct http_content *content);

/* The connection was closed. That ends the body, or makes it bad. */
void http_body_close(struct http_body *body);

/* ---- What is sent ------------------------------------------------------------------- */

/*
 * Writes a request for `url` by `agent` ("http_get/1.0"), the only one on its connection.
 * `out` has HTTP_HEAD_MOST bytes. Returns the length, which is less.
 */
size_t http_compose_get(char *out, const struct url *url, const char *agent);

#endif
