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

/* --- SIGINT {si_signo=SIGINT, ...} ---, or +++ exited with 0 +++ */
static void read_event(struct calls *calls, char *text, struct call *call)
{
    bool is_exit = *text == '+';
    char *end;

    if (strncmp(text, "+++ ", 4) != 0 && strncmp(text, "--- SIG", 7) != 0)
        return; /* the task was stopped, or something else of strace's */
    call->kind = is_exit ? CALL_EXIT : CALL_SIGNAL;
    call->name = text + 4;
    end = strstr(text + 4, is_exit ? " +++" : " ");
    if (end != NULL)
        *end = '\0';
    if (is_exit)
        free(take_beginning(calls, call->task));
}

/* <... NAME resumed>REST: puts the beginning before the rest. False: it is not known. */
static bool make_whole(struct calls *calls, char *text, pid_t task)
{
    char *rest = strstr(text, " resumed>");
    char *beginning = rest == NULL ? NULL : take_beginning(calls, task);

    if (beginning == NULL)
        return false;
    rest += strlen(" resumed>");
    memmove(text + strlen(beginning), rest, strlen(rest) + 1);
    memcpy(text, beginning, strlen(beginning));
    free(beginning);
    return true;
}

/* What follows the task's number in a complete line. */
static void read_line(struct calls *calls, char *text, struct call *call)
{
    size_t length = strlen(text);

    if (*text == '+' || *text == '-') {
        read_event(calls, text, call);
        return;
    }
    if (*text == '<' && !make_whole(calls, text, call->task))
        return;
    if (length > strlen(CUT) && strcmp(text + length - strlen(CUT), CUT) == 0) {
        text[length - strlen(CUT)] = '\0';
        keep_beginning(calls, call->task, text);
    }
    take_apart(text, call);
}

/* What is there of a line. What looks like its end may be in a string that is cut here. */
static void read_beginning(char *text, struct call *call)
{
    if (strchr("+-<", *text) == NULL)
        take_apart(text, call);
    if (call->kind == CALL_ENDED)
        call->kind = CALL_BEGUN;
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
    strcpy(calls->whole, rest + strspn(rest, " "));
    if (line_end == NULL) {
        read_beginning(calls->whole, call);
        return taken;
    }
    read_line(calls, calls->whole, call);
    calls->length = 0;
    return taken;
}
