/*
 * The course: its pages say what happens, their links lead somewhere, their marks are the
 * grader's, and what a teacher hands out is all that a student needs.
 */
#include "tests/harness.h"
#include "tests/links.h"
#include "tests/marks.h"
#include "tests/person.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HANDOUTS "course/[1-8]-*.md"
#define TEXT     16384

static const char *const lab_names[] = {"hello", "dgram", "echo", "name", "chat", "web"};

/* What each starter gets; course/README.md has the same table. */
#define CHAT_WITHOUT_A_ROOM                                                              \
    "greet deliver not-self prefix join leave go-on pieces glued line-ends long burst "  \
    "utf8 telnet timing-mark escape reset gone talk-on stall slow queue full full-idle " \
    "fd-set idle log farewell "
static const struct marks starters[] = {
    {"hello", "course/starters/hello.c", 1, "line end again talker restart "},
    {"dgram", "course/starters/dgram.c", 0, "start same sizes apart peers gone burst "},
    {"echo", "course/starters/echo.c", 8, "bytes big half-close two many reset stall "},
    {"name", "course/starters/name.c", 1,
     "answer same-name three pieces glued line-ends last idle "},
    {"chat", "course/starters/chat.c", 2, CHAT_WITHOUT_A_ROOM},
    {"web", "course/starters/web.c", 1,
     "get length index missing method pieces two big inside rubbish "},
};

static const struct marks solutions[] = {
    {"hello", "course/teacher/solutions/hello.c", 10, ""},
    {"dgram", "course/teacher/solutions/dgram.c", 20, ""},
    {"echo", "course/teacher/solutions/echo.c", 30, ""},
    {"name", "course/teacher/solutions/name.c", 20, ""},
    {"chat", "course/teacher/solutions/chat.c", 100, ""},
    {"web", "course/teacher/solutions/web.c", 20, ""},
};

/* Runs a script, and returns what it printed, of which the caller has the next call's. */
static char *output_of(const char *script)
{
    static char text[TEXT];
    FILE *output = popen(script, "r");
    size_t length;

    ck_assert_ptr_nonnull(output);
    length = fread(text, 1, sizeof text - 1, output);
    text[length] = '\0';
    pclose(output);
    return text;
}

static void expect_that_it_works(const char *script)
{
    struct program program = program_run("sh", "-c", script, NULL);

    stream_fill_to_end(&program.out);
    if (program_wait(&program) != 0)
        ck_abort_msg("%s\n%.*s\n%.*s", script, (int)program.out.length, program.out.bytes,
                     (int)program.err.length, program.err.bytes);
}

/* ---- The pages ------------------------------------------------------------------------ */

START_TEST(the_course_has_eight_handouts)
{
    ck_assert_str_eq(output_of("ls " HANDOUTS), "course/1-hello-socket.md\n"
                                                "course/2-datagrams.md\n"
                                                "course/3-bytes.md\n"
                                                "course/4-select.md\n"
                                                "course/5-three-ways.md\n"
                                                "course/6-room.md\n"
                                                "course/7-room-that-stands.md\n"
                                                "course/8-protocols.md\n");
}
END_TEST

START_TEST(what_the_pages_say_is_what_happens)
{
    expect_that_it_works("build/follow -q -j 3 README.md course/README.md " HANDOUTS);
}
END_TEST

static char complaints[TEXT];

static void note(const char *sentence)
{
    strncat(complaints, sentence, sizeof complaints - strlen(complaints) - 1);
    strncat(complaints, "\n", sizeof complaints - strlen(complaints) - 1);
}

/* All Markdown files below a directory, but for what make and a student have made. */
static void expect_links(const char *directory)
{
    char *paths = output_of(formatted("find %s -name '*.md' | grep -v -e '/build/' -e "
                                      "'/bin/' -e '/mine/' | sed 's,^\\./,,'",
                                      directory));

    ck_assert_str_ne(paths, "");
    for (char *path = strtok(paths, "\n"); path != NULL; path = strtok(NULL, "\n"))
        links_check(path, note);
    ck_assert_msg(*complaints == '\0', "%s", complaints);
}

START_TEST(every_link_leads_somewhere)
{
    expect_links(".");
}
END_TEST

START_TEST(a_link_that_leads_nowhere_is_found)
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
END_TEST

/* ---- Marks ---------------------------------------------------------------------------- */

/* The behaviours of a lab that refer to a page, as "name points" lines. */
static void wanted_rows(const char *lab, const char *page, char *rows)
{
    char command[512];

    snprintf(
        command, sizeof command,
        "bin/grade -l %s >%s; awk -F '[ #\\t]+' 'NR == FNR { points[$1] = $2; next } "
        "$1 == \"behaviour\" { name = $2 } "
        "$2 == \"see\" && $3 == \"%s\" { print name, points[name] }' %s grade/%s.lab",
        lab, temp_path("rows"), page, temp_path("rows"), lab);
    strcat(rows, output_of(command));
}

/* The rows of the page's tables whose first columns are a name and its points. */
static const char *table_rows(const char *page)
{
    return output_of(formatted(
        "awk -F ' *[|] *' '!/^[|]/ { inside = 0 } inside && !/^[|]-/ { name = $2; "
        "gsub(/<[^>]*>|`|\\[|\\].*/, \"\", name); print name, $3 } "
        "/^[|] *name *[|] *points *[|]/ { inside = 1 }' %s",
        page));
}

START_TEST(each_handouts_table_of_marks_is_the_graders)
{
    char *pages = strdup(output_of("ls " HANDOUTS));

    for (char *page = strtok(pages, "\n"); page != NULL; page = strtok(NULL, "\n")) {
        char wanted[TEXT] = "";

        for (size_t i = 0; i < COUNT(lab_names); i++)
            wanted_rows(lab_names[i], page, wanted);
        ck_assert_msg(strcmp(table_rows(page), wanted) == 0, "%s:\n%s\nmust be\n%s", page,
                      table_rows(page), wanted);
    }
    free(pages);
}
END_TEST

START_TEST(what_the_grader_refers_to_is_there)
{
    char *places = output_of("sed -n 's/^  see //p' grade/*.lab");

    for (char *place = strtok(places, "\n"); place != NULL; place = strtok(NULL, "\n")) {
        char *anchor = strchr(place, '#');

        ck_assert_ptr_nonnull(anchor);
        *anchor++ = '\0';
        if (!links_has_anchor(place, anchor))
            note(formatted("%s#%s is not there", place, anchor));
    }
    ck_assert_msg(*complaints == '\0', "%s", complaints);
}
END_TEST

START_TEST(a_starter_compiles_without_a_warning_and_gets_its_mark)
{
    expect_that_it_works(
        "for file in course/starters/*.c course/teacher/solutions/*.c; do "
        "${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror -O1 "
        "-D_DEFAULT_SOURCE -D_POSIX_C_SOURCE=200809L -pthread "
        "-c -o /dev/null $file || exit 1; done");
    need_descriptors(1200);
    expect_marks(starters, COUNT(starters), 3, "");
}
END_TEST

START_TEST(the_readme_says_what_each_starter_gets)
{
    char *readme = output_of("cat course/README.md");

    for (size_t i = 0; i < COUNT(starters); i++)
        ck_assert_msg(strstr(readme, formatted("| `%s.c` | %d of %d |", starters[i].lab,
                                               starters[i].total, solutions[i].total)) !=
                          NULL,
                      "%s.c", starters[i].lab);
}
END_TEST

START_TEST(a_solution_gets_full_marks)
{
    need_descriptors(1200);
    expect_marks(solutions, COUNT(solutions), 3, "");
}
END_TEST

/* ---- What make does -------------------------------------------------------------------- */

START_TEST(a_starter_is_copied_and_never_over_a_file)
{
    const char *in_copy = formatted("cd %s && ", temp_path(""));

    expect_that_it_works(formatted("ln -s \"$PWD/course\" %s && %s course/start echo && "
                                   "cmp course/starters/echo.c mine/echo.c",
                                   temp_path(""), in_copy));
    expect_that_it_works(
        formatted("%s echo changed >mine/echo.c; course/start echo 2>out; "
                  "[ $? = 1 ] && [ \"$(cat mine/echo.c)\" = changed ] && "
                  "grep -q 'stays as it is' out",
                  in_copy));
    expect_that_it_works(formatted("%s course/start no 2>out; [ $? = 2 ] && "
                                   "grep -q 'make start LAB=echo' out",
                                   in_copy));
    expect_that_it_works(formatted("%s course/start 2>out; [ $? = 2 ]", in_copy));
}
END_TEST

START_TEST(the_students_tarball_is_all_that_a_student_needs)
{
    const char *top = formatted("%s/netlab-handout", temp_path(""));

    expect_that_it_works(
        formatted("course/handout && tar -xzf build/netlab-handout.tar.gz "
                  "-C %s",
                  temp_path("")));
    expect_that_it_works(formatted("cd %s && ! ls *.c course/teacher labs/*_srv.c chat "
                                   "2>/dev/null | grep .",
                                   top));
    expect_links(top);
    expect_that_it_works(formatted("kit=$PWD; cd %s && \"$kit/build/follow\" -q -j 2 "
                                   "course/1-*.md course/6-*.md",
                                   top));
}
END_TEST

START_TEST(a_class_is_told_in_large_letters_what_to_type)
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
END_TEST

START_TEST(a_stage_shows_a_server_and_three_clients)
{
    struct person teacher;

    if (system("command -v tmux >/dev/null && command -v strace >/dev/null") != 0)
        return;
    teacher = person_start("stty rows 45 cols 160; TERM=xterm exec course/stage bin/chat_naive -p \"$1\"",
                           formatted("%d", unused_port()));
    for (int client = 0; client < 3; client++)
        person_sees(&teacher, "Client joined ");
    person_types(&teacher, "Are you there?\r");
    person_sees(&teacher, "] Are you there?");
    person_types(&teacher, "\033[21~"); /* F10 */
    ck_assert_int_eq(person_leaves(&teacher), 0);
}
END_TEST

int main(void)
{
    const TTest *const pages[] = {
        the_course_has_eight_handouts,
        what_the_pages_say_is_what_happens,
        every_link_leads_somewhere,
        a_link_that_leads_nowhere_is_found,
        NULL,
    };
    const TTest *const marks[] = {
        each_handouts_table_of_marks_is_the_graders,
        what_the_grader_refers_to_is_there,
        a_starter_compiles_without_a_warning_and_gets_its_mark,
        the_readme_says_what_each_starter_gets,
        a_solution_gets_full_marks,
        NULL,
    };
    const TTest *const made[] = {
        a_starter_is_copied_and_never_over_a_file,
        the_students_tarball_is_all_that_a_student_needs,
        a_class_is_told_in_large_letters_what_to_type,
        a_stage_shows_a_server_and_three_clients,
        NULL,
    };
    const struct test_case cases[] = {{.name = "pages", .tests = pages},
                                      {.name = "marks", .tests = marks},
                                      {.name = "made", .tests = made}};

    return run_cases("course", cases, COUNT(cases));
}
