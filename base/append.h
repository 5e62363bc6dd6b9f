/*
 * append: a file to which whole lines are added.
 *
 * Each line is one write() to the file's end (POSIX O_APPEND), so several programs may
 * share it, and who follows it (`tail -F`) sees no half line. A disk that becomes full can
 * cut one: it is ended before the next line, also by whoever opens the file later.
 */
#ifndef BASE_APPEND_H
#define BASE_APPEND_H

#include <stdbool.h>
#include <stddef.h>

struct append {
    int descriptor;   /* non-blocking: nobody waits for who reads from a FIFO */
    bool within_line; /* the file does not end in LF */
};

/* Opens the file, or makes it (0666, as the umask lets). 0, or -1 with open()'s errno. */
int append_open(struct append *file, const char *path);

/*
 * Adds a line that has its LF. 0, or -1 with write()'s errno: it is not in the file, or
 * not all of it.
 */
int append_line(struct append *file, const char *line, size_t length);

void append_close(struct append *file);

#endif
