/*
 * chat_cli: talks to a chat server, or to any server that sends lines.
 *
 *     chat_cli [host [port]]                                    with a person at a terminal
 *     printf 'hello\n' | chat_cli [-t s] [-w s] [host [port]]   in a script
 *
 * One select() waits for the keyboard and the socket. What the others say is printed
 * above the prompt: the line that is being typed is taken off the screen before and drawn
 * again after, so the two never mix. Who types (terminal/line_edit.h), what is seen
 * (terminal/chat_screen.h) and how the terminal is set up (terminal/terminal.h) are modules
 * of their own; here is what happens when.
 *
 * Nothing here waits but pselect(): the socket and the screen are non-blocking. Signals
 * get in only there, so the terminal is put back as it was whatever ends the program.
 *
 * Keys are read at once, whatever the server does: only so does Ctrl-C reach the program
 * from behind a long paste. What the server has not taken is queued, and a line that the
 * queue has no room for is refused in words. A script's input waits instead, until the
 * server has taken nothing for -t seconds.
 */
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/fdset.h"
#include "base/options.h"
#include "base/signals.h"
#include "base/start.h"
#include "net/dial.h"
#include "net/keepalive.h"
#include "net/line.h"
#include "net/telnet.h"
#include "net/text.h"
#include "terminal/chat_screen.h"
#include "terminal/line_edit.h"
#include "terminal/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 5000      /* to connect, with each address of the host */
#define LEAVE_MS    2000      /* to send what was still queued when somebody leaves */
#define STALL_MS    30000     /* for the server to take some of what a script sends */
#define SILENCE_MS  1000      /* for it to say something, when a script has sent all */
#define PART_MS     500       /* until the beginning of a line is shown, to a person */
#define MOMENT_MS   200       /* at the end: for a terminal, or more input */
#define FOR_EVER    INT64_MAX /* for what comes, while nothing is due */

#define QUEUE_BYTES (1 << 20) /* to the server: 500 of the longest lines */
#define PIECE_BYTES 16384     /* of one recv(), and of one read() of a script's input */
#define KEYS_BYTES  1024      /* of one read() from the keyboard... */
#define LAST_READS  8         /* ...and how many there are after Ctrl-C */

struct chat_client {
    int server;
    struct signals signals;
    int64_t stall_ms, silence_ms; /* what a script's server is granted, see patience() */
    int64_t waited_ms;            /* what it has used of that */

    bool reads_input; /* more may be said; when not, what is queued still goes out */
    bool refused;     /* a line that was typed did not fit the queue */
    bool half_closed; /* all was sent, and the server has been told so */
    bool ended;       /* the server has closed */
    bool late;        /* what was awaited from it has not come in time */
    int lost;         /* the errno that the connection ended with, or 0 */
    int input_failed; /* that of standard input, or 0 */

    struct telnet telnet; /* what the server sends, taken apart... */
    struct line line;     /* ...made fit to be seen, and cut into lines */
    struct chat_screen screen;

    bool at_terminal; /* a person types and reads */
    struct terminal terminal;
    struct line_edit edit;

    size_t queued; /* bytes to the server */
    char queue[QUEUE_BYTES];
};

/* ---- Signals ------------------------------------------------------------------------ */

static volatile sig_atomic_t suspend_requested, resumed, resized;

static void request_suspend(int signal_number)
{
    (void)signal_number;
    suspend_requested = 1;
}

static void note_resumption(int signal_number)
{
    (void)signal_number;
    resumed = 1;
}

static void note_size(int signal_number)
{
    (void)signal_number;
    resized = 1;
}

static void catch_terminal_signals(struct chat_client *client)
{
    int resize = terminal_resize_signal();

    (void)signals_add_stop(&client->signals, SIGQUIT);
    (void)signals_add(&client->signals, SIGTSTP, request_suspend);
    (void)signals_add(&client->signals, SIGCONT, note_resumption);
    if (resize != 0)
        (void)signals_add(&client->signals, resize, note_size);
}

/* From here on a signal ends the program at once; what is pending is done with. */
static void stop_catching(const struct chat_client *client)
{
    static const int stopping[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
    struct sigaction standard = {.sa_handler = SIG_DFL};

    (void)sigprocmask(SIG_SETMASK, &client->signals.while_waiting, NULL);
    (void)sigemptyset(&standard.sa_mask);
    for (size_t i = 0; i < sizeof stopping / sizeof stopping[0]; i++)
        (void)sigaction(stopping[i], &standard, NULL);
}

/* ---- What goes to the server -------------------------------------------------------- */

/* What is said has room, its callers have looked; an answer to telnet may find none. */
static void queue_bytes(struct chat_client *client, const char *bytes, size_t length)
{
    if (length > QUEUE_BYTES - client->queued)
        return;
    memcpy(client->queue + client->queued, bytes, length);
    client->queued += length;
}

static void send_some(struct chat_client *client)
{
    ssize_t sent = send(client->server, client->queue, client->queued, MSG_NOSIGNAL);

    if (sent == -1 && !descriptor_try_again(errno))
        client->lost = errno;
    if (sent <= 0)
        return;
    client->queued -= (size_t)sent;
    memmove(client->queue, client->queue + sent, client->queued);
    if (client->at_terminal)
        return; /* LEAVE_MS is for all of it */
    client->late = false;
    client->waited_ms = 0;
}

/* All is said, and sent: the server hears of it, and a script awaits the answers. */
static void half_close(struct chat_client *client)
{
    (void)shutdown(client->server, SHUT_WR); /* a lost connection shows in recv() */
    client->half_closed = true;
}

/* ---- What the server sends ---------------------------------------------------------- */

static void print_line(struct chat_client *client, enum line_event event)
{
    struct line *line = &client->line;

    text_straighten(line->text, line->length);
    chat_screen_print(&client->screen, line->text, event == LINE_ENDED);
    line_clear(line, 0);
}

static void take_data(struct chat_client *client, const unsigned char *bytes,
                      size_t length)
{
    while (length > 0) {
        enum line_event event;
        size_t taken = line_take(&client->line, bytes, length, &event);

        if (event != LINE_OPEN)
            print_line(client, event);
        bytes += taken;
        length -= taken;
    }
}

/* What a server of telnet's own kind asks for is refused, and nothing else answered. */
static void take_command(struct chat_client *client, unsigned char byte)
{
    struct telnet_reply reply;

    switch (telnet_take(&client->telnet, byte, &reply)) {
    case TELNET_DATA: take_data(client, &byte, 1); break;
    case TELNET_REFUSE:
        if (!client->half_closed)
            queue_bytes(client, reply.bytes, sizeof reply.bytes);
        break;
    default: break;
    }
}

/* True: there was something. */
static bool receive(struct chat_client *client)
{
    unsigned char bytes[PIECE_BYTES];
    ssize_t got = recv(client->server, bytes, sizeof bytes, 0);

    if (got == -1 && !descriptor_try_again(errno))
        client->lost = errno;
    client->ended = got == 0;
    if (got > 0 && client->half_closed)
        client->waited_ms = 0;
    for (ssize_t done = 0; done < got;) {
        size_t plain = telnet_plain(&client->telnet, bytes + done, (size_t)(got - done));

        take_data(client, bytes + done, plain);
        done += (ssize_t)plain;
        if (done < got)
            take_command(client, bytes[done++]);
    }
    return got > 0;
}

/* The last line may stand without its end. */
static void finish_lines(struct chat_client *client)
{
    enum line_event event;

    while ((event = line_finish(&client->line)) != LINE_OPEN)
        print_line(client, event);
    chat_screen_end_line(&client->screen);
}

/* ---- What is said ------------------------------------------------------------------- */

static void queue_line(struct chat_client *client, const char *line, size_t length)
{
    if (length + 2 <= QUEUE_BYTES - client->queued) {
        queue_bytes(client, line, length);
        queue_bytes(client, "\r\n", 2);
    } else {
        client->refused = true;
        chat_screen_print(&client->screen,
                          "chat_cli: not sent: the server has stopped reading", true);
    }
}

static void enter_line(struct chat_client *client)
{
    chat_screen_leave_line(&client->screen, &client->edit);
    if (client->edit.overflowed)
        chat_screen_print(&client->screen,
                          "chat_cli: the line was full: the rest of it is not sent",
                          true);
    if (strcmp(client->edit.text, "quit") == 0)
        client->reads_input = false;
    else
        queue_line(client, client->edit.text, client->edit.length);
    line_edit_next(&client->edit);
}

/* A terminal that is gone (EIO) has said its last like one that was closed. */
static void read_keys(struct chat_client *client)
{
    unsigned char keys[KEYS_BYTES];
    ssize_t got = read(STDIN_FILENO, keys, sizeof keys);

    if (got == 0 || (got == -1 && !descriptor_try_again(errno)))
        client->reads_input = false;
    for (ssize_t used = 0; used < got && client->reads_input;) {
        enum line_edit_event event;

        chat_screen_hide_prompt(&client->screen);
        used += (ssize_t)line_edit_take(&client->edit, keys + used, (size_t)(got - used),
                                        &event);
        switch (event) {
        case LINE_EDIT_OPEN: break;
        case LINE_EDIT_ENTERED: enter_line(client); break;
        case LINE_EDIT_END: client->reads_input = false; break;
        case LINE_EDIT_INTERRUPT: signals_request_stop(); break;
        case LINE_EDIT_CLEAR: chat_screen_clear(&client->screen); break;
        }
    }
}

/* What was typed before Ctrl-C is not for the shell that reads from the terminal next. */
static void read_last_keys(struct chat_client *client)
{
    const struct timespec at_once = {0};
    struct fdset readable;

    for (int n = 0; n < LAST_READS && client->reads_input; n++) {
        if (!terminal_is_ours(&client->terminal))
            break;
        fdset_clear(&readable);
        fdset_add(&readable, STDIN_FILENO);
        if (pselect(STDIN_FILENO + 1, &readable.set, NULL, NULL, &at_once, NULL) != 1)
            break;
        read_keys(client);
    }
    if (client->queued > 0 && client->lost == 0)
        send_some(client);
}

/* Without a terminal the bytes go out as they come, and are read as long as they do. */
static bool takes_input(const struct chat_client *client)
{
    return client->reads_input && (client->at_terminal || client->queued < PIECE_BYTES);
}

/* A byte of 255 would be the beginning of a command: it is sent twice (RFC 854). */
static void read_input(struct chat_client *client)
{
    char bytes[PIECE_BYTES];
    ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);

    for (ssize_t at = 0; at < got;) {
        const char *iac = memchr(bytes + at, TELNET_IAC, (size_t)(got - at));
        ssize_t end = iac != NULL ? iac + 1 - bytes : got;

        queue_bytes(client, bytes + at, (size_t)(end - at));
        if (iac != NULL)
            queue_bytes(client, iac, 1);
        at = end;
    }
    if (got == -1 && !descriptor_try_again(errno))
        client->input_failed = errno;
    if (got == 0)
        client->reads_input = false;
}

/* ---- The terminal comes and goes ---------------------------------------------------- */

static void give_terminal_back(struct chat_client *client)
{
    chat_screen_hide_prompt(&client->screen);
    chat_screen_flush(&client->screen);
    terminal_leave(&client->terminal);
}

/* In the background this stops the program, until `fg`, or a signal that ends it. */
static void enter_terminal(struct chat_client *client)
{
    sigset_t blocked;

    (void)sigprocmask(SIG_SETMASK, &client->signals.while_waiting, &blocked);
    while (!signals_stop_requested() && terminal_enter(&client->terminal) == -1 &&
           errno == EINTR)
        continue; /* if it fails otherwise it is gone, and reading tells */
    (void)sigprocmask(SIG_SETMASK, &blocked, NULL);
}

/*
 * Back from a stop, or from one by SIGSTOP, which gave nothing back. Somebody may have
 * sent SIGTERM meanwhile: it comes in first, for in the background taking the terminal
 * would stop the program again.
 */
static void resume(struct chat_client *client)
{
    bool given_back = !client->terminal.keyed;

    signals_let_in(&client->signals);
    suspend_requested = resumed = 0;
    if (signals_stop_requested())
        return;
    enter_terminal(client);
    if (given_back)
        chat_screen_open(&client->screen);
    chat_screen_hide_prompt(&client->screen);
}

static void heed_signals(struct chat_client *client)
{
    if (suspend_requested) {
        give_terminal_back(client);
        terminal_stop_program();
        resumed = 1;
    }
    if (resumed)
        resume(client);
    if (resized) {
        resized = 0;
        chat_screen_hide_prompt(&client->screen);
    }
}

/* ---- The loop ----------------------------------------------------------------------- */

/* How long the server may take. A person decides that, until they leave. */
static int64_t patience(const struct chat_client *client)
{
    if (client->at_terminal)
        return client->reads_input ? FOR_EVER : LEAVE_MS;
    if (client->queued > 0)
        return client->stall_ms;
    return client->half_closed ? client->silence_ms : FOR_EVER;
}

/* Only here does the server's time run: it cannot help it if nobody reads what it said. */
static int wait_for_events(struct chat_client *client, struct fdset *readable,
                           struct fdset *writable)
{
    /* A signal may have got in already, while the screen was busy. */
    bool signalled = signals_stop_requested() || suspend_requested || resumed || resized;
    int64_t granted = patience(client), begun = clock_ms(), left = granted;
    bool holds_part = client->at_terminal && client->line.length > 0, came;
    struct timespec timeout;
    int ready;

    if (granted != FOR_EVER)
        left = granted - client->waited_ms;
    else if (holds_part)
        left = PART_MS;
    if (signalled)
        left = 0;
    timeout = clock_timespec(left);
    fdset_clear(readable);
    fdset_clear(writable);
    fdset_add(readable, client->server);
    if (takes_input(client))
        fdset_add(readable, STDIN_FILENO);
    if (client->queued > 0)
        fdset_add(writable, client->server);
    ready = signals_pselect(&client->signals, readable, writable,
                            left == FOR_EVER ? NULL : &timeout);
    client->waited_ms = granted == FOR_EVER ? 0 : client->waited_ms + clock_ms() - begun;
    came = fdset_has(client->half_closed ? readable : writable, client->server);
    client->late = granted != FOR_EVER && client->waited_ms >= granted && !came;
    if (ready == 0 && holds_part)
        print_line(client, LINE_OPEN); /* a question, it may be, and no more will come */
    return ready;
}

static bool is_over(const struct chat_client *client)
{
    if (client->ended || client->lost != 0 || client->late || signals_stop_requested() ||
        client->input_failed != 0 || client->screen.failed != 0)
        return true;
    return client->at_terminal && !client->reads_input && client->queued == 0;
}

static void chat(struct chat_client *client)
{
    struct fdset readable, writable;

    while (!is_over(client)) {
        if (client->at_terminal)
            chat_screen_show_prompt(&client->screen, &client->edit);
        chat_screen_flush(&client->screen);
        if (wait_for_events(client, &readable, &writable) == -1) {
            client->lost = errno;
            break;
        }
        if (client->at_terminal)
            heed_signals(client);
        if (fdset_has(&readable, STDIN_FILENO)) {
            if (client->at_terminal)
                read_keys(client);
            else
                read_input(client);
        }
        if (fdset_has(&readable, client->server))
            (void)receive(client);
        if (client->queued > 0 && client->lost == 0)
            send_some(client);
        if (!client->at_terminal && !client->reads_input && client->queued == 0 &&
            !client->half_closed)
            half_close(client);
    }
    if (signals_stop_requested())
        read_last_keys(client);
    while (client->lost != 0 && receive(client)) /* its last words, if a send failed */
        continue;
    finish_lines(client);
}

/* Is a descriptor ready, to be read or to be written to, or will it be in a moment? */
static bool is_ready(int descriptor, bool to_write)
{
    const struct timespec moment = clock_timespec(MOMENT_MS);
    struct fdset set;

    fdset_clear(&set);
    fdset_add(&set, descriptor);
    return pselect(descriptor + 1, to_write ? NULL : &set.set, to_write ? &set.set : NULL,
                   NULL, &moment, NULL) == 1;
}

/* The server has ended first: is there more that it was to be sent? */
static bool has_more_input(void)
{
    char byte;

    return is_ready(STDIN_FILENO, false) && read(STDIN_FILENO, &byte, 1) != 0;
}

/* Says how it ended. The exit status. */
static int report(const struct chat_client *client)
{
    const struct chat_screen *screen = &client->screen;
    const char *what = NULL, *why = "";
    bool all_read = client->at_terminal || !client->reads_input ||
                    (client->ended && client->lost == 0 && !has_more_input());
    bool all_sent = client->queued == 0 && !client->refused && all_read;

    if (client->lost != 0) {
        what = "the connection is lost: ";
        why = strerror(client->lost);
    } else if (client->input_failed != 0) {
        what = "cannot read standard input: ";
        why = strerror(client->input_failed);
    } else if (screen->failed != 0) {
        what = "cannot write to standard output: ";
        why = strerror(screen->failed);
    } else if (client->ended && (client->at_terminal || !all_sent)) {
        what = "the server has closed the connection";
    } else if (client->late && client->queued > 0) {
        what = "the server has stopped reading";
    }
    if (screen->cut && is_ready(STDERR_FILENO, true)) /* most likely within a line */
        (void)fputc('\n', stderr);
    if (what != NULL)
        (void)fprintf(stderr, "chat_cli: %s%s\n", what, why);
    if (!all_sent)
        (void)fprintf(stderr, "chat_cli: not all was sent\n");
    return client->lost == 0 && all_sent && (client->at_terminal || screen->failed == 0)
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

/* ---- The program -------------------------------------------------------------------- */

static const struct options options = {
    .program = "chat_cli",
    .letters = "ht:Vw:",
    .usage = "usage: chat_cli [-hV] [-t seconds] [-w seconds] [host [port]]\n",
    .help =
        "Talks to a chat server: what you type goes to the others, a line at a time,\n"
        "and what they say is printed above it. The line 'quit', Ctrl-D or Ctrl-C\n"
        "leaves. The host is localhost and the port 2626 if not given. Without a\n"
        "terminal it sends standard input and prints what comes; the status is 0 if\n"
        "all was sent.\n"
        "  -t seconds  without a terminal: give up when the server has taken nothing of\n"
        "              what is to be sent for so long (default: 30)\n"
        "  -w seconds  without a terminal: when all is sent, end after so much silence\n"
        "              (default: 1)\n"
        "  -h          print this help\n"
        "  -V          print the version\n",
};

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);

    return value != NULL && *value != '\0';
}

/* Looks who is there: a person, or a script. */
static void look_around(struct chat_client *client)
{
    struct chat_screen *screen = &client->screen;

    client->at_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    client->terminal.descriptor = STDIN_FILENO;
    screen->signals = &client->signals;
    if (!client->at_terminal)
        return;
    screen->terminal = &client->terminal;
    screen->is_dumb = !is_set("TERM") || strcmp(getenv("TERM"), "dumb") == 0;
    screen->is_coloured = !screen->is_dumb && !is_set("NO_COLOR");
    catch_terminal_signals(client);
}

static void greet(struct chat_client *client, const char *host, int port)
{
    char greeting[512];

    (void)snprintf(greeting, sizeof greeting,
                   "Connected to %.255s port %d. The line 'quit' or Ctrl-D leaves.", host,
                   port);
    chat_screen_print(&client->screen, greeting, true);
}

/* Connects, chats, and leaves. The exit status. */
static int visit(struct chat_client *client, const char *host, int port)
{
    const char *why;

    /* No signal is caught yet: Ctrl-C ends the program, whatever it waits for. */
    client->server = dial(host, port, SOCK_STREAM, PATIENCE_MS, &why);
    if (client->server == -1) {
        (void)fprintf(stderr, "chat_cli: cannot connect to %s port %d: %s\n", host, port,
                      why);
        return EXIT_FAILURE;
    }
    if (signals_prepare(&client->signals) == -1) {
        (void)fprintf(stderr, "chat_cli: cannot start: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    keepalive_enable(client->server);
    client->reads_input = true;
    look_around(client);
    if (client->at_terminal) {
        enter_terminal(client);
        greet(client, host, port);
    }
    chat_screen_open(&client->screen);
    chat(client);
    if (client->edit.length > 0)
        chat_screen_leave_line(&client->screen, &client->edit);
    give_terminal_back(client);
    descriptor_hang_up(client->server);
    stop_catching(client); /* standard error may wait, for a terminal that is full */
    return report(client);
}

int main(int argc, char *argv[])
{
    static struct chat_client client;
    const char *host = "localhost";
    int option, port = 2626;

    client.stall_ms = STALL_MS;
    client.silence_ms = SILENCE_MS;
    while ((option = options_next(&options, argc, argv)) != -1) {
        switch (option) {
        case 't': client.stall_ms = options_timeout(&options, option); break;
        case 'w': client.silence_ms = options_milliseconds(&options, option); break;
        }
    }
    if (optind < argc)
        host = argv[optind++];
    if (optind < argc)
        port = options_port(&options, argv[optind++], 1);
    options_end(&options, argc, argv);
    if (start_program() == -1)
        options_fail(&options, "cannot start: %s", strerror(errno));
    return visit(&client, host, port);
}
