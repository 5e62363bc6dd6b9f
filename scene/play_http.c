/* HTTP: requests (RFC 9112), and what may be asked of an answer. */
#include "scene/stage.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SECRET_BYTES 16 /* this many of a file's bytes in a row show that it was sent */

struct answer {
    int status;
    long length;      /* its Content-Length; -1: it has none */
    const char *body; /* it lies in what was received; NULL: its head is not there yet */
    size_t body_length;
};

/* Reads what has come so far. */
static struct answer answer_of(const struct client *client)
{
    struct answer answer = {.length = -1};
    size_t length;
    const char *text = client_rest(client, &length);
    const char *end = bytes_find(text, length, "\r\n\r\n", 4);
    const char *bare = bytes_find(text, length, "\n\n", 2);

    if (end == NULL || (bare != NULL && bare < end))
        answer.body = bare == NULL ? NULL : bare + 2;
    else
        answer.body = end + 4;
    if (answer.body == NULL)
        return answer;
    answer.body_length = length - (size_t)(answer.body - text);
    if (sscanf(text, "HTTP/%*d.%*d %d", &answer.status) != 1)
        answer.status = 0;
    for (const char *line = text; line < answer.body; line += strcspn(line, "\n") + 1)
        if (strncasecmp(line, "Content-Length:", 15) == 0)
            answer.length = strtol(line + 15, NULL, 10);
    return answer;
}

/* HTTP/1.0 and "close": then the end of the body needs no chunks (RFC 9112 7). */
bool play_request(struct play *play)
{
    struct client *client = stage_first(play);
    bool asks = play->step->sentence->verb == ASKS, sent = true;
    struct bytes text = {0};

    bytes_print(&text,
                "%s %s HTTP/1.0\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n",
                asks ? play->step->word : "GET", stage_text(play, 0)->at, play->port);
    if (play->step->sentence->verb == REQUESTS_SLOWLY)
        sent = stage_send_pieces(play, client, text.at, text.length, 1);
    else
        client_send(client, text.at, text.length);
    bytes_free(&text);
    return sent;
}

bool play_get_status(struct play *play)
{
    struct client *client = stage_first(play);
    const char *answered;
    size_t length;
    int first = (int)play->step->numbers[0], second = (int)play->step->numbers[1];
    struct answer answer;

    stage_wanted(play, "an answer with status %d", first);
    if (second != 0)
        bytes_print(&play->outcome->wanted, " or %d", second);
    for (stage_begin(play); answer = answer_of(client), answer.body == NULL;)
        if (!stage_turn(play, client))
            return false;
    if (answer.status == first || (second != 0 && answer.status == second))
        return true;
    answered = client_rest(client, &length);
    stage_saw(play, answered, strcspn(answered, "\n"));
    return stage_fail(play, "another answer came");
}

/* What is in the file that the step's text names; "" if the lab has no such file. */
static const struct bytes *file_of_step(struct play *play)
{
    const struct lab *lab = play->lab;

    bytes_add(&play->file, "", 0);
    for (size_t i = 0; i < lab->file_count && play->file.length == 0; i++)
        if (strcmp(lab->files[i].path, play->step->texts[0].at) == 0)
            stage_file(play, &lab->files[i], &play->file);
    return &play->file;
}

/* A wrong Content-Length has its own mark, so this goes by the bytes that come. */
bool play_get_file(struct play *play)
{
    struct client *client = stage_first(play);
    const struct bytes *file = file_of_step(play);
    struct answer answer;
    size_t same = 0;

    stage_wanted(play, "the bytes of the file %s, %zu of them", play->step->texts[0].at,
                 file->length);
    client->asked += 2 * file->length;
    for (stage_begin(play);
         answer = answer_of(client), answer.body_length < file->length;) {
        if (!stage_turn(play, client)) {
            bytes_print(&play->outcome->wanted, "; %zu came", answer.body_length);
            return false;
        }
    }
    while (same < file->length && answer.body[same] == file->at[same])
        same++;
    if (same < file->length) {
        stage_saw(play, answer.body + same, answer.body_length - same);
        return stage_fail(play, "byte %zu differs", same);
    }
    return answer.body_length == same ||
           stage_fail(play, "%zu bytes came", answer.body_length);
}

/* The end must come, or as many bytes as the header says. */
bool play_get_length(struct play *play)
{
    struct client *client = stage_first(play);
    struct answer answer;

    stage_wanted(play, "a correct Content-Length, or the end");
    stage_begin(play);
    while (!client->ended && clock_ms() < play->deadline)
        stage_pump(play, NULL, play->deadline);
    answer = answer_of(client);
    if (answer.body == NULL || (!client->ended && answer.length < 0))
        return stage_fail(play, "neither came in %g s", play->patience_ms / 1000.0);
    return answer.length < 0 || (size_t)answer.length == answer.body_length ||
           stage_fail(play, "Content-Length is %ld, and %zu bytes came", answer.length,
                      answer.body_length);
}

bool play_get_nothing_of(struct play *play)
{
    struct client *client = stage_first(play);
    const struct bytes *file = file_of_step(play);
    size_t secret = file->length < SECRET_BYTES ? file->length : SECRET_BYTES;

    stage_wanted_text(play, "nothing of the file", play->step->texts[0].at,
                      play->step->texts[0].length);
    for (stage_begin(play);;) {
        struct answer answer = answer_of(client);

        if (bytes_find(bytes_text(&client->in), client->in.length, file->at, secret))
            return stage_fail(play, "it came");
        if (client->ended || (answer.body != NULL && answer.length >= 0 &&
                              answer.body_length >= (size_t)answer.length))
            return true;
        if (!stage_turn(play, client))
            return false;
    }
}
