/*
 * dgram_cli: sends a datagram to an echo server, and prints the answer; or many of them,
 * and tells how long each took, as ping does.
 *
 *     dgram_cli [-w seconds] [-p port] [host [word ...]]
 *     dgram_cli -c count [-i seconds] [-s size] [-w seconds] [-p port] [host]
 *
 * UDP promises nothing: a datagram may be lost, late, doubled, or somebody else's. So each
 * that is counted carries its number and what this run is known by, and what comes
 * back is held against what was sent. The socket is connected: datagrams from elsewhere
 * do not get in, and that nobody is there (ICMP port unreachable) is heard at once.
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
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define DIAL_MS      5000
#define DEFAULT_SIZE 64 /* of a counted datagram, in bytes */
#define COUNT_MAX    1000000
#define NS_PER_S     INT64_C(1000000000)
#define NS_PER_MS    1000000.0

struct dgram_client {
    const char *host;
    int port;
    int server;
    sigset_t stopping; /* the signals that end the counting */
    long count;        /* datagrams to send; 0: one with words, and nothing is counted */
    int64_t interval_ns, patience_ns;
    size_t size;
    unsigned long run; /* what tells its datagrams from another run's */

    bool refused; /* nobody is at the port: there may be at the host's next address */
    long sent, received;
    int64_t least_ns, most_ns, sum_ns; /* round trips of those received */
    int64_t *sent_at;                  /* ns, by number; 0: its answer has come */
    char out[DATAGRAM_MOST + 1], in[DATAGRAM_MOST + 1];
};

static volatile sig_atomic_t stop_requested;

static void request_stop(int signal_number)
{
    (void)signal_number;
    stop_requested = 1;
}

/*
 * Ctrl-C ends the counting wherever it waits: for an answer, or for whoever reads what it
 * prints (no SA_RESTART). A second one ends the program, summary or not (SA_RESETHAND).
 */
static void catch_signals(const struct dgram_client *client)
{
    struct sigaction stop = {.sa_handler = request_stop, .sa_flags = (int)SA_RESETHAND};

    stop.sa_mask = client->stopping;
    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGTERM, &stop, NULL);
}

static int complain(const struct dgram_client *client, const char *what, const char *why)
{
    (void)fprintf(stderr, "dgram_cli: %s %s port %d: %s\n", what, client->host,
                  client->port, why);
    return -1;
}

static int complain_of_output(void)
{
    if (!stop_requested)
        (void)fprintf(stderr, "dgram_cli: cannot write to standard output: %s\n",
                      strerror(errno));
    return -1;
}

/* ---- Waiting ------------------------------------------------------------------------ */

/*
 * Waits for an answer until `deadline` (ns). 1: there is something; 0: not; -1: failed.
 * The signals are let in by pselect() alone, so none is missed between look and wait.
 */
static int wait_until(const struct dgram_client *client, int64_t deadline)
{
    int64_t left = deadline - clock_ns();
    struct timespec timeout = {.tv_sec = (time_t)(left / NS_PER_S),
                               .tv_nsec = (long)(left % NS_PER_S)};
    sigset_t before;
    struct fdset readable;
    int ready = 0, error;

    if (left <= 0)
        return 0;
    fdset_clear(&readable);
    fdset_add(&readable, client->server);
    (void)sigprocmask(SIG_BLOCK, &client->stopping, &before);
    if (!stop_requested)
        ready = pselect(client->server + 1, &readable.set, NULL, NULL, &timeout, &before);
    error = errno;
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    if (ready == -1 && error != EINTR)
        return complain(client, "cannot wait for", strerror(error));
    return ready == -1 ? 0 : ready;
}

/* Receives into client->in. Its length, or -1: failed for a time, or refused, or for good. */
static ssize_t receive(struct dgram_client *client)
{
    ssize_t got = recv(client->server, client->in, sizeof client->in, 0);

    if (got == -1 && errno == ECONNREFUSED)
        client->refused = true;
    return got;
}

static int send_out(struct dgram_client *client, size_t length)
{
    ssize_t sent = send(client->server, client->out, length, 0);

    if (sent == -1 && errno == ECONNREFUSED) /* of an earlier one */
        client->refused = true;
    /* A full buffer is a datagram lost like any other: it will be missed. */
    else if (sent == -1 && !descriptor_try_again(errno) && errno != ENOBUFS)
        return complain(client, "cannot send to", strerror(errno));
    client->sent++;
    return 0;
}

/* Was the very first refused? Then this address is the wrong one. */
static bool is_nobody_there(const struct dgram_client *client)
{
    return client->refused && client->sent == 1 && client->received == 0;
}

/* ---- One datagram ------------------------------------------------------------------- */

/* 0 if the answer is what was sent, -1 if not, after it was said. */
static int ask_once(struct dgram_client *client, size_t length)
{
    int64_t deadline = clock_ns() + client->patience_ns;
    int ready;

    if (send_out(client, length) == -1)
        return -1;
    while ((ready = wait_until(client, deadline)) == 1) {
        ssize_t got = receive(client);

        if (client->refused)
            return -1;
        if (got == -1 && descriptor_try_again(errno))
            continue;
        if (got == -1)
            return complain(client, "no answer from", strerror(errno));
        /* Another answer is a stranger's text: it is not for a terminal. */
        if ((size_t)got != length || memcmp(client->in, client->out, length) != 0)
            return complain(client, "the answer from", "it is not what was sent");
        if (fwrite(client->in, 1, length, stdout) < length || fflush(stdout) == EOF)
            return complain_of_output();
        return 0;
    }
    if (ready == 0)
        (void)fprintf(stderr, "dgram_cli: no answer from %s port %d in %g s\n",
                      client->host, client->port,
                      (double)client->patience_ns / (double)NS_PER_S);
    return -1;
}

/* ---- Many --------------------------------------------------------------------------- */

/*
 * The datagram of a number: the number, its low byte first, what this run is known by, and
 * letters. In a small one there is less of that, down to nothing at all.
 */
static void compose(const struct dgram_client *client, long number, char *out)
{
    char head[8];

    for (int i = 0; i < 4; i++) {
        head[i] = (char)((unsigned long)number >> 8 * i & 0xFF);
        head[4 + i] = (char)(client->run >> 8 * i & 0xFF);
    }
    for (size_t i = 0; i < client->size; i++)
        out[i] =
            i < sizeof head ? head[i] : (char)('a' + (size_t)(number + (long)i) % 26);
}

/*
 * Which of ours is this? The latest of which it has as much of the number as a datagram of
 * this size holds: all of it from four bytes on. -1: it is none of them, or damaged.
 */
static long recognise(struct dgram_client *client, size_t length, long latest)
{
    static char expected[DATAGRAM_MOST + 1];
    long long low = 0, numbers = 1, number; /* 256^4 fits no long of 32 bits */

    if (length != client->size)
        return -1;
    for (size_t i = 0; i < length && i < 4; i++) {
        low += (unsigned char)client->in[i] * numbers;
        numbers *= 256;
    }
    number = latest - (latest - low % numbers + numbers) % numbers;
    if (number < 0)
        return -1;
    compose(client, (long)number, expected);
    return memcmp(client->in, expected, length) == 0 ? (long)number : -1;
}

static void count_answer(struct dgram_client *client, long number, int64_t took_ns)
{
    client->received++;
    client->sum_ns += took_ns;
    if (client->received == 1 || took_ns < client->least_ns)
        client->least_ns = took_ns;
    if (took_ns > client->most_ns)
        client->most_ns = took_ns;
    (void)printf("%zu bytes: number %ld, %.3f ms\n", client->size, number,
                 (double)took_ns / NS_PER_MS);
}

/* Takes what has come. Returns true if it settles the number that is waited for. */
static bool take_answer(struct dgram_client *client, long awaited)
{
    ssize_t got = receive(client);
    int64_t now = clock_ns();
    long number;

    if (got == -1) {
        if (descriptor_try_again(errno))
            return false;
        if (!is_nobody_there(client))
            (void)printf("number %ld: %s\n", awaited, strerror(errno));
        return true;
    }
    number = recognise(client, (size_t)got, awaited);
    if (number == -1) {
        (void)printf("%zd bytes that are no answer to what was sent\n", got);
    } else if (client->sent_at[number] == 0) {
        (void)printf("number %ld came again\n", number);
    } else if (now - client->sent_at[number] > client->patience_ns) {
        (void)printf("number %ld came late, after %.3f ms\n", number,
                     (double)(now - client->sent_at[number]) / NS_PER_MS);
        client->sent_at[number] = 0;
    } else {
        count_answer(client, number, now - client->sent_at[number]);
        client->sent_at[number] = 0;
    }
    return number == awaited;
}

/* Takes what comes until `until` (ns). 1: `number` is settled; 0: time, or a signal; -1. */
static int hear(struct dgram_client *client, long number, int64_t until)
{
    int ready;

    while ((ready = wait_until(client, until)) == 1) {
        bool settled = take_answer(client, number);

        if (fflush(stdout) == EOF)
            return complain_of_output();
        if (settled)
            break;
    }
    return ready;
}

/* Sends one number and waits for its answer, then for the time of the next. -1: failed. */
static int ask_number(struct dgram_client *client, long number)
{
    int64_t now = clock_ns();
    int heard;

    compose(client, number, client->out);
    client->sent_at[number] = now;
    if (send_out(client, client->size) == -1)
        return -1;
    heard = hear(client, number, now + client->patience_ns);
    if (heard == 0 && !stop_requested) {
        (void)printf("number %ld: no answer in %g s\n", number,
                     (double)client->patience_ns / (double)NS_PER_S);
        if (fflush(stdout) == EOF)
            return complain_of_output();
    }
    if (number + 1 == client->count || is_nobody_there(client))
        return heard == -1 ? -1 : 0;
    while (heard != -1 && !stop_requested && clock_ns() < now + client->interval_ns)
        heard = hear(client, number, now + client->interval_ns); /* late ones */
    return heard == -1 ? -1 : 0;
}

static void print_summary(const struct dgram_client *client)
{
    long lost = client->sent - client->received;

    (void)printf("%ld sent, %ld received, %ld lost (%.1f%%)\n", client->sent,
                 client->received, lost,
                 client->sent > 0 ? 100.0 * (double)lost / (double)client->sent : 0.0);
    if (client->received > 0)
        (void)printf("round trip min/avg/max %.3f/%.3f/%.3f ms\n",
                     (double)client->least_ns / NS_PER_MS,
                     (double)client->sum_ns / (double)client->received / NS_PER_MS,
                     (double)client->most_ns / NS_PER_MS);
}

/* 0 if every datagram was answered in time, -1 if not. */
static int ask_many(struct dgram_client *client)
{
    int result = 0;

    client->sent_at = calloc((size_t)client->count, sizeof *client->sent_at);
    if (client->sent_at == NULL)
        return complain(client, "no memory to count answers from", strerror(errno));
    catch_signals(client);
    for (long number = 0; number < client->count && result == 0; number++) {
        if (stop_requested || is_nobody_there(client))
            break;
        result = ask_number(client, number);
    }
    if (!is_nobody_there(client))
        print_summary(client);
    free(client->sent_at);
    if (fflush(stdout) == EOF)
        return complain_of_output();
    return client->received == client->sent ? result : -1;
}

/* Asks at the host's addresses in turn, until at one of them somebody is there. */
static int ask_host(struct dgram_client *client, size_t length)
{
    const char *why;
    int result;

    for (int skip = 0;; skip++) {
        client->server =
            dial_after(skip, client->host, client->port, SOCK_DGRAM, DIAL_MS, &why);
        if (client->server == -1)
            break;
        client->refused = false;
        client->sent = 0;
        result = client->count > 0 ? ask_many(client) : ask_once(client, length);
        (void)close(client->server);
        if (!is_nobody_there(client))
            return result;
    }
    return complain(client, "no answer from",
                    client->refused ? strerror(ECONNREFUSED) : why);
}

/* ---- The program -------------------------------------------------------------------- */

static const struct options options = {
    .program = "dgram_cli",
    .letters = "c:hi:p:s:Vw:",
    .usage = "usage: dgram_cli [-hV] [-w seconds] [-p port] [host [word ...]]\n"
             "       dgram_cli -c count [-i seconds] [-s size] [-w seconds] [-p port] "
             "[host]\n",
    .help =
        "Sends a datagram to an echo server, the words or Hello World, and prints the\n"
        "answer. The host is localhost if not given; the status is 0 if all came back\n"
        "the same.\n"
        "  -c count    send so many, numbered, and print how long each took\n"
        "  -i seconds  the time from one to the next (default: 1)\n"
        "  -s size     of each, in bytes (default: 64)\n"
        "  -w seconds  how long to wait for an answer (default: 2)\n"
        "  -p port     the server's port (default: 23000)\n"
        "  -h          print this help\n"
        "  -V          print the version\n",
};

/* The words as a line, in client->out. Its length; -1: it fits no datagram. */
static long compose_line(struct dgram_client *client, char *words[])
{
    size_t length = 0;

    if (words[0] == NULL) { /* the source's own text, its space before the end included */
        (void)strcpy(client->out, "Hello World \n");
        return (long)strlen(client->out);
    }
    for (int i = 0; words[i] != NULL; i++) {
        size_t word = strlen(words[i]);

        if (length + word + 1 > DATAGRAM_MOST)
            return -1;
        memcpy(client->out + length, words[i], word);
        length += word;
        client->out[length++] = words[i + 1] != NULL ? ' ' : '\n';
    }
    return (long)length;
}

int main(int argc, char *argv[])
{
    static struct dgram_client client;
    int option;
    long size = DEFAULT_SIZE, length;

    client.host = "localhost";
    client.port = 23000;
    client.interval_ns = NS_PER_S;
    client.patience_ns = 2 * NS_PER_S;
    while ((option = options_next(&options, argc, argv)) != -1) {
        switch (option) {
        case 'c': client.count = options_number(&options, option, 1, COUNT_MAX); break;
        case 'i': client.interval_ns = options_seconds(&options, option); break;
        case 'p': client.port = options_port(&options, optarg, 1); break;
        case 's': size = options_number(&options, option, 0, DATAGRAM_MOST); break;
        case 'w':
            client.patience_ns = options_timeout(&options, option) * NS_PER_S / 1000;
            break;
        }
    }
    if (optind < argc)
        client.host = argv[optind++];
    if (client.count > 0)
        options_end(&options, argc, argv);
    client.size = (size_t)size;
    length = compose_line(&client, argv + optind);
    if (length == -1)
        options_wrong(&options, "the words are too long for a datagram");
    if (start_program() == -1)
        options_fail(&options, "cannot start: %s", strerror(errno));
    (void)sigemptyset(&client.stopping);
    (void)sigaddset(&client.stopping, SIGINT);
    (void)sigaddset(&client.stopping, SIGTERM);
    client.run = (unsigned long)getpid() ^ (unsigned long)clock_ns() << 8;
    return ask_host(&client, (size_t)length) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
