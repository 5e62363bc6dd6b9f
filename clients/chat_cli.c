/*
 * chat_cli: talks to a chat server, or to any server that sends lines.
 *
 *     chat_cli [host [port]]                                    at a terminal
 *     printf 'hello\n' | chat_cli [-t s] [-w s] [host [port]]   in a script
 *
 * One select() waits for the keyboard and the socket. What the others say is printed above
 * the prompt: the line being typed is removed from the screen first and drawn again
 * afterwards, so the two never mix. The line editor (terminal/line_edit.h), the prompt
 * (terminal/display.h) and the settings of the terminal (terminal/terminal.h) are modules.
 * This file decides what happens when.
 *
 * Nothing waits except pselect(): socket, keyboard and screen are non-blocking. Signals are
 * delivered only there, so the terminal is restored whatever ends the program.
 *
 * Keys are read at once, whatever the server does: only then does Ctrl-C reach the program
 * after a long paste. What the server does not take yet is queued, or refused if the queue
 * is full. A script's input waits instead.
 */
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/fdset.h"
#include "base/options.h"
#include "base/signals.h"
#include "base/start.h"
#include "chat/words.h"
#include "net/dial.h"
#include "net/input.h"
#include "net/keepalive.h"
#include "net/text.h"
#include "terminal/display.h"
#include "terminal/line_edit.h"
#include "terminal/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DIAL_MS    5000      /* to connect, for each address of the host */
#define LEAVE_MS   2000      /* to send the rest of the queue when a person leaves */
#define STALL_MS   30000     /* for the server to take some of a script's input */
#define SILENCE_MS 1000      /* for the server to say something once everything is sent */
#define PART_MS    500       /* before an unfinished line is shown */
#define ESCAPE_MS  500       /* a key's sequence comes faster, even over a slow network */
#define MOMENT_MS  200       /* at the end, for more input */
#define FOR_EVER   INT64_MAX /* while nothing is due */

#define QUEUE_BYTES (1 << 20) /* to the server: 500 of the longest lines */
#define PIECE_BYTES 16384     /* for one recv() or one read() */
#define LAST_READS  4         /* of the keyboard after Ctrl-C */

struct chat_client {
    int sock;
    struct signals signals;
    int64_t stall_ms, silence_ms; /* a script's limits, see time_left() */
    int64_t waited_ms;            /* how much of one the server has used */

    bool reads_input;   /* the person or the script may have more to send */
    bool refused;       /* a typed line did not fit the queue */
    bool half_closed;   /* all is sent, and the server has been told */
    bool ended;         /* the server has closed */
    const char *failed; /* what ended the conversation early, or NULL... */
    int error;          /* ...and the errno that says why */

    struct input input; /* what the server sends */
    struct display display;

    bool at_terminal; /* a person types and reads */
    struct terminal terminal;
    struct line_edit edit;
    int64_t keys_at;    /* ms; when the last keys came */
    bool server_echoes; /* RFC 857; in practice: it asks for a password */

    size_t queued; /* bytes to send */
    char queue[QUEUE_BYTES];
};

/* The conversation is over because of errno. */
static void fail(struct chat_client *client, const char *what)
{
    client->failed = what;
    client->error = errno;
}

/* ---- Signals ------------------------------------------------------------------------ */

static volatile sig_atomic_t suspend_requested; /* Ctrl-Z */
static volatile sig_atomic_t terminal_changed;  /* suspended, resumed or resized */

static void note_signal(int signal_number)
{
    if (signal_number == SIGTSTP)
        suspend_requested = 1;
    terminal_changed = 1;
}

/* ---- From the server ---------------------------------------------------------------- */

/* Callers check that text fits. An answer to telnet is dropped if it does not. */
static void queue_bytes(struct chat_client *client, const char *bytes, size_t length)
{
    if (length > QUEUE_BYTES - client->queued)
        return;
    memcpy(client->queue + client->queued, bytes, length);
    client->queued += length;
}

/* Names in the room's sentences (chat/words.h) get their colours. */
static void print_sentence(struct display *display, const char *text)
{
    struct words_parts parts;
    enum words kind = words_read(text, &parts);
    size_t done = 0;

    if (kind != WORDS_NONE) {
        display_print(display, text, parts.name);
        display_print_name(display, text + parts.name, parts.name_length);
        done = parts.name + parts.name_length;
    }
    if (kind == WORDS_RENAMED) {
        display_print(display, text + done, parts.text - done);
        display_print_name(display, text + parts.text, parts.text_length);
        done = parts.text + parts.text_length;
    }
    display_print(display, text + done, strlen(text + done));
}

static void print_text(struct chat_client *client, bool is_whole)
{
    struct line *line = &client->input.line;

    text_straighten(line->text, line->length);
    if (client->display.within_line) /* the rest of a long line is not a sentence */
        display_print(&client->display, line->text, line->length);
    else
        print_sentence(&client->display, line->text);
    if (is_whole)
        display_end_line(&client->display);
}

/* A question such as "login: " has no line end, and the server waits for an answer. */
static void print_part(struct chat_client *client)
{
    if (!client->at_terminal || !input_has_part(&client->input))
        return;
    input_take_part(&client->input);
    print_text(client, false);
}

/*
 * A server that offers to echo what is typed (RFC 857) does not do so: it asks for a
 * password. Until it takes the offer back, what is typed is not shown. Only a change is
 * answered; otherwise two programs could answer each other for ever (RFC 1143).
 */
static void take_echo(struct chat_client *client, bool server_echoes)
{
    const unsigned char answer[] = {TELNET_IAC, server_echoes ? TELNET_DO : TELNET_DONT,
                                    TELNET_ECHO};

    if (client->server_echoes == server_echoes)
        return;
    client->server_echoes = server_echoes;
    queue_bytes(client, (const char *)answer, sizeof answer);
    display_hide_prompt(&client->display);
    if (server_echoes || client->edit.length == 0)
        client->edit.is_secret = server_echoes; /* a password stays secret until Enter */
}

/* The server asks for a telnet option, offers one, or takes an offer back. */
static void take_option(struct chat_client *client, bool wants_answer)
{
    const struct telnet *telnet = &client->input.telnet;
    const struct telnet_reply *refusal = &client->input.reply;

    if (client->at_terminal && telnet->option == TELNET_ECHO &&
        (telnet->verb == TELNET_WILL || telnet->verb == TELNET_WONT))
        take_echo(client, telnet->verb == TELNET_WILL);
    else if (wants_answer && !client->half_closed)
        queue_bytes(client, refusal->bytes, sizeof refusal->bytes);
}

/* Only clients send the other events. */
static void take_event(struct chat_client *client, enum input_event event)
{
    if (event == INPUT_LINE || event == INPUT_PIECE)
        print_text(client, event == INPUT_LINE);
    else if (event == INPUT_REPLY || event == INPUT_ANSWERED)
        take_option(client, event == INPUT_REPLY);
}

/* Returns true if something came. */
static bool receive(struct chat_client *client)
{
    unsigned char bytes[PIECE_BYTES];
    ssize_t got = recv(client->sock, bytes, sizeof bytes, 0);
    enum input_event event;

    if (got == -1 && !descriptor_try_again(errno))
        fail(client, "the connection is lost");
    client->ended = got == 0;
    if (got > 0 && client->half_closed)
        client->waited_ms = 0;
    for (ssize_t taken = 0; taken < got;) {
        taken += (ssize_t)input_take(&client->input, bytes + taken, (size_t)(got - taken),
                                     &event);
        take_event(client, event);
    }
    return got > 0;
}

/* ---- From the person or the script -------------------------------------------------- */

static void enter_line(struct chat_client *client)
{
    struct line_edit *edit = &client->edit;
    struct display *display = &client->display;

    display_leave_line(display, edit);
    if (edit->overflowed)
        display_print_line(display,
                           "chat_cli: the line was full: the rest of it is not sent");
    if (strcmp(edit->text, "quit") == 0 && !edit->is_secret) {
        client->reads_input = false;
    } else if (edit->length + 2 <= QUEUE_BYTES - client->queued) {
        queue_bytes(client, edit->text, edit->length);
        queue_bytes(client, "\r\n", 2);
    } else {
        client->refused = true;
        display_print_line(display, "chat_cli: not sent: the server has stopped reading");
    }
    line_edit_next(edit);
    edit->is_secret = client->server_echoes;
}

static void press_keys(struct chat_client *client, const unsigned char *keys,
                       size_t length)
{
    size_t used = 0;
    int64_t now = clock_ms();

    if (now - client->keys_at > ESCAPE_MS)
        line_edit_pause(&client->edit);
    client->keys_at = now;
    while (used < length && client->reads_input) {
        enum line_edit_event event;

        display_hide_prompt(&client->display);
        used += line_edit_take(&client->edit, keys + used, length - used, &event);
        switch (event) {
        case LINE_EDIT_OPEN: break;
        case LINE_EDIT_ENTERED: enter_line(client); break;
        case LINE_EDIT_END: client->reads_input = false; break;
        case LINE_EDIT_CLEAR: display_clear(&client->display); break;
        }
    }
}

/* A byte of 255 would begin a telnet command, so it is sent twice (RFC 854). */
static void queue_input(struct chat_client *client, const char *bytes, size_t length)
{
    while (length > 0) {
        const char *iac = memchr(bytes, TELNET_IAC, length);
        size_t piece = iac != NULL ? (size_t)(iac + 1 - bytes) : length;

        queue_bytes(client, bytes, piece);
        if (iac != NULL)
            queue_bytes(client, iac, 1);
        bytes += piece;
        length -= piece;
    }
}

static void read_input(struct chat_client *client)
{
    char bytes[PIECE_BYTES];
    ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);

    if (got == -1 && descriptor_try_again(errno))
        return;
    if (got == -1 && !(client->at_terminal && errno == EIO))
        fail(client, "cannot read standard input");
    else if (got <= 0) /* a terminal that is gone (EIO) means that the person has left */
        client->reads_input = false;
    else if (client->at_terminal)
        press_keys(client, (unsigned char *)bytes, (size_t)got);
    else
        queue_input(client, bytes, (size_t)got);
}

/* ---- To the server ------------------------------------------------------------------ */

static void send_some(struct chat_client *client)
{
    ssize_t sent;

    if (client->queued == 0 || client->failed != NULL)
        return;
    sent = send(client->sock, client->queue, client->queued, MSG_NOSIGNAL);
    if (sent == -1 && !descriptor_try_again(errno)) {
        fail(client, "the connection is lost");
        while (receive(client))
            continue; /* take what came before that */
    }
    if (sent <= 0)
        return;
    client->queued -= (size_t)sent;
    memmove(client->queue, client->queue + sent, client->queued);
    if (!client->at_terminal) /* for a person, LEAVE_MS is for the whole queue */
        client->waited_ms = 0;
}

/* Tells the server when a script has sent everything. Answers may still come. */
static void half_close(struct chat_client *client)
{
    if (client->at_terminal || client->reads_input || client->queued > 0 ||
        client->half_closed)
        return;
    shutdown(client->sock, SHUT_WR); /* a lost connection shows in recv() */
    client->half_closed = true;
}

/* ---- The terminal comes and goes ---------------------------------------------------- */

static void give_terminal_back(struct chat_client *client)
{
    display_hide_prompt(&client->display);
    display_flush(&client->display);
    terminal_leave(&client->terminal);
}

/* In the background this stops the program, until `fg` or a signal that ends it. */
static void enter_terminal(struct chat_client *client)
{
    sigset_t blocked;

    sigprocmask(SIG_SETMASK, &client->signals.while_waiting, &blocked);
    while (!signals_stop_requested() && terminal_enter(&client->terminal) == -1 &&
           errno == EINTR)
        continue; /* another failure means that the terminal is gone: read() will show it */
    sigprocmask(SIG_SETMASK, &blocked, NULL);
}

static void heed_signals(struct chat_client *client)
{
    if (!terminal_changed)
        return;
    if (suspend_requested) {
        give_terminal_back(client);
        terminal_stop_program();
    }
    suspend_requested = terminal_changed = 0;
    /* A signal that ends the program comes first: enter_terminal() may stop it. */
    signals_let_in(&client->signals);
    if (!signals_stop_requested())
        enter_terminal(client);
    display_hide_prompt(&client->display);
}

/* ---- The loop ----------------------------------------------------------------------- */

/* The ms that the server still has; negative: it is late. */
static int64_t time_left(const struct chat_client *client)
{
    if (client->at_terminal && !client->reads_input)
        return LEAVE_MS - client->waited_ms;
    if (!client->at_terminal && client->queued > 0)
        return client->stall_ms - client->waited_ms;
    if (client->half_closed)
        return client->silence_ms - client->waited_ms;
    return FOR_EVER;
}

/*
 * The server's time runs only in here: it is not to blame if nobody reads the output. -1
 * with errno: pselect() failed.
 */
static int wait_for_events(struct chat_client *client, struct fdset *readable,
                           struct fdset *writable)
{
    int64_t begun = clock_ms(), left = time_left(client);
    int ready;

    if (signals_stop_requested() || terminal_changed)
        left = -1; /* a signal came while the display was waiting */
    else if (left == FOR_EVER && client->at_terminal && input_has_part(&client->input))
        left = PART_MS;
    fdset_clear(readable);
    fdset_clear(writable);
    fdset_add(readable, client->sock);
    /* A script's input is read only as fast as it is sent. */
    if (client->reads_input && (client->at_terminal || client->queued < PIECE_BYTES))
        fdset_add(readable, STDIN_FILENO);
    if (client->queued > 0)
        fdset_add(writable, client->sock);
    ready = signals_pselect(&client->signals, readable, writable,
                            left == FOR_EVER ? FOR_EVER : begun + left + 1);
    client->waited_ms += clock_ms() - begun;
    if (time_left(client) == FOR_EVER)
        client->waited_ms = 0;
    return ready;
}

static bool is_over(const struct chat_client *client)
{
    if (client->failed != NULL || client->display.failed != 0 || client->ended ||
        time_left(client) < 0 || signals_stop_requested())
        return true;
    return client->at_terminal && !client->reads_input && client->queued == 0;
}

static void chat(struct chat_client *client)
{
    struct fdset readable, writable;

    while (!is_over(client)) {
        int ready;

        if (client->at_terminal)
            display_show_prompt(&client->display, &client->edit);
        display_flush(&client->display);
        if (client->display.failed != 0)
            break; /* the wait for the next event may be long */
        ready = wait_for_events(client, &readable, &writable);
        if (ready == -1)
            fail(client, "cannot wait for events");
        if (ready == 0)
            print_part(client);
        if (client->at_terminal)
            heed_signals(client);
        if (fdset_has(&readable, STDIN_FILENO))
            read_input(client);
        if (fdset_has(&readable, client->sock))
            receive(client);
        send_some(client);
        half_close(client);
    }
}

/* ---- The end ------------------------------------------------------------------------ */

/* Is there input, or its end, within `ms`? */
static bool has_input(int ms)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

    return poll(&input, 1, ms) == 1;
}

/*
 * Sends what was typed before Ctrl-C: otherwise the shell, which reads from the terminal
 * next, would get it. If the server closed first, a script may have had more to send.
 */
static void read_last_input(struct chat_client *client)
{
    if (signals_stop_requested()) {
        for (int n = 0; n < LAST_READS && client->reads_input; n++)
            if (terminal_is_ours(&client->terminal) && has_input(0))
                read_input(client);
        send_some(client);
    } else if (client->ended && !client->at_terminal && client->reads_input) {
        if (has_input(MOMENT_MS))
            read_input(client);
    }
}

/* The last line may have no end. */
static void finish_lines(struct chat_client *client)
{
    enum input_event event;

    do {
        event = input_finish(&client->input);
        take_event(client, event);
    } while (event == INPUT_PIECE);
    display_end_line(&client->display);
}

/* Says how it ended. Returns the exit status. */
static int report(const struct chat_client *client)
{
    const struct display *display = &client->display;
    bool all_read = client->at_terminal || !client->reads_input ||
                    (client->ended && client->failed == NULL);
    bool all_sent = client->queued == 0 && !client->refused && all_read;

    if (client->failed != NULL)
        fprintf(stderr, "chat_cli: %s: %s\n", client->failed, strerror(client->error));
    else if (display->failed == EPIPE)
        return EXIT_FAILURE; /* its reader has had enough, as `head` has */
    else if (display->failed != 0)
        fprintf(stderr, "chat_cli: cannot write to standard output: %s\n",
                strerror(display->failed));
    else if (client->ended && (client->reads_input || !all_sent))
        fprintf(stderr, "chat_cli: the server has closed the connection\n");
    else if (client->queued > 0 && time_left(client) < 0)
        fprintf(stderr, "chat_cli: the server has stopped reading\n");
    if (!all_sent) /* after half a line this begins another */
        fprintf(stderr, "%schat_cli: not everything was sent\n",
                display->cut ? "\n" : "");
    return client->failed == NULL && display->failed == 0 && all_sent ? EXIT_SUCCESS
                                                                      : EXIT_FAILURE;
}

/* ---- The program -------------------------------------------------------------------- */

static const struct options options = {
    .program = "chat_cli",
    .letters = "ht:Vw:",
    .usage = "usage: chat_cli [-hV] [-t seconds] [-w seconds] [host [port]]\n",
    .help =
        "Talks to a chat server: each line that you type goes to the others, and what\n"
        "they say is printed above it. The line 'quit', Ctrl-D or Ctrl-C leaves.\n"
        "Without a terminal it sends its standard input and prints what it receives;\n"
        "the status is 0 if everything was sent.\n"
        "  host [port]  the server; also host:port or [::1]:port\n"
        "               (default: localhost 2626)\n"
        "  -t seconds   without a terminal: give up if the server takes nothing for\n"
        "               this long (default: 30)\n"
        "  -w seconds   without a terminal: end after this much silence, once\n"
        "               everything is sent (default: 1)\n"
        "  -h           print this help\n"
        "  -V           print the version\n",
};

/* A person at a terminal gets a prompt and a greeting. */
static void open_terminal(struct chat_client *client, const struct options_peer *peer)
{
    const int signals[] = {SIGTSTP, SIGCONT, terminal_resize_signal()};
    char greeting[512];

    client->terminal.descriptor = STDIN_FILENO;
    client->at_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    display_open(&client->display, client->at_terminal ? &client->terminal : NULL,
                 &client->signals);
    if (!client->at_terminal)
        return;
    signals_add_stop(&client->signals, SIGQUIT);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        signals_add(&client->signals, signals[i], note_signal);
    enter_terminal(client);
    snprintf(greeting, sizeof greeting,
             "Connected to %s port %d. The line 'quit' or Ctrl-D leaves.", peer->host,
             peer->port);
    display_print_line(&client->display, greeting);
}

int main(int argc, char *argv[])
{
    static const int stopping[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
    static struct chat_client client;
    struct options_peer peer = {.host = "localhost", .port = 2626};
    const char *why;
    int option;

    client.stall_ms = STALL_MS;
    client.silence_ms = SILENCE_MS;
    client.reads_input = client.input.has_line = true;
    while ((option = options_next(&options, argc, argv)) != -1) {
        if (option == 't')
            client.stall_ms = options_timeout(&options, option);
        else
            client.silence_ms = options_milliseconds(&options, option);
    }
    optind += options_peer(&options, argc - optind, argv + optind, &peer);
    options_end(&options, argc, argv);
    start_program(&options);
    /* No signal is caught yet: Ctrl-C ends the program, whatever it waits for. */
    client.sock = dial(peer.host, peer.port, SOCK_STREAM, DIAL_MS, &why);
    if (client.sock == -1)
        options_fail_with(&options, &peer, "cannot connect to", why);
    signals_prepare(&client.signals);
    keepalive_enable(client.sock);
    descriptor_unshare(STDIN_FILENO, O_RDONLY); /* otherwise read() may wait for ever */
    open_terminal(&client, &peer);
    chat(&client);
    read_last_input(&client);
    finish_lines(&client);
    if (client.edit.length > 0)
        display_leave_line(&client.display, &client.edit);
    give_terminal_back(&client);
    descriptor_hang_up(client.sock);
    /*
     * report() may have to wait for a stopped terminal: let a signal end the program then.
     * One that has come before is taken first, and does not.
     */
    sigprocmask(SIG_SETMASK, &client.signals.while_waiting, NULL);
    for (size_t i = 0; i < sizeof stopping / sizeof stopping[0]; i++)
        signal(stopping[i], SIG_DFL);
    return report(&client);
}
