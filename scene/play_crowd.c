/* Crowds: many clients without letters. */
#include "scene/stage.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#define TOKEN_BYTES 13 /* of "newcomer-0042" */
#define TALK_BYTES  24 /* of a line of a crowd that talks: known by its length */
#define NEWCOMERS   50 /* this many may be turned away before one is let in */
#define PIECES      3

static void token_of(size_t index, char token[TOKEN_BYTES + 1])
{
    snprintf(token, TOKEN_BYTES + 1, "newcomer-%04u", (unsigned)index % 10000);
}

/* One of the crowd says the line that shows that it is in. */
static void say_token(struct play *play, size_t speaker)
{
    char token[TOKEN_BYTES + 1];

    token_of(speaker, token);
    stage_say_line(&play->crowd[speaker].client, token);
}

/* Which of the crowd has said this line? -1: none, it is another line. */
static long teller(const struct play *play, const char *line, size_t length)
{
    unsigned index;

    if (length < TOKEN_BYTES ||
        sscanf(line + length - TOKEN_BYTES, "newcomer-%4u", &index) != 1 ||
        index >= play->crowd_count)
        return -1;
    return (long)index;
}

/* ---- More than there is space for ------------------------------------------------------- */

/* Reads on as the hearer, and marks those that are heard. True: one of them is new. */
static bool listen_to_crowd(struct play *play, struct client *hearer)
{
    bool anyone = false;
    const char *line;
    size_t length;

    while ((line = client_line(hearer, &length)) != NULL) {
        long index = teller(play, line, stage_content(line, length));

        if (index >= 0 && !play->crowd[index].is_in)
            play->crowd[index].is_in = anyone = true;
    }
    return anyone;
}

/* Begins to connect a newcomer that is only counted. False: the step has failed. */
static bool add_newcomer(struct play *play)
{
    struct member *member = stage_add_member(play);

    if (member == NULL || !stage_open(play, &member->client, false))
        return false;
    member->client.counts = true;
    return true;
}

/* The same, with a line that waits to be sent as soon as it is connected. */
static bool add_talker(struct play *play)
{
    if (!add_newcomer(play))
        return false;
    say_token(play, play->crowd_count - 1);
    return true;
}

/*
 * Waits until this one of the crowd is heard, or turned away. *paced becomes false if neither
 * happens while the hearer hears nothing at all for as long as a step may wait.
 */
static bool wait_for_talker(struct play *play, struct client *hearer, size_t index,
                            bool *paced)
{
    int64_t deadline = clock_ms() + play->patience_ms;

    while (*paced && !play->crowd[index].is_in && !play->crowd[index].client.ended) {
        size_t before = hearer->received;

        stage_begin(play); /* this is not a failure of the step */
        if (!stage_turn(play, hearer))
            return false;
        listen_to_crowd(play, hearer);
        if (hearer->received > before)
            deadline = clock_ms() + play->patience_ms;
        *paced = clock_ms() < deadline;
    }
    return true;
}

/*
 * They come one by one. The first that is neither heard nor turned away shows that the server
 * is full, and those after it are not waited for.
 */
bool play_come(struct play *play)
{
    struct client *hearer = stage_first(play);
    bool paced = true;

    play->crowd_is_coming = true;
    stage_wanted(play, "each newcomer to be heard, or turned away");
    for (int64_t i = 0; i < play->step->numbers[0]; i++)
        if (!add_talker(play) ||
            !wait_for_talker(play, hearer, play->crowd_count - 1, &paced))
            return false;
    return true;
}

bool play_crowd_leaves(struct play *play)
{
    int64_t wanted = play->step->numbers[0], left = 0;

    for (size_t i = 0; i < play->crowd_count && left < wanted; i++) {
        struct member *member = &play->crowd[i];

        if (!member->is_in || member->client.ended)
            continue;
        if (!stage_leave(play, &member->client))
            return false;
        left++;
    }
    return left == wanted || stage_fail(play, "only %lld had come in", (long long)left);
}

/* Waits until the hearer hears a newcomer, who had to wait or comes now. */
bool play_hear_newcomer(struct play *play)
{
    struct client *hearer = stage_first(play);
    size_t newest = play->crowd_count;
    int tries = 0;

    stage_wanted(play, "a newcomer to be let in");
    for (stage_begin(play); !listen_to_crowd(play, hearer);) {
        if (newest == play->crowd_count ||
            (play->crowd[newest].client.ended && tries < NEWCOMERS)) {
            newest = play->crowd_count;
            tries++;
            if (!add_talker(play))
                return false;
        }
        if (!stage_turn(play, hearer))
            return false;
    }
    return true;
}

/* The handshake is the system's: the server need not run, only its queue be long enough. */
bool play_connect_many(struct play *play)
{
    int64_t wanted = play->step->numbers[0], connected = 0;
    size_t first = play->crowd_count;

    for (int64_t i = 0; i < wanted; i++)
        if (!add_newcomer(play))
            return false;
    stage_wanted(play, "all their handshakes, from a server that is stopped");
    stage_begin(play);
    for (size_t i = first; i < play->crowd_count; i++) {
        while (!play->crowd[i].client.connected && clock_ms() < play->deadline)
            stage_pump(play, NULL, play->deadline);
        connected += play->crowd[i].client.connected;
    }
    return connected == wanted ||
           stage_fail(play, "only %lld were done", (long long)connected);
}

/* ---- A crowd that talks ------------------------------------------------------------------ */

static bool join_crowd(struct play *play)
{
    struct member *member = stage_add_member(play);

    return member != NULL && stage_join(play, &member->client, false);
}

static bool hear_token(struct play *play, size_t hearer, size_t speaker)
{
    char token[TOKEN_BYTES + 1];

    token_of(speaker, token);
    return stage_hear(play, &play->crowd[hearer].client, token);
}

bool play_crowd_enters(struct play *play)
{
    size_t count = (size_t)play->step->numbers[0];

    for (size_t i = 0; i < count; i++) {
        if (!join_crowd(play))
            return false;
        if (i == 0)
            continue;
        say_token(play, i);
        if (!hear_token(play, 0, i))
            return false;
    }
    say_token(play, 0); /* after this everyone has heard all that came before */
    for (size_t i = 1; i < count; i++)
        if (!hear_token(play, i, 0))
            return false;
    return true;
}

/* A line of one of the crowd: "03-017-" and letters, TALK_BYTES in all. */
static void talk_of(const struct play *play, size_t speaker, size_t line,
                    char talk[TALK_BYTES + 1])
{
    struct bytes letters = {0};

    stage_random(play, 1000 + speaker * 1000 + line, TALK_BYTES - 7, true, &letters);
    snprintf(talk, TALK_BYTES + 1, "%02zu-%03zu-%s", speaker, line, letters.at);
    bytes_free(&letters);
}

/* All the lines of a client go out in one send, so it is not by chance where they are cut. */
bool play_crowd_says(struct play *play)
{
    play->lines_each = (unsigned)play->step->numbers[0];
    for (size_t i = 0; i < play->crowd_count; i++) {
        struct bytes lines = {0};

        for (unsigned line = 0; line < play->lines_each; line++) {
            char talk[TALK_BYTES + 1];

            talk_of(play, i, line, talk);
            bytes_print(&lines, "%s\r\n", talk);
        }
        client_send(&play->crowd[i].client, lines.at, lines.length);
        bytes_free(&lines);
    }
    return true;
}

/* Is the line the next of one of the others? Then it is ticked off. */
static bool tick_off(struct play *play, struct member *hearer, const char *line,
                     size_t length)
{
    const char *talk = line + length - TALK_BYTES;
    char wanted[TALK_BYTES + 1];
    unsigned speaker;
    bool right;

    if (length < TALK_BYTES || talk[2] != '-' || talk[6] != '-' ||
        sscanf(talk, "%2u", &speaker) != 1 || speaker >= play->crowd_count)
        return true; /* not of the crowd */
    talk_of(play, speaker, hearer->next[speaker]++, wanted);
    /* A server may send it to the speaker too: that has its own mark. */
    right = memcmp(talk, wanted, TALK_BYTES) == 0 || hearer == &play->crowd[speaker];
    if (!right) {
        stage_wanted_text(play, "a line ending in", wanted, TALK_BYTES);
        stage_saw(play, line, length);
    }
    return right;
}

static bool has_all(const struct play *play, const struct member *hearer)
{
    for (size_t i = 0; i < play->crowd_count; i++)
        if (hearer != &play->crowd[i] && hearer->next[i] < play->lines_each)
            return false;
    return true;
}

bool play_crowd_hears(struct play *play)
{
    if (play->crowd_count > PLAY_TALKERS_MOST)
        return stage_fail(play, "a crowd that talks has at most %d", PLAY_TALKERS_MOST);
    stage_wanted(play, "every line of the others, whole, once and in order");
    stage_begin(play);
    for (size_t i = 0; i < play->crowd_count; i++) {
        struct member *hearer = &play->crowd[i];

        while (!has_all(play, hearer)) {
            const char *line;
            size_t length;

            while ((line = client_line(&hearer->client, &length)) != NULL) {
                if (!tick_off(play, hearer, line, stage_content(line, length)))
                    return stage_fail(play, "another line came");
            }
            if (!has_all(play, hearer) && !stage_turn(play, &hearer->client))
                return false;
        }
    }
    return true;
}

/* ---- A crowd at an echo server ------------------------------------------------------------ */

/* A third of each text, then the next third of each: they all speak at the same time. */
bool play_crowd_echoes(struct play *play)
{
    size_t count = (size_t)play->step->numbers[0];

    for (size_t i = 0; i < count; i++)
        if (!join_crowd(play))
            return false;
    for (size_t piece = 1; piece <= PIECES; piece++) {
        for (size_t i = 0; i < count; i++) {
            struct client *client = &play->crowd[i].client;
            size_t sent = client->out.length, now = TALK_BYTES * piece / PIECES - sent;
            char text[TALK_BYTES + 1];

            talk_of(play, i, 0, text);
            client_send(client, text + sent, now);
            if (!stage_hear_bytes(play, client, text + sent, now))
                return false;
        }
    }
    return true;
}
