/*
 * echo_cli: sends something to an echo server, and prints what comes back.
 *
 *     echo_cli [-p port] [-w seconds] [host [word ...]]     a line: Hello World! if not given
 *     echo_cli [-p port] [-w seconds] host -                standard input, of any size
 *
 * Sending and receiving go on at once, in one select(): a client that sent everything
 * first would wait for a server that waits for it, as soon as what is under way is more
 * than the buffers between them hold. What was sent is kept until it has come back and
 * compared, a megabyte at the most; the status is 0 only if all of it came back the same.
 */
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/fdset.h"
#include "base/options.h"
#include "base/start.h"
#include "net/dial.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS  5000                /* to connect, with each address of the host */
#define WAIT_MS      10000               /* for the server, when it owes us something */
#define WINDOW_BYTES ((size_t)1 << 20)   /* a power of two: what may be under way */
#define PIECE_BYTES  ((size_t)64 * 1024) /* of one read, send or receive */

struct echo_client {
    const char *host;
    int port;
    int64_t wait_ms;
    int64_t deadline; /* ms; for the server to send something of what it owes */
    int server;
    bool reads_input; /* standard input has more to send */
    bool half_closes; /* tell the server when all is sent: it ends, and so do we */
    /*
     * Positions in what goes out and comes back; the bytes between them are kept, each at
     * its position modulo WINDOW_BYTES: echoed <= sent <= ready <= echoed + WINDOW_BYTES.
     */
    unsigned long long ready, sent, echoed;
    char window[WINDOW_BYTES];
};

/* How many bytes lie in one piece of the window from a position on, `most` at the most. */
static size_t in_one_piece(unsigned long long position, unsigned long long most)
{
    size_t until_wrap = WINDOW_BYTES - (size_t)(position % WINDOW_BYTES);
    size_t piece = until_wrap < PIECE_BYTES ? until_wrap : PIECE_BYTES;

    return most < piece ? (size_t)most : piece;
}

static int complain(const char *what, const char *why)
{
    (void)fprintf(stderr, "echo_cli: %s: %s\n", what, why);
    return -1;
}

static int complain_of_server(const struct echo_client *client, const char *what,
                              const char *why)
{
    (void)fprintf(stderr, "echo_cli: %s %s port %d: %s\n", what, client->host,
                  client->port, why);
    return -1;
}

static void grant_time(struct echo_client *client)
{
    client->deadline = clock_ms() + client->wait_ms;
}

/* ---- What goes out ------------------------------------------------------------------ */

/* Adds text to what is to be sent. -1: it does not fit the window. */
static int add_text(struct echo_client *client, const char *text)
{
    size_t length = strlen(text);

    if (length > WINDOW_BYTES - (size_t)client->ready)
        return -1;
    memcpy(client->window + client->ready, text, length);
    client->ready += length;
    return 0;
}

static int read_input(struct echo_client *client)
{
    size_t room = WINDOW_BYTES - (size_t)(client->ready - client->echoed);
    ssize_t got = read(STDIN_FILENO, client->window + client->ready % WINDOW_BYTES,
                       in_one_piece(client->ready, room));

    if (got == -1)
        return descriptor_try_again(errno)
                   ? 0
                   : complain("cannot read standard input", strerror(errno));
    if (got == 0)
        client->reads_input = false;
    if (got == 0 || client->echoed == client->ready)
        grant_time(client); /* it owed nothing, and begins to */
    client->ready += (unsigned long long)got;
    return 0;
}

/* Sends what the server takes. -1, when it was said: it is lost. */
static int send_some(struct echo_client *client)
{
    ssize_t sent =
        send(client->server, client->window + client->sent % WINDOW_BYTES,
             in_one_piece(client->sent, client->ready - client->sent), MSG_NOSIGNAL);

    if (sent == -1)
        return descriptor_try_again(errno)
                   ? 0
                   : complain_of_server(client, "cannot send to", strerror(errno));
    client->sent += (unsigned long long)sent;
    return 0;
}

/* ---- What comes back ---------------------------------------------------------------- */

static int print(const char *bytes, size_t length)
{
    if (descriptor_write_all(STDOUT_FILENO, bytes, length) == -1)
        return complain("cannot write to standard output", strerror(errno));
    return 0;
}

static int compare(struct echo_client *client, const char *bytes, size_t length)
{
    while (length > 0) {
        const char *expected = client->window + client->echoed % WINDOW_BYTES;
        unsigned long long owed = client->sent - client->echoed;
        size_t piece = in_one_piece(client->echoed, owed < length ? owed : length);
        size_t same = 0;

        while (same < piece && bytes[same] == expected[same])
            same++;
        client->echoed += same;
        if (piece == 0 || same < piece) {
            (void)fprintf(stderr, "echo_cli: byte %llu that came back %s\n",
                          client->echoed + 1,
                          piece == 0 ? "was never sent" : "is not the one that was sent");
            return -1;
        }
        bytes += piece;
        length -= piece;
    }
    return 0;
}

/* 1: the server has ended. 0: there may be more. -1: it failed, and that was said. */
static int receive(struct echo_client *client)
{
    static char bytes[PIECE_BYTES];
    unsigned long long before;
    int result;
    ssize_t got = recv(client->server, bytes, sizeof bytes, 0);

    if (got == -1)
        return descriptor_try_again(errno)
                   ? 0
                   : complain_of_server(client, "lost the connection to",
                                        strerror(errno));
    if (got == 0)
        return 1;
    before = client->echoed;
    result = compare(client, bytes, (size_t)got);
    /* What is not ours is a stranger's: it is not for a terminal. */
    if (print(bytes, (size_t)(client->echoed - before)) == -1)
        return -1;
    grant_time(client);
    return result;
}

/* ---- Both at once ------------------------------------------------------------------- */

/* 0; -1, when it was said: the server was silent for too long, or select() failed. */
static int wait_for_events(const struct echo_client *client, struct fdset *readable,
                           struct fdset *writable)
{
    bool is_owed = client->echoed < client->ready || !client->reads_input;
    struct timespec timeout = clock_timespec(client->deadline - clock_ms());
    char why[60];
    int ready;

    fdset_clear(readable);
    fdset_clear(writable);
    fdset_add(readable, client->server);
    if (client->reads_input && client->ready - client->echoed < WINDOW_BYTES)
        fdset_add(readable, STDIN_FILENO);
    if (client->sent < client->ready)
        fdset_add(writable, client->server);
    ready = pselect(client->server + 1, &readable->set, &writable->set, NULL,
                    is_owed ? &timeout : NULL, NULL);
    if (ready == -1)
        return complain("select", strerror(errno));
    if (!is_owed || clock_ms() < client->deadline ||
        fdset_has(readable, client->server) || fdset_has(writable, client->server))
        return 0;
    (void)snprintf(why, sizeof why, "timed out after %g s",
                   (double)client->wait_ms / 1000);
    return complain_of_server(client, "no answer from", why);
}

/* Without a half-close the server does not end: we do, when all has come back. */
static bool is_over(const struct echo_client *client)
{
    return !client->half_closes && client->echoed == client->ready;
}

/* 0 if all came back the same, and -1 if not, after it was said what did not. */
static int echo(struct echo_client *client)
{
    bool told = false;
    int ended = 0;
    struct fdset readable, writable;

    grant_time(client);
    while (ended == 0 && !is_over(client)) {
        if (client->half_closes && !told && !client->reads_input &&
            client->sent == client->ready) {
            (void)shutdown(client->server, SHUT_WR); /* recv() tells if it is lost */
            told = true;
        }
        if (wait_for_events(client, &readable, &writable) == -1)
            return -1;
        if (fdset_has(&readable, STDIN_FILENO) && read_input(client) == -1)
            return -1;
        if (fdset_has(&writable, client->server) && send_some(client) == -1)
            return -1;
        if (fdset_has(&readable, client->server))
            ended = receive(client);
    }
    if (ended == -1)
        return -1;
    if (client->echoed < client->ready || client->reads_input) {
        (void)fprintf(stderr,
                      "echo_cli: %s port %d has closed after %llu of %llu bytes\n",
                      client->host, client->port, client->echoed, client->ready);
        return -1;
    }
    return 0;
}

static const struct options options = {
    .program = "echo_cli",
    .letters = "hp:Vw:",
    .usage = "usage: echo_cli [-hV] [-p port] [-w seconds] [host [word ... | -]]\n",
    .help = "Sends a line to an echo server, the words or Hello World!, and prints what\n"
            "comes back. With - for the words it sends standard input. The host is\n"
            "localhost if not given; the status is 0 if all of it came back the same.\n"
            "  -p port     the server's port (default: 23000)\n"
            "  -w seconds  how long to wait for what it owes us (default: 10)\n"
            "  -h          print this help\n"
            "  -V          print the version\n",
};

/* The words as a line, or standard input. -1: the words do not fit the window. */
static int choose_text(struct echo_client *client, char *words[])
{
    if (words[0] != NULL && words[1] == NULL && strcmp(words[0], "-") == 0) {
        client->reads_input = client->half_closes = true;
        return 0;
    }
    if (words[0] == NULL && add_text(client, "Hello World!") == -1)
        return -1;
    for (int i = 0; words[i] != NULL; i++)
        if (add_text(client, i > 0 ? " " : "") == -1 || add_text(client, words[i]) == -1)
            return -1;
    return add_text(client, "\n");
}

int main(int argc, char *argv[])
{
    static struct echo_client client;
    const char *why;
    int option, result;

    client.host = "localhost";
    client.port = 23000;
    client.wait_ms = WAIT_MS;
    while ((option = options_next(&options, argc, argv)) != -1) {
        switch (option) {
        case 'p': client.port = options_port(&options, optarg, 1); break;
        case 'w': client.wait_ms = options_timeout(&options, option); break;
        }
    }
    if (optind < argc)
        client.host = argv[optind++];
    if (choose_text(&client, argv + optind) == -1)
        options_wrong(&options, "the words are over %zu bytes; '-' sends any length",
                      WINDOW_BYTES);
    if (start_program() == -1)
        options_fail(&options, "cannot start: %s", strerror(errno));
    client.server = dial(client.host, client.port, SOCK_STREAM, PATIENCE_MS, &why);
    if (client.server == -1) {
        (void)complain_of_server(&client, "cannot connect to", why);
        return EXIT_FAILURE;
    }
    result = echo(&client);
    (void)close(client.server);
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
