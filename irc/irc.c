#include "irc/irc.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"

/* ---- Messages out of a stream of bytes ---------------------------------------------- */

size_t irc_read(struct irc_reader *reader, const char *bytes, size_t length)
{
    size_t taken = 0;

    if (reader->is_whole)
        reader->length = 0;
    reader->is_whole = false;
    while (taken < length && !reader->is_whole) {
        char byte = bytes[taken++];

        if (byte == '\r' || byte == '\n')
            reader->is_whole = reader->length > 0;
        else if (byte != '\0' && reader->length < sizeof reader->text - 1)
            reader->text[reader->length++] = byte;
    }
    reader->text[reader->length] = '\0';
    return taken;
}

/* ---- A message taken apart ---------------------------------------------------------- */

static char *skip_spaces(char *text)
{
    return text + strspn(text, " ");
}

/* Ends the word at *text, moves *text past it and its spaces, and returns the word. */
static char *take_word(char **text)
{
    char *word = *text, *end = word + strcspn(word, " ");

    *text = skip_spaces(end);
    *end = '\0';
    return word;
}

static int numeric_of(const char *command)
{
    bool is_numeric = strlen(command) == 3 && strspn(command, DIGITS) == 3;

    return is_numeric ? atoi(command) : 0;
}

static void take_params(char *text, struct irc_message *message)
{
    while (*text != '\0' && message->count < IRC_PARAMS_MOST) {
        bool is_last = message->count == IRC_PARAMS_MOST - 1;

        if (*text == ':' || is_last) {
            message->params[message->count++] = text + (*text == ':');
            return;
        }
        message->params[message->count++] = take_word(&text);
    }
}

bool irc_parse(char *text, struct irc_message *message)
{
    char *nothing = text + strlen(text), *command;

    *message = (struct irc_message){.prefix = nothing};
    for (int i = 0; i < IRC_PARAMS_MOST; i++)
        message->params[i] = nothing;
    text = skip_spaces(text);
    if (*text == ':')
        message->prefix = take_word(&text) + 1;
    command = take_word(&text);
    for (char *letter = command; *letter != '\0'; letter++)
        *letter = (char)toupper((unsigned char)*letter);
    message->command = command;
    message->numeric = numeric_of(command);
    take_params(text, message);
    return *command != '\0';
}

/* ---- Names -------------------------------------------------------------------------- */

void irc_nick(const struct irc_message *message, char out[IRC_NICK_MOST + 1])
{
    snprintf(out, IRC_NICK_MOST + 1, "%.*s", (int)strcspn(message->prefix, "!@"),
             message->prefix);
}

static int folded(char letter)
{
    static const char small[] = "{}|~", large[] = "[]\\^";
    const char *found = letter == '\0' ? NULL : strchr(small, letter);

    return found != NULL ? large[found - small] : toupper((unsigned char)letter);
}

bool irc_same(const char *a, const char *b)
{
    while (*a != '\0' && folded(*a) == folded(*b))
        a++, b++;
    return *a == '\0' && *b == '\0';
}

bool irc_is_nick(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "[]\\`_^{|}-" DIGITS;
    size_t length = strlen(name);

    return length > 0 && length <= IRC_NICK_MOST && strspn(name, letters) == length &&
           strspn(name, "-" DIGITS) == 0;
}

bool irc_is_channel(const char *name)
{
    return *name != '\0' && strchr("#&+!", *name) != NULL && name[1] != '\0' &&
           strpbrk(name, " ,:\a\r\n") == NULL && strlen(name) <= 200;
}

/* ---- Messages built ----------------------------------------------------------------- */

size_t irc_cut(const char *text, size_t most)
{
    size_t length = strlen(text);

    if (length <= most)
        return length;
    /* At most three bytes continue a character. More are not UTF-8, and are cut
       anywhere. */
    for (size_t back = 0; back <= 3 && back <= most; back++)
        if (((unsigned char)text[most - back] & 0xC0) != 0x80)
            return most - back;
    return most;
}

size_t irc_build(char out[IRC_MESSAGE_MOST], const char *text)
{
    size_t length = irc_cut(text, IRC_MESSAGE_MOST - 2);

    for (size_t i = 0; i < length; i++)
        out[i] = text[i] == '\r' || text[i] == '\n' ? ' ' : text[i];
    memcpy(out + length, "\r\n", 2);
    return length + 2;
}

/* ---- What people say ---------------------------------------------------------------- */

#define CTCP   '\x01'
#define COLOUR '\x03' /* then up to two digits, a comma, and two more */

/* Bold, hexadecimal colour (its digits stay), plain, monospace, reverse, italic, struck,
   underlined. */
#define FORMATS "\x02\x04\x0F\x11\x16\x1D\x1E\x1F"

/* The length of a colour's number at the beginning of a text. */
static size_t colour_length(const char *text)
{
    size_t length = strspn(text, DIGITS);

    return length < 2 ? length : 2;
}

/* Skips the number of the letters' colour, and that of their background. */
static char *skip_colours(char *text)
{
    size_t front = colour_length(text), back;

    text += front;
    if (front == 0 || *text != ',')
        return text;
    back = colour_length(text + 1);
    return back == 0 ? text : text + 1 + back;
}

void irc_strip(char *text)
{
    char *out = text;

    while (*text != '\0') {
        char code = *text++;

        if (code == COLOUR)
            text = skip_colours(text);
        else if ((unsigned char)code >= ' ' || strchr(FORMATS, code) == NULL)
            *out++ = code;
    }
    *out = '\0';
}

enum irc_kind irc_unwrap(char **text)
{
    static const char action[] = "ACTION ";
    char *end;

    if (**text != CTCP)
        return IRC_SPEECH;
    end = *text + strlen(*text);
    if (end[-1] == CTCP && end - 1 > *text) /* some clients omit it */
        end[-1] = '\0';
    ++*text;
    if (strncmp(*text, action, strlen(action)) != 0)
        return IRC_OTHER;
    *text += strlen(action);
    return IRC_ACTION;
}
