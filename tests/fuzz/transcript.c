/*
 * Fuzzes chat/transcript.h against a model: for each reader, a plain buffer of the text that
 * it must still get. The input is a list of operations, of two or three bytes each.
 *
 * Modules: chat/transcript.c
 */
#include "tests/fuzz/fuzz.h"

#include "chat/transcript.h"

#define READERS 4

/* What one reader must still get, at most what the ring holds. */
struct reader {
    struct transcript_cursor cursor;
    size_t length;
    char text[8192];
};

struct model {
    struct transcript transcript;
    struct reader readers[READERS];
    char next; /* letter that is said next */
};

/* Reads the next byte of the input; 0 after its end. */
struct operations {
    const uint8_t *next, *end;
};

static unsigned next_byte(struct operations *operations)
{
    return operations->next < operations->end ? *operations->next++ : 0;
}

static uint64_t slowest(const struct model *model)
{
    uint64_t position = model->transcript.end;

    for (int i = 0; i < READERS; i++)
        if (model->readers[i].cursor.position < position)
            position = model->readers[i].cursor.position;
    return position;
}

/* -1 (nobody) or a reader. */
static int somebody(unsigned number)
{
    return (int)(number % (READERS + 1)) - 1;
}

static void append(struct model *model, size_t length, int omit, int only)
{
    struct transcript *transcript = &model->transcript;
    size_t room = transcript_room(transcript);
    char text[512];

    if (length > transcript->capacity)
        return;
    if (length > room)
        return;
    for (size_t i = 0; i < length; i++)
        text[i] = model->next = model->next == 'z' ? 'a' : (char)(model->next + 1);
    transcript_append(transcript, text, length, omit, only);
    for (int i = 0; i < READERS; i++) {
        struct reader *reader = &model->readers[i];

        if (i == omit || (only != TRANSCRIPT_NOBODY && i != only))
            continue;
        memcpy(reader->text + reader->length, text, length);
        reader->length += length;
    }
}

/* Reads, checks what is read, and takes a part of it, or all if `part` is 255. */
static void read_some(struct model *model, int number, unsigned part)
{
    struct reader *reader = &model->readers[number];
    struct transcript_cursor before = reader->cursor;
    struct transcript_span span;
    size_t length = 0, taken;
    int count = transcript_read(&model->transcript, before, number, SIZE_MAX, &span);

    assert(count == span.count && count <= TRANSCRIPT_PIECES);
    for (int i = 0; i < count; i++) {
        assert(span.pieces[i].iov_len > 0);
        assert(length + span.pieces[i].iov_len <= reader->length);
        assert(memcmp(span.pieces[i].iov_base, reader->text + length,
                      span.pieces[i].iov_len) == 0);
        length += span.pieces[i].iov_len;
    }
    assert(length == span.bytes);
    /* Anything is left out only when there are no more pieces. */
    assert(length == reader->length || count == TRANSCRIPT_PIECES);
    taken = part == 255 ? length : length * part / 255;
    transcript_read(&model->transcript, before, number, taken, &span);
    assert(span.bytes == taken);
    reader->cursor = span.after;
    assert(reader->cursor.position >= before.position + taken);
    assert(reader->cursor.position <= model->transcript.end);
    assert(taken < reader->length || reader->cursor.position == model->transcript.end ||
           taken < length || count == TRANSCRIPT_PIECES);
    reader->length -= taken;
    memmove(reader->text, reader->text + taken, reader->length);
}

static void obey(struct model *model, struct operations *operations)
{
    unsigned what = next_byte(operations), number = next_byte(operations);
    int who = (int)(what / 8 % READERS);

    switch (what % 8) {
    case 0: append(model, number, TRANSCRIPT_NOBODY, TRANSCRIPT_NOBODY); break;
    case 1: append(model, number, who, TRANSCRIPT_NOBODY); break;
    case 2: append(model, number, TRANSCRIPT_NOBODY, who); break;
    case 3: append(model, 2 * number, somebody(what / 8), TRANSCRIPT_NOBODY); break;
    case 4: read_some(model, who, number); break;
    case 5: read_some(model, who, 255); break;
    case 6: transcript_release(&model->transcript, slowest(model)); break;
    default: /* the reader leaves, and another comes in its place */
        model->readers[who].cursor = transcript_now(&model->transcript);
        model->readers[who].length = 0;
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct model model;
    struct operations operations = {data, data + size};
    size_t capacity = (size_t)64 << next_byte(&operations) % 7;
    struct transcript_entry *entries =
        calloc(capacity / TRANSCRIPT_SMALLEST, sizeof *entries);
    char *ring = malloc(capacity);

    memset(&model, 0, sizeof model);
    transcript_init(&model.transcript, ring, entries, capacity);
    for (int i = 0; i < READERS; i++)
        model.readers[i].cursor = transcript_now(&model.transcript);
    while (operations.next < operations.end)
        obey(&model, &operations);
    for (int i = 0; i < READERS; i++) {
        while (model.readers[i].length > 0)
            read_some(&model, i, 255);
        read_some(&model, i, 255);
        assert(model.readers[i].cursor.position == model.transcript.end);
    }
    free(entries);
    free(ring);
    return 0;
}
