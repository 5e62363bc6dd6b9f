/* Lines: entering a room, saying something, and hearing it. */
#include "scene/stage.h"

#include "base/clock.h"
#include "scene/processes.h"

#include <stdio.h>
#include <string.h>

/* ---- What was said --------------------------------------------------------------------- */

static void remember(struct play *play, char letter, const char *text, size_t length)
{
    while (length > 0) {
        const char *end = memchr(text, '\n', length);
        size_t line = end == NULL ? length : (size_t)(end - text) + 1;
        size_t content = stage_content(text, line);

        if (content > 0) {
            bytes_add(&play->said, &letter, 1);
            bytes_add(&play->said, text, content);
            bytes_add(&play->said, "\n", 1);
        }
        text += line;
        length -= line;
    }
}

/* Is the end of a line something that another client has said? */
static bool was_said(const struct play *play, char by_other_than, const char *line,
                     size_t length)
{
    const char *said = bytes_text(&play->said), *end = said + play->said.length, *next;

    for (; said < end; said = next + 1) {
        next = memchr(said, '\n', (size_t)(end - said));
        if (*said != by_other_than &&
            bytes_end_in(line, length, said + 1, (size_t)(next - said) - 1))
            return true;
    }
    return false;
}

/* ---- Hearing --------------------------------------------------------------------------- */

/* What a line must be, beside ending in the text, and how a report asks for it. */
static const struct manner {
    enum verb verb;
    bool is_whole;    /* the text is the whole line */
    bool comes_next;  /* no other line may come first */
    bool ends_once;   /* there is no second CR before its LF */
    const char *said; /* "wanted ..." */
} manners[] = {
    {HEARS, false, false, false, "a line ending in"},
    {HEARS_EXACTLY, true, false, false, "the line"},
    {HEARS_NOTICE, true, false, false, "the line"},
    {HEARS_NEXT, false, true, false, "as the next line, one ending in"},
    {HEARS_ONCE, false, true, true, "as the next line, with one line end, one ending in"},
    {HEARS_LINE, false, false, false, "a line"},
    {LEARNS, false, false, false, "a line like"},
};

/* A line that a client waits for. */
struct awaited {
    const struct manner *manner;
    struct bytes before; /* of a LEARNS: what comes before the unknown */
    struct bytes text;   /* the end of the line */
    char letter;         /* of the client; 0: one of a crowd */
};

static const struct manner *manner_of(enum verb verb)
{
    const struct manner *manner = manners;

    while (manner->verb != verb)
        manner++;
    return manner;
}

static bool is_right(const struct awaited *awaited, const char *line, size_t whole)
{
    const struct manner *manner = awaited->manner;
    const struct bytes *before = &awaited->before, *text = &awaited->text;
    size_t length = stage_content(line, whole);

    return length >= before->length + text->length &&
           strncmp(line, bytes_text(before), before->length) == 0 &&
           bytes_end_in(line, length, text->at, text->length) &&
           (!manner->is_whole || length == text->length) &&
           (!manner->ends_once || whole - length <= 2) &&
           (manner->verb != HEARS_LINE || length > 0);
}

/*
 * A line of the server's own is passed over, and so is what the client itself has said. A
 * client that waits for a newcomer passes over everything else.
 */
static bool is_passed_over(const struct play *play, const struct awaited *awaited,
                           const char *line, size_t length)
{
    return !awaited->manner->comes_next &&
           (awaited->letter == '\0' || awaited->manner->verb == HEARS_LINE ||
            !was_said(play, awaited->letter, line, length));
}

static void say_wanted(struct play *play, const struct awaited *awaited)
{
    struct bytes text = {0};

    stage_wanted(play, "%s", awaited->manner->said);
    if (awaited->manner->verb == HEARS_LINE)
        return;
    if (awaited->manner->verb == LEARNS)
        bytes_print(&text, "%s{%s}", awaited->before.at, play->step->word);
    bytes_add(&text, awaited->text.at, awaited->text.length);
    stage_wanted_text(play, awaited->manner->said, text.at, text.length);
    bytes_free(&text);
}

/* Says where a long line parts from what was wanted, which quoted beginnings cannot show. */
static void say_difference(struct play *play, const struct awaited *awaited,
                           const char *line, size_t length)
{
    size_t wanted = awaited->text.length, at = 0;
    const char *from = bytes_find(line, length, bytes_text(&awaited->text), 8);

    if (wanted <= BYTES_QUOTED_MOST || from == NULL)
        return;
    while (at < wanted && from + at < line + length && from[at] == awaited->text.at[at])
        at++;
    say_wanted(play, awaited);
    bytes_print(&play->outcome->wanted, ", differs at byte %zu", at);
}

static bool hear(struct play *play, struct client *client, struct awaited *awaited)
{
    say_wanted(play, awaited);
    for (stage_begin(play);;) {
        const char *line;
        size_t length;

        while ((line = client_line(client, &length)) != NULL) {
            size_t content = stage_content(line, length);

            if (is_right(awaited, line, length)) {
                bytes_free(&play->last);
                bytes_add(&play->last, line, content);
                return true;
            }
            say_difference(play, awaited, line, length);
            stage_saw(play, line, length);
            if (!is_passed_over(play, awaited, line, content))
                return stage_fail(play, "another line came first");
        }
        if (!stage_turn(play, client))
            return false;
    }
}

bool stage_hear(struct play *play, struct client *client, const char *text)
{
    struct awaited awaited = {.manner = manner_of(HEARS)};
    bool heard;

    bytes_print(&awaited.text, "%s", text);
    heard = hear(play, client, &awaited);
    bytes_free(&awaited.text);
    return heard;
}

/* "Hello {NAME}": what comes before and after the unknown. */
static void split_unknown(struct play *play, struct awaited *awaited)
{
    struct bytes before = play->step->texts[0], after = before;

    before.length = (size_t)(lab_unknown(play->step) - before.at);
    after.at += before.length + strlen("{}") + strlen(play->step->word);
    after.length -= (size_t)(after.at - before.at);
    stage_fill(play, &before, &awaited->before);
    stage_fill(play, &after, &awaited->text);
}

bool play_hear(struct play *play)
{
    enum verb verb = play->step->sentence->verb;
    struct awaited awaited = {.manner = manner_of(verb),
                              .letter = play->step->clients[0]};
    bool heard;

    if (verb == LEARNS)
        split_unknown(play, &awaited);
    else
        stage_fill(play, &play->step->texts[0], &awaited.text);
    heard = hear(play, stage_first(play), &awaited);
    if (heard && verb == LEARNS)
        stage_learn(play, play->step->word, play->last.at + awaited.before.length,
                    play->last.length - awaited.before.length - awaited.text.length);
    bytes_free(&awaited.before);
    bytes_free(&awaited.text);
    return heard;
}

/* ---- What was heard until now ---------------------------------------------------------- */

bool play_heard_no_control(struct play *play)
{
    for (size_t i = 0; i < play->last.length; i++) {
        unsigned char byte = (unsigned char)play->last.at[i];

        if (byte >= 0x20 || byte == '\t')
            continue;
        stage_wanted(play, "no byte under 32 except TAB");
        stage_saw(play, play->last.at, play->last.length);
        return stage_fail(play, "byte %zu is %d", i, byte);
    }
    return true;
}

bool play_never_heard(struct play *play)
{
    const struct client *client = stage_first(play);
    const struct bytes *text = stage_text(play, 0);

    if (bytes_find(bytes_text(&client->in), client->taken, text->at, text->length) ==
        NULL)
        return true;
    stage_wanted_text(play, "nothing like", text->at, text->length);
    stage_saw(play, text->at, text->length);
    return stage_fail(play, "it came");
}

bool play_hear_bytes_before(struct play *play)
{
    struct client *client = stage_first(play);
    const struct bytes *bytes = stage_text(play, 0), *marker = stage_text(play, 1);

    stage_wanted_text(play, "the bytes", bytes->at, bytes->length);
    for (stage_begin(play);;) {
        size_t length;
        const char *from = client_rest(client, &length);

        if (bytes_find(from, length, bytes->at, bytes->length) != NULL)
            return true;
        if (bytes_find(from, length, marker->at, marker->length) != NULL) {
            stage_saw(play, from, length);
            return stage_fail(play, "they did not come");
        }
        if (!stage_turn(play, client))
            return false;
    }
}

/* ---- Entering and saying ---------------------------------------------------------------- */

/* A line that shows that the client that says it is in. */
#define TOKEN_MOST 32
static void make_token(struct play *play, char letter, char token[TOKEN_MOST])
{
    snprintf(token, TOKEN_MOST, "%c is here %d", letter, ++play->tokens);
}

/* In one send: whether a server copes with pieces has its own mark. */
void stage_say_line(struct client *client, const char *text)
{
    struct bytes line = {0};

    bytes_print(&line, "%s\r\n", text);
    client_send(client, line.at, line.length);
    bytes_free(&line);
}

/* The first client that is in and reads, other than this one; NULL: there is none. */
static struct client *somebody_else(struct play *play, const struct client *client)
{
    for (int i = 0; i < LAB_CLIENTS; i++) {
        struct client *other = &play->clients[i];

        if (other != client && other->sock != -1 && other->connected && !other->ended &&
            other->reading == CLIENT_READS)
            return other;
    }
    return NULL;
}

/* No step shows the token: so the report must tell who said it. */
static bool hear_token(struct play *play, char speaker, struct client *hearer,
                       const char *token)
{
    if (stage_hear(play, hearer, token))
        return true;
    bytes_print(&play->outcome->wanted, ", which %c has said", speaker);
    return false;
}

static bool enter(struct play *play, char letter, bool small)
{
    struct client *client = stage_client(play, letter), *hearer;
    char token[TOKEN_MOST];

    if (!stage_join(play, client, small))
        return false;
    hearer = somebody_else(play, client);
    if (hearer == NULL)
        return true;
    make_token(play, letter, token);
    stage_say_line(client, token);
    return hear_token(play, letter, hearer, token);
}

bool play_enter(struct play *play)
{
    enum verb verb = play->step->sentence->verb;
    bool small = verb == JOINS_SMALL || verb == ENTERS_SMALL;

    if (verb == ENTERS || verb == ENTERS_SMALL)
        return enter(play, play->step->clients[0], small);
    return stage_join(play, stage_first(play), small);
}

/* All come in, and hear the first once more: so each has heard all that was before. */
bool play_room(struct play *play)
{
    const char *letters = play->step->clients;
    char token[TOKEN_MOST];

    for (const char *letter = letters; *letter != '\0'; letter++)
        if (!enter(play, *letter, false))
            return false;
    make_token(play, letters[0], token);
    stage_say_line(stage_client(play, letters[0]), token);
    for (const char *letter = letters + 1; *letter != '\0'; letter++)
        if (!hear_token(play, letters[0], stage_client(play, *letter), token))
            return false;
    return true;
}

bool play_send(struct play *play)
{
    struct client *client = stage_first(play);
    const struct bytes *text = stage_text(play, 0);

    remember(play, play->step->clients[0], text->at, text->length);
    client_send(client, text->at, text->length);
    client->asked += text->length * 2;
    return true;
}

/* Between two looks whether the server has read, when there is nothing to poll() for. */
#define LOOK_MS 1

static bool wait_until_read(struct play *play, const struct client *client)
{
    stage_wanted(play, "it to read what is sent");
    for (stage_begin(play);
         !client->ended && processes_unread(play->port, client->port) > 0;) {
        if (clock_ms() >= play->deadline)
            return stage_fail(play, "it read nothing in %g s",
                              play->patience_ms / 1000.0);
        stage_pump(play, NULL, clock_ms() + LOOK_MS);
    }
    return true;
}

/* A look takes the system many milliseconds. One is 2 bytes before the end: in CR LF CR LF. */
#define LOOK_BYTES 8
#define LOOK_LAST  2

bool stage_send_pieces(struct play *play, struct client *client, const char *text,
                       size_t length, size_t piece)
{
    for (size_t left = length; left > 0;) {
        size_t now = piece < left ? piece : left;

        client_send(client, text + length - left, now);
        left -= now;
        if ((length <= LOOK_BYTES * piece || left % LOOK_BYTES == LOOK_LAST) &&
            !wait_until_read(play, client))
            return false;
    }
    return true;
}

bool play_send_in_pieces(struct play *play)
{
    const struct bytes *text = stage_text(play, 0);

    remember(play, play->step->clients[0], text->at, text->length);
    return stage_send_pieces(play, stage_first(play), text->at, text->length,
                             text->length / 3 + 1);
}
