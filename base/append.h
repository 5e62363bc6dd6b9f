/*
 * append: adds whole lines to a file.
 *
 * Each line is one write() to the end of the file (POSIX O_APPEND). So several programs
 * can share the file, and a program that follows it (`tail -F`) sees no half lines. A full
 * disk can cut a line. The next line of this program, or of a program that opens the file
 * later, still begins on a new line.
 */
#ifndef BASE_APPEND_H
#define BASE_APPEND_H

#include <stdbool.h>
#include <stddef.h>

struct append {
    int descriptor;   /* non-blocking: it may be a FIFO whose reader is slow */
    bool within_line; /* the file does not end in LF */
};

/* Opens or creates the file (mode 0666, less the umask). 0, or -1 with open()'s errno. */
int append_open(struct append *file, const char *path);

/* Adds a line, which includes its LF. 0, or -1 with write()'s errno if it was cut. */
int append_line(struct append *file, const char *line, size_t length);

void append_close(struct append *file);

#endif
