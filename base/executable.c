#include "base/executable.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool executable_exists(const char *name)
{
    const char *path = strchr(name, '/') == NULL ? getenv("PATH") : "";
    struct stat about;
    char file[4096];

    errno = ENOENT;
    while (path != NULL) {
        int length = (int)strcspn(path, ":");

        snprintf(file, sizeof file, "%.*s%s%s", length, path, length > 0 ? "/" : "",
                 name);
        if (stat(file, &about) == 0 && S_ISDIR(about.st_mode))
            errno = EISDIR;
        else if (access(file, X_OK) == 0)
            return true;
        path = path[length] == ':' ? path + length + 1 : NULL;
    }
    return false;
}
