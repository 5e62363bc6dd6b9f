/*
 * http_date: times as HTTP writes them (RFC 9110 5.6.7): Sun, 06 Nov 1994 08:49:37 GMT.
 * The names are English because no program here calls setlocale().
 */
#ifndef HTTP_HTTP_DATE_H
#define HTTP_HTTP_DATE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define HTTP_DATE_MOST 32

/* Writes a time. False, with "" in `out`: it is not in one of the years 0 to 9999. */
bool http_date(time_t when, char *out);

/*
 * Reads a time in any of the three forms that a recipient must accept. Returns the seconds
 * since 1970, or -1 if the text is not a time, or an earlier one.
 */
int64_t http_date_parse(const char *text);

#endif
