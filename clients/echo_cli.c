/*
 * echo_cli: sends something to an echo server, and prints what comes back.
 *
 *     echo_cli [host [port]] [-- word ...]     a line, by default Hello World!
 *     echo_cli [host [port]] -                 standard input, of any size
 *
 * One select() sends and receives at the same time. A client that sent everything first
 * would block as soon as more is under way than the buffers on both sides hold: the server
 * would wait until the client reads, and the client until the server reads. The client
 * keeps what it sent, at most a megabyte, and compares it with what comes back.
 */
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/fdset.h"
#include "base/options.h"
#include "base/signals.h"
#include "base/start.h"
#include "net/dial.h"
#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DIAL_MS      5000              /* to connect, for each address of the host */
#define WAIT_MS      10000             /* for some of the echo */
#define WINDOW_BYTES ((size_t)1 << 20) /* what may be under way */
#define PIECE_BYTES  ((size_t)1 << 16) /* for one recv() */

struct echo_client {
    struct options_peer server;
    int sock;
    int64_t wait_ms;
    int64_t deadline; /* ms; for some of the echo */
    bool reads_input; /* standard input may have more to send */
    bool half_closes; /* tell the server when all is sent; it then ends the connection */
    unsigned long long echoed; /* bytes that have come back */
    size_t kept, sent;         /* bytes in `window`, and how many of them were sent */
    char window[WINDOW_BYTES]; /* what has not come back yet */
};

static const struct options options = {
    .program = "echo_cli",
    .letters = "hp:Vw:",
    .usage =
        "usage: echo_cli [-hV] [-p port] [-w seconds] [host [port]] [- | -- word ...]\n",
    .help = "Sends a line to an echo server, the words after --, and prints what comes\n"
            "back. The status is 0 if everything came back unchanged.\n"
            "  host [port]  the server; also host:port or [::1]:port\n"
            "               (default: localhost 23000)\n"
            "  -            send standard input, of any size\n"
            "  -- word ...  send these words (default: Hello World!)\n"
            "  -p port      the server's port, if it does not follow the host\n"
            "  -w seconds   how long to wait for some of the echo (default: 10)\n"
            "  -h           print this help\n"
            "  -V           print the version\n",
};

static _Noreturn void fail(const struct echo_client *client, const char *what,
                           const char *why)
{
    options_fail_with(&options, &client->server, what, why);
}

/* ---- Sending ------------------------------------------------------------------------ */

static void read_input(struct echo_client *client)
{
    ssize_t got =
        read(STDIN_FILENO, client->window + client->kept, WINDOW_BYTES - client->kept);

    if (got == -1 && descriptor_try_again(errno))
        return;
    if (got == -1)
        options_fail(&options, "cannot read standard input: %s", strerror(errno));
    if (got == 0)
        client->reads_input = false;
    if (got == 0 || client->kept == 0) /* from here on some echo is due */
        client->deadline = clock_ms() + client->wait_ms;
    client->kept += (size_t)got;
}

static void send_some(struct echo_client *client)
{
    ssize_t sent = send(client->sock, client->window + client->sent,
                        client->kept - client->sent, MSG_NOSIGNAL);

    if (sent == -1 && !descriptor_try_again(errno))
        fail(client, "cannot send to", strerror(errno));
    if (sent > 0)
        client->sent += (size_t)sent;
}

/* ---- Receiving ---------------------------------------------------------------------- */

/* Compares what came with what was sent. Returns how many bytes are equal. */
static size_t compare(struct echo_client *client, const char *bytes, size_t length)
{
    size_t same = 0;

    while (same < length && same < client->sent && bytes[same] == client->window[same])
        same++;
    client->echoed += same;
    client->sent -= same;
    client->kept -= same;
    memmove(client->window, client->window + same, client->kept);
    return same;
}

/* A server that is full says so instead of an echo. */
static bool is_turned_away(const char *bytes, size_t length)
{
    return length == strlen(LISTENER_FULL) && memcmp(bytes, LISTENER_FULL, length) == 0;
}

/* False: the server has ended the connection. */
static bool receive(struct echo_client *client)
{
    static char bytes[PIECE_BYTES];
    ssize_t got = recv(client->sock, bytes, sizeof bytes, 0);
    size_t same;

    if (got == -1 && descriptor_try_again(errno))
        return true;
    if (got == -1)
        fail(client, "lost the connection to", strerror(errno));
    same = compare(client, bytes, (size_t)got);
    /* The first bytes may be equal by chance. If all are, they are the echo. */
    if (client->echoed == same && same < (size_t)got &&
        is_turned_away(bytes, (size_t)got))
        fail(client, "no answer from", "the server is full");
    /* Only the echo is printed: a stranger's text does not belong on a terminal. */
    if (descriptor_write_all(STDOUT_FILENO, bytes, same) == -1)
        options_cannot_write(&options);
    if (same < (size_t)got)
        options_fail(&options, "byte %llu that came back %s", client->echoed + 1,
                     client->sent == 0 ? "was never sent"
                                       : "is not the one that was sent");
    client->deadline = clock_ms() + client->wait_ms;
    return got > 0;
}

/* ---- The loop ----------------------------------------------------------------------- */

static void wait_for_events(const struct echo_client *client, struct fdset *readable,
                            struct fdset *writable)
{
    bool is_owed = client->kept > 0 || !client->reads_input;
    int64_t deadline = is_owed ? client->deadline : INT64_MAX;
    char why[60];

    fdset_clear(readable);
    fdset_clear(writable);
    fdset_add(readable, client->sock);
    if (client->reads_input && client->kept < WINDOW_BYTES)
        fdset_add(readable, STDIN_FILENO);
    if (client->sent < client->kept)
        fdset_add(writable, client->sock);
    if (signals_pselect(NULL, readable, writable, deadline) == -1)
        options_fail(&options, "select: %s", strerror(errno));
    if (is_owed && clock_ms() >= client->deadline && !fdset_has(readable, client->sock) &&
        !fdset_has(writable, client->sock)) {
        snprintf(why, sizeof why, "timed out after %g s", (double)client->wait_ms / 1000);
        fail(client, client->kept > 0 ? "no answer from" : "no end of the echo from",
             why);
    }
}

/* Sends everything, and receives it. */
static void echo(struct echo_client *client)
{
    bool is_open = true, has_half_closed = false;
    struct fdset readable, writable;

    client->deadline = clock_ms() + client->wait_ms;
    /* Without a half-close the server does not end the connection: the client does. */
    while (is_open && (client->half_closes || client->kept > 0)) {
        if (client->half_closes && !has_half_closed && !client->reads_input &&
            client->sent == client->kept) {
            shutdown(client->sock, SHUT_WR); /* a lost connection shows in recv() */
            has_half_closed = true;
        }
        wait_for_events(client, &readable, &writable);
        if (fdset_has(&readable, STDIN_FILENO))
            read_input(client);
        if (fdset_has(&writable, client->sock))
            send_some(client);
        if (fdset_has(&readable, client->sock))
            is_open = receive(client);
    }
    if (client->kept > 0 || client->reads_input)
        options_fail(&options, "%s port %d has closed after %llu of %llu bytes",
                     client->server.host, client->server.port, client->echoed,
                     client->echoed + client->kept);
}

/* ---- The program -------------------------------------------------------------------- */

/* The words as a line; NULL: standard input. */
static void choose_text(struct echo_client *client, char *words[])
{
    size_t length = 0;

    if (words == NULL) {
        client->reads_input = client->half_closes = true;
        return;
    }
    if (words[0] == NULL)
        length = (size_t)sprintf(client->window, "Hello World!\n");
    for (int i = 0; words[i] != NULL; i++) {
        length += (size_t)snprintf(client->window + length, WINDOW_BYTES - length, "%s%c",
                                   words[i], words[i + 1] != NULL ? ' ' : '\n');
        if (length >= WINDOW_BYTES)
            options_wrong(&options, "the words are too long; '-' sends any length");
    }
    client->kept = length;
}

int main(int argc, char *argv[])
{
    static struct echo_client client;
    const char *why;
    int option;

    client.server = (struct options_peer){.host = "localhost", .port = 23000};
    client.wait_ms = WAIT_MS;
    while ((option = options_next(&options, argc, argv)) != -1) {
        if (option == 'p')
            client.server.port = options_port(&options, optarg, 1);
        else
            client.wait_ms = options_timeout(&options, option);
    }
    choose_text(&client, options_words(&options, argc, argv, &client.server));
    start_program(&options);
    descriptor_unshare(STDIN_FILENO, O_RDONLY); /* otherwise read() could wait for ever */
    client.sock =
        dial(client.server.host, client.server.port, SOCK_STREAM, DIAL_MS, &why);
    if (client.sock == -1)
        fail(&client, "cannot connect to", why);
    echo(&client);
    return EXIT_SUCCESS;
}
