/* Texts: what is filled in, what varies with the seed, what was said, and what is shown. */
#include "scene/stage.h"

#include "base/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Pseudo-random bytes (Marsaglia, "Xorshift RNGs", 2003) --------------------------- */

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (*state * 0x2545f4914f6cdd1du) >> 32;
}

static uint64_t random_start(uint64_t seed, uint64_t salt)
{
    uint64_t state = (seed + 1) * 0x9e3779b97f4a7c15u ^ (salt + 1) * 0xbf58476d1ce4e5b9u;

    return state == 0 ? 1 : state;
}

void stage_random(const struct play *play, uint64_t salt, size_t length, bool letters,
                  struct bytes *out)
{
    uint64_t state = random_start(play->seed, salt);

    for (size_t i = 0; i < length; i++) {
        uint64_t number = next_random(&state);
        char byte = (char)(letters ? 'a' + (int)(number % 26) : (int)(number & 0xff));

        bytes_add(out, &byte, 1);
    }
}

void stage_file(const struct play *play, const struct lab_file *file, struct bytes *out)
{
    bool letters = !bytes_end_in(file->path, strlen(file->path), ".bin", 4);

    stage_random(play, (uint64_t)(file - play->lab->files), file->size, letters, out);
}

/* ---- The seed changes the letters ----------------------------------------------------- */

/*
 * With seed 1 the texts are those of the scene. Another seed exchanges the letters, the same
 * for all texts, and doubles one of them: what was equal stays equal, what was a beginning
 * or an end stays one, and the lengths change. A letter after % stays, as a conversion.
 */
static void vary(const struct play *play, const char *text, size_t length,
                 struct bytes *out)
{
    char letters[] = "abcdefghijklmnopqrstuvwxyz";
    uint64_t state = random_start(play->seed, 0);
    char doubled = (char)('a' + (int)(next_random(&state) % 26));

    for (size_t i = 25; i > 0; i--) {
        size_t other = (size_t)(next_random(&state) % (i + 1));
        char letter = letters[i];

        letters[i] = letters[other];
        letters[other] = letter;
    }
    for (size_t i = 0; i < length; i++) {
        char byte = text[i];
        bool is_lower = byte >= 'a' && byte <= 'z', is_upper = byte >= 'A' && byte <= 'Z';

        if ((is_lower || is_upper) && (i == 0 || text[i - 1] != '%')) {
            byte = letters[byte - (is_lower ? 'a' : 'A')];
            byte = (char)(is_lower ? byte : byte - 'a' + 'A');
            if (byte == doubled)
                bytes_add(out, &byte, 1);
        }
        bytes_add(out, &byte, 1);
    }
}

/* ---- {...} ------------------------------------------------------------------------------ */

static const struct bytes *learnt(const struct play *play, const char *name)
{
    for (int i = 0; i < PLAY_LEARNT_MOST; i++)
        if (strcmp(play->learnt[i].name, name) == 0 && name[0] != '\0')
            return &play->learnt[i].value;
    return NULL;
}

void stage_learn(struct play *play, const char *name, const char *value, size_t length)
{
    for (int i = 0; i < PLAY_LEARNT_MOST; i++) {
        char *known = play->learnt[i].name;

        if (known[0] != '\0' && strcmp(known, name) != 0)
            continue;
        snprintf(known, LAB_NAME_MOST, "%s", name);
        bytes_free(&play->learnt[i].value);
        bytes_add(&play->learnt[i].value, value, length);
        return;
    }
}

/* What is between the braces. */
static void fill(struct play *play, const char *name, struct bytes *out)
{
    const struct bytes *value = learnt(play, name);
    const char *blank = strchr(name, ' ');
    long number;

    if (value != NULL) {
        bytes_add(out, value->at, value->length);
    } else if (name[0] >= 'A' && name[0] <= 'Z' && name[1] == '\0') {
        bytes_print(out, "127.0.0.1:%d", stage_client(play, name[0])->port);
    } else if (strcmp(name, "n") == 0) {
        bytes_print(out, "%d", play->step->round);
    } else if (number_parse(name, 1, 1 << 20, &number) == 0) {
        stage_random(play, (uint64_t)number, (size_t)number, true, out);
    } else if (blank != NULL && strcmp(blank, " bytes") == 0) {
        for (long times = strtol(name, NULL, 10); times > 0; times--) {
            for (int byte = 0; byte < 256; byte++) {
                char value_of = (char)byte;
                bytes_add(out, &value_of, 1);
            }
        }
    }
}

void stage_fill(struct play *play, const struct bytes *text, struct bytes *out)
{
    bool varies = (play->step->sentence->kind & SENTENCE_SAID) != 0 && play->seed != 1;
    const char *at = text->at, *end = at + text->length;

    bytes_add(out, "", 0); /* it has text from now on, if only "" */
    while (at < end) {
        const char *open = memchr(at, '{', (size_t)(end - at));
        const char *close = open == NULL ? NULL : memchr(open, '}', (size_t)(end - open));
        size_t plain = (size_t)((close == NULL ? end : open) - at);
        char name[LAB_NAME_MOST];

        if (varies)
            vary(play, at, plain, out);
        else
            bytes_add(out, at, plain);
        if (close == NULL)
            break;
        snprintf(name, sizeof name, "%.*s", (int)(close - open) - 1, open + 1);
        fill(play, name, out);
        at = close + 1;
    }
}

const struct bytes *stage_text(struct play *play, int index)
{
    if (play->texts[index].at == NULL)
        stage_fill(play, &play->step->texts[index], &play->texts[index]);
    return &play->texts[index];
}

/* ---- Lines ---------------------------------------------------------------------------- */

void stage_saw(struct play *play, const char *line, size_t length)
{
    struct bytes *got = &play->outcome->got;
    size_t lines = 0;

    bytes_quote(got, line, length);
    bytes_print(got, "\n");
    for (size_t i = 0; i < got->length; i++)
        lines += got->at[i] == '\n';
    if (lines > PLAY_SEEN)
        bytes_drop(got, strcspn(got->at, "\n") + 1);
}

size_t stage_content(const char *line, size_t length)
{
    if (length > 0 && line[length - 1] == '\n')
        length--;
    while (length > 0 && line[length - 1] == '\r')
        length--;
    return length;
}

/* ---- The report ------------------------------------------------------------------------ */

static void add_clients(struct bytes *out, const char *clients)
{
    for (const char *client = clients; *client != '\0'; client++)
        bytes_print(out, "%s%c", client == clients ? "" : ", ", *client);
}

void play_describe(struct play *play, bool briefly, struct bytes *who, struct bytes *what)
{
    const struct lab_step *step = play->step;
    const char *form = step->sentence->form, *client = step->clients;
    int texts = 0, numbers = 0;
    struct bytes *out = who;

    if (step->sentence->verb == ROOM) {
        add_clients(who, client);
        bytes_print(who, client[1] == '\0' ? " is in the room" : " are in the room");
        return;
    }
    briefly = briefly && strncmp(form, "CLIENT ", 7) == 0;
    for (int words = 0; *form != '\0' && !(briefly && words == 2); words++) {
        char word[LAB_NAME_MOST];

        form = lab_next_word(form, word);
        if (strcmp(word, "TEXT") == 0)
            out = what; /* and all that follows */
        bytes_print(out, "%s", out->length == 0 ? "" : " ");
        if (strcmp(word, "TEXT") == 0) {
            const struct bytes *text = stage_text(play, texts++);

            bytes_quote(out, text->at, text->length);
        } else if (strcmp(word, "NUMBER") == 0) {
            bytes_number(out, (size_t)step->numbers[numbers++]);
        } else if (strcmp(word, "CLIENT") == 0) {
            bytes_print(out, "%c", *client++);
        } else if (strcmp(word, "CLIENTS") == 0) {
            add_clients(out, client);
        } else {
            bytes_print(out, "%s", strcmp(word, "WORD") == 0 ? step->word : word);
        }
    }
}
