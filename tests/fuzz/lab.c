/*
 * Fuzzes scene/lab.h: a file is a lab in which all that a scene needs is there, or it is
 * refused with a line and a reason; either way all of its memory is given back.
 *
 * Modules: scene/lab.c scene/bytes.c base/number.c
 */
#include "tests/fuzz/fuzz.h"

#include "scene/lab.h"

#include <stdio.h>
#include <unistd.h>

static void check_step(const struct lab_step *step, int line)
{
    assert(step->sentence != NULL && step->line >= line && step->round >= 0);
    for (const char *client = step->clients; *client != '\0'; client++)
        assert(*client >= 'A' && *client <= 'Z');
    for (int n = 0; n < 2; n++)
        assert(step->texts[n].at != NULL);
}

static void check_lab(const struct lab *lab)
{
    assert(*lab->name != '\0' && lab->title != NULL);
    assert(lab->count <= LAB_BEHAVIOURS && lab->file_count <= LAB_FILES);
    for (size_t n = 0; n < lab->count; n++) {
        const struct behaviour *behaviour = &lab->behaviours[n];

        assert(lab_find(lab, behaviour->name) == (int)n);
        assert(behaviour->title != NULL && behaviour->why.length > 0);
        assert(memchr(behaviour->see, '\0', LAB_SEE_MOST) != NULL &&
               behaviour->enough <= behaviour->step_count);
        assert(behaviour->needs >> n == 0); /* only what comes before it */
        for (size_t step = 0; step < behaviour->step_count; step++)
            check_step(&behaviour->steps[step], behaviour->line);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *file;
    static struct lab lab;
    struct lab_error error = {.line = -1};
    char name[32];

    if (file == NULL)
        file = tmpfile();
    assert(file != NULL && ftruncate(fileno(file), 0) == 0);
    assert(pwrite(fileno(file), data, size, 0) == (ssize_t)size);
    snprintf(name, sizeof name, "/dev/fd/%d", fileno(file)); /* Linux opens it anew */
    if (lab_load(&lab, name, &error) == 0)
        check_lab(&lab);
    else
        assert(error.line >= 0 && *error.reason != '\0');
    lab_free(&lab);
    return 0;
}
