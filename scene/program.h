/*
 * program: what is graded, from an argument of the command line to a command with a port.
 *
 *     x.c           compiled by ${CC:-cc} -std=c11 -Wall -Wextra -O1 -g; runs in a
 *                   directory of its own
 *     a directory   `make -B` there, then ./LAB PORT, there or where the lab's files are;
 *                   without a Makefile, the LAB.c or the only x.c there
 *     a program, or a command in quotes: the port is appended, or put in place of %p
 */
#ifndef SCENE_PROGRAM_H
#define SCENE_PROGRAM_H

#include "base/signals.h"
#include "scene/bytes.h"
#include "scene/cage.h"

#include <stdbool.h>

struct program {
    const char *argument;          /* the caller's */
    const struct signals *signals; /* the caller's: a stop ends the compiler; or NULL */
    struct cage_user user;
    char work[256];     /* a temporary directory, with what was compiled */
    struct bytes site;  /* the directory where the program runs; empty: here */
    struct bytes shell; /* a command for the shell, with %p in it */
    struct bytes path;  /* the file that it executes as "$0"; empty: none */
    bool is_compiled;   /* from x.c, so nothing but this file is to run */
    int warnings;
    struct bytes compiler; /* what the compiler said */

    const char *command[5]; /* the last that program_command() gave, and its text */
    struct bytes words;
};

/*
 * Does the argument name something that can be tried? Of a command, which has a blank, only
 * the first word is looked for. 0, or -1 with a sentence in `why`.
 */
int program_check(const char *argument, struct bytes *why);

/*
 * Makes the temporary directory. `user` is a name, or NULL for no change. 0, or -1 with the
 * reason in *why.
 */
int program_open(struct program *program, const char *argument, const char *user,
                 const char **why);

/* A file for the program to serve, with `bytes` in it. The program then runs in `site`. */
int program_add_file(struct program *program, const char *path,
                     const struct bytes *bytes);

/*
 * Compiles it, if it has to be; a stop signal ends that. 0; or -1 with a sentence in `why`,
 * and what the compiler or make said in program->compiler.
 */
int program_prepare(struct program *program, const char *lab, struct bytes *why);

/* Is the disk of the temporary directory full? A failed compilation then says nothing. */
bool program_lacks_space(const struct program *program);

/* The command for a port, NULL at its end. It is good until the next call. */
const char *const *program_command(struct program *program, int port);

/* Removes the temporary directory. */
void program_close(struct program *program);

#endif
