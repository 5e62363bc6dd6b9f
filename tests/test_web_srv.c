/*
 * web_srv as a black box, with curl, with http_get, and with clients that no browser is.
 * WEB_SRV names another program in place of bin/web_srv.
 */
#include "tests/harness.h"

#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define WEB_SRV "WEB_SRV", "bin/web_srv"
#define HOST    "Host: a\r\n"
#define HELLO   "Hello, World!\n"

static struct program server;
static char directory[] = "/tmp/web_srv-XXXXXX";

static void open_server(void)
{
    program_start(&server, WEB_SRV, "-p", "0", NULL);
    program_read_port(&server, "Serving HTTP on port ");
}

static void close_server(void)
{
    program_stop(&server);
}

static const char *path_in(const char *name)
{
    static char paths[4][300];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static void write_bytes(const char *name, const void *bytes, size_t length)
{
    FILE *out = fopen(path_in(name), "w");

    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(bytes, 1, length, out), length);
    ck_assert_int_eq(fclose(out), 0);
}

static void write_file(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

static void open_directory(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
    program_start(&server, WEB_SRV, "-p", "0", "-d", directory, NULL);
    program_read_port(&server, "Serving HTTP on port ");
}

/* Removes what is in a directory, and in those in it, and the directory. */
static void remove_all(const char *path)
{
    DIR *open = opendir(path);

    ck_assert_ptr_nonnull(open);
    for (struct dirent *entry; (entry = readdir(open)) != NULL;) {
        char inner[600];

        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            unlink(inner) == -1)
            remove_all(inner);
    }
    closedir(open);
    ck_assert_int_eq(rmdir(path), 0);
}

static void close_directory(void)
{
    program_stop(&server);
    remove_all(directory);
}

/* ---- What comes --------------------------------------------------------------------- */

/* The head of an answer. */
struct answer {
    int status;
    size_t length; /* Content-Length */
    char type[100], location[300], allow[40], connection[40], date[40];
};

static void take_field(const char *line, const char *name, char *value, size_t size)
{
    size_t length = strlen(name);

    if (strncmp(line, name, length) == 0 && strncmp(line + length, ": ", 2) == 0)
        snprintf(value, size, "%s", line + length + 2);
}

/* Takes an answer's head. All have a length, and a Date unless the server is in need. */
static struct answer take_answer(struct stream *client)
{
    struct answer answer = {.status = 0};
    char *line = next_line(client), length[30] = "";

    ck_assert_msg(strncmp(line, "HTTP/1.1 ", 9) == 0, "'%s' is no answer", line);
    answer.status = atoi(line + 9);
    while (*line != '\0') {
        free(line);
        line = next_line(client);
        take_field(line, "Content-Length", length, sizeof length);
        take_field(line, "Content-Type", answer.type, sizeof answer.type);
        take_field(line, "Location", answer.location, sizeof answer.location);
        take_field(line, "Allow", answer.allow, sizeof answer.allow);
        take_field(line, "Connection", answer.connection, sizeof answer.connection);
        take_field(line, "Date", answer.date, sizeof answer.date);
    }
    free(line);
    ck_assert_str_ne(length, "");
    answer.length = (size_t)atol(length);
    if (answer.status < 500)
        ck_assert_uint_eq(strlen(answer.date), strlen("Sun, 06 Nov 1994 08:49:37 GMT"));
    return answer;
}

/* Throws away the body of an answer. */
static void skip_body(struct stream *client, const struct answer *answer)
{
    size_t left = answer->length;

    while (left > 0) {
        size_t taken;

        ck_assert(client->length > 0 || stream_fill(client));
        taken = client->length < left ? client->length : left;
        client->bytes += taken;
        client->length -= taken;
        left -= taken;
    }
}

static void expect_text(struct stream *client, const char *text)
{
    struct answer answer = take_answer(client);

    ck_assert_int_eq(answer.status, 200);
    ck_assert_uint_eq(answer.length, strlen(text));
    if (*text != '\0')
        expect_bytes(client, text, strlen(text));
}

/* Asks for a path on a connection of its own; only the answer's head is looked at. */
static struct answer ask(const char *method, const char *path)
{
    struct stream client = connect_to(server.port);
    struct answer answer;
    char request[9000];

    snprintf(request, sizeof request,
             "%s %s HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", method, path);
    send_text(&client, request);
    answer = take_answer(&client);
    ck_assert_str_eq(answer.connection, "close");
    if (strcmp(method, "HEAD") != 0)
        skip_body(&client, &answer);
    expect_end(&client);
    stream_close(&client);
    return answer;
}

static void expect_file(const char *path, const char *text)
{
    struct stream client = connect_to(server.port);
    char request[9000];

    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HOST "\r\n", path);
    send_text(&client, request);
    expect_text(&client, text);
    stream_close(&client);
}

/* ---- Hello, World! ------------------------------------------------------------------ */

START_TEST(row_13_it_prints_each_request_and_answers_hello_world)
{
    struct stream client = connect_to(server.port);
    struct answer answer;

    send_text(&client, "GET /index.html?x=y HTTP/1.1\r\nHost:  localhost\r\n"
                       "X-Title: a\xc2\x9b"
                       "b\xff\r\n\r\n");
    answer = take_answer(&client);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer.type, "text/plain; charset=utf-8");
    ck_assert_str_eq(answer.connection, "");
    expect_bytes(&client, HELLO, strlen(HELLO));
    expect_lf(&server.out, "GET /index.html?x=y HTTP/1.1");
    expect_lf(&server.out, "Host: localhost");
    expect_lf(&server.out, "X-Title: aM-^[b\xef\xbf\xbd");
    expect_bytes(&server.out, "\n", 1);
    stream_close(&client);
}
END_TEST

START_TEST(a_request_that_is_refused_is_printed_too_with_the_reason)
{
    struct stream client = connect_to(server.port);
    char value[600] = "";

    memset(value, 'v', sizeof value - 1);
    send_text(&client, "GET /\xe2\x80\xaegnp.x HTTP/1.1\r\nX-Long: ");
    send_text(&client, value);
    send_text(&client, "\r\n\r\n");
    ck_assert_int_eq(take_answer(&client).status, 400);
    expect_lf(&server.out, "GET /\xef\xbf\xbdgnp.x HTTP/1.1");
    value[strspn(value, "v")] = '\0';
    expect_bytes(&server.out, "X-Long: vvv", 11);
    ck_assert_str_eq(strstr(next_line(&server.out), "v..."), "v...");
    expect_bytes(&server.out, "\n", 1);
    expect_lf(&server.out, "%s: 400 Bad Request: it has no Host", name_of(&client));
    stream_close(&client);
}
END_TEST

/* Sends a whole request, whose print must be the next in the log. */
static void expect_printed(struct stream *client, const char *path)
{
    char request[100];

    (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HOST "\r\n", path);
    send_text(client, request);
    expect_text(client, HELLO);
    expect_lf(&server.out, "GET %s HTTP/1.1", path);
    expect_lf(&server.out, "Host: a");
    expect_bytes(&server.out, "\n", 1);
}

START_TEST(half_a_request_is_not_printed_also_after_a_whole_one)
{
    struct stream client = connect_to(server.port), other = connect_to(server.port);

    expect_printed(&client, "/whole");
    send_text(&client, "GET /half HTTP/1.1\r\nHo");
    expect_printed(&other, "/1"); /* so the server has seen what came before */
    send_text(&client, "st: a\r\n\033[2J: b");
    expect_printed(&other, "/2");
    send_text(&client, "\r\n");
    ck_assert_int_eq(take_answer(&client).status, 400);
    expect_lf(&server.out,
              "%s: 400 Bad Request: the header has a control character in it",
              name_of(&client));
    expect_printed(&other, "/3");
    stream_close(&client);
    stream_close(&other);
}
END_TEST

START_TEST(row_13_its_first_line_says_where_it_serves)
{
    struct program other;
    char *line;

    program_start(&other, WEB_SRV, "-b", "127.0.0.1", "-p", "0", NULL);
    line = next_line(&other.out);
    ck_assert_ptr_nonnull(strstr(line, "Serving HTTP on port "));
    ck_assert_str_eq(line + strlen(line) - 4, " ...");
    free(line);
    program_stop(&other);
}
END_TEST

static const char *url(const char *path)
{
    static char text[300];

    snprintf(text, sizeof text, "http://127.0.0.1:%d%s", server.port, path);
    return text;
}

START_TEST(curl_and_http_get_are_content)
{
    static const char *const scripts[] = {
        "curl -sS \"$1\"", "curl -sS -0 \"$1\"", "curl -sS -X GET -d body \"$1\"",
        "curl -sS -X GET -H 'Expect: 100-continue' -d body \"$1\"",
        "bin/http_get \"$1\""};

    for (size_t i = 0; i < COUNT(scripts); i++) {
        struct program client;

        program_start_by(&client, scripts[i], "NO_PROGRAM", "", url("/"), NULL);
        expect_lf(&client.out, "Hello, World!");
        expect_status(&client, 0);
        expect_end(&client.err);
    }
}
END_TEST

START_TEST(a_connection_is_kept_and_requests_may_come_before_their_answers)
{
    static char requests[100 * 50];
    struct stream client = connect_to(server.port);
    size_t length = 0;

    for (int n = 0; n < 100; n++)
        length += (size_t)sprintf(requests + length, "%s / HTTP/1.1\r\n" HOST "\r\n",
                                  n % 2 ? "HEAD" : "GET");
    send_bytes(&client, requests, length);
    for (int n = 0; n < 100; n++) {
        struct answer answer = take_answer(&client);

        ck_assert_int_eq(answer.status, 200);
        ck_assert_uint_eq(answer.length, strlen(HELLO));
        if (n % 2 == 0)
            expect_bytes(&client, HELLO, strlen(HELLO));
    }
    stream_close(&client);
}
END_TEST

START_TEST(a_request_may_come_a_byte_at_a_time)
{
    static const char request[] =
        "\r\nGET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
        "5\r\nHello\r\n0\r\nTrailer: x\r\n\r\n"
        "GET / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nxx";
    struct stream client = connect_to(server.port);

    for (size_t i = 0; i < sizeof request - 1; i++)
        send_bytes(&client, request + i, 1);
    expect_text(&client, HELLO);
    expect_text(&client, HELLO);
    stream_close(&client);
}
END_TEST

START_TEST(a_connection_ends_as_its_request_says)
{
    static const struct {
        const char *request, *connection;
    } last[] = {
        {"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "close"},
        {"GET / HTTP/1.0\r\n\r\n", "close"},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
         "GET / HTTP/1.0\n\n",
         "keep-alive"},
    };

    for (size_t i = 0; i < COUNT(last); i++) {
        struct stream client = connect_to(server.port);
        struct answer answer;

        send_text(&client, last[i].request);
        send_text(&client, "GET / HTTP/1.1\r\n" HOST "\r\n"); /* which nobody answers */
        answer = take_answer(&client);
        ck_assert_str_eq(answer.connection, last[i].connection);
        skip_body(&client, &answer);
        if (strcmp(answer.connection, "keep-alive") == 0)
            expect_text(&client, HELLO);
        expect_end(&client);
        stream_close(&client);
    }
}
END_TEST

START_TEST(who_has_said_all_and_closed_that_end_still_gets_the_answers)
{
    struct stream client = connect_to(server.port);

    send_text(&client, "GET / HTTP/1.1\r\n" HOST "\r\nGET /x HTTP/1.1\r\n" HOST "\r\n");
    stream_half_close(&client);
    expect_text(&client, HELLO);
    expect_text(&client, HELLO);
    expect_end(&client);
    stream_close(&client);
}
END_TEST

START_TEST(a_target_may_be_a_whole_url_but_must_be_a_path)
{
    ck_assert_int_eq(ask("GET", "http://other:1/x").status, 200);
    ck_assert_int_eq(ask("GET", "HTTP://other?x").status, 200);
    ck_assert_int_eq(ask("GET", "*").status, 400);
    ck_assert_int_eq(ask("GET", "other:80").status, 400);
    ck_assert_int_eq(ask("GET", "https://other/").status, 400);
}
END_TEST

START_TEST(other_methods_are_405_with_what_is_allowed_or_501)
{
    struct answer answer = ask("POST", "/");

    ck_assert_int_eq(answer.status, 405);
    ck_assert_str_eq(answer.allow, "GET, HEAD");
    ck_assert_int_eq(ask("DELETE", "/").status, 405);
    ck_assert_int_eq(ask("OPTIONS", "*").status, 405);
    ck_assert_int_eq(ask("get", "/").status, 501);
    ck_assert_int_eq(ask("BREW", "/").status, 501);
}
END_TEST

START_TEST(a_refused_method_keeps_the_connection_if_it_has_no_body)
{
    struct stream client = connect_to(server.port);
    struct answer answer;

    send_text(&client, "DELETE / HTTP/1.1\r\n" HOST "\r\n"
                       "POST / HTTP/1.1\r\n" HOST "Content-Length: 30\r\n\r\n"
                       "GET / HTTP/1.1\r\n" HOST "\r\nno request but a body");
    answer = take_answer(&client);
    ck_assert_int_eq(answer.status, 405);
    skip_body(&client, &answer);
    answer = take_answer(&client);
    ck_assert_int_eq(answer.status, 405);
    ck_assert_str_eq(answer.connection, "close");
    skip_body(&client, &answer);
    expect_end(&client);
    stream_close(&client);
}
END_TEST

/* ---- Requests that are refused ------------------------------------------------------ */

/* Sends bytes, and must be answered so; then the connection ends. */
static void expect_refusal(const char *bytes, size_t length, int status)
{
    struct stream client = connect_to(server.port);
    struct answer answer;

    send_bytes(&client, bytes, length);
    answer = take_answer(&client);
    if (answer.status != status)
        ck_abort_msg("'%.100s' was answered with %d", bytes, answer.status);
    ck_assert_str_eq(answer.connection, "close");
    skip_body(&client, &answer);
    expect_end(&client);
    stream_close(&client);
}

START_TEST(a_request_that_could_be_read_in_two_ways_is_refused)
{
    static const struct {
        const char *bytes;
        int status;
    } bad[] = {
        {"\x16\x03\x01\n", 400},
        {"GET /\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST "A : b\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST " b\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST "A: \x1b[2J\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST
         "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
         400},
        {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\nHello", 400},
        {"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", 501},
        {"GET / HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n", 413},
        {"GET / HTTP/1.1\r\n" HOST "Expect: a miracle\r\n\r\n", 417},
        {"GET / HTTP/2.0\r\n", 505},
    };

    for (size_t i = 0; i < COUNT(bad); i++)
        expect_refusal(bad[i].bytes, strlen(bad[i].bytes), bad[i].status);
    expect_refusal("GET / HTTP/1.1\r\nA: \0\r\n", 22, 400);
}
END_TEST

START_TEST(a_request_has_a_bound_in_every_direction)
{
    static char bytes[80000];

    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, "GET /", 5);
    expect_refusal(bytes, 8001, 414);
    memcpy(bytes, "GET / HTTP/1.1\r\n" HOST "A: ", 28);
    expect_refusal(bytes, 16384, 431);
    for (size_t at = 25; at < 17000; at += 6)
        memcpy(bytes + at, "A: b\r\n", 6);
    expect_refusal(bytes, 16384, 431);
    memcpy(bytes,
           "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nFFFFFF\r\n", 63);
    expect_refusal(bytes, 66000, 413);
}
END_TEST

START_TEST(the_bound_of_a_body_is_each_requests_own)
{
    static char body[30000];
    struct stream client = connect_to(server.port);

    for (int n = 0; n < 3; n++) {
        send_text(&client, "GET / HTTP/1.1\r\n" HOST "Content-Length: 30000\r\n\r\n");
        send_bytes(&client, body, sizeof body);
        expect_text(&client, HELLO);
    }
    stream_close(&client);
}
END_TEST

START_TEST(a_body_that_waits_to_be_asked_for_is_asked_for)
{
    struct stream client = connect_to(server.port);
    struct answer answer;

    send_text(&client, "GET / HTTP/1.1\r\n" HOST
                       "Expect: 100-Continue\r\nContent-Length: 4\r\n\r\n");
    expect_line(&client, "HTTP/1.1 100 Continue");
    expect_bytes(&client, "\r\n", 2);
    send_text(&client, "bodyPOST / HTTP/1.1\r\n" HOST
                       "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    expect_text(&client, HELLO);
    answer = take_answer(&client); /* and one that is not wanted is not */
    ck_assert_int_eq(answer.status, 405);
    ck_assert_str_eq(answer.connection, "close");
    stream_close(&client);
    client = connect_to(server.port); /* HTTP/1.0 knows no 100 (RFC 9110 10.1.1) */
    send_text(&client, "GET / HTTP/1.0\r\nExpect: 100-continue\r\n"
                       "Content-Length: 4\r\n\r\nbody");
    expect_text(&client, HELLO);
    stream_close(&client);
}
END_TEST

START_TEST(whatever_comes_the_next_one_is_served)
{
    static const char good[] = "GET /a HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
                               "HEAD / HTTP/1.0\r\nA: b\r\n\r\n";
    static const char spice[] = "\r\n\0 \t:/%,HTP\x7f\x1b\xff";

    for (int round = 0; round < 300; round++) {
        struct stream client = connect_to(server.port);
        char bytes[sizeof good];

        memcpy(bytes, good, sizeof good);
        for (unsigned n = random_below(5); n > 0; n--)
            bytes[random_below(sizeof bytes)] = spice[random_below(sizeof spice)];
        send_bytes(&client, bytes, random_below(sizeof bytes));
        if (random_below(2))
            stream_reset(&client);
        else
            stream_close(&client);
    }
    ck_assert_int_eq(ask("GET", "/").status, 200);
}
END_TEST

/* ---- Time --------------------------------------------------------------------------- */

static void open_impatient_server(void)
{
    program_start(&server, WEB_SRV, "-p", "0", "-t", "0.5", NULL);
    program_read_port(&server, "Serving HTTP on port ");
}

/*
 * Begins a request a millisecond, adds to each while the server is stopped, and lets that go
 * on when the time of half of them is over: one has -1 ms left, which could be taken for no
 * time-out. True if it was so: none had ended before, and the last still has time then.
 */
static bool be_late_for_half_of(struct stream *clients, int count)
{
    const int patience_ms = 500;
    struct stream other;
    int64_t first = clock_ms(), last = first, wait;
    bool all_open = true, in_time;

    for (int i = 0; i < count; i++) {
        clients[i] = connect_to(server.port);
        last = clock_ms();
        send_text(&clients[i], "GET / ");
        sleep_ms(1);
    }
    other = connect_to(server.port);
    send_text(&other, "GET / HTTP/1.1\r\n" HOST "\r\n");
    expect_text(&other, HELLO); /* so it has heard the others, too */
    program_pause(&server);
    for (int i = 0; i < count; i++) {
        all_open = all_open && !stream_ready(&clients[i], 0);
        (void)send(clients[i].fd, "H", 1, MSG_NOSIGNAL);
    }
    wait = (first + last) / 2 + patience_ms - clock_ms();
    sleep_ms(wait > 0 ? (int)wait : 0);
    program_go_on(&server);
    ck_assert(stream_fill(&clients[0]));
    in_time = clock_ms() < last + patience_ms;
    stream_close(&other);
    return all_open && in_time;
}

START_TEST(a_request_whose_time_ends_while_the_server_is_late_is_still_ended)
{
    enum { CLIENTS = 60 };
    struct stream clients[CLIENTS];
    int64_t deadline = clock_ms() + DEADLINE_MS;
    bool was_late = false;

    while (!was_late) { /* a busy machine may need some tries */
        ck_assert_int_lt(clock_ms(), deadline);
        was_late = be_late_for_half_of(clients, CLIENTS);
        for (int i = 0; i < CLIENTS; i++) {
            char *end = next_line(&clients[i]);

            ck_assert_str_eq(end, "HTTP/1.1 408 Request Timeout");
            free(end);
            stream_close(&clients[i]);
        }
    }
}
END_TEST

START_TEST(a_request_that_does_not_end_is_408_and_silence_between_two_just_the_end)
{
    static const char *const begun[] = {"G", "GET / HTTP/1.1\r\nA: b\r\n", "\r\n",
                                        "GET / HTTP/1.1\r\n" HOST
                                        "Content-Length: 9\r\n\r\nx"};
    struct stream client;

    for (size_t i = 0; i < COUNT(begun); i++)
        expect_refusal(begun[i], strlen(begun[i]), 408);
    client = connect_to(server.port);
    send_text(&client, "GET / HTTP/1.1\r\n" HOST "\r\n");
    expect_text(&client, HELLO);
    expect_end(&client);
    stream_close(&client);
    client = connect_to(server.port);
    expect_end(&client);
    stream_close(&client);
}
END_TEST

START_TEST(a_request_that_drips_does_not_last_for_ever)
{
    struct stream client = connect_to(server.port);

    send_text(&client, "GET / HTTP/1.1\r\nA: ");
    while (!stream_ready(&client, 50))
        send_text(&client, "x");
    ck_assert_int_eq(take_answer(&client).status, 408);
    stream_close(&client);
}
END_TEST

/* ---- Files -------------------------------------------------------------------------- */

START_TEST(files_have_types_by_their_endings_and_directories_an_index)
{
    static const struct {
        const char *name, *type;
    } files[] = {
        {"a.html", "text/html; charset=utf-8"},
        {"a.txt", "text/plain; charset=utf-8"},
        {"a.b.CSS", "text/css; charset=utf-8"},
        {"a.png", "image/png"},
        {"a.json", "application/json"},
        {"a", "application/octet-stream"},
        {"a.unknown", "application/octet-stream"},
    };
    struct answer answer;

    for (size_t i = 0; i < COUNT(files); i++) {
        char path[40];

        write_file(files[i].name, files[i].name);
        snprintf(path, sizeof path, "/%s", files[i].name);
        expect_file(path, files[i].name);
        answer = ask("HEAD", path);
        ck_assert_str_eq(answer.type, files[i].type);
        ck_assert_uint_eq(answer.length, strlen(files[i].name));
    }
    ck_assert_int_eq(ask("GET", "/").status, 404);
    write_file("index.html", "<p>Index");
    expect_file("/", "<p>Index");
    expect_file("/?a=b/../c", "<p>Index");
    write_file("empty", "");
    expect_file("/empty", "");
    ck_assert_int_eq(mkdir(path_in("d"), 0755), 0);
    write_file("d/index.html", "<p>Inner");
    expect_file("/d/", "<p>Inner");
    expect_file("//d///index.html", "<p>Inner");
    answer = ask("GET", "/d?x/y");
    ck_assert_int_eq(answer.status, 301);
    ck_assert_str_eq(answer.location, "/d/?x/y");
    ck_assert_str_eq(ask("GET", "//d").location, "/d/"); /* not the host d */
    ck_assert_int_eq(ask("GET", "/a.txt/").status, 404);
    ck_assert_int_eq(ask("GET", "/a.txt/b").status, 404);
}
END_TEST

START_TEST(names_are_decoded_once)
{
    write_file("a b\xc3\xa9%41?.txt", "odd");
    expect_file("/a%20b%C3%a9%2541%3F.txt", "odd");
    expect_file("/a%20b\xc3\xa9%2541%3f.txt?query", "odd");
    ck_assert_int_eq(ask("GET", "/a%20b%C3%A9A%3F.txt").status, 404);
    ck_assert_int_eq(ask("GET", "/%").status, 400);
    ck_assert_int_eq(ask("GET", "/%4").status, 400);
    ck_assert_int_eq(ask("GET", "/%4g").status, 400);
}
END_TEST

START_TEST(no_path_leads_out_of_the_directory)
{
    static const char *const paths[] = {
        "/../secret",
        "/%2e%2e/secret",
        "/.%2E/secret",
        "/..%2fsecret",
        "/d/../../secret",
        "/d/..",
        "/..",
        "/.",
        "/./in",
        "/link",
        "/dlink/secret",
        "/dlink",
        "/dlink/",
        "/loop",
        "/in%00",
        "/%2e%2e%2fsecret",
        "/d%2f..%2f..%2fsecret",
        "/..\\secret",
        "/.hidden",
        "/d%2fin",
        "/fifo",
        "http://x/../secret",
        "/%252e%252e/secret",
    };
    char outside[60], longest[400] = "/";

    memset(longest + 1, 'n', 300);
    snprintf(outside, sizeof outside, "%s-secret", directory);
    ck_assert_int_eq(mkdir(path_in("d"), 0755), 0);
    write_file("in", "in");
    write_file("d/in", "in");
    write_file(".hidden", "hidden");
    ck_assert_int_eq(symlink("in", path_in("link")), 0);
    ck_assert_int_eq(symlink("/etc", path_in("dlink")), 0);
    ck_assert_int_eq(symlink("loop", path_in("loop")), 0);
    ck_assert_int_eq(mkfifo(path_in("fifo"), 0600), 0);
    expect_file("/in", "in");
    expect_file("/d/in", "in");
    for (size_t i = 0; i < COUNT(paths); i++) {
        int status = ask("GET", paths[i]).status;

        if (status != 404)
            ck_abort_msg("'%s': %d", paths[i], status);
    }
    ck_assert_int_eq(ask("GET", longest).status, 404);
}
END_TEST

START_TEST(what_may_not_be_read_is_403)
{
    write_file("closed", "x");
    ck_assert_int_eq(chmod(path_in("closed"), 0), 0);
    ck_assert_int_eq(ask("GET", "/closed").status, geteuid() == 0 ? 200 : 403);
}
END_TEST

#define LONG_FILE 12000000

static char *write_long_file(void)
{
    char *bytes = malloc(LONG_FILE);

    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < LONG_FILE; i++)
        bytes[i] = (char)(i * 2654435761u >> 13);
    write_bytes("long", bytes, LONG_FILE);
    return bytes;
}

START_TEST(a_long_file_arrives_whole_and_the_request_behind_it_is_answered_next)
{
    struct stream client = connect_to(server.port);
    char *bytes = write_long_file();
    struct answer answer;

    write_file("short", "and this");
    send_text(&client, "GET /long HTTP/1.1\r\n" HOST "\r\nHEAD /long HTTP/1.1\r\n" HOST
                       "\r\nGET /short HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    stream_half_close(&client);
    answer = take_answer(&client);
    ck_assert_uint_eq(answer.length, LONG_FILE);
    expect_bytes(&client, bytes, LONG_FILE);
    ck_assert_uint_eq(take_answer(&client).length, LONG_FILE);
    expect_text(&client, "and this");
    expect_end(&client);
    stream_close(&client);
    free(bytes);
}
END_TEST

#define READERS 100

START_TEST(readers_that_stall_amid_a_file_cost_the_others_nothing)
{
    static struct stream readers[READERS];
    char *bytes = write_long_file();

    need_descriptors(READERS + 64);
    for (int i = 0; i < READERS; i++) {
        readers[i] = connect_to(server.port);
        send_text(&readers[i], "GET /long HTTP/1.1\r\n" HOST "\r\n");
        ck_assert_int_eq(take_answer(&readers[i]).status, 200);
    }
    write_file("short", "at once");
    for (int n = 0; n < 20; n++)
        expect_file("/short", "at once");
    expect_bytes(&readers[7], bytes, LONG_FILE); /* one of them goes on */
    for (int i = 0; i < READERS; i++)
        stream_reset(&readers[i]);
    expect_file("/short", "at once");
    free(bytes);
}
END_TEST

START_TEST(a_file_that_shrinks_while_it_is_sent_ends_early_and_a_grown_one_on_time)
{
    struct stream client = connect_to(server.port);
    char *bytes = write_long_file();
    size_t came = 0;

    send_text(&client, "GET /long HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_uint_eq(take_answer(&client).length, LONG_FILE);
    ck_assert_int_eq(truncate(path_in("long"), 1000), 0);
    do {
        came += client.length;
        client.length = 0;
    } while (stream_fill(&client));
    ck_assert_uint_lt(came, LONG_FILE);
    stream_close(&client);
    client = connect_to(server.port);
    free(write_long_file());
    send_text(&client, "GET /long HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_uint_eq(take_answer(&client).length, LONG_FILE);
    ck_assert_int_eq(truncate(path_in("long"), 2 * LONG_FILE), 0);
    expect_bytes(&client, bytes, LONG_FILE);
    send_text(&client, "GET /none HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_int_eq(take_answer(&client).status, 404);
    stream_close(&client);
    free(bytes);
}
END_TEST

START_TEST(curl_and_http_get_fetch_files)
{
    static const char *const scripts[] = {
        "curl -sS --path-as-is \"$1\" | cmp - \"$2\" && echo same",
        "bin/http_get -o \"$2.got\" \"$1\" && cmp \"$2\" \"$2.got\" && echo same"};

    free(write_long_file());
    for (size_t i = 0; i < COUNT(scripts); i++) {
        struct program client;

        program_start_by(&client, scripts[i], "NO_PROGRAM", "", url("/long"),
                         path_in("long"), NULL);
        expect_lf(&client.out, "same");
        expect_status(&client, 0);
        expect_end(&client.err);
    }
}
END_TEST

/* ---- The program -------------------------------------------------------------------- */

START_TEST(a_server_without_descriptors_says_503)
{
    struct program poor;
    struct stream clients[20];
    int served = 0, refused = 0;
    char *bytes;

    ck_assert_ptr_nonnull(mkdtemp(directory));
    bytes = write_long_file();
    program_start_by(&poor, "ulimit -n 20; exec \"$@\"", WEB_SRV, "-p", "0", "-d",
                     directory, NULL);
    program_read_port(&poor, "Serving HTTP on port ");
    for (int i = 0; i < 20; i++) {
        struct answer answer;

        clients[i] = connect_to(poor.port);
        send_text(&clients[i], "GET /long HTTP/1.1\r\n" HOST "\r\n");
        answer = take_answer(&clients[i]);
        served += answer.status == 200;
        refused += answer.status == 503;
    }
    ck_assert_int_eq(served + refused, 20);
    ck_assert_int_gt(served, 3);
    ck_assert_int_gt(refused, 3);
    for (int i = 0; i < 20; i++)
        stream_close(&clients[i]);
    program_stop(&poor);
    remove_all(directory);
    free(bytes);
}
END_TEST

START_TEST(a_full_server_still_has_the_descriptors_for_a_file)
{
    struct program poor;
    struct stream clients[60];
    int served = 0;

    ck_assert_ptr_nonnull(mkdtemp(directory));
    write_file("short", "short");
    program_start_by(&poor, "ulimit -n 40; exec \"$@\"", WEB_SRV, "-p", "0", "-d",
                     directory, NULL);
    program_read_port(&poor, "Serving HTTP on port ");
    for (int i = 0; i < 60; i++) {
        clients[i] = connect_to(poor.port);
        (void)send(clients[i].fd, "GET /short HTTP/1.1\r\n" HOST "\r\n",
                   strlen("GET /short HTTP/1.1\r\n" HOST "\r\n"), MSG_NOSIGNAL);
        if (take_answer(&clients[i]).status != 200)
            break; /* there is no place for more */
        expect_bytes(&clients[i], "short", 5);
        served++;
    }
    ck_assert_int_gt(served, 20);
    ck_assert_int_lt(served, 40);
    for (int i = 0; i < served; i++) {
        send_text(&clients[i], "GET /short HTTP/1.1\r\n" HOST "\r\n");
        ck_assert_int_eq(take_answer(&clients[i]).status, 200);
        stream_close(&clients[i]);
    }
    stream_close(&clients[served]);
    program_stop(&poor);
    remove_all(directory);
}
END_TEST

START_TEST(no_directory_on_the_way_to_a_file_stays_open)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(mkdir(path_in("a"), 0755), 0);
    ck_assert_int_eq(mkdir(path_in("a/b"), 0755), 0);
    write_file("a/b/c", "deep");
    program_start_by(&server, "ulimit -n 20; exec \"$@\"", WEB_SRV, "-p", "0", "-d",
                     directory, NULL);
    program_read_port(&server, "Serving HTTP on port ");
    for (int n = 0; n < 30; n++) {
        expect_file("/a/b/c", "deep");
        ck_assert_int_eq(ask("GET", "/a/b/none").status, 404);
        ck_assert_int_eq(ask("GET", "/a/b/c/none").status, 404);
        ck_assert_int_eq(ask("GET", "/a/b/%").status, 400);
        ck_assert_int_eq(ask("GET", "/a/b").status, 301);
    }
    close_directory();
}
END_TEST

START_TEST(as_many_long_files_are_sent_at_a_time_as_there_are_clients)
{
    static struct stream clients[560];
    char *bytes;

    need_descriptors(2 * 560 + 80); /* the server's, which are this test's */
    ck_assert_ptr_nonnull(mkdtemp(directory));
    bytes = write_long_file();
    program_start(&server, WEB_SRV, "-p", "0", "-d", directory, NULL);
    program_read_port(&server, "Serving HTTP on port ");
    for (int i = 0; i < 560; i++) {
        clients[i] = connect_to(server.port);
        send_text(&clients[i], "GET /long HTTP/1.1\r\n" HOST "\r\n");
        ck_assert_int_eq(take_answer(&clients[i]).status, 200);
    }
    for (int i = 0; i < 560; i++)
        stream_close(&clients[i]);
    free(bytes);
    close_directory();
}
END_TEST

START_TEST(it_ends_amid_a_file_too)
{
    struct program other;
    struct stream client;

    ck_assert_ptr_nonnull(mkdtemp(directory));
    free(write_long_file());
    program_start(&other, WEB_SRV, "-p", "0", "-d", directory, NULL);
    program_read_port(&other, "Serving HTTP on port ");
    client = connect_to(other.port);
    send_text(&client, "GET /long HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_int_eq(take_answer(&client).status, 200);
    program_stop(&other);
    stream_close(&client);
    remove_all(directory);
}
END_TEST

START_TEST(wrong_usage_is_status_2)
{
    struct program wrong;

    expect_wrong_usage(WEB_SRV, "-x", NULL);
    expect_wrong_usage(WEB_SRV, "operand", NULL);
    expect_wrong_usage(WEB_SRV, "-p", "http");
    expect_wrong_usage(WEB_SRV, "-t", "soon");
    program_start(&wrong, WEB_SRV, "-p", "0", "-d", "/no/such", NULL);
    expect_failure(&wrong, "web_srv: cannot open /no/such: %s", strerror(ENOENT));
    program_start(&wrong, WEB_SRV, "-p", "0", "-d", "/dev/null", NULL);
    expect_failure(&wrong, "web_srv: cannot open /dev/null: %s", strerror(ENOTDIR));
}
END_TEST

static void add_tests(Suite *suite, const char *name, const TTest *const tests[],
                      size_t count, void (*open)(void), void (*close)(void))
{
    TCase *tcase = tcase_create(name);

    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, open, close);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
}

int main(void)
{
    const TTest *const hello[] = {
        row_13_it_prints_each_request_and_answers_hello_world,
        a_request_that_is_refused_is_printed_too_with_the_reason,
        half_a_request_is_not_printed_also_after_a_whole_one,
        row_13_its_first_line_says_where_it_serves,
        curl_and_http_get_are_content,
        a_connection_is_kept_and_requests_may_come_before_their_answers,
        a_request_may_come_a_byte_at_a_time,
        a_connection_ends_as_its_request_says,
        who_has_said_all_and_closed_that_end_still_gets_the_answers,
        a_target_may_be_a_whole_url_but_must_be_a_path,
        other_methods_are_405_with_what_is_allowed_or_501,
        a_refused_method_keeps_the_connection_if_it_has_no_body,
        a_request_that_could_be_read_in_two_ways_is_refused,
        a_request_has_a_bound_in_every_direction,
        the_bound_of_a_body_is_each_requests_own,
        a_body_that_waits_to_be_asked_for_is_asked_for,
        whatever_comes_the_next_one_is_served,
    };
    const TTest *const time[] = {
        a_request_whose_time_ends_while_the_server_is_late_is_still_ended,
        a_request_that_does_not_end_is_408_and_silence_between_two_just_the_end,
        a_request_that_drips_does_not_last_for_ever,
    };
    const TTest *const files[] = {
        files_have_types_by_their_endings_and_directories_an_index,
        names_are_decoded_once,
        no_path_leads_out_of_the_directory,
        what_may_not_be_read_is_403,
        a_long_file_arrives_whole_and_the_request_behind_it_is_answered_next,
        readers_that_stall_amid_a_file_cost_the_others_nothing,
        a_file_that_shrinks_while_it_is_sent_ends_early_and_a_grown_one_on_time,
        curl_and_http_get_fetch_files,
    };
    Suite *suite = suite_create("web_srv");
    TCase *program = tcase_create("program"), *limits = tcase_create("limits");

    add_tests(suite, "hello", hello, COUNT(hello), open_server, close_server);
    add_tests(suite, "time", time, COUNT(time), open_impatient_server, close_server);
    add_tests(suite, "files", files, COUNT(files), open_directory, close_directory);
    tcase_set_timeout(program, 60);
    tcase_add_test(program, it_ends_amid_a_file_too);
    tcase_add_test(program, wrong_usage_is_status_2);
    suite_add_tcase(suite, program);
    /* valgrind itself does not run within such limits: CK_EXCLUDE_TAGS=limits */
    tcase_set_tags(limits, "limits");
    tcase_set_timeout(limits, 60);
    tcase_add_test(limits, a_server_without_descriptors_says_503);
    tcase_add_test(limits, a_full_server_still_has_the_descriptors_for_a_file);
    tcase_add_test(limits, no_directory_on_the_way_to_a_file_stays_open);
    tcase_add_test(limits, as_many_long_files_are_sent_at_a_time_as_there_are_clients);
    suite_add_tcase(suite, limits);
    return run_suite(suite);
}
