/*
 * Fuzzes http/url.h: whatever is taken for a URL has a host, a port and a path that may be
 * sent, and means the same when it is written down and read again. The input is a URL and,
 * after a line end, a reference in it.
 *
 * Modules: http/url.c http/http.c base/number.c
 */
#include "tests/fuzz/fuzz.h"

#include "http/http.h"
#include "http/url.h"

#include <stdio.h>

/* Does the path hold a "." or ".." that a server would have to obey (RFC 3986 5.2.4)? */
static bool has_dots(const char *path)
{
    while (*path == '/') {
        size_t length = strcspn(path + 1, "/?");

        if ((length == 1 && path[1] == '.') ||
            (length == 2 && path[1] == '.' && path[2] == '.'))
            return true;
        path += 1 + length;
    }
    return false;
}

static void check_parts(const struct url *url)
{
    assert(*url->host != '\0' && strlen(url->host) <= URL_HOST_MOST);
    assert(url->port >= 1 && url->port <= 65535);
    assert(*url->path == '/' && strlen(url->path) <= URL_PATH_MOST);
    assert(!has_dots(url->path));
    for (const char *byte = url->path; *byte != '\0'; byte++)
        assert(*byte > ' ' && *byte < 0x7f && *byte != '#');
    for (const char *byte = url->host; *byte != '\0'; byte++)
        assert(*byte > ' ' && *byte < 0x7f && strchr("/?#@[]", *byte) == NULL);
}

/* "http://host:port/path" is the same URL again. */
static void check_round_trip(const struct url *url)
{
    static char text[URL_AUTHORITY_MOST + URL_PATH_MOST + 8];
    static struct url again;
    char authority[URL_AUTHORITY_MOST];
    const char *why;
    size_t host = strcspn(url->host, "%"); /* a zone is not sent */

    url_authority(url, authority);
    assert(strlen(authority) < sizeof authority);
    if (strlen(url->path) > URL_PATH_MOST - 3) /* room for one more "%20" is asked for */
        return;
    snprintf(text, sizeof text, "http://%s%s", authority, url->path);
    assert(url_parse(&again, text, &why) == 0);
    assert(strncmp(again.host, url->host, host) == 0 && again.host[host] == '\0');
    assert(again.port == url->port && strcmp(again.path, url->path) == 0);
}

/* The request for it is one request, to a reader that refuses what is ambiguous. */
static void check_request(const struct url *url)
{
    static char request[HTTP_HEAD_MOST], head_text[HTTP_HEAD_MOST];
    static struct http_head head;
    size_t length = http_compose_get(request, url, "fuzz/1.0");

    http_head_begin(&head, HTTP_REQUEST, head_text, sizeof head_text);
    assert(http_head_take(&head, request, length) == length);
    assert(head.state == HTTP_WHOLE && strcmp(head.method, "GET") == 0);
    assert(strcmp(head.target, url->path) == 0);
}

static void check(const struct url *url)
{
    check_parts(url);
    check_round_trip(url);
    check_request(url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct url url;
    char *text = string_of(data, size), *reference = strchr(text, '\n');
    const char *why = NULL;

    if (reference != NULL)
        *reference++ = '\0';
    if (url_parse(&url, text, &why) == 0) {
        check(&url);
        if (reference != NULL && url_resolve(&url, reference, &why) == 0)
            check(&url);
        else
            assert(reference == NULL || *why != '\0');
    } else {
        assert(why != NULL && *why != '\0');
    }
    free(text);
    return 0;
}
