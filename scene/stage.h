/*
 * stage: what the verbs of a scene share. The verbs are in play_*.c, one subject in
 * each. A verb does a step, and returns false when that fails, with the reason in
 * play->outcome.
 */
#ifndef SCENE_STAGE_H
#define SCENE_STAGE_H

#include "scene/play.h"

/* ---- Waiting ------------------------------------------------------------------------- */

/* A step, or a part of it that may take its own time, begins to wait. */
void stage_begin(struct play *play);

/*
 * Waits until something has moved, or the deadline has come. The deadline is set again if
 * `client` moved (NULL: anyone). False: the step has failed, since the time is over, or that
 * client's connection has ended, or the program has.
 */
bool stage_turn(struct play *play, const struct client *client);

/*
 * The same until this time (clock_ms()) at the latest, and it never fails. True: something
 * has moved.
 */
bool stage_pump(struct play *play, const struct client *client, int64_t until);

/* Fails the step. False always. */
bool stage_fail(struct play *play, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Fails the step: the client's connection has ended or, if client is NULL, the program. */
bool stage_fail_ended(struct play *play, const struct client *client);

/* Says first what is wanted, as printf() does. */
void stage_wanted(struct play *play, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same with a text, which is shown in quotes: "a line ending in", and the text. */
void stage_wanted_text(struct play *play, const char *what, const char *text,
                       size_t length);

/* ---- Clients ------------------------------------------------------------------------- */

struct client *stage_client(struct play *play, char letter);
struct client *stage_first(struct play *play); /* the step's first client */

/* Runs the program on play->port, instead of the one that is running. */
bool stage_run_program(struct play *play);

/* Begins to connect to the program, which runs. */
bool stage_open(struct play *play, struct client *client, bool small);

/* Connects. The first client of a behaviour starts the program and waits until it is there. */
bool stage_join(struct play *play, struct client *client, bool small);

/* A new member of the crowd. NULL: there is no space for it, and the step has failed. */
struct member *stage_add_member(struct play *play);

/* ---- Texts --------------------------------------------------------------------------- */

/* The step's first text (0) or its second (1), filled in. It is there until the step ends. */
const struct bytes *stage_text(struct play *play, int index);

/* Adds another text, filled in as those of the step. */
void stage_fill(struct play *play, const struct bytes *text, struct bytes *out);
void stage_learn(struct play *play, const char *name, const char *value, size_t length);

/* Pseudo-random bytes, the same for the same seed and salt; `letters`: lower case only. */
void stage_random(const struct play *play, uint64_t salt, size_t length, bool letters,
                  struct bytes *out);
void stage_file(const struct play *play, const struct lab_file *file, struct bytes *out);

/* Sends no more, reads to the end (or close() would reset the connection), and closes it. */
bool stage_leave(struct play *play, struct client *client);

/* Sends a line of the grader's own, which no scene asks for. */
void stage_say_line(struct client *client, const char *text);

/* Remembers a line that was passed over, for the report. */
void stage_saw(struct play *play, const char *line, size_t length);

/* The length of a line without its LF and the CRs before it. */
size_t stage_content(const char *line, size_t length);

/* Waits until the client hears a line that ends in this text. */
bool stage_hear(struct play *play, struct client *client, const char *text);

/* Waits for these bytes, which must come next, and compares them as they come. */
bool stage_hear_bytes(struct play *play, struct client *client, const char *text,
                      size_t length);

/* ---- The verbs ----------------------------------------------------------------------- */

#define X(verb, form, kind, function) bool function(struct play *play);
SENTENCES(X)
#undef X

/*
 * Sends piece by piece, and waits until the server has read what was sent: after each piece,
 * or if there are many, after some of them, and shortly before the end.
 */
bool stage_send_pieces(struct play *play, struct client *client, const char *text,
                       size_t length, size_t piece);

#endif
