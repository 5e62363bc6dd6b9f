/*
 * save: writing a file that is there when it is whole, and not before.
 *
 * What is written goes to a new file in the same directory, which takes the name of the
 * old one, in a single step, when all of it is on the disk (POSIX rename()). Whoever looks
 * sees the old file, none, or the whole new one. A name that stands for no file (a device, a
 * FIFO), or for standard output, is written to as it is.
 */
#ifndef HTTP_SAVE_H
#define HTTP_SAVE_H

#include <signal.h>

#define SAVE_PATH_MOST 4096 /* bytes, as Linux's PATH_MAX; a longer one is refused */

struct save {
    int descriptor;                /* to write to; -1: nothing is open */
    char name[SAVE_PATH_MOST + 1]; /* what the file is to be called, links followed */
    char part[SAVE_PATH_MOST + 1]; /* what it is called until then */
    volatile sig_atomic_t has_part;
};

/*
 * Begins to write `name`. A file that is there must be one that may be written to, and the
 * new one gets its permissions. 0, or -1 with errno.
 */
int save_open(struct save *save, const char *name);

/* All is written: 0, or -1 with errno, and the old file is untouched. */
int save_finish(struct save *save);

/* Removes what was written; errno is kept. Without effect if nothing is open. */
void save_abandon(struct save *save);

/* The same for a signal handler, as the program ends: it only calls unlink(). */
void save_remove_part(const struct save *save);

#endif
