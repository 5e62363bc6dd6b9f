/*
 * dgram_cli: sends a datagram to an echo server, and prints the answer; or sends many, and
 * prints how long each took, as ping does.
 *
 *     dgram_cli [-w seconds] [host [port]] [-- word ...]
 *     dgram_cli -c count [-i seconds] [-s size] [-w seconds] [host [port]]
 *
 * UDP promises nothing: a datagram may be lost, late, duplicated, or somebody else's. So
 * each of many carries its number, and what comes back is compared with what was sent. The
 * socket is connected: it accepts no datagrams from elsewhere, and learns at once if nobody
 * is there (ICMP port unreachable).
 */
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/fdset.h"
#include "base/options.h"
#include "base/start.h"
#include "net/datagram.h"
#include "net/dial.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DIAL_MS      5000
#define DEFAULT_SIZE 64 /* bytes of a datagram, with -c */
#define COUNT_MAX    1000000
#define NS_PER_S     INT64_C(1000000000)
#define NS_PER_MS    1000000.0

struct dgram_client {
    struct options_peer server;
    int sock;
    sigset_t stopping; /* the signals that end the sending */
    long count;        /* datagrams to send; 0: one with words */
    int64_t interval_ns, patience_ns;
    size_t size; /* bytes of a datagram, with -c */

    bool refused; /* nobody is there; perhaps at the host's next address */
    long sent, received;
    double least_ms, most_ms, sum_ms; /* round trips of those received */
    int64_t sent_at[COUNT_MAX];       /* ns, by number; 0: it was answered */
    char out[DATAGRAM_MOST + 1], in[DATAGRAM_MOST + 1];
};

static const struct options options = {
    .program = "dgram_cli",
    .letters = "c:hi:p:s:Vw:",
    .usage =
        "usage: dgram_cli [-hV] [-p port] [-w seconds] [host [port]] [-- word ...]\n"
        "       dgram_cli [-hV] -c count [-i seconds] [-p port] [-s size] [-w seconds]\n"
        "                 [host [port]]\n",
    .help = "Sends a datagram to an echo server, the words after --, and prints the\n"
            "answer; or sends many, and prints how long each took. The status is 0 if\n"
            "everything came back unchanged and in time.\n"
            "  host [port]  the server; also host:port or [::1]:port\n"
            "               (default: localhost 23000)\n"
            "  -- word ...  send these words (default: Hello World)\n"
            "  -c count     send this many numbered datagrams, 1 to 1000000\n"
            "  -i seconds   with -c: send one after each interval (default: 1)\n"
            "  -p port      the server's port, if it does not follow the host\n"
            "  -s size      with -c: the bytes of each, 0 to 65527 (default: 64)\n"
            "  -w seconds   how long to wait for an answer (default: 2)\n"
            "  -h           print this help\n"
            "  -V           print the version\n",
};

static _Noreturn void fail(const struct dgram_client *client, const char *what,
                           const char *why)
{
    options_fail_with(&options, &client->server, what, why);
}

/* ---- Waiting ------------------------------------------------------------------------ */

static volatile sig_atomic_t stop_requested;

static void request_stop(int signal_number)
{
    (void)signal_number;
    stop_requested = 1;
}

/*
 * Ctrl-C ends the sending wherever the program waits: for an answer, or for the reader of
 * its output (no SA_RESTART). A second Ctrl-C ends the program (SA_RESETHAND).
 */
static void catch_signals(const struct dgram_client *client)
{
    struct sigaction stop = {.sa_handler = request_stop, .sa_flags = (int)SA_RESETHAND};

    stop.sa_mask = client->stopping;
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
}

static void flush_output(void)
{
    if (fflush(stdout) != EOF)
        return;
    if (stop_requested)
        exit(EXIT_FAILURE);
    options_cannot_write(&options);
}

/*
 * Waits for an answer until `deadline` (ns). False: none came, or Ctrl-C did. Ctrl-C is let
 * in only by pselect(), so none is missed between the check and the wait.
 */
static bool wait_until(const struct dgram_client *client, int64_t deadline)
{
    int64_t left = deadline - clock_ns();
    sigset_t before;
    int ready = 0;

    sigprocmask(SIG_BLOCK, &client->stopping, &before);
    for (; ready != 1 && !stop_requested && left > 0; left = deadline - clock_ns()) {
        struct timespec timeout = {.tv_sec = (time_t)(left / NS_PER_S),
                                   .tv_nsec = (long)(left % NS_PER_S)};
        struct fdset readable;

        fdset_clear(&readable);
        fdset_add(&readable, client->sock);
        ready = pselect(client->sock + 1, &readable.set, NULL, NULL, &timeout, &before);
        if (ready == -1 && errno != EINTR)
            options_fail(&options, "select: %s", strerror(errno));
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return ready == 1;
}

/* Receives into client->in. Returns the length, or -1 with errno. */
static ssize_t receive(struct dgram_client *client)
{
    ssize_t got = recv(client->sock, client->in, sizeof client->in, 0);

    if (got == -1 && !datagram_is_about_earlier(errno) && !descriptor_try_again(errno))
        fail(client, "cannot receive from", strerror(errno));
    if (got == -1 && errno == ECONNREFUSED)
        client->refused = true;
    return got;
}

static void send_out(struct dgram_client *client, size_t length)
{
    ssize_t sent = send(client->sock, client->out, length, 0);

    if (sent == -1 && errno == ECONNREFUSED) /* an earlier datagram was refused */
        client->refused = true;
    /* If a buffer is full, this datagram is lost like any other: no answer will come. */
    else if (sent == -1 && !descriptor_try_again(errno) && errno != ENOBUFS)
        fail(client, "cannot send to", strerror(errno));
    client->sent++;
}

/* Was the very first datagram refused? Then this address is the wrong one. */
static bool is_nobody_there(const struct dgram_client *client)
{
    return client->refused && client->sent == 1 && client->received == 0;
}

/* ---- One datagram ------------------------------------------------------------------- */

/* Sends `length` bytes, and prints the answer. Returns early if it is refused. */
static void ask_once(struct dgram_client *client, size_t length)
{
    int64_t deadline = clock_ns() + client->patience_ns;

    send_out(client, length);
    while (wait_until(client, deadline)) {
        ssize_t got = receive(client);

        if (client->refused)
            return;
        if (got == -1 && descriptor_try_again(errno))
            continue;
        if (got == -1)
            fail(client, "no answer from", strerror(errno));
        /* Another answer is a stranger's text, and does not belong on a terminal. */
        if ((size_t)got != length || memcmp(client->in, client->out, length) != 0)
            fail(client, "the answer from", "it is not what was sent");
        fwrite(client->in, 1, length, stdout);
        flush_output();
        client->received++;
        return;
    }
    options_fail(&options, "no answer from %s port %d in %g s", client->server.host,
                 client->server.port, (double)client->patience_ns / (double)NS_PER_S);
}

/* ---- Many --------------------------------------------------------------------------- */

/* Byte `i` of a numbered datagram: first the number, low byte first, and then letters. */
static char byte_at(size_t i, long number)
{
    if (i < 4)
        return (char)((unsigned long)number >> 8 * i & 0xFF);
    return (char)('a' + (i + (size_t)number) % 26);
}

/*
 * Which of our datagrams up to `latest` came back? Small ones may look the same: then it
 * is the last of these. -1: it is not one of ours.
 */
static long recognise(const struct dgram_client *client, size_t length, long latest)
{
    for (long number = latest; number >= 0 && length == client->size; number--) {
        size_t same = 0;

        while (same < length && client->in[same] == byte_at(same, number))
            same++;
        if (same == length)
            return number;
    }
    return -1;
}

static void count_answer(struct dgram_client *client, long number, double took_ms)
{
    client->received++;
    client->sum_ms += took_ms;
    if (client->received == 1 || took_ms < client->least_ms)
        client->least_ms = took_ms;
    if (took_ms > client->most_ms)
        client->most_ms = took_ms;
    printf("%zu bytes: number %ld, %.3f ms\n", client->size, number, took_ms);
}

/* Takes what has come. Returns true if that settles the awaited number. */
static bool take_answer(struct dgram_client *client, long awaited)
{
    ssize_t got = receive(client);
    double took_ms;
    long number;

    if (got == -1) {
        if (descriptor_try_again(errno))
            return false;
        if (!is_nobody_there(client))
            printf("number %ld: %s\n", awaited, strerror(errno));
        return true;
    }
    number = recognise(client, (size_t)got, awaited);
    if (number == -1) {
        printf("%zd bytes that are not an answer to what was sent\n", got);
        return false;
    }
    took_ms = (double)(clock_ns() - client->sent_at[number]) / NS_PER_MS;
    if (client->sent_at[number] == 0)
        printf("number %ld came again\n", number);
    else if (took_ms > (double)client->patience_ns / NS_PER_MS)
        printf("number %ld came late, after %.3f ms\n", number, took_ms);
    else
        count_answer(client, number, took_ms);
    client->sent_at[number] = 0;
    return number == awaited;
}

/* Takes what comes until `until` (ns). Returns true when the awaited number is settled. */
static bool hear(struct dgram_client *client, long awaited, int64_t until)
{
    bool settled = false;

    while (!settled && wait_until(client, until)) {
        settled = take_answer(client, awaited);
        flush_output();
    }
    return settled;
}

/* Sends one number, waits for its answer, and then until the next one is due. */
static void ask_number(struct dgram_client *client, long number)
{
    int64_t now = clock_ns();

    for (size_t i = 0; i < client->size; i++)
        client->out[i] = byte_at(i, number);
    client->sent_at[number] = now;
    send_out(client, client->size);
    if (!hear(client, number, now + client->patience_ns) && !stop_requested)
        printf("number %ld: no answer in %g s\n", number,
               (double)client->patience_ns / (double)NS_PER_S);
    flush_output();
    if (number + 1 == client->count || is_nobody_there(client))
        return;
    while (!stop_requested && clock_ns() < now + client->interval_ns)
        hear(client, number, now + client->interval_ns); /* late answers */
}

static void print_summary(const struct dgram_client *client)
{
    long lost = client->sent - client->received;

    printf("%ld sent, %ld received, %ld lost (%.1f%%)\n", client->sent, client->received,
           lost, client->sent > 0 ? 100.0 * (double)lost / (double)client->sent : 0.0);
    if (client->received > 0)
        printf("round trip min/avg/max %.3f/%.3f/%.3f ms\n", client->least_ms,
               client->sum_ms / (double)client->received, client->most_ms);
    flush_output();
}

static void ask_many(struct dgram_client *client)
{
    for (long number = 0; number < client->count; number++) {
        if (stop_requested || is_nobody_there(client))
            break;
        ask_number(client, number);
    }
    if (!is_nobody_there(client))
        print_summary(client);
}

/* ---- The program -------------------------------------------------------------------- */

/* Tries each address of the host until somebody is there. True: all was answered. */
static bool ask_host(struct dgram_client *client, size_t length)
{
    const char *why;

    for (int skip = 0;; skip++) {
        client->sock = dial_after(skip, client->server.host, client->server.port,
                                  SOCK_DGRAM, DIAL_MS, &why);
        if (client->sock == -1)
            break;
        client->refused = false;
        client->sent = 0;
        if (client->count > 0)
            ask_many(client);
        else
            ask_once(client, length);
        close(client->sock);
        if (!is_nobody_there(client))
            return client->received == client->sent;
    }
    if (client->refused)
        fail(client, "no answer from", strerror(ECONNREFUSED));
    fail(client, "cannot send to", why);
}

/* Writes the words as a line to client->out. Returns its length. */
static size_t compose_line(struct dgram_client *client, char *words[])
{
    size_t length = 0;

    if (words[0] == NULL) /* the tutorials' datagram has a space before its line feed */
        return (size_t)sprintf(client->out, "Hello World \n");
    for (int i = 0; words[i] != NULL; i++) {
        length += (size_t)snprintf(client->out + length, sizeof client->out - length,
                                   "%s%c", words[i], words[i + 1] != NULL ? ' ' : '\n');
        if (length > DATAGRAM_MOST)
            options_wrong(&options, "the words are too long for a datagram");
    }
    return length;
}

int main(int argc, char *argv[])
{
    static struct dgram_client client;
    int option, of_many = 0; /* an option that needs -c, or 0 */
    char **words;
    size_t length;

    client.server = (struct options_peer){.host = "localhost", .port = 23000};
    client.interval_ns = NS_PER_S;
    client.patience_ns = 2 * NS_PER_S;
    client.size = DEFAULT_SIZE;
    while ((option = options_next(&options, argc, argv)) != -1) {
        if (option == 'i' || option == 's')
            of_many = option;
        switch (option) {
        case 'c': client.count = options_number(&options, option, 1, COUNT_MAX); break;
        case 'i': client.interval_ns = options_seconds(&options, option); break;
        case 'p': client.server.port = options_port(&options, optarg, 1); break;
        case 's':
            client.size = (size_t)options_number(&options, option, 0, DATAGRAM_MOST);
            break;
        case 'w':
            client.patience_ns = options_timeout(&options, option) * NS_PER_S / 1000;
            break;
        }
    }
    words = options_words(&options, argc, argv, &client.server);
    if (client.count == 0 && of_many != 0)
        options_wrong(&options, "-%c needs -c", of_many);
    if (words == NULL || (client.count > 0 && *words != NULL))
        options_wrong(&options, "unexpected argument '%s'", words == NULL ? "-" : *words);
    length = compose_line(&client, words);
    start_program(&options);
    sigemptyset(&client.stopping);
    sigaddset(&client.stopping, SIGINT);
    sigaddset(&client.stopping, SIGTERM);
    if (client.count > 0)
        catch_signals(&client);
    return ask_host(&client, length) ? EXIT_SUCCESS : EXIT_FAILURE;
}
