/*
 * typist: somebody at the terminal of chat_cli, and the server that the test plays for it.
 */
#ifndef TESTS_TYPIST_H
#define TESTS_TYPIST_H

#include "tests/harness.h"
#include "tests/screen.h"

#include <termios.h>

#define CHAT_CLI    "bin/chat_cli"
#define TYPIST_ROWS 24
#define COLUMNS     40

struct typist {
    pid_t pid;             /* 0 once it has ended */
    int terminal;          /* keys go here, and what is shown comes from here */
    int line;              /* the terminal's other end, to look at its settings */
    struct termios before; /* its settings before anything ran */
    struct screen screen;
};

/* The server, and its end of the connection with the chat_cli that came last. */
extern struct mock chat_mock;
extern struct stream server_end;

void open_mock(void);

/* Accepts the next chat_cli, in place of the one before. */
void await_client(void);

/*
 * Runs a script at a terminal of 24 rows and 40 columns. In it $CHAT_CLI is the program, and
 * $PORT the mock's port, or another server's.
 */
void typist_starts(struct typist *typist, const char *script);
void typist_starts_at(struct typist *typist, const char *script, int port);

/* Runs chat_cli, and waits for its prompt. */
#define CHAT "TERM=xterm; export TERM; unset NO_COLOR; exec $CHAT_CLI 127.0.0.1 $PORT"
void typist_joins(struct typist *typist);

/* Runs a shell, chat_cli in that (TERM=dumb), and waits for its prompt. */
#define SHELL "exec sh -i"
void typist_joins_from_shell(struct typist *typist);

void typist_types(struct typist *typist, const char *keys);

/* Types keys as soon as the terminal takes them, and looks at what it shows meanwhile. */
void typist_types_patiently(struct typist *typist, const char *keys, size_t length);

/* Looks at what the terminal shows within `ms`. False: it shows nothing. */
bool typist_looks(struct typist *typist, int ms);

/*
 * Waits until the text on the screen (screen_text()) ends in this, with the cursor at the
 * |. The text is then in `shown`.
 */
void typist_sees(struct typist *typist, const char *expected);
extern char shown[SCREEN_TEXT];

/* Changes the width of the window, and tells the program in the foreground. */
void typist_resizes(struct typist *typist, int columns);

void expect_settings_as_before(const struct typist *typist);

/*
 * Waits for the end of the script, which must leave the settings as they were. Returns its
 * status, or 128 + the signal that ended it.
 */
int typist_leaves(struct typist *typist);

/* The same, but nobody looks at the screen any more. */
int typist_ends(struct typist *typist);

#endif
