#include "base/executable.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool executable_exists(const char *name)
{
    const char *path = strchr(name, '/') == NULL ? getenv("PATH") : "";
    char file[4096];

    errno = ENOENT;
    while (path != NULL) {
        int length = (int)strcspn(path, ":");

        snprintf(file, sizeof file, "%.*s%s%s", length, path, length > 0 ? "/" : "",
                 name);
        if (access(file, X_OK) == 0)
            return true;
        path = path[length] == ':' ? path + length + 1 : NULL;
    }
    return false;
}
