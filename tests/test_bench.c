/*
 * The load generators notice what a server does wrong, and say it in their rows; and of
 * the rows of a bench come a table and data for plots. build/bad_server has the faults.
 */
#include "tests/harness.h"

#include "load/report.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BAD_SERVER "build/bad_server"

/* ---- A generator's row -------------------------------------------------------------- */

struct row {
    int status; /* the generator's */
    char names[2048], values[2048];
};

/* Everything that a program prints until its end, as a string; and its status. */
static char *output_of(struct program *program, int *status)
{
    char *text;

    while (stream_fill(&program->out))
        continue;
    *status = program_wait(program);
    ck_assert_msg(program->err.length == 0, "it complained: %.*s",
                  (int)program->err.length, program->err.bytes);
    text = malloc(program->out.length + 1);
    ck_assert_ptr_nonnull(text);
    if (program->out.length > 0)
        memcpy(text, program->out.bytes, program->out.length);
    text[program->out.length] = '\0';
    stream_close(&program->out);
    stream_close(&program->err);
    return text;
}

/* Takes the last line off `text`, and copies it. */
static void take_last_line(char *text, char *line, size_t size)
{
    size_t length = strlen(text);
    char *begin;

    ck_assert_msg(length > 0 && text[length - 1] == '\n', "no last line: '%s'", text);
    text[length - 1] = '\0';
    begin = strrchr(text, '\n');
    begin = begin == NULL ? text : begin + 1;
    ck_assert_uint_lt(strlen(begin), size);
    (void)strcpy(line, begin);
    *begin = '\0';
}

static struct row row_of(struct program *generator)
{
    struct row row;
    char *text = output_of(generator, &row.status);

    take_last_line(text, row.values, sizeof row.values);
    take_last_line(text, row.names, sizeof row.names);
    free(text);
    return row;
}

/* The field of a column, for as long as nobody asks for the next. */
static const char *field(const struct row *row, const char *column)
{
    static char found[200];
    const char *name = row->names, *value = row->values;
    size_t size = strlen(column);

    while (strncmp(name, column, size) != 0 ||
           (name[size] != ',' && name[size] != '\0')) {
        name = strchr(name, ',');
        value = strchr(value, ',');
        ck_assert_msg(name != NULL && value != NULL, "no column %s in '%s'", column,
                      row->names);
        name++;
        value++;
    }
    (void)snprintf(found, sizeof found, "%.*s", (int)strcspn(value, ","), value);
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

/* The row has this fault in it, and the status tells of it too. */
static void expect_fault(const struct row *row, const char *column)
{
    expect_outcome(row, "incomplete", 1);
    ck_assert_msg(figure(row, column) > 0, "no %s: %s", column, row->values);
}

/* ---- Chat --------------------------------------------------------------------------- */

/* Five clients, two of them talking with ten lines in flight: bursts, so that faults come
 * in the middle of them. */
static struct row chat(const char *fault)
{
    struct program generator;

    program_start(&generator, "CHAT_LOAD", "bin/chat_load", "-CC", "-c", "5", "-s", "2",
                  "-f", "10", "-t", "0.1", BAD_SERVER, "chat", fault, NULL);
    return row_of(&generator);
}

START_TEST(a_chat_server_that_is_right_is_found_to_be_so)
{
    struct row row = chat("none");

    expect_outcome(&row, "complete", 0);
    ck_assert(figure(&row, "lines_sent") >= 20); /* they were in flight at once */
    ck_assert(figure(&row, "deliveries") > 0);
    ck_assert(figure(&row, "unnamed_lines") > 0);
    ck_assert(figure(&row, "lost_deliveries") == 0);
    ck_assert(figure(&row, "damaged_lines") == 0);
    ck_assert(figure(&row, "out_of_order_deliveries") == 0);
    ck_assert(figure(&row, "duplicates_lines") == 0);
    ck_assert(figure(&row, "latency_p50_us") > 0);
    ck_assert(figure(&row, "latency_p99_us") >= figure(&row, "latency_p50_us"));
    ck_assert(figure(&row, "generator_share") > 0);
    ck_assert(figure(&row, "all_told_s") >= figure(&row, "connected_s"));
}
END_TEST

START_TEST(a_line_that_never_comes_is_lost_at_each_client)
{
    struct row row = chat("lose");

    expect_fault(&row, "lost_deliveries");
    ck_assert((long)figure(&row, "lost_deliveries") % 4 == 0); /* all but the sender */
    ck_assert(figure(&row, "damaged_lines") == 0);
}
END_TEST

START_TEST(half_a_line_is_damaged_and_lost)
{
    struct row row = chat("cut");

    expect_fault(&row, "damaged_lines");
    ck_assert(figure(&row, "lost_deliveries") == figure(&row, "damaged_lines"));
}
END_TEST

START_TEST(two_lines_glued_together_are_damaged_and_both_are_lost)
{
    struct row row = chat("glue");

    expect_fault(&row, "damaged_lines");
    ck_assert(figure(&row, "lost_deliveries") > figure(&row, "damaged_lines"));
}
END_TEST

START_TEST(a_line_that_comes_twice_is_a_duplicate_and_counts_once)
{
    struct row row = chat("twice");

    expect_fault(&row, "duplicates_lines");
    ck_assert(figure(&row, "lost_deliveries") == 0);
}
END_TEST

START_TEST(a_line_after_its_next_one_is_out_of_order_and_not_lost)
{
    struct row row = chat("swap");

    expect_fault(&row, "out_of_order_deliveries");
    ck_assert(figure(&row, "damaged_lines") == 0);
}
END_TEST

START_TEST(a_line_that_nobody_sent_is_a_fault)
{
    struct row row = chat("stray");

    expect_fault(&row, "stray_lines");
    ck_assert(figure(&row, "damaged_lines") == 0);
}
END_TEST

START_TEST(a_chat_server_that_pauses_and_goes_on_has_lost_nothing)
{
    struct row row = chat("pause");

    expect_outcome(&row, "complete", 0);
    ck_assert(figure(&row, "longest_pause_s") >= 1.9);
}
END_TEST

START_TEST(a_chat_server_that_stalls_has_not_finished_which_is_told_from_a_loss)
{
    struct row row = chat("stall");

    expect_outcome(&row, "unfinished", 1);
    ck_assert(figure(&row, "longest_pause_s") >= 9.9);
    ck_assert(figure(&row, "due_deliveries") > 0);
    ck_assert(figure(&row, "lost_deliveries") == 0);
}
END_TEST

START_TEST(a_chat_server_that_dies_is_told_from_one_that_loses)
{
    struct row row = chat("die");

    expect_outcome(&row, "died", 1);
}
END_TEST

START_TEST(a_greeting_is_no_announcement)
{
    struct row row = chat("greet");

    expect_outcome(&row, "complete", 0);
    ck_assert_str_eq(field(&row, "all_told_s"), "");
}
END_TEST

START_TEST(clients_that_are_told_of_nobody_until_they_speak_are_nudged)
{
    struct row row = chat("shy");

    expect_outcome(&row, "complete", 0);
    ck_assert(figure(&row, "nudged_clients") == 5);
}
END_TEST

START_TEST(a_name_may_look_like_the_beginning_of_a_line)
{
    struct row row = chat("tilde");

    expect_outcome(&row, "complete", 0);
    ck_assert(figure(&row, "unnamed_lines") == 0);
}
END_TEST

/* ---- What it cost ------------------------------------------------------------------- */

START_TEST(the_processor_time_is_the_servers_for_each_delivery)
{
    struct row row = chat("none");
    double each = figure(&row, "server_cpu_a_delivery_ns");
    double all = figure(&row, "server_cpu_s");

    ck_assert(each > 0);
    ck_assert_double_eq_tol(each * figure(&row, "deliveries") / 1e9, all, 0.0006);
}
END_TEST

/* It does so for three times as long as the run: all the lines that come after it have
 * their part of that, too. */
START_TEST(what_a_child_used_that_has_ended_counts)
{
    struct row row = chat("child");
    double all = 4 * figure(&row, "lines_sent");

    expect_outcome(&row, "complete", 0);
    ck_assert(figure(&row, "deliveries") < all);
    ck_assert(figure(&row, "server_cpu_a_delivery_ns") * all > 0.25e9);
    ck_assert(figure(&row, "server_cpu_a_delivery_ns") * all < 0.5e9);
}
END_TEST

START_TEST(what_the_server_used_before_the_run_does_not_count)
{
    struct row row = chat("early");
    double deliveries = 4 * figure(&row, "lines_sent");

    expect_outcome(&row, "complete", 0);
    ck_assert(figure(&row, "server_cpu_a_delivery_ns") * deliveries < 0.3e9);
}
END_TEST

START_TEST(of_a_server_that_the_command_is_not_no_cost_is_known)
{
    struct program server, generator;
    struct row row;
    char port[10];

    /* A shy one: until it has spoken, the command has done all that it does. */
    program_start(&server, "BAD_SERVER", BAD_SERVER, "chat", "shy", NULL);
    program_read_port(&server, "BadServer started on port ");
    (void)snprintf(port, sizeof port, "%d", server.port);
    program_start(&generator, "CHAT_LOAD", "bin/chat_load", "-CC", "-c", "5", "-s", "2",
                  "-t", "0.1", "-p", port, "sleep", "60", NULL);
    row = row_of(&generator);
    ck_assert_int_eq(kill(server.pid, SIGKILL), 0);
    expect_outcome(&row, "complete", 0);
    ck_assert_str_eq(field(&row, "server_cpu_s"), "");
    ck_assert_str_eq(field(&row, "server_memory_kib"), "");
    ck_assert_str_eq(field(&row, "bottleneck"), "");
}
END_TEST

/* One line or message after the other, with 20 ms for each: half of them took as long as
 * the median at least, the other half 20 ms, and all together as long as the run. */
static void expect_latency(struct program *generator, const char *pieces)
{
    struct row row = row_of(generator);
    double median = figure(&row, "latency_p50_us") / 1e6, count = figure(&row, pieces);

    expect_outcome(&row, "complete", 0);
    ck_assert_msg(median > 0.0198, "too short: %s", row.values);
    ck_assert_msg(count / 2 * (median + 0.02) < figure(&row, "run_time_s") * 1.01,
                  "too long: %s", row.values);
}

START_TEST(a_line_takes_from_being_sent_until_it_is_there)
{
    struct program generator;

    program_start(&generator, "CHAT_LOAD", "bin/chat_load", "-CC", "-c", "2", "-s", "1",
                  "-t", "0.3", BAD_SERVER, "chat", "slow", NULL);
    expect_latency(&generator, "deliveries");
    program_start(&generator, "ECHO_LOAD", "bin/echo_load", "-CC", "-c", "1", "-t", "0.3",
                  BAD_SERVER, "echo", "slow", NULL);
    expect_latency(&generator, "round_trips");
}
END_TEST

START_TEST(the_memory_is_the_servers)
{
    struct program generator;
    struct row row;

    program_start(&generator, "ECHO_LOAD", "bin/echo_load", "-CC", "-c", "1", "-t", "0.1",
                  BAD_SERVER, "echo", "large", NULL);
    row = row_of(&generator);
    ck_assert(figure(&row, "server_memory_kib") > 19000);
    ck_assert(figure(&row, "server_memory_kib") < 40000);
}
END_TEST

START_TEST(whoever_is_busy_sets_the_pace)
{
    static const struct {
        double server, generator;
        const char *who;
    } cases[] = {{0.95, 0.5, "server"},
                 {0.5, 0.95, "generator"},
                 {0.95, 0.95, "both"},
                 {0.85, 0.85, "neither"},
                 {-1, 0.95, ""}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cost cost = {.seconds = 2,
                            .server_cpu = 2 * cases[i].server,
                            .own_cpu = 2 * cases[i].generator};
        ck_assert_str_eq(report_bottleneck(&cost), cases[i].who);
    }
}
END_TEST

START_TEST(a_histogram_knows_the_median_the_slowest_and_all_between)
{
    static struct histogram histogram;
    static const double percents[] = {1, 25, 50, 90, 99};

    for (uint64_t i = 1; i <= 1000; i++)
        histogram_add(&histogram, i);
    for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++) {
        double value = (double)histogram_percentile(&histogram, percents[i]);
        ck_assert_double_eq_tol(value, 10 * percents[i], 0.08 * percents[i] + 1);
    }
    ck_assert_uint_eq(histogram_percentile(&histogram, 100), 1000);
}
END_TEST

/* ---- The command -------------------------------------------------------------------- */

START_TEST(a_server_that_does_not_say_its_port_is_given_one)
{
    struct program generator;
    struct row row;

    program_start(&generator, "CHAT_LOAD", "bin/chat_load", "-CC", "-c", "5", "-s", "2",
                  "-t", "0.1", "sh", "-c", "exec bin/pchatsrv -p $0 >/dev/null", "%p",
                  NULL);
    row = row_of(&generator);
    expect_outcome(&row, "complete", 0);
}
END_TEST

/* row_of() waits until all that have its standard error are gone: servers too. */
START_TEST(a_server_that_a_shell_started_is_measured_and_ends_with_it)
{
    struct program generator;
    struct row row;

    program_start(&generator, "CHAT_LOAD", "bin/chat_load", "-CC", "-c", "5", "-s", "2",
                  "-t", "0.2", "sh", "-c", "bin/pchatsrv -p 0; true", NULL);
    row = row_of(&generator);
    expect_outcome(&row, "complete", 0);
    ck_assert(figure(&row, "server_cpu_s") > 0);
}
END_TEST

START_TEST(what_a_server_that_ended_has_started_is_ended)
{
    struct program generator;
    struct row row;

    program_start(&generator, "CHAT_LOAD", "bin/chat_load", "-CC", "sh", "-c",
                  "echo port 1; sleep 60 & exit", NULL);
    row = row_of(&generator);
    expect_outcome(&row, "died", 1);
}
END_TEST

START_TEST(a_generator_that_is_interrupted_ends_the_server_and_says_so)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct program generator;
        struct row row;

        program_start(&generator, "CHAT_LOAD", "bin/chat_load", "-CC", "-t", "60", "sh",
                      "-c", "echo up >&2; bin/pchatsrv -p $0; true", "%p", NULL);
        expect_lf(&generator.err, "up");
        ck_assert_int_eq(kill(generator.pid, signals[i]), 0);
        row = row_of(&generator);
        expect_outcome(&row, "interrupted", 1);
    }
}
END_TEST

/* ---- Echo --------------------------------------------------------------------------- */

/* Fifteen messages at once: whatever the machine's speed, there is a faulty one. */
static struct row echo(const char *way, const char *kind, const char *fault)
{
    struct program generator;

    program_start(&generator, "ECHO_LOAD", "bin/echo_load", "-CC", "-c", "3", "-f", "5",
                  "-t", "0.1", "-m", "500", way, BAD_SERVER, kind, fault, NULL);
    return row_of(&generator);
}

START_TEST(an_echo_server_that_is_right_is_found_to_be_so)
{
    struct row row = echo("-i20", "echo", "none");

    expect_outcome(&row, "complete", 0);
    ck_assert(figure(&row, "round_trips") > 0);
    ck_assert(figure(&row, "idle_connections") == 20);
    ck_assert(figure(&row, "lost") + figure(&row, "damaged") == 0);
    ck_assert(figure(&row, "latency_p50_us") > 0);
}
END_TEST

START_TEST(one_bit_of_the_last_byte_that_is_not_what_was_sent_is_damage)
{
    struct row row = echo("-i0", "echo", "change");

    expect_fault(&row, "damaged");
}
END_TEST

START_TEST(one_byte_more_than_was_sent_is_damage)
{
    struct row row = echo("-i0", "echo", "more");

    expect_fault(&row, "damaged");
}
END_TEST

START_TEST(a_connection_that_the_server_ends_is_counted)
{
    struct row row = echo("-i0", "echo", "close");

    expect_fault(&row, "closed_connections");
}
END_TEST

START_TEST(so_many_connections_are_opened_and_no_more)
{
    struct program generator;
    struct row row;

    program_start(&generator, "ECHO_LOAD", "bin/echo_load", "-CC", "-o", "-c", "3", "-n",
                  "50", "-t", "20", BAD_SERVER, "echo", "none", NULL);
    row = row_of(&generator);
    ck_assert(figure(&row, "round_trips") == 50);
    ck_assert(figure(&row, "run_time_s") < 20);
}
END_TEST

START_TEST(a_datagram_that_is_right_is_found_to_be_so)
{
    struct row row = echo("-u", "datagram", "none");

    expect_outcome(&row, "complete", 0);
    ck_assert(figure(&row, "round_trips") > 0);
}
END_TEST

START_TEST(a_datagram_that_never_comes_back_is_lost)
{
    struct row row = echo("-u", "datagram", "lose");

    expect_fault(&row, "lost");
    ck_assert(figure(&row, "damaged") == 0);
}
END_TEST

START_TEST(a_datagram_with_one_bit_changed_is_damaged)
{
    struct row row = echo("-u", "datagram", "change");

    expect_fault(&row, "damaged");
}
END_TEST

START_TEST(a_datagram_that_comes_twice_is_a_duplicate)
{
    struct row row = echo("-u", "datagram", "twice");

    expect_fault(&row, "duplicates");
    ck_assert(figure(&row, "lost") == 0);
}
END_TEST

START_TEST(wrong_usage_is_told)
{
    expect_wrong_usage("CHAT_LOAD", "bin/chat_load", NULL, NULL);
    expect_wrong_usage("CHAT_LOAD", "bin/chat_load", "-c1", "x");
    expect_wrong_usage("CHAT_LOAD", "bin/chat_load", "-t0", "x");
    expect_wrong_usage("ECHO_LOAD", "bin/echo_load", "-uo", "x");
    expect_wrong_usage("ECHO_LOAD", "bin/echo_load", "-ui1", "x");
    expect_wrong_usage("ECHO_LOAD", "bin/echo_load", "-m0", "x");
    expect_wrong_usage("BARE_SENDS", "bin/bare_sends", "-k2000000", NULL);
    expect_wrong_usage("BARE_SENDS", "bin/bare_sends", "operand", NULL);
    expect_wrong_usage("BENCH_RUN", "bench/run", "-r0", NULL);
    expect_wrong_usage("BENCH_RUN", "bench/run", "-t0.0", NULL);
    expect_wrong_usage("BENCH_RUN", "bench/run", "-t.", NULL);
    expect_wrong_usage("BENCH_RUN", "bench/run", "operand", NULL);
}
END_TEST

START_TEST(figures_that_cannot_be_written_are_a_failure)
{
    struct program generator;

    program_start_by(&generator, "exec \"$@\" >/dev/full", "BARE_SENDS", "bin/bare_sends",
                     "-t", "0.05", NULL);
    ck_assert_int_eq(program_wait(&generator), 1);
    ck_assert_uint_gt(generator.err.length, 0);
}
END_TEST

START_TEST(bare_sends_are_read_to_the_last)
{
    struct program generator;
    struct row row;

    program_start(&generator, "BARE_SENDS", "bin/bare_sends", "-CC", "-c", "100", "-k",
                  "1000", "-t", "0.1", NULL);
    row = row_of(&generator);
    ck_assert_int_eq(row.status, 0);
    ck_assert(figure(&row, "sender_share") <= 100);
    ck_assert_msg(figure(&row, "reader_share") <= 100, "the clock had stopped: %s",
                  row.values);
    ck_assert(figure(&row, "line_rate_a_second") > 0);
    ck_assert(figure(&row, "sender_cpu_a_line_ns") > 0);
}
END_TEST

/* ---- The table ---------------------------------------------------------------------- */

static char directory[] = "/tmp/bench-test-XXXXXX";

static void write_file(const char *name, const char *text)
{
    char path[100];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static char *read_file(const char *name)
{
    char path[100], *text = calloc(1, 65536);
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    file = fopen(path, "r");
    ck_assert_msg(file != NULL && text != NULL, "no %s", path);
    (void)!fread(text, 1, 65535, file);
    (void)fclose(file);
    return text;
}

static void expect_in(const char *name, const char *text)
{
    char *all = read_file(name);

    ck_assert_msg(strstr(all, text) != NULL, "no '%s' in %s:\n%s", text, name, all);
    free(all);
}

static void expect_not_in(const char *name, const char *text)
{
    char *all = read_file(name);

    ck_assert_msg(strstr(all, text) == NULL, "'%s' in %s:\n%s", text, name, all);
    free(all);
}

static void directory_make(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void directory_remove(void)
{
    DIR *entries = opendir(directory);
    struct dirent *entry;
    char path[400];

    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        (void)unlink(path);
    }
    if (entries != NULL)
        (void)closedir(entries);
    (void)snprintf(path, sizeof path, "%s/new/pid", directory);
    (void)unlink(path);
    *strrchr(path, '/') = '\0';
    (void)rmdir(path);
    (void)rmdir(directory);
}

static void summarize(void)
{
    struct program program;
    int status;

    program_start(&program, "SUMMARIZE", "bench/summarize", directory, NULL);
    free(output_of(&program, &status));
    ck_assert_int_eq(status, 0);
}

static const char machine[] = "cores=2\nsystem=Test\ndate=2026-11-21\nrounds=3\n"
                              "seconds=0.3\nload=0.9\nleft_out=socat\n";

START_TEST(figures_are_medians_and_a_server_that_loses_lines_is_not_ranked)
{
    write_file("machine", machine);
    write_file("chat.csv",
               "round,trial,server,delivery_rate_a_second,latency_p50_us,lost_share,"
               "bottleneck,outcome\n"
               "1,chat 100 20 1,pchatsrv,3000,5.0,0.00,generator,complete\n"
               "1,chat 100 20 1,chat_naive,500,9.0,0.00,neither,complete\n"
               "1,chat 100 20 1,ncat,9000,9.0,25.00,neither,incomplete\n"
               "2,chat 100 20 1,pchatsrv,2000,7.0,0.00,generator,complete\n"
               "2,chat 100 20 1,chat_naive,400,9.0,0.00,neither,complete\n"
               "2,chat 100 20 1,ncat,9000,9.0,25.00,neither,complete\n"
               "3,chat 100 20 1,pchatsrv,10000,6.0,0.00,neither,complete\n"
               "3,chat 100 20 1,chat_naive,600,9.0,0.00,neither,complete\n");
    summarize();
    expect_in("table.md", "| 100, 20, 1 | `pchatsrv` * | 3,000 (2,000-10,000) |  | 6 |");
    expect_in("table.md",
              "| 100, 20, 1 | `chat_naive` | 500 (400-600) | 17% of that | 9 |");
    expect_in(
        "table.md",
        "`ncat` (2 runs) | 9,000 (9,000-9,000) | not ranked: 25% of the lines lost");
    expect_in("headline.md",
              "`pchatsrv` * 3,000 deliveries/s | `chat_naive` 17% of that; "
              "`ncat` (2 runs) 25% of the lines lost or cut |");
    expect_in("headline.md", "left out: socat");
    expect_in("headline.md", "The machine was busy");
    expect_in("chat.dat",
              "clients \"pchatsrv (100 *)\" chat_naive \"ncat (100: 25% of the lines "
              "lost or cut)\"\n100 0.003 0.0005 ?\n");
}
END_TEST

START_TEST(where_ours_is_not_the_fastest_it_says_so_and_so_it_does_of_cpu)
{
    write_file("machine", machine);
    write_file("chat.csv", "round,trial,server,delivery_rate_a_second,"
                           "server_cpu_a_delivery_ns,outcome\n"
                           "1,chat 100 1 1,pchatsrv,150000,3753,complete\n"
                           "1,chat 100 1 1,chat_naive,225000,2206,complete\n");
    summarize();
    expect_in("headline.md", "| `chat_naive` (1 run) 1.5 times that |");
    expect_in("headline.md",
              "| server CPU a delivered line | `pchatsrv` (1 run) 3,800 ns "
              "| `chat_naive` (1 run) 59% of that |");
    expect_in("table.md", "| 2,206 | 59% of that |");
}
END_TEST

/* 4% is the same, a large difference is told whatever the ranges are, and what was the
 * other way round in another round is told to be so. */
START_TEST(a_difference_is_hidden_by_no_noise)
{
    write_file("machine", machine);
    write_file("echo.csv", "round,trial,server,round_trip_rate_a_second,outcome\n"
                           "1,echo 50 64,echo_srv,100000,complete\n"
                           "1,echo 50 64,echo_epoll,104000,complete\n"
                           "1,echo 50 64,echo_fork,70000,complete\n"
                           "1,echo 50 64,socat,120000,complete\n"
                           "2,echo 50 64,echo_srv,900000,complete\n"
                           "2,echo 50 64,echo_epoll,940000,complete\n"
                           "2,echo 50 64,echo_fork,130000,complete\n"
                           "2,echo 50 64,socat,130000,complete\n");
    summarize();
    expect_in("headline.md", "`echo_epoll` (2 runs) the same; "
                             "`echo_fork` (2 runs) 20% of that; "
                             "`socat` (2 runs) 25% of that, not always |");
}
END_TEST

START_TEST(what_select_costs_is_the_lowest_of_the_runs_and_is_said_to_be)
{
    write_file("machine", machine);
    write_file("select.csv", "round,trial,server,server_cpu_a_round_trip_ns,outcome\n"
                             "1,select 1000,echo_srv,90000,complete\n"
                             "2,select 1000,echo_srv,50000,complete\n"
                             "3,select 1000,echo_srv,70000,complete\n");
    summarize();
    expect_in("headline.md", "CPU a turn, the lowest of the runs | `echo_srv` 50 us |");
    expect_in("table.md", "server CPU a round trip, us, the lowest |");
    expect_in("table.md", "| 50.0 (50.0-90.0) |");
    expect_in("select.dat", "1000 50\n");
}
END_TEST

START_TEST(ten_is_more_than_nine)
{
    write_file("machine", "cores=40\nrounds=10\nload=9.5\n");
    write_file("echo.csv", "round,trial,server,round_trip_rate_a_second,outcome\n"
                           "1,echo 50 64,echo_srv,100000,complete\n"
                           "2,echo 50 64,echo_srv,100000,complete\n");
    summarize();
    expect_in("headline.md", "`echo_srv` (2 runs)");
    expect_not_in("headline.md", "The machine was busy");
}
END_TEST

START_TEST(figures_are_rounded_to_two_digits)
{
    static const char *const rates[][2] = {
        {"0.996", " 1.0 "},    {"9.96", " 10 "},          {"1960", " 2,000 "},
        {"135999", "140,000"}, {"996000", "1.0 million"}, {"9960000", "10 million"}};

    write_file("machine", machine);
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        char rows[200];

        (void)snprintf(rows, sizeof rows,
                       "round,trial,server,round_trip_rate_a_second,outcome\n"
                       "1,echo 50 64,echo_srv,%s,complete\n",
                       rates[i][0]);
        write_file("echo.csv", rows);
        summarize();
        expect_in("headline.md", rates[i][1]);
    }
}
END_TEST

START_TEST(bare_sends_are_of_as_many_lines_as_may_be_under_way)
{
    write_file("machine", machine);
    write_file("bare.csv", "round,trial,server,line_rate_a_second,sender_cpu_a_line_ns\n"
                           "1,bare 100 20,bare_sends,9000000,90\n"
                           "1,bare 100 1000,bare_sends,90000000,9\n");
    write_file("chat.csv", "round,trial,server,delivery_rate_a_second,latency_p50_us,"
                           "server_cpu_a_delivery_ns,outcome\n"
                           "1,chat 100 20 1,pchatsrv,3000000,9,100,complete\n"
                           "1,chat 100 20 50,pchatsrv,3000000,9,100,complete\n");
    summarize();
    expect_in("table.md", "| 9 | - | 100 |  | 90% | 33% |");
    expect_in("table.md", "| 9 | - | 100 |  | 9% | 3% |");
    expect_in("headline.md", "| -, 90%, 9% |");
}
END_TEST

START_TEST(without_ours_nobody_else_takes_its_place)
{
    write_file("machine", machine);
    write_file("echo.csv", "round,trial,server,round_trip_rate_a_second,outcome\n"
                           "1,echo 50 64,echo_fork,150000,complete\n");
    summarize();
    expect_in("headline.md", "| `echo_srv` not measured | `echo_fork` (1 run) - |");
}
END_TEST

START_TEST(a_lost_datagram_is_told_beside_the_rate)
{
    write_file("machine", machine);
    write_file("datagram.csv",
               "round,trial,server,round_trips,round_trip_rate_a_second,lost,outcome\n"
               "1,datagram 64,dgram_srv,9000,90000,0,complete\n"
               "1,datagram 64,socat,279,900,1,incomplete\n");
    summarize();
    expect_in("headline.md", "`socat` (1 run) 1.0% of that, 1 of 280 lost |");
}
END_TEST

START_TEST(who_was_not_let_in_is_told_where_it_was_not_tried_again)
{
    write_file("machine", machine);
    write_file("chat.csv", "round,trial,server,delivery_rate_a_second,outcome\n"
                           "1,chat 900 1 1,pchatsrv,9000,complete\n"
                           "1,chat 900 1 1,ncat,,not joined\n"
                           "1,chat 900 180 1,pchatsrv,9000,complete\n");
    summarize();
    expect_in("headline.md", "| `ncat` not everyone got in |");
}
END_TEST

START_TEST(a_run_that_is_too_short_is_not_published)
{
    struct program program;

    write_file("machine", machine);
    write_file("headline.md", "");
    write_file("chat.svg", "");
    write_file("select.svg", "");
    program_start(&program, "PUBLISH", "bench/publish", directory, NULL);
    ck_assert_int_eq(program_wait(&program), 1);
    expect_lf(&program.err, "publish: %s is of fewer than 5 rounds: run 'make bench'",
              directory);
}
END_TEST

START_TEST(an_interrupted_run_keeps_nothing_and_leaves_no_server)
{
    struct program program;

    write_file("machine", machine);
    write_file("chat.csv", "those of the last run\n");
    program_start(&program, "BENCH_RUN", "bench/run", "-t", "60", "-d", directory, NULL);
    do
        ck_assert(stream_fill(&program.out));
    while (memchr(program.out.bytes, '1', program.out.length) == NULL); /* "1 of 170" */
    ck_assert_int_eq(kill(program.pid, SIGTERM), 0);
    ck_assert_int_eq(program_wait(&program),
                     130); /* and all that has its stderr is gone */
    expect_lf(&program.err, "%s", "");
    expect_lf(&program.err,
              "bench/run: interrupted in round 1, chat 10 1 1: nothing of it "
              "is kept");
    expect_in("chat.csv", "those of the last run\n");
    expect_in("machine", "seconds=0.3\n");
    write_file("new", ""); /* there is no directory of this name */
}
END_TEST

START_TEST(a_run_that_fails_keeps_nothing_and_says_so)
{
    struct program program;
    char *line;

    write_file("chat.csv", "those of the last run\n");
    write_file("machine", machine);
    program_start_by(&program, "exec \"$@\" >/dev/full", "BENCH_RUN", "bench/run", "-q",
                     "-d", directory, NULL);
    ck_assert_int_ne(program_wait(&program), 0);
    do
        line = next_line(&program.err);
    while (strstr(line, "bench/run: failed") == NULL);
    ck_assert_ptr_nonnull(strstr(line, ": nothing of it is kept"));
    expect_in("chat.csv", "those of the last run\n");
    write_file("new", "");
}
END_TEST

static void new_of(long pid)
{
    char path[100], text[20];

    (void)snprintf(path, sizeof path, "%s/new", directory);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    (void)snprintf(text, sizeof text, "%ld\n", pid);
    write_file("new/pid", text);
}

START_TEST(two_runs_do_not_write_to_one_directory)
{
    struct program program;

    new_of(getpid());
    program_start(&program, "BENCH_RUN", "bench/run", "-q", "-d", directory, NULL);
    ck_assert_int_eq(program_wait(&program), 1);
    expect_lf(&program.err,
              "bench/run: another run, process %ld, is to write to %s: wait for it, give "
              "another directory, or remove %s/new",
              (long)getpid(), directory, directory);
}
END_TEST

/* Each row has as many fields as the names before it. */
static void expect_well_formed(const char *name)
{
    char *text = read_file(name);
    int wanted = 0, rows = 0;

    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        int fields = 1;

        for (char *at = line; *at != '\0'; at++)
            fields += *at == ',';
        if (rows++ == 0)
            wanted = fields;
        ck_assert_msg(fields == wanted, "%s, row %d: %d fields, not %d: %s", name, rows,
                      fields, wanted, line);
    }
    ck_assert_int_ge(rows, 2);
    free(text);
}

/* In place of ncat: it lets nobody in, and writes down that it was tried. */
static void stub_ncat(void)
{
    char text[200], path[100];

    (void)snprintf(text, sizeof text,
                   "#!/bin/sh\n[ \"$1\" = -l ] || exit 0\necho tried >>%s/tried\n"
                   "exec build/bad_server chat shut \"$6\"\n",
                   directory);
    write_file("ncat", text);
    (void)snprintf(path, sizeof path, "%s/ncat", directory);
    ck_assert_int_eq(chmod(path, 0700), 0);
}

/* Where a run was killed, no more than a few sockets may be open, and one server lets
 * nobody in, which is tried once. */
START_TEST(the_whole_bench_runs_and_ends_in_a_table)
{
    char script[100], *tried;
    static const char *const tables[] = {"chat.csv",     "bare.csv", "echo.csv",
                                         "datagram.csv", "open.csv", "select.csv"};
    struct program program;
    int status;

    write_file("machine", machine);
    new_of(0x7fffffff); /* nobody's */
    stub_ncat();
    (void)snprintf(script, sizeof script, "ulimit -n 100; PATH=%s:$PATH exec \"$@\"",
                   directory);
    program_start_by(&program, script, "BENCH_RUN", "bench/run", "-q", "-d", directory,
                     NULL);
    free(output_of(&program, &status));
    ck_assert_int_eq(status, 0);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        expect_well_formed(tables[i]);
    expect_in("table.md", "| 5, 2, 1 | `pchatsrv`");
    expect_in("table.md", "| 5, 64 | `echo_fork`");
    expect_in("table.md", "| 64 | `dgram_srv`");
    expect_in("table.md", "| 10 | `echo_srv`");
    expect_in("select.dat", "idle echo_srv");
    expect_in("headline.md", "(`ulimit -Hn`), and left out: select 50.");
    tried = read_file("tried");
    ck_assert_str_eq(tried, "tried\n");
    free(tried);
}
END_TEST

int main(void)
{
    const TTest *const generators[] = {
        a_chat_server_that_is_right_is_found_to_be_so,
        a_line_that_never_comes_is_lost_at_each_client,
        half_a_line_is_damaged_and_lost,
        two_lines_glued_together_are_damaged_and_both_are_lost,
        a_line_that_comes_twice_is_a_duplicate_and_counts_once,
        a_line_after_its_next_one_is_out_of_order_and_not_lost,
        a_line_that_nobody_sent_is_a_fault,
        a_chat_server_that_pauses_and_goes_on_has_lost_nothing,
        a_chat_server_that_stalls_has_not_finished_which_is_told_from_a_loss,
        a_chat_server_that_dies_is_told_from_one_that_loses,
        a_greeting_is_no_announcement,
        clients_that_are_told_of_nobody_until_they_speak_are_nudged,
        a_name_may_look_like_the_beginning_of_a_line,
        the_processor_time_is_the_servers_for_each_delivery,
        what_a_child_used_that_has_ended_counts,
        what_the_server_used_before_the_run_does_not_count,
        of_a_server_that_the_command_is_not_no_cost_is_known,
        a_line_takes_from_being_sent_until_it_is_there,
        the_memory_is_the_servers,
        whoever_is_busy_sets_the_pace,
        a_histogram_knows_the_median_the_slowest_and_all_between,
        a_server_that_does_not_say_its_port_is_given_one,
        what_a_server_that_ended_has_started_is_ended,
        a_server_that_a_shell_started_is_measured_and_ends_with_it,
        a_generator_that_is_interrupted_ends_the_server_and_says_so,
        an_echo_server_that_is_right_is_found_to_be_so,
        one_bit_of_the_last_byte_that_is_not_what_was_sent_is_damage,
        one_byte_more_than_was_sent_is_damage,
        a_connection_that_the_server_ends_is_counted,
        so_many_connections_are_opened_and_no_more,
        a_datagram_that_is_right_is_found_to_be_so,
        a_datagram_that_never_comes_back_is_lost,
        a_datagram_with_one_bit_changed_is_damaged,
        a_datagram_that_comes_twice_is_a_duplicate,
        wrong_usage_is_told,
        figures_that_cannot_be_written_are_a_failure,
        bare_sends_are_read_to_the_last,
    };
    const TTest *const tables[] = {
        figures_are_medians_and_a_server_that_loses_lines_is_not_ranked,
        where_ours_is_not_the_fastest_it_says_so_and_so_it_does_of_cpu,
        a_difference_is_hidden_by_no_noise,
        what_select_costs_is_the_lowest_of_the_runs_and_is_said_to_be,
        ten_is_more_than_nine,
        figures_are_rounded_to_two_digits,
        bare_sends_are_of_as_many_lines_as_may_be_under_way,
        without_ours_nobody_else_takes_its_place,
        a_lost_datagram_is_told_beside_the_rate,
        who_was_not_let_in_is_told_where_it_was_not_tried_again,
        a_run_that_is_too_short_is_not_published,
        an_interrupted_run_keeps_nothing_and_leaves_no_server,
        a_run_that_fails_keeps_nothing_and_says_so,
        two_runs_do_not_write_to_one_directory,
        the_whole_bench_runs_and_ends_in_a_table,
    };
    Suite *suite = suite_create("bench");
    TCase *tcase = tcase_create("generators");

    tcase_set_timeout(tcase, 120);
    for (size_t i = 0; i < sizeof generators / sizeof generators[0]; i++)
        tcase_add_test(tcase, generators[i]);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("tables");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, directory_make, directory_remove);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        tcase_add_test(tcase, tables[i]);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
