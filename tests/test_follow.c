/*
 * follow: pages that hold, and pages with every mistake that must be found.
 */
#include "tests/harness.h"
#include "tests/page.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct tests read_tests, follow_tests;

/* ---- Reading a page ------------------------------------------------------------------ */

static void expect_mistake(const char *text, int line, const char *words)
{
    struct page page;

    ck_assert(!page_read(&page, temp_write("page.md", text)));
    ck_assert_int_eq(page.bad_line, line);
    ck_assert_msg(strstr(page.bad, words) != NULL, "'%s' is not in '%s'", words,
                  page.bad);
    page_free(&page);
}

TEST(read_tests, a_page_is_read_as_blocks_of_steps)
{
    struct page page;

    ck_assert(
        page_read(&page, temp_write("page.md", "# Title\n"
                                               "```sh\n$ not typed\n```\n"
                                               "```console ann\n"
                                               "$ cat\n"
                                               "» Hello\n"
                                               "Hello  \n"
                                               "…\n"
                                               "«Ctrl-D»\n"
                                               "```\n"
                                               "1. In a list:\n"
                                               "   ```console ann\n"
                                               "   $ echo \\\n"
                                               "   > two\n"
                                               "     two\n"
                                               "   ```\n"
                                               "```console once\n$ rm -rf /\n```\n")));
    ck_assert_uint_eq(page.count, 2);
    ck_assert_int_eq(page.once, 1);
    ck_assert_int_eq(page.blocks[0].line, 5);
    ck_assert_uint_eq(page.blocks[0].count, 5);
    ck_assert_int_eq(page.blocks[0].steps[0].kind, STEP_SHELL);
    ck_assert_int_eq(page.blocks[0].steps[1].kind, STEP_KEYS);
    ck_assert_str_eq(page.blocks[0].steps[2].text, "Hello");
    ck_assert_int_eq(page.blocks[0].steps[3].kind, STEP_ANY);
    ck_assert_int_eq(page.blocks[0].steps[4].kind, STEP_KEYS);
    ck_assert_str_eq(page.blocks[1].steps[1].text, "two");
    ck_assert_int_eq(page.blocks[1].steps[1].kind, STEP_SHELL);
    ck_assert_str_eq(page.blocks[1].steps[2].text, "  two");
    page_free(&page);
}

TEST(read_tests, a_mistake_in_a_page_is_found_with_its_line)
{
    expect_mistake("\n```console ann\n$ echo\n", 2, "does not end");
    expect_mistake("```console Ann!\n$ echo\n```\n", 1, "not the name of a terminal");
    expect_mistake("```console\n$ echo\n```\n", 1, "not the name of a terminal");
    expect_mistake("```console ann bob\n$ echo\n```\n", 1, "not the name of a terminal");
    expect_mistake("```console ann\n```\n", 1, "an empty block");
    expect_mistake("```console ann\n$ cat\n```\n```console anna\n» Hi\n```\n", 4,
                   "nothing runs in terminal 'anna' yet");
    expect_mistake("```console ann\n$ cat\n«Strg-C»\n```\n", 3, "no such key");
    expect_mistake("```console ann\n$ cat\n» «Ctrl-C\n```\n", 3, "no such key");
    expect_mistake("```console once\n```\n```console once\n```\n```console once\n```\n",
                   5, "more than 2 blocks");
}

TEST(read_tests, a_page_that_is_not_there_is_a_mistake)
{
    struct page page;

    ck_assert(!page_read(&page, temp_path("none.md")));
    ck_assert_msg(strstr(page.bad, "cannot open it") != NULL, "%s", page.bad);
    page_free(&page);
}

TEST(read_tests, dots_match_any_text_and_nothing_else_does)
{
    ck_assert(page_matches("Client joined 127.0.0.1:…", "Client joined 127.0.0.1:4000"));
    ck_assert(page_matches("a … c … e", "a b c d e"));
    ck_assert(page_matches("a…", "a"));
    ck_assert(page_matches("… end", "the end at the end"));
    ck_assert(page_matches("same", "same   "));
    ck_assert(page_matches("same  ", "same"));
    ck_assert(!page_matches("a … c", "a b d"));
    ck_assert(!page_matches("same", " same"));
    ck_assert(!page_matches("same", "same and more"));
    ck_assert(!page_matches("same and more", "same"));
    ck_assert(!page_matches("", "something"));
}

TEST(read_tests, keys_are_typed_as_their_bytes_and_enter_after_text)
{
    char keys[KEYS_MOST];

    ck_assert_ptr_null(page_keys("Hello", keys));
    ck_assert_str_eq(keys, "Hello\r");
    ck_assert_ptr_null(page_keys("", keys));
    ck_assert_str_eq(keys, "\r");
    ck_assert_ptr_null(page_keys("Hel«Ctrl-D»", keys));
    ck_assert_str_eq(keys, "Hel\004");
    ck_assert_ptr_null(page_keys("«Ctrl-]»", keys));
    ck_assert_str_eq(keys, "\035");
    ck_assert_ptr_null(page_keys("«Esc»lo", keys));
    ck_assert_str_eq(keys, "\033lo\r");
    ck_assert_ptr_nonnull(page_keys("«Ctrl-c»", keys));
}

/* ---- Following a page ---------------------------------------------------------------- */

#define CAT "```console ann\n$ cat\n» one\none\n```\n"

static struct program follow(const char *wait, const char *text)
{
    return program_run("build/follow", "-w", wait, temp_write("page.md", text), NULL);
}

static void expect_that_it_holds(const char *text)
{
    struct program program = follow("20", text);

    stream_fill_to_end(&program.out);
    ck_assert_msg(program_wait(&program) == 0, "%.*s", (int)program.out.length,
                  program.out.bytes);
}

/* It fails at this line, wants these words, and shows those. */
static void expect_that_it_fails(const char *text, int line, const char *wanted,
                                 const char *shown)
{
    struct program program = follow("2", text);
    const char *rest = skip_to_beginning(&program.out, temp_path("page.md"));

    ck_assert_msg(strstr(rest, formatted(":%d: terminal ", line)) == rest, "%s", rest);
    ck_assert_str_eq(expect_beginning(&program.out, "    wanted  "), wanted);
    if (shown != NULL)
        skip_to_line(&program.out, "    %s", shown);
    stream_fill_to_end(&program.out);
    expect_status(&program, 1);
}

TEST(follow_tests, what_the_page_says_is_typed_and_seen)
{
    expect_that_it_holds(CAT "```console ann\n«Ctrl-D»\n```\n"
                             "```console bob\n$ echo bob; sleep 100\nbob\n«Ctrl-C»\n```\n"
                             "```console ann\n$ echo $((40 + 2)) \\\n> and; tty | sed "
                             "s/[0-9]*$//\n42 and\n/dev/…\n```\n");
}

TEST(follow_tests, a_line_that_never_comes_is_told_with_what_came)
{
    expect_that_it_fails(CAT "```console bob\n$ echo one\ntwo\n```\n", 8, "two",
                         "shown   $ echo one");
    expect_that_it_fails("```console ann\n$ echo\n\n\n```\n", 4, "", NULL);
}

TEST(follow_tests, a_line_that_the_page_leaves_out_is_missed)
{
    expect_that_it_fails("```console ann\n$ seq 3\n1\n3\n```\n", 4, "3", "        2");
    expect_that_it_holds("```console ann\n$ seq 3\n1\n…\n3\n```\n");
    expect_that_it_fails("```console ann\n$ seq 3\n1\n2\n$ echo\n```\n", 5,
                         "the shell's prompt: the program before it has not ended",
                         "        3");
}

TEST(follow_tests, other_blanks_at_the_beginning_are_told)
{
    expect_that_it_fails("```console ann\n$ echo '  two'\n two\n```\n", 3, " two",
                         "        (it is there, with other blanks at the beginning)");
}

TEST(follow_tests, a_line_may_need_a_later_block)
{
    const char *fifo = temp_path("fifo");

    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    expect_that_it_holds(formatted("```console ann\n$ echo one; cat %s\none\ntwo\n```\n"
                                   "```console bob\n$ echo two >%s\n```\n",
                                   fifo, fifo));
    expect_that_it_fails(formatted("```console ann\n$ echo one; cat %s\none\ntwo\n```\n"
                                   "```console bob\n$ echo three >%s\n```\n",
                                   fifo, fifo),
                         4, "two", "        three");
}

TEST(follow_tests, what_is_typed_is_not_taken_for_an_answer_in_the_same_words)
{
    const char *file = temp_path("file");

    expect_that_it_holds(formatted(
        "```console ann\n$ sh -c 'read a; sleep 0.3; echo yes >%s; echo $a; read a'\n"
        "» Hello\nHello\n«Ctrl-C»\n$ cat %s\nyes\n```\n",
        file, file));
}

TEST(follow_tests, what_is_typed_into_a_program_needs_one)
{
    struct program program = follow("2", "```console ann\n$ true\n» Hello\n```\n");

    skip_to_line(
        &program.out,
        "%s:3: terminal ann: no program runs there that this could be typed into",
        temp_path("page.md"));
    stream_fill_to_end(&program.out);
    expect_status(&program, 1);
}

TEST(follow_tests, long_lines_and_long_outputs_are_compared_whole)
{
    const char *line = repeated('x', 199);

    expect_that_it_holds(
        formatted("```console ann\n$ echo %s; seq 500\n%s\n1\n…\n499\n500\n"
                  "```\n",
                  line, line));
}

/* A program that writes to the FIFO has it open: its end says that none is left. */
TEST(follow_tests, nothing_that_a_page_starts_is_left)
{
    const char *fifo = temp_path("fifo");
    char byte;
    int end;

    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    end = open(fifo, O_RDONLY | O_NONBLOCK);
    ck_assert_int_ne(end, -1);
    expect_that_it_holds(formatted(
        "```console ann\n$ (trap '' HUP INT TERM; exec setsid sleep 600 >%s) &\n…\n"
        "$ sleep 600 >%s\n```\n",
        fifo, fifo));
    ck_assert_int_eq(read(end, &byte, 1), 0);
    close(end);
}

TEST(follow_tests, two_pages_at_once_have_the_same_port_and_files_of_their_own)
{
    static const char text[] =
        "```console ann\n"
        "$ ls mine; echo mine >mine\n…\n"
        "$ bin/echo_srv -p 23000\n"
        "EchoServer started on port 23000\n```\n"
        "```console bob\n$ bin/echo_cli localhost -- Hello\nHello\n```\n";
    const char *one = temp_write("one.md", text), *two = temp_write("two.md", text);
    struct program programs[] = {program_run("build/follow", "-q", one, NULL),
                                 program_run("build/follow", "-q", two, NULL)};

    expect_beginning(&programs[0].out, formatted("%s: 2 blocks in ", one));
    expect_beginning(&programs[1].out, formatted("%s: 2 blocks in ", two));
    for (size_t i = 0; i < COUNT(programs); i++)
        expect_success(&programs[i]);
}

TEST(follow_tests, a_table_tells_what_each_block_took)
{
    struct program program = follow("20", CAT "```console once\n$ reboot\n```\n");

    ck_assert_ptr_nonnull(strstr(expect_beginning(&program.out, "     1  ann  "), " s"));
    ck_assert_ptr_nonnull(strstr(take_line(&program.out), " s, 1 shown once"));
    expect_success(&program);
}

TEST(follow_tests, wrong_usage_has_status_2)
{
    expect_usage_error("build/follow", NULL);
    expect_usage_error("build/follow", "-w", "0", "README.md", NULL);
    expect_usage_error("build/follow", "-x", NULL);
}

int main(void)
{
    const struct test_case cases[] = {{.name = "read", .tests = &read_tests},
                                      {.name = "follow", .tests = &follow_tests}};

    return run_cases("follow", cases, COUNT(cases));
}
