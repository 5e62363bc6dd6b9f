/*
 * descriptor: the settings of a program's descriptors.
 */
#ifndef BASE_DESCRIPTOR_H
#define BASE_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Opens /dev/null, for reading, in place of standard descriptors that the program was
 * started without. Otherwise the next socket would get that number, and what the program
 * prints would go to a stranger. Call this before opening anything else. 0, or -1 with
 * open()'s errno.
 */
int descriptor_fill_standard(void);

/*
 * Raises the soft limit on descriptors (RLIMIT_NOFILE) to `wanted`, or to the hard limit if
 * that is less. A failure shows when descriptors run out.
 */
void descriptor_raise_limit(int wanted);

/* All descriptors that this program can open and select() are less than this. */
int descriptor_limit(void);

/* Makes a descriptor non-blocking, and closed by exec(). 0, or -1 with fcntl()'s errno. */
int descriptor_prepare(int descriptor);

/*
 * Makes a descriptor that the program was started with non-blocking, without changing it
 * for others.
 *
 * O_NONBLOCK belongs to the open file description (POSIX 2.14), which a shell, a pipe's
 * other users and a terminal's other programs share: the flag would make their reads and
 * writes fail. So a terminal or a pipe is opened again, non-blocking, for `access` (O_RDONLY
 * or O_WRONLY), and takes over the number. A regular file never waits.
 *
 * False: the system cannot open it again (a socket, a pipe outside Linux). Then a read or a
 * write may wait even after select() has said that it is ready: another program may be
 * faster.
 */
bool descriptor_unshare(int descriptor, int access);

/* Does this errno of a send or a receive only mean "try again later"? */
bool descriptor_try_again(int error);

/*
 * Closes a non-blocking connection so that the peer still gets what was sent last. Unread
 * input would turn the close into a reset (RFC 1122 4.2.2.13), which can destroy what is
 * on its way; so up to 64 KiB of it is read first.
 */
void descriptor_hang_up(int socket);

/*
 * Writes all the bytes, even if another program has made the output non-blocking, and
 * waits as long as that takes. 0, or -1 with write()'s errno.
 */
int descriptor_write_all(int descriptor, const char *bytes, size_t length);

/*
 * Moves a descriptor that is never in a set to a number of FD_SETSIZE or more, if the
 * limit allows: the lower numbers are for sockets. Returns its number. exec() closes it.
 */
int descriptor_move_up(int descriptor);

/* close() after a failure: errno still tells what failed. */
void descriptor_close_keeping_errno(int descriptor);

#endif
