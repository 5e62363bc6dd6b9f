#include "http/url.h"

#include "base/number.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define HTTP_PORT 80

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define NAME    LETTERS DIGITS "-._~"

static int refuse(const char **why, const char *reason)
{
    *why = reason;
    return -1;
}

/* ---- The host ----------------------------------------------------------------------- */

/* An IPv6 address. Its zone follows "%25" (RFC 6874), or "%", as people type it. */
static int take_literal(char *host, const char **why)
{
    struct in6_addr address;
    char *zone = strchr(host, '%');

    if (zone != NULL)
        *zone = '\0';
    if (inet_pton(AF_INET6, host, &address) != 1)
        return refuse(why, "the address in brackets is not an IPv6 address");
    if (zone == NULL)
        return 0;
    *zone++ = '%';
    if (strncmp(zone, "25", 2) == 0 && zone[2] != '\0')
        memmove(zone, zone + 2, strlen(zone + 2) + 1);
    if (*zone == '\0' || strspn(zone, NAME) != strlen(zone))
        return refuse(why, "the zone of the IPv6 address is not a name");
    return 0;
}

/* host, host:port, [address], [address]:port. */
static int take_authority(struct url *url, const char *text, size_t length,
                          const char **why)
{
    bool is_literal = *text == '[';
    char *host = url->host, *end;
    long port = HTTP_PORT; /* "host:" is valid, and means the same as "host" */

    if (length > URL_HOST_MOST)
        return refuse(why, "the host is too long");
    memcpy(host, text, length);
    host[length] = '\0';
    if (strchr(host, '@') != NULL)
        return refuse(why, "a name or password before the host is not supported");
    end = is_literal ? strchr(host, ']') : host + strcspn(host, ":");
    if (end == NULL)
        return refuse(why, "the ] after the IPv6 address is missing");
    if (is_literal)
        *end++ = '\0';
    if (*end != '\0' && *end != ':')
        return refuse(why, "the host is followed by neither a port nor a path");
    if (*end == ':')
        *end++ = '\0';
    if (!is_literal && strchr(end, ':') != NULL)
        return refuse(why, "an IPv6 address needs brackets: http://[::1]/");
    if (*end != '\0' && number_parse(end, 1, 65535, &port) == -1)
        return refuse(why, "the port is not a number from 1 to 65535");
    url->port = (int)port;
    if (is_literal)
        memmove(host, host + 1, strlen(host));
    if (*host == '\0')
        return refuse(why, "it has no host");
    if (is_literal)
        return take_literal(host, why);
    if (strspn(host, NAME) != strlen(host))
        return refuse(why, "the host has a character that no host can have");
    return 0;
}

/* ---- The path ----------------------------------------------------------------------- */

/* Removes "." and ".." from a path that begins with a slash, in place (RFC 3986 5.2.4). */
static void remove_dots(char *path)
{
    char *out = path;
    const char *in = path;

    while (*in == '/') {
        size_t length = 1 + strcspn(in + 1, "/?");
        bool is_dot = length == 2 && in[1] == '.';
        bool is_two = length == 3 && in[1] == '.' && in[2] == '.';

        if (is_two && out > path)
            while (*--out != '/')
                continue;
        if (is_dot || is_two) {
            if (in[length] != '/') /* the last one: the rest is a directory */
                *out++ = '/';
        } else {
            memmove(out, in, length);
            out += length;
        }
        in += length;
    }
    memmove(out, in, strlen(in) + 1);
}

/* A "%" stays: it begins a byte that is encoded already. */
static bool is_in_paths(unsigned char byte)
{
    return byte > ' ' && byte < 0x7f && strchr("\"<>\\^`{|}", byte) == NULL;
}

static int take_path(struct url *url, const char *text, const char **why)
{
    size_t length = 0;

    if (*text != '/')
        url->path[length++] = '/';
    for (; *text != '\0' && *text != '#'; text++) {
        unsigned char byte = (unsigned char)*text;

        if (length + 3 > URL_PATH_MOST)
            return refuse(why, "it is too long");
        if (is_in_paths(byte))
            url->path[length++] = *text;
        else
            length += (size_t)sprintf(url->path + length, "%%%02X", byte);
    }
    url->path[length] = '\0';
    remove_dots(url->path);
    return 0;
}

/* ---- The whole ---------------------------------------------------------------------- */

int url_parse(struct url *url, const char *text, const char **why)
{
    size_t length;

    if (strncasecmp(text, "https://", 8) == 0)
        return refuse(why, "https needs TLS, which is not supported; try http://");
    if (strncasecmp(text, "http://", 7) != 0)
        return refuse(why, "only http:// is supported");
    text += 7;
    length = strcspn(text, "/?#");
    if (take_authority(url, text, length, why) == -1)
        return -1;
    return take_path(url, text + length, why);
}

/* Does it begin with a scheme (RFC 3986 3.1)? */
static bool has_scheme(const char *reference)
{
    size_t letters = strspn(reference, LETTERS DIGITS "+-.");

    return letters > 0 && strchr(LETTERS, *reference) != NULL &&
           reference[letters] == ':';
}

int url_resolve(struct url *url, const char *reference, const char **why)
{
    char whole[2 * URL_PATH_MOST] = "http:";
    size_t kept = 0, length = strlen(reference);

    if (length >= URL_PATH_MOST)
        return refuse(why, "it is too long");
    if (has_scheme(reference))
        return url_parse(url, reference, why);
    if (strncmp(reference, "//", 2) == 0) {
        memcpy(whole + 5, reference, length + 1);
        return url_parse(url, whole, why);
    }
    if (*reference == '\0' || *reference == '#')
        return 0;
    if (*reference != '/')
        kept = strcspn(url->path, "?");
    while (kept > 0 && *reference != '?' && url->path[kept - 1] != '/')
        kept--;
    memcpy(whole, url->path, kept);
    memcpy(whole + kept, reference, length + 1);
    return take_path(url, whole, why);
}

void url_authority(const struct url *url, char *out)
{
    bool is_literal = strchr(url->host, ':') != NULL;
    int length = (int)strcspn(url->host, "%");

    length = sprintf(out, is_literal ? "[%.*s]" : "%.*s", length, url->host);
    if (url->port != HTTP_PORT)
        sprintf(out + length, ":%d", url->port);
}
