/*
 * chat: a room. What one client says, all the others read.
 *
 *     cc -Wall -Wextra -o mine/chat mine/chat.c && mine/chat 4000
 *     make grade LAB=chat
 *
 * It is an echo server with select(): one loop, many clients, and each gets back what it has
 * said. That is the wrong way round for a room.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

struct room {
    int listener;
    fd_set everyone; /* the listening socket and all clients */
    int highest;     /* the highest descriptor in that set */
    /* What else must the room know of each client, from one turn to the next? */
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void room_open(struct room *room, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int on = 1;

    room->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (room->listener == -1)
        die("socket");
    address.sin_port = htons((in_port_t)port);
    setsockopt(room->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(room->listener, (struct sockaddr *)&address, sizeof address) == -1)
        die("bind");
    if (listen(room->listener, SOMAXCONN) == -1)
        die("listen");
    FD_ZERO(&room->everyone);
    FD_SET(room->listener, &room->everyone);
    room->highest = room->listener;
}

static void take_in(struct room *room)
{
    int sock = accept(room->listener, NULL, NULL); /* where does it come from? */

    if (sock == -1)
        return;
    FD_SET(sock, &room->everyone); /* is there space for every descriptor? */
    if (sock > room->highest)
        room->highest = sock;
    /* Who should be told, and who should not? */
}

static void let_go(struct room *room, int sock)
{
    FD_CLR(sock, &room->everyone);
    close(sock);
}

static void listen_to(struct room *room, int sock)
{
    char bytes[1024];
    ssize_t got = recv(sock, bytes, sizeof bytes, 0);

    if (got <= 0)
        let_go(room, sock);
    else
        send(sock, bytes, (size_t)got, 0); /* is this a line? to whom does it go? */
}

int main(int argc, char *argv[])
{
    static struct room room;

    signal(SIGPIPE, SIG_IGN); /* what would it do, and when does it come? */
    room_open(&room, atoi(argv[argc - 1]));
    for (;;) {
        fd_set ready = room.everyone; /* why a copy? */

        if (select(room.highest + 1, &ready, NULL, NULL, NULL) == -1)
            die("select");
        for (int sock = 0; sock <= room.highest; sock++) {
            if (!FD_ISSET(sock, &ready))
                continue;
            if (sock == room.listener)
                take_in(&room);
            else
                listen_to(&room, sock);
        }
    }
}
