/*
 * transcript: one log of text, and many readers, each with its own cursor.
 *
 * A text is appended once, however many readers it has. It stays in a ring of bytes until
 * the slowest reader has passed it, so memory does not grow. A reader is known by a number
 * of 0 or more, such as its descriptor. Each text has an entry that names its audience:
 * everyone, everyone except one, or one reader alone.
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

/* No reader: nobody is left out, or the text is not for one reader alone. */
#define TRANSCRIPT_NOBODY (-1)

/* A run of text with one audience. It begins where the entry before it ends. */
struct transcript_entry {
    uint64_t end; /* the position after its last byte */
    int omit;     /* the reader that must not get it, or TRANSCRIPT_NOBODY */
    int only;     /* the only reader that gets it, or TRANSCRIPT_NOBODY */
};

struct transcript {
    char *ring;
    size_t capacity; /* bytes, a power of two */
    uint64_t begin;  /* the oldest position kept */
    uint64_t end;    /* where the next text goes */
    struct transcript_entry *entries;
    size_t max_entries; /* a power of two */
    /* These only grow; modulo max_entries they are indices. */
    uint64_t first_entry, next_entry;
};

/* How far a reader has read. */
struct transcript_cursor {
    uint64_t position;
    uint64_t entry; /* where to look for text: earlier entries end before `position` */
};

/*
 * Pieces of one send. A talking room needs two or three, and a turn in which 64 clients
 * join needs 64. POSIX promises 16 (_XOPEN_IOV_MAX); Linux, the BSDs and macOS 1,024.
 */
#define TRANSCRIPT_PIECES 64

/* What a reader has not read: pieces that point into the ring. */
struct transcript_span {
    struct iovec pieces[TRANSCRIPT_PIECES];
    unsigned short count;           /* of the pieces; 0: it has read everything */
    size_t bytes;                   /* of all pieces */
    struct transcript_cursor after; /* where the reader is once it has taken all */
};

/*
 * Makes an empty transcript in the caller's memory: `capacity` bytes, a power of two of at
 * least 64, and an entry for each TRANSCRIPT_SMALLEST of them.
 */
#define TRANSCRIPT_SMALLEST 32
void transcript_init(struct transcript *transcript, char *ring,
                     struct transcript_entry *entries, size_t capacity);

/*
 * The bytes that can still be appended. Entries may run out before bytes do, so an append
 * with another audience than the last counts as at least TRANSCRIPT_SMALLEST bytes.
 */
size_t transcript_room(const struct transcript *transcript);

/*
 * Appends a copy of `length` bytes of `text` for everyone except `omit`, or for `only` alone.
 * The caller makes sure that it fits (assert).
 */
void transcript_append(struct transcript *transcript, const char *text, size_t length,
                       int omit, int only);

/* The cursor of a reader that begins now, with nothing to read yet. */
struct transcript_cursor transcript_now(const struct transcript *transcript);

/*
 * Finds what `reader`, whose cursor this is, has not read, and fills `span` with at most
 * `most` bytes of it. The pieces are valid until the next transcript_release() or
 * transcript_append(). Texts for other readers are left out. Returns span->count. If that
 * is 0, span->after is past the texts for others. After a short send, read again from the
 * same cursor with what was sent for `most`: span->after is then the reader's place.
 */
int transcript_read(const struct transcript *transcript, struct transcript_cursor cursor,
                    int reader, size_t most, struct transcript_span *span);

/* Frees everything before `position`, which every reader must have reached. */
void transcript_release(struct transcript *transcript, uint64_t position);

#endif
