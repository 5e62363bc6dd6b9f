/*
 * chat_commands: the lines that begin with a slash.
 *
 * Each command is a row of the table and a function. What it says it says with the two
 * verbs of the server: broadcast_string() to the room, tell() to one.
 */
#include "chat/pchatsrv.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NICK_MOST 16
#define ROW_MOST  72 /* where a list of names goes on in a new line */

/*
 * What of a command may stand before each piece of a long line: "/msg", a name, and some
 * spaces. A beginning that is longer is no real one, and the rest of that line is left out.
 */
#define KEPT_MOST (NAME_MOST + 32)

/* Gets the client and what stands behind the command's name and the spaces after it. */
typedef void command_function(struct chat_server *server, int sock, const char *words);

struct command {
    const char *name;
    const char *usage; /* what /help shows, aligned with the others */
    command_function *run;
    int words_kept; /* of a long line, before each piece: "/msg ann" keeps two; 0: no text */
};

static command_function command_nick, command_who, command_me, command_msg, command_help,
    command_quit;

static const struct command commands[] = {
    {"nick", "/nick NAME      be called NAME from now on", command_nick, 0},
    {"who", "/who            who is here?", command_who, 0},
    {"me", "/me ACTION      say what you do", command_me, 1},
    {"msg", "/msg NAME TEXT  say TEXT to NAME alone", command_msg, 2},
    {"help", "/help           this list", command_help, 0},
    {"quit", "/quit [WORDS]   leave, with WORDS for a farewell", command_quit, 0},
};

#define COMMANDS (sizeof commands / sizeof commands[0])

/* The first character behind the spaces at `text`, and behind the word at `text`. */
static const char *skip_spaces(const char *text)
{
    return text + strspn(text, " \t");
}

static const char *skip_word(const char *text)
{
    return text + strcspn(text, " \t");
}

static const struct command *command_named(const char *name, size_t length)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strlen(commands[i].name) == length &&
            strncmp(commands[i].name, name, length) == 0)
            return &commands[i];
    return NULL;
}

size_t chat_command(struct chat_server *server, int sock, const char *line)
{
    const char *name = line + 1, *words = skip_word(name);
    const struct command *command = command_named(name, (size_t)(words - name));
    const char *text = line;
    char unknown[128];

    if (command == NULL) {
        (void)snprintf(unknown, sizeof unknown, "Unknown command /%.*s, try /help",
                       words - name <= 32 ? (int)(words - name) : 0, name);
        tell(server, sock, unknown);
        return 0;
    }
    command->run(server, sock, skip_spaces(words));
    for (int n = 0; n < command->words_kept; n++)
        text = skip_spaces(skip_word(text));
    return text - line <= KEPT_MOST ? (size_t)(text - line) : 0;
}

/* The client of that name, compared without case, or NOBODY. Names hold no spaces. */
static int client_named(const struct chat_server *server, const char *name, size_t length)
{
    for (int sock = 0; sock <= server->highest; sock++) {
        const char *known = server->clients[sock].name;

        if (is_present(server, sock) && strlen(known) == length &&
            strncasecmp(known, name, length) == 0)
            return sock;
    }
    return NOBODY;
}

static bool is_nick(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

    return length >= 1 && length <= NICK_MOST && name[length] == '\0';
}

static void command_nick(struct chat_server *server, int sock, const char *words)
{
    char *name = server->clients[sock].name;
    size_t length = (size_t)(skip_word(words) - words);
    char wanted[NICK_MOST + 1] = "", text[2 * NAME_MOST + 32];
    int holder;

    if (length <= NICK_MOST && *skip_spaces(words + length) == '\0')
        memcpy(wanted, words, length);
    if (!is_nick(wanted)) {
        tell(server, sock, "/nick NAME: a name is 1 to 16 letters, digits, - and _");
        return;
    }
    holder = client_named(server, wanted, length);
    if (holder != NOBODY && (holder != sock || strcmp(name, wanted) == 0)) {
        (void)snprintf(text, sizeof text, "The name %s is %s", wanted,
                       holder == sock ? "yours" : "in use");
        tell(server, sock, text);
        return;
    }
    (void)snprintf(text, sizeof text, "Client %s is now %s", name, wanted);
    broadcast_string(server, text, NOBODY);
    memcpy(name, wanted, sizeof wanted);
}

static void command_who(struct chat_server *server, int sock, const char *words)
{
    char row[ROW_MOST + NAME_MOST];
    int left = 0; /* to be named */
    size_t length;

    (void)words;
    for (int other = 0; other <= server->highest; other++)
        left += is_present(server, other);
    length = (size_t)snprintf(row, sizeof row, "%d here:", left);
    for (int other = 0; other <= server->highest; other++) {
        const char *name = server->clients[other].name;

        if (!is_present(server, other))
            continue;
        if (length + strlen(" ,") + strlen(name) > ROW_MOST) {
            tell(server, sock, row);
            length = (size_t)snprintf(row, sizeof row, " ");
        }
        left--;
        length += (size_t)snprintf(row + length, sizeof row - length, " %s%s", name,
                                   left > 0 ? "," : "");
    }
    tell(server, sock, row);
}

static void command_me(struct chat_server *server, int sock, const char *words)
{
    char text[NAME_MOST + LINE_MOST + 4];

    if (*words == '\0') {
        tell(server, sock, "/me ACTION: it wants an action");
        return;
    }
    (void)snprintf(text, sizeof text, "* %s %s", server->clients[sock].name, words);
    broadcast_string(server, text, sock);
}

static void command_msg(struct chat_server *server, int sock, const char *words)
{
    size_t length = (size_t)(skip_word(words) - words);
    const char *message = skip_spaces(words + length);
    int other = client_named(server, words, length);
    char text[NAME_MOST + LINE_MOST + 32];

    if (*message == '\0') {
        tell(server, sock, "/msg NAME TEXT: it wants a name and a text");
        return;
    }
    if (other == NOBODY) {
        (void)snprintf(text, sizeof text, "Nobody here is called %.*s",
                       length < NAME_MOST ? (int)length : 4,
                       length < NAME_MOST ? words : "that");
        tell(server, sock, text);
        return;
    }
    (void)snprintf(text, sizeof text, "[%s to you] %s", server->clients[sock].name,
                   message);
    tell(server, other, text);
    (void)snprintf(text, sizeof text, "[you to %s] %s", server->clients[other].name,
                   message);
    tell(server, sock, text);
}

static void command_help(struct chat_server *server, int sock, const char *words)
{
    (void)words;
    for (size_t i = 0; i < COMMANDS; i++)
        tell(server, sock, commands[i].usage);
    tell(server, sock, "//TEXT          say /TEXT");
}

/* The words stand behind a colon: brackets are for the reasons that the server gives. */
static void command_quit(struct chat_server *server, int sock, const char *words)
{
    char why[LINE_MOST + 4] = "";

    if (*words != '\0')
        (void)snprintf(why, sizeof why, ": %s", words);
    client_leaves(server, sock, why);
}
