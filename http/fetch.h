/*
 * fetch: fetches a document over HTTP in the loop of a stream_server. No client waits for
 * it, because nothing here waits, not even the look-up of the host's name (net/dial.h).
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
    const char *why; /* the reason if it failed; NULL: the document is in `text` */
    size_t length;
    char text[FETCH_MOST + 1]; /* ended by a NUL; there may be others in it */

    /* The rest is its own. */
    struct stream_server *server;
    void (*done)(struct fetch *fetch);
    enum { FETCH_NONE, FETCH_DIALING, FETCH_SENDING, FETCH_RECEIVING } state;
    struct dial dial;
    int descriptor;   /* the one that is watched, or -1 */
    int64_t deadline; /* ms */
    char request[HTTP_HEAD_MOST];
    size_t to_send, sent; /* of the request */
    struct http_head head;
    char head_text[HTTP_RESPONSE_MOST];
    struct http_body body;
    char said[128]; /* `why`, if it is not a constant */
};

/*
 * Begins to fetch `url`, unless this fetch is under way. `done` is called once, when the
 * document is here or the fetch has failed; that may be before this returns. An answer
 * other than 200 is a failure. The struct is the caller's, and starts as all zero bytes.
 */
void fetch_start(struct fetch *fetch, struct stream_server *server, const struct url *url,
                 void (*done)(struct fetch *fetch));

/* Gives up a fetch that is under way. `done` is not called. */
void fetch_stop(struct fetch *fetch);

#endif
