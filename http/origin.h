/*
 * origin: which pages may make a browser send a request to a server (RFC 6454).
 *
 * A server in a school's network is out of reach for strangers, but the browsers in that
 * network run their pages. Two things keep those pages out:
 *
 *  - A browser says in the field Origin which site's page makes it send a request.
 *  - A page of evil.example can have its own name mean our address after it was loaded (DNS
 *    rebinding). Then the browser takes our server for a part of that site, and lets the page
 *    read what it answers. But the request still names the host evil.example. So our server
 *    answers only to names that a stranger cannot own.
 */
#ifndef HTTP_ORIGIN_H
#define HTTP_ORIGIN_H

#include "http/http.h"

#include <stdbool.h>
#include <stddef.h>

#define ORIGIN_NAMES_MOST 16

/* The names that a server answers to, besides those that nobody can own. */
struct origin_names {
    char machine[256]; /* this machine's, or "" */
    size_t count;
    const char *list[ORIGIN_NAMES_MOST]; /* further ones, the caller's */
};

/* Fills in the name of this machine. */
void origin_find_name(struct origin_names *names);

/*
 * Is the request sent to a name of ours? It is if it has no name, or if the name is in
 * `names`, is an address, has no dot, or ends in ".local" (RFC 6762). The port does not
 * matter. A target that is a whole URL has the name, and the Host does not count then (RFC
 * 9112 3.2.2).
 */
bool origin_is_ours(const struct origin_names *names, const struct http_head *head);

/*
 * Does a page of another site send this request? Our own page's origin is the host that the
 * request is sent to, by http; or by https, if a proxy before us adds that. What is not a
 * browser sends no Origin.
 */
bool origin_is_foreign(const struct http_head *head);

#endif
