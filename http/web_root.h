/*
 * web_root: the directory that a web server serves. It is found by its path again and again,
 * so one that was removed and made anew, or replaced by another, is served as it is now.
 */
#ifndef HTTP_WEB_ROOT_H
#define HTTP_WEB_ROOT_H

#include <sys/types.h>

#define WEB_ROOT_MOST 8192 /* bytes of the path; a longer one is refused */

struct web_root {
    char path
        [WEB_ROOT_MOST]; /* it begins with a slash: "." would stay the old directory */
    int descriptor;      /* the directory as it was found last, or -1 */
    dev_t device;        /* of that one */
    ino_t inode;
};

/* Opens a directory. 0, or -1 with errno. */
int web_root_open(struct web_root *root, const char *directory);

/* Returns the descriptor of the directory that is there now, or -1 with errno. */
int web_root_find(struct web_root *root);

void web_root_close(struct web_root *root);

#endif
