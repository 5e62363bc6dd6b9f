/*
 * irc: messages of the Internet Relay Chat, read and written (RFC 2812; what clients do
 * today is in the Modern IRC Client Protocol, https://modern.ircdocs.horse).
 *
 *     :prefix COMMAND parameter parameter :the last one, with spaces in it CR LF
 *
 * A message has 512 bytes at the most, its CR LF among them, and 15 parameters. Before it
 * may stand tags (IRCv3's, "@key=value;... ", up to 8,191 bytes more): the reader skips
 * them.
 * What was read holds no CR, LF or NUL, and none can be written: so nothing that somebody
 * says becomes a second command.
 */
#ifndef IRC_IRC_H
#define IRC_IRC_H

#include <stdbool.h>
#include <stddef.h>

#define IRC_MESSAGE_MOST 512
#define IRC_PARAMS_MOST  15

/* The message so far; all zero bytes is the start of a stream. */
struct irc_reader {
    size_t length;
    unsigned char place; /* in the tags, in the message, or behind its end: irc.c */
    char text[IRC_MESSAGE_MOST - 1];
};

/*
 * Takes bytes until a message is whole or until there are no more. Returns how many it
 * took. *whole: reader->text is a message without its end, a string, for irc_parse();
 * the next call begins the next. CR or LF alone end one too, as servers have it; empty
 * messages are passed over, a NUL is left out, and what is too long is cut.
 */
size_t irc_read(struct irc_reader *reader, const char *bytes, size_t length, bool *whole);

/* A message taken apart: strings within the text that was parsed. */
struct irc_message {
    const char *prefix;            /* nick!user@host, or a server; "": it does not say */
    const char *command;           /* in capitals, or three digits */
    int numeric;                   /* those digits' number; 0 for a word */
    int count;                     /* of parameters */
    char *params[IRC_PARAMS_MOST]; /* all can be looked at: those that lack are "" */
};

/* Cuts `text` up in place. False: it holds no command. */
bool irc_parse(char *text, struct irc_message *message);

/*
 * The sender's nick, or the server's name: the prefix up to its "!" or "@". What is over
 * IRC_NICK_MOST bytes is cut; networks allow 9 (RFC 2812) to 32.
 */
#define IRC_NICK_MOST 63
void irc_nick(const struct irc_message *message, char out[IRC_NICK_MOST + 1]);

/* Are two nicks or channels the same? {}|~ are the small letters of []\^ (RFC 2812 2.2). */
bool irc_same(const char *a, const char *b);

/* May it be sent as a nick, or as a channel? What a server allows can be less. */
bool irc_is_nick(const char *name);
bool irc_is_channel(const char *name);

/*
 * Builds a message of a command and its parameters, strings up to a NULL. The last may
 * hold spaces, or nothing. CR and LF in it become spaces, and what is too long for a
 * message is cut from it, at a character of UTF-8. Returns the length with CR LF, or 0:
 * a parameter before the last is empty, holds a space, CR or LF, or begins with a colon,
 * or they are too long.
 */
size_t irc_build(char out[IRC_MESSAGE_MOST], const char *command, ...);

/*
 * How many of a text's bytes come first, so that these are `most` at the most, and no
 * character of UTF-8 is cut. It is 0 for no text, and for a character that does not fit.
 */
size_t irc_cut(const char *text, size_t most);

/*
 * Takes out the codes for colour, bold and the like, in place (what they are is at
 * https://modern.ircdocs.horse/formatting). Other control characters stay.
 */
void irc_strip(char *text);

/* What the text of a PRIVMSG or NOTICE is (CTCP: https://modern.ircdocs.horse/ctcp). */
enum irc_kind {
    IRC_SPEECH,
    IRC_ACTION, /* "/me waves" */
    IRC_OTHER   /* another question of a program to a program */
};

/* Tells which, and makes *text what was said, without its wrapping (in place). */
enum irc_kind irc_unwrap(char **text);

#endif
