/*
 * part: which part of a file answers a GET or a HEAD: conditional requests (RFC 9110
 * 13) and range requests (14).
 */
#ifndef HTTP_PART_H
#define HTTP_PART_H

#include "http/http.h"
#include "http/range.h"
#include "http/web_file.h"

#include <time.h>

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
