#include "net/tally.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* The host's entry, or a free one with its name. There is always one. */
static struct tally_host *find(struct tally *tally, const char *address)
{
    const char *port = strrchr(address, ':');
    struct tally_host *found = NULL;
    char name[ADDRESS_MOST];

    snprintf(name, sizeof name, "%.*s", port == NULL ? -1 : (int)(port - address),
             address);
    for (size_t i = 0; i < sizeof tally->hosts / sizeof tally->hosts[0]; i++) {
        struct tally_host *host = &tally->hosts[i];

        if (host->held > 0 && strcmp(host->name, name) == 0)
            return host;
        if (host->held == 0 && found == NULL)
            found = host;
    }
    assert(found != NULL);
    strcpy(found->name, name);
    return found;
}

static bool is_held(const struct tally_place *place)
{
    return place->state == TALLY_BRIEF || place->state == TALLY_LONG;
}

static void count(struct tally *tally, const struct tally_place *place, int more)
{
    if (!is_held(place))
        return;
    place->host->held += more;
    tally->held += more;
}

void tally_set(struct tally *tally, int place, enum tally_state state,
               const char *address)
{
    struct tally_place *changed = &tally->places[place];

    count(tally, changed, -1);
    *changed = (struct tally_place){state, ++tally->changes, NULL};
    if (is_held(changed))
        changed->host = find(tally, address);
    count(tally, changed, 1);
}

static bool goes_before(const struct tally_place *place, const struct tally_place *other)
{
    if (place->host->held != other->host->held)
        return place->host->held > other->host->held;
    if (place->state != other->state)
        return place->state == TALLY_BRIEF;
    return place->since < other->since;
}

int tally_first(const struct tally *tally)
{
    const struct tally_place *places = tally->places;
    int first = -1;

    for (int i = 0; i < FD_SETSIZE; i++)
        if (is_held(&places[i]) &&
            (first == -1 || goes_before(&places[i], &places[first])))
            first = i;
    return first;
}

/* A free place, or the one that was left first, or -1. */
static int unused(const struct tally *tally, int most)
{
    int found = -1;

    for (int i = 0; i < most; i++) {
        const struct tally_place *place = &tally->places[i];

        if (place->state == TALLY_FREE)
            return i;
        if (place->state == TALLY_LEFT &&
            (found == -1 || place->since < tally->places[found].since))
            found = i;
    }
    return found;
}

int tally_choose(struct tally *tally, int most, const char *address)
{
    int found = unused(tally, most);
    const struct tally_place *first;

    if (found != -1)
        return found;
    found = tally_first(tally);
    first = &tally->places[found];
    if (first->state == TALLY_LONG && first->host->held <= find(tally, address)->held + 1)
        return -1;
    return found;
}
