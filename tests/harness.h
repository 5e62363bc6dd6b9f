/*
 * harness: what all suites use. A test starts the program under test (program.h), talks to
 * it (stream.h) or plays its server (mock.h), and has its own files (temp.h).
 */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include "tests/mock.h"
#include "tests/program.h"
#include "tests/stream.h"
#include "tests/temp.h"

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* A list of tests, to which TEST() adds. */
struct tests {
    const TTest *test[64];
    size_t count;
};

/*
 * TEST(list, what_holds) { ... } is a test, which Check runs in a process of its own. It adds
 * itself to the list before main() (a constructor: gcc, clang), so that no test can be left out.
 */
#define TEST(list, name)                                                                 \
    static void name(int _i);                                                            \
    __attribute__((constructor)) static void name##_is_listed(void)                      \
    {                                                                                    \
        static const TTest test = {#name, name, __FILE__, __LINE__};                     \
        tests_add(&(list), &test);                                                       \
    }                                                                                    \
    static void name(int _i __attribute__((unused)))

void tests_add(struct tests *list, const TTest *test);

/* Tests that share what is done before and after each of them. */
struct test_case {
    const char *name;
    const struct tests *tests;
    void (*set_up)(void), (*tear_down)(void);
    const char *tags;  /* see below */
    const char *needs; /* what all of them need, as lacks() takes it; NULL: nothing */
    int times;         /* each test runs for _i = 0 up to this, or once if it is 0 */
    int seconds;       /* that each may take, or 0: two minutes */
};

/*
 * Tags of tests that do not work everywhere: CK_EXCLUDE_TAGS leaves them out.
 *
 * - "limits": they set limits too low for valgrind itself, or close what it opens, or end by a
 *   signal, which it reports as a leak.
 * - "terminal": one of them ends by a signal, and then valgrind writes no summary.
 * - "resolver": libc keeps memory for names until the process ends.
 */

/* Runs a suite, by the conventions of Check's environment variables: 0 if all passed. */
int run_cases(const char *suite, const struct test_case *cases, size_t count);

/* The same for one case, which has the suite's name. `set_up` may be NULL. */
int run_tests(const char *suite, const struct tests *tests, void (*set_up)(void));

/* The text that printf() would write, of at most 1,023 bytes, in one of 16 buffers. */
const char *formatted(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A string of this many of this byte, at most 4,095, in one of 4 buffers. */
const char *repeated(char byte, size_t count);

void sleep_ms(int ms);

/* Waits for a child to end. Returns its exit status, or 128 + the signal that ended it. */
int await_child(pid_t pid);

/* fork() for a helper of the test, which ends after a minute if nobody ends it. */
pid_t fork_helper(void);

/*
 * What a test needs and this machine has not: then a line says so, and the test returns, or
 * leaves out the part that needs it. tests/run counts these lines.
 *
 * lacks() knows "IPv6", and programs by the names that program_run() takes ("nc"). strace
 * must also be allowed to trace. lacks_descriptors() raises this process's own limit.
 */
#define lacks(need)              test_lacks(__func__, need)
#define lacks_descriptors(count) test_lacks_descriptors(__func__, count)
bool test_lacks(const char *test, const char *need);
bool test_lacks_descriptors(const char *test, unsigned long count);

/* A deterministic random number below `limit`: the same ones in each run of a test. */
unsigned random_below(unsigned limit);

#endif
