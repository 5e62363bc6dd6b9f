#include "base/number.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_MOST 86400

int number_parse(const char *text, long least, long most, long *number)
{
    char *end;

    errno = 0;
    *number = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *number < least || *number > most)
        return -1;
    /* strtol() takes spaces and a plus before it; an option has neither. */
    return strchr(" \t\n\v\f\r+", *text) == NULL ? 0 : -1;
}

int number_parse_seconds(const char *text, int64_t *ns)
{
    double seconds;
    char *end;

    if (*text == '\0' || strspn(text, "0123456789.") != strlen(text))
        return -1;
    seconds = strtod(text, &end);
    if (*end != '\0' || end == text || seconds > SECONDS_MOST)
        return -1;
    *ns = (int64_t)(seconds * 1e9 + 0.5);
    return 0;
}

int number_hex_digit(char digit)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = memchr(digits, digit, sizeof digits - 1);

    return found == NULL ? -1 : (int)(found - digits) % 16;
}
