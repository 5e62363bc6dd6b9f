/*
 * hello_srv: says one thing to whoever connects, and closes.
 *
 *     hello_srv [-b address] [-p port] [-m text] [-l file]
 *     hello_srv -p 12345 -m 'Thank you for connecting' -l file.txt
 *
 * The close is an orderly one, which stream_close() sees to: shutdown() tells the client
 * that this was all, and close() comes when the client has closed too. A close() alone,
 * with something unread that the client had sent, would be a reset, and that can cost the
 * client the text.
 */
#include "base/append.h"
#include "base/clock.h"
#include "base/start.h"
#include "loop/stream_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h> /* optarg */

struct hello {
    const char *text;
    const char *file;  /* who came is written there; NULL: nowhere */
    struct append log; /* `file`, if there is one */
    bool failed;       /* the last line could not be written, which was said */
};

static void keep(struct hello *hello, const char *name)
{
    char line[ADDRESS_MOST + CLOCK_STAMP_BYTES + 32], stamp[CLOCK_STAMP_BYTES];
    int length = snprintf(line, sizeof line, "%s Got connection from %s\n",
                          clock_stamp(time(NULL), stamp), name);
    bool failed = append_line(&hello->log, line, (size_t)length) == -1;

    if (failed && !hello->failed)
        (void)fprintf(stderr, "hello_srv: cannot write to %s: %s\n", hello->file,
                      strerror(errno));
    hello->failed = failed;
}

/* A file or a device: one who reads from a FIFO could make everybody wait. */
static int open_log(struct hello *hello)
{
    bool is_open = append_open(&hello->log, hello->file) == 0;
    struct stat about;

    if (is_open && fstat(hello->log.descriptor, &about) == 0 &&
        (S_ISREG(about.st_mode) || S_ISCHR(about.st_mode)))
        return 0;
    (void)fprintf(stderr, "hello_srv: cannot write to %s: %s\n", hello->file,
                  is_open ? "it is no file" : strerror(errno));
    return -1;
}

static void greet(struct stream *stream)
{
    struct hello *hello = stream->server->state;

    stream_print(stream, "%s\n", hello->text);
    stream_close(stream);
    if (hello->file != NULL)
        keep(hello, stream->name);
}

static const struct options options = {
    .program = "hello_srv",
    .letters = "b:hl:m:p:V",
    .usage = "usage: hello_srv [-hV] [-b address] [-p port] [-m text] [-l file]\n",
    .help = "Sends a line to whoever connects, and closes.\n"
            "  -b address  listen on this address only (default: all, IPv6 and IPv4)\n"
            "  -p port     listen on this port (default: 2525; 0: any free one)\n"
            "  -m text     the line (default: 'Hello World! ')\n"
            "  -l file     append to it who has connected, and when\n"
            "  -h          print this help\n"
            "  -V          print the version\n",
};

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
        options_wrong(&options, "the text is over %d bytes", STREAM_ANSWER_BYTES - 2);
    if (start_program() == -1) /* or the file may become standard output */
        options_fail(&options, "cannot start: %s", strerror(errno));
    if (hello.file != NULL && open_log(&hello) == -1)
        return EXIT_FAILURE;
    result = stream_server_run(&server);
    if (hello.file != NULL)
        append_close(&hello.log);
    return result;
}
