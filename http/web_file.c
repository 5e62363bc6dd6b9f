#include "http/web_file.h"

#include "base/descriptor.h"
#include "http/listing.h"
#include "http/types.h"
#include "http/web_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INDEX "index.html"

#ifdef __APPLE__
#define st_mtim st_mtimespec /* the name from before POSIX.1-2008 */
#endif

/* ---- The walk ----------------------------------------------------------------------- */

static int status_of(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP: return 404;
    case EACCES:
    case EPERM: return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EINTR:
    case EAGAIN: return 503;
    default: return 500;
    }
}

static bool can_be_served(const struct stat *about)
{
    return S_ISREG(about->st_mode) || S_ISDIR(about->st_mode);
}

/*
 * Opens a name in a directory. It is looked at before, because opening a device or a FIFO
 * may have effects, and again after, because another file may have taken its place. In
 * case that happens, the flags ensure that open() does not wait or follow a link. -1 with
 * errno.
 */
static int open_name(int directory, const char *name, struct stat *about)
{
    int opened;

    errno = ENOENT;
    if (*name == '.' || fstatat(directory, name, about, AT_SYMLINK_NOFOLLOW) == -1)
        return -1;
    errno = ENOENT;
    if (!can_be_served(about))
        return -1;
    opened = openat(directory, name,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (opened == -1)
        return -1;
    errno = ENOENT;
    if (fstat(opened, about) == 0 && can_be_served(about))
        return opened;
    descriptor_close_keeping_errno(opened);
    return -1;
}

/* Goes down from a directory by these names, and opens the last. -1 with errno. */
static int walk(int place, char *path, struct stat *about)
{
    while (place != -1 && *path != '\0') {
        size_t length = strcspn(path, "/");
        char after = path[length];
        int next;

        path[length] = '\0';
        next = open_name(place, path, about);
        path[length] = after;
        path += length + (after == '/');
        descriptor_close_keeping_errno(place);
        place = next;
    }
    return place;
}

/* ---- What is there ------------------------------------------------------------------ */

/* Takes over the descriptor. */
static int take_file(struct web_file *file, int descriptor, const struct stat *about,
                     const char *name)
{
    char beginning[TYPES_LOOK];
    ssize_t length;

    file->descriptor = descriptor;
    file->size = (uint64_t)about->st_size;
    file->modified = about->st_mtim;
    file->type = types_by_name(name);
    if (file->type != NULL)
        return 200;
    length = pread(descriptor, beginning, sizeof beginning, 0);
    if (length == -1) {
        web_file_close(file);
        return status_of(errno);
    }
    file->type = types_by_bytes(beginning, (size_t)length);
    return 200;
}

/* Takes index.html or, without that file, a list. Closes the directory. */
static int take_directory(struct web_file *file, int directory, const char *path)
{
    struct stat about;
    size_t length;
    int index = open_name(directory, INDEX, &about);

    if (index != -1 && S_ISREG(about.st_mode)) {
        close(directory);
        return take_file(file, index, &about, INDEX);
    }
    if (index != -1) {
        close(index);
    } else if (status_of(errno) != 404) {
        descriptor_close_keeping_errno(directory);
        return status_of(errno);
    }
    file->text = listing_write(directory, path, &length);
    if (file->text == NULL)
        return status_of(errno);
    file->size = length;
    file->type = "text/html; charset=utf-8";
    return 200;
}

static int open_root(const char *root)
{
    return open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int web_file_root(char *root, const char *directory)
{
    size_t here = 0;
    int opened;

    errno = ENOENT;
    if (*directory == '\0') /* as open() has it: a script's variable may be unset */
        return -1;
    if (*directory != '/') {
        if (getcwd(root, WEB_FILE_ROOT_MOST) == NULL)
            return -1;
        here = strlen(root);
        root[here++] = '/';
    }
    errno = ENAMETOOLONG;
    if (here + strlen(directory) >= WEB_FILE_ROOT_MOST)
        return -1;
    strcpy(root + here, directory);
    opened = open_root(root);
    if (opened == -1)
        return -1;
    close(opened);
    return 0;
}

int web_file_open(struct web_file *file, const char *root, const char *path)
{
    char names[WEB_PATH_MOST + 1], *last;
    struct stat about = {.st_mode = 0};
    int place, status = web_path_clean(path, names);

    *file = (struct web_file){.descriptor = -1};
    if (status != 0)
        return status;
    place = open_root(root);
    if (place == -1)
        return 503; /* it may be there again in a moment */
    place = walk(place, names, &about);
    if (place == -1)
        return status_of(errno);
    last = strrchr(names, '/');
    last = last == NULL ? names : last + 1;
    if (S_ISREG(about.st_mode) && *last != '\0')
        return take_file(file, place, &about, last);
    if (*names == '\0' || (S_ISDIR(about.st_mode) && *last == '\0'))
        return take_directory(file, place, names);
    close(place);
    return S_ISDIR(about.st_mode) ? 301 : 404; /* "a/", but "a" is a file */
}

ssize_t web_file_read(const struct web_file *file, uint64_t at, void *bytes, size_t room)
{
    if (file->text == NULL)
        return pread(file->descriptor, bytes, room, (off_t)at);
    if (at >= file->size)
        return 0;
    if (room > file->size - at)
        room = (size_t)(file->size - at);
    memcpy(bytes, file->text + at, room);
    return (ssize_t)room;
}

void web_file_keep(struct web_file *file)
{
    if (file->descriptor != -1)
        file->descriptor = descriptor_move_up(file->descriptor);
}

void web_file_close(struct web_file *file)
{
    if (file->descriptor != -1)
        descriptor_close_keeping_errno(file->descriptor);
    free(file->text);
    *file = (struct web_file){.descriptor = -1};
}
