/*
 * url: addresses of documents on the web, for plain http (RFC 3986; RFC 9110 4.2.1).
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
 * Takes http://host[:port][/path][?query] apart. Everything in `url` is then visible
 * ASCII: bytes that a path cannot have, spaces and line ends among them, are
 * percent-encoded. A fragment (#...) is left out. A URL with a name and a password is
 * refused: they are not sent, and nobody takes them for the host (RFC 9110 4.2.4).
 *
 * 0, or -1 and the reason in *why (static).
 */
int url_parse(struct url *url, const char *text, const char **why);

/*
 * Turns `url` into the URL that `reference`, a Location for example, means relative to it
 * (RFC 3986 5.2): a whole URL, "//host/path", "/path", "path", "../path", "?query". 0, or
 * -1 and the reason in *why; then `url` must not be used.
 */
int url_resolve(struct url *url, const char *reference, const char **why);

/*
 * Writes the host for a Host field, with the port if it is not 80. An IPv6 address is in
 * brackets, without its zone, which only this machine understands (RFC 6874 4).
 */
#define URL_AUTHORITY_MOST (URL_HOST_MOST + 10)
void url_authority(const struct url *url, char *out);

#endif
