/*
 * fdset: an fd_set (POSIX <sys/select.h>) and its highest member, which select() needs too.
 *
 * The macros FD_SET() and FD_CLR() accept any number. With FD_SETSIZE or more they write
 * past the end of the set, which is how most select() servers crash. Here such a number is
 * a programming error (assert): net/listener.h and net/dial.h never return one. And -1 is
 * in no set. The casts are for -Wconversion: musl's macros divide unsigned.
 */
#ifndef BASE_FDSET_H
#define BASE_FDSET_H

#include <assert.h>
#include <stdbool.h>
#include <sys/select.h>

struct fdset {
    fd_set set;
    int highest; /* no member is higher; -1 if there is none */
};

static inline void fdset_clear(struct fdset *fdset)
{
    FD_ZERO(&fdset->set);
    fdset->highest = -1;
}

static inline bool fdset_has(const struct fdset *fdset, int descriptor)
{
    assert(descriptor < FD_SETSIZE);
    return descriptor >= 0 && FD_ISSET((unsigned)descriptor, &fdset->set);
}

static inline void fdset_add(struct fdset *fdset, int descriptor)
{
    assert(descriptor < FD_SETSIZE);
    if (descriptor < 0)
        return;
    FD_SET((unsigned)descriptor, &fdset->set);
    if (descriptor > fdset->highest)
        fdset->highest = descriptor;
}

static inline void fdset_remove(struct fdset *fdset, int descriptor)
{
    assert(descriptor < FD_SETSIZE);
    if (descriptor < 0)
        return;
    FD_CLR((unsigned)descriptor, &fdset->set);
    while (fdset->highest >= 0 && !fdset_has(fdset, fdset->highest))
        fdset->highest--;
}

static inline bool fdset_is_empty(const struct fdset *fdset)
{
    return fdset->highest == -1;
}

#endif
