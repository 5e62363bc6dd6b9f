#define _XOPEN_SOURCE 700 /* posix_openpt() and its like are in the XSI option */
#include "tests/person.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int person_terminal(void)
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);

    ck_assert_int_ne(terminal, -1);
    ck_assert(grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    return terminal;
}

pid_t person_sits_down(int terminal, const char *script, const char *argument)
{
    pid_t pid = fork();
    int slave;

    ck_assert_int_ne(pid, -1);
    if (pid != 0)
        return pid;
    (void)setsid(); /* the terminal that is opened next is this session's own */
    slave = open(ptsname(terminal), O_RDWR);
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        (void)dup2(slave, fd);
    for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
        (void)close(fd);
    (void)setenv("TERM", "vt100", 1);
    (void)execl("/bin/sh", "sh", "-c", script, "sh", argument, (char *)NULL);
    _exit(127);
}

struct person person_start(const char *script, const char *argument)
{
    int terminal = person_terminal();

    return (struct person){.pid = person_sits_down(terminal, script, argument),
                           .screen = stream_of(terminal)};
}

void person_sees(struct person *person, const char *text)
{
    for (;;) {
        char *found = NULL;

        for (size_t i = 0; i + strlen(text) <= person->screen.length && !found; i++)
            if (memcmp(person->screen.bytes + i, text, strlen(text)) == 0)
                found = person->screen.bytes + i;
        if (found != NULL) {
            size_t past = (size_t)(found - person->screen.bytes) + strlen(text);

            person->screen.bytes += past;
            person->screen.length -= past;
            return;
        }
        if (!stream_fill(&person->screen))
            ck_abort_msg("'%s' is not on the screen: '%.*s'", text,
                         (int)person->screen.length, person->screen.bytes);
    }
}

void person_types(struct person *person, const char *keys)
{
    ck_assert_int_eq(write(person->screen.fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}

int person_leaves(struct person *person)
{
    int status;

    while (
        stream_fill(&person->screen)) /* ends, with an error, when nobody has it open */
        person->screen.length = 0;
    ck_assert_int_eq(waitpid(person->pid, &status, 0), person->pid);
    stream_close(&person->screen);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
