/*
 * resolve as a black box. RESOLVE names another program in place of bin/resolve. Nothing
 * is taken for granted of the machine's hosts file but localhost, and of the network
 * nothing: the names that fail are no names.
 */
#include "tests/harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FACTS_MOST 64

static struct program resolve;
static char no_name[200]; /* a label has 63 letters at the most (RFC 1035 2.3.4) */

static void make_no_name(void)
{
    memset(no_name, 'x', sizeof no_name - 1);
}

/* What the system itself says of 127.0.0.1, whatever its hosts file does. */
static const char *name_of_loopback(void)
{
    static char name[1025];
    struct sockaddr_in loopback = {.sin_family = AF_INET};

    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(getnameinfo((struct sockaddr *)&loopback, sizeof loopback, name,
                                 sizeof name, NULL, 0, NI_NAMEREQD),
                     0);
    return name;
}

START_TEST(row_18_a_name_gives_its_addresses_and_its_full_name)
{
    char *facts[FACTS_MOST];
    int count = 0, names = 0, loopbacks = 0;

    resolve = program_run("bin/resolve", "localhost", NULL);
    while (resolve.out.length > 0 || stream_fill(&resolve.out)) {
        ck_assert_int_lt(count, FACTS_MOST);
        facts[count++] = next_line(&resolve.out);
    }
    expect_status(&resolve, 0);
    for (int i = 0; i < count; i++) {
        char kind[8], answer[256];
        struct in6_addr address;

        ck_assert_int_eq(sscanf(facts[i], "localhost %7s %255s", kind, answer), 2);
        if (strcmp(kind, "name") == 0)
            names++;
        else
            ck_assert_int_eq(inet_pton(strcmp(kind, "IPv6") == 0 ? AF_INET6 : AF_INET,
                                       answer, &address),
                             1);
        loopbacks += strcmp(facts[i], "localhost IPv4 127.0.0.1") == 0;
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(facts[i], facts[j]);
    }
    ck_assert_int_eq(names, 1);
    ck_assert_int_eq(loopbacks, 1);
}
END_TEST

START_TEST(row_18_an_address_gives_its_full_name)
{
    resolve = program_run("bin/resolve", "127.0.0.1", NULL);
    expect_lf(&resolve.out, "127.0.0.1 name %s", name_of_loopback());
    expect_end(&resolve.out);
    expect_status(&resolve, 0);
    expect_end(&resolve.err);
}
END_TEST

START_TEST(each_operand_is_judged_alone_and_one_that_fails_is_status_1)
{
    resolve = program_run("bin/resolve", "127.0.0.1", no_name, "", "127.0.0.1", NULL);
    expect_lf(&resolve.out, "127.0.0.1 name %s", name_of_loopback());
    expect_lf(&resolve.out, "127.0.0.1 name %s", name_of_loopback());
    expect_end(&resolve.out);
    expect_beginning(&resolve.err, "resolve: no address of 'xxx");
    expect_beginning(&resolve.err, "resolve: no address of '': ");
    expect_status(&resolve, 1);
}
END_TEST

START_TEST(an_address_without_a_name_is_one_that_fails)
{
    /* The DNS is asked, which may be far away: not for long, where libc lets that be said. */
    ck_assert_int_eq(setenv("RES_OPTIONS", "timeout:1 attempts:1", 1), 0);
    resolve = program_run("bin/resolve", "::", NULL);
    expect_beginning(&resolve.err, "resolve: no name of '::': ");
    expect_end(&resolve.out);
    expect_status(&resolve, 1);
}
END_TEST

START_TEST(control_characters_are_shown_and_never_obeyed)
{
    char wild[256];

    snprintf(wild, sizeof wild, "\033[31m\n%s", no_name);
    resolve = program_run("bin/resolve", wild, NULL);
    expect_beginning(&resolve.err, "resolve: no address of '^[[31m^Jxxx");
    expect_status(&resolve, 1);
}
END_TEST

START_TEST(it_says_that_nobody_takes_its_output)
{
    resolve = program_run_by("exec \"$@\" >/dev/full", "bin/resolve", "localhost", NULL);
    expect_lf(&resolve.err, "resolve: cannot write to standard output: %s",
              strerror(ENOSPC));
    expect_status(&resolve, 1);
}
END_TEST

START_TEST(wrong_usage_is_status_2)
{
    expect_usage_error("bin/resolve", NULL);
    expect_usage_error("bin/resolve", "-x", "localhost", NULL);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        row_18_a_name_gives_its_addresses_and_its_full_name,
        row_18_an_address_gives_its_full_name,
        each_operand_is_judged_alone_and_one_that_fails_is_status_1,
        an_address_without_a_name_is_one_that_fails,
        control_characters_are_shown_and_never_obeyed,
        it_says_that_nobody_takes_its_output,
        wrong_usage_is_status_2,
        NULL,
    };
    const struct test_case cases[] = {
        {.name = "resolve", .tests = tests, .set_up = make_no_name}};

    return run_cases("names and addresses", cases, COUNT(cases));
}
