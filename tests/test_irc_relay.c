/* irc_relay, between real rooms and real ngircds, and servers that misbehave. */
#include "tests/ngircd.h"
#include "tests/room.h"

#include "base/clock.h"
#include "irc/irc.h"
#include "net/dial.h"
#include "net/line.h"
#include "net/listener.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCALE_LINES 1000

/* Each test runs in a process of its own: these belong to the one that runs. */
static struct program room, relay;
static struct ngircd irc;

static void expect_error(struct program *program, const char *words)
{
    char *line = next_line(&program->err);

    if (strstr(line, words) == NULL)
        ck_abort_msg("expected '...%s...' on standard error, got '%s'", words, line);
    free(line);
}

/* What a test leaves running is ended behind it, and must end well. */
static pid_t running[16];
static int running_count;

static struct program started(struct program program)
{
    ck_assert_int_lt(running_count, 16);
    running[running_count++] = program.pid;
    return program;
}

static void end_all(void)
{
    bool waits[16];
    int status;

    for (int i = 0; i < running_count; i++) {
        waits[i] = waitpid(running[i], &status, WNOHANG) == 0;
        if (waits[i])
            (void)kill(running[i], SIGTERM);
    }
    for (int fd = 3; fd < 64; fd++) /* servers that are scripts close, as others do */
        (void)close(fd);
    for (int i = 0; i < running_count; i++)
        if (waits[i] && waitpid(running[i], &status, 0) != -1)
            ck_assert_int_eq(status, 0);
    ngircd_stop_all();
}

/* Starts a relay of that nick, with a pace, and an option that may be NULL. */
static struct program relay_start(const char *nick, int room_port, int irc_port,
                                  const char *channel, const char *pace,
                                  const char *option)
{
    struct program program;
    char host[32], port[16];

    (void)snprintf(host, sizeof host, "127.0.0.1:%d", room_port);
    (void)snprintf(port, sizeof port, "%d", irc_port);
    if (option != NULL)
        program_start(&program, "IRC_RELAY", "bin/irc_relay", "-n", nick, "-i", pace,
                      "-r", host, option, "127.0.0.1", port, channel, NULL);
    else
        program_start(&program, "IRC_RELAY", "bin/irc_relay", "-n", nick, "-i", pace,
                      "-r", host, "127.0.0.1", port, channel, NULL);
    return started(program);
}

/* It is in the room and in the channel: which it is in first is its own affair. */
static void await_links(struct program *program)
{
    bool joined = false, inside = false;

    while (!joined || !inside) {
        char *line = next_line(&program->err);

        joined = joined || strstr(line, ": joined #") != NULL;
        inside = inside || strstr(line, ": in the room") != NULL;
        free(line);
    }
}

static struct program relay_linked(const char *nick, int room_port, int irc_port,
                                   const char *channel, const char *option)
{
    struct program started = relay_start(nick, room_port, irc_port, channel, "0", option);

    await_links(&started);
    return started;
}

static void relay_stop(struct program *program)
{
    ck_assert_int_eq(kill(program->pid, SIGTERM), 0);
    ck_assert_int_eq(program_wait(program), 0);
    expect_end(&program->out);
}

/* Joins a room under a name, with all that the room says about it read. */
static struct stream named(const struct program *server, const char *name)
{
    struct stream client = room_join(server);
    char command[64];

    (void)snprintf(command, sizeof command, "/nick %s\n", name);
    send_text(&client, command);
    (void)skip_to_line(&client, "Client %s is now %s", name_of(&client), name);
    return client;
}

/* The next line must be this, but for the news that a link is up. */
static void expect_next(struct stream *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void expect_next(struct stream *client, const char *format, ...)
{
    char expected[4096], *line = next_line(client);
    va_list list;

    va_start(list, format);
    (void)vsnprintf(expected, sizeof expected, format, list);
    va_end(list);
    while (strstr(line, "-- the link to ") != NULL && strstr(line, " is up") != NULL) {
        free(line);
        line = next_line(client);
    }
    ck_assert_str_eq(line, expected);
    free(line);
}

/* Takes what one hears up to a line with these words; how many hold `counted` before. */
static int count_until(struct stream *client, const char *words, const char *counted)
{
    for (int count = 0;;) {
        char *line = next_line(client);
        bool found = strstr(line, words) != NULL;

        count += !found && strstr(line, counted) != NULL;
        free(line);
        if (found)
            return count;
    }
}

/* Takes lines up to a PRIVMSG that holds these words: that nick must have said it. */
static void expect_said_at_last(struct stream *client, const char *nick,
                                const char *words)
{
    char *line = irc_await(client, words);

    if (strncmp(line + 1, nick, strlen(nick)) != 0 || line[1 + strlen(nick)] != '!')
        ck_abort_msg("expected %s to say '%s', got '%s'", nick, words, line);
    free(line);
}

/* A relay between a room and a server that are both scripts. */
static struct stream fake_room, fake_server;

static void link_fakes(const char *nick, const char *pace)
{
    struct fake rooms = fake_open(), irc_fake = fake_open();
    char got[64];

    relay = relay_start(nick, rooms.port, irc_fake.port, "#room", pace, NULL);
    fake_server = fake_welcome(&irc_fake, "#room", got);
    fake_room = fake_accept(&rooms);
    expect_line(&fake_room, "/nick %s", nick);
    send_text(&fake_room, "Client 127.0.0.1:1 is now ");
    send_text(&fake_room, nick);
    send_text(&fake_room, "\r\n");
    await_links(&relay);
    expect_line(&fake_room, "-- the link to #room is up");
    expect_line(&fake_server, "PRIVMSG #room :-- the link to the room is up");
}

/* ---- What is passed on -------------------------------------------------------------- */

START_TEST(what_is_said_on_one_side_is_said_on_the_other)
{
    struct stream ann, bob;

    ngircd_start(&irc, "a", 0, "");
    room = started(room_open());
    bob = irc_join(irc.port, "bob", "#room");
    relay = relay_linked("relay", room.port, irc.port, "#room", NULL);
    ann = named(&room, "ann");
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
    free(irc_await(&bob, ":relay!"));
}
END_TEST

START_TEST(a_quiet_relay_tells_what_is_said_and_nothing_else)
{
    struct stream ann, bob;
    char *line;

    ngircd_start(&irc, "a", 0, "");
    room = started(room_open());
    relay = relay_linked("relay", room.port, irc.port, "#room", "-q");
    ann = named(&room, "ann");
    bob = irc_join(irc.port, "bob", "#room");
    send_text(&ann, "hello\n");
    line = irc_await(&bob, " PRIVMSG ");
    if (strstr(line, "-- the link to the room is up") != NULL) { /* no more than that */
        free(line);
        line = irc_await(&bob, " PRIVMSG ");
    }
    ck_assert_ptr_nonnull(strstr(line, ":<ann> hello"));
    free(line);
    irc_send(&bob, "PRIVMSG #room :hi");
    expect_next(&ann, "[relay] <bob> hi");
}
END_TEST

START_TEST(a_long_line_comes_in_messages_that_fit_cut_at_characters)
{
    char text[6001] = "", got[6001] = "", *line;
    struct stream ann, bob;

    ngircd_start(&irc, "a", 0, "");
    room = started(room_open());
    bob = irc_join(irc.port, "bob", "#room");
    relay = relay_linked("relay", room.port, irc.port, "#room", "-q");
    ann = named(&room, "ann");
    for (int i = 0; i < 1999; i++) /* more than the room's own pieces */
        (void)strcat(text, i % 7 ? "€" : "x");
    send_text(&ann, text);
    send_text(&ann, "\n");
    while (strlen(got) < strlen(text)) {
        char *said;

        line = irc_await(&bob, " :<ann> ");
        ck_assert_uint_le(strlen(line), IRC_MESSAGE_MOST - 2);
        said = strstr(line, " :<ann> ");
        (void)strcat(got, said + strlen(" :<ann> "));
        free(line);
    }
    ck_assert_str_eq(got, text);
}
END_TEST

START_TEST(nothing_said_in_the_room_becomes_a_command_on_irc)
{
    static const char said[] = "a\rQUIT :x\rb\n\0QUIT\n\n";
    struct stream ann, bob;

    ngircd_start(&irc, "a", 0, "");
    room = started(room_open());
    bob = irc_join(irc.port, "bob", "#room");
    relay = relay_linked("relay", room.port, irc.port, "#room", "-q");
    ann = named(&room, "ann");
    send_bytes(&ann, said, sizeof said - 1);
    expect_said(&bob, "relay", "-- the link to the room is up");
    expect_said(&bob, "relay", "<ann> a^MQUIT :x^Mb");
    expect_said(&bob, "relay", "<ann> ^@QUIT");
    send_text(&ann, "still here\n");
    expect_said(&bob, "relay", "<ann> still here");
}
END_TEST

START_TEST(inspircd_carries_a_room_as_well)
{
    char text[1501];
    struct stream ann, bob;
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
    (void)memset(text, 'x', 1500);
    text[1500] = '\0';
    send_text(&ann, text);
    send_text(&ann, "\n/me waves\n");
    while (got < 1500) { /* nothing of a piece is cut off */
        char *line = irc_await(&bob, " PRIVMSG ");

        ck_assert_uint_le(strlen(line), IRC_MESSAGE_MOST - 2);
        got += strlen(strstr(line, " :<ann> ") + strlen(" :<ann> "));
        free(line);
    }
    ck_assert_uint_eq(got, 1500);
    expect_said(&bob, "bob1", "* ann waves");
    irc_send(&bob, "PRIVMSG #room :\x02hi\x02, ann");
    (void)skip_to_line(&ann, "[bob] <bob> hi, ann");
    irc_send(&bob, "KICK #room bob1 :out");
    expect_line(&ann, "[bob] -- the link to #room is lost");
    expect_line(&ann, "[bob] -- the link to #room is up");
    relay_stop(&relay);
    free(irc_await(&bob, "QUIT"));
}
END_TEST

/* For this server, as CASEMAPPING=ascii says, the two are not the same. */
START_TEST(who_is_called_almost_as_the_relay_is_somebody_else)
{
    struct stream ann, other;

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
END_TEST

/* ---- The pace ----------------------------------------------------------------------- */

START_TEST(it_keeps_to_the_pace_after_the_first_lines)
{
    struct fake fake = fake_open();
    struct stream ann, server;
    int64_t begun, fifth = 0;
    char nick[64];

    room = started(room_open());
    relay = relay_start("relay", room.port, fake.port, "#room", "0.2", "-q");
    server = fake_welcome(&fake, "#room", nick);
    await_links(&relay);
    ann = named(&room, "ann");
    begun = clock_ms();
    send_text(&ann, "1\n2\n3\n4\n5\n6\n7\n8\n");
    for (int i = 1; i <= 8; i++) {
        char words[32];

        (void)snprintf(words, sizeof words, "PRIVMSG #room :<ann> %d", i);
        free(irc_await(&server, words));
        if (i == 5)
            fifth = clock_ms();
        if (i == 6) { /* what is no business of the pace is answered at once */
            send_text(&server, "PING :now\r\n");
            expect_line(&server, "PONG now");
        }
    }
    ck_assert_int_ge(clock_ms() - begun, 3 * 200 - 20);
    ck_assert_int_ge(clock_ms() - fifth, 2 * 200);
}
END_TEST

START_TEST(what_is_said_does_not_wait_for_who_comes_and_goes)
{
    enum { JOINED = 50 };
    int lines = 0, told = 0, more;
    char text[JOINED * 32 + 32] = "";
    bool heard = false;

    link_fakes("relay", "0.1");
    for (int i = 0; i < JOINED; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text),
                       "Client joined 10.0.0.1:%d\r\n", 4000 + i);
    (void)strcat(text, "[ann] hello\r\n");
    send_text(&fake_room, text);
    while (!heard || told < JOINED) {
        char *line = next_line(&fake_server);

        heard = heard || strcmp(line, "PRIVMSG #room :<ann> hello") == 0;
        ck_assert_msg(heard || ++lines < 8, "'%s' before what was said", line);
        told += strstr(line, " joined the room") != NULL;
        if (strstr(line, " more came") != NULL) {
            ck_assert_int_eq(sscanf(line, "PRIVMSG #room :-- %d", &more), 1);
            told += more;
        }
        free(line);
    }
    ck_assert_int_eq(told, JOINED);
    stream_close(&fake_server);
}
END_TEST

/* Says so many lines of a length while IRC is out of reach: whole ones must be dropped. */
static void overflow(int said, int length)
{
    struct fake fake = fake_open();
    struct stream ann, server;
    int begun = 0, ended = 0, dropped = 0;
    char *line;
    bool over = false;

    room = started(room_open());
    relay = relay_start("relay", room.port, fake.port, "#room", "0", "-q");
    server = fake_accept(&fake);
    free(irc_await(&server, "USER"));
    expect_error(&relay, "in the room");
    ann = named(&room, "ann");
    for (int i = 0; i < said; i++) {
        char text[4096];

        (void)snprintf(text, sizeof text, "begun %0*d ended\n", length, i);
        send_text(&ann, text);
    }
    expect_error(&relay, "too much waits on the way to #room: lines are being dropped");
    /* The room has sent the relay all of it; and in a turn that answers PING it reads. */
    send_text(&ann, "/msg relay end\n");
    (void)skip_to_line(&ann, "[you to relay] end");
    for (int i = 0; i < 100; i++) {
        send_text(&server, "PING :turn\r\n");
        expect_line(&server, "PONG turn");
    }
    send_text(&server, ":fake 001 relay :Welcome\r\n");
    free(irc_await(&server, "JOIN"));
    send_text(&server, ":relay!r@h JOIN #room\r\n");
    expect_error(&relay, "joined");
    line = next_line(&relay.err);
    ck_assert_int_eq(
        sscanf(line, "irc_relay: %d lines were dropped on the way to #room", &dropped),
        1);
    free(line);
    (void)skip_to_line(&ann, "[relay] -- %d lines were dropped on the way to #room",
                       dropped);
    send_text(&ann, "after\n");
    while (!over) {
        line = next_line(&server);
        over = strstr(line, "<ann> after") != NULL;
        begun += strstr(line, "<ann> begun ") != NULL;
        ended += strstr(line, " ended") != NULL;
        ck_assert_msg(begun - ended <= 1, "a line without its end before '%s'", line);
        free(line);
    }
    ck_assert_int_gt(dropped, 0);
    ck_assert_int_eq(begun + dropped, said);
    ck_assert_int_eq(begun, ended);
}

START_TEST(a_queue_that_overflows_says_how_many_lines_were_dropped)
{
    overflow(3000, 30);
}
END_TEST

START_TEST(a_long_line_is_dropped_as_a_whole_and_counts_as_one)
{
    overflow(100, 1500);
}
END_TEST

START_TEST(so_is_one_that_comes_out_of_the_room_in_two_pieces)
{
    overflow(100, LINE_MOST - (int)strlen("[ann] begun "));
}
END_TEST

START_TEST(what_the_channel_does_not_take_is_told_in_the_room)
{
    link_fakes("relay", "0");
    send_text(&fake_room, "[ann] 1\r\n[ann] 2\r\n");
    free(irc_await(&fake_server, "<ann> 2"));
    irc_send(&fake_server, ":fake 404 relay #room :Cannot send to channel (+m)\r\n"
                           ":fake 404 relay #room :Cannot send to channel (+m)");
    expect_line(&fake_room, "-- 2 messages were not let into #room");
    irc_send(&fake_server, ":fake 404 relay #room :Cannot send to channel (+m)");
    free(irc_await(&fake_room, "-- 1 message was not let into #room")); /* in a while */
    stream_close(&fake_server);
}
END_TEST

START_TEST(a_line_whose_names_leave_no_place_for_words_is_counted)
{
    char channel[200], name[171];
    struct fake fake = fake_open();
    struct stream ann, server;

    (void)memset(channel, 'c', sizeof channel - 1);
    channel[0] = '#';
    channel[sizeof channel - 1] = '\0';
    (void)memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    room = started(room_open());
    relay = relay_start("relay", room.port, fake.port, channel, "0", "-q");
    server = fake_accept(&fake);
    free(irc_await(&server, "USER"));
    irc_send(&server, ":fake 001 relay :Welcome");
    irc_send(&server, ":relay!~netlab@%.100s JOIN %s", name, channel);
    await_links(&relay);
    ann = named(&room, "ann");
    send_text(&ann, "<");
    send_text(&ann, name);
    send_text(&ann, "> what is not heard\nbut this\n");
    free(irc_await(&server, "<ann> but this"));
    (void)skip_to_line(&ann, "[relay] -- 1 line was dropped on the way to %s", channel);
    stream_close(&server);
}
END_TEST

/* A server that puts our nick alone before our JOIN says nothing about the rest of it. */
START_TEST(a_message_fits_also_where_the_server_does_not_show_who_we_are)
{
    struct fake fake = fake_open();
    char text[1001], *line;
    struct stream ann, server;

    room = started(room_open());
    relay = relay_start("relay", room.port, fake.port, "#room", "0", "-q");
    server = fake_accept(&fake);
    free(irc_await(&server, "USER"));
    irc_send(&server, ":fake 001 relay :Welcome");
    irc_send(&server, ":relay JOIN #room");
    await_links(&relay);
    ann = named(&room, "ann");
    (void)memset(text, 'x', 1000);
    text[1000] = '\0';
    send_text(&ann, text);
    send_text(&ann, "\n");
    line = irc_await(&server, "<ann> ");
    ck_assert_uint_le(strlen(":relay!netlabuser@") + 63 + 1 + strlen(line) + 2,
                      IRC_MESSAGE_MOST);
    free(line);
    stream_close(&server);
}
END_TEST

START_TEST(what_a_server_that_hangs_had_taken_is_counted_where_it_was_said)
{
    struct fake fake = fake_open();
    struct stream ann, server;
    char nick[64];

    room = started(room_open());
    relay = relay_start("relay", room.port, fake.port, "#room", "0", "-w2");
    server = fake_welcome(&fake, "#room", nick);
    await_links(&relay);
    ann = named(&room, "ann");
    send_text(&ann, "1\n2\n3\n/msg relay end\n");
    free(irc_await(&server, "<ann> 3"));
    expect_error(&relay, "it does not answer");
    (void)skip_to_line(&ann, "[relay] -- %d lines said before may not have reached #room",
                       6); /* and the news: the link, her coming and her name */
    stream_close(&server);
}
END_TEST

START_TEST(what_has_arrived_is_not_counted_and_what_was_under_way_is)
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
    expect_error(&relay, "lost the room");
    expect_error(&relay, "1 line said before may not have reached the room");
    expect_error(&relay, "lost the connection");
    expect_error(&relay, "2 lines said before may not have reached #room");
}
END_TEST

/* ---- No circles --------------------------------------------------------------------- */

START_TEST(several_rooms_in_one_channel_hear_each_other_once)
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
END_TEST

START_TEST(relays_without_a_name_of_their_own_link_two_rooms_as_well)
{
    struct program rooms[2], relays[2];
    struct stream people[2];

    ngircd_start(&irc, "a", 0, "");
    for (int i = 0; i < 2;
         i++) { /* both are "relay" in their rooms, one in the channel */
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
END_TEST

/* The newcomer leaves it to the one that was there, on either side. */
static void expect_standing_by(struct program *newcomer)
{
    for (int i = 0; i < 2; i++)
        expect_error(newcomer, " as well: this relay stands by");
}

START_TEST(two_relays_in_the_same_room_and_channel_do_not_go_in_circles)
{
    struct program second;
    struct stream ann, bob;

    ngircd_start(&irc, "a", 0, "");
    room = started(room_open());
    bob = irc_join(irc.port, "bob", "#room");
    relay = relay_linked("relay", room.port, irc.port, "#room", "-q");
    second = relay_linked("other", room.port, irc.port, "#room", "-q");
    ann = named(&room, "ann");
    expect_standing_by(&second);
    for (int i = 0; i < 40; i++) { /* each line comes once, and nobody hears his own */
        char said[32];

        (void)snprintf(said, sizeof said, "once %d", i);
        send_text(&ann, said);
        send_text(&ann, "\n");
        free(irc_await(&bob, said));
        irc_send(&bob, "PRIVMSG #room :so %s", said);
        (void)skip_to_line(&ann, "[relay] <bob> so %s", said);
    }
    send_text(&ann, "middle\n");
    ck_assert_int_eq(count_until(&bob, "<ann> middle", "once"), 0);
    irc_send(&bob, "PRIVMSG #room :middle");
    ck_assert_int_eq(count_until(&ann, "<bob> middle", "once"), 0);
    relay_stop(&relay);
    for (int i = 0; i < 2; i++)
        expect_error(&second, "relay has left: this relay goes on");
    send_text(&ann, "after\n");
    expect_said_at_last(&bob, "other", "<ann> after");
    relay_stop(&second);
}
END_TEST

/* Lines from one of the two to the other, from number `first` on, must come once. */
static void expect_once(struct stream *client, const char *before, int first, int count)
{
    for (int i = first; i < first + count; i++) {
        char *line;
        int got;

        do {
            line = next_line(client);
            got = -1;
            if (strstr(line, before) != NULL)
                (void)sscanf(strstr(line, before) + strlen(before), "%d", &got);
            if (got != -1 && got != i)
                ck_abort_msg("expected %d, got '%s'", i, line);
            free(line);
        } while (got == -1);
    }
}

START_TEST(what_was_said_while_one_of_two_relays_was_cut_off_comes_once_and_in_order)
{
    enum { LINES = 20 };
    struct program second;
    struct stream ann, bob;

    ngircd_start(&irc, "a", 0, "");
    room = started(room_open());
    relay = relay_linked("aa", room.port, irc.port, "#room", "-q");
    second = relay_linked("bb", room.port, irc.port, "#room", "-q");
    expect_standing_by(&second);
    ann = named(&room, "ann");
    bob = irc_join(irc.port, "bob", "#room");
    irc_send(&bob, "OPER op secret");
    free(irc_await(&bob, " 381 "));
    for (int round = 0; round < 2;
         round++) { /* the first is the one, and then the other */
        for (int i = 0; i < 3 * LINES; i++) {
            char said[32];

            (void)snprintf(said, sizeof said, "line %d\n", round * 100 + i);
            send_text(&ann, said);
            irc_send(&bob, "PRIVMSG #room :word %d", round * 100 + i);
            if (i == LINES)
                irc_send(&bob, "KILL %s :try", round == 0 ? "aa" : "bb");
            if (i == 2 * LINES)
                for (int links = 0; links < 1;) {
                    char *line = next_line(round == 0 ? &relay.err : &second.err);

                    links += strstr(line, "joined #room") != NULL;
                    free(line);
                }
        }
        expect_once(&bob, "<ann> line ", round * 100, 3 * LINES);
        expect_once(&ann, "<bob> word ", round * 100, 3 * LINES);
    }
    relay_stop(&relay);
    relay_stop(&second);
}
END_TEST

/* The one is the first in the room, and the other in the channel. */
START_TEST(of_two_relays_whose_names_are_crossed_one_goes_on)
{
    struct stream ann, bob, early;
    struct program second;
    char said[32];

    ngircd_start(&irc, "a", 0, "");
    room = started(room_open());
    early = named(&room, "relay");
    second = relay_linked("relay", room.port, irc.port, "#room", "-q");
    send_text(&early, "/quit\n");
    while (stream_fill(&early))
        continue;
    relay = relay_linked("relay", room.port, irc.port, "#room", "-q");
    expect_standing_by(&relay);
    ann = named(&room, "ann");
    bob = irc_join(irc.port, "bob", "#room");
    for (int i = 0; i < 50; i++) {
        (void)snprintf(said, sizeof said, "line %d.\n", i);
        send_text(&ann, said);
        irc_send(&bob, "PRIVMSG #room :line %d.", i);
    }
    for (int i = 0; i < 50; i++) {
        (void)snprintf(said, sizeof said, "<ann> line %d.", i);
        free(irc_await(&bob, said));
        (void)snprintf(said, sizeof said, "<bob> line %d.", i);
        free(irc_await(&ann, said));
    }
    relay_stop(&second);
    for (int i = 0; i < 2; i++)
        expect_error(&relay, " has left: this relay goes on");
}
END_TEST

START_TEST(who_is_called_as_a_relay_is_heard_beyond_it_and_too_long_a_way_is_said)
{
    link_fakes("east", "0");
    irc_send(&fake_server, ":west!u@h PRIVMSG #room :<east> hello from the west");
    expect_next(&fake_room, "<west> <east> hello from the west");
    send_text(&fake_room, "[ann] <east> is a name\r\n");
    expect_line(&fake_server, "PRIVMSG #room :<ann> <east> is a name");
    irc_send(&fake_server, ":west!u@h PRIVMSG #room :<east> <zoe> went through it");
    irc_send(&fake_server, ":west!u@h PRIVMSG #room :<east> * zoe went through it");
    expect_error(&relay, "its own words came back");
    for (int i = 0; i < 40; i++)
        send_text(&fake_room, i == 0 ? "[ann] " : "<html> ");
    send_text(&fake_room, "look\r\n[ann] the end\r\n");
    expect_error(&relay, "too many names");
    expect_line(&fake_server, "PRIVMSG #room :<ann> the end");
    irc_send(&fake_server, ":bob!u@h PRIVMSG #room :the end");
    expect_line(&fake_room, "<bob> the end");
    stream_close(&fake_server);
}
END_TEST

START_TEST(what_waits_for_the_room_at_the_end_is_counted)
{
    struct fake fake = fake_open();
    struct stream server;
    char nick[64];

    relay = relay_start("relay", free_port(), fake.port, "#room", "0", NULL);
    server = fake_welcome(&fake, "#room", nick);
    for (int i = 0; i < 1000; i++) /* one of these waits, and no more */
        irc_send(&server, ":p%d!u@h JOIN #room", i);
    for (int i = 0; i < 3; i++)
        irc_send(&server, ":bob!u@h PRIVMSG #room :unheard");
    send_text(&server, "PING :turn\r\n");
    expect_line(&server, "PONG turn");
    ck_assert_int_eq(kill(relay.pid, SIGTERM), 0);
    free(irc_await(&server, "QUIT"));
    stream_close(&server);
    ck_assert_int_eq(program_wait(&relay), 0);
    for (bool told = false; !told;) {
        char *line = next_line(&relay.err);

        told = strstr(line, "4 lines did not reach the room") != NULL;
        free(line);
    }
}
END_TEST

START_TEST(rooms_and_channels_linked_in_a_circle_hear_a_line_so_often_as_there_are_ways)
{
    static const char *const nicks[] = {"r1x", "r2x", "r2y", "r1y"};
    struct program rooms[2], relays[4];
    struct stream ann, zoe;

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
        while (!by_x || !by_y) { /* in any order, and what goes on in the circle too */
            char *line = next_line(&zoe);

            by_x = by_x || strcmp(line, "[r2x] <r1x> <ann> hello") == 0;
            by_y = by_y || strcmp(line, "[r2y] <r1y> <ann> hello") == 0;
            free(line);
        }
    }
    for (int i = 0; i < 4; i++)
        relay_stop(&relays[i]);
    /* Ann hears each of her two lines come round either way, once. */
    (void)skip_to_line(&ann, "Client left r1x");
    stream_drain(&ann);
    for (int i = 0; i < 2; i++)
        program_stop(&rooms[i]);
    while (stream_fill(&zoe))
        continue;
    ck_assert_uint_lt(zoe.length, 2000);
}
END_TEST

/* ---- Coming back -------------------------------------------------------------------- */

START_TEST(a_name_in_use_in_the_room_gets_a_number)
{
    struct stream ann;

    ngircd_start(&irc, "a", 0, "");
    room = started(room_open());
    ann = named(&room, "relay");
    relay = relay_linked("relay", room.port, irc.port, "#room", "-q");
    ck_assert_int_eq(count_until(&ann, " is now relay1", "is now"), 0);
    relay_stop(&relay);
}
END_TEST

START_TEST(a_room_that_comes_back_gets_what_was_said_meanwhile)
{
    struct stream ann, bob;
    char port[16];
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
    (void)snprintf(port, sizeof port, "%d", room_port);
    program_start(&room, "PCHATSRV", "bin/pchatsrv", "-p", port, NULL);
    program_read_port(&room, "ChatServer started on port ");
    (void)started(room);
    ann = room_join(&room);
    (void)skip_to_line(&ann, "[relay] <bob> said meanwhile");
    expect_line(&ann, "[relay] <bob> and this");
    free(irc_await(&bob, "-- the link to the room is up"));
}
END_TEST

START_TEST(an_irc_server_that_comes_back_gets_what_was_said_meanwhile)
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
    ck_assert_int_eq(kill(relay.pid, SIGSTOP), 0); /* until bob is there to hear it */
    ngircd_start(&irc, "a", port, "");
    bob = irc_join(port, "bob", "#room");
    ck_assert_int_eq(kill(relay.pid, SIGCONT), 0);
    free(irc_await(&bob, "<ann> said meanwhile"));
    (void)skip_to_line(&ann, "[relay] -- the link to #room is up");
}
END_TEST

/* A port where connections are neither accepted nor refused: its queue is full. */
static int full_queue(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int listener = socket(AF_INET, SOCK_STREAM, 0), port, fd = 0;
    const char *why = "";

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 0), 0);
    port = listener_port(listener);
    for (int i = 0; i < 8 && fd != -1; i++)
        fd = dial("127.0.0.1", port, SOCK_STREAM, 200, &why);
    ck_assert_int_eq(fd, -1);
    return port;
}

START_TEST(while_one_side_is_out_of_reach_the_other_is_served)
{
    struct fake fake = fake_open();
    int port = full_queue();
    struct stream server;
    char nick[64];

    relay = relay_start("relay", port, fake.port, "#room", "0", NULL);
    server = fake_welcome(&fake, "#room", nick);
    for (int i = 0; i < 3; i++) {
        int64_t asked = clock_ms();

        send_text(&server, "PING :are you there\r\n");
        expect_line(&server, "PONG :are you there");
        ck_assert_int_lt(clock_ms() - asked, 5000); /* it dials for ten seconds */
    }
}
END_TEST

START_TEST(a_standard_error_that_nobody_reads_keeps_nobody_waiting)
{
    ck_assert_int_eq(setenv("IRC_PASSWORD", "sesame", 1), 0);
    link_fakes("relay", "0");
    expect_no_wait_for_reader(&fake_server, &relay, "relay");
    stream_close(&fake_server);
}
END_TEST

/* ---- Hostile rooms ------------------------------------------------------------------ */

START_TEST(the_rest_of_a_line_that_is_not_for_the_channel_is_no_line)
{
    static const char *const begins[] = {"[ann to you] ",
                                         "[ann] <relay> <x> ",
                                         "Client left ann: ",
                                         "You're connected ",
                                         "* ",
                                         "[a b"};
    static const char *const forged[] = {"[bob] I quit", "* bob dies", "Client left bob"};

    link_fakes("relay", "0");
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        for (size_t k = 0; k < sizeof forged / sizeof forged[0]; k++) {
            char text[LINE_MOST + 1];

            (void)memset(text, 'p', LINE_MOST);
            text[LINE_MOST] = '\0';
            memcpy(text, begins[i], strlen(begins[i]));
            send_text(&fake_room, text);
            send_text(&fake_room, forged[k]);
            send_text(&fake_room, "\r\n");
        }
    }
    send_text(&fake_room, "[ann] the end\r\n");
    for (bool over = false; !over;) {
        char *line = next_line(&fake_server);

        over = strcmp(line, "PRIVMSG #room :<ann> the end") == 0;
        ck_assert_msg(over || strstr(line, "bob") == NULL, "'%s'", line);
        free(line);
    }
    stream_close(&fake_server);
}
END_TEST

START_TEST(a_name_longer_than_any_is_not_passed_on_and_does_no_harm)
{
    static const char *const forms[] = {"* %s ", "[%s] ", "[a<%s] ", "* %s> "};
    char name[1501] = "", line[6000], words[3001];

    link_fakes("relay", "0");
    (void)memset(name, 'a', 1500);
    (void)memset(words, 'w', 3000);
    words[3000] = '\0';
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        (void)snprintf(line, sizeof line, forms[i], name);
        send_text(&fake_room, line);
        send_text(&fake_room, words);
        send_text(&fake_room, "\r\n");
    }
    send_text(&fake_room, "[[::1]:4000] the end\r\n");
    expect_line(&fake_server, "PRIVMSG #room :<[::1]:4000> the end");
    stream_close(&fake_server);
}
END_TEST

START_TEST(a_room_that_knows_no_free_name_is_left)
{
    struct fake rooms = fake_open();
    struct stream server;

    relay = relay_start("relay", rooms.port, free_port(), "#room", "0", NULL);
    server = fake_accept(&rooms);
    for (int i = 0; i < 100; i++) {
        char *line = next_line(&server), answer[64];

        ck_assert_int_eq(strncmp(line, "/nick ", 6), 0);
        (void)snprintf(answer, sizeof answer, "The name %.16s is in use\r\n", line + 6);
        send_text(&server, answer);
        free(line);
    }
    expect_end(&server);
    stream_close(&server);
}
END_TEST

/* The room takes no more until the relay has sent half of a line, and then asks for a name. */
START_TEST(a_line_that_was_begun_is_finished_before_another_name_is_asked_for)
{
    char text[512];
    int sent = 0;

    link_fakes("relay", "0");
    (void)memset(text, 'x', 400);
    text[400] = '\0';
    for (; sent < 20000; sent++) {
        irc_send(&fake_server, ":bob!u@h PRIVMSG #room :%s", text);
        if (sent % 100 == 0) {
            send_text(&fake_server, "PING :turn\r\n");
            free(irc_await(&fake_server, "PONG turn"));
        }
    }
    send_text(&fake_room, "The name relay is in use\r\n");
    for (bool asked = false; !asked;) {
        char *line = next_line(&fake_room);
        const char *said = line + ((unsigned char)*line == 255 ? 3 : 0); /* IAC DO ... */

        asked = strcmp(said, "/nick relay1") == 0;
        ck_assert_msg(asked ||
                          (strncmp(said, "<bob> xxx", 9) == 0 && strlen(said) == 406) ||
                          strncmp(said, "-- ", 3) == 0,
                      "'%s'", line);
        free(line);
    }
    stream_close(&fake_server);
}
END_TEST

/* ---- Hostile servers ---------------------------------------------------------------- */

START_TEST(hostile_bytes_from_irc_reach_the_room_as_clean_lines)
{
    static const char bytes[] =
        ":a!b@c PRIVMSG\r\n:a PRIVMSG #room\r\nPRIVMSG #room :no prefix\r\n"
        ":a!b@c PRIVMSG #room :\033]0;title\a\x9B"
        "31m\x7F\xFF\xFF\r\n:\r\n@\r\n\n\n 001\r\n:<x>!b@c PRIVMSG #room :x\r\n"
        ":a!b@c NOTICE #room :N\0UL\r\n:a!b@c PRIVMSG #room :\3"
        "12,4colour\3 \2bold\r\n:a!b@c PRIVMSG #room :\1\1\r\n:a!b@c QUIT\r\n"
        ":a!b@c KICK #room\r\n:a!b@c NICK\r\n:a!b@c PART #room\r\n:a!b@c QUIT :\3\r\n"
        "433\r\n001\r\nPING\r\nJOIN\r\n:a!b@c PRIVMSG #room :\xE2\x82\r\n";
    struct fake fake = fake_open();
    struct stream ann, server;
    char nick[64], *lines = malloc(100000), *line;
    bool over = false;

    ck_assert_ptr_nonnull(lines);
    room = started(room_open());
    relay = relay_start("relay", room.port, fake.port, "#room", "0", NULL);
    server = fake_welcome(&fake, "#room", nick);
    await_links(&relay);
    ann = named(&room, "ann");
    send_bytes(&server, bytes, sizeof bytes - 1);
    for (size_t i = 0; i < sizeof bytes - 1; i++)
        send_bytes(&server, bytes + i, 1);
    (void)memset(lines, '\x02', 100000);
    send_text(&server, ":a!b@c PRIVMSG #room :");
    send_bytes(&server, lines, 100000);
    (void)memset(lines, '\x9B', 100000);
    send_text(&server, "\r\n:a!b@c PRIVMSG #room :");
    send_bytes(&server, lines, 100000);
    send_text(&server, "\r\n:bob!b@c PRIVMSG #room :still here\r\n");
    free(lines);
    while (!over) {
        line = next_line(&ann);
        ck_assert_msg(strncmp(line, "[relay] ", 8) == 0, "'%s'", line);
        for (const char *at = line; *at != '\0'; at++)
            ck_assert_msg((unsigned char)*at >= 0x20 && *at != 0x7F, "'%s'", line);
        over = strcmp(line, "[relay] <bob> still here") == 0;
        free(line);
    }
    stream_close(&server);
}
END_TEST

START_TEST(wrong_usage_is_said)
{
    expect_wrong_usage("IRC_RELAY", "bin/irc_relay", NULL, NULL);
    expect_wrong_usage("IRC_RELAY", "bin/irc_relay", "-r:", "#room");
    expect_wrong_usage("IRC_RELAY", "bin/irc_relay", "-rhost:0", "#room");
    expect_wrong_usage("IRC_RELAY", "bin/irc_relay", "-r[::1]x", "#room");
    expect_wrong_usage("IRC_RELAY", "bin/irc_relay", "-r[::1", "#room");
    expect_wrong_usage("IRC_RELAY", "bin/irc_relay", "-ix", "#room");
    expect_wrong_usage("IRC_RELAY", "bin/irc_relay", "room", NULL);
}
END_TEST

/* ---- Two machines ------------------------------------------------------------------- */

/* Two servers, rooms and relays; ann talks in one room, and zoe listens in the other. */
static struct ngircd servers[2];
static struct program rooms[2], relays[2];
static struct stream ann, zoe, oper, watcher;

/* Each server is to know who is at the other. */
static void link_servers(void)
{
    irc_send(&oper, "CONNECT b.test");
    free(irc_await(&watcher, ":oper!"));
    free(irc_await(&oper, ":watcher!"));
}

static void open_two_machines(void)
{
    ngircd_start(&servers[1], "b", 0, ngircd_link("a", 1));
    ngircd_start(&servers[0], "a", 0, ngircd_link("b", servers[1].port));
    watcher = irc_join(servers[1].port, "watcher", "#room");
    oper = irc_join(servers[0].port, "oper", "#room");
    irc_send(&oper, "OPER op secret");
    free(irc_await(&oper, " 381 "));
    link_servers();
    for (int i = 0; i < 2; i++) {
        rooms[i] = started(room_open());
        relays[i] = relay_linked(i == 0 ? "one" : "two", rooms[i].port, servers[i].port,
                                 "#room", "-q");
    }
    free(irc_await(&watcher, ":one!"));
    ann = named(&rooms[0], "ann");
    zoe = named(&rooms[1], "zoe");
}

static void say_lines(const char *what, int first, int count)
{
    for (int i = first; i < first + count; i++) {
        char text[128];

        (void)snprintf(text, sizeof text, "%s %d, a line of a usual length\n", what, i);
        send_text(&ann, text);
    }
}

static void expect_lines(const char *what, int count)
{
    for (int i = 0; i < count; i++)
        expect_next(&zoe, "[two] <one> <ann> %s %d, a line of a usual length", what, i);
}

START_TEST(between_linked_servers_a_thousand_lines_arrive_once_and_in_order)
{
    open_two_machines();
    say_lines("line", 0, SCALE_LINES);
    expect_lines("line", SCALE_LINES);

    /* The link between the servers breaks: what is said then does not arrive, and when it
       is made anew everything does. Nothing comes twice. */
    irc_send(&oper, "DISCONNECT b.test");
    free(irc_await(&watcher, ":one!"));
    say_lines("lost with the link", 0, 50);
    for (int i = 0; i < 50; i++)
        free(irc_await(&oper, "lost with the link"));
    link_servers();
    say_lines("after", 0, SCALE_LINES);
    expect_lines("after", SCALE_LINES);
}
END_TEST

START_TEST(a_relay_killed_and_restarted_loses_what_was_under_way_and_nothing_else)
{
    int next = 0, lost = 0, got;
    bool over = false;

    open_two_machines();
    say_lines("line", 0, SCALE_LINES);
    expect_lines("line", 100);
    ck_assert_int_eq(kill(relays[1].pid, SIGKILL), 0);
    ck_assert_int_eq(program_wait(&relays[1]), 128 + SIGKILL);
    (void)irc_await(&watcher, ":two!");
    say_lines("line", SCALE_LINES, 100);
    while (!over) { /* what had arrived before it died comes first, in order */
        char *line = next_line(&zoe);

        over = strcmp(line, "Client left two") == 0;
        if (!over) {
            ck_assert_int_eq(sscanf(line, "[two] <one> <ann> line %d,", &got), 1);
            ck_assert_int_eq(got, 100 + next++);
        }
        free(line);
    }
    relays[1] = relay_linked("two", rooms[1].port, servers[1].port, "#room", "-q");
    say_lines("line", SCALE_LINES + 100, SCALE_LINES);
    next += 100;
    for (over = false; !over;) {
        char *line = next_line(&zoe);

        if (sscanf(line, "[two] <one> <ann> line %d,", &got) == 1) {
            ck_assert_int_ge(got, next); /* in order, and none twice */
            lost += got - next;
            next = got + 1;
            over = got == 2 * SCALE_LINES + 99;
        }
        free(line);
    }
    /* All that is lost was said before the new relay was there. */
    ck_assert_int_le(lost, SCALE_LINES);
    (void)printf("a relay was killed while 1,100 lines were under way: %d lost\n", lost);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_said_on_one_side_is_said_on_the_other,
        a_quiet_relay_tells_what_is_said_and_nothing_else,
        a_long_line_comes_in_messages_that_fit_cut_at_characters,
        nothing_said_in_the_room_becomes_a_command_on_irc,
        inspircd_carries_a_room_as_well,
        who_is_called_almost_as_the_relay_is_somebody_else,
        it_keeps_to_the_pace_after_the_first_lines,
        what_is_said_does_not_wait_for_who_comes_and_goes,
        a_queue_that_overflows_says_how_many_lines_were_dropped,
        a_long_line_is_dropped_as_a_whole_and_counts_as_one,
        so_is_one_that_comes_out_of_the_room_in_two_pieces,
        what_the_channel_does_not_take_is_told_in_the_room,
        a_line_whose_names_leave_no_place_for_words_is_counted,
        a_message_fits_also_where_the_server_does_not_show_who_we_are,
        what_a_server_that_hangs_had_taken_is_counted_where_it_was_said,
        what_has_arrived_is_not_counted_and_what_was_under_way_is,
        several_rooms_in_one_channel_hear_each_other_once,
        relays_without_a_name_of_their_own_link_two_rooms_as_well,
        two_relays_in_the_same_room_and_channel_do_not_go_in_circles,
        what_was_said_while_one_of_two_relays_was_cut_off_comes_once_and_in_order,
        of_two_relays_whose_names_are_crossed_one_goes_on,
        who_is_called_as_a_relay_is_heard_beyond_it_and_too_long_a_way_is_said,
        what_waits_for_the_room_at_the_end_is_counted,
        rooms_and_channels_linked_in_a_circle_hear_a_line_so_often_as_there_are_ways,
        a_name_in_use_in_the_room_gets_a_number,
        a_room_that_comes_back_gets_what_was_said_meanwhile,
        an_irc_server_that_comes_back_gets_what_was_said_meanwhile,
        while_one_side_is_out_of_reach_the_other_is_served,
        a_standard_error_that_nobody_reads_keeps_nobody_waiting,
        the_rest_of_a_line_that_is_not_for_the_channel_is_no_line,
        a_name_longer_than_any_is_not_passed_on_and_does_no_harm,
        a_room_that_knows_no_free_name_is_left,
        a_line_that_was_begun_is_finished_before_another_name_is_asked_for,
        hostile_bytes_from_irc_reach_the_room_as_clean_lines,
        wrong_usage_is_said,
        between_linked_servers_a_thousand_lines_arrive_once_and_in_order,
    };
    Suite *suite = suite_create("irc_relay");
    TCase *tcase = tcase_create("irc_relay"), *killed = tcase_create("killed");

    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, NULL, end_all);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(killed, 120);
    tcase_add_checked_fixture(killed, NULL, end_all);
    tcase_set_tags(killed,
                   "limits"); /* what is killed cannot end well: not for valgrind */
    tcase_add_test(
        killed, a_relay_killed_and_restarted_loses_what_was_under_way_and_nothing_else);
    suite_add_tcase(suite, killed);
    return run_suite(suite);
}
