/* irc_bot, on a real ngircd, and on servers that misbehave. */
#include "tests/ngircd.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct tests tests, on_ngircd, names;

#define LOG_BYTES ((size_t)1 << 22)

/* Each test runs in its own process: these belong to the test that runs. */
static struct program bot;
static struct ngircd irc;
static struct mock fake; /* for a server that the test plays */
static char log_path[600];

static void set_up(void)
{
    strcpy(log_path, temp_path("irc.log"));
    fake = mock_open("127.0.0.1");
}

/* Starts the bot for a port, with these options, words for a shell. */
static void start_bot(int port, const char *options)
{
    bot = program_run_by(formatted("exec \"$@\" %s 127.0.0.1 %d '#room'", options, port),
                         "bin/irc_bot", "-l", log_path, NULL);
}

static void stop_bot(void)
{
    program_kill(&bot, SIGINT);
    expect_status(&bot, 0);
}

/* Tells the bot to open its log again, which is not there, and waits until it is. */
static void open_log_again(void)
{
    program_kill(&bot, SIGHUP);
    while (access(log_path, F_OK) == -1)
        continue;
}

/* The same on a scripted server. It closes, as servers do. */
static void stop_bot_on(struct stream *server)
{
    program_kill(&bot, SIGINT);
    irc_await(server, "QUIT");
    stream_close(server);
    expect_status(&bot, 0);
}

static void start_on_ngircd(const char *options)
{
    ngircd_start(&irc, "a", 0, "");
    start_bot(irc.port, options);
    expect_containing(&bot.err, "joined #room on 127.0.0.1 port");
}

/* Starts the bot in the channel of a server that the test plays. */
static struct stream start_on_fake(const char *options)
{
    struct stream server;

    start_bot(fake.port, options);
    server = fake_welcome(&fake, "#room");
    expect_containing(&bot.err, "joined");
    return server;
}

/* ---- The file ----------------------------------------------------------------------- */

/* The length of a time in the form of RFC 3339 and of the space after it, or 0. */
static size_t time_length(const char *line)
{
    int year, month, day, hour, minute, second, hours, minutes, length = 0;
    char sign;

    if (sscanf(line, "%4d-%2d-%2dT%2d:%2d:%2d%c%2d:%2d%n", &year, &month, &day, &hour,
               &minute, &second, &sign, &hours, &minutes, &length) != 9)
        return 0;
    return length == 25 && line[25] == ' ' && (sign == '+' || sign == '-') ? 26 : 0;
}

/* Waits until the file's last line ends in `last`. Returns the file's text. */
static const char *await_log(const char *path, const char *last)
{
    static char text[LOG_BYTES];
    int64_t deadline = clock_ms() + DEADLINE_MS;
    size_t length = 0, tail = strlen(last);

    while (clock_ms() < deadline) {
        FILE *file = fopen(path, "r");

        length = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
        text[length] = '\0';
        if (file != NULL)
            fclose(file);
        if (length > tail && text[length - 1] == '\n' &&
            strncmp(text + length - 1 - tail, last, tail) == 0 &&
            text[length - 2 - tail] == ' ')
            return text;
        sleep_ms(2);
    }
    ck_abort_msg("the log does not come to end in '%s': '%s'", last,
                 length > 400 ? text + length - 400 : text);
}

/* Each line must have a time, and no control character. Returns the number of lines. */
static int check_lines(const char *text)
{
    int lines = 0;

    for (const char *line = text; *line != '\0'; lines++) {
        const char *end = strchr(line, '\n');

        ck_assert_ptr_nonnull(end);
        if (time_length(line) == 0)
            ck_abort_msg("no time: '%.*s'", (int)(end - line), line);
        for (const char *at = line; at < end; at++)
            if ((unsigned char)*at < 0x20 || *at == 0x7F)
                ck_abort_msg("a control character: '%.*s'", (int)(end - line), line);
        line = end + 1;
    }
    return lines;
}

TEST(on_ngircd, row_14_each_line_said_is_written_with_the_time)
{
    struct stream bob;
    const char *text;

    start_on_ngircd("");
    bob = irc_join(irc.port, "bob", "#room");
    irc_send(&bob, "PRIVMSG #room :hello: you");
    text =
        await_log(log_path, "#room <bob> hello: you"); /* at once, not only at the end */
    ck_assert_int_ge(check_lines(text), 1);
    irc_send(&bob, "NOTICE #room :\x02note\x02");
    (void)await_log(log_path, "#room -bob- note");
    irc_send(&bob, "PRIVMSG #room :\x01"
                   "ACTION waves\x01");
    (void)await_log(log_path, "#room * bob waves");
    irc_send(&bob, "PRIVMSG #room :\x01"
                   "DCC SEND game.exe 2130706433 4000 9\x01");
    (void)await_log(log_path,
                    "#room [CTCP from bob] DCC SEND game.exe 2130706433 4000 9");
    irc_send(&bob, "PRIVMSG netbot :for you alone");
    text = await_log(log_path, "netbot <bob> for you alone");
    (void)check_lines(text);

    program_kill(&bot, SIGINT);
    irc_await(&bob, ":netbot!");
    expect_status(&bot, 0);
    expect_end(&bot.out);
}

TEST(tests, what_is_said_on_inspircd_is_logged_as_well)
{
    struct stream bob;

    if (!inspircd_start(&irc, "i"))
        return;
    bob = irc_join(irc.port, "netbot", "#room");
    irc_send(&bob, "MODE #room +k sesame");
    irc_await(&bob, "MODE #room +k");
    start_bot(irc.port, "");
    expect_containing(&bot.err, "needs another key");
    expect_status(&bot, 1);
    start_bot(irc.port, "-k sesame");
    expect_containing(&bot.err, "joined #room on 127.0.0.1 port");
    irc_send(&bob, "PRIVMSG #room :hello: \x02you");
    (void)await_log(log_path, "#room <netbot> hello: you");
    stop_bot();
    irc_await(&bob, "QUIT");
}

TEST(on_ngircd, a_hangup_opens_the_file_again_and_no_line_is_lost)
{
    struct stream bob;
    const char *old = strdup(temp_path("irc.log.old"));

    start_on_ngircd("");
    bob = irc_join(irc.port, "bob", "#room");
    irc_send(&bob, "PRIVMSG #room :first");
    (void)await_log(log_path, "<bob> first");
    ck_assert_int_eq(rename(log_path, old), 0);
    irc_send(&bob, "PRIVMSG #room :second");
    (void)await_log(old, "<bob> second");
    open_log_again();
    irc_send(&bob, "PRIVMSG #room :third");
    ck_assert_int_eq(check_lines(await_log(log_path, "<bob> third")), 1);
    stop_bot();
}

/* nohup ignores SIGHUP because it would end a program; here it only opens the file. */
TEST(tests, a_hangup_opens_the_file_again_even_under_nohup)
{
    struct stream server;

    bot = program_run_by("trap '' HUP; exec \"$@\"", "bin/irc_bot", "-l", log_path,
                         "127.0.0.1", formatted("%d", fake.port), "#room", NULL);
    server = fake_welcome(&fake, "#room");
    expect_containing(&bot.err, "joined");
    ck_assert_int_eq(unlink(log_path), 0);
    open_log_again();
    irc_send(&server, ":bob!u@h PRIVMSG #room :\xE2\x80\xAE"
                      "gnp.exe");
    (void)await_log(log_path,
                    "<bob> \xEF\xBF\xBDgnp.exe"); /* so that no text is shown reversed */
    stop_bot_on(&server);
}

TEST(on_ngircd, a_full_disk_is_reported_once_and_the_bot_goes_on)
{
    struct stream bob;

    ck_assert_int_eq(symlink("/dev/full", log_path), 0);
    start_on_ngircd("");
    bob = irc_join(irc.port, "bob", "#room");
    irc_send(&bob, "PRIVMSG #room :lost");
    expect_containing(&bot.err, "cannot write to");
    irc_send(&bob, "PRIVMSG #room :lost too");
    ck_assert_int_eq(unlink(log_path), 0);
    open_log_again();
    irc_send(&bob, "PRIVMSG #room :kept");
    (void)await_log(log_path, "<bob> kept");
    expect_containing(&bot.err,
                      "again; "); /* how many: the server's notices are lost too */
    stop_bot();
}

TEST(tests, a_line_that_a_full_disk_has_cut_is_ended_before_the_next)
{
    const struct rlimit small = {.rlim_cur = 1024, .rlim_max = RLIM_INFINITY};
    const struct rlimit large = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    struct stream server;

    temp_write("irc.log", formatted("%999s\n", "before"));
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0); /* like a full disk */
    start_bot(fake.port, "");
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &large), 0);
    server = fake_welcome(&fake, "#room");
    expect_containing(&bot.err, "joined");
    irc_send(&server, ":bob!u@h PRIVMSG #room :cut");
    expect_containing(&bot.err, strerror(EFBIG));
    irc_send(&server, ":bob!u@h PRIVMSG #room :lost");
    irc_send(&server, "PING :turn");
    expect_line(&server, "PONG :turn");
    ck_assert_int_eq(truncate(log_path, 900), 0);
    irc_send(&server, ":bob!u@h PRIVMSG #room :kept");
    ck_assert_ptr_nonnull(strstr(await_log(log_path, "<bob> kept"), "\n20"));
    expect_containing(&bot.err, "again; 2 lines are missing");
    stop_bot_on(&server);
}

TEST(tests, a_file_that_takes_nothing_delays_nobody)
{
    struct stream server;
    int reader;

    ck_assert_int_eq(mkfifo(log_path, 0600), 0);
    start_bot(fake.port, "");
    expect_containing(&bot.err, "cannot open"); /* nobody reads */
    expect_status(&bot, 1);
    reader = open(log_path, O_RDONLY | O_NONBLOCK);
    ck_assert_int_ne(reader, -1);
    server = start_on_fake("");
    for (int i = 0; i < 400; i++)
        irc_send(&server, ":bob!u@h PRIVMSG #room :%s", repeated('x', 400));
    expect_containing(&bot.err, "cannot write to");
    irc_send(&server, "PING :turn");
    expect_line(&server, "PONG :turn");
    program_kill(&bot, SIGINT);
    irc_await(&server, "QUIT");
    stream_close(&server);
    expect_status(&bot, 1);
    expect_containing(&bot.err, "lines are missing in");
    close(reader);
}

TEST(tests, a_standard_error_that_nobody_reads_delays_nobody)
{
    struct stream server;

    ck_assert_int_eq(setenv("IRC_PASSWORD", "sesame", 1), 0);
    start_bot(fake.port, "");
    server = fake_welcome(&fake, "#room");
    expect_no_wait_for_reader(&server, &bot);
    stop_bot_on(&server);
}

TEST(tests, a_file_that_cannot_be_opened_is_reported)
{
    bot = program_run("bin/irc_bot", "-l", "/no/such/file", "#room", NULL);
    expect_containing(&bot.err, "irc_bot: cannot open '/no/such/file': ");
    expect_status(&bot, 1);
}

/* ---- Coming in ---------------------------------------------------------------------- */

TEST(tests, it_waits_for_the_welcome_and_answers_pings_before_it)
{
    struct stream server;

    start_bot(fake.port, "-n ann");
    server = mock_accept(&fake);
    expect_line(&server, "NICK ann");
    expect_line(&server, "USER netlab 0 * :netlab's irc_bot");
    send_text(&server, ":fake NOTICE * :*** Looking up your host\r\nPING :12 34\r\nPI");
    expect_line(&server, "PONG :12 34");
    send_text(&server, "NG x\r\n:fake 001");
    expect_line(&server, "PONG :x");
    send_text(&server, " ann :Welcome\r\n");
    expect_line(&server, "JOIN #room");
    send_text(&server, ":ann!a@b JOIN :#ROOM\r\n");
    expect_containing(&bot.err, "joined #room");
    program_kill(&bot, SIGINT);
    expect_line(&server, "QUIT :irc_bot ends");
    stream_close(&server);
    expect_status(&bot, 0);
}

TEST(on_ngircd, another_nick_is_taken_when_its_own_is_in_use)
{
    struct stream first, second;

    ngircd_start(&irc, "a", 0, "");
    first = irc_join(irc.port, "netbot", "#room");
    second = irc_join(irc.port, "netbot1", "#room");
    start_bot(irc.port, "");
    expect_containing(&bot.err, "as netbot2");
    irc_await(&first, ":netbot2!");
    stop_bot();
    /* A nick of nine letters, as long as this server allows, keeps its length. */
    irc_send(&second, "NICK ninechars");
    irc_await(&second, "NICK");
    start_bot(irc.port, "-n ninechars");
    expect_containing(&bot.err, "as ninechar1");
    stop_bot();
}

TEST(tests, it_identifies_with_a_password_that_is_never_shown)
{
    struct stream server;
    const char *text;

    ck_assert_int_eq(setenv("IRC_PASSWORD", "hunter2", 1), 0);
    start_bot(fake.port, "");
    server = fake_accept(&fake);
    irc_send(&server, ":fake 001 netbot :Welcome");
    expect_line(&server, "PRIVMSG NickServ :IDENTIFY hunter2");
    expect_line(&server, "JOIN #room");
    irc_send(&server, ":netbot!n@h JOIN #room");
    irc_send(&server, ":NickServ!s@h NOTICE netbot :You are now identified");
    text = await_log(log_path, "netbot -NickServ- You are now identified");
    ck_assert_ptr_null(strstr(text, "hunter2"));
    expect_containing(&bot.err, "joined #room");
    expect_containing(&bot.err, "NickServ says: You are now identified");
    irc_send(&server, ":netbot!n@h PRIVMSG NickServ :IDENTIFY hunter2");
    irc_send(&server, ":fake 404 netbot NickServ :Cannot send IDENTIFY hunter2");
    text = await_log(log_path, "IDENTIFY *******");
    ck_assert_ptr_null(strstr(text, "hunter2"));
    expect_containing(&bot.err, "Cannot send IDENTIFY *******");
    irc_send(&server, ":fake 401 netbot NickServ :No such nick");
    expect_containing(&bot.err, "there is no NickServ to identify to: No such nick");
    irc_send(&server, ":bob!u@h PRIVMSG #room :my hunter2 is a word of mine");
    (void)await_log(log_path, "#room <bob> my hunter2 is a word of mine");
    stream_close(&server);
    expect_containing(&bot.err, "lost the connection");
    stop_bot();
    expect_end(&bot.err); /* the password is nowhere else */
}

TEST(on_ngircd, a_server_with_a_password_is_told_it_first)
{
    ngircd_start(&irc, "a", 0, "[Global]\nPassword = open sesame\n");
    start_bot(irc.port, "");
    expect_containing(&bot.err, "the server needs a password (IRC_SERVER_PASSWORD gives "
                                "it): Access denied: Bad password?");
    expect_status(&bot, 1);
    ck_assert_int_eq(setenv("IRC_SERVER_PASSWORD", "open sesame", 1), 0);
    start_bot(irc.port, "");
    expect_containing(&bot.err, "joined #room on 127.0.0.1 port");
    stop_bot();
}

TEST(tests, the_passwords_of_a_server_and_of_a_nick_are_two_and_neither_is_shown)
{
    struct stream server;

    ck_assert_int_eq(setenv("IRC_SERVER_PASSWORD", "sesame", 1), 0);
    ck_assert_int_eq(setenv("IRC_PASSWORD", "hunter2", 1), 0);
    start_bot(fake.port, "");
    server = mock_accept(&fake);
    expect_line(&server, "PASS :sesame");
    expect_line(&server, "NICK netbot");
    irc_await(&server, "USER");
    irc_send(&server, ":fake 001 netbot :Welcome");
    expect_line(&server, "PRIVMSG NickServ :IDENTIFY hunter2");
    irc_send(&server, ":netbot!n@h JOIN #room");
    expect_containing(&bot.err, "joined");
    irc_send(&server, "ERROR :not sesame, hunter2");
    expect_containing(&bot.err, "disconnected by 127.0.0.1");
    stream_close(&server);
    server = mock_accept(&fake);
    expect_line(&server, "PASS :sesame"); /* each time */
    irc_send(&server, ":fake 464 netbot :sesame is wrong");
    expect_containing(&bot.err, "the server needs a password (IRC_SERVER_PASSWORD gives "
                                "it): ****** is wrong");
    stream_close(&server);
    program_kill(&bot, SIGTERM);
    expect_status(&bot, 0);
    ck_assert_int_eq(setenv("IRC_SERVER_PASSWORD", "two\nlines", 1), 0);
    expect_usage_error("bin/irc_bot", "#room", NULL);
}

TEST(tests, a_password_that_is_a_word_of_the_protocol_does_no_harm)
{
    static const char *const passwords[] = {" ", "0", "JOIN", "PRIVMSG", "#room"};
    for (size_t i = 0; i < COUNT(passwords); i++) {
        struct stream server;

        ck_assert_int_eq(setenv("IRC_PASSWORD", passwords[i], 1), 0);
        start_bot(fake.port, "");
        server = fake_welcome(&fake, "#room");
        irc_send(&server, ":bob!b@h PRIVMSG #room :hello from %s", passwords[i]);
        irc_send(&server, ":bob!b@h PRIVMSG #room :hello");
        (void)await_log(log_path, "#room <bob> hello");
        stop_bot_on(&server);
        ck_assert_int_eq(unlink(log_path), 0);
    }
    ck_assert_int_eq(setenv("IRC_PASSWORD", "two\nlines", 1), 0);
    expect_usage_error("bin/irc_bot", "#room", NULL);
}

TEST(tests, what_the_server_refuses_is_reported_in_words)
{
    static const struct {
        const char *answer, *words;
        bool to_join;
    } cases[] = {
        {"465 netbot :Go away", "banned from the server: Go away", false},
        {"432 * netbot :Bad nick", "does not allow this nick", false},
        {"464 netbot :Who?", "needs a password (IRC_SERVER_PASSWORD gives it)", false},
        {"403 netbot #room :No", "there is no such channel: No", true},
        {"471 netbot #room :+l", "cannot join: +l", true},
        {"473 netbot #room :+i", "for invited people only", true},
        {"474 netbot #room :+b", "banned from the channel", true},
        {"475 netbot #room :+k", "needs another key (-k gives it)", true},
        {"520 netbot #room :Operators", "cannot join: Operators", true},
        {"461 netbot JOIN :More", "cannot join: More", true},
        {"477 netbot #room :+r\033[2J", "registered nicks only: +r^[[2J", true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct stream server;

        start_bot(fake.port, "");
        server = fake_accept(&fake);
        if (cases[i].to_join) {
            irc_send(&server, ":fake 001 netbot :Welcome");
            irc_await(&server, "JOIN");
        }
        irc_send(&server, ":fake %s", cases[i].answer);
        expect_containing(&bot.err, cases[i].words);
        expect_status(&bot, 1);
        stream_close(&server);
    }
}

TEST(tests, with_a_password_a_channel_for_registered_nicks_is_tried_again)
{
    struct stream server;

    ck_assert_int_eq(setenv("IRC_PASSWORD", "sesame", 1), 0);
    start_bot(fake.port, "");
    server = fake_accept(&fake);
    irc_send(&server, ":fake 001 netbot :Welcome");
    irc_await(&server, "JOIN");
    irc_send(&server, ":fake 477 netbot #room :Register first");
    expect_containing(&bot.err, "registered nicks only: Register first");
    expect_line(&server, "JOIN #room");
    irc_send(&server, ":fake 471 netbot #room :Cannot join (+R)"); /* ngIRCd's */
    expect_containing(&bot.err, "cannot join: Cannot join (+R)");
    expect_line(&server, "JOIN #room");
    irc_send(&server, ":fake 263 netbot JOIN :Server load is high");
    expect_containing(&bot.err, "cannot join: Server load is high");
    stop_bot_on(&server);
}

TEST(tests, a_nick_in_use_is_tried_again_and_its_password_names_it)
{
    struct stream server;

    ck_assert_int_eq(setenv("IRC_PASSWORD", "sesame", 1), 0);
    start_bot(fake.port, "-w 1");
    server = fake_accept(&fake);
    irc_send(&server, ":fake 433 * netbot :In use");
    expect_line(&server, "NICK netbot1");
    irc_send(&server, ":fake 001 netbot1 :Welcome");
    expect_line(&server, "PRIVMSG NickServ :IDENTIFY netbot sesame");
    expect_line(&server, "JOIN #room");
    irc_send(&server, ":netbot1!n@h JOIN #room");
    expect_containing(&bot.err, "as netbot1");
    irc_await(&server, "NICK netbot");
    irc_send(&server, ":fake 433 netbot1 netbot :In use");
    irc_await(&server, "NICK netbot");
    irc_send(&server, ":netbot1!n@h NICK netbot");
    expect_containing(&bot.err, "called netbot now");
    irc_await(&server, "PRIVMSG NickServ :IDENTIFY sesame");
    stop_bot_on(&server);
}

TEST(on_ngircd, a_key_opens_a_channel_that_has_one)
{
    struct stream bob;

    ngircd_start(&irc, "a", 0, "");
    bob = irc_join(irc.port, "bob", "#room");
    irc_send(&bob, "MODE #room +k sesame");
    irc_await(&bob, "MODE #room +k");
    start_bot(irc.port, "");
    expect_containing(&bot.err, "needs another key");
    expect_status(&bot, 1);
    start_bot(irc.port, "-k sesame");
    expect_containing(&bot.err, "joined #room");
    stop_bot();
}

/* ---- Staying ------------------------------------------------------------------------ */

TEST(tests, a_silent_server_is_asked_and_then_left)
{
    struct stream server = start_on_fake("-w 0.2");

    for (int i = 0; i < 2; i++) {
        expect_line(&server, "PING netbot");
        irc_send(&server, ":fake PONG fake :netbot");
    }
    expect_line(&server, "PING netbot");
    expect_containing(&bot.err, "does not answer; trying again in 1 s");
    expect_end(&server);
    server = mock_accept(&fake);
    expect_line(&server, "NICK netbot");
    stop_bot_on(&server);
}

TEST(tests, a_server_without_a_welcome_is_left_and_pauses_grow)
{
    struct stream server;

    start_bot(fake.port, "-w 0.1");
    server = mock_accept(&fake);
    expect_containing(&bot.err, "no welcome from 127.0.0.1");
    irc_await(&server, "USER");
    expect_end(&server);
    server = mock_accept(&fake);
    send_text(&server, ":fake 001 netb"); /* it closes in the middle */
    stream_close(&server);
    expect_containing(&bot.err, "trying again in 2 s");
    stop_bot();
}

TEST(on_ngircd, it_keeps_trying_a_server_that_is_not_there_yet)
{
    int port = unused_port();

    start_bot(port, "");
    expect_containing(&bot.err, "cannot connect to 127.0.0.1");
    ngircd_start(&irc, "a", port, "");
    expect_containing(&bot.err, "joined #room");
    stop_bot();
}

TEST(tests, an_error_and_a_kick_are_reported_and_it_comes_back)
{
    struct stream server = start_on_fake("");

    irc_send(&server, ":op!o@h KICK #room netbot :out");
    expect_containing(&bot.err, "kicked out of #room (out); joining again in 1 s");
    expect_line(&server, "JOIN #room");
    irc_send(&server, ":netbot!n@h JOIN #room");
    expect_containing(&bot.err, "joined");
    irc_send(&server, "ERROR :Closing Link: netbot (Killed)");
    expect_containing(&bot.err, "disconnected by 127.0.0.1");
    expect_end(&server);
    stop_bot();
}

TEST(tests, what_is_printed_of_others_words_has_no_colours_and_no_empty_brackets)
{
    struct stream server;

    ck_assert_int_eq(setenv("IRC_PASSWORD", "sesame", 1), 0);
    server = start_on_fake("");
    irc_send(&server, ":NickServ!s@h NOTICE netbot :You are \x02now\x02 \x03"
                      "04,12identified\x0f.");
    expect_lf(&bot.err, "irc_bot: NickServ says: You are now identified.");
    irc_send(&server, ":netbot!n@h PART #room");
    expect_lf(&bot.err, "irc_bot: taken out of #room; joining again in 1 s");
    expect_line(&server, "JOIN #room");
    irc_send(&server, ":netbot!n@h JOIN #room");
    expect_containing(&bot.err, "joined");
    irc_send(&server, ":op!o@h KICK #room netbot :\x1dout\x1d");
    expect_containing(&bot.err, "kicked out of #room (out); joining again in");
    stop_bot_on(&server);
}

TEST(tests, a_nick_that_the_server_forces_on_it_is_its_own_and_so_is_a_forced_join)
{
    struct stream server = start_on_fake("");

    irc_send(&server, ":netbot!n@h NICK 42XAAAAAB");
    irc_send(&server, ":op!o@h KICK #room 42XAAAAAB :out");
    expect_containing(&bot.err, "kicked out of #room (out); joining again in 1 s");
    irc_send(&server, ":42XAAAAAB!n@h JOIN #room");
    expect_containing(&bot.err, "joined #room on 127.0.0.1");
    stop_bot_on(&server);
}

TEST(tests, a_bot_that_was_stopped_asks_before_it_leaves_a_server)
{
    struct stream server = start_on_fake("-w 0.3");

    program_pause(&bot);
    sleep_ms(1000);
    program_go_on(&bot);
    expect_line(&server, "PING netbot");
    irc_send(&server, ":fake PONG fake :netbot");
    expect_line(&server, "PING netbot"); /* and not the end of the connection */
    stop_bot_on(&server);
}

TEST(tests, a_server_that_does_not_close_after_quit_is_left_all_the_same)
{
    struct stream server = start_on_fake("");

    stop_bot();
    expect_line(&server, "QUIT :irc_bot ends");
}

/* ---- Hostile servers ---------------------------------------------------------------- */

TEST(tests, hostile_bytes_do_no_harm_and_reach_no_terminal)
{
    static const char bytes[] =
        ":a!b@c PRIVMSG\r\n:a PRIVMSG #room\r\nPRIVMSG #room :no prefix\r\n"
        ":a!b@c PRIVMSG #room :\033]0;title\a\x9B"
        "31m\x7F\r\n:\r\n: \r\n@\r\n@a \r\n\r\n\r\n\n\n 001\r\n"
        ":a!b@c NOTICE #room :N\0UL\r\n:a!b@c PRIVMSG #room :\3"
        "12,4colour\3 \2bold\r\n:a!b@c PRIVMSG #room :\1VERSION\1\r\n"
        ":netbot!n@h NICK\r\n:netbot!n@h NICK :\r\n:netbot!n@h NICK :a b\r\n"
        ":netbot!n@h JOIN\r\nKICK\r\nKICK #room\r\n433\r\n404\r\n001\r\n475\r\nPING\r\n"
        "PART\r\nNICK\r\nJOIN\r\nERR\xFFOR\r\n:a!b@c PRIVMSG #room :\xE2\x82\r\n"
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20\r\n";
    struct stream server = start_on_fake("");

    send_bytes(&server, bytes, sizeof bytes - 1);
    for (size_t i = 0; i < sizeof bytes - 1; i++) /* again, in segments of one byte */
        send_bytes(&server, bytes + i, 1);
    send_text(&server, "@");
    send_repeated(&server, repeated('x', 1000), 100);
    send_text(&server, "\r\n:a!b@c PRIVMSG #room ::");
    send_repeated(&server, repeated('x', 1000), 100);
    send_text(&server, "\r\n");
    for (int i = 0; i < 5000; i++)
        irc_send(&server, ":u%d!u@h PRIVMSG #room :flood", i);
    irc_send(&server, ":bob!b@h PRIVMSG #room :still here");
    ck_assert_int_gt(check_lines(await_log(log_path, "#room <bob> still here")), 5000);
    expect_containing(&bot.err, "what was said did not reach the channel");
    stream_close(&server);
    expect_containing(&bot.err, "lost the connection");
    stop_bot();
}

TEST(tests, a_server_that_pings_without_end_and_never_reads_costs_no_memory)
{
    static char pings[50000][12];
    struct stream server = start_on_fake("");

    for (size_t i = 0; i < COUNT(pings); i++)
        memcpy(pings[i], "PING :more\r\n", sizeof pings[i]);
    for (int i = 0; i < 8; i++)
        send_bytes(&server, pings, sizeof pings);
    irc_send(&server, ":bob!b@h PRIVMSG #room :still here");
    (void)await_log(log_path, "#room <bob> still here");
    stream_close(&server);
    expect_containing(&bot.err, "lost the connection");
    stop_bot();
}

TEST(tests, wrong_usage_is_reported)
{
    expect_usage_error("bin/irc_bot", NULL);
    expect_usage_error("bin/irc_bot", "room", NULL);
    expect_usage_error("bin/irc_bot", "#a b", NULL);
    expect_usage_error("bin/irc_bot", "-n1ann", "#room", NULL);
    expect_usage_error("bin/irc_bot", "-ka b", "#room", NULL);
    expect_usage_error("bin/irc_bot", "-w0", "#room", NULL);
}

TEST(names, a_name_that_does_not_exist_is_reported)
{
    bot =
        program_run("bin/irc_bot", "-l", log_path, "no.such.host.invalid", "#room", NULL);
    expect_containing(&bot.err, "cannot connect to no.such.host.invalid port 6667: ");
    stop_bot();
}

int main(void)
{
    const struct test_case cases[] = {
        {.name = "irc_bot",
         .tests = &tests,
         .set_up = set_up,
         .tear_down = ngircd_stop_all},
        {.name = "on ngircd",
         .tests = &on_ngircd,
         .set_up = set_up,
         .tear_down = ngircd_stop_all,
         .needs = "ngircd"},
        /* A child looks the name up, which valgrind would follow. */
        {.name = "names", .tests = &names, .set_up = set_up, .tags = "resolver"},
    };

    return run_cases("irc_bot", cases, COUNT(cases));
}
