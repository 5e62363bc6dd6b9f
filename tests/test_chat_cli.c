/* What somebody at chat_cli's terminal sees, and what a script gets from it. */
#define _XOPEN_SOURCE   700 /* ptsname() is in the XSI option */
#define _DEFAULT_SOURCE 1   /* TIOCSWINSZ */
#include "base/clock.h"
#include "terminal/line_edit.h"
#include "tests/person.h"
#include "tests/room.h"
#include "tests/screen.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* The signals that end it at a terminal. */
static const int leaving[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define ROWS    24
#define COLUMNS 40
#define FACE    "\xF0\x9F\x98\x80"
#define NI      "\xE6\x97\xA5"
#define E       "\xC3\xA9"

/* ---- Somebody at a terminal --------------------------------------------------------- */

struct typist {
    pid_t pid;
    int terminal, line; /* its two ends; `line` stays open to look at its settings */
    struct termios before;
    struct screen screen;
};

static char shown[SCREEN_TEXT];

/* The system sends SIGWINCH to who is in the foreground. */
static void set_columns(struct typist *typist, int columns)
{
    struct winsize size = {.ws_row = ROWS, .ws_col = (unsigned short)columns};

    ck_assert_int_eq(ioctl(typist->terminal, TIOCSWINSZ, &size), 0);
}

#define SHELL "exec sh -i" /* which waits for commands */

static void sit_down(struct typist *typist, const char *script, int port)
{
    char number[16];

    snprintf(number, sizeof number, "%d", port);
    ck_assert(setenv("CHAT_CLI", "bin/chat_cli", 0) == 0);
    ck_assert(setenv("PORT", number, 1) == 0);
    ck_assert(setenv("PS1", "$ ", 1) == 0 && unsetenv("ENV") == 0);
    typist->terminal = person_terminal();
    typist->line = open(ptsname(typist->terminal), O_RDWR | O_NOCTTY);
    ck_assert_int_ne(typist->line, -1);
    set_columns(typist, COLUMNS);
    screen_init(&typist->screen, ROWS, COLUMNS);
    ck_assert_int_eq(tcgetattr(typist->line, &typist->before), 0);
    typist->pid = person_sits_down(typist->terminal, script, NULL);
}

/* Reads what comes within so many ms, if anything does. */
static bool look(struct typist *typist, int ms)
{
    struct pollfd ready = {.fd = typist->terminal, .events = POLLIN};
    char bytes[4096];
    ssize_t got;

    if (poll(&ready, 1, ms) != 1)
        return false;
    got = read(typist->terminal, bytes, sizeof bytes);
    if (got > 0)
        screen_take(&typist->screen, bytes, (size_t)got);
    return got > 0;
}

/* Waits until the screen ends so, the cursor being where the | is. */
static void see(struct typist *typist, const char *expected)
{
    int64_t deadline = clock_ms() + DEADLINE_MS;

    for (;;) {
        size_t length;

        screen_text(&typist->screen, shown);
        length = strlen(shown);
        if (length >= strlen(expected) &&
            strcmp(shown + length - strlen(expected), expected) == 0)
            return;
        if (clock_ms() > deadline || !look(typist, DEADLINE_MS))
            ck_abort_msg("the screen does not end in '%s' but in '%s'", expected,
                         length > 600 ? shown + length - 600 : shown);
    }
}

static void type_bytes(struct typist *typist, const char *keys, size_t length)
{
    ck_assert_int_eq(write(typist->terminal, keys, length), (ssize_t)length);
}

static void type(struct typist *typist, const char *keys)
{
    type_bytes(typist, keys, strlen(keys));
}

static void expect_settings_as_before(const struct typist *typist)
{
    struct termios now;

    ck_assert_int_eq(tcgetattr(typist->line, &now), 0);
    ck_assert_uint_eq(now.c_iflag, typist->before.c_iflag);
    ck_assert_uint_eq(now.c_oflag, typist->before.c_oflag);
    ck_assert_uint_eq(now.c_cflag, typist->before.c_cflag);
    ck_assert_uint_eq(now.c_lflag, typist->before.c_lflag);
    ck_assert_mem_eq(now.c_cc, typist->before.c_cc, sizeof now.c_cc);
}

/*
 * Waits for the program's end and looks at what it has left. What it printed at the end
 * is read meanwhile: else it would wait for that.
 */
static int leave(struct typist *typist)
{
    int64_t deadline = clock_ms() + DEADLINE_MS;
    int status;

    while (waitpid(typist->pid, &status, WNOHANG) == 0) {
        ck_assert_msg(clock_ms() < deadline, "chat_cli does not end");
        (void)look(typist, 10);
    }
    typist->pid = 0;
    while (look(typist, 0))
        continue;
    expect_settings_as_before(typist);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* ---- A server whose words the test chooses ------------------------------------------ */

static int listener, port;
static struct stream server;
static struct typist ann;

static void listen_on_any_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 8), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    port = ntohs(address.sin_port);
}

static void await_client(void)
{
    server = stream_of(accept(listener, NULL, NULL));
    ck_assert_int_ne(server.fd, -1);
}

#define CHAT "TERM=xterm; export TERM; unset NO_COLOR; exec $CHAT_CLI 127.0.0.1 $PORT"

static void open_terminal(void)
{
    listen_on_any_port();
    sit_down(&ann, CHAT, port);
    await_client();
    see(&ann, "leaves.\n> |");
}

/* It ends as it likes to: only so is there anything to learn from it under valgrind. */
static void close_terminal(void)
{
    if (ann.pid == 0)
        return;
    kill(ann.pid, SIGTERM);
    (void)leave(&ann);
}

static void say(const char *text)
{
    send_text(&server, text);
}

/* ---- On a terminal ------------------------------------------------------------------ */

START_TEST(row_16_a_line_typed_is_sent_and_stays_on_the_screen)
{
    type(&ann, "hello");
    see(&ann, "\n> hello|");
    type(&ann, "\r");
    expect_line(&server, "hello");
    see(&ann, "\n> hello\n> |");
}
END_TEST

START_TEST(row_15_the_prompt_is_intact_after_ten_messages_arrive_while_typing)
{
    char expected[1024] = "";

    type(&ann, "half a line"
               "\033[D\033[D");
    for (int i = 0; i < 10; i++) {
        char line[64];

        snprintf(line, sizeof line, "[bob] message %d\r\n", i);
        say(line);
        snprintf(line, sizeof line, "[bob] message %d\n", i);
        strcat(expected, line);
    }
    strcat(expected, "> half a li|ne");
    see(&ann, expected);
    type(&ann, "\r");
    expect_line(&server, "half a line");
}
END_TEST

START_TEST(editing_keys_do_what_hands_expect)
{
    type(&ann, "one two\x17\x01"
               "A\x05!\033[D\033[3~\x7F");
    see(&ann, "\n> Aone|");
    type(&ann, "\r\033[A");
    see(&ann, "\n> Aone\n> Aone|");
    type(&ann, "\033[Bhalf\033[A\033[B");
    see(&ann, "\n> half|");
}
END_TEST

START_TEST(wide_characters_are_edited_whole)
{
    type(&ann, NI FACE E "x\033[D\033[D\033[D");
    see(&ann, "\n> " NI "|" FACE E "x");
    type(&ann, "\x7F\033[3~");
    see(&ann, "\n> |" E "x");
    type(&ann, NI " " FACE NI "\x17");
    see(&ann, "\n> " NI " |" E "x");
    type(&ann, "\x17");
    see(&ann, "\n> |" E "x");
    type(&ann, "\r");
    expect_line(&server, E "x");
}
END_TEST

START_TEST(a_line_longer_than_the_screen_scrolls_sideways)
{
    type(&ann, "0123456789abcdefghijklmnopqrstuvwxyz+-*/");
    see(&ann, "leaves.\n> 456789abcdefghijklmnopqrstuvwxyz+-*/|");
    type(&ann, "\x01");
    see(&ann, "leaves.\n> |0123456789abcdefghijklmnopqrstuvwxyz+");
    say("in between\n");
    see(&ann, "in between\n> |0123456789abcdefghijklmnopqrstuvwxyz+");
    type(&ann, "\r");
    expect_line(&server, "0123456789abcdefghijklmnopqrstuvwxyz+-*/");
}
END_TEST

START_TEST(a_resized_window_is_noticed)
{
    type(&ann, "0123456789abcdefghij");
    see(&ann, "\n> 0123456789abcdefghij|");
    screen_resize(&ann.screen, 12);
    set_columns(&ann, 12);
    see(&ann, "\n> cdefghij|");
    screen_resize(&ann.screen, 30);
    set_columns(&ann, 30);
    see(&ann, "\n> 0123456789abcdefghij|");
}
END_TEST

/* The window gets narrower or wider, and wraps what it shows anew. */
static void drag_window(struct typist *typist, int columns)
{
    screen_rewrap(&typist->screen, columns);
    set_columns(typist, columns);
}

START_TEST(a_line_that_a_narrower_window_has_wrapped_is_taken_off_whole)
{
    say("hi\n");
    type(&ann, "0123456789abcdefghijklmnopqrstuvwxyz");
    see(&ann, "\nhi\n> 0123456789abcdefghijklmnopqrstuvwxyz|");
    drag_window(&ann, 20);
    see(&ann, "\nhi\n> klmnopqrstuvwxyz|");
    drag_window(&ann, 5);
    see(&ann, "\nhi\n> z|");
    drag_window(&ann, 40);
    see(&ann, "\nhi\n> 0123456789abcdefghijklmnopqrstuvwxyz|");
    drag_window(&ann, 19); /* twice as many columns and the cursor: no row is free */
    see(&ann, "\nhi\n> lmnopqrstuvwxyz|");
    type(&ann, "\x01");
    see(&ann, "\nhi\n> |0123456789abcdef");
    drag_window(&ann, 9);
    see(&ann, "\nhi\n> |012345");
    say("ho\n");
    see(&ann, "\nhi\nho\n> |012345");
}
END_TEST

START_TEST(wide_characters_that_were_wrapped_are_taken_off_whole)
{
    say("hi\n");
    for (int i = 0; i < 17; i++)
        type(&ann, NI);
    type(&ann, "x");
    see(&ann, NI NI NI "x|");
    drag_window(&ann, 9); /* a column of each row stays empty */
    see(&ann, "\nhi\n> " NI NI "x|");
}
END_TEST

START_TEST(a_window_of_a_few_columns_shows_what_fits_and_no_junk)
{
    say("a\n");
    type(&ann, "wxyz");
    see(&ann, "\na\n> wxyz|");
    drag_window(&ann, 4);
    see(&ann, "\na\nyz|");
    drag_window(&ann, 3);
    see(&ann, "\na\nz|");
    for (int columns = 2; columns >= 1; columns--) {
        drag_window(&ann, columns);
        see(&ann, "\na\n|");
        say("a\n");
        see(&ann, "\na\na\n|");
    }
    drag_window(&ann, 40);
    see(&ann, "\na\na\na\n> wxyz|");
}
END_TEST

START_TEST(ctrl_l_clears_the_screen_and_keeps_the_line)
{
    type(&ann, "text\x0C");
    see(&ann, "> text|");
    while (strcmp(shown, "> text|") != 0) {
        ck_assert(look(&ann, DEADLINE_MS));
        screen_text(&ann.screen, shown);
    }
}
END_TEST

START_TEST(each_line_of_a_paste_is_sent)
{
    type(&ann, "one\rtwo\rthree\rrest");
    expect_line(&server, "one");
    expect_line(&server, "two");
    expect_line(&server, "three");
    see(&ann, "\n> one\n> two\n> three\n> rest|");
}
END_TEST

/* Types when the terminal takes it, and looks at the screen meanwhile. */
static void type_patiently(struct typist *typist, const char *keys, size_t length)
{
    struct pollfd ready = {.fd = typist->terminal, .events = POLLIN | POLLOUT};

    while (length > 0) {
        ck_assert_int_eq(poll(&ready, 1, DEADLINE_MS), 1);
        if (ready.revents & POLLIN)
            (void)look(typist, 0);
        else if (ready.revents & POLLOUT) {
            type_bytes(typist, keys, 1);
            keys++;
            length--;
        }
    }
}

/* The next line that the server gets; the screen is looked at meanwhile. */
static char *hear_line(struct typist *typist)
{
    while (server.length == 0 || memchr(server.bytes, '\n', server.length) == NULL) {
        struct pollfd ready[2] = {{.fd = typist->terminal, .events = POLLIN},
                                  {.fd = server.fd, .events = POLLIN}};

        ck_assert_int_gt(poll(ready, 2, DEADLINE_MS), 0);
        if (ready[0].revents != 0)
            (void)look(typist, 0);
        if (ready[1].revents != 0)
            (void)stream_fill(&server);
    }
    return next_line(&server);
}

START_TEST(a_large_paste_reaches_a_server_that_reads_late)
{
    char line[1000];

    memset(line, 'x', sizeof line);
    type_patiently(&ann, line, sizeof line);
    for (int i = 0; i < 500; i++) /* half a megabyte in a thousand keys */
        type_patiently(&ann, "\r\x10", 2);
    type_patiently(&ann,
                   "\x15"
                   "end\r",
                   5);
    for (int i = 0; i < 500; i++)
        ck_assert_uint_eq(strlen(hear_line(&ann)), sizeof line);
    ck_assert_str_eq(hear_line(&ann), "end");
}
END_TEST

/* Types a key when the terminal takes it. Were these words in what it showed meanwhile? */
static bool press_and_find(struct typist *typist, char key, const char *words)
{
    struct pollfd ready = {.fd = typist->terminal, .events = POLLIN | POLLOUT};
    char shows[8192];
    bool found = false;

    for (;;) {
        ssize_t got;

        ck_assert_int_eq(poll(&ready, 1, DEADLINE_MS), 1);
        if (!(ready.revents & POLLIN))
            break;
        got = read(typist->terminal, shows, sizeof shows - 1);
        ck_assert_int_gt(got, 0);
        shows[got] = '\0';
        found = found || strstr(shows, words) != NULL;
    }
    type_bytes(typist, &key, 1);
    return found;
}

/* Two kilobytes in two keys: Enter, and Ctrl-P for the same line again. */
static void paste_until_refused(struct typist *typist)
{
    for (int i = 0; i < LINE_EDIT_MOST; i++)
        (void)press_and_find(typist, 'x', "");
    for (int lines = 0; lines < 20000; lines++) {
        (void)press_and_find(typist, '\r', "");
        if (press_and_find(typist, '\x10', "not sent: the server has stopped reading"))
            return;
    }
    ck_abort_msg("40 MB were not refused");
}

START_TEST(nothing_keeps_ctrl_c_and_quit_waiting_behind_a_paste)
{
    static const char *const ways[] = {"\x03", "\x15quit\r"};

    for (size_t i = 0; i < COUNT(ways); i++) {
        struct typist bob;

        sit_down(&bob, CHAT, port);
        stream_close(&server);
        await_client();
        see(&bob, "\n> |");
        paste_until_refused(&bob);
        type(&bob, ways[i]);
        ck_assert_int_eq(leave(&bob), 1);
        see(&bob, "\nchat_cli: not all was sent\n|");
    }
}
END_TEST

START_TEST(a_line_that_is_too_long_rings_the_bell_and_its_loss_is_said)
{
    for (int i = 0; i < 21; i++)
        type(&ann, "0123456789012345678901234567890123456789"
                   "012345678901234567890123456789012345678901234567890123456789");
    while (ann.screen.bells == 0)
        ck_assert(look(&ann, DEADLINE_MS));
    type(&ann, "\r");
    ck_assert_uint_eq(strlen(next_line(&server)), 2000);
    see(&ann, "\nchat_cli: the line was full: the rest of\n it is not sent\n> |");
    type(&ann, "short\r");
    see(&ann, "is not sent\n> short\n> |");
}
END_TEST

START_TEST(a_question_without_a_line_end_is_shown)
{
    type(&ann, "ty");
    say("login: ");
    see(&ann, "\nlogin:\n> ty|");
    type(&ann, "ping\r");
    say("Password: ");
    see(&ann, "\n> typing\nPassword:\n> |");
}
END_TEST

START_TEST(nothing_that_the_server_sends_reaches_the_terminal_raw)
{
    type(&ann, "typing");
    say("[bob] \033[2J\033]0;title\a \x9B"
        "31m \xC2\x9B"
        "1m \b\b\r\v\x7F\xFE end\r\n");
    see(&ann, "[bob] ^[[2J^[]0;title^G \xEF\xBF\xBD"
              "31m M-^[1m ^H^H\n^M^K^?\xEF\xBF\xBD end\n> typing|");
    for (int c = 1; c < 0x20; c++) {
        char line[8] = {'a', (char)c, 'b', '\r', '\n', '\0'};

        if (c != '\t' && c != '\n')
            say(line);
    }
    say("last\r\n");
    see(&ann, "a^_b\nlast\n> typing|");
}
END_TEST

START_TEST(no_word_of_the_server_reads_backwards_or_hides)
{
    say("[bob] \xE2\x80\xAE"
        "exe\xE2\x80\xAC \xE2\x81\xA6x\xE2\x81\xA9 \xE2\x80\xA8"
        "end\r\n[b\xE2\x80\x8Bob] " NI "\xE2\x80\x8D" FACE "\r\n");
    see(&ann, "[bob] \xEF\xBF\xBD"
              "exe\xEF\xBF\xBD \xEF\xBF\xBDx\xEF\xBF\xBD \xEF\xBF\xBD"
              "end\n[b\xEF\xBF\xBDob] " NI "\xE2\x80\x8D" FACE "\n> |");
}
END_TEST

START_TEST(options_of_a_telnet_server_are_refused_and_not_seen)
{
    send_bytes(&server,
               "a\xFF\xFB\x01"
               "b\xFF\xFD\x18"
               "c\r\n",
               11);
    see(&ann, "abc\n> |");
    expect_bytes(&server, "\xFF\xFE\x01\xFF\xFC\x18", 6);
}
END_TEST

START_TEST(a_name_has_the_same_colour_wherever_it_stands)
{
    const char *colour;

    say("[bob] one\r\n* bob two\r\nClient joined bob\r\nClient left bob: three\r\n"
        "[bob to you] four\r\nClient bob is now eve\r\n[[::1]:37994] five\r\nplain\r\n");
    see(&ann, "[[::1]:37994] five\nplain\n> |");
    colour = screen_colour(&ann.screen, "bob] one");
    ck_assert_str_ne(colour, "");
    ck_assert_str_eq(screen_colour(&ann.screen, "bob two"), colour);
    ck_assert_str_eq(screen_colour(&ann.screen, "bob: three"), colour);
    ck_assert_str_eq(screen_colour(&ann.screen, "bob to you"), colour);
    ck_assert_str_eq(screen_colour(&ann.screen, "bob is now"), colour);
    ck_assert_str_ne(screen_colour(&ann.screen, "[::1]:37994"), "");
    ck_assert_str_eq(screen_colour(&ann.screen, "] five"), "");
    ck_assert_str_eq(screen_colour(&ann.screen, "plain"), "");
    ck_assert_str_eq(screen_colour(&ann.screen, "three"), "");
}
END_TEST

/* ---- Leaving ------------------------------------------------------------------------ */

START_TEST(quit_ctrl_d_and_ctrl_c_leave)
{
    static const char *const ways[] = {"quit\r", "\x04", "half a line\x03"};

    for (size_t i = 0; i < COUNT(ways); i++) {
        struct typist bob;

        sit_down(&bob, CHAT, port);
        stream_close(&server);
        await_client();
        see(&bob, "\n> |");
        type(&bob, ways[i]);
        ck_assert_int_eq(leave(&bob), 0);
        expect_end(&server);
    }
}
END_TEST

START_TEST(a_signal_leaves_and_the_terminal_is_as_before)
{
    for (size_t i = 0; i < COUNT(leaving); i++) {
        struct typist bob;

        sit_down(&bob, CHAT, port);
        stream_close(&server);
        await_client();
        see(&bob, "\n> |");
        type(&bob, "half");
        see(&bob, "\n> half|");
        program_kill(&bob, leaving[i]);
        ck_assert_int_eq(leave(&bob), 0);
        see(&bob, "\n> half\n|");
    }
}
END_TEST

START_TEST(continued_without_a_stop_it_still_knows_the_settings_before)
{
    program_kill(&ann, SIGCONT);
    type(&ann, "a");
    see(&ann, "\n> a|");
    program_kill(&ann, SIGCONT);
    type(&ann, "b");
    see(&ann, "\n> ab|");
    program_kill(&ann, SIGTERM);
    ck_assert_int_eq(leave(&ann), 0);
}
END_TEST

START_TEST(what_was_typed_before_ctrl_c_is_sent_and_not_left_to_the_shell)
{
    struct typist bob;

    sit_down(&bob, SHELL, port);
    see(&bob, "$ |");
    type(&bob, "TERM=dumb; $CHAT_CLI 127.0.0.1 $PORT\r");
    stream_close(&server);
    await_client();
    see(&bob, "leaves.\n> |");
    type(&bob, "hello\rhalf\x03");
    expect_line(&server, "hello");
    see(&bob, "\n> hello\n> half\n$ |");
    expect_end(&server);
    type(&bob, "exit\r");
    ck_assert_int_eq(leave(&bob), 0);
}
END_TEST

START_TEST(the_servers_end_is_said_in_words)
{
    type(&ann, "half");
    see(&ann, "\n> half|");
    say("the last word");
    stream_close(&server);
    ck_assert_int_eq(leave(&ann), 0);
    see(&ann,
        "the last word\n> half\nchat_cli: the server has closed the conn\nection\n|");
}
END_TEST

START_TEST(a_lost_connection_is_said_in_words)
{
    stream_reset(&server);
    ck_assert_int_eq(leave(&ann), 1);
    see(&ann, "chat_cli: the connection is lost: Connec\ntion reset by peer\n|");
}
END_TEST

START_TEST(a_server_whose_machine_died_is_looked_for)
{
    struct sockaddr_in client;
    socklen_t length = sizeof client;

    ck_assert_int_eq(getpeername(server.fd, (struct sockaddr *)&client, &length), 0);
    expect_keepalive("/proc/net/tcp", ntohs(client.sin_port), port);
}
END_TEST

/* Nobody looks, and the server says more than the terminal holds. */
static void fill_screen(void)
{
    char line[1024];

    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    for (int i = 0; i < 1024; i++) {
        struct pollfd ready = {.fd = server.fd, .events = POLLOUT};

        if (poll(&ready, 1, 100) != 1)
            break;
        (void)send(server.fd, line, sizeof line, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

START_TEST(a_terminal_that_shows_nothing_more_does_not_keep_it_from_ending)
{
    fill_screen();
    program_kill(&ann, SIGTERM);
    ck_assert_int_eq(waitpid(ann.pid, NULL, 0), ann.pid);
    ann.pid = 0;
    expect_settings_as_before(&ann);
}
END_TEST

START_TEST(what_was_entered_before_ctrl_c_is_sent_though_the_terminal_shows_nothing)
{
    fill_screen();
    type(&ann, "hello\r\x03");
    ck_assert_int_eq(waitpid(ann.pid, NULL, 0), ann.pid);
    ann.pid = 0;
    expect_settings_as_before(&ann);
    expect_line(&server, "hello");
}
END_TEST

START_TEST(a_terminal_that_is_gone_ends_it)
{
    int status;

    close(ann.line);
    close(ann.terminal);
    ck_assert_int_eq(waitpid(ann.pid, &status, 0), ann.pid);
    ann.pid = 0;
    expect_end(&server);
}
END_TEST

/* Somebody in a shell starts it, types half a line, and stops it with Ctrl-Z. */
static void stop_at_half_a_line(struct typist *typist)
{
    sit_down(typist, SHELL, port);
    see(typist, "$ |");
    type(typist, "TERM=dumb; $CHAT_CLI 127.0.0.1 $PORT\r");
    await_client();
    see(typist, "leaves.\n> |");
    type(typist, "half");
    see(typist, "\n> half|");
    type(typist, "\x1A");
    see(typist, "\n$ |");
    expect_settings_as_before(typist);
}

START_TEST(ctrl_z_stops_and_fg_goes_on_where_it_was)
{
    struct typist bob;
    struct termios now;

    stop_at_half_a_line(&bob);
    send_text(&server, "meanwhile\n");
    type(&bob, "PS1='% '; fg\r");
    see(&bob, "meanwhile\n> half|");
    ck_assert_int_eq(tcgetattr(bob.line, &now), 0);
    ck_assert(!(now.c_lflag & ICANON));
    type(&bob, " a line\r\x04");
    expect_line(&server, "half a line");
    see(&bob, "> half a line\n% |");
    expect_settings_as_before(&bob);
    type(&bob, "exit\r");
    ck_assert_int_eq(leave(&bob), 0);
}
END_TEST

START_TEST(ended_while_it_was_stopped_it_leaves_the_terminal_alone)
{
    struct typist bob;

    stop_at_half_a_line(&bob);
    type(&bob, "PS1='% '; kill %1; fg; echo status $?\r");
    see(&bob, "\nstatus 0\n% |");
    expect_end(&server);
    expect_settings_as_before(&bob);
    type(&bob, "exit\r");
    ck_assert_int_eq(leave(&bob), 0);
}
END_TEST

START_TEST(started_in_the_background_it_can_be_ended_there)
{
    struct typist bob;

    sit_down(&bob, SHELL, port);
    see(&bob, "$ |");
    type(&bob, "PS1='% '; $CHAT_CLI 127.0.0.1 $PORT &\r");
    await_client();
    /* It stops where it would take the terminal. */
    type(&bob, "until grep -q '^State:.T' /proc/$!/status; do sleep 0.1; done\r");
    type(&bob, "kill %1; while kill -CONT %1; do sleep 0.1; done 2>/dev/null\r");
    expect_end(&server);
    type(&bob, "exit\r");
    ck_assert_int_eq(leave(&bob), 0);
}
END_TEST

/* SIGSTOP lets it put nothing back: a shell does that, if anybody. */
START_TEST(ended_in_the_background_after_a_sigstop_it_leaves_the_terminal_alone)
{
    struct typist bob;
    pid_t group;

    sit_down(&bob, SHELL, port);
    see(&bob, "$ |");
    type(&bob, "TERM=dumb; $CHAT_CLI 127.0.0.1 $PORT\r");
    await_client();
    see(&bob, "leaves.\n> |");
    group = tcgetpgrp(bob.terminal);
    ck_assert_int_gt(group, 0);
    ck_assert_int_ne(group, bob.pid);
    ck_assert_int_eq(kill(-group, SIGSTOP), 0);
    see(&bob, "$ |");
    ck_assert_int_eq(tcsetattr(bob.line, TCSANOW, &bob.before), 0);
    type(&bob,
         "PS1='% '; kill %1; while kill -CONT %1; do sleep 0.1; done 2>/dev/null\r");
    expect_end(&server);
    see(&bob, "\n% |");
    expect_settings_as_before(&bob);
    type(&bob, "exit\r");
    ck_assert_int_eq(leave(&bob), 0);
}
END_TEST

/* A server that is too busy to answer: its queue of connections is full. */
START_TEST(ctrl_c_ends_the_wait_for_a_connection)
{
    struct typist bob;
    struct sockaddr_in address;
    socklen_t length = sizeof address;

    ck_assert_int_eq(listen(listener, 0), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    for (int i = 0; i < 4; i++) {
        int idle = socket(AF_INET, SOCK_STREAM, 0);

        (void)fcntl(idle, F_SETFL, O_NONBLOCK);
        (void)connect(idle, (struct sockaddr *)&address, length);
    }
    sit_down(&bob, "echo ready; " CHAT, port);
    see(&bob, "ready\n|");
    type(&bob, "\x03");
    ck_assert_int_eq(leave(&bob), 128 + SIGINT);
}
END_TEST

/* ---- Two of them in a room ---------------------------------------------------------- */

START_TEST(two_of_them_talk_in_a_room)
{
    struct program room = room_open();
    struct typist bob, eve;

    sit_down(&bob, "NO_COLOR=1 exec $CHAT_CLI 127.0.0.1 $PORT", room.port);
    see(&bob, GREETING "\n> |");
    sit_down(&eve, "TERM=dumb exec $CHAT_CLI 127.0.0.1 $PORT", room.port);
    see(&eve, GREETING "\n> |");
    type(&bob, "/nick bob\r");
    see(&eve, " is now bob\n> |");
    type(&eve, "I am typ");
    type(&bob, "hello\r");
    see(&eve, "[bob] hello\n> I am typ|");
    ck_assert_str_eq(screen_colour(&eve.screen, "bob] hello"), "");
    type(&eve, "ing\r");
    see(&bob, "] I am typing\n> |");
    type(&bob, "quit\r");
    ck_assert_int_eq(leave(&bob), 0);
    see(&eve, "Client left bob\n> |");
    program_stop(&room);
    ck_assert_int_eq(leave(&eve), 0);
}
END_TEST

/* ---- Without a terminal ------------------------------------------------------------- */

static struct program script;

/* A shell script in which "$@" stands for chat_cli, its host and its port. */
static void run_script(const char *words)
{
    char number[16];

    snprintf(number, sizeof number, "%d", port);
    script = program_run_by(words, "bin/chat_cli", "127.0.0.1", number, NULL);
}

START_TEST(a_script_sends_its_lines_and_prints_what_comes)
{
    run_script("printf 'hello\\nbye\\n' | \"$@\"");
    await_client();
    expect_bytes(&server, "hello\nbye\n", 10);
    expect_end(&server);
    say("[bob] hi\r\n\033[1mbold\r\nlast");
    stream_close(&server);
    expect_lf(&script.out, "[bob] hi");
    expect_lf(&script.out, "^[[1mbold");
    expect_lf(&script.out, "last");
    expect_end(&script.out);
    expect_end(&script.err);
    expect_status(&script, 0);
}
END_TEST

START_TEST(a_byte_that_would_be_a_telnet_command_is_sent_as_data)
{
    run_script("printf 'a\\377\\360\\377\\377' | \"$@\"");
    await_client();
    expect_bytes(&server, "a\377\377\360\377\377\377\377", 8);
    expect_end(&server);
    stream_close(&server);
    expect_status(&script, 0);
}
END_TEST

START_TEST(a_script_ends_after_a_second_of_silence)
{
    int64_t begun = clock_ms();

    run_script("echo hello | \"$@\"");
    await_client();
    expect_bytes(&server, "hello\n", 6);
    say("noise\n");
    expect_lf(&script.out, "noise");
    expect_success(&script);
    ck_assert_int_ge(clock_ms() - begun, 1000);
}
END_TEST

START_TEST(a_script_gives_up_on_a_server_that_has_stopped_reading)
{
    char words[64];

    snprintf(words, sizeof words, "yes | $CHAT_CLI -t 0.2 127.0.0.1 %d", port);
    run_script(words);
    await_client();
    expect_failure(&script, "chat_cli: the server has stopped reading");
    expect_lf(&script.err, "chat_cli: not all was sent");
}
END_TEST

/* More lines than a pipe holds, of which nobody reads one for so long. */
static void say_much(int ms)
{
    char line[1001];
    int lines = 200;

    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    for (int i = 0; i < lines; i++) {
        say(line);
        say("\n");
    }
    sleep_ms(ms);
    for (int i = 0; i < lines; i++)
        expect_lf(&script.out, "%s", line);
}

/* The server has its time only while it is listened to. */
START_TEST(a_script_whose_reader_is_slow_does_not_blame_the_server)
{
    char words[64];

    snprintf(words, sizeof words, "yes | $CHAT_CLI -t 2 127.0.0.1 %d", port);
    run_script(words);
    await_client();
    for (int i = 0; i < 6; i++) { /* each time the system takes more of what is sent... */
        say_much(0);
        sleep_ms(100);
    }
    say_much(2200); /* ...but now it takes nothing */
    stream_reset(&server);
    expect_failure(&script, "chat_cli: the connection is lost: Connection reset by peer");
}
END_TEST

START_TEST(a_script_may_take_its_time_and_the_server_its_own)
{
    char words[128];

    snprintf(words, sizeof words,
             "(echo one; sleep 1; echo two) | $CHAT_CLI -t 0.2 -w 0 127.0.0.1 %d", port);
    run_script(words);
    await_client();
    expect_lf(&server, "one");
    expect_lf(&server, "two");
    expect_status(&script, 0);
}
END_TEST

START_TEST(an_address_that_refuses_is_not_the_last)
{
    char words[64]; /* localhost is ::1 first, where it is both: nobody listens there */

    snprintf(words, sizeof words, "echo hello | $CHAT_CLI localhost %d", port);
    run_script(words);
    await_client();
    expect_lf(&server, "hello");
    stream_close(&server);
    expect_status(&script, 0);
}
END_TEST

START_TEST(all_of_a_long_input_is_sent)
{
    run_script("yes 'a line of a long input' | head -n 100000 | \"$@\"");
    await_client();
    for (int i = 0; i < 100000; i++)
        expect_lf(&server, "a line of a long input");
    expect_end(&server);
    stream_close(&server);
    expect_status(&script, 0);
}
END_TEST

START_TEST(a_long_line_is_printed_whole)
{
    char *line;

    run_script("\"$@\" </dev/null");
    await_client();
    for (int i = 0; i < 1000; i++)
        say("0123456789");
    say("\r\n");
    stream_close(&server);
    line = next_line(&script.out);
    ck_assert_uint_eq(strlen(line), 10000);
    expect_status(&script, 0);
}
END_TEST

START_TEST(a_connection_lost_before_all_is_sent_is_status_1)
{
    run_script("(echo hello; sleep 60) | (\"$@\"; echo status $?)");
    await_client();
    expect_bytes(&server, "hello\n", 6);
    stream_reset(&server);
    expect_lf(&script.err, "chat_cli: the connection is lost: Connection reset by peer");
    expect_lf(&script.err, "chat_cli: not all was sent");
    expect_lf(&script.out, "status 1");
    kill(script.pid, SIGTERM); /* the shell, which waits for its sleep */
}
END_TEST

START_TEST(all_was_sent_if_the_server_ends_first_and_there_is_no_more)
{
    run_script("(echo hello; sleep 60) | (\"$@\"; echo status $?)");
    await_client();
    expect_bytes(&server, "hello\n", 6);
    say("bye\r\n");
    stream_close(&server);
    expect_lf(&script.out, "bye");
    expect_lf(&script.out, "status 0");
    kill(script.pid, SIGTERM); /* the shell, which waits for its sleep */
}
END_TEST

START_TEST(a_server_that_closes_early_is_status_1)
{
    run_script("yes | (\"$@\"; echo status $?)");
    await_client();
    expect_bytes(&server, "y\ny\n", 4);
    stream_reset(&server);
    expect_lf(&script.out, "status 1");
    program_wait(&script);
}
END_TEST

START_TEST(nobody_there_is_said_with_host_and_port)
{
    close(listener);
    run_script("echo hello | \"$@\"");
    expect_failure(&script,
                   "chat_cli: cannot connect to 127.0.0.1 port %d: Connection refused",
                   port);
}
END_TEST

START_TEST(wrong_usage_is_status_2)
{
    static const char *const wrong[] = {"-w x",      "-t -1",  "-x",
                                        "host port", "host 0", "host 1 more"};

    for (size_t i = 0; i < COUNT(wrong); i++) {
        char words[64];

        snprintf(words, sizeof words, "$CHAT_CLI %s", wrong[i]);
        run_script(words);
        expect_status(&script, 2);
    }
}
END_TEST

int main(void)
{
    const TTest *const at_terminal[] = {
        row_16_a_line_typed_is_sent_and_stays_on_the_screen,
        row_15_the_prompt_is_intact_after_ten_messages_arrive_while_typing,
        editing_keys_do_what_hands_expect,
        wide_characters_are_edited_whole,
        a_line_longer_than_the_screen_scrolls_sideways,
        a_resized_window_is_noticed,
        a_line_that_a_narrower_window_has_wrapped_is_taken_off_whole,
        wide_characters_that_were_wrapped_are_taken_off_whole,
        a_window_of_a_few_columns_shows_what_fits_and_no_junk,
        ctrl_l_clears_the_screen_and_keeps_the_line,
        each_line_of_a_paste_is_sent,
        a_large_paste_reaches_a_server_that_reads_late,
        nothing_keeps_ctrl_c_and_quit_waiting_behind_a_paste,
        a_line_that_is_too_long_rings_the_bell_and_its_loss_is_said,
        a_question_without_a_line_end_is_shown,
        nothing_that_the_server_sends_reaches_the_terminal_raw,
        no_word_of_the_server_reads_backwards_or_hides,
        options_of_a_telnet_server_are_refused_and_not_seen,
        a_name_has_the_same_colour_wherever_it_stands,
        quit_ctrl_d_and_ctrl_c_leave,
        a_signal_leaves_and_the_terminal_is_as_before,
        continued_without_a_stop_it_still_knows_the_settings_before,
        what_was_typed_before_ctrl_c_is_sent_and_not_left_to_the_shell,
        the_servers_end_is_said_in_words,
        a_lost_connection_is_said_in_words,
        a_server_whose_machine_died_is_looked_for,
        a_terminal_that_shows_nothing_more_does_not_keep_it_from_ending,
        what_was_entered_before_ctrl_c_is_sent_though_the_terminal_shows_nothing,
        a_terminal_that_is_gone_ends_it,
    };
    const TTest *const stopping[] = {
        ctrl_z_stops_and_fg_goes_on_where_it_was,
        ended_while_it_was_stopped_it_leaves_the_terminal_alone,
        started_in_the_background_it_can_be_ended_there,
        ended_in_the_background_after_a_sigstop_it_leaves_the_terminal_alone,
        ctrl_c_ends_the_wait_for_a_connection,
    };
    const TTest *const without[] = {
        two_of_them_talk_in_a_room,
        a_script_sends_its_lines_and_prints_what_comes,
        a_byte_that_would_be_a_telnet_command_is_sent_as_data,
        a_script_ends_after_a_second_of_silence,
        a_script_gives_up_on_a_server_that_has_stopped_reading,
        a_script_whose_reader_is_slow_does_not_blame_the_server,
        a_script_may_take_its_time_and_the_server_its_own,
        an_address_that_refuses_is_not_the_last,
        all_of_a_long_input_is_sent,
        a_long_line_is_printed_whole,
        a_connection_lost_before_all_is_sent_is_status_1,
        all_was_sent_if_the_server_ends_first_and_there_is_no_more,
        a_server_that_closes_early_is_status_1,
        nobody_there_is_said_with_host_and_port,
        wrong_usage_is_status_2,
    };
    Suite *suite = suite_create("the chat client");
    TCase *terminal = tcase_create("at a terminal"),
          *stops = tcase_create("stopped, or ended by a signal that it does not catch"),
          *scripts = tcase_create("in scripts");

    tcase_set_timeout(terminal, 120);
    tcase_add_checked_fixture(terminal, open_terminal, close_terminal);
    for (size_t i = 0; i < COUNT(at_terminal); i++)
        tcase_add_test(terminal, at_terminal[i]);
    suite_add_tcase(suite, terminal);
    /* valgrind cannot stop, and calls such an end a leak: CK_EXCLUDE_TAGS=limits */
    tcase_set_tags(stops, "limits");
    tcase_set_timeout(stops, 120);
    tcase_add_checked_fixture(stops, listen_on_any_port, NULL);
    for (size_t i = 0; i < COUNT(stopping); i++)
        tcase_add_test(stops, stopping[i]);
    suite_add_tcase(suite, stops);
    tcase_set_timeout(scripts, 120);
    tcase_add_checked_fixture(scripts, listen_on_any_port, NULL);
    for (size_t i = 0; i < COUNT(without); i++)
        tcase_add_test(scripts, without[i]);
    suite_add_tcase(suite, scripts);
    return run_suite(suite);
}
