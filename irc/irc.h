/*
 * irc: reads and writes messages of Internet Relay Chat (RFC 2812; for what clients do
 * today see the Modern IRC Client Protocol, https://modern.ircdocs.horse).
 *
 *     :prefix COMMAND parameter parameter :the last one, with spaces in it CR LF
 *
 * A message has at most 512 bytes, CR LF included, and 15 parameters. No message that was
 * read or is written holds a CR, LF or NUL. So nothing that people say becomes a second
 * command.
 */
#ifndef IRC_IRC_H
#define IRC_IRC_H

#include <stdbool.h>
#include <stddef.h>

#define IRC_MESSAGE_MOST 512
#define IRC_PARAMS_MOST  15

/* The message so far, a string; all zero bytes is the start of a stream. */
struct irc_reader {
    size_t length;
    bool is_whole;
    char text[IRC_MESSAGE_MOST - 1];
};

/*
 * Takes bytes until a message is whole or until there are no more. Returns the number of
 * bytes taken. If is_whole, the text is a message without its end, for irc_parse(); the
 * next call begins the next message. A lone CR or LF also ends a message, as on servers;
 * empty messages and NULs (RFC 1459 2.3.1 allows none) are dropped, and a message that is
 * too long is cut.
 */
size_t irc_read(struct irc_reader *reader, const char *bytes, size_t length);

/* A parsed message. Its strings are parts of the text that was parsed. */
struct irc_message {
    const char *prefix;            /* nick!user@host, or a server's name, or "" */
    const char *command;           /* in capitals, or three digits */
    int numeric;                   /* the number in those digits, or 0 */
    int count;                     /* of parameters */
    char *params[IRC_PARAMS_MOST]; /* those from `count` on are "" */
};

/* Parses `text` in place. False: it holds no command. */
bool irc_parse(char *text, struct irc_message *message);

/*
 * The sender's nick, or the server's name: the prefix up to its "!" or "@", cut to
 * IRC_NICK_MOST bytes. Networks allow 9 (RFC 2812) to 32.
 */
#define IRC_NICK_MOST 63
void irc_nick(const struct irc_message *message, char out[IRC_NICK_MOST + 1]);

/* Are two nicks or channels the same? {}|~ are the lower case of []\^ (RFC 2812 2.2). */
bool irc_same(const char *a, const char *b);

/* May the name be sent as a nick, or as a channel? A server may allow less. */
bool irc_is_nick(const char *name);
bool irc_is_channel(const char *name);

/*
 * Makes a message of a text, "COMMAND parameter :the last one". CR and LF become spaces,
 * and what does not fit is cut off, between characters of UTF-8. Returns the length with
 * CR LF.
 */
size_t irc_build(char out[IRC_MESSAGE_MOST], const char *text);

/*
 * The length of the longest beginning of a text that has at most `most` bytes and cuts no
 * character of UTF-8. It is 0 for an empty text, and for a character that does not fit.
 */
size_t irc_cut(const char *text, size_t most);

/* Removes the codes of https://modern.ircdocs.horse/formatting: colour, bold, in place. */
void irc_strip(char *text);

/* What the text of a PRIVMSG or NOTICE is (for CTCP: https://modern.ircdocs.horse/ctcp). */
enum irc_kind {
    IRC_SPEECH,
    IRC_ACTION, /* "/me waves" */
    IRC_OTHER   /* some other message from program to program */
};

/* Returns which kind, and removes the wrapping in place: *text is then what was said. */
enum irc_kind irc_unwrap(char **text);

#endif
