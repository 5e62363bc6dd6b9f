/*
 * script: short shell scripts in a test, run at the top of the tree.
 */
#ifndef TESTS_SCRIPT_H
#define TESTS_SCRIPT_H

#define SCRIPT_OUTPUT 16384

/* Runs a script. Returns what it printed, of at most SCRIPT_OUTPUT bytes, until the next call. */
char *script_output(const char *script);

/* Runs a script whose status must be 0; otherwise what it printed is the failure. */
void expect_script(const char *script);

#endif
