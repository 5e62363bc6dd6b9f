#include "http/query.h"

#include <stdio.h>
#include <string.h>

const char *http_query_value(const char *target, const char *name, char *value,
                             size_t size)
{
    const char *field = strchr(target, '?');
    size_t length = strlen(name);

    *value = '\0';
    for (; field != NULL; field = strchr(field, '&')) {
        field++;
        if (strncmp(field, name, length) == 0 && field[length] == '=')
            snprintf(value, size, "%.*s", (int)strcspn(field + length + 1, "&"),
                     field + length + 1);
    }
    return value;
}
