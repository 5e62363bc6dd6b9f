#include "scene/ports.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOWEST_PORT     10000
#define BLOCKS_LEAST    20    /* for graders side by side */
#define EPHEMERAL_FIRST 32768 /* where the system does not say, or leaves too few */

/* Linux has a file with the first port that clients get (ip(7)). */
static int ephemeral_first(void)
{
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");
    int first = EPHEMERAL_FIRST;

    if (file != NULL) {
        if (fscanf(file, "%d", &first) != 1 ||
            first < LOWEST_PORT + (BLOCKS_LEAST + 1) * PORTS_BLOCK)
            first = EPHEMERAL_FIRST;
        fclose(file);
    }
    return first;
}

/*
 * A socket bound to the port on all addresses, or -1. Without SO_REUSEADDR, because a server
 * that does not set it cannot use a port in TIME-WAIT.
 */
static int hold(int port, int type)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((in_port_t)port)};
    int sock = socket(AF_INET, type, 0);

    if (sock == -1)
        return -1;
    fcntl(sock, F_SETFD, FD_CLOEXEC);
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    if (bind(sock, (struct sockaddr *)&address, sizeof address) == 0)
        return sock;
    close(sock);
    return -1;
}

int ports_open(struct ports *ports)
{
    int end = ephemeral_first() - PORTS_BLOCK, blocks = (end - LOWEST_PORT) / PORTS_BLOCK;

    for (int i = 0; i < blocks; i++) {
        int block = (int)((getpid() + i) % blocks);

        ports->first = LOWEST_PORT + block * PORTS_BLOCK;
        ports->next = 0;
        ports->lock = hold(ports->first, SOCK_STREAM);
        if (ports->lock != -1)
            return 0;
    }
    return -1;
}

void ports_close(struct ports *ports)
{
    close(ports->lock);
}

int ports_next(struct ports *ports, int type)
{
    for (int i = 1; i < PORTS_BLOCK; i++) {
        int port = ports->first + 1 + ports->next++ % (PORTS_BLOCK - 1);
        int sock = hold(port, type);

        if (sock != -1) {
            close(sock);
            return port;
        }
    }
    return -1;
}
