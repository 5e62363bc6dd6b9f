#include "tests/script.h"

#include "tests/harness.h"

#include <stdio.h>

/*
 * Runs a script, and returns what it printed. It may be silent for a minute: the test's own
 * time is the deadline.
 */
static char *run(const char *script, int *status)
{
    static char text[SCRIPT_OUTPUT];
    FILE *output = popen(script, "r");

    ck_assert_ptr_nonnull(output);
    text[fread(text, 1, sizeof text - 1, output)] = '\0';
    *status = pclose(output);
    return text;
}

char *script_output(const char *script)
{
    int status;

    return run(script, &status);
}

void expect_script(const char *script)
{
    int status;
    const char *text = run(formatted("{ %s; } 2>&1", script), &status);

    if (status != 0)
        ck_abort_msg("%s\n%s", script, text);
}
