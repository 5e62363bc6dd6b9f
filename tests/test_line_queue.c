/* net/line_queue: whole lines that wait to be sent. */
#include "tests/harness.h"

#include "net/line_queue.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct tests suite;

static struct line_queue queue;

static bool add(const char *line)
{
    return line_queue_add(&queue, line, strlen(line));
}

/* Sends the next line through `pair`. */
static void expect_sent(const int pair[2], const char *expected)
{
    char got[64];
    ssize_t length;

    ck_assert_int_eq(line_queue_send(&queue, pair[0], 1), 1);
    length = recv(pair[1], got, sizeof got - 1, MSG_DONTWAIT);
    ck_assert_int_ge(length, 0);
    got[length] = '\0';
    ck_assert_str_eq(got, expected);
}

TEST(suite, lines_come_out_as_they_went_in_even_past_the_end_of_the_buffer)
{
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    for (int i = 0; i < 10100; i++) {
        if (i < 10000)
            ck_assert(add(formatted("line %d\n", i)));
        if (i < 100)
            continue;
        ck_assert_uint_eq(queue.lines, i < 10000 ? 101 : 10100 - (unsigned)i);
        expect_sent(pair, formatted("line %d\n", i - 100));
    }
    ck_assert_uint_eq(queue.length, 0);
}

TEST(suite, a_line_that_does_not_fit_is_counted)
{
    char line[LINE_QUEUE_BYTES / 4];

    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(line_queue_add(&queue, line, sizeof line), i < 4);
    ck_assert_uint_eq(queue.lines, 4);
    ck_assert_uint_eq(queue.dropped, 2);
}

/* The socket takes a part of the second line; the next connection gets all of it. */
TEST(suite, a_line_that_was_begun_is_sent_again_whole)
{
    static char line[LINE_QUEUE_BYTES - 4], got[LINE_QUEUE_BYTES];
    int pair[2], small = 4096;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ck_assert_int_eq(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    ck_assert(add("1\n"));
    ck_assert(line_queue_add(&queue, line, sizeof line));
    ck_assert_int_eq(line_queue_send(&queue, pair[0], 0), 0);
    ck_assert_int_eq(line_queue_send(&queue, pair[0], 2), 1);
    ck_assert_uint_gt(queue.sent, 0);
    ck_assert_uint_lt(queue.sent, sizeof line);
    ck_assert_int_eq(line_queue_send(&queue, pair[0], 2), 0); /* it takes no more now */
    close(pair[1]);
    ck_assert_int_eq(line_queue_send(&queue, pair[0], 2), -1);

    queue.sent = 0;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ck_assert_int_eq(line_queue_send(&queue, pair[0], 1), 1);
    ck_assert_int_eq(recv(pair[1], got, sizeof got, MSG_WAITALL | MSG_DONTWAIT),
                     sizeof line);
    ck_assert_int_eq(memcmp(got, line, sizeof line), 0);
    ck_assert_uint_eq(queue.lines, 0);
}

int main(void)
{
    return run_tests("line_queue", &suite, NULL);
}
