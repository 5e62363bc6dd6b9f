/*
 * turns as a black box, with the kit's servers under it. It needs strace, which exists for
 * Linux only.
 */
#include "base/clock.h"
#include "tests/person.h"
#include "tests/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static struct tests once, twice, by_signals, statuses;

#define TURNS "bin/turns"

static struct program turns; /* the server's output is its output, the trace its errors */

/* Starts turns with a server, which prints the port that it has got. */
static void watch(const char *server, const char *beginning)
{
    turns = program_run(TURNS, server, "-p", "0", NULL);
    program_read_port(&turns, beginning);
}

static void watch_chat(const char *server)
{
    watch(server, "ChatServer started on port ");
}

/* The time that it slept is another each time. */
static void hide_time(char *line)
{
    char *slept = strstr(line, "slept ");

    if (slept != NULL)
        memcpy(slept + strlen("slept"), "   #.###", 8);
}

/*
 * The next line of the trace. Whether a wait is told depends on how fast the machine is, so
 * it is left out; the name at its beginning goes to the next line.
 */
static const char *next_traced(void)
{
    char *line = take_line(&turns.err);

    while (strstr(line, "asleep in ") != NULL) {
        const char *name = formatted("%.*s", (int)strcspn(line, " "), line);

        line = take_line(&turns.err);
        if (*line == ' ')
            memcpy(line, name, strlen(name));
    }
    hide_time(line);
    return line;
}

/* The next line of the trace is this. */
static void traced(const char *expected)
{
    ck_assert_str_eq(next_traced(), expected);
}

/* Skips lines of the trace until this stands in one, which it returns. */
static const char *skip_to(const char *text)
{
    const char *line;

    do
        line = next_traced();
    while (strstr(line, text) == NULL);
    return line;
}

/* Nothing that turns has started lives on: it would hold these pipes open. */
static void ends_with(int status)
{
    stream_fill_to_end(&turns.out);
    expect_status(&turns, status);
    stream_close(&turns.out);
    stream_close(&turns.err);
}

static void stop_watching(int status)
{
    program_kill(&turns, SIGTERM);
    ends_with(status);
}

/* A second client has joined the first, which says half a line. */
static void meet(struct stream *ann, struct stream *ben)
{
    *ann = connect_to(turns.port);
    skip_to("\"You're connected");
    *ben = connect_to(turns.port);
    skip_to("5  send    38 ");
}

/* ---- Turns -------------------------------------------------------------------------- */

#define GREETING "\"You're connected to the C chatserver\\r"

TEST(once,
     a_turn_says_what_was_watched_how_long_it_slept_what_was_ready_and_what_was_done)
{
    struct stream ann, ben;

    watch_chat("bin/pchatsrv");
    skip_to("pchatsrv           3  listen");
    skip_to("           1  read 3 write 1        slept   #.### s   ready: 1w");
    ann = connect_to(turns.port);
    traced("           2  read 3                slept   #.### s   ready: 3");
    traced(formatted("                   3  accept -> 4   %s", name_of(&ann)));
    traced("                   4  send    38    " GREETING "\\n\"");
    ben = connect_to(turns.port);
    traced("           3  read 3 4              slept   #.### s   ready: 3");
    traced(formatted("                   3  accept -> 5   %s", name_of(&ben)));
    traced(formatted("                   4  send    31    \"Client joined %s\\r\\n\"",
                     name_of(&ben)));
    traced("                   5  send    38    " GREETING "\\n\"");
    send_text(&ann, "Hello, every");
    traced("           4  read 3 4 5            slept   #.### s   ready: 4");
    traced("                   4  recv    12    \"Hello, every\"");
    send_text(&ann, "one\r\nAre you");
    traced("           5  read 3 4 5            slept   #.### s   ready: 4");
    traced("                   4  recv    12    \"one\\r\\nAre you\"");
    traced(formatted("                   5  send    35    \"[%s] Hello, everyone\\r\\n\"",
                     name_of(&ann)));
    expect_line(&ann, "You're connected to the C chatserver");
    expect_line(&ann, "Client joined %s", name_of(&ben));
    stream_close(&ann);
    traced("           6  read 3 4 5            slept   #.### s   ready: 4");
    skip_to("5  send    56 ");
    traced("                   4  shutdown");
    traced("                   4  end");
    traced("                   4  close");
    stop_watching(0);
}

TEST(once, chat_naive_is_shown_to_send_half_a_line_at_once)
{
    struct stream ann, ben;

    watch_chat("bin/chat_naive");
    meet(&ann, &ben);
    traced(formatted("                     4  send    31    \"Client joined %s\\r\\n\"",
                     name_of(&ben)));
    send_text(&ann, "Hello, every");
    traced("             3  read 3 4 5            slept   #.### s   ready: 4");
    traced("                     4  recv    12    \"Hello, every\"");
    traced(formatted("                     5  send    30    \"[%s] Hello, every\"",
                     name_of(&ann)));
    stream_reset(&ann);
    skip_to("             4  read 3 4 5            slept   #.### s   ready: 4");
    skip_to("                     4  recv    ECONNRESET");
    skip_to("                         exited with 1");
    ends_with(1);
}

/* The beginning of the lines of the new task that the trace has in `forked`. */
static const char *number_in(const char *forked)
{
    return formatted("%ld ", atol(strstr(forked, "-> ") + 3));
}

/* The line is about that task, whose last line may have been the one before. */
static void expect_task(const char *line, const char *number)
{
    ck_assert_msg(*line == ' ' || strncmp(line, number, strlen(number)) == 0, "%s", line);
}

TEST(once, a_process_for_each_client_has_its_number_in_the_first_column)
{
    struct stream ann;
    const char *child;

    watch("bin/echo_fork", "EchoServer started on port ");
    ann = connect_to(turns.port);
    skip_to("3  accept -> 4   127.0.0.1:");
    child = number_in(skip_to("fork -> "));
    send_text(&ann, "abc");
    expect_task(skip_to("4  recv     3    \"abc\""), child);
    expect_task(skip_to("4  send     3    \"abc\""), child);
    expect_bytes(&ann, "abc", 3);
    stream_close(&ann);
    expect_task(skip_to("4  end"), child);
    skip_to("exited with 0");
    skip_to("SIGCHLD");
    stop_watching(0);
}

TEST(once, a_thread_for_each_client_has_its_number_in_the_first_column)
{
    struct stream ann;
    const char *thread;

    watch("bin/echo_thread", "EchoServer started on port ");
    ann = connect_to(turns.port);
    thread = number_in(skip_to("thread -> "));
    send_text(&ann, "abc");
    expect_task(skip_to("  recv     3    \"abc\""), thread);
    stop_watching(0);
}

TEST(once, epoll_shows_turns_like_those_of_select)
{
    struct stream ann, ben;

    watch("bin/echo_epoll", "EchoServer started on port ");
    traced("echo_epoll           3  listen");
    ann = connect_to(turns.port);
    traced("             1  read 3                slept   #.### s   ready: 3");
    traced(formatted("                     3  accept -> 5   %s", name_of(&ann)));
    send_text(&ann, "abc"); /* it accepts as many as there are: only then is that over */
    traced("             2  read 3 5              slept   #.### s   ready: 5");
    traced("                     5  recv     3    \"abc\"");
    traced("                     5  send     3    \"abc\"");
    expect_bytes(&ann, "abc", 3);
    ben = connect_to(turns.port);
    traced("             3  read 3 5              slept   #.### s   ready: 3");
    traced(formatted("                     3  accept -> 6   %s", name_of(&ben)));
    stream_close(&ann);
    traced("             4  read 3 5 6            slept   #.### s   ready: 5");
    traced("                     5  end");
    traced("                     5  close");
    send_text(&ben, "d");
    traced("             5  read 3 6              slept   #.### s   ready: 6");
    stop_watching(143); /* it does not handle SIGTERM */
}

/* An echo server in a language that is not C, with select.select() or select.poll(). */
#define PYTHON                                                                           \
    "import select, socket, sys\n"                                                       \
    "s = socket.create_server(('127.0.0.1', 0)); all = {s.fileno(): s}\n"                \
    "print('on port', s.getsockname()[1], flush=True)\n"                                 \
    "def ready():\n"                                                                     \
    "    if sys.argv[1] == 'select': return select.select(list(all), [], [])[0]\n"       \
    "    p = select.poll()\n"                                                            \
    "    for n in all: p.register(n, select.POLLIN)\n"                                   \
    "    return [n for n, _ in p.poll()]\n"                                              \
    "while len(all) > 0:\n"                                                              \
    "    for n in ready():\n"                                                            \
    "        if n == s.fileno(): c = s.accept()[0]; all[c.fileno()] = c; continue\n"     \
    "        data = all[n].recv(100)\n"                                                  \
    "        if data: all[n].sendall(data)\n"                                            \
    "        else: all.pop(n).close()\n"

TEST(twice, a_server_in_python_shows_the_same_with_select_and_with_poll)
{
    struct stream ann;

    if (lacks("python3"))
        return;
    turns =
        program_run(TURNS, "python3", "-c", PYTHON, _i == 0 ? "select" : "poll", NULL);
    program_read_port(&turns, "on port ");
    skip_to("3  listen");
    ann = connect_to(turns.port);
    traced("           1  read 3                slept   #.### s   ready: 3");
    traced(formatted("                   3  accept -> 4   %s", name_of(&ann)));
    send_text(&ann, "abc");
    traced("           2  read 3 4              slept   #.### s   ready: 4");
    traced("                   4  recv     3    \"abc\"");
    traced("                   4  send     3    \"abc\"");
    stop_watching(143);
}

TEST(once, all_is_shown_with_a)
{
    struct stream ann;

    turns = program_run(TURNS, "-a", "bin/pchatsrv", "-p", "0", NULL);
    program_read_port(&turns, "ChatServer started on port ");
    skip_to("1  write   ");
    ann = connect_to(turns.port);
    skip_to("3  accept  EAGAIN");
    send_text(&ann, "abc");
    skip_to("4  recv     3    \"abc\"");
    traced("                   4  recv     3    \"abc\"");
    stop_watching(0);
}

/* ---- Now ---------------------------------------------------------------------------- */

/* Does the trace have this by now? What the server has printed is thrown away meanwhile. */
static bool has_traced(const char *text)
{
    struct stream more = stream_of(turns.err.fd);

    stream_drain(&turns.out);
    while (stream_ready(&more, 0) && stream_fill(&turns.err))
        continue;
    for (size_t i = 0; i + strlen(text) <= turns.err.length; i++)
        if (memcmp(turns.err.bytes + i, text, strlen(text)) == 0)
            return true;
    return false;
}

/* Sends lines, as far as the server takes them, until the trace has this. */
static void flood_until_traced(struct stream *stream, const char *text)
{
    int64_t deadline = clock_ms() + DEADLINE_MS;
    char lines[10000];

    for (size_t i = 0; i < sizeof lines; i++)
        lines[i] = i % 100 == 99 ? '\n' : 'x';
    while (!has_traced(text)) {
        ck_assert_msg(clock_ms() < deadline, "the trace does not have '%s'", text);
        if (send(stream->fd, lines, sizeof lines, MSG_DONTWAIT | MSG_NOSIGNAL) == -1) {
            ck_assert_int_eq(errno, EAGAIN);
            sleep_ms(50);
        }
    }
}

/* Reads all that comes, in a process of its own. */
static pid_t start_to_read(const struct stream *stream)
{
    char bytes[65536];
    pid_t pid = fork_helper();

    if (pid != 0)
        return pid;
    while (recv(stream->fd, bytes, sizeof bytes, 0) > 0)
        continue;
    _exit(0);
}

TEST(once, a_send_that_nobody_takes_is_shown_while_it_is_stuck)
{
    struct stream stalled, ben;
    const char *line;

    watch_chat("bin/chat_naive");
    stalled = connect_narrowly(turns.port);
    skip_to("accept -> 4 ");
    ben = connect_to(turns.port);
    skip_to("accept -> 5 ");
    flood_until_traced(&ben, "stuck in send");
    line = skip_to("stuck");
    ck_assert_msg(strstr(line, " 4  send          stuck in send to 4 for ") != NULL, "%s",
                  line);
    ck_assert_ptr_nonnull(strstr(line, " s"));
    /* That was its last word: it is stuck. Now it goes on. */
    ck_assert_uint_eq(turns.err.length, 0);
    start_to_read(&stalled);
    ck_assert_ptr_nonnull(strstr(skip_to(" 4  send "), "after "));
    stop_watching(143);
}

TEST(once, a_wait_of_a_second_is_told_once_in_a_pipe)
{
    watch("bin/echo_srv", "EchoServer started on port ");
    skip_to("3  listen");
    skip_to("ready: 1w");
    expect_beginning(&turns.err,
                     "           2  read 3                asleep in select for 1.");
    ck_assert(!stream_ready(&turns.err, 1500));
    stop_watching(0);
}

TEST(once, a_program_that_is_in_no_call_does_not_wait)
{
    /* Until Python 3.11, time.sleep() calls select(). */
    static const char script[] = "import socket, signal\n"
                                 "s = socket.create_server(('127.0.0.1', 0))\n"
                                 "s.close(); signal.sigtimedwait([], 1.5)\n";
    const char *line;

    if (lacks("python3"))
        return;
    turns = program_run(TURNS, "python3", "-c", script, NULL);
    skip_to("3  listen");
    do {
        line = take_line(&turns.err);
        ck_assert_ptr_null(strstr(line, "asleep"));
        ck_assert_ptr_null(strstr(line, "stuck"));
    } while (strstr(line, "exited") == NULL);
    ends_with(0);
}

/* ---- Lines -------------------------------------------------------------------------- */

/* Each byte of the trace is printable ASCII or LF, or belongs to an ellipsis. */
static void expect_clean_lines(const char *bytes, size_t length)
{
    int columns = 0;

    for (size_t i = 0; i < length; i++, columns++) {
        if (length - i >= 3 && memcmp(bytes + i, "\xE2\x80\xA6", 3) == 0)
            i += 2;
        else if (bytes[i] == '\n')
            columns = -1;
        else
            ck_assert_msg(bytes[i] >= ' ' && bytes[i] <= '~', "byte %d", bytes[i]);
        ck_assert_int_lt(columns, 80);
    }
}

TEST(once, whatever_clients_send_no_control_character_is_printed)
{
    struct stream ann, ben;
    char hostile[1024];

    watch_chat("bin/chat_naive");
    meet(&ann, &ben);
    for (size_t i = 0; i < sizeof hostile; i++)
        hostile[i] = (char)(i < 512 ? i : random_below(256));
    memcpy(hostile + 700, "\") = 5 <0.1>\n4711 --- SIGINT {} ---\n\\", 38);
    send_bytes(&ann, hostile, sizeof hostile);
    for (size_t got = 0; got < sizeof hostile;) {
        ck_assert(stream_fill(&ben));
        got += ben.length;
        ben.length = 0;
    }
    program_kill(&turns, SIGTERM);
    stream_fill_to_end(&turns.err);
    expect_clean_lines(turns.err.bytes, turns.err.length);
    ck_assert_ptr_null(strstr(turns.err.bytes, "  SIGINT\n"));
    turns.err.length = 0;
    ends_with(143);
}

#define CROWD 40

TEST(once, a_line_has_80_columns_at_most_however_many_descriptors_are_watched)
{
    struct stream crowd[CROWD];

    watch_chat("bin/pchatsrv");
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = connect_to(turns.port);
        stream_fill(&crowd[i]);
    }
    program_pause(&turns);
    for (int i = 0; i < CROWD; i++)
        send_text(&crowd[i], "a line that is long enough for a trace to be cut\r\n");
    program_go_on(&turns);
    ck_assert_ptr_nonnull(strstr(skip_to("read 3-43 "), "  read 3-43             slept"));
    program_kill(&turns, SIGTERM);
    stream_fill_to_end(&turns.err);
    expect_clean_lines(turns.err.bytes, turns.err.length);
    turns.err.length = 0;
    ends_with(0);
}

/* ---- At a terminal ------------------------------------------------------------------ */

static struct screen screen;
static char shown[SCREEN_TEXT];
static int terminal;
static pid_t sitting;

static void sit_down(const char *script)
{
    struct winsize size = {.ws_row = 40, .ws_col = 100};

    program_export(TURNS);
    terminal = person_terminal();
    ck_assert_int_eq(ioctl(terminal, TIOCSWINSZ, &size), 0);
    screen_init(&screen, size.ws_row, size.ws_col);
    sitting = person_sits_down(terminal, script, NULL);
}

/* Looks at what comes next. */
static void look(void)
{
    struct stream from = stream_of(terminal);
    char bytes[4096];
    ssize_t got =
        stream_ready(&from, DEADLINE_MS) ? read(terminal, bytes, sizeof bytes) : 0;

    ck_assert_msg(got > 0, "no more came than\n%s", shown);
    screen_take(&screen, bytes, (size_t)got);
    screen_text(&screen, shown);
}

/* Does this stand on the screen, above the cursor or below it? */
static bool sees(const char *text)
{
    return screen_colour(&screen, text) != NULL;
}

static void see(const char *text)
{
    int64_t deadline = clock_ms() + DEADLINE_MS;

    while (!sees(text)) {
        ck_assert_msg(clock_ms() < deadline, "'%s' is not in\n%s", text, shown);
        look();
    }
}

static void leave(int status)
{
    struct stream from = stream_of(terminal);

    stream_fill_to_end(&from);
    screen_take(&screen, from.bytes, from.length);
    ck_assert_int_eq(await_child(sitting), status);
    screen_text(&screen, shown);
}

/* A server that writes while turns does may have to try again: one turn more. */
TEST(once, at_a_terminal_the_wait_is_drawn_in_place_and_ctrl_c_reaches_the_program_once)
{
    struct stream ann;
    const char *port;
    char *signal;

    sit_down("exec $TURNS bin/pchatsrv -p 0");
    see("read 3                asleep in select for ");
    port = strstr(shown, "started on port ");
    ck_assert_ptr_nonnull(port);
    while (sees("asleep in select for 0.")) /* each time goes to where the last one was */
        look();
    see("asleep in select for ");
    ann = connect_to(atoi(port + strlen("started on port ")));
    see("Client joined 127.0.0.1:");
    see("read 3 4              asleep in select for ");
    send_text(&ann, "/nick ann\r\n");
    see("Client 127.0.0.1:");
    see("read 3 4              asleep in select for ");
    ck_assert_int_eq(write(terminal, "\x03", 1), 1);
    leave(0);
    expect_line(&ann, "You're connected to the C chatserver");
    expect_line(&ann, "Client %s is now ann", name_of(&ann));
    expect_line(&ann, "ChatServer stopping");
    expect_end(&ann);
    signal = strstr(shown, "SIGINT");
    ck_assert_ptr_nonnull(signal);
    ck_assert_ptr_null(strstr(signal + 1, "SIGINT"));
    ck_assert_ptr_nonnull(strstr(shown, "exited with 0"));
    ck_assert_ptr_null(strstr(shown, "asleep"));
}

TEST(once, the_wait_is_drawn_in_one_row_also_when_the_window_gets_narrower)
{
    struct winsize size = {.ws_row = 40, .ws_col = 50};

    sit_down("exec $TURNS bin/echo_srv -p 0");
    see("asleep in select for ");
    ck_assert_int_eq(ioctl(terminal, TIOCSWINSZ, &size), 0);
    screen_rewrap(&screen, size.ws_col);
    see("SIGWINCH");
    see("asleep in s");
    for (int times = 0; times < 5; times++)
        look();
    ck_assert_int_eq(write(terminal, "\x03", 1), 1);
    leave(0);
    ck_assert_ptr_null(strstr(shown, "asleep"));
}

TEST(once, ctrl_z_takes_the_wait_off_the_screen_before_the_shell_writes_there)
{
    sit_down("set -m; $TURNS bin/echo_srv -p 0; echo suspended; read -r go; fg");
    see("asleep in select for ");
    ck_assert_int_eq(write(terminal, "\x1A", 1), 1);
    see("suspended");
    ck_assert_ptr_null(strstr(shown, "asleep"));
    ck_assert_int_eq(write(terminal, "go\r", 3), 3);
    see("SIGCONT");
    see("asleep in select for ");
    ck_assert_int_eq(write(terminal, "\x03", 1), 1);
    leave(0);
}

/* A daemon is in no terminal's foreground, and turns would wait for it. */
TEST(once, ctrl_c_ends_what_the_program_has_left)
{
    if (lacks("setsid"))
        return;
    sit_down("exec $TURNS sh -c 'setsid bin/echo_srv -p 0 &'");
    see("exited with 0");
    see("asleep in select for ");
    ck_assert_int_eq(write(terminal, "\x03", 1), 1);
    leave(0);
    ck_assert_ptr_nonnull(strstr(shown, "SIGTERM"));
}

TEST(twice, colours_are_left_out_where_nobody_wants_them)
{
    static const char *const scripts[] = {
        "NO_COLOR=1 exec $TURNS bin/echo_srv -p 0",
        "TERM=dumb exec $TURNS bin/echo_srv -p 0",
    };

    sit_down(scripts[_i]);
    see("asleep in select for ");
    ck_assert_str_eq(screen_colour(&screen, "ready: 1w"), "");
    ck_assert_str_eq(screen_colour(&screen, "echo_srv"), "");
    ck_assert_int_eq(write(terminal, "\x03", 1), 1);
    leave(0);
    /* A terminal that obeys no sequence cannot draw it in place. */
    ck_assert_int_eq(strstr(shown, "asleep") != NULL, _i == 1);
}

TEST(once, what_is_ready_is_green_and_what_is_wrong_is_red)
{
    sit_down("exec $TURNS bin/echo_srv -p 0");
    see("ready: 1w");
    ck_assert_str_eq(screen_colour(&screen, "1w"), "[32m");
    see("asleep in select for ");
    ck_assert_int_eq(write(terminal, "\x03", 1), 1);
    leave(0);
    ck_assert_str_eq(screen_colour(&screen, "EINTR"), "[31m");
}

TEST(once, a_terminal_that_is_closed_ends_all)
{
    sit_down("exec $TURNS bin/echo_srv -p 0");
    see("ready: 1w");
    close(terminal);
    ck_assert_int_eq(await_child(sitting), 0);
}

/* ---- The program under it ----------------------------------------------------------- */

TEST(statuses, the_status_is_the_programs)
{
    static const struct {
        const char *script;
        int status;
    } examples[] = {{"exit 0", 0},
                    {"exit 7", 7},
                    {"exit 255", 255},
                    {"kill -KILL $$", 137},
                    {"ulimit -c 0; kill -SEGV $$", 139},
                    {"kill -PIPE $$", 141}};

    turns = program_run(TURNS, "sh", "-c", examples[_i].script, NULL);
    skip_to(examples[_i].script[0] == 'e' ? "exited with " : "killed by SIG");
    ends_with(examples[_i].status);
}

TEST(once, its_input_and_output_are_its_own)
{
    long without;

    turns = program_run_by("ls /proc/self/fd | wc -l; \"$@\" | wc -l", TURNS, "ls",
                           "/proc/self/fd", NULL);
    without = atol(take_line(&turns.out));
    /* None of turns's descriptors came down to it. */
    ck_assert_int_eq(atol(take_line(&turns.out)), without);
    skip_to("exited with 0");
    ends_with(0);
    turns = program_run_by("printf 'Hi\\n' | \"$@\"", TURNS, "sh", "-c",
                           "cat; echo Oh >&2", NULL);
    expect_lf(&turns.out, "Hi");
    expect_lf(&turns.err, "Oh");
    expect_lf(&turns.err, "sh                     exited with 0");
    ends_with(0);
}

TEST(by_signals, a_signal_that_turns_is_sent_is_the_programs_once)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    static const char *const names[] = {"SIGINT", "SIGTERM", "SIGHUP"};

    watch_chat("bin/pchatsrv");
    skip_to("1w");
    program_kill(&turns, signals[_i]);
    skip_to(names[_i]);
    traced("           3  read 3                slept   #.### s   ready: none");
    traced("                   3  close"); /* after a last look for what was said */
    traced("                       exited with 0");
    expect_lf(&turns.out, "ChatServer stopping");
    ends_with(0);
}

TEST(once, what_the_program_has_left_behind_ends_with_it)
{
    turns = program_run(TURNS, "sh", "-c", "bin/echo_srv -p 0 & wait", NULL);
    skip_to("1  read 3 write 1 ");
    program_kill(&turns, SIGTERM);
    ends_with(143);
}

/* ---- Files -------------------------------------------------------------------------- */

/* All of a file, as a string in a stream's buffer. */
static const char *content_of(const char *path)
{
    struct stream file = stream_of(open(path, O_RDONLY));

    ck_assert_int_ne(file.fd, -1);
    stream_fill_to_end(&file);
    file.bytes[file.length] = '\0'; /* the buffer is larger than what was read */
    close(file.fd);
    return file.bytes;
}

TEST(once, the_trace_is_kept_in_a_file_as_well)
{
    const char *path = temp_path("trace"), *kept;

    turns = program_run(TURNS, "-o", path, "bin/echo_srv", "-p", "0", NULL);
    program_read_port(&turns, "EchoServer started on port ");
    skip_to("1w");
    program_kill(&turns, SIGTERM);
    skip_to("exited with 0");
    ends_with(0);
    kept = content_of(path);
    ck_assert_ptr_eq(strstr(kept, "echo_srv           3  listen\n"), kept);
    ck_assert_ptr_nonnull(strstr(kept, "\n           1  read 3 write 1 "));
    ck_assert_ptr_nonnull(strstr(kept, "\n                       SIGTERM\n"));
    ck_assert_ptr_nonnull(strstr(kept, "\n                       exited with 0\n"));
}

TEST(once, the_picture_has_the_words_for_what_was_done)
{
    const char *path = temp_path("picture"), *svg;
    struct stream ann, ben;

    turns = program_run(TURNS, "-p", path, "bin/chat_naive", "-p", "0", NULL);
    program_read_port(&turns, "ChatServer started on port ");
    meet(&ann, &ben);
    send_text(&ann, "Hello\r\n");
    skip_to("5  send    25 ");
    stop_watching(143);
    svg = content_of(path);
    ck_assert_ptr_eq(strstr(svg, "<svg "), svg);
    ck_assert_ptr_nonnull(strstr(svg, "</svg>\n"));
    ck_assert_ptr_nonnull(strstr(svg, "chat_naive: turns 1 to "));
    ck_assert_ptr_nonnull(strstr(svg, ">accept<"));
    ck_assert_ptr_nonnull(strstr(svg, ">recv<"));
}

/* ---- What cannot be ----------------------------------------------------------------- */

TEST(once, what_is_missing_is_said_in_one_sentence)
{
    turns = program_run_by("PATH=/nowhere exec \"$@\"", TURNS, "bin/echo_srv", NULL);
    expect_failure(&turns,
                   "turns: cannot run strace (Linux only; 'make deps' installs it): %s",
                   strerror(ENOENT));
    turns = program_run(TURNS, "no-such-program", NULL);
    expect_failure(&turns, "turns: cannot run 'no-such-program': %s", strerror(ENOENT));
    turns = program_run(TURNS, "./tests", NULL);
    expect_failure(&turns, "turns: cannot run './tests': %s", strerror(EISDIR));
    turns = program_run(TURNS, "-o", "/nowhere/file", "true", NULL);
    expect_failure(&turns, "turns: cannot write '/nowhere/file': %s", strerror(ENOENT));
    turns = program_run(TURNS, "-p", "/nowhere/file", "true", NULL);
    expect_failure(&turns, "turns: cannot write '/nowhere/file': %s", strerror(ENOENT));
}

TEST(once, where_ptrace_is_forbidden_one_sentence_says_so)
{
    /* A process has one tracer at most, and here that is another strace. */
    turns =
        program_run_by("exec strace -f -o /dev/null \"$@\"", TURNS, "bin/echo_srv", NULL);
    expect_failure(&turns,
                   "turns: strace may not watch a program here: ptrace() is forbidden");
}

TEST(once, a_file_that_takes_no_more_is_told)
{
    if (access("/dev/full", W_OK) == -1)
        return;
    turns = program_run(TURNS, "-p", "/dev/full", "true", NULL);
    skip_to("exited with 0");
    traced("turns: cannot write '/dev/full': No space left on device");
    ends_with(0);
}

TEST(once, wrong_usage_is_refused)
{
    expect_usage_error(TURNS, NULL);
    expect_usage_error(TURNS, "-x", "true", NULL);
    expect_usage_error(TURNS, "-o", NULL);
}

int main(void)
{
    /* Under valgrind, whose log is descriptor 3, a program's first socket would not be 3. */
    const struct test_case cases[] = {
        {.name = "turns", .tests = &once, .tags = "limits", .needs = "strace"},
        {.name = "two ways",
         .tests = &twice,
         .tags = "limits",
         .needs = "strace",
         .times = 2},
        {.name = "signals",
         .tests = &by_signals,
         .tags = "limits",
         .needs = "strace",
         .times = 3},
        {.name = "statuses",
         .tests = &statuses,
         .tags = "limits",
         .needs = "strace",
         .times = 6},
    };

    return run_cases("turns", cases, COUNT(cases));
}
