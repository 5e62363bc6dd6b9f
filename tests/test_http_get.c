/* http_get, against servers whose every word the test chooses, and against a real one. */
#include "tests/person.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct tests tests, limits;

#define HTTP_GET "bin/http_get"
#define OK       "HTTP/1.1 200 OK\r\n"
#define CHUNKED  OK "Transfer-Encoding: chunked\r\n\r\n"

static struct mock web;
static struct program client;

static void open_web(void)
{
    web = mock_open("127.0.0.1");
}

static const char *url(const char *path)
{
    return formatted("http://%s%s", web.name, path);
}

/* Has http_get fetch a path of the mock. */
static void get(const char *path)
{
    client = program_run(HTTP_GET, url(path), NULL);
}

/* ---- The server's side -------------------------------------------------------------- */

/* Waits for a request for `path`, and takes all of it. */
static struct stream await_request(const char *path)
{
    struct stream peer = mock_accept(&web);

    expect_line(&peer, "GET %s HTTP/1.1", path);
    expect_line(&peer, "Host: %s", web.name);
    skip_to_line(&peer, "%s", "");
    return peer;
}

/* The same, and sends this of the answer. */
static struct stream begin_answer(const char *path, const char *text)
{
    struct stream peer = await_request(path);

    send_text(&peer, text);
    return peer;
}

static void answer(const char *path, const char *text)
{
    struct stream peer = begin_answer(path, text);

    stream_close(&peer);
}

/* The program prints this, has nothing to complain of, and ends. */
static void expect_document(const char *text)
{
    expect_text(&client.out, text);
    expect_success(&client);
}

/* It ends with status 1 and one line of complaint, which has `part` in it. */
static void expect_complaint(const char *part)
{
    const char *complaint = expect_beginning(&client.err, "http_get: ");

    if (strstr(complaint, part) == NULL)
        ck_abort_msg("expected a complaint with '%s', got '%s'", part, complaint);
    expect_status(&client, 1);
    expect_end(&client.err);
}

/* ---- Documents ---------------------------------------------------------------------- */

TEST(tests, row_12_it_sends_a_get_and_prints_what_comes_until_the_server_closes)
{
    client = program_run(HTTP_GET, web.name, NULL);
    answer("/", OK "\r\nHello,\r\nWorld!");
    expect_document("Hello,\r\nWorld!");
    client = program_run(HTTP_GET, web.name, "a/b", NULL);
    answer("/a/b", "HTTP/1.0 200 OK\n\nold");
    expect_document("old");
    client = program_run(HTTP_GET, "127.0.0.1", formatted("%d", web.port), "a/b", NULL);
    answer("/a/b", OK "\r\nhost, port, path");
    expect_document("host, port, path");
    client = program_run(HTTP_GET, web.name, "/80", NULL);
    answer("/80", OK "\r\nno port");
    expect_document("no port");
    client = program_run(HTTP_GET, formatted("%s/a?b=http://c", web.name), NULL);
    answer("/a?b=http://c", OK "\r\nanother URL in it");
    expect_document("another URL in it");
}

TEST(tests, a_body_ends_where_its_header_says_and_keeps_every_byte)
{
    static const char bytes[] = OK "Content-Length: 8\r\n\r\n\0\r\n\x1b[m\xff\0and more";
    struct stream peer;

    get("/");
    peer = await_request("/");
    send_bytes(&peer, bytes, sizeof bytes - 1);
    expect_bytes(&client.out, "\0\r\n\x1b[m\xff\0", 8);
    expect_success(&client);
}

TEST(tests, the_server_need_not_close_for_a_body_to_end)
{
    struct stream peer;

    get("/");
    peer = await_request("/");
    send_text(&peer, CHUNKED "5;x=y\r\nHello\r\n2\r\n!\n\r\n0\r\nTrailer: z\r\n\r\n");
    expect_document("Hello!\n");
    stream_close(&peer);
    get("/");
    peer = begin_answer("/", "HTTP/1.1 204 No Content\r\n\r\n");
    expect_document("");
}

TEST(tests, an_answer_may_come_a_byte_at_a_time_after_interim_ones)
{
    static const char bytes[] = "HTTP/1.1 100 Continue\r\n\r\n"
                                "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" CHUNKED
                                "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";
    struct stream peer;

    client = program_run(HTTP_GET, "-i", url("/"), NULL);
    peer = await_request("/");
    for (size_t i = 0; i < sizeof bytes - 1; i++)
        send_bytes(&peer, bytes + i, 1);
    stream_close(&peer);
    expect_document("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nabc0123456789");
}

TEST(tests, a_long_body_arrives_whole)
{
    static char zeros[20000000];
    struct stream peer;

    client = program_run_by("\"$@\" | cksum", HTTP_GET, url("/"), NULL);
    peer = begin_answer("/", OK "Content-Length: 20000000\r\n\r\n");
    send_bytes(&peer, zeros, sizeof zeros);
    stream_close(&peer);
    /* What `head -c 20000000 /dev/zero | cksum` says. */
    expect_document("717186274 20000000\n");
}

TEST(tests, an_ipv6_host_is_written_in_brackets)
{
    if (lacks("IPv6"))
        return;
    web = mock_open("::1");
    client = program_run(HTTP_GET, formatted("http://[::1]:%d/x", web.port), NULL);
    answer("/x", OK "Content-Length: 3\r\n\r\nsix");
    expect_document("six");
}

/* ---- What is not a whole document --------------------------------------------------- */

/* The server answers this and closes. The complaint has `part` in it. */
static void expect_bad(const char *bytes, const char *part)
{
    get("/");
    answer("/", bytes);
    expect_complaint(part);
}

TEST(tests, a_cut_answer_is_not_taken_for_a_whole_one)
{
    expect_bad("", "closed without an answer");
    expect_bad("HTTP/1.1 200 O", "closed inside its header");
    expect_bad(OK "Content-Length: 9\r\n\r\nhalf", "after 4 bytes of the body");
    expect_bad(CHUNKED "5\r\nHello\r\n", "after 5 bytes of the body");
    expect_bad(CHUNKED "5\r\nHello\r\n0\r\n", "after 5 bytes of the body");
}

TEST(tests, what_a_client_may_pass_over_in_a_header_it_passes_over)
{
    client = program_run(HTTP_GET, "-i", url("/"), NULL);
    answer("/", OK "Content-Length : 2\r\nA:b\rContent-Length: 1\x1b[m\r\n\r\nab");
    expect_document(
        "HTTP/1.1 200 OK\nContent-Length: 2\nA: b Content-Length: 1 [m\n\nab");
    get("/");
    answer("/", "HTTP/1.1 302 Found\r\nLocation:\r\n /there\r\n\r\n");
    answer("/there", OK "\r\n.");
    expect_document(".");
}

/* Writes a header of this many bytes of fields, each of 10, without its end. */
static char *long_header(size_t length)
{
    static char bytes[300000];

    strcpy(bytes, OK);
    for (size_t at = strlen(OK); at < strlen(OK) + length; at += 10)
        strcpy(bytes + at, "A: bcdef\r\n");
    return bytes;
}

TEST(tests, a_long_header_is_taken_but_not_one_without_an_end)
{
    get("/");
    answer("/", strcat(long_header(250000), "Content-Length: 4\r\n\r\nbodyx"));
    expect_document("body");
    expect_bad(long_header(290000), "header is too long");
}

TEST(tests, a_status_other_than_success_is_status_1_and_its_page_is_printed)
{
    get("/x");
    answer("/x", "HTTP/1.1 404 Not \xc2\x9b"
                 "Found\r\nContent-Length: 6\r\n\r\nSorry\n");
    expect_lf(&client.out, "Sorry");
    expect_failure(&client, "http_get: %s: 404 Not M-^[Found", url("/x"));
    expect_bad("HTTP/1.1 304 Not Modified\r\n\r\n", "304 Not Modified");
    expect_bad("HTTP/1.1 500\r\n\r\n", "500");
    expect_bad("HTTP/1.1 300 Choose\r\nLocation: /x\r\n\r\n", "300 Choose");
    expect_bad("HTTP/1.1 302 Found\r\n\r\n", "302 Found");
    expect_bad("HTTP/1.1 101 Switching Protocols\r\n\r\n", "101");
}

TEST(tests, a_silent_server_is_given_up_wherever_it_falls_silent)
{
    static const char *const begun[] = {
        "", "HTTP/1.1 200", OK "Content-Length: 9\r\n\r\nx", CHUNKED "5\r\nHel"};

    for (size_t i = 0; i < COUNT(begun); i++) {
        struct stream peer;

        client = program_run(HTTP_GET, "-w", "0.3", url("/"), NULL);
        peer = begin_answer("/", begun[i]);
        expect_complaint("timed out after 0.3 s");
        stream_close(&peer);
    }
}

TEST(tests, a_header_that_drips_does_not_keep_it_waiting)
{
    struct stream peer;

    client = program_run(HTTP_GET, "-w", "0.5", url("/"), NULL);
    peer = await_request("/");
    /* An interim answer now and then, until the client has closed. */
    while (!stream_ready(&peer, 50))
        send_text(&peer, "HTTP/1.1 102 Processing\r\n\r\n");
    expect_complaint("timed out after 0.5 s");
}

TEST(tests, a_server_that_is_not_there_or_resets_is_named)
{
    struct stream peer;

    get("/");
    peer = begin_answer("/", OK "Content-Length: 9\r\n\r\nx");
    expect_bytes(&client.out, "x", 1);
    stream_reset(&peer);
    expect_complaint(strerror(ECONNRESET));
    mock_close(&web);
    get("/");
    expect_complaint(strerror(ECONNREFUSED));
    client = program_run(HTTP_GET, "http://no.such.host.invalid/", NULL);
    expect_complaint("no.such.host.invalid port 80");
}

/* ---- Redirects ---------------------------------------------------------------------- */

static void redirect(const char *from, int status, const char *location)
{
    answer(from, formatted("HTTP/1.1 %d Elsewhere\r\nLocation: %s\r\n"
                           "Content-Length: 4\r\n\r\nnot ",
                           status, location));
}

TEST(tests, five_redirects_are_followed_including_relative_ones)
{
    get("/a/b/c?d");
    redirect("/a/b/c?d", 301, "../e");
    redirect("/a/e", 302, "?f");
    redirect("/a/e?f", 303, url("/g"));
    redirect("/g", 307, url("/h") + strlen("http:"));
    answer("/h", OK "\r\nThere");
    expect_document("There");
    get("/1");
    redirect("/1", 301, "2");
    redirect("/2", 302, "/3");
    redirect("/3", 303, "4 \xc3\xa9");
    redirect("/4%20%C3%A9", 307, "./5#f");
    redirect("/5", 308, url(""));
    answer("/", OK "\r\nHere");
    expect_document("Here");
}

TEST(tests, a_sixth_redirect_is_not_followed)
{
    get("/x");
    for (int n = 0; n < 6; n++)
        redirect("/x", 302, "/x");
    expect_complaint("too many redirects");
}

TEST(tests, a_redirect_to_what_it_cannot_fetch_says_where_and_why)
{
    get("/");
    redirect("/", 301, "https://example.org/\xc2\x9bx");
    expect_complaint("redirected to 'https://example.org/M-^[x': https needs TLS");
    get("/");
    redirect("/", 301, "file:///etc/passwd");
    expect_complaint("redirected to 'file:///etc/passwd': only http://");
    get("/");
    redirect("/", 301, "http://user:word@127.0.0.1/");
    expect_complaint("name or password");
}

/* ---- What is printed ---------------------------------------------------------------- */

TEST(tests, with_i_the_header_of_each_answer_is_printed_cleaned)
{
    client = program_run(HTTP_GET, "-i", url("/"), NULL);
    redirect("/", 301, "/x");
    answer("/x", OK "A:b\xc2\x9bz\xff\r\n  folded\r\nContent-Length: 2\r\n\r\n\x1b\n");
    expect_document("HTTP/1.1 301 Elsewhere\nLocation: /x\nContent-Length: 4\n\n"
                    "HTTP/1.1 200 OK\nA: bM-^[z\xef\xbf\xbd folded\nContent-Length: 2\n\n"
                    "\x1b\n");
}

TEST(tests, on_a_terminal_a_body_is_text_without_control_characters)
{
    struct stream terminal = stream_of(person_terminal());

    client = program_run_by("\"$@\" >$TTY", HTTP_GET, url("/"), NULL);
    answer("/", OK "\r\none\r\n\x1b]0;title\x07two\n\xc3\xa9\tx\rno \xe2\x80\xae end");
    expect_line(&terminal, "one");
    expect_line(&terminal, "^[]0;title^Gtwo");
    expect_text(&terminal, "\xc3\xa9\tx^Mno \xef\xbf\xbd end");
    expect_success(&client);
}

TEST(tests, on_a_terminal_a_body_is_printed_as_it_comes_and_what_goes_wrong_below_it)
{
    struct stream terminal = stream_of(person_terminal()), peer;

    client = program_run_by("\"$@\" >$TTY 2>&1", HTTP_GET, url("/"), NULL);
    peer = begin_answer("/", OK "Content-Length: 9\r\n\r\n\xe2\x82");
    send_text(&peer, "\xac and");
    expect_text(&terminal, "\xe2\x82\xac and");
    stream_reset(&peer);
    expect_line(&terminal, "%s", "");
    expect_beginning(&terminal, "http_get: lost the connection to");
    expect_status(&client, 1);
    client = program_run_by("\"$@\" >$TTY 2>&1", HTTP_GET, url("/"), NULL);
    answer("/", "HTTP/1.1 404 Not \xe2\x80\xae here\r\nContent-Length: 4\r\n\r\nnone");
    expect_line(&terminal, "none");
    expect_line(&terminal, "http_get: %s: 404 Not \xef\xbf\xbd here", url("/"));
    expect_status(&client, 1);
}

TEST(tests, the_progress_of_a_long_body_is_shown_on_a_terminal_only)
{
    struct stream terminal = stream_of(person_terminal()), peer;
    static char body[2000000];

    client = program_run_by("\"$@\" 2>$TTY >/dev/null", HTTP_GET, url("/"), NULL);
    peer = begin_answer("/", OK "Content-Length: 2000000\r\n\r\n");
    send_bytes(&peer, body, sizeof body);
    expect_containing(&terminal, "\r2.0 MB of 2.0 MB (100%)");
    stream_close(&peer);
    expect_status(&client, 0);
    client = program_run_by("exec \"$@\" >/dev/null", HTTP_GET, url("/"), NULL);
    peer = begin_answer("/", OK "Content-Length: 2000000\r\n\r\n");
    send_bytes(&peer, body, sizeof body);
    stream_close(&peer);
    expect_document("");
}

TEST(tests, the_progress_line_does_not_wrap_in_a_narrow_window)
{
    struct stream terminal = stream_of(person_terminal()), peer;
    static char body[2000000];

    client = program_run_by("stty cols 20 <$TTY; \"$@\" 2>$TTY >/dev/null", HTTP_GET,
                            url("/"), NULL);
    peer = begin_answer("/", OK "Content-Length: 2000000\r\n\r\n");
    send_bytes(&peer, body, sizeof body);
    ck_assert_str_eq(strrchr(take_line(&terminal), '\r'), "\r2.0 MB of 2.0 MB (1");
    stream_close(&peer);
    expect_status(&client, 0);
}

TEST(tests, what_goes_wrong_is_said_below_the_progress_line)
{
    struct stream terminal = stream_of(person_terminal()), peer;
    static char body[1000000];
    const char *line;

    client =
        program_run_by("\"$@\" 2>$TTY >/dev/null", HTTP_GET, "-w", "0.5", url("/"), NULL);
    peer = begin_answer("/", OK "Content-Length: 2000000\r\n\r\n");
    send_bytes(&peer, body, sizeof body);
    line = take_line(&terminal);
    ck_assert_ptr_nonnull(strstr(line, "1.0 MB of 2.0 MB (50%)"));
    ck_assert_ptr_null(strstr(line, "http_get"));
    expect_beginning(&terminal, "http_get: waiting for");
    expect_status(&client, 1);
}

TEST(tests, an_output_that_cannot_be_written_is_reported)
{
    client = program_run_by("exec \"$@\" >/dev/full", HTTP_GET, url("/"), NULL);
    answer("/", OK "\r\nx");
    expect_complaint(strerror(ENOSPC));
    client = program_run_by("exec \"$@\" >/dev/full", HTTP_GET, "-i", url("/"), NULL);
    answer("/", OK "Content-Length: 0\r\n\r\n");
    expect_complaint(strerror(ENOSPC));
    get("/"); /* but a reader that has had enough is no reason to complain */
    stream_close(&client.out);
    answer("/", OK "\r\nx");
    expect_end(&client.err);
    expect_status(&client, 1);
}

TEST(limits, a_closed_output_is_reported)
{
    client = program_run_by("exec \"$@\" >&-", HTTP_GET, url("/"), NULL);
    answer("/", OK "\r\nx");
    expect_complaint(strerror(EBADF));
}

/* ---- Files -------------------------------------------------------------------------- */

TEST(tests, a_file_is_there_when_it_is_whole_and_not_before)
{
    struct stream peer;

    client = program_run(HTTP_GET, "-i", "-o", temp_path("new"), url("/"), NULL);
    peer = begin_answer("/", OK "Content-Length: 5\r\n\r\nHell");
    expect_lf(&client.out, "HTTP/1.1 200 OK");
    expect_lf(&client.out, "Content-Length: 5");
    expect_bytes(&client.out, "\n", 1);
    ck_assert_int_eq(access(temp_path("new"), F_OK), -1);
    send_text(&peer, "o");
    expect_document("");
    expect_file(temp_path("new"), "Hello");
    ck_assert_int_eq(temp_count(), 1);
}

TEST(tests, a_fetch_that_fails_leaves_the_old_file_and_nothing_else)
{
    static const char *const bad[] = {"", OK "Content-Length: 9\r\n\r\nhalf",
                                      "HTTP/1.1 404 Not Found\r\n\r\nSorry"};

    temp_write("old", "as it was");
    for (size_t i = 0; i < COUNT(bad); i++) {
        client = program_run(HTTP_GET, "-o", temp_path("old"), url("/"), NULL);
        answer("/", bad[i]);
        expect_complaint(url("/"));
        expect_file(temp_path("old"), "as it was");
        ck_assert_int_eq(temp_count(), 1);
    }
}

TEST(limits, a_signal_leaves_no_half_file_either)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

    for (int i = 0; i < 4; i++) {
        struct stream peer;

        client = program_run(HTTP_GET, "-i", "-o", temp_path("new"), url("/"), NULL);
        peer = begin_answer("/", OK "Content-Length: 9\r\n\r\nhalf");
        while (temp_count() == 0)
            sleep_ms(10);
        program_kill(&client, signals[i]);
        expect_status(&client, 128 + signals[i]);
        ck_assert_int_eq(temp_count(), 0);
        stream_close(&peer);
    }
}

TEST(tests, a_replaced_file_keeps_its_permissions_and_the_links_to_it)
{
    struct stat about;

    temp_write("old", "as it was, and longer");
    ck_assert_int_eq(chmod(temp_path("old"), 0640), 0);
    ck_assert_int_eq(symlink("old", temp_path("link")), 0);
    ck_assert_int_eq(symlink(temp_path("link"), temp_path("link2")), 0);
    client = program_run(HTTP_GET, "-o", temp_path("link2"), url("/"), NULL);
    answer("/", OK "\r\nnew");
    expect_document("");
    expect_file(temp_path("old"), "new");
    ck_assert_int_eq(stat(temp_path("old"), &about), 0);
    ck_assert_uint_eq(about.st_mode & 0777, 0640);
    ck_assert_int_eq(unlink(temp_path("old")), 0);
    client = program_run(HTTP_GET, "-o", temp_path("link2"), url("/"), NULL);
    answer("/", OK "\r\nnewer");
    expect_document("");
    expect_file(temp_path("old"), "newer"); /* a link to nothing stays one */
    ck_assert_int_eq(temp_count(), 3);
}

TEST(tests, what_is_not_a_file_is_written_to_as_it_is)
{
    struct stream fifo;

    ck_assert_int_eq(mkfifo(temp_path("fifo"), 0600), 0);
    fifo = stream_of(open(temp_path("fifo"), O_RDONLY | O_NONBLOCK));
    client = program_run(HTTP_GET, "-o", temp_path("fifo"), url("/"), NULL);
    answer("/", OK "\r\nthrough");
    expect_document("");
    expect_bytes(&fifo, "through", 7);
    stream_close(&fifo);
    ck_assert_int_eq(temp_count(), 1);
    client = program_run(HTTP_GET, "-o", "/dev/null", url("/"), NULL);
    answer("/", OK "\r\naway");
    expect_document("");
    ck_assert_int_eq(setenv("OUT", temp_path("out"), 1), 0);
    client = program_run_by("{ echo a; \"$@\"; echo b; } >$OUT", HTTP_GET, "-o",
                            "/dev/stdout", url("/"), NULL);
    answer("/", OK "\r\nthe page\n");
    expect_document("");
    expect_file(temp_path("out"), "a\nthe page\nb\n");
}

TEST(tests, a_file_that_cannot_be_written_is_named_with_the_reason)
{
    static const struct {
        const char *name;
        int error;
    } bad[] = {
        {"/dev/full", ENOSPC}, {"/no/such/x", ENOENT}, {"", ENOENT}, {"/tmp", EISDIR}};

    for (size_t i = 0; i < COUNT(bad); i++) {
        client = program_run(HTTP_GET, "-o", bad[i].name, url("/"), NULL);
        answer("/", OK "\r\nx");
        expect_complaint(
            formatted("cannot write '%s': %s", bad[i].name, strerror(bad[i].error)));
    }
}

TEST(limits, a_full_disk_leaves_the_old_file)
{
    struct stream peer;
    static char zeros[20000];

    temp_write("old", "as it was");
    client = program_run_by("ulimit -f 8; exec \"$@\"", HTTP_GET, "-o", temp_path("old"),
                            url("/"), NULL);
    peer = begin_answer("/", OK "\r\n");
    send_bytes(&peer, zeros, sizeof zeros);
    expect_complaint(strerror(EFBIG));
    expect_file(temp_path("old"), "as it was");
    ck_assert_int_eq(temp_count(), 1);
}

/* ---- A real server, and the command line -------------------------------------------- */

/* Starts busybox httpd as inetd does: the connection is its input and output. */
static void serve_with_busybox(void)
{
    struct stream peer = mock_accept(&web);
    const char *directory = temp_path("");
    pid_t child = fork_helper();

    if (child > 0) {
        stream_close(&peer);
        ck_assert_int_eq(await_child(child), 0);
        return;
    }
    dup2(peer.fd, STDIN_FILENO);
    dup2(peer.fd, STDOUT_FILENO);
    close(peer.fd);
    /* Alpine calls it busybox-extras. */
    execlp("busybox-extras", "busybox-extras", "httpd", "-i", "-h", directory,
           (char *)NULL);
    execlp("busybox", "busybox", "httpd", "-i", "-h", directory, (char *)NULL);
    _exit(127);
}

TEST(tests, busyboxs_httpd_serves_it)
{
    if (lacks("busybox"))
        return;
    temp_write("page", "A page\n");
    get("/page");
    serve_with_busybox();
    expect_document("A page\n");
    get("/none");
    serve_with_busybox();
    expect_complaint("404");
}

TEST(limits, a_link_that_cannot_be_read_is_not_replaced)
{
    const char *link = temp_path("link");
    char target[10];

    if (lacks("strace"))
        return;
    ck_assert_int_eq(symlink("none", link), 0);
    client = program_run_by("exec strace -D -o /dev/null -P \"$3\" -e "
                            "inject=?readlink,?readlinkat:error=EIO \"$@\"",
                            HTTP_GET, "-o", link, url("/"), NULL);
    answer("/", OK "\r\nnew");
    expect_complaint(formatted("cannot write '%s': ", link));
    ck_assert_int_eq(readlink(link, target, sizeof target), 4);
    ck_assert_int_eq(temp_count(), 1);
}

TEST(tests, an_option_after_an_operand_is_told_where_it_belongs)
{
    client = program_run(HTTP_GET, url("/"), "-o", "file", NULL);
    expect_lf(&client.err, "http_get: '-o' must come before '%s'", url("/"));
    expect_status(&client, 2);
    client = program_run(HTTP_GET, "localhost", "-i", NULL);
    expect_lf(&client.err, "http_get: '-i' must come before 'localhost'");
    expect_status(&client, 2);
}

TEST(tests, wrong_usage_is_status_2)
{
    expect_usage_error(HTTP_GET, NULL);
    expect_usage_error(HTTP_GET, "-x", NULL);
    expect_usage_error(HTTP_GET, "-w", "soon", NULL);
    expect_usage_error(HTTP_GET, "https://localhost/", NULL);
    expect_usage_error(HTTP_GET, "http://localhost:x/", NULL);
    expect_usage_error(HTTP_GET, "http://user:word@localhost/", NULL);
    expect_usage_error(HTTP_GET, "http://localhost/", "path", NULL);
    expect_usage_error(HTTP_GET, "", NULL);
    expect_usage_error(HTTP_GET, "a", "b", "c", NULL);
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "http_get", .tests = &tests, .set_up = open_web},
        {.name = "limits", .tests = &limits, .set_up = open_web, .tags = "limits"},
    };

    return run_cases("http_get", cases, COUNT(cases));
}
