/*
 * The threat server and its client. THREAT_SRV and THREAT_CLI name other programs in place
 * of bin/threat_srv and bin/threat_cli. The web server that it asks is played by the test.
 */
#include "tests/harness.h"

#include "base/clock.h"
#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEVEL "<THREAT_ADVISORY CONDITION=\"ELEVATED\" />"

static struct program server;
static char file[64];
static int web; /* the listening socket of the web server that is played */
static char url[64], port_text[16];

static void set_up(void)
{
    const char *why;
    int descriptor;

    strcpy(file, "/tmp/netlab-threat-XXXXXX");
    descriptor = mkstemp(file);
    ck_assert_int_ne(descriptor, -1);
    close(descriptor);
    web = listener_open("127.0.0.1", 0, SOCK_STREAM, &why);
    ck_assert_int_ne(web, -1);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/feed.xml", listener_port(web));
}

static void tear_down(void)
{
    ck_assert_int_eq(unlink(file), 0);
    close(web);
}

static void open_server(const char *first, const char *second, const char *third,
                        const char *fourth)
{
    server = program_run("bin/threat_srv", "-p", "0", first, second, third, fourth, NULL);
    program_read_port(&server, "threat_srv started on port ");
    snprintf(port_text, sizeof port_text, "%d", server.port);
}

static void write_file(const char *text)
{
    FILE *out = fopen(file, "w");

    ck_assert_ptr_nonnull(out);
    ck_assert_int_ge(fputs(text, out), 0);
    ck_assert_int_eq(fclose(out), 0);
}

static void ask(struct stream *client, const char *command)
{
    send_text(client, command);
    send_text(client, "\r\n");
}

/* ---- The web server that is played -------------------------------------------------- */

/* Waits for the threat server, which asks for the document. */
static struct stream take_request(void)
{
    struct stream request;
    char *line;

    ck_assert_int_eq(poll(&(struct pollfd){web, POLLIN, 0}, 1, DEADLINE_MS), 1);
    request = stream_of(accept(web, NULL, NULL));
    ck_assert_int_ne(request.fd, -1);
    expect_line(&request, "GET /feed.xml HTTP/1.1");
    do {
        line = next_line(&request);
    } while (*line != '\0' && (free(line), true));
    free(line);
    return request;
}

static void answer_request(const char *answer)
{
    struct stream request = take_request();

    send_text(&request, answer);
    stream_close(&request);
}

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n" LEVEL

/* ---- Its commands ------------------------------------------------------------------- */

START_TEST(row_10_the_time_the_level_and_a_goodbye)
{
    struct stream client;
    regex_t stamp;
    char *line;

    write_file("high\n");
    open_server("-f", file, NULL, NULL);
    client = connect_to(server.port);
    ask(&client, "getTime");
    line = next_line(&client);
    ck_assert_int_eq(
        regcomp(&stamp, "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[+-][0-9]{2}:[0-9]{2}$",
                REG_EXTENDED),
        0);
    ck_assert_msg(regexec(&stamp, line, 0, NULL, 0) == 0, "the time is '%s'", line);
    regfree(&stamp);
    free(line);
    ask(&client, "getThreat");
    expect_line(&client, "High");
    ask(&client, "disconnect");
    expect_end(&client);
    stream_close(&client);
    program_stop(&server);
}
END_TEST

START_TEST(case_and_space_do_not_matter_and_anything_else_is_told_what_there_is)
{
    static const char *const strange[] = {"getThreat now", "\033[A", "get"};
    struct stream client;
    char *longest;

    write_file("  Severe  ");
    open_server("-f", file, NULL, NULL);
    client = connect_to(server.port);
    ask(&client, " \tGETTHREAT ");
    expect_line(&client, "Severe");
    ask(&client, "HELP");
    expect_line(&client, "The commands are getTime, getThreat, disconnect, help");
    for (int i = 0; i < 3; i++) {
        ask(&client, strange[i]);
        expect_line(&client,
                    "No such command: there are getTime, getThreat, disconnect, help");
    }
    longest = malloc(100001); /* it is one command, however long, and not several */
    ck_assert_ptr_nonnull(longest);
    memset(longest, 'x', 100000);
    longest[100000] = '\0';
    ask(&client, longest);
    free(longest);
    ask(&client, "getThreat");
    expect_line(&client,
                "No such command: there are getTime, getThreat, disconnect, help");
    expect_line(&client, "Severe");
    stream_close(&client);
    program_stop(&server);
}
END_TEST

START_TEST(row_10_a_client_that_says_nothing_in_a_line_is_dropped)
{
    static const char *const nothing[] = {"", " \t"};

    open_server(NULL, NULL, NULL, NULL);
    for (int i = 0; i < 2; i++) {
        struct stream client = connect_to(server.port);

        ask(&client, "help");
        ask(&client, nothing[i]);
        ask(&client, "help"); /* too late */
        expect_line(&client, "The commands are getTime, getThreat, disconnect, help");
        expect_end(&client);
        stream_close(&client);
    }
    program_stop(&server);
}
END_TEST

START_TEST(row_10_an_idle_client_is_dropped_with_a_word_and_a_busy_one_is_not)
{
    struct stream idle, busy;
    int64_t begun = clock_ms();

    open_server("-t", "0.5", NULL, NULL);
    idle = connect_to(server.port);
    busy = connect_to(server.port);
    while (!stream_ready(&idle, 100)) {
        ask(&busy, "help");
        expect_line(&busy, "The commands are getTime, getThreat, disconnect, help");
    }
    ck_assert_int_ge(clock_ms() - begun, 450);
    expect_line(&idle, "No command for 0.5 seconds: goodbye");
    expect_end(&idle);
    stream_close(&idle);
    stream_close(&busy);
    program_stop(&server);
}
END_TEST

START_TEST(many_clients_are_served_at_once)
{
    struct stream clients[200];

    need_descriptors(300);
    write_file("Guarded");
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
    program_stop(&server);
}
END_TEST

/* ---- The level in a file ------------------------------------------------------------ */

START_TEST(a_file_is_read_again_when_it_has_changed)
{
    static const char *const levels[] = {"Low", "Guarded", "Elevated", "High", "Severe"};
    struct stream client;

    open_server("-f", file, NULL, NULL);
    client = connect_to(server.port);
    for (int i = 0; i < 5; i++) {
        write_file(levels[i]);
        ask(&client, "getThreat");
        expect_line(&client, "%s", levels[i]);
    }
    write_file("\xEF\xBB\xBFhigh\r\n"); /* as an editor of Windows has it */
    ask(&client, "getThreat");
    expect_line(&client, "High");
    stream_close(&client);
    program_stop(&server);
}
END_TEST

START_TEST(a_file_without_a_level_makes_it_unknown_with_the_reason)
{
    struct stream client;

    write_file("Low High");
    open_server("-f", file, NULL, NULL);
    client = connect_to(server.port);
    ask(&client, "getThreat");
    expect_line(&client, "unknown: there is no level in the file");
    write_file("");
    ask(&client, "getThreat");
    expect_line(&client, "unknown: there is no level in the file");
    ck_assert_int_eq(unlink(file), 0);
    ask(&client, "getThreat");
    expect_line(&client, "unknown: %s", strerror(ENOENT));
    ck_assert_int_eq(mkfifo(file, 0600), 0); /* nobody waits for who writes to it */
    ask(&client, "getThreat");
    expect_line(&client, "unknown: the file is not a regular file");
    stream_close(&client);
    program_stop(&server);
}
END_TEST

START_TEST(without_a_source_the_level_is_unknown)
{
    struct stream client;

    open_server(NULL, NULL, NULL, NULL);
    client = connect_to(server.port);
    ask(&client, "getThreat");
    expect_line(&client,
                "unknown: the server was given neither a file nor a URL to look in");
    stream_close(&client);
    program_stop(&server);
}
END_TEST

/* ---- The level in a document -------------------------------------------------------- */

START_TEST(row_10_the_level_is_fetched_from_a_web_page_once_for_all_who_ask)
{
    struct stream clients[10];

    open_server("-u", url, "-c", "60");
    for (int i = 0; i < 10; i++) {
        clients[i] = connect_to(server.port);
        ask(&clients[i], "getThreat");
        ask(&clients[i], "help");
    }
    answer_request(OK_ANSWER);
    for (int i = 0; i < 10; i++) { /* in the order in which it was asked */
        expect_line(&clients[i], "Elevated");
        expect_line(&clients[i], "The commands are getTime, getThreat, disconnect, help");
    }
    ask(&clients[0], "getThreat");
    expect_line(&clients[0], "Elevated"); /* from its memory: nobody answers here */
    ck_assert_int_eq(poll(&(struct pollfd){web, POLLIN, 0}, 1, 0), 0);
    for (int i = 0; i < 10; i++)
        stream_close(&clients[i]);
    program_stop(&server);
}
END_TEST

START_TEST(nobody_waits_while_it_is_fetched)
{
    struct stream one, other, request;

    open_server("-u", url, NULL, NULL);
    one = connect_to(server.port);
    other = connect_to(server.port);
    ask(&one, "getThreat");
    request = take_request();
    for (int i = 0; i < 100; i++) {
        ask(&other, "help");
        expect_line(&other, "The commands are getTime, getThreat, disconnect, help");
    }
    send_text(&request, OK_ANSWER);
    expect_line(&one, "Elevated");
    stream_close(&request);
    stream_close(&one);
    stream_close(&other);
    program_stop(&server);
}
END_TEST

START_TEST(who_leaves_while_it_is_fetched_harms_nobody)
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
    stream_close(&request);
    stream_close(&half);
    stream_close(&stays);
    program_stop(&server);
}
END_TEST

START_TEST(a_level_that_is_too_old_is_never_told_again)
{
    struct stream client;

    open_server("-u", url, "-c", "0");
    client = connect_to(server.port);
    ask(&client, "getThreat");
    answer_request(OK_ANSWER);
    expect_line(&client, "Elevated");
    close(web); /* nobody is there any more */
    ask(&client, "getThreat");
    expect_line(&client, "unknown: %s", strerror(ECONNREFUSED));
    web = -1;
    stream_close(&client);
    program_stop(&server);
}
END_TEST

START_TEST(every_way_in_which_a_document_can_be_missing_is_told)
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
    struct stream client;

    open_server("-u", url, "-c", "0");
    client = connect_to(server.port);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *line;

        ask(&client, "getThreat");
        answer_request(cases[i].answer);
        line = next_line(&client);
        ck_assert_msg(strncmp(line, "unknown: ", 9) == 0, "case %zu: '%s'", i, line);
        if (cases[i].why != NULL)
            ck_assert_str_eq(line + 9, cases[i].why);
        free(line);
    }
    stream_close(&client);
    program_stop(&server);
}
END_TEST

START_TEST(a_failing_document_is_not_asked_for_again_within_a_second)
{
    struct stream client;

    open_server("-u", url, NULL, NULL);
    client = connect_to(server.port);
    for (int i = 0; i < 100; i++)
        ask(&client, "getThreat");
    answer_request("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    for (int i = 0; i < 100; i++)
        expect_line(&client, "unknown: the web server answers 404");
    ask(&client, "getThreat"); /* again and again: some time later it is asked for */
    while (poll(&(struct pollfd){web, POLLIN, 0}, 1, 50) == 0)
        ask(&client, "getThreat");
    answer_request(OK_ANSWER);
    ck_assert_int_gt(skip_to_line(&client, "Elevated"), 0);
    stream_close(&client);
    program_stop(&server);
}
END_TEST

START_TEST(one_who_waits_for_the_level_is_not_dropped_as_idle)
{
    struct stream client, request;

    open_server("-t", "0.3", "-u", url);
    client = connect_to(server.port);
    ask(&client, "getThreat");
    request = take_request();
    send_text(&client, "h"); /* a sign of life, and then nothing for longer than -t */
    sleep_ms(600);
    send_text(&request, OK_ANSWER);
    expect_line(&client, "Elevated");
    expect_line(&client, "No command for 0.3 seconds: goodbye");
    expect_end(&client);
    stream_close(&request);
    stream_close(&client);
    program_stop(&server);
}
END_TEST

START_TEST(a_full_server_still_has_the_descriptors_to_fetch)
{
    struct stream clients[40];
    int told = 0;

    server = program_run_by("ulimit -n 24; exec \"$@\"", "bin/threat_srv", "-p", "0",
                            "-u", url, NULL);
    program_read_port(&server, "threat_srv started on port ");
    for (int i = 0; i < 40; i++) {
        clients[i] = connect_to(server.port);
        (void)send(clients[i].fd, "help\n", 5, MSG_NOSIGNAL);
        ck_assert(stream_fill(&clients[i]));
        told += clients[i].bytes[0] == 'S';
    }
    ck_assert_int_gt(told, 0);
    expect_line(&clients[0], "The commands are getTime, getThreat, disconnect, help");
    ask(&clients[0], "getThreat");
    answer_request(OK_ANSWER);
    expect_line(&clients[0], "Elevated");
    for (int i = 0; i < 40; i++)
        stream_close(&clients[i]);
    program_stop(&server);
}
END_TEST

START_TEST(a_document_in_chunks_and_one_that_ends_with_the_connection_are_read)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "b\r\nCONDITION=\"\r\n5\r\nlow\" \r\n0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nCONDITION=\"Low\"",
    };
    struct stream client;

    open_server("-u", url, "-c", "0");
    client = connect_to(server.port);
    for (int i = 0; i < 2; i++) {
        ask(&client, "getThreat");
        answer_request(answers[i]);
        expect_line(&client, "Low");
    }
    stream_close(&client);
    program_stop(&server);
}
END_TEST

START_TEST(a_document_without_end_is_cut_off)
{
    static char piece[65536];
    struct stream client, request;

    open_server("-u", url, NULL, NULL);
    client = connect_to(server.port);
    ask(&client, "getThreat");
    request = take_request();
    send_text(&request, "HTTP/1.1 200 OK\r\n\r\n");
    memset(piece, 'x', sizeof piece);
    for (int i = 0; i < 4; i++)
        (void)send(request.fd, piece, sizeof piece, MSG_NOSIGNAL);
    expect_line(&client, "unknown: the document is too long");
    stream_close(&request);
    stream_close(&client);
    program_stop(&server);
}
END_TEST

START_TEST(a_web_server_that_says_nothing_is_waited_for_five_seconds)
{
    struct stream client, request;
    int64_t begun;

    open_server("-u", url, NULL, NULL);
    client = connect_to(server.port);
    begun = clock_ms();
    ask(&client, "getThreat");
    request = take_request();
    send_text(&request, "HTTP/1.1 200 ");
    expect_line(&client, "unknown: the web server takes too long");
    ck_assert_int_ge(clock_ms() - begun, 4900);
    stream_close(&request);
    stream_close(&client);
    program_stop(&server);
}
END_TEST

START_TEST(a_host_that_has_no_address_is_told_and_nobody_waits_for_the_look_up)
{
    struct stream one, other;
    char *line;

    open_server("-u", "http://nowhere.invalid/feed.xml", NULL, NULL);
    one = connect_to(server.port);
    other = connect_to(server.port);
    ask(&one, "getThreat");
    ask(&other, "help");
    expect_line(&other, "The commands are getTime, getThreat, disconnect, help");
    line = next_line(&one);
    ck_assert_msg(strncmp(line, "unknown: ", 9) == 0, "'%s'", line);
    free(line);
    stream_close(&one);
    stream_close(&other);
    program_stop(&server);
}
END_TEST

START_TEST(it_ends_while_it_fetches)
{
    struct stream client, request;

    open_server("-u", url, NULL, NULL);
    client = connect_to(server.port);
    ask(&client, "getThreat");
    request = take_request();
    program_stop(&server);
    expect_end(&request);
    stream_close(&request);
    stream_close(&client);
}
END_TEST

/* ---- Its client --------------------------------------------------------------------- */

START_TEST(row_11_the_client_sends_the_commands_and_prints_the_answers)
{
    struct program client;
    char *time;

    write_file("High");
    open_server("-f", file, NULL, NULL);
    client = program_run("bin/threat_cli", "-p", port_text, "127.0.0.1", "getThreat",
                         "help", "getTime", "disconnect", NULL);
    expect_lf(&client.out, "High");
    expect_lf(&client.out, "The commands are getTime, getThreat, disconnect, help");
    time = next_line(&client.out);
    ck_assert_uint_eq(strlen(time), strlen("2026-11-21T10:49:30+01:00"));
    free(time);
    expect_success(&client);
    program_stop(&server);
}
END_TEST

START_TEST(row_11_without_commands_it_sends_what_is_typed)
{
    struct program client;

    write_file("High");
    open_server("-f", file, NULL, NULL);
    client = program_run_by("printf 'getThreat\\nhelp' | \"$@\"", "bin/threat_cli", "-p",
                            port_text, NULL);
    expect_lf(&client.out, "High");
    expect_lf(&client.out, "The commands are getTime, getThreat, disconnect, help");
    expect_success(&client);
    program_stop(&server);
}
END_TEST

/* Plays a threat server that answers one command so, and closes. */
static void play(struct program *client, const char *answer, const char *command)
{
    struct stream peer;
    char port[16];

    snprintf(port, sizeof port, "%d", listener_port(web));
    program_start(client, "THREAT_CLI", "bin/threat_cli", "-w", "0.5", "-p", port,
                  "127.0.0.1", command, NULL);
    ck_assert_int_eq(poll(&(struct pollfd){web, POLLIN, 0}, 1, DEADLINE_MS), 1);
    peer = stream_of(accept(web, NULL, NULL));
    expect_line(&peer, "%s", command);
    if (answer == NULL) { /* and does not close, either */
        ck_assert(!stream_fill(&peer));
    } else {
        send_text(&peer, answer);
    }
    stream_close(&peer);
}

START_TEST(the_client_tells_a_silent_server_and_one_that_closes_from_one_that_answers)
{
    struct program client;

    play(&client, "an answer\033[2J\n", "getTime");
    expect_lf(&client.out, "an answer^[[2J");
    expect_status(&client, 0);
    play(&client, "Server full, try again later\n", "getTime");
    expect_lf(&client.out, "Server full, try again later");
    expect_failure(
        &client,
        "threat_cli: no answer from 127.0.0.1 port %d: the server has closed the "
        "connection",
        listener_port(web));
    play(&client, "", "disconnect");
    expect_status(&client, 0);
    play(&client, "", "getTime");
    expect_failure(
        &client,
        "threat_cli: no answer from 127.0.0.1 port %d: the server has closed the "
        "connection",
        listener_port(web));
    play(&client, NULL, "getTime");
    expect_failure(&client,
                   "threat_cli: no answer from 127.0.0.1 port %d: timed out after 0.5 s",
                   listener_port(web));
}
END_TEST

START_TEST(the_client_says_that_nobody_takes_its_output_or_that_nobody_is_there)
{
    struct program client;

    open_server(NULL, NULL, NULL, NULL);
    expect_write_error("bin/threat_cli", "-p", port_text, "localhost", "help", NULL);
    program_stop(&server);
    client = program_run("bin/threat_cli", "-p", port_text, "127.0.0.1", "help", NULL);
    expect_failure(&client, "threat_cli: cannot connect to 127.0.0.1 port %s: %s",
                   port_text, strerror(ECONNREFUSED));
}
END_TEST

START_TEST(wrong_usage_is_status_2)
{
    expect_usage_error("bin/threat_srv", "-t", "soon", NULL);
    expect_usage_error("bin/threat_srv", "-u", "ftp://localhost/", NULL);
    expect_usage_error("bin/threat_srv", "-flevel", "-uhttp://localhost/", NULL);
    expect_usage_error("bin/threat_srv", "operand", NULL);
    expect_usage_error("bin/threat_cli", "-p", "0", NULL);
    expect_usage_error("bin/threat_cli", "localhost", "two\nlines", NULL);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        row_10_the_time_the_level_and_a_goodbye,
        case_and_space_do_not_matter_and_anything_else_is_told_what_there_is,
        row_10_a_client_that_says_nothing_in_a_line_is_dropped,
        row_10_an_idle_client_is_dropped_with_a_word_and_a_busy_one_is_not,
        many_clients_are_served_at_once,
        a_file_is_read_again_when_it_has_changed,
        a_file_without_a_level_makes_it_unknown_with_the_reason,
        without_a_source_the_level_is_unknown,
        row_10_the_level_is_fetched_from_a_web_page_once_for_all_who_ask,
        nobody_waits_while_it_is_fetched,
        who_leaves_while_it_is_fetched_harms_nobody,
        a_level_that_is_too_old_is_never_told_again,
        every_way_in_which_a_document_can_be_missing_is_told,
        a_failing_document_is_not_asked_for_again_within_a_second,
        one_who_waits_for_the_level_is_not_dropped_as_idle,
        a_document_in_chunks_and_one_that_ends_with_the_connection_are_read,
        a_document_without_end_is_cut_off,
        a_web_server_that_says_nothing_is_waited_for_five_seconds,
        it_ends_while_it_fetches,
        row_11_the_client_sends_the_commands_and_prints_the_answers,
        row_11_without_commands_it_sends_what_is_typed,
        the_client_tells_a_silent_server_and_one_that_closes_from_one_that_answers,
        the_client_says_that_nobody_takes_its_output_or_that_nobody_is_there,
        wrong_usage_is_status_2,
    };
    Suite *suite = suite_create("the threat server");
    TCase *tcase = tcase_create("threat"), *name = tcase_create("name"),
          *limits = tcase_create("limits");

    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    for (size_t i = 0; i < COUNT(tests); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    /* What a resolver keeps until its process ends is its own: CK_EXCLUDE_TAGS=resolver */
    tcase_set_tags(name, "resolver");
    tcase_add_checked_fixture(name, set_up, tear_down);
    tcase_add_test(name,
                   a_host_that_has_no_address_is_told_and_nobody_waits_for_the_look_up);
    suite_add_tcase(suite, name);
    /* valgrind itself does not run within such limits: CK_EXCLUDE_TAGS=limits */
    tcase_set_tags(limits, "limits");
    tcase_add_checked_fixture(limits, set_up, tear_down);
    tcase_add_test(limits, a_full_server_still_has_the_descriptors_to_fetch);
    suite_add_tcase(suite, limits);
    return run_suite(suite);
}
