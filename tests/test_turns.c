/*
 * turns as a black box, with the kit's servers under it, and the modules of trace/ with
 * what strace writes. TURNS names another program in place of bin/turns. Without strace
 * (it is for Linux alone) only the modules are tested.
 */
#define _XOPEN_SOURCE   700 /* ptsname() is in the XSI option */
#define _DEFAULT_SOURCE 1   /* TIOCSWINSZ */
#include "tests/person.h"
#include "tests/screen.h"

#include "base/clock.h"
#include "trace/calls.h"
#include "trace/picture.h"
#include "trace/show.h"
#include "trace/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static struct program turns; /* the server's output is its output, the trace its errors */

/* Starts turns with a server, which prints the port that it has got. */
static void watch(const char *server, const char *beginning)
{
    program_start(&turns, "TURNS", "bin/turns", server, "-p", "0", NULL);
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
 * The next line of the trace, the caller's to free. Whether a wait is told depends on how
 * fast the machine is, so it is left out; the name at its beginning goes to the next line.
 */
static char *next_traced(void)
{
    char *line = next_line(&turns.err), *next;

    while (strstr(line, "asleep in ") != NULL) {
        next = next_line(&turns.err);
        if (*next == ' ' && *line != ' ')
            memcpy(next, line, strcspn(line, " "));
        free(line);
        line = next;
    }
    hide_time(line);
    return line;
}

__attribute__((format(printf, 1, 2))) static void traced(const char *format, ...)
{
    char expected[256], *line = next_traced();
    va_list list;

    va_start(list, format);
    vsnprintf(expected, sizeof expected, format, list);
    va_end(list);
    ck_assert_str_eq(line, expected);
    free(line);
}

/* Skips lines of the trace until this stands in one, which is the caller's to free. */
static char *skip_to(const char *text)
{
    for (;;) {
        char *line = next_traced();

        if (strstr(line, text) != NULL)
            return line;
        free(line);
    }
}

/* Nothing that turns has started lives on: it would hold these pipes open. */
static void expect_status(int status)
{
    while (stream_fill(&turns.out))
        continue;
    ck_assert_int_eq(program_wait(&turns), status);
    stream_close(&turns.out);
    stream_close(&turns.err);
}

static void stop_watching(int status)
{
    ck_assert_int_eq(kill(turns.pid, SIGTERM), 0);
    expect_status(status);
}

/* A second client has joined the first, which says half a line. */
static void meet(struct stream *ann, struct stream *ben)
{
    *ann = connect_to(turns.port);
    free(skip_to("\"You're connected"));
    *ben = connect_to(turns.port);
    free(skip_to("5  send    38 "));
}

/* ---- Turns -------------------------------------------------------------------------- */

#define GREETING "\"You're connected to the C chatserver\\r"

START_TEST(
    a_turn_says_what_was_watched_how_long_it_slept_what_was_ready_and_what_was_done)
{
    struct stream ann, ben;

    watch_chat("bin/pchatsrv");
    free(skip_to("pchatsrv           3  listen"));
    free(skip_to("           1  read 3 write 1        slept   #.### s   ready: 1w"));
    ann = connect_to(turns.port);
    traced("           2  read 3                slept   #.### s   ready: 3");
    traced("                   3  accept -> 4   %s", name_of(&ann));
    traced("                   4  send    38    " GREETING "\\n\"");
    ben = connect_to(turns.port);
    traced("           3  read 3 4              slept   #.### s   ready: 3");
    traced("                   3  accept -> 5   %s", name_of(&ben));
    traced("                   4  send    31    \"Client joined %s\\r\\n\"",
           name_of(&ben));
    traced("                   5  send    38    " GREETING "\\n\"");
    send_text(&ann, "Hello, every");
    traced("           4  read 3 4 5            slept   #.### s   ready: 4");
    traced("                   4  recv    12    \"Hello, every\"");
    send_text(&ann, "one\r\nAre you");
    traced("           5  read 3 4 5            slept   #.### s   ready: 4");
    traced("                   4  recv    12    \"one\\r\\nAre you\"");
    traced("                   5  send    35    \"[%s] Hello, everyone\\r\\n\"",
           name_of(&ann));
    expect_line(&ann, "You're connected to the C chatserver");
    expect_line(&ann, "Client joined %s", name_of(&ben));
    stream_close(&ann);
    traced("           6  read 3 4 5            slept   #.### s   ready: 4");
    traced("                   4  shutdown");
    traced("                   4  end");
    traced("                   4  close");
    stop_watching(0);
}
END_TEST

START_TEST(chat_naive_is_shown_to_send_half_a_line_at_once)
{
    struct stream ann, ben;

    watch_chat("bin/chat_naive");
    meet(&ann, &ben);
    traced("                     4  send    31    \"Client joined %s\\r\\n\"",
           name_of(&ben));
    send_text(&ann, "Hello, every");
    traced("             3  read 3 4 5            slept   #.### s   ready: 4");
    traced("                     4  recv    12    \"Hello, every\"");
    traced("                     5  send    30    \"[%s] Hello, every\"", name_of(&ann));
    stream_reset(&ann);
    free(skip_to("             4  read 3 4 5            slept   #.### s   ready: 4"));
    free(skip_to("                     4  recv    ECONNRESET"));
    free(skip_to("                         exited with 1"));
    expect_status(1);
}
END_TEST

/* The beginning of the lines of the new task that the trace has in `forked`, and frees it. */
static const char *number_in(char *forked)
{
    static char number[16];

    snprintf(number, sizeof number, "%ld ", atol(strstr(forked, "-> ") + 3));
    free(forked);
    return number;
}

/* The line is about that task, whose last line may have been the one before. */
static void expect_task(char *line, const char *number)
{
    ck_assert_msg(*line == ' ' || strncmp(line, number, strlen(number)) == 0, "%s", line);
    free(line);
}

START_TEST(a_process_for_each_client_has_its_number_in_the_first_column)
{
    struct stream ann;
    const char *child;

    watch("bin/echo_fork", "EchoServer started on port ");
    ann = connect_to(turns.port);
    free(skip_to("3  accept -> 4   127.0.0.1:"));
    child = number_in(skip_to("fork -> "));
    send_text(&ann, "abc");
    expect_task(skip_to("4  recv     3    \"abc\""), child);
    expect_task(skip_to("4  send     3    \"abc\""), child);
    expect_bytes(&ann, "abc", 3);
    stream_close(&ann);
    expect_task(skip_to("4  end"), child);
    free(skip_to("exited with 0"));
    free(skip_to("SIGCHLD"));
    stop_watching(0);
}
END_TEST

START_TEST(a_thread_for_each_client_has_its_number_in_the_first_column)
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
END_TEST

START_TEST(epoll_shows_turns_like_those_of_select)
{
    struct stream ann, ben;

    watch("bin/echo_epoll", "EchoServer started on port ");
    traced("echo_epoll           3  listen");
    ann = connect_to(turns.port);
    traced("             1  read 3                slept   #.### s   ready: 3");
    traced("                     3  accept -> 5   %s", name_of(&ann));
    send_text(&ann, "abc"); /* it accepts as many as there are: only then is that over */
    traced("             2  read 3 5              slept   #.### s   ready: 5");
    traced("                     5  recv     3    \"abc\"");
    traced("                     5  send     3    \"abc\"");
    expect_bytes(&ann, "abc", 3);
    ben = connect_to(turns.port);
    traced("             3  read 3 5              slept   #.### s   ready: 3");
    traced("                     3  accept -> 6   %s", name_of(&ben));
    stream_close(&ann);
    traced("             4  read 3 5 6            slept   #.### s   ready: 5");
    traced("                     5  end");
    traced("                     5  close");
    send_text(&ben, "d");
    traced("             5  read 3 6              slept   #.### s   ready: 6");
    stop_watching(143); /* it does not handle SIGTERM */
}
END_TEST

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

START_TEST(a_server_in_python_shows_the_same_with_select_and_with_poll)
{
    struct stream ann;

    if (system("python3 -c '' 2>/dev/null") != 0)
        return;
    program_start(&turns, "TURNS", "bin/turns", "python3", "-c", PYTHON,
                  _i == 0 ? "select" : "poll", NULL);
    program_read_port(&turns, "on port ");
    free(skip_to("3  listen"));
    ann = connect_to(turns.port);
    traced("           1  read 3                slept   #.### s   ready: 3");
    traced("                   3  accept -> 4   %s", name_of(&ann));
    send_text(&ann, "abc");
    traced("           2  read 3 4              slept   #.### s   ready: 4");
    traced("                   4  recv     3    \"abc\"");
    traced("                   4  send     3    \"abc\"");
    stop_watching(143);
}
END_TEST

START_TEST(all_is_shown_with_a)
{
    struct stream ann;

    program_start(&turns, "TURNS", "bin/turns", "-a", "bin/pchatsrv", "-p", "0", NULL);
    program_read_port(&turns, "ChatServer started on port ");
    free(skip_to("1  write   "));
    ann = connect_to(turns.port);
    free(skip_to("3  accept  EAGAIN"));
    send_text(&ann, "abc");
    free(skip_to("4  recv     3    \"abc\""));
    traced("                   4  recv     3    \"abc\"");
    stop_watching(0);
}
END_TEST

/* ---- Now ---------------------------------------------------------------------------- */

/* A client that reads nothing, with little room for what is sent to it. */
static struct stream connect_stalled(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), bytes = 2048;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) == 0);
    ck_assert(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    return stream_of(fd);
}

/* Does the trace have this by now? What the server has printed is thrown away meanwhile. */
static bool has_traced(const char *text)
{
    struct pollfd ready = {.fd = turns.err.fd, .events = POLLIN};

    stream_drain(&turns.out);
    while (poll(&ready, 1, 0) == 1 && stream_fill(&turns.err))
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
        struct pollfd ready = {.fd = stream->fd, .events = POLLOUT};

        ck_assert_msg(clock_ms() < deadline, "the trace does not have '%s'", text);
        if (poll(&ready, 1, 100) == 1 &&
            send(stream->fd, lines, sizeof lines, MSG_DONTWAIT | MSG_NOSIGNAL) == -1)
            ck_assert_int_eq(errno, EAGAIN);
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

START_TEST(a_send_that_nobody_takes_is_shown_while_it_is_stuck)
{
    struct stream stalled, ben;
    char *line;

    watch_chat("bin/chat_naive");
    stalled = connect_stalled(turns.port);
    free(skip_to("accept -> 4 "));
    ben = connect_to(turns.port);
    free(skip_to("accept -> 5 "));
    flood_until_traced(&ben, "stuck in send");
    line = skip_to("stuck");
    ck_assert_msg(strstr(line, " 4  send          stuck in send to 4 for ") != NULL, "%s",
                  line);
    ck_assert_ptr_nonnull(strstr(line, " s"));
    free(line);
    /* That was its last word: it is stuck. Now it goes on. */
    ck_assert_uint_eq(turns.err.length, 0);
    start_to_read(&stalled);
    line = skip_to(" 4  send ");
    ck_assert_ptr_nonnull(strstr(line, "after "));
    free(line);
    stop_watching(143);
}
END_TEST

START_TEST(a_wait_of_a_second_is_told_once_in_a_pipe)
{
    char *line;

    watch("bin/echo_srv", "EchoServer started on port ");
    free(skip_to("3  listen"));
    free(skip_to("ready: 1w"));
    line = next_line(&turns.err);
    ck_assert_ptr_eq(
        strstr(line, "           2  read 3                asleep in select for 1."),
        line);
    free(line);
    ck_assert_int_eq(
        poll(&(struct pollfd){.fd = turns.err.fd, .events = POLLIN}, 1, 1500), 0);
    stop_watching(0);
}
END_TEST

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

START_TEST(whatever_clients_send_no_control_character_is_printed)
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
    ck_assert_int_eq(kill(turns.pid, SIGTERM), 0);
    while (stream_fill(&turns.err))
        continue;
    expect_clean_lines(turns.err.bytes, turns.err.length);
    ck_assert_ptr_null(strstr(turns.err.bytes, "  SIGINT\n"));
    turns.err.length = 0;
    expect_status(143);
}
END_TEST

#define CROWD 40

START_TEST(a_line_has_80_columns_at_most_however_many_descriptors_are_watched)
{
    struct stream crowd[CROWD];
    char *line;

    watch_chat("bin/pchatsrv");
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = connect_to(turns.port);
        stream_fill(&crowd[i]);
    }
    program_pause(&turns);
    for (int i = 0; i < CROWD; i++)
        send_text(&crowd[i], "a line that is long enough for a trace to be cut\r\n");
    program_go_on(&turns);
    line = skip_to("read 3-43 ");
    ck_assert_ptr_nonnull(strstr(line, "  read 3-43             slept"));
    free(line);
    ck_assert_int_eq(kill(turns.pid, SIGTERM), 0);
    while (stream_fill(&turns.err))
        continue;
    expect_clean_lines(turns.err.bytes, turns.err.length);
    turns.err.length = 0;
    expect_status(0);
}
END_TEST

static void set_of(struct watches *watches, const char *call)
{
    static struct calls calls;
    static struct steps steps;
    struct call read;
    struct step step;

    calls_take(&calls, call, strlen(call), &read);
    steps_read(&steps, &read, 1, &step);
    ck_assert_int_eq(step.kind, STEP_WAIT);
    *watches = *step.watches;
}

START_TEST(sets_that_are_too_long_are_ranges_and_are_cut_between_descriptors)
{
    static const struct {
        const char *read, *write, *expected;
    } examples[] = {
        {"[3 4 5]", "NULL", "read 3 4 5"},
        {"[3 4 5]", "[5]", "read 3 4 5 write 5"},
        {"[3 4 5 6 7 8 9 10]", "[]", "read 3 4 5 6 7 8 9 10"},
        {"[3 4 5 6 7 8 9 10 11]", "[]", "read 3-11"},
        {"[3 4 5 6 7 8 9 10 11]", "[4 5 6 9]", "read 3-11 write 4-6 9"},
        {"[3 5 7 9 11 13 15 17 19]", "[7]", "read 3 5 7 9\xE2\x80\xA6 write 7"},
        {"NULL", "[3]", "write 3"},
        {"NULL", "NULL", "nothing"},
    };
    static struct watches watches;
    char call[256], sets[SHOW_SETS_BYTES];

    snprintf(call, sizeof call, "1 select(20, %s, %s, NULL, NULL) = 0 (Timeout) <1.0>\n",
             examples[_i].read, examples[_i].write);
    set_of(&watches, call);
    show_sets(&watches, sets);
    ck_assert_str_eq(sets, examples[_i].expected);
}
END_TEST

/* ---- At a terminal ------------------------------------------------------------------ */

static struct screen screen;
static char shown[SCREEN_TEXT];
static int terminal;
static pid_t sitting;

static void sit_down(const char *script)
{
    struct winsize size = {.ws_row = 40, .ws_col = 100};

    ck_assert(setenv("TURNS", "bin/turns", 0) == 0);
    terminal = person_terminal();
    ck_assert_int_eq(ioctl(terminal, TIOCSWINSZ, &size), 0);
    screen_init(&screen, size.ws_row, size.ws_col);
    sitting = person_sits_down(terminal, script, NULL);
}

/* Looks at what comes next. */
static void look(void)
{
    struct pollfd ready = {.fd = terminal, .events = POLLIN};
    char bytes[4096];
    ssize_t got =
        poll(&ready, 1, DEADLINE_MS) == 1 ? read(terminal, bytes, sizeof bytes) : 0;

    screen_text(&screen, shown);
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

static void leave(int expected)
{
    char bytes[4096];
    ssize_t got;
    int status;

    while ((got = read(terminal, bytes, sizeof bytes)) > 0)
        screen_take(&screen, bytes, (size_t)got);
    ck_assert_int_eq(waitpid(sitting, &status, 0), sitting);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), expected);
    screen_text(&screen, shown);
}

START_TEST(at_a_terminal_the_wait_is_drawn_in_place_and_ctrl_c_reaches_the_program_once)
{
    struct stream ann;
    const char *port;
    char *signal;

    sit_down("exec $TURNS bin/pchatsrv -p 0");
    see("2  read 3                asleep in select for ");
    port = strstr(shown, "started on port ");
    ck_assert_ptr_nonnull(port);
    while (sees("asleep in select for 0.")) /* each time goes to where the last one was */
        look();
    see("asleep in select for ");
    ann = connect_to(atoi(port + strlen("started on port ")));
    see("Client joined 127.0.0.1:");
    see("3  read 3 4              asleep in select for ");
    send_text(&ann, "/nick ann\r\n");
    see("Client 127.0.0.1:");
    see("4  read 3 4              asleep in select for ");
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
END_TEST

START_TEST(colours_are_left_out_where_nobody_wants_them)
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
END_TEST

START_TEST(what_is_ready_is_green_and_what_is_wrong_is_red)
{
    sit_down("exec $TURNS bin/echo_srv -p 0");
    see("ready: 1w");
    ck_assert_str_eq(screen_colour(&screen, "1w"), "[32m");
    see("asleep in select for ");
    ck_assert_int_eq(write(terminal, "\x03", 1), 1);
    leave(0);
    ck_assert_str_eq(screen_colour(&screen, "EINTR"), "[31m");
}
END_TEST

/* ---- The program under it ----------------------------------------------------------- */

START_TEST(the_status_is_the_programs)
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

    program_start(&turns, "TURNS", "bin/turns", "sh", "-c", examples[_i].script, NULL);
    free(skip_to(examples[_i].script[0] == 'e' ? "exited with " : "killed by SIG"));
    expect_status(examples[_i].status);
}
END_TEST

START_TEST(its_input_and_output_are_its_own)
{
    char *without, *with;

    program_start_by(&turns, "ls /proc/self/fd | wc -l; \"$@\" | wc -l", "TURNS",
                     "bin/turns", "ls", "/proc/self/fd", NULL);
    without = next_line(&turns.out);
    with = next_line(&turns.out);
    ck_assert_str_eq(with, without); /* none of turns's descriptors came down to it */
    free(without);
    free(with);
    free(skip_to("exited with 0"));
    expect_status(0);
    program_start_by(&turns, "printf 'Hi\\n' | \"$@\"", "TURNS", "bin/turns", "sh", "-c",
                     "cat; echo Oh >&2", NULL);
    expect_lf(&turns.out, "Hi");
    expect_lf(&turns.err, "Oh");
    expect_lf(&turns.err, "sh                     exited with 0");
    expect_status(0);
}
END_TEST

START_TEST(a_signal_that_turns_is_sent_is_the_programs_once)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    static const char *const names[] = {"SIGINT", "SIGTERM", "SIGHUP"};

    watch_chat("bin/pchatsrv");
    free(skip_to("1w"));
    ck_assert_int_eq(kill(turns.pid, signals[_i]), 0);
    free(skip_to(names[_i]));
    traced("                   3  close");
    traced("                       exited with 0");
    expect_lf(&turns.out, "ChatServer stopping");
    expect_status(0);
}
END_TEST

START_TEST(what_the_program_has_left_behind_ends_with_it)
{
    program_start(&turns, "TURNS", "bin/turns", "sh", "-c", "bin/echo_srv -p 0 & wait",
                  NULL);
    free(skip_to("1  read 3 write 1 "));
    ck_assert_int_eq(kill(turns.pid, SIGTERM), 0);
    expect_status(143);
}
END_TEST

/* ---- Files -------------------------------------------------------------------------- */

/* All of a file, the caller's to free. */
static char *content_of(const char *path)
{
    FILE *file = fopen(path, "r");
    size_t length = 0;
    char *text = malloc(1 << 20);

    ck_assert(file != NULL && text != NULL);
    length = fread(text, 1, (1 << 20) - 1, file);
    text[length] = '\0';
    fclose(file);
    return text;
}

static const char *temporary(const char *ending)
{
    static char path[64];

    snprintf(path, sizeof path, "/tmp/test_turns.%ld%s", (long)getpid(), ending);
    return path;
}

START_TEST(the_trace_is_kept_in_a_file_as_well)
{
    const char *path = temporary(".txt");
    char *kept, *line;
    const char *at;

    program_start(&turns, "TURNS", "bin/turns", "-o", path, "bin/echo_srv", "-p", "0",
                  NULL);
    program_read_port(&turns, "EchoServer started on port ");
    free(skip_to("1w"));
    ck_assert_int_eq(kill(turns.pid, SIGTERM), 0);
    line = skip_to("exited with 0");
    expect_status(0);
    at = kept = content_of(path);
    unlink(path);
    for (const char *const *text =
             (const char *[]){"echo_srv           3  listen\n", "1  read 3 write 1",
                              "SIGTERM\n", line, NULL};
         *text != NULL; text++) {
        at = strstr(at, *text);
        ck_assert_msg(at != NULL, "'%s' is not in\n%s", *text, kept);
    }
    free(kept);
    free(line);
}
END_TEST

/* The place of a text in a drawing, and its end. */
struct placed {
    double x, y, end;
};

/* No text overlaps another, and all are within the drawing. Returns how many there are. */
static size_t expect_no_overlap(const char *svg)
{
    static struct placed texts[20000];
    double width, height;
    size_t count = 0;

    ck_assert_int_eq(
        sscanf(strstr(svg, "width="), "width=\"%lf\" height=\"%lf\"", &width, &height),
        2);
    for (const char *at = svg; (at = strstr(at, "<text ")) != NULL; at++) {
        struct placed *text = &texts[count++];
        const char *begin = strchr(at, '>') + 1, *end = strstr(at, "</text>");
        double font =
            strstr(at, "font-size=\"16\"") && strstr(at, "font-size") < begin ? 16 : 12;
        double length = font * 0.61 * (double)(end - begin);

        ck_assert_int_eq(sscanf(at, "<text x=\"%lf\" y=\"%lf\"", &text->x, &text->y), 2);
        if (strstr(at, "text-anchor") != NULL && strstr(at, "text-anchor") < begin)
            text->x -= length;
        text->end = text->x + length;
        ck_assert(text->x >= 0 && text->end <= width && text->y <= height &&
                  text->y >= 12);
        for (size_t i = 0; i + 1 < count; i++)
            if (text->y - texts[i].y < 12 && texts[i].y - text->y < 12 &&
                text->x < texts[i].end && text->end > texts[i].x)
                ck_abort_msg("overlap at %.0f, %.0f: %.40s", text->x, text->y, begin);
    }
    return count;
}

START_TEST(the_picture_shows_a_column_for_each_turn_and_a_row_for_each_descriptor)
{
    const char *path = temporary(".svg");
    struct stream ann, ben;
    char *svg;

    program_start(&turns, "TURNS", "bin/turns", "-p", path, "bin/chat_naive", "-p", "0",
                  NULL);
    program_read_port(&turns, "ChatServer started on port ");
    meet(&ann, &ben);
    send_text(&ann, "Hello\r\n");
    free(skip_to("5  send    25 "));
    stop_watching(143);
    svg = content_of(path);
    unlink(path);
    ck_assert(strncmp(svg, "<svg ", 5) == 0 && strstr(svg, "</svg>\n") != NULL);
    ck_assert_ptr_nonnull(strstr(svg, "chat_naive: turns 1 to "));
    ck_assert_ptr_nonnull(strstr(svg, ">accept<"));
    ck_assert_ptr_nonnull(strstr(svg, ">recv<"));
    expect_no_overlap(svg);
    free(svg);
}
END_TEST

/* A picture of that many turns, in which a server with so many clients is busy. */
static char *drawn(unsigned turn_count, int clients)
{
    static const char *const words[] = {"recv",  "send",  "end",
                                        "close", "EPIPE", "accept"};
    static struct picture picture;
    static struct watches watches;
    struct step step = {.kind = STEP_WAIT, .watches = &watches};
    const char *path = temporary(".drawn");
    FILE *file = fopen(path, "w");
    char *svg;

    memset(&picture, 0, sizeof picture);
    watches.count = (size_t)clients;
    for (unsigned turn = 1; turn <= turn_count; turn++) {
        for (int i = 0; i < clients; i++)
            watches.list[i] = (struct watch){3 + i, random_below(16)};
        picture_turn(&picture, 1, turn, &step);
        for (int i = 0; i < clients; i++)
            picture_step(&picture, 1, 3 + i, words[random_below(6)]);
        picture_step(&picture, 1, 3, words[random_below(6)]);
    }
    picture_draw(&picture, "<&>", file);
    fclose(file);
    svg = content_of(path);
    unlink(path);
    return svg;
}

START_TEST(nothing_overlaps_in_small_and_in_large_pictures)
{
    static const struct {
        unsigned turns;
        int clients;
    } sizes[] = {{0, 0}, {1, 1}, {12, 3}, {48, 5}, {49, 5}, {200, 30}, {20000, 3}};
    char *svg = drawn(sizes[_i].turns, sizes[_i].clients);

    ck_assert_uint_gt(expect_no_overlap(svg),
                      sizes[_i].turns < 200 ? sizes[_i].turns : 200);
    ck_assert_ptr_nonnull(strstr(svg, "???: "));
    if (sizes[_i].turns > 1000) /* the last ones are in it */
        ck_assert_ptr_nonnull(strstr(svg, "turns 19745 to 20000"));
    free(svg);
}
END_TEST

/* ---- What cannot be ----------------------------------------------------------------- */

/* One sentence on standard error, and nothing else. */
static void expect_sentence(const char *text, int status)
{
    char *line = next_line(&turns.err);

    ck_assert_msg(strncmp(line, text, strlen(text)) == 0, "'%s'", line);
    free(line);
    expect_status(status);
    ck_assert_uint_eq(turns.err.length, 0);
}

START_TEST(what_is_missing_is_said_in_one_sentence)
{
    program_start_by(&turns, "PATH=/nowhere exec \"$@\"", "TURNS", "bin/turns",
                     "bin/echo_srv", NULL);
    expect_sentence("turns: cannot run strace (Linux only; 'make deps' installs it): ",
                    1);
    program_start(&turns, "TURNS", "bin/turns", "no-such-program", NULL);
    expect_sentence("turns: cannot run 'no-such-program': No such file or directory", 1);
    program_start(&turns, "TURNS", "bin/turns", "-o", "/nowhere/file", "true", NULL);
    expect_sentence("turns: cannot write '/nowhere/file': No such file or directory", 1);
    program_start(&turns, "TURNS", "bin/turns", "-p", "/nowhere/file", "true", NULL);
    expect_sentence("turns: cannot write '/nowhere/file': No such file or directory", 1);
}
END_TEST

START_TEST(where_ptrace_is_forbidden_one_sentence_says_so)
{
    /* A process has one tracer at most, and here that is another strace. */
    program_start_by(&turns, "exec strace -f -o /dev/null \"$@\"", "TURNS", "bin/turns",
                     "bin/echo_srv", NULL);
    expect_sentence("turns: strace may not watch a program here: ptrace() is forbidden",
                    1);
}
END_TEST

START_TEST(a_file_that_takes_no_more_is_told)
{
    if (access("/dev/full", W_OK) == -1)
        return;
    program_start(&turns, "TURNS", "bin/turns", "-p", "/dev/full", "true", NULL);
    free(skip_to("exited with 0"));
    traced("turns: cannot write '/dev/full': No space left on device");
    expect_status(0);
}
END_TEST

START_TEST(wrong_usage_is_refused)
{
    expect_wrong_usage("TURNS", "bin/turns", NULL, NULL);
    expect_wrong_usage("TURNS", "bin/turns", "-x", "true");
    expect_wrong_usage("TURNS", "bin/turns", "-o", NULL);
}
END_TEST

/* ---- strace's words ----------------------------------------------------------------- */

static struct calls calls;
static struct steps steps;

/* What this line of strace's means. */
static struct step step_of(const char *line)
{
    struct call call;
    struct step step;

    ck_assert_uint_eq(calls_take(&calls, line, strlen(line), &call), strlen(line));
    steps_read(&steps, &call, 1, &step);
    return step;
}

START_TEST(a_call_is_read_whatever_it_carries)
{
    static const struct {
        const char *line, *verb, *text, *error;
        int descriptor;
        long bytes, of;
        bool is_cut, is_end, is_hidden;
    } e[] = {
        {"1 recvfrom(4<TCP:[1.2.3.4:5->6.7.8.9:10]>, \"a\\n\", 100, 0, NULL, NULL) = 2 "
         "<0.1>\n",
         "recv", "a\\n", "", 4, 2, 100, false, false, false},
        {"1 recvfrom(4, \"\", 100, 0, NULL, NULL) = 0 <0.1>\n", "recv", "", "", 4, 0, 100,
         false, true, false},
        {"1 recvfrom(4<UDP:[1.2.3.4:5]>, \"\", 100, 0, {sa_family=AF_INET, "
         "sin_port=htons(1), sin_addr=inet_addr(\"1.1.1.1\")}, [128 => 16]) = 0 <0.1>\n",
         "recv", "", "", 4, 0, 100, false, false, false},
        {"1 recvfrom(4, \"MSG_PEEK\", 100, 0, NULL, NULL) = 8 <0.1>\n", "recv",
         "MSG_PEEK", "", 4, 8, 100, false, false, false},
        {"1 recvfrom(4, \"x\", 100, MSG_PEEK, NULL, NULL) = 1 <0.1>\n", "recv", "x", "",
         4, 1, 100, false, false, true},
        {"1 sendto(5<UNIX-STREAM:[1->2,\"/tmp/a\\\") = 5\"]>, \"xy\"..., 4096, 0, NULL, "
         "0) = 35 "
         "<0.1>\n",
         "send", "xy", "", 5, 35, 4096, true, false, false},
        {"1 sendmsg(5, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"ab "
         "iov_base=\", "
         "iov_len=12}, {iov_base=\"\\\") = 9 <1>\", iov_len=10}], msg_iovlen=2, "
         "msg_controllen=0, msg_flags=0}, MSG_NOSIGNAL) = 22 <0.1>\n",
         "send", "ab iov_base=\\\") = 9 <1>", "", 5, 22, 22, false, false, false},
        {"1 writev(5, [{iov_base=\"ab\", iov_len=2}, {iov_base=\"c\", iov_len=1}], 2) = "
         "3 <0.1>\n",
         "write", "abc", "", 5, 3, 3, false, false, false},
        {"1 sendto(5, \"x\", 1, MSG_NOSIGNAL, NULL, 0) = -1 EPIPE (Broken pipe) <0.1>\n",
         "send", "x", "EPIPE", 5, -1, 1, false, false, false},
        {"1 sendto(5, \"x\", 1, 0, NULL, 0) = -1 EAGAIN (Resource temporarily "
         "unavailable) <0>\n",
         "send", "x", "EAGAIN", 5, -1, 1, false, false, true},
        {"1 recvfrom(5, 0x7ffc, 100, 0, NULL, NULL) = ? ERESTARTSYS (To be restarted) "
         "<0.1>\n",
         "recv", "", "EINTR", 5, 0, 100, false, false, false},
        {"1 read(3</etc/hosts>, \"127.0.0.1\", 4096) = 9 <0.1>\n", "read", "127.0.0.1",
         "", 3, 9, 4096, false, false, true},
        {"1 close(4</dev/null<char 1:3>>) = 0 <0.1>\n", "close", "", "", 4, 0, 0, false,
         false, true},
        {"1 close(9) = -1 EBADF (Bad file descriptor) <0.1>\n", "close", "", "EBADF", 9,
         0, 0, false, false, false},
    };
    struct step step = step_of(e[_i].line);

    ck_assert(step.is_over && step.kind != STEP_NONE);
    ck_assert_str_eq(step.verb, e[_i].verb);
    ck_assert_str_eq(step.text, e[_i].text);
    ck_assert_str_eq(step.error, e[_i].error);
    ck_assert_int_eq(step.descriptor, e[_i].descriptor);
    ck_assert_int_eq(step.bytes, e[_i].bytes);
    ck_assert_int_eq(step.of, e[_i].of);
    ck_assert_int_eq(step.is_cut, e[_i].is_cut);
    ck_assert_int_eq(step.is_end, e[_i].is_end);
    ck_assert_int_eq(step.is_hidden, e[_i].is_hidden);
}
END_TEST

START_TEST(a_call_is_known_from_its_beginning_on_and_whole_again_after_an_interruption)
{
    static const char line[] =
        "1 recvfrom(4, \"a) = 1 <0>\\n\", 100, 0, NULL, NULL) = 2 <0.5>\n";
    struct step step;
    struct call call;

    /* However it is cut, it is not over before its line is. */
    for (size_t cut = 1; cut < sizeof line - 1; cut++) {
        calls_take(&calls, line, cut, &call);
        steps_read(&steps, &call, 1, &step);
        ck_assert(!step.is_over || call.kind == CALL_NONE);
        ck_assert(cut < 13 || step.kind == STEP_RECEIVE);
        ck_assert(cut < 14 || step.descriptor == 4);
        step = step_of(line + cut);
        ck_assert(step.is_over);
        ck_assert_int_eq(step.bytes, 2);
    }
    step = step_of("1 sendto(4, \"ab\", 2, 0, NULL, 0 <unfinished ...>\n");
    ck_assert(!step.is_over && step.kind == STEP_SEND);
    step = step_of("2 recvfrom(5,  <unfinished ...>\n");
    step = step_of("1 <... sendto resumed>) = 1 <1.5>\n");
    ck_assert(step.is_over && step.kind == STEP_SEND);
    ck_assert_str_eq(step.text, "ab");
    ck_assert_int_eq(step.bytes, 1);
    ck_assert(step.seconds > 1.4 && step.seconds < 1.6);
    step = step_of("2 <... recvfrom resumed>\"x\", 100, 0, NULL, NULL) = 1 <1.5>\n");
    ck_assert(step.is_over && step.kind == STEP_RECEIVE && step.descriptor == 5);
    step = step_of("3 <... recvfrom resumed>\"x\", 100, 0, NULL, NULL) = 1 <1.5>\n");
    ck_assert_int_eq(step.kind, STEP_NONE); /* nobody knows its beginning */
    step = step_of("2 recvfrom(5,  <unfinished ...>) = ?\n");
    ck_assert_int_eq(step.kind, STEP_NONE);
    step = step_of("2 +++ killed by SIGKILL +++\n");
    ck_assert_int_eq(step.kind, STEP_EXIT);
    ck_assert_str_eq(step.text, "killed by SIGKILL");
    calls_free(&calls);
}
END_TEST

/* "3 4w", and in brackets what is ready. */
static const char *watched_by(const struct step *step)
{
    static char text[256];

    *text = '\0';
    ck_assert_int_eq(step->kind, STEP_WAIT);
    for (size_t i = 0; i < step->watches->count; i++) {
        const struct watch *watch = &step->watches->list[i];

        sprintf(
            text + strlen(text), " %d%s%s%s%s", watch->descriptor,
            watch->flags & WATCH_READ ? "r" : "", watch->flags & WATCH_WRITE ? "w" : "",
            watch->flags & READY_READ ? "R" : "", watch->flags & READY_WRITE ? "W" : "");
    }
    return text;
}

START_TEST(select_poll_and_epoll_are_read_alike)
{
    struct step step;

    step = step_of(
        "1 pselect6(6, [3<TCP:[1.1.1.1:1->2.2.2.2:2]> 4], [5<pipe:[1]>], [], NULL, NULL) "
        "= 2 (in [4], out [5], left {tv_sec=1, tv_nsec=2}) <0.1>\n");
    ck_assert_str_eq(watched_by(&step), " 3r 4rR 5wW");
    step = step_of(
        "1 poll([{fd=5<pipe:[1]>, events=POLLOUT}, {fd=3, events=POLLIN|POLLOUT}, "
        "{fd=-1, events=0}], 3, 10) = 1 ([{fd=3, revents=POLLIN|POLLHUP}]) <0.1>\n");
    ck_assert_str_eq(watched_by(&step), " 3rwR 5w");
    step_of("1 epoll_ctl(4<anon_inode:[eventpoll]>, EPOLL_CTL_ADD, 7, {events=EPOLLIN, "
            "data={u32=9, u64=9}}) = 0 <0>\n");
    step_of("1 epoll_ctl(4, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data=0x6}) = 0 <0>\n");
    step_of("1 epoll_ctl(4, EPOLL_CTL_ADD, 8, {events=EPOLLIN, data=0x8}) = 0 <0>\n");
    step_of("1 epoll_ctl(4, EPOLL_CTL_MOD, 6, {events=EPOLLIN|EPOLLOUT|EPOLLET, "
            "data=0x6}) = 0 "
            "<0>\n");
    step_of("1 epoll_ctl(4, EPOLL_CTL_DEL, 8, NULL) = 0 <0>\n");
    step =
        step_of("1 epoll_wait(4<anon_inode:[eventpoll]>, [{events=EPOLLIN, data={u32=9, "
                "u64=9}}, {events=EPOLLOUT, data=0x6}], 8, -1) = 2 <0>\n");
    ck_assert_str_eq(watched_by(&step), " 6rwW 7rR");
    step_of("1 close(7) = 0 <0>\n");
    step = step_of("1 epoll_wait(4, [], 8, -1) = 0 <0>\n");
    ck_assert_str_eq(watched_by(&step), " 6rw");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("turns");
    TCase *words = tcase_create("words"), *programs = tcase_create("programs");

    tcase_add_loop_test(words, a_call_is_read_whatever_it_carries, 0, 14);
    tcase_add_test(
        words,
        a_call_is_known_from_its_beginning_on_and_whole_again_after_an_interruption);
    tcase_add_test(words, select_poll_and_epoll_are_read_alike);
    tcase_add_loop_test(
        words, sets_that_are_too_long_are_ranges_and_are_cut_between_descriptors, 0, 8);
    tcase_add_loop_test(words, nothing_overlaps_in_small_and_in_large_pictures, 0, 7);
    suite_add_tcase(suite, words);

    tcase_add_test(
        programs,
        a_turn_says_what_was_watched_how_long_it_slept_what_was_ready_and_what_was_done);
    tcase_add_test(programs, chat_naive_is_shown_to_send_half_a_line_at_once);
    tcase_add_test(programs,
                   a_process_for_each_client_has_its_number_in_the_first_column);
    tcase_add_test(programs, a_thread_for_each_client_has_its_number_in_the_first_column);
    tcase_add_test(programs, epoll_shows_turns_like_those_of_select);
    tcase_add_loop_test(
        programs, a_server_in_python_shows_the_same_with_select_and_with_poll, 0, 2);
    tcase_add_test(programs, all_is_shown_with_a);
    tcase_add_test(programs, a_send_that_nobody_takes_is_shown_while_it_is_stuck);
    tcase_add_test(programs, a_wait_of_a_second_is_told_once_in_a_pipe);
    tcase_add_test(programs, whatever_clients_send_no_control_character_is_printed);
    tcase_add_test(programs,
                   a_line_has_80_columns_at_most_however_many_descriptors_are_watched);
    tcase_add_test(
        programs,
        at_a_terminal_the_wait_is_drawn_in_place_and_ctrl_c_reaches_the_program_once);
    tcase_add_loop_test(programs, colours_are_left_out_where_nobody_wants_them, 0, 2);
    tcase_add_test(programs, what_is_ready_is_green_and_what_is_wrong_is_red);
    tcase_add_loop_test(programs, the_status_is_the_programs, 0, 6);
    tcase_add_test(programs, its_input_and_output_are_its_own);
    tcase_add_loop_test(programs, a_signal_that_turns_is_sent_is_the_programs_once, 0, 3);
    tcase_add_test(programs, what_the_program_has_left_behind_ends_with_it);
    tcase_add_test(programs, the_trace_is_kept_in_a_file_as_well);
    tcase_add_test(
        programs, the_picture_shows_a_column_for_each_turn_and_a_row_for_each_descriptor);
    tcase_add_test(programs, what_is_missing_is_said_in_one_sentence);
    tcase_add_test(programs, where_ptrace_is_forbidden_one_sentence_says_so);
    tcase_add_test(programs, a_file_that_takes_no_more_is_told);
    tcase_add_test(programs, wrong_usage_is_refused);
    tcase_set_timeout(programs, 60);
    if (system("strace -o /dev/null true 2>/dev/null") == 0)
        suite_add_tcase(suite, programs);
    return run_suite(suite);
}
