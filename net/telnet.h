/*
 * telnet: what a telnet client sends, taken apart (RFC 854, RFC 855).
 *
 * In a telnet stream the byte 255 (IAC, "interpret as command") begins a command; all else
 * is data, and a 255 that is data is doubled. The decoder keeps its place from call to
 * call, so a command may be cut anywhere by a segment's end. It supports no option, and
 * says so to a peer that asks (RFC 1143 shows why a refusal must not be answered in turn);
 * that includes TIMING-MARK (RFC 860), for which a telnet waits after a Ctrl-C with its
 * output shut off.
 */
#ifndef NET_TELNET_H
#define NET_TELNET_H

#include <stddef.h>

enum {
    TELNET_SE = 240,  /* end of a subnegotiation */
    TELNET_AYT = 246, /* are you there? */
    TELNET_SB = 250,  /* a subnegotiation begins */
    TELNET_WILL = 251,
    TELNET_WONT = 252,
    TELNET_DO = 253,
    TELNET_DONT = 254,
    TELNET_IAC = 255
};

/* The decoder's place; all zero bytes is the start of a stream. */
struct telnet {
    unsigned char state;
};

/* The three bytes that answer a DO or a WILL: they are not a string, there is no NUL. */
struct telnet_reply {
    char bytes[3];
};

enum telnet_event {
    TELNET_NOTHING,      /* the byte belongs to a command that needs no answer */
    TELNET_DATA,         /* the byte is data */
    TELNET_REFUSE,       /* an option was asked for or offered: send the reply */
    TELNET_ARE_YOU_THERE /* the peer's user asks for a sign of life that can be read */
};

/*
 * How many of the `length` bytes from here are plain data, to be taken without a look at
 * each: all up to the next IAC, or none in the middle of a command.
 */
size_t telnet_plain(const struct telnet *telnet, const unsigned char *bytes,
                    size_t length);

/*
 * Takes the next byte of the stream and says what came of it. On TELNET_REFUSE, `reply`
 * holds WONT for a DO and DONT for a WILL; otherwise it is not touched.
 */
enum telnet_event telnet_take(struct telnet *telnet, unsigned char byte,
                              struct telnet_reply *reply);

#endif
