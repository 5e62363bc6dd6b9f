/*
 * bare_sends: what sends alone cost, to hold a chat server's figures against
 *
 *     bare_sends [-c sockets] [-k lines] [-l line_length] [-t seconds] [-C]
 *
 * Sends -k lines together to each of -c loopback connections in turn, again and again,
 * and does nothing else: no select(), no reading, no lines to find. Another process reads
 * them, and looks at none. It is no bound: what a send costs depends on whether its reader
 * sleeps and has to be woken, and here it often does. So a server whose readers are busy
 * can deliver more lines than this, each in a send of its own.
 *
 * What the figures mean:
 *
 *   line rate       lines that were sent and read, a second, until the last was read
 *   sender CPU      of the sends, user and system, a line; the time that a send waits for
 *                   its reader is not in it
 *   sender share    how busy the sender was, of the time until the last line was read: if
 *   reader share    not all of it, it is the reader who set the pace, and the CPU a line
 *                   is the figure to look at
 */
#include "base/descriptor.h"
#include "load/generator.h"
#include "net/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOCKETS_MOST      10000
#define BATCH_MOST        (1 << 20) /* bytes sent together */
#define READ_SIZE         65536
#define OTHER_DESCRIPTORS 64

struct bare {
    int sockets, lines, line_length;
    uint64_t duration;
    int csv;
    int *senders;           /* [sockets] the ends that are sent from */
    struct pollfd *readers; /* [sockets] those that are read from */
    int total;              /* the pipe through which the reader tells what it read */
    pid_t reader;
};

static const struct options command_line = {
    .program = "bare_sends",
    .letters = "c:k:l:t:ChV",
    .usage = "usage: bare_sends [-ChV] [-c sockets] [-k lines] [-l line_length]\n"
             "                    [-t seconds]\n",
    .help =
        "Measures bare sends over loopback connections, to hold a chat server against.\n"
        "  -c sockets      how many connections (100)\n"
        "  -k lines        sent together, in one send (1)\n"
        "  -l line_length  in bytes, as delivered, with a name before it (80)\n"
        "  -t seconds      how long (3)\n"
        "  -C              a CSV row after the report; twice: a row of names before it\n"
        "  -h              print this help\n"
        "  -V              print the version\n",
};

static _Noreturn void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bare_sends: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static void options_read(struct bare *bare, int argc, char *argv[])
{
    const struct options *line = &command_line;
    int option;

    *bare = (struct bare){
        .sockets = 100, .lines = 1, .line_length = 80, .duration = 3 * (uint64_t)SECOND};
    while ((option = options_next(line, argc, argv)) != -1) {
        switch (option) {
        case 'c': bare->sockets = option_int(line, 'c', 1, SOCKETS_MOST); break;
        case 'k': bare->lines = option_int(line, 'k', 1, BATCH_MOST); break;
        case 'l': bare->line_length = option_int(line, 'l', 1, BATCH_MOST); break;
        case 't': bare->duration = option_duration(line, 't'); break;
        case 'C': bare->csv++; break;
        }
    }
    options_end(line, argc, argv);
    if (bare->lines > BATCH_MOST / bare->line_length)
        options_wrong(line, "more than %d bytes together", BATCH_MOST);
}

/* One after the other, so that the queue of new connections is never full. */
static void connect_all(struct bare *bare)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    const char *why = "";
    int listener = listener_open("127.0.0.1", 0, SOCK_STREAM, &why), on = 1;

    if (listener == -1)
        die("cannot listen", why);
    address.sin_port = htons((in_port_t)listener_port(listener));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bare->senders = allocate((size_t)bare->sockets, sizeof *bare->senders);
    bare->readers = allocate((size_t)bare->sockets, sizeof *bare->readers);
    for (int i = 0; i < bare->sockets; i++) {
        struct pollfd newcomer = {.fd = listener, .events = POLLIN};
        int reader = socket(AF_INET, SOCK_STREAM, 0);

        if (reader == -1 ||
            connect(reader, (struct sockaddr *)&address, sizeof address) == -1)
            die("cannot connect", strerror(errno));
        (void)poll(&newcomer, 1, -1); /* it's connected: it's there */
        bare->senders[i] = accept(listener, NULL, NULL);
        if (bare->senders[i] == -1)
            die("cannot accept", strerror(errno));
        (void)setsockopt(bare->senders[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        bare->readers[i] = (struct pollfd){.fd = reader, .events = POLLIN};
    }
    (void)close(listener);
}

/* The reader's process: reads all connections to their end, and tells how much it was. */
static _Noreturn void read_all(struct bare *bare, int told)
{
    static char bytes[READ_SIZE];
    uint64_t total = 0;
    int open = bare->sockets;

    for (int i = 0; i < bare->sockets; i++)
        (void)close(bare->senders[i]);
    while (open > 0) {
        if (poll(bare->readers, (nfds_t)bare->sockets, -1) == -1)
            continue; /* EINTR: the sender ends, and with it all connections */
        for (int i = 0; i < bare->sockets; i++) {
            ssize_t count;

            if (bare->readers[i].revents == 0)
                continue;
            count = recv(bare->readers[i].fd, bytes, sizeof bytes, 0);
            if (count > 0)
                total += (uint64_t)count;
            if (count == 0 || (count == -1 && errno != EINTR)) {
                bare->readers[i].fd = -1; /* poll() passes it over */
                open--;
            }
        }
    }
    _exit(write(told, &total, sizeof total) == sizeof total ? EXIT_SUCCESS
                                                            : EXIT_FAILURE);
}

static void reader_start(struct bare *bare)
{
    int ends[2];

    if (pipe(ends) == -1)
        die("no pipe", strerror(errno));
    bare->reader = fork();
    if (bare->reader == -1)
        die("cannot fork", strerror(errno));
    if (bare->reader == 0)
        read_all(bare, ends[1]);
    (void)close(ends[1]);
    bare->total = ends[0];
    for (int i = 0; i < bare->sockets; i++)
        (void)close(bare->readers[i].fd);
}

/* The sends. They wait when the reader is slow: so nothing is ever sent in part. */
static uint64_t send_all(const struct bare *bare, double *cpu)
{
    size_t length = (size_t)bare->lines * (size_t)bare->line_length;
    char *lines = allocate(1, length);
    uint64_t began = clock_now(), sent = 0;
    double cpu_before = own_cpu_seconds();

    memset(lines, '.', length);
    for (size_t end = (size_t)bare->line_length; end <= length;
         end += (size_t)bare->line_length)
        lines[end - 1] = '\n';
    while (clock_now() - began < bare->duration && !interrupted) {
        for (int i = 0; i < bare->sockets; i++) {
            if (send(bare->senders[i], lines, length, MSG_NOSIGNAL) != (ssize_t)length)
                die("cannot send", interrupted ? "interrupted" : strerror(errno));
            sent += length;
        }
    }
    *cpu = own_cpu_seconds() - cpu_before;
    free(lines);
    return sent;
}

/* Ends the connections, and waits until the reader has had all of it. */
static double reader_finish(const struct bare *bare, uint64_t sent)
{
    struct rusage used;
    uint64_t total = 0;

    for (int i = 0; i < bare->sockets; i++)
        (void)close(bare->senders[i]);
    if (read(bare->total, &total, sizeof total) != sizeof total || total != sent)
        die("what was read is not all that was sent", "a connection was lost");
    (void)waitpid(bare->reader, NULL, 0);
    (void)getrusage(RUSAGE_CHILDREN, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char *argv[])
{
    struct bare bare;
    struct report report = {0};
    double cpu, seconds, reader_cpu, lines;
    uint64_t began, sent;

    options_read(&bare, argc, argv);
    signals_catch();
    descriptor_raise_limit(2 * (unsigned long)bare.sockets + OTHER_DESCRIPTORS);
    connect_all(&bare);
    reader_start(&bare);
    began = clock_now();
    sent = send_all(&bare, &cpu);
    reader_cpu = reader_finish(&bare, sent);
    /* Now, not before: seconds' worth of lines may have lain in the sockets' buffers. */
    seconds = (double)(clock_now() - began) / SECOND;

    lines = (double)sent / bare.line_length;
    report_text(&report, "server", command_line.program);
    report_add(&report, "sockets", "", bare.sockets, 0);
    report_add(&report, "lines", "together", bare.lines, 0);
    report_add(&report, "line length", "bytes", bare.line_length, 0);
    report_add(&report, "line rate", "a second", lines / seconds, 0);
    report_add(&report, "sender CPU a line", "ns", cpu * 1e9 / lines, 1);
    report_add(&report, "sender share", "%", 100 * cpu / seconds, 0);
    report_add(&report, "reader share", "%", 100 * reader_cpu / seconds, 0);
    report_print(&report);
    if (interrupted)
        printf("note: interrupted\n");
    if (bare.csv > 0)
        report_csv(&report, bare.csv > 1);
    return exit_status(&command_line, !interrupted);
}
