#include "tests/harness.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Running ------------------------------------------------------------------------ */

#define TEST_SECONDS 120

int run_suite(Suite *suite)
{
    /* The tests may be run with some ignored: by nohup, or by a shell in the
       background. */
    static const int standard[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE};
    SRunner *runner = srunner_create(suite);
    int failed;

    for (size_t i = 0; i < COUNT(standard); i++)
        (void)signal(standard[i], SIG_DFL);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void add_case(Suite *suite, const struct test_case *tests)
{
    TCase *tcase = tcase_create(tests->name);

    tcase_set_timeout(tcase, TEST_SECONDS);
    if (tests->tags != NULL)
        tcase_set_tags(tcase, tests->tags);
    tcase_add_checked_fixture(tcase, NULL, temp_remove); /* after the case's own */
    tcase_add_checked_fixture(tcase, tests->set_up, tests->tear_down);
    for (size_t i = 0; tests->tests[i] != NULL; i++)
        tcase_add_loop_test(tcase, tests->tests[i], 0,
                            tests->times > 0 ? tests->times : 1);
    suite_add_tcase(suite, tcase);
}

int run_cases(const char *suite, const struct test_case *cases, size_t count)
{
    Suite *all = suite_create(suite);

    for (size_t i = 0; i < count; i++)
        add_case(all, &cases[i]);
    return run_suite(all);
}

/* ---- What tests need besides -------------------------------------------------------- */

const char *formatted(const char *format, ...)
{
    static char texts[16][1024];
    static unsigned next;
    char *text = texts[next++ % COUNT(texts)];
    va_list list;

    va_start(list, format);
    ck_assert_int_lt(vsnprintf(text, sizeof texts[0], format, list), sizeof texts[0]);
    va_end(list);
    return text;
}

void sleep_ms(int ms)
{
    (void)poll(NULL, 0, ms);
}

int await_child(pid_t pid)
{
    int status;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

pid_t fork_helper(void)
{
    pid_t pid = fork();

    ck_assert_int_ne(pid, -1);
    if (pid == 0) {
        (void)signal(SIGALRM, SIG_DFL); /* Check's own handler would end the test */
        (void)alarm(2 * DEADLINE_MS / 1000);
    }
    return pid;
}

void need_descriptors(unsigned long count)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < count)
        ck_abort_msg("this test needs %lu descriptors, and ulimit -Hn allows %lu", count,
                     (unsigned long)limit.rlim_max);
    if (limit.rlim_cur < count)
        limit.rlim_cur = count;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

unsigned random_below(unsigned limit)
{
    static uint32_t state = 2463534242u; /* xorshift32: Marsaglia, 2003 */

    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % limit;
}
