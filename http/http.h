/*
 * http: HTTP/1.1 messages, taken apart as they arrive (RFC 9110, RFC 9112).
 *
 * There is no socket in here: a program feeds in the bytes that it has received, however
 * they were cut, and looks at what they made. A message is a head, which ends with an empty
 * line, and a body, whose end the head tells:
 *
 *     struct http_head head;
 *     struct http_body body;
 *
 *     http_head_begin(&head, HTTP_RESPONSE);
 *     while (head.state == HTTP_OPEN)
 *         (receive `length` bytes)  taken = http_head_take(&head, bytes, length);
 *     http_body_begin(&body, &head);
 *     while (body.state == HTTP_OPEN)
 *         taken = http_body_take(&body, bytes + taken, length - taken, &content);
 *         (use content.bytes, content.length; receive more when all are taken)
 *
 * What one reader takes for the end of a message and another does not lets a stranger slip
 * a message of his own in between (request smuggling, RFC 9112 11.2). So whatever RFC 9112
 * calls ambiguous is refused here.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "http/url.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum http_state {
    HTTP_OPEN,  /* it goes on: more bytes are needed */
    HTTP_WHOLE, /* it has ended; bytes that were not taken are the next message's */
    HTTP_BAD    /* it is refused: `why` says why; nothing more is taken */
};

/* ---- The head ----------------------------------------------------------------------- */

#define HTTP_LINE_MOST 8000  /* a request line that everyone is to take (RFC 9112 3) */
#define HTTP_HEAD_MOST 16384 /* all lines of a head and their ends, as most have it */

enum http_kind { HTTP_REQUEST, HTTP_RESPONSE };

struct http_head {
    enum http_kind kind;
    enum http_state state;

    /* When it is whole; the strings lie in `text`, so a head is not to be copied. */
    int minor;          /* HTTP/1.minor */
    const char *method; /* of a request, "GET": case matters */
    const char *target; /* of a request, "/index.html": visible ASCII, bytes over it */
    int status;         /* of a response, 100 to 999 */
    const char *reason; /* of a response, "Not Found", or "" */

    /* When it is bad. */
    const char *why; /* in words, static */
    int answer;      /* the status that a server answers it with: 400, 414, 431, 505 */

    size_t taken;      /* bytes */
    size_t length;     /* of what is kept of them */
    size_t line_begin; /* where the line that is open begins */
    size_t fields;     /* where the fields begin; 0: the first line is open */
    bool has_ended;    /* it can be looked at, even if it is bad */
    char text[HTTP_HEAD_MOST + 1];
};

/* Nothing has come yet. */
void http_head_begin(struct http_head *head, enum http_kind kind);

/*
 * Takes bytes up to the end of the head. Returns how many, and sets head->state.
 *
 * Lines end in CR LF, or LF alone, as they are typed into nc. Refused are control
 * characters but TAB (a bare CR and NUL among them), space before a field's colon, a
 * missing, second or impossible Host in a request of HTTP/1.1, and what isn't HTTP/1. A
 * field that goes on in the next line (obs-fold) is refused in a request, and joined with
 * spaces in a response, as RFC 9112 5.2 tells servers and user agents to. Empty lines
 * before a request are passed over.
 */
size_t http_head_take(struct http_head *head, const char *bytes, size_t length);

/* A field as it was sent, but for the space around its value. Any bytes but controls. */
struct http_field {
    const char *name, *value;
};

/* Goes to the next field, to the first from {NULL, NULL}. False: there are no more. */
bool http_next_field(const struct http_head *head, struct http_field *field);

/* The value of the first field of that name, in letters of either case; NULL: none. */
const char *http_value(const struct http_head *head, const char *name);

/* Is `token` in the comma-separated list that all fields of that name make together? */
bool http_lists(const struct http_head *head, const char *name, const char *token);

/*
 * Is it an answer that goes before the real one (1xx, RFC 9110 15.2)? 101 is the last in
 * HTTP: what comes after it is something else.
 */
bool http_is_interim(const struct http_head *head);

/* Does its sender want to use the connection for another message (RFC 9112 9.3)? */
bool http_keeps_alive(const struct http_head *head);

/* ---- The body ----------------------------------------------------------------------- */

/* The lines between chunks: one of them, and all that stand behind the last chunk. */
#define HTTP_CHUNK_LINE_MOST 1024
#define HTTP_TRAILERS_MOST   8192

enum http_framing {
    HTTP_LENGTH,     /* as many bytes as Content-Length says; none without it */
    HTTP_CHUNKED,    /* chunks, each with its length before it (RFC 9112 7.1) */
    HTTP_UNTIL_CLOSE /* all until the connection is closed */
};

struct http_body {
    enum http_state state;
    enum http_framing framing;
    uint64_t left;   /* bytes of content that come yet, or of this chunk */
    const char *why; /* when it is bad: in words, static */
    int answer;      /* and the status that a server answers it with: 400, 501 */
    int place;       /* in the lines between chunks */
    size_t between;  /* bytes taken of them */
};

/*
 * Reads in a whole head how its body ends (RFC 9112 6.3), and sets body->state: there may
 * be none. An answer to a HEAD has none whatever its head says; that is the caller's to
 * know. Refused are Transfer-Encoding beside Content-Length, or in HTTP/1.0, or with
 * anything but "chunked", and lengths that are no numbers, or not all the same.
 */
void http_body_begin(struct http_body *body, const struct http_head *head);

/* A run of content, in place among the bytes that were taken. */
struct http_content {
    const char *bytes;
    size_t length;
};

/*
 * Takes bytes up to the end of the first run of content in them, or of the body; returns
 * how many. There may be no content (length 0), and more behind it: call it while there
 * are bytes and body->state is HTTP_OPEN. Trailers are passed over.
 */
size_t http_body_take(struct http_body *body, const char *bytes, size_t length,
                      struct http_content *content);

/* The connection was closed here: if the body can't end so, that makes it bad. */
void http_body_close(struct http_body *body);

/* ---- What is sent ------------------------------------------------------------------- */

/*
 * Writes a request for `url` by `agent` ("http_get/1.0"), with no other to follow on the
 * connection. Returns its length, under HTTP_HEAD_MOST, the size of `out`.
 */
size_t http_compose_get(char *out, const struct url *url, const char *agent);

/* Writes a time as a Date field has it (RFC 9110 5.6.7): Sun, 06 Nov 1994 08:49:37 GMT. */
#define HTTP_DATE_MOST 32
void http_date(time_t when, char *out);

#endif
