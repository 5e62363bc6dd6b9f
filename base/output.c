#include "base/output.h"

#include "base/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

void output_open(struct output *output, int descriptor)
{
    output->descriptor = descriptor;
    output->is_shared = !descriptor_unshare(descriptor, O_WRONLY);
}

ssize_t output_write(const struct output *output, const char *bytes, size_t length)
{
    struct pollfd ready = {.fd = output->descriptor, .events = POLLOUT};

    if (output->is_shared) {
        int writable = poll(&ready, 1, 0);

        if (writable == 0)
            errno = EAGAIN;
        if (writable != 1)
            return -1;
        if (length > PIPE_BUF)
            length = PIPE_BUF;
    }
    return write(output->descriptor, bytes, length);
}
