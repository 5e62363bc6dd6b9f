/*
 * part: which part of a file answers a GET or a HEAD: conditional requests (RFC 9110
 * 13) and range requests (14).
 */
#ifndef HTTP_PART_H
#define HTTP_PART_H

#include "http/http.h"
#include "http/web_file.h"

#include <stdint.h>
#include <time.h>

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
int part_of_range(struct range *range, const char *value, uint64_t size);

#define PART_FIELDS_MOST 300

struct part {
    int status;                    /* 200, 206, 304, 412 or 416 */
    struct range range;            /* for 200 and 206: what is sent */
    char fields[PART_FIELDS_MOST]; /* for the head of the answer, with their line ends */
};

/*
 * Chooses by the fields of a request that has come `now`. A version of the file has a time,
 * and a weak tag of its size and time: the file can be changed twice within one tick of the
 * clock. A list of files has no version, and is sent whole.
 */
void part_choose(struct part *part, const struct http_head *request,
                 const struct web_file *file, time_t now);

#endif
