/*
 * transcript: one log of text, many readers, each with a cursor of its own.
 *
 * A text is appended once, whoever is to read it. It stays in a ring of bytes of a fixed
 * capacity until the slowest reader has passed it: that is all the memory there is,
 * however many readers and however slow. A reader is known by a number that is not
 * negative, such as its descriptor; what a text's audience is stands beside the text,
 * so one ring serves what is for all, for all but one, and for one alone.
 *
 *     ring    ...| Client joined B | [B] Hello | [A] Yes | [C] me too |
 *                                  ^ A's cursor           ^ B's cursor
 *
 * Positions count bytes since the transcript began. They grow and never wrap (2^64).
 */
#ifndef CHAT_TRANSCRIPT_H
#define CHAT_TRANSCRIPT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* No reader: what is omitted from nobody, or kept for nobody alone. */
#define TRANSCRIPT_NOBODY (-1)

/* A run of text with one audience. It begins where the entry before it ends. */
struct transcript_entry {
    uint64_t end; /* the position behind its last byte */
    int omit;     /* the reader that must not get it, or TRANSCRIPT_NOBODY */
    int only;     /* the reader that alone gets it, or TRANSCRIPT_NOBODY */
};

struct transcript {
    char *ring;
    size_t capacity; /* bytes, a power of two */
    uint64_t begin;  /* the oldest position kept */
    uint64_t end;    /* where the next text goes */
    struct transcript_entry *entries;
    size_t max_entries; /* a power of two */
    /* Numbers that grow; the index is modulo max_entries. */
    uint64_t first_entry, next_entry;
};

/* How far a reader has got. */
struct transcript_cursor {
    uint64_t position;
    uint64_t entry; /* a place to look from: no entry before it is past `position` */
};

/*
 * Pieces of a send. 64 hold a turn in which as many clients joined, each greeted between
 * the others' lines; a talking room needs two or three. POSIX grants at least 16
 * (_XOPEN_IOV_MAX); every system that runs this allows 1,024.
 */
#define TRANSCRIPT_PIECES 64

/* What a reader has before it, in place in the ring. */
struct transcript_span {
    struct iovec pieces[TRANSCRIPT_PIECES];
    int count;                      /* of pieces; 0: it has read everything */
    size_t bytes;                   /* in all pieces together */
    struct transcript_cursor after; /* where the reader stands when it took all of them */
};

/*
 * Makes an empty transcript of `capacity` bytes, a power of two of at least 64.
 * Returns 0, or -1 with errno ENOMEM or EINVAL. transcript_free() gives the memory back.
 */
int transcript_init(struct transcript *transcript, size_t capacity);
void transcript_free(struct transcript *transcript);

/*
 * The bytes that can still be appended. Many tiny texts for many audiences run out of
 * entries before they run out of bytes, so every append counts as at least
 * TRANSCRIPT_SMALLEST bytes; one with the audience of the text before it may cost less.
 */
#define TRANSCRIPT_SMALLEST 32
size_t transcript_room(const struct transcript *transcript);

/*
 * The position that every reader must have passed before `bytes`, at most the capacity,
 * fit. If it is not over transcript->begin, they fit now.
 */
uint64_t transcript_position_for(const struct transcript *transcript, size_t bytes);

/*
 * Appends `length` bytes of `text` for everyone but `omit`, or for `only` alone.
 * The caller has seen to it that there is room; what does not fit is a programming error
 * (assert). Bytes are copied.
 */
void transcript_append(struct transcript *transcript, const char *text, size_t length,
                       int omit, int only);

/* A cursor for a reader that starts now, with nothing before it. */
struct transcript_cursor transcript_now(const struct transcript *transcript);

/*
 * Finds what `reader` has before it and fills `span`; the pieces point into the ring and
 * hold until the next transcript_release() or transcript_append(). Texts that are not
 * for the reader are left out. Returns span->count. With nothing to read,
 * span->after is past all that was not for the reader.
 */
int transcript_read(const struct transcript *transcript, struct transcript_cursor cursor,
                    int reader, struct transcript_span *span);

/*
 * The cursor of `reader` after it took `bytes` of what transcript_read() gave it at
 * `cursor`: all of it, or fewer when a send was cut short.
 */
struct transcript_cursor transcript_advance(const struct transcript *transcript,
                                            struct transcript_cursor cursor, int reader,
                                            const struct transcript_span *span,
                                            size_t bytes);

/* Frees what lies before `position`, which every reader has passed. */
void transcript_release(struct transcript *transcript, uint64_t position);

#endif
