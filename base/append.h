/*
 * append: a file to which whole lines are added.
 *
 * Each line is one write() to the end of the file (POSIX O_APPEND). So several programs
 * can share the file, and a program that follows it (`tail -F`) sees no half lines. A full
 * disk can cut a line; the next line to be added, even by another program, then begins on
 * a line of its own.
 */
#ifndef BASE_APPEND_H
#define BASE_APPEND_H

#include <stdbool.h>
#include <stddef.h>

struct append {
    int descriptor;   /* non-blocking: it may be a FIFO whose reader is slow */
    bool within_line; /* the file does not end in LF */
};

/* Opens the file or creates it (mode 0666, less the umask). 0, or -1 with open()'s errno. */
int append_open(struct append *file, const char *path);

/* Adds a line, which includes its LF. 0, or -1 with write()'s errno if any of it is missing. */
int append_line(struct append *file, const char *line, size_t length);

void append_close(struct append *file);

#endif
