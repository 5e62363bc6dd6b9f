/*
 * reason: what the status of an answer means, in the words of RFC 9110 15.
 */
#ifndef HTTP_REASON_H
#define HTTP_REASON_H

/* For a status line, after the number. "": a status that no program of ours sends. */
const char *reason_of(int status);

#endif
