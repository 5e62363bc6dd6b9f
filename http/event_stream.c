#include "http/event_stream.h"

#include "http/web_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t event_stream_last(const struct http_head *head)
{
    const char *field = http_value(head, "Last-Event-ID");
    char query[24];

    if (field == NULL)
        field = web_path_query(head->target, "last", query, sizeof query);
    return strspn(field, "0123456789") == strlen(field) ? strtoull(field, NULL, 10) : 0;
}

size_t event_stream_write(char *out, uint64_t id, const char *text, size_t length)
{
    size_t written = (size_t)sprintf(out, "id: %llu\nevent: ", (unsigned long long)id);

    for (size_t i = 0; i < length; i++) {
        out[written++] = text[i];
        if (text[i] == '\n') {
            memcpy(out + written, "data: ", 6);
            written += 6;
        }
    }
    /* Without data a browser drops the event. */
    if (memchr(text, '\n', length) == NULL)
        written += (size_t)sprintf(out + written, "\ndata:");
    memcpy(out + written, "\n\n", 2);
    return written + 2;
}
