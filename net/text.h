/*
 * text: bytes from a stranger made fit for anybody's terminal.
 *
 * Valid UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing over U+10FFFF) passes
 * unchanged. A control character becomes something to look at: C0 and DEL in caret
 * notation (^[ for ESC, ^? for DEL), C1 as `cat -v` shows the byte of that number (M-^[
 * for U+009B, which many terminals obey like ESC [); only TAB stays what it is. Bytes that
 * are no UTF-8 become U+FFFD, one for each longest part that could have begun a character
 * (the Unicode Standard, 3.9, "Substitution of Maximal Subparts").
 *
 * It works on a stream: a character may be cut anywhere.
 */
#ifndef NET_TEXT_H
#define NET_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* The unfinished character at the end of what was taken; all zero bytes: none. */
struct text {
    unsigned char bytes[4];
    unsigned char have; /* bytes of it so far */
    unsigned char need; /* bytes it has when whole */
};

/* The most that one byte can bring forth: U+FFFD for what it broke off, and for itself. */
#define TEXT_MOST 6

/*
 * Takes a byte and writes the clean text that it completes to `out` (TEXT_MOST bytes of
 * space). Returns its length: 0 in the middle of a character.
 */
size_t text_take(struct text *text, unsigned char byte, char *out);

/*
 * The stream, or the line, ends here: writes U+FFFD for an unfinished character.
 * Returns its length, or 0 when there was none.
 */
size_t text_finish(struct text *text, char *out);

/*
 * Makes a whole string fit: writes it to `out` of `size` bytes (TEXT_MOST or more), and
 * cuts off what is too much. Returns `out`.
 */
const char *text_clean(const char *string, char *out, size_t size);

/*
 * Clean text may still hold characters that show it as something else: those that turn
 * the order of what stands behind them (U+202A to U+202E, U+2066 to U+2069; Unicode
 * Standard Annex 9), two line ends (U+2028, U+2029), and some that nobody sees, so that
 * two names look the same (U+200B, the others of U+2060 to U+206F, U+FEFF, U+FFF9 to
 * U+FFFB, and the fillers of Hangul and Mongolian). Each becomes U+FFFD, in place. Joiners
 * and the plain marks of direction stay: emoji, Persian and Hebrew need them. So do the
 * soft hyphen and the tags (U+E0000 to U+E007F), which are not three bytes long. It is for
 * who shows the text: who passes it on leaves them to the reader.
 */
void text_straighten(char *text, size_t length);

/* Is this byte passed on as it is, with nothing to remember? Printable ASCII. */
static inline bool text_is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x7f;
}

#endif
