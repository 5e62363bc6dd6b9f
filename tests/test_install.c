/*
 * make install and make uninstall, into an empty directory with a space in its name, and
 * the programs that run from there. MAKE names another make.
 */
#include "tests/harness.h"

#include <string.h>
#include <unistd.h>

static struct tests installed, elsewhere;

#define PREFIX "/opt/my kit"

static const char *place; /* DESTDIR */

/* Runs a script with the place as $1 and the installed tree as $2, away from the sources. */
static struct program run_there(const char *script)
{
    return program_run("sh", "-c", formatted("cd / && %s", script), "sh", place,
                       formatted("%s" PREFIX, place), NULL);
}

/* It succeeds, and prints nothing. */
static void expect_there(const char *script)
{
    struct program run = run_there(script);

    expect_success(&run);
}

/* Runs a target of the Makefile. $1 is the place. */
static struct program make(const char *arguments)
{
    return program_run("sh", "-c", formatted("exec ${MAKE:-make} -s %s", arguments), "sh",
                       place, NULL);
}

static void expect_made(const char *arguments)
{
    struct program run = make(arguments);

    expect_success(&run);
}

/* It fails, and this line tells why; others may follow, as make writes them. */
static void expect_not_made(const char *arguments, const char *why)
{
    struct program run = make(arguments);

    ck_assert_int_ne(program_wait(&run), 0);
    ck_assert_ptr_nonnull(strstr(run.err.bytes, why));
}

static void set_place(void)
{
    place = strdup(temp_path("a place"));
}

static void install(void)
{
    set_place();
    expect_made("install DESTDIR=\"$1\" PREFIX='" PREFIX "'");
}

TEST(installed, the_chat_server_runs_from_where_it_is_installed)
{
    struct program server = run_there("exec \"$2/bin/pchatsrv\" -p 0");
    struct stream client;

    program_read_port(&server, "ChatServer started on port ");
    client = connect_to(server.port);
    expect_beginning(&client, "You're connected");
    stream_close(&client);
    program_stop(&server);
}

TEST(installed, the_grader_finds_its_scenes_by_its_path_and_in_PATH)
{
    struct program by_path = run_there("exec \"$2/bin/grade\" -l hello");
    struct program by_name =
        run_there("cd \"$2/bin\" && PATH=.:$PATH && grade -1 hello './hello_srv -p %p'");

    expect_beginning(&by_path.out, "start\t");
    expect_status(&by_path, 0);
    expect_lf(&by_name.out, "hello 10 of 10");
    expect_success(&by_name);
}

TEST(installed, GRADE_DIR_names_other_scenes_for_the_grader)
{
    struct program grade = run_there("mkdir \"$1/mine\" && cd \"$1/mine\" &&"
                                     "cp \"$2/share/netlab/grade/hello.lab\" mine.lab &&"
                                     "GRADE_DIR=$1/mine exec \"$2/bin/grade\" -l mine");
    struct program other = run_there("GRADE_DIR=$1 exec \"$2/bin/grade\" -l hello");

    expect_beginning(&grade.out, "start\t");
    expect_status(&grade, 0);
    expect_beginning(&other.err, "grade: there is no lab 'hello'");
    expect_status(&other, 2);
}

TEST(installed, turns_shows_a_program_that_is_installed_beside_it)
{
    struct program turns = run_there("exec \"$2/bin/turns\" \"$2/bin/hello_srv\" -V");

    expect_beginning(&turns.out, "hello_srv (");
    expect_status(&turns, 0);
}

TEST(installed, every_program_has_a_page_and_the_kit_its_documents)
{
    expect_there("cd \"$2\" && for program in bin/*; do"
                 "    [ -s \"share/man/man1/${program#bin/}.1\" ] || echo \"$program\";"
                 "done; for file in README.md LICENSE CHANGES.md docs/irc.md; do"
                 "    [ -s \"share/doc/netlab/$file\" ] || echo \"$file\";"
                 "done; [ -s share/man/man7/netlab.7 ]");
}

TEST(installed, every_picture_in_an_installed_page_is_installed)
{
    expect_there(
        "cd \"$2/share/doc/netlab\" && for page in *.md */*.md; do"
        "    for picture in $(sed -n 's/^!\\[.*](\\(.*\\))$/\\1/p' \"$page\"); do"
        "        [ -s \"${page%/*}/$picture\" ] || [ -s \"$picture\" ] ||"
        "            echo \"$page: $picture\";"
        "done; done");
}

TEST(installed, what_is_installed_can_be_installed_again_while_it_runs)
{
    struct program server = run_there("exec \"$2/bin/pchatsrv\" -p 0");

    program_read_port(&server, "ChatServer started on port ");
    expect_made("install DESTDIR=\"$1\" PREFIX='" PREFIX "'");
    program_stop(&server);
}

TEST(installed, uninstall_leaves_nothing)
{
    expect_made("uninstall DESTDIR=\"$1\" PREFIX='" PREFIX "'");
    expect_there("ls -A \"$1\"");
}

TEST(installed, uninstall_leaves_the_files_of_others)
{
    struct program rest;

    expect_there("echo >\"$2/bin/other\"");
    expect_made("uninstall DESTDIR=\"$1\" PREFIX='" PREFIX "'");
    rest = run_there("find \"$1\" -type f");
    expect_lf(&rest.out, "%s" PREFIX "/bin/other", place);
    expect_success(&rest);
}

TEST(elsewhere, each_directory_can_be_named)
{
    struct program list;

    set_place();
    expect_made("install DESTDIR=\"$1\" PREFIX=/x BINDIR=/b MANDIR=/m");
    list = run_there(
        "[ -x \"$1/b/resolve\" ] && [ -s \"$1/m/man1/resolve.1\" ] && ls -A \"$1/x\"");
    expect_lf(&list.out, "share");
    expect_success(&list);
    expect_made("uninstall DESTDIR=\"$1\" PREFIX=/x");
}

TEST(elsewhere, a_place_that_cannot_be_written_to_is_named)
{
    set_place();
    expect_not_made("install DESTDIR=/dev/null/x",
                    "make install: cannot make the directory /dev/null/x\n");
    temp_write("a place", "");
    expect_not_made("install PREFIX=\"$1/x\"",
                    formatted("make install: cannot make the directory %s: run it as "
                              "root, or name another PREFIX or DESTDIR\n",
                              place));
    expect_not_made("install PREFIX=x", "make install: 'x' does not begin with /\n");
    expect_not_made("uninstall PREFIX=\"$1\"",
                    "make install: nothing to remove: there is no ");
}

TEST(elsewhere, what_is_not_built_is_not_installed)
{
    struct program copy;

    set_place();
    copy = program_run("sh", "-c",
                       "mkdir \"$1\" && for file in *; do case $file in bin | build) ;;"
                       "*) cp -R \"$file\" \"$1\" ;; esac; done",
                       "sh", place, NULL);
    expect_success(&copy);
    expect_not_made("-C \"$1\" install DESTDIR=\"$1/x\"",
                    "is not built: run 'make' first\n");
    expect_there("ls -d \"$1/x\" \"$1/build\" 2>/dev/null || :");
}

/* ---- The suite ---------------------------------------------------------------------- */

int main(void)
{
    const struct test_case cases[] = {
        {.name = "installed", .tests = &installed, .set_up = install},
        {.name = "places", .tests = &elsewhere},
    };

    return run_cases("install", cases, COUNT(cases));
}
