/*
 * Fuzzes irc/irc.h: a stream makes the same messages however it is cut, and no text
 * becomes a second command.
 *
 * Modules: irc/irc.c
 */
#include "tests/fuzz/fuzz.h"

#include "irc/irc.h"

#include <stdio.h>

static void check_text(const char *param)
{
    char *text = copy_of(param, strlen(param) + 1), *said = text;

    irc_strip(text);
    assert(strlen(text) <= strlen(param));
    assert(strpbrk(text, "\x02\x03\x04\x0F\x11\x16\x1D\x1E\x1F") == NULL);
    (void)irc_unwrap(&said);
    assert(said >= text && said <= text + strlen(param));
    for (size_t most = 0; most <= strlen(text) + 1; most += 1 + most / 4) {
        size_t length = irc_cut(text, most);

        assert(length <= most && length <= strlen(text));
        assert(length + 4 > most || length == strlen(text));
    }
    free(text);
}

/* Reads back what irc_build() made. It must be one message. */
static void read_again(const char *built, size_t length, struct irc_message *message)
{
    static struct irc_reader reader;

    assert(length >= 3 && length <= IRC_MESSAGE_MOST);
    memset(&reader, 0, sizeof reader);
    assert(irc_read(&reader, built, length) >= length - 1 && reader.is_whole);
    assert(irc_parse(reader.text, message));
}

static void check_message(char *text)
{
    struct irc_message message;
    char nick[IRC_NICK_MOST + 1];

    assert(strlen(text) > 0 && strlen(text) <= IRC_MESSAGE_MOST - 2);
    assert(strpbrk(text, "\r\n") == NULL);
    if (!irc_parse(text, &message))
        return;
    assert(*message.command != '\0' && message.count <= IRC_PARAMS_MOST);
    assert(message.numeric >= 0 && message.numeric <= 999);
    irc_nick(&message, nick);
    assert(strpbrk(nick, "!@ ") == NULL && irc_same(nick, nick));
    for (int i = 0; i < IRC_PARAMS_MOST; i++) {
        assert(i < message.count || *message.params[i] == '\0');
        assert(i >= message.count - 1 || strchr(message.params[i], ' ') == NULL);
        check_text(message.params[i]);
    }
}

static void take_stream(const uint8_t *bytes, size_t length, struct cut *cut,
                        struct notes *notes)
{
    static struct irc_reader reader;

    memset(&reader, 0, sizeof reader);
    notes->length = 0;
    while (length > 0) {
        size_t piece = cut == NULL ? length : cut_next(cut, length);
        char *copy = copy_of(bytes, piece);

        for (size_t taken = 0; taken < piece;) {
            taken += irc_read(&reader, copy + taken, piece - taken);
            assert(taken <= piece && (reader.is_whole || taken == piece));
            if (reader.is_whole)
                notes_add_string(notes, reader.text);
        }
        free(copy);
        bytes += piece;
        length -= piece;
    }
}

/*
 * Any words, as somebody at a keyboard may say them, are one message, also where there is
 * hardly space for them after a long target.
 */
static void check_words(const uint8_t *data, size_t size)
{
    char *words = string_of(data, size);
    char target[491] = "", out[IRC_MESSAGE_MOST];
    char *text = malloc(strlen(words) + sizeof target + 16);
    struct irc_message message;

    for (size_t length = 1; length < sizeof target; length += 489) {
        memset(target, '#', length);
        sprintf(text, "PRIVMSG %s :%s", target, words);
        read_again(out, irc_build(out, text), &message);
        assert(strcmp(message.command, "PRIVMSG") == 0 && message.count == 2);
        assert(strcmp(message.params[0], target) == 0);
    }
    free(text);
    free(words);
}

/* NULs are left out, wherever they are. Returns the length without them. */
static size_t remove_nuls(uint8_t *bytes, size_t length)
{
    size_t kept = 0;

    for (size_t i = 0; i < length; i++)
        if (bytes[i] != '\0')
            bytes[kept++] = bytes[i];
    return kept;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct notes whole, pieces, without_nuls;
    struct cut cut;
    uint8_t *copy;

    if (size == 0)
        return 0;
    cut.state = data[0];
    copy = copy_of(data, size);
    take_stream(data + 1, size - 1, NULL, &whole);
    take_stream(data + 1, size - 1, &cut, &pieces);
    assert(notes_equal(&whole, &pieces));
    take_stream(copy + 1, remove_nuls(copy + 1, size - 1), NULL, &without_nuls);
    assert(notes_equal(&whole, &without_nuls));
    free(copy);
    for (size_t at = 0; at < whole.length;) {
        size_t length = strlen(whole.bytes + at) + 1;
        char *text = copy_of(whole.bytes + at, length);

        check_message(text);
        free(text);
        at += length;
    }
    check_words(data + 1, size - 1);
    return 0;
}
