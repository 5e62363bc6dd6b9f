/* http/url: URLs, references, and what is sent of them. */
#include "tests/harness.h"

#include "http/http.h"
#include "http/url.h"

#include <string.h>

static struct tests suite;

TEST(suite, a_url_comes_apart_into_host_port_and_path)
{
    static const struct {
        const char *text, *host;
        int port;
        const char *path, *authority;
    } urls[] = {
        {"http://a", "a", 80, "/", "a"},
        {"HTTP://Example.org/", "Example.org", 80, "/", "Example.org"},
        {"http://a:8080/x?y=/z#part", "a", 8080, "/x?y=/z", "a:8080"},
        {"http://a:?q", "a", 80, "/?q", "a"},
        {"http://a:80#f", "a", 80, "/", "a"},
        {"http://a:000000080/", "a", 80, "/", "a"},
        {"http://127.0.0.1:65535/../x", "127.0.0.1", 65535, "/x", "127.0.0.1:65535"},
        {"http://[::1]:8080/", "::1", 8080, "/", "[::1]:8080"},
        {"http://[FE80::1%25eth0]/", "FE80::1%eth0", 80, "/", "[FE80::1]"},
        {"http://[fe80::1%eth0]:1/", "fe80::1%eth0", 1, "/", "[fe80::1]:1"},
        {"http://a/b c\r\nX: y\t\x7f\xc3\xa9%20|", "a", 80,
         "/b%20c%0D%0AX:%20y%09%7F%C3%A9%20%7C", "a"},
    };

    for (size_t i = 0; i < COUNT(urls); i++) {
        char authority[URL_AUTHORITY_MOST];
        const char *why = "";
        struct url url;

        if (url_parse(&url, urls[i].text, &why) == -1)
            ck_abort_msg("'%s': %s", urls[i].text, why);
        ck_assert_str_eq(url.host, urls[i].host);
        ck_assert_int_eq(url.port, urls[i].port);
        ck_assert_str_eq(url.path, urls[i].path);
        url_authority(&url, authority);
        ck_assert_str_eq(authority, urls[i].authority);
    }
}

TEST(suite, what_is_not_an_http_url_is_refused_with_the_reason)
{
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"", "only http"},
        {"a/b", "only http"},
        {"ftp://a/", "only http"},
        {"httpS://a/", "https needs TLS"},
        {"http://", "no host"},
        {"http:///x", "no host"},
        {"http://:80/", "no host"},
        {"http://user:word@a/", "name or password"},
        {"http://a@b", "name or password"},
        {"http://a b/", "character"},
        {"http://a\r\nX/", "character"},
        {"http://\xc3\xa9/", "character"},
        {"http://a%2fb/", "character"},
        {"http://a\\b/", "character"},
        {"http://a:0/", "port"},
        {"http://a:65536/", "port"},
        {"http://a:8o/", "port"},
        {"http://a: 80/", "port"},
        {"http://::1/", "brackets"},
        {"http://[::1/", "]"},
        {"http://[]/", "no host"},
        {"http://[::1]80/", "followed by neither"},
        {"http://[127.0.0.1]/", "not an IPv6"},
        {"http://[::1%]/", "zone"},
        {"http://[::1%25a b]/", "zone"},
    };

    for (size_t i = 0; i < COUNT(bad); i++) {
        const char *why = "not refused";
        struct url url;

        if (url_parse(&url, bad[i].text, &why) == 0 || strstr(why, bad[i].why) == NULL)
            ck_abort_msg("'%s': %s", bad[i].text, why);
    }
}

TEST(suite, a_url_that_is_too_long_is_refused)
{
    static char text[2 * URL_PATH_MOST];
    const char *why;
    struct url url;

    memset(text, 'a', sizeof text - 1);
    memcpy(text, "http://", 7);
    ck_assert_int_eq(url_parse(&url, text, &why), -1);
    ck_assert_str_eq(why, "the host is too long");
    text[8] = '/';
    ck_assert_int_eq(url_parse(&url, text, &why), -1);
    ck_assert_str_eq(why, "it is too long");
    text[URL_PATH_MOST] = '\0';
    ck_assert_int_eq(url_parse(&url, text, &why), 0);
    for (size_t length = 1; length <= URL_PATH_MOST; length += length < 40 ? 1 : 39) {
        size_t path = strlen("/b/") + 3 * length; /* each LF is written as %0A */

        memset(text, '\n', length);
        text[length] = '\0';
        ck_assert_int_eq(url_parse(&url, "http://a/b/", &why), 0);
        ck_assert_int_eq(url_resolve(&url, text, &why), path <= URL_PATH_MOST ? 0 : -1);
        if (path <= URL_PATH_MOST)
            ck_assert_uint_eq(strlen(url.path), path);
    }
}

/* RFC 3986 5.4: those of its examples that are about http. */
TEST(suite, a_reference_is_resolved_as_the_rfcs_examples_are)
{
    static const struct {
        const char *reference, *path;
    } examples[] = {
        {"g", "/b/c/g"},
        {"./g", "/b/c/g"},
        {"g/", "/b/c/g/"},
        {"/g", "/g"},
        {"?y", "/b/c/d;p?y"},
        {"g?y", "/b/c/g?y"},
        {"#s", "/b/c/d;p?q"},
        {"g#s", "/b/c/g"},
        {"g?y#s", "/b/c/g?y"},
        {";x", "/b/c/;x"},
        {"g;x", "/b/c/g;x"},
        {"g;x?y#s", "/b/c/g;x?y"},
        {"", "/b/c/d;p?q"},
        {".", "/b/c/"},
        {"./", "/b/c/"},
        {"..", "/b/"},
        {"../", "/b/"},
        {"../g", "/b/g"},
        {"../..", "/"},
        {"../../", "/"},
        {"../../g", "/g"},
        {"../../../g", "/g"},
        {"../../../../g", "/g"},
        {"/./g", "/g"},
        {"/../g", "/g"},
        {"g.", "/b/c/g."},
        {".g", "/b/c/.g"},
        {"g..", "/b/c/g.."},
        {"..g", "/b/c/..g"},
        {"./../g", "/b/g"},
        {"./g/.", "/b/c/g/"},
        {"g/./h", "/b/c/g/h"},
        {"g/../h", "/b/c/h"},
        {"g;x=1/./y", "/b/c/g;x=1/y"},
        {"g;x=1/../y", "/b/c/y"},
        {"g?y/./x", "/b/c/g?y/./x"},
        {"g?y/../x", "/b/c/g?y/../x"},
        {"g#s/../x", "/b/c/g"},
        {"//a/x/../y", "/y"},
    };

    for (size_t i = 0; i < COUNT(examples); i++) {
        const char *why = "";
        struct url url;

        ck_assert_int_eq(url_parse(&url, "http://a/b/c/d;p?q", &why), 0);
        if (url_resolve(&url, examples[i].reference, &why) == -1 ||
            strcmp(url.path, examples[i].path) != 0 || strcmp(url.host, "a") != 0)
            ck_abort_msg("'%s': '%s' %s", examples[i].reference, url.path, why);
    }
}

TEST(suite, a_reference_may_lead_to_another_host)
{
    const char *why = "";
    struct url url;

    ck_assert_int_eq(url_parse(&url, "http://a:8080/b", &why), 0);
    ck_assert_int_eq(url_resolve(&url, "c", &why), 0);
    ck_assert_int_eq(url.port, 8080);
    ck_assert_int_eq(url_resolve(&url, "//c.d:1/e f", &why), 0);
    ck_assert_str_eq(url.host, "c.d");
    ck_assert_int_eq(url.port, 1);
    ck_assert_str_eq(url.path, "/e%20f");
    ck_assert_int_eq(url_resolve(&url, "http://[::1]/g", &why), 0);
    ck_assert_str_eq(url.host, "::1");
    ck_assert_int_eq(url.port, 80);
    ck_assert_int_eq(url_resolve(&url, "https://a/", &why), -1);
    ck_assert_int_eq(url_resolve(&url, "mailto:x@y", &why), -1);
}

TEST(suite, whatever_a_url_holds_what_is_sent_of_it_is_one_line_of_visible_ascii)
{
    static char request[HTTP_HEAD_MOST];

    for (int round = 0; round < 20000; round++) {
        char text[40] = "http://a/";
        const char *why;
        struct url url;
        size_t length, lines = 0;

        for (size_t i = random_below(2) ? 7 : 9; i < sizeof text - 1; i++)
            text[i] = (char)(1 + random_below(255));
        if (url_parse(&url, text, &why) == -1 &&
            (url_parse(&url, "http://a", &why) == -1 ||
             url_resolve(&url, text + 9, &why) == -1))
            continue;
        length = http_compose_get(request, &url, "agent");
        for (size_t i = 0; i < length; i++) {
            lines += request[i] == '\n';
            if ((request[i] < ' ' && request[i] != '\r' && request[i] != '\n') ||
                request[i] > '~')
                ck_abort_msg("'%s' became '%s'", text, request);
        }
        ck_assert_uint_eq(lines, 6);
    }
}

TEST(suite, row_12_a_get_says_what_host_it_is_for_and_that_no_other_follows)
{
    char request[HTTP_HEAD_MOST];
    const char *why;
    struct url url;

    ck_assert_int_eq(url_parse(&url, "http://[::1]:8888/a?b", &why), 0);
    ck_assert_uint_eq(http_compose_get(request, &url, "me"), strlen(request));
    ck_assert_str_eq(request,
                     "GET /a?b HTTP/1.1\r\nHost: [::1]:8888\r\nUser-Agent: me\r\n"
                     "Accept: */*\r\nConnection: close\r\n\r\n");
}

int main(void)
{
    return run_tests("URLs", &suite, NULL);
}
