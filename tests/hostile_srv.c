/*
 * hostile_srv: a server that says hello, and does something bad besides. The grader must
 * end, leave nothing, and have a report.
 *
 *     hostile_srv WHAT PORT
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

static int port;

static int listen_on(int at)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((in_port_t)at)};
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    address.sin_addr.s_addr = htonl(INADDR_ANY);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1 ||
        listen(listener, SOMAXCONN) == -1) {
        perror("hostile_srv");
        exit(1);
    }
    return listener;
}

static void serve(void)
{
    static const char hello[] = "Hello\r\n";
    int listener = listen_on(port);

    for (;;) {
        int sock = accept(listener, NULL, NULL);

        if (sock == -1)
            continue;
        if (send(sock, hello, sizeof hello - 1, MSG_NOSIGNAL) == -1)
            perror("hostile_srv: send");
        close(sock);
    }
}

/* Children that have children, as long as the system lets them. */
static void fork_without_end(void)
{
    for (;;) {
        pid_t child = fork();

        if (child == 0)
            setpgid(0, 0);
        if (child == -1)
            pause();
    }
}

/* A child in a session of its own, that takes no hint. */
static void leave_a_child(void)
{
    if (fork() != 0)
        return;
    setsid();
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (fork() == 0)
        for (;;)
            pause();
    for (;;)
        pause();
}

/* The same with a name that takes two lines in the process table of proc(5). */
static void leave_a_child_with_two_lines(void)
{
#ifdef __linux__
    prctl(PR_SET_NAME, "two\nlines");
#endif
    leave_a_child();
}

static void fill_stdout(void)
{
    static char bytes[65536];

    memset(bytes, 'x', sizeof bytes);
    while (write(STDOUT_FILENO, bytes, sizeof bytes) != -1)
        continue;
}

static void fill_disk(void)
{
    const char *directory = getenv("TMPDIR");
    static char bytes[65536];
    char path[256];
    int file;

    snprintf(path, sizeof path, "%s/hostile-%ld", directory == NULL ? "/tmp" : directory,
             (long)getpid());
    file = open(path, O_WRONLY | O_CREAT, 0600);
    unlink(path); /* it is still there while it is open */
    while (write(file, bytes, sizeof bytes) != -1)
        continue;
}

static void eat_memory(void)
{
    char *volatile eaten; /* or the compiler leaves malloc() out */

    /* A page of each piece is touched: to touch all takes a busy machine seconds. */
    while ((eaten = malloc((size_t)1 << 24)) != NULL)
        *eaten = 1;
    abort();
}

static void send_without_end(void)
{
    static char bytes[65536];
    int listener = listen_on(port), sock = accept(listener, NULL, NULL);

    memset(bytes, 'x', sizeof bytes);
    while (send(sock, bytes, sizeof bytes, MSG_NOSIGNAL) != -1)
        continue;
    pause();
}

static void print_a_megabyte(void)
{
    for (int i = 0; i < 16384; i++)
        printf("This is line %d, and nobody has asked for it, nor is it of use.\n", i);
}

static void close_stdout(void)
{
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
}

static void ignore_term(void)
{
    signal(SIGTERM, SIG_IGN);
}

static void exit_at_once(void)
{
    exit(0);
}

static void listen_elsewhere(void)
{
    port++;
}

static void complain(void)
{
    for (int i = 1; i <= 9; i++)
        fprintf(stderr, "complaint %d \033[2J\n", i);
    exit(3);
}

static const struct {
    const char *name;
    void (*action)(void);
} actions[] = {
    {"forks", fork_without_end},
    {"child", leave_a_child},
    {"lines", leave_a_child_with_two_lines},
    {"term", ignore_term},
    {"stdout", fill_stdout},
    {"disk", fill_disk},
    {"memory", eat_memory},
    {"sends", send_without_end},
    {"exits", exit_at_once},
    {"megabyte", print_a_megabyte},
    {"closes", close_stdout},
    {"elsewhere", listen_elsewhere},
    {"complains", complain},
};

int main(int argc, char *argv[])
{
    if (argc != 3) {
        fprintf(stderr, "usage: hostile_srv WHAT PORT\n");
        return 2;
    }
    port = atoi(argv[2]);
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (strcmp(actions[i].name, argv[1]) == 0)
            actions[i].action();
    serve();
}
