/*
 * tally: which address holds how many of a server's places, so that one machine cannot keep
 * all others out.
 *
 * A fixed limit for each address would have to be low to help, and a router that translates
 * addresses gives a whole class one. So an address may hold as many places as it likes while
 * there are others. When there are none, the address that holds the most gives one up.
 */
#ifndef NET_TALLY_H
#define NET_TALLY_H

#include "net/address.h"

#include <stdint.h>
#include <sys/select.h>

enum tally_state {
    TALLY_FREE,
    TALLY_LEFT,  /* kept for somebody who has left; it does not count */
    TALLY_BRIEF, /* for a moment only, so it is given up before a long one */
    TALLY_LONG
};

/* All zero bytes is an empty tally. The places are numbers from 0 to FD_SETSIZE - 1. */
struct tally {
    int held;         /* places that are TALLY_BRIEF or TALLY_LONG */
    uint64_t changes; /* so far */
    struct tally_host {
        char name[ADDRESS_MOST]; /* an address without its port */
        int held;
    } hosts[FD_SETSIZE + 1]; /* one for each place, and a newcomer's */
    struct tally_place {
        enum tally_state state;
        uint64_t since;          /* which of the changes that was */
        struct tally_host *host; /* if it is held */
    } places[FD_SETSIZE];
};

/* A place is in that state now, for this address (127.0.0.1:37993). */
void tally_set(struct tally *tally, int place, enum tally_state state,
               const char *address);

/*
 * The place to give up, or -1 if none is held. It is one of the host that holds the most: the
 * oldest that is brief, or else the oldest.
 */
int tally_first(const struct tally *tally);

/*
 * A place below `most` for a newcomer: a free one, the one that was left first, or
 * tally_first(). A long place is taken only from a host that afterwards still holds as many
 * as the newcomer's; otherwise -1 is returned.
 */
int tally_choose(struct tally *tally, int most, const char *address);

#endif
