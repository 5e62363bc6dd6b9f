/*
 * program: what every program of the kit does before it opens anything.
 */
#ifndef NET_PROGRAM_H
#define NET_PROGRAM_H

/*
 * Fills missing standard descriptors (net/descriptor.h). SIGPIPE and SIGXFSZ are ignored:
 * that nobody reads, or that a file is as long as it may be, is for write() to say. 0, or
 * -1 with errno, and there may be no standard error to say it on.
 */
int program_prepare(void);

#endif
