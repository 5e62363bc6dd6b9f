/* irc_relay when one side is slow, full or gone: the pace, what is lost, coming back. */
#include "tests/relay.h"

#include "base/clock.h"
#include "irc/irc.h"
#include "net/line.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static struct tests tests, on_ngircd;

/* Links a room, in which ann is, with a server that the test plays. */
static struct stream link_to_mock(const char *pace, const char *option,
                                  struct stream *ann)
{
    struct mock fake = mock_open("127.0.0.1");
    struct stream server;

    room = started(room_open());
    relay = relay_start("relay", room.port, fake.port, "#room", pace, option);
    server = fake_welcome(&fake, "#room");
    await_links(&relay);
    *ann = named(&room, "ann");
    return server;
}

/* ---- The pace ----------------------------------------------------------------------- */

TEST(tests, it_keeps_to_the_pace_after_the_first_lines)
{
    struct stream ann, server = link_to_mock("0.2", "-q", &ann);
    int64_t begun = clock_ms(), fifth = 0;

    send_text(&ann, "1\n2\n3\n4\n5\n6\n7\n8\n");
    for (int i = 1; i <= 8; i++) {
        irc_await(&server, formatted("PRIVMSG #room :<ann> %d", i));
        if (i == 5)
            fifth = clock_ms();
        if (i == 6) { /* the pace does not delay an answer */
            send_text(&server, "PING :now\r\n");
            expect_line(&server, "PONG :now");
        }
    }
    ck_assert_int_ge(clock_ms() - begun, 3 * 200 - 20);
    ck_assert_int_ge(clock_ms() - fifth, 2 * 200);
}

/* A question after five seconds would cost as much as a line. */
TEST(tests, while_lines_wait_for_the_pace_no_question_takes_their_place)
{
    enum { LINES = 14 };
    struct stream ann, server = link_to_mock("0.6", "-q", &ann);

    for (int i = 0; i < LINES; i++)
        send_line(&ann, "%d", i);
    irc_await(&server, "the link to the room is up");
    for (int i = 0; i < LINES; i++) /* 0.6 s each, after five */
        expect_line(&server, "PRIVMSG #room :<ann> %d", i);
    expect_line(&server, "PING arrived");
}

TEST(tests, what_is_said_does_not_wait_for_news_of_joins)
{
    enum { JOINED = 50 };
    char text[JOINED * 32 + 32] = "";
    int lines = 0;

    link_fakes("relay", "0.1");
    for (int i = 0; i < JOINED; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "Client joined 10.0.0.1:%d\r\n", 4000 + i);
    strcat(text, "[ann] hello\r\n");
    send_text(&fake_room, text);
    for (bool heard = false; !heard; lines++) {
        char *line = take_line(&fake_server);

        heard = strcmp(line, "PRIVMSG #room :<ann> hello") == 0;
    }
    ck_assert_int_lt(lines, 8);
}

/* Such a server puts only our nick before our JOIN, without user and host. */
TEST(tests, a_message_fits_even_if_the_server_does_not_show_who_we_are)
{
    struct mock fake = mock_open("127.0.0.1");
    struct stream ann, server;

    room = started(room_open());
    relay = relay_start("relay", room.port, fake.port, "#room", "0", "-q");
    server = fake_accept(&fake);
    irc_send(&server, ":fake 001 relay :Welcome");
    irc_send(&server, ":relay JOIN #room");
    await_links(&relay);
    ann = named(&room, "ann");
    send_repeated(&ann, "x", 1000);
    send_text(&ann, "\n");
    ck_assert_uint_le(strlen(":relay!netlabuser@") + 63 + 1 +
                          strlen(irc_await(&server, "<ann> ")) + 2,
                      IRC_MESSAGE_MOST);
}

/* ---- What is lost, and counted ------------------------------------------------------ */

/* How many lines this report says were dropped. */
static int dropped_by(const char *line)
{
    int dropped;

    return strstr(line, " dropped on the way to #room") != NULL &&
                   sscanf(line, "irc_relay: %d line", &dropped) == 1
               ? dropped
               : 0;
}

/* While IRC is out of reach, too many long lines are said: whole lines are dropped. */
static void overflow(int said, int length)
{
    struct mock fake = mock_open("127.0.0.1");
    struct stream ann, server;
    int begun = 0, ended = 0, dropped = 0;
    char *line;

    room = started(room_open());
    relay = relay_start("relay", room.port, fake.port, "#room", "0", "-q");
    server = fake_accept(&fake);
    expect_containing(&relay.err, "in the room");
    ann = named(&room, "ann");
    for (int i = 0; i < said; i++)
        send_line(&ann, "begun %0*d ended", length, i);
    line = take_line(&relay.err);
    dropped = dropped_by(line);
    (void)skip_to_line(&ann, "[relay] -- %s", line + strlen("irc_relay: "));
    /* The room has sent everything. A relay that answers PING has read what was there. */
    send_text(&ann, "/msg relay end\n");
    (void)skip_to_line(&ann, "[you to relay] end");
    for (int i = 0; i < 100; i++) {
        send_text(&server, "PING :turn\r\n");
        expect_line(&server, "PONG :turn");
    }
    send_text(&server, ":fake 001 relay :Welcome\r\n");
    irc_await(&server, "JOIN");
    send_text(&server, ":relay!r@h JOIN #room\r\n");
    (void)skip_to_line(&ann, "[relay] -- the link to #room is up");
    send_text(&ann, "after\n");
    for (bool over = false; !over;) {
        line = take_line(&server);
        over = strstr(line, "<ann> after") != NULL;
        begun += strstr(line, "<ann> begun ") != NULL;
        ended += strstr(line, " ended") != NULL;
        ck_assert_msg(begun - ended <= 1, "a line without its end before '%s'", line);
    }
    ck_assert_int_eq(begun, ended);
    program_kill(&relay, SIGTERM);
    irc_await(&server, "QUIT");
    send_text(&server, "ERROR :Closing connection\r\n");
    stream_close(&server);
    expect_status(&relay, 0);
    while (relay.err.length > 0) {
        line = take_line(&relay.err);
        dropped += dropped_by(line);
    }
    ck_assert_int_gt(dropped, 0);
    ck_assert_int_eq(begun + dropped, said);
}

TEST(tests, a_queue_that_overflows_says_how_many_lines_were_dropped)
{
    overflow(3000, 30);
}

TEST(tests, a_long_line_is_dropped_whole_and_counts_as_one)
{
    overflow(100, 1500);
}

TEST(tests, a_line_that_leaves_the_room_in_two_pieces_is_dropped_whole_as_well)
{
    overflow(100, LINE_MOST - (int)strlen("[ann] begun "));
}

TEST(tests, what_the_channel_does_not_accept_is_reported_in_the_room)
{
    link_fakes("relay", "0");
    send_text(&fake_room, "[ann] 1\r\n[ann] 2\r\n");
    irc_await(&fake_server, "<ann> 2");
    irc_send(&fake_server, ":fake 404 relay #room :Cannot send to channel (+m)\r\n"
                           ":fake 404 relay #room :Cannot send to channel (+m)");
    expect_line(&fake_room, "-- 2 messages were not accepted by #room");
    irc_send(&fake_server, ":fake 404 relay #room :Cannot send to channel (+m)");
    irc_await(&fake_room,
              "-- 1 message was not accepted by #room"); /* a few seconds later */
}

TEST(tests, a_line_whose_names_leave_no_space_for_words_is_counted)
{
    const char *channel = formatted("#%s", repeated('c', 198));
    const char *name = repeated('n', 170);
    struct mock fake = mock_open("127.0.0.1");
    struct stream ann, server;

    room = started(room_open());
    relay = relay_start("relay", room.port, fake.port, channel, "0", "-q");
    server = fake_accept(&fake);
    irc_send(&server, ":fake 001 relay :Welcome");
    irc_send(&server, ":relay!~netlab@%.100s JOIN %s", name, channel);
    await_links(&relay);
    ann = named(&room, "ann");
    send_line(&ann, "<%s> what is not heard\nbut this", name);
    irc_await(&server, "<ann> but this");
    (void)skip_to_line(&ann, "[relay] -- 1 line was dropped on the way to %s", channel);
}

TEST(tests, what_a_server_that_hangs_had_taken_is_counted_where_it_was_said)
{
    struct stream ann, server = link_to_mock("0", "-w2", &ann);

    send_text(&ann, "1\n2\n3\n/msg relay end\n");
    irc_await(&server, "<ann> 3");
    expect_containing(&relay.err, "it does not answer");
    (void)skip_to_line(&ann, "[relay] -- %d lines said before may not have reached #room",
                       6); /* with the news: the link, her join and her name */
}

TEST(tests, what_has_arrived_is_not_counted_and_what_was_under_way_is)
{
    static const unsigned char mark[] = {255, 253, 6}, no_mark[] = {255, 252, 6};

    link_fakes("relay", "0");
    irc_send(&fake_server, ":bob!u@h PRIVMSG #room :1\r\n:bob!u@h PRIVMSG #room :2");
    expect_line(&fake_room, "<bob> 1");
    expect_line(&fake_room, "<bob> 2");
    send_text(&fake_room, "[ann] 1\r\n[ann] 2\r\n");
    expect_line(&fake_server, "PRIVMSG #room :<ann> 1");
    expect_line(&fake_server, "PRIVMSG #room :<ann> 2");
    expect_bytes(&fake_room, mark, sizeof mark);
    send_bytes(&fake_room, no_mark, sizeof no_mark);
    expect_line(&fake_server, "PING arrived");
    irc_send(&fake_server, ":fake PONG fake :arrived");
    irc_send(&fake_server, ":bob!u@h PRIVMSG #room :3");
    expect_line(&fake_room, "<bob> 3");
    stream_reset(&fake_room);
    expect_line(&fake_server, "PRIVMSG #room :-- the link to the room is lost");
    expect_line(&fake_server,
                "PRIVMSG #room :-- 1 line said before may not have reached the room");
    stream_reset(&fake_server);
    expect_containing(&relay.err, "lost the connection to the room");
    expect_containing(&relay.err, "1 line said before may not have reached the room");
    expect_containing(&relay.err, "lost the connection");
    expect_containing(&relay.err, "2 lines said before may not have reached #room");
}

/* ---- Coming back -------------------------------------------------------------------- */

TEST(on_ngircd, a_name_in_use_in_the_room_gets_a_number)
{
    struct stream ann;

    ngircd_start(&irc, "a", 0, "");
    room = started(room_open());
    ann = named(&room, "relay");
    relay = relay_linked("relay", room.port, irc.port, "#room", "-q");
    ck_assert_ptr_nonnull(
        strstr(irc_await(&ann, " is now "), " is now relay1")); /* the first such */
    relay_stop(&relay);
}

TEST(on_ngircd, a_room_that_comes_back_gets_what_was_said_meanwhile)
{
    struct stream ann, bob;
    int room_port;

    ngircd_start(&irc, "a", 0, "");
    room = started(room_open());
    room_port = room.port;
    bob = irc_join(irc.port, "bob", "#room");
    relay = relay_linked("relay", room_port, irc.port, "#room", "-q");
    expect_said(&bob, "relay", "-- the link to the room is up");
    program_stop(&room);
    expect_said(&bob, "relay", "-- the link to the room is lost");
    irc_send(&bob, "PRIVMSG #room :said meanwhile");
    irc_send(&bob, "PRIVMSG #room :and this");
    room = program_run(PCHATSRV, "-p", formatted("%d", room_port), NULL);
    program_read_port(&room, FIRST_LINE);
    (void)started(room);
    ann = room_join(&room);
    (void)skip_to_line(&ann, "[relay] <bob> said meanwhile");
    expect_line(&ann, "[relay] <bob> and this");
    irc_await(&bob, "-- the link to the room is up");
}

TEST(on_ngircd, an_irc_server_that_comes_back_gets_what_was_said_meanwhile)
{
    struct stream ann, bob;
    int port;

    ngircd_start(&irc, "a", 0, "");
    port = irc.port;
    room = started(room_open());
    relay = relay_linked("relay", room.port, port, "#room", "-q");
    ann = named(&room, "ann");
    ngircd_stop(&irc, SIGKILL);
    expect_next(&ann, "[relay] -- the link to #room is lost");
    send_text(&ann, "said meanwhile\n");
    program_pause(&relay); /* until bob is there to hear it */
    ngircd_start(&irc, "a", port, "");
    bob = irc_join(port, "bob", "#room");
    program_go_on(&relay);
    irc_await(&bob, "<ann> said meanwhile");
    (void)skip_to_line(&ann, "[relay] -- the link to #room is up");
}

TEST(tests, while_one_side_is_out_of_reach_the_other_is_served)
{
    struct mock fake = mock_open("127.0.0.1"), deaf = mock_open("127.0.0.1");
    struct stream server;

    mock_fill_queue(&deaf);
    relay = relay_start("relay", deaf.port, fake.port, "#room", "0", NULL);
    server = fake_welcome(&fake, "#room");
    for (int i = 0; i < 3; i++) {
        int64_t asked = clock_ms();

        send_text(&server, "PING :are you there\r\n");
        expect_line(&server, "PONG :are you there");
        ck_assert_int_lt(clock_ms() - asked, 5000); /* it dials for ten seconds */
    }
}

/* ---- The end ------------------------------------------------------------------------ */

TEST(tests, what_waits_for_the_room_at_the_end_is_counted)
{
    struct mock fake = mock_open("127.0.0.1");
    struct stream server;

    relay = relay_start("relay", unused_port(), fake.port, "#room", "0", NULL);
    server = fake_welcome(&fake, "#room");
    for (int i = 0; i < 1000; i++) /* one of these waits, the others are only counted */
        irc_send(&server, ":p%d!u@h JOIN #room", i);
    for (int i = 0; i < 3; i++)
        irc_send(&server, ":bob!u@h PRIVMSG #room :unheard");
    send_text(&server, "PING :turn\r\n");
    expect_line(&server, "PONG :turn");
    program_kill(&relay, SIGTERM);
    irc_await(&server, "QUIT");
    stream_close(&server);
    expect_status(&relay, 0);
    skip_to_containing(&relay.err, "4 lines did not reach the room");
}

/* A server says ERROR in answer to QUIT, and has read all that came before (RFC 2812). */
TEST(tests, what_was_said_before_an_orderly_end_has_arrived)
{
    link_fakes("relay", "0");
    send_text(&fake_room, "[ann] 1\r\n[ann] 2\r\n");
    irc_await(&fake_server, "<ann> 2");
    program_kill(&relay, SIGTERM);
    irc_await(&fake_server, "QUIT");
    send_text(&fake_server, "ERROR :Closing connection\r\n");
    stream_close(&fake_server);
    expect_status(&relay, 0);
    expect_end(&relay.err);
}

/* Each link has a deadline when the relay is stopped, and one expires a second later. */
TEST(tests, a_server_that_does_not_close_at_the_end_costs_no_processor_time)
{
    struct mock fake = mock_open("127.0.0.1");
    struct stream server;
    int64_t used;

    relay = relay_start("relay", unused_port(), fake.port, "#room", "0", NULL);
    server = fake_welcome(&fake, "#room");
    skip_to_containing(&relay.err, "joined");
    program_kill(&relay, SIGTERM);
    irc_await(&server, "QUIT");
    used = program_cpu_ns(&relay);
    sleep_ms(1800); /* most of it */
    ck_assert_int_lt(program_cpu_ns(&relay) - used, 300 * 1000000);
    expect_status(&relay, 0);
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "irc_relay", .tests = &tests, .tear_down = end_all},
        {.name = "on ngircd",
         .tests = &on_ngircd,
         .tear_down = end_all,
         .needs = "ngircd"},
    };

    return run_cases("irc_relay, slow and lost links", cases, COUNT(cases));
}
