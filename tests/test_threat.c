/* threat_srv and threat_cli. The web server that has the level is a mock. */
#include "tests/server.h"

#include "base/clock.h"
#include "net/address.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct tests with_server, alone, names, limits;

#define THREAT_SRV "bin/threat_srv"
#define THREAT_CLI "bin/threat_cli"
#define FIRST_LINE "threat_srv started on port "

#define COMMANDS   "The commands are getTime, getThreat, disconnect, help"
#define NO_COMMAND "No such command: there are getTime, getThreat, disconnect, help"

static struct mock web;
static const char *url, *file, *port_text;

static void set_up(void)
{
    file = strdup(temp_write("level", ""));
    web = mock_open("127.0.0.1");
    url = strdup(formatted("http://%s/feed.xml", web.name));
}

static void open_server(const char *first, const char *second, const char *third,
                        const char *fourth)
{
    server = program_serve(THREAT_SRV, FIRST_LINE, first, second, third, fourth, NULL);
    port_text = strdup(formatted("%d", server.port));
}

static struct stream client; /* of the tests that need one */

/* The same, and the client connects. */
static void open_for_client(const char *first, const char *second, const char *third,
                            const char *fourth)
{
    open_server(first, second, third, fourth);
    client = connect_to(server.port);
}

static void write_level(const char *text)
{
    temp_write("level", text);
}

static void ask(struct stream *stream, const char *command)
{
    send_line(stream, "%s\r", command);
}

/* The client asks this, and gets this answer. */
static void expect_answer(const char *command, const char *answer)
{
    ask(&client, command);
    expect_line(&client, "%s", answer);
}

/* ---- The web server ----------------------------------------------------------------- */

/* Waits until threat_srv asks for the document. */
static struct stream take_request(void)
{
    struct stream request = mock_accept(&web);

    expect_line(&request, "GET /feed.xml HTTP/1.1");
    skip_to_line(&request, "%s", "");
    return request;
}

static void answer_request(const char *answer)
{
    struct stream request = take_request();

    send_text(&request, answer);
    stream_close(&request);
}

#define OK_ANSWER                                                                        \
    "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n"                                      \
    "<THREAT_ADVISORY CONDITION=\"ELEVATED\" />"

/* ---- Its commands ------------------------------------------------------------------- */

TEST(with_server, row_10_the_time_the_level_and_a_goodbye)
{
    regex_t stamp;
    const char *line;

    write_level("high\n");
    open_for_client("-f", file, NULL, NULL);
    ask(&client, "getTime");
    line = take_line(&client);
    ck_assert_int_eq(
        regcomp(&stamp, "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[+-][0-9]{2}:[0-9]{2}$",
                REG_EXTENDED),
        0);
    ck_assert_msg(regexec(&stamp, line, 0, NULL, 0) == 0, "the time is '%s'", line);
    regfree(&stamp);
    expect_answer("getThreat", "High");
    ask(&client, "disconnect");
    expect_end(&client);
}

TEST(with_server, case_and_space_do_not_matter_and_anything_else_is_told_what_there_is)
{
    static const char *const strange[] = {"getThreat now", "\033[A", "get"};

    write_level("  Severe  ");
    open_for_client("-f", file, NULL, NULL);
    expect_answer(" \tGETTHREAT ", "Severe");
    expect_answer("HELP", COMMANDS);
    for (size_t i = 0; i < COUNT(strange); i++) {
        expect_answer(strange[i], NO_COMMAND);
    }
    ask(&client, "getThreat");
    expect_line(&client, "Severe");
    send_repeated(&client, "x", 100000); /* no command is that long */
    expect_line(&client, NO_COMMAND);
    expect_end(&client);
}

TEST(with_server, row_10_a_client_that_says_nothing_in_a_line_is_dropped)
{
    static const char *const nothing[] = {"", " \t"};

    open_server(NULL, NULL, NULL, NULL);
    for (size_t i = 0; i < COUNT(nothing); i++) {
        client = connect_to(server.port);
        ask(&client, "help");
        ask(&client, nothing[i]);
        ask(&client, "help"); /* too late */
        expect_line(&client, COMMANDS);
        expect_end(&client);
    }
}

TEST(with_server, row_10_an_idle_client_is_dropped_with_a_sentence_and_a_busy_one_is_not)
{
    struct stream idle, busy;
    int64_t begun = clock_ms();

    open_server("-t", "0.5", NULL, NULL);
    idle = connect_to(server.port);
    busy = connect_to(server.port);
    while (!stream_ready(&idle, 100)) {
        ask(&busy, "help");
        expect_line(&busy, COMMANDS);
    }
    ck_assert_int_ge(clock_ms() - begun, 450);
    expect_line(&idle, "No command for 0.5 seconds: goodbye");
    expect_end(&idle);
}

TEST(with_server, many_clients_are_served_at_once)
{
    struct stream clients[200];

    if (lacks_descriptors(300))
        return;
    write_level("Guarded");
    open_server("-f", file, NULL, NULL);
    for (int i = 0; i < 200; i++) {
        clients[i] = connect_to(server.port);
        send_text(&clients[i], "getTh");
    }
    for (int i = 0; i < 200; i++)
        ask(&clients[i], "reat");
    for (int i = 0; i < 200; i++) {
        expect_line(&clients[i], "Guarded");
        stream_close(&clients[i]);
    }
}

/* ---- The level in a file ------------------------------------------------------------ */

TEST(with_server, a_file_is_read_again_when_it_has_changed)
{
    static const char *const levels[] = {"Low", "Guarded", "Elevated", "High", "Severe"};

    open_for_client("-f", file, NULL, NULL);
    for (int i = 0; i < 5; i++) {
        write_level(levels[i]);
        expect_answer("getThreat", levels[i]);
    }
    write_level("high\r\n"); /* as editors on Windows write it */
    expect_answer("getThreat", "High");
}

TEST(with_server, a_file_without_a_level_makes_it_unknown_with_the_reason)
{
    write_level("Low High");
    open_for_client("-f", file, NULL, NULL);
    expect_answer("getThreat", "unknown: there is no level in the file");
    write_level("");
    expect_answer("getThreat", "unknown: there is no level in the file");
    ck_assert_int_eq(unlink(file), 0);
    expect_answer("getThreat", formatted("unknown: %s", strerror(ENOENT)));
    ck_assert_int_eq(mkfifo(file, 0600), 0); /* it must not wait for a writer */
    expect_answer("getThreat", "unknown: the file is not a regular file");
}

TEST(with_server, without_a_source_the_level_is_unknown)
{
    open_for_client(NULL, NULL, NULL, NULL);
    expect_answer("getThreat",
                  "unknown: the server was given neither a file nor a URL to look in");
}

/* ---- The level in a document -------------------------------------------------------- */

TEST(with_server, row_10_the_level_is_fetched_from_a_web_page_once_for_all_who_ask)
{
    struct stream clients[10];

    open_server("-u", url, "-c", "60");
    for (int i = 0; i < 10; i++) {
        clients[i] = connect_to(server.port);
        ask(&clients[i], "getThreat");
        ask(&clients[i], "help");
    }
    answer_request(OK_ANSWER);
    for (int i = 0; i < 10; i++) { /* in the order of the questions */
        expect_line(&clients[i], "Elevated");
        expect_line(&clients[i], COMMANDS);
    }
    ask(&clients[0], "getThreat");
    expect_line(&clients[0], "Elevated");
    ck_assert(!mock_ready(&web, 0)); /* it remembers, and does not ask again */
}

TEST(with_server, nobody_waits_while_it_is_fetched)
{
    struct stream one, other, request;

    open_server("-u", url, NULL, NULL);
    one = connect_to(server.port);
    other = connect_to(server.port);
    ask(&one, "getThreat");
    request = take_request();
    for (int i = 0; i < 100; i++) {
        ask(&other, "help");
        expect_line(&other, COMMANDS);
    }
    send_text(&request, OK_ANSWER);
    expect_line(&one, "Elevated");
}

TEST(with_server, a_client_that_leaves_while_it_is_fetched_harms_nobody)
{
    struct stream gone, half, stays, request;

    open_server("-u", url, NULL, NULL);
    gone = connect_to(server.port);
    half = connect_to(server.port);
    ask(&gone, "getThreat");
    ask(&half, "getThreat");
    stream_half_close(&half);
    request = take_request();
    stream_reset(&gone);
    stays = connect_to(server.port);
    ask(&stays, "getThreat");
    send_text(&request, OK_ANSWER);
    expect_line(&half, "Elevated");
    expect_end(&half);
    expect_line(&stays, "Elevated");
}

TEST(with_server, a_level_that_is_too_old_is_never_given_again)
{
    open_for_client("-u", url, "-c", "0");
    ask(&client, "getThreat");
    answer_request(OK_ANSWER);
    expect_line(&client, "Elevated");
    mock_close(&web);
    expect_answer("getThreat", formatted("unknown: %s", strerror(ECONNREFUSED)));
}

TEST(with_server, every_reason_why_a_document_is_missing_is_given)
{
    static const struct {
        const char *answer, *why;
    } cases[] = {
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
         "the web server answers 404"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
         "there is no level in the document"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\nCONDITION=\"HIGHER\" CON",
         "there is no level in the document"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", NULL},
        {"HTTP/1.1 200 OK\r\n", "the web server has closed the connection"},
        {"", "the web server has closed the connection"},
        {"SSH-2.0-hello\r\n", NULL},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nhell", NULL},
    };

    open_for_client("-u", url, "-c", "0");
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *why;

        ask(&client, "getThreat");
        answer_request(cases[i].answer);
        why = expect_beginning(&client, "unknown: ");
        if (cases[i].why != NULL)
            ck_assert_str_eq(why, cases[i].why);
    }
}

TEST(with_server, a_failing_document_is_not_asked_for_again_within_a_second)
{
    open_for_client("-u", url, NULL, NULL);
    for (int i = 0; i < 100; i++)
        ask(&client, "getThreat");
    answer_request("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    for (int i = 0; i < 100; i++)
        expect_line(&client, "unknown: the web server answers 404");
    do /* again and again, until it fetches the document again */
        ask(&client, "getThreat");
    while (!mock_ready(&web, 50));
    answer_request(OK_ANSWER);
    ck_assert_int_gt(skip_to_line(&client, "Elevated"), 0);
}

TEST(with_server, a_client_that_waits_for_the_level_is_not_dropped_as_idle)
{
    struct stream request;

    open_for_client("-t", "0.3", "-u", url);
    ask(&client, "getThreat");
    request = take_request();
    send_text(&client, "h"); /* a sign of life, and then nothing for longer than -t */
    sleep_ms(600);
    send_text(&request, OK_ANSWER);
    expect_line(&client, "Elevated");
    expect_line(&client, "No command for 0.3 seconds: goodbye");
    expect_end(&client);
}

TEST(limits, a_full_server_still_has_the_descriptors_to_fetch)
{
    struct stream clients[40];
    int served = 0;

    server = program_serve_by("ulimit -n 24; exec \"$@\"", THREAT_SRV, FIRST_LINE, "-u",
                              url, NULL);
    for (int i = 0; i < 40; i++) {
        clients[i] = connect_to(server.port);
        send_if_open(&clients[i], "help\n");
        served += was_served(&clients[i], COMMANDS);
    }
    ck_assert_int_lt(served, 40);
    ask(&clients[0], "getThreat");
    answer_request(OK_ANSWER);
    expect_line(&clients[0], "Elevated");
}

TEST(with_server, a_document_in_chunks_and_one_that_ends_with_the_connection_are_read)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "b\r\nCONDITION=\"\r\n5\r\nlow\" \r\n0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nCONDITION=\"Low\"",
    };

    open_for_client("-u", url, "-c", "0");
    for (int i = 0; i < 2; i++) {
        ask(&client, "getThreat");
        answer_request(answers[i]);
        expect_line(&client, "Low");
    }
}

TEST(with_server, a_document_without_an_end_is_cut_off)
{
    static char piece[65536];
    struct stream request;

    open_for_client("-u", url, NULL, NULL);
    ask(&client, "getThreat");
    request = take_request();
    send_text(&request, "HTTP/1.1 200 OK\r\n\r\n");
    memset(piece, 'x', sizeof piece);
    for (int i = 0; i < 4; i++)
        (void)send(request.fd, piece, sizeof piece, MSG_NOSIGNAL);
    expect_line(&client, "unknown: the document is too long");
}

TEST(with_server, a_web_server_that_says_nothing_is_waited_for_five_seconds)
{
    struct stream request;
    int64_t begun;

    open_for_client("-u", url, NULL, NULL);
    begun = clock_ms();
    ask(&client, "getThreat");
    request = take_request();
    send_text(&request, "HTTP/1.1 200 ");
    expect_line(&client, "unknown: the web server takes too long");
    ck_assert_int_ge(clock_ms() - begun, 4900);
}

TEST(names, a_host_without_an_address_is_reported_and_nobody_waits_for_the_look_up)
{
    struct stream one, other;

    open_server("-u", "http://nowhere.invalid/feed.xml", NULL, NULL);
    one = connect_to(server.port);
    other = connect_to(server.port);
    ask(&one, "getThreat");
    ask(&other, "help");
    expect_line(&other, COMMANDS);
    expect_beginning(&one, "unknown: ");
}

TEST(alone, it_ends_while_it_fetches)
{
    struct stream request;

    open_for_client("-u", url, NULL, NULL);
    ask(&client, "getThreat");
    request = take_request();
    program_stop(&server);
    expect_end(&request);
}

/* ---- Its client --------------------------------------------------------------------- */

TEST(with_server, row_11_the_client_sends_the_commands_and_prints_the_answers)
{
    struct program caller;

    write_level("High");
    open_server("-f", file, NULL, NULL);
    caller = program_run(THREAT_CLI, "-p", port_text, "127.0.0.1", "--", "getThreat",
                         "help", "getTime", "disconnect", NULL);
    expect_lf(&caller.out, "High");
    expect_lf(&caller.out, COMMANDS);
    ck_assert_uint_eq(strlen(take_line(&caller.out)),
                      strlen("2026-11-21T10:49:30+01:00"));
    expect_success(&caller);
}

TEST(with_server, row_11_without_commands_it_sends_what_is_typed)
{
    struct program caller;

    write_level("High");
    open_server("-f", file, NULL, NULL);
    caller = program_run_by("printf 'getThreat\\nhelp' | \"$@\"", THREAT_CLI, "-p",
                            port_text, NULL);
    expect_lf(&caller.out, "High");
    expect_lf(&caller.out, COMMANDS);
    expect_success(&caller);
}

/* The client with a FIFO as its standard input. Nothing is typed until *typed is closed. */
static struct program converse_silently(int *typed)
{
    const char *path = temp_path("typed");

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    *typed = open(path, O_RDWR);
    return program_run_by(formatted("exec \"$@\" <%s", path), THREAT_CLI, "-p",
                          formatted("%d", web.port), "127.0.0.1", NULL);
}

/* Otherwise a conversation would wait for ever while nothing is typed. */
TEST(alone, the_client_looks_for_a_server_whose_machine_died)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    int typed;
    struct program caller = converse_silently(&typed);
    struct stream peer = mock_accept(&web);

    ck_assert_int_eq(getpeername(peer.fd, (struct sockaddr *)&address, &length), 0);
    send_text(&peer, "Welcome\n");
    expect_lf(&caller.out, "Welcome"); /* by now it has made its preparations */
    expect_keepalive("/proc/net/tcp", address_port(&address), web.port);
    close(typed);
    stream_close(&peer);
    expect_success(&caller);
}

/* The mock plays threat_srv: it answers one command (NULL: not at all), and closes. */
static struct program play(const char *answer, const char *command)
{
    struct program caller =
        program_run(THREAT_CLI, "-w", "0.5", "-p", formatted("%d", web.port), "127.0.0.1",
                    "--", command, NULL);
    struct stream peer = mock_accept(&web);

    expect_line(&peer, "%s", command);
    if (answer != NULL)
        send_text(&peer, answer);
    else
        expect_end(&peer);
    stream_close(&peer);
    return caller;
}

/* The same with a script's standard input, and a server that closes without a word. */
static struct program converse(const char *input)
{
    struct program caller =
        program_run_by(formatted("printf '%s' | \"$@\"", input), THREAT_CLI, "-p",
                       formatted("%d", web.port), "127.0.0.1", NULL);
    struct stream peer = mock_accept(&web);

    stream_fill_to_end(&peer);
    stream_close(&peer);
    return caller;
}

#define NO_ANSWER "threat_cli: no answer from 127.0.0.1 port %d: "

TEST(alone, the_client_reports_a_server_that_is_silent_or_closes)
{
    struct program caller = play("an answer\033[2J\xE2\x80\xAE\n", "getTime");
    struct stream peer;
    int typed;

    expect_lf(&caller.out, "an answer^[[2J\xEF\xBF\xBD");
    expect_success(&caller);
    caller = play(FULL "\n", "getTime");
    expect_end(&caller.out);
    expect_failure(&caller, NO_ANSWER FULL, web.port);
    caller = play("", "disconnect");
    expect_success(&caller);
    caller = play("", ""); /* a server drops a client that says nothing */
    expect_success(&caller);
    for (int i = 0; i < 3; i++) {
        caller = converse(i == 0 ? "" : i == 1 ? "disconnect" : "\\n");
        expect_success(&caller);
    }
    caller = converse("getTime");
    expect_failure(&caller, NO_ANSWER "the server has closed the connection", web.port);
    caller = converse_silently(&typed);
    peer = mock_accept(&web);
    stream_close(&peer);
    expect_failure(&caller, NO_ANSWER "the server has closed the connection", web.port);
    close(typed);
    caller = play("", "getTime");
    expect_failure(&caller, NO_ANSWER "the server has closed the connection", web.port);
    caller = play(NULL, "getTime");
    expect_failure(&caller, NO_ANSWER "timed out after 0.5 s", web.port);
}

TEST(alone, the_client_says_when_its_output_cannot_be_written_or_nobody_is_there)
{
    const char *port = formatted("%d", unused_port());
    struct program caller =
        program_run(THREAT_CLI, "-p", port, "127.0.0.1", "--", "help", NULL);

    expect_failure(&caller, "threat_cli: cannot connect to 127.0.0.1 port %s: %s", port,
                   strerror(ECONNREFUSED));
    open_server(NULL, NULL, NULL, NULL);
    expect_write_error(THREAT_CLI, "-p", port_text, "localhost", "--", "help", NULL);
}

TEST(alone, wrong_usage_is_status_2)
{
    expect_usage_error(THREAT_SRV, "-t", "soon", NULL);
    expect_usage_error(THREAT_SRV, "-u", "ftp://localhost/", NULL);
    expect_usage_error(THREAT_SRV, "-flevel", "-uhttp://localhost/", NULL);
    expect_usage_error(THREAT_SRV, "operand", NULL);
    expect_usage_error(THREAT_CLI, "-p", "0", NULL);
    expect_usage_error(THREAT_CLI, "localhost", "--", "two\nlines", NULL);
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "with threat_srv", .tests = &with_server, .set_up = set_up},
        {.name = "alone", .tests = &alone, .set_up = set_up},
        {.name = "names", .tests = &names, .set_up = set_up, .tags = "resolver"},
        {.name = "limits", .tests = &limits, .set_up = set_up, .tags = "limits"},
    };

    return run_cases("the threat server", cases, COUNT(cases));
}
