/*
 * web_file: the file below a directory that a request asks for, and no other.
 *
 * The path is walked a name at a time (POSIX openat()), and no name that is a symbolic link
 * is followed: so there is no string to be clever with, and no moment between a check and
 * an open. A name that begins with a dot is not there: that keeps out "..", and what its
 * owner has hidden. What is neither a file nor a directory is not there either.
 */
#ifndef HTTP_WEB_FILE_H
#define HTTP_WEB_FILE_H

#include <stdint.h>

struct web_file {
    int descriptor;
    uint64_t size;
    const char *type; /* by its name's ending, as Content-Type has it */
};

/*
 * Opens what `path` (from a request, with its query: "/a%20b?c") names below the directory
 * `root`; index.html where it names a directory. Returns the status that is due:
 *
 *   200  it is open, the descriptor is the caller's
 *   301  it is a directory: the path wants a slash behind it
 *   400  the path does not begin with a slash, or has a % without two digits
 *   403  the system does not let this program read it
 *   404  there is no such file
 *   503  out of descriptors: later, perhaps
 */
int web_file_open(int root, const char *path, struct web_file *file);

#endif
