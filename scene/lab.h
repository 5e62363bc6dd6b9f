/*
 * lab: the scenes of a lab, read from a text file.
 *
 *     lab chat 100 "a chat room"
 *     group lines
 *     behaviour pieces 6 "a line that comes in two pieces is one line"
 *       needs deliver
 *       room A B C
 *       A sends "Hello, every"
 *       ...
 *       why "recv() gave half a line, and it was passed on."
 *       see course/6-room.md#pieces
 *
 * docs/grade.md has the sentences that a step can be. A client is a capital letter. In a
 * quoted text \r \n \t \" \\ and \xFF are bytes, and {...} is filled in when the scene is
 * played: {A} the address of client A, {n} the round of a `repeat`, {1000} so many letters,
 * {16 bytes} all 256 values so many times, {NAME} what was learnt under that name.
 */
#ifndef SCENE_LAB_H
#define SCENE_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAB_NAME_MOST   24 /* bytes of a name, with its NUL */
#define LAB_BEHAVIOURS  64 /* at most, so that a set of them is 64 bits */
#define LAB_CLIENTS     26
#define LAB_FILES       8
#define LAB_REASON_MOST 256

/* The sentences, in the order of the table in lab.c. */
enum verb {
    LIMIT_DESCRIPTORS,
    JOINS,
    JOINS_SMALL,
    ROOM,
    ENTERS,
    ENTERS_SMALL,
    CONNECTS,
    CLIENTS_CONNECT,
    COME,
    CROWD_LEAVES,
    NEWCOMER_HEARD,
    CROWD_ENTERS,
    CROWD_SAYS,
    CROWD_HEARS,
    CROWD_ECHOES,
    SENDS,
    SENDS_SLOWLY,
    ECHOES,
    SENDS_BYTES,
    HEARS,
    HEARS_EXACTLY,
    HEARS_NEXT,
    HEARS_ONCE,
    HEARS_LINE,
    HEARS_NOTICE,
    HEARS_BYTES,
    HEARS_BYTES_BEFORE,
    HEARS_BACK,
    HEARD_NO_CONTROL,
    NEVER_HEARD,
    LEARNS,
    LEAVES,
    HALF_CLOSES,
    RESETS,
    CLOSES,
    GETS_END,
    STOPS_READING,
    READS_ON,
    READS_SLOWLY,
    FLOODS,
    TALKS_UNTIL_STUCK,
    PAUSE,
    CONTINUE,
    SIGNAL,
    RESTART,
    LIVES,
    ENDS,
    IDLES,
    PRINTS,
    SENDS_DATAGRAM,
    SENDS_DATAGRAM_OF,
    SENDS_DATAGRAMS,
    HEARS_DATAGRAM,
    HEARS_DATAGRAMS_BACK,
    REQUESTS,
    REQUESTS_SLOWLY,
    ASKS,
    GETS_STATUS,
    GETS_STATUS_OR,
    GETS_FILE,
    GETS_LENGTH,
    GETS_NOTHING_OF
};

struct sentence {
    enum verb verb;
    /* CLIENT, CLIENTS, TEXT, NUMBER and WORD stand for what they say; the rest is literal. */
    const char *form;
    unsigned kind; /* of the flags below */
};

#define SENTENCE_JOINS 1u /* its clients are there from now on; others must be already */
#define SENTENCE_SAID  2u /* its texts are what clients say, and vary with the seed */

/* Bytes that may contain NUL; a template before it is filled in. */
struct lab_text {
    char *bytes;
    size_t length;
};

struct lab_step {
    const struct sentence *sentence;
    int line;                      /* in the file */
    int round;                     /* of the `repeat` around it, from 1; 0: none */
    char clients[LAB_CLIENTS + 1]; /* their letters, in the order of the sentence */
    struct lab_text texts[2];
    int64_t numbers[2];
    char word[LAB_NAME_MOST];
};

struct behaviour {
    char name[LAB_NAME_MOST], group[LAB_NAME_MOST];
    char *title, *why, *see; /* strings; why and see may be "" */
    int points, line;
    uint64_t needs; /* bit n: behaviour n must have passed */
    struct lab_step *steps;
    size_t step_count;
    size_t enough; /* steps after which those that need it can be tried; 0: all of them */
};

/* A file that lies in the directory of the program under test. */
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

/* The number of a behaviour, or -1. */
int lab_find(const struct lab *lab, const char *name);

#endif
