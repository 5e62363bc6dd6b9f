/*
 * echo_fork: the echo server with a process for each client, the first of the three ways
 * (echo_thread and echo_srv are the others).
 *
 *     echo_fork [-b address] [-p port]
 *
 * A process has its client to itself and may wait for it, so what it does reads as it is
 * thought: receive, send, again. Nothing is shared, and one that fails harms nobody. It
 * costs a fork(), and a process for each client that says nothing.
 */
#include "loop/echo_blocking.h"

#include "base/fdset.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct echo_fork {
    struct echo_blocking common;
    pid_t children[ECHO_CLIENTS_MOST]; /* a process a client, the first `count` */
    int count;
};

static volatile sig_atomic_t own_client; /* a child's, for its signal handler */

/* ---- A child ------------------------------------------------------------------------ */

/*
 * For recv() the client ends after what it has sent by now. One that does not take what it
 * is owed within two seconds ends for send(), too.
 */
static void end_client(int signal_number)
{
    (void)shutdown(own_client, signal_number == SIGALRM ? SHUT_RDWR : SHUT_RD);
    (void)alarm(ECHO_PATIENCE_S);
}

static _Noreturn void serve_client(struct echo_fork *server, int client)
{
    echo_blocking_end(&server->common); /* the parent's descriptors are not for it */
    own_client = client;
    (void)signals_handle(SIGTERM, end_client);
    (void)signals_handle(SIGALRM, end_client);
    (void)sigprocmask(SIG_SETMASK, &server->common.signals.while_waiting, NULL);
    echo_blocking_serve(client);
    (void)close(client);
    _exit(EXIT_SUCCESS); /* exit() would write once more what the parent has printed */
}

/* ---- The parent --------------------------------------------------------------------- */

static void start_child(struct echo_fork *server, int client)
{
    pid_t child = server->count < ECHO_CLIENTS_MOST ? fork() : -1;

    if (child == 0)
        serve_client(server, client);
    if (child == -1) {
        listener_turn_away(client, LISTENER_FULL);
        return;
    }
    server->children[server->count++] = child;
    (void)close(client); /* the child has it */
}

static void forget_child(struct echo_fork *server, pid_t child)
{
    for (int i = 0; i < server->count; i++) {
        if (server->children[i] == child) {
            server->children[i] = server->children[--server->count];
            return;
        }
    }
}

/* Takes in the status of children that have ended, so that they are gone. */
static void reap_children(struct echo_fork *server, int options)
{
    pid_t child;

    while (server->count > 0 && (child = waitpid(-1, NULL, options)) > 0)
        forget_child(server, child);
}

/* A signal handler is there to end the wait, and the waiting parent looks for itself. */
static void child_has_ended(int signal_number)
{
    (void)signal_number;
}

static const struct options options = {
    .program = "echo_fork",
    .letters = "b:hp:V",
    .usage = "usage: echo_fork [-hV] [-b address] [-p port]\n",
    .help = "Sends back every byte that it gets, with a process for each client.\n"
            "  -b address  listen on this address only (default: all, IPv6 and IPv4)\n"
            "  -p port     listen on this port (default: 23000; 0: any free one)\n"
            "  -h          print this help\n"
            "  -V          print the version\n",
};

int main(int argc, char *argv[])
{
    static struct echo_fork server;
    struct fdset readable;
    int client, ready = 0;

    echo_blocking_start(&server.common, &options, argc, argv);
    (void)signal(SIGCHLD, SIG_DFL); /* ignored, it would have no children to wait for */
    (void)signals_add(&server.common.signals, SIGCHLD, child_has_ended);
    (void)sigdelset(&server.common.signals.while_waiting, SIGALRM); /* the children's */
    while (!signals_stop_requested()) {
        ready = echo_blocking_wait(&server.common, -1, &readable, NULL);
        if (ready == -1)
            break;
        reap_children(&server, WNOHANG);
        if (!fdset_has(&readable, server.common.srvsock))
            continue;
        client = echo_blocking_accept(&server.common);
        if (client != -1)
            start_child(&server, client);
    }
    echo_blocking_end(&server.common);
    for (int i = 0; i < server.count; i++) {
        (void)kill(server.children[i], SIGTERM);
        (void)kill(server.children[i], SIGCONT); /* one that was stopped ends, too */
    }
    reap_children(&server, 0); /* none takes longer than its alarm() lets it */
    return ready == -1 ? EXIT_FAILURE : EXIT_SUCCESS;
}
