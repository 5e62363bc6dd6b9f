/* How chat_cli ends at a terminal, and how it is stopped and continued. */
#include "tests/typist.h"

#include "net/address.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static struct tests of_ann, of_bob, stopping;

static struct typist ann, bob;

static void open_terminal(void)
{
    open_mock();
    typist_joins(&ann);
}

/* It ends by itself; otherwise valgrind would learn nothing. */
static void end_ann(void)
{
    if (ann.pid == 0)
        return;
    ck_assert_int_eq(kill(ann.pid, SIGTERM), 0);
    (void)typist_leaves(&ann);
}

static void leave_shell(void)
{
    typist_types(&bob, "exit\r");
    ck_assert_int_eq(typist_leaves(&bob), 0);
}

/* ---- Leaving ------------------------------------------------------------------------ */

TEST(of_bob, quit_ctrl_d_and_ctrl_c_leave)
{
    static const char *const ways[] = {"quit\r", "\x04", "half a line\x03"};

    for (size_t i = 0; i < COUNT(ways); i++) {
        typist_joins(&bob);
        typist_types(&bob, ways[i]);
        ck_assert_int_eq(typist_leaves(&bob), 0);
        expect_end(&server_end);
    }
}

TEST(of_bob, a_signal_leaves_and_the_terminal_is_as_before)
{
    static const int leaving[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};

    for (size_t i = 0; i < COUNT(leaving); i++) {
        typist_joins(&bob);
        typist_types(&bob, "half");
        typist_sees(&bob, "\n> half|");
        ck_assert_int_eq(kill(bob.pid, leaving[i]), 0);
        ck_assert_int_eq(typist_leaves(&bob), 0);
        typist_sees(&bob, "\n> half\n|");
    }
}

TEST(of_ann, continued_without_a_stop_it_still_knows_the_settings_before)
{
    ck_assert_int_eq(kill(ann.pid, SIGCONT), 0);
    typist_types(&ann, "a");
    typist_sees(&ann, "\n> a|");
    ck_assert_int_eq(kill(ann.pid, SIGCONT), 0);
    typist_types(&ann, "b");
    typist_sees(&ann, "\n> ab|");
    ck_assert_int_eq(kill(ann.pid, SIGTERM), 0);
    ck_assert_int_eq(typist_leaves(&ann), 0);
}

TEST(of_bob, what_was_typed_before_ctrl_c_is_sent_and_not_left_to_the_shell)
{
    typist_joins_from_shell(&bob);
    typist_types(&bob, "hello\rhalf\x03");
    expect_line(&server_end, "hello");
    typist_sees(&bob, "\n> hello\n> half\n$ |");
    expect_end(&server_end);
    leave_shell();
}

TEST(of_ann, the_end_of_a_server_is_reported_in_words)
{
    typist_types(&ann, "half");
    typist_sees(&ann, "\n> half|");
    send_text(&server_end, "the last word");
    stream_close(&server_end);
    ck_assert_int_eq(typist_leaves(&ann), 0);
    typist_sees(
        &ann,
        "the last word\n> half\nchat_cli: the server has closed the conn\nection\n|");
}

TEST(of_ann, a_lost_connection_is_reported_in_words)
{
    stream_reset(&server_end);
    ck_assert_int_eq(typist_leaves(&ann), 1);
    typist_sees(&ann, "chat_cli: the connection is lost: Connec\ntion reset by peer\n|");
}

TEST(of_ann, a_server_whose_machine_died_is_looked_for)
{
    struct sockaddr_storage client;
    socklen_t length = sizeof client;

    ck_assert_int_eq(getpeername(server_end.fd, (struct sockaddr *)&client, &length), 0);
    expect_keepalive("/proc/net/tcp", address_port(&client), chat_mock.port);
}

/* Nobody looks at the terminal, and the server says more than it holds. */
static void fill_terminal(void)
{
    static const char line[] = "the same line again and again, until it is enough\n";

    (void)send_until_stopped(&server_end, line, sizeof line - 1);
}

TEST(of_ann, a_terminal_that_has_stopped_does_not_keep_it_from_ending)
{
    fill_terminal();
    ck_assert_int_eq(kill(ann.pid, SIGTERM), 0);
    ck_assert_int_eq(typist_ends(&ann), 0);
}

TEST(of_ann, what_was_entered_before_ctrl_c_is_sent_though_the_terminal_shows_nothing)
{
    fill_terminal();
    typist_types(&ann, "hello\r\x03");
    ck_assert_int_eq(typist_ends(&ann), 0);
    expect_line(&server_end, "hello");
}

TEST(of_ann, a_terminal_that_is_gone_ends_it)
{
    close(ann.line);
    close(ann.terminal);
    expect_end(&server_end);
    (void)await_child(ann.pid);
    ann.pid = 0;
}

TEST(of_ann, a_keyboard_that_cannot_be_read_is_reported)
{
    typist_starts(&bob, "TERM=dumb; exec $CHAT_CLI 127.0.0.1 $PORT 0>$TTY");
    await_client();
    typist_types(&bob, "x");
    ck_assert_int_eq(typist_leaves(&bob), 1);
    typist_sees(&bob, "chat_cli: cannot read standard input: Ba\nd file descriptor\n|");
}

/* ---- Stopping ----------------------------------------------------------------------- */

/* Starts it from a shell, types half a line, and stops it with Ctrl-Z. */
static void stop_at_half_a_line(void)
{
    typist_joins_from_shell(&bob);
    typist_types(&bob, "half");
    typist_sees(&bob, "\n> half|");
    typist_types(&bob, "\x1A");
    typist_sees(&bob, "\n$ |");
    expect_settings_as_before(&bob);
}

TEST(stopping, ctrl_z_stops_and_fg_goes_on_where_it_was)
{
    struct termios now;

    stop_at_half_a_line();
    send_text(&server_end, "meanwhile\n");
    typist_types(&bob, "PS1='% '; fg\r");
    typist_sees(&bob, "meanwhile\n> half|");
    ck_assert_int_eq(tcgetattr(bob.line, &now), 0);
    ck_assert(!(now.c_lflag & ICANON));
    typist_types(&bob, " a line\r\x04");
    expect_line(&server_end, "half a line");
    typist_sees(&bob, "> half a line\n% |");
    expect_settings_as_before(&bob);
    leave_shell();
}

TEST(stopping, ended_while_it_was_stopped_it_leaves_the_terminal_alone)
{
    stop_at_half_a_line();
    typist_types(&bob, "PS1='% '; kill %1; fg; echo status $?\r");
    typist_sees(&bob, "\nstatus 0\n% |");
    expect_end(&server_end);
    expect_settings_as_before(&bob);
    leave_shell();
}

TEST(stopping, started_in_the_background_it_can_be_ended_there)
{
    typist_starts(&bob, SHELL);
    typist_sees(&bob, "$ |");
    typist_types(&bob, "PS1='% '; $CHAT_CLI 127.0.0.1 $PORT &\r");
    await_client();
    /* In the background it is stopped as soon as it changes the terminal. */
    typist_types(&bob, "until grep -q '^State:.T' /proc/$!/status; do sleep 0.1; done\r");
    typist_types(&bob, "kill %1; while kill -CONT %1; do sleep 0.1; done 2>/dev/null\r");
    expect_end(&server_end);
    leave_shell();
}

/* SIGSTOP cannot be caught, so it restores nothing. The test does, as a shell would. */
TEST(stopping, ended_in_the_background_after_a_sigstop_it_leaves_the_terminal_alone)
{
    pid_t group;

    typist_joins_from_shell(&bob);
    group = tcgetpgrp(bob.terminal);
    ck_assert_int_gt(group, 0);
    ck_assert_int_ne(group, bob.pid);
    ck_assert_int_eq(kill(-group, SIGSTOP), 0);
    typist_sees(&bob, "$ |");
    ck_assert_int_eq(tcsetattr(bob.line, TCSANOW, &bob.before), 0);
    typist_types(
        &bob, "PS1='% '; kill %1; while kill -CONT %1; do sleep 0.1; done 2>/dev/null\r");
    expect_end(&server_end);
    typist_sees(&bob, "\n% |");
    expect_settings_as_before(&bob);
    leave_shell();
}

TEST(stopping, ctrl_c_ends_the_wait_for_a_connection)
{
    mock_fill_queue(&chat_mock);
    typist_starts(&bob, "echo ready; " CHAT);
    typist_sees(&bob, "ready\n|");
    typist_types(&bob, "\x03");
    ck_assert_int_eq(typist_leaves(&bob), 128 + SIGINT);
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "ann", .tests = &of_ann, .set_up = open_terminal, .tear_down = end_ann},
        {.name = "bob", .tests = &of_bob, .set_up = open_mock},
        /* valgrind cannot be stopped. */
        {.name = "stopping", .tests = &stopping, .set_up = open_mock, .tags = "limits"},
    };

    return run_cases("how the chat client ends", cases, COUNT(cases));
}
