#include "trace/calls.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CUT " <unfinished ...>"

/* ---- strace's text ------------------------------------------------------------------ */

const char *calls_string_end(const char *text)
{
    for (text++; *text != '\0' && *text != '"'; text++)
        if (*text == '\\' && text[1] != '\0')
            text++;
    return text;
}

const char *calls_find(const char *text, const char *what)
{
    size_t length = strlen(what);

    for (; *text != '\0'; text++) {
        if (strncmp(text, what, length) == 0)
            return text;
        if (*text == '"')
            text = calls_string_end(text);
        if (*text == '\0')
            break;
    }
    return NULL;
}

/* ---- Calls that were cut ------------------------------------------------------------ */

/* Keeps the beginning of a call. Without memory it is lost, and the call is not shown. */
static void keep_beginning(struct calls *calls, pid_t task, const char *text)
{
    struct calls_cut *cut = malloc(sizeof *cut);

    if (cut == NULL)
        return;
    *cut = (struct calls_cut){task, strdup(text), calls->cut};
    calls->cut = cut;
}

/* Takes out the beginning of this task's call: the caller's to free, or NULL. */
static char *take_beginning(struct calls *calls, pid_t task)
{
    for (struct calls_cut **at = &calls->cut; *at != NULL; at = &(*at)->next) {
        struct calls_cut *found = *at;
        char *text = found->text;

        if (found->task != task)
            continue;
        *at = found->next;
        free(found);
        return text;
    }
    return NULL;
}

void calls_free(struct calls *calls)
{
    while (calls->cut != NULL)
        free(take_beginning(calls, calls->cut->task));
}

/* ---- Lines -------------------------------------------------------------------------- */

/* NAME(ARGUMENTS) = RESULT <SECONDS>, the end of which may not be there yet. */
static void take_apart(char *text, struct call *call)
{
    char *arguments = strchr(text, '('), *result, *seconds;

    if (arguments == NULL)
        return;
    *arguments++ = '\0';
    *call = (struct call){CALL_BEGUN, call->task, text, arguments, "", 0};
    result = (char *)calls_find(arguments, ") = ");
    if (result == NULL)
        return;
    *result = '\0';
    call->kind = CALL_ENDED;
    call->result = result + strlen(") = ");
    seconds = strrchr(call->result, '<');
    if (seconds != NULL && seconds > call->result && seconds[-1] == ' ') {
        call->seconds = strtod(seconds + 1, NULL);
        seconds[-1] = '\0';
    }
}

/* `whole` has what follows the task's number in a line, which is complete or not. */
static void read_line(struct calls *calls, bool is_complete, struct call *call)
{
    char *text = calls->whole, *end = text + strlen(text), *resumed, *beginning;

    if (is_complete &&
        (strncmp(text, "+++ ", 4) == 0 || strncmp(text, "--- SIG", 7) == 0)) {
        call->kind = *text == '+' ? CALL_EXIT : CALL_SIGNAL;
        call->name = text + 4;
        if (call->kind == CALL_SIGNAL)
            text[4 + strcspn(text + 4, " ")] = '\0';
        else if (end - text > 8)
            end[-4] = '\0'; /* " +++" */
        free(call->kind == CALL_EXIT ? take_beginning(calls, call->task) : NULL);
        return;
    }
    if (strncmp(text, "<... ", 5) == 0) {
        resumed = strstr(text, " resumed>");
        beginning =
            is_complete && resumed != NULL ? take_beginning(calls, call->task) : NULL;
        if (beginning == NULL)
            return;
        resumed += strlen(" resumed>");
        memmove(text + strlen(beginning), resumed, strlen(resumed) + 1);
        memcpy(text, beginning, strlen(beginning));
        free(beginning);
    } else if (is_complete && end - text > (long)strlen(CUT) &&
               strcmp(end - strlen(CUT), CUT) == 0) {
        end[-(long)strlen(CUT)] = '\0';
        keep_beginning(calls, call->task, text);
    }
    take_apart(text, call);
    /* What looks like the end of a call may be the middle of a string that is cut here. */
    if (!is_complete)
        call->kind = call->kind == CALL_NONE ? CALL_NONE : CALL_BEGUN;
}

size_t calls_take(struct calls *calls, const char *bytes, size_t length,
                  struct call *call)
{
    const char *line_end = memchr(bytes, '\n', length);
    size_t taken = line_end == NULL ? length : (size_t)(line_end - bytes) + 1;
    size_t text = line_end == NULL ? taken : taken - 1;
    char *rest;

    if (text > CALLS_LINE_MOST - calls->length)
        text = CALLS_LINE_MOST - calls->length;
    memcpy(calls->line + calls->length, bytes, text);
    calls->length += text;
    calls->line[calls->length] = '\0';
    *call = (struct call){.kind = CALL_NONE, .name = "", .arguments = "", .result = ""};
    call->task = (pid_t)strtol(calls->line, &rest, 10);
    if (rest != calls->line && *rest == ' ') {
        strcpy(calls->whole, rest + strspn(rest, " "));
        read_line(calls, line_end != NULL, call);
    }
    if (line_end != NULL)
        calls->length = 0;
    return taken;
}
