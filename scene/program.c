#include "scene/program.h"

#include "base/clock.h"
#include "base/executable.h"
#include "base/number.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define COMPILE_MS  120000
#define SLICE_MS    100   /* how often a stop signal is looked for */
#define STRANGERS   30000 /* users of whom root takes one for each program; see cage.h */
#define SPACE_LEAST (1 << 20) /* bytes that a compiler may need */

/*
 * The definitions make visible what the manual pages describe: -std=c11 alone hides all that
 * is not in C.
 */
#define COMPILE                                                                          \
    "exec ${CC:-cc} -std=c11 -Wall -Wextra -O1 -g -D_DEFAULT_SOURCE "                    \
    "-D_POSIX_C_SOURCE=200809L -pthread -o \"$0\" \"$1\""

/* A name, or a number that need not belong to anybody. */
static int find_user(const char *user, struct cage_user *found, const char **why)
{
    const struct passwd *entry = getpwnam(user);
    long number = 0;

    *found = (struct cage_user){.name = user};
    if (entry != NULL) {
        found->uid = entry->pw_uid;
        found->gid = entry->pw_gid;
    } else if (number_parse(user, 1, INT_MAX, &number) == 0) {
        found->uid = (uid_t)number;
        found->gid = (gid_t)number;
    }
    if (found->uid != 0)
        return 0;
    *why = entry == NULL ? "there is no such user" : "that user is root";
    return -1;
}

/* Waits for the end of a command, but not after a stop signal. */
static bool wait_for(const struct program *program, struct cage *cage)
{
    int64_t deadline = clock_ms() + COMPILE_MS;

    while (!cage_wait(cage, SLICE_MS)) {
        if (program->signals != NULL)
            signals_let_in(program->signals);
        if (clock_ms() >= deadline ||
            (program->signals != NULL && signals_stop_requested()))
            return false;
    }
    return true;
}

/* Runs a command to its end. Its output goes to program->compiler. Its status, or -1. */
static int run(struct program *program, const char *const *command, const char *directory)
{
    struct cage cage = {0};
    struct cage_start start = {
        .command = command, .directory = directory, .user = &program->user};
    int status = -1;

    if (cage_start(&cage, &start) == 0) {
        bool ended = wait_for(program, &cage);

        cage_end(&cage);
        status = ended ? cage.status : -1;
        if (!ended)
            bytes_print(&cage.complained, "It took over %d s.\n", COMPILE_MS / 1000);
    }
    bytes_add(&program->compiler, bytes_text(&cage.printed), cage.printed.length);
    bytes_add(&program->compiler, bytes_text(&cage.complained), cage.complained.length);
    cage_free(&cage);
    return status;
}

int program_open(struct program *program, const char *argument, const char *user,
                 const char **why)
{
    static const char *const nothing[] = {"true", NULL};
    const char *directory = getenv("TMPDIR");

    *program = (struct program){.argument = argument, .user.uid = getuid()};
    if (user != NULL && find_user(user, &program->user, why) == -1)
        return -1;
    if (user == NULL && getuid() == 0)
        program->user.uid = STRANGERS + (uid_t)getpid() % STRANGERS;
    /* Its path has to mean the same in `site`. */
    snprintf(program->work, sizeof program->work, "%s/grade-XXXXXX",
             directory == NULL || directory[0] != '/' ? "/tmp" : directory);
    if (mkdtemp(program->work) == NULL) {
        *why = "no directory can be made in TMPDIR, or /tmp";
        program->work[0] = '\0';
        return -1;
    }
    if (program->user.uid == getuid())
        return 0;
    if ((chown(program->work, program->user.uid, program->user.gid) == 0 ||
         errno == EINVAL) && /* a number that is not known in this namespace */
        run(program, nothing, NULL) == 0)
        return 0;
    *why = "root cannot become that user here: grade as an ordinary user";
    program_close(program);
    return -1;
}

/* Makes the directories of a path, from this byte on. Some may be there already. */
static void make_directories(char *path, size_t from)
{
    for (char *slash = path + from; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
}

int program_add_file(struct program *program, const char *path, const struct bytes *bytes)
{
    struct bytes whole = {0};
    mode_t mask = umask(022); /* another user must be able to read it */
    FILE *file;
    bool good;

    chmod(program->work, 0755);
    bytes_free(&program->site);
    bytes_print(&program->site, "%s/site", program->work);
    bytes_print(&whole, "%s/%s", program->site.at, path);
    make_directories(whole.at, strlen(program->work) + 1);
    file = fopen(whole.at, "w");
    umask(mask);
    bytes_free(&whole);
    if (file == NULL)
        return -1;
    good = fwrite(bytes->at, 1, bytes->length, file) == bytes->length;
    return fclose(file) == 0 && good ? 0 : -1;
}

/* The program runs in this directory, unless the lab has files: then where they are. */
static void run_in(struct program *program, const char *directory)
{
    if (program->site.length == 0)
        bytes_print(&program->site, "%s", directory);
}

/* program->path is a source, and becomes what was compiled. */
static int compile(struct program *program, struct bytes *why)
{
    struct bytes made = {0};
    const char *command[] = {"/bin/sh", "-c", COMPILE, NULL, program->path.at, NULL};
    bool is_made;

    bytes_print(&made, "%s/program", program->work);
    command[3] = made.at;
    is_made = run(program, command, NULL) == 0;
    bytes_free(&program->path);
    program->path = made;
    if (!is_made) {
        bytes_print(why, "%s does not compile", program->argument);
        return -1;
    }
    program->is_compiled = true;
    run_in(program, program->work);
    for (const char *at = bytes_text(&program->compiler);
         (at = strstr(at, "warning:")) != NULL; at++)
        program->warnings++;
    return 0;
}

static bool is_in(const char *directory, const char *name)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    return access(path, F_OK) == 0;
}

/* Adds LAB.c, or the only x.c in that directory, to program->path. False: neither is there. */
static bool add_source(struct program *program, const char *lab)
{
    char name[NAME_MAX + 1], only[NAME_MAX + 1];
    const struct dirent *entry;
    DIR *directory = opendir(program->path.at);
    int count = 0;

    while (directory != NULL && (entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.' && /* macOS leaves a ._x.c beside x.c */
            bytes_end_in(entry->d_name, strlen(entry->d_name), ".c", 2) && ++count == 1)
            snprintf(only, sizeof only, "%s", entry->d_name);
    if (directory != NULL)
        closedir(directory);
    snprintf(name, sizeof name, "%s.c", lab);
    if (is_in(program->path.at, name))
        bytes_print(&program->path, "/%s", name);
    else if (count == 1)
        bytes_print(&program->path, "/%s", only);
    else
        return false;
    return true;
}

/* program->path is a directory, and becomes what was made there. */
static int make(struct program *program, const char *lab, struct bytes *why)
{
    /* What was made elsewhere may be there, and make take it for new. With -B GNU make
       makes all. BSD make takes -B, too, but it means something else. */
    const char *command[] = {"/bin/sh", "-c", "exec ${MAKE:-make} -B", NULL};

    if (!is_in(program->path.at, "GNUmakefile") && !is_in(program->path.at, "makefile") &&
        !is_in(program->path.at, "Makefile")) {
        if (add_source(program, lab))
            return compile(program, why);
        bytes_print(
            why,
            "%s is a directory without a Makefile: name the .c file in it, or add "
            "a Makefile that makes '%s'",
            program->argument, lab);
        return -1;
    }
    if (run(program, command, program->path.at) != 0) {
        bytes_print(why, "make fails in %s", program->argument);
        return -1;
    }
    run_in(program, program->path.at);
    bytes_print(&program->path, "/%s", lab);
    if (access(program->path.at, X_OK) == 0)
        return 0;
    bytes_print(why, "make has made no program '%s' in %s", lab, program->argument);
    return -1;
}

/* The path from the root of a file that may be named from here. */
static void add_absolute(struct bytes *out, const char *path)
{
    char here[PATH_MAX];

    if (path[0] != '/' && getcwd(here, sizeof here) != NULL)
        bytes_print(out, "%s/", here);
    bytes_print(out, "%s", path);
}

/* The same as a word for the shell: a directory may have a space in its name. */
static void add_absolute_word(struct bytes *out, const char *path)
{
    struct bytes absolute = {.at = NULL};

    add_absolute(&absolute, path);
    bytes_print(out, "'");
    for (const char *at = absolute.at; *at != '\0'; at++) {
        if (*at == '\'')
            bytes_print(out, "'\\'");
        bytes_add(out, at, 1);
    }
    bytes_print(out, "'");
    bytes_free(&absolute);
}

/* A command's words that name files keep their meaning in another directory. */
static void set_command(struct program *program)
{
    const char *at = program->argument;

    bytes_print(&program->shell, "exec ");
    while (*at != '\0') {
        size_t length = strcspn(at, " "), blanks = strspn(at + length, " ");
        char word[PATH_MAX];

        snprintf(word, sizeof word, "%.*s", (int)length, at);
        if (program->site.length > 0 && strpbrk(word, "./") != NULL &&
            access(word, F_OK) == 0)
            add_absolute_word(&program->shell, word);
        else
            bytes_print(&program->shell, "%s", word);
        bytes_add(&program->shell, at + length, blanks);
        at += length + blanks;
    }
    if (strstr(program->argument, "%p") == NULL)
        bytes_print(&program->shell, " %%p");
}

/* Looks for the first word of a command, unless only the shell knows what it means. */
static int check_command(const char *command, struct bytes *why)
{
    char word[PATH_MAX];

    snprintf(word, sizeof word, "%.*s", (int)strcspn(command, " "), command);
    if (strpbrk(word, "\"'\\$`~*?[<>(&;|") != NULL || executable_exists(word))
        return 0;
    bytes_print(why, "cannot run '%s': %s", word, strerror(errno));
    return -1;
}

int program_check(const char *argument, struct bytes *why)
{
    const char *suffix = strrchr(argument, '.');
    struct stat about;

    if (stat(argument, &about) == -1) {
        if (strchr(argument, ' ') != NULL)
            return check_command(argument, why);
        bytes_print(why, "there is no program %s: %s", argument, strerror(errno));
        return -1;
    }
    if (S_ISDIR(about.st_mode) || (suffix != NULL && strcmp(suffix, ".c") == 0) ||
        access(argument, X_OK) == 0)
        return 0;
    bytes_print(why,
                "%s cannot be executed: give the command that runs it, in quotes, such "
                "as 'python3 %s'",
                argument, argument);
    return -1;
}

int program_prepare(struct program *program, const char *lab, struct bytes *why)
{
    const char *argument = program->argument, *suffix = strrchr(argument, '.');
    struct stat about;

    if (stat(argument, &about) == -1) {
        set_command(program);
        return 0;
    }
    add_absolute(&program->path, argument);
    bytes_print(&program->shell, "exec \"$0\" %%p");
    if (S_ISDIR(about.st_mode))
        return make(program, lab, why);
    if (suffix != NULL && strcmp(suffix, ".c") == 0)
        return compile(program, why);
    return 0;
}

bool program_lacks_space(const struct program *program)
{
    struct statvfs space;

    return statvfs(program->work, &space) == 0 && space.f_blocks > 0 &&
           space.f_bavail < SPACE_LEAST / space.f_frsize;
}

const char *const *program_command(struct program *program, int port)
{
    const char *at = program->shell.at, *mark;

    bytes_free(&program->words);
    for (; (mark = strstr(at, "%p")) != NULL; at = mark + 2)
        bytes_print(&program->words, "%.*s%d", (int)(mark - at), at, port);
    bytes_print(&program->words, "%s", at);
    program->command[0] = "/bin/sh";
    program->command[1] = "-c";
    program->command[2] = program->words.at;
    program->command[3] = program->path.at;
    return program->command;
}

void program_close(struct program *program)
{
    const char *command[] = {"rm", "-rf", "--", program->work, NULL};
    struct bytes *owned[] = {&program->site, &program->shell, &program->path,
                             &program->compiler, &program->words};

    /* The directory is this program's own. */
    program->user = (struct cage_user){.uid = getuid()};
    program->signals = NULL; /* also after a stop */
    if (program->work[0] != '\0')
        run(program, command, NULL);
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        bytes_free(owned[i]);
}
