/* chat/transcript and chat/readers: one log, many cursors. */
#include "tests/harness.h"

#include "chat/readers.h"
#include "chat/transcript.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct tests suite;

#define EVERYBODY TRANSCRIPT_NOBODY, TRANSCRIPT_NOBODY

static struct transcript transcript;
static char ring[65536];
static struct transcript_entry entries[sizeof ring / TRANSCRIPT_SMALLEST];

static void open_transcript(void)
{
    transcript_init(&transcript, ring, entries, 1024);
}

static void append(const char *text, int omit, int only)
{
    transcript_append(&transcript, text, strlen(text), omit, only);
}

/* A reader takes at most `most` bytes of its unread text, and they are these. */
static void expect_read(struct transcript_cursor *cursor, int reader, size_t most,
                        const char *expected)
{
    struct transcript_span span;
    char text[2048] = "";
    size_t length = 0;

    (void)transcript_read(&transcript, *cursor, reader, SIZE_MAX, &span);
    for (int i = 0; i < span.count; i++) {
        memcpy(text + length, span.pieces[i].iov_base, span.pieces[i].iov_len);
        length += span.pieces[i].iov_len;
    }
    ck_assert_uint_eq(length, span.bytes);
    if (length > most)
        length = most;
    text[length] = '\0';
    ck_assert_str_eq(text, expected);
    (void)transcript_read(&transcript, *cursor, reader, length, &span);
    ck_assert_uint_eq(span.bytes, length);
    *cursor = span.after;
}

TEST(suite, every_reader_reads_from_where_it_began)
{
    struct transcript_cursor early = transcript_now(&transcript), late;

    append("one ", EVERYBODY);
    late = transcript_now(&transcript);
    append("two ", EVERYBODY);
    expect_read(&early, 5, 100, "one two ");
    expect_read(&late, 6, 100, "two ");
    append("three", EVERYBODY);
    expect_read(&early, 5, 100, "three");
    expect_read(&early, 5, 100, "");
}

TEST(suite, what_is_not_for_a_reader_is_left_out)
{
    struct transcript_cursor five = transcript_now(&transcript), six = five, seven = five;

    append("all ", EVERYBODY);
    append("not-5 ", 5, TRANSCRIPT_NOBODY);
    append("only-6 ", TRANSCRIPT_NOBODY, 6);
    append("all", EVERYBODY);
    expect_read(&five, 5, 100, "all all");
    expect_read(&six, 6, 100, "all not-5 only-6 all");
    expect_read(&seven, 7, 100, "all not-5 all");
}

TEST(suite, the_cursor_of_a_reader_passes_texts_for_others)
{
    struct transcript_cursor five = transcript_now(&transcript);
    struct transcript_span span;

    append("not for five", 5, TRANSCRIPT_NOBODY);
    ck_assert_int_eq(transcript_read(&transcript, five, 5, SIZE_MAX, &span), 0);
    ck_assert_uint_eq(span.after.position, transcript.end);
}

TEST(suite, a_short_send_leaves_the_rest_for_the_next)
{
    struct transcript_cursor five = transcript_now(&transcript);

    append("abc", EVERYBODY);
    append("not for five", 5, TRANSCRIPT_NOBODY);
    append("def", EVERYBODY);
    expect_read(&five, 5, 2, "ab");
    expect_read(&five, 5, 1, "c");
    expect_read(&five, 5, 0, "");
    expect_read(&five, 5, 2, "de");
    expect_read(&five, 5, 9, "f");
    ck_assert_uint_eq(five.position, transcript.end);
}

TEST(suite, neighbours_with_one_audience_are_one_piece)
{
    struct transcript_cursor five = transcript_now(&transcript);
    struct transcript_span span;

    append("[6] hello", 6, TRANSCRIPT_NOBODY);
    append("\r\n", 6, TRANSCRIPT_NOBODY);
    append("[7] hello", 7, TRANSCRIPT_NOBODY);
    ck_assert_int_eq(transcript_read(&transcript, five, 5, SIZE_MAX, &span), 1);
    ck_assert_uint_eq(transcript.next_entry, 2);
}

TEST(suite, text_that_wraps_around_the_ring_is_two_pieces)
{
    struct transcript_cursor five;
    struct transcript_span span;

    append(repeated('.', 999), EVERYBODY);
    transcript_release(&transcript, transcript.end);
    five = transcript_now(&transcript);
    append("the ring ends in the middle of this text", EVERYBODY);
    ck_assert_int_eq(transcript_read(&transcript, five, 5, SIZE_MAX, &span), 2);
    expect_read(&five, 5, 100, "the ring ends in the middle of this text");
}

TEST(suite, more_pieces_than_a_send_takes_are_taken_in_turns)
{
    struct transcript_cursor five = transcript_now(&transcript);
    struct transcript_span span;
    size_t got = 0;
    int sends = 0;

    transcript_init(&transcript, ring, entries, sizeof ring);
    for (int i = 0; i < 200; i++) {
        append("x", EVERYBODY);
        append("y", 5, TRANSCRIPT_NOBODY);
    }
    while (transcript_read(&transcript, five, 5, SIZE_MAX, &span) > 0) {
        five = span.after;
        got += span.bytes;
        sends++;
    }
    ck_assert_uint_eq(got, 200);
    ck_assert_int_eq(sends, (200 + TRANSCRIPT_PIECES - 1) / TRANSCRIPT_PIECES);
}

TEST(suite, room_is_what_the_slowest_has_read)
{
    struct transcript_cursor five = transcript_now(&transcript);

    ck_assert_uint_eq(transcript_room(&transcript), 1024);
    append("0123456789", EVERYBODY);
    append("0123456789", EVERYBODY);
    expect_read(&five, 5, 5, "01234");
    transcript_release(&transcript, five.position);
    ck_assert_uint_eq(transcript.begin, 5);
    expect_read(&five, 5, 100, "567890123456789");
    transcript_release(&transcript, five.position);
    ck_assert_uint_eq(transcript_room(&transcript), 1024);
}

TEST(suite, many_tiny_texts_cost_room_too)
{
    size_t room = transcript_room(&transcript);
    int texts = 0;

    for (; transcript_room(&transcript) >= 3; texts++)
        append("abc", TRANSCRIPT_NOBODY, texts % 2);
    ck_assert_int_eq(texts, (int)(room / TRANSCRIPT_SMALLEST));
    transcript_release(&transcript, transcript.begin + 6);
    ck_assert_uint_ge(transcript_room(&transcript), (size_t)2 * TRANSCRIPT_SMALLEST);
    ck_assert_uint_lt(transcript_room(&transcript), (size_t)3 * TRANSCRIPT_SMALLEST);
}

/* A simple model of a transcript: each reader has its own text. */
#define READERS 5

static struct model {
    char *unread[READERS]; /* what each has still to read */
    size_t length[READERS];
    struct transcript_cursor cursors[READERS];
} model;

static void append_to_both(void)
{
    char text[64];
    size_t length = 1 + random_below(sizeof text - 1);
    int omit = random_below(2) ? (int)random_below(READERS) : TRANSCRIPT_NOBODY;
    int only = random_below(4) ? TRANSCRIPT_NOBODY : (int)random_below(READERS);

    if (length > transcript_room(&transcript))
        return;
    for (size_t i = 0; i < length; i++)
        text[i] = (char)('a' + random_below(26));
    transcript_append(&transcript, text, length, omit, only);
    for (int r = 0; r < READERS; r++) {
        if (r == omit || (only != TRANSCRIPT_NOBODY && only != r))
            continue;
        memcpy(model.unread[r] + model.length[r], text, length);
        model.length[r] += length;
    }
}

static void read_from_both(int r)
{
    struct transcript_span span;
    size_t at = 0, taken;

    (void)transcript_read(&transcript, model.cursors[r], r, SIZE_MAX, &span);
    ck_assert_uint_eq(span.bytes, model.length[r]);
    for (int i = 0; i < span.count; at += span.pieces[i++].iov_len)
        ck_assert(memcmp(span.pieces[i].iov_base, model.unread[r] + at,
                         span.pieces[i].iov_len) == 0);
    taken = random_below(2) ? span.bytes : random_below((unsigned)span.bytes + 1);
    (void)transcript_read(&transcript, model.cursors[r], r, taken, &span);
    ck_assert_uint_eq(span.bytes, taken);
    model.cursors[r] = span.after;
    model.length[r] -= taken;
    memmove(model.unread[r], model.unread[r] + taken, model.length[r]);
}

TEST(suite, a_hundred_thousand_random_steps_agree_with_a_simple_model)
{
    for (int r = 0; r < READERS; r++) {
        model.unread[r] = malloc(4096);
        model.length[r] = 0;
        model.cursors[r] = transcript_now(&transcript);
    }
    for (int step = 0; step < 100000; step++) {
        uint64_t slowest = transcript.end;

        if (random_below(2))
            append_to_both();
        else
            read_from_both((int)random_below(READERS));
        for (int r = 0; r < READERS; r++)
            if (model.cursors[r].position < slowest)
                slowest = model.cursors[r].position;
        if (random_below(4) == 0)
            transcript_release(&transcript, slowest);
    }
    for (int r = 0; r < READERS; r++)
        free(model.unread[r]);
}

TEST(suite, an_empty_text_takes_no_place_in_the_transcript)
{
    transcript_init(&transcript, ring, entries, 64);
    for (int reader = 0; reader < 10; reader++)
        transcript_append(&transcript, "", 0, TRANSCRIPT_NOBODY, reader);
    ck_assert_uint_eq(transcript_room(&transcript), 64);
}

/* Its first words after that would fail with EPIPE, and hide why the client was lost. */
TEST(suite, a_client_whose_connection_is_lost_keeps_the_first_cause)
{
    static struct room room;
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    close(ends[1]);
    room_init(&room);
    room_enter(&room, ends[0], &(struct sockaddr_storage){.ss_family = AF_UNSPEC});
    room.clients[ends[0]].send_error = ETIMEDOUT;
    room_say(&room, "hello", ROOM_NOBODY);
    ck_assert_int_eq(readers_send(&room, ends[0], 0), 0);
    ck_assert_int_eq(room.clients[ends[0]].send_error, ETIMEDOUT);
    ck_assert(room.clients[ends[0]].cursor.position == room.transcript.end);
    close(ends[0]);
}

int main(void)
{
    return run_tests("chat/transcript", &suite, open_transcript);
}
