#include "tests/web_chat.h"
#include "tests/room.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct program chat_room, web_chat;
const char *web_chat_host;
char answer_head[4096], answer_content[65536];
char event_type[40], event_data[4096];

struct program web_chat_open(int room_port, const char *more)
{
    return program_serve_by(formatted("exec \"$@\" %s", more), WEB_CHAT, WEB_CHAT_FIRST,
                            "-r", formatted("127.0.0.1:%d", room_port), NULL);
}

void web_chat_set_up(void)
{
    web_chat_host = "127.0.0.1";
    chat_room = room_open();
    web_chat = web_chat_open(chat_room.port, "");
}

void web_chat_tear_down(void)
{
    close_sockets();
    program_stop(&web_chat);
    program_stop(&chat_room);
}

/* ---- Requests ----------------------------------------------------------------------- */

/* Takes a head, whose lines are then in answer_head. Returns the status. */
static int take_head(struct stream *client)
{
    size_t length = 0;
    const char *line;

    do {
        line = take_line(client);
        length += (size_t)snprintf(answer_head + length, sizeof answer_head - length,
                                   "%s\n", line);
    } while (*line != '\0');
    ck_assert_uint_lt(length, sizeof answer_head);
    ck_assert_int_eq(strncmp(answer_head, "HTTP/1.1 ", 9), 0);
    return atoi(answer_head + 9);
}

static int take_answer(struct stream *client)
{
    int status = take_head(client);

    stream_fill_to_end(client);
    ck_assert_uint_lt(client->length, sizeof answer_content);
    memcpy(answer_content, client->bytes, client->length);
    answer_content[client->length] = '\0';
    stream_close(client);
    return status;
}

int request(const char *format, ...)
{
    struct stream client = connect_to_host(web_chat_host, web_chat.port);
    char text[16384];
    va_list list;

    va_start(list, format);
    ck_assert_int_lt(vsnprintf(text, sizeof text, format, list), sizeof text);
    va_end(list);
    send_text(&client, text);
    return take_answer(&client);
}

int post_bytes(const char *path, const char *fields, const char *bytes, size_t length)
{
    struct stream client = connect_to_host(web_chat_host, web_chat.port);

    send_text(&client, formatted("POST %s HTTP/1.1\r\nHost: a\r\n%sContent-Length: %zu"
                                 "\r\n\r\n",
                                 path, fields, length));
    send_bytes(&client, bytes, length);
    return take_answer(&client);
}

const char *join(const char *name)
{
    static char tokens[16][40];
    static unsigned next;
    char *token = tokens[next++ % COUNT(tokens)];

    ck_assert_int_eq(post_bytes("/join", "", name, strlen(name)), 200);
    ck_assert_uint_eq(strlen(answer_content), 32);
    return strcpy(token, answer_content);
}

int say(const char *token, const char *line)
{
    return post_bytes("/say", formatted("Chat-Session: %s\r\n", token), line,
                      strlen(line));
}

/* ---- Events ------------------------------------------------------------------------- */

struct stream open_events(const char *token, uint64_t last)
{
    struct stream events = connect_to_host(web_chat_host, web_chat.port);

    send_text(&events, formatted("GET /events?session=%s HTTP/1.1\r\nHost: a\r\n"
                                 "Last-Event-ID: %llu\r\n\r\n",
                                 token, (unsigned long long)last));
    ck_assert_int_eq(take_head(&events), 200);
    return events;
}

uint64_t take_event(struct stream *events)
{
    uint64_t number = 0;
    size_t length = 0;
    const char *line;

    event_data[0] = event_type[0] = '\0';
    for (;;) {
        line = take_line(events);
        if (*line == '\0' && *event_type != '\0')
            return number;
        if (strncmp(line, "id: ", 4) == 0)
            number = strtoull(line + 4, NULL, 10);
        else if (strncmp(line, "event: ", 7) == 0)
            snprintf(event_type, sizeof event_type, "%s", line + 7);
        else if (strncmp(line, "data: ", 6) == 0)
            length += (size_t)snprintf(event_data + length, sizeof event_data - length,
                                       "%s%s", length > 0 ? "\n" : "", line + 6);
    }
}

void skip_to_event(struct stream *events, const char *type)
{
    do
        take_event(events);
    while (strcmp(event_type, type) != 0);
}

uint64_t expect_event(struct stream *events, const char *type, const char *data)
{
    uint64_t number;

    do
        number = take_event(events);
    while (strcmp(event_type, type) != 0 || strcmp(event_data, data) != 0);
    return number;
}

struct stream join_and_listen(const char *name, const char **token)
{
    struct stream events;

    *token = join(name);
    events = open_events(*token, 0);
    do
        skip_to_event(&events, "who");
    while (strchr(",:", event_data[strlen(event_data) - 1]) != NULL);
    return events;
}
