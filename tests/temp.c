#include "tests/harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[512];
static bool is_made;

const char *temp_path(const char *name)
{
    const char *parent = getenv("TMPDIR");

    if (!is_made) {
        snprintf(directory, sizeof directory, "%s/netlab-test-XXXXXX",
                 parent != NULL && *parent != '\0' ? parent : "/tmp");
        ck_assert_ptr_nonnull(mkdtemp(directory));
    }
    is_made = true;
    return *name != '\0' ? formatted("%s/%s", directory, name) : directory;
}

const char *temp_write_bytes(const char *name, const void *bytes, size_t length)
{
    const char *path = temp_path(name);
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

const char *temp_write(const char *name, const char *text)
{
    return temp_write_bytes(name, text, strlen(text));
}

void temp_set_time(const char *path, time_t when)
{
    struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};

    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

void expect_file(const char *path, const char *text)
{
    struct stream file = stream_of(open(path, O_RDONLY));

    expect_text(&file, text);
    expect_end(&file);
    stream_close(&file);
}

int temp_count(void)
{
    DIR *open = opendir(temp_path(""));
    int count = 0;

    ck_assert_ptr_nonnull(open);
    for (struct dirent *entry; (entry = readdir(open)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(open);
    return count;
}

/* Removes what is in a directory, and in the directories in it, and then itself. */
static void remove_all(const char *path)
{
    DIR *open = opendir(path);

    ck_assert_ptr_nonnull(open);
    for (struct dirent *entry; (entry = readdir(open)) != NULL;) {
        char inner[600];

        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            unlink(inner) == -1)
            remove_all(inner);
    }
    closedir(open);
    ck_assert_int_eq(rmdir(path), 0);
}

void temp_remove(void)
{
    if (is_made)
        remove_all(directory);
    is_made = false;
}
