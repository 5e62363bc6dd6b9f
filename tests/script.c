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

void expect_script(const char *script)
{
    struct program program = program_run("sh", "-c", script, NULL);

    stream_fill_to_end(&program.out);
    if (program_wait(&program) != 0)
        ck_abort_msg("%s\n%.*s\n%.*s", script, (int)program.out.length, program.out.bytes,
                     (int)program.err.length, program.err.bytes);
}
