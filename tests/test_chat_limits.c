/* pchatsrv -c and -r: a room that a whole class shares. */
#include "tests/room.h"
#include "tests/server.h"

#include "base/clock.h"
#include "net/line.h"

#include <string.h>

static struct tests connections, lines;

static void open_with(const char *letter, const char *value)
{
    server = program_serve(PCHATSRV, FIRST_LINE, letter, value, NULL);
}

/* The same with two clients in the room, the first of which knows of the other. */
static void open_for_two(const char *letter, const char *value, struct stream *first,
                         struct stream *second)
{
    open_with(letter, value);
    *first = room_join(&server);
    *second = room_join(&server);
    expect_line(first, "Client joined %s", name_of(second));
}

/* ---- So many connections of an address ---------------------------------------------- */

TEST(connections,
     one_more_connection_of_an_address_is_told_so_and_closed_and_nobody_hears_of_it)
{
    struct stream a, b, third;

    open_for_two("-c", "2", &a, &b);
    third = connect_to(server.port);
    expect_line(&third, "Too many connections from your address");
    expect_end(&third);
    send_text(&b, "still two\n");
    expect_line(&a, "[%s] still two", name_of(&b));
}

TEST(connections, a_place_of_an_address_is_free_again_when_a_client_has_left)
{
    struct stream first, second;

    open_with("-c", "1");
    first = room_join(&server);
    send_text(&first, "/quit\n");
    expect_end(&first);
    second = room_join(&server);
    send_text(&second, "/who\n");
    expect_containing(&second, name_of(&second));
}

/* Its end and the newcomer often come in the same turn of the loop. */
TEST(connections, a_place_of_an_address_is_free_as_soon_as_its_client_has_closed)
{
    open_with("-c", "1");
    for (int n = 0; n < 100; n++) {
        struct stream client = room_join(&server);

        stream_close(&client);
    }
}

TEST(connections, another_address_has_places_of_its_own)
{
    struct stream v4, v6;

    if (lacks("IPv6"))
        return;
    open_with("-c", "1");
    v4 = room_join(&server);
    v6 = connect_to_host("::1", server.port);
    expect_line(&v6, GREETING);
    expect_line(&v4, "Client joined %s", name_of(&v6));
}

TEST(connections, without_c_an_address_has_as_many_places_as_the_room)
{
    struct stream clients[50];

    server = room_open();
    room_fill(&server, clients, 50);
}

/* ---- So many lines a second --------------------------------------------------------- */

#define RATE 50 /* lines a second, and a burst of as many */

/*
 * The earliest moment at which line `n` may be heard is known. The latest is not, since a
 * busy machine may be late, so nothing here fails if it is.
 */
TEST(lines, a_client_that_says_too_much_is_heard_at_its_rate_and_loses_nothing)
{
    struct stream reader, speaker;
    int64_t started;

    open_for_two("-r", "50", &reader, &speaker);
    started = clock_ms();
    for (int n = 0; n < 3 * RATE; n++)
        send_line(&speaker, "line %d", n);
    for (int n = 0; n < 3 * RATE; n++) {
        expect_line(&reader, "[%s] line %d", name_of(&speaker), n);
        ck_assert_int_ge(clock_ms() - started, (n + 1 - RATE) * 1000 / RATE - 1);
    }
}

TEST(lines, a_client_that_says_too_much_slows_nobody_else)
{
    struct stream reader, much, other;

    open_for_two("-r", "1", &reader, &much);
    other = room_join(&server);
    send_repeated(&much, "much\n", 1000);
    skip_to_line(&reader, "[%s] much", name_of(&much));
    send_text(&other, "a word\n");
    ck_assert_int_lt(skip_to_line(&reader, "[%s] a word", name_of(&other)), 30);
    expect_rest(&server, 300); /* and the server does not spin meanwhile */
}

/* TCP stops a sender that the room does not listen to: the room stores nothing. */
TEST(lines, a_flood_waits_in_the_kernel_and_not_in_the_room)
{
    struct stream reader, flood;
    char block[4096];

    open_for_two("-r", "1", &reader, &flood);
    memset(block, 'x', sizeof block);
    block[sizeof block - 1] = '\n';
    send_until_stopped(&flood, block, sizeof block);
    expect_beginning(&reader, "[");
}

TEST(lines, a_client_that_waits_for_its_turn_still_hears_the_others)
{
    struct stream much, other;

    open_for_two("-r", "1", &much, &other);
    send_repeated(&much, "much\n", 100);
    skip_to_line(&other, "[%s] much", name_of(&much));
    send_text(&other, "do you hear?\n");
    skip_to_line(&much, "[%s] do you hear?", name_of(&other));
}

/* Otherwise it would speak, and have a place in the room, for hours. */
TEST(lines, what_a_client_said_too_much_is_dropped_when_its_connection_is_lost)
{
    struct stream much, other;

    open_for_two("-r", "1", &much, &other);
    send_repeated(&much, "much\n", 10000);
    skip_to_line(&other, "[%s] much", name_of(&much));
    stream_reset(&much);
    send_text(&other, "are you there?\n");
    skip_to_beginning(&other, "Client left ");
}

/* Those with a lower descriptor have been sent their share of that turn already. */
TEST(lines, everyone_hears_at_once_that_a_lost_client_which_said_too_much_is_dropped)
{
    struct stream first, much;

    open_for_two("-r", "20", &first, &much);
    send_repeated(&much, "much\n", 10000);
    skip_to_line(&first, "[%s] much", name_of(&much));
    stream_reset(&much);
    send_text(&first, "are you there?\n");
    skip_to_beginning(&first, "Client left ");
}

TEST(lines, commands_and_pieces_of_long_lines_count_too)
{
    struct stream much, reader;
    int64_t started;

    open_for_two("-r", "2", &much, &reader);
    started = clock_ms();
    send_text(&much, "/who\n/who\n"); /* as many as may come at once */
    send_repeated(&much, "x", LINE_MOST + 1);
    send_text(&much, "\n");
    for (int piece = 1; piece <= 2; piece++) {
        expect_beginning(&reader, formatted("[%s] x", name_of(&much)));
        ck_assert_int_ge(clock_ms() - started, piece * 500);
    }
}

TEST(lines, a_limit_must_be_a_number_that_means_something)
{
    expect_usage_error(PCHATSRV, "-c", "0", NULL);
    expect_usage_error(PCHATSRV, "-c", "many", NULL);
    expect_usage_error(PCHATSRV, "-r", "0", NULL);
    expect_usage_error(PCHATSRV, "-r", "1001", NULL);
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "connections of an address", .tests = &connections},
        {.name = "lines a second", .tests = &lines},
    };

    return run_cases("the limits of a room", cases, COUNT(cases));
}
