/*
 * lab: the scenes of a lab, read from a text file. docs/grade.md says how to write one.
 *
 * In a quoted text \r \n \t \0 \" \\ and \xFF are bytes. What is in braces is filled
 * in when the scene is played.
 */
#ifndef SCENE_LAB_H
#define SCENE_LAB_H

#include "scene/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAB_NAME_MOST   24 /* bytes of a name, with its NUL */
#define LAB_BEHAVIOURS  64 /* at most, so that a set of them is 64 bits */
#define LAB_CLIENTS     26
#define LAB_FILES       8
#define LAB_SEE_MOST    80
#define LAB_REASON_MOST 256

#define SENTENCE_JOINS 1u /* its clients are there from now on; others must be already */
#define SENTENCE_SAID  2u /* its texts are what clients say, and vary with the seed */

/*
 * The sentences: a name, the form, flags, and the function that plays it (scene/stage.h). In
 * a form CLIENT, CLIENTS, TEXT, NUMBER and WORD stand for what they say; the rest is literal.
 */
#define SENTENCES(X)                                                                     \
    X(LIMIT_DESCRIPTORS, "limit descriptors NUMBER", 0, play_server)                     \
    X(JOINS, "CLIENT joins", SENTENCE_JOINS, play_enter)                                 \
    X(JOINS_SMALL, "CLIENT joins with small buffers", SENTENCE_JOINS, play_enter)        \
    X(ROOM, "room CLIENTS", SENTENCE_JOINS, play_room)                                   \
    X(ENTERS, "CLIENT enters", SENTENCE_JOINS, play_enter)                               \
    X(ENTERS_SMALL, "CLIENT enters with small buffers", SENTENCE_JOINS, play_enter)      \
    X(CONNECTS, "CLIENT connects", SENTENCE_JOINS, play_enter)                           \
    X(CLIENTS_CONNECT, "NUMBER clients connect", 0, play_connect_many)                   \
    X(COME, "NUMBER come and CLIENT hears them", 0, play_come)                           \
    X(CROWD_LEAVES, "NUMBER of them leave", 0, play_crowd_leaves)                        \
    X(NEWCOMER_HEARD, "CLIENT hears a newcomer", 0, play_hear_newcomer)                  \
    X(CROWD_ENTERS, "crowd NUMBER", 0, play_crowd_enters)                                \
    X(CROWD_SAYS, "crowd says NUMBER lines each", 0, play_crowd_says)                    \
    X(CROWD_HEARS, "crowd hears all of them", 0, play_crowd_hears)                       \
    X(CROWD_ECHOES, "crowd NUMBER echoes in pieces", 0, play_crowd_echoes)               \
    X(SENDS, "CLIENT sends TEXT", SENTENCE_SAID, play_send)                              \
    X(SENDS_SLOWLY, "CLIENT sends TEXT in pieces", SENTENCE_SAID, play_send_in_pieces)   \
    X(ECHOES, "CLIENT echoes NUMBER bytes", 0, play_stream)                              \
    X(SENDS_BYTES, "CLIENT sends NUMBER bytes", 0, play_stream)                          \
    X(HEARS, "CLIENT hears TEXT", SENTENCE_SAID, play_hear)                              \
    X(HEARS_EXACTLY, "CLIENT hears exactly TEXT", SENTENCE_SAID, play_hear)              \
    X(HEARS_NEXT, "CLIENT hears next TEXT", SENTENCE_SAID, play_hear)                    \
    X(HEARS_ONCE, "CLIENT hears once TEXT", SENTENCE_SAID, play_hear)                    \
    X(HEARS_LINE, "CLIENT hears a line", 0, play_hear)                                   \
    X(HEARS_NOTICE, "CLIENT hears notice TEXT", 0, play_hear)                            \
    X(HEARS_BYTES, "CLIENT hears bytes TEXT", SENTENCE_SAID, play_stream)                \
    X(HEARS_BYTES_BEFORE, "CLIENT hears bytes TEXT before TEXT", SENTENCE_SAID,          \
      play_hear_bytes_before)                                                            \
    X(HEARS_BACK, "CLIENT hears them back", 0, play_stream)                              \
    X(HEARD_NO_CONTROL, "CLIENT heard no control bytes", 0, play_heard_no_control)       \
    X(NEVER_HEARD, "CLIENT never heard TEXT", 0, play_never_heard)                       \
    X(LEARNS, "CLIENT learns WORD from TEXT", SENTENCE_SAID, play_hear)                  \
    X(LEAVES, "CLIENT leaves", 0, play_stream)                                           \
    X(HALF_CLOSES, "CLIENT half-closes", 0, play_stream)                                 \
    X(RESETS, "CLIENT resets", 0, play_stream)                                           \
    X(CLOSES, "CLIENT closes", 0, play_stream)                                           \
    X(GETS_END, "CLIENT gets the end", 0, play_stream)                                   \
    X(STOPS_READING, "CLIENT stops reading", 0, play_stream)                             \
    X(READS_ON, "CLIENT reads on", 0, play_stream)                                       \
    X(READS_SLOWLY, "CLIENT reads slowly", 0, play_stream)                               \
    X(FLOODS, "CLIENT floods NUMBER bytes to CLIENTS", 0, play_flood)                    \
    X(TALKS_UNTIL_STUCK, "CLIENT talks until CLIENT is stuck", 0, play_talk_until_stuck) \
    X(PAUSE, "pause server", 0, play_server)                                             \
    X(CONTINUE, "continue server", 0, play_server)                                       \
    X(SIGNAL, "signal WORD", 0, play_signal)                                             \
    X(RESTART, "kill and restart server", 0, play_restart)                               \
    X(LIVES, "server lives", 0, play_server)                                             \
    X(ENDS, "server ends with status NUMBER", 0, play_ends)                              \
    X(IDLES, "server idles", 0, play_idle)                                               \
    X(PRINTS, "server prints TEXT", SENTENCE_SAID, play_prints)                          \
    X(SENDS_DATAGRAM, "CLIENT sends datagram TEXT", SENTENCE_SAID, play_datagram)        \
    X(SENDS_DATAGRAM_OF, "CLIENT sends a datagram of NUMBER bytes", 0, play_datagram)    \
    X(SENDS_DATAGRAMS, "CLIENT sends NUMBER datagrams of NUMBER bytes", 0,               \
      play_datagram)                                                                     \
    X(HEARS_DATAGRAM, "CLIENT hears datagram TEXT", SENTENCE_SAID, play_datagram)        \
    X(HEARS_DATAGRAMS_BACK, "CLIENT hears the same", 0, play_datagram)                   \
    X(REQUESTS, "CLIENT requests TEXT", 0, play_request)                                 \
    X(REQUESTS_SLOWLY, "CLIENT requests TEXT byte by byte", 0, play_request)             \
    X(ASKS, "CLIENT asks WORD TEXT", 0, play_request)                                    \
    X(GETS_STATUS, "CLIENT gets status NUMBER", 0, play_get_status)                      \
    X(GETS_STATUS_OR, "CLIENT gets status NUMBER or NUMBER", 0, play_get_status)         \
    X(GETS_FILE, "CLIENT gets file TEXT", 0, play_get_file)                              \
    X(GETS_LENGTH, "CLIENT gets the length right", 0, play_get_length)                   \
    X(GETS_NOTHING_OF, "CLIENT gets nothing of TEXT", 0, play_get_nothing_of)

enum verb {
#define X(verb, form, kind, play) verb,
    SENTENCES(X)
#undef X
};

struct sentence {
    enum verb verb;
    const char *form;
    unsigned kind; /* SENTENCE_... */
};

struct lab_step {
    const struct sentence *sentence;
    int line;                      /* in the file */
    int round;                     /* of the `repeat` around it, from 1; 0: none */
    char clients[LAB_CLIENTS + 1]; /* their letters, in the order of the sentence */
    struct bytes texts[2];         /* before {...} is filled in */
    int64_t numbers[2];
    char word[LAB_NAME_MOST];
};

struct behaviour {
    char name[LAB_NAME_MOST], group[LAB_NAME_MOST];
    char *title;
    struct bytes why;
    char see[LAB_SEE_MOST]; /* a page and an anchor; may be "" */
    int points, line;
    uint64_t needs; /* bit n: behaviour n must have passed */
    struct lab_step *steps;
    size_t step_count;
    size_t enough; /* steps after which those that need it can be tried; 0: all of them */
};

/* A file in the directory of the program under test. */
struct lab_file {
    char path[64];
    size_t size;
};

struct lab {
    char name[LAB_NAME_MOST];
    char *title;
    int points;
    bool datagrams; /* its clients are UDP sockets */
    struct lab_file files[LAB_FILES];
    size_t file_count;
    struct behaviour behaviours[LAB_BEHAVIOURS];
    size_t count;
};

struct lab_error {
    int line; /* 0: the file could not be read */
    char reason[LAB_REASON_MOST];
};

/* Reads and checks the file. 0, or -1 with `error`. Either way lab_free() ends it. */
int lab_load(struct lab *lab, const char *path, struct lab_error *error);
void lab_free(struct lab *lab);

/* Copies the next word of a sentence's form. Returns where the one after it begins. */
const char *lab_next_word(const char *form, char word[LAB_NAME_MOST]);

/* Where the {NAME} that a LEARNS learns is in its text. */
const char *lab_unknown(const struct lab_step *step);

/* The number of a behaviour, or -1. */
int lab_find(const struct lab *lab, const char *name);

#endif
