/* web_srv without a directory: curl, http_get and hostile clients ask it. */
#include "tests/web.h"

#include <errno.h>
#include <string.h>

static struct tests hello, with_times, alone;

#define HELLO "Hello, World!\n"

static struct stream client; /* of most tests */

static void open_server(void)
{
    server = program_serve(WEB_SRV, FIRST_LINE, NULL);
    client = connect_to(server.port);
}

/* ---- Hello, World! ------------------------------------------------------------------ */

TEST(hello, row_13_it_prints_each_request_and_answers_hello_world)
{
    struct answer answer;

    send_text(&client, "GET /index.html?x=y HTTP/1.1\r\nHost:  localhost\r\n"
                       "X-Title: a\xc2\x9b"
                       "b\xff\r\n\r\n");
    answer = take_answer(&client);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer.type, "text/plain; charset=utf-8");
    ck_assert_str_eq(answer.connection, "");
    expect_text(&client, HELLO);
    expect_lf(&server.out, "GET /index.html?x=y HTTP/1.1");
    expect_lf(&server.out, "Host: localhost");
    expect_lf(&server.out, "X-Title: aM-^[b\xef\xbf\xbd");
    expect_lf(&server.out, "%s", "");
}

TEST(hello, a_request_that_is_refused_is_printed_too_with_the_reason)
{
    const char *value;

    send_text(&client, "GET /\xe2\x80\xaegnp.x HTTP/1.1\r\nX-Long: ");
    send_repeated(&client, "v", 599);
    send_text(&client, "\r\n\r\n");
    ck_assert_int_eq(take_answer(&client).status, 400);
    expect_lf(&server.out, "GET /\xef\xbf\xbdgnp.x HTTP/1.1");
    value = expect_beginning(&server.out, "X-Long: vvv");
    ck_assert_str_eq(value + strspn(value, "v"), "...");
    expect_lf(&server.out, "%s", "");
    expect_lf(&server.out, "%s: 400 Bad Request: it has no Host", name_of(&client));
}

/* Sends a whole request, which is the next that is printed. */
static void expect_printed(struct stream *stream, const char *path)
{
    send_text(stream, formatted(GET("%s"), path));
    expect_document(stream, HELLO);
    expect_lf(&server.out, "GET %s HTTP/1.1", path);
    expect_lf(&server.out, "Host: a");
    expect_lf(&server.out, "%s", "");
}

TEST(hello, half_a_request_is_not_printed_even_after_a_whole_one)
{
    struct stream other = connect_to(server.port);

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
}

TEST(hello, a_printed_value_that_was_cut_says_so)
{
    const char *value;

    send_text(&client, "GET / HTTP/1.1\r\n" HOST "X-Odd: ");
    send_repeated(&client, "\xff", 300); /* each is shown as three bytes */
    send_text(&client, "\r\nX-Long: ");
    send_repeated(&client, "v", 400);
    send_text(&client, "\r\n\r\n");
    ck_assert_int_eq(take_answer(&client).status, 200);
    value = skip_to_beginning(&server.out, "X-Odd: ");
    ck_assert_str_eq(value + strspn(value, "\xef\xbf\xbd"), "...");
    value = expect_beginning(&server.out, "X-Long: ");
    ck_assert_uint_eq(strspn(value, "v"), 400);
    ck_assert_str_eq(value + 400, "");
}

TEST(alone, row_13_its_first_line_says_where_it_serves)
{
    const char *rest;

    server = program_run(WEB_SRV, "-p", "0", NULL);
    rest = expect_beginning(&server.out, FIRST_LINE);
    ck_assert_str_eq(rest + strspn(rest, "0123456789"), " ...");
    program_stop(&server);
    server = program_run(WEB_SRV, "-b", "127.0.0.1", "-p", "0", NULL);
    rest = expect_beginning(&server.out, FIRST_LINE);
    ck_assert_str_eq(rest + strspn(rest, "0123456789"), " of 127.0.0.1 ...");
}

TEST(hello, curl_and_http_get_accept_the_answer)
{
    static const char *const scripts[] = {
        "curl -sS \"$1\"", "curl -sS -0 \"$1\"", "curl -sS -X GET -d body \"$1\"",
        "curl -sS -X GET -H 'Expect: 100-continue' -d body \"$1\"", "$HTTP_GET \"$1\""};

    if (lacks("curl"))
        return;
    program_export("bin/http_get");
    for (size_t i = 0; i < COUNT(scripts); i++) {
        struct program fetcher =
            program_run("sh", "-c", scripts[i], "sh", web_url("/"), NULL);

        expect_lf(&fetcher.out, "Hello, World!");
        expect_success(&fetcher);
    }
}

TEST(hello, a_connection_is_kept_and_requests_may_come_before_their_answers)
{
    send_repeated(&client, GET("/") "HEAD / HTTP/1.1\r\n" HOST "\r\n", 50);
    for (int n = 0; n < 50; n++) {
        struct answer answer;

        expect_document(&client, HELLO);
        answer = take_answer(&client);
        ck_assert_int_eq(answer.status, 200);
        ck_assert_uint_eq(answer.length, strlen(HELLO));
    }
}

TEST(hello, a_request_may_come_a_byte_at_a_time)
{
    static const char request[] =
        "\r\nGET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
        "5\r\nHello\r\n0\r\nTrailer: x\r\n\r\n"
        "GET / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nxx";

    for (size_t i = 0; i < sizeof request - 1; i++)
        send_bytes(&client, request + i, 1);
    expect_document(&client, HELLO);
    expect_document(&client, HELLO);
}

TEST(hello, a_connection_ends_as_its_request_says)
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
        struct answer answer;

        client = connect_to(server.port);
        send_text(&client, last[i].request);
        send_text(&client, GET("/")); /* which nobody answers */
        answer = take_answer(&client);
        ck_assert_str_eq(answer.connection, last[i].connection);
        skip_body(&client, &answer);
        if (strcmp(answer.connection, "keep-alive") == 0)
            expect_document(&client, HELLO);
        expect_end(&client);
        stream_close(&client);
    }
}

TEST(hello, a_client_that_has_closed_its_end_still_gets_the_answers)
{
    send_text(&client, GET("/") GET("/x"));
    stream_half_close(&client);
    expect_document(&client, HELLO);
    expect_document(&client, HELLO);
    expect_end(&client);
}

TEST(hello, a_target_may_be_a_whole_url_but_must_be_a_path)
{
    ck_assert_int_eq(ask("GET", "http://other:1/x").status, 200);
    ck_assert_int_eq(ask("GET", "HTTP://other?x").status, 200);
    ck_assert_int_eq(ask("GET", "*").status, 400);
    ck_assert_int_eq(ask("GET", "other:80").status, 400);
    ck_assert_int_eq(ask("GET", "https://other/").status, 400);
}

TEST(hello, other_methods_are_405_with_what_is_allowed_or_501)
{
    struct answer answer = ask("POST", "/");

    ck_assert_int_eq(answer.status, 405);
    ck_assert_str_eq(answer.allow, "GET, HEAD");
    ck_assert_int_eq(ask("DELETE", "/").status, 405);
    ck_assert_int_eq(ask("OPTIONS", "*").status, 405);
    ck_assert_int_eq(ask("get", "/").status, 501);
    ck_assert_int_eq(ask("BREW", "/").status, 501);
}

TEST(hello, a_refused_method_keeps_the_connection_if_it_has_no_body)
{
    struct answer answer;

    send_text(&client, "DELETE / HTTP/1.1\r\n" HOST "\r\n"
                       "POST / HTTP/1.1\r\n" HOST
                       "Content-Length: 30\r\n\r\n" GET("/") "a body, not a request");
    answer = take_answer(&client);
    ck_assert_int_eq(answer.status, 405);
    skip_body(&client, &answer);
    answer = take_answer(&client);
    ck_assert_int_eq(answer.status, 405);
    ck_assert_str_eq(answer.connection, "close");
    skip_body(&client, &answer);
    expect_end(&client);
}

/* ---- Requests that are refused ------------------------------------------------------ */

/* These bytes are answered with this status, and the connection ends. */
static void expect_refusal(const char *bytes, size_t length, int status)
{
    struct answer answer;

    client = connect_to(server.port);
    send_bytes(&client, bytes, length);
    answer = take_answer(&client);
    if (answer.status != status)
        ck_abort_msg("'%.100s' was answered with %d", bytes, answer.status);
    ck_assert_str_eq(answer.connection, "close");
    skip_body(&client, &answer);
    expect_end(&client);
    stream_close(&client);
}

TEST(hello, a_request_that_could_be_read_in_two_ways_is_refused)
{
    static const struct {
        const char *bytes;
        int status;
    } bad[] = {
        {"\x16\x03\x01\n", 400},
        {"GET /\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
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

TEST(hello, a_request_has_a_bound_in_every_direction)
{
    static char bytes[80000];

    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, "GET /", 5);
    expect_refusal(bytes, 8001, 414);
    memcpy(bytes + 7991, " HTTP/1.0\r\n\r\n", 13); /* a line of 8,000 and its end */
    expect_refusal(bytes, 8004, 200);
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, "GET / HTTP/1.1\r\n" HOST "A: ", 28);
    expect_refusal(bytes, 16384, 431);
    for (size_t at = 25; at < 17000; at += 6)
        memcpy(bytes + at, "A: b\r\n", 6);
    expect_refusal(bytes, 16384, 431);
    memcpy(bytes,
           "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nFFFFFF\r\n", 63);
    expect_refusal(bytes, 66000, 413);
}

TEST(hello, the_bound_of_a_body_is_each_requests_own)
{
    static char body[30000];

    for (int n = 0; n < 3; n++) {
        send_text(&client, "GET / HTTP/1.1\r\n" HOST "Content-Length: 30000\r\n\r\n");
        send_bytes(&client, body, sizeof body);
        expect_document(&client, HELLO);
    }
}

TEST(hello, a_body_that_waits_to_be_asked_for_is_asked_for)
{
    struct answer answer;

    send_text(&client, "GET / HTTP/1.1\r\n" HOST
                       "Expect: 100-Continue\r\nContent-Length: 4\r\n\r\n");
    expect_line(&client, "HTTP/1.1 100 Continue");
    expect_line(&client, "%s", "");
    send_text(&client, "bodyPOST / HTTP/1.1\r\n" HOST
                       "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    expect_document(&client, HELLO);
    answer = take_answer(&client); /* a body that is not wanted is not asked for */
    ck_assert_int_eq(answer.status, 405);
    ck_assert_str_eq(answer.connection, "close");
    stream_close(&client);
    client = connect_to(server.port); /* HTTP/1.0 knows no 100 (RFC 9110 10.1.1) */
    send_text(&client, "GET / HTTP/1.0\r\nExpect: 100-continue\r\n"
                       "Content-Length: 4\r\n\r\nbody");
    expect_document(&client, HELLO);
}

TEST(hello, whatever_comes_the_next_one_is_served)
{
    static const char good[] = "GET /a HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
                               "HEAD / HTTP/1.0\r\nA: b\r\n\r\n";
    static const char spice[] = "\r\n\0 \t:/%,HTP\x7f\x1b\xff";

    for (int round = 0; round < 300; round++) {
        char bytes[sizeof good];

        client = connect_to(server.port);
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

/* ---- Time --------------------------------------------------------------------------- */

static void open_impatient_server(void)
{
    server = program_serve(WEB_SRV, FIRST_LINE, "-t", "0.5", NULL);
    client = connect_to(server.port);
}

TEST(with_times, a_request_without_an_end_is_408_and_silence_between_two_just_closes)
{
    static const char *const begun[] = {"G", "GET / HTTP/1.1\r\nA: b\r\n", "\r\n",
                                        "GET / HTTP/1.1\r\n" HOST
                                        "Content-Length: 9\r\n\r\nx"};

    for (size_t i = 0; i < COUNT(begun); i++)
        expect_refusal(begun[i], strlen(begun[i]), 408);
    client = connect_to(server.port);
    send_text(&client, GET("/"));
    expect_document(&client, HELLO);
    expect_end(&client);
    stream_close(&client);
    client = connect_to(server.port);
    expect_end(&client);
}

TEST(with_times, a_request_that_drips_does_not_last_for_ever)
{
    send_text(&client, "GET / HTTP/1.1\r\nA: ");
    while (!stream_ready(&client, 50))
        send_text(&client, "x");
    ck_assert_int_eq(take_answer(&client).status, 408);
}

TEST(alone, wrong_usage_is_status_2)
{
    expect_usage_error(WEB_SRV, "-x", NULL);
    expect_usage_error(WEB_SRV, "operand", NULL);
    expect_usage_error(WEB_SRV, "-p", "http", NULL);
    expect_usage_error(WEB_SRV, "-t", "soon", NULL);
    server = program_run(WEB_SRV, "-p", "0", "-d", "/no/such", NULL);
    expect_failure(&server, "web_srv: cannot open '/no/such': %s", strerror(ENOENT));
    server = program_run(WEB_SRV, "-p", "0", "-d", "", NULL);
    expect_failure(&server, "web_srv: cannot open '': %s", strerror(ENOENT));
    server = program_run(WEB_SRV, "-p", "0", "-d", "/dev/null", NULL);
    expect_failure(&server, "web_srv: cannot open '/dev/null': %s", strerror(ENOTDIR));
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "hello", .tests = &hello, .set_up = open_server},
        {.name = "time", .tests = &with_times, .set_up = open_impatient_server},
        {.name = "alone", .tests = &alone},
    };

    return run_cases("web_srv", cases, COUNT(cases));
}
