#include "irc/irc.h"

#include <string.h>

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

static bool is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

static int numeric_of(const char *command)
{
    if (strlen(command) != 3 || !is_digit(command[0]) || !is_digit(command[1]) ||
        !is_digit(command[2]))
        return 0;
    return (command[0] - '0') * 100 + (command[1] - '0') * 10 + command[2] - '0';
}

/* toupper() depends on the locale, and a protocol must not. */
static char capital(char letter)
{
    return letter >= 'a' && letter <= 'z' ? (char)(letter - 'a' + 'A') : letter;
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
        *letter = capital(*letter);
    message->command = command;
    message->numeric = numeric_of(command);
    take_params(text, message);
    return *command != '\0';
}

/* ---- Names -------------------------------------------------------------------------- */

void irc_nick(const struct irc_message *message, char out[IRC_NICK_MOST + 1])
{
    size_t length = irc_cut(message->prefix, IRC_NICK_MOST);
    size_t nick = strcspn(message->prefix, "!@");

    if (nick < length)
        length = nick;
    memcpy(out, message->prefix, length);
    out[length] = '\0';
}

static char folded(char letter)
{
    static const char small[] = "{}|~", large[] = "[]\\^";
    const char *found = letter == '\0' ? NULL : strchr(small, letter);

    return found != NULL ? large[found - small] : capital(letter);
}

bool irc_same(const char *a, const char *b)
{
    while (*a != '\0' && folded(*a) == folded(*b))
        a++, b++;
    return *a == '\0' && *b == '\0';
}

bool irc_is_nick(const char *name)
{
    static const char special[] = "[]\\`_^{|}", letters[] = "abcdefghijklmnopqrstuvwxyz"
                                                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t length = 0;

    for (; name[length] != '\0'; length++) {
        bool begins = strchr(special, name[length]) != NULL ||
                      strchr(letters, name[length]) != NULL;

        if (!begins && (length == 0 || !(is_digit(name[length]) || name[length] == '-')))
            return false;
    }
    return length > 0 && length <= IRC_NICK_MOST;
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

enum {
    CTCP = 0x01,
    BOLD,
    COLOUR,     /* then up to two digits, a comma, and two more */
    HEX_COLOUR, /* then six digits, a comma, and six more */
    PLAIN = 0x0F,
    MONOSPACE = 0x11,
    REVERSE = 0x16,
    ITALIC = 0x1D,
    STRUCK,
    UNDERLINED
};

static size_t digits(const char *text, size_t most, bool hex)
{
    size_t length = strspn(text, hex ? "0123456789abcdefABCDEF" : "0123456789");

    if (hex)
        return length < most ? 0 : most;
    return length < most ? length : most;
}

/* The length of a colour's digits: for the letters, and for their background. */
static size_t colours(const char *text, bool hex)
{
    size_t most = hex ? 6 : 2, front = digits(text, most, hex), back;

    if (front == 0 || text[front] != ',')
        return front;
    back = digits(text + front + 1, most, hex);
    return back == 0 ? front : front + 1 + back;
}

void irc_strip(char *text)
{
    char *out = text;

    while (*text != '\0') {
        char code = *text++;

        switch (code) {
        case COLOUR:
        case HEX_COLOUR: text += colours(text, code == HEX_COLOUR); break;
        case BOLD:
        case PLAIN:
        case MONOSPACE:
        case REVERSE:
        case ITALIC:
        case STRUCK:
        case UNDERLINED: break;
        default: *out++ = code; break;
        }
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
