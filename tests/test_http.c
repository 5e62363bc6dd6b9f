/* http/http: messages that are cut anywhere, and malformed ones. */
#include "tests/harness.h"

#include "http/http.h"
#include "http/http_date.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tests suite;

/* What a message was read as, in text: its first line, fields and content, and its state. */
struct account {
    char *text;
    size_t length;
    size_t taken; /* bytes of the message */
};

static void note_head(FILE *out, const struct http_head *head)
{
    struct http_field field = {NULL, NULL};

    if (head->kind == HTTP_REQUEST)
        fprintf(out, "%s %s 1.%d", head->method, head->target, head->minor);
    else
        fprintf(out, "1.%d %d %s", head->minor, head->status, head->reason);
    while (http_next_field(head, &field))
        fprintf(out, "|%s=%s", field.name, field.value);
    fputs("||", out);
}

/* Bytes that come in pieces, which end at the cuts and at the end. */
struct reader {
    const char *bytes;
    size_t length, cuts[2];
    size_t taken;
};

static size_t piece_of(const struct reader *reader)
{
    for (int i = 0; i < 2; i++)
        if (reader->cuts[i] > reader->taken)
            return reader->cuts[i] - reader->taken;
    return reader->length - reader->taken;
}

static void read_body(struct reader *reader, const struct http_head *head, FILE *out)
{
    struct http_body body;

    http_body_begin(&body, head);
    while (body.state == HTTP_OPEN && reader->taken < reader->length) {
        struct http_content content;
        size_t piece = piece_of(reader);
        const char *bytes = reader->bytes + reader->taken;
        size_t taken = http_body_take(&body, bytes, piece, &content);

        ck_assert_uint_le(taken, piece);
        if (content.length > 0)
            ck_assert(content.bytes >= bytes &&
                      content.bytes + content.length == bytes + taken);
        ck_assert(taken == piece || body.state != HTTP_OPEN || content.length > 0);
        reader->taken += taken;
        fwrite(content.bytes, 1, content.length, out);
    }
    if (reader->taken == reader->length)
        http_body_close(&body);
    fprintf(out, "%s%s", body.state == HTTP_WHOLE ? "." : "!", body.why);
}

/* As servers and clients do. */
static void begin_head(struct http_head *head, enum http_kind kind)
{
    static char text[HTTP_RESPONSE_MOST];

    http_head_begin(head, kind, text,
                    kind == HTTP_REQUEST ? HTTP_HEAD_MOST : HTTP_RESPONSE_MOST);
}

/* Reads one message that is cut at two places, or not (0). */
static void read_message(enum http_kind kind, const char *bytes, size_t length,
                         size_t first_cut, size_t second_cut, struct account *account)
{
    static struct http_head head;
    struct reader reader = {bytes, length, {first_cut, second_cut}, 0};
    FILE *out;

    free(account->text);
    out = open_memstream(&account->text, &account->length);
    ck_assert_ptr_nonnull(out);
    begin_head(&head, kind);
    while (head.state == HTTP_OPEN && reader.taken < length) {
        size_t piece = piece_of(&reader);
        size_t taken = http_head_take(&head, bytes + reader.taken, piece);

        ck_assert(taken == piece || head.state != HTTP_OPEN);
        reader.taken += taken;
    }
    if (head.state == HTTP_WHOLE) {
        note_head(out, &head);
        read_body(&reader, &head, out);
    } else {
        fprintf(out, "%s%s", head.state == HTTP_OPEN ? "?" : "!", head.why);
    }
    fclose(out);
    account->taken = reader.taken;
}

static const char *account_of(enum http_kind kind, const char *message)
{
    static struct account account;

    read_message(kind, message, strlen(message), 0, 0, &account);
    return account.text;
}

static void expect_response(const char *message, const char *expected)
{
    ck_assert_str_eq(account_of(HTTP_RESPONSE, message), expected);
}

static void expect_request(const char *message, const char *expected)
{
    ck_assert_str_eq(account_of(HTTP_REQUEST, message), expected);
}

/* ---- Whole messages ----------------------------------------------------------------- */

#define OK       "HTTP/1.1 200 OK\r\n"
#define GET      "GET / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED  "Transfer-Encoding: chunked\r\n\r\n"
#define MESSAGES (COUNT(messages))

static const struct {
    enum http_kind kind;
    const char *bytes, *account;
} messages[] = {
    {HTTP_REQUEST, GET "\r\n", "GET / 1.1|Host=a||."},
    {HTTP_REQUEST, "\r\n\nGET /a?b HTTP/1.0\nX:  y z \t\n\n", "GET /a?b 1.0|X=y z||."},
    {HTTP_REQUEST, "PUT * HTTP/1.1\r\nhost:\r\nContent-Length: 5\r\n\r\nab\r\ncNEXT",
     "PUT * 1.1|host=|Content-Length=5||ab\r\nc."},
    {HTTP_REQUEST,
     "POST /\xc3\xa9 HTTP/1.1\r\nHost:b\r\ntransfer-encoding: Chunked\r\n\r\n"
     "A;x=\"y\"\r\n0123456789\r\n00b \t\r\nhello world\r\n0\r\nT: u\r\n\r\nNEXT",
     "POST /\xc3\xa9 1.1|Host=b|transfer-encoding=Chunked||0123456789hello world."},
    {HTTP_RESPONSE, OK "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabcNEXT",
     "1.1 200 OK|Content-Length=3|Content-Length=3||abc."},
    {HTTP_RESPONSE, "HTTP/1.0 404\r\n\r\nall of this", "1.0 404 ||all of this."},
    {HTTP_RESPONSE, "HTTP/1.1 500  Not  now \xe9\r\nA: b\r\n  c\r\n\td \r\nE:\r\n\r\n",
     "1.1 500 Not  now \xe9|A=b c d|E=||."},
    {HTTP_RESPONSE,
     OK "Location:\r\n /there\r\nB: \r\n \r\n\t\r\n c\r\n \r\nD: \r\n  \r\n\r\n",
     "1.1 200 OK|Location=/there|B=c|D=||."},
    {HTTP_RESPONSE,
     "HTTP/1.1 200 O\rK\r\nA : b\r\nB\t :c\x1b[m\x7f\r\n \x01"
     "d\re\r\n\r\n",
     "1.1 200 O K|A=b|B=c [m d e||."},
    {HTTP_RESPONSE, "HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\nNEXT",
     "1.1 204 No Content|Content-Length=7||."},
    {HTTP_RESPONSE, "HTTP/1.1 304 Not Modified\r\n" CHUNKED,
     "1.1 304 Not Modified|Transfer-Encoding=chunked||."},
    {HTTP_RESPONSE,
     "HTTP/1.1 100\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\n" OK
     "Content-Length: 1\r\n\r\nxNEXT",
     "1.1 200 OK|Content-Length=1||x."},
    {HTTP_RESPONSE, OK CHUNKED "3\r\nabc\r\n0\r\n\r\nNEXT",
     "1.1 200 OK|Transfer-Encoding=chunked||abc."},
    {HTTP_RESPONSE, OK CHUNKED "3\r\nabc\r\n",
     "1.1 200 OK|Transfer-Encoding=chunked||abc!the connection was closed before its "
     "end"},
    {HTTP_RESPONSE, OK CHUNKED "3\r\nabcd",
     "1.1 200 OK|Transfer-Encoding=chunked||abc!its chunks are malformed"},
};

TEST(suite, a_message_is_the_same_wherever_it_is_cut)
{
    static struct account account;

    for (size_t i = 0; i < MESSAGES; i++) {
        const char *bytes = messages[i].bytes;
        size_t length = strlen(bytes);

        for (size_t first = 0; first < length; first++) {
            for (size_t second = first; second < length; second++) {
                read_message(messages[i].kind, bytes, length, first, second, &account);
                if (strcmp(account.text, messages[i].account) != 0)
                    ck_abort_msg("message %zu cut at %zu and %zu: '%s'", i, first, second,
                                 account.text);
            }
        }
    }
}

TEST(suite, what_comes_after_a_message_is_left_for_the_next)
{
    static struct account account;

    for (size_t i = 0; i < MESSAGES; i++) {
        const char *next = strstr(messages[i].bytes, "NEXT");

        if (next == NULL)
            continue;
        read_message(messages[i].kind, messages[i].bytes, strlen(messages[i].bytes), 0, 0,
                     &account);
        ck_assert_uint_eq(account.taken, (size_t)(next - messages[i].bytes));
    }
}

/* ---- Malformed heads ---------------------------------------------------------------- */

static struct http_head *head_of(enum http_kind kind, const char *bytes, size_t length)
{
    static struct http_head head;

    begin_head(&head, kind);
    (void)http_head_take(&head, bytes, length);
    return &head;
}

TEST(suite, a_malformed_request_is_refused_with_the_right_status)
{
    static const struct {
        const char *bytes;
        int answer;
    } bad[] = {
        {"GET\r\n", 400},
        {" GET / HTTP/1.1\r\n", 400},
        {"GET /\r\n", 400}, /* HTTP/0.9 */
        {"GET  / HTTP/1.1\r\n", 400},
        {"GET /  HTTP/1.1\r\n", 400},
        {"GET / HTTP/1.1 \r\n", 400},
        {"GET /\tHTTP/1.1\r\n", 400},
        {"GET /a b HTTP/1.1\r\n", 400},
        {"G(T / HTTP/1.1\r\n", 400},
        {"GET / http/1.1\r\n", 400},
        {"GET / HTTP/1\r\n", 400},
        {"GET / HTTP/1.10\r\n", 400},
        {"GET / HTTP/2.0\r\n", 505},
        {"GET / HTTP/0.9\r\n", 505},
        {"GET /\rx HTTP/1.1\r\n", 400},
        {"GET /\x1b[m HTTP/1.1\r\n", 400},
        {"\x16\x03\x01\x02\n", 400}, /* TLS on a port of HTTP */
        {GET " folded: x\r\n", 400},
        {GET "\tfolded\r\n", 400},
        {"GET / HTTP/1.1\r\n Host: a\r\n", 400},
        {GET "Name : x\r\n", 400},
        {GET ": x\r\n", 400},
        {GET "Name\r\n", 400},
        {GET "Na me: x\r\n", 400},
        {GET "Na\xe9me: x\r\n", 400},
        {GET "Name: x\ry\r\n", 400},
        {GET "Name: x\r\r\n", 400},
        {GET "\r\r\n", 400},
        {GET "Name: \x7f\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {GET "HOST: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
        {"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400},
    };

    for (size_t i = 0; i < COUNT(bad); i++) {
        struct http_head *head =
            head_of(HTTP_REQUEST, bad[i].bytes, strlen(bad[i].bytes));

        if (head->state != HTTP_BAD || head->answer != bad[i].answer)
            ck_abort_msg("'%s': state %d, answer %d", bad[i].bytes, head->state,
                         head->answer);
        ck_assert_str_ne(head->why, "");
    }
    ck_assert_int_eq(head_of(HTTP_REQUEST, GET "A: \0\r\n", sizeof GET + 6)->state,
                     HTTP_BAD);
}

TEST(suite, a_malformed_response_is_refused)
{
    static const char *const bad[] = {
        "\r\n",
        "220 mail.example.org ESMTP\r\n",
        "ICY 200 OK\r\n",
        "<html>\n",
        "HTTP/2 200\r\n",
        "HTTP/2.0 200 OK\r\n",
        "HTTP/1.1 20 OK\r\n",
        "HTTP/1.1 2000 OK\r\n",
        "HTTP/1.1 020 OK\r\n",
        "HTTP/1.1  200 OK\r\n",
        "HTTP/1.1 200OK\r\n",
        OK " A: b\r\n",
        OK "A\r\n",
        OK "A b: c\r\n",
        OK ": b\r\n",
    };

    for (size_t i = 0; i < COUNT(bad); i++)
        if (head_of(HTTP_RESPONSE, bad[i], strlen(bad[i]))->state != HTTP_BAD)
            ck_abort_msg("'%s' was not refused", bad[i]);
}

/* After how many bytes is a head given up that repeats this line without end? */
static size_t given_up_after(enum http_kind kind, const char *begin, const char *line,
                             int *answer)
{
    static struct http_head head;

    begin_head(&head, kind);
    (void)http_head_take(&head, begin, strlen(begin));
    while (head.state == HTTP_OPEN)
        ck_assert_uint_gt(http_head_take(&head, line, strlen(line)), 0);
    *answer = head.answer;
    return head.taken;
}

TEST(suite, a_head_without_an_end_is_given_up_at_its_bound)
{
    int answer;

    ck_assert_uint_eq(given_up_after(HTTP_REQUEST, "GET /", "x", &answer),
                      HTTP_LINE_MOST + 1);
    ck_assert_int_eq(answer, 414);
    ck_assert_uint_eq(given_up_after(HTTP_REQUEST, GET, "A: b\r\n", &answer),
                      HTTP_HEAD_MOST);
    ck_assert_int_eq(answer, 431);
    ck_assert_uint_eq(given_up_after(HTTP_REQUEST, GET "A: ", "b", &answer),
                      HTTP_HEAD_MOST);
    ck_assert_uint_eq(given_up_after(HTTP_REQUEST, "", "\n", &answer), HTTP_HEAD_MOST);
    ck_assert_uint_eq(given_up_after(HTTP_RESPONSE, OK, " \n", &answer),
                      strlen(OK) + 2); /* a fold without a field before it */
    ck_assert_uint_eq(given_up_after(HTTP_RESPONSE, OK "A:\n", " \n", &answer),
                      HTTP_RESPONSE_MOST);
    ck_assert_uint_eq(given_up_after(HTTP_RESPONSE, "HTTP/1.1 200 ", "x", &answer),
                      HTTP_RESPONSE_MOST);
}

TEST(suite, a_request_line_may_have_8000_bytes_before_its_end)
{
    static const char *const ends[] = {"\n", "\r\n"};
    static char bytes[HTTP_LINE_MOST + 100];

    for (size_t i = 0; i < COUNT(ends); i++) {
        for (int over = 0; over <= 1; over++) {
            const struct http_head *head;

            memset(bytes, 'x', HTTP_LINE_MOST + 1);
            memcpy(bytes, "GET /", 5);
            snprintf(bytes + HTTP_LINE_MOST + over - strlen(" HTTP/1.0"), 100,
                     " HTTP/1.0%s%s", ends[i], ends[i]);
            head = head_of(HTTP_REQUEST, bytes, strlen(bytes));
            ck_assert_int_eq(head->state, over ? HTTP_BAD : HTTP_WHOLE);
            ck_assert_int_eq(head->answer, over ? 414 : 0);
        }
    }
}

TEST(suite, a_response_may_have_a_head_of_256_kib)
{
    static char bytes[HTTP_RESPONSE_MOST + 1] = OK "A: ";
    const struct http_head *head;

    memset(bytes + strlen(bytes), 'b', sizeof bytes - strlen(bytes));
    memcpy(bytes + HTTP_RESPONSE_MOST - 4, "\r\n\r\n", 4);
    head = head_of(HTTP_RESPONSE, bytes, HTTP_RESPONSE_MOST);
    ck_assert_int_eq(head->state, HTTP_WHOLE);
    ck_assert_uint_eq(strlen(http_value(head, "A")),
                      HTTP_RESPONSE_MOST - strlen(OK "A: ") - 4);
}

/* ---- Fields ------------------------------------------------------------------------- */

TEST(suite, fields_are_found_in_either_case_and_lists_over_several_fields)
{
    static const char bytes[] = OK "A: first\r\na: second\r\nConnection: x, Upgrade\r\n"
                                   "CONNECTION: , close\t,y\r\nE:\r\n\r\n";
    const struct http_head *head = head_of(HTTP_RESPONSE, bytes, sizeof bytes - 1);

    ck_assert_int_eq(head->state, HTTP_WHOLE);
    ck_assert_str_eq(http_value(head, "A"), "first");
    ck_assert_str_eq(http_value(head, "e"), "");
    ck_assert_ptr_null(http_value(head, "Connect"));
    ck_assert(http_lists(head, "connection", "upgrade"));
    ck_assert(http_lists(head, "connection", "Close"));
    ck_assert(http_lists(head, "connection", "y"));
    ck_assert(!http_lists(head, "connection", "clos"));
    ck_assert(!http_lists(head, "connection", ""));
    ck_assert(!http_lists(head, "e", ""));
    ck_assert(!http_keeps_alive(head));
}

TEST(suite, a_connection_is_kept_as_its_version_and_its_fields_say)
{
    static const struct {
        const char *bytes;
        bool kept;
    } heads[] = {
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
        {GET "\r\n", true},
        {GET "Connection: close\r\n\r\n", false},
        {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", true},
    };

    for (size_t i = 0; i < COUNT(heads); i++)
        ck_assert_int_eq(http_keeps_alive(head_of(HTTP_REQUEST, heads[i].bytes,
                                                  strlen(heads[i].bytes))),
                         heads[i].kept);
}

/* ---- Bodies ------------------------------------------------------------------------- */

TEST(suite, a_body_whose_end_is_in_doubt_is_refused)
{
    static const struct {
        const char *fields;
        int answer;
    } bad[] = {
        {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400},
        {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400},
        {"Content-Length: 5\r\nContent-Length: 6\r\n", 400},
        {"Content-Length: 5, 5\r\n", 400},
        {"Content-Length: 5, 6\r\n", 400},
        {"Content-Length: +5\r\n", 400},
        {"Content-Length: -5\r\n", 400},
        {"Content-Length: 0x5\r\n", 400},
        {"Content-Length: 5 5\r\n", 400},
        {"Content-Length: 5;\r\n", 400},
        {"Content-Length:\r\n", 400},
        {"Content-Length: ,\r\n", 400},
        {"Content-Length: 18446744073709551616\r\n", 400},
        {"Transfer-Encoding: gzip\r\n", 501},
        {"Transfer-Encoding: identity\r\n", 501},
        {"Transfer-Encoding: gzip, chunked\r\n", 501},
        {"Transfer-Encoding: chunked, gzip\r\n", 501},
        {"Transfer-Encoding: chunked, chunked\r\n", 501},
        {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400},
        {"Transfer-Encoding: chunked;q=1\r\n", 501},
        {"Transfer-Encoding: \"chunked\"\r\n", 501},
        {"Transfer-Encoding:\r\n", 501},
    };
    static const char *const first[] = {GET, OK};

    for (size_t i = 0; i < COUNT(bad); i++) {
        for (int kind = HTTP_REQUEST; kind <= HTTP_RESPONSE; kind++) {
            char bytes[200];
            struct http_body body;

            snprintf(bytes, sizeof bytes, "%s%s\r\n", first[kind], bad[i].fields);
            http_body_begin(&body, head_of((enum http_kind)kind, bytes, strlen(bytes)));
            if (body.state != HTTP_BAD || body.answer != bad[i].answer)
                ck_abort_msg("'%s': state %d, answer %d", bytes, body.state, body.answer);
        }
    }
    expect_response("HTTP/1.0 200 OK\r\n" CHUNKED,
                    "1.0 200 OK|Transfer-Encoding=chunked||"
                    "!it has a Transfer-Encoding in HTTP/1.0");
}

TEST(suite, malformed_chunks_are_refused)
{
    static const char *const bad[] = {
        "\r\n",
        "x\r\n",
        "-1\r\n",
        "0x3\r\nabc\r\n",
        ";a\r\n",
        " 3\r\nabc",
        "3 3\r\nabc",
        "3\nabc\r\n",
        "3\r\nabc\n",
        "3\r\nabc\rx",
        "3\r\nab\r\n",
        "3;a\nabc",
        "3;\ra\r\n",
        "3;\x01\r\n",
        "0\r\nA: b\n\r\n",
        "0\r\nA: b\rc\r\n\r\n",
        "0\r\n\n",
        "0\r\n\r\r\n",
        "1000000000000000\r\n",
    };

    for (size_t i = 0; i < COUNT(bad); i++) {
        char bytes[200];

        snprintf(bytes, sizeof bytes, OK CHUNKED "%s", bad[i]);
        if (strstr(account_of(HTTP_RESPONSE, bytes), "!its chunks are malformed") == NULL)
            ck_abort_msg("'%s': '%s'", bytes, account_of(HTTP_RESPONSE, bytes));
    }
}

TEST(suite, lines_without_an_end_between_chunks_are_given_up_at_their_bound)
{
    static const struct {
        const char *begin, *more;
        size_t most;
    } floods[] = {
        {"1;", "x", HTTP_CHUNK_LINE_MOST},
        {"", "0", HTTP_CHUNK_LINE_MOST},
        {"0\r\n", "A: b\r\n", HTTP_TRAILERS_MOST},
        {"0\r\nA: ", "b", HTTP_TRAILERS_MOST},
    };

    for (size_t i = 0; i < COUNT(floods); i++) {
        struct http_content content;
        struct http_body body;
        size_t taken;

        http_body_begin(&body, head_of(HTTP_RESPONSE, OK CHUNKED, strlen(OK CHUNKED)));
        taken = http_body_take(&body, floods[i].begin, strlen(floods[i].begin), &content);
        while (body.state == HTTP_OPEN && taken < 10 * floods[i].most)
            taken +=
                http_body_take(&body, floods[i].more, strlen(floods[i].more), &content);
        ck_assert_int_eq(body.state, HTTP_BAD);
        ck_assert_uint_le(taken, floods[i].most + 4);
    }
}

TEST(suite, any_number_of_small_chunks_is_a_body)
{
    enum { CHUNKS = 2000 };
    static char bytes[100 + 6 * CHUNKS] = OK CHUNKED;

    for (int i = 0; i < CHUNKS; i++)
        strcat(bytes, "1\r\nx\r\n");
    strcat(bytes, "0\r\n\r\n");
    ck_assert_uint_eq(strspn(strstr(account_of(HTTP_RESPONSE, bytes), "||") + 2, "x"),
                      CHUNKS);
}

TEST(suite, a_cut_body_is_not_taken_for_a_whole_one)
{
    expect_response(OK "Content-Length: 5\r\n\r\nabcd",
                    "1.1 200 OK|Content-Length=5||abcd!"
                    "the connection was closed before its end");
    expect_response(OK "\r\nabcd", "1.1 200 OK||abcd.");
    expect_response(OK "Content-Length: 0\r\n\r\nabcd", "1.1 200 OK|Content-Length=0||.");
    expect_request("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
                   "GET / 1.1|Host=a|Content-Length=1||"
                   "!the connection was closed before its end");
}

/* These are good messages with some bytes changed, in random pieces. */
TEST(suite, whatever_comes_nothing_is_read_outside_and_no_control_gets_into_a_field)
{
    static const char spice[] = "\r\n\0 \t:;,=0aF\x7f\x1b\xff";
    static struct account account, again;

    for (int round = 0; round < 20000; round++) {
        const char *source = messages[random_below(MESSAGES)].bytes;
        enum http_kind kind = random_below(2) ? HTTP_REQUEST : HTTP_RESPONSE;
        size_t length = strlen(source);
        char *bytes = malloc(length); /* a sanitizer sees a read past its exact size */

        ck_assert_ptr_nonnull(bytes);
        memcpy(bytes, source, length);
        for (unsigned n = random_below(4); n > 0; n--)
            bytes[random_below((unsigned)length)] =
                random_below(3) ? spice[random_below(sizeof spice - 1)]
                                : (char)random_below(256);
        read_message(kind, bytes, length, random_below((unsigned)length),
                     random_below((unsigned)length), &account);
        read_message(kind, bytes, length, 0, 0, &again);
        free(bytes);
        ck_assert(again.length == account.length && again.taken == account.taken &&
                  memcmp(again.text, account.text, account.length) == 0);
    }
}

TEST(suite, random_heads_keep_no_controls)
{
    for (int round = 0; round < 20000; round++) {
        char bytes[80] = OK "A: ";
        struct http_field field = {NULL, NULL};
        const struct http_head *head;

        for (size_t i = strlen(bytes); i < sizeof bytes; i++)
            bytes[i] =
                random_below(8) ? (char)random_below(256) : "\r\n: "[random_below(4)];
        memcpy(bytes + sizeof bytes - 4, "\r\n\r\n", 4);
        head = head_of(HTTP_RESPONSE, bytes, sizeof bytes);
        while (head->state == HTTP_WHOLE && http_next_field(head, &field)) {
            ck_assert_uint_gt(strlen(field.name), 0);
            for (const char *byte = field.value; *byte != '\0'; byte++)
                if (((unsigned char)*byte < ' ' && *byte != '\t') || *byte == 0x7f)
                    ck_abort_msg("control character %d", *byte);
        }
    }
}

/* ---- Dates -------------------------------------------------------------------------- */

TEST(suite, a_date_is_written_as_the_rfc_writes_it)
{
    char date[HTTP_DATE_MOST];

    http_date(784111777, date);
    ck_assert_str_eq(date, "Sun, 06 Nov 1994 08:49:37 GMT");
    http_date(0, date);
    ck_assert_str_eq(date, "Thu, 01 Jan 1970 00:00:00 GMT");
    http_date(1709251199, date);
    ck_assert_str_eq(date, "Thu, 29 Feb 2024 23:59:59 GMT");
    ck_assert(http_date(-62167219200, date));
    ck_assert_str_eq(date, "Sat, 01 Jan 0000 00:00:00 GMT");
    ck_assert(http_date(253402300799, date));
    ck_assert_str_eq(date, "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST(suite, a_time_that_no_date_can_tell_is_not_written)
{
    static const int64_t others[] = {-62167219201, 253402300800, INT64_MIN, INT64_MAX};
    char date[HTTP_DATE_MOST];

    for (size_t i = 0; i < COUNT(others); i++) {
        ck_assert(!http_date((time_t)others[i], date));
        ck_assert_str_eq(date, "");
    }
}

TEST(suite, a_date_is_read_in_all_three_forms)
{
    static const char *const bad[] = {
        "",
        "now",
        "784111777",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 1994 08:49:37 GMT+1",
        "Sun, 06 Nof 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:62 GMT",
        "Sun, 06 Nov 1994 08:49:-1 GMT",
        "Wed, 31 Dec 1969 23:59:59 GMT",
        "06 Nov 1994 08:49:37 GMT",
    };

    ck_assert_int_eq(http_date_parse("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    ck_assert_int_eq(http_date_parse("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
    ck_assert_int_eq(http_date_parse("Sun Nov  6 08:49:37 1994"), 784111777);
    ck_assert_int_eq(http_date_parse("Sunday, 06-Nov-37 08:49:37 GMT"), 2141110177);
    for (size_t i = 0; i < COUNT(bad); i++)
        if (http_date_parse(bad[i]) != -1)
            ck_abort_msg("'%s' was read as %lld", bad[i],
                         (long long)http_date_parse(bad[i]));
}

TEST(suite, a_date_that_is_written_is_read_back)
{
    char date[HTTP_DATE_MOST];

    for (int64_t when = 0; when < 253402300800; when += 86400 * 17 + 12345) {
        if (!http_date((time_t)when, date) || http_date_parse(date) != when)
            ck_abort_msg("'%s' for %lld", date, (long long)when);
    }
}

int main(void)
{
    return run_tests("HTTP messages", &suite, NULL);
}
