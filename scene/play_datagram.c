/* Datagrams: each is one message, or nothing. */
#include "scene/stage.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Sends one, and remembers it if it will be compared with what comes back. */
static bool send_one(struct play *play, struct client *client,
                     const struct bytes *datagram, bool remember)
{
    if (send(client->sock, bytes_text(datagram), datagram->length, MSG_NOSIGNAL) == -1)
        return stage_fail(play, "it cannot be sent: %s", strerror(errno));
    if (remember) {
        bytes_add(&client->out, &datagram->length, sizeof datagram->length);
        bytes_add(&client->out, datagram->at, datagram->length);
        client->sent = client->out.length; /* nothing is left to be sent */
    }
    client->asked += datagram->length;
    return true;
}

static bool hear_one(struct play *play, struct client *client, const char *text,
                     size_t length)
{
    const char *datagram;
    size_t came;

    stage_wanted_text(play, "the datagram", text, length);
    for (stage_begin(play); (datagram = client_datagram(client, &came)) == NULL;)
        if (!stage_turn(play, client))
            return false;
    if (came == length && memcmp(datagram, text, length) == 0)
        return true;
    stage_saw(play, datagram, came);
    return stage_fail(play, "another came, of %zu bytes", came);
}

/* Of letters: bytes that are not text have a behaviour of their own. */
static bool send_many(struct play *play, struct client *client, int64_t count,
                      size_t size)
{
    bool sent = true;

    for (int64_t i = 0; i < count && sent; i++) {
        struct bytes datagram = {0};

        stage_random(play, (uint64_t)(size * 100) + (uint64_t)i, size, true, &datagram);
        sent = send_one(play, client, &datagram, true);
        bytes_free(&datagram);
    }
    return sent;
}

static bool hear_the_same(struct play *play, struct client *client)
{
    for (size_t at = 0; at < client->out.length;) {
        size_t length;

        memcpy(&length, client->out.at + at, sizeof length);
        at += sizeof length;
        if (!hear_one(play, client, client->out.at + at, length))
            return false;
        at += length;
    }
    bytes_free(&client->out);
    client->sent = 0;
    return true;
}

bool play_datagram(struct play *play)
{
    struct client *client = stage_first(play);
    const int64_t *numbers = play->step->numbers;
    const struct bytes *text = stage_text(play, 0);

    switch (play->step->sentence->verb) {
    case SENDS_DATAGRAM_OF: return send_many(play, client, 1, (size_t)numbers[0]);
    case SENDS_DATAGRAMS: return send_many(play, client, numbers[0], (size_t)numbers[1]);
    case HEARS_DATAGRAMS_BACK: return hear_the_same(play, client);
    case SENDS_DATAGRAM: return send_one(play, client, text, false);
    default: return hear_one(play, client, text->at, text->length);
    }
}
