/*
 * temp: files of a test, in a directory of its own below $TMPDIR or /tmp, which is removed
 * when the test has passed.
 */
#ifndef TESTS_TEMP_H
#define TESTS_TEMP_H

#include <stddef.h>
#include <time.h>

/* The path of a file in the directory: one of a few buffers. "" is the directory itself. */
const char *temp_path(const char *name);

/* Writes a file, and returns its path. */
const char *temp_write(const char *name, const char *text);
const char *temp_write_bytes(const char *name, const void *bytes, size_t length);

/* Sets when the file was changed last. */
void temp_set_time(const char *path, time_t when);

/* The file holds this text and nothing else. */
void expect_file(const char *path, const char *text);

/* The number of files in the directory. Hidden ones do not count. */
int temp_count(void);

/* Removes the directory and all in it. run_cases() calls this after each test. */
void temp_remove(void);

#endif
