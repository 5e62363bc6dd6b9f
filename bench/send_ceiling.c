/*
 * send_ceiling: what the kernel alone lets a chat server do
 *
 *     send_ceiling [-c sockets] [-k lines] [-l line_length] [-t seconds] [-C]
 *
 * Sends -k lines together to each of -c loopback connections in turn, again and again,
 * and does nothing else: no select(), no reading, no lines to find. Another process reads
 * them, and looks at none. A server that sends each line by itself can't deliver more of
 * them than this with -k 1; one that sends together what it has, more than that, and not
 * more than this with a -k as large.
 *
 * What the figures mean:
 *
 *   line rate       lines that were sent and read, a second
 *   sender CPU      of the sends, user and system, a line; the time that a send waits for
 *                   its reader is not in it
 *   sender share    how busy the sender was: if not all the time, it is the reader who
 *   reader share    set the pace, and the CPU a line is the figure to look at
 */
#include "bench/generator.h"
#include "net/descriptor.h"
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

struct ceiling {
    int sockets, lines, line_length;
    uint64_t duration;
    int csv;
    int *senders;           /* [sockets] the ends that are sent from */
    struct pollfd *readers; /* [sockets] those that are read from */
    int total;              /* the pipe through which the reader tells what it read */
    pid_t reader;
};

static const struct options command_line = {
    .program = "send_ceiling",
    .letters = "c:k:l:t:ChV",
    .usage = "usage: send_ceiling [-ChV] [-c sockets] [-k lines] [-l line_length]\n"
             "                    [-t seconds]\n",
    .help =
        "Measures bare sends over loopback connections, as a server's upper bound.\n"
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
    (void)fprintf(stderr, "send_ceiling: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static void options_read(struct ceiling *ceiling, int argc, char *argv[])
{
    const struct options *line = &command_line;
    int option;

    *ceiling = (struct ceiling){
        .sockets = 100, .lines = 1, .line_length = 80, .duration = 3 * (uint64_t)SECOND};
    while ((option = options_next(line, argc, argv)) != -1) {
        switch (option) {
        case 'c': ceiling->sockets = option_int(line, 'c', 1, SOCKETS_MOST); break;
        case 'k': ceiling->lines = option_int(line, 'k', 1, BATCH_MOST); break;
        case 'l': ceiling->line_length = option_int(line, 'l', 1, BATCH_MOST); break;
        case 't': ceiling->duration = option_duration(line, 't'); break;
        case 'C': ceiling->csv++; break;
        }
    }
    options_end(line, argc, argv);
    if (ceiling->lines > BATCH_MOST / ceiling->line_length)
        options_wrong(line, "more than %d bytes together", BATCH_MOST);
}

/* One after the other, so that the queue of new connections is never full. */
static void connect_all(struct ceiling *ceiling)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    const char *why = "";
    int listener = listener_open("127.0.0.1", 0, SOCK_STREAM, &why), on = 1;

    if (listener == -1)
        die("cannot listen", why);
    address.sin_port = htons((in_port_t)listener_port(listener));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ceiling->senders = allocate((size_t)ceiling->sockets, sizeof *ceiling->senders);
    ceiling->readers = allocate((size_t)ceiling->sockets, sizeof *ceiling->readers);
    for (int i = 0; i < ceiling->sockets; i++) {
        struct pollfd newcomer = {.fd = listener, .events = POLLIN};
        int reader = socket(AF_INET, SOCK_STREAM, 0);

        if (reader == -1 ||
            connect(reader, (struct sockaddr *)&address, sizeof address) == -1)
            die("cannot connect", strerror(errno));
        (void)poll(&newcomer, 1, -1); /* it's connected: it's there */
        ceiling->senders[i] = accept(listener, NULL, NULL);
        if (ceiling->senders[i] == -1)
            die("cannot accept", strerror(errno));
        (void)setsockopt(ceiling->senders[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        ceiling->readers[i] = (struct pollfd){.fd = reader, .events = POLLIN};
    }
    (void)close(listener);
}

/* The reader's process: reads all connections to their end, and tells how much it was. */
static _Noreturn void read_all(struct ceiling *ceiling, int told)
{
    static char bytes[READ_SIZE];
    uint64_t total = 0;
    int open = ceiling->sockets;

    for (int i = 0; i < ceiling->sockets; i++)
        (void)close(ceiling->senders[i]);
    while (open > 0) {
        if (poll(ceiling->readers, (nfds_t)ceiling->sockets, -1) == -1)
            continue; /* EINTR: the sender ends, and with it all connections */
        for (int i = 0; i < ceiling->sockets; i++) {
            ssize_t count;

            if (ceiling->readers[i].revents == 0)
                continue;
            count = recv(ceiling->readers[i].fd, bytes, sizeof bytes, 0);
            if (count > 0)
                total += (uint64_t)count;
            if (count == 0 || (count == -1 && errno != EINTR)) {
                ceiling->readers[i].fd = -1; /* poll() passes it over */
                open--;
            }
        }
    }
    _exit(write(told, &total, sizeof total) == sizeof total ? EXIT_SUCCESS
                                                            : EXIT_FAILURE);
}

static void reader_start(struct ceiling *ceiling)
{
    int ends[2];

    if (pipe(ends) == -1)
        die("no pipe", strerror(errno));
    ceiling->reader = fork();
    if (ceiling->reader == -1)
        die("cannot fork", strerror(errno));
    if (ceiling->reader == 0)
        read_all(ceiling, ends[1]);
    (void)close(ends[1]);
    ceiling->total = ends[0];
    for (int i = 0; i < ceiling->sockets; i++)
        (void)close(ceiling->readers[i].fd);
}

/* The sends. They wait when the reader is slow: so nothing is ever sent in part. */
static uint64_t send_all(const struct ceiling *ceiling, double *cpu, double *seconds)
{
    size_t length = (size_t)ceiling->lines * (size_t)ceiling->line_length;
    char *lines = allocate(1, length);
    uint64_t began = clock_now(), sent = 0;
    double cpu_before = own_cpu_seconds();

    memset(lines, '.', length);
    for (size_t end = (size_t)ceiling->line_length; end <= length;
         end += (size_t)ceiling->line_length)
        lines[end - 1] = '\n';
    while (clock_now() - began < ceiling->duration && !interrupted) {
        for (int i = 0; i < ceiling->sockets; i++) {
            if (send(ceiling->senders[i], lines, length, MSG_NOSIGNAL) != (ssize_t)length)
                die("cannot send", interrupted ? "interrupted" : strerror(errno));
            sent += length;
        }
    }
    *cpu = own_cpu_seconds() - cpu_before;
    *seconds = (double)(clock_now() - began) / SECOND;
    free(lines);
    return sent;
}

/* Ends the connections, and waits until the reader has had all of it. */
static double reader_finish(const struct ceiling *ceiling, uint64_t sent)
{
    struct rusage used;
    uint64_t total = 0;

    for (int i = 0; i < ceiling->sockets; i++)
        (void)close(ceiling->senders[i]);
    if (read(ceiling->total, &total, sizeof total) != sizeof total || total != sent)
        die("what was read is not all that was sent", "a connection was lost");
    (void)waitpid(ceiling->reader, NULL, 0);
    (void)getrusage(RUSAGE_CHILDREN, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char *argv[])
{
    struct ceiling ceiling;
    struct report report = {0};
    double cpu, seconds, reader_cpu, lines;
    uint64_t sent;

    options_read(&ceiling, argc, argv);
    signals_catch();
    descriptor_raise_limit(2 * (unsigned long)ceiling.sockets + OTHER_DESCRIPTORS);
    connect_all(&ceiling);
    reader_start(&ceiling);
    sent = send_all(&ceiling, &cpu, &seconds);
    reader_cpu = reader_finish(&ceiling, sent);

    lines = (double)sent / ceiling.line_length;
    report_text(&report, "server", command_line.program);
    report_add(&report, "sockets", "", ceiling.sockets, 0);
    report_add(&report, "lines", "together", ceiling.lines, 0);
    report_add(&report, "line length", "bytes", ceiling.line_length, 0);
    report_add(&report, "line rate", "a second", lines / seconds, 0);
    report_add(&report, "sender CPU a line", "ns", cpu * 1e9 / lines, 1);
    report_add(&report, "sender share", "%", 100 * cpu / seconds, 0);
    report_add(&report, "reader share", "%", 100 * reader_cpu / seconds, 0);
    report_print(&report);
    if (interrupted)
        printf("note: interrupted\n");
    if (ceiling.csv > 0)
        report_csv(&report, ceiling.csv > 1);
    return exit_status(&command_line, !interrupted);
}
