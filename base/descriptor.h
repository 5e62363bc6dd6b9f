/*
 * descriptor: the settings of a program's descriptors.
 */
#ifndef BASE_DESCRIPTOR_H
#define BASE_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Opens /dev/null in the place of standard input, output and error if the program was
 * started without them. Otherwise the next socket would get that number, and what the
 * program prints would go to a stranger. It is opened for reading, so that printing fails,
 * as it should. Call this before opening anything else. 0, or -1 with open()'s errno.
 */
int descriptor_fill_standard(void);

/*
 * Raises the soft limit on descriptors (setrlimit(), RLIMIT_NOFILE) to `wanted`, or to the
 * hard limit if that is less. It never lowers it. It returns nothing: a failure shows when
 * descriptors run out.
 */
void descriptor_raise_limit(unsigned long wanted);

/* All descriptors that this program can open and select() are less than this. */
int descriptor_limit(void);

/* Makes a descriptor non-blocking, and closed by exec(). 0, or -1 with fcntl()'s errno. */
int descriptor_prepare(int descriptor);

/*
 * Makes a descriptor that the program was started with non-blocking, without changing it
 * for others.
 *
 * O_NONBLOCK belongs to the open file description (POSIX 2.14), which a shell, a pipe's
 * other users and a terminal's other programs share: setting the flag there would make
 * their reads and writes fail. So a terminal or a pipe is opened anew, non-blocking, for
 * `access` (O_RDONLY or O_WRONLY), and the new description takes over the number. A regular
 * file never waits and is left as it is.
 *
 * False: the system cannot open it anew (a socket, a pipe outside Linux). The description
 * is still shared, and a read or a write may wait even after select() has said that it is
 * ready, because another program may be faster.
 */
bool descriptor_unshare(int descriptor, int access);

/* Does this errno of a send or a receive only mean "try again later"? */
bool descriptor_try_again(int error);

/*
 * Closes a non-blocking connection so that the peer still gets what was sent last. Unread
 * input would turn the close into a reset (RFC 1122 4.2.2.13), which can destroy what is
 * on its way; so up to 64 KiB of it is read first. A peer that sends more is reset.
 */
void descriptor_hang_up(int socket);

/*
 * Writes all the bytes, and waits as long as that takes, even if another program has made
 * the output non-blocking. 0, or -1 with write()'s errno.
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
