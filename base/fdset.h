/*
 * fdset: POSIX's FD_SET() and its sisters as functions.
 *
 * The macros take any number for a descriptor: one over FD_SETSIZE, or -1, has them write
 * outside the set, which is how most select() servers end. Here -1 is simply in no set,
 * and what does not fit is a programming error (assert): net/listener.h lets none through.
 * The casts are for -Wconversion, as musl's macros divide by an unsigned number.
 */
#ifndef BASE_FDSET_H
#define BASE_FDSET_H

#include <assert.h>
#include <stdbool.h>
#include <sys/select.h>

static inline bool fdset_has(const fd_set *set, int descriptor)
{
    assert(descriptor < FD_SETSIZE);
    return descriptor >= 0 && FD_ISSET((unsigned)descriptor, set);
}

static inline void fdset_add(fd_set *set, int descriptor)
{
    assert(descriptor < FD_SETSIZE);
    if (descriptor >= 0)
        FD_SET((unsigned)descriptor, set);
}

static inline void fdset_remove(fd_set *set, int descriptor)
{
    assert(descriptor < FD_SETSIZE);
    if (descriptor >= 0)
        FD_CLR((unsigned)descriptor, set);
}

#endif
