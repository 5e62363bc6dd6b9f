#include "base/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int descriptor_fill_standard(void)
{
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++)
        if (fcntl(descriptor, F_GETFD) == -1 && open("/dev/null", O_RDONLY) == -1)
            return -1; /* open() returns the lowest free number: this one */
    return 0;
}

void descriptor_raise_limit(int wanted)
{
    const rlim_t most = (rlim_t)wanted; /* which is signed on some systems */
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur >= most)
        return;
    limit.rlim_cur = limit.rlim_max < most ? limit.rlim_max : most;
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

/* Gives `descriptor` a non-blocking description of its own. */
static bool open_again(int descriptor, const char *name, int access)
{
    int again = open(name, access | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    int flags;
    bool done;

    if (again == -1)
        return false;
    /* Some systems only copy the descriptor here, and drop the flag. */
    flags = fcntl(again, F_GETFL);
    done = flags != -1 && (flags & O_NONBLOCK) && dup2(again, descriptor) != -1;
    close(again);
    return done;
}

bool descriptor_unshare(int descriptor, int access)
{
    int flags = fcntl(descriptor, F_GETFL);
    bool is_terminal = isatty(descriptor);
    const char *name = is_terminal ? ttyname(descriptor) : NULL;
    char own_name[32];
    struct stat about;

    if (flags == -1 || fstat(descriptor, &about) == -1)
        return true; /* read() and write() will report what is wrong */
    flags &= O_ACCMODE;
    if (flags != O_RDWR && flags != access)
        return true; /* likewise */
    if (S_ISSOCK(about.st_mode))
        return false;
    if (!is_terminal && !S_ISFIFO(about.st_mode))
        return true;
    snprintf(own_name, sizeof own_name, "/dev/fd/%d", descriptor);
    return open_again(descriptor, name != NULL ? name : own_name, access);
}

bool descriptor_try_again(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

void descriptor_hang_up(int socket)
{
    char unread[4096];

    shutdown(socket, SHUT_WR); /* if it fails, the peer is gone already */
    for (int n = 0; n < 16 && recv(socket, unread, sizeof unread, 0) > 0; n++)
        continue;
    close(socket);
}

int descriptor_write_all(int descriptor, const char *bytes, size_t length)
{
    struct pollfd ready = {.fd = descriptor, .events = POLLOUT};

    while (length > 0) {
        ssize_t written = write(descriptor, bytes, length);

        if (written == -1) {
            if (!descriptor_try_again(errno))
                return -1;
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
