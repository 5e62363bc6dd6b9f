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
#include "clients/save.h"
#include "net/clock.h"
#include "net/descriptor.h"
#include "net/dial.h"
#include "net/fdset.h"
#include "net/http.h"
#include "net/line.h"
#include "net/program.h"
#include "net/signals.h"
#include "net/url.h"
#include "options.h"

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

struct fetch {
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

/* What a signal must not leave behind is found from here. */
static struct fetch fetch;

/* ---- The progress line -------------------------------------------------------------- */

static void show_progress(int64_t now)
{
    double done = (double)fetch.done, seconds = (double)(now - fetch.began) / 1000;
    char whole[40] = "", line[100];

    if (fetch.length > 0)
        (void)snprintf(whole, sizeof whole, " of %.1f MB (%.0f%%)",
                       (double)fetch.length / MB, 100 * done / (double)fetch.length);
    (void)snprintf(line, sizeof line, "%.1f MB%s, %.1f MB/s", done / MB, whole,
                   seconds > 0 ? done / MB / seconds : 0.0);
    (void)fprintf(stderr, "\r%-50s", line);
    fetch.shown = now;
}

/* Shows how far it is, now and then, if the body is long and its progress may be shown. */
static void tell_progress(void)
{
    int64_t now = clock_ms();

    if (fetch.has_progress && (fetch.done >= LONG_BODY || fetch.length >= LONG_BODY) &&
        now - fetch.shown >= PROGRESS_MS)
        show_progress(now);
}

/* Shows how far it came, if it was shown, and leaves the line to what comes next. */
static void end_progress(void)
{
    if (fetch.shown == 0)
        return;
    show_progress(clock_ms());
    (void)fputc('\n', stderr);
    fetch.shown = 0;
}

/* ---- What is said ------------------------------------------------------------------- */

static int complain(const char *what, const char *why)
{
    end_progress();
    (void)fprintf(stderr, "http_get: %s: %s\n", what, why);
    return -1;
}

static int complain_of_server(const char *what, const char *why)
{
    end_progress();
    (void)fprintf(stderr, "http_get: %s %s port %d: %s\n", what, fetch.url.host,
                  fetch.url.port, why);
    return -1;
}

static int complain_of_file(void)
{
    int error = errno;

    end_progress();
    (void)fprintf(stderr, "http_get: cannot write %s: %s\n", fetch.file, strerror(error));
    return -1;
}

static int complain_of_document(const char *why)
{
    char authority[URL_AUTHORITY_MOST];

    url_authority(&fetch.url, authority);
    (void)fprintf(stderr, "http_get: http://%s%s: %s\n", authority, fetch.url.path, why);
    return -1;
}

/* ---- The connection ----------------------------------------------------------------- */

/* Waits until the server takes something, or has sent something. 0, or -1: it has not. */
static int await_server(bool to_send)
{
    int64_t left = fetch.deadline - clock_ms();
    struct timespec timeout = clock_timespec(left);
    char why[60];
    fd_set set;
    int ready = 0;

    FD_ZERO(&set);
    fdset_add(&set, fetch.server);
    if (left > 0) /* a server may say without end that the answer is to come */
        ready = pselect(fetch.server + 1, to_send ? NULL : &set, to_send ? &set : NULL,
                        NULL, &timeout, NULL);
    if (ready == -1)
        return complain("select", strerror(errno));
    if (ready > 0)
        return 0;
    (void)snprintf(why, sizeof why, "timed out after %g s",
                   (double)fetch.patience_ms / 1000);
    return complain_of_server("waiting for", why);
}

static int send_request(void)
{
    char request[HTTP_HEAD_MOST];
    size_t length = http_compose_get(request, &fetch.url, AGENT), done = 0;

    while (done < length) {
        ssize_t sent = send(fetch.server, request + done, length - done, MSG_NOSIGNAL);

        if (sent > 0)
            done += (size_t)sent;
        else if (!descriptor_try_again(errno))
            return complain_of_server("cannot send to", strerror(errno));
        else if (await_server(true) == -1)
            return -1;
    }
    return 0;
}

/* Gets more from the server. 1: there is more. 0: it has closed. -1: it failed. */
static int receive(void)
{
    ssize_t got;

    for (;;) {
        if (await_server(false) == -1)
            return -1;
        got = recv(fetch.server, fetch.bytes, sizeof fetch.bytes, 0);
        if (got >= 0)
            break;
        if (!descriptor_try_again(errno))
            return complain_of_server("lost the connection to", strerror(errno));
    }
    fetch.begin = 0;
    fetch.end = (size_t)got;
    return got > 0;
}

/* ---- What is printed ---------------------------------------------------------------- */

static int print(const char *bytes, size_t length)
{
    if (descriptor_write_all(STDOUT_FILENO, bytes, length) == -1)
        return complain("cannot write to standard output", strerror(errno));
    return 0;
}

/* Prints text with its control characters made visible, each line when it is whole. */
static int print_text(const char *bytes, size_t length)
{
    struct line *line = &fetch.line;
    enum line_event event;

    while (length > 0) {
        size_t taken = line_take(line, (const unsigned char *)bytes, length, &event);

        bytes += taken;
        length -= taken;
        if (event == LINE_OPEN)
            return 0;
        if (event == LINE_ENDED)
            line->text[line->length++] = '\n'; /* in the place of its NUL */
        if (print(line->text, line->length) == -1)
            return -1;
        line_clear(line, 0);
    }
    return 0;
}

/* The end of the text: what has no line end is printed without one. */
static int print_rest(void)
{
    while (line_finish(&fetch.line) != LINE_OPEN) {
        if (print(fetch.line.text, fetch.line.length) == -1)
            return -1;
        line_clear(&fetch.line, 0);
    }
    return 0;
}

static int print_line(const char *first, const char *between, const char *second)
{
    if (print_text(first, strlen(first)) == -1 ||
        print_text(between, strlen(between)) == -1 ||
        print_text(second, strlen(second)) == -1)
        return -1;
    return print_text("\n", 1);
}

static int print_head(void)
{
    struct http_field field = {NULL, NULL};
    char status[40];

    (void)snprintf(status, sizeof status, "HTTP/1.%d %d", fetch.head.minor,
                   fetch.head.status);
    if (print_line(status, " ", fetch.head.reason) == -1)
        return -1;
    while (http_next_field(&fetch.head, &field))
        if (print_line(field.name, ": ", field.value) == -1)
            return -1;
    return print_line("", "", "");
}

/* ---- The answer --------------------------------------------------------------------- */

/* Receives heads until one is no interim answer (RFC 9110 15.2). 0, or -1: it failed. */
static int receive_head(void)
{
    fetch.begin = fetch.end = 0;
    fetch.deadline = clock_ms() + fetch.patience_ms;
    http_head_begin(&fetch.head, HTTP_RESPONSE);
    while (fetch.head.state == HTTP_OPEN) {
        if (fetch.begin == fetch.end) {
            int got = receive();

            if (got == 0)
                return complain_of_document(fetch.head.taken == 0
                                                ? "the server closed without an answer"
                                                : "the server closed amid its header");
            if (got == -1)
                return -1;
        }
        fetch.begin += http_head_take(&fetch.head, fetch.bytes + fetch.begin,
                                      fetch.end - fetch.begin);
        if (fetch.head.state == HTTP_WHOLE && http_is_interim(&fetch.head))
            http_head_begin(&fetch.head, HTTP_RESPONSE);
    }
    if (fetch.head.state == HTTP_BAD)
        return complain_of_document(fetch.head.why);
    return 0;
}

/* Nobody has asked for a part (206): it would be taken for the whole. */
static bool is_success(void)
{
    int status = fetch.head.status;

    return status >= 200 && status <= 299 && status != 206;
}

/* A run of the body goes where it belongs. */
static int put(const struct http_content *content)
{
    fetch.done += content->length;
    tell_progress();
    if (fetch.is_shown)
        return print_text(content->bytes, content->length);
    if (fetch.file == NULL)
        return print(content->bytes, content->length);
    if (descriptor_write_all(fetch.save.descriptor, content->bytes, content->length) ==
        -1)
        return complain_of_file();
    return 0;
}

static int receive_body(void)
{
    struct http_content content;

    while (fetch.body.state == HTTP_OPEN) {
        int got = 1;

        if (fetch.begin == fetch.end) {
            fetch.deadline = clock_ms() + fetch.patience_ms;
            got = receive();
        }
        if (got == -1)
            return -1;
        if (got == 0)
            http_body_close(&fetch.body);
        fetch.begin += http_body_take(&fetch.body, fetch.bytes + fetch.begin,
                                      fetch.end - fetch.begin, &content);
        if (content.length > 0 && put(&content) == -1)
            return -1;
    }
    return 0;
}

/* The same with what is around it, and what is to be said of it. */
static int take_body(void)
{
    char why[SHOWN_MOST];
    int result;

    http_body_begin(&fetch.body, &fetch.head);
    fetch.length = fetch.body.framing == HTTP_LENGTH ? fetch.body.left : 0;
    fetch.done = 0;
    fetch.began = clock_ms();
    result = receive_body();
    end_progress();
    if (result == -1 || (fetch.is_shown && print_rest() == -1))
        return -1;
    if (fetch.body.state == HTTP_BAD) {
        (void)snprintf(why, sizeof why, "after %llu bytes of the body: %s",
                       (unsigned long long)fetch.done, fetch.body.why);
        return complain_of_document(why);
    }
    return 0;
}

/* The document is there: it goes to standard output, or to the file once it is whole. */
static int take_document(void)
{
    if (fetch.file == NULL)
        return take_body();
    if (save_open(&fetch.save, fetch.file) == -1)
        return complain_of_file();
    if (take_body() == -1) {
        save_abandon(&fetch.save);
        return -1;
    }
    if (save_finish(&fetch.save) == -1)
        return complain_of_file();
    return 0;
}

/* There is an answer, but no document. A page that says why is worth reading, not saving. */
static int take_failure(void)
{
    char text[HTTP_LINE_MOST], reason[SHOWN_MOST];

    if (fetch.file == NULL && take_body() == -1)
        return -1;
    (void)snprintf(text, sizeof text, "%d %s", fetch.head.status,
                   text_clean(fetch.head.reason, reason, sizeof reason));
    return complain_of_document(text);
}

/* ---- The fetch ---------------------------------------------------------------------- */

/* Is the document said to be elsewhere (RFC 9110 15.4)? */
static bool is_redirect(void)
{
    switch (fetch.head.status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308: return http_value(&fetch.head, "Location") != NULL;
    default: return false;
    }
}

static int follow_redirect(void)
{
    const char *location = http_value(&fetch.head, "Location"), *why;
    char shown[SHOWN_MOST], what[SHOWN_MOST + 40];

    (void)text_clean(location, shown, sizeof shown);
    if (url_resolve(&fetch.url, location, &why) == 0)
        return 0;
    (void)snprintf(what, sizeof what, "redirected to '%s'", shown);
    return complain(what, why);
}

/* Connects, asks, and receives the header of the answer. */
static int ask(void)
{
    const char *why;

    fetch.server =
        dial(fetch.url.host, fetch.url.port, SOCK_STREAM, (int)fetch.patience_ms, &why);
    if (fetch.server == -1)
        return complain_of_server("cannot connect to", why);
    fetch.deadline = clock_ms() + fetch.patience_ms;
    if (send_request() == -1 || receive_head() == -1)
        return -1;
    return fetch.prints_head ? print_head() : 0;
}

/* 0 if all of the document came, and -1 if not, after it was said why. */
static int get(void)
{
    for (int redirects = 0;; redirects++) {
        int result = ask();

        if (result == 0 && !is_redirect())
            result = is_success() ? take_document() : take_failure();
        else if (result == 0 && redirects < REDIRECTS_MOST)
            result = follow_redirect() == 0 ? 1 : -1;
        else if (result == 0)
            result = complain_of_document("redirected too often");
        if (fetch.server != -1)
            (void)close(fetch.server);
        if (result != 1)
            return result;
    }
}

/* Ends as the signal would have ended it, but leaves no half a file behind. */
static void end_by(int signal_number)
{
    save_remove_part(&fetch.save);
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
static void choose_url(char *operands[], int count)
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
    if (url_parse(&fetch.url, text, &why) == -1)
        options_wrong(&options, "'%s': %s", text, why);
}

int main(int argc, char *argv[])
{
    int option, result;

    fetch.patience_ms = PATIENCE_S * 1000;
    while ((option = options_next(&options, argc, argv)) != -1) {
        switch (option) {
        case 'i': fetch.prints_head = true; break;
        case 'o': fetch.file = strcmp(optarg, "-") == 0 ? NULL : optarg; break;
        case 'w': fetch.patience_ms = options_timeout(&options, option); break;
        }
    }
    if (optind == argc || argc - optind > 2)
        options_wrong(&options, "a URL is wanted, or a host and a path");
    choose_url(argv + optind, argc - optind);
    if (program_prepare() == -1)
        return EXIT_FAILURE;
    fetch.is_shown = fetch.file == NULL && isatty(STDOUT_FILENO);
    fetch.has_progress = !fetch.is_shown && isatty(STDERR_FILENO);
    fetch.save.descriptor = -1;
    prepare_signals();
    result = get();
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
