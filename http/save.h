/*
 * save: writes a file that appears when it is whole, and not before.
 *
 * The bytes go to a new file in the same directory. When all of them are on the disk, the
 * new file takes the name of the old one in a single step (POSIX rename()). So the name is
 * always that of the old file or of the whole new one. A name that is not a regular file (a
 * device, a FIFO), or is standard output, is written to directly.
 */
#ifndef HTTP_SAVE_H
#define HTTP_SAVE_H

#include <signal.h>

struct save {
    int descriptor;                 /* to write to; -1: nothing is open */
    char *name;                     /* the name that the file gets, links followed */
    char *part;                     /* its name until then */
    volatile sig_atomic_t has_part; /* that is there; a signal handler looks at this */
};

/*
 * Begins to write `name`. If there is such a file, it must be writable, and the new file
 * gets its permissions. A link stays one, even to a file that is not there yet. 0, or -1
 * with errno.
 */
int save_open(struct save *save, const char *name);

/* Everything is written: gives the file its name. 0, or -1 with errno and the old file. */
int save_finish(struct save *save);

/* Removes what was written, and keeps errno. Without effect if nothing is open. */
void save_abandon(struct save *save);

/* The same, for a signal handler that ends the program: it calls unlink() alone. */
void save_remove_part(const struct save *save);

#endif
