/*
 * The small servers on loop/stream_server.h, and with them that loop itself. HELLO_SRV and
 * NAME_SRV name other programs in place of bin/hello_srv and bin/name_srv.
 */
#include "tests/person.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ALI "-n", "Ali"

static struct program server;

static void open_name_srv(void)
{
    server = program_run("bin/name_srv", "-p", "0", ALI, NULL);
    program_read_port(&server, "name_srv started on port ");
}

static void close_server(void)
{
    program_stop(&server);
}

/* ---- hello_srv ---------------------------------------------------------------------- */

static char file[64];

static void choose_file(void)
{
    int descriptor;

    strcpy(file, "/tmp/netlab-hello-XXXXXX");
    descriptor = mkstemp(file);
    ck_assert_int_ne(descriptor, -1);
    close(descriptor);
}

static void remove_file(void)
{
    ck_assert_int_eq(unlink(file), 0);
}

START_TEST(row_6_whoever_connects_is_told_hello_world)
{
    struct stream client;

    server = program_run("bin/hello_srv", "-p", "0", NULL);
    program_read_port(&server, "hello_srv started on port ");
    for (int i = 0; i < 3; i++) {
        client = connect_to(server.port);
        expect_lf(&client, "Hello World! ");
        expect_end(&client);
        stream_close(&client);
    }
    program_stop(&server);
}
END_TEST

START_TEST(row_7_who_is_thanked_is_written_to_the_file_with_the_time)
{
    static const char thanks[] = "Thank you for connecting";
    char line[256], expected[128], *rest;
    struct stream client;
    FILE *log;

    server = program_run("bin/hello_srv", "-p", "0", "-m", thanks, "-l", file, NULL);
    program_read_port(&server, "hello_srv started on port ");
    log = fopen(file, "r");
    ck_assert_ptr_nonnull(log);
    for (int i = 0; i < 3; i++) {
        client = connect_to(server.port);
        snprintf(expected, sizeof expected, "Got connection from %s\n", name_of(&client));
        expect_lf(&client, "%s", thanks);
        expect_end(&client);
        stream_close(&client);
        ck_assert_ptr_nonnull(fgets(line, sizeof line, log));
        rest = strchr(line, ' ');
        ck_assert_ptr_nonnull(rest);
        ck_assert_str_eq(rest + 1, expected);
        *rest = '\0';
        ck_assert_uint_eq(strlen(line), strlen("2026-11-21T10:49:30+01:00"));
    }
    fclose(log);
    program_stop(&server);
}
END_TEST

START_TEST(a_client_that_sends_much_still_gets_the_whole_text)
{
    static char much[300000];
    struct stream client;

    memset(much, 'x', sizeof much);
    server = program_run("bin/hello_srv", "-p", "0", NULL);
    program_read_port(&server, "hello_srv started on port ");
    for (int i = 0; i < 20; i++) {
        client = connect_to(server.port);
        (void)send(client.fd, much, sizeof much, MSG_NOSIGNAL | MSG_DONTWAIT);
        expect_lf(&client, "Hello World! ");
        expect_end(&client);
        ck_assert(recv(client.fd, much, 1, 0) == 0); /* an end, not a reset */
        stream_close(&client);
    }
    program_stop(&server);
}
END_TEST

START_TEST(a_full_disk_is_said_and_the_clients_are_served)
{
    struct stream client;

    server = program_run("bin/hello_srv", "-p", "0", "-l", "/dev/full", NULL);
    program_read_port(&server, "hello_srv started on port ");
    for (int i = 0; i < 3; i++) { /* and said once */
        client = connect_to(server.port);
        expect_lf(&client, "Hello World! ");
        expect_end(&client);
        stream_close(&client);
    }
    expect_failure(&server, "hello_srv: cannot write to /dev/full: %s", strerror(ENOSPC));
    program_stop(&server);
}
END_TEST

START_TEST(a_file_that_cannot_be_opened_or_could_make_it_wait_is_said_at_the_start)
{
    char directory[] = "/tmp/hello_srv-XXXXXX", fifo[sizeof directory + 5];
    int reader;

    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(fifo, sizeof fifo, "%s/fifo", directory);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    server = program_run("bin/hello_srv", "-p", "0", "-l", fifo, NULL);
    expect_lf(&server.err, "hello_srv: cannot write to %s: %s", fifo, strerror(ENXIO));
    ck_assert(unlink(fifo) == 0 && rmdir(directory) == 0);
    server = program_run("bin/hello_srv", "-p", "0", "-l", "/nowhere/log", NULL);
    expect_failure(&server, "hello_srv: cannot write to /nowhere/log: %s",
                   strerror(ENOENT));
}
END_TEST

/* ---- name_srv ----------------------------------------------------------------------- */

START_TEST(row_8_each_of_three_clients_gets_its_lines_with_the_name)
{
    struct stream clients[3];

    for (int i = 0; i < 3; i++)
        clients[i] = connect_to(server.port);
    for (int i = 2; i >= 0; i--) {
        send_text(&clients[i], "Hello\r\nhow are");
        expect_line(&clients[i], "Hello Ali");
    }
    for (int i = 0; i < 3; i++) {
        send_text(&clients[i], " you\n\n");
        expect_line(&clients[i], "how are you Ali");
        expect_line(&clients[i], " Ali");
        stream_close(&clients[i]);
    }
}
END_TEST

START_TEST(row_8_the_name_is_the_users_own_if_not_given)
{
    struct program alone, id;
    struct stream client;
    char *name;

    id = program_run("id", "-un", NULL);
    name = next_line(&id.out);
    expect_status(&id, 0);
    alone = program_run("bin/name_srv", "-p", "0", NULL);
    program_read_port(&alone, "name_srv started on port ");
    client = connect_to(alone.port);
    send_text(&client, "Hello\n");
    expect_line(&client, "Hello %s", name);
    stream_close(&client);
    program_stop(&alone);
    free(name);
}
END_TEST

START_TEST(row_8_nc_is_answered_after_its_half_close_also_without_a_line_end)
{
    struct program nc;
    char script[128];

    snprintf(script, sizeof script, "printf 'one\\ntwo' | exec nc -N localhost %d",
             server.port);
    nc = program_run_by(script, "nc", NULL);
    expect_line(&nc.out, "one Ali");
    expect_line(&nc.out, "two Ali");
    expect_success(&nc);
}
END_TEST

START_TEST(a_line_of_any_length_is_answered_whole)
{
    static char line[100002];
    struct stream client = connect_to(server.port);

    memset(line, 'x', sizeof line - 2);
    line[sizeof line - 2] = '\n';
    send_text(&client, line);
    expect_bytes(&client, line, sizeof line - 2);
    expect_line(&client, " Ali");
    stream_close(&client);
}
END_TEST

START_TEST(control_characters_come_back_harmless_and_telnets_commands_are_answered)
{
    struct stream client = connect_to(server.port);

    send_bytes(&client, "\xFF\xFD\x06", 3); /* DO TIMING-MARK, after a Ctrl-C */
    expect_bytes(&client, "\xFF\xFC\x06", 3);
    send_bytes(&client, "\xFF\xF6", 2); /* are you there? */
    expect_line(&client, "Yes, name_srv is here");
    send_bytes(&client, "\033[2J\xFF\xF1\a\xC3\n", 9);
    expect_line(&client, "^[[2J^G\xEF\xBF\xBD Ali");
    stream_close(&client);
}
END_TEST

/* Sends lines until the server takes no more for a while. Returns how many it took. */
static int send_until_stopped(struct stream *client)
{
    static const char line[] = "the same line again and again, until it is enough\n";
    char lines[100 * (sizeof line - 1)];
    size_t sent = 0;

    for (int i = 0; i < 100; i++)
        memcpy(lines + (size_t)i * (sizeof line - 1), line, sizeof line - 1);
    while (poll(&(struct pollfd){client->fd, POLLOUT, 0}, 1, 300) == 1) {
        size_t from = sent % sizeof lines;
        ssize_t taken = send(client->fd, lines + from, sizeof lines - from,
                             MSG_NOSIGNAL | MSG_DONTWAIT);

        ck_assert(taken > 0 || errno == EAGAIN);
        if (taken > 0)
            sent += (size_t)taken;
        ck_assert_uint_lt(sent, 200000000); /* or it is buffered, and not stopped */
    }
    return (int)(sent / (sizeof line - 1));
}

START_TEST(one_that_asks_and_never_reads_is_stopped_and_loses_nothing)
{
    struct stream deaf = connect_to(server.port), other = connect_to(server.port);
    int sent = send_until_stopped(&deaf), answered = 0;

    for (int i = 0; i < 100; i++) {
        send_text(&other, "are you there?\n");
        expect_line(&other, "are you there? Ali");
    }
    stream_half_close(&deaf);
    while (answered < sent) {
        char *line = next_line(&deaf);

        if (strcmp(line, "the same line again and again, until it is enough Ali") != 0)
            ck_abort_msg("answer %d is '%s'", answered, line);
        free(line);
        answered++;
    }
    stream_close(&deaf);
    stream_close(&other);
}
END_TEST

START_TEST(clients_that_reset_their_connections_harm_nobody)
{
    struct stream other = connect_to(server.port);

    for (int i = 0; i < 100; i++) {
        struct stream reset = connect_to(server.port);

        send_text(&reset, "one\ntwo\nthr");
        stream_reset(&reset);
    }
    send_text(&other, "still here\n");
    expect_line(&other, "still here Ali");
    stream_close(&other);
}
END_TEST

START_TEST(as_many_are_served_as_an_fd_set_holds_and_the_next_is_told)
{
    static struct stream clients[1000];
    struct stream late;
    int full = 0;

    need_descriptors(1000 + 128);
    for (int i = 0; i < 1000; i++)
        clients[i] = connect_to(server.port);
    for (int i = 0; i < 1000; i++) {
        send_text(&clients[i], "x\n");
        expect_line(&clients[i], "x Ali");
    }
    for (int i = 0; i < 50; i++) {
        late = connect_to(server.port);
        (void)send(late.fd, "x\n", 2, MSG_NOSIGNAL);
        ck_assert(stream_fill(&late));
        full += late.bytes[0] == 'S';
        if (full > 0) {
            expect_line(&late, "Server full, try again later");
            break;
        }
    }
    ck_assert_int_eq(full, 1);
    for (int i = 0; i < 1000; i++)
        stream_close(&clients[i]);
}
END_TEST

START_TEST(at_the_end_clients_get_what_they_are_owed)
{
    struct stream client = connect_to(server.port), silent = connect_to(server.port);
    int sent = send_until_stopped(&client), answered = 0;

    program_kill(&server, SIGTERM);
    expect_end(&silent);         /* which shows that it is ending */
    while (stream_fill(&client)) /* at once: its patience is two seconds */
        continue;
    for (; memchr(client.bytes, '\n', client.length) != NULL; answered++)
        expect_line(&client, "the same line again and again, until it is enough Ali");
    ck_assert_int_gt(answered, 0);
    ck_assert_int_le(answered, sent);
    ck_assert_uint_eq(client.length, 0); /* no answer is cut */
    expect_status(&server, 0);
    open_name_srv(); /* for the fixture, which stops one */
}
END_TEST

START_TEST(a_deaf_client_does_not_keep_it_from_ending)
{
    struct stream deaf = connect_to(server.port);
    int64_t before;

    (void)send_until_stopped(&deaf);
    before = clock_ms();
    program_stop(&server);
    ck_assert_int_lt(clock_ms() - before, 20000); /* two seconds, and a slow machine */
    stream_close(&deaf);
    open_name_srv();
}
END_TEST

/* ---- Its keyboard ------------------------------------------------------------------- */

/* Starts it at a terminal, whose settings are shown before and after. */
static struct person sit_down(int *port)
{
    struct person person;
    char *line;

    ck_assert(setenv("NAME_SRV", "bin/name_srv", 0) == 0);
    person = person_start("stty -g; $NAME_SRV -p 0 -n Ali; echo status $?; stty -g", "");
    line = next_line(&person.screen);
    free(line);
    person_sees(&person, "name_srv started on port ");
    line = next_line(&person.screen);
    *port = atoi(line);
    free(line);
    person_sees(&person, "Esc ends it\r\n");
    return person;
}

START_TEST(row_8_esc_in_its_terminal_closes_every_connection_and_ends_it)
{
    struct stream clients[3];
    struct person person;
    int port;

    person = sit_down(&port);
    for (int i = 0; i < 3; i++) {
        clients[i] = connect_to(port);
        send_text(&clients[i], "Hello\n");
        expect_line(&clients[i], "Hello Ali");
    }
    person_types(&person, "\033");
    for (int i = 0; i < 3; i++) {
        expect_end(&clients[i]);
        stream_close(&clients[i]);
    }
    person_sees(&person, "status 0\r\n");
    person_leaves(&person);
}
END_TEST

START_TEST(esc_ends_it_at_a_terminal_of_another_session_too)
{
    struct person person;

    ck_assert(setenv("NAME_SRV", "bin/name_srv", 0) == 0);
    person = person_start("setsid -w $NAME_SRV -p 0; echo status $?", "");
    person_sees(&person, "Esc ends it\r\n");
    person_types(&person, "\033");
    person_sees(&person, "status 0\r\n");
    person_leaves(&person);
}
END_TEST

START_TEST(an_arrow_key_is_not_an_esc_and_neither_are_letters)
{
    struct stream client;
    struct person person;
    int port;

    person = sit_down(&port);
    client = connect_to(port);
    person_types(&person, "\033[A");
    person_types(&person, "\033OB\033[1;5Cxyz\r\n");
    for (int i = 0; i < 3; i++) { /* longer than an Esc takes to be one */
        sleep_ms(100);
        send_text(&client, "still here\n");
        expect_line(&client, "still here Ali");
    }
    person_types(&person, "\033");
    expect_end(&client);
    person_sees(&person, "status 0\r\n");
    person_leaves(&person);
    stream_close(&client);
}
END_TEST

START_TEST(the_terminal_is_put_back_as_it_was_however_it_ends)
{
    static const char *const keys[] = {"\033", "\003", "\034"};

    ck_assert(setenv("NAME_SRV", "bin/name_srv", 0) == 0);
    for (int i = 0; i < 3; i++) {
        struct person person = person_start(
            "trap : INT QUIT; stty -g; $NAME_SRV -p 0 -n Ali; stty -g; echo end", "");
        char *before = next_line(&person.screen), *after;

        person_sees(&person, "Esc ends it\r\n");
        person_types(&person, keys[i]);
        do {
            after = next_line(&person.screen);
            ck_assert_str_ne(after, "end");
        } while (strcmp(after, before) != 0);
        person_sees(&person, "end\r\n");
        person_leaves(&person);
    }
}
END_TEST

START_TEST(stopped_and_continued_it_gives_the_terminal_back_and_takes_it_again)
{
    struct person person;
    char *before, *after;

    ck_assert(setenv("NAME_SRV", "bin/name_srv", 0) == 0);
    person =
        person_start("set -m; stty -g; $NAME_SRV -p 0 -n Ali; stty -g; fg; echo end", "");
    before = next_line(&person.screen);
    person_sees(&person, "Esc ends it\r\n");
    person_types(&person, "\032");
    do {
        after = next_line(&person.screen);
    } while (strcmp(after, before) != 0);
    person_types(&person, "\033"); /* seen at once, or when the terminal is ours again */
    person_sees(&person, "end\r\n");
    person_leaves(&person);
}
END_TEST

START_TEST(started_in_the_background_it_takes_the_keys_when_it_is_brought_forward)
{
    struct person person;

    ck_assert(setenv("NAME_SRV", "bin/name_srv", 0) == 0);
    person = person_start("set -m; $NAME_SRV -p 0 -n Ali & fg; echo end", "");
    person_sees(&person, "Esc ends it\r\n");
    while (!stream_ready(&person.screen, 300))
        person_types(&person,
                     "\033"); /* it may look for the terminal only now and then */
    person_sees(&person, "end\r\n");
    person_leaves(&person);
}
END_TEST

START_TEST(without_a_terminal_or_any_standard_input_it_serves_on)
{
    static const char *const scripts[] = {"exec \"$@\" <&-", "exec \"$@\" </dev/null",
                                          "exec \"$@\" <<END\n\033\nEND\n"};

    for (int i = 0; i < 3; i++) {
        struct program alone;
        struct stream client;

        alone = program_run_by(scripts[i], "bin/name_srv", "-p", "0", ALI, NULL);
        program_read_port(&alone, "name_srv started on port ");
        for (int round = 0; round < 3; round++) {
            client = connect_to(alone.port);
            send_text(&client, "Hello\n");
            expect_line(&client, "Hello Ali");
            stream_close(&client);
            sleep_ms(60);
        }
        program_stop(&alone);
    }
}
END_TEST

START_TEST(wrong_usage_is_status_2)
{
    expect_usage_error("bin/hello_srv", "-p", "x", NULL);
    expect_usage_error("bin/hello_srv", "operand", NULL);
    expect_usage_error("bin/name_srv", "-x", NULL);
    expect_usage_error("bin/name_srv", "-n", NULL);
    expect_usage_error("bin/echo_fork", "-p", "65536", NULL);
    expect_usage_error("bin/echo_thread", "operand", NULL);
}
END_TEST

int main(void)
{
    const TTest *const of_name_srv[] = {
        row_8_each_of_three_clients_gets_its_lines_with_the_name,
        row_8_nc_is_answered_after_its_half_close_also_without_a_line_end,
        a_line_of_any_length_is_answered_whole,
        control_characters_come_back_harmless_and_telnets_commands_are_answered,
        one_that_asks_and_never_reads_is_stopped_and_loses_nothing,
        clients_that_reset_their_connections_harm_nobody,
        as_many_are_served_as_an_fd_set_holds_and_the_next_is_told,
        at_the_end_clients_get_what_they_are_owed,
        a_deaf_client_does_not_keep_it_from_ending,
    };
    const TTest *const of_keys[] = {
        row_8_the_name_is_the_users_own_if_not_given,
        row_8_esc_in_its_terminal_closes_every_connection_and_ends_it,
        esc_ends_it_at_a_terminal_of_another_session_too,
        an_arrow_key_is_not_an_esc_and_neither_are_letters,
        the_terminal_is_put_back_as_it_was_however_it_ends,
        stopped_and_continued_it_gives_the_terminal_back_and_takes_it_again,
        started_in_the_background_it_takes_the_keys_when_it_is_brought_forward,
        without_a_terminal_or_any_standard_input_it_serves_on,
        wrong_usage_is_status_2,
    };
    const TTest *const of_hello_srv[] = {
        row_6_whoever_connects_is_told_hello_world,
        row_7_who_is_thanked_is_written_to_the_file_with_the_time,
        a_client_that_sends_much_still_gets_the_whole_text,
        a_full_disk_is_said_and_the_clients_are_served,
        a_file_that_cannot_be_opened_or_could_make_it_wait_is_said_at_the_start,
    };
    Suite *suite = suite_create("the labs' servers");
    TCase *hello = tcase_create("hello_srv"), *name = tcase_create("name_srv");
    TCase *keys = tcase_create("keys");

    /* One is ended by a signal there, for which valgrind has no summary. */
    tcase_set_tags(keys, "terminal");
    tcase_set_timeout(hello, 120);
    tcase_set_timeout(name, 120);
    tcase_set_timeout(keys, 120);
    tcase_add_checked_fixture(hello, choose_file, remove_file);
    tcase_add_checked_fixture(name, open_name_srv, close_server);
    for (size_t i = 0; i < COUNT(of_hello_srv); i++)
        tcase_add_test(hello, of_hello_srv[i]);
    for (size_t i = 0; i < COUNT(of_name_srv); i++)
        tcase_add_test(name, of_name_srv[i]);
    for (size_t i = 0; i < COUNT(of_keys); i++)
        tcase_add_test(keys, of_keys[i]);
    suite_add_tcase(suite, hello);
    suite_add_tcase(suite, name);
    suite_add_tcase(suite, keys);
    return run_suite(suite);
}
