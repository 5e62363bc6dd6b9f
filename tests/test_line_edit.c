/* terminal/line_edit: keys in, a line and a cursor out. */
#include "terminal/columns.h"
#include "terminal/line_edit.h"
#include "tests/fuzz/fuzz.h"
#include "tests/harness.h"

#include <stdio.h>
#include <string.h>

static struct tests suite;

#define LEFT   "\033[D"
#define RIGHT  "\033[C"
#define UP     "\033[A"
#define DOWN   "\033[B"
#define DELETE "\033[3~"
#define FACE   "\xF0\x9F\x98\x80"         /* two columns */
#define HEART  "\xE2\x9D\xA4\xEF\xB8\x8F" /* U+2764 U+FE0F: two */
#define NI     "\xE6\x97\xA5"             /* two columns */
#define E      "\xC3\xA9"                 /* one */
#define ACUTE  "\xCC\x81" /* none: it combines with the letter before it */

static struct line_edit edit;

static void begin(void)
{
    memset(&edit, 0, sizeof edit);
}

/* Types all of it. Lines that are entered go to the history. Returns the last event. */
static enum line_edit_event type(const char *keys)
{
    const unsigned char *bytes = (const unsigned char *)keys;
    enum line_edit_event event, last = LINE_EDIT_OPEN;
    size_t length = strlen(keys);

    while (length > 0) {
        size_t taken = line_edit_take(&edit, bytes, length, &event);

        if (event == LINE_EDIT_ENTERED)
            line_edit_next(&edit);
        if (event != LINE_EDIT_OPEN)
            last = event;
        bytes += taken;
        length -= taken;
    }
    return last;
}

/* The line is this, with the cursor at the |. */
static void expect(const char *expected)
{
    char shown[2 * LINE_EDIT_MOST];

    snprintf(shown, sizeof shown, "%.*s|%s", (int)edit.cursor, edit.text,
             edit.text + edit.cursor);
    ck_assert_str_eq(shown, expected);
    ck_assert_uint_eq(strlen(edit.text), edit.length);
}

TEST(suite, what_is_typed_stands_before_the_cursor)
{
    type("hello " E NI FACE);
    expect("hello " E NI FACE "|");
    type(LEFT LEFT "x");
    expect("hello " E "x|" NI FACE);
}

TEST(suite, backspace_and_delete_take_whole_characters)
{
    type("a" E NI FACE "e" ACUTE "\x7F");
    expect("a" E NI FACE "|");
    type("\x08\x7F");
    expect("a" E "|");
    type("\x01" DELETE);
    expect("|" E);
    type("\x04");
    expect("|");
    type("\x7F" DELETE);
    expect("|");
}

TEST(suite, a_character_and_its_accents_are_never_parted)
{
    type("e" ACUTE ACUTE "x" LEFT);
    expect("e" ACUTE ACUTE "|x");
    type(LEFT);
    expect("|e" ACUTE ACUTE "x");
    type(DELETE);
    expect("|x");
}

TEST(suite, every_usual_home_and_end_key_is_known)
{
    static const char *const home[] = {"\x01",    "\033[H",  "\033OH",
                                       "\033[1~", "\033[7~", "\033[1;5H"};
    static const char *const end[] = {"\x05", "\033[F", "\033OF", "\033[4~", "\033[8~"};

    type("text");
    for (size_t i = 0; i < COUNT(home); i++) {
        type(home[i]);
        expect("|text");
        type("\x05");
    }
    for (size_t i = 0; i < COUNT(end); i++) {
        type("\x01");
        type(end[i]);
        expect("text|");
    }
}

TEST(suite, control_keys_move_and_cut)
{
    type("one two  three\x02\x02\x06");
    expect("one two  thre|e");
    type("\x17");
    expect("one two  |e");
    type("\x17");
    expect("one |e");
    type("\x0B");
    expect("one |");
    type("\x02\x15");
    expect("| ");
    type("\x0B" NI FACE " " E NI "  \x17");
    expect(NI FACE " |");
    type("\x17");
    expect("|");
}

TEST(suite, up_and_down_go_through_the_lines_entered_and_keep_the_unfinished_one)
{
    type("one\rtwo\rhalf" UP);
    expect("two|");
    type(UP UP);
    expect("one|");
    type(DOWN "\033OB" DOWN);
    expect("half|");
    type("\x10"
         "2\r" UP);
    expect("two2|");
    type(UP "\x0E\x0E");
    expect("|");
}

TEST(suite, empty_and_repeated_lines_are_not_kept)
{
    type("one\r\r\rone\r" UP UP UP);
    expect("one|");
    type(DOWN);
    expect("|");
}

TEST(suite, the_last_hundred_lines_are_kept)
{
    for (int i = 0; i < 250; i++)
        type(formatted("line %d\r", i));
    for (int i = 0; i < 300; i++)
        type(UP);
    expect("line 150|");
    for (int i = 0; i < LINE_EDIT_HISTORY - 1; i++)
        type(DOWN);
    expect("line 249|");
}

TEST(suite, enter_is_cr_or_lf_or_both)
{
    const unsigned char *bytes = (const unsigned char *)"a\r\nb\nc\r";
    enum line_edit_event event;
    size_t length = 7;

    for (const char *expected = "abc"; *expected != '\0'; expected++) {
        size_t taken = line_edit_take(&edit, bytes, length, &event);

        ck_assert_int_eq(event, LINE_EDIT_ENTERED);
        ck_assert_uint_eq(edit.length, 1);
        ck_assert_int_eq(edit.text[0], *expected);
        line_edit_next(&edit);
        bytes += taken;
        length -= taken;
    }
    ck_assert_uint_eq(length, 0);
}

TEST(suite, ctrl_d_ends_on_an_empty_line_only)
{
    ck_assert_int_eq(type("x\x04"), LINE_EDIT_OPEN);
    ck_assert_int_eq(type("\x7F\x04"), LINE_EDIT_END);
    ck_assert_int_eq(type("\x0C"), LINE_EDIT_CLEAR);
}

TEST(suite, keys_without_a_meaning_insert_nothing)
{
    for (int c = 1; c < 0x20; c++)
        if (!strchr("\x04\x0A\x0C\x0D\x09\x1B", c))
            type((char[]){(char)c, '\0'});
    expect("|");
    type("\033[15~\033[1;5A\033[200~\033OP\033[[A\033[[D\033x\033[?1;2c\033[3;5~\033\033["
         "A");
    expect("|");
    type("a\tb\xC2\x9B");
    expect("a       b|");
    type("\rcde\x02"); /* F6 to F12 end in the digits of Home, Delete and End */
    type("\033[17~\033[18~\033[19~\033[20~\033[21~\033[23~\033[24~");
    expect("cd|e");
    type("\033[[D\033[[A"); /* on the Linux console F4 and F1, not Left and Up */
    expect("cd|e");
}

TEST(suite, a_tab_goes_to_the_next_column_of_eight)
{
    type("\t" E E "\tx\033[H\t");
    expect("        |        " E E "      x");
}

TEST(suite, a_broken_sequence_does_not_swallow_what_follows)
{
    type("\033[1" E "x");
    expect(E "x|");
    ck_assert_int_eq(type("\033[\r"), LINE_EDIT_ENTERED);
    type("\033[99999999999999999999~ok");
    expect("ok|");
}

TEST(suite, bytes_that_are_not_utf8_become_replacement_characters)
{
    type("a\xFF"
         "b\xE2\x82"
         "c");
    expect("a\xEF\xBF\xBD"
           "b\xEF\xBF\xBD"
           "c|");
}

TEST(suite, keys_may_be_cut_anywhere)
{
    const char *keys = "a" E NI "\033[D\033[1~x\033[3~" FACE;

    for (; *keys != '\0'; keys++)
        type((char[]){*keys, '\0'});
    expect("x" FACE "|" E NI);
}

TEST(suite, a_full_line_rings_and_takes_no_more)
{
    for (int i = 0; i < LINE_EDIT_MOST - 1; i++)
        type("x");
    ck_assert(!edit.bell);
    type(E);
    ck_assert(edit.bell);
    ck_assert_uint_eq(edit.length, LINE_EDIT_MOST - 1);
    type("yz"); /* would come after what is missing */
    ck_assert_uint_eq(edit.length, LINE_EDIT_MOST - 1);
    ck_assert(edit.overflowed);
    type("\b" E);
    ck_assert_uint_eq(edit.length, LINE_EDIT_MOST);
    ck_assert(!edit.overflowed);
    type("z");
    ck_assert(edit.overflowed);
    type("\x15hi"); /* after Ctrl-U nothing is missing */
    expect("hi|");
    ck_assert(!edit.overflowed);
}

TEST(suite, after_a_pause_a_sequence_is_over)
{
    type("a\033");
    line_edit_pause(&edit);
    type("b\033[");
    line_edit_pause(&edit);
    type("D");
    expect("abD|");
}

TEST(suite, a_secret_line_is_not_kept_and_the_next_is_not_secret)
{
    type("one\r");
    edit.is_secret = true;
    type("two\r");
    ck_assert(!edit.is_secret);
    type(UP);
    expect("one|");
}

/* ---- The view ----------------------------------------------------------------------- */

/* In this many columns the view is this, with the cursor at the |. */
static void expect_view(size_t columns, const char *expected)
{
    struct line_edit_view view;
    char shown[2 * LINE_EDIT_MOST];

    line_edit_view(&edit, columns, &view);
    snprintf(shown, sizeof shown, "%.*s|%.*s", (int)view.before_cursor, view.bytes,
             (int)(view.length - view.before_cursor), view.bytes + view.before_cursor);
    ck_assert_str_eq(shown, expected);
}

TEST(suite, a_long_line_scrolls_sideways_and_shows_what_is_around_the_cursor)
{
    type("0123456789");
    expect_view(20, "0123456789|");
    expect_view(5, "6789|");
    type(LEFT LEFT);
    expect_view(5, "567|89");
    type("\x01");
    expect_view(5, "|01234");
    type(RIGHT RIGHT RIGHT);
    expect_view(5, "012|34");
    type(RIGHT);
    expect_view(5, "123|45");
}

TEST(suite, text_comes_back_into_view_when_there_is_room_again)
{
    type("0123456789");
    expect_view(5, "6789|");
    type("\x7F\x7F\x7F");
    expect_view(5, "3456|");
    expect_view(20, "0123456|");
}

TEST(suite, half_a_wide_character_is_never_shown)
{
    type(NI NI NI NI);
    expect_view(6, NI NI "|");
    expect_view(5, NI NI "|");
    expect_view(4, NI "|");
    type("\x01");
    expect_view(5, "|" NI NI);
}

TEST(suite, an_emoji_sign_makes_two_columns)
{
    type(HEART HEART "a" HEART);
    expect_view(20, HEART HEART "a" HEART "|");
    expect_view(8, HEART HEART "a" HEART "|");
    expect_view(7, HEART "a" HEART "|");
    type("\x7F\x7F" LEFT);
    expect(HEART "|" HEART);
    expect_view(5, HEART "|" HEART);
    expect_view(3, HEART "|");
}

TEST(suite, nothing_of_a_secret_line_is_in_view)
{
    type("secret" LEFT);
    edit.is_secret = true;
    expect_view(20, "|");
}

TEST(suite, widths_are_those_of_the_unicode_tables)
{
    ck_assert_uint_eq(columns_of('a'), 1);
    ck_assert_uint_eq(columns_of(0xE9), 1);
    ck_assert_uint_eq(columns_of(0x301), 0);
    ck_assert_uint_eq(columns_of(0x200D), 0);
    ck_assert_uint_eq(columns_of(0xFE0F), 0);
    ck_assert_uint_eq(columns_of(0x65E5), 2);
    ck_assert_uint_eq(columns_of(0xAC00), 2);
    ck_assert_uint_eq(columns_of(0xFF21), 2);
    ck_assert_uint_eq(columns_of(0xFF71), 1);
    ck_assert_uint_eq(columns_of(0x1F600), 2);
    ck_assert_uint_eq(columns_of(0x1FAF7), 2); /* of Unicode 15 */
    ck_assert_uint_eq(columns_of(0x2630), 2);  /* since Unicode 16 */
    ck_assert_uint_eq(columns_of(0x4DC0), 2);
    ck_assert_uint_eq(columns_of(0x3248), 2); /* in glibc alone */
    ck_assert_uint_eq(columns_of(0x20AC), 1);
    ck_assert_uint_eq(columns_of(0x10FFFF), 1);
}

/* ---- Whatever is typed -------------------------------------------------------------- */

static size_t columns_in(const char *bytes, size_t length)
{
    size_t columns = 0, size;

    for (size_t at = 0; at < length; at += size)
        columns += columns_of_character(bytes + at, length - at, &size);
    return columns;
}

/* Looks at the view in this many columns. */
static void expect_sound_view(size_t columns)
{
    struct line_edit_view view;
    size_t before, all, bytes;

    line_edit_view(&edit, columns, &view);
    ck_assert(view.bytes >= edit.text && view.before_cursor <= view.length &&
              view.bytes + view.length <= edit.text + edit.length);
    ck_assert_ptr_eq(view.bytes + view.before_cursor, edit.text + edit.cursor);
    ck_assert_msg(is_clean(view.bytes, view.length), "cut within a character");
    before = columns_in(view.bytes, view.before_cursor);
    all = columns_in(view.bytes, view.length);
    ck_assert_msg(view.bytes == edit.text || view.length == 0 ||
                      columns_at(view.bytes, &bytes) > 0,
                  "it begins with an accent");
    ck_assert_uint_lt(before, columns);
    ck_assert_uint_le(all, columns);
}

static void expect_sound(void)
{
    ck_assert_uint_le(edit.length, LINE_EDIT_MOST);
    ck_assert_uint_le(edit.cursor, edit.length);
    ck_assert_uint_eq(strlen(edit.text), edit.length);
    ck_assert(is_clean(edit.text, edit.cursor));
    ck_assert(is_clean(edit.text + edit.cursor, edit.length - edit.cursor));
    for (int i = 0; i < 5; i++)
        expect_sound_view(2 + random_below(random_below(2) ? 8 : 200));
}

TEST(suite, whatever_is_typed_the_line_is_clean_and_the_cursor_in_view)
{
    static const char *const keys[] = {
        LEFT,   RIGHT,   UP,         DOWN,   DELETE,        "\x7F", "\r",
        "\n",   "\x17",  "\x01",     "\x05", "\x02",        FACE,   NI,
        ACUTE,  "\033O", "\033",     "\x0E", "a ",          E,      "\033[",
        "\x10", "xyz",   "\xE2\x82", HEART,  "\xEF\xB8\x8F"};

    for (int i = 0; i < 100000; i++) {
        char byte[2] = {(char)(1 + random_below(255)), '\0'};

        type(random_below(8) == 0 ? byte
                                  : keys[random_below(random_below(2) ? 26 : 6) % 26]);
        if (random_below(1000) == 0)
            type(random_below(2) ? "\x15" : "\x0B");
        if (random_below(500) == 0)
            for (int n = 0; n < 700; n++)
                type(random_below(2) ? NI : "word ");
        /* Not after each: one read may bring several keys, or a part of one. */
        if (random_below(8) == 0)
            expect_sound();
    }
}

int main(void)
{
    return run_tests("the line that is being typed", &suite, begin);
}
