/*
 * Fuzzes trace/: any bytes in the place of strace's give lines of printable ASCII, of 80
 * columns at most, and the same lines in one piece and in many.
 *
 * Modules: trace/turns.c trace/calls.c trace/steps.c trace/show.c trace/picture.c net/text.c base/complaint.c base/log.c base/output.c base/descriptor.c base/signals.c base/clock.c
 */
#include "tests/fuzz/fuzz.h"

#include "trace/turns.h"

#include <stdio.h>

#define CUT "\xE2\x80\xA6"

static void check_lines(const char *line, size_t length)
{
    int columns = 0;

    for (size_t i = 0; i < length; i++) {
        bool is_cut = length - i >= 3 && memcmp(line + i, CUT, 3) == 0;

        assert(is_cut || line[i] == '\n' || (line[i] >= ' ' && line[i] <= '~'));
        columns = line[i] == '\n' ? 0 : columns + 1;
        assert(columns <= SHOW_COLUMNS);
        i += is_cut ? 2 : 0;
    }
}

/* The lines that are shown for these bytes, the caller's to free. */
static char *lines_of(const char *bytes, size_t length, struct cut *cut, size_t *shown)
{
    static struct turns turns;
    static struct picture picture;
    static char screen[LOG_BYTES];
    static struct log log;
    struct show show = {.screen = &log};
    char *lines = NULL;
    FILE *file = fopen("/dev/null", "w");

    assert(file != NULL);
    show.file = open_memstream(&lines, shown);
    assert(show.file != NULL);
    log_open(&log, "fuzz", fileno(file), screen, sizeof screen);
    show_begin(&show, "server");
    turns = (struct turns){.program = "server", .show = &show, .picture = &picture};
    picture.count = 0;
    turns.shows_all = length % 2 == 0;
    for (size_t taken = 0; taken < length;) {
        size_t piece = cut == NULL ? length - taken : cut_next(cut, length - taken);
        char *copy = copy_of(bytes + taken, piece);

        turns_take(&turns, copy, piece);
        free(copy);
        taken += piece;
    }
    turns_tell_waits(&turns);
    picture_draw(&picture, "server", file);
    turns_free(&turns);
    fclose(show.file);
    fclose(file);
    check_lines(lines, *shown);
    return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t whole_length, pieces_length;
    char *whole, *pieces;
    struct cut cut;

    if (size == 0)
        return 0;
    cut.state = data[0];
    whole = lines_of((const char *)data + 1, size - 1, NULL, &whole_length);
    pieces = lines_of((const char *)data + 1, size - 1, &cut, &pieces_length);
    assert(whole_length == pieces_length && memcmp(whole, pieces, whole_length) == 0);
    free(whole);
    free(pieces);
    return 0;
}
