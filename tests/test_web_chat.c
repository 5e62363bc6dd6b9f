/* web_chat without a browser: its sessions, its events, and hostile clients. */
#include "tests/mock.h"
#include "tests/room.h"
#include "tests/web_chat.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tests with_ann, tests, alone, limits;

/* In most tests ann is in the room. */
static const char *token;
static struct stream events;

static void ann_comes(void)
{
    web_chat_set_up();
    events = join_and_listen("ann", &token);
}

/* Asks for a path. Returns the status. */
static int get(const char *path)
{
    return request("GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
}

/* ---- The page ----------------------------------------------------------------------- */

TEST(tests, the_page_may_run_its_own_script_alone_and_is_never_stored)
{
    char nonce[33] = "";
    const char *policy;

    ck_assert_int_eq(get("/"), 200);
    ck_assert_ptr_nonnull(
        strstr(answer_head, "Content-Type: text/html; charset=utf-8\n"));
    ck_assert_ptr_nonnull(strstr(answer_head, "Cache-Control: no-store\n"));
    ck_assert_ptr_nonnull(strstr(answer_head, "X-Content-Type-Options: nosniff\n"));
    policy = strstr(answer_head, "Content-Security-Policy: default-src 'none'; ");
    ck_assert_ptr_nonnull(policy);
    ck_assert_ptr_null(strstr(policy, "unsafe"));
    policy = strstr(policy, "script-src 'nonce-");
    ck_assert_ptr_nonnull(policy);
    ck_assert_int_eq(sscanf(policy, "script-src 'nonce-%32[0-9a-f]';", nonce), 1);
    ck_assert_uint_eq(strlen(nonce), 32);
    ck_assert_ptr_nonnull(
        strstr(answer_content, formatted("<script nonce=\"%s\">", nonce)));
    ck_assert_ptr_nonnull(
        strstr(answer_content, formatted("<style nonce=\"%s\">", nonce)));
    ck_assert_ptr_null(strstr(answer_content, "@@@"));
    get("/");
    ck_assert_ptr_null(strstr(answer_head, nonce));
}

TEST(tests, the_page_names_no_other_site_and_is_ascii)
{
    get("/");
    ck_assert_ptr_null(strstr(answer_content, "//www"));
    ck_assert_ptr_null(strstr(answer_content, "http://"));
    ck_assert_ptr_null(strstr(answer_content, "https://"));
    ck_assert_ptr_null(strstr(answer_content, "innerHTML"));
    for (const char *c = answer_content; *c != '\0'; c++)
        ck_assert(*c == '\n' || (*c >= ' ' && *c <= '~'));
}

/* ---- Sessions ----------------------------------------------------------------------- */

TEST(tests, each_session_has_a_token_of_its_own)
{
    char tokens[40][40];

    for (int i = 0; i < 40; i++) {
        strcpy(tokens[i], join(""));
        ck_assert_uint_eq(strspn(tokens[i], "0123456789abcdef"), 32);
        for (int earlier = 0; earlier < i; earlier++)
            ck_assert_str_ne(tokens[i], tokens[earlier]);
    }
}

TEST(with_ann, without_the_right_token_nobody_speaks_or_listens)
{
    const char *other;
    char wrong[40];

    join_and_listen("bob", &other);
    ck_assert_int_eq(post_bytes("/say", "", "bad", 3), 403);
    ck_assert_int_eq(say("", "bad"), 403);
    for (int i = 0; i < 32; i++) {
        strcpy(wrong, token);
        wrong[i] = wrong[i] == '0' ? '1' : '0';
        ck_assert_int_eq(say(wrong, "bad"), 403);
        snprintf(wrong, sizeof wrong, "%.*s", i, token);
        ck_assert_int_eq(say(wrong, "bad"), 403);
    }
    ck_assert_int_eq(say(formatted("%s0", token), "bad"), 403);
    ck_assert_int_eq(get("/events"), 403);
    ck_assert_int_eq(get("/events?session="), 403);
    ck_assert_int_eq(get(formatted("/events?session=%.31s", token)), 403);
    /* A token in the address of /say, or in a cookie, is none: a foreign page can set those. */
    ck_assert_int_eq(post_bytes(formatted("/say?session=%s", token),
                                formatted("Cookie: Chat-Session=%s\r\n", token), "bad",
                                3),
                     403);
    ck_assert_int_eq(say(other, "good"), 204);
    skip_to_event(&events, "said");
    ck_assert_str_eq(event_data, "bob\ngood");
}

TEST(with_ann, a_page_of_another_site_is_refused)
{
    static const char *const foreign[] = {"http://evil.example",
                                          "http://a.evil.example",
                                          "http://a:81",
                                          "null",
                                          "http://",
                                          "http://b",
                                          "https://a.b",
                                          "a",
                                          "ftp://a",
                                          ""};
    const char *session = strdup(formatted("Chat-Session: %s\r\n", token));

    for (size_t i = 0; i < COUNT(foreign); i++) {
        const char *fields = formatted("%sOrigin: %s\r\n", session, foreign[i]);

        ck_assert_int_eq(post_bytes("/say", fields, "bad", 3), 403);
        ck_assert_int_eq(post_bytes("/join", fields, "bad", 3), 403);
        ck_assert_int_eq(request("GET /events?session=%s HTTP/1.1\r\nHost: a\r\n"
                                 "Origin: %s\r\n\r\n",
                                 token, foreign[i]),
                         403);
        ck_assert_ptr_null(strstr(answer_head, "Access-Control"));
    }
    ck_assert_int_eq(
        post_bytes("/say", formatted("%sOrigin: http://A\r\n", session), "one", 3), 204);
    ck_assert_int_eq(
        post_bytes("/say", formatted("%sOrigin: https://a\r\n", session), "two", 3), 204);
    expect_event(&events, "own", "ann\none");
    take_event(&events);
    ck_assert_str_eq(event_data, "ann\ntwo");
}

TEST(tests, only_hosts_that_nobody_can_own_in_the_dns_are_served)
{
    static const char *const ours[] = {
        "localhost",      "LOCALHOST:8080", "teacher:8080", "127.0.0.1",
        "192.168.1.7:80", "[::1]:8080",     "[fe80::1]",    "teacher.local",
        "known.example",  "Known.Example:1"};
    static const char *const others[] = {
        "evil.example",  "evil.example:8080", "127.0.0.1.evil.com", "local.evil.com",
        "evillocal.com", "x.known.example",   "1.2.3.4.5"};

    program_stop(&web_chat);
    web_chat = web_chat_open(chat_room.port, "-n known.example");
    for (size_t i = 0; i < COUNT(ours); i++) {
        ck_assert_int_eq(request("GET / HTTP/1.1\r\nHost: %s\r\n\r\n", ours[i]), 200);
        ck_assert_int_eq(
            request("GET http://%s HTTP/1.1\r\nHost: evil.example\r\n\r\n", ours[i]),
            200);
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        ck_assert_int_eq(request("GET / HTTP/1.1\r\nHost: %s\r\n\r\n", others[i]), 421);
        ck_assert_int_eq(
            request("GET HTTP://%s?/ HTTP/1.1\r\nHost: localhost\r\n\r\n", others[i]),
            421);
        ck_assert_int_eq(
            request("POST /join HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\n"
                    "Content-Length: 0\r\n\r\n",
                    others[i], others[i]),
            421);
    }
}

TEST(with_ann, a_token_is_never_printed)
{
    say(token, "Hello");
    request("GET /events?session=%s HTTP/1.0\r\nOrigin: http://b\r\n\r\n", token);
    get(formatted("/%s", token));
    request("BREW /events?session=%s HTTP/1.1\r\nHost: a\r\n\r\n", token);
    request("GET /events?session=%s HTTP/1.1\r\n\r\n", token);
    stream_close(&events);
    program_kill(&web_chat, SIGTERM);
    stream_fill_to_end(&web_chat.out);
    ck_assert_uint_gt(web_chat.out.length, 0);
    for (size_t i = 0; i + 32 <= web_chat.out.length; i++)
        ck_assert_int_ne(memcmp(web_chat.out.bytes + i, token, 32), 0);
    expect_status(&web_chat, 0);
    web_chat = web_chat_open(chat_room.port, "");
}

/* ---- Names -------------------------------------------------------------------------- */

TEST(tests, people_are_web_1_and_so_on_until_they_choose_a_name)
{
    const char *first, *second;
    struct stream one = join_and_listen("", &first), two = join_and_listen("", &second);
    struct stream telnet = room_join(&chat_room);

    say(first, "Hello");
    expect_line(&telnet, "[web-1] Hello");
    say(second, "/nick ann");
    expect_line(&telnet, "Client web-2 is now ann");
    expect_event(&two, "renamed", "web-2\nann");
    take_event(&two);
    ck_assert_str_eq(event_type, "you");
    ck_assert_str_eq(event_data, "ann");
    expect_event(&one, "renamed", "web-2\nann");
    say(second, "Hello");
    expect_event(&two, "own", "ann\nHello");
    expect_event(&one, "said", "ann\nHello");
}

TEST(with_ann, a_name_in_use_gets_a_number_and_a_bad_one_is_refused)
{
    static const char *const bad[] = {"you", "two words", "17letters-or-more", "a\nb",
                                      "<b>", "\xc3\xa4",  "127.0.0.1",         "a:b"};
    struct stream other = open_events(join("ann"), 0);

    expect_event(&other, "you", "ann1");
    skip_to_event(&events, "renamed");
    ck_assert_str_eq(strchr(event_data, '\n') + 1, "ann1");
    for (size_t i = 0; i < COUNT(bad); i++)
        ck_assert_int_eq(post_bytes("/join", "", bad[i], strlen(bad[i])), 400);
    ck_assert_int_eq(post_bytes("/join", "", "a\0b", 3), 400);
}

/* A full room reads nobody for a moment, and a person may type before it answers. */
TEST(tests, a_name_in_use_gets_a_number_though_the_person_asks_for_another_meanwhile)
{
    struct mock room = mock_open("127.0.0.1");
    struct stream gateway;

    program_stop(&web_chat);
    web_chat = web_chat_open(room.port, "");
    token = join("ann");
    gateway = mock_accept(&room);
    skip_to_line(&gateway, "/nick ann");
    say(token, "/nick bob");
    send_text(&gateway, "The name ann is in use\r\n");
    expect_line(&gateway, "/nick ann1");
    send_text(&gateway, "Client 127.0.0.1:1 is now ann1\r\n");
    skip_to_line(&gateway, "/nick bob");
    program_stop(&web_chat);
    mock_close(&room);
    web_chat = web_chat_open(chat_room.port, "");
}

TEST(tests, asking_for_a_name_in_use_changes_nothing)
{
    const char *other;

    events = join_and_listen("", &token);
    join_and_listen("bob", &other);
    say(token, "/nick ann");
    expect_event(&events, "you", "ann");
    say(other, "/nick web-1");
    expect_event(&events, "renamed", "bob\nweb-1");
    say(token,
        "/nick web-1"); /* the gateway once asked for it, and must not do so again */
    expect_event(&events, "note", "The name web-1 is in use");
    say(token, "Hello");
    expect_event(&events, "own", "ann\nHello");
}

/* ---- What is said ------------------------------------------------------------------- */

TEST(with_ann, commands_work_as_in_a_telnet)
{
    struct stream telnet = named(&chat_room, "tel");

    say(token, "/me waves");
    expect_line(&telnet, "* ann waves");
    expect_event(&events, "own-action", "ann\nwaves");
    say(token, "/msg tel psst");
    expect_line(&telnet, "[ann to you] psst");
    expect_event(&events, "to", "tel\npsst");
    send_line(&telnet, "/msg ann yes?");
    expect_event(&events, "from", "tel\nyes?");
    say(token, "//me");
    expect_event(&events, "own", "ann\n/me");
    say(token, "/who");
    expect_event(&events, "note", "2 here: ann, tel");
    say(token, "/me");
    expect_event(&events, "note", "/me ACTION: the action is missing");
    send_line(&telnet, "/me nods");
    expect_event(&events, "action", "tel\nnods");
    send_line(&telnet, "/quit Lunch");
    expect_event(&events, "left", "tel\n: Lunch");
    say(token, "/quit Bye");
    expect_event(&events, "over", "");
    expect_end(&events);
    ck_assert_int_eq(say(token, "Still here?"), 403);
}

TEST(with_ann, a_line_has_at_most_2048_bytes)
{
    struct stream telnet = room_join(&chat_room);
    const char *line = repeated('x', 2048);

    ck_assert_int_eq(say(token, repeated('x', 2049)), 413);
    ck_assert_int_eq(request("POST /say HTTP/1.1\r\nHost: a\r\nChat-Session: %s\r\n"
                             "Transfer-Encoding: chunked\r\n\r\n801\r\n%s\r\n0\r\n\r\n",
                             token, repeated('x', 2049)),
                     413);
    ck_assert_int_eq(request("POST /say HTTP/1.1\r\nHost: a\r\nChat-Session: %s\r\n"
                             "Content-Length: 99999999999\r\n\r\n",
                             token),
                     413);
    /* This the room shows as two characters each. */
    ck_assert_int_eq(say(token, repeated('\033', 1025)), 413);
    ck_assert_int_eq(say(token, line), 204);
    expect_line(&telnet, "[ann] %s", line);
    skip_to_event(&events, "own");
    ck_assert_str_eq(event_data + strlen("ann\n"), line);
}

TEST(with_ann, no_byte_of_a_line_is_a_second_line_or_a_command_of_telnet)
{
    static const struct {
        const char *bytes, *said;
    } lines[] = {
        {"a\033[2Jb\x7f", "a^[[2Jb^?"},
        {"\xff\xf4\xff\xfd\x06x", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd^Fx"},
        {"\x04", "^D"},
        {"\xc2\x9bx", "M-^[x"},
        {"half \xe2\x82", "half \xef\xbf\xbd"},
        {"with an end\r\n", "with an end"},
        {"GET / HTTP/1.1", "GET / HTTP/1.1"},
    };
    struct stream telnet = room_join(&chat_room);

    ck_assert_int_eq(say(token, "one\n/quit"), 400);
    ck_assert_int_eq(say(token, "one\r/quit"), 400);
    ck_assert_int_eq(say(token, "one\n\n"), 400);
    ck_assert_int_eq(say(token, ""), 400);
    ck_assert_int_eq(say(token, "\r\n"), 400);
    for (size_t i = 0; i < COUNT(lines); i++) {
        ck_assert_int_eq(say(token, lines[i].bytes), 204);
        expect_line(&telnet, "[ann] %s", lines[i].said);
        expect_event(&events, "own", formatted("ann\n%s", lines[i].said));
    }
    ck_assert_int_eq(
        post_bytes("/say", formatted("Chat-Session: %s\r\n", token), "a\0b", 3), 204);
    expect_line(&telnet, "[ann] a^@b");
}

TEST(with_ann, text_that_would_mislead_is_replaced_and_markup_stays_text)
{
    struct stream telnet = named(&chat_room, "tel");

    send_line(&telnet, "a\xe2\x80\xaeg\xe2\x80\xa8z <b>&amp;</b>");
    expect_event(&events, "said", "tel\na\xef\xbf\xbdg\xef\xbf\xbdz <b>&amp;</b>");
    send_line(&telnet, "data: x");
    expect_event(&events, "said", "tel\ndata: x");
    send_line(&telnet, " two spaces");
    expect_event(&events, "said", "tel\n two spaces");
    send_line(&telnet, "3 here: eve, mallory");
    expect_event(&events, "said", "tel\n3 here: eve, mallory");
}

TEST(with_ann, a_line_longer_than_the_rooms_keeps_its_name_in_each_piece)
{
    struct stream telnet = named(&chat_room, "tel");
    size_t said = 0;

    send_repeated(&telnet, "x", 5000);
    send_text(&telnet, "\r\n");
    while (said < 5000) {
        take_event(&events);
        if (strcmp(event_type, "said") != 0)
            continue;
        ck_assert_int_eq(strncmp(event_data, "tel\n", 4), 0);
        ck_assert_uint_eq(strspn(event_data + 4, "x"), strlen(event_data + 4));
        said += strlen(event_data + 4);
    }
    ck_assert_uint_eq(said, 5000);
}

TEST(with_ann, the_rest_of_a_long_farewell_makes_nobody_else_leave)
{
    struct stream a = named(&chat_room, "a");

    send_text(&a, "/quit ");
    send_repeated(&a, "x", 2048 - strlen("Client left a: "));
    send_text(&a, "nn\r\n");
    skip_to_event(&events, "left");
    skip_to_event(&events, "left");
    ck_assert_str_eq(event_data, "a\n: nn");
}

/* ---- Numbers ------------------------------------------------------------------------ */

TEST(with_ann, a_browser_that_was_cut_off_loses_no_line_and_gets_none_twice)
{
    struct stream telnet = named(&chat_room, "tel");
    uint64_t last = 0, number;
    int next = 0;

    for (int n = 0; n < 300; n++) {
        send_line(&telnet, "line %d", n);
        if (n % 7 == 3)
            say(token, "Mine");
        if (n % 10 == 5)
            stream_reset(&events);
        if (n % 10 != 9)
            continue;
        events = open_events(token, last);
        while (next <= n) {
            number = take_event(&events);
            if (last > 0)
                ck_assert_uint_eq(number, last + 1);
            last = number;
            if (strcmp(event_type, "said") != 0)
                continue;
            ck_assert_str_eq(event_data, formatted("tel\nline %d", next));
            next++;
        }
    }
}

TEST(with_ann, the_number_may_be_in_the_query_or_nonsense)
{
    static const char *const nonsense[] = {"-1", "x", "1e3", "", "0x1", " "};
    uint64_t last;

    say(token, "one");
    last = expect_event(&events, "own", "ann\none");
    say(token, "two");
    events = connect_to(web_chat.port);
    send_text(&events, formatted("GET /events?session=%s&last=%llu HTTP/1.1\r\n"
                                 "Host: a\r\n\r\n",
                                 token, (unsigned long long)last));
    skip_to_line(&events, "%s", "");
    ck_assert_uint_eq(take_event(&events), last + 1);
    for (size_t i = 0; i < COUNT(nonsense); i++) {
        events = connect_to(web_chat.port);
        send_text(&events, formatted("GET /events?session=%s HTTP/1.1\r\nHost: a\r\n"
                                     "Last-Event-ID: %s\r\n\r\n",
                                     token, nonsense[i]));
        skip_to_line(&events, "%s", "");
        ck_assert_uint_eq(take_event(&events), 1);
    }
    /* One from the future means that it has seen everything. */
    events = open_events(token, UINT64_MAX);
    say(token, "three");
    take_event(&events);
    while (strcmp(event_type, "elsewhere") == 0)
        take_event(&events);
    ck_assert_str_eq(event_data, "ann\nthree");
}

TEST(with_ann, when_too_much_was_said_since_it_says_how_much_is_missing)
{
    const int burst = 500;
    struct stream telnet = named(&chat_room, "tel");
    uint64_t last, number;
    unsigned long missing;

    say(token, "before");
    last = expect_event(&events, "own", "ann\nbefore");
    for (int n = 1; n <= 6000; n++) {
        send_line(&telnet, "line %d", n);
        if (n % burst == 0)
            expect_event(&events, "said", formatted("tel\nline %d", n));
    }
    send_line(&telnet, "/me has done");
    expect_event(&events, "action", "tel\nhas done");
    stream_close(&events);
    events = open_events(token, last);
    number = take_event(&events);
    ck_assert_str_eq(event_type, "missing");
    missing = strtoul(event_data, NULL, 10);
    ck_assert_uint_gt(missing, 1500);
    ck_assert_uint_eq(number, last + missing);
    ck_assert_uint_eq(take_event(&events), number + 1);
    expect_event(&events, "action", "tel\nhas done");
    expect_event(&events, "you", "ann");
    skip_to_event(&events, "who");
}

TEST(with_ann, a_second_stream_takes_over_from_the_first)
{
    struct stream second;

    second = open_events(token, 0);
    take_event(&events);
    ck_assert_str_eq(event_type, "elsewhere");
    expect_end(&events);
    say(token, "Hello");
    expect_event(&second, "own", "ann\nHello");
}

/* ---- The room ----------------------------------------------------------------------- */

TEST(with_ann, a_room_that_is_down_is_reported_and_comes_back_by_itself)
{
    const char *newcomer;
    struct stream other;
    const char *port = strdup(formatted("%d", chat_room.port));

    say(token, "/nick eve");
    expect_event(&events, "you", "eve");
    program_stop(&chat_room);
    expect_event(&events, "note", "ChatServer stopping");
    skip_to_event(&events, "down");
    ck_assert_int_eq(say(token, "Hello?"), 503);
    ck_assert_int_eq(get("/"), 200);
    newcomer = join("new");
    other = open_events(newcomer, 0);
    take_event(&other);
    ck_assert_str_eq(event_type, "down");
    chat_room = program_run(PCHATSRV, "-p", port, NULL);
    expect_lf(&chat_room.out, FIRST_LINE "%s", port);
    expect_event(&events, "you", "eve");
    expect_event(&other, "you", "new");
    ck_assert_int_eq(say(token, "Hello"), 204);
    expect_event(&other, "said", "eve\nHello");
    expect_lf(
        &web_chat.err,
        "web_chat: lost the connection to the room at 127.0.0.1 port %s: it closed the "
        "connection; trying again",
        port);
    expect_lf(&web_chat.err, "web_chat: the room is back");
}

/* The gateway asks who is here. That is not a line of the person's. */
TEST(with_ann, a_person_who_said_nothing_lost_nothing_when_the_room_went_down)
{
    const char *port = strdup(formatted("%d", chat_room.port));

    program_stop(&chat_room);
    expect_event(&events, "note", "ChatServer stopping");
    take_event(&events);
    ck_assert_str_eq(event_type, "down");
    chat_room = program_run(PCHATSRV, "-p", port, NULL);
    expect_lf(&chat_room.out, FIRST_LINE "%s", port);
    take_event(&events);
    ck_assert_str_ne(event_type, "note");
    skip_to_line(&web_chat.err, "web_chat: the room is back");
}

/* One browser tries it every two seconds; its page is not filled with that. */
TEST(tests, a_room_that_lets_nobody_in_is_down_and_its_reason_is_given_once)
{
    struct mock room = mock_open("127.0.0.1");
    struct stream attempt;

    program_stop(&web_chat);
    web_chat = web_chat_open(room.port, "");
    events = open_events(join("ann"), 0);
    for (int n = 0; n < 3; n++) {
        attempt = mock_accept(&room);
        skip_to_line(&attempt, "/nick ann");
        send_text(&attempt, "No more\r\n");
        stream_close(&attempt);
    }
    attempt = mock_accept(&room);
    skip_to_line(&attempt, "/nick ann");
    send_text(&attempt, "Client 127.0.0.1:1 is now ann\r\n");
    expect_event(&events, "note", "No more");
    take_event(&events);
    ck_assert_str_eq(event_type, "down");
    ck_assert_ptr_nonnull(strstr(event_data, "after 'No more'"));
    take_event(&events);
    ck_assert_str_eq(event_type, "you");
    skip_to_line(&web_chat.err, "web_chat: the room is back");
    stream_close(&events);
    program_stop(&web_chat);
    mock_close(&room);
    web_chat = web_chat_open(chat_room.port, "");
}

TEST(with_ann, sigterm_ends_the_streams_in_order_and_the_room_is_told)
{
    struct stream telnet = room_join(&chat_room);

    program_kill(&web_chat, SIGTERM);
    expect_event(&events, "stopping", "The web server is stopping");
    expect_end(&events);
    expect_line(&telnet, "Client left ann");
    close_sockets();
    expect_status(&web_chat, 0);
    web_chat = web_chat_open(chat_room.port, "");
}

/* The next that is said is tel's 20 lines in their order, and those of 20 others, once. */
static void expect_all_lines(struct stream *stream, int count)
{
    char heard[40][40];
    int from_tel = 0;

    for (int n = 0; n < count; n++) {
        skip_to_event(stream, "said");
        snprintf(heard[n], sizeof heard[n], "%.39s", event_data);
        for (int earlier = 0; earlier < n; earlier++)
            ck_assert_str_ne(heard[n], heard[earlier]);
        if (strncmp(event_data, "tel", 3) == 0)
            ck_assert_str_eq(event_data, formatted("tel\nline %d", from_tel++));
    }
    ck_assert_int_eq(from_tel, 20);
}

TEST(tests, four_hundred_people_at_once_hear_each_line_once)
{
    enum { PEOPLE = 400 };
    static struct stream streams[PEOPLE];
    static char tokens[PEOPLE][40];
    struct stream telnet;

    if (lacks_descriptors(PEOPLE + 100))
        return;
    for (int i = 0; i < PEOPLE; i++) {
        strcpy(tokens[i], join(""));
        streams[i] = open_events(tokens[i], 0);
    }
    for (int i = 0; i < PEOPLE; i++)
        expect_event(&streams[i], "you", formatted("web-%d", i + 1));
    telnet = named(&chat_room, "tel");
    for (int n = 0; n < 20; n++)
        send_line(&telnet, "line %d", n);
    for (int n = 0; n < 20; n++)
        ck_assert_int_eq(say(tokens[n * 20], formatted("mine %d", n)), 204);
    for (int i = 0; i < PEOPLE; i++)
        expect_all_lines(&streams[i], i % 20 == 0 ? 39 : 40);
}

/* ---- Places for everyone ------------------------------------------------------------ */

#define FEW 8 /* people, for whom 64 descriptors are enough */

static void open_with_few_places(void)
{
    program_stop(&web_chat);
    web_chat = program_serve_by("ulimit -n 64; exec \"$@\"", WEB_CHAT, WEB_CHAT_FIRST,
                                "-r", formatted("127.0.0.1:%d", chat_room.port), NULL);
}

TEST(limits, the_next_one_after_a_full_house_is_told)
{
    const char *tokens[FEW];

    open_with_few_places();
    for (int i = 0; i < FEW; i++)
        join_and_listen("", &tokens[i]);
    ck_assert_int_eq(post_bytes("/join", "", "", 0), 503);
    ck_assert_ptr_nonnull(strstr(answer_content, "try again later"));
    ck_assert_int_eq(say(tokens[0], "/quit"), 204);
    while (post_bytes("/join", "", "", 0) != 200)
        sleep_ms(10);
}

/* So many connections that there would be a descriptor for nobody else. */
static void open_crowd(const char *begun)
{
    for (int i = 0; i < 100; i++) {
        struct stream client = connect_to_host(web_chat_host, web_chat.port);

        send_if_open(&client, begun);
    }
}

TEST(limits, connections_without_a_request_make_way_for_those_with_one)
{
    static const char *const begun[] = {
        "", "GET / HTTP/1.1\r\n",
        "POST /say HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx"};
    open_with_few_places();
    events = join_and_listen("ann", &token);
    for (size_t i = 0; i < COUNT(begun); i++) {
        open_crowd(begun[i]);
        ck_assert_int_eq(get("/"), 200);
        ck_assert_int_eq(say(token, begun[i][0] == '\0' ? "silent" : "slow"), 204);
    }
    expect_event(&events, "own", "ann\nslow");
}

/* Each takes over from the one before it, which is still there for two seconds. */
TEST(limits, streams_of_events_that_were_let_go_make_way_too)
{
    open_with_few_places();
    events = join_and_listen("ann", &token);
    open_crowd(formatted("GET /events?session=%s HTTP/1.1\r\nHost: a\r\n\r\n", token));
    ck_assert_int_eq(get("/"), 200);
    ck_assert_int_eq(say(token, "Here"), 204);
}

TEST(limits, a_join_is_answered_though_its_connection_is_the_oldest_of_many)
{
    struct stream oldest;

    open_with_few_places();
    oldest = connect_to_host(web_chat_host, web_chat.port);
    for (int i = 0; i < 35; i++) /* and no more: it would make way for the next */
        (void)connect_to_host(web_chat_host, web_chat.port);
    send_text(&oldest, "POST /join HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    expect_line(&oldest, "HTTP/1.1 200 OK");
}

TEST(limits, the_connections_of_one_address_do_not_displace_those_of_another)
{
    struct stream slow;

    if (lacks("IPv6"))
        return;
    open_with_few_places();
    slow = connect_to_host("::1", web_chat.port);
    send_text(&slow, "GET / HTTP/1.1\r\n");
    open_crowd("");
    ck_assert_int_eq(get("/"), 200);
    send_text(&slow, "Host: a\r\n\r\n");
    expect_line(&slow, "HTTP/1.1 200 OK");
}

TEST(limits, people_without_a_browser_make_way_for_newcomers)
{
    const char *first, *last = NULL;

    open_with_few_places();
    first = join("");
    for (int i = 0; i < FEW + 4; i++)
        last = join("");
    ck_assert_int_eq(say(first, "Am I here?"), 403);
    events = join_and_listen("ann", &token);
    ck_assert_int_eq(say(last, "Me too"), 204);
    skip_to_event(&events, "said");
}

TEST(limits, an_address_with_many_people_makes_way_for_one_with_fewer)
{
    struct stream streams[FEW];
    const char *tokens[FEW], *others[FEW / 2];
    int still_here = 0;

    if (lacks("IPv6"))
        return;
    open_with_few_places();
    for (int i = 0; i < FEW; i++)
        streams[i] = join_and_listen("", &tokens[i]);
    web_chat_host = "::1";
    for (int i = 0; i < FEW / 2; i++)
        join_and_listen("", &others[i]);
    ck_assert_int_eq(post_bytes("/join", "", "", 0), 503);
    web_chat_host = "127.0.0.1";
    ck_assert_int_eq(post_bytes("/join", "", "", 0), 503);
    for (int i = 0; i < FEW; i++) {
        int status = say(tokens[i], "Still here");

        still_here += status == 204;
        if (status == 204)
            continue;
        ck_assert_int_eq(status, 403);
        expect_event(&streams[i], "note", "Somebody else needed your place");
        expect_end(&streams[i]);
    }
    ck_assert_int_eq(still_here, FEW / 2);
}

/* ---- Hostile clients ---------------------------------------------------------------- */

TEST(tests, requests_for_nothing_or_in_a_wrong_way_are_refused)
{
    static const struct {
        const char *head;
        int status;
        const char *allow;
    } requests[] = {
        {"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", 404, ""},
        {"GET /../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", 404, ""},
        {"GET /eventsx HTTP/1.1\r\nHost: a\r\n\r\n", 404, ""},
        {"GET x HTTP/1.1\r\nHost: a\r\n\r\n", 404, ""},
        {"GET /say HTTP/1.1\r\nHost: a\r\n\r\n", 405, "Allow: POST\n"},
        {"HEAD /join HTTP/1.1\r\nHost: a\r\n\r\n", 405, "Allow: POST\n"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 405,
         "Allow: GET, HEAD\n"},
        {"OPTIONS /say HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\n"
         "Access-Control-Request-Headers: chat-session\r\n\r\n",
         405, "Allow: GET, HEAD, POST\n"},
        {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501, ""},
        {"GET / HTTP/1.1\r\n\r\n", 400, ""},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, ""},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, ""},
        {"POST /say HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
         "Transfer-Encoding: chunked\r\n\r\n",
         400, ""},
        {"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", 200, ""},
        {"GET /?x HTTP/1.0\r\n\r\n", 200, ""},
    };

    for (size_t i = 0; i < COUNT(requests); i++) {
        ck_assert_int_eq(request("%s", requests[i].head), requests[i].status);
        ck_assert_ptr_nonnull(strstr(answer_head, requests[i].allow));
        ck_assert_ptr_nonnull(strstr(answer_head, "X-Content-Type-Options: nosniff\n"));
        ck_assert_ptr_nonnull(strstr(answer_head, "Connection: close\n"));
    }
}

TEST(with_ann, what_a_browser_sends_after_its_request_for_events_is_ignored)
{
    send_text(&events, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    send_repeated(&events, "noise\r\n", 100000);
    say(token, "Hello");
    expect_event(&events, "own", "ann\nHello");
}

/*
 * Ctrl-Z in its terminal, and fg. Its signs of life are late then, and no browser is to blame.
 * A line that is said wakes the loop, which may wait on.
 */
TEST(with_ann, after_a_long_stop_the_events_go_on)
{
    program_pause(&web_chat);
    sleep_ms(21000); /* a second more than a browser has for a request */
    program_go_on(&web_chat);
    ck_assert_int_eq(say(token, "Here again"), 204);
    skip_to_line(&events, "event: alive");
    expect_event(&events, "own", "ann\nHere again");
}

TEST(alone, wrong_usage_is_status_2)
{
    expect_usage_error(WEB_CHAT, "-p", "65536", NULL);
    expect_usage_error(WEB_CHAT, "-r", "localhost:0", NULL);
    expect_usage_error(WEB_CHAT, "-r", NULL);
    expect_usage_error(WEB_CHAT, "room", NULL);
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "with ann",
         .tests = &with_ann,
         .set_up = ann_comes,
         .tear_down = web_chat_tear_down},
        {.name = "with a room",
         .tests = &tests,
         .set_up = web_chat_set_up,
         .tear_down = web_chat_tear_down},
        {.name = "alone", .tests = &alone},
        {.name = "limits",
         .tests = &limits,
         .set_up = web_chat_set_up,
         .tear_down = web_chat_tear_down,
         .tags = "limits"},
    };

    return run_cases("web_chat", cases, COUNT(cases));
}
