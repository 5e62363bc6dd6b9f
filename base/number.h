/*
 * number: reads numbers from text. The text must be the number and nothing else.
 */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdint.h>

/* Reads a decimal number from `least` to `most`. 0, or -1 if the text is not one. */
int number_parse(const char *text, long least, long most, long *number);

/*
 * Reads seconds, with or without a fraction ("0.2"), from 0 to a day, rounded to
 * nanoseconds. 0, or -1 if the text is not such a number.
 */
int number_parse_seconds(const char *text, int64_t *ns);

/* The value of a hexadecimal digit in either case, or -1. */
int number_hex_digit(char digit);

#endif
