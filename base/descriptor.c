#include "base/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

int descriptor_fill_standard(void)
{
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++)
        if (fcntl(descriptor, F_GETFD) == -1 && open("/dev/null", O_RDONLY) == -1)
            return -1; /* open() gives the lowest number that is free: this one */
    return 0;
}

void descriptor_raise_limit(unsigned long wanted)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    setrlimit(RLIMIT_NOFILE, &limit); /* the header says where a failure shows */
}

int descriptor_limit(void)
{
    long limit = sysconf(_SC_OPEN_MAX);

    return limit == -1 || limit > FD_SETSIZE ? FD_SETSIZE : (int)limit;
}

int descriptor_prepare(int descriptor)
{
    int flags = fcntl(descriptor, F_GETFL);

    if (flags == -1 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == -1)
        return -1;
    return fcntl(descriptor, F_SETFD, FD_CLOEXEC) == -1 ? -1 : 0;
}

bool descriptor_try_again(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

void descriptor_hang_up(int socket)
{
    char unread[4096];

    shutdown(socket, SHUT_WR); /* it fails if the peer is gone, and needs nothing then */
    for (int n = 0; n < 16 && recv(socket, unread, sizeof unread, 0) > 0; n++)
        continue;
    close(socket);
}

int descriptor_write_all(int descriptor, const char *bytes, size_t length)
{
    struct pollfd ready = {.fd = descriptor, .events = POLLOUT};

    while (length > 0) {
        ssize_t written = write(descriptor, bytes, length);

        if (written == -1 && !descriptor_try_again(errno))
            return -1;
        if (written == -1) {
            poll(&ready, 1, -1);
            continue;
        }
        bytes += written;
        length -= (size_t)written;
    }
    return 0;
}

int descriptor_move_up(int descriptor)
{
    int high = fcntl(descriptor, F_DUPFD_CLOEXEC, FD_SETSIZE);

    if (high == -1)
        return descriptor;
    close(descriptor);
    return high;
}

void descriptor_close_keeping_errno(int descriptor)
{
    int error = errno;

    close(descriptor);
    errno = error;
}
