#define _XOPEN_SOURCE 700 /* posix_openpt() */
#include "tests/faults/script.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIFT_MS    250 /* a fault that lasts is over after this much silence */
#define WORDS_MOST 24  /* of a command */

struct end {
    int fd;            /* or -1 */
    int port;          /* its own: what the program calls its peer */
    bool is_new;       /* not in the script yet */
    bool is_over;      /* the program has closed it */
    bool is_gone;      /* it was hit by the fault, and then closed */
    bool is_done;      /* it had to be closed here in any case */
    bool is_scapegoat; /* see is_scapegoat() */
    size_t length;
    char bytes[1 << 16]; /* what has come and was not looked at */
    char last[512];      /* the line that was looked at last */
};

struct play {
    const struct scenario *scenario;
    struct fault *fault;
    struct outcome *outcome;
    struct end ends['z' + 1];
    pid_t program;
    int listeners[2], ports[2]; /* for the program's calls: % and & */
    int port;                   /* of the program, once it has said it */
    char sender;                /* has sent last */
    bool stopping;              /* SIGTERM was sent */
    unsigned scapegoats;
    int64_t news; /* clock_ms(): something came */
    int patience; /* ms */
};

static bool has_failed(const struct play *play)
{
    return *play->outcome->failure != '\0';
}

static void fail(struct play *play, const char *format, ...)
{
    va_list list;

    if (has_failed(play))
        return;
    va_start(list, format);
    vsnprintf(play->outcome->failure, sizeof play->outcome->failure, format, list);
    va_end(list);
}

static const char *reason_of(const struct fault *fault)
{
    if (fault->call == FAULT_getaddrinfo || fault->call == FAULT_getnameinfo)
        return gai_strerror(fault->error);
    return strerror(fault->error);
}

bool script_is_said(const struct fault *fault, const struct outcome *outcome)
{
    const char *reason = reason_of(fault);

    return strstr(outcome->out, reason) != NULL || strstr(outcome->err, reason) != NULL;
}

/* ---- The program -------------------------------------------------------------------- */

static int listen_on_loopback(int type, int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    if (fd == -1 || bind(fd, (struct sockaddr *)&address, size) == -1 ||
        (type == SOCK_STREAM && listen(fd, 16) == -1) ||
        getsockname(fd, (struct sockaddr *)&address, &size) == -1)
        abort();
    *port = ntohs(address.sin_port);
    return fd;
}

/* Writes a text, the ports and addresses put in, and adds the ends' letters to `needs`. */
static void write_text(const struct play *play, const char *text, char *out, char *needs)
{
    needs += strlen(needs);
    for (; *text != '\0'; text++) {
        if (*text == '$') {
            *needs++ = *++text;
            out += sprintf(out, "127.0.0.1:%d", play->ends[(int)*text].port);
        } else if (*text == '|') {
            *out++ = '\r';
            *out++ = '\n';
        } else if (*text == '%' || *text == '&') {
            out += sprintf(out, "%d", play->ports[*text == '&']);
        } else {
            *out++ = *text;
        }
    }
    *out = *needs = '\0';
}

/* Takes the command apart, and becomes the program. */
static void become(const struct play *play, const char *fault_file)
{
    char command[1024], *words[WORDS_MOST + 1], needs[8] = "";
    int count = 0;

    write_text(play, play->scenario->command, command, needs);
    for (char *word = strtok(command, " "); word != NULL && count < WORDS_MOST;
         word = strtok(NULL, " "))
        words[count++] = word;
    words[count] = NULL;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* it ends with its worker at the latest */
    signal(SIGPIPE, SIG_DFL);
    setenv("FAULT_FILE", fault_file, 1);
    setenv("LD_PRELOAD", "build/faults.so", 1);
    execv(words[0], words);
    _exit(127);
}

/* Makes the ends of the program's standard streams: theirs[n] is for descriptor n. */
static void open_standard(struct play *play, int theirs[3])
{
    int ours[3];

    for (int n = 0; n < 3; n++) {
        int ends[2];

        if (pipe(ends) == -1)
            abort();
        ours[n] = ends[n == 0];
        theirs[n] = ends[n != 0];
    }
    if (play->scenario->kind & AT_TERMINAL) {
        int terminal = posix_openpt(O_RDWR | O_NOCTTY);

        if (terminal == -1 || grantpt(terminal) == -1 || unlockpt(terminal) == -1)
            abort();
        for (int n = 0; n < 2; n++) {
            dup2(terminal, ours[n]);
            close(theirs[n]);
            theirs[n] = open(ptsname(terminal), O_RDWR | O_NOCTTY);
        }
        close(terminal);
    }
    for (int n = 0; n < 3; n++) {
        struct end *end = &play->ends[(int)"ioe"[n]];

        fcntl(ours[n], F_SETFD, FD_CLOEXEC);
        end->fd = ours[n];
        end->is_new = false;
    }
}

static void start(struct play *play, const char *fault_file)
{
    int type = strstr(play->scenario->steps, "?u") != NULL ? SOCK_DGRAM : SOCK_STREAM;
    int theirs[3];

    for (int n = 0; n < 2; n++)
        play->listeners[n] = listen_on_loopback(type, &play->ports[n]);
    open_standard(play, theirs);
    play->program = fork();
    if (play->program == -1) /* and never kill(-1) */
        abort();
    for (int n = 0; n < 3; n++) {
        if (play->program == 0)
            dup2(theirs[n], n);
        close(theirs[n]);
    }
    if (play->program != 0)
        return;
    if (play->scenario->kind & AT_TERMINAL) {
        setsid();
        close(open(ttyname(0), O_RDWR)); /* now it is the session's own */
    }
    become(play, fault_file);
}

/* ---- The ends ----------------------------------------------------------------------- */

/* Adds to a text what fits. */
static void keep(char *text, size_t size, const char *bytes, size_t length)
{
    size_t has = strlen(text);

    if (length > size - 1 - has)
        length = size - 1 - has;
    memcpy(text + has, bytes, length);
    text[has + length] = '\0';
}

static void receive(struct play *play, struct end *end)
{
    struct outcome *outcome = play->outcome;
    bool is_datagram = end == &play->ends['u'];
    char *bytes = end->bytes + end->length;
    ssize_t got = read(end->fd, bytes, sizeof end->bytes - 2 - end->length);

    play->news = clock_ms();
    if (got > 0 && end == &play->ends['o'])
        keep(outcome->out, sizeof outcome->out, bytes, (size_t)got);
    if (got > 0 && end == &play->ends['e'])
        keep(outcome->err, sizeof outcome->err, bytes, (size_t)got);
    if (got > 0) {
        end->length += (size_t)got;
        if (is_datagram) /* it is a line */
            end->bytes[end->length++] = '\n';
    } else if (!is_datagram || (got == -1 && errno != ECONNREFUSED)) {
        end->is_over = true;
    }
    end->bytes[end->length] = '\0';
}

/* Has nothing come for a while? */
static bool is_quiet(const struct play *play)
{
    return clock_ms() - play->news > LIFT_MS;
}

/* Waits a little for what comes at any end. */
static void pump(struct play *play, int ms)
{
    struct pollfd set['z' + 1];
    struct end *watched['z' + 1];
    nfds_t count = 0;

    for (int letter = 'a'; letter <= 'z'; letter++) {
        struct end *end = &play->ends[letter];

        if (end->fd == -1 || end->is_over || letter == 'i')
            continue;
        watched[count] = end;
        set[count++] = (struct pollfd){.fd = end->fd, .events = POLLIN};
    }
    if (poll(set, count, ms) > 0)
        for (nfds_t n = 0; n < count; n++)
            if (set[n].revents != 0)
                receive(play, watched[n]);
    if (play->fault->fired > 0 && play->fault->last > 0 && is_quiet(play)) {
        play->fault->last = 0;
        play->news = clock_ms();
    }
}

/* A newcomer without a place: the fault was not on its own socket. */
static bool is_refused(const struct end *end)
{
    return strstr(end->bytes, "full, try again later") != NULL ||
           strstr(end->bytes, "HTTP/1.1 503") != NULL;
}

/*
 * A fault that was on no connection, but on a file for one, may cost one of them, if the
 * program says why.
 */
static bool is_scapegoat(struct play *play, char letter)
{
    struct end *end = &play->ends[(int)letter];

    if (end->is_over && !end->is_scapegoat && play->fault->victims[0] == 0 &&
        play->scapegoats < play->fault->fired &&
        script_is_said(play->fault, play->outcome)) {
        end->is_scapegoat = true;
        play->scapegoats++;
    }
    return end->is_scapegoat;
}

static bool is_victim(struct play *play, char letter)
{
    const struct end *end = &play->ends[(int)letter];
    unsigned victims = play->fault->fired;

    if (end->port == 0 || victims == 0)
        return false;
    for (unsigned n = 0; n < victims && n < FAULT_VICTIMS; n++)
        if (play->fault->victims[n] == end->port)
            return true;
    return is_refused(end) || is_scapegoat(play, letter);
}

/* The program has ended: both of its outputs are closed. */
static bool is_program_over(const struct play *play)
{
    return play->ends['o'].is_over && play->ends['e'].is_over;
}

/*
 * The program itself is hit: by a call that is about none of its connections, or when it is
 * a client, which has only one.
 */
static bool may_be_over(const struct play *play)
{
    return play->fault->fired > 0 &&
           (!(play->scenario->kind & IS_SERVER) || is_program_over(play));
}

/* Is a step that needs these ends left out, since one of them is gone? */
static bool is_left_out(struct play *play, const char *needs)
{
    bool left_out = false;

    for (; *needs != '\0'; needs++) {
        struct end *end = &play->ends[(int)*needs];

        end->is_gone |= end->is_over && is_victim(play, *needs);
        play->outcome->is_told |= end->is_gone && is_refused(end);
        left_out |= (end->is_gone && (is_quiet(play) || !end->is_done)) ||
                    (end->is_new && (may_be_over(play) || play->outcome->is_told)) ||
                    (*needs == 'u' && is_victim(play, 'u') && is_quiet(play));
    }
    if (is_program_over(play) && may_be_over(play))
        left_out = true;
    play->outcome->left_out += left_out && !play->stopping;
    return left_out;
}

/* ---- Steps -------------------------------------------------------------------------- */

static bool is_wanted(const char *line, size_t length, const char *wanted)
{
    size_t least = strlen(wanted);
    bool is_part = *wanted == '*';

    if (!is_part)
        return length == least && memcmp(line, wanted, length) == 0;
    for (size_t at = 0; at + least - 1 <= length; at++)
        if (memcmp(line + at, wanted + 1, least - 1) == 0)
            return true;
    return false;
}

/* Takes lines until this one comes. The one taken before must not come again. */
static bool take_line(struct play *play, char letter, const char *wanted)
{
    struct end *end = &play->ends[(int)letter];
    char *line = end->bytes, *newline;
    bool found = false;

    while (!found && (newline = strchr(line, '\n')) != NULL) {
        size_t length =
            (size_t)(newline - line) - (newline > line && newline[-1] == '\r');

        found = is_wanted(line, length, wanted);
        if (!found && length > 0 && length == strlen(end->last) &&
            memcmp(line, end->last, length) == 0)
            fail(play, "%c got '%s' twice", letter, end->last);
        line = newline + 1;
    }
    if (!found)
        return false;
    *end->last = 0;
    keep(end->last, sizeof end->last, wanted, strlen(wanted));
    end->length -= (size_t)(line - end->bytes);
    memmove(end->bytes, line, end->length + 1);
    return true;
}

/* It is over, and not because the program is just ending. */
static bool is_over_for_good(const struct play *play, char letter)
{
    return play->ends[(int)letter].is_over &&
           clock_ms() - play->news > play->patience / 2;
}

/* Has a client got the reason in place of an answer? */
static bool is_told_why(struct play *play)
{
    const char *reason = reason_of(play->fault);
    bool is_told = false;

    for (int letter = 'a'; letter <= 'z' && play->fault->fired > 0; letter++)
        if (strchr("ioe", letter) == NULL)
            is_told |= strstr(play->ends[letter].bytes, reason) != NULL ||
                       strstr(play->ends[letter].bytes, "HTTP/1.1 403") != NULL ||
                       strstr(play->ends[letter].bytes, "HTTP/1.1 50") != NULL;
    play->outcome->left_out += is_told;
    play->outcome->is_told |= is_told;
    return is_told;
}

static void expect(struct play *play, char letter, const char *wanted, const char *needs)
{
    int64_t deadline = clock_ms() + play->patience;

    while (!take_line(play, letter, wanted)) {
        if (is_left_out(play, needs) || has_failed(play) || is_told_why(play))
            return;
        if (is_over_for_good(play, letter) || clock_ms() > deadline) {
            fail(play, "%c did not get '%s', but '%.200s'%s", letter, wanted,
                 play->ends[(int)letter].bytes,
                 play->ends[(int)letter].is_over ? " and the end" : "");
            return;
        }
        pump(play, 20);
    }
}

static void expect_end(struct play *play, char letter)
{
    const char needs[2] = {letter, '\0'};
    int64_t deadline = clock_ms() + play->patience;

    while (!play->ends[(int)letter].is_over && !has_failed(play)) {
        if (play->ends[(int)letter].is_new && is_left_out(play, needs))
            return;
        if (clock_ms() > deadline)
            fail(play, "%c was not closed", letter);
        pump(play, 20);
    }
    play->ends[(int)letter].is_done = true;
    if (play->ends[(int)letter].fd != -1) /* the program may wait for it */
        close(play->ends[(int)letter].fd);
    play->ends[(int)letter].fd = -1;
}

/* Takes the port from the end of the program's first line. */
static void read_port(struct play *play, const char *beginning)
{
    struct end *out = &play->ends['o'];
    int64_t deadline = clock_ms() + play->patience;

    while (strchr(out->bytes, '\n') == NULL) {
        if (is_left_out(play, ""))
            return;
        if (is_program_over(play) || clock_ms() > deadline) {
            fail(play, "it did not start");
            return;
        }
        pump(play, 20);
    }
    if (strncmp(out->bytes, beginning, strlen(beginning)) != 0)
        fail(play, "it began with '%.100s'", out->bytes);
    else
        play->port = atoi(out->bytes + strlen(beginning));
}

/* The end has a descriptor now. */
static void open_end(struct end *end, int fd)
{
    struct sockaddr_in own;
    socklen_t size = sizeof own;

    getsockname(fd, (struct sockaddr *)&own, &size);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    end->port = ntohs(own.sin_port);
    end->fd = fd;
    end->is_new = end->is_over = false;
}

static void connect_end(struct play *play, char letter)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)play->port)};
    int fd = socket(AF_INET, letter == 'u' ? SOCK_DGRAM : SOCK_STREAM, 0);

    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
        open_end(&play->ends[(int)letter], fd);
        return;
    }
    close(fd);
    for (int64_t deadline = clock_ms() + play->patience; !is_left_out(play, "");) {
        if (clock_ms() > deadline)
            fail(play, "%c cannot connect", letter);
        if (has_failed(play))
            return;
        pump(play, 20);
    }
}

/* The program has sent to a port that it was given: a connection, or a datagram. */
static void take_caller(struct play *play, char letter, int listener)
{
    struct pollfd ready = {.fd = listener, .events = POLLIN};
    int64_t deadline = clock_ms() + play->patience;
    const char needs[2] = {play->sender, '\0'};
    struct sockaddr_in peer;
    socklen_t size = sizeof peer;

    while (poll(&ready, 1, 0) == 0) {
        if ((is_quiet(play) && is_left_out(play, needs)) || is_told_why(play))
            return;
        if (play->fault->fired > 0 && is_quiet(play) &&
            strstr(play->outcome->err, "trying again") == NULL &&
            script_is_said(play->fault, play->outcome)) {
            play->outcome->is_told = true;
            return;
        }
        if (clock_ms() > deadline) {
            fail(play, "it did not call %c", letter);
            return;
        }
        pump(play, 5);
    }
    if (letter != 'u') {
        open_end(&play->ends[(int)letter], accept(listener, NULL, NULL));
        return;
    }
    recvfrom(listener, NULL, 0, MSG_PEEK, (struct sockaddr *)&peer, &size);
    if (connect(listener, (struct sockaddr *)&peer, size) == -1)
        abort();
    open_end(&play->ends['u'], dup(listener));
}

static void send_all(struct play *play, char letter, const char *bytes, size_t length)
{
    struct end *end = &play->ends[(int)letter];

    if (write(end->fd, bytes, length) != (ssize_t)length)
        end->is_over |= letter != 'i' && letter != 'u';
}

/* Sends this many bytes, which must come back. It never has many on their way. */
static void send_and_return(struct play *play, char letter, size_t count)
{
    char needs[2] = {letter, '\0'}, block[1000];
    struct end *end = &play->ends[(int)letter];
    int64_t deadline = clock_ms() + 2 * play->patience;
    size_t sent = 0, back = 0;

    for (size_t n = 0; n < sizeof block; n++)
        block[n] = (char)('a' + n % 23);
    end->length = 0;
    while (back < count) {
        for (; sent < count && sent < back + 20000 && !end->is_over; sent += sizeof block)
            send_all(play, letter, block, sizeof block);
        pump(play, 20);
        if (is_refused(end) && is_left_out(play, needs))
            return;
        if (is_refused(end)) /* it is being closed */
            continue;
        for (size_t n = 0; n < end->length; n++, back++)
            if (end->bytes[n] != block[back % sizeof block])
                fail(play, "%c got a wrong byte", letter);
        end->length = 0;
        if (has_failed(play) ||
            ((end->is_over || is_program_over(play)) && is_left_out(play, needs)))
            return;
        if (is_over_for_good(play, letter) || clock_ms() > deadline)
            fail(play, "%c got only %zu bytes back", letter, back);
    }
}

static void return_datagrams(struct play *play, int count)
{
    struct end *end = &play->ends['u'];
    int64_t deadline = clock_ms() + play->patience;

    while (count > 0 && !has_failed(play) && !is_left_out(play, "u")) {
        if (end->length > 0) { /* there is one more byte, see receive() */
            send(end->fd, end->bytes, end->length - 1, 0);
            end->length = 0;
            count--;
        } else if (is_program_over(play) || clock_ms() > deadline) {
            fail(play, "%d datagrams did not come", count);
        } else {
            pump(play, 20);
        }
    }
}

static void end_end(struct play *play, char letter)
{
    struct end *end = &play->ends[(int)letter];

    end->is_done = true;
    if (letter != 'i')
        shutdown(end->fd, SHUT_WR); /* it may be closed already */
    else if (end->fd != -1)
        close(end->fd);
    if (letter == 'i')
        end->fd = -1;
}

static void obey(struct play *play, const char *step)
{
    char text[4096] = "", needs[64] = {step[0], '\0'};

    switch (step[0]) {
    case '@': read_port(play, step + 1); return;
    case '+': connect_end(play, step[1]); return;
    case '?': take_caller(play, step[1], play->listeners[0]); return;
    case '&': take_caller(play, step[1], play->listeners[1]); return;
    case '!':
        kill(play->program, SIGTERM);
        play->stopping = true;
        play->sender = '\0';
        for (int letter = 0; letter <= 'z'; letter++)
            play->ends[letter].is_done = true;
        return;
    default: break;
    }
    write_text(play, step + 2, text, needs);
    if (step[1] == '=' && play->sender != '\0')
        strncat(needs, &play->sender, 1);
    if (step[1] == '>' || step[1] == '-')
        play->sender = strchr("ioe", step[0]) == NULL ? step[0] : '\0';
    if (strchr("=~", step[1]) == NULL && is_left_out(play, needs))
        return;
    switch (step[1]) {
    case '>':
        strcat(text, step[0] == 'u' ? "" : "\n");
        /* fall through */
    case '-': send_all(play, step[0], text, strlen(text)); break;
    case '=': expect(play, step[0], text, needs); break;
    case '*': send_and_return(play, step[0], (size_t)atol(step + 2)); break;
    case '@': return_datagrams(play, atoi(step + 2)); break;
    case '.': end_end(play, step[0]); break;
    case '~': expect_end(play, step[0]); break;
    default: fail(play, "no such step: %s", step);
    }
}

/* ---- The end ------------------------------------------------------------------------ */

/* Processor time of the programs that have ended, in milliseconds. */
static int cpu_ms(void)
{
    struct rusage used;

    getrusage(RUSAGE_CHILDREN, &used);
    return (int)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
           (int)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
}

/* Waits for the program's end, which must come by itself now. */
static void await_program(struct play *play)
{
    int64_t deadline = clock_ms() + play->patience;
    int status, before = cpu_ms();

    while (waitpid(play->program, &status, WNOHANG) == 0) {
        if (clock_ms() > deadline) {
            fail(play, "it did not end");
            kill(play->program, SIGKILL);
        }
        pump(play, is_program_over(play) ? 1 : 10);
        if (is_program_over(play))
            poll(NULL, 0, 1);
    }
    while (!is_program_over(play) && clock_ms() < deadline)
        pump(play, 10);
    play->outcome->status =
        WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    play->outcome->cpu_ms = cpu_ms() - before;
}

/* A file that the program has written, build/faults-%, is part of what it prints. */
static void take_file(struct play *play)
{
    struct outcome *outcome = play->outcome;
    char name[64], bytes[4096];
    ssize_t got;
    int file;

    snprintf(name, sizeof name, "build/faults-%d", play->ports[0]);
    file = open(name, O_RDONLY | O_CLOEXEC);
    if (file == -1)
        return;
    while ((got = read(file, bytes, sizeof bytes)) > 0)
        keep(outcome->out, sizeof outcome->out, bytes, (size_t)got);
    close(file);
    unlink(name);
}

/* The script is over: the program has nothing more to wait for. */
static void finish(struct play *play)
{
    if (has_failed(play) && !play->stopping)
        kill(play->program, SIGTERM);
    close(play->listeners[0]);
    close(play->listeners[1]);
    if (!(play->scenario->kind & IS_SERVER))
        for (int letter = 'a'; letter <= 'z'; letter++)
            if (strchr("oe", letter) == NULL && play->ends[letter].fd != -1)
                end_end(play, (char)letter);
    await_program(play);
    take_file(play);
}

void script_run(const struct scenario *scenario, struct fault *fault,
                const char *fault_file, int patience_ms, struct outcome *outcome)
{
    static struct play play;
    char steps[8192], *rest = steps;

    memset(&play, 0, sizeof play);
    memset(outcome, 0, sizeof *outcome);
    play.scenario = scenario;
    play.fault = fault;
    play.outcome = outcome;
    play.patience = patience_ms;
    play.news = clock_ms();
    for (int letter = 0; letter <= 'z'; letter++) {
        play.ends[letter].fd = -1;
        play.ends[letter].is_new = true;
    }
    start(&play, fault_file);
    snprintf(steps, sizeof steps, "%s", scenario->steps);
    for (char *step = strtok_r(rest, "\n", &rest); step != NULL && !has_failed(&play);
         step = strtok_r(rest, "\n", &rest))
        obey(&play, step);
    finish(&play);
    for (int letter = 'a'; letter <= 'z'; letter++)
        if (play.ends[letter].fd != -1)
            close(play.ends[letter].fd);
}
