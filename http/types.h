/*
 * types: the type of a file for a Content-Type field, by its name or by its first bytes.
 */
#ifndef HTTP_TYPES_H
#define HTTP_TYPES_H

#include <stddef.h>

#define TYPES_LOOK 512 /* bytes that types_by_bytes() needs at most */

/* By the ending: "a.PNG" is image/png. NULL: the name has no ending. */
const char *types_by_name(const char *name);

/*
 * Text, unless one of the bytes is never in text (WHATWG, MIME Sniffing, 3: binary data
 * bytes); otherwise just bytes.
 */
const char *types_by_bytes(const char *bytes, size_t length);

#endif
