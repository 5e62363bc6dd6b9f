/* What somebody at the terminal of chat_cli sees. */
#include "tests/room.h"
#include "tests/typist.h"

#include "terminal/line_edit.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct tests at_terminal, others;

#define FACE "\xF0\x9F\x98\x80"
#define NI   "\xE6\x97\xA5"
#define E    "\xC3\xA9"

#define HEART  "\xE2\x9D\xA4\xEF\xB8\x8F" /* U+2764 U+FE0F */
#define HEARTS HEART HEART HEART HEART

#define WILL_ECHO "\xFF\xFB\x01"
#define WONT_ECHO "\xFF\xFC\x01"

#define ENTER_AND_AGAIN "\r\x10" /* Ctrl-P brings the line back */
#define CLEAR_LINE      "\x15"

static struct typist ann, bob;

static void open_terminal(void)
{
    open_mock();
    typist_joins(&ann);
}

static void close_terminal(void)
{
    ck_assert_int_eq(kill(ann.pid, SIGTERM), 0);
    ck_assert_int_eq(typist_leaves(&ann), 0);
}

/* ---- On a terminal ------------------------------------------------------------------ */

TEST(at_terminal, row_16_a_line_typed_is_sent_and_stays_on_the_screen)
{
    typist_types(&ann, "hello");
    typist_sees(&ann, "\n> hello|");
    typist_types(&ann, "\r");
    expect_line(&server_end, "hello");
    typist_sees(&ann, "\n> hello\n> |");
}

TEST(at_terminal, row_15_the_prompt_is_intact_after_ten_messages_arrive_while_typing)
{
    char expected[1024] = "";

    typist_types(&ann, "half a line"
                       "\033[D\033[D");
    for (int i = 0; i < 10; i++) {
        const char *line = formatted("[bob] message %d\n", i);

        send_text(&server_end, line);
        strcat(expected, line);
    }
    strcat(expected, "> half a li|ne");
    typist_sees(&ann, expected);
    typist_types(&ann, "\r");
    expect_line(&server_end, "half a line");
}

TEST(at_terminal, editing_keys_do_what_people_expect)
{
    typist_types(&ann, "one two\x17\x01"
                       "A\x05!\033[D\033[3~\x7F");
    typist_sees(&ann, "\n> Aone|");
    typist_types(&ann, "\r\033[A");
    typist_sees(&ann, "\n> Aone\n> Aone|");
    typist_types(&ann, "\033[Bhalf\033[A\033[B");
    typist_sees(&ann, "\n> half|");
}

TEST(at_terminal, wide_characters_are_edited_whole)
{
    typist_types(&ann, NI FACE E "x\033[D\033[D\033[D");
    typist_sees(&ann, "\n> " NI "|" FACE E "x");
    typist_types(&ann, "\x7F\033[3~");
    typist_sees(&ann, "\n> |" E "x");
    typist_types(&ann, NI " " FACE NI "\x17");
    typist_sees(&ann, "\n> " NI " |" E "x");
    typist_types(&ann, "\x17");
    typist_sees(&ann, "\n> |" E "x");
    typist_types(&ann, "\r");
    expect_line(&server_end, E "x");
}

TEST(at_terminal, a_line_longer_than_the_screen_scrolls_sideways)
{
    typist_types(&ann, "0123456789abcdefghijklmnopqrstuvwxyz+-*/");
    typist_sees(&ann, "leaves.\n> 456789abcdefghijklmnopqrstuvwxyz+-*/|");
    typist_types(&ann, "\x01");
    typist_sees(&ann, "leaves.\n> |0123456789abcdefghijklmnopqrstuvwxyz+");
    send_text(&server_end, "in between\n");
    typist_sees(&ann, "in between\n> |0123456789abcdefghijklmnopqrstuvwxyz+");
    typist_types(&ann, "\r");
    expect_line(&server_end, "0123456789abcdefghijklmnopqrstuvwxyz+-*/");
}

TEST(at_terminal, a_resized_window_is_noticed)
{
    typist_types(&ann, "0123456789abcdefghij");
    typist_sees(&ann, "\n> 0123456789abcdefghij|");
    screen_resize(&ann.screen, 12);
    typist_resizes(&ann, 12);
    typist_sees(&ann, "\n> cdefghij|");
    screen_resize(&ann.screen, 30);
    typist_resizes(&ann, 30);
    typist_sees(&ann, "\n> 0123456789abcdefghij|");
}

/* Makes the window narrower or wider. It wraps its text again. */
static void drag_window(int columns)
{
    screen_rewrap(&ann.screen, columns);
    typist_resizes(&ann, columns);
}

TEST(at_terminal, a_line_wrapped_by_a_narrower_window_is_removed_whole)
{
    send_text(&server_end, "hi\n");
    typist_types(&ann, "0123456789abcdefghijklmnopqrstuvwxyz");
    typist_sees(&ann, "\nhi\n> 0123456789abcdefghijklmnopqrstuvwxyz|");
    drag_window(20);
    typist_sees(&ann, "\nhi\n> klmnopqrstuvwxyz|");
    drag_window(5);
    typist_sees(&ann, "\nhi\n> z|");
    drag_window(40);
    typist_sees(&ann, "\nhi\n> 0123456789abcdefghijklmnopqrstuvwxyz|");
    drag_window(19); /* twice as many columns and the cursor: no row is free */
    typist_sees(&ann, "\nhi\n> lmnopqrstuvwxyz|");
    typist_types(&ann, "\x01");
    typist_sees(&ann, "\nhi\n> |0123456789abcdef");
    drag_window(9);
    typist_sees(&ann, "\nhi\n> |012345");
    send_text(&server_end, "ho\n");
    typist_sees(&ann, "\nhi\nho\n> |012345");
}

TEST(at_terminal, wide_characters_that_were_wrapped_are_taken_off_whole)
{
    send_text(&server_end, "hi\n");
    for (int i = 0; i < 17; i++)
        typist_types(&ann, NI);
    typist_types(&ann, "x");
    typist_sees(&ann, NI NI NI "x|");
    drag_window(9); /* a column of each row stays empty */
    typist_sees(&ann, "\nhi\n> " NI NI "x|");
}

TEST(at_terminal, a_window_of_a_few_columns_shows_what_fits_and_no_junk)
{
    send_text(&server_end, "a\n");
    typist_types(&ann, "wxyz");
    typist_sees(&ann, "\na\n> wxyz|");
    drag_window(5);
    typist_sees(&ann, "\na\n> z|");
    for (int columns = 4; columns >= 1; columns--) {
        drag_window(columns);
        typist_sees(&ann, "\na\n|");
        send_text(&server_end, "a\n");
        typist_sees(&ann, "\na\na\n|");
    }
    drag_window(40);
    typist_sees(&ann, "\na\na\na\na\na\n> wxyz|");
}

TEST(at_terminal, ctrl_l_clears_the_screen_and_keeps_the_line)
{
    typist_types(&ann, "text\x0C");
    typist_sees(&ann, "> text|");
    while (strcmp(shown, "> text|") != 0) {
        ck_assert(typist_looks(&ann, DEADLINE_MS));
        screen_text(&ann.screen, shown);
    }
}

TEST(at_terminal, each_line_of_a_paste_is_sent)
{
    typist_types(&ann, "one\rtwo\rthree\rrest");
    expect_line(&server_end, "one");
    expect_line(&server_end, "two");
    expect_line(&server_end, "three");
    typist_sees(&ann, "\n> one\n> two\n> three\n> rest|");
}

/* Takes the next line that the server gets, and looks at the screen meanwhile. */
static char *hear_line(struct typist *typist)
{
    while (server_end.length == 0 ||
           memchr(server_end.bytes, '\n', server_end.length) == NULL) {
        struct pollfd ready[2] = {{.fd = typist->terminal, .events = POLLIN},
                                  {.fd = server_end.fd, .events = POLLIN}};

        ck_assert_int_gt(poll(ready, 2, DEADLINE_MS), 0);
        if (ready[0].revents != 0)
            (void)typist_looks(typist, 0);
        if (ready[1].revents != 0)
            (void)stream_fill(&server_end);
    }
    return take_line(&server_end);
}

TEST(at_terminal, a_large_paste_reaches_a_server_that_reads_late)
{
    char line[1000];

    memset(line, 'x', sizeof line);
    typist_types_patiently(&ann, line, sizeof line);
    for (int i = 0; i < 500; i++) /* half a megabyte in a thousand keys */
        typist_types_patiently(&ann, ENTER_AND_AGAIN, 2);
    typist_types_patiently(&ann, CLEAR_LINE "end\r", 5);
    for (int i = 0; i < 500; i++)
        ck_assert_uint_eq(strlen(hear_line(&ann)), sizeof line);
    ck_assert_str_eq(hear_line(&ann), "end");
}

/* Enters the longest line again and again, until the server takes no more. */
static void paste_until_refused(struct typist *typist)
{
    char line[LINE_EDIT_MOST];

    memset(line, 'x', sizeof line);
    typist_types_patiently(typist, line, sizeof line);
    for (int lines = 0; lines < 20000; lines++) {
        typist_types_patiently(typist, ENTER_AND_AGAIN, 2);
        screen_text(&typist->screen, shown);
        if (strstr(shown, "the server has stopp\ned reading\n") != NULL)
            return;
    }
    ck_abort_msg("40 MB were not refused");
}

TEST(others, ctrl_c_and_quit_do_not_wait_for_a_paste_to_be_sent)
{
    static const char *const ways[] = {"\x03", CLEAR_LINE "quit\r"};

    for (size_t i = 0; i < COUNT(ways); i++) {
        typist_joins(&bob);
        paste_until_refused(&bob);
        typist_types(&bob, ways[i]);
        ck_assert_int_eq(typist_leaves(&bob), 1);
        typist_sees(&bob, "\nchat_cli: not everything was sent\n|");
    }
}

TEST(at_terminal, a_line_that_is_too_long_rings_the_bell_and_its_loss_is_reported)
{
    for (int i = 0; i < 210; i++)
        typist_types(&ann, "0123456789");
    while (ann.screen.bells == 0)
        ck_assert(typist_looks(&ann, DEADLINE_MS));
    typist_types(&ann, "\r");
    ck_assert_uint_eq(strlen(take_line(&server_end)), 2000);
    typist_sees(&ann, "\nchat_cli: the line was full: the rest of\n it is not sent\n> |");
    typist_types(&ann, "short\r");
    typist_sees(&ann, "is not sent\n> short\n> |");
}

TEST(at_terminal, a_question_without_a_line_end_is_shown)
{
    typist_types(&ann, "ty");
    send_text(&server_end, "login: ");
    typist_sees(&ann, "\nlogin:\n> ty|");
    typist_types(&ann, "ping\r");
    send_text(&server_end, "Password: ");
    typist_sees(&ann, "\n> typing\nPassword:\n> |");
}

TEST(at_terminal, nothing_that_the_server_sends_reaches_the_terminal_raw)
{
    typist_types(&ann, "typing");
    send_text(&server_end, "[bob] \033[2J\033]0;title\a \x9B"
                           "31m \xC2\x9B"
                           "1m \b\b\r\v\x7F\xFE end\r\n");
    typist_sees(&ann, "[bob] ^[[2J^[]0;title^G \xEF\xBF\xBD"
                      "31m M-^[1m ^H^H\n^M^K^?\xEF\xBF\xBD end\n> typing|");
    for (int c = 1; c < 0x20; c++) {
        if (c != '\t' && c != '\n')
            send_text(&server_end, formatted("a%cb\r\n", c));
    }
    send_text(&server_end, "last\r\n");
    typist_sees(&ann, "a^_b\nlast\n> typing|");
}

TEST(at_terminal, no_word_of_the_server_reads_backwards_or_hides)
{
    send_text(&server_end, "[bob] \xE2\x80\xAE"
                           "exe\xE2\x80\xAC \xE2\x81\xA6x\xE2\x81\xA9 \xE2\x80\xA8"
                           "end\r\n[b\xE2\x80\x8Bob] " NI "\xE2\x80\x8D" FACE "\r\n");
    typist_sees(&ann, "[bob] \xEF\xBF\xBD"
                      "exe\xEF\xBF\xBD \xEF\xBF\xBDx\xEF\xBF\xBD \xEF\xBF\xBD"
                      "end\n[b\xEF\xBF\xBDob] " NI "\xE2\x80\x8D" FACE "\n> |");
}

TEST(at_terminal, options_of_a_telnet_server_are_refused_and_not_seen)
{
    send_bytes(&server_end,
               "a\xFF\xFB\x03" /* WILL SUPPRESS-GO-AHEAD, DO TERMINAL-TYPE */
               "b\xFF\xFD\x18"
               "c\r\n",
               11);
    typist_sees(&ann, "abc\n> |");
    expect_bytes(&server_end, "\xFF\xFE\x03\xFF\xFC\x18", 6);
}

TEST(at_terminal, a_password_is_not_shown_and_not_kept_in_the_history)
{
    typist_types(&ann, "before\rhalf");
    expect_line(&server_end, "before");
    typist_sees(&ann, "> before\n> half|");
    send_text(&server_end, WILL_ECHO "Password:\r\n");
    typist_sees(&ann, "\nPassword:\n> |");
    expect_text(&server_end, "\xFF\xFD\x01"); /* DO ECHO */
    typist_types(&ann, " of secret");
    send_text(&server_end, WILL_ECHO "Go on\r\n"); /* nothing new, so no answer */
    typist_sees(&ann, "\nGo on\n> |");
    typist_types(&ann, "\r");
    expect_line(&server_end, "half of secret");
    typist_sees(&ann, "\nGo on\n>\n> |");
    typist_types(&ann, "quit\r"); /* a strange password, but not the command to leave */
    expect_line(&server_end, "quit");
    typist_types(&ann, "third");
    send_text(&server_end, WONT_ECHO "Too late\r\n");
    typist_sees(&ann, "\nToo late\n> |");     /* it was begun as a password */
    expect_text(&server_end, "\xFF\xFE\x01"); /* DONT ECHO */
    typist_types(&ann, "\r");
    expect_line(&server_end, "third");
    typist_types(&ann, "shown");
    typist_sees(&ann, "\n> shown|");
    typist_types(&ann, CLEAR_LINE "\033[A");
    typist_sees(&ann, "\n> before|");
}

TEST(at_terminal, half_a_password_is_not_shown_at_the_end)
{
    send_text(&server_end, WILL_ECHO "Password:\r\n");
    typist_sees(&ann, "\nPassword:\n> |");
    typist_types(&ann, "secret\x03");
    ck_assert_int_eq(typist_leaves(&ann), 0);
    typist_sees(&ann, "\nPassword:\n>\n|");
    typist_joins(&ann); /* the fixture ends it */
}

TEST(at_terminal, text_a_second_after_escape_is_text)
{
    typist_types(&ann, "a\033");
    (void)poll(NULL, 0, 1000);
    typist_types(&ann, "bc");
    typist_sees(&ann, "\n> abc|");
    typist_types(&ann, "\033[");
    (void)poll(NULL, 0, 1000);
    typist_types(&ann, "D");
    typist_sees(&ann, "\n> abcD|");
}

/* The model of the screen, like many terminals, gives a heart with U+FE0F two columns. */
TEST(at_terminal, a_line_of_emoji_does_not_wrap)
{
    for (int i = 0; i < 30; i++)
        typist_types(&ann, HEART);
    typist_types(&ann, "x");
    typist_sees(&ann, "leaves.\n> " HEARTS HEARTS HEARTS HEARTS HEART "x|");
}

TEST(at_terminal, a_name_has_the_same_colour_everywhere)
{
    const char *colour;

    send_text(
        &server_end,
        "[bob] one\r\n* bob two\r\nClient joined bob\r\nClient left bob: three\r\n"
        "[bob to you] four\r\nClient bob is now eve\r\n[[::1]:37994] five\r\nplain\r\n");
    typist_sees(&ann, "[[::1]:37994] five\nplain\n> |");
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

TEST(others, a_terminal_without_abilities_gets_no_escape_sequences)
{
    static const char *const types[] = {"TERM=dumb", "TERM=unknown",
                                        "TERM=", "unset TERM;"};

    for (size_t i = 0; i < COUNT(types); i++) {
        typist_starts(&bob, formatted("%s exec $CHAT_CLI 127.0.0.1 $PORT", types[i]));
        await_client();
        typist_sees(&bob, "leaves.\n> |");
        send_text(&server_end, "[eve] hi\r\n");
        typist_types(&bob, "hello\x0C\x02!\x04"); /* Ctrl-L does nothing here */
        typist_sees(&bob, "leaves.\n[eve] hi\n> hell!|");
        ck_assert_int_eq(bob.screen.sequences, 0);
        typist_types(&bob, "\x03");
        ck_assert_int_eq(typist_leaves(&bob), 0);
    }
}

/* ---- Two of them in a room ---------------------------------------------------------- */

TEST(others, two_of_them_talk_in_a_room)
{
    struct program room = room_open();
    struct typist eve;

    typist_starts_at(&bob, "NO_COLOR=1 exec $CHAT_CLI 127.0.0.1 $PORT", room.port);
    typist_sees(&bob, GREETING "\n> |");
    typist_starts_at(&eve, "TERM=dumb exec $CHAT_CLI 127.0.0.1 $PORT", room.port);
    typist_sees(&eve, GREETING "\n> |");
    typist_types(&bob, "/nick bob\r");
    typist_sees(&eve, " is now bob\n> |");
    typist_types(&eve, "I am typ");
    typist_types(&bob, "hello\r");
    typist_sees(&eve, "[bob] hello\n> I am typ|");
    ck_assert_str_eq(screen_colour(&eve.screen, "bob] hello"), "");
    typist_types(&eve, "ing\r");
    typist_sees(&bob, "] I am typing\n> |");
    typist_types(&bob, "quit\r");
    ck_assert_int_eq(typist_leaves(&bob), 0);
    typist_sees(&eve, "Client left bob\n> |");
    program_stop(&room);
    ck_assert_int_eq(typist_leaves(&eve), 0);
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "one at a terminal",
         .tests = &at_terminal,
         .set_up = open_terminal,
         .tear_down = close_terminal},
        {.name = "others", .tests = &others, .set_up = open_mock},
    };

    return run_cases("the chat client on a terminal", cases, COUNT(cases));
}
