/*
 * The man pages: each program has one, and the options in its synopsis, in its list and in
 * what -h prints are the same, with the same names for their values.
 */
#include "tests/harness.h"

#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct tests options, of_pages;

#define TEXT_MOST 16384

/* Options and the names of their values, by the option: "" for a flag, NULL for none. */
struct set {
    char *value[128];
};

static void set_free(struct set *set)
{
    for (int letter = 0; letter < 128; letter++)
        free(set->value[letter]);
    *set = (struct set){{NULL}};
}

/* An option that is there twice has to have the same value both times. */
static void add(struct set *set, char letter, const char *value, size_t length)
{
    char *copy = strndup(value, length), **known = &set->value[(int)letter];

    ck_assert_ptr_nonnull(copy);
    if (*known != NULL)
        ck_assert_str_eq(*known, copy);
    free(*known);
    *known = copy;
}

static void expect_same(const char *program, const char *what, const struct set *set,
                        const struct set *other)
{
    for (char letter = '!'; letter < 127; letter++) {
        const char *one = set->value[(int)letter], *two = other->value[(int)letter];

        if ((one == NULL) != (two == NULL) || (one != NULL && strcmp(one, two) != 0))
            ck_abort_msg("%s: -h has -%c %s, %s has -%c %s", program, letter,
                         one != NULL ? one : "(not at all)", what, letter,
                         two != NULL ? two : "(not at all)");
    }
}

/* ---- What -h prints ----------------------------------------------------------------- */

/* The name of a value after an option: "address" of " address]". */
static size_t value_length(const char *text)
{
    return *text == ' ' && isalpha((unsigned char)text[1]) ? strcspn(text + 1, " ]|\n")
                                                           : 0;
}

/* The options in "usage: x [-hV] [-b address]". */
static void read_usage(struct set *set, const char *text, const char *end)
{
    for (const char *dash = text; (dash = strchr(dash, '-')) != NULL && dash < end;) {
        bool begins = dash[-1] == '[' || dash[-1] == ' ' || dash[-1] == '|';
        size_t count = 0;

        dash++;
        while (begins && isalnum((unsigned char)dash[count]))
            count++;
        for (size_t i = 0; i < count; i++)
            add(set, dash[i], dash + count + 1,
                count == 1 ? value_length(dash + count) : 0);
        dash += count;
    }
}

/* The options in lines such as "  -b address  listen on this address only". */
static void read_help(struct set *set, const char *text)
{
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, "  -", 3) == 0 && isalnum((unsigned char)line[3]))
            add(set, line[3], line + 5, value_length(line + 4));
    }
}

/* Runs a program with -h, and returns what it prints, which is freed by the caller. */
static char *help_of(const char *name)
{
    struct program program = program_run(formatted("bin/%s", name), "-h", NULL);
    char *text;

    stream_fill_to_end(&program.out);
    text = strndup(program.out.bytes, program.out.length);
    ck_assert_ptr_nonnull(text);
    expect_status(&program, 0);
    stream_close(&program.out);
    stream_close(&program.err);
    return text;
}

/* ---- What the page has -------------------------------------------------------------- */

/* The options in a row of mdoc: ".Op Fl b Ar address", ".It Fl hV". */
static void read_macros(struct set *set, char *row)
{
    char *rest = NULL, *word = strtok_r(row, " ", &rest), *next;

    while (word != NULL) {
        next = strtok_r(NULL, " ", &rest);
        if (strcmp(word, "Fl") != 0 && strcmp(word, ".Fl") != 0) {
            word = next;
            continue;
        }
        ck_assert_ptr_nonnull(next);
        word = strtok_r(NULL, " ", &rest);
        if (word != NULL && strcmp(word, "Ar") == 0) {
            word = strtok_r(NULL, " ", &rest);
            ck_assert_ptr_nonnull(word);
            add(set, next[0], word, strlen(word));
        } else {
            for (; *next != '\0'; next++)
                add(set, *next, "", 0);
        }
    }
}

/* The options of the synopsis, and those that the page describes. */
static void read_page(const char *path, struct set *synopsis, struct set *list)
{
    FILE *page = fopen(path, "r");
    bool is_synopsis = false;
    char row[1024];

    if (page == NULL)
        ck_abort_msg("there is no page %s", path);
    while (fgets(row, sizeof row, page) != NULL) {
        row[strcspn(row, "\n")] = '\0';
        if (strncmp(row, ".Sh ", 4) == 0)
            is_synopsis = strcmp(row, ".Sh SYNOPSIS") == 0;
        if (strncmp(row, ".It Fl ", 7) == 0)
            read_macros(list, row);
        else if (is_synopsis)
            read_macros(synopsis, row);
    }
    fclose(page);
}

/* ---- The tests ---------------------------------------------------------------------- */

static const char *const sources[] = {"*.c", "clients/*.c", "labs/*.c", "grade/*.c"};

TEST(options, the_page_of_each_program_has_the_options_that_its_help_has)
{
    glob_t found;

    ck_assert_int_eq(glob(sources[_i], 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct set usage = {{NULL}}, help = {{NULL}}, synopsis = {{NULL}},
                   list = {{NULL}};
        const char *slash = strrchr(found.gl_pathv[i], '/');
        const char *file = slash != NULL ? slash + 1 : found.gl_pathv[i];
        const char *name = formatted("%.*s", (int)strlen(file) - 2, file);
        char *text = help_of(name), *end = strchr(text, '\n');

        while (end != NULL && end[1] == ' ' && end[3] == ' ') /* usage goes on */
            end = strchr(end + 1, '\n');
        ck_assert_ptr_nonnull(end);
        read_usage(&usage, text, end);
        read_help(&help, end);
        read_page(formatted("man/%s.1", name), &synopsis, &list);
        expect_same(name, "its synopsis", &usage, &synopsis);
        expect_same(name, "its list of options", &usage, &list);
        if (end[1] != '\0') /* chat_naive explains nothing */
            expect_same(name, "its help text", &usage, &help);
        set_free(&usage);
        set_free(&help);
        set_free(&synopsis);
        set_free(&list);
        free(text);
    }
    globfree(&found);
}

TEST(of_pages, each_page_of_section_1_is_that_of_a_program)
{
    glob_t pages;

    ck_assert_int_eq(glob("man/*.1", 0, NULL, &pages), 0);
    for (size_t i = 0; i < pages.gl_pathc; i++) {
        const char *name = pages.gl_pathv[i] + strlen("man/");

        if (access(formatted("bin/%.*s", (int)strlen(name) - 2, name), X_OK) == -1)
            ck_abort_msg("%s is a page without a program", name);
    }
    globfree(&pages);
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "options", .tests = &options, .times = COUNT(sources)},
        {.name = "pages", .tests = &of_pages}};

    return run_cases("man pages", cases, COUNT(cases));
}
