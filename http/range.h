/*
 * range: the part of a document that a Range field asks for (RFC 9110 14.1.2, 14.2).
 */
#ifndef HTTP_RANGE_H
#define HTTP_RANGE_H

#include <stdint.h>

struct range {
    uint64_t first, length; /* bytes; of a part, at least one */
};

/*
 * Finds out what `value` ("bytes=0-99", "bytes=500-", "bytes=-20") means for a document of
 * `size` bytes. Returns the status for the answer, and sets the range if it is not 416:
 *
 *   206  the range is a part of the document, perhaps all of it
 *   200  the range is the document: the value asks for several ranges, or is not understood
 *   416  the document has no such part, or nothing has: bytes=9-0
 */
int range_parse(struct range *range, const char *value, uint64_t size);

#endif
