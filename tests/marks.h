/*
 * marks: runs the grader, which the environment variable GRADE names (bin/grade if it is
 * unset), and looks at what it takes off.
 */
#ifndef TESTS_MARKS_H
#define TESTS_MARKS_H

#include <stddef.h>

/*
 * Runs it with these arguments, words for a shell, printf()'s way. Returns what it printed,
 * standard error included, which belongs to the caller; its exit status in *status.
 */
char *grade(int *status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Its exit status must be this, and what it printed must contain `words`. */
void expect_grade(int status, const char *words, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What a chat server loses that only greets: all behaviours but "start" and "greet". */
#define ALL_BUT_GREET                                                                    \
    "deliver not-self prefix join leave go-on pieces glued line-ends long burst utf8 "   \
    "telnet timing-mark escape reset gone talk-on stall slow queue full full-idle "      \
    "fd-set idle log farewell "

/* A program, and what the grader must do with it. */
struct marks {
    const char *lab, *command;
    int total;
    const char *lost; /* names of behaviours, a space after each; all others must pass */
};

/*
 * Grades all of them, `jobs` side by side, with the options, and compares. They begin in
 * their order: the one that takes longest should be first. A program whose first word is not
 * on this machine is left out, with a line that says so.
 */
void expect_marks(const struct marks *marks, size_t count, int jobs, const char *options);

#endif
