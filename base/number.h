/*
 * number: numbers in writing, and nothing but the number.
 */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdint.h>

/* Reads a decimal number from `least` to `most`. 0, or -1 if the text is none. */
int number_parse(const char *text, long least, long most, long *number);

/*
 * Reads seconds, with a fraction if need be ("0.2"), from 0 to a day, as nanoseconds, of
 * which a part is dropped. 0, or -1 if the text is none.
 */
int number_parse_seconds(const char *text, int64_t *ns);

/* The value of a hexadecimal digit, in letters of either case, or -1. */
int number_hex_digit(char digit);

#endif
