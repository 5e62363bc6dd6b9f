#include "http/web_path.h"

#include "base/number.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *web_path_of(const char *target)
{
    if (strncasecmp(target, "http://", 7) != 0)
        return target;
    target += 7 + strcspn(target + 7, "/?");
    return *target == '/' ? target : "/";
}

/*
 * Decodes the name at the beginning of a path (RFC 3986 2.1), and moves on to what follows
 * it. 0, or the status for the answer: no file's name has a slash or a NUL in it.
 */
static int take_name(const char **path, char *name)
{
    int status = 0;

    while (**path != '\0' && **path != '/' && **path != '?') {
        char byte = *(*path)++;

        if (byte == '%') {
            int high = number_hex_digit((*path)[0]);
            int low = high == -1 ? -1 : number_hex_digit((*path)[1]);

            if (low == -1)
                return 400;
            byte = (char)(high << 4 | low);
            *path += 2;
            if (byte == '/' || byte == '\0')
                status = 404;
        }
        *name++ = byte;
    }
    *name = '\0';
    return status;
}

/* Goes back over the last name, if there is one: from the end of "a/b/" to that of "a/". */
static char *before_last(const char *path, char *end)
{
    if (end > path)
        end--;
    while (end > path && end[-1] != '/')
        end--;
    return end;
}

int web_path_clean(const char *path, char *names)
{
    char *end = names;
    int status = 0, failed;

    if (*path != '/' || strlen(path) > WEB_PATH_MOST)
        return 400;
    while (*path == '/') {
        path += strspn(path, "/");
        failed = take_name(&path, end);
        if (failed == 400)
            return 400;
        status |= failed;
        if (strcmp(end, "..") == 0) {
            end = before_last(names, end);
            *end = '\0';
        } else if (strcmp(end, ".") == 0) {
            *end = '\0';
        } else if (*path == '/') {
            end += strlen(end);
            *end++ = '/';
        }
    }
    return status;
}

const char *web_path_query(const char *target, const char *name, char *value, size_t size)
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
