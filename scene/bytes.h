/*
 * bytes: a buffer that grows, and bytes as a report shows them.
 *
 * All zero is an empty buffer. What is in it is followed by a NUL that does not count, so
 * text in it is a string. When memory runs out the program aborts: a grader that cannot
 * keep what it has seen has nothing to say.
 */
#ifndef SCENE_BYTES_H
#define SCENE_BYTES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct bytes {
    char *at; /* NULL while nothing was ever added */
    size_t length, capacity;
};

void bytes_add(struct bytes *bytes, const void *more, size_t length);
void bytes_print(struct bytes *bytes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void bytes_vprint(struct bytes *bytes, const char *format, va_list arguments);

/* Removes this many bytes from its beginning. */
void bytes_drop(struct bytes *bytes, size_t length);

/* The text in it; "" if nothing was ever added. */
const char *bytes_text(const struct bytes *bytes);

/*
 * Adds bytes as a string literal of C. Of a long text it adds the beginning, and after the
 * quotes how long it is: "abc"… 1,000 bytes.
 */
#define BYTES_QUOTED_MOST 60
void bytes_quote(struct bytes *bytes, const char *text, size_t length);

/* A number as people write it: 1,000. */
void bytes_number(struct bytes *bytes, size_t number);

/* Empties it, and frees its memory. */
void bytes_free(struct bytes *bytes);

/* Does `text` end in `tail`? */
bool bytes_end_in(const char *text, size_t length, const char *tail, size_t tail_length);

/* Where `part` first is in `text`, or NULL. */
const char *bytes_find(const char *text, size_t length, const char *part,
                       size_t part_length);

#endif
