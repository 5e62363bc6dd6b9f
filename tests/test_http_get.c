/*
 * http_get as a black box, against servers whose every word the test chooses, and against
 * a real one. HTTP_GET names another program in place of bin/http_get.
 */
#define _XOPEN_SOURCE 700 /* posix_openpt() and its like are in the XSI option */

#include "tests/harness.h"

#include "net/listener.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HTTP_GET "HTTP_GET", "bin/http_get"
#define OK       "HTTP/1.1 200 OK\r\n"
#define CHUNKED  OK "Transfer-Encoding: chunked\r\n\r\n"

static int listener, port;
static char directory[] = "/tmp/http_get-XXXXXX";
static struct program client;

static void open_place(void)
{
    const char *why;

    listener = listener_open("127.0.0.1", 0, SOCK_STREAM, &why);
    port = listener_port(listener);
    ck_assert_int_gt(port, 0);
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

/* How many files are in the directory. */
static int count_files(void)
{
    DIR *open = opendir(directory);
    int count = 0;

    ck_assert_ptr_nonnull(open);
    for (struct dirent *entry; (entry = readdir(open)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(open);
    return count;
}

static const char *file(const char *name)
{
    static char names[4][300];
    static unsigned next;
    char *path = names[next++ % 4];

    snprintf(path, sizeof names[0], "%s/%s", directory, name);
    return path;
}

static void close_place(void)
{
    DIR *open = opendir(directory);

    for (struct dirent *entry; (entry = readdir(open)) != NULL;)
        unlink(file(entry->d_name));
    closedir(open);
    ck_assert_int_eq(rmdir(directory), 0);
    close(listener);
}

static const char *url(const char *path)
{
    static char text[200];

    snprintf(text, sizeof text, "http://127.0.0.1:%d%s", port, path);
    return text;
}

static void write_file(const char *name, const char *text)
{
    FILE *out = fopen(file(name), "w");

    ck_assert_ptr_nonnull(out);
    ck_assert_int_ge(fputs(text, out), 0);
    ck_assert_int_eq(fclose(out), 0);
}

static void expect_file(const char *path, const char *text, size_t length)
{
    struct stream content = stream_of(open(path, O_RDONLY));

    ck_assert_int_ne(content.fd, -1);
    expect_bytes(&content, text, length);
    expect_end(&content);
    stream_close(&content);
}

/* ---- The server's side -------------------------------------------------------------- */

/* Waits for a request for `path`, and takes all of it. */
static struct stream await_request(const char *path)
{
    struct stream peer;
    char *line;
    size_t length;

    if (poll(&(struct pollfd){listener, POLLIN, 0}, 1, DEADLINE_MS) != 1)
        ck_abort_msg("nobody asked for %s", path);
    peer = stream_of(accept(listener, NULL, NULL));
    (void)fcntl(peer.fd, F_SETFL, 0);
    expect_line(&peer, "GET %s HTTP/1.1", path);
    expect_line(&peer, "Host: 127.0.0.1:%d", port);
    do {
        line = next_line(&peer);
        length = strlen(line);
        free(line);
    } while (length > 0);
    return peer;
}

static void answer_bytes(const char *path, const char *answer, size_t length)
{
    struct stream peer = await_request(path);

    send_bytes(&peer, answer, length);
    stream_close(&peer);
}

static void answer(const char *path, const char *text)
{
    answer_bytes(path, text, strlen(text));
}

/* The program ends so, with this on standard output, and nothing to complain of. */
static void expect_document(const char *text, size_t length)
{
    if (length > 0)
        expect_bytes(&client.out, text, length);
    expect_success(&client);
}

static void expect_text(const char *text)
{
    expect_document(text, strlen(text));
}

/* The program ends with status 1 and one line of complaint, which has `part` in it. */
static void expect_complaint(const char *part)
{
    char *line = next_line(&client.err);

    if (strncmp(line, "http_get: ", 10) != 0 || strstr(line, part) == NULL)
        ck_abort_msg("expected a complaint with '%s', got '%s'", part, line);
    free(line);
    expect_status(&client, 1);
    expect_end(&client.err);
}

/* ---- Documents ---------------------------------------------------------------------- */

START_TEST(row_12_it_sends_a_get_and_prints_what_comes_until_the_server_closes)
{
    char host[40];

    snprintf(host, sizeof host, "127.0.0.1:%d", port);
    program_start(&client, HTTP_GET, host, NULL);
    answer("/", OK "\r\nHello,\r\nWorld!");
    expect_text("Hello,\r\nWorld!");
    program_start(&client, HTTP_GET, host, "a/b", NULL);
    answer("/a/b", "HTTP/1.0 200 OK\n\nold");
    expect_text("old");
}
END_TEST

START_TEST(a_body_ends_where_its_header_says_and_keeps_every_byte)
{
    static const char bytes[] = OK "Content-Length: 8\r\n\r\n\0\r\n\x1b[m\xff\0and more";

    program_start(&client, HTTP_GET, url("/"), NULL);
    answer_bytes("/", bytes, sizeof bytes - 1);
    expect_document("\0\r\n\x1b[m\xff\0", 8);
}
END_TEST

START_TEST(the_server_need_not_close_for_a_body_to_end)
{
    struct stream peer;

    program_start(&client, HTTP_GET, url("/"), NULL);
    peer = await_request("/");
    send_text(&peer, CHUNKED "5;x=y\r\nHello\r\n2\r\n!\n\r\n0\r\nTrailer: z\r\n\r\n");
    expect_text("Hello!\n");
    stream_close(&peer);
    program_start(&client, HTTP_GET, url("/"), NULL);
    peer = await_request("/");
    send_text(&peer, "HTTP/1.1 204 No Content\r\n\r\n");
    expect_text("");
    stream_close(&peer);
}
END_TEST

START_TEST(an_answer_may_come_a_byte_at_a_time_behind_interim_ones)
{
    static const char bytes[] = "HTTP/1.1 100 Continue\r\n\r\n"
                                "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" CHUNKED
                                "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";
    struct stream peer;

    program_start(&client, HTTP_GET, "-i", url("/"), NULL);
    peer = await_request("/");
    for (size_t i = 0; i < sizeof bytes - 1; i++)
        send_bytes(&peer, bytes + i, 1);
    stream_close(&peer);
    expect_text("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nabc0123456789");
}
END_TEST

START_TEST(a_long_body_arrives_whole)
{
    program_start_by(&client, "\"$@\" | cksum", HTTP_GET, url("/"), NULL);
    {
        struct stream peer = await_request("/");
        static char zeros[100000];

        send_text(&peer, OK "Content-Length: 20000000\r\n\r\n");
        for (int n = 0; n < 200; n++)
            send_bytes(&peer, zeros, sizeof zeros);
        stream_close(&peer);
    }
    /* What `head -c 20000000 /dev/zero | cksum` says. */
    expect_text("717186274 20000000\n");
}
END_TEST

START_TEST(an_ipv6_host_stands_in_brackets)
{
    const char *why;
    char text[60];
    int v6 = listener_open("::1", 0, SOCK_STREAM, &why);
    struct stream peer;

    snprintf(text, sizeof text, "http://[::1]:%d/x", listener_port(v6));
    program_start(&client, HTTP_GET, text, NULL);
    ck_assert_int_eq(poll(&(struct pollfd){v6, POLLIN, 0}, 1, DEADLINE_MS), 1);
    peer = stream_of(accept(v6, NULL, NULL));
    expect_line(&peer, "GET /x HTTP/1.1");
    expect_line(&peer, "Host: [::1]:%d", listener_port(v6));
    send_text(&peer, OK "Content-Length: 3\r\n\r\nsix");
    expect_text("six");
    stream_close(&peer);
    close(v6);
}
END_TEST

START_TEST(what_has_no_place_in_a_request_line_is_encoded)
{
    program_start(&client, HTTP_GET, url("/a b\r\nX: y\xc3\xa9?\x7f#f"), NULL);
    answer("/a%20b%0D%0AX:%20y%C3%A9?%7F", OK "\r\n.");
    expect_text(".");
}
END_TEST

/* ---- What is no whole document ------------------------------------------------------ */

/* A server that answers so and closes is complained of so. */
static void expect_bad(const char *bytes, const char *part)
{
    program_start(&client, HTTP_GET, url("/"), NULL);
    answer("/", bytes);
    expect_complaint(part);
}

START_TEST(a_cut_answer_is_not_taken_for_a_whole_one)
{
    expect_bad("", "closed without an answer");
    expect_bad("HTTP/1.1 200 O", "closed amid its header");
    expect_bad(OK "Content-Length: 9\r\n\r\nhalf", "after 4 bytes of the body");
    expect_bad(CHUNKED "5\r\nHello\r\n", "after 5 bytes of the body");
    expect_bad(CHUNKED "5\r\nHello\r\n0\r\n", "after 5 bytes of the body");
}
END_TEST

START_TEST(an_answer_that_could_be_read_in_two_ways_is_refused)
{
    expect_bad("SSH-2.0-OpenSSH\r\n", "not HTTP");
    expect_bad("HTTP/2.0 200 OK\r\n\r\n", "not HTTP/1");
    expect_bad(OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
               "Content-Length and a Transfer-Encoding");
    expect_bad(OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", "Content-Length");
    expect_bad(OK "Content-Length : 1\r\n\r\na", "colon");
    expect_bad(OK "A: b\rContent-Length: 1\r\n\r\na", "control character");
    expect_bad(CHUNKED "5\nHello\r\n0\r\n\r\n", "chunks are malformed");
    expect_bad(OK "Transfer-Encoding: gzip\r\n\r\nx", "Transfer-Encoding");
}
END_TEST

START_TEST(a_header_without_end_is_given_up)
{
    static char bytes[17000] = OK;

    for (size_t at = strlen(OK); at < sizeof bytes; at += 10)
        memcpy(bytes + at, "A: bcdef\r\n",
               sizeof bytes - at < 10 ? sizeof bytes - at : 10);
    program_start(&client, HTTP_GET, url("/"), NULL);
    answer_bytes("/", bytes, sizeof bytes);
    expect_complaint("header is too long");
}
END_TEST

START_TEST(a_status_that_is_no_success_is_status_1_and_its_page_is_printed)
{
    program_start(&client, HTTP_GET, url("/x"), NULL);
    answer("/x", "HTTP/1.1 404 Not \xc2\x9b"
                 "Found\r\nContent-Length: 6\r\n\r\nSorry\n");
    expect_failure(&client, "http_get: %s: 404 Not M-^[Found", url("/x"));
    expect_lf(&client.out, "Sorry");
    expect_bad("HTTP/1.1 304 Not Modified\r\n\r\n", "304 Not Modified");
    expect_bad("HTTP/1.1 500\r\n\r\n", "500");
    expect_bad("HTTP/1.1 300 Choose\r\nLocation: /x\r\n\r\n", "300 Choose");
    expect_bad("HTTP/1.1 302 Found\r\n\r\n", "302 Found");
    expect_bad("HTTP/1.1 101 Switching Protocols\r\n\r\n", "101");
}
END_TEST

START_TEST(a_silent_server_is_given_up_wherever_it_falls_silent)
{
    static const char *const begun[] = {
        "", "HTTP/1.1 200", OK "Content-Length: 9\r\n\r\nx", CHUNKED "5\r\nHel"};

    for (size_t i = 0; i < COUNT(begun); i++) {
        struct stream peer;

        program_start(&client, HTTP_GET, "-w", "0.3", url("/"), NULL);
        peer = await_request("/");
        send_text(&peer, begun[i]);
        expect_complaint("timed out after 0.3 s");
        stream_close(&peer);
    }
}
END_TEST

START_TEST(a_header_that_drips_does_not_keep_it_waiting)
{
    struct stream peer;

    program_start(&client, HTTP_GET, "-w", "0.5", url("/"), NULL);
    peer = await_request("/");
    /* An interim answer now and then, until the client has closed. */
    while (!stream_ready(&peer, 50))
        send_text(&peer, "HTTP/1.1 102 Processing\r\n\r\n");
    expect_complaint("timed out after 0.5 s");
    stream_close(&peer);
}
END_TEST

START_TEST(who_is_not_there_and_who_resets_is_named)
{
    struct stream peer;

    program_start(&client, HTTP_GET, url("/"), NULL);
    peer = await_request("/");
    send_text(&peer, OK "Content-Length: 9\r\n\r\nx");
    expect_bytes(&client.out, "x", 1);
    stream_reset(&peer);
    expect_complaint(strerror(ECONNRESET));
    close(listener);
    program_start(&client, HTTP_GET, url("/"), NULL);
    expect_complaint(strerror(ECONNREFUSED));
    program_start(&client, HTTP_GET, "http://no.such.host.invalid/", NULL);
    expect_complaint("no.such.host.invalid port 80");
}
END_TEST

/* ---- Redirects ---------------------------------------------------------------------- */

static void redirect(const char *from, int status, const char *location)
{
    char text[400];

    snprintf(text, sizeof text,
             "HTTP/1.1 %d Elsewhere\r\nLocation: %s\r\nContent-Length: 4\r\n\r\nnot ",
             status, location);
    answer(from, text);
}

START_TEST(five_redirects_are_followed_relative_ones_too)
{
    program_start(&client, HTTP_GET, url("/a/b/c?d"), NULL);
    redirect("/a/b/c?d", 301, "../e");
    redirect("/a/e", 302, "?f");
    redirect("/a/e?f", 303, url("/g"));
    redirect("/g", 307, url("/h") + strlen("http:"));
    answer("/h", OK "\r\nThere");
    expect_text("There");
    program_start(&client, HTTP_GET, url("/1"), NULL);
    redirect("/1", 301, "2");
    redirect("/2", 302, "/3");
    redirect("/3", 303, "4 \xc3\xa9");
    redirect("/4%20%C3%A9", 307, "./5#f");
    redirect("/5", 308, url(""));
    answer("/", OK "\r\nHere");
    expect_text("Here");
}
END_TEST

START_TEST(a_sixth_redirect_is_not)
{
    program_start(&client, HTTP_GET, url("/x"), NULL);
    for (int n = 0; n < 6; n++)
        redirect("/x", 302, "/x");
    expect_complaint("redirected too often");
}
END_TEST

START_TEST(a_redirect_to_what_it_cannot_fetch_says_where_and_why)
{
    program_start(&client, HTTP_GET, url("/"), NULL);
    redirect("/", 301, "https://example.org/\xc2\x9bx");
    expect_complaint("redirected to 'https://example.org/M-^[x': https needs TLS");
    program_start(&client, HTTP_GET, url("/"), NULL);
    redirect("/", 301, "file:///etc/passwd");
    expect_complaint("redirected to 'file:///etc/passwd': only http://");
    program_start(&client, HTTP_GET, url("/"), NULL);
    redirect("/", 301, "http://user:word@127.0.0.1/");
    expect_complaint("name or password");
}
END_TEST

/* ---- What is printed ---------------------------------------------------------------- */

START_TEST(with_i_the_header_of_each_answer_is_printed_cleaned)
{
    program_start(&client, HTTP_GET, "-i", url("/"), NULL);
    redirect("/", 301, "/x");
    answer("/x", OK "A:b\xc2\x9bz\xff\r\n  folded\r\nContent-Length: 2\r\n\r\n\x1b\n");
    expect_text("HTTP/1.1 301 Elsewhere\nLocation: /x\nContent-Length: 4\n\n"
                "HTTP/1.1 200 OK\nA: bM-^[z\xef\xbf\xbd folded\nContent-Length: 2\n\n"
                "\x1b\n");
}
END_TEST

/* A terminal, by the name of $TTY: what goes to it comes out here. */
static struct stream open_terminal(void)
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);

    ck_assert(grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    ck_assert_int_eq(setenv("TTY", ptsname(terminal), 1), 0);
    return stream_of(terminal);
}

START_TEST(on_a_terminal_a_body_is_text_without_control_characters)
{
    struct stream terminal = open_terminal();

    program_start_by(&client, "\"$@\" >$TTY", HTTP_GET, url("/"), NULL);
    answer("/", OK "\r\none\r\n\x1b]0;title\x07two\n\xc3\xa9\tx\rno end");
    expect_line(&terminal, "one");
    expect_line(&terminal, "^[]0;title^Gtwo");
    expect_bytes(&terminal, "\xc3\xa9", 2);
    expect_success(&client);
    stream_close(&terminal);
}
END_TEST

START_TEST(the_progress_of_a_long_body_is_shown_on_a_terminal_only)
{
    struct stream terminal = open_terminal(), peer;
    char *body = calloc(2000000, 1), *line;

    ck_assert_ptr_nonnull(body);
    program_start_by(&client, "\"$@\" 2>$TTY >/dev/null", HTTP_GET, url("/"), NULL);
    peer = await_request("/");
    send_text(&peer, OK "Content-Length: 2000000\r\n\r\n");
    send_bytes(&peer, body, 2000000);
    line = next_line(&terminal);
    ck_assert_ptr_nonnull(strstr(line, "\r2.0 MB of 2.0 MB (100%)"));
    free(line);
    stream_close(&peer);
    expect_status(&client, 0);
    program_start_by(&client, "exec \"$@\" >/dev/null", HTTP_GET, url("/"), NULL);
    peer = await_request("/");
    send_text(&peer, OK "Content-Length: 2000000\r\n\r\n");
    send_bytes(&peer, body, 2000000);
    stream_close(&peer);
    expect_text("");
    stream_close(&terminal);
    free(body);
}
END_TEST

START_TEST(what_goes_wrong_is_said_below_the_progress_line)
{
    struct stream terminal = open_terminal(), peer;
    char *body = calloc(1000000, 1), *line;

    ck_assert_ptr_nonnull(body);
    program_start_by(&client, "\"$@\" 2>$TTY >/dev/null", HTTP_GET, "-w", "0.5", url("/"),
                     NULL);
    peer = await_request("/");
    send_text(&peer, OK "Content-Length: 2000000\r\n\r\n");
    send_bytes(&peer, body, 1000000);
    line = next_line(&terminal);
    ck_assert_ptr_nonnull(strstr(line, "1.0 MB of 2.0 MB (50%)"));
    ck_assert_ptr_null(strstr(line, "http_get"));
    free(line);
    line = next_line(&terminal);
    ck_assert_ptr_eq(strstr(line, "http_get: waiting for"), line);
    free(line);
    expect_status(&client, 1);
    stream_close(&peer);
    stream_close(&terminal);
    free(body);
}
END_TEST

START_TEST(an_output_that_nobody_takes_is_complained_of)
{
    program_start_by(&client, "exec \"$@\" >/dev/full", HTTP_GET, url("/"), NULL);
    answer("/", OK "\r\nx");
    expect_complaint(strerror(ENOSPC));
    program_start_by(&client, "exec \"$@\" >/dev/full", HTTP_GET, "-i", url("/"), NULL);
    answer("/", OK "Content-Length: 0\r\n\r\n");
    expect_complaint(strerror(ENOSPC));
    program_start(&client, HTTP_GET, url("/"), NULL);
    stream_close(&client.out);
    answer("/", OK "\r\nx");
    expect_complaint(strerror(EPIPE));
}
END_TEST

START_TEST(an_output_that_is_not_there_is_complained_of)
{
    program_start_by(&client, "exec \"$@\" >&-", HTTP_GET, url("/"), NULL);
    answer("/", OK "\r\nx");
    expect_complaint(strerror(EBADF));
}
END_TEST

/* ---- Files -------------------------------------------------------------------------- */

START_TEST(a_file_is_there_when_it_is_whole_and_not_before)
{
    struct stream peer;

    program_start(&client, HTTP_GET, "-i", "-o", file("new"), url("/"), NULL);
    peer = await_request("/");
    send_text(&peer, OK "Content-Length: 5\r\n\r\nHell");
    expect_lf(&client.out, "HTTP/1.1 200 OK");
    expect_lf(&client.out, "Content-Length: 5");
    expect_bytes(&client.out, "\n", 1);
    ck_assert_int_eq(access(file("new"), F_OK), -1);
    send_text(&peer, "o");
    expect_text("");
    expect_file(file("new"), "Hello", 5);
    ck_assert_int_eq(count_files(), 1);
    stream_close(&peer);
}
END_TEST

START_TEST(a_fetch_that_fails_leaves_the_old_file_and_nothing_else)
{
    static const char *const bad[] = {"", OK "Content-Length: 9\r\n\r\nhalf",
                                      "HTTP/1.1 404 Not Found\r\n\r\nSorry"};

    write_file("old", "as it was");
    for (size_t i = 0; i < COUNT(bad); i++) {
        program_start(&client, HTTP_GET, "-o", file("old"), url("/"), NULL);
        answer("/", bad[i]);
        expect_complaint(url("/"));
        expect_file(file("old"), "as it was", 9);
        ck_assert_int_eq(count_files(), 1);
    }
}
END_TEST

START_TEST(a_signal_leaves_no_half_file_either)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

    for (int i = 0; i < 4; i++) {
        struct stream peer;

        program_start(&client, HTTP_GET, "-i", "-o", file("new"), url("/"), NULL);
        peer = await_request("/");
        send_text(&peer, OK "Content-Length: 9\r\n\r\nhalf");
        while (count_files() == 0)
            ck_assert_int_eq(poll(NULL, 0, 10), 0);
        program_kill(&client, signals[i]);
        expect_status(&client, 128 + signals[i]);
        ck_assert_int_eq(count_files(), 0);
        stream_close(&peer);
    }
}
END_TEST

START_TEST(what_a_killed_one_has_left_stands_in_nobodys_way)
{
    char left[60];

    /* The shell's number becomes the program's. */
    ck_assert_int_eq(setenv("PLACE", file(""), 1), 0);
    program_start_by(&client, "echo theirs >$PLACE/download-$$-0.part; exec \"$@\"",
                     HTTP_GET, "-o", file("new"), url("/"), NULL);
    answer("/", OK "\r\nnew");
    snprintf(left, sizeof left, "download-%ld-0.part", (long)client.pid);
    expect_text("");
    expect_file(file("new"), "new", 3);
    expect_file(file(left), "theirs\n", 7);
    ck_assert_int_eq(count_files(), 2);
}
END_TEST

START_TEST(a_replaced_file_keeps_its_permissions_and_the_links_to_it)
{
    struct stat about;

    write_file("old", "as it was, and longer");
    ck_assert_int_eq(chmod(file("old"), 0640), 0);
    ck_assert_int_eq(symlink("old", file("link")), 0);
    ck_assert_int_eq(symlink(file("link"), file("link2")), 0);
    program_start(&client, HTTP_GET, "-o", file("link2"), url("/"), NULL);
    answer("/", OK "\r\nnew");
    expect_text("");
    expect_file(file("old"), "new", 3);
    ck_assert_int_eq(stat(file("old"), &about), 0);
    ck_assert_uint_eq(about.st_mode & 0777, 0640);
    ck_assert_int_eq(count_files(), 3);
}
END_TEST

START_TEST(what_is_no_file_is_written_to_as_it_is)
{
    struct stream fifo;

    ck_assert_int_eq(mkfifo(file("fifo"), 0600), 0);
    fifo = stream_of(open(file("fifo"), O_RDONLY | O_NONBLOCK));
    program_start(&client, HTTP_GET, "-o", file("fifo"), url("/"), NULL);
    answer("/", OK "\r\nthrough");
    expect_text("");
    expect_bytes(&fifo, "through", 7);
    stream_close(&fifo);
    ck_assert_int_eq(count_files(), 1);
    program_start(&client, HTTP_GET, "-o", "/dev/null", url("/"), NULL);
    answer("/", OK "\r\naway");
    expect_text("");
    ck_assert_int_eq(setenv("OUT", file("out"), 1), 0);
    program_start_by(&client, "{ echo a; \"$@\"; echo b; } >$OUT", HTTP_GET, "-o",
                     "/dev/stdout", url("/"), NULL);
    answer("/", OK "\r\nthe page\n");
    expect_text("");
    expect_file(file("out"), "a\nthe page\nb\n", 13);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_named_with_the_reason)
{
    static const struct {
        const char *name;
        int error;
    } bad[] = {
        {"/dev/full", ENOSPC}, {"/no/such/x", ENOENT}, {"", ENOENT}, {"/tmp", EISDIR}};

    for (size_t i = 0; i < COUNT(bad); i++) {
        char complaint[100];

        program_start(&client, HTTP_GET, "-o", bad[i].name, url("/"), NULL);
        answer("/", OK "\r\nx");
        snprintf(complaint, sizeof complaint, "cannot write %s: %s", bad[i].name,
                 strerror(bad[i].error));
        expect_complaint(complaint);
    }
}
END_TEST

START_TEST(a_full_disk_leaves_the_old_file)
{
    struct stream peer;
    static char zeros[20000];

    write_file("old", "as it was");
    program_start_by(&client, "ulimit -f 8; exec \"$@\"", HTTP_GET, "-o", file("old"),
                     url("/"), NULL);
    peer = await_request("/");
    send_text(&peer, OK "\r\n");
    send_bytes(&peer, zeros, sizeof zeros);
    expect_complaint(strerror(EFBIG));
    expect_file(file("old"), "as it was", 9);
    ck_assert_int_eq(count_files(), 1);
    stream_close(&peer);
}
END_TEST

/* ---- A real server, and the command line -------------------------------------------- */

/* Takes one connection as inetd does: busybox httpd has it as its input and output. */
static void serve_with_busybox(void)
{
    pid_t child = fork();
    int peer, status;

    ck_assert_int_ne(child, -1);
    if (child > 0) {
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
        return;
    }
    (void)poll(&(struct pollfd){listener, POLLIN, 0}, 1, DEADLINE_MS);
    peer = accept(listener, NULL, NULL);
    (void)fcntl(peer, F_SETFL, 0);
    (void)dup2(peer, STDIN_FILENO);
    (void)dup2(peer, STDOUT_FILENO);
    close(peer);
    (void)execlp("busybox-extras", "busybox-extras", "httpd", "-i", "-h", directory,
                 (char *)NULL); /* as Alpine calls it */
    (void)execlp("busybox", "busybox", "httpd", "-i", "-h", directory, (char *)NULL);
    _exit(127);
}

START_TEST(busyboxs_httpd_serves_it)
{
    write_file("page", "A page\n");
    program_start(&client, HTTP_GET, url("/page"), NULL);
    serve_with_busybox();
    expect_text("A page\n");
    program_start(&client, HTTP_GET, url("/none"), NULL);
    serve_with_busybox();
    expect_complaint("404");
}
END_TEST

START_TEST(wrong_usage_is_status_2)
{
    expect_wrong_usage(HTTP_GET, NULL, NULL);
    expect_wrong_usage(HTTP_GET, "-x", NULL);
    expect_wrong_usage(HTTP_GET, "-w", "soon");
    expect_wrong_usage(HTTP_GET, "https://localhost/", NULL);
    expect_wrong_usage(HTTP_GET, "http://localhost:x/", NULL);
    expect_wrong_usage(HTTP_GET, "http://user:word@localhost/", NULL);
    expect_wrong_usage(HTTP_GET, "http://localhost/", "path");
    expect_wrong_usage(HTTP_GET, "", NULL);
    program_start(&client, HTTP_GET, "a", "b", "c", NULL);
    expect_status(&client, 2);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        row_12_it_sends_a_get_and_prints_what_comes_until_the_server_closes,
        a_body_ends_where_its_header_says_and_keeps_every_byte,
        the_server_need_not_close_for_a_body_to_end,
        an_answer_may_come_a_byte_at_a_time_behind_interim_ones,
        a_long_body_arrives_whole,
        an_ipv6_host_stands_in_brackets,
        what_has_no_place_in_a_request_line_is_encoded,
        a_cut_answer_is_not_taken_for_a_whole_one,
        an_answer_that_could_be_read_in_two_ways_is_refused,
        a_header_without_end_is_given_up,
        a_status_that_is_no_success_is_status_1_and_its_page_is_printed,
        a_silent_server_is_given_up_wherever_it_falls_silent,
        a_header_that_drips_does_not_keep_it_waiting,
        who_is_not_there_and_who_resets_is_named,
        five_redirects_are_followed_relative_ones_too,
        a_sixth_redirect_is_not,
        a_redirect_to_what_it_cannot_fetch_says_where_and_why,
        with_i_the_header_of_each_answer_is_printed_cleaned,
        on_a_terminal_a_body_is_text_without_control_characters,
        the_progress_of_a_long_body_is_shown_on_a_terminal_only,
        what_goes_wrong_is_said_below_the_progress_line,
        an_output_that_nobody_takes_is_complained_of,
        a_file_is_there_when_it_is_whole_and_not_before,
        a_fetch_that_fails_leaves_the_old_file_and_nothing_else,
        a_replaced_file_keeps_its_permissions_and_the_links_to_it,
        what_is_no_file_is_written_to_as_it_is,
        a_file_that_cannot_be_written_is_named_with_the_reason,
        busyboxs_httpd_serves_it,
        wrong_usage_is_status_2,
    };
    Suite *suite = suite_create("http_get");
    TCase *tcase = tcase_create("http_get"), *limits = tcase_create("limits");

    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, open_place, close_place);
    for (size_t i = 0; i < COUNT(tests); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    /* valgrind itself does not run within such limits, and opens a standard output that
       is missing: CK_EXCLUDE_TAGS=limits */
    tcase_set_tags(limits, "limits");
    tcase_add_checked_fixture(limits, open_place, close_place);
    tcase_add_test(limits, an_output_that_is_not_there_is_complained_of);
    tcase_add_test(limits, what_a_killed_one_has_left_stands_in_nobodys_way);
    tcase_add_test(limits, a_full_disk_leaves_the_old_file);
    tcase_add_test(limits, a_signal_leaves_no_half_file_either); /* nor closes anything */
    suite_add_tcase(suite, limits);
    return run_suite(suite);
}
