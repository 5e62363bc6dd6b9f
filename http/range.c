#include "http/range.h"

#include <stdbool.h>
#include <strings.h>

/* Takes digits. A number beyond all files becomes UINT64_MAX. False: there are none. */
static bool take_number(const char **text, uint64_t *number)
{
    const char *begin = *text;

    for (*number = 0; **text >= '0' && **text <= '9'; (*text)++) {
        uint64_t digit = (uint64_t)(**text - '0');

        *number = *number > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *number * 10 + digit;
    }
    return *text > begin;
}

int range_parse(struct range *range, const char *value, uint64_t size)
{
    uint64_t first, last;
    bool has_first, has_last;

    *range = (struct range){0, size};
    if (strncasecmp(value, "bytes=", 6) != 0)
        return 200;
    value += 6;
    has_first = take_number(&value, &first);
    if (*value != '-')
        return 200;
    value++;
    has_last = take_number(&value, &last);
    if (*value != '\0' || !(has_first || has_last))
        return 200;
    if (!has_first) { /* the last so many bytes */
        if (size == 0 && last > 0)
            return 200; /* they are all there are, but a Content-Range cannot say so */
        first = last < size ? size - last : 0;
        has_last = false;
    }
    if (!has_last || last >= size)
        last = size - 1;
    if (first >= size || first > last)
        return 416;
    *range = (struct range){first, last - first + 1};
    return 206;
}
