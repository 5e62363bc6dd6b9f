/* The files of web_srv: curl, http_get and clients that read slowly fetch them. */
#include "tests/web.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct tests with_files, limits;

/* ---- Files -------------------------------------------------------------------------- */

TEST(with_files, files_have_types_by_their_endings_and_directories_an_index)
{
    static const struct {
        const char *name, *type;
    } files[] = {
        {"a.html", "text/html; charset=utf-8"},
        {"a.txt", "text/plain; charset=utf-8"},
        {"a.b.CSS", "text/css; charset=utf-8"},
        {"a.png", "image/png"},
        {"a.json", "application/json"},
        {"a", "text/plain; charset=utf-8"}, /* by what is in it */
        {"a.unknown", "application/octet-stream"},
    };
    struct answer answer;

    for (size_t i = 0; i < COUNT(files); i++) {
        const char *path = formatted("/%s", files[i].name);

        write_page(files[i].name, files[i].name);
        expect_page(path, files[i].name);
        answer = ask("HEAD", path);
        ck_assert_str_eq(answer.type, files[i].type);
        ck_assert_uint_eq(answer.length, strlen(files[i].name));
    }
    write_page("index.html", "<p>Index");
    expect_page("/", "<p>Index");
    expect_page("/?a=b/../c", "<p>Index");
    write_page("empty", "");
    expect_page("/empty", "");
    make_directory("d");
    write_page("d/index.html", "<p>Inner");
    expect_page("/d/", "<p>Inner");
    expect_page("//d///index.html", "<p>Inner");
    answer = ask("GET", "/d?x/y");
    ck_assert_int_eq(answer.status, 301);
    ck_assert_str_eq(answer.location, "/d/?x/y");
    ck_assert_str_eq(formatted("%s", ask("GET", "//d").location),
                     "/d/"); /* not the host d */
    ck_assert_int_eq(ask("GET", "/a.txt/").status, 404);
    ck_assert_int_eq(ask("GET", "/a.txt/b").status, 404);
}

TEST(with_files, names_are_decoded_once)
{
    write_page("a b\xc3\xa9%41?.txt", "odd");
    expect_page("/a%20b%C3%a9%2541%3F.txt", "odd");
    expect_page("/a%20b\xc3\xa9%2541%3f.txt?query", "odd");
    ck_assert_int_eq(ask("GET", "/a%20b%C3%A9A%3F.txt").status, 404);
    ck_assert_int_eq(ask("GET", "/%").status, 400);
    ck_assert_int_eq(ask("GET", "/%4").status, 400);
    ck_assert_int_eq(ask("GET", "/%4g").status, 400);
}

TEST(with_files, no_path_leads_out_of_the_directory)
{
    static const char *const paths[] = {
        "/../secret",
        "/%2e%2e/secret",
        "/.%2E/secret",
        "/..%2fsecret",
        "/d/../../secret",
        "/link",
        "/dlink/secret",
        "/dlink",
        "/dlink/",
        "/slink",
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

    make_directory("d");
    write_page("in", "in");
    write_page("d/in", "in");
    write_page(".hidden", "hidden");
    ck_assert_int_eq(symlink("in", www("link")), 0);
    ck_assert_int_eq(symlink("../secret", www("slink")), 0);
    ck_assert_int_eq(symlink("..", www("dlink")), 0);
    ck_assert_int_eq(symlink("loop", www("loop")), 0);
    ck_assert_int_eq(mkfifo(www("fifo"), 0600), 0);
    expect_page("/in", "in");
    expect_page("/d/in", "in");
    expect_page("/../in", "in"); /* "/.." is "/" (RFC 3986 5.2.4) */
    for (size_t i = 0; i < COUNT(paths); i++) {
        int status = ask("GET", paths[i]).status;

        if (status != 404)
            ck_abort_msg("'%s': %d", paths[i], status);
    }
    ck_assert_int_eq(ask("GET", formatted("/%s", repeated('n', 300))).status, 404);
}

TEST(with_files, what_may_not_be_read_is_403)
{
    write_page("closed", "x");
    ck_assert_int_eq(chmod(www("closed"), 0), 0);
    ck_assert_int_eq(ask("GET", "/closed").status, geteuid() == 0 ? 200 : 403);
}

/* Much longer than what the kernel holds for a client that does not read. */
#define LONG_FILE 12000000
static char long_file[LONG_FILE];

static void write_long_file(void)
{
    for (size_t i = 0; i < LONG_FILE; i++)
        long_file[i] = (char)(i * 2654435761u >> 13);
    temp_write_bytes("www/long", long_file, LONG_FILE);
}

/* Asks for the long file, and takes the answer's head. */
static struct stream begin_long_file(void)
{
    struct stream client = connect_to(server.port);
    struct answer answer;

    send_text(&client, GET("/long"));
    answer = take_answer(&client);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_uint_eq(answer.length, LONG_FILE);
    return client;
}

TEST(with_files, a_long_file_arrives_whole_and_the_next_request_is_answered_after_it)
{
    struct stream client;

    write_long_file();
    write_page("short", "and this");
    client = begin_long_file();
    send_text(&client, "HEAD /long HTTP/1.1\r\n" HOST "\r\n"
                       "GET /short HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    stream_half_close(&client);
    expect_bytes(&client, long_file, LONG_FILE);
    ck_assert_uint_eq(take_answer(&client).length, LONG_FILE);
    expect_document(&client, "and this");
    expect_end(&client);
}

TEST(with_files, readers_that_stall_in_the_middle_of_a_file_cost_the_others_nothing)
{
    static struct stream readers[100];

    if (lacks_descriptors(COUNT(readers) + 64))
        return;
    write_long_file();
    for (size_t i = 0; i < COUNT(readers); i++)
        readers[i] = begin_long_file();
    write_page("short", "at once");
    for (int n = 0; n < 20; n++)
        expect_page("/short", "at once");
    expect_bytes(&readers[7], long_file, LONG_FILE); /* one of them goes on */
    for (size_t i = 0; i < COUNT(readers); i++)
        stream_reset(&readers[i]);
    expect_page("/short", "at once");
}

TEST(with_files, a_file_that_shrinks_while_it_is_sent_ends_early_and_a_grown_one_on_time)
{
    struct stream client;

    write_long_file();
    client = begin_long_file();
    ck_assert_int_eq(truncate(www("long"), 1000), 0);
    stream_fill_to_end(&client);
    ck_assert_uint_lt(client.length, LONG_FILE);
    skip_to_line(&server.out, "%s: cannot read /long: it has become shorter",
                 name_of(&client));
    stream_close(&client);
    write_long_file();
    client = begin_long_file();
    ck_assert_int_eq(truncate(www("long"), 2 * LONG_FILE), 0);
    expect_bytes(&client, long_file, LONG_FILE);
    send_text(&client, GET("/none"));
    ck_assert_int_eq(take_answer(&client).status, 404);
}

TEST(with_files, curl_and_http_get_fetch_files)
{
    static const char *const scripts[] = {
        "curl -sS --path-as-is \"$1\" | cmp - \"$2\" && echo same",
        "$HTTP_GET -o \"$2.got\" \"$1\" && cmp \"$2\" \"$2.got\" && echo same"};

    if (lacks("curl"))
        return;
    program_export("bin/http_get");
    write_long_file();
    for (size_t i = 0; i < COUNT(scripts); i++) {
        struct program client = program_run("sh", "-c", scripts[i], "sh",
                                            web_url("/long"), www("long"), NULL);

        expect_lf(&client.out, "same");
        expect_success(&client);
    }
}

TEST(with_files, it_ends_even_in_the_middle_of_a_file)
{
    write_long_file();
    (void)begin_long_file();
    program_stop(&server);
}

/* The time that -t gives is for requests: an answer has two minutes (loop/stream_server.h). */
TEST(limits, a_reader_may_pause_for_longer_than_a_request_may_take)
{
    static const char *const requests[] = {
        GET("/long"), "GET /long HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
        GET("/long") "GET /lo"};
    struct stream clients[COUNT(requests)];

    serve_files_by("exec \"$@\" -t 0.2");
    write_long_file();
    for (size_t i = 0; i < COUNT(requests); i++) {
        clients[i] = connect_to(server.port);
        send_text(&clients[i], requests[i]);
        if (i == 1)
            stream_half_close(&clients[i]);
        ck_assert_uint_eq(take_answer(&clients[i]).length, LONG_FILE);
    }
    sleep_ms(1000);
    for (size_t i = 0; i < COUNT(requests); i++)
        expect_bytes(&clients[i], long_file, LONG_FILE);
    /* The second request of the last one has its time now. */
    ck_assert_int_eq(take_answer(&clients[2]).status, 408);
}

/* ---- Limits ------------------------------------------------------------------------- */

TEST(limits, a_server_without_descriptors_says_503)
{
    struct stream clients[20];
    int served = 0;

    serve_files_by("ulimit -n 20; exec \"$@\"");
    write_long_file();
    for (int i = 0; i < 20; i++) {
        int status;

        clients[i] = connect_to(server.port);
        send_text(&clients[i], GET("/long"));
        status = take_answer(&clients[i]).status;
        ck_assert(status == 200 || status == 503);
        served += status == 200;
    }
    ck_assert_int_gt(served, 3);
    ck_assert_int_lt(served, 20 - 3);
}

TEST(limits, a_full_server_still_has_the_descriptors_for_a_file)
{
    struct stream clients[60];
    int served = -1;

    serve_files_by("ulimit -n 40; exec \"$@\"");
    write_page("short", "short");
    do { /* until there is no place for one more */
        clients[++served] = connect_to(server.port);
        send_if_open(&clients[served], GET("/short"));
    } while (take_answer(&clients[served]).status == 200 && served < 59);
    ck_assert_int_gt(served, 20);
    ck_assert_int_lt(served, 40);
    for (int i = 0; i < served; i++) {
        expect_text(&clients[i], "short");
        send_text(&clients[i], GET("/short"));
        ck_assert_int_eq(take_answer(&clients[i]).status, 200);
        stream_close(&clients[i]);
    }
}

TEST(limits, no_directory_on_the_way_to_a_file_stays_open)
{
    serve_files_by("ulimit -n 20; exec \"$@\"");
    make_directory("a");
    make_directory("a/b");
    write_page("a/b/c", "deep");
    for (int n = 0; n < 30; n++) {
        expect_page("/a/b/c", "deep");
        ck_assert_int_eq(ask("GET", "/a/b/none").status, 404);
        ck_assert_int_eq(ask("GET", "/a/b/c/none").status, 404);
        ck_assert_int_eq(ask("GET", "/a/b/%").status, 400);
        ck_assert_int_eq(ask("GET", "/a/b").status, 301);
    }
}

TEST(limits, as_many_long_files_are_sent_at_a_time_as_there_are_clients)
{
    static struct stream clients[560];

    /* The server inherits the limit, and needs two for each client. */
    if (lacks_descriptors(2 * COUNT(clients) + 80))
        return;
    serve_files();
    write_long_file();
    for (size_t i = 0; i < COUNT(clients); i++)
        clients[i] = begin_long_file();
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "files", .tests = &with_files, .set_up = serve_files},
        {.name = "limits", .tests = &limits, .tags = "limits"},
    };

    return run_cases("the files of web_srv", cases, COUNT(cases));
}
