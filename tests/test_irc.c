/*
 * irc/irc: messages that servers send, and some that clients must not send. irc/relay_way:
 * what keeps relayed lines from going in circles.
 */
#include "tests/harness.h"

#include "irc/irc.h"
#include "irc/relay_way.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tests suite;

/* ---- Reading ------------------------------------------------------------------------ */

/* Reads a stream in pieces of `step` bytes. Returns its messages, each with a "|" after it. */
static const char *read_all(const char *bytes, size_t length, size_t step)
{
    static char out[65536];
    struct irc_reader reader = {0};
    size_t written = 0;

    for (size_t at = 0; at < length;) {
        size_t piece = length - at < step ? length - at : step, taken;

        taken = irc_read(&reader, bytes + at, piece);
        ck_assert(taken > 0 && taken <= piece && (reader.is_whole || taken == piece));
        at += taken;
        if (reader.is_whole)
            written +=
                (size_t)snprintf(out + written, sizeof out - written, "%s|", reader.text);
    }
    out[written] = '\0';
    return out;
}

TEST(suite, messages_are_the_same_however_the_stream_was_cut)
{
    static const char stream[] = "PING :a\r\n\r\n:s 001 me :hi\nA\rB\r\n:p C d\r\n"
                                 "N\0UL\r\nunfinished";

    for (size_t step = 1; step < sizeof stream; step++)
        ck_assert_str_eq(read_all(stream, sizeof stream - 1, step),
                         "PING :a|:s 001 me :hi|A|B|:p C d|NUL|");
}

TEST(suite, what_is_too_long_is_cut)
{
    static char stream[2048], expected[600];

    memset(stream, 'x', 2000);
    strcpy(stream + 2000, "\r\nnext\r\n");
    memset(expected, 'x', IRC_MESSAGE_MOST - 2);
    strcpy(expected + IRC_MESSAGE_MOST - 2, "|next|");
    ck_assert_str_eq(read_all(stream, strlen(stream), 7), expected);
}

static struct irc_message parse(const char *text)
{
    static char bytes[8][1024];
    static unsigned next;
    char *copy = bytes[next++ % 8];
    struct irc_message message;

    strcpy(copy, text);
    ck_assert(irc_parse(copy, &message));
    return message;
}

TEST(suite, a_message_is_prefix_command_and_parameters)
{
    struct irc_message message = parse(":ann!a@host  privmsg  #room   :hello: there ");
    char nick[IRC_NICK_MOST + 1];

    ck_assert_str_eq(message.prefix, "ann!a@host");
    ck_assert_str_eq(message.command, "PRIVMSG");
    ck_assert_int_eq(message.numeric, 0);
    ck_assert_int_eq(message.count, 2);
    ck_assert_str_eq(message.params[0], "#room");
    ck_assert_str_eq(message.params[1], "hello: there ");
    irc_nick(&message, nick);
    ck_assert_str_eq(nick, "ann");

    message = parse(":irc.example 433 * ann :Nickname already in use");
    ck_assert_int_eq(message.numeric, 433);
    ck_assert_int_eq(message.count, 3);
    irc_nick(&message, nick);
    ck_assert_str_eq(nick, "irc.example");
}

TEST(suite, missing_parameters_are_empty_strings)
{
    struct irc_message message = parse("PRIVMSG");
    char nick[IRC_NICK_MOST + 1], nothing[] = "", spaces[] = "  ", alone[] = ":prefix";
    char colon[] = ":";

    ck_assert_int_eq(message.count, 0);
    ck_assert_str_eq(message.prefix, "");
    for (int i = 0; i < IRC_PARAMS_MOST; i++)
        ck_assert_str_eq(message.params[i], "");
    irc_nick(&message, nick);
    ck_assert_str_eq(nick, "");
    ck_assert(!irc_parse(nothing, &message) && !irc_parse(spaces, &message));
    ck_assert(!irc_parse(alone, &message));
    ck_assert(!irc_parse(colon, &message));
}

TEST(suite, the_fifteenth_parameter_takes_the_rest)
{
    struct irc_message message = parse("X 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 and more");

    ck_assert_int_eq(message.count, IRC_PARAMS_MOST);
    ck_assert_str_eq(message.params[13], "14");
    ck_assert_str_eq(message.params[14], "15 and more");
}

TEST(suite, a_nick_longer_than_any_is_cut)
{
    char nick[IRC_NICK_MOST + 1];
    struct irc_message message = parse(formatted(":%s!u@h JOIN #c", repeated('n', 300)));

    irc_nick(&message, nick);
    ck_assert_uint_eq(strlen(nick), IRC_NICK_MOST);
}

/* ---- Names -------------------------------------------------------------------------- */

TEST(suite, names_are_compared_as_irc_does)
{
    ck_assert(irc_same("Ann[x]\\^", "aNN{X}|~"));
    ck_assert(irc_same("#Room", "#room") && irc_same("", ""));
    ck_assert(!irc_same("ann", "anna") && !irc_same("anna", "ann"));
    ck_assert(!irc_same("a_b", "a-b") && !irc_same("", "a"));
}

TEST(suite, nicks_and_channels_are_told_from_other_words)
{
    static const char *const bad_nicks[] = {"", "1ann", "-a", "an n", "a!b", "a\r", "é"};
    static const char *const bad_channels[] = {"",     "room", "#",       "#a b",
                                               "#a,b", "#a:b", "#a\rQUIT"};

    ck_assert(irc_is_nick("ann") && irc_is_nick("[a]-1`") && irc_is_nick("_"));
    ck_assert(irc_is_channel("#room") && irc_is_channel("&r"));
    for (size_t i = 0; i < COUNT(bad_nicks); i++)
        ck_assert_msg(!irc_is_nick(bad_nicks[i]), "'%s'", bad_nicks[i]);
    for (size_t i = 0; i < COUNT(bad_channels); i++)
        ck_assert_msg(!irc_is_channel(bad_channels[i]), "'%s'", bad_channels[i]);
}

/* ---- Writing ------------------------------------------------------------------------ */

static void expect_built(const char *text, const char *expected)
{
    char out[IRC_MESSAGE_MOST];
    size_t length = irc_build(out, text);

    ck_assert_uint_eq(length, strlen(expected));
    ck_assert_msg(memcmp(out, expected, length) == 0, "built '%.*s'", (int)length, out);
}

TEST(suite, no_second_command_can_be_built)
{
    expect_built("QUIT", "QUIT\r\n");
    expect_built("PRIVMSG #c :hi\r\nQUIT\n:x", "PRIVMSG #c :hi  QUIT :x\r\n");
    expect_built("PONG :a\rQUIT", "PONG :a QUIT\r\n");
    expect_built("\nQUIT\r\n", " QUIT  \r\n");
}

TEST(suite, a_text_too_long_is_cut_at_a_character)
{
    char out[IRC_MESSAGE_MOST], text[1024] = "PRIVMSG #c ";

    for (int i = 0; i < 300; i++)
        strcat(text, "€");
    /* 512 less "PRIVMSG #c " and CR LF: 166 characters of three bytes. */
    ck_assert_uint_eq(irc_build(out, text), 11 + 166 * 3 + 2);
    ck_assert_uint_eq(irc_cut("abc", 3), 3);
    ck_assert_uint_eq(irc_cut("ab€", 4), 2);
    ck_assert_uint_eq(irc_cut("€", 2), 0);
    ck_assert_uint_eq(irc_cut("", 2), 0);
    ck_assert_uint_eq(irc_cut("\x80\x80\x80\x80\x80\x80\x80\x80", 6), 6);
}

/* ---- What is said ------------------------------------------------------------------- */

static const char *strip(const char *text)
{
    static char copy[256];

    strcpy(copy, text);
    irc_strip(copy);
    return copy;
}

TEST(suite, formatting_codes_are_removed)
{
    ck_assert_str_eq(strip("\x02"
                           "bold\x0F \x1Dit\x1D \x1Fun\x1F\x04 \x16re\x16 \x11mo\x1Est"),
                     "bold it un re most");
    ck_assert_str_eq(strip("\x03"
                           "04,12red\x03 \x03"
                           "3green\x03,comma\x03"
                           "5,x\x03"
                           "123"),
                     "red green,comma,x3");
    ck_assert_str_eq(strip("plain \t€"), "plain \t€");
}

TEST(suite, an_action_is_known_from_speech_and_from_programs_questions)
{
    static const struct {
        const char *text;
        enum irc_kind kind;
        const char *said;
    } cases[] = {
        {"hello", IRC_SPEECH, "hello"},
        {"", IRC_SPEECH, ""},
        {"\x01"
         "ACTION waves\x01",
         IRC_ACTION, "waves"},
        {"\x01"
         "ACTION waves",
         IRC_ACTION, "waves"},
        {"\x01VERSION\x01", IRC_OTHER, "VERSION"},
        {"\x01", IRC_OTHER, ""},
        {"\x01\x01", IRC_OTHER, ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        char copy[64], *text = copy;

        strcpy(copy, cases[i].text);
        ck_assert_int_eq(irc_unwrap(&text), cases[i].kind);
        ck_assert_str_eq(text, cases[i].said);
    }
}

/* ---- Anything at all ---------------------------------------------------------------- */

/* Mostly bytes that mean something in a message, and now and then any other. */
static size_t random_stream(char *out, size_t size)
{
    static const char likely[] = " :@!\r\n\1\2\3\4,0159afPRIVMSG#\0\xE2\x82\xAC\x80";
    size_t length = random_below((unsigned)size);

    for (size_t i = 0; i < length; i++)
        out[i] = random_below(8) > 0 ? likely[random_below(sizeof likely)]
                                     : (char)random_below(256);
    return length;
}

/* Each string lies on the heap, so that a sanitizer sees a read past its end. */
static void use_message(const char *text)
{
    char *copy = strdup(text), out[IRC_MESSAGE_MOST], nick[IRC_NICK_MOST + 1];
    struct irc_message message;

    ck_assert_uint_le(strlen(text), IRC_MESSAGE_MOST - 2);
    ck_assert_ptr_null(strpbrk(text, "\r\n"));
    if (irc_parse(copy, &message)) {
        char again[IRC_MESSAGE_MOST + 16], *said;
        size_t length;

        irc_nick(&message, nick);
        snprintf(again, sizeof again, "PRIVMSG #c :%s", message.params[1]);
        length = irc_build(out, again);
        ck_assert(length > 2 && memchr(out, '\n', length) == out + length - 1 &&
                  memchr(out, '\r', length) == out + length - 2 &&
                  memchr(out, '\0', length) == NULL);
        said = message.params[message.count > 0 ? message.count - 1 : 0];
        (void)irc_unwrap(&said);
        irc_strip(said);
    }
    free(copy);
}

TEST(suite, random_bytes_do_no_harm)
{
    char stream[3000];

    for (int round = 0; round < 3000; round++) {
        size_t length = random_stream(stream, sizeof stream), at = 0;
        struct irc_reader reader = {0};

        while (at < length) {
            size_t piece = 1 + random_below((unsigned)(length - at));

            at += irc_read(&reader, stream + at, piece);
            if (reader.is_whole)
                use_message(reader.text);
        }
    }
}

/* ---- The way of relayed lines ------------------------------------------------------- */

static enum relay_way way_of(enum side side, const char *line)
{
    static const char *const names[] = {[ROOM] = "rb", [CHANNEL] = "cb"};

    return relay_way_of(names, side, line);
}

TEST(suite, a_line_that_came_through_this_relay_goes_no_further)
{
    ck_assert_int_eq(way_of(CHANNEL, "<x> <y> <cb> <ann> hi"), WAY_CAME_BACK);
    ck_assert_int_eq(way_of(ROOM, "<x> <y> <rb> * ann waves"), WAY_CAME_BACK);
    ck_assert_int_eq(way_of(ROOM, "<w> <x> <y> <cb> -- ann is now bob"), WAY_CAME_BACK);
    ck_assert_int_eq(way_of(CHANNEL, "<x> <y> <rb> <ann> hi"),
                     WAY_ON); /* somebody else */
    ck_assert_int_eq(way_of(CHANNEL, "<other> <ann> hi"), WAY_ON);
    ck_assert_int_eq(way_of(CHANNEL, "<ann> hi"), WAY_ON);
}

TEST(suite, the_last_name_is_the_authors_and_may_be_the_relays_name)
{
    ck_assert_int_eq(way_of(CHANNEL, "<other> <rb> hi"), WAY_ON);
    ck_assert_int_eq(way_of(CHANNEL, "<ann> <rb> a name, quoted"), WAY_ON);
    ck_assert_int_eq(way_of(ROOM, "<cb> hi"), WAY_ON);
}

TEST(suite, another_relay_of_the_same_room_and_channel_is_known)
{
    ck_assert_int_eq(way_of(CHANNEL, "<other> <rb> <bob> hi"), WAY_OTHER);
    ck_assert_int_eq(way_of(CHANNEL, "<third> <rb> -- the link to #room is up"),
                     WAY_OTHER);
    ck_assert_int_eq(way_of(ROOM, "<other> <cb> * ann waves"), WAY_OTHER);
}

TEST(suite, a_way_that_is_too_long_goes_no_further)
{
    char line[1024] = "";

    while (strlen(line) <= WAY_MOST)
        strcat(line, "<html> ");
    ck_assert_int_eq(way_of(CHANNEL, line), WAY_TOO_LONG);
    line[strlen(line) - strlen("<html> ")] = '\0';
    ck_assert_int_eq(way_of(CHANNEL, line), WAY_ON);
}

TEST(suite, the_way_is_the_names_in_angle_brackets_at_the_beginning)
{
    ck_assert_uint_eq(way_length("<ann> <bob> hi <x> "), strlen("<ann> <bob> "));
    ck_assert_uint_eq(way_length("hi <ann> "), 0);
    ck_assert_uint_eq(way_length("<> hi"), 0);
    ck_assert_uint_eq(way_length("<a b> hi"), 0);
    ck_assert_uint_eq(way_length("<ann>hi"), 0);
    ck_assert_uint_eq(way_length("<ann"), 0);
    ck_assert_uint_eq(way_length(""), 0);
}

int main(void)
{
    return run_tests("irc: messages and their way", &suite, NULL);
}
