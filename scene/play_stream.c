/* Streams: bytes there and back, floods, and how a connection ends. */
#include "scene/stage.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#define FLOOD_LINE   254    /* letters: with CR LF it is 256 bytes, see flood() */
#define FLOOD_WINDOW 16384  /* letters that were said and not heard yet, at most */
#define ECHO_WINDOW  131072 /* bytes under way */
#define ECHO_PIECE   8192   /* of them sent, and compared, at a time */
#define TRIPS_LEAST  3
#define STUCK_TRIPS  200 /* of another client in which nothing more was taken */

bool stage_hear_bytes(struct play *play, struct client *client, const char *text,
                      size_t length)
{
    size_t same = 0;

    stage_wanted_text(play, "the bytes", text, length);
    for (stage_begin(play); same < length;) {
        size_t there;
        const char *from = client_rest(client, &there);

        while (same < length && same < there && from[same] == text[same])
            same++;
        if (same < length && same < there) {
            bytes_print(&play->outcome->wanted, ", differs at byte %zu", same);
            stage_saw(play, from + same, there - same);
            return stage_fail(play, "other bytes came");
        }
        if (same < length && !stage_turn(play, client)) {
            bytes_print(&play->outcome->wanted, ", and %zu came", same);
            return false;
        }
    }
    client->taken += length;
    return true;
}

/* Letters, here and in echo(): bytes that are not text have a behaviour of their own. */
static bool send_random(struct play *play, struct client *client)
{
    size_t length = (size_t)play->step->numbers[0];
    struct bytes bytes = {0};

    stage_random(play, length, length, true, &bytes);
    bytes_free(&client->out);
    client->sent = 0;
    client->asked += 2 * length;
    client_send(client, bytes.at, length);
    bytes_free(&bytes);
    return true;
}

/*
 * Sends and hears at the same time. So much is under way that sockets fill, and not so much
 * that the pipes of a server that hands it to `cat` do.
 */
static bool echo(struct play *play, struct client *client)
{
    size_t length = (size_t)play->step->numbers[0], sent = 0;
    struct bytes bytes = {0};
    bool good = true;

    stage_random(play, length, length, true, &bytes);
    client->asked += 2 * length;
    for (size_t heard = 0; heard < length && good; heard += ECHO_PIECE) {
        size_t piece = length - heard < ECHO_PIECE ? length - heard : ECHO_PIECE;

        for (; sent < length && sent < heard + ECHO_WINDOW; sent += ECHO_PIECE)
            client_send(client, bytes.at + sent,
                        length - sent < ECHO_PIECE ? length - sent : ECHO_PIECE);
        good = stage_hear_bytes(play, client, bytes.at + heard, piece);
        if (!good)
            bytes_print(&play->outcome->wanted, ", after %zu before them", heard);
    }
    bytes_free(&bytes);
    return good;
}

/* ---- Floods ------------------------------------------------------------------------------ */

static void count_letters(struct play *play, char letter)
{
    for (int i = 0; i < LAB_CLIENTS; i++) {
        struct client *client = &play->clients[i];

        client->counts = letter != '\0';
        client->letter = letter;
        client->letters = 0;
        client->taken = client->in.length; /* what came before is not part of the flood */
        client->asked += 4 * (size_t)play->step->numbers[0];
    }
}

/*
 * Lines of one letter, which the others count: how a server cuts lines has its own mark. So
 * has what it does with half a line: where a buffer of 2^n bytes ends, a line ends too. The
 * speaker waits for the first hearer, so that a server that drops what does not fit into a
 * socket loses nothing of it by chance. Everyone reads, the speaker too.
 */
bool play_flood(struct play *play)
{
    char letters[] = "xzqk", letter = letters[play->seed % 4], line[FLOOD_LINE + 2];
    size_t total = (size_t)play->step->numbers[0] / FLOOD_LINE * FLOOD_LINE, said = 0;
    const char *hearers = play->step->clients + 1;
    struct client *speaker = stage_first(play), *first = stage_client(play, *hearers);

    memset(line, letter, FLOOD_LINE);
    memcpy(line + FLOOD_LINE, "\r\n", 2);
    count_letters(play, letter);
    stage_begin(play);
    for (const char *hearer = hearers; *hearer != '\0'; hearer++) {
        struct client *client = stage_client(play, *hearer);

        while (client->letters < total) {
            for (; said < total && said < first->letters + FLOOD_WINDOW;
                 said += FLOOD_LINE)
                client_send(speaker, line, sizeof line);
            if (!stage_turn(play, client)) {
                stage_wanted(play, "%zu letters '%c', and %zu came to %c", total, letter,
                             client->letters, *hearer);
                return false;
            }
        }
        if (client->letters > total) {
            stage_wanted(play, "%zu letters '%c'", total, letter);
            return stage_fail(play, "%zu came to %c", client->letters, *hearer);
        }
    }
    count_letters(play, '\0');
    return true;
}

/*
 * One client sends and does not read; another talks until the server has taken all of it,
 * or no more of it in many round trips.
 */
bool play_talk_until_stuck(struct play *play)
{
    struct client *talker = stage_first(play);
    struct client *stuck = stage_client(play, play->step->clients[1]);
    size_t before = stuck->sent;

    for (int trips = 0, total = 0;
         total < TRIPS_LEAST ||
         (trips < STUCK_TRIPS && !client_has_sent(stuck) && !stuck->ended);
         total++) {
        char text[64];
        int length = snprintf(text, sizeof text, "Are you there, %d?\n", total);

        client_send(talker, text, (size_t)length);
        if (!stage_hear_bytes(play, talker, text, (size_t)length))
            return false;
        trips = stuck->sent == before ? trips + 1 : 0;
        before = stuck->sent;
    }
    return true;
}

/* ---- Ends --------------------------------------------------------------------------------- */

static bool get_end(struct play *play, struct client *client, bool orderly)
{
    stage_wanted(play, "the end of the connection");
    for (stage_begin(play); !client->ended;)
        if (!stage_turn(play, client))
            return false;
    if (orderly && client->error != 0)
        return stage_fail_ended(play, client);
    client->taken = client->in.length; /* all of it can be asked for by `never heard` */
    return true;
}

static bool half_close(struct play *play, struct client *client)
{
    stage_wanted(play, "it to take what is sent");
    client->half_close = true;
    for (stage_begin(play); client->half_close && !client->ended;)
        if (!stage_turn(play, client))
            return false;
    return true; /* if the server has closed first, there is nothing more to say either */
}

bool stage_leave(struct play *play, struct client *client)
{
    if (!half_close(play, client) || !get_end(play, client, false))
        return false;
    client_close(client);
    return true;
}

bool play_stream(struct play *play)
{
    struct client *client = stage_first(play);
    enum verb verb = play->step->sentence->verb;

    switch (verb) {
    case ECHOES: return echo(play, client);
    case SENDS_BYTES: return send_random(play, client);
    case HEARS_BYTES:
        return stage_hear_bytes(play, client, stage_text(play, 0)->at,
                                stage_text(play, 0)->length);
    case HEARS_BACK:
        return stage_hear_bytes(play, client, client->out.at, client->out.length);
    case HALF_CLOSES: return half_close(play, client);
    case GETS_END: return get_end(play, client, true);
    case LEAVES: return stage_leave(play, client);
    case RESETS: client_reset(client); return true;
    case CLOSES: client_close(client); return true;
    case STOPS_READING: client->reading = CLIENT_READS_NOT; return true;
    case READS_SLOWLY: client->reading = CLIENT_READS_SLOWLY; return true;
    default: client->reading = CLIENT_READS; return true;
    }
}
