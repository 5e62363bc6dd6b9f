/*
 * The course: its pages say what happens, their links lead somewhere, and what a teacher
 * hands out is all that a student needs. test_course_marks.c has the marks.
 */
#include "tests/harness.h"
#include "tests/links.h"
#include "tests/person.h"
#include "tests/script.h"

#include <string.h>

static struct tests pages, made;

/* ---- The pages ------------------------------------------------------------------------ */

/* Some pages at a time, because they wait more than they compute: the longest first. */
TEST(pages, what_the_pages_say_is_what_happens)
{
    expect_script(
        "printf '%s\\n' course/7-*.md course/[1-68]-*.md README.md docs/turns.md "
        "course/README.md | xargs -n 1 -P 3 build/follow -q");
}

static char complaints[SCRIPT_OUTPUT];

static void note(const char *sentence)
{
    strncat(complaints, sentence, sizeof complaints - strlen(complaints) - 1);
    strncat(complaints, "\n", sizeof complaints - strlen(complaints) - 1);
}

/* All Markdown files below a directory, except what make and a student have made. */
static void expect_links(const char *directory)
{
    char *paths =
        script_output(formatted("find %s -name '*.md' | grep -v -e '/build/' -e "
                                "'/bin/' -e '/mine/' | sed 's,^\\./,,'",
                                directory));

    ck_assert_str_ne(paths, "");
    for (char *path = strtok(paths, "\n"); path != NULL; path = strtok(NULL, "\n"))
        links_check(path, note);
    ck_assert_msg(*complaints == '\0', "%s", complaints);
}

TEST(pages, every_link_leads_somewhere)
{
    expect_links(".");
}

TEST(pages, a_link_that_leads_nowhere_is_found)
{
    temp_write("there.md", "# A *title*: what's new?\n## Two\n## Two\n"
                           "```sh\n# not a title\n```\n<a id=\"mark\"></a>\n");
    links_check(temp_write("page.md", "[1](there.md) [2](there.md#a-title-whats-new)\n"
                                      "[3](there.md#two-1) ![4](there.md#mark)\n"
                                      "[5](https://example.org/x) `[6](no)` [7](#no)\n"
                                      "[8](there.md#not-a-title) <img src=\"no.svg\">\n"
                                      "[9](there.md#two-2)\n"
                                      "```\n[10](no)\n```\n[11](no.md)\n"),
                note);
    links_check("no/such.md", note);
    ck_assert_str_eq(complaints,
                     formatted("%s:3: #no: there is no such anchor\n"
                               "%s:4: there.md#not-a-title: there is no such anchor\n"
                               "%s:4: no.svg: there is no such file\n"
                               "%s:5: there.md#two-2: there is no such anchor\n"
                               "%s:9: no.md: there is no such file\n"
                               "no/such.md: it cannot be read\n",
                               temp_path("page.md"), temp_path("page.md"),
                               temp_path("page.md"), temp_path("page.md"),
                               temp_path("page.md")));
}

/* ---- What make does -------------------------------------------------------------------- */

TEST(made, a_starter_is_copied_and_never_over_a_file)
{
    const char *in_copy = formatted("cd %s && ", temp_path(""));

    expect_script(formatted("ln -s \"$PWD/course\" %s && %s course/start echo && "
                            "cmp course/starters/echo.c mine/echo.c",
                            temp_path(""), in_copy));
    expect_script(formatted("%s echo changed >mine/echo.c; course/start echo 2>out; "
                            "[ $? = 1 ] && [ \"$(cat mine/echo.c)\" = changed ] && "
                            "grep -q 'stays as it is' out",
                            in_copy));
    expect_script(formatted("%s course/start no 2>out; [ $? = 2 ] && "
                            "grep -q 'make start LAB=echo' out",
                            in_copy));
    expect_script(formatted("%s course/start 2>out; [ $? = 2 ]", in_copy));
}

TEST(made, the_students_tarball_is_all_that_a_student_needs)
{
    const char *top = formatted("%s/netlab-handout", temp_path(""));

    expect_script(formatted("course/handout && tar -xzf build/netlab-handout.tar.gz "
                            "-C %s",
                            temp_path("")));
    expect_script(formatted("cd %s && ! ls *.c course/teacher labs/*_srv.c chat "
                            "2>/dev/null | grep .",
                            top));
    expect_links(top);
    expect_script(formatted("kit=$PWD; cd %s && \"$kit/build/follow\" -q "
                            "course/1-*.md course/6-*.md",
                            top));
}

TEST(made, a_class_is_told_in_large_letters_what_to_type)
{
    int port = unused_port();
    struct program class =
        program_run("course/class", "-p", formatted("%d", port), "-r", "20", NULL);
    struct stream student;

    ck_assert_str_eq(take_line(&class.out), "   #      ##           #  ");
    skip_to_line(&class.out, "ChatServer started on port %d", port);
    student = connect_to(port);
    skip_to_beginning(&class.out, "Client joined ");
    stream_close(&student);
    skip_to_beginning(&class.out, "Client left ");
    program_stop(&class);
}

TEST(made, a_stage_shows_a_server_and_three_clients)
{
    struct person teacher;

    if (lacks("tmux") || lacks("strace"))
        return;
    teacher = person_start(
        "stty rows 45 cols 160; TERM=xterm exec course/stage bin/chat_naive -p \"$1\"",
        formatted("%d", unused_port()));
    for (int client = 0; client < 3; client++)
        person_sees(&teacher, "Client joined ");
    person_types(&teacher, "Are you there?\r");
    person_sees(&teacher, "] Are you there?");
    person_types(&teacher, "\033[21~"); /* F10 */
    ck_assert_int_eq(person_leaves(&teacher), 0);
}

TEST(made, a_stage_says_why_its_server_does_not_listen)
{
    struct person teacher;

    if (lacks("tmux") || lacks("strace"))
        return;
    teacher = person_start(
        "stty rows 45 cols 160; TERM=xterm exec course/stage ls \"$1\"", "/nowhere");
    person_sees(&teacher, "No such file");
    person_sees(&teacher, "stage: this server does not listen");
    ck_assert_int_eq(person_leaves(&teacher), 1);
}

int main(void)
{
    const struct test_case cases[] = {{.name = "pages", .tests = &pages},
                                      {.name = "made", .tests = &made}};

    return run_cases("course", cases, COUNT(cases));
}
