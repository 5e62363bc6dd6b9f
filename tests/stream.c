#include "tests/harness.h"

#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Check writes down each assertion, also one that holds. What tests call a million times has
 * none, and calls ck_abort_msg() if it must.
 */

#define MOST_DESCRIPTORS 2048 /* more than any test has open */

/* ---- Opening and closing ------------------------------------------------------------ */

struct stream stream_of(int fd)
{
    ck_assert_int_ne(fd, -1);
    return (struct stream){.fd = fd};
}

struct stream connect_to(int port)
{
    return connect_to_host("127.0.0.1", port);
}

struct stream connect_to_host(const char *host, int port)
{
    struct sockaddr_storage address;
    socklen_t length = address_of(host, port, &address);
    struct stream stream = stream_of(socket(address.ss_family, SOCK_STREAM, 0));
    const int on = 1;

    if (connect(stream.fd, (struct sockaddr *)&address, length) == -1)
        ck_abort_msg("cannot connect: %s", strerror(errno));
    /* What is sent in two pieces must arrive in two, and at once. */
    ck_assert(setsockopt(stream.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    return stream;
}

struct stream connect_narrowly(int port)
{
    struct sockaddr_storage address;
    socklen_t length = address_of("127.0.0.1", port, &address);
    struct stream stream = stream_of(socket(AF_INET, SOCK_STREAM, 0));
    const int least = 1, segment = 536; /* the default of RFC 9293 */

    ck_assert(setsockopt(stream.fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least) == 0);
    (void)setsockopt(stream.fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
    ck_assert(connect(stream.fd, (struct sockaddr *)&address, length) == 0);
    return stream;
}

socklen_t address_of(const char *host, int port, struct sockaddr_storage *address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        return sizeof *v6;
    }
    ck_assert_int_eq(inet_pton(AF_INET, host, &v4->sin_addr), 1);
    v4->sin_family = AF_INET;
    v4->sin_port = htons((uint16_t)port);
    return sizeof *v4;
}

static void local_address(int sock, struct sockaddr_storage *address)
{
    socklen_t length = sizeof *address;

    ck_assert_int_eq(getsockname(sock, (struct sockaddr *)address, &length), 0);
}

int local_port(int sock)
{
    struct sockaddr_storage address;

    local_address(sock, &address);
    return address_port(&address);
}

const char *name_of(const struct stream *stream)
{
    static char names[8][ADDRESS_MOST];
    static unsigned next;
    struct sockaddr_storage address;
    char *name = names[next++ % 8];

    local_address(stream->fd, &address);
    address_format(&address, name);
    return name;
}

void stream_close(struct stream *stream)
{
    close(stream->fd);
    free(stream->buffer);
    *stream = (struct stream){.fd = -1};
}

void stream_reset(struct stream *stream)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    ck_assert(setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
    stream_close(stream);
}

void stream_half_close(struct stream *stream)
{
    ck_assert_int_eq(shutdown(stream->fd, SHUT_WR), 0);
}

void close_sockets(void)
{
    for (int fd = STDERR_FILENO + 1; fd < MOST_DESCRIPTORS; fd++) {
        struct stat about;

        if (fstat(fd, &about) == 0 && S_ISSOCK(about.st_mode))
            close(fd);
    }
}

/* ---- Sending ------------------------------------------------------------------------ */

void send_bytes(struct stream *stream, const void *bytes, size_t length)
{
    const char *next = bytes;

    while (length > 0) {
        ssize_t sent = send(stream->fd, next, length, MSG_NOSIGNAL);

        if (sent == -1 && errno == EINTR)
            continue;
        if (sent == -1)
            ck_abort_msg("cannot send: %s", strerror(errno));
        next += sent;
        length -= (size_t)sent;
    }
}

void send_text(struct stream *stream, const char *text)
{
    send_bytes(stream, text, strlen(text));
}

void send_repeated(struct stream *stream, const char *text, size_t times)
{
    while (times-- > 0)
        send_text(stream, text);
}

void send_line(struct stream *stream, const char *format, ...)
{
    char line[4096];
    va_list list;
    size_t length;

    va_start(list, format);
    length = (size_t)vsnprintf(line, sizeof line, format, list);
    va_end(list);
    if (length >= sizeof line)
        ck_abort_msg("this line is too long: '%s'", line);
    line[length] = '\n';
    send_bytes(stream, line, length + 1);
}

void send_if_open(struct stream *stream, const char *text)
{
    (void)send(stream->fd, text, strlen(text), MSG_NOSIGNAL);
}

size_t send_until_stopped(struct stream *stream, const char *bytes, size_t length)
{
    struct pollfd ready = {.fd = stream->fd, .events = POLLOUT};
    size_t sent = 0;

    while (poll(&ready, 1, 300) == 1) {
        size_t from = sent % length;
        ssize_t taken =
            send(stream->fd, bytes + from, length - from, MSG_NOSIGNAL | MSG_DONTWAIT);

        ck_assert(taken > 0 || errno == EAGAIN);
        sent += taken > 0 ? (size_t)taken : 0;
        ck_assert_uint_lt(sent, 200000000);
    }
    return sent;
}

/* ---- Looking at what arrives -------------------------------------------------------- */

#define FILL_MOST 65536

bool stream_ready(const struct stream *stream, int ms)
{
    return stream->length > 0 ||
           poll(&(struct pollfd){.fd = stream->fd, .events = POLLIN}, 1, ms) == 1;
}

/* Moves `bytes` to the beginning of the buffer, and makes room after them. */
static void make_room(struct stream *stream)
{
    if (stream->length > 0)
        memmove(stream->buffer, stream->bytes, stream->length);
    if (stream->capacity - stream->length < FILL_MOST) {
        stream->capacity = stream->capacity * 2 + 2 * FILL_MOST;
        stream->buffer = realloc(stream->buffer, stream->capacity);
        ck_assert_ptr_nonnull(stream->buffer);
    }
    stream->bytes = stream->buffer;
}

bool stream_fill(struct stream *stream)
{
    struct pollfd ready = {.fd = stream->fd, .events = POLLIN};
    ssize_t got;

    if (stream->ended)
        return false;
    make_room(stream);
    if (poll(&ready, 1, DEADLINE_MS) != 1)
        ck_abort_msg("nothing came in %d s; unread is '%.*s'", DEADLINE_MS / 1000,
                     (int)(stream->length < 400 ? stream->length : 400), stream->bytes);
    got = read(stream->fd, stream->bytes + stream->length, FILL_MOST);
    /* A terminal that was closed just now says EIO, and may have last words all the same. */
    if (got == -1 && errno == EIO)
        got = read(stream->fd, stream->bytes + stream->length, FILL_MOST);
    if (got <= 0)
        stream->ended = true;
    else
        stream->length += (size_t)got;
    return got > 0;
}

void stream_fill_to_end(struct stream *stream)
{
    while (stream_fill(stream))
        continue;
}

void stream_drain(struct stream *stream)
{
    struct pollfd ready = {.fd = stream->fd, .events = POLLIN};

    do
        stream->length = 0;
    while (poll(&ready, 1, 0) == 1 && stream_fill(stream));
}

void stream_take(struct stream *stream, size_t length)
{
    if (length > stream->length)
        ck_abort_msg("cannot take %zu bytes of %zu", length, stream->length);
    stream->bytes += length;
    stream->length -= length;
}

/* The length of the next line with its end, once all of it has come. */
static size_t await_line(struct stream *stream)
{
    size_t searched = 0;
    char *end = NULL;

    for (;;) {
        if (stream->length > searched)
            end = memchr(stream->bytes + searched, '\n', stream->length - searched);
        if (end != NULL)
            return (size_t)(end + 1 - stream->bytes);
        searched = stream->length;
        if (!stream_fill(stream))
            ck_abort_msg("it ended in the middle of a line: '%.*s'", (int)stream->length,
                         stream->bytes);
    }
}

char *take_line(struct stream *stream)
{
    size_t length = await_line(stream), end = length - 1;
    char *line = stream->bytes;

    if (end > 0 && line[end - 1] == '\r')
        end--;
    line[end] = '\0';
    stream_take(stream, length);
    return line;
}

int skip_to_line(struct stream *stream, const char *format, ...)
{
    char expected[4096];
    va_list list;
    int before = 0;

    va_start(list, format);
    vsnprintf(expected, sizeof expected, format, list);
    va_end(list);
    while (strcmp(take_line(stream), expected) != 0)
        before++;
    return before;
}

char *skip_to_beginning(struct stream *stream, const char *beginning)
{
    size_t length = strlen(beginning);
    char *line;

    do
        line = take_line(stream);
    while (strncmp(line, beginning, length) != 0);
    return line + length;
}

char *skip_to_containing(struct stream *stream, const char *words)
{
    char *line;

    do
        line = take_line(stream);
    while (strstr(line, words) == NULL);
    return line;
}

/* ---- Expecting ---------------------------------------------------------------------- */

void expect_bytes(struct stream *stream, const void *bytes, size_t length)
{
    while (stream->length < length)
        if (!stream_fill(stream))
            ck_abort_msg("expected '%.*s', but it ended with '%.*s'", (int)length,
                         (const char *)bytes, (int)stream->length, stream->bytes);
    if (memcmp(stream->bytes, bytes, length) != 0)
        ck_abort_msg("expected '%.*s', got '%.*s'", (int)length, (const char *)bytes,
                     (int)stream->length, stream->bytes);
    stream_take(stream, length);
}

void expect_text(struct stream *stream, const char *text)
{
    if (*text != '\0')
        expect_bytes(stream, text, strlen(text));
}

void expect_pattern(struct stream *stream, const char *pattern, size_t period,
                    size_t from, size_t length)
{
    for (size_t done = 0, n; done < length; done += n) {
        if (stream->length == 0 && !stream_fill(stream))
            ck_abort_msg("expected %zu bytes, and it ended after %zu", length, done);
        n = stream->length < length - done ? stream->length : length - done;
        for (size_t i = 0; i < n; i++)
            if (stream->bytes[i] != pattern[(from + done + i) % period])
                ck_abort_msg("byte %zu of %zu is wrong", done + i, length);
        stream_take(stream, n);
    }
}

static void expect_text_line(struct stream *stream, const char *format, va_list list,
                             const char *end)
{
    char expected[4096];
    size_t length = (size_t)vsnprintf(expected, sizeof expected, format, list), got;

    if (length + 2 >= sizeof expected)
        ck_abort_msg("this line is too long: '%s'", expected);
    strcpy(expected + length, end);
    length += strlen(end);
    got = await_line(stream);
    if (got != length || memcmp(stream->bytes, expected, length) != 0)
        ck_abort_msg("expected '%s', got '%.*s'", expected, (int)got, stream->bytes);
    stream_take(stream, length);
}

void expect_line(struct stream *stream, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    expect_text_line(stream, format, list, "\r\n");
    va_end(list);
}

void expect_lf(struct stream *stream, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    expect_text_line(stream, format, list, "\n");
    va_end(list);
}

char *expect_beginning(struct stream *stream, const char *beginning)
{
    char *line = take_line(stream);

    if (strncmp(line, beginning, strlen(beginning)) != 0)
        ck_abort_msg("expected '%s...', got '%s'", beginning, line);
    return line + strlen(beginning);
}

void expect_containing(struct stream *stream, const char *words)
{
    const char *line = take_line(stream);

    if (strstr(line, words) == NULL)
        ck_abort_msg("expected '...%s...', got '%s'", words, line);
}

void expect_end(struct stream *stream)
{
    if (stream->length > 0 || stream_fill(stream))
        ck_abort_msg("expected the end, got '%.*s'", (int)stream->length, stream->bytes);
}

bool was_served(struct stream *client, const char *answer)
{
    const char *line = take_line(client);

    if (strcmp(line, answer) == 0)
        return true;
    ck_assert_str_eq(line, FULL);
    expect_end(client);
    return false;
}

void expect_keepalive(const char *table, int local, int remote)
{
    FILE *sockets = fopen(table, "r");
    unsigned from, to, state, timer = 0;
    char row[512];
    bool found = false;

    if (sockets == NULL) /* without Linux's proc(5) the kernel's timers can't be seen */
        return;
    while (!found && fgets(row, sizeof row, sockets) != NULL)
        found = sscanf(row, " %*d: %*[^:]:%x %*[^:]:%x %x %*x:%*x %x:", &from, &to,
                       &state, &timer) == 4 &&
                state == 1 && from == (unsigned)local && to == (unsigned)remote;
    fclose(sockets);
    ck_assert(found);
    ck_assert_uint_eq(timer, 2); /* proc(5): 02 is the keepalive timer */
}
