#include "http/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARTS_MOST 100 /* left by killed processes with the same process number */
#define LINKS_MOST 8   /* symbolic links to symbolic links, as POSIX's SYMLOOP_MAX */

/* The path of `name` in the directory of the file `beside`. -1: it is too long. */
static int path_beside(char *path, const char *beside, const char *name)
{
    const char *slash = *name == '/' ? NULL : strrchr(beside, '/');
    int directory = slash == NULL ? 0 : (int)(slash - beside) + 1;
    int length = snprintf(path, SAVE_PATH_MOST + 1, "%.*s%s", directory, beside, name);

    if (length >= 0 && length <= SAVE_PATH_MOST)
        return 0;
    errno = ENAMETOOLONG;
    return -1;
}

/* If `name` is a symbolic link, finds the file that it leads to. -1 with errno. */
static int follow_links(struct save *save, const char *name)
{
    char link[SAVE_PATH_MOST + 1], next[SAVE_PATH_MOST + 1];

    if (path_beside(save->name, "", name) == -1)
        return -1;
    for (int n = 0; n < LINKS_MOST; n++) {
        ssize_t length = readlink(save->name, link, SAVE_PATH_MOST);

        if (length == -1) /* it is a file, or will be one */
            return errno == EINVAL || errno == ENOENT ? 0 : -1;
        link[length] = '\0';
        if (path_beside(next, save->name, link) == -1)
            return -1;
        (void)strcpy(save->name, next);
    }
    errno = ELOOP;
    return -1;
}

/*
 * Creates a file beside save->name. The process's number is in its name, but an earlier
 * process with the same number may have been killed and left its file.
 */
static int open_part(struct save *save, mode_t mode)
{
    char name[60];

    for (int n = 0; n < PARTS_MOST && save->descriptor == -1; n++) {
        snprintf(name, sizeof name, "download-%ld-%d.part", (long)getpid(), n);
        if (path_beside(save->part, save->name, name) == -1)
            return -1;
        /* Set before the file is there: a signal in between would leave the file. */
        save->has_part = true;
        save->descriptor =
            open(save->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (save->descriptor == -1)
            save->has_part = false;
        if (save->descriptor == -1 && errno != EEXIST)
            return -1;
    }
    return save->descriptor == -1 ? -1 : 0;
}

/* There is a file. It is replaced in its own directory if it is writable. */
static int open_over(struct save *save, const char *name, mode_t mode)
{
    if (follow_links(save, name) == -1 || access(save->name, W_OK) == -1 ||
        open_part(save, 0600) == -1)
        return -1;
    return fchmod(save->descriptor, mode & 0777);
}

static bool is_standard_output(const struct stat *about)
{
    struct stat output;

    return fstat(STDOUT_FILENO, &output) == 0 && output.st_dev == about->st_dev &&
           output.st_ino == about->st_ino;
}

static int open_any(struct save *save, const char *name)
{
    struct stat about;

    if (stat(name, &about) == -1) {
        if (errno != ENOENT || *name == '\0' || follow_links(save, name) == -1)
            return -1;
        return open_part(save, 0666);
    }
    if (is_standard_output(&about))
        save->descriptor = dup(STDOUT_FILENO);
    else if (S_ISREG(about.st_mode))
        return open_over(save, name, about.st_mode);
    else
        save->descriptor = open(name, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    return save->descriptor == -1 ? -1 : 0;
}

int save_open(struct save *save, const char *name)
{
    save->descriptor = -1;
    save->has_part = false;
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
    if (result == -1)
        save_abandon(save);
    save->has_part = false;
    return result;
}

void save_abandon(struct save *save)
{
    int error = errno;

    save_remove_part(save);
    save->has_part = false;
    if (save->descriptor != -1)
        close(save->descriptor);
    save->descriptor = -1;
    errno = error;
}

void save_remove_part(const struct save *save)
{
    if (save->has_part)
        (void)unlink(save->part);
}
