/* The server: stopped, continued, ended, and what it costs. */
#include "scene/stage.h"

#include "base/clock.h"
#include "scene/processes.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define SILENCE_MS     1000
#define IDLE_NS        200000000 /* the least processor time of a server that spins */
#define SILENCES_MOST  20        /* in which a busy machine has to let it show */
#define LOOK_MS        1
#define RESTARTS_IN_MS 2000

/*
 * A server that spins uses all the time it gets. On a busy machine that may be little: then
 * the system knows how long it has waited for a processor, and the silence goes on.
 */
bool play_idle(struct play *play)
{
    int64_t waited_before, waited = 0, before = processes_cpu_ns(&waited_before);
    int64_t began = clock_ms(), used = 0;

    stage_wanted(play, "under 0.2 s of processor time in silence");
    for (int silence = 1; silence <= SILENCES_MOST; silence++) {
        int64_t end = clock_ms() + SILENCE_MS;

        while (clock_ms() < end)
            stage_pump(play, NULL, end);
        if (play->cage.gone)
            return stage_fail(play, "it ended");
        used = processes_cpu_ns(&waited) - before;
        if (used >= IDLE_NS)
            return stage_fail(play, "it used %.2f s in %.1f s", (double)used / 1e9,
                              (double)(clock_ms() - began) / 1e3);
        if (waited - waited_before < IDLE_NS)
            break;
        waited_before = waited;
    }
    return true;
}

bool play_prints(struct play *play)
{
    const struct bytes *text = stage_text(play, 0);

    stage_wanted_text(play, "on standard output", text->at, text->length);
    stage_begin(play);
    while (bytes_find(bytes_text(&play->cage.printed), play->cage.printed.length,
                      text->at, text->length) == NULL) {
        if (play->cage.gone || clock_ms() >= play->deadline)
            return stage_fail(play, "nothing like that came in %g s",
                              play->patience_ms / 1000.0);
        stage_pump(play, NULL, play->deadline);
    }
    return true;
}

/*
 * A server that looks at its flag and then calls select() misses a signal that comes between
 * the two. That would be a matter of chance, so the signal comes while it waits. A server
 * that never waits gets it in the end, too.
 */
bool play_signal(struct play *play)
{
    const char *name = play->step->word;

    while (!processes_asleep() && clock_ms() < play->deadline)
        stage_pump(play, NULL, clock_ms() + LOOK_MS);
    cage_signal(&play->cage, strcmp(name, "INT") == 0   ? SIGINT
                             : strcmp(name, "HUP") == 0 ? SIGHUP
                                                        : SIGTERM);
    return true;
}

bool play_ends(struct play *play)
{
    int wanted = (int)play->step->numbers[0];

    stage_wanted(play, "it to end with status %d", wanted);
    if (!cage_wait(&play->cage, play->patience_ms))
        return stage_fail(play, "it is still running after %g s",
                          play->patience_ms / 1000.0);
    return (WIFEXITED(play->cage.status) && WEXITSTATUS(play->cage.status) == wanted) ||
           stage_fail(play, "it ended");
}

/* Killed, so that nothing is closed in order; and at once again on the same port. */
bool play_restart(struct play *play)
{
    cage_signal(&play->cage, SIGKILL);
    cage_wait(&play->cage, RESTARTS_IN_MS);
    play->is_accepting = false; /* the client that joins next waits for it */
    play->keeps_port = true;
    return stage_run_program(play);
}

bool play_server(struct play *play)
{
    switch (play->step->sentence->verb) {
    case LIMIT_DESCRIPTORS:
        play->descriptors = (unsigned long)play->step->numbers[0];
        return true;
    case PAUSE: cage_pause(&play->cage); return true;
    case CONTINUE: cage_signal(&play->cage, SIGCONT); return true;
    default:
        stage_pump(play, NULL, 0);
        return !play->cage.gone || stage_fail(play, "it ended");
    }
}
