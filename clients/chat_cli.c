/*
 * chat_cli: talks to a chat server, or to any server that sends lines.
 *
 *     chat_cli [host [port]]                               with a person at a terminal
 *     printf 'hello\n' | chat_cli [-w seconds] [host [port]]      in a script
 *
 * One select() waits for the keyboard and the socket. What the others say is printed
 * above the prompt: the line that is being typed is taken off the screen before and drawn
 * again after, so the two never mix. Who types (clients/line_edit.h) and how the terminal
 * is set up (clients/terminal.h) are modules of their own; here is what happens when.
 *
 * Nothing here waits but pselect(): the socket and the screen are non-blocking. Signals
 * get in only there, so the terminal is put back as it was whatever ends the program.
 */
#include "clients/line_edit.h"
#include "clients/terminal.h"
#include "net/address.h"
#include "net/clock.h"
#include "net/descriptor.h"
#include "net/dial.h"
#include "net/fdset.h"
#include "net/keepalive.h"
#include "net/line.h"
#include "net/number.h"
#include "net/signals.h"
#include "net/telnet.h"
#include "version.h"

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

#define PATIENCE_MS   5000  /* to connect, with each address of the host */
#define LEAVE_MS      2000  /* to send what was still queued when somebody leaves */
#define QUEUE_BYTES   65536 /* to the server: without room for a line nothing is read */
#define LINE_ROOM     (LINE_EDIT_MOST + 2) /* a line that is typed, and CR LF */
#define PIECE_BYTES   16384                /* of one recv(), and of one write() */
#define KEYS_BYTES    1024                 /* of one read() from the keyboard */
#define NS_PER_MS     1000000
#define PROMPT        "> "
#define PROMPT_LENGTH 2

struct chat_client {
    int server;
    struct signals signals;
    int64_t patience_ms; /* of silence, after all is sent and without a terminal */

    bool reads_input; /* nobody has said yet that nothing more will come */
    bool half_closed; /* and the server has been told so */
    bool ended;       /* the server has closed */
    int lost;         /* the errno that the connection ended with, or 0 */
    int64_t deadline; /* when to stop waiting (clock_ms()), or 0 */

    size_t queued; /* bytes to the server */
    char queue[QUEUE_BYTES];

    struct telnet telnet; /* what the server sends, taken apart... */
    struct line line;     /* ...made fit to be seen, and cut into lines */
    bool within_line;     /* a piece of a long line was printed, the rest is to come */

    bool at_terminal; /* a person types and reads: all below is for them */
    bool is_dumb;     /* the terminal obeys no sequences */
    bool is_coloured;
    bool prompt_shown;
    int columns;
    struct terminal terminal;
    struct line_edit edit;
    size_t typed, used; /* bytes that came from the keyboard, and those done with */
    unsigned char keys[KEYS_BYTES];

    size_t printed; /* bytes for standard output, which has `before` to be put back */
    bool output_failed;
    struct descriptor_output before;
    char page[PIECE_BYTES];
};

/* ---- Signals ------------------------------------------------------------------------ */

static volatile sig_atomic_t stop_requested, suspend_requested, resumed, resized;

static void request_stop(int signal_number)
{
    (void)signal_number;
    stop_requested = 1;
}

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

/* Lets a signal in while the client waits, as signals_prepare() has done for others. */
static void catch_signal(struct chat_client *client, int signal_number,
                         void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler}, now;
    sigset_t blocked;

    if (signal_number == 0 || sigaction(signal_number, NULL, &now) == -1 ||
        now.sa_handler == SIG_IGN)
        return;
    (void)sigemptyset(&action.sa_mask);
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, signal_number);
    (void)sigprocmask(SIG_BLOCK, &blocked, NULL);
    (void)sigdelset(&client->signals.while_waiting, signal_number);
    (void)sigaction(signal_number, &action, NULL);
}

static void catch_terminal_signals(struct chat_client *client)
{
    catch_signal(client, SIGQUIT, request_stop);
    catch_signal(client, SIGTSTP, request_suspend);
    catch_signal(client, SIGCONT, note_resumption);
    catch_signal(client, terminal_resize_signal(), note_size);
}

/* ---- Standard output ---------------------------------------------------------------- */

/* Waits until standard output takes more. A stop ends the wait: it may never. */
static void wait_for_output(struct chat_client *client)
{
    fd_set none, writable;

    FD_ZERO(&none);
    FD_ZERO(&writable);
    fdset_add(&writable, STDOUT_FILENO);
    (void)signals_pselect(&client->signals, STDOUT_FILENO + 1, &none, &writable, NULL);
}

/* Writes the page. What cannot be written is dropped, and ends the program. */
static void flush_page(struct chat_client *client)
{
    size_t done = 0;

    while (done < client->printed && !client->output_failed) {
        ssize_t wrote = write(STDOUT_FILENO, client->page + done, client->printed - done);

        if (wrote >= 0)
            done += (size_t)wrote;
        else if (!descriptor_try_again(errno)) {
            client->output_failed = true;
            if (!client->at_terminal)
                perror("chat_cli: cannot write to standard output");
        } else if (stop_requested)
            break;
        else
            wait_for_output(client);
    }
    client->printed = 0;
}

static void put(struct chat_client *client, const char *bytes, size_t length)
{
    while (length > 0) {
        size_t room = sizeof client->page - client->printed;
        size_t piece = length < room ? length : room;

        memcpy(client->page + client->printed, bytes, piece);
        client->printed += piece;
        bytes += piece;
        length -= piece;
        if (client->printed == sizeof client->page)
            flush_page(client);
    }
}

static void put_string(struct chat_client *client, const char *string)
{
    put(client, string, strlen(string));
}

/* ---- The prompt --------------------------------------------------------------------- */

/*
 * Takes the prompt off the screen; what is printed next begins where it stood. ESC [ J
 * clears all that follows: a terminal that has become narrower may have wrapped it.
 */
static void hide_prompt(struct chat_client *client)
{
    if (!client->prompt_shown)
        return;
    client->prompt_shown = false;
    if (!client->is_dumb) {
        put_string(client, "\r\033[J");
        return;
    }
    put_string(client, "\r");
    for (int column = 1; column < client->columns; column++)
        put_string(client, " ");
    put_string(client, "\r");
}

/*
 * The cursor is brought to its place by printing again what stands before it: that needs
 * no sequence, and is right even where the terminal has its own idea of how wide a
 * character is. The last column stays free: terminals differ in what they do behind it.
 */
static void show_prompt(struct chat_client *client)
{
    int room = client->columns - PROMPT_LENGTH - 1;
    struct line_edit_view view;

    if (client->prompt_shown || !client->at_terminal)
        return;
    if (client->within_line)
        put_string(client, "\r\n");
    client->within_line = false;
    line_edit_view(&client->edit, room < 2 ? 2 : (size_t)room, &view);
    put_string(client, PROMPT);
    put(client, view.bytes, view.length);
    if (view.before_cursor < view.length) {
        put_string(client, "\r" PROMPT);
        put(client, view.bytes, view.before_cursor);
    }
    if (client->edit.bell)
        put_string(client, "\a");
    client->edit.bell = false;
    client->prompt_shown = true;
}

/* Puts the line that was typed where it stays: among what the others have said. */
static void leave_line(struct chat_client *client)
{
    hide_prompt(client);
    put_string(client, PROMPT);
    put(client, client->edit.text, client->edit.length);
    put_string(client, "\r\n");
}

/* ---- Names -------------------------------------------------------------------------- */

/* Six colours that can be read on black and on white, and their bold sisters. */
static const char *const colours[] = {"31",   "32",   "33",   "34",   "35",   "36",
                                      "1;31", "1;32", "1;33", "1;34", "1;35", "1;36"};

/* A name has the same colour each time: FNV-1a of its bytes tells which. */
static void put_name(struct chat_client *client, const char *name, size_t length)
{
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619U;
    put_string(client, "\033[");
    put_string(client, colours[(hash >> 16) % (sizeof colours / sizeof colours[0])]);
    put_string(client, "m");
    put(client, name, length);
    put_string(client, "\033[0m");
}

/* How a line begins that has a name in it, and what stands behind the name, if anything. */
static const struct announcement {
    const char *before, *after;
} announcements[] = {
    {"[you to ", "] "},
    {"[", " to you] "},
    {"[", "] "},
    {"* ", " "},
    {"Client joined ", ""},
    {"Client left ", ":"},
    {"Client left ", " ("},
    {"Client left ", ""},
    {"Client ", " is now "},
};

/* The name's length in a line of that kind, or 0: the line is of another. */
static size_t name_length(const char *line, const struct announcement *kind)
{
    size_t before = strlen(kind->before);
    const char *name = line + before, *end;

    if (strncmp(line, kind->before, before) != 0)
        return 0;
    end = name + strcspn(name, " ");
    if (*kind->after == '\0')
        return *end == '\0' ? (size_t)(end - name) : 0;
    for (const char *at = strstr(name, kind->after); at != NULL && at <= end;
         at = strstr(at + 1, kind->after))
        if (at + 1 >= end)
            return (size_t)(at - name);
    return 0;
}

static void put_line(struct chat_client *client, const char *line)
{
    const struct announcement *kind = announcements;
    const struct announcement *end = kind + sizeof announcements / sizeof *kind;
    size_t length = 0;

    while (kind < end && (length = name_length(line, kind)) == 0)
        kind++;
    if (length > 0) {
        size_t before = strlen(kind->before), after = strlen(kind->after);

        put(client, line, before);
        put_name(client, line + before, length);
        line += before + length;
        if (strcmp(kind->after, " is now ") == 0) {
            put(client, line, after);
            put_name(client, line + after, strlen(line + after));
            return;
        }
    }
    put_string(client, line);
}

/* ---- What the server sends ---------------------------------------------------------- */

static void print_line(struct chat_client *client, enum line_event event)
{
    hide_prompt(client);
    if (client->is_coloured && !client->within_line)
        put_line(client, client->line.text);
    else
        put(client, client->line.text, client->line.length);
    client->within_line = event == LINE_FULL;
    if (event == LINE_ENDED)
        put_string(client, client->at_terminal ? "\r\n" : "\n");
    line_clear(&client->line, 0);
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
        if (client->queued + sizeof reply.bytes <= QUEUE_BYTES && !client->half_closed) {
            memcpy(client->queue + client->queued, reply.bytes, sizeof reply.bytes);
            client->queued += sizeof reply.bytes;
        }
        break;
    default: break;
    }
}

static void receive(struct chat_client *client)
{
    unsigned char bytes[PIECE_BYTES], *at = bytes;
    ssize_t got = recv(client->server, bytes, sizeof bytes, 0);

    if (got == -1 && !descriptor_try_again(errno))
        client->lost = errno;
    client->ended = got == 0;
    if (got > 0 && client->half_closed)
        client->deadline = clock_ms() + client->patience_ms;
    while (got > 0) {
        size_t plain = telnet_plain(&client->telnet, at, (size_t)got);

        take_data(client, at, plain);
        if (plain < (size_t)got)
            take_command(client, at[plain++]);
        at += plain;
        got -= (ssize_t)plain;
    }
}

/* The last line may stand without its end. */
static void finish_lines(struct chat_client *client)
{
    enum line_event event;

    while ((event = line_finish(&client->line)) != LINE_OPEN)
        print_line(client, event);
    if (client->within_line)
        put_string(client, client->at_terminal ? "\r\n" : "\n");
    client->within_line = false;
}

/* ---- What goes to the server -------------------------------------------------------- */

static void queue_line(struct chat_client *client)
{
    char *end = client->queue + client->queued;

    memcpy(end, client->edit.text, client->edit.length);
    memcpy(end + client->edit.length, "\r\n", 2);
    client->queued += client->edit.length + 2;
}

static void send_some(struct chat_client *client)
{
    ssize_t sent = send(client->server, client->queue, client->queued, MSG_NOSIGNAL);

    if (sent == -1) {
        if (!descriptor_try_again(errno))
            client->lost = errno;
        return;
    }
    client->queued -= (size_t)sent;
    memmove(client->queue, client->queue + sent, client->queued);
}

/* Nothing more will be said; what is queued still goes out. */
static void end_input(struct chat_client *client)
{
    client->reads_input = false;
    if (client->at_terminal)
        client->deadline = clock_ms() + LEAVE_MS;
}

static void enter_line(struct chat_client *client)
{
    leave_line(client);
    if (strcmp(client->edit.text, "quit") == 0)
        end_input(client);
    else
        queue_line(client);
    line_edit_next(&client->edit);
}

static bool has_room(const struct chat_client *client)
{
    return client->queued + LINE_ROOM <= QUEUE_BYTES;
}

/* Keys that were pressed are looked at as long as there is room for the lines they make. */
static void press_keys(struct chat_client *client)
{
    enum line_edit_event event;

    while (client->used < client->typed && client->reads_input && has_room(client)) {
        client->used += line_edit_take(&client->edit, client->keys + client->used,
                                       client->typed - client->used, &event);
        hide_prompt(client);
        switch (event) {
        case LINE_EDIT_OPEN: break;
        case LINE_EDIT_ENTERED: enter_line(client); break;
        case LINE_EDIT_END:
        case LINE_EDIT_INTERRUPT: end_input(client); break;
        case LINE_EDIT_CLEAR:
            put_string(client, client->is_dumb ? "" : "\033[H\033[2J");
            break;
        }
    }
}

/* Sends, and what that makes room for: at the end keys are left only if it must wait. */
static void say(struct chat_client *client)
{
    do {
        press_keys(client);
        if (client->queued > 0 && client->lost == 0)
            send_some(client);
    } while (client->used < client->typed && client->reads_input && has_room(client));
}

/* A terminal that is gone (EIO) has said its last like one that was closed. */
static void read_keys(struct chat_client *client)
{
    ssize_t got = read(STDIN_FILENO, client->keys, sizeof client->keys);

    client->used = 0;
    client->typed = got > 0 ? (size_t)got : 0;
    if (got == 0 || (got == -1 && !descriptor_try_again(errno)))
        end_input(client);
}

/* Without a terminal the bytes go out as they come. */
static void read_input(struct chat_client *client)
{
    ssize_t got =
        read(STDIN_FILENO, client->queue + client->queued, QUEUE_BYTES - client->queued);

    if (got > 0)
        client->queued += (size_t)got;
    if (got == -1 && !descriptor_try_again(errno)) {
        perror("chat_cli: cannot read standard input");
        client->output_failed = true;
    }
    if (got == 0)
        end_input(client);
}

/* ---- The terminal comes and goes ---------------------------------------------------- */

static void take_terminal(struct chat_client *client)
{
    if (client->at_terminal)
        (void)terminal_enter(&client->terminal); /* if it's gone, reading tells */
    descriptor_prepare_output(STDOUT_FILENO, &client->before);
    if (client->at_terminal)
        client->columns = terminal_columns(&client->terminal);
}

static void give_terminal_back(struct chat_client *client)
{
    flush_page(client);
    descriptor_restore_output(STDOUT_FILENO, &client->before);
    terminal_leave(&client->terminal);
}

/* Ctrl-Z: stops, as a program without a handler would, with the terminal in order. */
static void suspend(struct chat_client *client)
{
    struct sigaction stop = {.sa_handler = SIG_DFL}, before;
    sigset_t stopping;

    hide_prompt(client);
    give_terminal_back(client);
    (void)sigemptyset(&stop.sa_mask);
    (void)sigemptyset(&stopping);
    (void)sigaddset(&stopping, SIGTSTP);
    (void)sigaction(SIGTSTP, &stop, &before);
    (void)raise(SIGTSTP);
    (void)sigprocmask(SIG_UNBLOCK, &stopping, NULL); /* it stops here, until SIGCONT */
    (void)sigprocmask(SIG_BLOCK, &stopping, NULL);
    (void)sigaction(SIGTSTP, &before, NULL);
    suspend_requested = 0;
    resumed = 1;
}

/*
 * Somebody may have sent SIGTERM meanwhile. It comes in first: in the background, taking
 * the terminal would stop the program again.
 */
static void resume(struct chat_client *client)
{
    sigset_t blocked;

    (void)sigprocmask(SIG_SETMASK, &client->signals.while_waiting, &blocked);
    (void)sigprocmask(SIG_SETMASK, &blocked, NULL);
    resumed = 0;
    if (stop_requested)
        return;
    take_terminal(client);
    hide_prompt(client);
}

static void heed_signals(struct chat_client *client)
{
    if (suspend_requested)
        suspend(client);
    if (resumed)
        resume(client);
    if (resized) {
        resized = 0;
        hide_prompt(client);
        client->columns = terminal_columns(&client->terminal);
    }
}

/* ---- The loop ----------------------------------------------------------------------- */

static int wait_for_events(struct chat_client *client, fd_set *readable, fd_set *writable)
{
    struct timespec timeout = clock_timespec(client->deadline - clock_ms());

    FD_ZERO(readable);
    FD_ZERO(writable);
    fdset_add(readable, client->server);
    if (client->reads_input && has_room(client) && client->used == client->typed)
        fdset_add(readable, STDIN_FILENO);
    if (client->queued > 0)
        fdset_add(writable, client->server);
    return signals_pselect(&client->signals, client->server + 1, readable, writable,
                           client->deadline > 0 ? &timeout : NULL);
}

/* All was said: without a terminal the answers are awaited, with one somebody has left. */
static void half_close(struct chat_client *client)
{
    (void)shutdown(client->server, SHUT_WR); /* a lost connection shows in recv() */
    client->half_closed = true;
    client->deadline = clock_ms() + client->patience_ms;
}

static bool is_over(const struct chat_client *client)
{
    bool all_sent = !client->reads_input && client->queued == 0;

    if (client->ended || client->lost != 0 || client->output_failed || stop_requested)
        return true;
    if (client->at_terminal && all_sent)
        return true;
    return client->deadline > 0 && clock_ms() >= client->deadline;
}

static void chat(struct chat_client *client)
{
    fd_set readable, writable;

    while (!is_over(client)) {
        show_prompt(client);
        flush_page(client);
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
            receive(client);
        say(client);
        if (!client->at_terminal && !client->reads_input && client->queued == 0 &&
            !client->half_closed)
            half_close(client);
    }
}

/* Says how it ended. The exit status. */
static int report(const struct chat_client *client)
{
    bool all_sent = client->queued == 0 && (client->at_terminal || !client->reads_input);

    if (client->lost != 0)
        (void)fprintf(stderr, "chat_cli: the connection is lost: %s\n",
                      strerror(client->lost));
    else if (client->ended && (client->at_terminal || !all_sent))
        (void)fprintf(stderr, "chat_cli: the server has closed the connection%s\n",
                      all_sent ? "" : " before all was sent");
    else if (!all_sent && !client->output_failed)
        (void)fprintf(stderr, "chat_cli: not all was sent\n");
    if (client->lost != 0 || !all_sent)
        return EXIT_FAILURE;
    return client->output_failed && !client->at_terminal ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- The program -------------------------------------------------------------------- */

#define USAGE "usage: chat_cli [-hV] [-w seconds] [host [port]]\n"

static const char help[] = USAGE
    "Talks to a chat server: what you type goes to the others, a line at a time, and\n"
    "what they say is printed above it. The line 'quit', Ctrl-D or Ctrl-C leaves. The\n"
    "host is localhost and the port 2626 if not given. Without a terminal it sends\n"
    "standard input and prints what comes; the status is 0 if all was sent.\n"
    "  -w seconds  without a terminal: end after so much silence (default: 1)\n"
    "  -h          print this help\n"
    "  -V          print the version\n";

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);

    return value != NULL && *value != '\0';
}

static void look_at_terminal(struct chat_client *client, const char *host, int port)
{
    char greeting[512];

    client->at_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    client->terminal.descriptor = STDIN_FILENO;
    client->is_dumb = !is_set("TERM") || strcmp(getenv("TERM"), "dumb") == 0;
    client->is_coloured = client->at_terminal && !client->is_dumb && !is_set("NO_COLOR");
    if (!client->at_terminal)
        return;
    catch_terminal_signals(client);
    (void)snprintf(greeting, sizeof greeting,
                   "Connected to %.255s port %d. The line 'quit' or Ctrl-D leaves.\r\n",
                   host, port);
    put_string(client, greeting);
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
    if (signals_prepare(&client->signals, request_stop) == -1)
        return EXIT_FAILURE;
    keepalive_enable(client->server);
    client->reads_input = true;
    look_at_terminal(client, host, port);
    take_terminal(client);
    chat(client);
    finish_lines(client);
    if (client->at_terminal && client->edit.length > 0)
        leave_line(client);
    hide_prompt(client);
    give_terminal_back(client);
    descriptor_hang_up(client->server);
    return report(client);
}

int main(int argc, char *argv[])
{
    static struct chat_client client;
    int64_t patience_ns = (int64_t)1000 * NS_PER_MS;
    const char *host = "localhost";
    int option, port = 2626;

    while ((option = getopt(argc, argv, "hVw:")) != -1) {
        switch (option) {
        case 'h': return fputs(help, stdout) == EOF || fflush(stdout) == EOF;
        case 'V':
            return puts("chat_cli (" KIT_VERSION ")") == EOF || fflush(stdout) == EOF;
        case 'w':
            if (number_parse_seconds(optarg, &patience_ns) == 0)
                break;
            (void)fprintf(stderr, "chat_cli: '%s' is no value for -w\n", optarg);
            /* fall through */
        default: (void)fputs(USAGE, stderr); return 2;
        }
    }
    if (optind < argc)
        host = argv[optind++];
    if (optind < argc) {
        port = address_parse_port(argv[optind]);
        if (port == -1) {
            (void)fprintf(stderr, "chat_cli: '%s' is no port (0 to 65535)\n",
                          argv[optind]);
            return 2;
        }
        optind++;
    }
    if (optind < argc) {
        (void)fputs(USAGE, stderr);
        return 2;
    }
    client.patience_ms = patience_ns / NS_PER_MS;
    if (descriptor_fill_standard() == -1)
        return EXIT_FAILURE; /* and there may be no standard error to say it on */
    return visit(&client, host, port);
}
