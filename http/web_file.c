#include "http/web_file.h"

#include "base/descriptor.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MOST 255 /* bytes of a file's name, on all usual file systems */
#define INDEX     "index.html"

static const char *type_of(const char *name)
{
    static const struct {
        const char *ending, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".htm", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".txt", "text/plain; charset=utf-8"},
        {".md", "text/plain; charset=utf-8"},
        {".c", "text/plain; charset=utf-8"},
        {".h", "text/plain; charset=utf-8"},
        {".csv", "text/csv; charset=utf-8"},
        {".json", "application/json"},
        {".xml", "application/xml"},
        {".pdf", "application/pdf"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".jpeg", "image/jpeg"},
        {".gif", "image/gif"},
        {".webp", "image/webp"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".mp3", "audio/mpeg"},
        {".mp4", "video/mp4"},
        {".webm", "video/webm"},
    };
    const char *ending = strrchr(name, '.');

    for (size_t i = 0; ending != NULL && i < sizeof types / sizeof types[0]; i++)
        if (strcasecmp(ending, types[i].ending) == 0)
            return types[i].type;
    return "application/octet-stream";
}

/*
 * Decodes the name at the beginning of a path (RFC 3986 2.1). 0, or the status for the
 * answer: no file's name has a slash or a NUL in it.
 */
static int take_name(const char **path, char *name)
{
    size_t length = 0;

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
                return 404;
        }
        if (length == NAME_MOST)
            return 404;
        name[length++] = byte;
    }
    name[length] = '\0';
    return 0;
}

static int status_of(int error)
{
    switch (error) {
    case EACCES: return 403;
    case EMFILE:
    case ENFILE: return 503;
    default: return 404;
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
    if (opened == -1 || (fstat(opened, about) == 0 && can_be_served(about)))
        return opened;
    close(opened);
    errno = ENOENT;
    return -1;
}

/* Goes from an open directory to a name in it and closes the directory. 0, or a status. */
static int step(int root, int *place, const char *name, struct stat *about)
{
    int next = open_name(*place, name, about), error = errno;

    if (*place != root)
        close(*place);
    *place = next;
    return next == -1 ? status_of(error) : 0;
}

/* Walks down the path. 0, or a status. The descriptor that is open then is in *place. */
static int walk(int root, const char *path, int *place, char *name, struct stat *about)
{
    int status = 0;

    *place = root;
    if (*path != '/')
        return 400;
    while (status == 0 && *path == '/') {
        path += strspn(path, "/");
        if (*place != root && !S_ISDIR(about->st_mode))
            return 404; /* "/a/b" or "/a/", but "a" is a file */
        status = take_name(&path, name);
        if (status == 0)
            status = step(root, place, *name == '\0' ? strcpy(name, INDEX) : name, about);
    }
    if (status == 0 && S_ISDIR(about->st_mode))
        return strcmp(name, INDEX) == 0 ? 404 : 301;
    return status;
}

int web_file_open(int root, const char *path, struct web_file *file)
{
    char name[NAME_MOST + 1];
    struct stat about;
    int status = walk(root, path, &file->descriptor, name, &about);

    if (status == 0) {
        file->descriptor = descriptor_move_up(file->descriptor);
        file->size = (uint64_t)about.st_size;
        file->type = type_of(name);
        return 200;
    }
    if (file->descriptor != root && file->descriptor != -1)
        close(file->descriptor);
    file->descriptor = -1;
    return status;
}
