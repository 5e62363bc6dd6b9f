/*
 * http_get: fetches a document from the web, over HTTP/1.1 (RFC 9110, RFC 9112).
 *
 *     http_get [-i] [-o file] [-w seconds] URL
 *     http_get [-i] [-o file] [-w seconds] host [path]
 *
 * The source's client prints what comes until the server closes, and so can't tell a
 * whole document from half of one. This one reads in the header how long the body is or
 * how it ends, and its status is 0 only if all of it came, with a status of 2xx. What
 * comes is a stranger's: on a terminal it is shown with its control characters made
 * visible (net/text.h), to anything else it goes byte for byte.
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

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define AGENT          "netlab-http_get"
#define REDIRECTS_MOST 5
#define PATIENCE_S     20                  /* with a server that is silent */
#define PIECE_BYTES    ((size_t)64 * 1024) /* of one receive */
#define LONG_BODY      ((uint64_t)1 << 20) /* from here on progress is shown */
#define PROGRESS_MS    200                 /* from one progress line to the next */
#define SHOWN_MOST     200                 /* of what a server says, in a line of ours */
#define MB             1e6

struct download {
    struct url url;
    int64_t patience_ms;
    bool prints_head;
    const char *file; /* NULL: standard output */
    struct save save; /* the file, while it is being written */
    bool is_shown;    /* the body goes to a terminal: as lines of clean text */
    struct line line; /* the one that is open there */

    int server;
    int64_t deadline;  /* ms; when the server has been silent too long */
    size_t begin, end; /* of what has come and was not looked at: bytes[begin..end) */
    char bytes[PIECE_BYTES];
    struct http_head head;
    struct http_body body;
    uint64_t length, done; /* of the body; a length of 0 is not known */

    bool has_progress;    /* to show, and the line is open */
    int64_t began, shown; /* ms; the body, and the line */
};

/* ---- The progress line -------------------------------------------------------------- */

static void show_progress(struct download *download, int64_t now)
{
    double seconds = (double)(now - download->began) / 1000;
    double done = (double)download->done;
    char whole[40] = "", line[100];

    if (download->length > 0)
        (void)snprintf(whole, sizeof whole, " of %.1f MB (%.0f%%)",
                       (double)download->length / MB,
                       100 * done / (double)download->length);
    (void)snprintf(line, sizeof line, "%.1f MB%s, %.1f MB/s", done / MB, whole,
                   seconds > 0 ? done / MB / seconds : 0.0);
    (void)fprintf(stderr, "\r%-50s", line);
    download->shown = now;
}

/* Shows how far it is, now and then, if the body is long and its progress may be shown. */
static void tell_progress(struct download *download)
{
    int64_t now = clock_ms();

    if (download->has_progress &&
        (download->done >= LONG_BODY || download->length >= LONG_BODY) &&
        now - download->shown >= PROGRESS_MS)
        show_progress(download, now);
}

/* Shows how far it came, if it was shown, and leaves the line to what comes next. */
static void end_progress(struct download *download)
{
    if (download->shown == 0)
        return;
    show_progress(download, clock_ms());
    (void)fputc('\n', stderr);
    download->shown = 0;
}

/* ---- What is said ------------------------------------------------------------------- */

static int complain(struct download *download, const char *what, const char *why)
{
    end_progress(download);
    (void)fprintf(stderr, "http_get: %s: %s\n", what, why);
    return -1;
}

static int complain_of_server(struct download *download, const char *what,
                              const char *why)
{
    end_progress(download);
    (void)fprintf(stderr, "http_get: %s %s port %d: %s\n", what, download->url.host,
                  download->url.port, why);
    return -1;
}

static int complain_of_file(struct download *download)
{
    int error = errno;

    end_progress(download);
    (void)fprintf(stderr, "http_get: cannot write %s: %s\n", download->file,
                  strerror(error));
    return -1;
}

static int complain_of_document(const struct download *download, const char *why)
{
    char authority[URL_AUTHORITY_MOST];

    url_authority(&download->url, authority);
    (void)fprintf(stderr, "http_get: http://%s%s: %s\n", authority, download->url.path,
                  why);
    return -1;
}

/* ---- The connection ----------------------------------------------------------------- */

/* Waits until the server takes something, or has sent something. 0, or -1: it has not. */
static int await_server(struct download *download, bool to_send)
{
    int64_t left = download->deadline - clock_ms();
    struct timespec timeout = clock_timespec(left);
    char why[60];
    struct fdset set;
    int ready = 0;

    fdset_clear(&set);
    fdset_add(&set, download->server);
    if (left > 0) /* a server may say without end that the answer is to come */
        ready = pselect(download->server + 1, to_send ? NULL : &set.set,
                        to_send ? &set.set : NULL, NULL, &timeout, NULL);
    if (ready == -1)
        return complain(download, "select", strerror(errno));
    if (ready > 0)
        return 0;
    (void)snprintf(why, sizeof why, "timed out after %g s",
                   (double)download->patience_ms / 1000);
    return complain_of_server(download, "waiting for", why);
}

static int send_request(struct download *download)
{
    char request[HTTP_HEAD_MOST];
    size_t length = http_compose_get(request, &download->url, AGENT), done = 0;

    while (done < length) {
        ssize_t sent =
            send(download->server, request + done, length - done, MSG_NOSIGNAL);

        if (sent > 0)
            done += (size_t)sent;
        else if (!descriptor_try_again(errno))
            return complain_of_server(download, "cannot send to", strerror(errno));
        else if (await_server(download, true) == -1)
            return -1;
    }
    return 0;
}

/* Gets more from the server. 1: there is more. 0: it has closed. -1: it failed. */
static int receive(struct download *download)
{
    ssize_t got;

    for (;;) {
        if (await_server(download, false) == -1)
            return -1;
        got = recv(download->server, download->bytes, sizeof download->bytes, 0);
        if (got >= 0)
            break;
        if (!descriptor_try_again(errno))
            return complain_of_server(download, "lost the connection to",
                                      strerror(errno));
    }
    download->begin = 0;
    download->end = (size_t)got;
    return got > 0;
}

/* ---- What is printed ---------------------------------------------------------------- */

static int print(struct download *download, const char *bytes, size_t length)
{
    if (descriptor_write_all(STDOUT_FILENO, bytes, length) == -1)
        return complain(download, "cannot write to standard output", strerror(errno));
    return 0;
}

/* Prints text with its control characters made visible, each line when it is whole. */
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

/* The end of the text: what has no line end is printed without one. */
static int print_rest(struct download *download)
{
    while (line_finish(&download->line) != LINE_OPEN) {
        if (print(download, download->line.text, download->line.length) == -1)
            return -1;
        line_clear(&download->line, 0);
    }
    return 0;
}

static int print_line(struct download *download, const char *first, const char *between,
                      const char *second)
{
    if (print_text(download, first, strlen(first)) == -1 ||
        print_text(download, between, strlen(between)) == -1 ||
        print_text(download, second, strlen(second)) == -1)
        return -1;
    return print_text(download, "\n", 1);
}

static int print_head(struct download *download)
{
    struct http_field field = {NULL, NULL};
    char status[40];

    (void)snprintf(status, sizeof status, "HTTP/1.%d %d", download->head.minor,
                   download->head.status);
    if (print_line(download, status, " ", download->head.reason) == -1)
        return -1;
    while (http_next_field(&download->head, &field))
        if (print_line(download, field.name, ": ", field.value) == -1)
            return -1;
    return print_line(download, "", "", "");
}

/* ---- The answer --------------------------------------------------------------------- */

/* Receives heads until one is no interim answer (RFC 9110 15.2). 0, or -1: it failed. */
static int receive_head(struct download *download)
{
    download->begin = download->end = 0;
    download->deadline = clock_ms() + download->patience_ms;
    http_head_begin(&download->head, HTTP_RESPONSE);
    while (download->head.state == HTTP_OPEN) {
        if (download->begin == download->end) {
            int got = receive(download);

            if (got == 0)
                return complain_of_document(download,
                                            download->head.taken == 0
                                                ? "the server closed without an answer"
                                                : "the server closed amid its header");
            if (got == -1)
                return -1;
        }
        download->begin +=
            http_head_take(&download->head, download->bytes + download->begin,
                           download->end - download->begin);
        if (download->head.state == HTTP_WHOLE && http_is_interim(&download->head))
            http_head_begin(&download->head, HTTP_RESPONSE);
    }
    if (download->head.state == HTTP_BAD)
        return complain_of_document(download, download->head.why);
    return 0;
}

/* Nobody has asked for a part (206): it would be taken for the whole. */
static bool is_success(const struct download *download)
{
    int status = download->head.status;

    return status >= 200 && status <= 299 && status != 206;
}

/* A run of the body goes where it belongs. */
static int put(struct download *download, const struct http_content *content)
{
    download->done += content->length;
    tell_progress(download);
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
        int got = 1;

        if (download->begin == download->end) {
            download->deadline = clock_ms() + download->patience_ms;
            got = receive(download);
        }
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

/* The same with what is around it, and what is to be said of it. */
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
    if (download->body.state == HTTP_BAD) {
        (void)snprintf(why, sizeof why, "after %llu bytes of the body: %s",
                       (unsigned long long)download->done, download->body.why);
        return complain_of_document(download, why);
    }
    return 0;
}

/* The document is there: it goes to standard output, or to the file once it is whole. */
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

/* There is an answer, but no document. A page that says why is worth reading, not saving. */
static int take_failure(struct download *download)
{
    char text[HTTP_LINE_MOST], reason[SHOWN_MOST];

    if (download->file == NULL && take_body(download) == -1)
        return -1;
    (void)snprintf(text, sizeof text, "%d %s", download->head.status,
                   text_clean(download->head.reason, reason, sizeof reason));
    return complain_of_document(download, text);
}

/* ---- The download ------------------------------------------------------------------- */

/* Is the document said to be elsewhere (RFC 9110 15.4)? */
static bool is_redirect(const struct download *download)
{
    switch (download->head.status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308: return http_value(&download->head, "Location") != NULL;
    default: return false;
    }
}

static int follow_redirect(struct download *download)
{
    const char *location = http_value(&download->head, "Location"), *why;
    char shown[SHOWN_MOST], what[SHOWN_MOST + 40];

    (void)text_clean(location, shown, sizeof shown);
    if (url_resolve(&download->url, location, &why) == 0)
        return 0;
    (void)snprintf(what, sizeof what, "redirected to '%s'", shown);
    return complain(download, what, why);
}

/* Connects, asks, and receives the header of the answer. */
static int ask(struct download *download)
{
    const char *why;

    download->server = dial(download->url.host, download->url.port, SOCK_STREAM,
                            (int)download->patience_ms, &why);
    if (download->server == -1)
        return complain_of_server(download, "cannot connect to", why);
    download->deadline = clock_ms() + download->patience_ms;
    if (send_request(download) == -1 || receive_head(download) == -1)
        return -1;
    return download->prints_head ? print_head(download) : 0;
}

/* 0 if all of the document came, and -1 if not, after it was said why. */
static int get(struct download *download)
{
    for (int redirects = 0;; redirects++) {
        int result = ask(download);

        if (result == 0 && !is_redirect(download))
            result =
                is_success(download) ? take_document(download) : take_failure(download);
        else if (result == 0 && redirects < REDIRECTS_MOST)
            result = follow_redirect(download) == 0 ? 1 : -1;
        else if (result == 0)
            result = complain_of_document(download, "redirected too often");
        if (download->server != -1)
            (void)close(download->server);
        if (result != 1)
            return result;
    }
}

static struct save *unfinished; /* for the handler to find */

/* Ends as the signal would have ended it, but leaves no half a file behind. */
static void end_by(int signal_number)
{
    save_remove_part(unfinished);
    (void)signal(signal_number, SIG_DFL);
    (void)raise(signal_number);
}

static void prepare_signals(void)
{
    static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

    for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++)
        if (!signals_ignores(ending[i]))
            (void)signals_handle(ending[i], end_by);
}

static const struct options options = {
    .program = "http_get",
    .letters = "hio:Vw:",
    .usage = "usage: http_get [-hiV] [-o file] [-w seconds] URL\n"
             "       http_get [-hiV] [-o file] [-w seconds] host [path]\n",
    .help =
        "Fetches a document over HTTP, and prints it. A URL is\n"
        "http://host[:port][/path]; the host may have a port behind it in either form.\n"
        "The status is 0 if all of a document came (2xx), after 5 redirects at most.\n"
        "  -i          print the header of each answer, too\n"
        "  -o file     write the document to a file, once it is whole (-: print it)\n"
        "  -w seconds  how long a server may be silent (default: 20)\n"
        "  -h          print this help\n"
        "  -V          print the version\n",
};

/* Makes a URL of one, or of a host and a path, and takes it apart. */
static void choose_url(struct download *download, char *operands[], int count)
{
    char text[URL_HOST_MOST + URL_PATH_MOST];
    const char *path = count > 1 ? operands[1] : "", *why;
    struct in6_addr address;
    bool is_bare = inet_pton(AF_INET6, operands[0], &address) == 1;
    int length;

    if (strstr(operands[0], "://") != NULL && count == 1)
        length = snprintf(text, sizeof text, "%s", operands[0]);
    else
        length =
            snprintf(text, sizeof text, is_bare ? "http://[%s]%s%s" : "http://%s%s%s",
                     operands[0], count == 1 || *path == '/' ? "" : "/", path);
    if (length < 0 || (size_t)length >= sizeof text)
        options_wrong(&options, "the URL is too long");
    if (count > 1 && strpbrk(operands[0], "/?#") != NULL)
        options_wrong(&options, "'%s' is no host", operands[0]);
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
    if (optind == argc || argc - optind > 2)
        options_wrong(&options, "a URL is wanted, or a host and a path");
    choose_url(&download, argv + optind, argc - optind);
    if (start_program() == -1)
        options_fail(&options, "cannot start: %s", strerror(errno));
    download.is_shown = download.file == NULL && isatty(STDOUT_FILENO);
    download.has_progress = !download.is_shown && isatty(STDERR_FILENO);
    download.save.descriptor = -1;
    unfinished = &download.save;
    prepare_signals();
    result = get(&download);
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
