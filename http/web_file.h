/*
 * web_file: opens the file that a request asks for, in a directory and no other place.
 *
 * The path is walked name by name (POSIX openat()), and no symbolic link is followed. So
 * no string of a stranger is handed to open(), and there is no moment between a check and
 * an open in which a link could be put there. A name that begins with a dot does not
 * exist: that excludes ".." and hidden files. Neither does anything but files and
 * directories.
 */
#ifndef HTTP_WEB_FILE_H
#define HTTP_WEB_FILE_H

#include <stdint.h>

struct web_file {
    int descriptor;
    uint64_t size;
    const char *type; /* for Content-Type, by the ending of the name */
};

/*
 * Opens the file with this `path` (from a request, with its query: "/a%20b?c") in the
 * directory `root`. A path that ends in a slash means the index.html there. Returns the
 * status for the answer:
 *
 *   200  the file is open; the descriptor is the caller's
 *   301  it is a directory, and the path lacks the slash at its end
 *   400  the path does not begin with a slash, or has a % without two digits
 *   403  this program may not read the file
 *   404  there is no such file
 *   503  there is no descriptor left; a later try may succeed
 */
int web_file_open(int root, const char *path, struct web_file *file);

#endif
