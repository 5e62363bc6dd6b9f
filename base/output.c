#include "base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Puts a non-blocking description of its own in the place of `descriptor`. */
static bool open_anew(int descriptor, const char *name)
{
    int anew = open(name, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    int flags;
    bool done;

    if (anew == -1)
        return false;
    /* Some systems only copy a descriptor here, and leave the flag out. */
    flags = fcntl(anew, F_GETFL);
    done = flags != -1 && (flags & O_NONBLOCK) && dup2(anew, descriptor) != -1;
    close(anew);
    return done;
}

void output_open(struct output *output, int descriptor)
{
    char own_name[32];
    const char *name = NULL;
    int flags = fcntl(descriptor, F_GETFL);
    struct stat about;

    output->descriptor = descriptor;
    output->is_shared = false;
    if (flags == -1 || (flags & O_ACCMODE) == O_RDONLY || fstat(descriptor, &about) == -1)
        return; /* write() will say what is wrong with it */
    if (!isatty(descriptor) && !S_ISFIFO(about.st_mode) && !S_ISSOCK(about.st_mode))
        return;
    snprintf(own_name, sizeof own_name, "/dev/fd/%d", descriptor);
    if (isatty(descriptor))
        name = ttyname(descriptor);
    output->is_shared = !open_anew(descriptor, name != NULL ? name : own_name);
}

ssize_t output_write(const struct output *output, const char *bytes, size_t length)
{
    struct pollfd ready = {.fd = output->descriptor, .events = POLLOUT};

    if (output->is_shared) {
        if (poll(&ready, 1, 0) != 1) {
            errno = EAGAIN;
            return -1;
        }
        if (length > PIPE_BUF)
            length = PIPE_BUF;
    }
    return write(output->descriptor, bytes, length);
}
