/*
 * listing: the page that shows what is in a directory.
 */
#ifndef HTTP_LISTING_H
#define HTTP_LISTING_H

#include <stddef.h>

/* Names on a page, which is made in memory: about 80 bytes each, and 20 ms for all. */
#define LISTING_MOST 10000

/*
 * Writes the page of an open directory, and closes the directory. The page shows the
 * directories and regular files, sorted by name, with sizes and times. Names that begin
 * with a dot are left out, because web_file_open() does not find them. The title is `path`,
 * "" or "a/b/", after a slash. If there are more than LISTING_MOST names, the page says so.
 *
 * Returns a string for free(), and its length; or NULL with errno.
 */
char *listing_write(int descriptor, const char *path, size_t *length);

#endif
