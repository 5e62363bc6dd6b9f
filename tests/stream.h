/*
 * stream: one end of a connection, a pipe or a terminal, as a test uses it. The test sends
 * text and says what must arrive next.
 *
 * Every wait ends after DEADLINE_MS. If something does not arrive, or is not as expected,
 * the test fails at once, and prints what was expected and what came (ck_abort_msg()).
 */
#ifndef TESTS_STREAM_H
#define TESTS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* Much longer than anything takes, even under valgrind. */
#define DEADLINE_MS 30000

struct stream {
    int fd;
    char *bytes; /* in `buffer`: what has arrived and the test has not taken yet */
    size_t length;
    char *buffer;
    size_t capacity;
    bool ended; /* the peer has closed or reset the connection */
};

/* ---- Opening and closing ------------------------------------------------------------ */

/* The stream of a descriptor, which stream_close() closes. */
struct stream stream_of(int fd);

/* Connects to a port of 127.0.0.1, or of `host`: that or ::1. */
struct stream connect_to(int port);
struct stream connect_to_host(const char *host, int port);

/*
 * Connects with the smallest window and small segments, so that the server's kernel soon
 * takes no more for this client. It reserves space for ten segments, and loopback's have
 * 64 KB.
 */
struct stream connect_narrowly(int port);

/* The local address of a connection, as a server names this peer: one of a few buffers. */
const char *name_of(const struct stream *stream);
int local_port(int sock);

/* Fills in the address of a numeric host, and returns its length. */
socklen_t address_of(const char *host, int port, struct sockaddr_storage *address);

void stream_close(struct stream *stream);
void stream_reset(struct stream *stream);      /* closes it with a RST */
void stream_half_close(struct stream *stream); /* ends what it sends, and still reads */

/*
 * Closes all sockets of the test, so that its server does not wait for them when it stops.
 */
void close_sockets(void);

/* ---- Sending ------------------------------------------------------------------------ */

void send_bytes(struct stream *stream, const void *bytes, size_t length);
void send_text(struct stream *stream, const char *text);

/* Sends text `times` times. */
void send_repeated(struct stream *stream, const char *text, size_t times);

/* Sends a line as printf() would write it, ended with LF. */
void send_line(struct stream *stream, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Sends text to a peer that may have closed the connection already. */
void send_if_open(struct stream *stream, const char *text);

/*
 * Sends these bytes again and again until the peer has taken nothing for 300 ms. Returns
 * how many it has taken. A peer that takes 200 MB stores them, and fails the test.
 */
size_t send_until_stopped(struct stream *stream, const char *bytes, size_t length);

/* ---- Looking at what arrives -------------------------------------------------------- */

/* Is there something to read (or the end), now or within `ms`? */
bool stream_ready(const struct stream *stream, int ms);

/* Waits for something to read, and reads it into `bytes`. False: the end. */
bool stream_fill(struct stream *stream);

/* Reads all up to the end into `bytes`. */
void stream_fill_to_end(struct stream *stream);

/* Throws away what has arrived by now. */
void stream_drain(struct stream *stream);

/* Takes `length` bytes off the beginning of `bytes`. */
void stream_take(struct stream *stream, size_t length);

/*
 * Takes the next line, without its end (LF or CR LF). It lies in the stream's buffer until
 * the next call for this stream.
 */
char *take_line(struct stream *stream);

/* Takes lines until one is this. Returns the number of lines before it. */
int skip_to_line(struct stream *stream, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Takes lines until one begins with these words. Returns its rest, as take_line() does. */
char *skip_to_beginning(struct stream *stream, const char *beginning);

/* Takes lines until one has these words in it, and returns it, as take_line() does. */
char *skip_to_containing(struct stream *stream, const char *words);

/* ---- Expecting ---------------------------------------------------------------------- */

/* The next bytes are these. */
void expect_bytes(struct stream *stream, const void *bytes, size_t length);
void expect_text(struct stream *stream, const char *text);

/*
 * The next `length` bytes continue a repeating pattern of `period` bytes, from its
 * position `from`: the counterpart of send_until_stopped().
 */
void expect_pattern(struct stream *stream, const char *pattern, size_t period,
                    size_t from, size_t length);

/* The next line is this, and ends with CR LF; expect_lf()'s ends with LF. */
void expect_line(struct stream *stream, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void expect_lf(struct stream *stream, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The next line begins with these words. Returns its rest, as take_line() does. */
char *expect_beginning(struct stream *stream, const char *beginning);

/* The next line has these words in it. */
void expect_containing(struct stream *stream, const char *words);

/* Nothing more arrives, and the peer closes. */
void expect_end(struct stream *stream);

/* True: the server's first line is `answer`. False: it is FULL, and then the end. */
bool was_served(struct stream *client, const char *answer);
#define FULL "Server full, try again later"

/*
 * The kernel must probe an idle connection of this machine. `table` is the file of proc(5)
 * that lists it by its local and its remote port. Without such a file nothing is checked.
 */
void expect_keepalive(const char *table, int local, int remote);

#endif
