#include "trace/turns.h"

#include "base/clock.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define DRAWN_AFTER_S 0.1 /* shorter waits would only flicker */
#define TOLD_AFTER_S  1.0 /* in a pipe or a file, once for each wait */
#define TOLD_EVERY_MS 100

/* ---- Tasks -------------------------------------------------------------------------- */

/* Finds the task, or adds it. NULL without memory. */
static struct turns_task *find_task(struct turns *turns, pid_t id)
{
    struct turns_task **at = &turns->tasks, *task;

    for (; *at != NULL; at = &(*at)->next)
        if ((*at)->id == id)
            return *at;
    *at = task = calloc(1, sizeof *task);
    if (task == NULL)
        return NULL;
    task->id = task->process = id;
    if (turns->first == 0) {
        turns->first = id;
        snprintf(task->shown.name, sizeof task->shown.name, "%s", turns->program);
    } else {
        snprintf(task->shown.name, sizeof task->shown.name, "%ld", (long)id);
    }
    return task;
}

static void remove_task(struct turns *turns, struct turns_task *task)
{
    struct turns_task **at = &turns->tasks;

    while (*at != task)
        at = &(*at)->next;
    *at = task->next;
    if (turns->show->last_name == task->shown.name)
        turns->show->last_name = NULL;
    free(task);
}

bool turns_program_is_gone(const struct turns *turns)
{
    const struct turns_task *task = turns->tasks;

    while (task != NULL && task->id != turns->first)
        task = task->next;
    return turns->first != 0 && task == NULL;
}

void turns_signal(const struct turns *turns, int number)
{
    for (const struct turns_task *task = turns->tasks; task != NULL; task = task->next)
        if (task->id == task->process)
            kill(task->id, number);
}

void turns_free(struct turns *turns)
{
    while (turns->tasks != NULL)
        remove_task(turns, turns->tasks);
    calls_free(&turns->calls);
}

/* ---- Steps -------------------------------------------------------------------------- */

static void begin_step(struct turns_task *task, const struct step *step)
{
    if (task->now.kind == STEP_NONE) {
        task->since = clock_ms();
        task->is_told = false;
    }
    task->now = *step;
    if (step->kind == STEP_WAIT) {
        task->waited = *step->watches;
        task->now.watches = &task->waited;
    }
}

/* A new task is of interest if its parent is: a shell's helpers are not. */
static void fork_task(struct turns *turns, const struct turns_task *parent,
                      const struct step *step)
{
    struct turns_task *child =
        *step->error == '\0' ? find_task(turns, step->other) : NULL;

    if (child != NULL && strcmp(step->verb, "thread") == 0)
        child->process = parent->process;
    if (child != NULL)
        child->has_begun |= parent->has_begun;
}

/* Is there a line for it? There is one for the end of the program in any case. */
static bool is_shown(const struct turns *turns, const struct turns_task *task,
                     const struct step *step)
{
    if (step->kind == STEP_NONE || step->kind == STEP_EPOLL)
        return false;
    return turns->shows_all || (task->has_begun && !step->is_hidden) ||
           (step->kind == STEP_EXIT && task->id == turns->first);
}

static void end_step(struct turns *turns, struct turns_task *task,
                     const struct step *step)
{
    task->now.kind = STEP_NONE;
    task->has_begun |= step->kind == STEP_WAIT || (step->is_network && !step->is_hidden);
    task->shown.turns += step->kind == STEP_WAIT;
    if (!is_shown(turns, task, step))
        return;
    show_step(turns->show, &task->shown, step);
    if (turns->picture == NULL)
        return;
    if (step->kind == STEP_WAIT)
        picture_turn(turns->picture, task->id, task->shown.turns, step);
    else if (step->descriptor >= 0)
        picture_step(turns->picture, task->id, step->descriptor,
                     step->is_end           ? "end"
                     : *step->error != '\0' ? step->error
                                            : step->verb);
}

static void take_call(struct turns *turns, const struct call *call)
{
    struct turns_task *task =
        call->kind == CALL_NONE ? NULL : find_task(turns, call->task);
    struct step step;

    if (task == NULL)
        return;
    steps_read(&turns->steps, call, task->process, &step);
    if (step.kind == STEP_FORK && step.is_over)
        fork_task(turns, task, &step);
    if (step.is_over)
        end_step(turns, task, &step);
    else if (step.kind != STEP_NONE)
        begin_step(task, &step);
    if (step.kind == STEP_EXIT)
        remove_task(turns, task);
}

void turns_take(struct turns *turns, const char *bytes, size_t length)
{
    struct call call;

    show_clear(turns->show);
    for (size_t taken = 0; taken < length;) {
        taken += calls_take(&turns->calls, bytes + taken, length - taken, &call);
        take_call(turns, &call);
    }
}

/* ---- Waits -------------------------------------------------------------------------- */

/* A task that has a select() should wait nowhere else, and none should wait to send. */
static bool is_stuck(const struct turns_task *task)
{
    return task->now.kind == STEP_SEND ||
           (task->now.kind != STEP_WAIT && task->shown.turns > 0);
}

/* A shell that waits for its commands does not matter; a server that cannot print does. */
static bool matters(const struct turns_task *task)
{
    if (task->now.kind == STEP_NONE || task->now.kind == STEP_WAIT)
        return task->now.kind == STEP_WAIT;
    return task->now.descriptor >= 0 && (task->has_begun || task->now.is_network) &&
           (!task->now.is_hidden || is_stuck(task));
}

int64_t turns_tell_waits(struct turns *turns)
{
    struct turns_task *drawn = NULL;
    int64_t now = clock_ms();
    bool again = false;

    for (struct turns_task *task = turns->tasks; task != NULL; task = task->next) {
        if (!matters(task))
            continue;
        task->shown.seconds = (double)(now - task->since) / 1000;
        task->shown.is_stuck = is_stuck(task);
        again |= turns->show->can_draw || !task->is_told;
        if (task->shown.seconds >= DRAWN_AFTER_S &&
            (drawn == NULL || task->shown.is_stuck))
            drawn = task;
        if (task->shown.seconds < TOLD_AFTER_S || task->is_told)
            continue;
        task->is_told = task->has_begun = true;
        show_step(turns->show, &task->shown, &task->now);
        if (turns->picture != NULL && task->shown.is_stuck)
            picture_step(turns->picture, task->id, task->now.descriptor, "stuck");
    }
    if (drawn != NULL && turns->show->can_draw)
        show_draw(turns->show, &drawn->shown, &drawn->now);
    return again ? now + TOLD_EVERY_MS : INT64_MAX;
}
