/*
 * event_stream: server-sent events (WHATWG HTML, 9.2, text/event-stream), with which a
 * server talks to a page: one long answer, in which each event has a number and a type.
 */
#ifndef HTTP_EVENT_STREAM_H
#define HTTP_EVENT_STREAM_H

#include "http/http.h"

#include <stddef.h>
#include <stdint.h>

/*
 * An event without a number. Proxies close a connection on which nothing comes, so the
 * standard recommends a comment every 15 seconds or so (9.2.7). A page does not see comments.
 * This shows it that the server's machine is still there.
 */
#define EVENT_STREAM_ALIVE "event: alive\ndata:\n\n"

#define EVENT_STREAM_TYPE "text/event-stream; charset=utf-8"

/* The stream begins with this: a browser that is cut off tries again after a second. */
#define EVENT_STREAM_START "retry: 1000\n\n"

/*
 * The number of the last event that the browser has seen, or 0. A browser that connects again
 * by itself sends it in the field Last-Event-ID; a page that was loaded again, in the query
 * as `last`.
 */
uint64_t event_stream_last(const struct http_head *head);

/* Bytes of the longest event, if its text has at most `length` bytes and three lines. */
#define EVENT_STREAM_MOST(length) ((length) + 64)

/*
 * Writes an event. The first line of `text` is its type, and the others are its data.
 * Returns the length.
 */
size_t event_stream_write(char *out, uint64_t id, const char *text, size_t length);

#endif
