/*
 * The marks of the course: the handouts' tables are the grader's, starters and solutions get
 * what they must, and the grader refers to places that are there.
 */
#include "tests/harness.h"
#include "tests/links.h"
#include "tests/marks.h"
#include "tests/script.h"

#include <string.h>
#include <unistd.h>

static struct tests suite;

/* What each starter gets; course/README.md has the same table. */
static const struct marks starters[] = {
    {"chat", "course/starters/chat.c", 2, "greet " ALL_BUT_GREET},
    {"hello", "course/starters/hello.c", 1, "line end again talker restart "},
    {"dgram", "course/starters/dgram.c", 0, "start same sizes apart peers gone burst "},
    {"echo", "course/starters/echo.c", 8, "bytes big half-close two many reset stall "},
    {"name", "course/starters/name.c", 1,
     "answer same-name three pieces glued line-ends last idle "},
    {"web", "course/starters/web.c", 1,
     "get length index missing method pieces two big inside rubbish "},
};

static const struct marks solutions[] = {
    {"chat", "course/teacher/solutions/chat.c", 100, ""},
    {"hello", "course/teacher/solutions/hello.c", 10, ""},
    {"dgram", "course/teacher/solutions/dgram.c", 20, ""},
    {"echo", "course/teacher/solutions/echo.c", 30, ""},
    {"name", "course/teacher/solutions/name.c", 20, ""},
    {"web", "course/teacher/solutions/web.c", 20, ""},
};

/*
 * The behaviours of the labs as "name points" lines: of all labs those that refer to a page,
 * or all of one lab if `page` is "".
 */
static const char *behaviours(const char *lab, const char *page)
{
    return script_output(formatted(
        "for lab in %s; do bin/grade -l $lab | awk -F '[ #\\t]+' -v page='%s' "
        "'NR == FNR { points[$1] = $2; next } $1 == \"behaviour\" { name = $2 } "
        "$2 == \"see\" && index($3, page) { print name, points[name] }' - "
        "grade/$lab.lab; "
        "done",
        lab, page));
}

/* The rows of the page's tables whose first columns are a name and its points. */
static const char *table_rows(const char *page)
{
    return script_output(formatted(
        "awk -F ' *[|] *' '!/^[|]/ { inside = 0 } inside && !/^[|]-/ { name = $2; "
        "gsub(/<[^>]*>|`|\\[|\\].*/, \"\", name); print name, $3 } "
        "/^[|] *name *[|] *points *[|]/ { inside = 1 }' %s",
        page));
}

static void expect_table(const char *page, const char *lab)
{
    char table[SCRIPT_OUTPUT], own[SCRIPT_OUTPUT];

    strcpy(table, table_rows(page));
    strcpy(own, behaviours(lab, page));
    if (strcmp(table, own) != 0 && strcmp(table, behaviours(lab, "")) != 0)
        ck_abort_msg("%s:\n%s\nmust be those of '%s' that refer to it:\n%s\nor all", page,
                     table, lab, own);
}

/* A page shows those behaviours that it explains, or all of its lab. */
TEST(suite, each_handouts_table_of_marks_is_the_graders)
{
    static const struct {
        const char *page, *lab;
    } tables[] = {
        {"course/1-hello-socket.md", "hello"},
        {"course/2-datagrams.md", "dgram"},
        {"course/3-bytes.md", "echo"},
        {"course/4-select.md", "echo"},
        {"course/5-three-ways.md", "name"},
        {"course/6-room.md", "chat"},
        {"course/7-room-that-stands.md", "chat"},
        {"course/8-protocols.md", "web"},
    };

    for (size_t i = 0; i < COUNT(tables); i++)
        expect_table(tables[i].page, tables[i].lab);
}

TEST(suite, what_the_grader_refers_to_is_there)
{
    char missing[SCRIPT_OUTPUT] = "";
    char *places = script_output("sed -n 's/^  see //p' grade/*.lab");

    for (char *place = strtok(places, "\n"); place != NULL; place = strtok(NULL, "\n")) {
        char *anchor = strchr(place, '#');

        ck_assert_ptr_nonnull(anchor);
        *anchor++ = '\0';
        if (!links_has_anchor(place, anchor))
            strcat(missing, formatted("%s#%s is not there\n", place, anchor));
    }
    ck_assert_msg(*missing == '\0', "%s", missing);
}

TEST(suite, a_starter_compiles_without_a_warning_and_gets_its_mark)
{
    /* Not to /dev/null: root's tcc would replace it by a file. */
    expect_script("object=$(mktemp); trap 'rm $object' EXIT; "
                  "for file in course/starters/*.c course/teacher/solutions/*.c; do "
                  "${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror -O1 "
                  "-D_DEFAULT_SOURCE -D_POSIX_C_SOURCE=200809L -pthread "
                  "-c -o $object $file || exit 1; done");
    if (lacks_descriptors(1200))
        return;
    expect_marks(starters, COUNT(starters), 3, "-w 2");
}

TEST(suite, the_readme_says_what_each_starter_gets)
{
    char *readme = script_output("cat course/README.md");

    for (size_t i = 0; i < COUNT(starters); i++)
        ck_assert_msg(strstr(readme, formatted("| `%s.c` | %d of %d |", starters[i].lab,
                                               starters[i].total, solutions[i].total)) !=
                          NULL,
                      "%s.c", starters[i].lab);
}

TEST(suite, a_solution_gets_full_marks)
{
    if (lacks_descriptors(1200))
        return;
    for (size_t i = 0; i < COUNT(solutions); i++)
        ck_assert_msg(access(solutions[i].command, R_OK) == 0, "%s",
                      solutions[i].command);
    expect_marks(solutions, COUNT(solutions), 3, "");
}

/* No mark of its lab asks for that, but a class reads it. */
TEST(suite, the_echo_of_the_solutions_rests_when_it_is_full)
{
    if (lacks_descriptors(1200))
        return;
    expect_grade(0, "  1 of 1.", "%s course/teacher/solutions/echo.c",
                 temp_write("full.lab", "lab full 1 \"full\"\n"
                                        "behaviour full-idle 1 \"it rests\"\n"
                                        "  limit descriptors 20\n"
                                        "  A joins\n"
                                        "  30 clients connect\n"
                                        "  server idles\n"
                                        "  why \"accept fails for ever\"\n"));
}

/* No behaviour of its lab asks for that, either. */
TEST(suite, the_web_solution_sends_no_content_to_head_even_if_the_file_is_missing)
{
    expect_grade(0, "  1 of 1.", "%s course/teacher/solutions/web.c",
                 temp_write("head.lab", "lab head 1 \"head\"\n"
                                        "behaviour head 1 \"no content\"\n"
                                        "  A joins\n"
                                        "  A asks HEAD \"/missing.html\"\n"
                                        "  A gets status 404\n"
                                        "  A gets the end\n"
                                        "  A never heard \"\\r\\n\\r\\n404\"\n"
                                        "  why \"RFC 9110 9.3.2\"\n"));
}

int main(void)
{
    return run_tests("the course's marks", &suite, NULL);
}
