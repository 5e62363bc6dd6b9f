/* What people in the room say and read: pchatsrv from outside. */
#include "tests/room.h"
#include "tests/server.h"

#include <string.h>
#include <sys/socket.h>

static struct tests suite;

/* Each test starts with a server and two clients that have been told of each other. */
static struct stream ann, bob;
static const char *ann_name, *bob_name;

static void open_room(void)
{
    struct stream both[2];

    server = room_open();
    room_fill(&server, both, 2);
    ann = both[0];
    bob = both[1];
    ann_name = strdup(name_of(&ann));
    bob_name = strdup(name_of(&bob));
}

/* ---- The session of the source document --------------------------------------------- */

TEST(suite, row_1_a_session_of_two_is_held_to_the_byte)
{
    expect_source_session(&server, &ann, &bob);
}

TEST(suite, an_ipv6_peer_is_shown_in_brackets)
{
    struct stream six;

    if (lacks("IPv6"))
        return;
    six = connect_to_host("::1", server.port);
    expect_line(&six, GREETING);
    ck_assert_int_eq(strncmp(name_of(&six), "[::1]:", 6), 0);
    expect_line(&ann, "Client joined %s", name_of(&six));
    send_text(&six, "hello\n");
    expect_line(&ann, "[%s] hello", name_of(&six));
}

/* ---- Lines -------------------------------------------------------------------------- */

TEST(suite, a_line_split_over_many_segments_arrives_whole)
{
    const char *line = "one byte at a time\r\n";

    for (const char *byte = line; *byte; byte++)
        send_bytes(&ann, byte, 1);
    expect_line(&bob, "[%s] one byte at a time", ann_name);
}

TEST(suite, a_line_ends_in_lf_or_crlf_or_as_telnets_enter_key_does)
{
    send_bytes(&ann, "lf\ncrlf\r\ncrnul\r\0after\n", 22);
    expect_line(&bob, "[%s] lf", ann_name);
    expect_line(&bob, "[%s] crlf", ann_name);
    expect_line(&bob, "[%s] crnul", ann_name);
    expect_line(&bob, "[%s] after", ann_name);
}

TEST(suite, an_empty_line_is_passed_on_as_one)
{
    send_text(&ann, "\r\n\nend\n");
    expect_line(&bob, "[%s] ", ann_name);
    expect_line(&bob, "[%s] ", ann_name);
    expect_line(&bob, "[%s] end", ann_name);
}

/*
 * Sends one line of `count` units. They must arrive as `shown`, in pieces of whole units
 * that are as long as 2,048 bytes allow.
 */
static void send_long_line(const char *unit, const char *shown, size_t count)
{
    size_t shown_length = strlen(shown), seen = 0;

    send_repeated(&ann, unit, count);
    send_text(&ann, "\n");
    while (seen < count) {
        const char *text = expect_beginning(&bob, formatted("[%s] ", ann_name));
        size_t left = (count - seen) * shown_length;

        ck_assert_uint_le(strlen(text), 2048);
        ck_assert_uint_gt(strlen(text), 2048 - 8 < left ? 2048 - 8 : left - 1);
        for (; *text; text += shown_length, seen++)
            ck_assert_int_eq(strncmp(text, shown, shown_length), 0);
    }
    ck_assert_uint_eq(seen, count);
    send_text(&ann, "end\n");
    expect_line(&bob, "[%s] end", ann_name);
}

TEST(suite, a_line_of_2048_bytes_is_one_line)
{
    send_long_line("x", "x", 2048);
}

TEST(suite, a_longer_line_goes_out_in_pieces_and_nothing_is_lost)
{
    send_long_line("x", "x", 2049);
    send_long_line("x", "x", 100000);
}

TEST(suite, a_long_line_is_never_cut_inside_a_character)
{
    send_long_line("\xC3\xA9", "\xC3\xA9", 5000);
    send_long_line("\xE2\x82\xAC", "\xE2\x82\xAC", 5000);
    send_long_line("\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80", 5000);
    send_long_line("\x1B", "^[", 5000);
}

TEST(suite, a_full_line_and_the_piece_after_it_are_passed_on_before_the_client_leaves)
{
    const char *full = repeated('x', 2048);

    send_text(&ann, full);
    send_text(&ann, "\xE2\x82");
    stream_half_close(&ann);
    expect_line(&bob, "[%s] %s", ann_name, full);
    expect_line(&bob, "[%s] \xEF\xBF\xBD", ann_name);
    expect_line(&bob, "Client left %s", ann_name);
}

TEST(suite, what_was_sent_before_a_half_close_is_passed_on)
{
    send_text(&ann, "one\ntwo\nthree\xE2\x82");
    stream_half_close(&ann);
    expect_line(&bob, "[%s] one", ann_name);
    expect_line(&bob, "[%s] two", ann_name);
    expect_line(&bob, "[%s] three\xEF\xBF\xBD", ann_name);
    expect_line(&bob, "Client left %s", ann_name);
    expect_end(&ann);
}

/* ---- Text --------------------------------------------------------------------------- */

TEST(suite, a_lone_carriage_return_forges_no_line)
{
    send_text(&ann, "me\r[someone] forged\r\r\nend\r");
    stream_half_close(&ann);
    expect_line(&bob, "[%s] me^M[someone] forged^M", ann_name);
    expect_line(&bob, "[%s] end^M", ann_name);
}

TEST(suite, control_characters_are_shown_in_caret_notation)
{
    for (int c = 0; c < 0x20; c++) {
        char line[4] = {'a', (char)c, 'b', '\n'};

        if (c == '\t' || c == '\n' || c == '\r' || c == 4) /* Ctrl-D */
            continue;
        send_bytes(&ann, line, 4);
        expect_line(&bob, "[%s] a^%cb", ann_name, c + 64);
    }
    send_text(&ann, "tab\there, del\x7F\n");
    expect_line(&bob, "[%s] tab\there, del^?", ann_name);
}

TEST(suite, c1_control_characters_are_shown_as_cat_v_does)
{
    for (int c = 0x80; c < 0xA0; c++) {
        char line[4] = {(char)0xC2, (char)c, '\n'};

        send_bytes(&ann, line, 3);
        expect_line(&bob, "[%s] M-^%c", ann_name, c - 64);
    }
}

TEST(suite, valid_utf8_goes_through_unchanged)
{
    const char *text = "na\xC3\xAFve \xE2\x82\xAC \xE6\xBC\xA2\xE5\xAD\x97 "
                       "\xF0\x9F\x98\x80 \xC2\xA0\xF4\x8F\xBF\xBF";

    send_line(&ann, "%s", text);
    expect_line(&bob, "[%s] %s", ann_name, text);
}

TEST(suite, bytes_that_are_not_utf8_become_replacement_characters)
{
    static const struct {
        const char *sent, *shown;
    } cases[] = {
        {"\x80", "\xEF\xBF\xBD"},
        {"\xFE", "\xEF\xBF\xBD"},
        {"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},                 /* overlong */
        {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* a surrogate */
        {"\xE2\x82x", "\xEF\xBF\xBDx"},                           /* cut short */
        {"\xE2\x82\x1B", "\xEF\xBF\xBD^["},
        {"\xF0\x9F\x98", "\xEF\xBF\xBD"}, /* cut short by the line's end */
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        send_line(&ann, "%s", cases[i].sent);
        expect_line(&bob, "[%s] %s", ann_name, cases[i].shown);
    }
}

TEST(suite, a_percent_sign_is_nothing_special)
{
    send_text(&ann, "%s%n%d 100%\n");
    expect_line(&bob, "[%s] %%s%%n%%d 100%%", ann_name);
}

/* ---- Telnet ------------------------------------------------------------------------- */

TEST(suite, telnet_commands_reach_nobody_however_they_are_cut)
{
    static const unsigned char sent[] = "a\xFF\xF4"             /* IP */
                                        "b\xFF\xFA\x18\x01xyz"  /* SB, with an */
                                        "\xFF\xFF\n\xFF\xF0"    /* escaped 255 in it */
                                        "c\xFF\xFB\x1F\xFF\xFC" /* WILL, WONT */
                                        "\x1F"
                                        "d\xFF\xF9\n";

    send_bytes(&ann, sent, sizeof sent - 1);
    expect_line(&bob, "[%s] abcd", ann_name);
    for (size_t i = 0; i < sizeof sent - 1; i++)
        send_bytes(&ann, sent + i, 1);
    expect_line(&bob, "[%s] abcd", ann_name);
}

TEST(suite, a_doubled_255_is_data)
{
    send_text(&ann, "x\xFF\xFFy\n");
    expect_line(&bob, "[%s] x\xEF\xBF\xBDy", ann_name);
}

TEST(suite, a_subnegotiation_is_skipped_and_one_that_does_not_end_mutes_nobody)
{
    send_text(&ann, "a\xFF\xFA\x2A");
    send_repeated(&ann, "01234\xFF\xFF\r\x1B", 100);
    send_text(&ann, "\xFF\xF0z\n");
    expect_line(&bob, "[%s] az", ann_name);
    /* Two letters of Latin-1 that are IAC SB to telnet. */
    send_text(&ann, "\xFF\xFA");
    send_repeated(&ann, "lost words\n", 10);
    send_text(&ann, "heard again\n");
    while (strstr(take_line(&bob), "heard again") == NULL)
        continue;
}

TEST(suite, do_gets_wont_and_will_gets_dont_and_refusals_get_nothing)
{
    for (int option = 0; option < 255; option++) {
        unsigned char asked[] = {
            255, 253, (unsigned char)option, 255, 251, (unsigned char)option,
            255, 254, (unsigned char)option, 255, 252, (unsigned char)option};
        unsigned char answer[] = {255, 252, (unsigned char)option,
                                  255, 254, (unsigned char)option};

        send_bytes(&ann, asked, sizeof asked);
        expect_bytes(&ann, answer, sizeof answer);
    }
    send_text(&bob, "nothing else came\n");
    expect_line(&ann, "[%s] nothing else came", bob_name);
}

TEST(suite, ctrl_c_in_a_telnet_gets_its_timing_mark_refused_at_once)
{
    send_bytes(&ann, "\xFF\xF4", 2);
    ck_assert_int_eq(send(ann.fd, "\xFF\xF2", 2, MSG_OOB | MSG_NOSIGNAL), 2);
    send_bytes(&ann, "\xFF\xFD\x06", 3);
    expect_bytes(&ann, "\xFF\xFC\x06", 3);
    send_text(&ann, "still here\n");
    expect_line(&bob, "[%s] still here", ann_name);
}

TEST(suite, are_you_there_gets_an_answer_that_can_be_read)
{
    send_bytes(&ann, "\xFF\xF6", 2);
    expect_line(&ann, "Yes, the ChatServer is here");
}

TEST(suite, ctrl_d_leaves_at_the_beginning_of_a_line_and_is_dropped_inside_one)
{
    send_text(&ann, "one\4 line\n\rtwo\n\r");
    expect_line(&bob, "[%s] one line", ann_name);
    expect_line(&bob, "[%s] two", ann_name);
    send_text(&ann, "\4unheard\n");
    expect_line(&bob, "Client left %s", ann_name);
    expect_end(&ann);
}

TEST(suite, a_browser_gets_an_answer_and_says_nothing_in_the_room)
{
    struct stream page = room_join(&server);

    expect_line(&bob, "Client joined %s", name_of(&page));
    send_text(&page, "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n/nick ann\nhello\n");
    expect_line(&page, "HTTP/1.1 400 This server takes lines of text, not HTTP. "
                       "For a browser there is web_chat, on port 8080");
    expect_line(&page, "%s", "");
    expect_end(&page);
    expect_line(&bob, "Client left %s (it speaks HTTP)", name_of(&page));
    send_text(&ann, "hello\nGET / HTTP/1.1\n");
    expect_line(&bob, "[%s] hello", ann_name);
    expect_line(&bob, "[%s] GET / HTTP/1.1", ann_name);
}

TEST(suite, urgent_data_is_read_in_its_place)
{
    send_text(&ann, "before ");
    ck_assert_int_eq(send(ann.fd, "!", 1, MSG_OOB | MSG_NOSIGNAL), 1);
    send_text(&ann, " after\n");
    expect_line(&bob, "[%s] before ! after", ann_name);
}

/* ---- Commands ----------------------------------------------------------------------- */

TEST(suite, a_new_nick_is_announced_and_used_from_then_on)
{
    send_text(&ann, "/nick ann\n");
    expect_line(&ann, "Client %s is now ann", ann_name);
    expect_line(&bob, "Client %s is now ann", ann_name);
    send_text(&ann, "hello\n/nick Ann-2_x\nagain\n");
    expect_line(&bob, "[ann] hello");
    expect_line(&bob, "Client ann is now Ann-2_x");
    expect_line(&bob, "[Ann-2_x] again");
    stream_close(&ann);
    expect_line(&bob, "Client left Ann-2_x");
    skip_to_line(&server.out, "Client left Ann-2_x");
    ann = room_join(&server);
}

TEST(suite, a_nick_in_use_is_refused_whatever_its_case_until_its_client_has_left)
{
    send_text(&ann, "/nick Ann\n");
    expect_line(&bob, "Client %s is now Ann", ann_name);
    send_text(&bob, "/nick aNN\n");
    expect_line(&bob, "The name aNN is in use");
    stream_close(&ann);
    expect_line(&bob, "Client left Ann");
    send_text(&bob, "/nick aNN\n/nick aNN\n/nick ANN\n");
    expect_line(&bob, "Client %s is now aNN", bob_name);
    expect_line(&bob, "The name aNN is yours");
    expect_line(&bob, "Client aNN is now ANN");
    ann = room_join(&server);
}

TEST(suite, a_nick_that_is_not_a_name_is_refused)
{
    static const char *const bad[] = {
        "",     "seventeen-letters", "a b", "a.b", "\xC3\xA9", "a:1", "[ann]",
        "\x1B", "127.0.0.1"};

    for (size_t i = 0; i < COUNT(bad); i++) {
        send_line(&ann, "/nick %s", bad[i]);
        expect_line(&ann, "/nick NAME: a name is 1 to 16 letters, digits, - and _");
    }
    send_text(&ann, "/nick seventeen_letters\n/nick  sixteen-letters_ \n");
    expect_line(&ann, "/nick NAME: a name is 1 to 16 letters, digits, - and _");
    expect_line(&ann, "Client %s is now sixteen-letters_", ann_name);
}

TEST(suite, who_names_all_who_are_here_to_the_one_who_asks)
{
    send_text(&bob, "/nick bob\n");
    expect_line(&ann, "Client %s is now bob", bob_name);
    expect_line(&bob, "Client %s is now bob", bob_name);
    send_text(&ann, "/who\n");
    expect_line(&ann, "2 here: %s, bob", ann_name);
    send_text(&ann, "that was for me alone\n");
    expect_line(&bob, "[%s] that was for me alone", ann_name);
}

static void expect_once(const char *text, const char *name)
{
    const char *first = strstr(text, name);

    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(strstr(first + 1, name));
}

TEST(suite, who_in_a_larger_room_names_each_once)
{
    struct stream more[38];
    char all[4096] = "";

    for (int i = 0; i < 38; i++)
        more[i] = room_join(&server);
    send_text(&more[37], "/who\n/unknown\n");
    for (;;) {
        const char *row = take_line(&more[37]);

        ck_assert_uint_le(strlen(row), 80);
        if (strncmp(row, "Unknown", 7) == 0)
            break;
        strcat(strcat(all, row), " ");
    }
    ck_assert_int_eq(strncmp(all, "40 here: ", 9), 0);
    for (int i = 0; i < 38; i++)
        expect_once(all, name_of(&more[i]));
    expect_once(all, ann_name);
    expect_once(all, bob_name);
}

TEST(suite, me_tells_an_action)
{
    send_text(&ann, "/me waves \n/me\n/nick ann\n/me  is here\n");
    expect_line(&bob, "* %s waves ", ann_name);
    expect_line(&bob, "Client %s is now ann", ann_name);
    expect_line(&bob, "* ann is here");
    expect_line(&ann, "/me ACTION: the action is missing");
}

TEST(suite, only_two_people_read_a_msg)
{
    struct stream eve = room_join(&server);

    expect_line(&ann, "Client joined %s", name_of(&eve));
    expect_line(&bob, "Client joined %s", name_of(&eve));
    send_text(&bob, "/nick bob\n");
    expect_line(&ann, "Client %s is now bob", bob_name);
    send_line(&ann, "/msg BOB between us \n/msg %s you", name_of(&eve));
    send_text(&ann, "/msg carl hi\n/msg bob\n/msg\nall\n");
    expect_line(&bob, "Client %s is now bob", bob_name);
    expect_line(&bob, "[%s to you] between us ", ann_name);
    expect_line(&bob, "[%s] all", ann_name);
    expect_line(&eve, "Client %s is now bob", bob_name);
    expect_line(&eve, "[%s to you] you", ann_name);
    expect_line(&eve, "[%s] all", ann_name);
    expect_line(&ann, "[you to bob] between us ");
    expect_line(&ann, "[you to %s] you", name_of(&eve));
    expect_line(&ann, "Nobody here is called carl");
    expect_line(&ann, "/msg NAME TEXT: the name or the text is missing");
    expect_line(&ann, "/msg NAME TEXT: the name or the text is missing");
    ck_assert_int_eq(skip_to_line(&server.out, "[%s] all", ann_name), 4);
}

TEST(suite, a_command_of_more_than_a_line_is_refused_and_no_piece_of_it_is_said)
{
    static const char *const commands[] = {"/msg ", "/me ", "/me", "/unknown ", "/quit "};

    for (size_t i = 0; i < COUNT(commands); i++) {
        send_text(&ann, commands[i]);
        for (int n = 0; n < 5; n++) {
            send_repeated(&ann, "/", 1000);
            send_text(&ann, " ");
            send_repeated(&ann, "/", 999);
        }
        send_text(&ann, "\nend\n");
        expect_line(&ann, "A command has at most 2048 bytes: this one was not sent");
        expect_line(&bob, "[%s] end", ann_name);
    }
}

TEST(suite, a_command_of_a_whole_line_keeps_every_byte)
{
    send_text(&ann, "/me x");
    send_repeated(&ann, "x", 1024);
    send_repeated(&ann, " ", 200);
    send_repeated(&ann, "y", 818);
    send_text(&ann, "\n");
    expect_text(&bob, formatted("* %s x", ann_name));
    expect_pattern(&bob, "x", 1, 0, 1024);
    expect_pattern(&bob, " ", 1, 0, 200);
    expect_pattern(&bob, "y", 1, 0, 818);
    expect_line(&bob, "%s", "");
}

TEST(suite, a_piece_of_a_long_line_is_not_a_command)
{
    send_repeated(&ann, "x", 2048);
    send_text(&ann, "/quit\n");
    ck_assert_uint_eq(strlen(expect_beginning(&bob, formatted("[%s] x", ann_name))),
                      2047);
    expect_line(&bob, "[%s] /quit", ann_name);
}

TEST(suite, a_question_without_a_line_end_is_answered_before_the_end)
{
    send_text(&ann, "/who");
    stream_half_close(&ann);
    expect_line(&ann, "2 here: %s, %s", ann_name, bob_name);
    expect_end(&ann);
    expect_line(&bob, "Client left %s", ann_name);
}

TEST(suite, help_names_every_command)
{
    static const char *const commands[] = {"/nick NAME",     "/who",  "/me ACTION",
                                           "/msg NAME TEXT", "/help", "/quit"};

    send_text(&ann, "/help\n");
    for (size_t i = 0; i < COUNT(commands); i++)
        expect_beginning(&ann, commands[i]);
    expect_line(&ann, "//TEXT          say /TEXT");
}

TEST(suite, an_unknown_command_gets_a_sentence_that_names_help)
{
    send_text(&ann, "/foo bar\n/\n/Nick x\n");
    expect_line(&ann, "Unknown command /foo, try /help");
    expect_line(&ann, "Unknown command /, try /help");
    expect_line(&ann, "Unknown command /Nick, try /help");
}

TEST(suite, two_slashes_say_one)
{
    send_text(&ann, "//nick ann\n//\n ///\n");
    expect_line(&bob, "[%s] /nick ann", ann_name);
    expect_line(&bob, "[%s] /", ann_name);
    expect_line(&bob, "[%s]  ///", ann_name);
}

TEST(suite, quit_leaves_with_words_or_without_after_all_was_read)
{
    struct stream eve = room_join(&server);
    const char *eve_name = name_of(&eve);

    expect_line(&bob, "Client joined %s", eve_name);
    send_text(&ann, "/who\n/quit see you\nunheard\n");
    expect_line(&ann, "Client joined %s", eve_name);
    expect_line(&ann, "3 here: %s, %s, %s", ann_name, bob_name, eve_name);
    expect_end(&ann);
    expect_line(&bob, "Client left %s: see you", ann_name);
    send_text(&eve, "/quit");
    stream_half_close(&eve);
    expect_line(&bob, "Client left %s", eve_name);
    send_text(&bob, "/who\n");
    expect_line(&bob, "1 here: %s", bob_name);
}

int main(void)
{
    return run_tests("what is said in the room", &suite, open_room);
}
