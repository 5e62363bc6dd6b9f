/*
 * person: somebody at a terminal, in which a program runs. What is on the screen comes
 * from `screen`, keys go to it. This is a plain terminal's bytes; tests/screen.h knows what
 * they look like.
 */
#ifndef TESTS_PERSON_H
#define TESTS_PERSON_H

#include "tests/harness.h"

struct person {
    pid_t pid;
    struct stream screen;
};

/* Runs a shell's script at a terminal of its own; `argument` is its $1. */
struct person person_start(const char *script, const char *argument);

/* The same in two steps: a terminal's end for who looks and types, and who sits at it. */
int person_terminal(void);
pid_t person_sits_down(int terminal, const char *script, const char *argument);

/* Waits until this stands on the screen, behind what was looked for before. */
void person_sees(struct person *person, const char *text);

void person_types(struct person *person, const char *keys);

/* Waits for the program's end. Its exit status, or 128 and the signal that ended it. */
int person_leaves(struct person *person);

#endif
