/* pchatsrv -c and -r: a room that a whole class shares. */
#include "tests/room.h"

#include "base/clock.h"
#include "net/line.h"

#include <stdio.h>
#include <string.h>

static struct program open_with(const char *letter, const char *value)
{
    return program_serve(PCHATSRV, FIRST_LINE, letter, value, NULL);
}

/* ---- So many connections of an address ---------------------------------------------- */

START_TEST(one_more_connection_of_an_address_is_told_so_and_closed_and_nobody_hears_of_it)
{
    struct program server = open_with("-c", "2");
    struct stream a = room_join(&server), b, third;

    b = room_join(&server);
    expect_line(&a, "Client joined %s", name_of(&b));
    third = connect_to(server.port);
    expect_line(&third, "Too many connections from your address");
    expect_end(&third);
    send_text(&b, "still two\n");
    expect_line(&a, "[%s] still two", name_of(&b));
    close_sockets();
    program_stop(&server);
}
END_TEST

START_TEST(a_place_of_an_address_is_free_again_when_a_client_has_left)
{
    struct program server = open_with("-c", "1");
    struct stream first = room_join(&server), second;

    send_text(&first, "/quit\n");
    expect_end(&first);
    second = room_join(&server);
    send_text(&second, "/who\n");
    expect_containing(&second, name_of(&second));
    close_sockets();
    program_stop(&server);
}
END_TEST

/* Its end and the newcomer often come in the same turn of the loop. */
START_TEST(a_place_of_an_address_is_free_as_soon_as_its_client_has_closed)
{
    struct program server = open_with("-c", "1");

    for (int n = 0; n < 100; n++) {
        struct stream client = room_join(&server);

        stream_close(&client);
    }
    program_stop(&server);
}
END_TEST

START_TEST(another_address_has_places_of_its_own)
{
    struct program server;
    struct stream v4, v6;

    if (lacks("IPv6"))
        return;
    server = open_with("-c", "1");
    v4 = room_join(&server);
    v6 = connect_to_host("::1", server.port);
    expect_line(&v6, GREETING);
    expect_line(&v4, "Client joined %s", name_of(&v6));
    close_sockets();
    program_stop(&server);
}
END_TEST

START_TEST(without_c_an_address_has_as_many_places_as_the_room)
{
    struct program server = room_open();
    struct stream clients[50];

    room_fill(&server, clients, 50);
    close_sockets();
    program_stop(&server);
}
END_TEST

/* ---- So many lines a second --------------------------------------------------------- */

#define RATE 50 /* lines a second, and a burst of as many */

/*
 * The earliest moment at which line `n` may be heard is known. The latest is not, since a
 * busy machine may be late, so nothing here fails if it is.
 */
START_TEST(a_client_that_says_too_much_is_heard_at_its_rate_and_loses_nothing)
{
    struct program server = open_with("-r", "50");
    struct stream reader = room_join(&server), speaker = room_join(&server);
    int64_t started = clock_ms();

    expect_line(&reader, "Client joined %s", name_of(&speaker));
    for (int n = 0; n < 3 * RATE; n++)
        send_line(&speaker, "line %d", n);
    for (int n = 0; n < 3 * RATE; n++) {
        expect_line(&reader, "[%s] line %d", name_of(&speaker), n);
        ck_assert_int_ge(clock_ms() - started, (n + 1 - RATE) * 1000 / RATE - 1);
    }
    close_sockets();
    program_stop(&server);
}
END_TEST

START_TEST(a_client_that_says_too_much_slows_nobody_else)
{
    struct program server = open_with("-r", "1");
    struct stream reader = room_join(&server), much = room_join(&server), other;

    other = room_join(&server);
    send_repeated(&much, "much\n", 1000);
    skip_to_line(&reader, "[%s] much", name_of(&much));
    send_text(&other, "a word\n");
    ck_assert_int_lt(skip_to_line(&reader, "[%s] a word", name_of(&other)), 30);
    expect_rest(&server, 300); /* and the server does not spin meanwhile */
    close_sockets();
    program_stop(&server);
}
END_TEST

/* TCP stops a sender that the room does not listen to: the room stores nothing. */
START_TEST(a_flood_waits_in_the_kernel_and_not_in_the_room)
{
    struct program server = open_with("-r", "1");
    struct stream reader = room_join(&server), flood = room_join(&server);
    char block[4096];

    memset(block, 'x', sizeof block);
    block[sizeof block - 1] = '\n';
    send_until_stopped(&flood, block, sizeof block);
    skip_to_line(&reader, "Client joined %s", name_of(&flood));
    expect_beginning(&reader, "[");
    close_sockets();
    program_stop(&server);
}
END_TEST

START_TEST(a_client_that_waits_for_its_turn_still_hears_the_others)
{
    struct program server = open_with("-r", "1");
    struct stream much = room_join(&server), other = room_join(&server);

    send_repeated(&much, "much\n", 100);
    skip_to_line(&other, "[%s] much", name_of(&much));
    send_text(&other, "do you hear?\n");
    skip_to_line(&much, "[%s] do you hear?", name_of(&other));
    close_sockets();
    program_stop(&server);
}
END_TEST

/* Otherwise it would speak, and have a place in the room, for hours. */
START_TEST(what_a_client_said_too_much_is_dropped_when_its_connection_is_lost)
{
    struct program server = open_with("-r", "1");
    struct stream much = room_join(&server), other = room_join(&server);

    send_repeated(&much, "much\n", 10000);
    skip_to_line(&other, "[%s] much", name_of(&much));
    stream_reset(&much);
    send_text(&other, "are you there?\n");
    skip_to_beginning(&other, "Client left ");
    close_sockets();
    program_stop(&server);
}
END_TEST

START_TEST(commands_and_pieces_of_long_lines_count_too)
{
    struct program server = open_with("-r", "2");
    struct stream much = room_join(&server), reader = room_join(&server);
    int64_t started = clock_ms();

    send_text(&much, "/who\n/who\n"); /* as many as may come at once */
    send_repeated(&much, "x", LINE_MOST + 1);
    send_text(&much, "\n");
    for (int piece = 1; piece <= 2; piece++) {
        expect_beginning(&reader, formatted("[%s] x", name_of(&much)));
        ck_assert_int_ge(clock_ms() - started, piece * 500);
    }
    close_sockets();
    program_stop(&server);
}
END_TEST

START_TEST(a_limit_must_be_a_number_that_means_something)
{
    expect_usage_error(PCHATSRV, "-c", "0", NULL);
    expect_usage_error(PCHATSRV, "-c", "many", NULL);
    expect_usage_error(PCHATSRV, "-r", "0", NULL);
    expect_usage_error(PCHATSRV, "-r", "1001", NULL);
}
END_TEST

int main(void)
{
    const TTest *const connections[] = {
        one_more_connection_of_an_address_is_told_so_and_closed_and_nobody_hears_of_it,
        a_place_of_an_address_is_free_again_when_a_client_has_left,
        a_place_of_an_address_is_free_as_soon_as_its_client_has_closed,
        another_address_has_places_of_its_own,
        without_c_an_address_has_as_many_places_as_the_room,
        NULL,
    };
    const TTest *const lines[] = {
        a_client_that_says_too_much_is_heard_at_its_rate_and_loses_nothing,
        a_client_that_says_too_much_slows_nobody_else,
        a_flood_waits_in_the_kernel_and_not_in_the_room,
        a_client_that_waits_for_its_turn_still_hears_the_others,
        what_a_client_said_too_much_is_dropped_when_its_connection_is_lost,
        commands_and_pieces_of_long_lines_count_too,
        a_limit_must_be_a_number_that_means_something,
        NULL,
    };
    const struct test_case cases[] = {
        {.name = "connections of an address", .tests = connections},
        {.name = "lines a second", .tests = lines},
    };

    return run_cases("the limits of a room", cases, COUNT(cases));
}
