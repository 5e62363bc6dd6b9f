/*
 * descriptor: what a program settles about its descriptors.
 */
#ifndef BASE_DESCRIPTOR_H
#define BASE_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Opens /dev/null for each of standard input, output and error that the program was
 * started without: otherwise the next socket would get its number, and what is printed
 * would go to a stranger. It is opened for reading: what is printed fails, and is not
 * taken for printed. Call it first. 0, or -1 with open()'s errno.
 */
int descriptor_fill_standard(void);

/*
 * Raises the soft limit on descriptors to `wanted`, or as near to it as the hard limit
 * lets (setrlimit(), RLIMIT_NOFILE). It is never lowered, and that it could not be
 * raised shows when descriptors run out, so there is nothing to return.
 */
void descriptor_raise_limit(unsigned long wanted);

/* The numbers that descriptors may have here are below this: at most FD_SETSIZE. */
int descriptor_limit(void);

/* Makes a descriptor non-blocking, and closed by exec(). 0, or -1 with fcntl()'s errno. */
int descriptor_prepare(int descriptor);

/* Is this errno of a send or a receive no failure, but a call for another try later? */
bool descriptor_try_again(int error);

/*
 * Closes a non-blocking connection so that the peer still gets what was sent last: input
 * that nobody has read would turn the close into a reset (RFC 1122 4.2.2.13), and that
 * can cost it what is under way. A peer that sends without end is reset all the same.
 */
void descriptor_hang_up(int socket);

/*
 * Writes all of it, and waits as long as that takes: also where whoever shares the output
 * has made it non-blocking. 0, or -1 with write()'s errno.
 */
int descriptor_write_all(int descriptor, const char *bytes, size_t length);

/*
 * Gives a descriptor that is in no fd_set a number above theirs, where the limit allows:
 * the low ones are for sockets. Returns what it is now; it is closed by exec().
 */
int descriptor_move_up(int descriptor);

/* close() on the way out of a failure: errno still tells what failed. */
void descriptor_close_keeping_errno(int descriptor);

/*
 * Makes an output such as standard output non-blocking without doing that to whoever
 * shares it: O_NONBLOCK belongs to the open file, and a terminal's is the shell's too.
 * So a terminal is opened anew in its place, and the flags of a pipe are given back by
 * descriptor_restore_output(), which the program calls before it ends. A regular file is
 * left alone: it never makes a writer wait for a reader.
 */
struct descriptor_output {
    int flags; /* to be given back, or -1 */
};
void descriptor_prepare_output(int descriptor, struct descriptor_output *before);
void descriptor_restore_output(int descriptor, const struct descriptor_output *before);

#endif
