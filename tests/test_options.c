/* The command line: what the programs have in common. */
#include "tests/harness.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct tests of_all, of_clients, of_some, of_servers, of_verbose;

#define ECHO_SRV "bin/echo_srv"
#define ECHO_CLI "bin/echo_cli"

/* ---- All programs ------------------------------------------------------------------- */

/* All except the two chat servers to learn from, which know only -h and -p. */
static const char *const programs[] = {
    "pchatsrv",    "echo_srv",  "dgram_srv",  "echo_fork",
    "echo_thread", "hello_srv", "name_srv",   "web_srv",
    "web_chat",    "chat_cli",  "threat_srv", "echo_cli",
    "dgram_cli",   "watch_cli", "resolve",    "sockopts",
    "threat_cli",  "http_get",  "irc_bot",    "irc_relay",
    "grade",       "turns",     "line_load",  "echo_select_blocking"};

static struct program run(const char *name, const char *argument)
{
    return program_run(formatted("bin/%s", name), argument, NULL);
}

TEST(of_all, help_and_version_have_a_long_name_too)
{
    static const char *const names[][2] = {{"-h", "--help"}, {"-V", "--version"}};

    for (size_t i = 0; i < COUNT(names); i++) {
        struct program brief = run(programs[_i], names[i][0]);
        struct program wordy = run(programs[_i], names[i][1]);

        stream_fill_to_end(&brief.out);
        stream_fill_to_end(&wordy.out);
        ck_assert_uint_gt(brief.out.length, 0);
        ck_assert_uint_eq(brief.out.length, wordy.out.length);
        ck_assert_mem_eq(brief.out.bytes, wordy.out.bytes, brief.out.length);
        expect_status(&brief, 0);
        expect_status(&wordy, 0);
    }
}

/* The letters of "[-hV]", "[-b address]" or "-c count" each begin a line of the help. */
static void expect_lines_for(const char *letters, const char *help)
{
    for (; isalnum((unsigned char)*letters); letters++)
        ck_assert_msg(strstr(help, formatted("\n  -%c ", *letters)) != NULL,
                      "no line for -%c", *letters);
}

TEST(of_all, the_help_begins_with_the_usage_and_has_a_line_for_each_option)
{
    struct program program = run(programs[_i], "-h");
    char text[4096], *help;

    stream_fill_to_end(&program.out);
    snprintf(text, sizeof text, "%.*s", (int)program.out.length, program.out.bytes);
    ck_assert_ptr_eq(strstr(text, formatted("usage: %s [-", programs[_i])), text);
    help = strstr(text, "\n  -"); /* the first option's line */
    ck_assert_ptr_nonnull(help);
    for (const char *at = text; (at = strchr(at, '-')) != NULL && at < help; at++)
        if (at[-1] == '[' || at[-1] == ' ')
            expect_lines_for(at + 1, text);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
        ck_assert_msg(strlen(line) <= 80, "too wide: %s", line);
    expect_status(&program, 0);
}

TEST(of_all, an_unknown_option_is_named)
{
    struct program program = run(programs[_i], "--verbose");

    expect_lf(&program.err, "%s: unknown option '--verbose'", programs[_i]);
    expect_status(&program, 2);
    program = run(programs[_i], "-Z");
    expect_lf(&program.err, "%s: unknown option -Z", programs[_i]);
    expect_status(&program, 2);
}

TEST(of_all, a_reader_that_has_had_enough_is_nothing_to_complain_of)
{
    struct program program =
        program_run_by("\"$@\" | :", formatted("bin/%s", programs[_i]), "-h", NULL);

    expect_success(&program);
}

/* ---- Clients ------------------------------------------------------------------------ */

/* All clients of one server name it in the same ways. Nobody is there. */
static const char *const clients[] = {"chat_cli", "echo_cli", "dgram_cli", "threat_cli",
                                      "http_get"};

static void expect_nobody(const char *client, const char *host, int port,
                          const char *first, const char *second)
{
    struct program program =
        program_run(formatted("bin/%s", client), first, second, NULL);

    expect_containing(&program.err, formatted("%s port %d: ", host, port));
    expect_status(&program, 1);
}

TEST(of_clients, a_server_is_named_by_a_host_and_a_port_in_one_word_or_two)
{
    const char *client = clients[_i];
    int port = unused_port();

    expect_nobody(client, "127.0.0.1", port, "127.0.0.1", formatted("%d", port));
    expect_nobody(client, "127.0.0.1", port, formatted("127.0.0.1:%d", port), NULL);
    expect_nobody(client, "::1", port, "::1", formatted("%d", port));
    expect_nobody(client, "::1", port, formatted("[::1]:%d", port), NULL);
}

TEST(of_clients, what_is_not_a_server_is_wrong_usage)
{
    const char *path = formatted("bin/%s", clients[_i]);

    expect_usage_error(path, "", NULL);
    expect_usage_error(path, ":1", NULL);
    expect_usage_error(path, "[::1", NULL);
    expect_usage_error(path, "[]:1", NULL);
    expect_usage_error(path, "localhost:x", NULL);
    expect_usage_error(path, "localhost:0", NULL);
    expect_usage_error(path, "localhost:1", "2", NULL);
    expect_usage_error(path, "localhost", "65536", NULL);
}

TEST(of_clients, an_option_after_the_server_is_told_where_it_belongs)
{
    struct program client =
        program_run(formatted("bin/%s", clients[_i]), "localhost", "-w", "1", NULL);

    expect_lf(&client.err, "%s: '-w' must come before 'localhost'", clients[_i]);
    expect_status(&client, 2);
}

TEST(of_some, a_number_after_the_host_is_its_port_and_after_two_dashes_a_word)
{
    struct program server = program_serve(ECHO_SRV, "EchoServer started on port ", NULL);
    const char *port = formatted("%d", server.port);
    struct program client = program_run(ECHO_CLI, "localhost", port, "--", "23001", NULL);

    expect_lf(&client.out, "23001");
    expect_success(&client);
    client = program_run(ECHO_CLI, "-p", port, "--", "-", "--", NULL);
    expect_lf(&client.out, "- --");
    expect_success(&client);
    client = program_run_by("echo said | \"$@\"", ECHO_CLI, "localhost", port, "-", NULL);
    expect_lf(&client.out, "said");
    expect_success(&client);
    program_stop(&server);
}

TEST(of_some, words_without_two_dashes_are_wrong_usage)
{
    struct program client = program_run(ECHO_CLI, "localhost", "Hello", NULL);

    expect_lf(&client.err, "echo_cli: 'Hello' is not a port number (1 to 65535)");
    expect_status(&client, 2);
    client = program_run(ECHO_CLI, "localhost", "1", "Hello", NULL);
    expect_lf(&client.err, "echo_cli: unexpected argument 'Hello': words come after --");
    expect_status(&client, 2);
    expect_usage_error(ECHO_CLI, "localhost", "-", "Hello", NULL);
}

/* Each recv() from a datagram socket takes what one write() wrote. */
TEST(of_some, a_complaint_is_written_at_once_so_that_those_of_two_programs_never_mix)
{
    const char *word = repeated('9', 100);
    char complaint[200] = "";
    struct stream errors;
    int ends[2];
    pid_t child;

    program_export(ECHO_CLI);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    child = fork_helper();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        execl("/bin/sh", "sh", "-c", "exec $ECHO_CLI localhost $0", word, (char *)NULL);
        _exit(127);
    }
    errors = stream_of(ends[0]);
    ck_assert(stream_ready(&errors, DEADLINE_MS));
    ck_assert_int_gt(recv(errors.fd, complaint, sizeof complaint - 1, 0), 0);
    ck_assert_str_eq(
        complaint, formatted("echo_cli: '%s' is not a port number (1 to 65535)\n", word));
    ck_assert_int_eq(await_child(child), 2);
}

/* ---- Values ------------------------------------------------------------------------- */

TEST(of_some, the_range_that_is_told_is_the_one_that_is_true)
{
    struct program client = program_run(ECHO_CLI, "-w", "soon", NULL);

    expect_lf(&client.err, "echo_cli: -w takes seconds (at most 86400), not 'soon'");
    expect_status(&client, 2);
    client = program_run(ECHO_CLI, "-w", "0", NULL);
    expect_lf(&client.err, "echo_cli: -w must be more than 0");
    expect_status(&client, 2);
    expect_usage_error(ECHO_CLI, "-w", "86401", NULL);
}

TEST(of_some, an_option_without_its_partner_is_wrong_usage)
{
    struct program program = program_run("bin/threat_srv", "-c", "1", NULL);

    expect_lf(&program.err, "threat_srv: -c needs -u");
    expect_status(&program, 2);
    program = program_run("bin/dgram_cli", "-i", "1", NULL);
    expect_lf(&program.err, "dgram_cli: -i needs -c");
    expect_status(&program, 2);
    expect_usage_error("bin/dgram_cli", "-s", "1", NULL);
    expect_usage_error("bin/dgram_cli", "-c", "1", "--", "word", NULL);
    expect_usage_error("bin/threat_srv", "-f", "level", "-c", "1", NULL);
}

/* ---- Servers ------------------------------------------------------------------------ */

static const struct {
    const char *name, *first_line;
} servers[] = {{"pchatsrv", "ChatServer started on port "},
               {"echo_srv", "EchoServer started on port "},
               {"echo_fork", "EchoServer started on port "},
               {"echo_thread", "EchoServer started on port "},
               {"dgram_srv", "DatagramServer started on port "},
               {"hello_srv", "hello_srv started on port "},
               {"name_srv", "name_srv started on port "},
               {"threat_srv", "threat_srv started on port "}};

/* Starts it with -p 0, and checks what follows the port in its first line. */
static void expect_first_line(const char *address, const char *rest, int server)
{
    struct program program =
        program_run(formatted("bin/%s", servers[server].name), "-p", "0",
                    address == NULL ? NULL : "-b", address, NULL);
    const char *port = expect_beginning(&program.out, servers[server].first_line);

    ck_assert_str_eq(port + strspn(port, "0123456789"), rest);
    program_stop(&program);
}

TEST(of_servers, the_first_line_says_where_the_server_listens)
{
    expect_first_line(NULL, "", _i);
    expect_first_line("127.0.0.1", " of 127.0.0.1", _i);
    expect_first_line("localhost", " of localhost", _i);
}

TEST(of_servers, a_link_local_address_to_listen_on_needs_an_interface)
{
    struct program server = program_run(formatted("bin/%s", servers[_i].name), "-p", "0",
                                        "-b", "fe80::1", NULL);
    char *why = expect_beginning(
        &server.err,
        formatted("%s: cannot listen on port 0 of fe80::1: ", servers[_i].name));

    if (strcmp(why, strerror(EAFNOSUPPORT)) != 0)
        ck_assert_str_eq(why,
                         "a link-local address needs an interface: write fe80::1%eth0");
    expect_status(&server, 1);
}

/* Those that can say who comes and goes. echo_srv also says how much it has echoed. */
static const int verbose[] = {1, 2, 3, 5, 6, 7};

TEST(of_verbose, with_v_a_server_prints_who_comes_and_goes_at_once)
{
    int i = verbose[_i];
    struct program server = program_serve(formatted("bin/%s", servers[i].name),
                                          servers[i].first_line, "-v", NULL);
    struct stream client = connect_to(server.port);
    const char *name = name_of(&client);

    expect_lf(&server.out, "Client connected %s", name);
    stream_close(&client);
    expect_containing(&server.out, formatted("Client closed %s", name));
    program_stop(&server);
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "all programs", .tests = &of_all, .times = COUNT(programs)},
        {.name = "clients", .tests = &of_clients, .times = COUNT(clients)},
        {.name = "some programs", .tests = &of_some},
        {.name = "servers", .tests = &of_servers, .times = COUNT(servers)},
        {.name = "verbose servers", .tests = &of_verbose, .times = COUNT(verbose)},
    };

    return run_cases("the command line", cases, COUNT(cases));
}
