/* sockopts, compared with what this system says in the test's own process. */
#include "tests/harness.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct tests suite;

#define SOCKOPTS "bin/sockopts"
#define OPTIONS  22

static struct program sockopts;

/* A line of the table, taken apart. */
struct row {
    char name[32], level[16], type[16], value[16], settable[64];
};

static void read_table(const char *letter, struct row *rows)
{
    struct row heading;

    sockopts = program_run(SOCKOPTS, letter, NULL);
    for (int i = -1; i < OPTIONS; i++) {
        struct row *row = i == -1 ? &heading : &rows[i];

        ck_assert_int_eq(sscanf(take_line(&sockopts.out), "%31s %15s %15s %15s %63[^\n]",
                                row->name, row->level, row->type, row->value,
                                row->settable),
                         5);
    }
    expect_success(&sockopts);
}

static const struct row *find(const struct row *rows, const char *name)
{
    for (int i = 0; i < OPTIONS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    ck_abort_msg("%s is not in the table", name);
}

/* What a fresh socket of this system says. */
static int own_default(int type, int option)
{
    int fresh = socket(AF_INET6, type, 0), value = -1;
    socklen_t length = sizeof value;

    if (fresh == -1)
        fresh = socket(AF_INET, type, 0);
    ck_assert_int_eq(getsockopt(fresh, SOL_SOCKET, option, &value, &length), 0);
    close(fresh);
    return value;
}

static void expect_default(const struct row *row, int value)
{
    ck_assert_str_eq(row->level, "SOL_SOCKET");
    ck_assert_str_eq(row->type, "int");
    ck_assert_int_eq(atoi(row->value), value);
}

TEST(suite, row_19_the_table_has_the_defaults_of_a_fresh_socket)
{
    struct row rows[OPTIONS];

    read_table("-t", rows);
    expect_default(find(rows, "SO_SNDBUF"), own_default(SOCK_STREAM, SO_SNDBUF));
    expect_default(find(rows, "SO_RCVBUF"), own_default(SOCK_STREAM, SO_RCVBUF));
    expect_default(find(rows, "SO_TYPE"), SOCK_STREAM);
    ck_assert_str_eq(find(rows, "SO_REUSEADDR")->value, "off");
    ck_assert_str_eq(find(rows, "SO_LINGER")->type, "linger");
    ck_assert_str_eq(find(rows, "SO_RCVTIMEO")->type, "timeval");
    ck_assert_str_eq(find(rows, "TCP_NODELAY")->level, "IPPROTO_TCP");
    ck_assert_str_eq(find(rows, "IPV6_V6ONLY")->level, "IPPROTO_IPV6");
    read_table("-u", rows);
    expect_default(find(rows, "SO_SNDBUF"), own_default(SOCK_DGRAM, SO_SNDBUF));
    expect_default(find(rows, "SO_TYPE"), SOCK_DGRAM);
    ck_assert_str_eq(find(rows, "TCP_NODELAY")->value, "-");
}

TEST(suite, row_19_the_table_says_what_can_be_set)
{
    struct row rows[OPTIONS];
    int on = 1, fresh = socket(AF_INET, SOCK_STREAM, 0);
    bool may_debug = setsockopt(fresh, SOL_SOCKET, SO_DEBUG, &on, sizeof on) == 0;

    read_table("-t", rows);
    ck_assert_str_eq(find(rows, "SO_REUSEADDR")->settable, "yes");
    ck_assert_str_eq(find(rows, "SO_SNDBUF")->settable, "yes");
    ck_assert_str_eq(find(rows, "SO_LINGER")->settable, "yes");
    ck_assert_str_eq(find(rows, "SO_SNDTIMEO")->settable, "yes");
    ck_assert_int_eq(strncmp(find(rows, "SO_TYPE")->settable, "no: ", 4), 0);
    ck_assert_int_eq(strncmp(find(rows, "SO_ERROR")->settable, "no: ", 4), 0);
    ck_assert_int_eq(strncmp(find(rows, "SO_ACCEPTCONN")->settable, "no: ", 4), 0);
    /* Everyone may turn it off. On some systems only root may turn it on. */
    ck_assert_int_eq(strcmp(find(rows, "SO_DEBUG")->settable, "yes") == 0, may_debug);
    close(fresh);
}

TEST(suite, row_19_an_option_is_set_and_what_the_system_made_of_it_is_shown)
{
    int fresh = socket(AF_INET, SOCK_STREAM, 0), made = 20000;
    socklen_t length = sizeof made;

    ck_assert_int_eq(setsockopt(fresh, SOL_SOCKET, SO_SNDBUF, &made, length), 0);
    ck_assert_int_eq(getsockopt(fresh, SOL_SOCKET, SO_SNDBUF, &made, &length), 0);
    close(fresh);
    sockopts = program_run(SOCKOPTS, "-s", "SO_SNDBUF=20000", "-s", "SO_REUSEADDR=on",
                           "-s", "SO_REUSEADDR=off", NULL);
    expect_lf(&sockopts.out, "SO_SNDBUF: was %d, asked for 20000, is %d",
              own_default(SOCK_STREAM, SO_SNDBUF), made);
    expect_lf(&sockopts.out, "SO_REUSEADDR: was off, asked for on, is on");
    expect_lf(&sockopts.out, "SO_REUSEADDR: was on, asked for off, is off");
    expect_success(&sockopts);
}

TEST(suite, time_outs_and_linger_take_seconds_or_off)
{
    sockopts = program_run(SOCKOPTS, "-u", "-s", "SO_RCVTIMEO=2.5", "-s",
                           "SO_RCVTIMEO=off", "-s", "SO_LINGER=5", "-s", "SO_LINGER=0",
                           "-s", "SO_LINGER=off", NULL);
    expect_lf(&sockopts.out, "SO_RCVTIMEO: was off, asked for 2.5 s, is 2.5 s");
    expect_lf(&sockopts.out, "SO_RCVTIMEO: was 2.5 s, asked for off, is off");
    expect_lf(&sockopts.out, "SO_LINGER: was off, asked for 5 s, is 5 s");
    expect_lf(&sockopts.out, "SO_LINGER: was 5 s, asked for 0 s, is 0 s");
    expect_lf(&sockopts.out, "SO_LINGER: was 0 s, asked for off, is off");
    expect_status(&sockopts, 0);
}

TEST(suite, what_the_system_refuses_is_reported_and_the_others_are_set)
{
    sockopts = program_run(SOCKOPTS, "-s", "SO_TYPE=2", "-s", "SO_KEEPALIVE=1", NULL);
    expect_lf(&sockopts.out, "SO_KEEPALIVE: was off, asked for on, is on");
    expect_failure(&sockopts, "sockopts: cannot set SO_TYPE to 2: %s",
                   strerror(ENOPROTOOPT));
}

TEST(suite, it_says_so_when_its_output_cannot_be_written)
{
    expect_write_error(SOCKOPTS, NULL);
}

TEST(suite, wrong_usage_is_status_2)
{
    static const char *const settings[] = {
        "SO_SNDBUF",      "SO_SNDBUF=",       "SO_SNDBUF=much",      "SO_SNDBUF=on",
        "SO_SNDBUF=1e9",  "SO_SND=1",         "SO_SNDBUFF=1",        "=1",
        "SO_LINGER=on",   "SO_LINGER=0.5",    "SO_LINGER=-1",        "SO_RCVTIMEO=-1",
        "SO_RCVTIMEO=on", "SO_KEEPALIVE=yes", "SO_SNDBUF=4294967296"};

    for (size_t i = 0; i < COUNT(settings); i++)
        expect_usage_error(SOCKOPTS, "-s", settings[i], NULL);
    expect_usage_error(SOCKOPTS, "operand", NULL);
    expect_usage_error(SOCKOPTS, "-x", NULL);
}

int main(void)
{
    return run_tests("socket options", &suite, NULL);
}
