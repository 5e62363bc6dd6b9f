/* irc/relay_way: what keeps relayed lines from going in circles. */
#include "irc/relay_way.h"
#include "tests/harness.h"

#include <string.h>

static enum relay_way way_of(enum side side, const char *line)
{
    static const char *const names[] = {[ROOM] = "rb", [CHANNEL] = "cb"};

    return relay_way_of(names, side, line);
}

START_TEST(a_line_that_came_through_this_relay_goes_no_further)
{
    ck_assert_int_eq(way_of(CHANNEL, "<x> <y> <cb> <ann> hi"), WAY_CAME_BACK);
    ck_assert_int_eq(way_of(ROOM, "<x> <y> <rb> * ann waves"), WAY_CAME_BACK);
    ck_assert_int_eq(way_of(ROOM, "<w> <x> <y> <cb> -- ann is now bob"), WAY_CAME_BACK);
    ck_assert_int_eq(way_of(CHANNEL, "<x> <y> <rb> <ann> hi"),
                     WAY_ON); /* somebody else */
    ck_assert_int_eq(way_of(CHANNEL, "<other> <ann> hi"), WAY_ON);
    ck_assert_int_eq(way_of(CHANNEL, "<ann> hi"), WAY_ON);
}
END_TEST

START_TEST(the_last_name_is_the_authors_and_may_be_the_relays_name)
{
    ck_assert_int_eq(way_of(CHANNEL, "<other> <rb> hi"), WAY_ON);
    ck_assert_int_eq(way_of(CHANNEL, "<ann> <rb> a name, quoted"), WAY_ON);
    ck_assert_int_eq(way_of(ROOM, "<cb> hi"), WAY_ON);
}
END_TEST

START_TEST(another_relay_of_the_same_room_and_channel_is_known)
{
    ck_assert_int_eq(way_of(CHANNEL, "<other> <rb> <bob> hi"), WAY_OTHER);
    ck_assert_int_eq(way_of(CHANNEL, "<third> <rb> -- the link to #room is up"),
                     WAY_OTHER);
    ck_assert_int_eq(way_of(ROOM, "<other> <cb> * ann waves"), WAY_OTHER);
}
END_TEST

START_TEST(a_way_that_is_too_long_goes_no_further)
{
    char line[1024] = "";

    while (strlen(line) <= WAY_MOST)
        strcat(line, "<html> ");
    ck_assert_int_eq(way_of(CHANNEL, line), WAY_TOO_LONG);
    line[strlen(line) - strlen("<html> ")] = '\0';
    ck_assert_int_eq(way_of(CHANNEL, line), WAY_ON);
}
END_TEST

START_TEST(the_way_is_the_names_in_angle_brackets_at_the_beginning)
{
    ck_assert_uint_eq(way_length("<ann> <bob> hi <x> "), strlen("<ann> <bob> "));
    ck_assert_uint_eq(way_length("hi <ann> "), 0);
    ck_assert_uint_eq(way_length("<> hi"), 0);
    ck_assert_uint_eq(way_length("<a b> hi"), 0);
    ck_assert_uint_eq(way_length("<ann>hi"), 0);
    ck_assert_uint_eq(way_length("<ann"), 0);
    ck_assert_uint_eq(way_length(""), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_line_that_came_through_this_relay_goes_no_further,
        the_last_name_is_the_authors_and_may_be_the_relays_name,
        another_relay_of_the_same_room_and_channel_is_known,
        a_way_that_is_too_long_goes_no_further,
        the_way_is_the_names_in_angle_brackets_at_the_beginning,
    };
    Suite *suite = suite_create("the way of relayed lines");
    TCase *tcase = tcase_create("way");

    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
