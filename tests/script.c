#include "tests/script.h"

#include "tests/harness.h"

#include <stdio.h>

char *script_output(const char *script)
{
    static char text[SCRIPT_OUTPUT];
    FILE *output = popen(script, "r");
    size_t length;

    ck_assert_ptr_nonnull(output);
    length = fread(text, 1, sizeof text - 1, output);
    text[length] = '\0';
    pclose(output);
    return text;
}

/* It may be silent for a minute: the test's own time is the deadline. */
void expect_script(const char *script)
{
    static char text[SCRIPT_OUTPUT];
    FILE *output = popen(formatted("{ %s; } 2>&1", script), "r");
    size_t length;

    ck_assert_ptr_nonnull(output);
    length = fread(text, 1, sizeof text - 1, output);
    text[length] = '\0';
    if (pclose(output) != 0)
        ck_abort_msg("%s\n%s", script, text);
}
