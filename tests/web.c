#include "tests/web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *www(const char *name)
{
    return temp_path(formatted("www/%s", name));
}

void make_directory(const char *name)
{
    ck_assert_int_eq(mkdir(www(name), 0755), 0);
}

void write_page(const char *name, const char *text)
{
    temp_write(formatted("www/%s", name), text);
}

void serve_files_by(const char *script)
{
    temp_write("secret", "secret");
    make_directory("");
    server = program_serve_by(script, WEB_SRV, FIRST_LINE, "-d", www(""), NULL);
}

void serve_files(void)
{
    serve_files_by(JUST_RUN_IT);
}

const char *web_url(const char *path)
{
    return formatted("http://127.0.0.1:%d%s", server.port, path);
}

static void take_field(const char *line, const char *name, char *value, size_t size)
{
    size_t length = strlen(name);

    if (strncmp(line, name, length) == 0 && strncmp(line + length, ": ", 2) == 0)
        snprintf(value, size, "%s", line + length + 2);
}

struct answer take_answer(struct stream *client)
{
    struct answer answer = {.status = atoi(expect_beginning(client, "HTTP/1.1 "))};
    char length[30] = "";

    for (const char *line; *(line = take_line(client)) != '\0';) {
        take_field(line, "Content-Length", length, sizeof length);
        take_field(line, "Content-Type", answer.type, sizeof answer.type);
        take_field(line, "Location", answer.location, sizeof answer.location);
        take_field(line, "Allow", answer.allow, sizeof answer.allow);
        take_field(line, "Connection", answer.connection, sizeof answer.connection);
        take_field(line, "Date", answer.date, sizeof answer.date);
        take_field(line, "Accept-Ranges", answer.accept_ranges,
                   sizeof answer.accept_ranges);
        take_field(line, "Content-Range", answer.range, sizeof answer.range);
        take_field(line, "ETag", answer.tag, sizeof answer.tag);
        take_field(line, "Last-Modified", answer.modified, sizeof answer.modified);
    }
    ck_assert_int_eq(answer.status == 304, *length == '\0');
    answer.length = (size_t)atol(length);
    if (answer.status < 500)
        ck_assert_uint_eq(strlen(answer.date), strlen("Sun, 06 Nov 1994 08:49:37 GMT"));
    return answer;
}

void skip_body(struct stream *client, const struct answer *answer)
{
    for (size_t left = answer->length, taken; left > 0; left -= taken) {
        ck_assert(client->length > 0 || stream_fill(client));
        taken = client->length < left ? client->length : left;
        stream_take(client, taken);
    }
}

struct answer ask(const char *method, const char *path)
{
    return ask_with(method, path, "");
}

struct answer ask_with(const char *method, const char *path, const char *fields)
{
    struct stream client = connect_to(server.port);
    struct answer answer;

    send_text(&client, formatted("%s %s HTTP/1.1\r\n" HOST "Connection: close\r\n%s\r\n",
                                 method, path, fields));
    answer = take_answer(&client);
    ck_assert_str_eq(answer.connection, "close");
    if (strcmp(method, "HEAD") != 0)
        skip_body(&client, &answer);
    expect_end(&client);
    stream_close(&client);
    return answer;
}

void expect_document(struct stream *client, const char *text)
{
    struct answer answer = take_answer(client);

    ck_assert_int_eq(answer.status, 200);
    ck_assert_uint_eq(answer.length, strlen(text));
    expect_text(client, text);
}

void expect_page(const char *path, const char *text)
{
    struct stream client = connect_to(server.port);

    send_text(&client, formatted(GET("%s"), path));
    expect_document(&client, text);
    stream_close(&client);
}
