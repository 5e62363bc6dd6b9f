#include "chat/commands.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ROW_MOST 72 /* columns of a list of names */
#define BLANKS   " \t"

/* Gets the client, and the words after the command's name. */
typedef void command_function(struct room *room, int sock, const char *words,
                              struct command_effect *effect);

static command_function nick, who, me, msg, help, quit;

static const struct command {
    const char *usage; /* what /help shows; it begins with the name */
    command_function *run;
} commands[] = {
    {"/nick NAME      be called NAME from now on", nick},
    {"/who            who is here?", who},
    {"/me ACTION      say what you do", me},
    {"/msg NAME TEXT  say TEXT to NAME alone", msg},
    {"/help           this list", help},
    {"/quit [WORDS]   leave, with WORDS for a farewell", quit},
};

#define COMMANDS (sizeof commands / sizeof commands[0])

void command_obey(struct room *room, int sock, const char *line,
                  struct command_effect *effect)
{
    size_t length = strcspn(line, BLANKS); /* of the slash and the name */
    const char *words = line + length + strspn(line + length, BLANKS);
    char unknown[128];

    effect->kind = COMMAND_ANSWERED;
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcspn(commands[i].usage, BLANKS) == length &&
            strncmp(commands[i].usage, line, length) == 0) {
            commands[i].run(room, sock, words, effect);
            return;
        }
    snprintf(unknown, sizeof unknown, "Unknown command %.*s, try /help",
             length <= 33 ? (int)length : 1, line);
    room_tell(room, sock, unknown);
}

static void nick(struct room *room, int sock, const char *words,
                 struct command_effect *effect)
{
    char *name = room->clients[sock].name, wanted[WORDS_NICK_MOST + 1] = "";
    size_t length = strcspn(words, BLANKS);
    char text[WORDS_NAME_MOST + 32];
    int holder;

    if (length <= WORDS_NICK_MOST &&
        words[length + strspn(words + length, BLANKS)] == '\0')
        memcpy(wanted, words, length);
    if (!words_is_nick(wanted)) {
        room_tell(room, sock, "/nick NAME: a name is 1 to 16 letters, digits, - and _");
        return;
    }
    holder = room_find(room, wanted, length);
    if (holder == sock && strcmp(name, wanted) == 0) {
        snprintf(text, sizeof text, "The name %s is yours", wanted);
        room_tell(room, sock, text);
    } else if ((holder != ROOM_NOBODY && holder != sock) ||
               strcasecmp(wanted, "you") == 0) { /* "[you to you]" would be a receipt */
        words_write(text, sizeof text, WORDS_IN_USE, wanted, "");
        room_tell(room, sock, text);
    } else {
        effect->kind = COMMAND_SAYS;
        effect->omit_sock = ROOM_NOBODY;
        words_write(effect->text, sizeof effect->text, WORDS_RENAMED, name, wanted);
        strcpy(name, wanted);
    }
}

static void who(struct room *room, int sock, const char *words,
                struct command_effect *effect)
{
    char row[ROW_MOST + WORDS_NAME_MOST];
    int left = 0; /* to be named */
    size_t length;

    (void)words;
    (void)effect;
    for (int other = 0; other <= room->members.highest; other++)
        left += fdset_has(&room->members, other);
    length = (size_t)snprintf(row, sizeof row, "%d here:", left);
    for (int other = 0; other <= room->members.highest; other++) {
        const char *name = room->clients[other].name;

        if (!fdset_has(&room->members, other))
            continue;
        if (length + strlen(" ,") + strlen(name) > ROW_MOST) {
            room_tell(room, sock, row);
            length = (size_t)snprintf(row, sizeof row, " ");
        }
        left--;
        length += (size_t)snprintf(row + length, sizeof row - length, " %s%s", name,
                                   left > 0 ? "," : "");
    }
    room_tell(room, sock, row);
}

static void me(struct room *room, int sock, const char *words,
               struct command_effect *effect)
{
    if (*words == '\0') {
        room_tell(room, sock, "/me ACTION: the action is missing");
        return;
    }
    effect->kind = COMMAND_SAYS;
    effect->omit_sock = sock;
    words_write(effect->text, sizeof effect->text, WORDS_ACTION, room->clients[sock].name,
                words);
}

static void msg(struct room *room, int sock, const char *words,
                struct command_effect *effect)
{
    size_t length = strcspn(words, BLANKS);
    const char *message = words + length + strspn(words + length, BLANKS);
    int other = room_find(room, words, length);
    char text[WORDS_MOST];

    (void)effect;
    if (*message == '\0') {
        room_tell(room, sock, "/msg NAME TEXT: the name or the text is missing");
        return;
    }
    if (other == ROOM_NOBODY) {
        bool is_short = length < WORDS_NAME_MOST;

        snprintf(text, sizeof text, "Nobody here is called %.*s",
                 is_short ? (int)length : 4, is_short ? words : "that");
        room_tell(room, sock, text);
        return;
    }
    words_write(text, sizeof text, WORDS_TO_YOU, room->clients[sock].name, message);
    room_tell(room, other, text);
    words_write(text, sizeof text, WORDS_FROM_YOU, room->clients[other].name, message);
    room_tell(room, sock, text);
}

static void help(struct room *room, int sock, const char *words,
                 struct command_effect *effect)
{
    (void)words;
    (void)effect;
    for (size_t i = 0; i < COMMANDS; i++)
        room_tell(room, sock, commands[i].usage);
    room_tell(room, sock, "//TEXT          say /TEXT");
}

/* The farewell follows a colon. Brackets are for the server's own reasons. */
static void quit(struct room *room, int sock, const char *words,
                 struct command_effect *effect)
{
    (void)room;
    (void)sock;
    effect->kind = COMMAND_LEAVES;
    snprintf(effect->text, sizeof effect->text, "%s%s", *words == '\0' ? "" : ": ",
             words);
}
