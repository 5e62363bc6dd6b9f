/*
 * person: somebody at a terminal in which a program runs. Keys go to `screen`, and what the
 * program shows comes from it, as bytes. tests/screen.h knows what they look like.
 */
#ifndef TESTS_PERSON_H
#define TESTS_PERSON_H

#include "tests/harness.h"

struct person {
    pid_t pid;
    struct stream screen;
};

/* Runs a shell script, whose $1 is `argument`, at a new terminal. */
struct person person_start(const char *script, const char *argument);

/*
 * The same in two steps: one opens a terminal and returns the test's end, one starts a
 * process at it. The environment variable TTY is the path of the other end.
 */
int person_terminal(void);
pid_t person_sits_down(int terminal, const char *script, const char *argument);

/* Waits until the screen shows this text, after what was seen before. */
void person_sees(struct person *person, const char *text);

/* The same, but false if nothing came for `ms`. */
bool person_sees_within(struct person *person, const char *text, int ms);

void person_types(struct person *person, const char *keys);

/* Waits for the script to end. Returns its status, or 128 + the signal that ended it. */
int person_leaves(struct person *person);

#endif
