/*
 * resolve, from outside. These tests need only localhost in the machine's hosts file, and
 * no network: the names that fail are not names at all.
 */
#include "tests/harness.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct tests suite;

#define RESOLVE    "bin/resolve"
#define FACTS_MOST 64

static struct program resolve;
static char no_name[200]; /* a label has 63 letters at most (RFC 1035 2.3.4) */

static void make_no_name(void)
{
    memset(no_name, 'x', sizeof no_name - 1);
}

/* What the system itself calls 127.0.0.1. */
static const char *name_of_loopback(void)
{
    static char name[1025];
    struct sockaddr_storage loopback;
    socklen_t length = address_of("127.0.0.1", 0, &loopback);

    ck_assert_int_eq(getnameinfo((struct sockaddr *)&loopback, length, name, sizeof name,
                                 NULL, 0, NI_NAMEREQD),
                     0);
    return name;
}

TEST(suite, row_18_a_name_gives_its_addresses_and_its_full_name)
{
    char *facts[FACTS_MOST];
    int count = 0, names = 0, loopbacks = 0;

    resolve = program_run(RESOLVE, "localhost", NULL);
    while (resolve.out.length > 0 || stream_fill(&resolve.out)) {
        ck_assert_int_lt(count, FACTS_MOST);
        facts[count++] = strdup(take_line(&resolve.out));
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

TEST(suite, row_18_an_address_gives_its_full_name)
{
    resolve = program_run(RESOLVE, "127.0.0.1", NULL);
    expect_lf(&resolve.out, "127.0.0.1 name %s", name_of_loopback());
    expect_success(&resolve);
}

TEST(suite, each_operand_is_looked_up_and_a_failed_one_means_status_1)
{
    resolve = program_run(RESOLVE, "127.0.0.1", no_name, "", "127.0.0.1", NULL);
    expect_lf(&resolve.out, "127.0.0.1 name %s", name_of_loopback());
    expect_lf(&resolve.out, "127.0.0.1 name %s", name_of_loopback());
    expect_end(&resolve.out);
    expect_beginning(&resolve.err, "resolve: no address of 'xxx");
    expect_beginning(&resolve.err, "resolve: no address of '': ");
    expect_status(&resolve, 1);
}

TEST(suite, an_address_without_a_name_is_a_failure)
{
    /* This asks the DNS, which may be far away. Where libc can be told, it waits a second. */
    ck_assert_int_eq(setenv("RES_OPTIONS", "timeout:1 attempts:1", 1), 0);
    resolve = program_run(RESOLVE, "::", NULL);
    expect_beginning(&resolve.err, "resolve: no name of '::': ");
    expect_end(&resolve.out);
    expect_status(&resolve, 1);
}

TEST(suite, control_characters_are_shown_and_never_obeyed)
{
    resolve = program_run(RESOLVE, formatted("\033[31m\n%s", no_name), NULL);
    expect_beginning(&resolve.err, "resolve: no address of '^[[31m^Jxxx");
    expect_status(&resolve, 1);
}

TEST(suite, it_says_so_when_its_output_cannot_be_written)
{
    expect_write_error(RESOLVE, "localhost", NULL);
}

TEST(suite, wrong_usage_is_status_2)
{
    expect_usage_error(RESOLVE, NULL);
    expect_usage_error(RESOLVE, "-x", "localhost", NULL);
}

int main(void)
{
    return run_tests("names and addresses", &suite, make_no_name);
}
