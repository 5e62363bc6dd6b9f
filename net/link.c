#include "net/link.h"

#include "base/clock.h"
#include "base/descriptor.h"
#include "net/keepalive.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define DIAL_MS          10000  /* to connect, with each address of the host */
#define PAUSE_LEAST_MS   1000   /* doubles with each failure */
#define PAUSE_MOST_MS    300000 /* short enough to notice soon that a peer is back */
#define STEADY_MS        60000  /* what fails later was not refused */
/* How long lines may be without a proof before the peer is asked, and at most. */
#define UNPROVEN_MS      5000
#define UNPROVEN_MOST_MS 30000

static const char lost[] = "lost the connection to";

void link_report(const struct link *link, const char *format, ...)
{
    char text[LINK_REPORT_MOST];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    link->settings.report(link->settings.owner, text);
}

void link_start(struct link *link, const struct link_settings *settings)
{
    memset(link, 0, offsetof(struct link, replies)); /* the queues have 128 KB */
    line_queue_clear(&link->replies);
    line_queue_clear(&link->queue);
    link->settings = *settings;
    link->state = LINK_PAUSING;
    link->socket = link->dial.descriptor = -1;
    link->resume_at = clock_ms();
}

/* ---- The end of a connection -------------------------------------------------------- */

void link_close(struct link *link)
{
    dial_stop(&link->dial);
    if (link->socket != -1)
        descriptor_hang_up(link->socket);
    link->socket = -1;
    line_queue_clear(&link->replies);
    link->queue.sent = 0; /* the whole first line waits again */
    link->lost += link->unproven;
    link_proven(link);
    link->state = LINK_OVER;
}

int64_t link_next_pause(struct link *link)
{
    int64_t now = clock_ms(), pause = link->pause_ms * 2;
    int64_t most = link->settings.pause_most_ms;

    if (now - link->resume_at >= STEADY_MS || pause < PAUSE_LEAST_MS)
        pause = PAUSE_LEAST_MS;
    if (most == 0)
        most = PAUSE_MOST_MS;
    if (pause > most)
        pause = most;
    link->pause_ms = pause;
    link->resume_at = now + pause;
    return pause;
}

void link_lose(struct link *link, const char *what, const char *why)
{
    const struct link_settings *settings = &link->settings;
    int64_t pause;

    link_close(link);
    if (link->ending)
        return;
    pause = link_next_pause(link);
    link->state = LINK_PAUSING;
    link_report(link, "%s %s%s port %d: %s; trying again in %lld s", what,
                settings->title, settings->server.host, settings->server.port, why,
                (long long)pause / 1000);
}

void link_end(struct link *link)
{
    link->ending = true;
    if (link->state != LINK_UP)
        link_close(link);
}

/* ---- What was sent, and whether it has arrived -------------------------------------- */

void link_answered(struct link *link)
{
    link->unproven -= link->asked;
    link->asked = 0;
    link->unproven_since = clock_ms();
}

void link_proven(struct link *link)
{
    link->unproven = link->asked = 0;
}

static int64_t question_at(const struct link *link)
{
    int64_t soon = link->unproven_since + UNPROVEN_MS;
    int64_t late = link->unproven_since + UNPROVEN_MOST_MS;

    if (link->ending || link->unproven == 0 || link->asked > 0 || link->queue.sent > 0 ||
        link->replies.length > 0)
        return INT64_MAX;
    return link->ask_after <= soon ? soon : clock_earlier(link->ask_after, late);
}

/* Returns the number of questions sent. */
static unsigned long ask(struct link *link)
{
    size_t length = link->settings.question_length;
    ssize_t sent;

    if (clock_ms() < question_at(link))
        return 0;
    sent = send(link->socket, link->settings.question, length, MSG_NOSIGNAL);
    if (sent == (ssize_t)length) {
        link->asked = link->unproven;
        return 1;
    }
    if (sent == -1 && descriptor_try_again(errno))
        link->unproven_since = clock_ms(); /* ask later */
    else
        link_lose(link, lost, sent == -1 ? strerror(errno) : "it does not read");
    return 0;
}

void link_reply(struct link *link, const char *line, size_t length)
{
    if (link->state == LINK_UP)
        (void)line_queue_add(&link->replies, line, length); /* see the header */
}

/* Returns how many lines have left the queue, or -1 with send()'s errno. */
static long send_some(struct link *link)
{
    if (link->queue.sent > 0)
        return line_queue_send(&link->queue, link->socket, 1);
    if (line_queue_send(&link->replies, link->socket, ULONG_MAX) == -1)
        return -1;
    return link->replies.length > 0
               ? 0
               : line_queue_send(&link->queue, link->socket, link->allowed);
}

unsigned long link_send(struct link *link)
{
    long lines;

    if (link->state != LINK_UP)
        return 0;
    lines = send_some(link);
    if (lines == -1) {
        link_lose(link, lost, strerror(errno));
        return 0;
    }
    if (link->unproven == 0)
        link->unproven_since = clock_ms();
    link->unproven += (unsigned long)lines;
    return (unsigned long)lines + ask(link);
}

/* ---- The loop's calls --------------------------------------------------------------- */

void link_watch(const struct link *link, struct fdset *readable, struct fdset *writable)
{
    if (link->state == LINK_DIALING)
        dial_watch(&link->dial, readable, writable);
    fdset_add(readable, link->socket);
    if (link->replies.length > 0 || link->queue.sent > 0 ||
        (link->allowed > 0 && link->queue.length > 0))
        fdset_add(writable, link->socket);
}

int64_t link_deadline(const struct link *link)
{
    switch (link->state) {
    case LINK_PAUSING: return link->resume_at;
    case LINK_DIALING: return link->dial.deadline;
    case LINK_UP: return clock_earlier(question_at(link), link->due);
    default: return INT64_MAX;
    }
}

static void start_dialing(struct link *link)
{
    const struct options_peer *server = &link->settings.server;
    const struct dial_addresses *known = link->settings.known;

    link->state = LINK_DIALING;
    if (known != NULL && known->count > 0)
        dial_start_found(&link->dial, known, SOCK_STREAM, DIAL_MS);
    else
        dial_start(&link->dial, server->host, server->port, SOCK_STREAM, DIAL_MS);
}

static enum link_event dial_on(struct link *link)
{
    struct dial_addresses *known = link->settings.known;
    const char *why;
    int socket = dial_step(&link->dial, &why);

    if (socket == DIAL_PENDING)
        return LINK_NOTHING;
    if (known != NULL && socket == -1)
        known->count = 0;
    else if (known != NULL)
        *known = link->dial.found;
    if (socket == -1) {
        link_lose(link, "cannot connect to", why);
        return LINK_NOTHING;
    }
    link->socket = socket;
    link->state = LINK_UP;
    keepalive_enable(socket);
    keepalive_limit_sending(socket);
    return LINK_CONNECTED;
}

static enum link_event receive(struct link *link, char *bytes, size_t *length)
{
    ssize_t got = recv(link->socket, bytes, LINK_INPUT_BYTES, 0);

    if (got > 0) {
        *length = (size_t)got;
        return LINK_RECEIVED;
    }
    if (got == -1 && descriptor_try_again(errno))
        return LINK_NOTHING;
    if (got == 0 && link->ending) /* it has read everything up to the goodbye */
        link_proven(link);
    link_lose(link, lost, got == 0 ? "it closed the connection" : strerror(errno));
    return LINK_NOTHING;
}

enum link_event link_step(struct link *link, const struct fdset *readable,
                          char bytes[LINK_INPUT_BYTES], size_t *length)
{
    if (link->state == LINK_PAUSING && clock_ms() >= link->resume_at) {
        start_dialing(link);
        return LINK_NOTHING;
    }
    if (link->state == LINK_DIALING)
        return dial_on(link);
    if (link->state == LINK_UP && fdset_has(readable, link->socket))
        return receive(link, bytes, length);
    return LINK_NOTHING;
}
