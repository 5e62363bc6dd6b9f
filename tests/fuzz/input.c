/*
 * Fuzzes net/input.h: what a client sends makes the same lines and events however it is
 * cut, the lines are clean, and no client is muted for good.
 *
 * Modules: net/input.c net/line.c net/telnet.c net/text.c
 */
#include "tests/fuzz/fuzz.h"

#include "net/input.h"

/* A line end and a line that must be heard after anything, also after an IAC SB. */
static const char last_words[] =
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nheard\n";

struct run {
    struct input input;
    size_t keep;         /* of each piece, for the next one */
    struct notes events; /* all that happened */
    struct notes text;   /* lines, each with its LF, from pieces joined */
    bool is_http;
};

static void note(struct run *run, enum input_event event)
{
    const struct line *line = &run->input.line;
    bool is_text = event == INPUT_LINE || event == INPUT_PIECE || event == INPUT_HTTP;

    if (event == INPUT_MORE)
        return;
    notes_add_number(&run->events, event);
    if (event == INPUT_REPLY)
        notes_add(&run->events, run->input.reply.bytes, sizeof run->input.reply.bytes);
    if (!is_text)
        return;
    assert(line->length <= LINE_MOST && strlen(line->text) == line->length);
    assert(run->keep > 0 || is_clean(line->text, line->length));
    notes_add_string(&run->events, line->text);
    notes_add(&run->text, line->text, line->length);
    if (event == INPUT_LINE)
        notes_add(&run->text, "\n", 1);
    else if (event == INPUT_PIECE)
        input_keep(&run->input, run->keep);
    else
        run->is_http = true;
}

static void take(struct run *run, const uint8_t *bytes, size_t length)
{
    enum input_event event;

    for (size_t taken = 0; taken < length;) {
        taken += input_take(&run->input, bytes + taken, length - taken, &event);
        assert(taken <= length && (event != INPUT_MORE || taken == length));
        note(run, event);
    }
}

/* Takes all of it, in pieces if `cut` is given, up to the end of the stream. */
static void take_stream(struct run *run, const uint8_t *bytes, size_t length, size_t keep,
                        struct cut *cut)
{
    enum input_event event;

    *run = (struct run){.keep = keep};
    while (length > 0) {
        size_t piece = cut == NULL ? length : cut_next(cut, length);
        uint8_t *copy = copy_of(bytes, piece);

        take(run, copy, piece);
        free(copy);
        bytes += piece;
        length -= piece;
    }
    do {
        event = input_finish(&run->input);
        note(run, event);
    } while (event == INPUT_PIECE);
    assert(input_finish(&run->input) == INPUT_MORE);
}

/*
 * Takes the telnet commands out, in place. Returns the length of the data, or 0 if there is
 * what this does not know: subnegotiations, Ctrl-D.
 */
static size_t without_commands(uint8_t *bytes, size_t length)
{
    size_t kept = 0;

    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != TELNET_IAC) {
            bytes[kept++] = bytes[i];
            continue;
        }
        if (++i < length && bytes[i] == TELNET_SB)
            return 0;
        if (i < length &&
            (bytes[i] == TELNET_IAC || bytes[i] == '\r' || bytes[i] == '\n'))
            bytes[kept++] = bytes[i]; /* a line end after a lone 255 is data */
        else if (i < length && bytes[i] >= TELNET_WILL)
            i++;
    }
    return memchr(bytes, 4, kept) == NULL ? kept : 0;
}

/*
 * The lines by the rules of net/line.h, which is easy with all of the stream in one place:
 * no byte is lost.
 */
static void check_text(const struct run *run, uint8_t *bytes, size_t length)
{
    static struct notes expected;
    struct text text = {.have = 0};
    char clean[TEXT_MOST];

    length = without_commands(bytes, length);
    if (length == 0 || run->is_http || run->keep > 0)
        return;
    expected.length = 0;
    for (size_t i = 0; i < length; i++) {
        int next = i + 1 < length ? bytes[i + 1] : -1;
        bool is_crlf = bytes[i] == '\r' && (next == '\n' || next == '\0');

        if (bytes[i] == '\n' || is_crlf) {
            notes_add(&expected, clean, text_finish(&text, clean));
            notes_add(&expected, "\n", 1);
            i += is_crlf;
        } else if (bytes[i] == '\r' && i > 0 && bytes[i - 1] == '\n') {
            continue;
        } else {
            notes_add(&expected, clean, text_take(&text, bytes[i], clean));
        }
    }
    assert(notes_equal(&run->text, &expected));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run whole, pieces;
    struct cut cut;
    size_t keep, length;
    uint8_t *stream;

    if (size == 0)
        return 0;
    cut.state = data[0];
    keep = data[0] % 4 == 0 ? data[0] : 0;
    length = size - 1 + strlen(last_words);
    stream = malloc(length);
    memcpy(stream, data + 1, size - 1);
    memcpy(stream + size - 1, last_words, strlen(last_words));

    take_stream(&whole, stream, length, keep, NULL);
    take_stream(&pieces, stream, length, keep, &cut);
    assert(notes_equal(&whole.events, &pieces.events));
    assert(whole.text.length >= 6);
    assert(memcmp(whole.text.bytes + whole.text.length - 6, "heard\n", 6) == 0);
    check_text(&whole, stream, length);
    free(stream);
    return 0;
}
