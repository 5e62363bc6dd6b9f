/*
 * listing: the page that shows what is in a directory.
 */
#ifndef HTTP_LISTING_H
#define HTTP_LISTING_H

#include <stddef.h>

#define LISTING_MOST                                                                     \
    10000 /* names, since they are sorted in memory; a page says "and more" */

/*
 * Writes the page of an open directory. The page shows the directories and
 * regular files, sorted by name, with sizes and times. Names that begin with a dot are left
 * out, as web_file_open() does not find them. `path`, where the directory is ("" or
 * "a/b/"), becomes part of the title.
 *
 * Returns a string for free(), and its length; or NULL with errno.
 */
char *listing_write(int descriptor, const char *path, size_t *length);

#endif
