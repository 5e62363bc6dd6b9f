/*
 * telnet: takes apart what a telnet client sends (RFC 854, RFC 855).
 *
 * In a telnet stream the byte 255 (IAC, "interpret as command") begins a command. All else
 * is data; a 255 that is data is sent twice. (A 255 before a line end is Latin-1 text: it is
 * dropped, and the line end is data.) A segment may end anywhere in a command. The decoder
 * refuses every option, even TIMING-MARK (RFC 860): after Ctrl-C a telnet client
 * shows nothing until that is answered. A refusal gets no answer, otherwise two programs
 * would answer each other for ever (RFC 1143).
 */
#ifndef NET_TELNET_H
#define NET_TELNET_H

#include <stddef.h>

enum {
    TELNET_ECHO = 1,  /* the option of RFC 857: who shows what is typed */
    TELNET_SE = 240,  /* end of a subnegotiation */
    TELNET_AYT = 246, /* are you there? */
    TELNET_SB = 250,  /* a subnegotiation begins */
    TELNET_WILL = 251,
    TELNET_WONT = 252,
    TELNET_DO = 253,
    TELNET_DONT = 254,
    TELNET_IAC = 255
};

/*
 * A subnegotiation ends with IAC SE. Latin-1 text may begin one by chance; so it is given
 * up after this many bytes, or at a line feed after a few of them, and what follows is data
 * again. (Earlier, a line feed may be real: the 10 rows of a window; RFC 1073.)
 */
#define TELNET_SUBNEGOTIATION_MOST 1024
#define TELNET_SUBNEGOTIATION_LINE 64

/* The decoder's place. All zero bytes is the start of a stream. */
struct telnet {
    unsigned char state;
    unsigned char verb, option; /* of the last WILL, WONT, DO or DONT */
    unsigned short length;      /* of the subnegotiation so far */
};

/* The three bytes that answer a DO or a WILL. They are not a string: there is no NUL. */
struct telnet_reply {
    char bytes[3];
};

enum telnet_event {
    TELNET_NOTHING,       /* the byte belongs to a command that needs no answer */
    TELNET_DATA,          /* the byte is data */
    TELNET_REFUSE,        /* the peer asks for an option or offers one: send the reply */
    TELNET_ANSWERED,      /* the peer said WONT or DONT: see verb and option */
    TELNET_ARE_YOU_THERE, /* the peer's user asks for a visible sign of life */
};

/* How many of the `length` bytes from here on are data, none of which is an IAC. */
size_t telnet_plain(const struct telnet *telnet, const unsigned char *bytes,
                    size_t length);

/*
 * Takes the next byte of the stream. On TELNET_REFUSE, `reply` is WONT for a DO and DONT
 * for a WILL; otherwise it is not touched.
 */
enum telnet_event telnet_take(struct telnet *telnet, unsigned char byte,
                              struct telnet_reply *reply);

#endif
