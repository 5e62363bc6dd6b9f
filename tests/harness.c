#include "tests/harness.h"

#include "base/clock.h"
#include "net/address.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST_ARGUMENTS 16

/* ---- Programs ----------------------------------------------------------------------- */

static void become_program(const char *script, char *arguments[], int out, int err)
{
    const char *shell[MOST_ARGUMENTS + 8] = {"sh", "-c", script, "sh"};
    int none = open("/dev/null", O_RDONLY), count = 4;

    for (int i = 0; arguments[i] != NULL; i++)
        shell[count++] = arguments[i];
    (void)dup2(none, STDIN_FILENO);
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(err, STDERR_FILENO);
    for (int fd = 3; fd < 64; fd++)
        (void)close(fd);
    (void)execv("/bin/sh", (char *const *)shell);
    _exit(127);
}

static void start(struct program *program, const char *script, const char *variable,
                  const char *fallback, va_list list)
{
    char *arguments[MOST_ARGUMENTS + 1] = {NULL};
    char whole[1024];
    int out[2], err[2];

    ck_assert(setenv(variable, fallback, 0) == 0);
    for (int i = 0; (arguments[i] = va_arg(list, char *)) != NULL; i++)
        ck_assert_int_lt(i, MOST_ARGUMENTS);
    /* $PCHATSRV is split into words: it may be a program with options, or valgrind. */
    (void)snprintf(whole, sizeof whole, "set -- $%s \"$@\"; %s", variable, script);
    ck_assert(pipe(out) == 0 && pipe(err) == 0);
    program->pid = fork();
    ck_assert_int_ne(program->pid, -1);
    if (program->pid == 0)
        become_program(whole, arguments, out[1], err[1]);
    (void)close(out[1]);
    (void)close(err[1]);
    program->out = stream_of(out[0]);
    program->err = stream_of(err[0]);
    program->port = -1;
}

void program_start(struct program *program, const char *variable, const char *fallback,
                   ...)
{
    va_list list;

    va_start(list, fallback);
    start(program, "exec \"$@\"", variable, fallback, list);
    va_end(list);
}

void program_start_by(struct program *program, const char *script, const char *variable,
                      const char *fallback, ...)
{
    va_list list;

    va_start(list, fallback);
    start(program, script, variable, fallback, list);
    va_end(list);
}

void program_read_port(struct program *program, const char *beginning)
{
    char *line = next_line(&program->out);

    if (strncmp(line, beginning, strlen(beginning)) != 0)
        ck_abort_msg("the first line is '%s', not '%s...'", line, beginning);
    program->port = atoi(line + strlen(beginning));
    ck_assert_int_gt(program->port, 0);
    free(line);
}

int program_wait(struct program *program)
{
    int64_t deadline = clock_ms() + DEADLINE_MS;
    int status;

    /* Its end closes its standard error, and that can be waited for with a deadline. */
    while (stream_fill(&program->err))
        ck_assert_msg(clock_ms() < deadline, "the program does not end");
    ck_assert_int_eq(waitpid(program->pid, &status, 0), program->pid);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void program_stop(struct program *program)
{
    ck_assert_int_eq(kill(program->pid, SIGTERM), 0);
    while (stream_fill(&program->out))
        continue;
    ck_assert_int_eq(program_wait(program), 0);
    expect_end(&program->err);
    stream_close(&program->out);
    stream_close(&program->err);
}

void program_pause(const struct program *program)
{
    int status;

    ck_assert_int_eq(kill(program->pid, SIGSTOP), 0);
    ck_assert_int_eq(waitpid(program->pid, &status, WUNTRACED), program->pid);
    ck_assert(WIFSTOPPED(status));
}

void program_go_on(const struct program *program)
{
    ck_assert_int_eq(kill(program->pid, SIGCONT), 0);
}

void expect_wrong_usage(const char *variable, const char *fallback, const char *first,
                        const char *second)
{
    struct program wrong;

    program_start(&wrong, variable, fallback, first, second, NULL);
    ck_assert_int_eq(program_wait(&wrong), 2);
    ck_assert_uint_gt(wrong.err.length, 0);
    expect_end(&wrong.out);
}

int64_t program_cpu_ns(const struct program *program)
{
    struct timespec used;
    clockid_t clock;

    ck_assert_int_eq(clock_getcpuclockid(program->pid, &clock), 0);
    ck_assert_int_eq(clock_gettime(clock, &used), 0);
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

/* ---- Connections -------------------------------------------------------------------- */

static struct stream connect_address(const struct sockaddr *address, socklen_t length)
{
    int fd = socket(address->sa_family, SOCK_STREAM, 0), on = 1;

    ck_assert_int_ne(fd, -1);
    if (connect(fd, address, length) == -1)
        ck_abort_msg("cannot connect: %s", strerror(errno));
    /* Cut where a test cuts, and without waiting for acknowledgements. */
    ck_assert(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    return stream_of(fd);
}

struct stream connect_to(int port)
{
    return connect_to_host("127.0.0.1", port);
}

struct stream connect_to_host(const char *host, int port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                              .sin6_port = htons((uint16_t)port)};

    if (strcmp(host, "::1") == 0) {
        v6.sin6_addr = in6addr_loopback;
        return connect_address((struct sockaddr *)&v6, sizeof v6);
    }
    ck_assert_str_eq(host, "127.0.0.1");
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect_address((struct sockaddr *)&v4, sizeof v4);
}

const char *name_of(const struct stream *stream)
{
    static char names[8][ADDRESS_MOST];
    static unsigned next;
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    char *name = names[next++ % 8];

    ck_assert_int_eq(getsockname(stream->fd, (struct sockaddr *)&address, &length), 0);
    address_format(&address, name);
    return name;
}

void expect_keepalive(const char *table, int local, int remote)
{
    FILE *sockets = fopen(table, "r");
    unsigned from, to, state, timer = 0;
    char row[512];
    bool found = false;

    if (sockets == NULL) /* no Linux: what the kernel has armed can't be seen */
        return;
    while (!found && fgets(row, sizeof row, sockets) != NULL)
        found = sscanf(row, " %*d: %*[^:]:%x %*[^:]:%x %x %*x:%*x %x:", &from, &to,
                       &state, &timer) == 4 &&
                state == 1 && from == (unsigned)local && to == (unsigned)remote;
    (void)fclose(sockets);
    ck_assert(found);
    ck_assert_uint_eq(timer, 2); /* proc(5): 02 is the keepalive timer */
}

struct stream stream_of(int fd)
{
    return (struct stream){.fd = fd};
}

void stream_close(struct stream *stream)
{
    (void)close(stream->fd);
    free(stream->buffer);
    *stream = stream_of(-1);
}

void stream_reset(struct stream *stream)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    stream_close(stream);
}

void send_bytes(struct stream *stream, const void *bytes, size_t length)
{
    const char *next = bytes;

    while (length > 0) {
        ssize_t sent = send(stream->fd, next, length, MSG_NOSIGNAL);

        if (sent == -1 && errno == EINTR)
            continue;
        if (sent == -1)
            ck_abort_msg("cannot send: %s", strerror(errno));
        next += sent;
        length -= (size_t)sent;
    }
}

void send_text(struct stream *stream, const char *text)
{
    send_bytes(stream, text, strlen(text));
}

/* ---- What arrives ------------------------------------------------------------------- */

#define FILL_MOST 65536

/* Moves what is there to the buffer's beginning, and makes room behind it. */
static void make_room(struct stream *stream)
{
    if (stream->length > 0)
        memmove(stream->buffer, stream->bytes, stream->length);
    if (stream->capacity - stream->length < FILL_MOST) {
        stream->capacity = stream->capacity * 2 + 2 * FILL_MOST;
        stream->buffer = realloc(stream->buffer, stream->capacity);
        ck_assert_ptr_nonnull(stream->buffer);
    }
    stream->bytes = stream->buffer;
}

bool stream_fill(struct stream *stream)
{
    struct pollfd ready = {.fd = stream->fd, .events = POLLIN};
    ssize_t got;

    if (stream->ended)
        return false;
    make_room(stream);
    if (poll(&ready, 1, DEADLINE_MS) != 1)
        ck_abort_msg("nothing came in %d s; unread is '%.*s'", DEADLINE_MS / 1000,
                     (int)(stream->length < 400 ? stream->length : 400), stream->bytes);
    got = read(stream->fd, stream->bytes + stream->length, FILL_MOST);
    if (got <= 0)
        stream->ended = true;
    else
        stream->length += (size_t)got;
    return got > 0;
}

void stream_drain(struct stream *stream)
{
    struct pollfd ready = {.fd = stream->fd, .events = POLLIN};

    while (poll(&ready, 1, 0) == 1 && stream_fill(stream))
        stream->length = 0;
    stream->length = 0;
}

static void take(struct stream *stream, size_t length)
{
    stream->bytes += length;
    stream->length -= length;
}

/* The length of the next line with its end, waiting for it. */
static size_t await_line(struct stream *stream)
{
    size_t searched = 0;

    for (;;) {
        char *end = stream->length == searched ? NULL
                                               : memchr(stream->bytes + searched, '\n',
                                                        stream->length - searched);

        if (end != NULL)
            return (size_t)(end + 1 - stream->bytes);
        searched = stream->length;
        if (!stream_fill(stream))
            ck_abort_msg("it ended in the middle of a line: '%.*s'", (int)stream->length,
                         stream->bytes);
    }
}

void expect_bytes(struct stream *stream, const void *bytes, size_t length)
{
    while (stream->length < length)
        if (!stream_fill(stream))
            ck_abort_msg("expected '%.*s', but it ended with '%.*s'", (int)length,
                         (const char *)bytes, (int)stream->length, stream->bytes);
    if (memcmp(stream->bytes, bytes, length) != 0)
        ck_abort_msg("expected '%.*s', got '%.*s'", (int)length, (const char *)bytes,
                     (int)stream->length, stream->bytes);
    take(stream, length);
}

static void expect_text_line(struct stream *stream, const char *format, va_list list,
                             const char *end)
{
    char expected[4096];
    size_t length = (size_t)vsnprintf(expected, sizeof expected, format, list);
    size_t got;

    ck_assert_uint_lt(length + 2, sizeof expected);
    (void)strcat(expected, end);
    length += strlen(end);
    got = await_line(stream);
    if (got != length || memcmp(stream->bytes, expected, length) != 0)
        ck_abort_msg("expected '%s', got '%.*s'", expected, (int)got, stream->bytes);
    take(stream, length);
}

void expect_line(struct stream *stream, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    expect_text_line(stream, format, list, "\r\n");
    va_end(list);
}

void expect_lf(struct stream *stream, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    expect_text_line(stream, format, list, "\n");
    va_end(list);
}

char *next_line(struct stream *stream)
{
    size_t length = await_line(stream), text = length - 1;
    char *line = malloc(length);

    ck_assert_ptr_nonnull(line);
    if (text > 0 && stream->bytes[text - 1] == '\r')
        text--;
    memcpy(line, stream->bytes, text);
    line[text] = '\0';
    take(stream, length);
    return line;
}

int skip_to_line(struct stream *stream, const char *format, ...)
{
    char expected[4096];
    va_list list;
    int others = 0;

    va_start(list, format);
    (void)vsnprintf(expected, sizeof expected, format, list);
    va_end(list);
    for (;; others++) {
        char *line = next_line(stream);
        bool found = strcmp(line, expected) == 0;

        free(line);
        if (found)
            return others;
    }
}

void expect_end(struct stream *stream)
{
    if (stream->length > 0 || stream_fill(stream))
        ck_abort_msg("expected the end, got '%.*s'", (int)stream->length, stream->bytes);
}

/* ---- The rest ----------------------------------------------------------------------- */

pid_t fork_helper(void)
{
    pid_t pid = fork();

    ck_assert_int_ne(pid, -1);
    if (pid == 0) {
        (void)signal(SIGALRM, SIG_DFL); /* Check's own handler would end the test */
        (void)alarm(2 * DEADLINE_MS / 1000);
    }
    return pid;
}

void need_descriptors(unsigned long count)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < count)
        ck_abort_msg("this test needs %lu descriptors, and ulimit -Hn allows %lu", count,
                     (unsigned long)limit.rlim_max);
    if (limit.rlim_cur < count)
        limit.rlim_cur = count;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

unsigned random_below(unsigned limit)
{
    static uint32_t state = 2463534242u; /* xorshift32: Marsaglia, 2003 */

    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % limit;
}

int run_suite(Suite *suite)
{
    /* Whoever runs the tests may ignore some: nohup, or a shell in the background. */
    static const int standard[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE};
    SRunner *runner = srunner_create(suite);
    int failed;

    for (size_t i = 0; i < sizeof standard / sizeof standard[0]; i++)
        (void)signal(standard[i], SIG_DFL);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
