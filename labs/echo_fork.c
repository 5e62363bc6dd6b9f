/*
 * echo_fork: the echo server with a process for each client. This is the first of three
 * ways to serve many; echo_thread.c and ../echo_srv.c are the others.
 *
 *     echo_fork [-v] [-b address] [-p port]
 *
 * A child process serves one client and may wait for it, so its code reads like the
 * protocol: receive, send, repeat (loop/echo_blocking.c). Processes share no memory, so a
 * child that crashes harms nobody else. The price is a fork() for each client, and a
 * process that sleeps as long as its client is silent.
 */
#include "loop/echo_blocking.h"

#include "base/fdset.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct echo_fork {
    struct echo_blocking common;
    struct child {
        pid_t pid;
        char name[ADDRESS_MOST];   /* its client's */
    } children[ECHO_CLIENTS_MOST]; /* the first `count` */
    int count;
};

/* ---- A child ------------------------------------------------------------------------ */

/* A signal handler has no arguments of its own, so it finds the client here. */
static volatile sig_atomic_t client_sock;

/*
 * SIGTERM ends receiving: recv() returns what has come by now, and then 0, and the child
 * exits when it has sent all of that. If the client does not take it within two seconds,
 * SIGALRM ends sending too. A handler may call only functions that are async-signal-safe
 * (POSIX 2.4.3), because it may have interrupted anything, malloc() for example;
 * shutdown() and alarm() are safe.
 */
static void end_client(int signal_number)
{
    shutdown((int)client_sock, signal_number == SIGALRM ? SHUT_RDWR : SHUT_RD);
    alarm(ECHO_PATIENCE_S);
}

static _Noreturn void serve_client(struct echo_fork *server, int sock)
{
    /* fork() has copied all descriptors. If a child kept the listening socket, its port
       would stay in use after the server has ended. */
    echo_blocking_end(&server->common);
    client_sock = sock;
    signals_handle(SIGTERM, end_client);
    signals_handle(SIGALRM, end_client);
    sigprocmask(SIG_SETMASK, &server->common.signals.while_waiting, NULL);
    echo_blocking_serve(sock);
    close(sock);
    _exit(EXIT_SUCCESS); /* exit() would also flush the parent's stdio buffers */
}

/* ---- The parent --------------------------------------------------------------------- */

static void start_child(struct echo_fork *server, int sock, const char *name)
{
    pid_t pid = server->count < ECHO_CLIENTS_MOST ? fork() : -1;
    struct child *child;

    if (pid == 0)
        serve_client(server, sock);
    if (pid == -1) {
        echo_blocking_closed(&server->common, name);
        listener_turn_away(sock, LISTENER_FULL);
        return;
    }
    child = &server->children[server->count++];
    child->pid = pid;
    strcpy(child->name, name);
    /* The connection ends only when every copy of its descriptor is closed. If the parent
       kept this one, its client would wait for the end in vain, and after 1,000 clients
       the parent would have no descriptor left. */
    close(sock);
}

static void forget_child(struct echo_fork *server, pid_t pid)
{
    for (int i = 0; i < server->count; i++) {
        struct child *child = &server->children[i];

        if (child->pid == pid) {
            echo_blocking_closed(&server->common, child->name);
            *child = server->children[--server->count];
            return;
        }
    }
}

/*
 * A child that has ended stays in the process table as a zombie until its parent has asked
 * for its status. Signals are not counted: when two children end at once, one SIGCHLD may
 * come. So this asks until none is left.
 */
static void reap_children(struct echo_fork *server, int options)
{
    pid_t pid;

    while (server->count > 0 && (pid = waitpid(-1, NULL, options)) > 0)
        forget_child(server, pid);
}

/*
 * Does nothing, but is needed: only a signal with a handler ends the wait in pselect().
 * The loop then looks for children that have ended.
 */
static void child_has_ended(int signal_number)
{
    (void)signal_number;
}

/* Ends the children. SIGCONT wakes a stopped one (SIGSTOP), so that it can end. */
static void stop_children(struct echo_fork *server)
{
    for (int i = 0; i < server->count; i++) {
        kill(server->children[i].pid, SIGTERM);
        kill(server->children[i].pid, SIGCONT);
    }
    reap_children(server, 0); /* waits, but not for long: each has its alarm() */
}

static const struct options options = {
    .program = "echo_fork",
    .letters = "b:hp:vV",
    .usage = "usage: echo_fork [-hvV] [-b address] [-p port]\n",
    .help = "Sends back every byte that it receives, with a process for each client.\n"
            "  -b address  listen on this address only (default: all, IPv6 and IPv4)\n"
            "  -p port     listen on this port (default: 23000; 0: any free one)\n"
            "  -v          print a line for each connection opened or closed\n"
            "  -h          print this help\n"
            "  -V          print the version\n",
};

int main(int argc, char *argv[])
{
    static struct echo_fork server;
    char name[ADDRESS_MOST];
    struct fdset readable;
    int sock, ready = 0;

    echo_blocking_start(&server.common, &options, argc, argv);
    /* If SIGCHLD were ignored, as the parent may have set it, children would leave no
       status (POSIX, sigaction()). It is blocked except during the wait, so a child that
       ends just before the wait ends it at once. */
    signal(SIGCHLD, SIG_DFL);
    signals_add(&server.common.signals, SIGCHLD, child_has_ended);
    sigdelset(&server.common.signals.while_waiting, SIGALRM); /* for the children */
    echo_blocking_announce(&server.common);
    while (!signals_stop_requested()) {
        ready = echo_blocking_wait(&server.common, -1, &readable, INT64_MAX);
        if (ready == -1)
            break;
        reap_children(&server, WNOHANG);
        if (!fdset_has(&readable, server.common.srvsock))
            continue;
        sock = echo_blocking_accept(&server.common, name);
        if (sock != -1)
            start_child(&server, sock, name);
    }
    echo_blocking_end(&server.common);
    stop_children(&server);
    log_finish(&server.common.log, 1000 * ECHO_PATIENCE_S);
    return ready == -1 ? EXIT_FAILURE : EXIT_SUCCESS;
}
