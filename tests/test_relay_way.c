/*
 * clients/relay_way: what keeps relayed lines from going in circles, with a clock of its own.
 */
#include "clients/relay_way.h"
#include "tests/harness.h"

#include "net/clock.h"

#include <stdio.h>
#include <string.h>

static int64_t now;
static char reported[256];
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

static void begin(void)
{
    now = 1;
    *reported = '\0';
    way = (struct relay_way){.names = {[ROOM] = "rb", [CHANNEL] = "rb"}, .report = note};
}

/* ra says in the channel what rb has said in the room under its own name there: a twin. */
static void meet_twin(void)
{
    ck_assert(relay_way_may_say(&way, ROOM, "<zed> hi"));
    ck_assert(relay_way_came_back(&way, CHANNEL, "<ra> <rb> <zed> hi"));
    ck_assert_str_eq(reported,
                     "ra links the same room and channel: this relay stands by");
    *reported = '\0';
}

static const char *line_of(int number)
{
    static char line[32];

    (void)snprintf(line, sizeof line, "<ann> line %d", number);
    return line;
}

START_TEST(a_line_that_came_through_this_relay_goes_no_further)
{
    ck_assert(relay_way_came_back(&way, CHANNEL, "<other> <rb> <ann> hi"));
    ck_assert_str_eq(reported, "its own words came back, and go no further");
    ck_assert(!relay_way_came_back(&way, CHANNEL, "<other> <ann> hi"));
    ck_assert(!relay_way_came_back(&way, CHANNEL, "<ann> <rb> a name, quoted"));
}
END_TEST

START_TEST(a_twin_that_is_far_behind_is_waited_for_while_it_goes_on)
{
    meet_twin();
    for (int i = 0; i < 3000; i++)
        ck_assert(!relay_way_may_say(&way, CHANNEL, line_of(i)));
    for (int i = 0; i < 3000; i++) { /* one in nine seconds: it keeps to a slow pace */
        now += 9000;
        relay_way_hear(&way, CHANNEL, "ra", line_of(i));
    }
    ck_assert(!relay_way_may_say(&way, CHANNEL, "<ann> last"));
    ck_assert_str_eq(reported, "");
}
END_TEST

START_TEST(a_twin_that_keeps_lines_to_itself_is_left_and_what_was_lost_is_counted)
{
    meet_twin();
    for (int i = 0; i < 5; i++)
        ck_assert(!relay_way_may_say(&way, CHANNEL, line_of(i)));
    now += 5000;
    relay_way_hear(&way, CHANNEL, "ra", line_of(0));
    relay_way_hear(&way, CHANNEL, "ra",
                   "<zed> hi"); /* what it has not kept is no excuse */
    now += 9000;
    ck_assert(!relay_way_may_say(&way, CHANNEL, line_of(5)));
    now += 2000;
    relay_way_hear(&way, CHANNEL, "ra", line_of(0));
    ck_assert(relay_way_may_say(&way, CHANNEL, line_of(6)));
    ck_assert_str_eq(reported, "ra has kept 5 lines to itself: this relay goes on");
}
END_TEST

START_TEST(what_a_twin_need_not_say_is_not_held_against_it)
{
    meet_twin();
    for (int i = 0; i < 5; i++) { /* it may be quiet, and does not bring back its own */
        ck_assert(!relay_way_may_tell_news(&way, CHANNEL, "-- bob joined the room"));
        ck_assert(!relay_way_may_say(&way, ROOM, line_of(i)));
        relay_way_hear(&way, ROOM, "", line_of(i));
        ck_assert(!relay_way_may_say(&way, CHANNEL, "<ra> <zed> hi"));
        now += 20000;
    }
    ck_assert_str_eq(reported, "");
    relay_way_gone(&way, "ra");
    ck_assert_str_eq(reported, "ra has left: this relay goes on");
    ck_assert(relay_way_may_say(&way, CHANNEL, "<ann> hi"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("the way of relayed lines");
    TCase *tcase = tcase_create("way");

    tcase_add_checked_fixture(tcase, begin, NULL);
    tcase_add_test(tcase, a_line_that_came_through_this_relay_goes_no_further);
    tcase_add_test(tcase, a_twin_that_is_far_behind_is_waited_for_while_it_goes_on);
    tcase_add_test(
        tcase, a_twin_that_keeps_lines_to_itself_is_left_and_what_was_lost_is_counted);
    tcase_add_test(tcase, what_a_twin_need_not_say_is_not_held_against_it);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
