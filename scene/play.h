/*
 * play: plays the behaviours of a lab with a program under test, each with a new process.
 *
 * Nothing here waits for a time. A step waits for an event, at most `patience_ms` since the
 * last progress; that something does not come is shown by something later that does.
 */
#ifndef SCENE_PLAY_H
#define SCENE_PLAY_H

#include "base/signals.h"
#include "scene/bytes.h"
#include "scene/cage.h"
#include "scene/client.h"
#include "scene/lab.h"
#include "scene/ports.h"
#include "scene/program.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLAY_LEARNT_MOST  8
#define PLAY_CROWD_MOST   4000 /* a grader has no more descriptors for them */
#define PLAY_TALKERS_MOST 100  /* two digits name each of a crowd that talks */
#define PLAY_SEEN         3    /* lines that a report shows of what came instead */

/* One of a crowd. */
struct member {
    struct client client;
    bool is_in;                       /* it was heard */
    unsigned next[PLAY_TALKERS_MOST]; /* of each of a crowd that talks: its next line */
};

/* How a behaviour was played, and if it failed, why. */
struct outcome {
    struct bytes steps;       /* a line for each that was played: who, a TAB, and what */
    size_t step;              /* the index of the one that failed */
    struct bytes wanted, got; /* of that step; got: lines, and why it failed */
    struct bytes last_words;  /* of the program on standard error */
};

/* It is large (megabytes): better static. */
struct play {
    /* Set by the caller. */
    const struct lab *lab;
    struct program *program;
    uint64_t seed;
    int patience_ms;
    const struct signals *signals; /* let in while it waits: a stop ends the behaviour */

    struct ports ports;
    struct {
        char name[LAB_NAME_MOST];
        struct bytes value;
    } learnt[PLAY_LEARNT_MOST]; /* it stays from one behaviour to the next */

    /* Of the behaviour that is played. */
    const struct behaviour *behaviour;
    const struct lab_step *step;
    struct outcome *outcome;
    struct cage cage;
    int port;
    bool is_started;   /* the program runs */
    bool is_accepting; /* and a client has reached it */
    bool keeps_port; /* it was restarted on it: that the port is taken is its own fault */
    unsigned long descriptors;
    struct client clients[LAB_CLIENTS];
    struct member crowd[PLAY_CROWD_MOST];
    size_t crowd_count;
    bool crowd_is_coming; /* those that are in are not looked at in every turn */
    int turns_since_all;
    struct pollfd polled[LAB_CLIENTS + PLAY_CROWD_MOST + CAGE_POLL_FDS];
    unsigned lines_each;   /* that the crowd says */
    struct bytes said;     /* a line for each that was said: who (a letter), and what */
    struct bytes texts[2]; /* of the step, and the file it names, when asked for */
    struct bytes file;
    int tokens;                      /* lines of the grader's own so far */
    struct bytes last;               /* the line that was heard last, without its end */
    int64_t deadline, last_deadline; /* clock_ms(): of the step, of the behaviour */
};

/* 0, or -1 if no ports are free. */
int play_open(struct play *play);
void play_close(struct play *play);

/*
 * Plays one behaviour. True: it passed. Either way outcome_free() frees `outcome`. The
 * program and all it has started are gone afterwards.
 */
bool play_behaviour(struct play *play, const struct behaviour *behaviour,
                    struct outcome *outcome);
void outcome_free(struct outcome *outcome);

/* Writes the files of the lab to the program's directory. 0, or -1 with errno. */
int play_write_files(struct play *play);

/*
 * The step that is played, as the report shows it: who and what, such as "C hears" and a
 * text. `briefly`: of a client's step only these two words; what it wanted says the rest.
 */
void play_describe(struct play *play, bool briefly, struct bytes *who,
                   struct bytes *what);

#endif
