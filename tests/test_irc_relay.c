/* irc_relay between real rooms and real ngircds: what is passed on, and how often. */
#include "tests/relay.h"

#include "irc/irc.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static struct tests tests, on_inspircd, killed;

#define TALKED      40   /* lines that each side says past two relays */
#define SCALE_LINES 1000 /* lines that one room says to another */

static struct stream ann, bob, zoe;

/* Links a room, in which ann is, with a channel, in which bob was before. */
static void link_ann_and_bob(const char *option)
{
    ngircd_start(&irc, "a", 0, "");
    room = started(room_open());
    bob = irc_join(irc.port, "bob", "#room");
    relay = relay_linked("relay", room.port, irc.port, "#room", option);
    ann = named(&room, "ann");
}

/* ---- What is passed on -------------------------------------------------------------- */

TEST(tests, what_is_said_on_one_side_is_said_on_the_other)
{
    link_ann_and_bob(NULL);
    expect_said(&bob, "relay", "-- the link to the room is up");
    expect_said(&bob, "relay", "-- %s joined the room", name_of(&ann));
    expect_said(&bob, "relay", "-- %s is now ann", name_of(&ann));
    send_text(&ann, "hello: you\n/me waves\n/msg relay for you alone\n[bob] not bob\n"
                    "//slash\n");
    expect_said(&bob, "relay", "<ann> hello: you");
    expect_said(&bob, "relay", "* ann waves");
    expect_said(&bob, "relay", "<ann> [bob] not bob");
    expect_said(&bob, "relay", "<ann> /slash");
    irc_send(&bob, "PRIVMSG #room :hi, \x02"
                   "ann\x03"
                   "04!");
    (void)skip_to_line(&ann, "[relay] <bob> hi, ann!");
    irc_send(&bob, "PRIVMSG #room :\x01"
                   "ACTION jumps\x01");
    irc_send(&bob, "PRIVMSG #room :\x01VERSION\x01");
    irc_send(&bob, "PRIVMSG relay :for the relay alone");
    irc_send(&bob, "NOTICE #room :/quit a note");
    expect_line(&ann, "[relay] * bob jumps");
    expect_line(&ann, "[relay] <bob> /quit a note");
    irc_send(&bob, "NICK rob");
    expect_line(&ann, "[relay] -- bob is now rob");
    irc_send(&bob, "PART #room :tea");
    irc_send(&bob, "JOIN #room");
    expect_line(&ann, "[relay] -- rob left #room: tea");
    expect_line(&ann, "[relay] -- rob joined #room");
    send_text(&ann, "/quit lunch\n");
    expect_said(&bob, "relay", "-- ann left the room: lunch");
    relay_stop(&relay);
    irc_await(&bob, ":relay!");
}

TEST(tests, a_quiet_relay_passes_on_what_is_said_and_nothing_else)
{
    link_ann_and_bob("-q");
    send_text(&ann, "hello\n");
    expect_said(&bob, "relay", "-- the link to the room is up"); /* the only news */
    expect_said(&bob, "relay", "<ann> hello");
    irc_send(&bob, "PRIVMSG #room :hi");
    expect_next(&ann, "[relay] <bob> hi");
}

TEST(tests, a_long_line_comes_in_messages_that_fit_cut_at_characters)
{
    char text[6001] = "", got[6001] = "";

    link_ann_and_bob("-q");
    for (int i = 0; i < 1999; i++) /* more than the room's own pieces */
        strcat(text, i % 7 ? "€" : "x");
    send_text(&ann, text);
    send_text(&ann, "\n");
    while (strlen(got) < strlen(text)) {
        const char *line = irc_await(&bob, " :<ann> ");

        ck_assert_uint_le(strlen(line), IRC_MESSAGE_MOST - 2);
        strcat(got, strstr(line, " :<ann> ") + strlen(" :<ann> "));
    }
    ck_assert_str_eq(got, text);
}

TEST(tests, nothing_said_in_the_room_becomes_a_command_on_irc)
{
    static const char said[] = "a\rQUIT :x\rb\n\0QUIT\n\n";
    link_ann_and_bob("-q");
    send_bytes(&ann, said, sizeof said - 1);
    expect_said(&bob, "relay", "-- the link to the room is up");
    expect_said(&bob, "relay", "<ann> a^MQUIT :x^Mb");
    expect_said(&bob, "relay", "<ann> ^@QUIT");
    send_text(&ann, "still here\n");
    expect_said(&bob, "relay", "<ann> still here");
}

TEST(on_inspircd, inspircd_carries_a_room_as_well)
{
    size_t got = 0;

    if (!inspircd_start(&irc, "i"))
        return;
    room = started(room_open());
    bob = irc_join(irc.port, "bob", "#room");
    relay = relay_linked("bob", room.port, irc.port, "#room", NULL);
    ann = named(&room, "ann");
    expect_said(&bob, "bob1", "-- the link to the room is up");
    expect_said(&bob, "bob1", "-- %s joined the room", name_of(&ann));
    expect_said(&bob, "bob1", "-- %s is now ann", name_of(&ann));
    send_repeated(&ann, "x", 1500);
    send_text(&ann, "\n/me waves\n");
    while (got < 1500) { /* nothing of a piece is cut off */
        char *line = irc_await(&bob, " PRIVMSG ");

        ck_assert_uint_le(strlen(line), IRC_MESSAGE_MOST - 2);
        got += strlen(strstr(line, " :<ann> ") + strlen(" :<ann> "));
    }
    ck_assert_uint_eq(got, 1500);
    expect_said(&bob, "bob1", "* ann waves");
    irc_send(&bob, "PRIVMSG #room :\x02hi\x02, ann");
    (void)skip_to_line(&ann, "[bob] <bob> hi, ann");
    irc_send(&bob, "KICK #room bob1 :out");
    expect_line(&ann, "[bob] -- the link to #room is lost");
    expect_line(&ann, "[bob] -- the link to #room is up");
    relay_stop(&relay);
    irc_await(&bob, "QUIT");
}

/* This server says CASEMAPPING=ascii, so the two nicks are not the same. */
TEST(tests, a_nick_almost_like_the_relays_is_somebody_elses)
{
    struct stream other;

    ngircd_start(&irc, "a", 0, "");
    room = started(room_open());
    relay = relay_linked("east[", room.port, irc.port, "#room", NULL);
    ann = named(&room, "ann");
    other = irc_join(irc.port, "east{", "#room");
    irc_send(&other, "PRIVMSG #room :hello");
    (void)skip_to_line(&ann, "[east_] <east{> hello");
    irc_send(&other, "PART #room\r\nJOIN #room\r\nNICK carl\r\nPRIVMSG #room :bye");
    expect_line(&ann, "[east_] -- east{ left #room");
    expect_line(&ann, "[east_] -- east{ joined #room");
    expect_line(&ann, "[east_] -- east{ is now carl");
    expect_line(&ann, "[east_] <carl> bye");
}

/* ---- No circles --------------------------------------------------------------------- */

TEST(tests, several_rooms_in_one_channel_hear_each_other_once)
{
    static const char *const nicks[] = {"east", "west", "north"};
    struct program rooms[3], relays[3];
    struct stream people[3];

    ngircd_start(&irc, "a", 0, "");
    for (int i = 0; i < 3; i++) {
        rooms[i] = started(room_open());
        relays[i] = relay_linked(nicks[i], rooms[i].port, irc.port, "#room", "-q");
        people[i] = named(&rooms[i], "ann");
    }
    for (int i = 0; i < 3; i++) {
        send_text(&people[i], "hello\n");
        for (int other = 0; other < 3; other++)
            if (other != i)
                expect_next(&people[other], "[%s] <%s> <ann> hello", nicks[other],
                            nicks[i]);
    }
    for (int i = 0; i < 3; i++) {
        relay_stop(&relays[i]);
        expect_next(&people[i], "Client left %s", nicks[i]); /* and nothing before it */
    }
}

TEST(tests, relays_without_a_name_of_their_own_link_two_rooms_as_well)
{
    struct program rooms[2], relays[2];
    struct stream people[2];

    ngircd_start(&irc, "a", 0, "");
    /* Both are "relay" in their rooms, and one is in the channel. */
    for (int i = 0; i < 2; i++) {
        rooms[i] = started(room_open());
        relays[i] = relay_linked("relay", rooms[i].port, irc.port, "#room", "-q");
        people[i] = named(&rooms[i], "ann");
    }
    for (int i = 0; i < 2; i++) {
        send_text(&people[i], "hello\n");
        expect_next(&people[1 - i], "[relay] <relay%s> <ann> hello", i == 0 ? "" : "1");
    }
    for (int i = 0; i < 2; i++) {
        relay_stop(&relays[i]);
        expect_next(&people[i], "Client left relay");
    }
}

/*
 * Takes lines up to the fourth with "the end". Everybody hears everything twice: from both
 * relays if it was said on the other side, otherwise because both bring it back.
 */
static void expect_all_twice(struct stream *client)
{
    int hellos[TALKED] = {0}, welcomes[TALKED] = {0}, number;

    for (int ends = 0; ends < 4;) {
        char *line = take_line(client), *said;

        if ((said = strstr(line, "hello ")) != NULL && sscanf(said, "hello %d", &number))
            hellos[number]++;
        if ((said = strstr(line, "welcome ")) != NULL &&
            sscanf(said, "welcome %d", &number))
            welcomes[number]++;
        ends += strstr(line, "the end") != NULL;
    }
    for (int i = 0; i < TALKED; i++) {
        ck_assert_int_eq(hellos[i], 2);
        ck_assert_int_eq(welcomes[i], 2);
    }
}

/* The two relays leave, and nothing more of what was said comes before that. */
static void expect_two_to_leave(struct stream *client, const char *words)
{
    for (int left = 0; left < 2;) {
        char *line = take_line(client);

        left += strstr(line, words) != NULL;
        ck_assert_msg(strstr(line, "hello") == NULL && strstr(line, "welcome") == NULL &&
                          strstr(line, "the end") == NULL,
                      "'%s'", line);
    }
}

static void talk_through_both(struct program *first, const char *first_says,
                              struct program *second, const char *second_says)
{
    ann = named(&room, "ann");
    bob = irc_join(irc.port, "bob", "#room");
    for (int i = 0; i < TALKED; i++) {
        send_line(&ann, "hello %d", i);
        irc_send(&bob, "PRIVMSG #room :welcome %d", i);
    }
    send_text(&ann, "the end\n");
    irc_send(&bob, "PRIVMSG #room :the end");
    expect_all_twice(&ann);
    expect_all_twice(&bob);
    expect_containing(&first->err, first_says);
    expect_containing(&second->err, second_says);
    relay_stop(first);
    relay_stop(second);
    expect_two_to_leave(&ann, "Client left ");
    expect_two_to_leave(&bob, " QUIT ");
}

TEST(tests, two_relays_of_the_same_room_and_channel_say_so_and_do_not_go_in_circles)
{
    struct program second;

    ngircd_start(&irc, "a", 0, "");
    room = started(room_open());
    relay = relay_linked("relay", room.port, irc.port, "#room", "-q");
    second = relay_linked("other", room.port, irc.port, "#room", "-q");
    talk_through_both(&relay, "other links this room and channel too", &second,
                      "relay links this room and channel too");
}

/*
 * One comes first in the room, the other in the channel: each has the other's name there.
 */
TEST(tests, two_relays_with_crossed_names_do_not_go_in_circles)
{
    struct program second;
    struct stream early;

    ngircd_start(&irc, "a", 0, "");
    room = started(room_open());
    early = named(&room, "relay");
    second = relay_linked("relay", room.port, irc.port, "#room", "-q");
    send_text(&early, "/quit\n");
    while (stream_fill(&early))
        continue;
    relay = relay_linked("relay", room.port, irc.port, "#room", "-q");
    talk_through_both(&relay, " links this room", &second, " links this room");
}

TEST(tests, a_person_called_like_a_relay_is_heard_and_too_long_a_way_is_counted)
{
    link_fakes("east", "0");
    irc_send(&fake_server, ":west!u@h PRIVMSG #room :<east> hello from the west");
    expect_next(&fake_room, "<west> <east> hello from the west");
    send_text(&fake_room, "[ann] <east> is a name\r\n");
    expect_line(&fake_server, "PRIVMSG #room :<ann> <east> is a name");
    irc_send(&fake_server, ":west!u@h PRIVMSG #room :<east> <zoe> went through it");
    irc_send(&fake_server, ":west!u@h PRIVMSG #room :<east> * zoe went through it");
    expect_containing(&relay.err, "west links this room and channel too");
    irc_send(&fake_server, ":west!u@h PRIVMSG #room :<north> <east> <zoe> went round");
    for (int i = 0; i < 40; i++)
        send_text(&fake_room, i == 0 ? "[ann] " : "<html> ");
    send_text(&fake_room, "look\r\n[ann] the end\r\n");
    expect_line(&fake_server, "PRIVMSG #room :<ann> the end");
    expect_line(&fake_room, "-- 1 line was dropped on the way to #room");
    expect_lf(&relay.err, "irc_relay: 1 line was dropped on the way to #room");
    irc_send(&fake_server, ":bob!u@h PRIVMSG #room :the end");
    expect_line(&fake_room, "<bob> the end");
}

TEST(tests, rooms_and_channels_linked_in_a_ring_hear_a_line_once_from_each_direction)
{
    static const char *const nicks[] = {"r1x", "r2x", "r2y", "r1y"};
    struct program rooms[2], relays[4];

    ngircd_start(&irc, "a", 0, "");
    for (int i = 0; i < 2; i++)
        rooms[i] = started(room_open());
    for (int i = 0; i < 4; i++)
        relays[i] = relay_linked(nicks[i], rooms[i == 1 || i == 2].port, irc.port,
                                 i < 2 ? "#x" : "#y", "-q");
    ann = named(&rooms[0], "ann");
    zoe = named(&rooms[1], "zoe");
    for (int round = 0; round < 2; round++) {
        bool by_x = false, by_y = false;

        send_text(&ann, "hello\n");
        while (!by_x || !by_y) { /* in any order, among what comes around the ring */
            char *line = take_line(&zoe);

            by_x = by_x || strcmp(line, "[r2x] <r1x> <ann> hello") == 0;
            by_y = by_y || strcmp(line, "[r2y] <r1y> <ann> hello") == 0;
        }
    }
    for (int i = 0; i < 4; i++)
        relay_stop(&relays[i]);
    /* Ann hears each of her two lines once from either direction. */
    (void)skip_to_line(&ann, "Client left r1x");
    stream_drain(&ann);
    for (int i = 0; i < 2; i++)
        program_stop(&rooms[i]);
    while (stream_fill(&zoe))
        continue;
    ck_assert_uint_lt(zoe.length, 2000);
}

/* ---- Two machines ------------------------------------------------------------------- */

/* Two servers, rooms and relays; ann talks in one room, and zoe listens in the other. */
static struct ngircd servers[2];
static struct program rooms[2], relays[2];
static struct stream oper, watcher;

/* Links the servers, and waits until each knows who is at the other. */
static void link_servers(void)
{
    irc_send(&oper, "CONNECT b.test");
    irc_await(&watcher, ":oper!");
    irc_await(&oper, ":watcher!");
}

static void open_two_machines(void)
{
    ngircd_start(&servers[1], "b", 0, ngircd_link("a", 1));
    ngircd_start(&servers[0], "a", 0, ngircd_link("b", servers[1].port));
    watcher = irc_join(servers[1].port, "watcher", "#room");
    oper = irc_join(servers[0].port, "oper", "#room");
    irc_send(&oper, "OPER op secret");
    irc_await(&oper, " 381 ");
    link_servers();
    for (int i = 0; i < 2; i++) {
        rooms[i] = started(room_open());
        relays[i] = relay_linked(i == 0 ? "one" : "two", rooms[i].port, servers[i].port,
                                 "#room", "-q");
    }
    irc_await(&watcher, ":one!");
    ann = named(&rooms[0], "ann");
    zoe = named(&rooms[1], "zoe");
}

static void say_lines(const char *what, int first, int count)
{
    for (int i = first; i < first + count; i++)
        send_line(&ann, "%s %d, a line of a usual length", what, i);
}

static void expect_lines(const char *what, int count)
{
    for (int i = 0; i < count; i++)
        expect_next(&zoe, "[two] <one> <ann> %s %d, a line of a usual length", what, i);
}

TEST(tests, between_linked_servers_a_thousand_lines_arrive_once_and_in_order)
{
    open_two_machines();
    say_lines("line", 0, SCALE_LINES);
    expect_lines("line", SCALE_LINES);

    /* The link between the servers breaks: what is said then does not arrive. When the
       link is back, everything does. Nothing comes twice. */
    irc_send(&oper, "DISCONNECT b.test");
    irc_await(&watcher, ":one!");
    say_lines("lost with the link", 0, 50);
    for (int i = 0; i < 50; i++)
        irc_await(&oper, "lost with the link");
    link_servers();
    say_lines("after", 0, SCALE_LINES);
    expect_lines("after", SCALE_LINES);
}

TEST(killed, a_relay_killed_and_restarted_loses_what_was_under_way_and_nothing_else)
{
    int next = 0, lost = 0, got;
    bool over = false;

    open_two_machines();
    say_lines("line", 0, SCALE_LINES);
    expect_lines("line", 100);
    program_kill(&relays[1], SIGKILL);
    expect_status(&relays[1], 128 + SIGKILL);
    irc_await(&watcher, ":two!");
    say_lines("line", SCALE_LINES, 100);
    while (!over) { /* what had arrived before it died comes first, in order */
        char *line = take_line(&zoe);

        over = strcmp(line, "Client left two") == 0;
        if (!over) {
            ck_assert_int_eq(sscanf(line, "[two] <one> <ann> line %d,", &got), 1);
            ck_assert_int_eq(got, 100 + next++);
        }
    }
    relays[1] = relay_linked("two", rooms[1].port, servers[1].port, "#room", "-q");
    say_lines("line", SCALE_LINES + 100, SCALE_LINES);
    next += 100;
    for (over = false; !over;) {
        char *line = take_line(&zoe);

        if (sscanf(line, "[two] <one> <ann> line %d,", &got) == 1) {
            ck_assert_int_ge(got, next); /* in order, and none twice */
            lost += got - next;
            next = got + 1;
            over = got == 2 * SCALE_LINES + 99;
        }
    }
    /* Everything that is lost was said before the new relay came. */
    ck_assert_int_le(lost, SCALE_LINES);
    printf("a relay was killed while 1,100 lines were under way: %d lost\n", lost);
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "on ngircd", .tests = &tests, .tear_down = end_all, .needs = "ngircd"},
        {.name = "on InspIRCd", .tests = &on_inspircd, .tear_down = end_all},
        /* A killed program cannot end well: not for valgrind. */
        {.name = "killed",
         .tests = &killed,
         .tear_down = end_all,
         .tags = "limits",
         .needs = "ngircd"},
    };

    return run_cases("irc_relay", cases, COUNT(cases));
}
