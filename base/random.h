/*
 * random: bytes that nobody can guess, from the system.
 *
 * POSIX.1-2008 has no call for them (getentropy() came in 2024), but every system of today
 * has the device /dev/urandom.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdbool.h>

/* A secret of 128 bits, and how it is written: in hexadecimal, with a NUL. */
#define RANDOM_TOKEN_MOST 33

/* Writes a new one. 0, or -1 with errno: `token` must not be used. */
int random_token(char token[RANDOM_TOKEN_MOST]);

/*
 * Is `other`, which comes from a stranger, the same? It compares all of it: otherwise the
 * time would tell a stranger where the first difference is.
 */
bool random_is_same(const char token[RANDOM_TOKEN_MOST], const char *other);

#endif
