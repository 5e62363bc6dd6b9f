/* complaint: a program's message on standard error. */
#ifndef BASE_COMPLAINT_H
#define BASE_COMPLAINT_H

#include <stdarg.h>

#define COMPLAINT_MOST 8192 /* bytes; a longer one is cut */

/*
 * Prints "program: ...", as vprintf() does, and a line feed: in one write(), so that the
 * complaints of two programs never mix.
 */
void complaint_print(const char *program, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

#endif
