/*
 * hello_srv: sends one line to each client and closes.
 *
 *     hello_srv [-v] [-b address] [-l file] [-m text] [-p port]
 *     hello_srv -p 12345 -m 'Thank you for connecting' -l file.txt
 *
 * This is the smallest server on loop/stream_server.h: one handler, greet(). The loop
 * calls it for each client that connects. Read it first, and then name_srv.c.
 *
 * Here is why stream_close() calls shutdown() before close(). If the client has sent
 * something that nobody read, close() sends a reset (RFC 1122 4.2.2.13). The client's
 * system may then throw away text that the client has not read yet. After shutdown() the
 * client reads the text and then the end, and closes; only then does the server close.
 */
#include "base/append.h"
#include "base/clock.h"
#include "base/start.h"
#include "loop/stream_server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct hello {
    const char *text;  /* what each client is sent */
    const char *file;  /* the name of a log of the clients, or NULL */
    struct append log; /* that file, open */
    bool failed;       /* the last line was not written, and the failure was reported */
};

/* Reports a failure once, not for each client, and tries again for the next client. */
static void write_log(struct hello *hello, const char *name)
{
    char line[ADDRESS_MOST + CLOCK_STAMP_BYTES + 32], stamp[CLOCK_STAMP_BYTES];
    int length = snprintf(line, sizeof line, "%s Got connection from %s\n",
                          clock_stamp(time(NULL), stamp), name);
    bool failed = append_line(&hello->log, line, (size_t)length) == -1;

    if (failed && !hello->failed)
        fprintf(stderr, "hello_srv: cannot write to '%s': %s\n", hello->file,
                strerror(errno));
    hello->failed = failed;
}

/* The handler for a client that has just connected. Nothing is sent before it returns. */
static void greet(struct stream *stream)
{
    struct hello *hello = stream->server->state;

    stream_print(stream, "%s\n", hello->text);
    stream_close(stream);
    if (hello->file != NULL)
        write_log(hello, stream->name);
}

static const struct options options = {
    .program = "hello_srv",
    .letters = "b:hl:m:p:vV",
    .usage = "usage: hello_srv [-hvV] [-b address] [-l file] [-m text] [-p port]\n",
    .help = "Sends a line to each client, and closes.\n"
            "  -b address  listen on this address only (default: all, IPv6 and IPv4)\n"
            "  -l file     append the time and the address of each client to this file\n"
            "  -m text     the line (default: 'Hello World! ')\n"
            "  -p port     listen on this port (default: 2525; 0: any free one)\n"
            "  -v          print a line for each connection opened or closed\n"
            "  -h          print this help\n"
            "  -V          print the version\n",
};

/*
 * Opens the log. It refuses a FIFO: once that is full, either lines would be lost, or the
 * server and all its clients would have to wait for the FIFO's reader.
 */
static void open_log(struct hello *hello)
{
    const char *why = NULL;
    struct stat about;

    if (append_open(&hello->log, hello->file) == -1 ||
        fstat(hello->log.descriptor, &about) == -1) {
        why = strerror(errno);
    } else if (!S_ISREG(about.st_mode) && !S_ISCHR(about.st_mode)) {
        why = "it is neither a regular file nor a device";
        append_close(&hello->log);
    }
    if (why != NULL)
        options_fail(&options, "cannot write to '%s': %s", hello->file, why);
}

int main(int argc, char *argv[])
{
    static struct hello hello = {.text = "Hello World! "};
    static struct stream_server server = {.program = "hello_srv",
                                          .where.port = 2525,
                                          .state = &hello,
                                          .handlers = {.opened = greet}};
    int letter, result;

    while ((letter = options_next_of_server(&options, argc, argv, &server.where)) != -1) {
        switch (letter) {
        case 'l': hello.file = optarg; break;
        case 'm': hello.text = optarg; break;
        }
    }
    options_end(&options, argc, argv);
    if (strlen(hello.text) > STREAM_ANSWER_BYTES - 2)
        options_wrong(&options, "the text has more than %d bytes",
                      STREAM_ANSWER_BYTES - 2);
    /* First: if standard output is closed, the file would take its number. */
    start_program(&options);
    if (hello.file != NULL)
        open_log(&hello);
    result = stream_server_run(&server);
    if (hello.file != NULL)
        append_close(&hello.log);
    return result;
}
