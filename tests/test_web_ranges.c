/* web_srv sends parts of files, and only versions that the client does not have yet. */
#include "tests/web.h"

#include "http/part.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static struct tests ranges, versions, modules;

#define SUNDAY 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */

static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

/* The file /f has 26 bytes, and was changed on that Sunday. */
static void open_server(void)
{
    temp_set_time(temp_write("f", letters), SUNDAY);
    server = program_serve(WEB_SRV, FIRST_LINE, "-d", temp_path(""), NULL);
}

/* ---- Ranges ------------------------------------------------------------------------- */

TEST(modules, a_range_means_the_bytes_that_rfc_9110_says)
{
    static const struct {
        const char *value;
        uint64_t size;
        int status;
        uint64_t first, length;
    } cases[] = {
        {"bytes=0-0", 26, 206, 0, 1},
        {"bytes=25-25", 26, 206, 25, 1},
        {"bytes=0-", 26, 206, 0, 26},
        {"bytes=5-9", 26, 206, 5, 5},
        {"bytes=20-99", 26, 206, 20, 6},
        {"Bytes=20-", 26, 206, 20, 6},
        {"bytes=-1", 26, 206, 25, 1},
        {"bytes=-26", 26, 206, 0, 26},
        {"bytes=-27", 26, 206, 0, 26},
        {"bytes=00-01", 26, 206, 0, 2},
        {"bytes=1-18446744073709551615", 26, 206, 1, 25},
        {"bytes=1-99999999999999999999999", 26, 206, 1, 25},
        {"bytes=-99999999999999999999999", 26, 206, 0, 26},
        {"bytes=4294967296-4294967297", 8589934592, 206, 4294967296, 2},
        {"bytes=26-", 26, 416, 0, 26},
        {"bytes=26-26", 26, 416, 0, 26},
        {"bytes=99999999999999999999999-", 26, 416, 0, 26},
        {"bytes=9-5", 26, 416, 0, 26},
        {"bytes=-0", 26, 416, 0, 26},
        {"bytes=0-", 0, 416, 0, 0},
        {"bytes=-0", 0, 416, 0, 0},
        {"bytes=-5", 0, 200, 0, 0}, /* all of it, but there is no byte to name */
        {"bytes=0-0,5-9", 26, 200, 0, 26},
        {"bytes=0-0,", 26, 200, 0, 26},
        {"bytes=", 26, 200, 0, 26},
        {"bytes=-", 26, 200, 0, 26},
        {"bytes=5", 26, 200, 0, 26},
        {"bytes=--5", 26, 200, 0, 26},
        {"bytes=+5-9", 26, 200, 0, 26},
        {"bytes=5-9x", 26, 200, 0, 26},
        {"bytes=5- 9", 26, 200, 0, 26},
        {"bytes 5-9", 26, 200, 0, 26},
        {"lines=5-9", 26, 200, 0, 26},
        {"", 26, 200, 0, 26},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct range range;
        int status = part_of_range(&range, cases[i].value, cases[i].size);

        if (status != cases[i].status || range.first != cases[i].first ||
            range.length != cases[i].length)
            ck_abort_msg("'%s' of %llu: %d, %llu and %llu", cases[i].value,
                         (unsigned long long)cases[i].size, status,
                         (unsigned long long)range.first,
                         (unsigned long long)range.length);
    }
}

/* The answer to this range is a part, and these bytes. */
static void expect_part(struct stream *client, const char *value, const char *place,
                        const char *bytes)
{
    struct answer answer;

    send_text(client, formatted("GET /f HTTP/1.1\r\n" HOST "Range: %s\r\n\r\n", value));
    answer = take_answer(client);
    ck_assert_int_eq(answer.status, 206);
    ck_assert_str_eq(answer.range, place);
    ck_assert_str_eq(answer.accept_ranges, "bytes");
    ck_assert_str_ne(answer.tag, "");
    ck_assert_uint_eq(answer.length, strlen(bytes));
    expect_text(client, bytes);
}

TEST(ranges, a_part_is_sent_with_its_place_and_the_connection_goes_on)
{
    struct stream client = connect_to(server.port);

    expect_part(&client, "bytes=0-0", "bytes 0-0/26", "a");
    expect_part(&client, "bytes=23-", "bytes 23-25/26", "xyz");
    expect_part(&client, "bytes=-2", "bytes 24-25/26", "yz");
    expect_part(&client, "bytes=2-4", "bytes 2-4/26", "cde");
    expect_part(&client, "bytes=0-99", "bytes 0-25/26", letters);
    send_text(&client, GET("/f"));
    expect_document(&client, letters);
}

TEST(ranges, several_ranges_or_what_is_not_understood_get_the_whole)
{
    static const char *const fields[] = {"Range: bytes=0-0,2-2\r\n",
                                         "Range: lines=1-2\r\n", "Range: bytes=x\r\n"};

    for (size_t i = 0; i < COUNT(fields); i++) {
        struct answer answer = ask_with("GET", "/f", fields[i]);

        ck_assert_int_eq(answer.status, 200);
        ck_assert_uint_eq(answer.length, 26);
        ck_assert_str_eq(answer.range, "");
    }
}

TEST(ranges, a_range_is_of_a_get_alone)
{
    struct answer answer = ask_with("HEAD", "/f", "Range: bytes=2-4\r\n");

    ck_assert_int_eq(answer.status, 200);
    ck_assert_uint_eq(answer.length, 26);
    ck_assert_str_eq(answer.accept_ranges, "bytes");
}

TEST(ranges, what_is_not_there_is_416_with_the_size)
{
    struct answer answer = ask_with("GET", "/f", "range: bytes=26-\r\n");

    ck_assert_int_eq(answer.status, 416);
    ck_assert_str_eq(answer.range, "bytes */26");
    ck_assert_int_eq(ask_with("GET", "/none", "Range: bytes=0-\r\n").status, 404);
}

TEST(ranges, a_part_beyond_4_gib_is_found)
{
    struct answer answer;
    struct stream client = connect_to(server.port);
    FILE *file = fopen(temp_path("big"), "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseeko(file, (off_t)1 << 32, SEEK_SET), 0);
    ck_assert_int_eq(fputs(letters, file) >= 0 && fclose(file) == 0, 1);
    send_text(&client,
              "GET /big HTTP/1.1\r\n" HOST "Range: bytes=4294967295-4294967298\r\n\r\n");
    answer = take_answer(&client);
    ck_assert_str_eq(answer.range, "bytes 4294967295-4294967298/4294967322");
    expect_bytes(&client, "\0abc", 4);
}

/* ---- Versions ----------------------------------------------------------------------- */

#define AT(time) "Sun, 06 Nov 1994 08:49:" time " GMT"

TEST(versions, a_file_has_its_time_and_a_weak_tag_that_changes_with_it)
{
    struct answer answer = ask("HEAD", "/f"), changed;

    ck_assert_str_eq(answer.modified, AT("37"));
    ck_assert(strncmp(answer.tag, "W/\"", 3) == 0);
    temp_set_time(temp_path("f"), SUNDAY + 1);
    changed = ask("HEAD", "/f");
    ck_assert_str_eq(changed.modified, AT("38"));
    ck_assert_str_ne(changed.tag, answer.tag);
    temp_set_time(temp_write("f", "other"), SUNDAY);
    ck_assert_str_ne(formatted("%s", ask("HEAD", "/f").tag), answer.tag);
}

TEST(versions, a_time_in_the_future_is_not_sent)
{
    struct answer answer;

    temp_set_time(temp_path("f"), time(NULL) + 86400);
    answer = ask("GET", "/f");
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer.modified, "");
}

/* The status of a request for /f with this field; GET and HEAD get the same. */
static int status_if(const char *name, const char *value)
{
    const char *fields = formatted("%s: %s\r\n", name, value);
    int status = ask_with("HEAD", "/f", fields).status;

    ck_assert_int_eq(status, ask_with("GET", "/f", fields).status);
    return status;
}

TEST(versions, a_version_that_the_client_has_is_304)
{
    struct answer first = ask("HEAD", "/f"), answer;
    const char *tag = first.tag;

    answer = ask_with("HEAD", "/f", formatted("If-None-Match: %s\r\n", tag));
    ck_assert_int_eq(answer.status, 304);
    ck_assert_str_eq(answer.tag, tag);
    ck_assert_str_eq(answer.accept_ranges, "bytes");
    ck_assert_str_eq(answer.type, "");
    ck_assert_str_eq(answer.modified, "");
    ck_assert_int_eq(status_if("If-None-Match", tag), 304);
    ck_assert_int_eq(status_if("If-None-Match", tag + 2), 304); /* without its W/ */
    ck_assert_int_eq(status_if("If-None-Match", "*"), 304);
    ck_assert_int_eq(status_if("If-None-Match", formatted("\"a, b\", %s, \"c\"", tag)),
                     304);
    ck_assert_int_eq(
        status_if("If-None-Match", formatted("\"a\"\r\nIf-None-Match: %s", tag)), 304);
    ck_assert_int_eq(status_if("If-Modified-Since", AT("37")), 304);
    ck_assert_int_eq(status_if("If-Modified-Since", AT("38")), 304);
    ck_assert_int_eq(status_if("If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT"),
                     304);
    ck_assert_int_eq(status_if("If-Modified-Since", AT("37") "\r\nRange: bytes=0-0"),
                     304);
}

TEST(versions, a_version_that_the_client_does_not_have_is_sent)
{
    ck_assert_int_eq(status_if("If-None-Match", "\"a\""), 200);
    ck_assert_int_eq(status_if("If-Modified-Since", AT("36")), 200);
    ck_assert_int_eq(status_if("If-Modified-Since", "yesterday"), 200);
    /* The tag alone counts if there are both (RFC 9110 13.1.3). */
    ck_assert_int_eq(status_if("If-None-Match", "\"a\"\r\nIf-Modified-Since: " AT("37")),
                     200);
}

TEST(versions, a_304_has_no_body_and_the_connection_goes_on)
{
    struct stream client = connect_to(server.port);

    send_text(&client, "GET /f HTTP/1.1\r\n" HOST "If-None-Match: *\r\n\r\n");
    send_text(&client, GET("/f"));
    ck_assert_int_eq(take_answer(&client).status, 304);
    expect_document(&client, letters);
}

TEST(versions, a_condition_that_fails_is_412)
{
    struct answer answer = ask("HEAD", "/f");

    ck_assert_int_eq(status_if("If-Match", "*"), 200);
    /* It compares strongly, and a weak tag equals no other. */
    ck_assert_int_eq(status_if("If-Match", answer.tag), 412);
    ck_assert_int_eq(status_if("If-Unmodified-Since", AT("36")), 412);
    ck_assert_int_eq(status_if("If-Unmodified-Since", AT("37")), 200);
    ck_assert_int_eq(status_if("If-Unmodified-Since", "tomorrow"), 200);
    ck_assert_int_eq(ask_with("GET", "/none", "If-Match: *\r\n").status, 404);
}

/* What is the answer to a range with this If-Range? */
static int status_with(const char *if_range)
{
    return ask_with("GET", "/f",
                    formatted("Range: bytes=1-2\r\nIf-Range: %s\r\n", if_range))
        .status;
}

TEST(versions, if_range_allows_a_part_of_the_same_version_alone)
{
    time_t now;

    ck_assert_int_eq(status_with(AT("37")), 206);
    ck_assert_int_eq(status_with(AT("36")), 200);
    ck_assert_int_eq(status_with(AT("38")), 200);
    ck_assert_int_eq(status_with("\"a\""), 200);
    ck_assert_int_eq(status_with(ask("HEAD", "/f").tag), 200); /* it is weak */
    do { /* what was changed in this second may be changed again in it */
        temp_write("f", letters);
        now = time(NULL);
        ck_assert_int_eq(status_with(ask("HEAD", "/f").modified), 200);
    } while (time(NULL) != now);
}

/* ---- Programs ----------------------------------------------------------------------- */

TEST(versions, curl_goes_on_with_what_it_has)
{
    struct program client;

    if (lacks("curl"))
        return;
    temp_write("got", "abcde");
    client = program_run("sh", "-c",
                         "cd \"$2\" && curl -sS -C - -o got \"$1\" && "
                         "curl -sS -z got -o got -w '%{http_code}\n' \"$1\"",
                         "sh", web_url("/f"), temp_path(""), NULL);
    expect_lf(&client.out, "304");
    expect_success(&client);
    expect_file(temp_path("got"), letters);
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "modules", .tests = &modules},
        {.name = "ranges", .tests = &ranges, .set_up = open_server},
        {.name = "versions", .tests = &versions, .set_up = open_server},
    };

    return run_cases("the parts and versions of files", cases, COUNT(cases));
}
