#include "scene/lab_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Writes the path of this program. A `self` without a slash was found in PATH. */
static void find_self(struct bytes *path, const char *self)
{
    const char *directory = strchr(self, '/') == NULL ? getenv("PATH") : NULL;

    while (directory != NULL) {
        size_t length = strcspn(directory, ":");

        bytes_free(path);
        bytes_print(path, "%.*s%s/%s", (int)length, directory, length == 0 ? "." : "",
                    self);
        if (access(path->at, X_OK) == 0)
            return;
        directory = directory[length] == ':' ? directory + length + 1 : NULL;
    }
    bytes_free(path);
    bytes_print(path, "%s", self);
}

/* The path is that of the lab's file in a directory, and the file can be read. */
static bool is_in(struct bytes *path, const char *directory, const char *lab)
{
    bytes_free(path);
    bytes_print(path, "%s/%s.lab", directory, lab);
    return access(path->at, R_OK) == 0;
}

/* The same for the directories near the program, whose path is cut short. */
static bool is_near(struct bytes *path, char *program, const char *lab)
{
    static const char *const places[] = {"../grade", "../share/netlab/grade",
                                         "../../share/netlab/grade"};
    char *slash = strrchr(program, '/');
    struct bytes directory = {0};
    bool is_found = false;

    if (slash == NULL)
        return false;
    *slash = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0] && !is_found; i++) {
        bytes_free(&directory);
        bytes_print(&directory, "%s/%s", program, places[i]);
        is_found = is_in(path, directory.at, lab);
    }
    bytes_free(&directory);
    return is_found;
}

void lab_file_find(struct bytes *path, const char *lab, const char *self)
{
    const char *directory = getenv("GRADE_DIR");
    struct bytes program = {0};

    if (strchr(lab, '/') != NULL) {
        bytes_print(path, "%s", lab);
    } else if (directory != NULL && directory[0] != '\0') {
        bytes_print(path, "%s/%s.lab", directory, lab);
    } else {
        find_self(&program, self);
        if (!is_near(path, program.at, lab))
            is_in(path, "grade", lab);
        bytes_free(&program);
    }
}
