/* What a script gets from chat_cli. */
#include "tests/harness.h"

#include "base/clock.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct tests suite;

#define CHAT_CLI "bin/chat_cli"

static struct mock mock;
static struct stream server; /* the mock's connection */
static struct program script;

static void open_mock(void)
{
    mock = mock_open("127.0.0.1");
    ck_assert(setenv("PORT", formatted("%d", mock.port), 1) == 0);
}

/*
 * Runs a shell script. "$@" is chat_cli with host and port, $CHAT_CLI the program alone.
 */
static void run_script(const char *words)
{
    script =
        program_run_by(words, CHAT_CLI, "127.0.0.1", formatted("%d", mock.port), NULL);
}

/* The same, and waits until chat_cli has connected. */
static void hear_script(const char *words)
{
    run_script(words);
    server = mock_accept(&mock);
}

TEST(suite, a_script_sends_its_lines_and_prints_what_comes)
{
    hear_script("printf 'hello\\nbye\\n' | \"$@\"");
    expect_text(&server, "hello\nbye\n");
    expect_end(&server);
    send_text(&server, "[bob] hi\r\n\033[1mbold\r\nlast");
    stream_close(&server);
    expect_lf(&script.out, "[bob] hi");
    expect_lf(&script.out, "^[[1mbold");
    expect_lf(&script.out, "last");
    expect_success(&script);
}

TEST(suite, a_byte_that_would_be_a_telnet_command_is_sent_as_data)
{
    hear_script("printf 'a\\377\\360\\377\\377' | \"$@\"");
    expect_text(&server, "a\377\377\360\377\377\377\377");
    expect_end(&server);
    stream_close(&server);
    expect_status(&script, 0);
}

TEST(suite, urgent_data_is_read_in_its_place)
{
    hear_script("\"$@\"");
    send_text(&server, "one\n\377"); /* telnetd's Synch: IAC DM (RFC 854) */
    ck_assert_int_eq(send(server.fd, "\362", 1, MSG_OOB | MSG_NOSIGNAL), 1);
    send_text(&server, "two\n");
    stream_close(&server);
    expect_lf(&script.out, "one");
    expect_lf(&script.out, "two");
    expect_success(&script);
}

TEST(suite, a_script_ends_after_a_second_of_silence)
{
    int64_t begun = clock_ms();

    hear_script("echo hello | \"$@\"");
    expect_text(&server, "hello\n");
    send_text(&server, "noise\n");
    expect_lf(&script.out, "noise");
    expect_success(&script);
    ck_assert_int_ge(clock_ms() - begun, 1000);
}

TEST(suite, a_script_gives_up_on_a_server_that_has_stopped_reading)
{
    hear_script("yes | $CHAT_CLI -t 0.2 127.0.0.1 $PORT");
    expect_lf(&script.err, "chat_cli: the server has stopped reading");
    expect_failure(&script, "chat_cli: not everything was sent");
}

/* Says more lines than a pipe holds, and reads none of them for a while. */
static void say_much(int ms)
{
    enum { LINES = 2000 };
    static const char line[] =
        "A line of a hundred bytes, which is what somebody may well type in one go, and "
        "then press Enter..\n";

    send_repeated(&server, line, LINES);
    sleep_ms(ms);
    expect_pattern(&script.out, line, sizeof line - 1, 0, LINES * (sizeof line - 1));
}

/*
 * The server's five seconds pass only while chat_cli reads from it. A busy machine may need
 * some of them for what the test does meanwhile.
 */
TEST(suite, a_script_whose_reader_is_slow_does_not_blame_the_server)
{
    hear_script("yes | $CHAT_CLI -t 5 127.0.0.1 $PORT");
    for (int i = 0; i < 6; i++) { /* each time the kernel takes more of what is sent... */
        say_much(0);
        sleep_ms(100);
    }
    say_much(5500); /* ...but now it takes nothing */
    stream_reset(&server);
    expect_lf(&script.err, "chat_cli: the connection is lost: Connection reset by peer");
    expect_failure(&script, "chat_cli: not everything was sent");
}

TEST(suite, a_script_may_take_its_time_and_the_server_its_own)
{
    hear_script("(echo one; sleep 1; echo two) | $CHAT_CLI -t 0.2 -w 0 127.0.0.1 $PORT");
    expect_lf(&server, "one");
    expect_lf(&server, "two");
    expect_status(&script, 0);
}

TEST(suite, after_an_address_that_refuses_the_next_is_tried)
{
    /* localhost is ::1 first, where it is both, and nobody listens there. */
    hear_script("echo hello | $CHAT_CLI localhost $PORT");
    expect_lf(&server, "hello");
    stream_close(&server);
    expect_status(&script, 0);
}

TEST(suite, all_of_a_long_input_is_sent)
{
    hear_script("yes 'a line of a long input' | head -n 100000 | \"$@\"");
    expect_pattern(&server, "a line of a long input\n", 23, 0, 100000 * 23);
    expect_end(&server);
    stream_close(&server);
    expect_status(&script, 0);
}

TEST(suite, a_long_line_is_printed_whole)
{
    hear_script("\"$@\" </dev/null");
    send_repeated(&server, "0123456789", 1000);
    send_text(&server, "\r\n");
    stream_close(&server);
    expect_pattern(&script.out, "0123456789", 10, 0, 10000);
    expect_text(&script.out, "\n");
    expect_success(&script);
}

TEST(suite, a_connection_lost_before_all_is_sent_is_status_1)
{
    hear_script("(echo hello; sleep 60) | (\"$@\"; echo status $?)");
    expect_text(&server, "hello\n");
    stream_reset(&server);
    expect_lf(&script.err, "chat_cli: the connection is lost: Connection reset by peer");
    expect_lf(&script.err, "chat_cli: not everything was sent");
    expect_lf(&script.out, "status 1");
    program_kill(&script, SIGTERM); /* the shell, which waits for its sleep */
}

TEST(suite, everything_was_sent_if_the_server_closes_first_and_there_is_no_more_input)
{
    hear_script("(echo hello; sleep 60) | (\"$@\"; echo status $?)");
    expect_text(&server, "hello\n");
    send_text(&server, "bye\r\n");
    stream_close(&server);
    expect_lf(&script.out, "bye");
    expect_lf(&script.out, "status 0");
    expect_lf(&script.err, "chat_cli: the server has closed the connection");
    program_kill(&script, SIGTERM); /* the shell, which waits for its sleep */
}

/*
 * When two programs read from one pipe, select() reports a line to both, and one of them
 * is faster. The other would wait in read(). That hardly ever happens, so the test checks
 * only the flag that prevents it, in proc(5).
 */
TEST(suite, an_input_that_may_be_shared_is_read_without_waiting)
{
    char flags[128] = "";
    int fdinfo;

    ck_assert_int_eq(mkfifo(temp_path("fifo"), 0600), 0);
    ck_assert_int_ne(open(temp_path("fifo"), O_RDWR), -1);
    hear_script(formatted("exec \"$@\" <%s", temp_path("fifo")));
    send_text(&server, "hello\n");
    expect_lf(&script.out, "hello");
    fdinfo = open(formatted("/proc/%ld/fdinfo/0", (long)script.pid), O_RDONLY);
    if (fdinfo != -1) {
        ck_assert_int_gt(read(fdinfo, flags, sizeof flags - 1), 0);
        ck_assert_ptr_nonnull(strstr(flags, "flags:"));
        ck_assert(strtol(strstr(flags, "flags:") + 6, NULL, 8) & O_NONBLOCK);
    }
    stream_close(&server);
    expect_lf(&script.err, "chat_cli: the server has closed the connection");
    expect_success(&script);
}

TEST(suite, a_server_that_closes_early_is_status_1)
{
    hear_script("yes | (\"$@\"; echo status $?)");
    expect_text(&server, "y\ny\n");
    stream_reset(&server);
    expect_lf(&script.out, "status 1");
}

TEST(suite, a_refused_connection_is_reported_with_host_and_port)
{
    mock_close(&mock);
    run_script("echo hello | \"$@\"");
    expect_failure(&script,
                   "chat_cli: cannot connect to 127.0.0.1 port %d: Connection refused",
                   mock.port);
}

TEST(suite, wrong_usage_is_status_2)
{
    expect_usage_error(CHAT_CLI, "-w", "x", NULL);
    expect_usage_error(CHAT_CLI, "-t", "-1", NULL);
    expect_usage_error(CHAT_CLI, "-x", NULL);
    expect_usage_error(CHAT_CLI, "host", "port", NULL);
    expect_usage_error(CHAT_CLI, "host", "0", NULL);
    expect_usage_error(CHAT_CLI, "host", "1", "more", NULL);
}

int main(void)
{
    return run_tests("the chat client in scripts", &suite, open_mock);
}
