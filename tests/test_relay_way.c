/* irc/relay_way: what keeps relayed lines from going in circles. */
#include "irc/relay_way.h"
#include "tests/harness.h"

#include <stdio.h>
#include <string.h>

static char reported[512]; /* the last report */
static struct relay_way way;

static void note(void *owner, const char *text)
{
    (void)owner;
    snprintf(reported, sizeof reported, "%s", text);
}

static void begin(void)
{
    way = (struct relay_way){.names = {[ROOM] = "rb", [CHANNEL] = "cb"}, .report = note};
}

/* Does the line go further? This must be reported about it, or nothing (NULL). */
static bool goes_further(enum side side, const char *line, const char *report)
{
    bool came_back;

    *reported = '\0';
    came_back = relay_way_came_back(&way, side, line);
    if (report == NULL)
        ck_assert_str_eq(reported, "");
    else
        ck_assert_msg(strstr(reported, report) != NULL, "'%s'", reported);
    return !came_back;
}

START_TEST(a_line_that_came_through_this_relay_goes_no_further)
{
    ck_assert(!goes_further(CHANNEL, "<x> <y> <cb> <ann> hi", "came back"));
    ck_assert(!goes_further(ROOM, "<x> <y> <rb> * ann waves", NULL)); /* said once */
    ck_assert(!goes_further(ROOM, "<w> <x> <y> <cb> -- ann is now bob", NULL));
    ck_assert(goes_further(CHANNEL, "<x> <y> <rb> <ann> hi", NULL)); /* somebody else */
    ck_assert(goes_further(CHANNEL, "<other> <ann> hi", NULL));
    ck_assert(goes_further(CHANNEL, "<ann> hi", NULL));
}
END_TEST

START_TEST(the_last_name_is_the_authors_and_may_be_the_relays_name)
{
    ck_assert(goes_further(CHANNEL, "<other> <rb> hi", NULL));
    ck_assert(goes_further(CHANNEL, "<ann> <rb> a name, quoted", NULL));
    ck_assert(goes_further(ROOM, "<cb> hi", NULL));
}
END_TEST

START_TEST(another_relay_of_the_same_room_and_channel_is_named_once)
{
    ck_assert(!goes_further(CHANNEL, "<other> <rb> <bob> hi", "other links this room"));
    ck_assert(!goes_further(CHANNEL, "<third> <rb> -- the link to #room is up", NULL));
    ck_assert(!goes_further(ROOM, "<other> <cb> * ann waves", NULL));
    ck_assert(!goes_further(CHANNEL, "<x> <y> <cb> <ann> hi", "came back"));
}
END_TEST

START_TEST(a_way_that_is_too_long_is_reported_once)
{
    char line[1024] = "";

    while (strlen(line) <= WAY_MOST)
        strcat(line, "<html> ");
    ck_assert(!goes_further(CHANNEL, line, "too many names"));
    ck_assert(!goes_further(ROOM, line, NULL));
    line[strlen(line) - strlen("<html> ")] = '\0';
    ck_assert(goes_further(CHANNEL, line, NULL));
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
        another_relay_of_the_same_room_and_channel_is_named_once,
        a_way_that_is_too_long_is_reported_once,
        the_way_is_the_names_in_angle_brackets_at_the_beginning,
    };
    Suite *suite = suite_create("the way of relayed lines");
    TCase *tcase = tcase_create("way");

    tcase_add_checked_fixture(tcase, begin, NULL);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
