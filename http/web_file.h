/*
 * web_file: what a request for a path gets from a directory: a file, or the list of a
 * directory's files, and never anything outside.
 *
 * The path's dot segments are removed first (RFC 3986 5.2.4). Then it is walked name by
 * name (POSIX openat()), and no symbolic link is followed: there is no moment between a
 * check and an open in which one could be put there. A name that begins with a dot does not
 * exist, and neither does anything but files and directories.
 */
#ifndef HTTP_WEB_FILE_H
#define HTTP_WEB_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define WEB_FILE_DESCRIPTORS 2    /* that web_file_open() needs at a time */
#define WEB_FILE_ROOT_MOST   8192 /* bytes of a path; a longer one is refused */

struct web_file {
    int descriptor; /* of a file, or -1 */
    char *text;     /* of a list, or NULL */
    uint64_t size;
    const char *type;         /* for Content-Type */
    struct timespec modified; /* of a file */
};

/*
 * Checks that a directory can be served, and writes its path from the top to `root` of
 * WEB_FILE_ROOT_MOST bytes: "." would stay the old directory if it is removed and made
 * again. 0, or -1 with errno.
 */
int web_file_root(char *root, const char *directory);

/*
 * Opens what has this `path` (from a request, with its query: "/a%20b?c") in the directory
 * that is at `root` now.
 * A path that ends in a slash means the index.html there, or a list if there is none.
 * Returns the status for the answer:
 *
 *   200  it is open, and has to be closed
 *   301  it is a directory, and the path lacks the slash at its end
 *   400  the path does not begin with a slash, or has a % without two digits
 *   403  this program may not read it
 *   404  there is no such file
 *   500  it cannot be read: errno says why
 *   503  the same, but a later try may succeed
 */
int web_file_open(struct web_file *file, const char *root, const char *path);

/* Reads at most `room` bytes from byte `at`. Returns how many, 0 at the end, -1: errno. */
ssize_t web_file_read(const struct web_file *file, uint64_t at, void *bytes, size_t room);

/* It stays open for longer: its descriptor leaves the numbers that are for sockets. */
void web_file_keep(struct web_file *file);

/* Without effect if nothing is open. */
void web_file_close(struct web_file *file);

#endif
