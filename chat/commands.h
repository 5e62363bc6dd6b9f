/*
 * commands: lines that begin with a slash.
 */
#ifndef CHAT_COMMANDS_H
#define CHAT_COMMANDS_H

#include "chat/room.h"

/* What a command does besides answering the client that gave it. */
struct command_effect {
    enum { COMMAND_ANSWERED, COMMAND_SAYS, COMMAND_LEAVES } kind;
    int omit_sock;         /* COMMAND_SAYS: the line goes to all but this one */
    char text[WORDS_MOST]; /* the line; COMMAND_LEAVES: what to say after the name */
};

/*
 * Carries out `line`, which begins with a slash, for the member `sock`. Answers to that
 * member go into the transcript here; the caller does the rest, which is in *effect.
 */
void command_obey(struct room *room, int sock, const char *line,
                  struct command_effect *effect);

#endif
