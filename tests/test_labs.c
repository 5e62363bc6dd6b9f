/* The small servers on loop/stream_server.h, which has a suite of its own. */
#include "tests/person.h"
#include "tests/server.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct tests of_name_srv, of_keys, of_hello_srv;

#define HELLO_SRV "bin/hello_srv"
#define NAME_SRV  "bin/name_srv"
#define HELLO     HELLO_SRV, "hello_srv started on port "
#define NAME      NAME_SRV, "name_srv started on port "
#define ALI       "-n", "Ali"

static void open_name_srv(void)
{
    server = program_serve(NAME, ALI, NULL);
}

/* ---- hello_srv ---------------------------------------------------------------------- */

/* A client connects, gets this line, and sees the end. */
static void expect_told(const char *text)
{
    struct stream client = connect_to(server.port);

    expect_lf(&client, "%s", text);
    expect_end(&client);
    stream_close(&client);
}

TEST(of_hello_srv, row_6_each_client_is_told_hello_world)
{
    server = program_serve(HELLO, NULL);
    for (int i = 0; i < 3; i++)
        expect_told("Hello World! ");
}

TEST(of_hello_srv, row_7_each_client_is_thanked_and_written_to_the_file_with_the_time)
{
    static const char thanks[] = "Thank you for connecting";
    const char *path = temp_write("log", "");
    struct stream log = stream_of(open(path, O_RDONLY));

    server = program_serve(HELLO, "-m", thanks, "-l", path, NULL);
    for (int i = 0; i < 3; i++) {
        struct stream client = connect_to(server.port);
        const char *line;

        expect_lf(&client, "%s", thanks);
        expect_end(&client);
        line = take_line(&log);
        ck_assert_uint_eq(strcspn(line, " "), strlen("2026-11-21T10:49:30+01:00"));
        ck_assert_str_eq(strchr(line, ' '),
                         formatted(" Got connection from %s", name_of(&client)));
        stream_close(&client);
    }
}

TEST(of_hello_srv, a_client_that_sends_much_still_gets_the_whole_text)
{
    static char much[300000];

    server = program_serve(HELLO, NULL);
    for (int i = 0; i < 20; i++) {
        struct stream client = connect_to(server.port);

        (void)send(client.fd, much, sizeof much, MSG_NOSIGNAL | MSG_DONTWAIT);
        expect_lf(&client, "Hello World! ");
        expect_end(&client);
        ck_assert(recv(client.fd, much, 1, 0) == 0); /* an end, not a reset */
        stream_close(&client);
    }
}

TEST(of_hello_srv, a_full_disk_is_reported_once_and_the_clients_are_served)
{
    server = program_serve(HELLO, "-l", "/dev/full", NULL);
    for (int i = 0; i < 3; i++)
        expect_told("Hello World! ");
    expect_lf(&server.err, "hello_srv: cannot write to '/dev/full': %s",
              strerror(ENOSPC));
}

/* The pipe is full after some 60 clients, and the file after 130, or 260. */
TEST(of_hello_srv, a_complaint_does_not_wait_for_the_reader_of_standard_error)
{
    server = program_serve_by("ulimit -f 16; exec \"$@\" 2>&1", HELLO, "-v", "-l",
                              temp_write("log", ""), NULL);
#ifdef F_SETPIPE_SZ /* Linux */
    ck_assert_int_ne(fcntl(server.out.fd, F_SETPIPE_SZ, 4096), -1);
#endif
    for (int i = 0; i < 300; i++)
        expect_told("Hello World! ");
    program_stop(&server);
}

static void expect_refused_log(const char *path, const char *why)
{
    server = program_run(HELLO_SRV, "-p", "0", "-l", path, NULL);
    expect_failure(&server, "hello_srv: cannot write to '%s': %s", path, why);
}

TEST(of_hello_srv,
     a_file_that_cannot_be_opened_or_could_make_it_wait_is_refused_at_the_start)
{
    const char *fifo = temp_path("fifo");
    int reader;

    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    expect_refused_log(fifo, strerror(ENXIO));
    reader = open(fifo, O_RDONLY | O_NONBLOCK);
    expect_refused_log(fifo, "it is neither a regular file nor a device");
    close(reader);
    expect_refused_log("/nowhere/log", strerror(ENOENT));
}

/* ---- name_srv ----------------------------------------------------------------------- */

TEST(of_name_srv, row_8_each_of_three_clients_gets_its_lines_with_the_name)
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

TEST(of_keys, row_8_the_name_is_the_users_own_if_not_given)
{
    struct program id = program_run("id", "-un", NULL);
    struct stream client;

    server = program_serve(NAME, NULL);
    client = connect_to(server.port);
    send_text(&client, "Hello\n");
    expect_line(&client, "Hello %s", take_line(&id.out));
    expect_status(&id, 0);
}

TEST(of_name_srv, row_8_nc_is_answered_after_its_half_close_even_without_a_line_end)
{
    struct program nc;

    if (lacks("nc"))
        return;
    nc = program_run_by("printf 'one\\ntwo' | exec \"$@\"", "nc", "-N", "localhost",
                        formatted("%d", server.port), NULL);
    expect_line(&nc.out, "one Ali");
    expect_line(&nc.out, "two Ali");
    expect_success(&nc);
}

TEST(of_name_srv, a_line_of_any_length_is_answered_whole)
{
    struct stream client = connect_to(server.port);
    size_t length = 100000;

    send_repeated(&client, "x", length);
    send_text(&client, "\n");
    expect_pattern(&client, "x", 1, 0, length);
    expect_line(&client, " Ali");
}

TEST(of_name_srv, control_characters_come_back_harmless_and_telnets_commands_are_answered)
{
    struct stream client = connect_to(server.port);

    send_bytes(&client, "\xFF\xFD\x06", 3); /* DO TIMING-MARK, after a Ctrl-C */
    expect_bytes(&client, "\xFF\xFC\x06", 3);
    send_bytes(&client, "\xFF\xF6", 2); /* are you there? */
    expect_line(&client, "Yes, name_srv is here");
    send_bytes(&client, "\033[2J\xFF\xF1\a\xC3\n", 9);
    expect_line(&client, "^[[2J^G\xEF\xBF\xBD Ali");
}

#define LINE "the same line again and again, until it is enough"

/* Sends lines until the server takes no more. Returns the number of whole lines. */
static int ask_until_stopped(struct stream *client)
{
    static const char line[] = LINE "\n";
    char lines[100 * (sizeof line - 1)];

    for (size_t i = 0; i < sizeof lines; i++)
        lines[i] = line[i % (sizeof line - 1)];
    return (int)(send_until_stopped(client, lines, sizeof lines) / (sizeof line - 1));
}

TEST(of_name_srv, a_client_that_asks_and_never_reads_is_stopped_and_loses_nothing)
{
    struct stream deaf = connect_to(server.port), other = connect_to(server.port);
    int sent = ask_until_stopped(&deaf);

    for (int i = 0; i < 100; i++) {
        send_text(&other, "are you there?\n");
        expect_line(&other, "are you there? Ali");
    }
    stream_half_close(&deaf);
    for (int i = 0; i < sent; i++)
        expect_line(&deaf, LINE " Ali");
}

TEST(of_name_srv, a_client_that_does_not_read_does_not_keep_it_from_ending)
{
    struct stream deaf = connect_to(server.port);
    int64_t before;

    (void)ask_until_stopped(&deaf);
    before = clock_ms();
    program_stop(&server);
    ck_assert_int_lt(clock_ms() - before, 20000); /* two seconds, and a slow machine */
}

/* ---- Its keyboard ------------------------------------------------------------------- */

/* Runs a script, in which $NAME_SRV is the server, at a terminal. */
static struct person sit_down(const char *script)
{
    program_export(NAME_SRV);
    return person_start(script, "");
}

/* Waits until the server has started, and returns its port. */
static int read_port(struct person *person)
{
    int port;

    person_sees(person, "name_srv started on port ");
    port = atoi(take_line(&person->screen));
    person_sees(person, "Esc ends it\r\n");
    return port;
}

TEST(of_keys, row_8_esc_in_its_terminal_closes_every_connection_and_ends_it)
{
    struct person person = sit_down("$NAME_SRV -p 0 -n Ali; echo status $?");
    struct stream clients[3];
    int port = read_port(&person);

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

TEST(of_keys, esc_ends_it_at_a_terminal_of_another_session_too)
{
    struct person person = sit_down("setsid -w $NAME_SRV -p 0; echo status $?");

    person_sees(&person, "Esc ends it\r\n");
    person_types(&person, "\033");
    person_sees(&person, "status 0\r\n");
    person_leaves(&person);
}

TEST(of_keys, an_arrow_key_is_not_an_esc_and_neither_are_letters)
{
    struct person person = sit_down("$NAME_SRV -p 0 -n Ali; echo status $?");
    struct stream client = connect_to(read_port(&person));

    person_types(&person, "\033[A");
    person_types(&person, "\033OB\033[1;5Cxyz\r\n");
    for (int i = 0; i < 3; i++) { /* longer than it waits for more than an Esc */
        sleep_ms(100);
        send_text(&client, "still here\n");
        expect_line(&client, "still here Ali");
    }
    person_types(&person, "\033");
    expect_end(&client);
    person_sees(&person, "status 0\r\n");
    person_leaves(&person);
}

/* The script shows the same terminal settings again. */
static void expect_settings(struct person *person, const char *before)
{
    const char *after;

    do {
        after = take_line(&person->screen);
        ck_assert_str_ne(after, "end");
    } while (strcmp(after, before) != 0);
}

TEST(of_keys, the_terminal_is_put_back_as_it_was_however_it_ends)
{
    static const char *const keys[] = {"\033", "\003", "\034"};

    for (size_t i = 0; i < COUNT(keys); i++) {
        struct person person = sit_down(
            "trap : INT QUIT; stty -g; $NAME_SRV -p 0 -n Ali; stty -g; echo end");
        const char *before = strdup(take_line(&person.screen));

        person_sees(&person, "Esc ends it\r\n");
        person_types(&person, keys[i]);
        expect_settings(&person, before);
        person_sees(&person, "end\r\n");
        person_leaves(&person);
    }
}

TEST(of_keys, stopped_and_continued_it_gives_the_terminal_back_and_takes_it_again)
{
    struct person person =
        sit_down("set -m; stty -g; $NAME_SRV -p 0 -n Ali; stty -g; fg; echo end");
    const char *before = strdup(take_line(&person.screen));

    person_sees(&person, "Esc ends it\r\n");
    person_types(&person, "\032");
    expect_settings(&person, before);
    person_types(&person, "\033"); /* it sees that once it has the terminal again */
    person_sees(&person, "end\r\n");
    person_leaves(&person);
}

TEST(of_keys, started_in_the_background_it_takes_the_keys_when_it_is_brought_forward)
{
    struct person person = sit_down("set -m; $NAME_SRV -p 0 -n Ali & fg; echo end");

    person_sees(&person, "Esc ends it\r\n");
    do /* again: it checks for the terminal only now and then */
        person_types(&person, "\033");
    while (!person_sees_within(&person, "end\r\n", 300));
    person_leaves(&person);
}

/* bash sends no SIGCONT to a program that runs already, as dash does. */
TEST(of_keys, continued_in_the_background_it_takes_the_keys_when_it_is_brought_forward)
{
    struct person person;
    struct stream client;

    if (lacks("bash"))
        return;
    person = sit_down("exec bash --norc --noprofile --noediting -i");
    person_types(&person, "$NAME_SRV -p 0 -n Ali\r");
    client = connect_to(read_port(&person));
    person_types(&person, "\032");
    person_sees(&person, "Stopped");
    person_types(&person, "bg; echo behi''nd\r");
    person_sees(&person, "behind\r\n");
    send_text(&client, "Hello\n");
    expect_line(&client, "Hello Ali"); /* it has been continued */
    person_types(&person, "fg; echo en''d; exit\r");
    do /* again: it checks for the terminal only now and then */
        person_types(&person, "\033");
    while (!person_sees_within(&person, "end\r\n", 300));
    person_leaves(&person);
}

/* Both are told that a key is there, and one of them gets it. */
TEST(of_keys, two_servers_at_one_terminal_never_wait_for_the_key_that_the_other_got)
{
    struct person person = sit_down("trap : INT; exec 3<&0\n"
                                    "$NAME_SRV -p 0 -n Ali <&3 &\n"
                                    "$NAME_SRV -p 0 -n Ali <&3 & wait; wait; echo end");
    struct stream clients[2];

    for (int i = 0; i < 2; i++)
        clients[i] = connect_to(read_port(&person));
    for (int round = 0; round < 20; round++) {
        person_types(&person, "x");
        sleep_ms(5);
        for (int i = 0; i < 2; i++) {
            send_text(&clients[i], "Hello\n");
            expect_line(&clients[i], "Hello Ali");
        }
    }
    person_types(&person, "\003");
    person_sees(&person, "end\r\n");
    person_leaves(&person);
}

TEST(of_keys, it_says_that_it_cannot_read_its_keyboard_and_serves_on)
{
    struct person person = sit_down("$NAME_SRV -p 0 -n Ali 0>$TTY; echo status $?");
    struct stream client = connect_to(read_port(&person));

    person_types(&person, "x");
    person_sees(&person, formatted("name_srv: cannot read the keyboard: %s; Esc does not "
                                   "work\r\n",
                                   strerror(EBADF)));
    send_text(&client, "Hello\n");
    expect_line(&client, "Hello Ali");
    person_types(&person, "\003");
    person_leaves(&person);
}

TEST(of_keys, without_a_terminal_or_any_standard_input_it_serves_on)
{
    static const char *const scripts[] = {"exec \"$@\" <&-", "exec \"$@\" </dev/null",
                                          "exec \"$@\" <<END\n\033\nEND\n"};

    for (size_t i = 0; i < COUNT(scripts); i++) {
        server = program_serve_by(scripts[i], NAME, ALI, NULL);
        for (int round = 0; round < 3; round++) { /* longer than it looks at its input */
            struct stream client = connect_to(server.port);

            send_text(&client, "Hello\n");
            expect_line(&client, "Hello Ali");
            stream_close(&client);
            sleep_ms(60);
        }
        program_stop(&server);
    }
}

TEST(of_keys, wrong_usage_is_status_2)
{
    expect_usage_error(HELLO_SRV, "-p", "x", NULL);
    expect_usage_error(HELLO_SRV, "operand", NULL);
    expect_usage_error(NAME_SRV, "-x", NULL);
    expect_usage_error(NAME_SRV, "-n", NULL);
    expect_usage_error("bin/echo_fork", "-p", "65536", NULL);
    expect_usage_error("bin/echo_thread", "operand", NULL);
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "hello_srv", .tests = &of_hello_srv},
        {.name = "name_srv", .tests = &of_name_srv, .set_up = open_name_srv},
        {.name = "keys", .tests = &of_keys, .tags = "terminal"},
    };

    return run_cases("the labs' servers", cases, COUNT(cases));
}
