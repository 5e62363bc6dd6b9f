/*
 * text: makes bytes from a stranger safe to show on any terminal.
 *
 * Valid UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF) passes
 * unchanged. Control characters become visible: C0 and DEL in caret notation (^[ for ESC,
 * ^? for DEL), C1 as `cat -v` shows a byte of that number (M-^[ for U+009B, which many
 * terminals obey like ESC [). Only TAB stays. Bytes that are not UTF-8 become U+FFFD, one
 * for each longest part that could have begun a character (the Unicode Standard, 3.9,
 * "Substitution of Maximal Subparts").
 *
 * It works on a stream, which may be cut anywhere in a character.
 */
#ifndef NET_TEXT_H
#define NET_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* The unfinished character at the end of the stream so far. All zero bytes: none. */
struct text {
    unsigned char bytes[4];
    unsigned char have; /* bytes of it so far */
    unsigned char need; /* bytes of it when it is complete */
};

/* The most that one byte can add: U+FFFD for what it broke off, and another. */
#define TEXT_MOST 6

/*
 * Takes a byte, and writes the clean text that it completes to `out` of TEXT_MOST bytes.
 * Returns its length: 0 inside a character.
 */
size_t text_take(struct text *text, unsigned char byte, char *out);

/* The text ends here: writes U+FFFD for an unfinished character. Returns its length, or 0. */
size_t text_finish(struct text *text, char *out);

/* Writes a string, made clean, to `out` of `size` bytes; the end is cut. Returns `out`. */
const char *text_clean(const char *string, char *out, size_t size);

/*
 * For programs that show text. Clean text can still hold characters that mislead a reader:
 * those that reverse the text after them (Unicode Standard Annex 9), two line ends, and
 * invisible ones, with which two names look the same. This replaces each by U+FFFD, in
 * place. Joiners and the simple direction marks stay: emoji, Persian and Hebrew need them.
 * So do the soft hyphen and the tags (U+E0000 to U+E007F), which do not have three bytes.
 */
void text_straighten(char *text, size_t length);

/* Does this byte pass unchanged, with nothing to remember? Printable ASCII does. */
static inline bool text_is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x7f;
}

#endif
