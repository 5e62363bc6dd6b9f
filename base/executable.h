/*
 * executable: finds programs as a shell does.
 */
#ifndef BASE_EXECUTABLE_H
#define BASE_EXECUTABLE_H

#include <stdbool.h>

/*
 * Can a program of this name be executed? One without a slash is looked for in PATH. If not,
 * errno says why.
 */
bool executable_exists(const char *name);

#endif
