#include "tests/typist.h"

#include "base/clock.h"
#include "tests/person.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct mock chat_mock;
struct stream server_end = {.fd = -1};
char shown[SCREEN_TEXT];

void open_mock(void)
{
    chat_mock = mock_open("127.0.0.1");
}

void await_client(void)
{
    if (server_end.fd != -1)
        stream_close(&server_end);
    server_end = mock_accept(&chat_mock);
}

void typist_resizes(struct typist *typist, int columns)
{
    struct winsize size = {.ws_row = TYPIST_ROWS, .ws_col = (unsigned short)columns};

    ck_assert_int_eq(ioctl(typist->terminal, TIOCSWINSZ, &size), 0);
}

/* ---- Starting ----------------------------------------------------------------------- */

void typist_starts_at(struct typist *typist, const char *script, int port)
{
    program_export(CHAT_CLI);
    ck_assert(setenv("PORT", formatted("%d", port), 1) == 0);
    ck_assert(setenv("PS1", "$ ", 1) == 0 && unsetenv("ENV") == 0);
    typist->terminal = person_terminal();
    typist->line = open(getenv("TTY"), O_RDWR | O_NOCTTY);
    ck_assert_int_ne(typist->line, -1);
    typist_resizes(typist, COLUMNS);
    screen_init(&typist->screen, TYPIST_ROWS, COLUMNS);
    ck_assert_int_eq(tcgetattr(typist->line, &typist->before), 0);
    typist->pid = person_sits_down(typist->terminal, script, NULL);
}

void typist_starts(struct typist *typist, const char *script)
{
    typist_starts_at(typist, script, chat_mock.port);
}

void typist_joins(struct typist *typist)
{
    typist_starts(typist, CHAT);
    await_client();
    typist_sees(typist, "leaves.\n> |");
}

void typist_joins_from_shell(struct typist *typist)
{
    typist_starts(typist, SHELL);
    typist_sees(typist, "$ |");
    typist_types(typist, "TERM=dumb; $CHAT_CLI 127.0.0.1 $PORT\r");
    await_client();
    typist_sees(typist, "leaves.\n> |");
}

/* ---- Typing and looking ------------------------------------------------------------- */

void typist_types(struct typist *typist, const char *keys)
{
    ck_assert_int_eq(write(typist->terminal, keys, strlen(keys)), (ssize_t)strlen(keys));
}

void typist_types_patiently(struct typist *typist, const char *keys, size_t length)
{
    struct pollfd ready = {.fd = typist->terminal, .events = POLLIN | POLLOUT};

    while (length > 0) {
        ck_assert_int_eq(poll(&ready, 1, DEADLINE_MS), 1);
        if (ready.revents & POLLIN) {
            (void)typist_looks(typist, 0);
        } else if (ready.revents & POLLOUT) {
            ck_assert_int_eq(write(typist->terminal, keys++, 1), 1);
            length--;
        }
    }
}

bool typist_looks(struct typist *typist, int ms)
{
    struct pollfd ready = {.fd = typist->terminal, .events = POLLIN};
    char bytes[4096];
    ssize_t got;

    if (poll(&ready, 1, ms) != 1)
        return false;
    got = read(typist->terminal, bytes, sizeof bytes);
    if (got > 0)
        screen_take(&typist->screen, bytes, (size_t)got);
    return got > 0;
}

void typist_sees(struct typist *typist, const char *expected)
{
    int64_t deadline = clock_ms() + DEADLINE_MS;

    for (;;) {
        size_t length;

        screen_text(&typist->screen, shown);
        length = strlen(shown);
        if (length >= strlen(expected) &&
            strcmp(shown + length - strlen(expected), expected) == 0)
            return;
        if (clock_ms() > deadline || !typist_looks(typist, DEADLINE_MS))
            ck_abort_msg("the screen does not end in '%s' but in '%s'", expected,
                         length > 600 ? shown + length - 600 : shown);
    }
}

/* ---- Leaving ------------------------------------------------------------------------ */

void expect_settings_as_before(const struct typist *typist)
{
    struct termios now;

    ck_assert_int_eq(tcgetattr(typist->line, &now), 0);
    ck_assert_uint_eq(now.c_iflag, typist->before.c_iflag);
    ck_assert_uint_eq(now.c_oflag, typist->before.c_oflag);
    ck_assert_uint_eq(now.c_cflag, typist->before.c_cflag);
    ck_assert_uint_eq(now.c_lflag, typist->before.c_lflag);
    ck_assert_mem_eq(now.c_cc, typist->before.c_cc, sizeof now.c_cc);
}

int typist_ends(struct typist *typist)
{
    int status = await_child(typist->pid);

    typist->pid = 0;
    expect_settings_as_before(typist);
    return status;
}

int typist_leaves(struct typist *typist)
{
    siginfo_t ended = {.si_pid = 0};

    /* What it still prints must be read, or it waits for that. */
    do {
        (void)typist_looks(typist, 10);
        ck_assert_int_eq(
            waitid(P_PID, (id_t)typist->pid, &ended, WEXITED | WNOHANG | WNOWAIT), 0);
    } while (ended.si_pid == 0);
    while (typist_looks(typist, 0))
        continue;
    return typist_ends(typist);
}
