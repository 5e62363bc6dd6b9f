/*
 * chat_names: the names in what a chat server says, and a colour for each.
 */
#ifndef CHAT_CHAT_NAMES_H
#define CHAT_CHAT_NAMES_H

#include <stddef.h>

struct chat_name {
    size_t at, length; /* in bytes of the line */
};

#define CHAT_NAMES_MOST 2 /* in one line: the second is what the first is called now */

/* Finds the names in a line of pchatsrv's kinds. Returns how many there are; 0 in others. */
int chat_names_find(const char *line, struct chat_name names[CHAT_NAMES_MOST]);

/* What stands in the sequence ESC [ ... m (ECMA-48) for a name, the same each time. */
const char *chat_names_colour(const char *name, size_t length);

#endif
