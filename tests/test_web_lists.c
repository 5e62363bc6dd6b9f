/* What web_srv makes of a path: lists of files, types, and failures that it tells. */
#include "tests/web.h"

#include "http/types.h"
#include "http/web_path.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct tests modules, served, limits, spoilt;

/* ---- Paths -------------------------------------------------------------------------- */

TEST(modules, a_path_loses_its_dot_segments_and_never_leads_above_its_beginning)
{
    static const struct {
        const char *path, *names;
        int status;
    } cases[] = {
        {"/", "", 0},
        {"/a", "a", 0},
        {"/a/", "a/", 0},
        {"//a///b", "a/b", 0},
        {"/a%20b?c/../d", "a b", 0},
        {"/a/b/c/./../../g", "a/g", 0}, /* RFC 3986 5.2.4 */
        {"/a/.", "a/", 0},
        {"/a/./", "a/", 0},
        {"/a/..", "", 0},
        {"/a/b/..", "a/", 0},
        {"/a/b/../", "a/", 0},
        {"/./././a", "a", 0},
        {"/..", "", 0},
        {"/../..//../a", "a", 0},
        {"/a/../../../b/c", "b/c", 0},
        {"/a//../b", "b", 0},
        {"/%2e%2E/a/%2e/.%2e/b", "b", 0},
        {"/...", "...", 0},
        {"/..a/.b", "..a/.b", 0},
        {"/%252e%252e/a", "%2e%2e/a", 0},
        {"/a%2fb", NULL, 404},
        {"/..%2f..%2fsecret", NULL, 404},
        {"/a%00", NULL, 404},
        {"/a%2f/%", NULL, 400},
        {"/a/%4", NULL, 400},
        {"/a/%4g/..", NULL, 400},
        {"a", NULL, 400},
        {"", NULL, 400},
    };
    static char names[WEB_PATH_MOST + 1], longest[WEB_PATH_MOST + 2];

    for (size_t i = 0; i < COUNT(cases); i++) {
        int status = web_path_clean(cases[i].path, names);

        if (status != cases[i].status || (status == 0 && strcmp(names, cases[i].names)))
            ck_abort_msg("'%s': %d, '%s'", cases[i].path, status, names);
    }
    memset(longest, '/', WEB_PATH_MOST + 1);
    ck_assert_int_eq(web_path_clean(longest, names), 400);
    longest[WEB_PATH_MOST] = '\0';
    ck_assert_int_eq(web_path_clean(longest, names), 0);
    memset(longest + 1, 'x', WEB_PATH_MOST - 1);
    ck_assert_int_eq(web_path_clean(longest, names), 0);
    ck_assert_uint_eq(strlen(names), WEB_PATH_MOST - 1);
}

TEST(served, a_path_with_dots_finds_its_file)
{
    make_directory("d");
    write_page("d/in", "in");
    write_page("top", "top");
    expect_page("/d/../top", "top");
    expect_page("/none/../d/./in", "in");
    expect_page("/../../d/%2e%2E/top", "top");
    ck_assert_str_eq(formatted("%s", ask("GET", "/none/../d").location), "/none/../d/");
    ck_assert_int_eq(ask("GET", "/top/.").status, 404);
    ck_assert_int_eq(ask("GET", "/d/../secret").status, 404);
}

/* ---- Types -------------------------------------------------------------------------- */

TEST(modules, the_types_that_browsers_insist_on_are_known)
{
    static const char *const types[][2] = {
        {"a.mjs", "text/javascript; charset=utf-8"},
        {"a.js", "text/javascript; charset=utf-8"},
        {"a.css", "text/css; charset=utf-8"},
        {"a.wasm", "application/wasm"},
        {"a.webmanifest", "application/manifest+json"},
        {"a.js.map", "application/json"},
        {"a.svg", "image/svg+xml"},
        {"a.avif", "image/avif"},
        {"a.JPEG", "image/jpeg"},
        {"a.ogg", "audio/ogg"},
        {"a.wav", "audio/wav"},
        {"a.mp4", "video/mp4"},
        {"a.woff", "font/woff"},
        {"a.woff2", "font/woff2"},
        {"a.ttf", "font/ttf"},
        {"a.py", "text/plain; charset=utf-8"},
        {"a.sh", "text/plain; charset=utf-8"},
        {"a.c", "text/plain; charset=utf-8"},
        {"a.h", "text/plain; charset=utf-8"},
        {"a.log", "text/plain; charset=utf-8"},
        {"a.md", "text/plain; charset=utf-8"},
        {"a.m", "application/octet-stream"},
        {"a.mjsx", "application/octet-stream"},
        {"a.", "application/octet-stream"},
        {"a.js mjs", "application/octet-stream"},
    };

    for (size_t i = 0; i < COUNT(types); i++)
        ck_assert_str_eq(types_by_name(types[i][0]), types[i][1]);
    ck_assert_ptr_null(types_by_name("README"));
}

TEST(served, a_name_without_an_ending_has_the_type_of_its_first_bytes)
{
    static const char text[] = "text/plain; charset=utf-8";
    static const char bytes[] = "application/octet-stream";

    write_page("README", "Words,\r\n\tand\f\xc3\xa9 \x1b[1mmore\x1b[m\n");
    ck_assert_str_eq(formatted("%s", ask("GET", "/README").type), text);
    write_page("empty", "");
    ck_assert_str_eq(formatted("%s", ask("GET", "/empty").type), text);
    temp_write_bytes("www/nul", "a\0b", 3);
    ck_assert_str_eq(formatted("%s", ask("GET", "/nul").type), bytes);
    write_page("program", "\x7f"
                          "ELF\x02\x01");
    ck_assert_str_eq(formatted("%s", ask("HEAD", "/program").type), bytes);
    make_directory("a.html");
    write_page("a.html/Makefile", "all:\n");
    ck_assert_str_eq(formatted("%s", ask("GET", "/a.html/Makefile").type), text);
}

/* ---- Lists -------------------------------------------------------------------------- */

/* The page at this path, as one string. */
static const char *page_at(const char *path)
{
    static char page[70000];
    struct stream client = connect_to(server.port);
    struct answer answer;

    send_text(&client, formatted("GET %s HTTP/1.1\r\n" HOST "\r\n", path));
    answer = take_answer(&client);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer.type, "text/html; charset=utf-8");
    ck_assert_str_eq(answer.tag, "");
    ck_assert_uint_lt(answer.length, sizeof page);
    while (client.length < answer.length)
        ck_assert(stream_fill(&client));
    memcpy(page, client.bytes, answer.length);
    page[answer.length] = '\0';
    stream_close(&client);
    return page;
}

static void expect_part_of(const char *page, const char *part)
{
    if (strstr(page, part) == NULL)
        ck_abort_msg("'%s' is not in '%s'", part, page);
}

TEST(served, a_directory_without_an_index_has_a_list_sorted_with_sizes_and_times)
{
    const char *page;

    make_directory("d");
    write_page("d/b.txt", "12345");
    make_directory("d/c");
    write_page("d/.hidden", "hidden");
    write_page("d/a", "");
    ck_assert_int_eq(symlink("a", www("d/link")), 0);
    ck_assert_int_eq(mkfifo(www("d/fifo"), 0600), 0);
    temp_set_time(www("d/a"), 784111777);
    temp_set_time(www("d/b.txt"), 1709251199);
    temp_set_time(www("d/c"), 0);
    page = page_at("/d/");
    expect_part_of(page, "<title>/d/</title>");
    expect_part_of(page, "<tr><td><a href=\"../\">..</a>/\n"
                         "<tr><td><a href=\"a\">a</a><td>0<td>1994-11-06 08:49\n"
                         "<tr><td><a href=\"b.txt\">b.txt</a><td>5<td>2024-02-29 23:59\n"
                         "<tr><td><a href=\"c/\">c</a>/<td><td>1970-01-01 00:00\n"
                         "</table>");
    ck_assert_int_eq(ask("GET", "/d").status, 301);
    ck_assert_uint_eq(ask("HEAD", "/d/").length, strlen(page));
    ck_assert_int_eq(ask_with("GET", "/d/", "Range: bytes=0-0\r\n").status, 200);
    ck_assert_int_eq(ask_with("GET", "/d/", "If-None-Match: *\r\n").status, 200);
    ck_assert_ptr_null(strstr(page_at("/"), ".."));
    make_directory("d/index.html"); /* which is not a page */
    expect_part_of(page_at("/d/"), "index.html/");
    ck_assert_int_eq(rmdir(www("d/index.html")), 0);
    write_page("d/index.html", "<p>Index");
    expect_page("/d/", "<p>Index");
}

TEST(served, any_name_is_shown_harmlessly_and_leads_to_its_file)
{
    static const struct {
        const char *name, *row;
    } files[] = {
        {"a b", "<a href=\"a%20b\">a b</a>"},
        {"<i>&\"'", "<a href=\"%3Ci%3E%26%22%27\">&lt;i&gt;&amp;\"'</a>"},
        {"x:y?#%41", "<a href=\"x%3Ay%3F%23%2541\">x:y?#%41</a>"},
        {"\x1b[m\n", "<a href=\"%1B%5Bm%0A\">^[[m^J</a>"},
        {"\xc3\xa9\xff", "<a href=\"%C3%A9%FF\">\xc3\xa9\xef\xbf\xbd</a>"},
        {"\xe2\x80\xaegpj.x", "<a href=\"%E2%80%AEgpj.x\">\xef\xbf\xbdgpj.x</a>"},
        {"escape(this)name", "<a href=\"escape%28this%29name\">escape(this)name</a>"},
        {"~-._9Z", "<a href=\"~-._9Z\">~-._9Z</a>"},
    };
    char href[100];

    for (size_t i = 0; i < COUNT(files); i++)
        write_page(files[i].name, formatted("%zu", i));
    for (size_t i = 0; i < COUNT(files); i++) {
        expect_part_of(page_at("/"), files[i].row);
        sscanf(files[i].row, "<a href=\"%99[^\"]", href);
        expect_page(formatted("/%s", href), formatted("%zu", i));
    }
    make_directory("<d>&");
    expect_part_of(page_at("/%3Cd%3E&/"), "<title>/&lt;d&gt;&amp;/</title>");
}

TEST(served, a_long_list_is_sent_in_pieces_and_ends_somewhere)
{
    enum { FILES = 10010, COPIES = 3 };
    struct stream clients[COPIES];

    for (int i = 0; i < FILES; i++)
        ck_assert_int_eq(close(open(www(formatted("%05d", i)), O_CREAT | O_WRONLY, 0600)),
                         0);
    for (int i = 0; i < COPIES; i++) { /* nobody reads until all have asked */
        clients[i] = connect_to(server.port);
        send_text(&clients[i], GET("/"));
    }
    for (int i = 0; i < COPIES; i++) {
        const char *row = "", *before;
        int rows = 0;

        (void)take_answer(&clients[i]);
        do {
            before = formatted("%s", row);
            row = take_line(&clients[i]);
            rows += strncmp(row, "<tr>", 4) == 0;
            if (strncmp(row, "<tr>", 4) == 0 && strncmp(before, "<tr>", 4) == 0)
                ck_assert_str_lt(before, row);
        } while (strncmp(row, "<p>", 3) != 0);
        ck_assert_int_eq(rows, 10000);
        ck_assert_str_eq(row, "<p>There are more names. Times are UTC.");
        send_text(&clients[i], GET("/00000"));
        expect_document(&clients[i], "");
    }
}

TEST(served, an_index_that_may_not_be_read_is_not_passed_over)
{
    write_page("index.html", "secret");
    ck_assert_int_eq(chmod(www("index.html"), 0), 0);
    ck_assert_int_eq(ask("GET", "/").status, geteuid() == 0 ? 200 : 403);
}

/* ---- What fails for a while --------------------------------------------------------- */

/* The next line about a client says this. The reason after it is in the words of a libc. */
static void expect_unreadable(const char *target)
{
    char *rest = skip_to_beginning(&server.out, "127.0.0.1:");
    const char *words = formatted(": cannot read %s: ", target);

    rest += strspn(rest, "0123456789");
    ck_assert_int_eq(strncmp(rest, words, strlen(words)), 0);
}

static void make_anew_and_find_again(void)
{
    write_page("f", "old");
    expect_page("/f", "old");
    ck_assert_int_eq(rename(www(""), temp_path("away")), 0);
    ck_assert_int_eq(ask("GET", "/f").status, 503);
    expect_unreadable("/f");
    make_directory("");
    write_page("f", "new");
    expect_page("/f", "new");
}

TEST(served, a_directory_that_is_made_anew_is_found_again)
{
    make_anew_and_find_again();
}

TEST(limits, a_directory_that_was_named_by_a_dot_is_found_again_too)
{
    serve_files_by("case $1 in /*) program=$1 ;; *) program=$PWD/$1 ;; esac\n"
                   "cd \"$5\" && exec \"$program\" -p 0 -d .");
    make_anew_and_find_again();
}

/* strace is the server's child (-D), and makes the calls for a file called f fail. */
static void serve_spoilt(const char *what)
{
    serve_files_by(formatted("exec strace -D -o /dev/null -P \"${5%%/}/f\" -P f -e "
                             "trace=openat,pread64 -e inject=%s \"$@\"",
                             what));
}

TEST(spoilt, a_file_that_cannot_be_read_now_is_500_or_503_and_logged)
{
    static const struct {
        const char *name;
        int status;
    } errors[] = {
        {"EIO", 500},   {"EOVERFLOW", 500}, {"ENOMEM", 503}, {"EMFILE", 503},
        {"EINTR", 503}, {"EACCES", 403},    {"ENOENT", 404},
    };

    for (size_t i = 0; i < COUNT(errors); i++) {
        serve_spoilt(formatted("openat:error=%s:when=1", errors[i].name));
        write_page("f", "at last");
        ck_assert_int_eq(ask("GET", "/f?x").status, errors[i].status);
        if (errors[i].status >= 500)
            expect_unreadable("/f?x");
        expect_page("/f", "at last");
        program_stop(&server);
        temp_remove();
    }
}

TEST(spoilt, a_file_that_cannot_be_read_amid_its_answer_ends_early_and_is_logged)
{
    static char bytes[1000000];
    struct stream client;

    serve_spoilt("pread64:error=EIO:when=4"); /* the first is a look at its type */
    temp_write_bytes("www/f", bytes, sizeof bytes);
    client = connect_to(server.port);
    send_text(&client, GET("/f"));
    stream_fill_to_end(&client);
    ck_assert_uint_lt(client.length, 4 * 65536);
    expect_unreadable("/f");
}

TEST(spoilt, a_type_that_cannot_be_looked_at_is_500)
{
    serve_spoilt("pread64:error=EIO:when=1");
    write_page("f", "x");
    ck_assert_int_eq(ask("GET", "/f").status, 500);
    expect_unreadable("/f");
    expect_page("/f", "x");
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "modules", .tests = &modules},
        {.name = "served", .tests = &served, .set_up = serve_files},
        {.name = "limits", .tests = &limits, .tags = "limits"},
        {.name = "spoilt", .tests = &spoilt, .tags = "limits", .needs = "strace"},
    };

    return run_cases("the paths of web_srv", cases, COUNT(cases));
}
