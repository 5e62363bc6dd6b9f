/*
 * The load generator notices what a server does wrong, and reports it in its row. The rows
 * of a bench become a table and data for pictures. build/bad_server has the faults.
 */
#include "tests/harness.h"

#include "load/run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct tests suite;

#define LINE_LOAD  "bin/line_load"
#define BAD_SERVER "build/bad_server"

/* ---- A generator's row -------------------------------------------------------------- */

struct row {
    int status; /* the generator's */
    char names[2048], values[2048];
};

/* The last two lines of all that the generator prints. */
static struct row row_of(struct program *generator)
{
    struct row row = {0};
    const char *names, *values, *end;

    stream_fill_to_end(&generator->out);
    row.status = program_wait(generator);
    ck_assert_msg(generator->err.length == 0, "it complained: %.*s",
                  (int)generator->err.length, generator->err.bytes);
    ck_assert_uint_gt(generator->out.length, 2);
    end = generator->out.bytes + generator->out.length - 1;
    for (values = end; values[-1] != '\n';)
        values--;
    for (names = values - 1; names[-1] != '\n';)
        names--;
    memcpy(row.names, names, (size_t)(values - 1 - names));
    memcpy(row.values, values, (size_t)(end - values));
    stream_close(&generator->out);
    stream_close(&generator->err);
    return row;
}

/* Runs the generator with these arguments, words for a shell. */
static struct row load(const char *arguments)
{
    struct program generator =
        program_run_by(formatted("exec \"$@\" -C %s", arguments), LINE_LOAD, NULL);

    return row_of(&generator);
}

/* The field of a column, until the next call. */
static const char *field(const struct row *row, const char *column)
{
    static char found[200];
    const char *name = row->names, *value = row->values;
    size_t size = strlen(column);

    while (strncmp(name, column, size) != 0 || strchr(",", name[size]) == NULL) {
        name = strchr(name, ',');
        value = strchr(value, ',');
        ck_assert_msg(name++ != NULL && value++ != NULL, "no column %s in '%s'", column,
                      row->names);
    }
    snprintf(found, sizeof found, "%.*s", (int)strcspn(value, ","), value);
    return found;
}

static double figure(const struct row *row, const char *column)
{
    const char *text = field(row, column);

    ck_assert_msg(text[0] != '\0', "%s is not known: %s", column, row->values);
    return strtod(text, NULL);
}

static void expect_outcome(const struct row *row, const char *outcome, int status)
{
    ck_assert_msg(strcmp(field(row, "outcome"), outcome) == 0, "not %s: %s", outcome,
                  row->values);
    ck_assert_int_eq(row->status, status);
}

/* The row has this fault in it, and the status shows it as well. */
static void expect_fault(const struct row *row, const char *column)
{
    expect_outcome(row, "incomplete", 1);
    ck_assert_msg(figure(row, column) > 0, "no %s: %s", column, row->values);
}

/* ---- Chat --------------------------------------------------------------------------- */

/*
 * Five clients, two of them talking with ten lines in flight: bursts, so that faults come
 * in the middle of them.
 */
static struct row chat(const char *fault)
{
    return load(formatted("-c 5 -s 2 -f 10 -t 0.1 " BAD_SERVER " chat %s", fault));
}

TEST(suite, a_chat_server_that_is_right_is_found_to_be_so)
{
    static const char *const zero[] = {"lost",       "due",   "damaged", "out_of_order",
                                       "duplicates", "stray", "closed",  "nudged"};
    static const char *const more[] = {"arrived", "latency_p50_us", "joined_s"};
    struct row row = chat("none");

    expect_outcome(&row, "complete", 0);
    for (size_t i = 0; i < COUNT(zero); i++)
        ck_assert(figure(&row, zero[i]) == 0);
    for (size_t i = 0; i < COUNT(more); i++)
        ck_assert(figure(&row, more[i]) > 0);
    ck_assert(figure(&row, "generator_percent") >= 0); /* 0 if others have the machine */
    ck_assert(figure(&row, "lines") >= 20);            /* they were in flight at once */
    ck_assert(figure(&row, "latency_p99_us") >= figure(&row, "latency_p50_us"));
}

/* 2,000 lines in all; a machine that stalls may skip some. */
TEST(suite, one_sender_keeps_up_with_a_high_rate)
{
    struct row row = load("-c 2 -s 1 -r 5000 -t 0.4 " BAD_SERVER " chat none");

    expect_outcome(&row, "complete", 0);
    ck_assert_double_gt(figure(&row, "lines"), 1000);
}

TEST(suite, a_line_that_never_comes_is_lost_at_each_client)
{
    struct row row = chat("lose");

    expect_fault(&row, "lost");
    ck_assert((long)figure(&row, "lost") % 4 == 0); /* everyone except the sender */
    ck_assert(figure(&row, "damaged") == 0);
}

TEST(suite, half_a_line_is_damaged_and_lost)
{
    struct row row = chat("cut");

    expect_fault(&row, "damaged");
    ck_assert(figure(&row, "lost") == figure(&row, "damaged"));
}

TEST(suite, two_lines_glued_together_are_damaged_and_both_are_lost)
{
    struct row row = chat("glue");

    expect_fault(&row, "damaged");
    ck_assert(figure(&row, "lost") > figure(&row, "damaged"));
}

TEST(suite, lines_doubled_out_of_order_or_made_up_are_told_apart)
{
    static const char *const faults[][3] = {{"twice", "duplicates", "lost"},
                                            {"swap", "out_of_order", "damaged"},
                                            {"stray", "stray", "damaged"}};

    for (size_t i = 0; i < COUNT(faults); i++) {
        struct row row = chat(faults[i][0]);

        expect_fault(&row, faults[i][1]);
        ck_assert(figure(&row, faults[i][2]) == 0);
    }
}

TEST(suite, a_chat_server_that_pauses_and_goes_on_has_lost_nothing)
{
    struct row row = chat("pause");

    expect_outcome(&row, "complete", 0);
    ck_assert(figure(&row, "longest_pause_s") >= 1);
}

TEST(suite, a_chat_server_that_stalls_has_not_finished_which_is_told_from_a_loss)
{
    struct row row = chat("stall");

    expect_outcome(&row, "unfinished", 1);
    ck_assert(figure(&row, "longest_pause_s") >= 9);
    ck_assert(figure(&row, "due") > 0);
    ck_assert(figure(&row, "lost") == 0);
}

TEST(suite, a_chat_server_that_dies_is_told_from_one_that_loses)
{
    struct row row = chat("die");

    expect_outcome(&row, "died", 1);
}

/* A name may look like the beginning of a line, and servers need not tell who joins. */
TEST(suite, servers_that_behave_differently_may_still_be_right)
{
    static const char *const ways[] = {"tilde", "greet", "rename"};

    for (size_t i = 0; i < COUNT(ways); i++) {
        struct row row = chat(ways[i]);

        expect_outcome(&row, "complete", 0);
        ck_assert(figure(&row, "joined_s") > 0);
    }
}

/* The first client speaks to find out who is in. */
TEST(suite, clients_that_hear_nothing_until_they_speak_are_nudged)
{
    struct row row = chat("shy");

    expect_outcome(&row, "complete", 0);
    ck_assert(figure(&row, "nudged") == 4);
}

/* ---- What it cost ------------------------------------------------------------------- */

/* What it used before the run does not count. */
TEST(suite, the_processor_time_is_the_servers_for_each_delivery)
{
    struct row row = chat("early");
    double each = figure(&row, "server_cpu_ns"), all = figure(&row, "server_cpu_s");

    expect_outcome(&row, "complete", 0);
    ck_assert(each > 0);
    ck_assert_double_eq_tol(each * figure(&row, "arrived") / 1e9, all, 0.0006);
    ck_assert(each * 4 * figure(&row, "lines") < 0.3e9);
}

/*
 * The child runs for three times as long as the run: the lines that come after the run get
 * their share of that time as well.
 */
TEST(suite, what_a_child_used_that_has_ended_counts)
{
    struct row row = chat("child");
    double all = 4 * figure(&row, "lines");

    expect_outcome(&row, "complete", 0);
    ck_assert(figure(&row, "arrived") < all);
    ck_assert(figure(&row, "server_cpu_ns") * all > 0.25e9);
    ck_assert(figure(&row, "server_cpu_ns") * all < 0.5e9);
}

TEST(suite, the_cost_of_a_server_that_the_command_did_not_start_is_unknown)
{
    /* A shy server: before it has spoken, the command has done all its work. */
    struct program server = program_run(BAD_SERVER, "chat", "shy", NULL);
    struct row row;

    program_read_port(&server, "BadServer started on port ");
    row = load(formatted("-c 5 -s 2 -t 0.1 -p %d sleep 60", server.port));
    program_kill(&server, SIGKILL);
    expect_outcome(&row, "complete", 0);
    ck_assert_str_eq(field(&row, "server_cpu_s"), "");
    ck_assert_str_eq(field(&row, "server_kib"), "");
    ck_assert_str_eq(field(&row, "bottleneck"), "");
}

/*
 * One line after the other, 20 ms for each: half of them took at least as long as the
 * median, the other half 20 ms, and all together as long as the run.
 */
TEST(suite, latency_counts_from_sending_a_line_until_it_arrives)
{
    static const char *const servers[] = {"-c 2 -s 1 -t 0.3 build/bad_server chat slow",
                                          "-ec 1 -s 1 -t 0.3 build/bad_server echo slow"};

    for (size_t i = 0; i < COUNT(servers); i++) {
        struct row row = load(servers[i]);
        double median = figure(&row, "latency_p50_us") / 1e6;

        expect_outcome(&row, "complete", 0);
        ck_assert_msg(median > 0.0198, "too short: %s", row.values);
        ck_assert_msg(figure(&row, "arrived") / 2 * (median + 0.02) <
                          figure(&row, "run_s") * 1.01,
                      "too long: %s", row.values);
    }
}

TEST(suite, the_memory_is_the_servers)
{
    struct row row = load("-e -c 1 -s 1 -t 0.1 " BAD_SERVER " echo large");

    ck_assert(figure(&row, "server_kib") > 19000);
    ck_assert(figure(&row, "server_kib") < 40000);
}

static const char *bottleneck(double server, double generator)
{
    struct run run = {.seconds = 2, .server_cpu = 2 * server, .own_cpu = 2 * generator};

    return run_bottleneck(&run);
}

TEST(suite, the_bottleneck_is_who_was_busy)
{
    ck_assert_str_eq(bottleneck(0.95, 0.5), "server");
    ck_assert_str_eq(bottleneck(0.5, 0.95), "generator");
    ck_assert_str_eq(bottleneck(0.95, 0.95), "both");
    ck_assert_str_eq(bottleneck(0.85, 0.85), "neither");
    ck_assert_str_eq(bottleneck(-1, 0.95), "");
}

TEST(suite, a_run_knows_the_median_latency_the_slowest_and_all_between)
{
    static const int64_t units[] = {1, 1000, 1000000, SECOND};
    static const double percents[] = {1, 25, 50, 90, 99};

    for (size_t unit = 0; unit < COUNT(units); unit++) {
        struct run run = {0};

        for (run.now = units[unit]; run.now <= 1000 * units[unit]; run.now += units[unit])
            run_arrived(&run, 0);
        for (size_t i = 0; i < COUNT(percents); i++) {
            double value = (double)run_latency(&run, percents[i]) / (double)units[unit];
            ck_assert_double_eq_tol(value, 10 * percents[i], 0.08 * percents[i] + 1);
        }
        ck_assert_int_eq(run_latency(&run, 100), 1000 * units[unit]);
    }
}

/* ---- The command -------------------------------------------------------------------- */

/* row_of() waits until every process with its standard error is gone: servers too. */
TEST(suite, a_server_that_a_shell_started_is_measured_and_ends_with_it)
{
    struct row row = load("-c 5 -s 2 -t 0.2 sh -c 'bin/pchatsrv -p 0; true'");

    expect_outcome(&row, "complete", 0);
    ck_assert(figure(&row, "server_cpu_ns") > 0);
    /* A server that does not print its port is given one. */
    row = load("-c 5 -s 2 -t 0.1 sh -c 'exec bin/pchatsrv -p $0 >/dev/null' %p");
    expect_outcome(&row, "complete", 0);
}

TEST(suite, what_a_server_that_ended_has_started_is_ended)
{
    struct row row = load("sh -c 'echo port 1; sleep 60 & exit'");

    expect_outcome(&row, "died", 1);
}

TEST(suite, a_generator_that_is_interrupted_ends_the_server_and_says_so)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < COUNT(signals); i++) {
        struct program generator =
            program_run(LINE_LOAD, "-Ct", "60", "sh", "-c",
                        "echo up >&2; bin/pchatsrv -p $0; true", "%p", NULL);
        struct row row;

        expect_lf(&generator.err, "up");
        program_kill(&generator, signals[i]);
        row = row_of(&generator);
        expect_outcome(&row, "interrupted", 1);
    }
}

/* ---- Echo --------------------------------------------------------------------------- */

/* Fifteen messages at once: one is faulty, whatever the machine's speed. */
static struct row echo(const char *clients, const char *fault)
{
    return load(formatted("-e -c %s -s 3 -f 5 -t 0.5 -l 500 " BAD_SERVER " echo %s",
                          clients, fault));
}

TEST(suite, an_echo_server_that_is_right_is_found_to_be_so)
{
    struct row row = echo("23", "none");

    expect_outcome(&row, "complete", 0);
    ck_assert(figure(&row, "arrived") > 0);
    ck_assert(figure(&row, "clients") == 23); /* twenty are idle */
    ck_assert(figure(&row, "lost") + figure(&row, "damaged") == 0);
    ck_assert(figure(&row, "latency_p50_us") > 0);
}

/*
 * A changed bit in the last letter, an extra byte, a message that does not come back, a
 * connection that the server ends.
 */
TEST(suite, each_fault_of_an_echo_server_is_counted)
{
    static const char *const faults[][2] = {{"change", "damaged"},
                                            {"more", "damaged"},
                                            {"lose", "lost"},
                                            {"close", "closed"}};

    for (size_t i = 0; i < COUNT(faults); i++) {
        struct row row = echo("3", faults[i][0]);

        expect_fault(&row, faults[i][1]);
    }
}

/* Each client says a word to get in: the seventh to do so is idle later. */
TEST(suite, data_on_an_idle_connection_is_noticed)
{
    struct row row = echo("13", "more");

    expect_fault(&row, "stray");
}

TEST(suite, wrong_usage_is_told)
{
    expect_usage_error(LINE_LOAD, NULL);
    expect_usage_error(LINE_LOAD, "-c1", "x", NULL);
    expect_usage_error(LINE_LOAD, "-t0", "x", NULL);
    expect_usage_error(LINE_LOAD, "-l23", "x", NULL);
    expect_usage_error(LINE_LOAD, "-p0", "x", NULL);
    expect_usage_error(LINE_LOAD, "-s101", "x", NULL);
    expect_usage_error("bench/run", "-r0", NULL);
    expect_usage_error("bench/run", "-rx", NULL);
    expect_usage_error("bench/run", "operand", NULL);
}

TEST(suite, figures_that_cannot_be_written_are_a_failure)
{
    struct program generator = program_run_by("exec \"$@\" >/dev/full", LINE_LOAD, "-t",
                                              "0.05", BAD_SERVER, "chat", "none", NULL);
    expect_status(&generator, 1);
    ck_assert_uint_gt(generator.err.length, 0);
}

/* ---- The table ---------------------------------------------------------------------- */

static void expect_in(const char *name, const char *text)
{
    static char all[65536];
    const char *path = temp_path(name);
    FILE *file = fopen(path, "r");

    ck_assert_msg(file != NULL, "no %s", path);
    all[fread(all, 1, sizeof all - 1, file)] = '\0';
    fclose(file);
    ck_assert_msg(strstr(all, text) != NULL, "no '%s' in %s:\n%s", text, name, all);
}

/* Runs a command of the shell, which has $directory. Its exit status. */
static int shell(const char *script)
{
    int status = system(formatted("directory='%s'; %s", temp_path(""), script));

    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Makes the tables from these rows. */
static void summarize(const char *rows)
{
    temp_write("machine.md", "Medians of 3 rounds on a machine.\n");
    temp_write("runs.csv", rows);
    ck_assert_int_eq(shell("exec bench/summarize $directory 2>/dev/null"), 0);
}

#define COLUMNS "round,trial,server,server_cpu_ns,lost_percent,bottleneck,outcome\n"

/* The ratios of the rounds are 10, 2 and 3: not that of the medians, 4. */
TEST(suite, figures_are_medians_and_so_are_ratios)
{
    summarize(COLUMNS "2,chat -c 100 -s 20,pchatsrv,100,0,generator,complete\n"
                      "2,chat -c 100 -s 20,chat_naive,1000,0,neither,complete\n"
                      "2,chat -c 100 -s 1,pchatsrv,3753,0,neither,complete\n"
                      "2,chat -c 100 -s 1,chat_naive,2206,0,neither,complete\n"
                      "9,chat -c 100 -s 20,pchatsrv,400,0,generator,complete\n"
                      "9,chat -c 100 -s 20,chat_naive,800,0,generator,complete\n"
                      "10,chat -c 100 -s 20,pchatsrv,200,0,neither,complete\n"
                      "10,chat -c 100 -s 20,chat_naive,600,0,neither,complete\n");
    expect_in("table.md", "20 of 100 talk | 200 ns\\* | chat_naive 3.0x |  |  |  |  |\n");
    expect_in("table.md", "1 of 100 talks | 3.8 us | chat_naive 0.59x |");
    expect_in("table.md", "\n\nMedians of 3 rounds on a machine.\n");
    expect_in("all.md", "| chat -c 100 -s 20 | pchatsrv\\* | 3 |  | 1.0x | 200 |");
    expect_in("all.md", "| chat -c 100 -s 20 | chat_naive | 3 |  | 3.0x | 800 |");
    expect_in("chat.dat", "x pchatsrv chat_naive\n100 5 1.25\n");
}

TEST(suite, a_server_with_a_fault_in_any_round_has_no_ratio_and_no_point)
{
    summarize(COLUMNS "1,chat -c 100 -s 20,pchatsrv,100,0,neither,complete\n"
                      "1,chat -c 100 -s 20,chat_naive,1,60,neither,incomplete\n"
                      "1,chat -c 100 -s 20,ncat,1,0,neither,unfinished\n"
                      "1,chat -c 900 -s 50 -t 1,pchatsrv,100,0,neither,died\n"
                      "1,chat -c 900 -s 50 -t 1,chat_naive,1,0.01,neither,incomplete\n"
                      "1,chat -c 900 -s 50 -t 1,ncat,,,,not connected\n"
                      "2,chat -c 100 -s 20,pchatsrv,100,0,neither,complete\n"
                      "2,chat -c 100 -s 20,chat_naive,1,60,neither,complete\n"
                      "2,chat -c 100 -s 20,ncat,1,0,neither,complete\n");
    expect_in("table.md", "20 of 100 talk | 100 ns | chat_naive 60% lost | ncat stops |");
    expect_in("table.md",
              "50 of 900 talk | died | chat_naive faults | ncat not all got in |");
    expect_in("chat.dat", "100 10 ? ?\n900 ? ? ?\n");
}

TEST(suite, figures_are_rounded_to_two_digits)
{
    static const char *const figures[][2] = {
        {"0.996", " 1.0 ns "}, {"9.96", " 10 ns "},   {"99.4", " 99 ns "},
        {"999.4", " 999 ns "}, {"999.6", " 1.0 us "}, {"135999", " 136 us "}};

    for (size_t i = 0; i < COUNT(figures); i++) {
        summarize(formatted(COLUMNS "1,chat -c 100 -s 1,pchatsrv,%s,0,neither,complete\n",
                            figures[i][0]));
        expect_in("table.md", figures[i][1]);
    }
}

TEST(suite, without_ours_nobody_else_takes_its_place)
{
    summarize(COLUMNS "1,chat -c 100 -s 1,ncat,3000,0,neither,complete\n");
    expect_in("table.md", "1 of 100 talks | - | ncat - |");
}

/* With a README of its own, and a copy of the script beside it. */
static int publish(const char *table)
{
    temp_write("table.md", table);
    temp_write("chat.svg", "the chat's picture");
    temp_write("select.svg", "");
    temp_write("README.md",
               "above\n<!-- from make bench -->\nold\n<!-- end of it -->\nbelow\n");
    return shell(
        "mkdir -p $directory/bench $directory/docs; cp bench/publish $directory/bench;"
        "exec $directory/bench/publish $directory 2>/dev/null");
}

TEST(suite, what_is_published_takes_the_place_of_what_was_unless_it_is_too_short)
{
    ck_assert_int_eq(publish("the table\nMedians of 3 rounds\n"), 1);
    expect_in("README.md", "\nold\n");
    ck_assert_int_eq(publish("the table\nMedians of 15 rounds\n"), 0);
    expect_in("README.md", "above\n<!-- from make bench -->\n\nthe table\nMedians of 15 "
                           "rounds\n\n<!-- end of it -->\nbelow\n");
    expect_in("docs/bench-chat.svg", "the chat's picture");
}

TEST(suite, an_interrupted_run_keeps_nothing_and_leaves_no_server)
{
    struct program program;

    temp_write("runs.csv", "those of the last run\n");
    program = program_run("bench/run", "-d", temp_path(""), NULL);
    take_line(&program.out);
    program_kill(&program, SIGTERM);
    /* Then every process with its standard error is gone. */
    expect_status(&program, 130);
    expect_lf(&program.err, "bench/run: interrupted: no results are kept");
    expect_in("runs.csv", "those of the last run\n");
}

TEST(suite, a_run_that_fails_keeps_nothing_and_says_so)
{
    struct program program;

    temp_write("runs.csv", "those of the last run\n");
    program = program_run_by("exec \"$@\" >/dev/full", "bench/run", "-q", "-d",
                             temp_path(""), NULL);
    ck_assert_int_ne(program_wait(&program), 0);
    skip_to_containing(&program.err, "bench/run: failed: no results are kept");
    expect_in("runs.csv", "those of the last run\n");
}

/* Instead of ncat this runs a server that lets nobody in. */
TEST(suite, the_whole_bench_runs_and_ends_in_a_table)
{
    temp_write("ncat", "#!/bin/sh\nexec build/bad_server chat shut \"$6\"\n");
    ck_assert_int_eq(shell("chmod +x $directory/ncat; export PATH=\"$directory:$PATH\";"
                           "exec bench/run -q -d $directory >/dev/null 2>&1"),
                     0);
    expect_in("all.md", "| chat -c 10 -s 2 | pchatsrv");
    expect_in("all.md", "| chat -c 10 -s 2 | ncat | 1 | not all got in |");
    expect_in("all.md", "| echo -e -c 5 -s 5 -l 64 | echo_fork");
    expect_in("select.dat", "x echo_srv");
    expect_in("table.md", "Medians of 1 round");
    /* Each row has as many fields as the names before it. */
    ck_assert_int_eq(shell("awk -F, 'NR == 1 { n = NF } NF != n { bad = 1 }"
                           "END { exit bad || NR < 10 }' $directory/runs.csv"),
                     0);
}

/* Ports below those that the system and the grader give out: no other test has them. */
static int port_of_rooms(void)
{
    return 7000 + (int)(getpid() % 2500);
}

TEST(suite, a_network_of_rooms_passes_every_line_to_everyone_once)
{
    if (lacks("ngircd"))
        return;
    ck_assert_int_eq(
        shell(formatted("exec bench/network -q -p %d -d $directory 2 >/dev/null 2>&1",
                        port_of_rooms())),
        0);
    ck_assert_int_eq(
        shell("awk -F, 'NR > 1 { n++; bad += $NF != \"complete\" || $8 != 0 ||"
              " $9 != 0 } END { exit bad || n != 2 }' $directory/network.csv"),
        0);
}

TEST(suite, an_interrupted_network_leaves_no_room)
{
    struct program program;

    if (lacks("ngircd") || lacks("nc"))
        return;
    program =
        program_run("bench/network", "-q", "-t", "20", "-p",
                    formatted("%d", port_of_rooms()), "-d", temp_path(""), "1", NULL);
    ck_assert_int_eq(
        shell(formatted("until nc -z 127.0.0.1 %d; do sleep 0.1; done", port_of_rooms())),
        0);
    program_kill(&program, SIGTERM);
    expect_status(&program, 130);
    ck_assert_int_ne(shell(formatted("exec nc -z 127.0.0.1 %d", port_of_rooms())), 0);
}

TEST(suite, a_network_is_not_measured_for_a_time_that_is_wrong)
{
    ck_assert_int_eq(shell("exec bench/network -q -t x -d $directory 1 >/dev/null 2>&1"),
                     2);
    ck_assert_int_eq(shell("! [ -e $directory/network.csv ]"), 0);
}

int main(void)
{
    return run_tests("bench", &suite, NULL);
}
