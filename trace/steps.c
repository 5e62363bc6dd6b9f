#include "trace/steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The calls that matter, and the name under which a student knows them. */
static const struct {
    const char *call, *verb;
    enum step_kind kind;
} known[] = {
    {"select", "select", STEP_WAIT},
    {"_newselect", "select", STEP_WAIT},
    {"pselect6", "select", STEP_WAIT},
    {"pselect6_time64", "select", STEP_WAIT}, /* of 32-bit programs */
    {"poll", "poll", STEP_WAIT},
    {"ppoll", "poll", STEP_WAIT},
    {"ppoll_time64", "poll", STEP_WAIT},
    {"epoll_wait", "epoll_wait", STEP_WAIT},
    {"epoll_pwait", "epoll_wait", STEP_WAIT},
    {"epoll_pwait2", "epoll_wait", STEP_WAIT},
    {"epoll_ctl", "epoll_ctl", STEP_EPOLL},
    {"accept", "accept", STEP_ACCEPT},
    {"accept4", "accept", STEP_ACCEPT},
    {"recv", "recv", STEP_RECEIVE}, /* a call of its own on ARM */
    {"recvfrom", "recv", STEP_RECEIVE},
    {"recvmsg", "recv", STEP_RECEIVE},
    {"read", "read", STEP_RECEIVE},
    {"readv", "read", STEP_RECEIVE},
    {"send", "send", STEP_SEND},
    {"sendto", "send", STEP_SEND},
    {"sendmsg", "send", STEP_SEND},
    {"sendfile", "send", STEP_SEND},
    {"write", "write", STEP_SEND},
    {"writev", "write", STEP_SEND},
    {"bind", "bind", STEP_PLAIN},
    {"listen", "listen", STEP_PLAIN},
    {"connect", "connect", STEP_PLAIN},
    {"shutdown", "shutdown", STEP_PLAIN},
    {"close", "close", STEP_PLAIN},
    {"fork", "fork", STEP_FORK},
    {"vfork", "fork", STEP_FORK},
    {"clone", "fork", STEP_FORK},
    {"clone3", "fork", STEP_FORK},
};

#define KNOWN (sizeof known / sizeof known[0])

void steps_calls(char out[STEPS_CALLS_MOST])
{
    size_t length = (size_t)snprintf(out, STEPS_CALLS_MOST, "trace=execve");

    /* The question mark: not every system has every call. */
    for (size_t i = 0; i < KNOWN; i++)
        length += (size_t)snprintf(out + length, STEPS_CALLS_MOST - length, ",?%s",
                                   known[i].call);
}

/* ---- strace's text ------------------------------------------------------------------ */

/* Reads 4, or 4<TCP:[127.0.0.1:4000->127.0.0.1:40312]>, and returns what comes after it. */
static const char *read_descriptor(const char *at, int *descriptor)
{
    char *end;
    int depth = 0;

    *descriptor = (int)strtol(at, &end, 10);
    for (at = end; *at != '\0'; at++) {
        depth += (*at == '<') - (*at == '>' && at[-1] != '-');
        if (depth == 0 && *at != '>')
            break;
        if (*at == '"' && *(at = calls_string_end(at)) == '\0')
            break;
    }
    return at;
}

/* Where the next argument begins, or the end of them. */
static const char *next_argument(const char *at)
{
    const char *comma = calls_find(at, ", ");

    return comma == NULL ? at + strlen(at) : comma + 2;
}

/* ---- Waits -------------------------------------------------------------------------- */

static void watch(struct watches *watches, int descriptor, unsigned flags)
{
    size_t at = watches->count;

    while (at > 0 && watches->list[at - 1].descriptor > descriptor)
        at--;
    if (at > 0 && watches->list[at - 1].descriptor == descriptor) {
        watches->list[at - 1].flags |= flags;
    } else if (watches->count < WATCHES_MOST && descriptor >= 0) {
        memmove(&watches->list[at + 1], &watches->list[at],
                (watches->count++ - at) * sizeof watches->list[0]);
        watches->list[at] = (struct watch){descriptor, flags};
    }
}

/* [3 4 5], or NULL. */
static void watch_set(struct watches *watches, const char *at, unsigned flags)
{
    int descriptor;

    while (at != NULL && (*at == '[' || *at == ' ') && at[1] != ']') {
        at = read_descriptor(at + 1, &descriptor);
        watch(watches, descriptor, flags);
    }
}

/* select(6, [3 4 5], [5], NULL, NULL) = 2 (in [4], out [5]) */
static void read_select(struct watches *watches, const struct call *call)
{
    const char *set = next_argument(call->arguments);
    const char *in = calls_find(call->result, "in ["),
               *out = calls_find(call->result, "out [");

    watch_set(watches, set, WATCH_READ);
    watch_set(watches, next_argument(set), WATCH_WRITE);
    watch_set(watches, in == NULL ? NULL : in + 3, READY_READ);
    watch_set(watches, out == NULL ? NULL : out + 4, READY_WRITE);
}

/* POLLIN|POLLOUT, or epoll's names for them. An error or the end can be read, too. */
static unsigned poll_flags(const char *at)
{
    char events[96];

    snprintf(events, sizeof events, "%.*s", (int)strcspn(at, ",}"), at);
    return (strstr(events, "IN") || strstr(events, "HUP") || strstr(events, "ERR") ||
                    strstr(events, "NVAL")
                ? WATCH_READ
                : 0) |
           (strstr(events, "OUT") ? WATCH_WRITE : 0);
}

/* READY_READ and READY_WRITE for those two. */
static unsigned ready(unsigned flags)
{
    return flags * (READY_READ / WATCH_READ);
}

/* [{fd=3, events=POLLIN}, {fd=4, events=POLLIN|POLLOUT}], and revents= in the result. */
static void read_poll(struct watches *watches, const struct call *call)
{
    const char *lists[] = {call->arguments, call->result};
    int descriptor;

    for (int i = 0; i < 2; i++) {
        for (const char *at = lists[i]; (at = calls_find(at, "{fd=")) != NULL;) {
            at = read_descriptor(at + strlen("{fd="), &descriptor);
            at += strcspn(at, "=}");
            if (*at == '=')
                watch(watches, descriptor,
                      i == 0 ? poll_flags(at + 1) : ready(poll_flags(at + 1)));
        }
    }
}

/* ---- epoll -------------------------------------------------------------------------- */

/*
 * The next event: {events=EPOLLIN, data={u32=5, u64=5}}, or data=0x5. strace 5.10 and older
 * write {EPOLLIN, {u32=5, u64=5}}.
 */
static const char *find_event(const char *at)
{
    const char *event = calls_find(at, "{events=");

    return event != NULL ? event : calls_find(at, "{EPOLL");
}

static void copy_data(char *out, size_t size, const char *event)
{
    event = next_argument(event);
    snprintf(out, size, "%.*s", (int)strcspn(event, "}"), event);
}

/* epoll_ctl(4, EPOLL_CTL_ADD, 5, {events=EPOLLIN, data=...}); close() removes one, too. */
static void change_interest(struct steps *steps, const struct call *call, pid_t process)
{
    struct steps_interest changed = {.process = process}, *free_place = NULL;
    const char *at = next_argument(read_descriptor(call->arguments, &changed.epoll));
    const char *event = find_event(at);
    bool is_closed = strcmp(call->name, "close") == 0;

    read_descriptor(is_closed ? call->arguments : next_argument(at), &changed.descriptor);
    for (size_t i = 0; i < WATCHES_MOST; i++) {
        struct steps_interest *old = &steps->interests[i];

        if (old->process == process && old->descriptor == changed.descriptor &&
            (is_closed || old->epoll == changed.epoll))
            old->process = 0;
        if (old->process == 0)
            free_place = old;
    }
    if (event == NULL || free_place == NULL)
        return;
    changed.flags = poll_flags(event);
    copy_data(changed.data, sizeof changed.data, event);
    *free_place = changed;
}

/* epoll_wait(4, [{events=EPOLLIN, data=...}], 256, -1) = 1 */
static void read_epoll(struct steps *steps, const struct call *call, pid_t process)
{
    char data[sizeof steps->interests[0].data];
    int epoll;

    read_descriptor(call->arguments, &epoll);
    for (size_t i = 0; i < WATCHES_MOST; i++) {
        const struct steps_interest *interest = &steps->interests[i];

        if (interest->process != process || interest->epoll != epoll)
            continue;
        watch(&steps->watches, interest->descriptor, interest->flags);
        for (const char *at = call->arguments; (at = find_event(at)) != NULL; at++) {
            copy_data(data, sizeof data, at);
            if (strcmp(interest->data, data) == 0)
                watch(&steps->watches, interest->descriptor, ready(poll_flags(at)));
        }
    }
}

/* ---- Calls with one descriptor ------------------------------------------------------ */

/* Adds the string that begins here, but never a part of an escape. Returns its end. */
static const char *add_text(struct step *step, const char *quote)
{
    const char *end = calls_string_end(quote);
    size_t have = strlen(step->text), more = (size_t)(end - quote) - 1;

    step->is_cut |= have + more >= sizeof step->text || strncmp(end, "\"...", 4) == 0;
    if (have + more < sizeof step->text)
        memcpy(step->text + have, quote + 1, more); /* what follows is zero */
    return end;
}

/*
 * "Hello", 100, 0, ..., or the pieces of
 * {..., msg_iov=[{iov_base="Hel", iov_len=3}, {iov_base="lo", iov_len=2}], ...}, 0
 */
static void read_bytes(struct step *step, const char *at)
{
    if (*at == '"')
        add_text(step, at);
    if (*at != '{' && *at != '[')
        step->of = strtoul(next_argument(at), NULL, 10);
    while ((at = calls_find(at, "{iov_base=")) != NULL) {
        const char *length = calls_find(at, "iov_len=");

        at += strlen("{iov_base=");
        step->of += length == NULL ? 0 : strtoul(length + strlen("iov_len="), NULL, 10);
        if (*at == '"')
            at = add_text(step, at) + 1;
    }
}

/* The peer in 4<TCP:[...->127.0.0.1:40312]>, an IPv4 address as such even over IPv6. */
static void read_peer(struct step *step, const char *result)
{
    const char *from = calls_find(result, "->"), *end = calls_find(result, "]>");
    static const char mapped[] = "[::ffff:";
    int length;

    if (strstr(result, "<TCP") == NULL || from == NULL || end == NULL || end < from)
        return;
    from += 2;
    if (strncmp(from, mapped, strlen(mapped)) != 0) {
        snprintf(step->text, sizeof step->text, "%.*s", (int)(end - from), from);
        return;
    }
    from += strlen(mapped);
    length = (int)strcspn(from, "]");
    snprintf(step->text, sizeof step->text, "%.*s%.*s", length, from,
             (int)(end - from) - length - 1, from + length + 1);
}

static void read_plain(struct step *step, const struct call *call)
{
    const char *next = read_descriptor(call->arguments, &step->descriptor);
    const char *what = call->arguments + strspn(call->arguments, "0123456789");
    bool is_good = step->is_over && *step->error == '\0';
    bool is_file = strncmp(what, "</", 2) == 0;

    step->is_hidden = step->descriptor <= STDERR_FILENO || is_file ||
                      strcmp(step->error, "EAGAIN") == 0 ||
                      (strcmp(step->verb, "bind") == 0 && is_good);
    step->is_network = !is_file && strncmp(what, "<pipe:", 6) != 0;
    if (step->kind == STEP_ACCEPT && is_good) {
        step->other = (int)strtol(call->result, NULL, 10);
        read_peer(step, call->result);
    }
    if (step->kind != STEP_RECEIVE && step->kind != STEP_SEND)
        return;
    read_bytes(step, next_argument(next));
    step->bytes = strtol(call->result, NULL, 10);
    step->is_hidden |= calls_find(next, "MSG_PEEK") != NULL;
    /* A datagram may have no bytes. */
    step->is_end = step->kind == STEP_RECEIVE && is_good && step->bytes == 0 &&
                   step->of > 0 && strncmp(what, "<UDP", 4) != 0;
}

/* ---- All ---------------------------------------------------------------------------- */

/* "-1 EPIPE (Broken pipe)"; or "? ERESTARTSYS (...)", which the program sees as EINTR. */
static void read_error(struct step *step, const char *result)
{
    if (strncmp(result, "? ERESTART", 10) == 0)
        strcpy(step->error, "EINTR");
    else if (strncmp(result, "-1 ", 3) == 0)
        snprintf(step->error, sizeof step->error, "%.*s", (int)strcspn(result + 3, " "),
                 result + 3);
}

static void read_call(struct steps *steps, const struct call *call, pid_t process,
                      struct step *step)
{
    read_error(step, call->result);
    if (step->kind == STEP_WAIT) {
        steps->watches.count = 0;
        step->watches = &steps->watches;
        if (strcmp(step->verb, "select") == 0)
            read_select(&steps->watches, call);
        else if (strcmp(step->verb, "poll") == 0)
            read_poll(&steps->watches, call);
        else
            read_epoll(steps, call, process);
    } else if (step->kind == STEP_FORK) {
        step->verb = calls_find(call->arguments, "CLONE_THREAD") ? "thread" : step->verb;
        step->other = (int)strtol(call->result, NULL, 10);
    } else {
        if (step->is_over &&
            (step->kind == STEP_EPOLL || strcmp(step->verb, "close") == 0))
            change_interest(steps, call, process);
        read_plain(step, call);
    }
}

void steps_read(struct steps *steps, const struct call *call, pid_t process,
                struct step *step)
{
    *step = (struct step){.is_over = call->kind != CALL_BEGUN, .descriptor = -1};
    step->seconds = call->seconds;
    step->verb = "";
    if (call->kind == CALL_SIGNAL || call->kind == CALL_EXIT) {
        step->kind = call->kind == CALL_SIGNAL ? STEP_SIGNAL : STEP_EXIT;
        snprintf(step->text, sizeof step->text, "%s", call->name);
    }
    if (call->kind == CALL_NONE || strcmp(call->result, "?") == 0)
        return; /* "?": the task has ended within it */
    for (size_t i = 0; i < KNOWN; i++) {
        if (strcmp(call->name, known[i].call) == 0) {
            step->kind = known[i].kind;
            step->verb = known[i].verb;
            read_call(steps, call, process, step);
        }
    }
}
