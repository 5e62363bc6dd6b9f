/*
 * http_get: fetches a document from the web over HTTP/1.1 (RFC 9110, RFC 9112).
 *
 *     http_get [-i] [-o file] [-w seconds] URL
 *     http_get [-i] [-o file] [-w seconds] host [port] [path]
 *
 * The client of the tutorials prints what comes until the server closes, and cannot tell a
 * whole document from half of one. This one finds in the header how the body ends. Its
 * status is 0 only if all of the document came, with a status of 2xx. The document cannot
 * be trusted: on a terminal its control characters are made visible (net/text.h); a file
 * or a pipe gets its bytes as they are.
 */
#include "base/clock.h"
#include "base/complaint.h"
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
#include "terminal/terminal.h"

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
#define PROGRESS_WIDTH 50  /* columns, to overwrite a longer line before it */
#define SHOWN_MOST     200 /* of a server's text in a message of ours */
#define MB             1e6

struct download {
    struct url url;
    int64_t patience_ms;
    bool prints_head;
    const char *file; /* NULL: standard output */
    struct save save; /* the file, while it is written */
    bool is_shown;    /* the body goes to a terminal, as lines of clean text */
    struct line line; /* what comes next there */
    bool within_line; /* part of a line was printed there, but not its end */

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
    const struct terminal terminal = {.descriptor = STDERR_FILENO};
    char whole[40] = "", line[100];
    int width;

    if (download->length > 0)
        snprintf(whole, sizeof whole, " of %.1f MB (%.0f%%)",
                 (double)download->length / MB, 100 * done / (double)download->length);
    snprintf(line, sizeof line, "%.1f MB%s, %.1f MB/s", done / MB, whole,
             seconds > 0 ? done / MB / seconds : 0.0);
    width = terminal_columns(&terminal) - 1; /* a wrapped line could not be overwritten */
    if (width > PROGRESS_WIDTH)
        width = PROGRESS_WIDTH;
    fprintf(stderr, "\r%-*.*s", width, width, line);
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

/* Ends the program, and leaves no half file. */
static _Noreturn void give_up(struct download *download)
{
    save_abandon(&download->save);
    if (download->sock != -1)
        close(download->sock);
    exit(EXIT_FAILURE);
}

/* Prints a message, as printf() does, and gives up. */
__attribute__((format(printf, 2, 3))) static _Noreturn void
fail(struct download *download, const char *format, ...)
{
    va_list arguments;

    end_progress(download);
    if (download->within_line)
        (void)descriptor_write_all(STDOUT_FILENO, "\n", 1);
    va_start(arguments, format);
    complaint_print("http_get", format, arguments);
    va_end(arguments);
    give_up(download);
}

static _Noreturn void fail_with_server(struct download *download, const char *what,
                                       const char *why)
{
    fail(download, "%s %s port %d: %s", what, download->url.host, download->url.port,
         why);
}

static _Noreturn void fail_with_file(struct download *download)
{
    fail(download, "cannot write '%s': %s", download->file, strerror(errno));
}

static _Noreturn void fail_with_document(struct download *download, const char *why)
{
    char authority[URL_AUTHORITY_MOST];

    url_authority(&download->url, authority);
    fail(download, "http://%s%s: %s", authority, download->url.path, why);
}

/* What a server said, for a message of ours. Returns `out`. */
static const char *make_clean(const char *said, char out[SHOWN_MOST])
{
    text_clean(said, out, SHOWN_MOST);
    text_straighten(out, strlen(out));
    return out;
}

/* ---- The connection ----------------------------------------------------------------- */

/* Waits until the socket can be sent to, or read from. A signal ends the wait early. */
static void await_server(struct download *download, bool to_send)
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
        fail(download, "select: %s", strerror(errno));
    if (ready == 0 && clock_ms() >= download->deadline)
        fail(download, "waiting for %s port %d: timed out after %g s", download->url.host,
             download->url.port, (double)download->patience_ms / 1000);
}

static void send_request(struct download *download)
{
    char request[HTTP_HEAD_MOST];
    size_t length = http_compose_get(request, &download->url, AGENT), done = 0;

    while (done < length) {
        ssize_t sent = send(download->sock, request + done, length - done, MSG_NOSIGNAL);

        if (sent > 0)
            done += (size_t)sent;
        else if (descriptor_try_again(errno))
            await_server(download, true);
        else
            fail_with_server(download, "cannot send to", strerror(errno));
    }
}

/* Receives if all was used. False: the server has closed the connection. */
static bool receive(struct download *download)
{
    ssize_t got;

    if (download->begin < download->end)
        return true;
    do {
        await_server(download, false);
        got = recv(download->sock, download->bytes, sizeof download->bytes, 0);
    } while (got == -1 && descriptor_try_again(errno));
    if (got == -1)
        fail_with_server(download, "lost the connection to", strerror(errno));
    download->begin = 0;
    download->end = (size_t)got;
    return got > 0;
}

/* ---- Printing ----------------------------------------------------------------------- */

static void print(struct download *download, const char *bytes, size_t length)
{
    if (descriptor_write_all(STDOUT_FILENO, bytes, length) == 0)
        return;
    if (errno == EPIPE) /* its reader has had enough, as `head` has */
        give_up(download);
    fail(download, "cannot write to standard output: %s", strerror(errno));
}

/* Prints a line, or a piece of one, without what misleads a reader (net/text.h). */
static void print_line(struct download *download)
{
    struct line *line = &download->line;

    text_straighten(line->text, line->length);
    print(download, line->text, line->length);
    if (line->length > 0)
        download->within_line = line->text[line->length - 1] != '\n';
    line_clear(line, 0);
}

/* Prints each line when it is whole, as clean text. */
static void print_text(struct download *download, const char *bytes, size_t length)
{
    struct line *line = &download->line;
    enum line_event event;

    while (length > 0) {
        size_t taken = line_take(line, (const unsigned char *)bytes, length, &event);

        bytes += taken;
        length -= taken;
        if (event == LINE_OPEN)
            return;
        if (event == LINE_ENDED)
            line->text[line->length++] = '\n'; /* in place of its NUL */
        print_line(download);
    }
}

/* The text has ended, perhaps within a character. */
static void print_rest(struct download *download)
{
    while (line_finish(&download->line) != LINE_OPEN)
        print_line(download);
}

static void print_words(struct download *download, const char *text)
{
    print_text(download, text, strlen(text));
}

static void print_head(struct download *download)
{
    const struct http_head *head = &download->head;
    struct http_field field = {NULL, NULL};
    char first[40];

    snprintf(first, sizeof first, "HTTP/1.%d %d ", head->minor, head->status);
    print_words(download, first);
    print_words(download, head->reason);
    while (http_next_field(head, &field)) {
        print_words(download, "\n");
        print_words(download, field.name);
        print_words(download, ": ");
        print_words(download, field.value);
    }
    print_words(download, "\n\n");
}

/* ---- The answer --------------------------------------------------------------------- */

static void receive_head(struct download *download)
{
    struct http_head *head = &download->head;

    download->begin = download->end = 0;
    download->deadline = clock_ms() + download->patience_ms; /* for all of it */
    http_head_begin(head, HTTP_RESPONSE, download->head_text, sizeof download->head_text);
    while (head->state == HTTP_OPEN) {
        if (!receive(download))
            fail_with_document(download, head->taken == 0
                                             ? "the server closed without an answer"
                                             : "the server closed inside its header");
        download->begin += http_head_take(head, download->bytes + download->begin,
                                          download->end - download->begin);
    }
    if (head->state == HTTP_BAD)
        fail_with_document(download, head->why);
}

/* A run of the body goes where it belongs. */
static void put(struct download *download, const struct http_content *content)
{
    download->done += content->length;
    show_progress(download);
    if (download->is_shown) {
        print_text(download, content->bytes, content->length);
        print_line(download); /* as much as has come of the next one, too */
    } else if (download->file == NULL) {
        print(download, content->bytes, content->length);
    } else if (descriptor_write_all(download->save.descriptor, content->bytes,
                                    content->length) == -1) {
        fail_with_file(download);
    }
}

static void take_body(struct download *download)
{
    struct http_body *body = &download->body;
    struct http_content content;
    char why[SHOWN_MOST];

    http_body_begin(body, &download->head);
    download->length = body->framing == HTTP_LENGTH ? body->left : 0;
    download->done = 0;
    download->began = clock_ms();
    while (body->state == HTTP_OPEN) {
        download->deadline = clock_ms() + download->patience_ms;
        if (!receive(download))
            http_body_close(body);
        download->begin += http_body_take(body, download->bytes + download->begin,
                                          download->end - download->begin, &content);
        if (content.length > 0)
            put(download, &content);
    }
    end_progress(download);
    if (download->is_shown)
        print_rest(download);
    if (body->state == HTTP_WHOLE)
        return;
    snprintf(why, sizeof why, "after %llu bytes of the body: %s",
             (unsigned long long)download->done, body->why);
    fail_with_document(download, why);
}

/* The document goes to standard output as it comes, or to the file once it is whole. */
static void take_document(struct download *download)
{
    if (download->file != NULL && save_open(&download->save, download->file) == -1)
        fail_with_file(download);
    take_body(download);
    if (download->file != NULL && save_finish(&download->save) == -1)
        fail_with_file(download);
}

/* The answer is not the document. Its page may say why: it is printed, but not saved. */
static _Noreturn void take_failure(struct download *download)
{
    char text[SHOWN_MOST + 8], reason[SHOWN_MOST];

    if (download->file == NULL)
        take_body(download);
    snprintf(text, sizeof text, "%d %s", download->head.status,
             make_clean(download->head.reason, reason));
    fail_with_document(download, text);
}

/* ---- The download ------------------------------------------------------------------- */

/* 206 is a part of the document. Nobody asked for it, and it would pass for the whole. */
static bool is_success(const struct download *download)
{
    int status = download->head.status;

    return status >= 200 && status <= 299 && status != 206;
}

/* Is the document elsewhere (RFC 9110 15.4)? A 300 leaves a choice to people. */
static bool is_redirect(const struct download *download)
{
    int status = download->head.status;

    return status > 300 && status < 400 &&
           http_value(&download->head, "Location") != NULL;
}

static void follow_redirect(struct download *download)
{
    const char *location = http_value(&download->head, "Location"), *why;
    char shown[SHOWN_MOST];

    make_clean(location, shown);
    if (url_resolve(&download->url, location, &why) == -1)
        fail(download, "redirected to '%s': %s", shown, why);
}

/* Connects, asks, and receives the header of the answer. */
static void ask(struct download *download)
{
    const char *why;

    download->sock = dial(download->url.host, download->url.port, SOCK_STREAM,
                          (int)download->patience_ms, &why);
    if (download->sock == -1)
        fail_with_server(download, "cannot connect to", why);
    download->deadline = clock_ms() + download->patience_ms;
    send_request(download);
    receive_head(download);
    if (download->prints_head)
        print_head(download);
}

static void get(struct download *download)
{
    int redirects = 0;

    for (ask(download); is_redirect(download); ask(download)) {
        if (redirects++ == REDIRECTS_MOST)
            fail_with_document(download, "too many redirects");
        follow_redirect(download);
        close(download->sock);
    }
    if (!is_success(download))
        take_failure(download);
    take_document(download);
    close(download->sock);
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

/* Another URL may follow, in the path or the query. */
static bool has_scheme(const char *url)
{
    return strncmp(url + strcspn(url, ":/?#"), "://", 3) == 0;
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
        length = snprintf(text, sizeof text, "%s%s",
                          has_scheme(operands[0]) ? "" : "http://", operands[0]);
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
    int option;

    download.patience_ms = PATIENCE_S * 1000;
    while ((option = options_next(&options, argc, argv)) != -1) {
        switch (option) {
        case 'i': download.prints_head = true; break;
        case 'o': download.file = strcmp(optarg, "-") == 0 ? NULL : optarg; break;
        case 'w': download.patience_ms = options_timeout(&options, option); break;
        }
    }
    options_check_order(&options, argc - optind, argv + optind);
    if (optind == argc)
        options_wrong(&options, "give a URL, or a host and a path");
    choose_url(&download, argv + optind, argc - optind);
    start_program(&options);
    download.is_shown = download.file == NULL && isatty(STDOUT_FILENO);
    download.has_progress = !download.is_shown && isatty(STDERR_FILENO);
    download.save.descriptor = -1;
    unfinished = &download.save;
    prepare_signals();
    get(&download);
    return EXIT_SUCCESS;
}
