/*
 * url: addresses of the web, as far as plain http goes (RFC 3986; RFC 9110 4.2.1).
 */
#ifndef HTTP_URL_H
#define HTTP_URL_H

/* A name has 253 characters (RFC 1035), an address with an IPv6 zone some more. */
#define URL_HOST_MOST 300
#define URL_PATH_MOST 7000 /* so that a request line stays under 8,000 (RFC 9112 3) */

struct url {
    char host[URL_HOST_MOST + 1]; /* as dial() takes it: no brackets */
    int port;
    char path[URL_PATH_MOST + 1]; /* with its query; it begins with a slash */
};

/*
 * Takes http://host[:port][/path][?query] apart. All of `url` is visible ASCII after it: a
 * byte that has no place in a path, a space or a line end among them, is percent-encoded.
 * A fragment (#...) is left out. A URL with a name and a password in it is refused, so
 * that they are neither sent nor believed to be the host (RFC 9110 4.2.4).
 *
 * 0, or -1 and the reason in *why (static).
 */
int url_parse(struct url *url, const char *text, const char **why);

/*
 * Turns `url` into what `reference` means there, a Location for example (RFC 3986 5.2): a
 * whole URL, "//host/path", "/path", "path", "../path", "?query". 0, or -1 and the reason
 * in *why; then `url` is not to be used.
 */
int url_resolve(struct url *url, const char *reference, const char **why);

/*
 * Writes the host as a Host field has it: brackets around an IPv6 address, without a zone,
 * which means something on this machine alone (RFC 6874 4); a port that is not 80 behind it.
 */
#define URL_AUTHORITY_MOST (URL_HOST_MOST + 10)
void url_authority(const struct url *url, char *out);

#endif
