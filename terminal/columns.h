/*
 * columns: how many columns of a terminal a character takes.
 */
#ifndef TERMINAL_COLUMNS_H
#define TERMINAL_COLUMNS_H

#include <stddef.h>

/*
 * The columns of a code point: 0 (combining, or a mark for layout), 1, or 2 (East Asian
 * wide, emoji). This is what wcwidth() says in a UTF-8 locale, without the locale.
 */
unsigned columns_of(unsigned long code);

/* The same for the first code point of valid UTF-8 (RFC 3629); *bytes is its length. */
unsigned columns_at(const char *text, size_t *bytes);

/*
 * The same for the first character of valid UTF-8 of `length` bytes, at least one: a code
 * point and the combining ones after it, *bytes in all. One with an emoji variation
 * selector (U+FE0F) counts as two columns. Some terminals give it only one, but too many
 * columns do no harm where too few would make a line wrap.
 */
unsigned columns_of_character(const char *text, size_t length, size_t *bytes);

#endif
