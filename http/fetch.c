#include "http/fetch.h"

#include "base/descriptor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE_BYTES 16384

static void step(void *owner, int events);

/* step() is called when the descriptor is ready, or the time is over. */
static void watch(struct fetch *fetch, int descriptor, int events)
{
    int64_t left = fetch->deadline - fetch->server->now;

    if (fetch->state == FETCH_DIALING && fetch->dial.deadline < fetch->deadline)
        left = fetch->dial.deadline - fetch->server->now;
    fetch->descriptor = descriptor;
    stream_server_watch(fetch->server, descriptor, events, left > 0 ? left : 0, step,
                        fetch);
}

static void unwatch(struct fetch *fetch)
{
    if (fetch->descriptor != -1)
        stream_server_unwatch(fetch->server, fetch->descriptor);
    fetch->descriptor = -1;
}

void fetch_stop(struct fetch *fetch)
{
    int descriptor = fetch->descriptor;

    if (fetch->state == FETCH_NONE)
        return;
    unwatch(fetch);
    if (fetch->state == FETCH_DIALING)
        dial_stop(&fetch->dial);
    else
        close(descriptor);
    fetch->state = FETCH_NONE;
}

static void finish(struct fetch *fetch, const char *why)
{
    fetch_stop(fetch);
    fetch->why = why;
    fetch->text[fetch->length] = '\0';
    fetch->done(fetch);
}

/* ---- The answer --------------------------------------------------------------------- */

/* Takes what has come. The fetch is finished if that was the end, or is bad. */
static void take(struct fetch *fetch, const char *bytes, size_t length)
{
    size_t taken = http_head_take(&fetch->head, bytes, length);
    struct http_content content;

    if (fetch->head.state == HTTP_BAD)
        finish(fetch, fetch->head.why);
    if (fetch->head.state != HTTP_WHOLE)
        return;
    if (fetch->head.status != 200) {
        snprintf(fetch->said, sizeof fetch->said, "the web server answers %d",
                 fetch->head.status);
        finish(fetch, fetch->said);
        return;
    }
    if (taken > 0) /* it is whole now, and not since an earlier call */
        http_body_begin(&fetch->body, &fetch->head);
    while (taken < length && fetch->body.state == HTTP_OPEN) {
        taken += http_body_take(&fetch->body, bytes + taken, length - taken, &content);
        if (content.length > FETCH_MOST - fetch->length) {
            finish(fetch, "the document is too long");
            return;
        }
        memcpy(fetch->text + fetch->length, content.bytes, content.length);
        fetch->length += content.length;
    }
    if (fetch->body.state != HTTP_OPEN)
        finish(fetch, fetch->body.state == HTTP_BAD ? fetch->body.why : NULL);
}

static void receive(struct fetch *fetch)
{
    char bytes[PIECE_BYTES];
    ssize_t got = recv(fetch->descriptor, bytes, sizeof bytes, 0);

    if (got > 0) {
        take(fetch, bytes, (size_t)got);
    } else if (got == 0 && fetch->head.state == HTTP_WHOLE) {
        http_body_close(&fetch->body);
        finish(fetch, fetch->body.state == HTTP_BAD ? fetch->body.why : NULL);
    } else if (got == 0) {
        finish(fetch, "the web server has closed the connection");
    } else if (!descriptor_try_again(errno)) {
        finish(fetch, strerror(errno));
    }
}

/* ---- Connecting and asking ---------------------------------------------------------- */

static void send_request(struct fetch *fetch)
{
    ssize_t sent = send(fetch->descriptor, fetch->request + fetch->sent,
                        fetch->to_send - fetch->sent, MSG_NOSIGNAL);

    if (sent == -1) {
        if (!descriptor_try_again(errno))
            finish(fetch, strerror(errno));
        return;
    }
    fetch->sent += (size_t)sent;
    if (fetch->sent < fetch->to_send)
        return;
    fetch->state = FETCH_RECEIVING;
    watch(fetch, fetch->descriptor, STREAM_READABLE);
}

static void dial_on(struct fetch *fetch)
{
    const char *why;
    int sock;

    unwatch(fetch); /* the next step may watch another descriptor */
    sock = dial_step(&fetch->dial, &why);
    if (sock == -1) {
        finish(fetch, why);
        return;
    }
    if (sock != DIAL_PENDING) {
        fetch->state = FETCH_SENDING;
        watch(fetch, sock, STREAM_WRITABLE);
        return;
    }
    watch(fetch, fetch->dial.descriptor,
          fetch->dial.resolver > 0 ? STREAM_READABLE : STREAM_WRITABLE);
}

static void step(void *owner, int events)
{
    struct fetch *fetch = owner;

    (void)events;
    if (fetch->server->now >= fetch->deadline)
        finish(fetch, "the web server takes too long");
    else if (fetch->state == FETCH_DIALING)
        dial_on(fetch);
    else if (fetch->state == FETCH_SENDING)
        send_request(fetch);
    else
        receive(fetch);
}

void fetch_start(struct fetch *fetch, struct stream_server *server, const struct url *url,
                 void (*done)(struct fetch *fetch))
{
    if (fetch->state != FETCH_NONE)
        return;
    fetch->server = server;
    fetch->done = done;
    fetch->length = fetch->sent = 0;
    fetch->deadline = server->now + FETCH_MS;
    fetch->to_send = http_compose_get(fetch->request, url, server->program);
    http_head_begin(&fetch->head, HTTP_RESPONSE, fetch->head_text,
                    sizeof fetch->head_text);
    fetch->state = FETCH_DIALING;
    fetch->descriptor = -1;
    dial_start(&fetch->dial, url->host, url->port, SOCK_STREAM, FETCH_MS);
    fetch->dial.patience_ms = FETCH_MS / 2; /* for one address: another gets a chance */
    dial_on(fetch);
}
