/*
 * words: the sentences of the room, written by the server and read by its clients.
 *
 *     [ann] Hello                     [ann to you] Hello        Client joined ann
 *     * ann waves                     [you to bob] Hello        Client left ann: Lunch
 *     Client 127.0.0.1:4321 is now ann                          The name ann is in use
 *
 * A name has no space in it, and what people say comes after their names, so nobody can
 * forge a sentence of the server's. Nobody may be called "you".
 */
#ifndef CHAT_WORDS_H
#define CHAT_WORDS_H

#include "net/address.h"
#include "net/line.h"

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a name with its NUL: a nick, or the client's address until it takes one. */
#define WORDS_NAME_MOST ADDRESS_MOST
#define WORDS_NICK_MOST 16
#define WORDS_NICK_LETTERS                                                               \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

/* Is that a nick: 1 to WORDS_NICK_MOST of these letters? */
bool words_is_nick(const char *name);

/* Bytes of the longest sentence with its NUL, if its text is at most one line. */
#define WORDS_MOST (WORDS_NAME_MOST + LINE_MOST + 32)

enum words {
    WORDS_NONE,     /* none of these sentences */
    WORDS_FROM_YOU, /* the receipt for a /msg; the name is the receiver's */
    WORDS_TO_YOU,
    WORDS_SAID,
    WORDS_ACTION,
    WORDS_JOINED,
    WORDS_LEFT, /* the text is "", ": " and a farewell, or the server's reason " (...)" */
    WORDS_RENAMED, /* the text is the new name */
    WORDS_IN_USE   /* the wanted name is somebody else's */
};

/*
 * Writes a sentence to `out` of `size` bytes; what does not fit is cut off. `text` is ""
 * where the kind has none. Returns the length.
 */
size_t words_write(char *out, size_t size, enum words kind, const char *name,
                   const char *text);

/* Where the name and the text are in a line: offsets and lengths in bytes. */
struct words_parts {
    size_t name, name_length;
    size_t text, text_length;
};

/* Returns which sentence a line is, and fills `parts` unless that is WORDS_NONE. */
enum words words_read(const char *line, struct words_parts *parts);

#endif
