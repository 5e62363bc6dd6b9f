/*
 * irc_bot: sits in an IRC channel and logs what is said.
 *
 *     irc_bot [-n nick] [-l file] [-k key] [host [port]] '#channel'
 *
 *     2026-11-21T10:45:37+01:00 #room <ann> hello
 *     2026-11-21T10:45:40+01:00 #room * ann waves
 *     2026-11-21T10:45:52+01:00 netbot -NickServ- You are now identified.
 *     2026-11-21T10:46:03+01:00 netbot [CTCP from ann] VERSION
 *
 * irc/irc_session.h gets it into the channel and keeps it there, as it does irc_relay.
 * Each line is one write(), so it is in the file at once, and `tail -F` never shows half a
 * line. SIGHUP makes the bot open the file again: move the old one away first (mv irc.log
 * irc.old; kill -HUP the bot), and no line is lost.
 */
#include "base/append.h"
#include "base/clock.h"
#include "base/fdset.h"
#include "base/log.h"
#include "base/options.h"
#include "base/signals.h"
#include "base/start.h"
#include "irc/irc_options.h"
#include "irc/irc_session.h"
#include "net/text.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOG_MS 1000 /* how long to wait at the end for the reader of standard error */

/* Each of a message's bytes may become three; the time and the names come before them. */
#define LINE_BYTES (3 * IRC_MESSAGE_MOST + CLOCK_STAMP_BYTES + 32)

struct irc_bot {
    struct irc_session session;
    struct log log; /* standard error; perhaps nobody reads it */
    const char *path;
    struct append file;
    unsigned long lost; /* lines that were not written, since that was reported */
};

/* ---- Signals ------------------------------------------------------------------------ */

static volatile sig_atomic_t reopen_requested;

static void request_reopen(int signal_number)
{
    (void)signal_number;
    reopen_requested = 1;
}

/* ---- The file ----------------------------------------------------------------------- */

/* Opens the file, and again after a SIGHUP; if that fails, the old one stays in use. */
static int open_file(struct irc_bot *bot)
{
    struct append file;

    if (append_open(&file, bot->path) == -1) {
        log_line(&bot->log, "irc_bot: cannot open '%s': %s", bot->path, strerror(errno));
        return -1;
    }
    if (bot->file.descriptor != -1)
        append_close(&bot->file);
    bot->file = file;
    return 0;
}

/* A full disk may get space again. So this reports it once, and each line is tried. */
static void write_line(struct irc_bot *bot, const char *line, size_t length)
{
    if (append_line(&bot->file, line, length) == -1) {
        if (bot->lost == 0)
            log_line(&bot->log,
                     "irc_bot: cannot write to '%s': %s; lines are lost until it can",
                     bot->path, strerror(errno));
        bot->lost++;
        return;
    }
    if (bot->lost > 0)
        log_line(&bot->log, "irc_bot: writing to '%s' again; %lu line%s missing",
                 bot->path, bot->lost, bot->lost == 1 ? " is" : "s are");
    bot->lost = 0;
}

/* ---- What the bot hears ------------------------------------------------------------- */

static void hear(void *owner, struct irc_message *message)
{
    bool is_notice = strcmp(message->command, "NOTICE") == 0;
    char now[CLOCK_STAMP_BYTES], nick[IRC_NICK_MOST + 1], line[LINE_BYTES],
        clean[LINE_BYTES];
    char *said = message->params[1];
    const char *before = is_notice ? "-" : "<", *after = is_notice ? "-" : ">";
    int length;

    if (!is_notice && strcmp(message->command, "PRIVMSG") != 0)
        return;
    switch (irc_unwrap(&said)) {
    case IRC_SPEECH: break;
    case IRC_ACTION:
        before = "* ";
        after = "";
        break;
    case IRC_OTHER: /* nobody has said it: a program asks, or offers a file */
        before = "[CTCP from ";
        after = "]";
        break;
    }
    irc_strip(said);
    irc_nick(message, nick);
    clock_stamp(time(NULL), now);
    snprintf(line, sizeof line, "%s %s%s%s %s", message->params[0], before, nick, after,
             said);
    text_clean(line, clean, sizeof clean);
    text_straighten(clean, strlen(clean));
    length = snprintf(line, sizeof line, "%s %.*s\n", now,
                      (int)(sizeof line - CLOCK_STAMP_BYTES - 2), clean);
    write_line(owner, line, (size_t)length);
}

static void report(void *owner, const char *text)
{
    struct irc_bot *bot = owner;

    log_line(&bot->log, "irc_bot: %s", text);
}

/* ---- The loop ----------------------------------------------------------------------- */

static int wait_for_events(struct irc_bot *bot, struct signals *signals,
                           struct fdset *readable)
{
    int64_t deadline = link_deadline(&bot->session.link);
    struct fdset writable;

    fdset_clear(readable);
    fdset_clear(&writable);
    link_watch(&bot->session.link, readable, &writable);
    deadline = clock_earlier(deadline, log_watch(&bot->log, &writable));
    return signals_pselect(signals, readable, &writable, deadline);
}

/* Runs until a signal ends it, or the server refuses it. Returns the exit status. */
static int run(struct irc_bot *bot, struct signals *signals)
{
    bool stopping = false;
    struct fdset readable;

    while (bot->session.state != IRC_OVER) {
        log_write(&bot->log);
        if (wait_for_events(bot, signals, &readable) == -1) {
            perror("irc_bot: select");
            return EXIT_FAILURE;
        }
        if (reopen_requested) {
            reopen_requested = 0;
            open_file(bot);
        }
        if (signals_stop_requested() && !stopping) {
            stopping = true;
            irc_session_quit(&bot->session, "irc_bot ends");
        }
        irc_session_step(&bot->session, &readable);
    }
    if (bot->lost > 0)
        log_line(&bot->log, "irc_bot: %lu line%s missing in '%s'", bot->lost,
                 bot->lost == 1 ? " is" : "s are", bot->path);
    return bot->session.refused || bot->lost > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- The program -------------------------------------------------------------------- */

static const struct options options = {
    .program = "irc_bot",
    .letters = "hk:l:n:Vw:",
    .usage =
        "usage: irc_bot [-hV] [-k key] [-l file] [-n nick] [-w seconds] [host [port]]\n"
        "               '#channel'\n",
    .help =
        "Sits in an IRC channel and writes what is said to a file, one line for each\n"
        "message, with the time. It connects again by itself when the connection is\n"
        "lost. Ctrl-C ends the bot.\n"
        "  host [port]  the IRC server; also host:port or [::1]:port\n"
        "               (default: localhost 6667)\n"
        "  '#channel'   the channel\n"
        "  -k key       the channel's key\n"
        "  -l file      write to this file (default: irc.log); SIGHUP opens it again\n"
        "  -n nick      the nick (default: netbot); if it is in use, another one\n"
        "  -w seconds   after this much silence ask the server for a sign of life, and\n"
        "               leave it after as much again (default: 60)\n"
        "  -h           print this help\n"
        "  -V           print the version\n"
        "Environment: IRC_SERVER_PASSWORD, the server's password, if it has one;\n"
        "IRC_PASSWORD, the nick's, to identify to NickServ.\n",
};

int main(int argc, char *argv[])
{
    static char log_bytes[LOG_BYTES];
    static struct irc_bot bot;
    struct irc_settings settings = {.nick = "netbot",
                                    .real_name = "netlab's irc_bot",
                                    .silence_ms = IRC_SILENCE_MS,
                                    .hear = hear,
                                    .report = report,
                                    .owner = &bot};
    struct signals signals;
    int option, status = EXIT_FAILURE;

    bot.path = "irc.log";
    bot.file.descriptor = -1;
    while ((option = options_next(&options, argc, argv)) != -1) {
        switch (option) {
        case 'k': settings.key = optarg; break;
        case 'l': bot.path = optarg; break;
        case 'n': settings.nick = optarg; break;
        case 'w': settings.silence_ms = options_timeout(&options, option); break;
        }
    }
    irc_options_take(&settings, &options, argc - optind, argv + optind);
    start_server(&options, &signals);
    /* nohup ignores SIGHUP because it would end a program. Here it opens the file again. */
    signals_add(&signals, SIGHUP, request_reopen);
    log_open(&bot.log, "irc_bot", STDERR_FILENO, log_bytes, sizeof log_bytes);
    if (open_file(&bot) == 0) {
        irc_session_start(&bot.session, &settings);
        status = run(&bot, &signals);
        append_close(&bot.file);
    }
    log_finish(&bot.log, LOG_MS);
    return status;
}
