/*
 * web_chat's patience: with a browser that does not read, with proxies, and with people whose
 * browser is gone. That takes most of a minute, so all of it is one test.
 */
#include "tests/room.h"
#include "tests/web_chat.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct tests suite;

/* Says so much that what the gateway and the system store for one reader is full. */
static void flood(struct stream *telnet, struct stream *witness, int lines)
{
    for (int n = 0; n < lines; n++) {
        send_line(telnet, "%s", repeated('x', 1000));
        skip_to_event(witness, "said");
    }
}

/* Reads what a let-go browser still gets. Returns the number of the last whole event. */
static uint64_t read_to_the_end(struct stream *events)
{
    uint64_t begun = 0, last = 0;
    char *line, *end;

    stream_fill_to_end(events);
    for (line = events->bytes; (end = memchr(line, '\n', events->length)) != NULL;
         line = end + 1) {
        if (strncmp(line, "id: ", 4) == 0)
            begun = strtoull(line + 4, NULL, 10);
        else if (end == line || end == line + 1)
            last = begun;
        events->length -= (size_t)(end + 1 - line);
    }
    return last;
}

TEST(suite, a_browser_that_does_not_read_or_is_gone_is_waited_for_but_not_for_ever)
{
    const int small = 4096;
    const char *cut_token, *gone_token, *stalled_token, *witness_token;
    struct stream cut = join_and_listen("cut", &cut_token);
    struct stream gone = join_and_listen("gone", &gone_token);
    struct stream stalled = join_and_listen("stalled", &stalled_token);
    struct stream witness = join_and_listen("witness", &witness_token);
    struct stream telnet = named(&chat_room, "tel");
    int64_t began = clock_ms();
    uint64_t last, cut_last;

    ck_assert_int_eq(setsockopt(stalled.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small),
                     0);
    cut_last = expect_event(&cut, "renamed", formatted("%s\ntel", name_of(&telnet)));
    stream_close(&cut);
    stream_close(&gone);
    flood(&telnet, &witness, 1000);
    ck_assert_int_lt(clock_ms() - began, 8000); /* nobody waited for the stalled one */

    /* A sign of life comes every 15 seconds, and the stalled browser has been let go by then. */
    skip_to_line(&witness, "event: alive");
    ck_assert_int_gt(clock_ms() - began, 13000);
    send_line(&telnet, "Hello");
    expect_event(&witness, "said", "tel\nHello");
    last = read_to_the_end(&stalled);
    ck_assert_uint_gt(last, 0);
    ck_assert_uint_lt(last, 900);
    stalled = open_events(stalled_token, last);
    for (uint64_t number = last + 1; strcmp(event_data, "tel\nHello") != 0; number++)
        ck_assert_uint_eq(take_event(&stalled), number);

    /* The next one comes after half a minute, in which nothing was lost. */
    skip_to_line(&witness, "event: alive");
    cut = open_events(cut_token, cut_last);
    ck_assert_uint_eq(take_event(&cut), cut_last + 1);
    expect_event(&cut, "said", "tel\nHello");
    send_line(&telnet, "Welcome back");
    expect_event(&cut, "said", "tel\nWelcome back");

    /* After 45 seconds somebody without a browser leaves the room, and may still come back. */
    expect_event(&witness, "left", "gone\n");
    ck_assert_int_gt(clock_ms() - began, 40000);
    ck_assert_int_eq(say(gone_token, "Am I here?"), 503);
    send_line(&telnet, "Unheard");
    expect_event(&witness, "said", "tel\nUnheard");
    gone = open_events(gone_token, cut_last);
    do {
        take_event(&gone);
        ck_assert_str_ne(event_data, "tel\nUnheard");
    } while (strcmp(event_type, "missing") != 0);
    ck_assert_int_eq(strncmp(event_data, "You were out of the room for ", 29), 0);
    expect_event(&gone, "you", "gone");
    ck_assert_int_eq(say(gone_token, "Here again"), 204);
    expect_event(&witness, "said", "gone\nHere again");
}

int main(void)
{
    const struct test_case cases[] = {{.name = "with a room",
                                       .tests = &suite,
                                       .set_up = web_chat_set_up,
                                       .tear_down = web_chat_tear_down}};

    return run_cases("the patience of web_chat", cases, COUNT(cases));
}
