#include "tests/person.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int person_terminal(void)
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);

    ck_assert_int_ne(terminal, -1);
    ck_assert(grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    ck_assert_int_eq(setenv("TTY", ptsname(terminal), 1), 0);
    return terminal;
}

pid_t person_sits_down(int terminal, const char *script, const char *argument)
{
    pid_t pid = fork();
    int slave;

    ck_assert_int_ne(pid, -1);
    if (pid != 0)
        return pid;
    (void)setsid(); /* the next terminal to be opened becomes this session's */
    slave = open(ptsname(terminal), O_RDWR);
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        dup2(slave, fd);
    for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
        close(fd);
    setenv("TERM", "vt100", 1);
    execl("/bin/sh", "sh", "-c", script, "sh", argument, (char *)NULL);
    _exit(127);
}

struct person person_start(const char *script, const char *argument)
{
    int terminal = person_terminal();

    return (struct person){.pid = person_sits_down(terminal, script, argument),
                           .screen = stream_of(terminal)};
}

/* Where `text` is on the screen, or NULL. The bytes are not a string. */
static char *find(const struct stream *screen, const char *text)
{
    size_t length = strlen(text);

    for (size_t i = 0; i + length <= screen->length; i++)
        if (memcmp(screen->bytes + i, text, length) == 0)
            return screen->bytes + i;
    return NULL;
}

bool person_sees_within(struct person *person, const char *text, int ms)
{
    struct stream *screen = &person->screen;
    struct pollfd ready = {.fd = screen->fd, .events = POLLIN};
    char *found;

    while ((found = find(screen, text)) == NULL)
        if (poll(&ready, 1, ms) != 1 || !stream_fill(screen))
            return false;
    stream_take(screen, (size_t)(found - screen->bytes) + strlen(text));
    return true;
}

void person_sees(struct person *person, const char *text)
{
    if (!person_sees_within(person, text, DEADLINE_MS))
        ck_abort_msg("'%s' is not on the screen: '%.*s'", text,
                     (int)person->screen.length, person->screen.bytes);
}

void person_types(struct person *person, const char *keys)
{
    ck_assert_int_eq(write(person->screen.fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}

int person_leaves(struct person *person)
{
    stream_fill_to_end(&person->screen); /* read() fails when nobody has it open */
    stream_close(&person->screen);
    return await_child(person->pid);
}
