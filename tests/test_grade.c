/*
 * The grader: the scenes that it reads, what it says of a program that cannot be graded, its
 * formats, and that it ends whatever it has started.
 */
#include "scene/lab.h"
#include "tests/harness.h"
#include "tests/marks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct tests each_mistake, each_hostile, once;

#define BEHAVIOUR "lab x 3 \"x\"\nbehaviour y 3 \"y\"\n"

/* A whole server. */
#define HELLO                                                                            \
    "#include <netinet/in.h>\n#include <signal.h>\n#include <stdlib.h>\n"                \
    "#include <sys/socket.h>\n#include <unistd.h>\nint main(int argc, char **argv) {\n"  \
    "struct sockaddr_in a = {.sin_family = AF_INET}; char bytes[512];\n"                 \
    "int l = socket(AF_INET, SOCK_STREAM, 0), on = 1;\n"                                 \
    "a.sin_port = htons((in_port_t)atoi(argv[argc - 1])); signal(SIGCHLD, SIG_IGN);\n"   \
    "setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);\n"                         \
    "bind(l, (struct sockaddr *)&a, sizeof a); listen(l, 5);\n"                          \
    "for (;;) { int s = accept(l, 0, 0); if (fork() == 0) {\n"                           \
    "send(s, \"Hello\\n\", 6, MSG_NOSIGNAL); shutdown(s, SHUT_WR);\n"                    \
    "while (read(s, bytes, sizeof bytes) > 0) continue; _exit(0); } close(s); } }\n"

static const char *directory; /* of the test; its name tells its processes from others */

static char here[1024]; /* where the tests run: the tree */

static void make_directory(void)
{
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    directory = strdup(temp_path(""));
    chmod(directory, 0755);
}

/* ---- Scenes ------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    int line;
    const char *reason;
} mistakes[] = {
    {"", 1, "the file has no lab"},
    {"behaviour y 3 \"y\"\n", 1, "the first line of a lab is"},
    {"lab x 3 \"x\"\n", 1, "the file has no behaviour"},
    {"lab x three \"x\"\n", 1, "'three' is not a number of points"},
    {"lab x 3 \"x\"\nA joins\n", 2, "'A' comes before the first behaviour"},
    {BEHAVIOUR "A jumps\nwhy \"\"\n", 3, "this is not a sentence of a scene: 'A jumps"},
    {BEHAVIOUR "A sends \"x\n", 3, "a quote is not closed"},
    {BEHAVIOUR "A sends \"\\q\"\n", 3, "unknown escape"},
    {BEHAVIOUR "A joins\nB sends \"x\"\nwhy \"z\"\n", 4, "client B has not joined"},
    {BEHAVIOUR "A joins\nA leaves\nA sends \"x\"\nwhy \"z\"\n", 5, "or has left"},
    {BEHAVIOUR "A joins\nA joins\nwhy \"z\"\n", 4, "client A is there already"},
    {BEHAVIOUR "A joins\nA hears \"{B}\"\nwhy \"z\"\n", 4, "client B has not joined"},
    {BEHAVIOUR "A joins\nA learns N from \"x\"\nwhy \"z\"\n", 4,
     "there is no {N} in the text"},
    {BEHAVIOUR "A joins\n", 2, "the behaviour 'y' has no 'why'"},
    {BEHAVIOUR "why \"z\"\n", 2, "the behaviour 'y' has no steps"},
    {BEHAVIOUR "needs z\nA joins\nwhy \"z\"\n", 3, "there is no behaviour 'z'"},
    {BEHAVIOUR "repeat 2\nA joins\nwhy \"z\"\n", 5, "the last 'repeat' has no 'end'"},
    {BEHAVIOUR "A joins\nend\n", 4, "this 'end' closes nothing"},
    {BEHAVIOUR "A joins\nwhy \"z\"\nbehaviour y 1 \"y\"\n", 5,
     "there is a behaviour 'y'"},
    {"lab x 4 \"x\"\nbehaviour y 3 \"y\"\nA joins\nwhy \"z\"\n", 1,
     "add up to 3, and the lab has 4"},
    {"lab x 3 \"x\"\nfile \"/etc/passwd\" 3\n", 2, "below its own directory"},
};

TEST(each_mistake, a_mistake_in_a_scene_is_told_with_its_line)
{
    struct lab_error error;
    static struct lab lab;

    ck_assert_int_eq(lab_load(&lab, temp_write("x.lab", mistakes[_i].text), &error), -1);
    lab_free(&lab);
    ck_assert_msg(error.line == mistakes[_i].line &&
                      strstr(error.reason, mistakes[_i].reason) != NULL,
                  "line %d: %s, for line %d: %s", error.line, error.reason,
                  mistakes[_i].line, mistakes[_i].reason);
}

TEST(once, a_scene_with_a_mistake_is_refused_at_the_start)
{
    expect_grade(2, "x.lab:3: this is not a sentence", "%s bin/hello_srv",
                 temp_write("x.lab", BEHAVIOUR "A jumps\n"));
}

TEST(once, a_lab_is_listed_with_its_points)
{
    expect_grade(0, "pieces\t6\ta line that comes in two pieces is one line\n",
                 "-l chat");
    expect_grade(0, "start\t1\t", "-l web");
}

/* The teacher changes the points and a hint, and needs no compiler for it. */
TEST(once, a_teachers_own_scene_is_played)
{
    expect_grade(0, "  7 of 7.", "%s 'bin/echo_srv -p %%p'",
                 temp_write("own.lab", "lab own 7 \"my own\"\n"
                                       "behaviour both 7 \"two at once\"\n"
                                       "  A joins\n  B joins\n  repeat 2\n"
                                       "    A sends \"x{n}\\n\"\n"
                                       "    A hears bytes \"x{n}\\n\"\n  end\n"
                                       "  why \"what may be the cause\"\n"));
}

TEST(once, what_comes_in_place_of_a_file_is_shown)
{
    const char *lab =
        strdup(temp_write("own.lab", "lab own 1 \"my own\"\nfile \"www/x\" 5\n"
                                     "behaviour get 1 \"a file\"\n"
                                     "  A joins\n  A requests \"/x\"\n"
                                     "  A gets file \"www/x\"\n"
                                     "  why \"what may be the cause\"\n"));

    temp_write("x.sh", formatted("exec %s/bin/hello_srv -p $1 -m 'HTTP/1.0 200 OK\n\n"
                                 "Wrong'\n",
                                 here));
    expect_grade(1, "got    \"Wrong\\n\"\n", "%s 'sh %s/x.sh %%p'", lab, directory);
}

/* An answer as long as strlen() says is wrong for bytes 0 alone. */
TEST(once, datagrams_that_are_taken_for_text_cost_one_behaviour)
{
    temp_write(
        "text.c",
        "#include <netinet/in.h>\n#include <stdlib.h>\n#include <string.h>\n"
        "#include <sys/socket.h>\nstatic char text[70000];\n"
        "int main(int argc, char **argv) { int s = socket(AF_INET, SOCK_DGRAM, 0);\n"
        "struct sockaddr_in a = {.sin_family = AF_INET}; socklen_t length;\n"
        "a.sin_port = htons((in_port_t)atoi(argv[argc - 1]));\n"
        "bind(s, (struct sockaddr *)&a, sizeof a); for (;;) { length = sizeof a;\n"
        "text[recvfrom(s, text, 65535, 0, (struct sockaddr *)&a, &length)] = 0;\n"
        "sendto(s, text, strlen(text), 0, (struct sockaddr *)&a, length); } }\n");
    expect_grade(1, ",16,20,yes,2,0,4,3,3,2,2\n", "-f csv dgram %s/text.c", directory);
}

/* Nothing on a terminal shows it. */
TEST(once, an_echo_of_the_whole_buffer_is_noticed)
{
    expect_grade(1, "wanted the bytes \"and nothing else.\\n\", differs at byte 0",
                 "-b bytes echo 'build/faulty_echo whole %%p'");
}

TEST(once, bytes_0_after_a_line_are_noticed)
{
    char *with_nul = strdup(HELLO), *length = strstr(with_nul, "\\n\", 6");

    ck_assert_ptr_nonnull(length);
    length[strlen("\\n\", ")] = '7';
    temp_write("nul.c", with_nul);
    free(with_nul);
    expect_grade(1, ",8,10,yes,1,3,0,1,2,1\n", "-f csv hello %s/nul.c", directory);
}

TEST(once, a_server_that_is_paused_twice_holds_up_nobody)
{
    expect_grade(0, "  1 of 1.", "%s 'bin/echo_srv -p %%p'",
                 temp_write("own.lab", "lab own 1 \"my own\"\n"
                                       "behaviour pause 1 \"it goes on\"\n"
                                       "  A joins\n  pause server\n  pause server\n"
                                       "  continue server\n  A sends \"x\"\n"
                                       "  A hears bytes \"x\"\n"
                                       "  why \"what may be the cause\"\n"));
}

/* Many a first server prints its whole buffer. */
TEST(once, a_nul_in_what_a_program_prints_hides_nothing)
{
    const char *lab = strdup(temp_write("own.lab", "lab own 1 \"my own\"\n"
                                                   "behaviour log 1 \"it prints\"\n"
                                                   "  A joins\n"
                                                   "  server prints \"after\"\n"
                                                   "  why \"what may be the cause\"\n"));

    temp_write("nul.sh", "printf 'before\\0after\\n'\nexec bin/echo_srv -p $1\n");
    expect_grade(0, "  1 of 1.", "%s 'sh %s/nul.sh %%p'", lab, directory);
}

TEST(once, the_line_to_try_again_names_the_file_of_the_scenes)
{
    const char *scenes =
        temp_write("own.lab", "lab own 3 \"my own\"\nbehaviour y 3 \"y\"\n"
                              "  A joins\n  A hears \"x\"\n  why \"z\"\n");

    expect_grade(1,
                 formatted("Again: bin/grade -b y %s 'bin/hello_srv -p %%p'\n", scenes),
                 "-w 0.5 %s 'bin/hello_srv -p %%p'", scenes);
}

/* ---- Programs that cannot be graded ----------------------------------------------------------- */

TEST(once, a_program_that_does_not_compile_gets_the_compilers_words)
{
    expect_grade(1, "error:", "echo %s", temp_write("bad.c", "int main( {\n"));
    expect_grade(1, "bad.c does not compile.\n  0 of 30.", "echo %s/bad.c", directory);
    expect_grade(1, ",0,30,no,,,,,,,,,,,\n", "-f csv echo %s/bad.c", directory);
}

TEST(once, a_warning_is_shown_and_costs_nothing)
{
    temp_write("warned.c",
               "#include <stdio.h>\nint main(void) { int unused; return 3; }\n");
    expect_grade(1, "warned.c (1 warning)", "hello %s/warned.c", directory);
    expect_grade(1, "it ended: status 3", "hello %s/warned.c", directory);
}

TEST(once, a_directory_is_made)
{
    expect_grade(1, "is a directory without a Makefile", "hello %s", directory);
    temp_write("Makefile",
               "hello:\n\tprintf '#!/bin/sh\\nexec bin/hello_srv -p $$1\\n' "
               "| sed \"s,exec ,exec '$$ROOT'/,\" >hello\n\tchmod +x hello\n");
    setenv("ROOT", here, 1);
    expect_grade(0, "10 of 10", "hello %s", directory);
    expect_grade(1, "made no program 'echo'", "echo %s",
                 (temp_write("Makefile", "all:\n"), directory));
}

/* As a script must that starts Java: `java -cp . Hello` looks for its classes there. */
TEST(once, what_was_made_runs_in_its_directory)
{
    temp_write("start.sh", formatted("exec %s/bin/hello_srv -p $1\n", here));
    temp_write("Makefile", "hello:\n\tprintf '#!/bin/sh\\n. ./start.sh\\n' >hello\n"
                           "\tchmod +x hello\n");
    expect_grade(0, "3 of 3", "-b line hello %s", directory);
}

/* Perhaps it was built on another kind of machine, or before the last change. */
TEST(once, a_program_that_is_handed_in_beside_its_sources_is_made_again_by_gnu_make)
{
    if (system("${MAKE:-make} --version 2>/dev/null | grep -q GNU") != 0)
        return;
    temp_write("Makefile", "hello: start.sh\n\tcp start.sh hello\n");
    temp_write("start.sh", formatted("#!/bin/sh\nexec %s/bin/hello_srv -p $1\n", here));
    temp_write("hello", "#!/bin/sh\nexit 3\n");
    ck_assert_int_eq(
        system(formatted("chmod +x %s/start.sh %s/hello", directory, directory)), 0);
    expect_grade(0, "3 of 3", "-b line hello %s", directory);
}

/* It is LAB.c, or the only one, unless there is a Makefile, which may need more than that. */
TEST(once, the_source_in_a_directory_is_found)
{
    temp_write("mine.c", HELLO);
    temp_write("._mine.c", "no text\n");
    expect_grade(0, "3 of 3", "-b line hello %s", directory);
    temp_write("other.c", "int none;\n");
    expect_grade(1, "is a directory without a Makefile", "hello %s", directory);
    temp_write("hello.c", HELLO);
    expect_grade(0, "3 of 3", "-b line hello %s", directory);
    temp_write("Makefile", "hello:\n\tfalse\n");
    expect_grade(1, "make fails in ", "hello %s", directory);
}

TEST(once, what_a_source_writes_is_left_nowhere)
{
    temp_write("leaves.c", "#include <stdio.h>\nint main(void) {"
                           "return fopen(\"left-by-a-test\", \"w\") == 0; }\n");
    expect_grade(1, "it ended: status 0", "-b start hello %s/leaves.c", directory);
    ck_assert_int_eq(access("left-by-a-test", F_OK), -1);
}

/* The room's behaviour 'full' gives it 256 descriptors. The stacks are as large as Java's. */
TEST(once, a_server_may_have_a_thread_for_each_client)
{
    temp_write(
        "threads.c",
        "#include <pthread.h>\n#include <unistd.h>\n"
        "static void *rest(void *x) { pause(); return x; }\n"
        "int main(void) { pthread_t thread; pthread_attr_t attr; int made = 0;\n"
        "pthread_attr_init(&attr); pthread_attr_setstacksize(&attr, 1 << 20);\n"
        "while (made < 300 && pthread_create(&thread, &attr, rest, 0) == 0) made++;\n"
        "return made < 300; }\n");
    expect_grade(1, "it ended: status 0", "-b start hello %s/threads.c", directory);
}

/* One becomes a server of the kit, and one starts it. Only Linux can tell. */
TEST(once, a_source_that_has_another_program_serve_gets_nothing)
{
    static const char *const sources[] = {
        "#include <unistd.h>\nint main(int argc, char **argv) {"
        "return execl(\"%s/bin/hello_srv\", \"x\", \"-p\", argv[argc - 1], (char *)0); "
        "}\n",
        "#include <stdio.h>\n#include <stdlib.h>\nint main(int argc, char **argv) {"
        "char command[500]; sprintf(command, \"%s/bin/hello_srv -p %%s\", argv[argc - "
        "1]);"
        "return system(command); }\n",
    };

    if (access("/proc/self/exe", F_OK) == -1)
        return;
    for (size_t i = 0; i < COUNT(sources); i++) {
        temp_write("other.c", formatted(sources[i], here));
        expect_grade(1, "it runs another program: /", "hello %s/other.c", directory);
        expect_grade(1, "  0 of 10.", "hello %s/other.c", directory);
    }
}

TEST(once, bad_input_is_answered_with_a_sentence)
{
    expect_grade(2, "which lab?", " ");
    expect_grade(2, "which lab?", "''");
    expect_grade(2, "which program?", "chat");
    expect_grade(2, "there is no lab 'chess'", "chess bin/pchatsrv");
    expect_grade(2, "-s takes a number", "-s x chat bin/pchatsrv");
    expect_grade(2, "'xml' is not a format", "-f xml chat bin/pchatsrv");
    expect_grade(2, "the lab chat has no behaviour 'x'", "-b x chat bin/pchatsrv");
    expect_grade(2, "unexpected argument 'x'", "chat bin/pchatsrv x");
    expect_grade(2, geteuid() == 0 ? "there is no such user" : "-u is for root only",
                 "-u nobody-of-that-name echo bin/echo_srv");
    expect_grade(2, "there is no program mine/none.c: No such file", "echo mine/none.c");
    expect_grade(2, "cannot run 'pyhton3': No such file", "echo 'pyhton3 x.py'");
    expect_grade(2, "cannot run './none': No such file", "echo './none %%p'");
    expect_grade(2, "cannot be executed: give the command that runs it", "echo %s",
                 temp_write("echo.py", "import socket\n"));
    expect_grade(2, "No such file", "-o %s/no/file hello 'bin/hello_srv -p %%p'",
                 directory);
}

TEST(once, a_missing_program_gets_a_score_from_autolab_all_the_same)
{
    expect_grade(2, "{\"scores\":{\"echo\":0}}", "-f autolab echo mine/none.c");
}

TEST(once, what_a_program_says_on_standard_error_is_shown_though_it_goes_on)
{
    expect_grade(1, "| a thread died",
                 "-w 1 -b bytes echo 'sh -c \"echo a thread died >&2; exec sleep 60\"'");
}

/* Many a beginner has printf() say what failed. */
TEST(once, the_last_lines_of_a_program_that_gives_up_are_shown)
{
    expect_grade(1, "it ended: status 3\n                        | no bind\n",
                 "-b start echo 'sh -c \"echo no bind; exit 3\"'");
}

TEST(once, a_full_disk_is_told)
{
    if (access("/dev/full", W_OK) == -1)
        return;
    expect_grade(2, "No space left", "-o /dev/full hello 'bin/hello_srv -p %%p'");
    expect_grade(2, "grade: cannot write to standard output: No space left",
                 "-l hello 2>&1 >/dev/full #");
}

/* A container may forbid unshare. */
static bool is_allowed(const char *apart)
{
    if (system(formatted("%s true 2>/dev/null", apart)) == 0)
        return true;
    printf("left out, for it is not allowed here: %s\n", apart);
    return false;
}

/* In a file system of its own, which is too small for any program. */
TEST(once, a_full_disk_is_not_taken_for_a_mistake_in_the_source)
{
    const char *apart = geteuid() == 0 ? "unshare -m" : "unshare -r -m";

    if (!is_allowed(apart))
        return;
    setenv("GRADE",
           formatted("%s sh -c 'mount -t tmpfs -o size=64k none %s && "
                     "TMPDIR=%s exec bin/grade \"$@\"' sh",
                     apart, directory, directory),
           1);
    expect_grade(2, "no space left", "hello course/teacher/solutions/hello.c");
}

TEST(once, a_graders_umask_hides_the_labs_files_from_nobody)
{
    ck_assert_int_eq(chmod(directory, 0755), 0); /* nobody may not read this tree */
    ck_assert_int_eq(system(formatted("cp course/teacher/solutions/web.c %s", directory)),
                     0);
    setenv("GRADE", "umask 077; bin/grade", 1);
    expect_grade(0, "  3 of 3.", "%s -b get web %s/web.c",
                 geteuid() == 0 ? "-u nobody" : "", directory);
}

TEST(once, a_temporary_directory_that_is_named_from_here_is_not_used)
{
    setenv("GRADE", "TMPDIR=build bin/grade", 1);
    expect_grade(0, "  3 of 3.", "-b get web course/teacher/solutions/web.c");
}

/* docs/grade.md: `make grade` adds the options that a program of the kit needs. */
TEST(once, make_grades_a_program_of_the_kit_by_its_name)
{
    setenv("GRADE", "${MAKE:-make} -s grade ARGS=-1", 1);
    expect_grade(0, "hello 10 of 10", "LAB=hello PROGRAM=bin/hello_srv");
    expect_grade(0, "web 20 of 20", "LAB=web PROGRAM=bin/web_srv");
}

TEST(once, a_relative_command_runs_in_a_directory_with_a_space_and_a_quote)
{
    char *command =
        strdup(formatted("kit=$PWD; mkdir \"%s/it's a\" && cd \"%s/it's a\" && "
                         "cp \"$kit/bin/web_srv\" . && GRADE_DIR=\"$kit/grade\" "
                         "\"$kit/bin/grade\" -1",
                         directory, directory));

    setenv("GRADE", command, 1);
    free(command);
    expect_grade(0, "web 20 of 20", "web './web_srv -d www -p %%p'");
}

TEST(once, a_machine_with_too_few_descriptors_is_unfit)
{
    setenv("GRADE", "ulimit -n 1000; bin/grade", 1);
    expect_grade(2, "it needs 1,200 descriptors", "hello 'bin/hello_srv -p %%p'");
}

/* ---- The report --------------------------------------------------------------------------------- */

TEST(once, the_report_shows_steps_bytes_and_cause)
{
    static const char *const parts[] = {
        "  FAIL   0/6  pieces      a line that comes in two pieces is one line\n",
        "          1  A, B, C are in the room\n"
        "          2  A sends    \"Hello, every\"\n"
        "          3  B sends    \"ping\\r\\n\"\n"
        "          4  C hears    \"ping\"\n"
        "          5  A sends    \"one\\r\\n\"\n"
        "        > 6  C hears    wanted a line ending in \"Hello, everyone\"\n"
        "                        got    \"[127.0.0.1:",
        "] one\\r\\n\"\n",
        "          why  recv() gave half a line, and it was passed on. Keep each "
        "client's\n"
        "               unfinished line.                          "
        "course/6-room.md#pieces\n",
        "  0 of 6.  Next: pieces (6).\n",
        "  Again: bin/grade -b pieces chat 'bin/chat_naive -p %p'\n"};
    int status;
    char *output = grade(&status, "-b pieces chat 'bin/chat_naive -p %%p'");

    ck_assert_int_eq(status, 1);
    for (size_t i = 0; i < COUNT(parts); i++)
        ck_assert_msg(strstr(output, parts[i]) != NULL, "no '%s' in\n%s", parts[i],
                      output);
}

TEST(once, the_report_tells_who_said_a_line_that_no_step_shows)
{
    expect_grade(1, "wanted a line ending in \"B is here 1\", which B has said\n",
                 "-w 0.5 -b deliver chat course/starters/chat.c");
}

TEST(once, one_behaviour_is_shown_with_all_its_steps)
{
    expect_grade(0, "  pass   3/3  line        a line comes back\n          1  A joins\n",
                 "-b line echo 'bin/echo_srv -p %%p'");
}

TEST(once, one_behaviour_that_is_not_tried_is_shown_with_the_failure_that_it_needs)
{
    expect_grade(1, "  FAIL   0/1  start ", "-b two echo 'false %%p'");
    expect_grade(1, "not tried: it needs line\n  0 of 4.  Next: start (1).\n",
                 "-b two echo 'false %%p'");
}

TEST(once, a_long_text_is_never_shown_as_if_it_were_whole)
{
    expect_grade(1, "\"… 1,000 bytes, differs at byte ",
                 "-b long chat 'bin/chat_naive -p %%p'");
}

TEST(once, another_seed_sends_other_bytes_that_mean_the_same)
{
    int status;
    char *output = grade(&status, "-s 5 -b line echo 'bin/echo_srv -p %%p'");

    ck_assert_int_eq(status, 0);
    ck_assert_msg(strstr(output, "\"Hello, server\\n\"") == NULL, "%s", output);
}

TEST(once, there_is_a_line_for_the_board)
{
    expect_grade(1, "echo 28 of 30, next: stall\n",
                 "-w 2 -1 echo 'bin/echo_select_blocking -p %%p'");
}

TEST(once, scripts_get_csv_gradescope_and_autolab)
{
    expect_grade(0,
                 "program,total,of,compiled,start,line,end,again,talker,restart\n"
                 "bin/hello_srv -p %p,10,10,yes,1,3,2,1,2,1\n",
                 "-f csv hello 'bin/hello_srv -p %%p'");
    expect_grade(0, "{\"name\":\"line\",\"score\":3,\"max_score\":3,\"output\":\"",
                 "-f gradescope hello 'bin/hello_srv -p %%p'");
    expect_grade(0, "{\"scores\":{\"hello\":10}}\n",
                 "-f autolab hello 'bin/hello_srv -p %%p'");
}

/* Gradescope takes nothing of results that are not UTF-8 (RFC 8259 8.1). */
TEST(once, what_is_not_utf_8_is_replaced_in_what_a_program_or_a_compiler_says)
{
    temp_write("said.c", "#include <stdio.h>\nint main(void) { "
                         "fputs(\"no \\374 \\302\\233\\n\", stderr); return 3; }\n");
    temp_write("bad.c", "int \374;\n");
    expect_grade(1, "no \xEF\xBF\xBD M-^[", "-f gradescope hello %s/said.c", directory);
    expect_grade(1, "int \xEF\xBF\xBD;", "-f gradescope hello %s/bad.c", directory);
}

/* ---- A class -------------------------------------------------------------------------------- */

static char *run(const char *command)
{
    setenv("GRADE", command, 1);
    return grade(&(int){0}, " ");
}

static void expect_in_file(const char *name, const char *words)
{
    char *text = run(formatted("cat %s/%s;", directory, name));

    ck_assert_msg(strstr(text, words) != NULL, "no '%s' in %s\n%s", words, name, text);
    free(text);
}

TEST(once, a_class_gets_reports_and_a_table)
{
    char *output;

    ck_assert_int_eq(mkdir(temp_path("subs"), 0755), 0);
    /* The teacher's own, in which the users that run the submissions may not go. */
    ck_assert_int_eq(mkdir(temp_path("desk"), 0700), 0);
    temp_write("subs/ann.c", HELLO);
    temp_write("subs/bob\\b, \"jr\".c", "int main( {\n");
    ck_assert_int_eq(symlink("ann.c", temp_path("subs/dee.c")), 0);
    ck_assert_int_eq(symlink("nowhere", temp_path("subs/eve.c")), 0);
    temp_write("subs/cy.py", "print()\n");
    output = run(formatted("RUN_AS=$(test $(id -u) -gt 0 || echo 61000) grade/all hello "
                           "%s/subs %s/desk/marks 2>&1;",
                           directory, directory));
    ck_assert_msg(strstr(output, "ann: 10 of 10\n") != NULL &&
                      strstr(output, "bob\\b, \"jr\": 0 of 10\n") != NULL &&
                      strstr(output, "   1 of 3  talker") != NULL &&
                      strstr(output, "an orderly end (1 not tried)\n") != NULL &&
                      strstr(output, "cy.py is left out: ") != NULL &&
                      strstr(output, "eve.c is left out: ") != NULL,
                  "%s", output);
    free(output);
    expect_in_file("desk/marks/ann.txt", "grade hello   ann.c");
    expect_in_file("desk/marks/ann.txt", "  10 of 10.");
    expect_in_file("'desk/marks/bob\\b, \"jr\".txt'", "error:");
    expect_in_file("desk/marks/hello.csv",
                   "name,total,start,line,end,again,talker,restart,compiled\n"
                   "ann,10,1,3,2,1,2,1,yes\n\"bob\\b, \"\"jr\"\"\",0,,,,,,,no\n"
                   "dee,10,1,3,2,1,2,1,yes\n");
}

TEST(once, a_class_can_be_graded_by_a_teachers_own_scenes)
{
    ck_assert_int_eq(mkdir(temp_path("subs"), 0755), 0);
    ck_assert_int_eq(mkdir(temp_path("subs/ann"), 0755), 0);
    temp_write("subs/ann/own.c", HELLO);
    temp_write("own.lab", "lab own 7 \"my own\"\nbehaviour line 7 \"a line\"\n"
                          "  A joins\n  A hears a line\n  why \"the cause\"\n");
    free(run(formatted("RUN_AS=$(test $(id -u) -gt 0 || echo 61000) grade/all "
                       "%s/own.lab %s/subs %s/marks 2>&1;",
                       directory, directory, directory)));
    expect_in_file("marks/own.csv", "name,total,line,compiled\nann,7,7,yes\n");
}

/* Root can copy and remove everything, so cp fails here by itself. */
TEST(once, a_submission_that_cannot_be_copied_or_removed_does_not_spoil_the_table)
{
    char *output;

    ck_assert_int_eq(mkdir(temp_path("subs"), 0755), 0);
    ck_assert_int_eq(mkdir(temp_path("subs/bob"), 0755), 0);
    temp_write("subs/ann.c", HELLO);
    temp_write("subs/bob/hello.c", HELLO);
    temp_write("subs/cy.c", HELLO);
    ck_assert_int_eq(chmod(temp_path("subs/bob"), 0555), 0);
    temp_write("cp", "#!/bin/sh\ncase $* in *cy.c*) echo no cy >&2; exit 1 ;; esac\n"
                     "PATH=${PATH#*:} exec cp \"$@\"\n");
    ck_assert_int_eq(chmod(temp_path("cp"), 0755), 0);
    output = run(formatted("RUN_AS=$(test $(id -u) -gt 0 || echo 61000) PATH=%s:$PATH "
                           "grade/all hello %s/subs %s/marks 2>&1;",
                           directory, directory, directory));
    ck_assert_int_eq(chmod(temp_path("subs/bob"), 0755), 0);
    ck_assert_msg(strstr(output, "bob: 10 of 10\n") != NULL &&
                      strstr(output, "cy: could not be graded, see ") != NULL,
                  "%s", output);
    free(output);
    expect_in_file("marks/cy.txt", "no cy\n");
    expect_in_file("marks/hello.csv", "compiled\nann,10,1,3,2,1,2,1,yes\nbob,10,1");
}

TEST(once, what_could_not_be_graded_is_missing_in_the_table_and_told)
{
    char *output;
    int status;

    ck_assert_int_eq(mkdir(temp_path("subs"), 0755), 0);
    setenv("GRADE",
           formatted("RUN_AS=$(test $(id -u) -gt 0 || echo 61000) SEED=none grade/all "
                     "hello %s/subs %s/marks",
                     directory, directory),
           1);
    output = grade(&status, " ");
    ck_assert_int_eq(status, 2);
    ck_assert_ptr_null(strstr(output, "is left out")); /* not one that is called '*' */
    free(output);
    temp_write("subs/ann.c", HELLO);
    output = grade(&status, " ");
    ck_assert_int_eq(status, 2);
    ck_assert_msg(strstr(output, "1 of 1 could not be graded") != NULL &&
                      strstr(output, "cannot open") == NULL,
                  "%s", output);
    free(output);
    expect_in_file("marks/ann.txt", "-s takes a number");
    expect_in_file("marks/hello.csv", ",restart,compiled\n");
}

/* As Gradescope unpacks it and runs it, in another place. */
TEST(once, gradescope_gets_a_zip_that_works)
{
    if (lacks("zip") || lacks("unzip"))
        return;
    temp_write("hello.c", HELLO);
    free(run(formatted(
        "zip=$PWD/build/gradescope-hello.zip; grade/gradescope hello && cd %s && "
        "mkdir source submission && mv hello.c submission && cd source && "
        "unzip -q \"$zip\" && AUTOGRADER=%s && export AUTOGRADER && ./setup.sh && "
        "./run_autograder;",
        directory, directory)));
    expect_in_file("results/results.json", "\"score\":3,\"max_score\":3");
}

/* ---- Hostile programs ------------------------------------------------------------------------------ */

static const struct {
    const char *what, *words;
} hostile[] = {
    {"forks", "accepts connections on port"},
    {"child", " of 10."},
    {"lines", " of 10."},
    {"term", " of 10."},
    {"stdout", "accepts connections on port"},
    {"disk", "it ended: SIGXFSZ: a file of over 16 MB"},
    {"memory", "it ended: SIGABRT"},
    {"sends", "it sent over 16 MiB that nobody had asked for"},
    {"exits", "it ended: status 0"},
    {"megabyte", " of 10."},
    {"closes", " of 10."},
    {"elsewhere", "accepts connections on port"},
    {"complains", "| complaint 5 \\033[2J\n"},
};

/* The directory's name tells its processes from others. */
static void copy_hostile_srv(void)
{
    ck_assert_int_eq(system(formatted("cp build/hostile_srv %s", directory)), 0);
}

/* The first letter is in brackets, so that the search does not find itself. */
static const char *search(void)
{
    return formatted("ps -A -o args | grep '^[%c]%s/hostile_srv'", directory[0],
                     directory + 1);
}

static void expect_nothing_left(const char *what)
{
    ck_assert_msg(system(formatted("! %s", search())) == 0,
                  "hostile_srv %s has left something", what);
}

/* Root tries both: with -u and without. */
TEST(each_hostile, a_hostile_program_ends_leaves_nothing_and_has_a_report)
{
    bool is_root = geteuid() == 0;
    const char *what = hostile[_i].what, *words = hostile[_i].words;

    copy_hostile_srv();
    expect_grade(1, words, "-w 1 %s hello '%s/hostile_srv %s %%p'",
                 is_root ? "-u nobody" : "", directory, what);
    expect_nothing_left(what);
    if (is_root) {
        expect_grade(1, words, "-w 1 hello '%s/hostile_srv %s %%p'", directory, what);
        expect_nothing_left(what);
    }
}

TEST(once, a_signal_ends_the_grader_also_while_the_program_is_made)
{
    static const char script[] =
        "bin/grade hello %s >/dev/null 2>&1 & grader=$!; "
        "until [ -e %s/begun ]; do sleep 0.05; done; kill -TERM $grader; wait $grader; "
        "[ $? = 2 ] && ! [ -e %s/over ]";

    temp_write("Makefile", "hello:\n\ttouch begun; sleep 60; touch over\n");
    if (geteuid() == 0)
        ck_assert_int_eq(chmod(directory, 0777), 0);
    ck_assert_int_eq(system(formatted(script, directory, directory, directory)), 0);
}

/* In a network of its own, whose clients get ports from 10,240 on. */
TEST(once, two_graders_find_ports_side_by_side_also_if_the_systems_begin_low)
{
    if (lacks("ps") || !is_allowed("unshare -n"))
        return;
    setenv("GRADE",
           "unshare -n sh -c 'echo 10240 60999 >/proc/sys/net/ipv4/ip_local_port_range; "
           "bin/grade -w 20 hello \"build/hostile_srv elsewhere %p\" >/dev/null & "
           "other=$!; until ps -A -o ppid | grep -qw $other; do sleep 0.05; done; "
           "bin/grade -1 hello \"bin/hello_srv -p %p\"; kill $other; wait'",
           1);
    expect_grade(0, "hello 10 of 10\n", " ");
}

/* With the hard limit Linux sends SIGKILL, which would not say why. */
TEST(once, a_program_that_has_used_up_its_processor_time_is_told_so)
{
    setenv("GRADE", "ulimit -t 3; bin/grade", 1);
    expect_grade(1, "it ended: SIGXCPU: over 60 s of processor time",
                 "-w 20 hello 'sh %s'", temp_write("spins", "while :; do :; done\n"));
}

/* Both waits end when the test's time is over. */
TEST(once, a_program_ends_with_its_grader_also_as_another_user)
{
    static const char script[] =
        "bin/grade %s -w 60 hello '%s/hostile_srv elsewhere %%p' >/dev/null 2>&1 & "
        "grader=$!; until %s >/dev/null; do sleep 0.05; done; kill -KILL $grader; "
        "while %s >/dev/null; do sleep 0.05; done";

    copy_hostile_srv();
    for (int as_user = 0; as_user <= (geteuid() == 0); as_user++)
        ck_assert_int_eq(system(formatted(script, as_user ? "-u nobody" : "", directory,
                                          search(), search())),
                         0);
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "scenes",
         .tests = &each_mistake,
         .set_up = make_directory,
         .times = COUNT(mistakes)},
        {.name = "grade", .tests = &once, .set_up = make_directory},
        {.name = "hostile",
         .tests = &each_hostile,
         .set_up = make_directory,
         .times = COUNT(hostile)},
    };

    return run_cases("grade", cases, COUNT(cases));
}
