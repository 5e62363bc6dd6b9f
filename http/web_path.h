/*
 * web_path: the path in the target of a request, whose names lead down from a directory, and
 * the fields in its query: /path?a=1&b=2.
 */
#ifndef HTTP_WEB_PATH_H
#define HTTP_WEB_PATH_H

#include "http/http.h"

#define WEB_PATH_MOST HTTP_LINE_MOST /* bytes */

/*
 * The path in the target of a request, which is /path, or http://host/path, as clients send
 * it to proxies (RFC 9112 3.2.2). If the target is neither, it is returned as it is.
 */
const char *web_path_of(const char *target);

/*
 * Writes the decoded names of a path without its dot segments: "/a%20b/./x/../c?d" becomes
 * "a b/c". A path that can only be a directory's becomes "", or ends in a slash. Slashes in
 * a row are one, as in POSIX. Dots that lead above the beginning lead to the beginning (RFC
 * 3986 5.2.4). `names` has WEB_PATH_MOST + 1 bytes.
 *
 * Returns 0, or the status for the answer:
 *
 *   400  the path does not begin with a slash, is too long, or has a % without two digits
 *   404  a name has a slash or a NUL in it, which no file's name has
 */
int web_path_clean(const char *path, char *names);

/*
 * Copies the value of a field in the query to `value` of `size` bytes, cut off if it does not
 * fit. It is not decoded. Returns `value`, which is "" without such a field.
 */
const char *web_path_query(const char *target, const char *name, char *value,
                           size_t size);

#endif
