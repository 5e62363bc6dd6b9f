/*
 * fetch: a document fetched over HTTP inside the loop of a stream_server, whose clients do
 * not notice: nothing in it waits, not even the look-up of the host's name (net/dial.h).
 */
#ifndef HTTP_FETCH_H
#define HTTP_FETCH_H

#include "http/http.h"
#include "http/url.h"
#include "loop/stream_server.h"
#include "net/dial.h"

#define FETCH_MOST 65536 /* bytes of the document */
#define FETCH_MS   5000  /* for all of it: name, connection, answer */

struct fetch {
    const char *why; /* it failed, and this is the reason; NULL: here it is */
    size_t length;
    char text[FETCH_MOST + 1]; /* a string, unless there is a NUL in it */

    /* What follows is its own. */
    struct stream_server *server;
    void (*done)(struct fetch *fetch);
    enum { FETCH_NONE, FETCH_DIALING, FETCH_SENDING, FETCH_RECEIVING } state;
    struct dial dial;
    int descriptor;   /* watched; -1: none */
    int64_t deadline; /* ms */
    char request[HTTP_HEAD_MOST];
    size_t to_send, sent; /* of the request */
    struct http_head head;
    struct http_body body;
    char said[128]; /* `why`, if it had to be composed */
};

/*
 * Begins to fetch `url`, and has `done` called once when the document is there or can't be
 * had, which may be before this returns. One at a time for each struct fetch, which is all
 * zero bytes at first and belongs to the caller. An answer that is no 200 is a failure.
 */
void fetch_start(struct fetch *fetch, struct stream_server *server, const struct url *url,
                 void (*done)(struct fetch *fetch));

bool fetch_is_under_way(const struct fetch *fetch);

/* Gives up what is under way, without a word. */
void fetch_stop(struct fetch *fetch);

#endif
