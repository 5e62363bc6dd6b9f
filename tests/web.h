/*
 * web: the web server under test (bin/web_srv), and what it answers.
 */
#ifndef TESTS_WEB_H
#define TESTS_WEB_H

#include "tests/server.h"

#define WEB_SRV    "bin/web_srv"
#define FIRST_LINE "Serving HTTP on port "
#define HOST       "Host: a\r\n"
#define GET(path)  "GET " path " HTTP/1.1\r\n" HOST "\r\n"

/* The head of an answer. A field that it does not have is "". */
struct answer {
    int status;
    size_t length; /* Content-Length */
    char type[100], location[300], allow[40], connection[40], date[40];
    char accept_ranges[40], range[100], tag[100], modified[40];
};

/*
 * Starts a server of files, by a script as program_serve_by() does, or without one. Beside
 * the directory that is served there is a file that nobody may fetch, "secret".
 */
void serve_files_by(const char *script);
void serve_files(void);

/* In that directory: the path of a file, which is one of a few buffers; and new things. */
const char *www(const char *name);
void make_directory(const char *name);
void write_page(const char *name, const char *text);

/* A URL of the server. */
const char *web_url(const char *path);

/*
 * Takes an answer's head, which has a length unless it is a 304, and a Date unless it says
 * that the server failed.
 */
struct answer take_answer(struct stream *client);

/* Takes the body that comes after this head. */
void skip_body(struct stream *client, const struct answer *answer);

/*
 * Asks for a path on a connection of its own, which then ends. The body is thrown away. To
 * ck_assert_str_eq() goes formatted("%s", ask(...).type): the answer itself ends too early.
 */
struct answer ask(const char *method, const char *path);

/* The same, with further fields ("Range: bytes=0-0\r\n"). */
struct answer ask_with(const char *method, const char *path, const char *fields);

/* The next answer is this document. */
void expect_document(struct stream *client, const char *text);

/* The server has this document at this path. */
void expect_page(const char *path, const char *text);

#endif
