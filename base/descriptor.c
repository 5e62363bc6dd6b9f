#include "base/descriptor.h"

#include "base/fdset.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int descriptor_fill_standard(void)
{
    int descriptor;

    do { /* open() gives the lowest number that is free */
        descriptor = open("/dev/null", O_RDONLY);
        if (descriptor == -1)
            return -1;
    } while (descriptor <= STDERR_FILENO);
    return close(descriptor);
}

void descriptor_raise_limit(unsigned long wanted)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* see the header: it shows later, in words */
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

    (void)shutdown(socket, SHUT_WR); /* fails if the peer is gone: then all is said */
    for (int n = 0; n < 16 && recv(socket, unread, sizeof unread, 0) > 0; n++)
        continue;
    (void)close(socket);
}

int descriptor_write_all(int descriptor, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(descriptor, bytes, length);
        fd_set set;

        if (written == -1 && !descriptor_try_again(errno))
            return -1;
        if (written == -1) {
            FD_ZERO(&set);
            fdset_add(&set, descriptor);
            (void)select(descriptor + 1, NULL, &set, NULL, NULL);
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
    (void)close(descriptor);
    return high;
}

void descriptor_close_keeping_errno(int descriptor)
{
    int error = errno;

    (void)close(descriptor);
    errno = error;
}

/* Puts a terminal's own name in place of `descriptor`. 0, or -1: it stays as it is. */
static int open_anew(int descriptor)
{
    const char *name = ttyname(descriptor);
    int anew, result;

    if (name == NULL)
        return -1;
    anew = open(name, O_WRONLY | O_NOCTTY | O_NONBLOCK);
    if (anew == -1)
        return -1;
    result = dup2(anew, descriptor) == -1 ? -1 : 0;
    (void)close(anew);
    return result;
}

void descriptor_prepare_output(int descriptor, struct descriptor_output *before)
{
    struct stat about;

    before->flags = -1;
    if (fstat(descriptor, &about) == -1 || S_ISREG(about.st_mode))
        return;
    if (isatty(descriptor) && open_anew(descriptor) == 0)
        return;
    before->flags = fcntl(descriptor, F_GETFL);
    if (before->flags != -1)
        (void)fcntl(descriptor, F_SETFL, before->flags | O_NONBLOCK);
}

void descriptor_restore_output(int descriptor, const struct descriptor_output *before)
{
    if (before->flags != -1)
        (void)fcntl(descriptor, F_SETFL, before->flags);
}
