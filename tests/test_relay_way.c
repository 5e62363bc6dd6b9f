/*
 * clients/relay_way: what keeps relayed lines from going in circles, and from coming twice,
 * with a clock of its own.
 */
#include "irc/relay_way.h"
#include "tests/harness.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

static int64_t now;
static char reported[256], told[2][256]; /* the last of each */
static struct relay_way way;

/* In place of net/clock.c: time passes when a test says so. */
int64_t clock_ms(void)
{
    return now;
}

struct timespec clock_timespec(int64_t ms)
{
    return (struct timespec){.tv_sec = (time_t)(ms / 1000)};
}

static void note(void *owner, const char *text)
{
    (void)owner;
    (void)snprintf(reported, sizeof reported, "%s", text);
}

static void note_told(void *owner, enum side side, const char *line)
{
    (void)owner;
    (void)snprintf(told[side], sizeof told[side], "%s", line);
}

static void begin(void)
{
    now = 1;
    *reported = *told[ROOM] = *told[CHANNEL] = '\0';
    way = (struct relay_way){
        .names = {[ROOM] = "rb", [CHANNEL] = "rb"}, .report = note, .tell = note_told};
    relay_way_link(&way, true);
}

/* ra says in the channel what rb has said in the room under its own name there: a twin. */
static void meet_twin(void)
{
    relay_way_tell(&way, ROOM, "-- the link to #room is up");
    ck_assert(relay_way_came_back(&way, CHANNEL, "<ra> <rb> -- the link to #room is up"));
    ck_assert_str_eq(reported, "ra passes on the room as well: this relay stands by");
    ck_assert_str_eq(told[CHANNEL], "-- this relay stands by for ra");
    ck_assert(relay_way_stands_by(&way, CHANNEL) && !relay_way_stands_by(&way, ROOM));
    *reported = '\0';
}

static const char *line_of(int number)
{
    static char line[32];

    (void)snprintf(line, sizeof line, "<ann> line %d", number);
    return line;
}

static void say(int first, int count)
{
    for (int i = first; i < first + count; i++)
        (void)relay_way_say(&way, CHANNEL, line_of(i), false);
}

static bool twin_says(const char *words)
{
    return relay_way_hear(&way, CHANNEL, "ra", words);
}

/* These lines, and no others, wait on the way to the channel. */
static void expect_waiting(int first, int count)
{
    char expected[4096] = "";

    for (int i = first; i < first + count; i++) {
        (void)strcat(expected, line_of(i));
        (void)strcat(expected, "\n");
    }
    ck_assert_uint_eq(way.sides[CHANNEL].waiting.length, strlen(expected));
    ck_assert(memcmp(way.sides[CHANNEL].waiting.bytes, expected, strlen(expected)) == 0);
}

START_TEST(a_line_that_came_through_this_relay_goes_no_further)
{
    ck_assert(relay_way_came_back(&way, CHANNEL, "<other> <rb> <ann> hi"));
    ck_assert_str_eq(reported, "its own words came back, and go no further");
    ck_assert(!relay_way_came_back(&way, CHANNEL, "<other> <ann> hi"));
    ck_assert(!relay_way_came_back(&way, CHANNEL, "<ann> <rb> a name, quoted"));
}
END_TEST

START_TEST(what_a_twin_is_to_say_is_held_until_it_has_said_it)
{
    meet_twin();
    say(0, 5);
    expect_waiting(0, 5);
    ck_assert(twin_says(line_of(0)));
    ck_assert(!relay_way_hear(&way, CHANNEL, "zed", line_of(4)));
    expect_waiting(1, 4);
    ck_assert(twin_says(line_of(2))); /* and so all before it, in its order */
    expect_waiting(3, 2);
    ck_assert(twin_says("-- ann joined the room")); /* which goes no further either */
    relay_way_gone(&way, CHANNEL, "zed", "");
    ck_assert(relay_way_stands_by(&way, CHANNEL));
    relay_way_gone(&way, CHANNEL, "ra", "");
    ck_assert_str_eq(reported, "ra has left: this relay goes on");
    ck_assert(!relay_way_stands_by(&way, CHANNEL));
    expect_waiting(3, 2);
}
END_TEST

START_TEST(what_a_twin_has_said_first_is_not_said_again)
{
    meet_twin();
    ck_assert(twin_says(line_of(0)));
    say(0, 2);
    expect_waiting(1, 1);
    say(0, 1); /* somebody says the same again */
    ck_assert_uint_eq(way.sides[CHANNEL].waiting.lines, 2);
    ck_assert(twin_says(line_of(7)));
    relay_way_gone(&way, CHANNEL, "ra", ""); /* and it has said that all the same */
    ck_assert(!relay_way_say(&way, CHANNEL, line_of(7), false));
}
END_TEST

START_TEST(a_twin_that_is_slow_is_waited_for_and_one_that_keeps_lines_is_left)
{
    meet_twin();
    say(0, 100);
    for (int i = 0; i < 90; i++) { /* one in nine seconds: it keeps to a slow pace */
        now += 9000;
        ck_assert_int_gt(relay_way_deadline(&way), now);
        relay_way_step(&way);
        ck_assert(twin_says(line_of(i)));
    }
    now += 9000;
    ck_assert(twin_says("something else"));
    relay_way_step(&way);
    ck_assert_str_eq(reported, "");
    now += 1000;
    ck_assert_int_eq(relay_way_deadline(&way), now);
    relay_way_step(&way);
    ck_assert_str_eq(reported, "ra keeps lines to itself: this relay goes on");
    expect_waiting(90, 10);
}
END_TEST

/* It drops them as its own, and they say nothing about it. */
START_TEST(a_line_with_the_twins_name_on_its_way_is_not_waited_for)
{
    meet_twin();
    ck_assert(!relay_way_say(&way, CHANNEL, "<ann> <ra> <z> x", false));
    ck_assert_int_eq(relay_way_deadline(&way), INT64_MAX);
}
END_TEST

START_TEST(a_twin_whose_link_is_lost_or_whose_name_changes_is_known)
{
    meet_twin();
    relay_way_gone(&way, CHANNEL, "ra", "rc");
    ck_assert(relay_way_stands_by(&way, CHANNEL));
    ck_assert(!relay_way_hear(&way, CHANNEL, "ra", "-- the link to the room is lost"));
    ck_assert(relay_way_hear(&way, CHANNEL, "rc", "-- the link to the room is lost"));
    ck_assert_str_eq(reported, "rc has lost its link: this relay goes on");
}
END_TEST

START_TEST(of_two_that_stand_by_for_each_other_the_first_in_order_goes_on)
{
    meet_twin();
    (void)twin_says("-- this relay stands by for rc");
    (void)twin_says("-- this relay stands by for rb");
    ck_assert(relay_way_stands_by(&way, CHANNEL)); /* ra comes before rb */
    relay_way_gone(&way, CHANNEL, "ra", "rz");
    ck_assert(!relay_way_hear(&way, CHANNEL, "rz", "-- this relay stands by for rb"));
    ck_assert(!relay_way_stands_by(&way, CHANNEL));
    ck_assert_str_eq(reported, "rz stands by as well: this relay goes on");
}
END_TEST

START_TEST(a_relay_whose_link_was_lost_says_what_its_deputy_has_not)
{
    ck_assert(!relay_way_hear(&way, CHANNEL, "rz", "-- this relay stands by for rb"));
    ck_assert(!relay_way_stands_by(&way, CHANNEL));
    relay_way_link(&way, false);
    ck_assert_str_eq(reported, "rz goes on in the place of this relay");
    say(0, 5);
    now += 60000;
    relay_way_step(&way); /* out of the channel it cannot hear the other */
    ck_assert(relay_way_stands_by(&way, CHANNEL));
    relay_way_link(&way, true);
    ck_assert_str_eq(told[CHANNEL], "-- this relay stands by for rz");
    relay_way_tell(&way, ROOM, "-- the link to #room is up");
    say(5, 3);
    /* The other has passed that on: what was before it has been said. */
    ck_assert(relay_way_hear(&way, CHANNEL, "rz", "<rb> -- the link to #room is up"));
    expect_waiting(5, 3);
    now += 10000;
    relay_way_step(&way);
    ck_assert(!relay_way_stands_by(&way, CHANNEL));
}
END_TEST

START_TEST(a_mark_that_nobody_passes_on_is_no_reason_to_leave_a_twin)
{
    meet_twin();
    relay_way_tell(&way, ROOM, "-- bob joined the channel");
    now += 10000;
    relay_way_step(&way);
    ck_assert(relay_way_stands_by(&way, CHANNEL));
    expect_waiting(0, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_line_that_came_through_this_relay_goes_no_further,
        what_a_twin_is_to_say_is_held_until_it_has_said_it,
        what_a_twin_has_said_first_is_not_said_again,
        a_twin_that_is_slow_is_waited_for_and_one_that_keeps_lines_is_left,
        a_line_with_the_twins_name_on_its_way_is_not_waited_for,
        a_twin_whose_link_is_lost_or_whose_name_changes_is_known,
        of_two_that_stand_by_for_each_other_the_first_in_order_goes_on,
        a_relay_whose_link_was_lost_says_what_its_deputy_has_not,
        a_mark_that_nobody_passes_on_is_no_reason_to_leave_a_twin,
    };
    Suite *suite = suite_create("the way of relayed lines");
    TCase *tcase = tcase_create("way");

    tcase_add_checked_fixture(tcase, begin, NULL);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
