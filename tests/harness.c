#include "tests/server.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- What a machine may lack -------------------------------------------------------- */

/* Says that a test is skipped, and why. True. */
static bool skip(const char *test, const char *format, ...)
{
    va_list list;

    fprintf(stderr, "skipped: %s: ", test);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    return true;
}

static bool has_ipv6(void)
{
    const struct sockaddr_in6 loopback = {.sin6_family = AF_INET6,
                                          .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int sock = socket(AF_INET6, SOCK_STREAM, 0);
    bool is_bound = sock != -1 &&
                    bind(sock, (const struct sockaddr *)&loopback, sizeof loopback) == 0;

    if (sock != -1)
        close(sock);
    return is_bound;
}

/* Is this program here, or what the variable says that is named after it (program.h)? */
static bool has_program(const char *name)
{
    char look[256];

    snprintf(look, sizeof look,
             "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin;"
             "eval \"set -- \\${$(echo %s | tr a-z- A-Z_):-%s}\";"
             "command -v \"$1\" >/dev/null",
             name, name);
    return system(look) == 0;
}

bool test_lacks(const char *test, const char *need)
{
    if (strcmp(need, "IPv6") == 0)
        return !has_ipv6() && skip(test, "it needs IPv6, which is not here");
    if (!has_program(need))
        return skip(test, "it needs %s, which is not here", need);
    if (strcmp(need, "strace") == 0 &&
        system("strace -o /dev/null true 2>/dev/null") != 0)
        return skip(test, "it needs ptrace(), which is forbidden here");
    return false;
}

bool test_lacks_descriptors(const char *test, unsigned long count)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < (rlim_t)count)
        return skip(test, "it needs %lu descriptors, and ulimit -Hn allows %lu", count,
                    (unsigned long)limit.rlim_max);
    if (limit.rlim_cur < (rlim_t)count)
        limit.rlim_cur = (rlim_t)count;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return false;
}

/* ---- Running ------------------------------------------------------------------------ */

#define TEST_SECONDS 120

struct program server;

static void clean_up(void)
{
    if (server.pid != 0 && !server.has_ended) {
        close_sockets(); /* or the server would wait for them */
        program_stop(&server);
    }
    temp_remove();
}

void tests_add(struct tests *list, const TTest *test)
{
    if (list->count == COUNT(list->test))
        abort();
    list->test[list->count++] = test;
}

static void add_case(Suite *suite, const struct test_case *tests)
{
    TCase *tcase;

    if (tests->needs != NULL && test_lacks(tests->name, tests->needs))
        return;
    tcase = tcase_create(tests->name);
    tcase_set_timeout(tcase, tests->seconds > 0 ? tests->seconds : TEST_SECONDS);
    if (tests->tags != NULL)
        tcase_set_tags(tcase, tests->tags);
    tcase_add_checked_fixture(tcase, NULL, clean_up); /* after the case's own */
    tcase_add_checked_fixture(tcase, tests->set_up, tests->tear_down);
    for (size_t i = 0; i < tests->tests->count; i++)
        tcase_add_loop_test(tcase, tests->tests->test[i], 0,
                            tests->times > 0 ? tests->times : 1);
    suite_add_tcase(suite, tcase);
}

int run_cases(const char *suite, const struct test_case *cases, size_t count)
{
    /* The tests may be run with some ignored: by nohup, or by a shell in the
       background. */
    static const int standard[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE};
    Suite *all = suite_create(suite);
    SRunner *runner = srunner_create(all);
    int failed;

    for (size_t i = 0; i < count; i++)
        add_case(all, &cases[i]);
    for (size_t i = 0; i < COUNT(standard); i++)
        (void)signal(standard[i], SIG_DFL);
    /* awk, date and telnet speak the user's language, and awk writes its decimal comma. */
    (void)setenv("LC_ALL", "C", 1);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int run_tests(const char *suite, const struct tests *tests, void (*set_up)(void))
{
    const struct test_case all = {.name = suite, .tests = tests, .set_up = set_up};

    return run_cases(suite, &all, 1);
}

/* ---- What tests need besides -------------------------------------------------------- */

const char *formatted(const char *format, ...)
{
    static char texts[16][1024];
    static unsigned next;
    char *text = texts[next++ % COUNT(texts)];
    va_list list;

    va_start(list, format);
    if (vsnprintf(text, sizeof texts[0], format, list) >= (int)sizeof texts[0])
        ck_abort_msg("this text is too long: '%s'", text);
    va_end(list);
    return text;
}

const char *repeated(char byte, size_t count)
{
    static char texts[4][4096];
    static unsigned next;
    char *text = texts[next++ % COUNT(texts)];

    ck_assert_uint_lt(count, sizeof texts[0]);
    memset(text, byte, count);
    text[count] = '\0';
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

unsigned random_below(unsigned limit)
{
    static uint32_t state = 2463534242u; /* xorshift32: Marsaglia, 2003 */

    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % limit;
}
