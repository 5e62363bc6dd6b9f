#include "scene/play.h"

#include "base/clock.h"
#include "base/signals.h"
#include "scene/processes.h"
#include "scene/stage.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SLICE_MS         100 /* how often a stop signal is looked for */
#define RETRY_MS         20 /* from one try to connect to the next, while a program starts */
#define PROBE_MS         100 /* the same for a datagram */
#define STARTS_MOST      3   /* tries when the port turns out to be taken */
#define CROWD_MS         5
#define CROWD_TURNS      32 /* a thousand that come would cost a million looks otherwise */
#define GRACE_MS         500 /* a connection ends a little before its process does */
#define BEHAVIOUR_FACTOR 24  /* a behaviour may take this many times the patience */

/* ---- Waiting ------------------------------------------------------------------------- */

bool stage_fail(struct play *play, const char *format, ...)
{
    struct outcome *outcome = play->outcome;
    va_list arguments;

    cage_read(&play->cage);
    outcome->step = (size_t)(play->step - play->behaviour->steps);
    if (play->is_started && play->cage.gone) {
        bytes_print(&outcome->got, "it ended: ");
        cage_explain(&play->cage, &outcome->got);
    } else {
        va_start(arguments, format);
        bytes_vprint(&outcome->got, format, arguments);
        va_end(arguments);
    }
    bytes_print(&outcome->got, "\n");
    /* Even if it goes on: one of its threads may have died. */
    cage_last_words(&play->cage, &outcome->last_words);
    return false;
}

void stage_wanted(struct play *play, const char *format, ...)
{
    va_list arguments;

    bytes_free(&play->outcome->wanted);
    va_start(arguments, format);
    bytes_vprint(&play->outcome->wanted, format, arguments);
    va_end(arguments);
}

void stage_wanted_text(struct play *play, const char *what, const char *text,
                       size_t length)
{
    stage_wanted(play, "%s ", what);
    bytes_quote(&play->outcome->wanted, text, length);
}

void stage_begin(struct play *play)
{
    play->deadline = clock_ms() + play->patience_ms;
}

/* The clients with letters, and then the crowd. */
static struct client *nth_client(struct play *play, size_t n)
{
    return n < LAB_CLIENTS ? &play->clients[n] : &play->crowd[n - LAB_CLIENTS].client;
}

static size_t client_count(const struct play *play)
{
    return LAB_CLIENTS + play->crowd_count;
}

/*
 * While a crowd comes, those that are in are looked at every CROWD_TURNS turns only, and when
 * nothing else comes: a server that waits until they read would wait for ever.
 */
bool stage_pump(struct play *play, const struct client *client, int64_t until)
{
    struct pollfd *polled = play->polled;
    size_t count = client_count(play);
    bool all = !play->crowd_is_coming || play->turns_since_all >= CROWD_TURNS;
    int64_t now = clock_ms();
    int64_t wake_at = clock_earlier(until, now + (all ? SLICE_MS : CROWD_MS));
    bool moved = false;

    for (size_t i = 0; i < count; i++) {
        const struct client *other = nth_client(play, i);
        bool waits = !all && i >= LAB_CLIENTS && play->crowd[i - LAB_CLIENTS].is_in;

        /* poll() passes over a descriptor of -1. */
        polled[i].fd = waits || other->ended ? -1 : other->sock;
        polled[i].events = client_events(other, now, &wake_at);
    }
    cage_watch(&play->cage, polled + count);
    play->turns_since_all = all ? 0 : play->turns_since_all + 1;
    if (poll(polled, (nfds_t)(count + CAGE_POLL_FDS),
             wake_at > now ? (int)(wake_at - now) : 0) == 0)
        play->turns_since_all = CROWD_TURNS;
    now = clock_ms();
    for (size_t i = 0; i < count; i++) {
        struct client *other = nth_client(play, i);

        if (client_turn(other, polled[i].revents, now) &&
            (client == NULL || client == other))
            moved = true;
    }
    cage_read(&play->cage);
    return moved;
}

static bool anyone_got_too_much(struct play *play)
{
    for (size_t i = 0; i < client_count(play); i++) {
        const struct client *client = nth_client(play, i);

        if (client->received > client->asked + CLIENT_UNASKED_MOST)
            return true;
    }
    return false;
}

/* Something may have come, without a line end. */
static void saw_rest(struct play *play, const struct client *client)
{
    size_t length = 0;
    const char *rest = client == NULL ? NULL : client_rest(client, &length);

    if (length > 0 && !client->is_datagram)
        stage_saw(play, rest, length);
}

bool stage_fail_ended(struct play *play, const struct client *client)
{
    cage_wait(&play->cage, GRACE_MS);
    saw_rest(play, client);
    if (client == NULL)
        return stage_fail(play, "it ended");
    return stage_fail(play,
                      client->error == 0            ? "it closed the connection"
                      : client->error == ECONNRESET ? "it reset the connection"
                                                    : "the connection failed: %s",
                      strerror(client->error));
}

bool stage_turn(struct play *play, const struct client *client)
{
    int64_t now = clock_ms();

    signals_let_in(play->signals);
    if (signals_stop_requested())
        return stage_fail(play, "the grader was stopped");
    if (client != NULL ? client->ended : play->cage.gone)
        return stage_fail_ended(play, client);
    if (anyone_got_too_much(play))
        return stage_fail(play, "it sent over 16 MiB that nobody had asked for");
    if (now >= play->last_deadline)
        return stage_fail(play, "the whole behaviour took over %d s",
                          BEHAVIOUR_FACTOR * play->patience_ms / 1000);
    if (now >= play->deadline) {
        saw_rest(play, client);
        return stage_fail(play, "nothing %scame in %g s",
                          play->outcome->got.length > 0 ? "more " : "",
                          play->patience_ms / 1000.0);
    }
    if (stage_pump(play, client, play->deadline))
        stage_begin(play);
    return true;
}

/* ---- Clients ------------------------------------------------------------------------- */

struct client *stage_client(struct play *play, char letter)
{
    return &play->clients[letter - 'A'];
}

struct client *stage_first(struct play *play)
{
    return stage_client(play, play->step->clients[0]);
}

struct member *stage_add_member(struct play *play)
{
    struct member *member = &play->crowd[play->crowd_count];

    if (play->crowd_count == PLAY_CROWD_MOST) {
        stage_fail(play, "the grader has no more sockets");
        return NULL;
    }
    play->crowd_count++;
    *member = (struct member){.client.sock = -1};
    return member;
}

bool stage_run_program(struct play *play)
{
    struct cage_start start = {.command = program_command(play->program, play->port),
                               .directory = play->program->site.at,
                               .descriptors = play->descriptors,
                               .user = &play->program->user};

    cage_end(&play->cage);
    cage_free(&play->cage);
    play->is_started = cage_start(&play->cage, &start) == 0;
    return play->is_started ||
           stage_fail(play, "it cannot be started: %s", strerror(errno));
}

static bool launch(struct play *play)
{
    play->port =
        ports_next(&play->ports, play->lab->datagrams ? SOCK_DGRAM : SOCK_STREAM);
    if (play->port == -1)
        return stage_fail(play, "this machine has no free port for it");
    return stage_run_program(play);
}

/* Its port was taken in the moment since it was looked at: not the program's fault. */
static bool port_was_taken(const struct play *play)
{
    const char *why = strerror(EADDRINUSE);

    return play->cage.gone && !play->keeps_port &&
           (strstr(bytes_text(&play->cage.complained), why) != NULL ||
            strstr(bytes_text(&play->cage.printed), why) != NULL);
}

bool stage_open(struct play *play, struct client *client, bool small)
{
    return client_open(client, play->port, play->lab->datagrams, small) == 0 ||
           stage_fail(play, "the grader has no socket: %s", strerror(errno));
}

/* One try to reach the program. A connection is accepted, or a datagram answered. */
static bool try_to_reach(struct play *play, struct client *client, bool small)
{
    int64_t until = clock_ms() + (play->lab->datagrams ? PROBE_MS : play->patience_ms);

    if (!stage_open(play, client, small))
        return false;
    if (play->lab->datagrams)
        (void)!send(client->sock, "probe", 5, MSG_NOSIGNAL); /* see what comes */
    while (!client->ended && !play->cage.gone && clock_ms() < until) {
        if (play->lab->datagrams ? client->received > 0 : client->connected)
            return true;
        stage_pump(play, client, until);
    }
    client_close(client);
    return false;
}

static bool reach(struct play *play, struct client *client, bool small)
{
    int patience = 2 * play->patience_ms; /* Java's virtual machine starts slowly */
    int64_t deadline = clock_ms() + patience;

    for (int starts = 1; !try_to_reach(play, client, small);) {
        if (port_was_taken(play) && starts++ < STARTS_MOST) {
            if (!launch(play))
                return false;
            continue;
        }
        if (play->cage.gone)
            return stage_fail(play, "it ended");
        signals_let_in(play->signals);
        if (signals_stop_requested())
            return stage_fail(play, "the grader was stopped");
        if (clock_ms() >= deadline)
            return stage_fail(play, "nobody %s on port %d in %g s",
                              play->lab->datagrams ? "answers" : "accepts connections",
                              play->port, patience / 1000.0);
        stage_pump(play, NULL, clock_ms() + RETRY_MS);
    }
    play->is_accepting = true;
    return true;
}

bool stage_join(struct play *play, struct client *client, bool small)
{
    if (!play->is_started && !launch(play))
        return false;
    if (!play->is_accepting) {
        if (!reach(play, client, small))
            return false;
        if (!play->lab->datagrams)
            return true;
        /* To get another port, which late answers to probes do not reach. */
        client_close(client);
    }
    if (!stage_open(play, client, small))
        return false;
    stage_wanted(play, "a connection");
    for (stage_begin(play); !client->connected;)
        if (!stage_turn(play, client))
            return false;
    return true;
}

/* ---- Behaviours ---------------------------------------------------------------------- */

static bool (*const verbs[])(struct play *) = {
#define X(verb, form, kind, play) [verb] = play,
    SENTENCES(X)
#undef X
};

int play_open(struct play *play)
{
    for (int i = 0; i < LAB_CLIENTS; i++)
        play->clients[i].sock = -1;
    processes_prepare();
    return ports_open(&play->ports);
}

void play_close(struct play *play)
{
    for (int i = 0; i < PLAY_LEARNT_MOST; i++)
        bytes_free(&play->learnt[i].value);
    ports_close(&play->ports);
}

static bool play_step(struct play *play)
{
    struct outcome *outcome = play->outcome;
    struct bytes who = {0}, what = {0};
    bool passed;

    bytes_free(&outcome->wanted);
    bytes_free(&outcome->got);
    stage_begin(play);
    passed = verbs[play->step->sentence->verb](play);
    play->crowd_is_coming = false;
    play_describe(play, !passed && outcome->wanted.length > 0, &who, &what);
    bytes_print(&outcome->steps, "%s\t%s\n", bytes_text(&who), bytes_text(&what));
    bytes_free(&who);
    bytes_free(&what);
    bytes_free(&play->texts[0]);
    bytes_free(&play->texts[1]);
    bytes_free(&play->file);
    return passed;
}

/* A source that has another program serve, one of the kit perhaps, gets no marks for it. */
static bool serves_itself(struct play *play)
{
    const char *work = play->program->work; /* its last part: TMPDIR may be a link */
    const char *file = play->program->path.at + (strrchr(work, '/') - work);
    char other[PATH_MAX];

    if (!play->program->is_compiled || !processes_run_another(file, other, sizeof other))
        return true;
    stage_wanted(play, "only the program that was compiled");
    return stage_fail(play, "it runs another program: %s", other);
}

bool play_behaviour(struct play *play, const struct behaviour *behaviour,
                    struct outcome *outcome)
{
    bool passed = true;

    *outcome = (struct outcome){0};
    play->behaviour = behaviour;
    play->outcome = outcome;
    play->is_started = play->is_accepting = play->keeps_port = false;
    play->descriptors = 0;
    play->tokens = 0;
    play->last_deadline = clock_ms() + (int64_t)BEHAVIOUR_FACTOR * play->patience_ms;
    for (size_t i = 0; i < behaviour->step_count && passed; i++) {
        play->step = &behaviour->steps[i];
        passed = play_step(play);
    }
    passed = passed && serves_itself(play);
    for (size_t i = 0; i < client_count(play); i++)
        client_close(nth_client(play, i));
    play->crowd_count = 0;
    if (!cage_end(&play->cage) && passed) {
        play->is_started = false; /* its own end is not the failure */
        passed = stage_fail(play, "it left processes that cannot be ended");
    }
    cage_free(&play->cage);
    bytes_free(&play->said);
    bytes_free(&play->last);
    return passed;
}

void outcome_free(struct outcome *outcome)
{
    bytes_free(&outcome->steps);
    bytes_free(&outcome->wanted);
    bytes_free(&outcome->got);
    bytes_free(&outcome->last_words);
}

int play_write_files(struct play *play)
{
    int result = 0;

    for (size_t i = 0; i < play->lab->file_count && result == 0; i++) {
        struct bytes content = {0};

        stage_file(play, &play->lab->files[i], &content);
        result = program_add_file(play->program, play->lab->files[i].path, &content);
        bytes_free(&content);
    }
    return result;
}
