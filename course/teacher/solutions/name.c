/*
 * name: answers each line with the line and a name: "Hello" with "Hello Ali".
 *
 * A process for each client: serve() reads as if there were one client in the world, and it
 * may wait for it as long as it likes. The session is about what that costs.
 */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAME      "Ali"
#define LINE_MOST 1024 /* a longer line is answered in pieces */

struct line {
    char bytes[LINE_MOST];
    size_t length;
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int listen_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    if (listener == -1)
        die("socket");
    address.sin_port = htons((in_port_t)port);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1)
        die("bind");
    if (listen(listener, SOMAXCONN) == -1)
        die("listen");
    return listener;
}

static bool send_all(int sock, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(sock, bytes, length, MSG_NOSIGNAL);

        if (sent == -1)
            return false;
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

/* One send for the whole answer: two would be two segments (Nagle, RFC 9293 3.7.4). */
static bool answer(int sock, struct line *line)
{
    static const char end[] = " " NAME "\r\n";
    char text[LINE_MOST + sizeof end];
    size_t length = line->length;

    if (length > 0 && line->bytes[length - 1] == '\r')
        length--;
    memcpy(text, line->bytes, length);
    memcpy(text + length, end, strlen(end));
    line->length = 0;
    return send_all(sock, text, length + strlen(end));
}

/* The line lives from one recv() to the next: its end may be in the next one. */
static void serve(int sock)
{
    struct line line = {.length = 0};
    char bytes[4096];
    ssize_t got;

    while ((got = recv(sock, bytes, sizeof bytes, 0)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            if (bytes[i] != '\n')
                line.bytes[line.length++] = bytes[i];
            if ((bytes[i] == '\n' || line.length == LINE_MOST) && !answer(sock, &line))
                return;
        }
    }
    if (got == 0 && line.length > 0)
        answer(sock, &line); /* the last line has no end, and is answered all the same */
}

int main(int argc, char *argv[])
{
    int listener = listen_on(atoi(argv[argc - 1]));

    signal(SIGCHLD, SIG_IGN); /* no zombies: nobody asks how a child ended (POSIX wait) */
    for (;;) {
        int sock = accept(listener, NULL, NULL);

        if (sock == -1 && errno != ECONNABORTED && errno != EINTR)
            die("accept");
        if (sock != -1 && fork() == 0) {
            close(listener);
            serve(sock);
            exit(0); /* which closes the socket */
        }
        close(sock); /* the child has its own; without this the client would see no end */
    }
}
