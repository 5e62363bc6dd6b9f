/*
 * What web_chat stands on: history, what several people have heard; event_stream, how a page
 * is told; and tally, who makes way when places run out.
 */
#include "chat/history.h"
#include "http/event_stream.h"
#include "net/tally.h"
#include "tests/harness.h"

#include <string.h>

static struct tests suite;

static struct history history;
static struct heard ann, bob;

static void set_up(void)
{
    memset(&history, 0, sizeof history);
    heard_begin(&ann, &history);
    heard_begin(&bob, &history);
}

static void hear(struct heard *heard, const char *line)
{
    heard_add(heard, &history, line, strlen(line));
}

/* The line of that number is this. */
static void expect_heard(struct heard *heard, uint64_t number, const char *line)
{
    size_t length;
    const char *text;

    ck_assert_uint_le(heard_first(heard, &history), number);
    ck_assert_uint_lt(number, heard->next);
    text = heard_line(heard, &history, number, &length);
    ck_assert_uint_eq(length, strlen(line));
    ck_assert_int_eq(memcmp(text, line, length), 0);
}

TEST(suite, each_person_has_lines_of_their_own_numbered_from_one)
{
    hear(&ann, "one");
    hear(&bob, "only for bob");
    hear(&bob, "one");
    hear(&ann, "");
    expect_heard(&ann, 1, "one");
    expect_heard(&ann, 2, "");
    expect_heard(&bob, 1, "only for bob");
    expect_heard(&bob, 2, "one");
    ck_assert_uint_eq(ann.next, 3);
}

TEST(suite, what_two_people_hear_is_stored_once)
{
    uint64_t after_ann;

    for (int n = 0; n < 100; n++)
        hear(&ann, formatted("line %d", n % 3));
    after_ann = history.end;
    for (int n = 0; n < 100; n++)
        hear(&bob, formatted("line %d", n % 3));
    ck_assert_uint_eq(history.end, after_ann);
    for (int n = 0; n < 100; n++)
        expect_heard(&bob, (uint64_t)n + 1, formatted("line %d", n % 3));
}

TEST(suite, a_persons_list_keeps_its_newest_lines)
{
    for (int n = 1; n <= HEARD_MOST + 10; n++)
        hear(&ann, formatted("line %d", n));
    ck_assert_uint_eq(heard_first(&ann, &history), 11);
    expect_heard(&ann, 11, "line 11");
    expect_heard(&ann, HEARD_MOST + 10, formatted("line %d", HEARD_MOST + 10));
}

/* Lines of all lengths, so that the ring is cut short in all ways. */
TEST(suite, the_ring_keeps_the_newest_lines_whole)
{
    static char line[HISTORY_LINE_MOST];
    const int count = 6000;
    uint64_t first;

    hear(&bob, "bob's only one");
    for (int n = 1; n <= count; n++) {
        memset(line, 'a' + n % 26, sizeof line);
        heard_add(&ann, &history, line, (size_t)(n % (HISTORY_LINE_MOST + 1)));
    }
    first = heard_first(&ann, &history);
    ck_assert_uint_gt(first, (uint64_t)count - HEARD_MOST);
    ck_assert_uint_lt(first, (uint64_t)count - 1000);
    for (uint64_t n = first; n < ann.next; n++) {
        size_t length;
        const char *text = heard_line(&ann, &history, n, &length);

        ck_assert_uint_eq(length, n % (HISTORY_LINE_MOST + 1));
        memset(line, 'a' + (int)(n % 26), length);
        ck_assert_int_eq(memcmp(text, line, length), 0);
    }
    ck_assert_uint_eq(heard_first(&bob, &history), bob.next);
    hear(&bob, "another");
    expect_heard(&bob, 2, "another");
}

TEST(suite, an_event_has_a_number_a_type_and_data)
{
    static const struct {
        const char *text, *written;
    } events[] = {
        {"said\nann\nHello", "id: 7\nevent: said\ndata: ann\ndata: Hello\n\n"},
        {"note\n", "id: 7\nevent: note\ndata: \n\n"},
        {"said\nann\n data: x", "id: 7\nevent: said\ndata: ann\ndata:  data: x\n\n"},
        {"over", "id: 7\nevent: over\ndata:\n\n"},
    };
    char out[EVENT_STREAM_MOST(100)];

    for (size_t i = 0; i < COUNT(events); i++) {
        size_t length =
            event_stream_write(out, 7, events[i].text, strlen(events[i].text));

        ck_assert_uint_eq(length, strlen(events[i].written));
        ck_assert_int_eq(memcmp(out, events[i].written, length), 0);
    }
}

static struct tally tally;

static void take(int place, enum tally_state state, const char *address)
{
    tally_set(&tally, place, state, address);
}

TEST(suite, the_address_that_holds_the_most_gives_up_its_oldest_place)
{
    static const int order[] = {5, 3, 9, 1, 2, 4};

    memset(&tally, 0, sizeof tally);
    ck_assert_int_eq(tally_first(&tally), -1);
    take(1, TALLY_BRIEF, "1.2.3.4:5");
    take(9, TALLY_LONG, "[::1]:5");
    take(5, TALLY_BRIEF, "[::1]:6");
    take(3, TALLY_BRIEF, "[::1]:7");
    take(2, TALLY_BRIEF, "1.2.3.44:5");
    take(4, TALLY_LONG, "[::1]:8");
    take(6, TALLY_LEFT, "[::1]:8");
    ck_assert_int_eq(tally.held, 6);
    for (size_t i = 0; i < COUNT(order); i++) {
        ck_assert_int_eq(tally_first(&tally), order[i]);
        take(order[i], TALLY_FREE, "");
    }
    ck_assert_int_eq(tally_first(&tally), -1);
    ck_assert_int_eq(tally.held, 0);
}

TEST(suite, a_newcomer_gets_a_place_that_nobody_needs_or_one_of_an_address_with_more)
{
    memset(&tally, 0, sizeof tally);
    take(0, TALLY_LONG, "1.1.1.1:1");
    take(1, TALLY_LEFT, "2.2.2.2:1");
    take(2, TALLY_LEFT, "3.3.3.3:1");
    ck_assert_int_eq(tally_choose(&tally, 4, "4.4.4.4:1"), 3); /* free */
    take(3, TALLY_BRIEF, "1.1.1.1:2");
    ck_assert_int_eq(tally_choose(&tally, 4, "4.4.4.4:1"), 1); /* left */
    take(1, TALLY_LONG, "1.1.1.1:3");
    ck_assert_int_eq(tally_choose(&tally, 4, "4.4.4.4:1"), 2);
    take(2, TALLY_LONG, "4.4.4.4:1");
    ck_assert_int_eq(tally_choose(&tally, 4, "1.1.1.1:4"), 3); /* brief */
    take(3, TALLY_LONG, "1.1.1.1:2");
    ck_assert_int_eq(tally_choose(&tally, 4, "1.1.1.1:4"), -1);
    ck_assert_int_eq(tally_choose(&tally, 4, "4.4.4.4:1"),
                     0); /* 3 and 1 become 2 and 2 */
    take(0, TALLY_LONG, "4.4.4.4:2");
    ck_assert_int_eq(tally_choose(&tally, 4, "4.4.4.4:3"), -1);
    ck_assert_int_eq(tally_choose(&tally, 4, "5.5.5.5:1"), 1); /* the oldest */
}

TEST(suite, a_newcomer_may_come_when_each_place_has_another_address)
{
    memset(&tally, 0, sizeof tally);
    for (int i = 0; i < FD_SETSIZE; i++)
        take(i, TALLY_LONG, formatted("10.0.%d.%d:1", i / 250, i % 250));
    ck_assert_int_eq(tally_choose(&tally, FD_SETSIZE, "1.2.3.4:5"), -1);
}

int main(void)
{
    return run_tests("history", &suite, set_up);
}
