#include "chat/limits.h"

#include "base/clock.h"
#include "net/address.h"

#define SECOND_US 1000000

bool limits_let_in(const struct limits *limits, const struct room *room,
                   const struct sockaddr_storage *address)
{
    long count = 0;

    if (limits->connections == 0)
        return true;
    for (int sock = 0; sock < FD_SETSIZE; sock++) {
        /* If its socket takes its last lines, a leaving client is closed in this turn. */
        bool stays = fdset_has(&room->members, sock) ||
                     (fdset_has(&room->leaving, sock) && fdset_has(&room->behind, sock));

        if (stays && address_is_same_host(&room->clients[sock].address, address))
            count++;
    }
    return count < limits->connections;
}

/*
 * Each line takes its share of a second, and `busy_until` is when the shares of all lines
 * so far are over. It may lie up to a second ahead: that is the burst.
 */
void limits_count_line(const struct limits *limits, struct client *client, int64_t now)
{
    if (limits->lines == 0)
        return;
    if (client->busy_until_us < now * 1000)
        client->busy_until_us = now * 1000;
    client->busy_until_us += SECOND_US / limits->lines;
}

/* When the next line fits into the second (ms). Rounded up: earlier it would not fit. */
static int64_t heard_at(const struct limits *limits, const struct client *client)
{
    int64_t next_us = client->busy_until_us + SECOND_US / limits->lines;

    return (next_us - SECOND_US + 999) / 1000;
}

bool limits_allow_line(const struct limits *limits, const struct client *client,
                       int64_t now)
{
    return limits->lines == 0 || heard_at(limits, client) <= now;
}

int64_t limits_hold_back(const struct limits *limits, const struct room *room,
                         int64_t now, struct fdset *readable)
{
    int64_t deadline = INT64_MAX;

    for (int sock = 0; limits->lines != 0 && sock <= room->members.highest; sock++) {
        const struct client *client = &room->clients[sock];

        if (fdset_has(&room->members, sock) && !limits_allow_line(limits, client, now)) {
            fdset_remove(readable, sock);
            deadline = clock_earlier(deadline, heard_at(limits, client));
        }
    }
    return deadline;
}
