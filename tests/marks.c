#include "tests/marks.h"

#include "tests/harness.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define FIELDS_MOST 80
#define JOBS_MOST   8

static const char *grader(void)
{
    const char *path = getenv("GRADE");

    return path == NULL ? "bin/grade" : path;
}

static FILE *begin(const char *arguments)
{
    char command[1024];
    FILE *output;

    snprintf(command, sizeof command, "%s %s 2>&1", grader(), arguments);
    output = popen(command, "r");
    ck_assert_msg(output != NULL, "cannot run %s", command);
    return output;
}

static char *finish(FILE *output, int *status)
{
    size_t length = 0, capacity = 65536;
    char *text = malloc(capacity);
    int ended;

    for (size_t count;
         (count = fread(text + length, 1, capacity - length - 1, output)) > 0;) {
        length += count;
        if (length == capacity - 1)
            text = realloc(text, capacity *= 2);
    }
    text[length] = '\0';
    ended = pclose(output);
    *status = WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
    return text;
}

char *grade(int *status, const char *format, ...)
{
    char arguments[512];
    va_list values;

    va_start(values, format);
    vsnprintf(arguments, sizeof arguments, format, values);
    va_end(values);
    return finish(begin(arguments), status);
}

void expect_grade(int status, const char *words, const char *format, ...)
{
    char arguments[512], *output;
    va_list values;
    int ended;

    va_start(values, format);
    vsnprintf(arguments, sizeof arguments, format, values);
    va_end(values);
    output = finish(begin(arguments), &ended);
    ck_assert_msg(ended == status, "status %d of grade %s\n%s", ended, arguments, output);
    ck_assert_msg(strstr(output, words) != NULL, "no '%s' from grade %s\n%s", words,
                  arguments, output);
    free(output);
}

/* ---- Marks -------------------------------------------------------------------------------- */

/* Splits a row of CSV whose quoted field, if there is one, is the first. */
static int split(char *row, char *fields[FIELDS_MOST])
{
    int count = 0;

    row[strcspn(row, "\n")] = '\0';
    if (row[0] == '"') {
        fields[count++] = row + 1;
        row = strrchr(row, '"') + 1;
        *row++ = '\0';
    }
    for (char *field = row; field != NULL && count < FIELDS_MOST;) {
        fields[count++] = field;
        field = strchr(field, ',');
        if (field != NULL)
            *field++ = '\0';
    }
    return count;
}

/* Points of a behaviour, from the lab's table. */
static int points_of(const char *table, const char *name)
{
    char wanted[64];
    const char *row;

    snprintf(wanted, sizeof wanted, "\n%s\t", name);
    row = strncmp(table, wanted + 1, strlen(wanted) - 1) == 0 ? table - 1
                                                              : strstr(table, wanted);
    ck_assert_msg(row != NULL, "no behaviour %s", name);
    return atoi(row + strlen(wanted));
}

static void compare(const struct marks *marks, const char *options, char *output)
{
    char *names[FIELDS_MOST], *points[FIELDS_MOST], *second = strchr(output, '\n'),
                                                    *table;
    char lost[1024] = "";
    int status, count;

    ck_assert_msg(second != NULL && strchr(second + 1, '\n') != NULL, "%s %s: %s",
                  marks->lab, marks->command, output);
    table = grade(&status, "-l %s", marks->lab);
    count = split(output, names);
    ck_assert_int_eq(split(second + 1, points), count);
    for (int i = 4; i < count; i++) {
        if (atoi(points[i]) < points_of(table, names[i])) {
            strcat(lost, names[i]);
            strcat(lost, " ");
        }
    }
    printf("%3s of %3s  %s  %s  %s\n", points[1], points[2], marks->lab, marks->command,
           lost);
    ck_assert_msg(strcmp(lost, marks->lost) == 0 && atoi(points[1]) == marks->total,
                  "%s '%s' %s: %s of %s, lost %s; it must get %d and lose %s", marks->lab,
                  marks->command, options, points[1], points[2], lost, marks->total,
                  marks->lost);
    free(table);
}

static bool is_there(const char *command)
{
    char look[256];

    snprintf(look, sizeof look, "w='%.*s'; [ -f \"$w\" ] || command -v \"$w\" >/dev/null",
             (int)strcspn(command, " "), command);
    if (system(look) == 0)
        return true;
    printf("left out, for it is not on this machine: %s\n", command);
    return false;
}

static FILE *begin_marks(const struct marks *marks, const char *options)
{
    char arguments[512];

    snprintf(arguments, sizeof arguments, "-f csv %s %s \"%s\"", options, marks->lab,
             marks->command);
    return begin(arguments);
}

/* The next program that is on this machine, from *next on. NULL: there is none. */
static const struct marks *next_there(const struct marks *marks, size_t count,
                                      size_t *next)
{
    while (*next < count && !is_there(marks[*next].command))
        ++*next;
    return *next < count ? &marks[(*next)++] : NULL;
}

void expect_marks(const struct marks *marks, size_t count, int jobs, const char *options)
{
    struct pollfd polled[JOBS_MOST];
    FILE *outputs[JOBS_MOST];
    const struct marks *graded[JOBS_MOST];
    size_t next = 0;
    int running = 0;

    ck_assert_int_le(jobs, JOBS_MOST);
    for (;;) {
        int done = 0, status;
        char *output;

        while (running < jobs &&
               (graded[running] = next_there(marks, count, &next)) != NULL) {
            outputs[running] = begin_marks(graded[running], options);
            polled[running].fd = fileno(outputs[running]);
            polled[running++].events = POLLIN;
        }
        if (running == 0)
            return;
        poll(polled, (nfds_t)running, -1);
        while (done < running - 1 && polled[done].revents == 0)
            done++;
        output = finish(outputs[done], &status); /* a grader prints at its end */
        compare(graded[done], options, output);
        free(output);
        running--;
        polled[done] = polled[running];
        outputs[done] = outputs[running];
        graded[done] = graded[running];
    }
}
