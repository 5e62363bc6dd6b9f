/*
 * query: the fields in the target of a request, /path?a=1&b=2.
 */
#ifndef HTTP_QUERY_H
#define HTTP_QUERY_H

#include <stddef.h>

/*
 * Copies the value of a field to `value` of `size` bytes, cut off if it does not fit. It is
 * not decoded. Returns `value`, which is "" without such a field.
 */
const char *http_query_value(const char *target, const char *name, char *value,
                             size_t size);

#endif
