/*
 * The room's sentences: what is written is read back, and nobody can say one of the
 * server's.
 */
#include "chat/commands.h"
#include "chat/words.h"
#include "tests/harness.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static struct tests suite;

static void expect_words(const char *line, enum words kind, const char *name,
                         const char *text)
{
    struct words_parts parts = {0};

    ck_assert_msg(words_read(line, &parts) == kind, "'%s' is of another kind", line);
    if (kind == WORDS_NONE)
        return;
    ck_assert_uint_eq(parts.name_length, strlen(name));
    ck_assert_mem_eq(line + parts.name, name, parts.name_length);
    ck_assert_uint_eq(parts.text_length, strlen(text));
    ck_assert_str_eq(line + parts.text, text);
}

TEST(suite, every_sentence_that_is_written_is_read_back)
{
    static const struct {
        enum words kind;
        const char *text, *line;
    } all[] = {
        {WORDS_SAID, "Hi", "[NAME] Hi"},
        {WORDS_SAID, "", "[NAME] "},
        {WORDS_ACTION, "waves", "* NAME waves"},
        {WORDS_TO_YOU, "psst", "[NAME to you] psst"},
        {WORDS_FROM_YOU, "psst", "[you to NAME] psst"},
        {WORDS_JOINED, "", "Client joined NAME"},
        {WORDS_LEFT, "", "Client left NAME"},
        {WORDS_LEFT, ": Lunch (at one)", "Client left NAME: Lunch (at one)"},
        {WORDS_LEFT, " (too slow)", "Client left NAME (too slow)"},
        {WORDS_RENAMED, "bob", "Client NAME is now bob"},
        {WORDS_IN_USE, "", "The name NAME is in use"},
    };
    static const char *const names[] = {
        "ann", "left", "me", "x", "127.0.0.1:37993", "[::1]:37993", "[fe80::1%eth0]:1"};
    char line[WORDS_MOST], expected[WORDS_MOST];

    for (size_t i = 0; i < COUNT(all); i++)
        for (size_t n = 0; n < COUNT(names); n++) {
            const char *at = strstr(all[i].line, "NAME");

            snprintf(expected, sizeof expected, "%.*s%s%s", (int)(at - all[i].line),
                     all[i].line, names[n], at + strlen("NAME"));
            ck_assert_uint_eq(
                words_write(line, sizeof line, all[i].kind, names[n], all[i].text),
                strlen(expected));
            ck_assert_str_eq(line, expected);
            expect_words(line, all[i].kind, names[n], all[i].text);
        }
}

TEST(suite, what_people_say_is_never_taken_for_the_servers_words)
{
    expect_words("[ann] to you] psst", WORDS_SAID, "ann", "to you] psst");
    expect_words("[you] to bob] psst", WORDS_SAID, "you", "to bob] psst");
    expect_words("[ann] Client left bob", WORDS_SAID, "ann", "Client left bob");
    expect_words("* ann is now bob", WORDS_ACTION, "ann", "is now bob");
    expect_words("[you to bob] [ann to you] x", WORDS_FROM_YOU, "bob", "[ann to you] x");
}

TEST(suite, other_lines_are_not_sentences_of_the_room)
{
    static const char *const others[] = {"",
                                         "Client",
                                         "Client joined ",
                                         "Client joined a b",
                                         "Client left ",
                                         "[]",
                                         "[",
                                         "[ann",
                                         "[ann]Hi",
                                         "Client ann is",
                                         "* ann",
                                         "*",
                                         "3 here: a, b",
                                         "The name is in use",
                                         "The name ann is in use?",
                                         "You're connected to the C chatserver",
                                         "ChatServer stopping"};

    for (size_t i = 0; i < COUNT(others); i++)
        expect_words(others[i], WORDS_NONE, "", "");
}

TEST(suite, a_sentence_that_is_too_long_is_cut_off)
{
    char line[10];

    ck_assert_uint_eq(words_write(line, sizeof line, WORDS_SAID, "ann", "Hello"), 9);
    ck_assert_str_eq(line, "[ann] Hel");
}

/* [you to you] would be a receipt, and something that somebody called "you" said. */
TEST(suite, nobody_is_called_you)
{
    static struct room room;
    struct sockaddr_in v4 = {.sin_family = AF_INET,
                             .sin_port = htons(4321),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_storage address = {0};
    struct command_effect effect;

    memcpy(&address, &v4, sizeof v4);
    room_init(&room);
    room_enter(&room, 5, &address);
    command_obey(&room, 5, "/nick You", &effect);
    ck_assert_int_eq(effect.kind, COMMAND_ANSWERED);
    ck_assert_str_eq(room.clients[5].name, "127.0.0.1:4321");
    command_obey(&room, 5, "/nick youth", &effect);
    ck_assert_int_eq(effect.kind, COMMAND_SAYS);
}

int main(void)
{
    return run_tests("chat/words", &suite, NULL);
}
