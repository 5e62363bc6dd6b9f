/*
 * output: writes to a descriptor that other programs may share, such as standard output,
 * without ever waiting for its reader.
 *
 * Where the system allows it, the output is opened again (descriptor_unshare(),
 * base/descriptor.h). Otherwise it writes only when poll() says that it can, and at most
 * PIPE_BUF bytes, which by POSIX do not block on a pipe then.
 */
#ifndef BASE_OUTPUT_H
#define BASE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct output {
    int descriptor;
    bool is_shared; /* it could not be opened again */
};

/* Prepares `descriptor`, which keeps its number and stays the caller's. It cannot fail. */
void output_open(struct output *output, int descriptor);

/* write() (POSIX) that never waits: -1 with EAGAIN if nothing can be written now. */
ssize_t output_write(const struct output *output, const char *bytes, size_t length);

#endif
