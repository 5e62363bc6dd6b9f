/* irc_relay between rooms and servers that misbehave. */
#include "tests/relay.h"

#include "net/line.h"

#include <stdlib.h>
#include <string.h>

static struct tests suite;

/* ---- Hostile rooms ------------------------------------------------------------------ */

TEST(suite, the_rest_of_a_line_that_is_not_for_the_channel_is_not_mistaken_for_a_line)
{
    static const char *const begins[] = {"[ann to you] ",
                                         "[ann] <relay> <x> ",
                                         "Client left ann: ",
                                         "You're connected ",
                                         "* ",
                                         "[a b"};
    static const char *const forged[] = {"[bob] I quit", "* bob dies", "Client left bob"};

    link_fakes("relay", "0");
    for (size_t i = 0; i < COUNT(begins); i++) {
        for (size_t k = 0; k < COUNT(forged); k++) {
            send_text(&fake_room, begins[i]);
            send_repeated(&fake_room, "p", LINE_MOST - strlen(begins[i]));
            send_line(&fake_room, "%s\r", forged[k]);
        }
    }
    send_text(&fake_room, "[ann] the end\r\n");
    for (bool over = false; !over;) {
        char *line = take_line(&fake_server);

        over = strcmp(line, "PRIVMSG #room :<ann> the end") == 0;
        ck_assert_msg(over || strstr(line, "bob") == NULL, "'%s'", line);
    }
}

TEST(suite, a_name_longer_than_any_is_not_passed_on_and_does_no_harm)
{
    static const char *const forms[][2] = {
        {"* ", " "}, {"[", "] "}, {"[a<", "] "}, {"* ", "> "}};

    link_fakes("relay", "0");
    for (size_t i = 0; i < COUNT(forms); i++) {
        send_text(&fake_room, forms[i][0]);
        send_repeated(&fake_room, "a", 1500);
        send_text(&fake_room, forms[i][1]);
        send_repeated(&fake_room, "w", 3000);
        send_text(&fake_room, "\r\n");
    }
    send_text(&fake_room, "[[::1]:4000] the end\r\n");
    expect_line(&fake_server, "PRIVMSG #room :<[::1]:4000> the end");
}

TEST(suite, a_room_without_a_free_name_is_left)
{
    struct mock rooms = mock_open("127.0.0.1");
    struct stream server;

    relay = relay_start("relay", rooms.port, unused_port(), "#room", "0", NULL);
    server = mock_accept(&rooms);
    for (int i = 0; i < 100; i++) {
        const char *name = expect_beginning(&server, "/nick ");

        send_line(&server, "The name %.16s is in use\r", name);
    }
    expect_end(&server);
}

TEST(suite, a_room_that_does_not_answer_nick_is_left)
{
    struct mock rooms = mock_open("127.0.0.1");
    struct stream server;

    relay = relay_start("relay", rooms.port, unused_port(), "#room", "0", NULL);
    server = mock_accept(&rooms);
    send_text(&server, "Unknown command /nick\r\n");
    skip_to_containing(&relay.err, "no answer to /nick from the room at 127.0.0.1");
    expect_line(&server, "/nick relay");
    expect_end(&server);
    stream_close(&server);
}

/* The room stops reading when the relay has sent half a line, and then asks for a name. */
TEST(suite, a_line_that_was_begun_is_finished_before_another_name_is_asked_for)
{
    link_fakes("relay", "0");
    for (int sent = 0; sent < 20000; sent++) {
        irc_send(&fake_server, ":bob!u@h PRIVMSG #room :%s", repeated('x', 400));
        if (sent % 100 == 0) {
            send_text(&fake_server, "PING :turn\r\n");
            irc_await(&fake_server, "PONG :turn");
        }
    }
    send_text(&fake_room, "The name relay is in use\r\n");
    for (bool asked = false; !asked;) {
        char *line = take_line(&fake_room);
        const char *said = line + ((unsigned char)*line == 255 ? 3 : 0); /* IAC DO ... */

        asked = strcmp(said, "/nick relay1") == 0;
        ck_assert_msg(asked ||
                          (strncmp(said, "<bob> xxx", 9) == 0 && strlen(said) == 406) ||
                          strncmp(said, "-- ", 3) == 0,
                      "'%s'", line);
    }
}

/* ---- Hostile servers ---------------------------------------------------------------- */

TEST(suite, hostile_bytes_from_irc_reach_the_room_as_clean_lines)
{
    static const char bytes[] =
        ":a!b@c PRIVMSG\r\n:a PRIVMSG #room\r\nPRIVMSG #room :no prefix\r\n"
        ":a!b@c PRIVMSG #room :\033]0;title\a\x9B"
        "31m\x7F\xFF\xFF\r\n:\r\n@\r\n\n\n 001\r\n:<x>!b@c PRIVMSG #room :x\r\n"
        ":a!b@c NOTICE #room :N\0UL\r\n:a!b@c PRIVMSG #room :\3"
        "12,4colour\3 \2bold\r\n:a!b@c PRIVMSG #room :\1\1\r\n:a!b@c QUIT\r\n"
        ":a!b@c KICK #room\r\n:a!b@c NICK\r\n:a!b@c PART #room\r\n:a!b@c QUIT :\3\r\n"
        "433\r\n001\r\nPING\r\nJOIN\r\n:a!b@c PRIVMSG #room :\xE2\x82\r\n";
    struct mock fake = mock_open("127.0.0.1");
    struct stream ann, server;
    bool over = false;

    room = started(room_open());
    relay = relay_start("relay", room.port, fake.port, "#room", "0", NULL);
    server = fake_welcome(&fake, "#room");
    await_links(&relay);
    ann = named(&room, "ann");
    send_bytes(&server, bytes, sizeof bytes - 1);
    for (size_t i = 0; i < sizeof bytes - 1; i++)
        send_bytes(&server, bytes + i, 1);
    send_text(&server, ":a!b@c PRIVMSG #room :");
    send_repeated(&server, repeated('\x02', 1000), 100);
    send_text(&server, "\r\n:a!b@c PRIVMSG #room :");
    send_repeated(&server, repeated('\x9B', 1000), 100);
    send_text(&server, "\r\n:bob!b@c PRIVMSG #room :still here\r\n");
    while (!over) {
        const char *line = take_line(&ann);

        ck_assert_msg(strncmp(line, "[relay] ", 8) == 0, "'%s'", line);
        for (const char *at = line; *at != '\0'; at++)
            ck_assert_msg((unsigned char)*at >= 0x20 && *at != 0x7F, "'%s'", line);
        over = strcmp(line, "[relay] <bob> still here") == 0;
    }
}

TEST(suite, a_standard_error_that_nobody_reads_delays_nobody)
{
    ck_assert_int_eq(setenv("IRC_PASSWORD", "sesame", 1), 0);
    link_fakes("relay", "0");
    expect_no_wait_for_reader(&fake_server, &relay);
}

TEST(suite, wrong_usage_is_reported)
{
    expect_usage_error("bin/irc_relay", NULL);
    expect_usage_error("bin/irc_relay", "-r:", "#room", NULL);
    expect_usage_error("bin/irc_relay", "-rhost:0", "#room", NULL);
    expect_usage_error("bin/irc_relay", "-r[::1]x", "#room", NULL);
    expect_usage_error("bin/irc_relay", "-r[::1", "#room", NULL);
    expect_usage_error("bin/irc_relay", "-ix", "#room", NULL);
    expect_usage_error("bin/irc_relay", "room", NULL);
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "irc_relay", .tests = &suite, .tear_down = end_all}};

    return run_cases("irc_relay, hostile peers", cases, COUNT(cases));
}
