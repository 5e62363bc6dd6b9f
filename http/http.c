#include "http/http.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define TOKEN   LETTERS DIGITS "!#$%&'*+-.^_`|~" /* RFC 9110 5.6.2 */
#define SPACE   " \t"

/* ---- Fields ------------------------------------------------------------------------- */

bool http_next_field(const struct http_head *head, struct http_field *field)
{
    const char *next = head->text + head->fields;

    if (field->value != NULL)
        next = field->value + strlen(field->value) + 1;
    if (next >= head->text + head->length)
        return false;
    field->name = next;
    field->value = next + strlen(next) + 1;
    field->value += strspn(field->value, SPACE); /* take_fold() may have begun with one */
    return true;
}

static bool next_named(const struct http_head *head, const char *name,
                       struct http_field *field)
{
    while (http_next_field(head, field))
        if (strcasecmp(field->name, name) == 0)
            return true;
    return false;
}

/* ---- The head, line by line --------------------------------------------------------- */

void http_head_begin(struct http_head *head, enum http_kind kind, char *text, size_t size)
{
    *head = (struct http_head){.kind = kind, .text = text, .size = size};
    head->method = head->target = head->reason = head->why = "";
}

static void refuse_head(struct http_head *head, int answer, const char *why)
{
    head->state = HTTP_BAD;
    head->answer = answer;
    head->why = why;
}

/* Takes HTTP/1.0, HTTP/1.1 and so on. Returns what follows, or NULL if it is none. */
static const char *take_version(struct http_head *head, const char *text)
{
    static const char form[] = "HTTP/";

    if (strncmp(text, form, strlen(form)) != 0)
        return NULL;
    text += strlen(form);
    if (strspn(text, DIGITS) != 1 || text[1] != '.' || strspn(text + 2, DIGITS) != 1)
        return NULL;
    if (*text != '1')
        refuse_head(head, 505, "it is not HTTP/1");
    head->minor = text[2] - '0';
    return text + 3;
}

/* GET /path HTTP/1.1, with one space between the parts (RFC 9112 3). */
static void take_request_line(struct http_head *head, char *line)
{
    size_t method = strspn(line, TOKEN), target;
    const char *rest;

    head->method = line;
    if (method == 0 || line[method] != ' ') {
        refuse_head(head, 400, "the first line is not a request");
        return;
    }
    line += method + 1;
    target = strcspn(line, SPACE);
    if (target == 0 || line[target] != ' ') {
        refuse_head(head, 400, "the first line is not a request of HTTP/1");
        return;
    }
    rest = take_version(head, line + target + 1);
    if (rest == NULL || *rest != '\0') {
        refuse_head(head, 400, "the first line does not end in a version of HTTP");
        return;
    }
    line[-1] = line[target] = '\0';
    head->target = line;
}

/* HTTP/1.1 200 OK. Some servers leave out the reason, and the space before it. */
static void take_status_line(struct http_head *head, const char *line)
{
    const char *rest = take_version(head, line);

    if (rest == NULL || *rest != ' ' || strspn(rest + 1, DIGITS) != 3 || rest[1] == '0' ||
        (rest[4] != ' ' && rest[4] != '\0')) {
        refuse_head(head, 400, "the answer is not HTTP");
        return;
    }
    head->status = (int)strtol(rest + 1, NULL, 10);
    head->reason = rest + 4 + strspn(rest + 4, SPACE);
}

/* Cuts off the space around a text. Returns its beginning. */
static char *trim(char *text)
{
    char *end;

    text += strspn(text, SPACE);
    end = text + strlen(text);
    while (end > text && strchr(SPACE, end[-1]) != NULL)
        end--;
    *end = '\0';
    return text;
}

/* Appends a text to what is kept of the lines before this one. */
static void keep(struct http_head *head, const char *text)
{
    size_t length = strlen(text) + 1;

    memmove(head->text + head->line_begin, text, length);
    head->length = head->line_begin + length;
}

/* A line that begins with a space continues the value before it, after a space (obs-fold). */
static void take_fold(struct http_head *head, char *line)
{
    if (head->kind == HTTP_REQUEST || head->line_begin == head->fields) {
        refuse_head(head, 400, "a line of the header begins with a space");
        return;
    }
    line = trim(line);
    head->length = head->line_begin;
    if (*line == '\0')
        return;
    head->text[head->line_begin - 1] = ' '; /* in place of the NUL after the value */
    keep(head, line);
}

/* "Name: value". The name and the value are kept, each ended by a NUL. */
static void take_field(struct http_head *head, char *line)
{
    size_t name = strspn(line, TOKEN), colon = name;

    if (strchr(SPACE, *line) != NULL) {
        take_fold(head, line);
        return;
    }
    if (head->kind == HTTP_RESPONSE)
        colon += strspn(line + name, SPACE);
    if (name == 0 || line[colon] != ':') {
        refuse_head(head, 400,
                    "a line of the header does not begin with a name and a colon");
        return;
    }
    line[name] = '\0';
    head->line_begin += name + 1;
    keep(head, trim(line + colon + 1));
}

/* A request of HTTP/1.1 has exactly one Host (RFC 9112 3.2). */
static void check_host(struct http_head *head)
{
    static const char parts[] = LETTERS DIGITS "-._~!$&'()*+,;=%:[]"; /* RFC 3986 3.2.2 */
    struct http_field field = {NULL, NULL};
    int hosts = 0;

    for (; next_named(head, "Host", &field); hosts++)
        if (strspn(field.value, parts) != strlen(field.value))
            refuse_head(head, 400, "its Host is not a host");
    if (hosts > 1 || (hosts == 0 && head->minor >= 1))
        refuse_head(head, 400, hosts == 0 ? "it has no Host" : "it has a second Host");
}

/* An empty line ends the head. Before a request it is ignored (RFC 9112 2.2). */
static void take_empty_line(struct http_head *head)
{
    bool is_interim = head->status >= 100 && head->status < 200;

    head->length = head->line_begin;
    if (is_interim && head->status != 101) { /* after a 101 another protocol is spoken */
        http_head_begin(head, head->kind, head->text, head->size);
    } else if (head->fields > 0) {
        head->state = HTTP_WHOLE;
        head->has_ended = true;
        if (head->kind == HTTP_REQUEST)
            check_host(head);
    } else if (head->kind == HTTP_RESPONSE) {
        refuse_head(head, 400, "the answer is not HTTP");
    }
}

static bool is_text(char byte)
{
    return byte == '\t' || ((unsigned char)byte >= ' ' && byte != 0x7f);
}

/*
 * Takes the line that has just ended: text[line_begin..length), with its LF. A control
 * character in it is an error in a request, and a space in a response (RFC 9110 5.5).
 */
static void take_line(struct http_head *head)
{
    char *line = head->text + head->line_begin, *end = head->text + head->length - 1;

    if (end > line && end[-1] == '\r')
        end--;
    for (char *byte = line; byte < end; byte++) {
        if (is_text(*byte))
            continue;
        if (head->kind == HTTP_REQUEST) {
            refuse_head(head, 400, "the header has a control character in it");
            return;
        }
        *byte = ' ';
    }
    *end = '\0';
    if (line == end) {
        take_empty_line(head);
        return;
    }
    if (head->fields > 0) {
        take_field(head, line);
    } else {
        if (head->kind == HTTP_REQUEST)
            take_request_line(head, line);
        else
            take_status_line(head, line);
        head->fields = head->length;
    }
    head->line_begin = head->length;
}

static void take_byte(struct http_head *head, char byte)
{
    head->text[head->length++] = byte;
    head->taken++;
    if (byte == '\n')
        take_line(head);
    if (head->state != HTTP_OPEN)
        return;
    if (head->kind == HTTP_REQUEST && head->fields == 0 &&
        head->length - (byte == '\r') > HTTP_LINE_MOST)
        refuse_head(head, 414, "the request line is too long");
    else if (head->taken == head->size)
        refuse_head(head, 431, "the header is too long");
}

size_t http_head_take(struct http_head *head, const char *bytes, size_t length)
{
    size_t taken = 0;

    while (head->state == HTTP_OPEN && taken < length)
        take_byte(head, bytes[taken++]);
    return taken;
}

/* ---- What fields say ---------------------------------------------------------------- */

const char *http_value(const struct http_head *head, const char *name)
{
    struct http_field field = {NULL, NULL};

    return next_named(head, name, &field) ? field.value : NULL;
}

/* Is the token in a comma-separated list (RFC 9110 5.6.1)? */
static bool has_element(const char *list, const char *token)
{
    size_t element, length;

    for (list += strspn(list, SPACE ","); *list != '\0';
         list += element + strspn(list + element, SPACE ",")) {
        element = length = strcspn(list, ",");
        while (strchr(SPACE, list[length - 1]) != NULL)
            length--;
        if (length == strlen(token) && strncasecmp(list, token, length) == 0)
            return true;
    }
    return false;
}

bool http_lists(const struct http_head *head, const char *name, const char *token)
{
    struct http_field field = {NULL, NULL};

    while (next_named(head, name, &field))
        if (has_element(field.value, token))
            return true;
    return false;
}

bool http_keeps_alive(const struct http_head *head)
{
    if (http_lists(head, "Connection", "close"))
        return false;
    return head->minor >= 1 || http_lists(head, "Connection", "keep-alive");
}

/* ---- How a body ends ---------------------------------------------------------------- */

static void refuse_body(struct http_body *body, int answer, const char *why)
{
    body->state = HTTP_BAD;
    body->answer = answer;
    body->why = why;
}

/*
 * A length that is given twice is valid if both are the same (RFC 9110 8.6). It has at most
 * 18 digits: nobody has that many bytes.
 */
static void begin_length(struct http_body *body, const struct http_head *head)
{
    struct http_field field = {NULL, NULL};
    const char *first = http_value(head, "Content-Length");
    size_t digits = strspn(first, DIGITS);
    bool is_good = digits > 0 && digits <= 18 && first[digits] == '\0';

    while (is_good && next_named(head, "Content-Length", &field))
        is_good = strcmp(field.value, first) == 0;
    if (!is_good) {
        refuse_body(body, 400, "its Content-Length is not one number");
        return;
    }
    body->left = strtoull(first, NULL, 10);
    if (body->left == 0)
        body->state = HTTP_WHOLE;
}

static void begin_chunks(struct http_body *body, const struct http_head *head)
{
    struct http_field field = {NULL, NULL};
    int fields = 0;

    while (next_named(head, "Transfer-Encoding", &field)) {
        fields++;
        if (strcasecmp(field.value, "chunked") != 0)
            refuse_body(body, 501, "its Transfer-Encoding is not just \"chunked\"");
    }
    body->framing = HTTP_CHUNKED;
    if (http_value(head, "Content-Length") != NULL)
        refuse_body(body, 400, "it has a Content-Length and a Transfer-Encoding");
    else if (head->minor == 0)
        refuse_body(body, 400, "it has a Transfer-Encoding in HTTP/1.0");
    else if (fields > 1)
        refuse_body(body, 400, "it has a second Transfer-Encoding");
}

void http_body_begin(struct http_body *body, const struct http_head *head)
{
    *body = (struct http_body){.state = HTTP_OPEN, .framing = HTTP_LENGTH, .why = ""};
    if (head->kind == HTTP_RESPONSE &&
        (head->status < 200 || head->status == 204 || head->status == 304)) {
        body->state = HTTP_WHOLE;
    } else if (http_value(head, "Transfer-Encoding") != NULL) {
        begin_chunks(body, head);
    } else if (http_value(head, "Content-Length") != NULL) {
        begin_length(body, head);
    } else if (head->kind == HTTP_RESPONSE) {
        body->framing = HTTP_UNTIL_CLOSE;
        body->left = UINT64_MAX;
    } else {
        body->state = HTTP_WHOLE;
    }
}

/* ---- What a body holds -------------------------------------------------------------- */

/* Where a chunked body is. Around its chunks are lines. */
enum place {
    SIZE, /* in the line before a chunk */
    CHUNK,
    CHUNK_END, /* in the empty line after a chunk */
    TRAILER    /* after the last chunk, whose size is 0: fields, and an empty line */
};

/* A chunk's size, in at most 15 hexadecimal digits. Nobody uses ;name=value after it. */
static bool take_size(struct http_body *body, const char *line)
{
    size_t digits = strspn(line, "0123456789abcdefABCDEF");
    const char *rest = line + digits + strspn(line + digits, SPACE);

    body->left = strtoull(line, NULL, 16);
    body->place = body->left > 0 ? CHUNK : TRAILER;
    body->between = 0;
    return digits > 0 && digits <= 15 && (*rest == '\0' || *rest == ';');
}

/* A line has ended. False: it does not belong there. */
static bool take_chunk_line(struct http_body *body, const char *line)
{
    switch (body->place) {
    case SIZE: return take_size(body, line);
    case CHUNK_END: body->place = SIZE; return *line == '\0';
    default: body->state = *line == '\0' ? HTTP_WHOLE : HTTP_OPEN; return true;
    }
}

/*
 * Lines end in CR LF. Some readers take LF alone for the end of a line, and some do not (RFC
 * 9112 2.2 leaves it open): just such a difference is what request smuggling needs.
 */
static void take_between(struct http_body *body, char byte)
{
    bool after_cr = body->in_line > 0 && body->line[body->in_line - 1] == '\r';
    bool is_good = is_text(byte) && body->place != CHUNK_END;

    if (byte == '\r' || byte == '\n' || after_cr) /* nothing but LF follows CR */
        is_good = after_cr == (byte == '\n');
    body->line[body->in_line++] = byte;
    if (is_good && byte == '\n') {
        body->line[body->in_line - 2] = '\0';
        body->in_line = 0;
        is_good = take_chunk_line(body, body->line);
    }
    if (!is_good)
        refuse_body(body, 400, "its chunks are malformed");
    else if (body->in_line == sizeof body->line || ++body->between > HTTP_TRAILERS_MOST)
        refuse_body(body, 400, "the lines between its chunks are too long");
}

size_t http_body_take(struct http_body *body, const char *bytes, size_t length,
                      struct http_content *content)
{
    size_t taken = 0;

    content->length = 0;
    while (body->state == HTTP_OPEN && taken < length && body->framing == HTTP_CHUNKED &&
           body->place != CHUNK)
        take_between(body, bytes[taken++]);
    content->bytes = bytes + taken;
    if (body->state != HTTP_OPEN || taken == length)
        return taken;
    content->length = length - taken;
    if (content->length > body->left)
        content->length = (size_t)body->left;
    if (body->framing != HTTP_UNTIL_CLOSE)
        body->left -= content->length;
    if (body->left == 0) {
        body->place = CHUNK_END;
        body->state = body->framing == HTTP_CHUNKED ? HTTP_OPEN : HTTP_WHOLE;
    }
    return taken + content->length;
}

void http_body_close(struct http_body *body)
{
    if (body->state != HTTP_OPEN)
        return;
    if (body->framing == HTTP_UNTIL_CLOSE)
        body->state = HTTP_WHOLE;
    else
        refuse_body(body, 400, "the connection was closed before its end");
}

/* ---- What is sent ------------------------------------------------------------------- */

size_t http_compose_get(char *out, const struct url *url, const char *agent)
{
    char host[URL_AUTHORITY_MOST];
    int length;

    url_authority(url, host);
    length = snprintf(out, HTTP_HEAD_MOST,
                      "GET %s HTTP/1.1\r\n"
                      "Host: %s\r\n"
                      "User-Agent: %s\r\n"
                      "Accept: */*\r\n"
                      "Connection: close\r\n\r\n",
                      url->path, host, agent);
    assert(length > 0 && length < HTTP_HEAD_MOST);
    return (size_t)length;
}
