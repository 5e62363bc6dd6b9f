/*
 * columns: how many columns of a terminal a character takes.
 */
#ifndef TERMINAL_COLUMNS_H
#define TERMINAL_COLUMNS_H

#include <stddef.h>

/*
 * The columns of a code point: 0 (combining, or a layout mark), 1, or 2 (East Asian wide,
 * emoji). It answers as wcwidth() does in a UTF-8 locale, without needing the locale, but
 * gives a combining mark of a rare script 1.
 */
unsigned columns_of(unsigned long code);

/* The same for the first code point of valid UTF-8 (RFC 3629); *bytes is its length. */
unsigned columns_at(const char *text, size_t *bytes);

/*
 * The same for the first character of valid UTF-8 of `length` bytes, at least one: a code
 * point and the combining ones after it, *bytes in all. A character with an emoji
 * variation selector (U+FE0F) counts as two columns. Some terminals give it only one, but
 * too high a count does no harm, and too low a count would make a line wrap.
 */
unsigned columns_of_character(const char *text, size_t length, size_t *bytes);

#endif
