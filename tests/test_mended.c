/*
 * Faults in the modules that fuzzing and injected failures found, and the right behaviour.
 */
#include "tests/harness.h"

#include "base/clock.h"
#include "base/log.h"
#include "chat/commands.h"
#include "chat/transcript.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

START_TEST(an_empty_text_takes_no_place_in_the_transcript)
{
    struct transcript transcript;
    struct transcript_entry entries[64 / TRANSCRIPT_SMALLEST];
    char ring[64];

    transcript_init(&transcript, ring, entries, sizeof ring);
    for (int reader = 0; reader < 10; reader++)
        transcript_append(&transcript, "", 0, TRANSCRIPT_NOBODY, reader);
    ck_assert_uint_eq(transcript_room(&transcript), 64);
}
END_TEST

/* [you to you] would be a receipt, and something that somebody called "you" said. */
START_TEST(nobody_is_called_you)
{
    static struct room room;
    struct sockaddr_in v4 = {.sin_family = AF_INET,
                             .sin_port = htons(4321),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_storage address = {0};
    struct command_effect effect;

    memcpy(&address, &v4, sizeof v4);
    room_init(&room);
    room_enter(&room, 5, &address);
    command_obey(&room, 5, "/nick You", &effect);
    ck_assert_int_eq(effect.kind, COMMAND_ANSWERED);
    ck_assert_str_eq(room.clients[5].name, "127.0.0.1:4321");
    command_obey(&room, 5, "/nick youth", &effect);
    ck_assert_int_eq(effect.kind, COMMAND_SAYS);
}
END_TEST

/* In a quiet room nothing else would wake the server for another try. */
START_TEST(a_log_that_failed_says_when_to_try_again)
{
    static char buffer[LOG_BYTES];
    int full = open("/dev/full", O_WRONLY);
    int64_t due, before = clock_ms();
    struct fdset writable;
    struct log log;

    ck_assert_int_ne(full, -1);
    fdset_clear(&writable);
    log_open(&log, "test", full, buffer, sizeof buffer);
    ck_assert_int_eq(log_watch(&log, &writable), INT64_MAX);
    log_line(&log, "one");
    ck_assert_int_eq(log_watch(&log, &writable), INT64_MAX);
    ck_assert(fdset_has(&writable, full));
    log_write(&log);
    fdset_clear(&writable);
    due = log_watch(&log, &writable);
    ck_assert(fdset_is_empty(&writable));
    ck_assert_int_ge(due, before + 1000);
    ck_assert_int_le(due, clock_ms() + 1000);
    close(full);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mended");
    TCase *tcase = tcase_create("mended");

    tcase_add_test(tcase, an_empty_text_takes_no_place_in_the_transcript);
    tcase_add_test(tcase, nobody_is_called_you);
    tcase_add_test(tcase, a_log_that_failed_says_when_to_try_again);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
