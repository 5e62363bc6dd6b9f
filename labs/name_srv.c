/*
 * name_srv: answers each line with the line and a name, for many clients at a time.
 *
 *     name_srv [-v] [-b address] [-n name] [-p port]
 *
 * For its clients it is one handler, answer(). The rest of the file is the keyboard: Esc
 * in the server's terminal closes every connection and ends the server. The keyboard is
 * one more descriptor that the loop watches. Two things make it hard:
 *
 *  - A terminal hands whole lines to a program, so Esc would wait for Enter. The server
 *    asks for each key at once. Other programs use the terminal too, so its settings are
 *    restored whenever the server ends or is stopped (Ctrl-Z).
 *  - An arrow key also sends Esc, with more bytes right after it. So it is the Esc key
 *    only if nothing follows for a tenth of a second.
 */
#include "base/descriptor.h"
#include "base/signals.h"
#include "loop/stream_server.h"
#include "terminal/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define ESC           27
#define ESC_MS        100  /* the bytes of a longer key come within this time */
#define BACKGROUND_MS 1000 /* between two checks whether the terminal is ours */

/* Global, because a signal handler has no arguments of its own. */
static struct terminal keyboard = {.descriptor = STDIN_FILENO};
static struct stream_server *served;

/* ---- The clients -------------------------------------------------------------------- */

/* A line of more than LINE_MOST bytes comes in pieces. The name follows the last one. */
static void answer(struct stream *stream, const char *text, bool is_last)
{
    const char *name = stream->server->state;

    if (is_last)
        stream_print(stream, "%s %s\r\n", text, name);
    else
        stream_print(stream, "%s", text);
}

/* ---- The terminal ------------------------------------------------------------------- */

/*
 * While the server is in the background, the terminal belongs to the shell or to another
 * program. A background program that changes it is stopped (SIGTTOU).
 */
static void enter_terminal(void)
{
    if (terminal_in_foreground(&keyboard))
        (void)terminal_enter(&keyboard); /* if it fails, reading will show why */
}

/*
 * Two signal handlers. The signals are blocked except while the server waits in
 * pselect(), so a handler interrupts nothing and may do what other code does. It must not
 * wait: the clients would wait as well.
 */
static void stopped(int signal_number)
{
    (void)signal_number;
    terminal_leave(&keyboard);
    terminal_stop_program();
}

static void wait_for_foreground(void *owner, int events);

static void continued(int signal_number)
{
    (void)signal_number;
    wait_for_foreground(served, 0);
}

/* ---- The keyboard ------------------------------------------------------------------- */

static void take_keys(void *owner, int events)
{
    struct stream_server *server = owner;
    char keys[64];
    ssize_t got;

    if (events == 0) { /* nothing has followed the Esc */
        stream_server_unwatch(server, STDIN_FILENO);
        stream_server_stop(server);
        return;
    }
    if (!terminal_in_foreground(&keyboard)) {
        wait_for_foreground(server, 0);
        return;
    }
    got = read(STDIN_FILENO, keys, sizeof keys);
    if (got > 0) {
        stream_server_watch(server, STDIN_FILENO, STREAM_READABLE,
                            keys[got - 1] == ESC ? ESC_MS : -1, take_keys, server);
    } else if (got == 0 || !descriptor_try_again(errno)) {
        log_complain(&server->log, "cannot read the keyboard: %s; Esc does not work",
                     got == 0 ? "it has ended" : strerror(errno));
        stream_server_unwatch(server, STDIN_FILENO); /* the clients stay */
    }
}

/* A shell that brings a running program to the foreground need not send SIGCONT. */
static void wait_for_foreground(void *owner, int events)
{
    (void)events;
    enter_terminal();
    if (terminal_in_foreground(&keyboard))
        stream_server_watch(owner, STDIN_FILENO, STREAM_READABLE, -1, take_keys, owner);
    else
        stream_server_watch(owner, STDIN_FILENO, 0, BACKGROUND_MS, wait_for_foreground,
                            owner);
}

static void open_keyboard(struct stream_server *server)
{
    char place[OPTIONS_PLACE_MOST];

    log_line(&server->log, "name_srv started on %s",
             options_place(&server->where, place));
    if (!isatty(STDIN_FILENO))
        return;
    /* Another program may read from the same terminal: select() then says ready to both,
       but only one gets the key, and read() must not wait for the next. */
    if (!descriptor_unshare(STDIN_FILENO, O_RDONLY)) {
        log_complain(&server->log, "cannot open the keyboard: %s", strerror(errno));
        return;
    }
    log_line(&server->log, "Esc ends it");
    served = server;
    signals_add(&server->signals, SIGTSTP, stopped);
    signals_add(&server->signals, SIGCONT, continued);
    signals_add_stop(&server->signals, SIGQUIT);
    wait_for_foreground(server, 0);
}

/* ---- The program -------------------------------------------------------------------- */

static char *login_name(void)
{
    static char nobody[] = "nobody";
    struct passwd *user = getpwuid(getuid());

    return user != NULL ? user->pw_name : nobody;
}

static const struct options options = {
    .program = "name_srv",
    .letters = "b:hn:p:vV",
    .usage = "usage: name_srv [-hvV] [-b address] [-n name] [-p port]\n",
    .help = "Answers each line with the line and a name. Esc in its terminal ends it.\n"
            "  -b address  listen on this address only (default: all, IPv6 and IPv4)\n"
            "  -n name     the name (default: your login name)\n"
            "  -p port     listen on this port (default: 8888; 0: any free one)\n"
            "  -v          print a line for each connection opened or closed\n"
            "  -h          print this help\n"
            "  -V          print the version\n",
};

int main(int argc, char *argv[])
{
    static struct stream_server server = {
        .program = "name_srv",
        .where.port = 8888,
        .handlers = {.started = open_keyboard, .line = answer}};
    int result;

    server.state = login_name();
    while (options_next_of_server(&options, argc, argv, &server.where) != -1)
        server.state = optarg; /* -n */
    options_end(&options, argc, argv);
    result = stream_server_run(&server);
    terminal_leave(&keyboard);
    return result;
}
