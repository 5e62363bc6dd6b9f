/*
 * http_get: fetches a document from the web over HTTP/1.1 (RFC 9110, RFC 9112).
 *
 *     http_get [-i] [-o file] [-w seconds] URL
 *     http_get [-i] [-o file] [-w seconds] host [port] [path]
 *
 * The client of the tutorials prints what comes until the server closes, and cannot tell a
 * whole document from half of one. This one finds in the header how the body ends. Its
 * status is 0 only if all of the document came, with a status of 2xx. The document is a
 * stranger's: on a terminal its control characters are made visible (net/text.h); a file
 * or a pipe gets its bytes as they are.
 */
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/fdset.h"
#include "base/options.h"
#include "base/signals.h"
#include "base/start.h"
#include "http/http.h"
#include "http/save.h"
#include "http/url.h"
#include "net/dial.h"
#include "net/line.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define AGENT          "netlab-http_get"
#define REDIRECTS_MOST 5
#define PATIENCE_S     20                  /* with a server that is silent */
#define PIECE_BYTES    ((size_t)64 * 1024) /* of one receive */
#define LONG_BODY      ((uint64_t)1 << 20) /* the progress of a shorter one is not shown */
#define PROGRESS_MS    200                 /* from one progress line to the next */
#define SHOWN_MOST     200                 /* of a server's text in a message of ours */
#define MB             1e6

struct download {
    struct url url;
    int64_t patience_ms;
    bool prints_head;
    const char *file; /* NULL: standard output */
    struct save save; /* the file, while it is written */
    bool is_shown;    /* the body goes to a terminal, as lines of clean text */
    struct line line; /* the current line there */

    int sock;
    int64_t deadline;  /* ms; the end of our patience with a silent server */
    size_t begin, end; /* bytes[begin..end) have been received, and not been used yet */
    char bytes[PIECE_BYTES];
    struct http_head head;
    char head_text[HTTP_RESPONSE_MOST];
    struct http_body body;
    uint64_t length, done; /* bytes of the body, in all (0: unknown) and so far */

    bool has_progress; /* it may be shown */
    int64_t began;     /* ms; the body */
    int64_t shown; /* ms; the last progress line, which is still open; 0: there is none */
};

/* ---- The progress line -------------------------------------------------------------- */

static void print_progress(struct download *download, int64_t now)
{
    double seconds = (double)(now - download->began) / 1000;
    double done = (double)download->done;
    char whole[40] = "", line[100];

    if (download->length > 0)
        snprintf(whole, sizeof whole, " of %.1f MB (%.0f%%)",
                 (double)download->length / MB, 100 * done / (double)download->length);
    snprintf(line, sizeof line, "%.1f MB%s, %.1f MB/s", done / MB, whole,
             seconds > 0 ? done / MB / seconds : 0.0);
    fprintf(stderr, "\r%-50s", line);
    download->shown = now;
}

static void show_progress(struct download *download)
{
    int64_t now = clock_ms();

    if (download->has_progress &&
        (download->done >= LONG_BODY || download->length >= LONG_BODY) &&
        now - download->shown >= PROGRESS_MS)
        print_progress(download, now);
}

/* Ends the line, if there is one, with the progress until now. */
static void end_progress(struct download *download)
{
    if (download->shown == 0)
        return;
    print_progress(download, clock_ms());
    fputc('\n', stderr);
    download->shown = 0;
}

/* ---- Failures ----------------------------------------------------------------------- */

/* Prints a message, as printf() does, and returns -1. */
__attribute__((format(printf, 2, 3))) static int complain(struct download *download,
                                                          const char *format, ...)
{
    va_list arguments;

    end_progress(download);
    fprintf(stderr, "http_get: ");
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n");
    return -1;
}

static int complain_of_server(struct download *download, const char *what,
                              const char *why)
{
    return complain(download, "%s %s port %d: %s", what, download->url.host,
                    download->url.port, why);
}

static int complain_of_file(struct download *download)
{
    return complain(download, "cannot write '%s': %s", download->file, strerror(errno));
}

static int complain_of_document(struct download *download, const char *why)
{
    char authority[URL_AUTHORITY_MOST];

    url_authority(&download->url, authority);
    return complain(download, "http://%s%s: %s", authority, download->url.path, why);
}

/* ---- The connection ----------------------------------------------------------------- */

/*
 * Waits until the socket can be sent to, or read from; a signal ends the wait early. 0, or
 * -1: the time is over.
 */
static int await_server(struct download *download, bool to_send)
{
    struct fdset set;
    int ready = 0;

    fdset_clear(&set);
    fdset_add(&set, download->sock);
    /* Not after the deadline: a server may send interim answers without end. */
    if (clock_ms() < download->deadline)
        ready = signals_pselect(NULL, to_send ? NULL : &set, to_send ? &set : NULL,
                                download->deadline);
    if (ready == -1)
        return complain(download, "select: %s", strerror(errno));
    if (ready > 0 || clock_ms() < download->deadline)
        return 0;
    return complain(download, "waiting for %s port %d: timed out after %g s",
                    download->url.host, download->url.port,
                    (double)download->patience_ms / 1000);
}

static int send_request(struct download *download)
{
    char request[HTTP_HEAD_MOST];
    size_t length = http_compose_get(request, &download->url, AGENT), done = 0;

    while (done < length) {
        ssize_t sent = send(download->sock, request + done, length - done, MSG_NOSIGNAL);

        if (sent > 0)
            done += (size_t)sent;
        else if (!descriptor_try_again(errno))
            return complain_of_server(download, "cannot send to", strerror(errno));
        else if (await_server(download, true) == -1)
            return -1;
    }
    return 0;
}

/* Receives if all was used. 1: there are bytes. 0: the server closed. -1: it failed. */
static int receive(struct download *download)
{
    ssize_t got;

    if (download->begin < download->end)
        return 1;
    do {
        if (await_server(download, false) == -1)
            return -1;
        got = recv(download->sock, download->bytes, sizeof download->bytes, 0);
    } while (got == -1 && descriptor_try_again(errno));
    if (got == -1)
        return complain_of_server(download, "lost the connection to", strerror(errno));
    download->begin = 0;
    download->end = (size_t)got;
    return got > 0;
}

/* ---- Printing ----------------------------------------------------------------------- */

static int print(struct download *download, const char *bytes, size_t length)
{
    if (descriptor_write_all(STDOUT_FILENO, bytes, length) == 0)
        return 0;
    if (errno == EPIPE) /* its reader has had enough, as `head` has */
        return -1;
    return complain(download, "cannot write to standard output: %s", strerror(errno));
}

/* Prints each line when it is whole, as clean text. */
static int print_text(struct download *download, const char *bytes, size_t length)
{
    struct line *line = &download->line;
    enum line_event event;

    while (length > 0) {
        size_t taken = line_take(line, (const unsigned char *)bytes, length, &event);

        bytes += taken;
        length -= taken;
        if (event == LINE_OPEN)
            return 0;
        if (event == LINE_ENDED)
            line->text[line->length++] = '\n'; /* in the place of its NUL */
        if (print(download, line->text, line->length) == -1)
            return -1;
        line_clear(line, 0);
    }
    return 0;
}

/* The text has ended. A line without a line end is printed without one. */
static int print_rest(struct download *download)
{
    while (line_finish(&download->line) != LINE_OPEN) {
        if (print(download, download->line.text, download->line.length) == -1)
            return -1;
        line_clear(&download->line, 0);
    }
    return 0;
}

static int print_words(struct download *download, const char *text)
{
    return print_text(download, text, strlen(text));
}

static int print_head(struct download *download)
{
    const struct http_head *head = &download->head;
    struct http_field field = {NULL, NULL};
    char first[40];

    snprintf(first, sizeof first, "HTTP/1.%d %d ", head->minor, head->status);
    if (print_words(download, first) == -1 || print_words(download, head->reason) == -1)
        return -1;
    while (http_next_field(head, &field))
        if (print_words(download, "\n") == -1 ||
            print_words(download, field.name) == -1 ||
            print_words(download, ": ") == -1 || print_words(download, field.value) == -1)
            return -1;
    return print_words(download, "\n\n");
}

/* ---- The answer --------------------------------------------------------------------- */

/* 0, or -1: it failed. */
static int receive_head(struct download *download)
{
    struct http_head *head = &download->head;

    download->begin = download->end = 0;
    download->deadline = clock_ms() + download->patience_ms; /* for all of it */
    http_head_begin(head, HTTP_RESPONSE, download->head_text, sizeof download->head_text);
    while (head->state == HTTP_OPEN) {
        int got = receive(download);

        if (got == -1)
            return -1;
        if (got == 0)
            return complain_of_document(
                download, head->taken == 0 ? "the server closed without an answer"
                                           : "the server closed amid its header");
        download->begin += http_head_take(head, download->bytes + download->begin,
                                          download->end - download->begin);
    }
    if (head->state == HTTP_BAD)
        return complain_of_document(download, head->why);
    return 0;
}

/* 206 is a part of the document. Nobody asked for it, and it would pass for the whole. */
static bool is_success(const struct download *download)
{
    int status = download->head.status;

    return status >= 200 && status <= 299 && status != 206;
}

/* A run of the body goes where it belongs. */
static int put(struct download *download, const struct http_content *content)
{
    download->done += content->length;
    show_progress(download);
    if (download->is_shown)
        return print_text(download, content->bytes, content->length);
    if (download->file == NULL)
        return print(download, content->bytes, content->length);
    if (descriptor_write_all(download->save.descriptor, content->bytes,
                             content->length) == -1)
        return complain_of_file(download);
    return 0;
}

static int receive_body(struct download *download)
{
    struct http_content content;

    while (download->body.state == HTTP_OPEN) {
        int got;

        download->deadline = clock_ms() + download->patience_ms;
        got = receive(download);
        if (got == -1)
            return -1;
        if (got == 0)
            http_body_close(&download->body);
        download->begin +=
            http_body_take(&download->body, download->bytes + download->begin,
                           download->end - download->begin, &content);
        if (content.length > 0 && put(download, &content) == -1)
            return -1;
    }
    return 0;
}

/* Receives the body and judges it. 0 if all of it came. */
static int take_body(struct download *download)
{
    char why[SHOWN_MOST];
    int result;

    http_body_begin(&download->body, &download->head);
    download->length = download->body.framing == HTTP_LENGTH ? download->body.left : 0;
    download->done = 0;
    download->began = clock_ms();
    result = receive_body(download);
    end_progress(download);
    if (result == -1 || (download->is_shown && print_rest(download) == -1))
        return -1;
    if (download->body.state == HTTP_WHOLE)
        return 0;
    snprintf(why, sizeof why, "after %llu bytes of the body: %s",
             (unsigned long long)download->done, download->body.why);
    return complain_of_document(download, why);
}

/* The document goes to standard output as it comes, or to the file once it is whole. */
static int take_document(struct download *download)
{
    if (download->file == NULL)
        return take_body(download);
    if (save_open(&download->save, download->file) == -1)
        return complain_of_file(download);
    if (take_body(download) == -1) {
        save_abandon(&download->save);
        return -1;
    }
    if (save_finish(&download->save) == -1)
        return complain_of_file(download);
    return 0;
}

/* The answer is not the document. Its page may say why: it is printed, but not saved. */
static int take_failure(struct download *download)
{
    char text[HTTP_LINE_MOST], reason[SHOWN_MOST];

    if (download->file == NULL && take_body(download) == -1)
        return -1;
    snprintf(text, sizeof text, "%d %s", download->head.status,
             text_clean(download->head.reason, reason, sizeof reason));
    return complain_of_document(download, text);
}

/* ---- The download ------------------------------------------------------------------- */

/* Is the document elsewhere (RFC 9110 15.4)? A 300 leaves a choice to people. */
static bool is_redirect(const struct download *download)
{
    int status = download->head.status;

    return status > 300 && status < 400 &&
           http_value(&download->head, "Location") != NULL;
}

static int follow_redirect(struct download *download)
{
    const char *location = http_value(&download->head, "Location"), *why;
    char shown[SHOWN_MOST];

    text_clean(location, shown, sizeof shown);
    if (url_resolve(&download->url, location, &why) == -1)
        return complain(download, "redirected to '%s': %s", shown, why);
    return 0;
}

/* Connects, asks, and receives the header of the answer. */
static int ask(struct download *download)
{
    const char *why;

    download->sock = dial(download->url.host, download->url.port, SOCK_STREAM,
                          (int)download->patience_ms, &why);
    if (download->sock == -1)
        return complain_of_server(download, "cannot connect to", why);
    download->deadline = clock_ms() + download->patience_ms;
    if (send_request(download) == -1 || receive_head(download) == -1)
        return -1;
    return download->prints_head ? print_head(download) : 0;
}

/* 0: all of the document came. -1: it did not, and was complained of. 1: a redirect. */
static int get_once(struct download *download)
{
    if (ask(download) == -1)
        return -1;
    if (is_redirect(download))
        return follow_redirect(download) == -1 ? -1 : 1;
    return is_success(download) ? take_document(download) : take_failure(download);
}

static int get(struct download *download)
{
    int result = 1;

    for (int redirects = 0; result == 1 && redirects <= REDIRECTS_MOST; redirects++) {
        result = get_once(download);
        if (download->sock != -1)
            close(download->sock);
    }
    if (result == 1)
        return complain_of_document(download, "redirected too often");
    return result;
}

static struct save *unfinished; /* a signal handler has no arguments of its own */

/* Ends the program as the signal would have ended it, but leaves no half file. */
static void end_by(int signal_number)
{
    save_remove_part(unfinished);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void prepare_signals(void)
{
    static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

    for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++)
        if (!signals_ignores(ending[i]))
            signals_handle(ending[i], end_by);
}

static const struct options options = {
    .program = "http_get",
    .letters = "hio:Vw:",
    .usage = "usage: http_get [-hiV] [-o file] [-w seconds] URL\n"
             "       http_get [-hiV] [-o file] [-w seconds] host [port] [path]\n",
    .help =
        "Fetches a document over HTTP and prints it. The status is 0 if all of it came\n"
        "(2xx). At most 5 redirects are followed.\n"
        "  URL          http://host[:port][/path]\n"
        "  host [port]  the server; also host:port or [::1]:port (default: port 80)\n"
        "  path         the document; one of digits alone needs its / (default: /)\n"
        "  -i           print the header of each answer as well\n"
        "  -o file      write the document to a file once it is whole (default: -,\n"
        "               which prints it)\n"
        "  -w seconds   how long a server may be silent (default: 20)\n"
        "  -h           print this help\n"
        "  -V           print the version\n",
};

/* A word of digits alone after a host is its port: a path can be written with a slash. */
static bool is_port(const char *word)
{
    return strspn(word, "0123456789") == strlen(word);
}

/* The operands are a URL, or a host, perhaps its port, and perhaps a path. */
static void choose_url(struct download *download, char *operands[], int count)
{
    bool is_url = strpbrk(operands[0], "/?#") != NULL;
    bool has_port = count > 1 && is_port(operands[1]);
    const char *path = count > 1 + has_port ? operands[1 + has_port] : "", *why;
    struct options_peer server = {.port = 80};
    char text[URL_HOST_MOST + URL_PATH_MOST];
    int length;

    if (count > 2 + has_port)
        options_wrong(&options, "unexpected argument '%s'", operands[2 + has_port]);
    if (is_url ? count > 1 : options_peer(&options, 1 + has_port, operands, &server) == 0)
        options_wrong(&options, "'%s' is not a host", operands[0]);
    if (is_url)
        length =
            snprintf(text, sizeof text, "%s%s",
                     strstr(operands[0], "://") != NULL ? "" : "http://", operands[0]);
    else
        length = snprintf(
            text, sizeof text,
            strchr(server.host, ':') != NULL ? "http://[%s]:%d%s%s" : "http://%s:%d%s%s",
            server.host, server.port, *path == '\0' || *path == '/' ? "" : "/", path);
    if (length < 0 || (size_t)length >= sizeof text)
        options_wrong(&options, "the URL is too long");
    if (url_parse(&download->url, text, &why) == -1)
        options_wrong(&options, "'%s': %s", text, why);
}

int main(int argc, char *argv[])
{
    static struct download download;
    int option, result;

    download.patience_ms = PATIENCE_S * 1000;
    while ((option = options_next(&options, argc, argv)) != -1) {
        switch (option) {
        case 'i': download.prints_head = true; break;
        case 'o': download.file = strcmp(optarg, "-") == 0 ? NULL : optarg; break;
        case 'w': download.patience_ms = options_timeout(&options, option); break;
        }
    }
    for (int i = optind + 1; i < argc; i++)
        if (argv[i][0] == '-') /* no path begins so */
            options_wrong(&options, "'%s' must come before '%s'", argv[i], argv[optind]);
    if (optind == argc)
        options_wrong(&options, "give a URL, or a host and a path");
    choose_url(&download, argv + optind, argc - optind);
    if (start_program() == -1)
        options_fail(&options, "cannot start: %s", strerror(errno));
    download.is_shown = download.file == NULL && isatty(STDOUT_FILENO);
    download.has_progress = !download.is_shown && isatty(STDERR_FILENO);
    unfinished = &download.save;
    prepare_signals();
    result = get(&download);
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
