/*
 * columns: how much room a character takes on a terminal.
 */
#ifndef TERMINAL_COLUMNS_H
#define TERMINAL_COLUMNS_H

#include <stddef.h>

/*
 * How many columns of a terminal a code point takes: 0 (combining, or a mark for layout),
 * 1, or 2 (East Asian wide, emoji). What wcwidth() says in a UTF-8 locale, without the
 * locale.
 */
unsigned columns_of(unsigned long code);

/* The same for the one that valid UTF-8 (RFC 3629) begins with; *bytes is its length. */
unsigned columns_at(const char *text, size_t *bytes);

#endif
