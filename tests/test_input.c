/* net/text, net/line, net/telnet and net/input: what a stranger sends, byte by byte. */
#include "tests/harness.h"

#include "net/input.h"
#include "net/line.h"
#include "net/telnet.h"
#include "net/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tests suite;

/* ---- Text --------------------------------------------------------------------------- */

static size_t clean(const unsigned char *bytes, size_t length, char *out)
{
    struct text text = {0};
    size_t done = 0;

    for (size_t i = 0; i < length; i++)
        done += text_take(&text, bytes[i], out + done);
    done += text_finish(&text, out + done);
    out[done] = '\0';
    return done;
}

/* Is this UTF-8? It decodes the character and looks the code point up in RFC 3629. */
static bool is_character(const unsigned char *bytes, size_t length)
{
    static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned long code = length == 2   ? bytes[0] & 0x1Fu
                         : length == 3 ? bytes[0] & 0x0Fu
                                       : bytes[0] & 0x07u;
    unsigned lead = length == 2 ? 0xC0 : length == 3 ? 0xE0 : 0xF0;

    if ((bytes[0] & (length == 2 ? 0xE0 : length == 3 ? 0xF0 : 0xF8)) != lead)
        return false;
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xC0) != 0x80)
            return false;
        code = code << 6 | (bytes[i] & 0x3Fu);
    }
    return code >= least[length] && code <= 0x10FFFF &&
           !(code >= 0xD800 && code <= 0xDFFF);
}

TEST(suite, of_all_sequences_only_characters_pass)
{
    char out[64];

    for (unsigned lead = 0x80; lead <= 0xFF; lead++) {
        for (unsigned second = 0; second <= 0xFF; second++) {
            unsigned char bytes[4] = {(unsigned char)lead, (unsigned char)second, 0x80,
                                      0xBF};

            for (size_t length = 2; length <= 4; length++) {
                bool passed = clean(bytes, length, out) == length &&
                              memcmp(out, bytes, length) == 0;
                bool c1 = length == 2 && lead == 0xC2 && second < 0xA0;

                if (passed != (is_character(bytes, length) && !c1))
                    ck_abort_msg("%02x %02x and %zu more", lead, second, length - 2);
            }
        }
    }
}

TEST(suite, whatever_comes_what_goes_out_is_clean)
{
    for (int round = 0; round < 20000; round++) {
        unsigned char bytes[16];
        char out[16 * TEXT_MOST + 1], again[16 * TEXT_MOST * 2];
        size_t length;

        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (unsigned char)(random_below(2) ? random_below(256)
                                                       : 0x80 + random_below(128));
        length = clean(bytes, sizeof bytes, out);
        ck_assert_uint_eq(clean((unsigned char *)out, length, again), length);
        ck_assert_str_eq(out, again);
        for (size_t i = 0; i < length; i++)
            if ((unsigned char)out[i] < 0x20 && out[i] != '\t')
                ck_abort_msg("%s", out);
    }
}

TEST(suite, one_byte_never_adds_more_than_text_most)
{
    struct text text = {0};
    char out[64];

    for (int i = 0; i < 1000000; i++)
        if (text_take(&text, (unsigned char)random_below(256), out) > TEXT_MOST)
            ck_abort_msg("after byte %d", i);
}

/* ---- Lines -------------------------------------------------------------------------- */

/* Writes each line or piece that comes out with a mark; `bytes` are cut at random. */
static void lines_of(const unsigned char *bytes, size_t length, bool at_once, char *out)
{
    static struct line line;
    enum line_event event = LINE_OPEN;

    memset(&line, 0, sizeof line);
    *out = '\0';
    while (length > 0) {
        size_t segment = at_once ? length : 1 + random_below((unsigned)length);

        while (segment > 0) {
            size_t taken = line_take(&line, bytes, segment, &event);

            if (event == LINE_LEAVE) {
                out += sprintf(out, "<leave>");
            } else if (event != LINE_OPEN) {
                out += sprintf(out, "%s%s", line.text, event == LINE_ENDED ? "\n" : "\\");
                line_clear(&line, 0);
            }
            bytes += taken;
            segment -= taken;
            length -= taken;
        }
    }
    do {
        event = line_finish(&line);
        if (event != LINE_OPEN)
            out += sprintf(out, "%s%s", line.text, event == LINE_ENDED ? "." : "\\");
        line_clear(&line, 0);
    } while (event == LINE_FULL);
}

static void expect_lines(const char *bytes, size_t length, const char *expected)
{
    char out[4 * 65536];

    lines_of((const unsigned char *)bytes, length, true, out);
    ck_assert_str_eq(out, expected);
}

static bool misleads(unsigned code)
{
    static const struct {
        unsigned first, last;
    } ranges[] = {{0x115F, 0x1160}, {0x180E, 0x180E}, {0x200B, 0x200B},
                  {0x2028, 0x202E}, {0x2060, 0x206F}, {0x3164, 0x3164},
                  {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0}, {0xFFF9, 0xFFFB}};
    bool found = false;

    for (size_t i = 0; i < COUNT(ranges); i++)
        found = found || (code >= ranges[i].first && code <= ranges[i].last);
    return found;
}

TEST(suite, what_turns_or_hides_words_is_straightened_and_nothing_else)
{
    for (unsigned code = 0x800; code < 0x10000; code++) {
        char text[] = {'a',
                       (char)(0xE0 | code >> 12),
                       (char)(0x80 | (code >> 6 & 0x3F)),
                       (char)(0x80 | (code & 0x3F)),
                       'b',
                       '\0'};
        char before[sizeof text];

        memcpy(before, text, sizeof text);
        text_straighten(text, sizeof text - 1);
        if (strcmp(text, misleads(code) ? "a\xEF\xBF\xBD"
                                          "b"
                                        : before) != 0)
            ck_abort_msg("U+%04X", code); /* ck_assert() would be slow here */
    }
}

TEST(suite, line_ends_are_lf_crlf_lfcr_and_crnul)
{
    expect_lines("a\nb\r\nc\r\0d", 9, "a\nb\nc\nd.");
    expect_lines("\n\r\n\n", 4, "\n\n\n");
    expect_lines("a\rb\r\r\nc\r", 8, "a^Mb^M\nc^M.");
    expect_lines("a\n\rb\n\r\n\rc\n\r", 11, "a\nb\n\nc\n"); /* a MUD client's */
    expect_lines("\n\r\0\n\rx", 6, "\n\n\nx.");
    expect_lines("\0\r", 2, "^@^M.");
    expect_lines("", 0, "");
}

TEST(suite, ctrl_d_leaves_at_the_beginning_of_a_line_and_is_dropped_elsewhere)
{
    char bytes[LINE_MOST + 4], expected[LINE_MOST + 8];

    expect_lines("\4", 1, "<leave>");
    expect_lines("a\n\4b", 4, "a\n<leave>b.");
    expect_lines("a\4b\4\nc\r\4\n", 9, "ab\nc\n");
    memset(bytes, 'x', LINE_MOST);
    memcpy(bytes + LINE_MOST, "y\4\n", 3);
    snprintf(expected, sizeof expected, "%.*s\\y\n", LINE_MOST, bytes);
    expect_lines(bytes, LINE_MOST + 3, expected);
}

TEST(suite, a_string_is_cleaned_as_far_as_it_fits)
{
    char out[8];

    ck_assert_str_eq(text_clean("a\033[", out, sizeof out), "a^[[");
    ck_assert_str_eq(text_clean("1234567", out, sizeof out), "1234567");
    ck_assert_str_eq(text_clean("12345678", out, sizeof out), "1234567");
    ck_assert_str_eq(text_clean("123456\033", out, sizeof out), "123456");
    ck_assert_str_eq(text_clean("12345\xC3\xA9\xC3\xA9", out, sizeof out),
                     "12345\xC3\xA9");
    ck_assert_str_eq(text_clean("1234\xC3", out, sizeof out), "1234\xEF\xBF\xBD");
    ck_assert_str_eq(text_clean("12345\xC3", out, sizeof out), "12345");
}

TEST(suite, a_full_line_is_a_piece_only_when_more_comes)
{
    char bytes[LINE_MOST + 2], expected[LINE_MOST + 8];

    memset(bytes, 'x', sizeof bytes);
    bytes[LINE_MOST] = '\n';
    snprintf(expected, sizeof expected, "%.*s\n", LINE_MOST, bytes);
    expect_lines(bytes, LINE_MOST + 1, expected);
    bytes[LINE_MOST] = 'y';
    bytes[LINE_MOST + 1] = '\n';
    snprintf(expected, sizeof expected, "%.*s\\y\n", LINE_MOST, bytes);
    expect_lines(bytes, LINE_MOST + 2, expected);
}

TEST(suite, what_does_not_fit_begins_the_next_piece_whole)
{
    static const struct {
        const char *bytes, *shown;
    } last[] = {{"\xC3\xA9", "\xC3\xA9"},
                {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"},
                {"\x1B", "^["},
                {"\xE2\x82", "\xEF\xBF\xBD"},
                {"\r", "^M"},
                {"\xE2\x82\r", "\xEF\xBF\xBD^M"}};

    for (size_t i = 0; i < COUNT(last); i++) {
        char bytes[LINE_MOST + 16], expected[LINE_MOST + 32];

        memset(bytes, 'x', LINE_MOST - 1);
        strcpy(bytes + LINE_MOST - 1, last[i].bytes);
        snprintf(expected, sizeof expected, "%.*s\\%s.", LINE_MOST - 1, bytes,
                 last[i].shown);
        expect_lines(bytes, strlen(bytes), expected);
    }
}

TEST(suite, the_first_bytes_can_be_kept_for_the_next_piece)
{
    struct line line = {0};
    enum line_event event;

    ck_assert_uint_eq(line_take(&line, (const unsigned char *)"/me waves", 9, &event), 9);
    line_clear(&line, 4);
    ck_assert_uint_eq(line_take(&line, (const unsigned char *)"on\n", 3, &event), 3);
    ck_assert_int_eq(event, LINE_ENDED);
    ck_assert_str_eq(line.text, "/me on");
    line_clear(&line, 100);
    ck_assert_uint_eq(line.length, 6);
}

TEST(suite, how_a_stream_is_cut_changes_nothing)
{
    static const char *const parts[] = {"x",    "hello ",   "\n",   "\r\n", "\r",
                                        "\x1B", "\xC3\xA9", "\xE2", "\x82", "\xAC"};

    for (int round = 0; round < 300; round++) {
        static unsigned char bytes[8192];
        static char whole[65536], cut[65536];
        size_t length = 0;

        while (length < 6000) {
            const char *part = parts[random_below(round % 2 ? 10 : 2)];

            memcpy(bytes + length, part, strlen(part));
            length += strlen(part);
        }
        lines_of(bytes, length, true, whole);
        lines_of(bytes, length, false, cut);
        ck_assert_str_eq(whole, cut);
    }
}

/* ---- Telnet ------------------------------------------------------------------------- */

/* Writes what a stream does: data as it is, a reply as <WONT 6>, AYT as <?>. */
static void telnet_of(const unsigned char *bytes, size_t length, bool by_spans, char *out)
{
    struct telnet telnet = {0};
    struct telnet_reply reply;

    for (size_t i = 0; i < length; i++) {
        size_t plain = by_spans ? telnet_plain(&telnet, bytes + i, length - i) : 0;

        if (plain > 0) {
            memcpy(out, bytes + i, plain);
            out += plain;
            i += plain - 1;
            continue;
        }
        switch (telnet_take(&telnet, bytes[i], &reply)) {
        case TELNET_ANSWERED:
        case TELNET_NOTHING: break;
        case TELNET_DATA: *out++ = (char)bytes[i]; break;
        case TELNET_ARE_YOU_THERE: out += sprintf(out, "<?>"); break;
        case TELNET_REFUSE:
            ck_assert_int_eq((unsigned char)reply.bytes[0], 255);
            out += sprintf(out, "<%s %d>",
                           (unsigned char)reply.bytes[1] == 252 ? "WONT" : "DONT",
                           (unsigned char)reply.bytes[2]);
        }
    }
    *out = '\0';
}

static void expect_telnet(const char *bytes, size_t length, const char *expected)
{
    char out[1024];

    telnet_of((const unsigned char *)bytes, length, true, out);
    ck_assert_str_eq(out, expected);
    telnet_of((const unsigned char *)bytes, length, false, out);
    ck_assert_str_eq(out, expected);
}

TEST(suite, commands_are_removed_and_answered)
{
    expect_telnet("plain", 5, "plain");
    expect_telnet("a\xFF\xF4z", 4, "az");
    expect_telnet("a\xFF\xF6z", 4, "a<?>z");
    expect_telnet("\xFF\xFD\x06", 3, "<WONT 6>");
    expect_telnet("\xFF\xFB\x1F", 3, "<DONT 31>");
    expect_telnet("\xFF\xFC\x01\xFF\xFE\x01", 6, "");
    expect_telnet("\xFF\xFD\xFF.", 4, "<WONT 255>.");
    expect_telnet("a\xFF\xFFz", 4, "a\xFFz");
    expect_telnet("\xFF\x01z", 3, "z");
    expect_telnet("y\xFF\nz", 4, "y\nz"); /* Latin-1 text may end like that */
    expect_telnet("y\xFF\r\nz", 5, "y\r\nz");
}

TEST(suite, a_subnegotiation_ends_at_iac_se_alone)
{
    expect_telnet("a\xFF\xFA\x18se\xF0\xFF\xFF\xF0\xFF\xF0z", 14, "az");
    expect_telnet("a\xFF\xFA\x18\xFF\xF6\xFF\xF0z", 9, "az");
}

TEST(suite, a_subnegotiation_that_does_not_end_is_given_up)
{
    char bytes[2048], out[2048];
    size_t length = 0;

    /* A text in Latin-1 with the letters 255 and 250. It ends at a line end after 64 bytes. */
    length += (size_t)sprintf(bytes, "a\xFF\xFA%080d\nz", 0);
    expect_telnet(bytes, length, "a\nz");

    length = (size_t)sprintf(bytes, "a\xFF\xFA%01024d", 0);
    memcpy(bytes + length, "z\xFF\xF6", 3);
    telnet_of((const unsigned char *)bytes, length + 3, true, out);
    ck_assert_str_eq(out, "az<?>");

    /* A window of 10 rows and 2,570 columns (RFC 1073) is not a line end. */
    expect_telnet("a\xFF\xFA\x1F\n\n\0\n\xFF\xF0z", 11, "az");
}

/* ---- The three together ------------------------------------------------------------- */

/* Writes the lines and events of a stream that is cut at `cut`. */
static void input_of(const unsigned char *bytes, size_t length, size_t cut, char *out)
{
    static struct input input;
    enum input_event event = INPUT_MORE;

    input = (struct input){.is_used = false};
    for (size_t at = 0; at < length;) {
        size_t end = at < cut ? cut : length;

        at += input_take(&input, bytes + at, end - at, &event);
        switch (event) {
        case INPUT_MORE: break;
        case INPUT_HTTP: out += sprintf(out, "<http>"); break;
        case INPUT_LEAVE: out += sprintf(out, "<leave>"); break;
        case INPUT_LINE: out += sprintf(out, "%s|", input.line.text); break;
        case INPUT_PIECE: out += sprintf(out, "%s+", input.line.text); break;
        case INPUT_ARE_YOU_THERE: out += sprintf(out, "<?>"); break;
        case INPUT_REPLY: out += sprintf(out, "<%d>", input.reply.bytes[2]); break;
        case INPUT_ANSWERED:
            out += sprintf(out, "<%d %d>", input.telnet.verb, input.telnet.option);
        }
    }
    while ((event = input_finish(&input)) != INPUT_MORE)
        out += sprintf(out, "%s%c", input.line.text, event == INPUT_LINE ? '$' : '+');
}

TEST(suite, input_gives_clean_lines_and_telnets_events_however_it_is_cut)
{
    static const char stream[] = "Hello\r\nGr\xC3\xBC\xC3\x9F\xFF\xFD\x06"
                                 "e\n\x1B[2J\xFF\xF6\xFF\xFC\x01\r\0one\xFF\xFF\nlast";
    static const char expected[] = "Hello|<6>Gr\xC3\xBC\xC3\x9F"
                                   "e|<?><252 1>^[[2J|one\xEF\xBF\xBD|last$";
    char out[1024];

    for (size_t cut = 0; cut < sizeof stream - 1; cut++) {
        input_of((const unsigned char *)stream, sizeof stream - 1, cut, out);
        ck_assert_str_eq(out, expected);
    }
}

TEST(suite, only_a_first_line_of_http_is_a_request)
{
    static const struct {
        const char *bytes, *expected;
    } all[] = {
        {"GET / HTTP/1.1\r\n", "<http>"},
        {"POST /a b HTTP/1.0\n", "<http>"},
        {"GET / HTTP/1.1\r\nx\n", "<http>x|"},
        {"x\nGET / HTTP/1.1\n", "x|GET / HTTP/1.1|"},
        {"\nGET / HTTP/1.1\n", "|GET / HTTP/1.1|"},
        {"GET HTTP/1.1\n", "GET HTTP/1.1|"},
        {"GET /\n", "GET /|"},
        {"get / HTTP/1.1\n", "get / HTTP/1.1|"},
        {" HTTP/1.1\n", " HTTP/1.1|"},
    };
    char out[4 * LINE_MOST], longer[2 * LINE_MOST];

    snprintf(longer, sizeof longer, "GET /%0*d HTTP/1.1", LINE_MOST, 0);
    input_of((const unsigned char *)longer, strlen(longer), 0, out);
    ck_assert_int_eq(strncmp(out, "<http>", 6), 0);
    for (size_t i = 0; i < COUNT(all); i++)
        for (size_t cut = 0; cut < 8; cut++) {
            input_of((const unsigned char *)all[i].bytes, strlen(all[i].bytes), cut, out);
            ck_assert_str_eq(out, all[i].expected);
        }
}

TEST(suite, a_long_line_comes_in_pieces_and_an_iac_that_does_not_fit_begins_the_next)
{
    static unsigned char bytes[LINE_MOST + 8];
    static char out[2 * LINE_MOST], expected[2 * LINE_MOST];

    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes + LINE_MOST, "\xFF\xFFy\n", 4);
    sprintf(expected, "%.*s+\xEF\xBF\xBDy|", LINE_MOST, (const char *)bytes);
    for (size_t cut = LINE_MOST - 2; cut < LINE_MOST + 4; cut++) {
        input_of(bytes, LINE_MOST + 4, cut, out);
        ck_assert_str_eq(out, expected);
    }
}

TEST(suite, part_of_a_line_can_be_taken_before_its_end)
{
    struct input input = {0};
    enum input_event event;

    ck_assert(!input_has_part(&input));
    input_take(&input, (const unsigned char *)"login: \xE2\x82", 9, &event);
    ck_assert(input_has_part(&input));
    input_take_part(&input);
    ck_assert_str_eq(input.line.text, "login: ");
    ck_assert(!input_has_part(&input));
    input_take(&input, (const unsigned char *)"\xAC\n", 2, &event);
    ck_assert_int_eq(event, INPUT_LINE);
    ck_assert_str_eq(input.line.text, "\xE2\x82\xAC");
    ck_assert(!input_has_part(&input));
}

int main(void)
{
    return run_tests("net/input: text, line, telnet", &suite, NULL);
}
