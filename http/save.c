#define _XOPEN_SOURCE 700 /* realpath(), which glibc shows only then */
#include "http/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART      "download-XXXXXX" /* as mkstemp() takes it */
#define PATH_MOST 4096              /* bytes of a link's path and of its target */

static bool is_standard_output(const struct stat *about)
{
    struct stat output;

    return fstat(STDOUT_FILENO, &output) == 0 && output.st_dev == about->st_dev &&
           output.st_ino == about->st_ino;
}

/* The file that `name` leads to, which may be a new one. NULL with errno. */
static char *follow_links(const char *name)
{
    char *path = realpath(name, NULL), link[PATH_MOST], next[2 * PATH_MOST];
    const char *slash = strrchr(name, '/');
    ssize_t length;

    if (path != NULL || errno != ENOENT || *name == '\0')
        return path;
    length = readlink(name, link, sizeof link);
    if (length == -1)
        return strdup(name);
    if (length == sizeof link || strlen(name) >= PATH_MOST) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    /* A link to a file that is not there yet. It does not lead back here: that is ELOOP. */
    snprintf(next, sizeof next, "%.*s%.*s",
             slash == NULL || *link == '/' ? 0 : (int)(slash - name) + 1, name,
             (int)length, link);
    return follow_links(next);
}

/* Creates a file beside the one that `name` leads to. */
static int open_part(struct save *save, const char *name, mode_t mode)
{
    const char *slash;
    size_t directory;

    save->name = follow_links(name);
    if (save->name == NULL)
        return -1;
    slash = strrchr(save->name, '/');
    directory = slash == NULL ? 0 : (size_t)(slash - save->name) + 1;
    save->part = malloc(directory + sizeof PART);
    if (save->part == NULL)
        return -1;
    memcpy(save->part, save->name, directory);
    strcpy(save->part + directory, PART);
    save->has_part = true; /* before it is there: a signal in between would leave it */
    save->descriptor = mkstemp(save->part);
    save->has_part = save->descriptor != -1;
    return save->has_part ? fchmod(save->descriptor, mode) : -1;
}

static int open_any(struct save *save, const char *name)
{
    struct stat about;

    if (stat(name, &about) == -1) {
        mode_t mask = umask(0);

        (void)umask(mask);
        return open_part(save, name, 0666 & ~mask);
    }
    if (is_standard_output(&about))
        save->descriptor = dup(STDOUT_FILENO);
    else if (!S_ISREG(about.st_mode))
        save->descriptor = open(name, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    else if (access(name, W_OK) == 0)
        return open_part(save, name, about.st_mode & 0777);
    return save->descriptor == -1 ? -1 : 0;
}

int save_open(struct save *save, const char *name)
{
    *save = (struct save){.descriptor = -1};
    if (open_any(save, name) == 0)
        return 0;
    save_abandon(save);
    return -1;
}

int save_finish(struct save *save)
{
    int result = save->has_part ? fsync(save->descriptor) : 0;

    if (close(save->descriptor) == -1)
        result = -1;
    save->descriptor = -1;
    if (result == 0 && save->has_part)
        result = rename(save->part, save->name);
    if (result == 0)
        save->has_part = false;
    save_abandon(save);
    return result;
}

void save_abandon(struct save *save)
{
    int error = errno;

    save_remove_part(save);
    save->has_part = false;
    if (save->descriptor != -1)
        close(save->descriptor);
    free(save->name);
    free(save->part);
    *save = (struct save){.descriptor = -1};
    errno = error;
}

void save_remove_part(const struct save *save)
{
    if (save->has_part)
        (void)unlink(save->part);
}
