#include "load/generator.h"

#include "base/signals.h"
#include "net/listener.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PORT_TIMEOUT_MS 5000 /* for the server to say its port */
#define STOP_TIMEOUT_MS 3000 /* between SIGTERM and SIGKILL */
#define END_TRIES       50   /* times 10 ms, for a server that may be dying */
#define PORT_MARK       "%p"
#define PORT_DIGITS     5

volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

void signals_catch(void)
{
    (void)signals_handle(SIGINT,
                         interrupt); /* none can fail for a signal that there is */
    (void)signals_handle(SIGTERM, interrupt);
    if (!signals_ignores(SIGHUP))
        (void)signals_handle(SIGHUP, interrupt);
}

double own_cpu_seconds(void)
{
    struct timespec used;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used); /* cannot fail */
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    if (memory == NULL) {
        (void)fprintf(stderr, "load generator: out of memory\n");
        exit(EXIT_FAILURE);
    }
    return memory;
}

void failure_note(struct failure *failure, const char *format, ...)
{
    va_list arguments;

    if (failure->text[0] != '\0')
        return;
    va_start(arguments, format);
    (void)vsnprintf(failure->text, sizeof failure->text, format, arguments);
    va_end(arguments);
}

int option_int(const struct options *options, int letter, int least, int most)
{
    return (int)options_number(options, letter, least, most);
}

uint64_t option_duration(const struct options *options, int letter)
{
    uint64_t ns = (uint64_t)options_seconds(options, letter);

    if (ns == 0)
        options_wrong(options, "-%c takes more than 0 seconds", letter);
    return ns;
}

/* Free now: nobody else is given it before the server takes it, short of bad luck, which
 * the server's own message would tell of. */
static int free_port(const struct options *options, int type)
{
    const char *why = "no port";
    int probe = listener_open("127.0.0.1", 0, type, &why);
    int port = probe == -1 ? -1 : listener_port(probe);

    if (port == -1) {
        (void)fprintf(stderr, "%s: no free port: %s\n", options->program, why);
        exit(EXIT_FAILURE);
    }
    (void)close(probe);
    return port;
}

/* `word` with the port in place of its first mark. */
static char *filled(const char *word, int port)
{
    const char *mark = strstr(word, PORT_MARK);
    size_t size = strlen(word) + PORT_DIGITS + 1;
    char *text = allocate(1, size);

    (void)snprintf(text, size, "%.*s%d%s", (int)(mark - word), word, port,
                   mark + strlen(PORT_MARK));
    return text;
}

int command_fill_port(const struct options *options, char *command[], int type, int port)
{
    for (int i = 1; command[i] != NULL; i++) {
        if (strstr(command[i], PORT_MARK) == NULL)
            continue;
        if (port == 0)
            port = free_port(options, type);
        command[i] = filled(command[i], port); /* it lives as long as the program */
    }
    return port;
}

const char *command_name(char *const command[])
{
    const char *slash = strrchr(command[0], '/');

    return slash != NULL ? slash + 1 : command[0];
}

int server_start(struct child *server, const struct options *options,
                 char *const command[], int port)
{
    if (child_start(server, command) == -1) {
        (void)fprintf(stderr, "%s: cannot start %s: %s\n", options->program, command[0],
                      strerror(errno));
        exit(EXIT_FAILURE);
    }
    if (port == 0)
        port = child_port(server, PORT_TIMEOUT_MS);
    if (port == -1) {
        (void)fprintf(stderr, "%s: %s: no line with \"port N\" on its stdout: %s\n",
                      options->program, command[0],
                      errno == EPIPE ? "it ended"
                      : interrupted  ? "interrupted"
                                     : "nothing for 5 s (give it its port, with %p)");
        (void)child_stop(server, STOP_TIMEOUT_MS);
        exit(EXIT_FAILURE);
    }
    return port;
}

bool server_died(struct child *server, bool has_closed)
{
    const struct timespec pause = {.tv_nsec = 10 * MILLISECOND};
    int tries = has_closed ? END_TRIES : 0;

    while (child_running(server) && tries-- > 0)
        (void)nanosleep(&pause, NULL);
    return server->ended;
}

double server_cpu_seconds(const struct child *server, double before, uint64_t pieces,
                          uint64_t all)
{
    double now = child_cpu_seconds(server);

    if (before < 0 || now < 0 || (now <= before && all > 0))
        return -1;
    return all > 0 ? (now - before) * (double)pieces / (double)all : now - before;
}

void server_note_end(const struct child *server)
{
    if (server->ended && WIFSIGNALED(server->status))
        printf("note: the server died of signal %d\n", WTERMSIG(server->status));
    else if (server->ended)
        printf("note: the server ended with status %d\n", WEXITSTATUS(server->status));
}

void server_stop(struct child *server)
{
    if (!child_stop(server, STOP_TIMEOUT_MS))
        printf("note: the server did not end at SIGTERM and was killed\n");
}

void note_bottleneck(const struct cost *cost)
{
    const char *who = report_bottleneck(cost);

    if (strcmp(who, "both") == 0)
        printf("note: the server and the generator were both busy all the time\n");
    else if (strcmp(who, "generator") == 0)
        printf("note: the generator was the bottleneck\n");
}

int exit_status(const struct options *options, bool all_is_well)
{
    if (fflush(stdout) == EOF || ferror(stdout)) {
        (void)fprintf(stderr, "%s: cannot write to standard output: %s\n",
                      options->program, strerror(errno));
        return EXIT_FAILURE;
    }
    return all_is_well ? EXIT_SUCCESS : EXIT_FAILURE;
}
