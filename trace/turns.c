#include "trace/turns.h"

#include "base/clock.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define DRAWN_AFTER_MS 100  /* shorter waits would only flicker */
#define TOLD_AFTER_MS  1000 /* in a pipe or a file, once a wait */

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

bool turns_signal(const struct turns *turns, int number)
{
    const struct turns_task *program = turns->tasks;

    while (program != NULL && program->id != turns->first)
        program = program->next;
    for (const struct turns_task *task = turns->tasks; task != NULL; task = task->next)
        if (task->id == task->process && (program == NULL || program == task))
            kill(task->id, number);
    return program != NULL;
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
    if (step->kind == STEP_WAIT)
        show_sets(step->watches, task->sets);
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

static void end_step(struct turns *turns, struct turns_task *task,
                     const struct step *step)
{
    const char *word = step->is_end           ? "end"
                       : *step->error != '\0' ? step->error
                                              : step->verb;

    task->now.kind = STEP_NONE;
    if (step->kind == STEP_WAIT) {
        task->shown.turns++;
        task->has_begun = true;
        show_turn(turns->show, &task->shown, step);
        if (turns->picture != NULL)
            picture_turn(turns->picture, task->id, task->shown.turns, step);
        return;
    }
    if (step->kind == STEP_NONE || step->kind == STEP_EPOLL ||
        (step->is_hidden && !turns->shows_all))
        return;
    task->has_begun |= step->is_network;
    if (!task->has_begun && !turns->shows_all &&
        (step->kind != STEP_EXIT || task->id != turns->first))
        return;
    show_step(turns->show, &task->shown, step);
    if (turns->picture != NULL && step->descriptor >= 0)
        picture_step(turns->picture, task->id, step->descriptor, word);
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

/* Whoever has a select() should wait nowhere else, and nobody should wait to send. */
static bool is_stuck(const struct turns_task *task)
{
    return task->now.kind == STEP_SEND ||
           (task->now.kind != STEP_WAIT && task->shown.turns > 0);
}

/* A shell that waits for its commands is not; a server that waits to print is. */
static bool is_of_interest(const struct turns_task *task)
{
    return task->now.kind == STEP_WAIT ||
           (task->now.descriptor >= 0 && (task->has_begun || task->now.is_network) &&
            (!task->now.is_hidden || is_stuck(task)));
}

static void tell_wait(struct turns *turns, struct turns_task *task, int64_t ms)
{
    task->is_told = true;
    task->has_begun = true;
    show_wait(turns->show, &task->shown, &task->now, task->sets, is_stuck(task),
              (double)ms / 1000);
    if (turns->picture != NULL && is_stuck(task))
        picture_step(turns->picture, task->id, task->now.descriptor, "stuck");
}

bool turns_tell_waits(struct turns *turns)
{
    struct turns_task *drawn = NULL;
    int64_t now = clock_ms();
    bool again = false;

    for (struct turns_task *task = turns->tasks; task != NULL; task = task->next) {
        int64_t ms = now - task->since;

        if (!is_of_interest(task))
            continue;
        again |= turns->show->can_draw || !task->is_told;
        if (ms >= DRAWN_AFTER_MS && (drawn == NULL || is_stuck(task)))
            drawn = task;
        if (ms >= TOLD_AFTER_MS && !task->is_told)
            tell_wait(turns, task, ms);
    }
    if (drawn != NULL && turns->show->can_draw)
        show_draw(turns->show, &drawn->shown, &drawn->now, drawn->sets, is_stuck(drawn),
                  (double)(now - drawn->since) / 1000);
    return again;
}
