#include "tests/harness.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

struct mock mock_open(const char *host)
{
    struct sockaddr_storage address;
    socklen_t length = address_of(host, 0, &address);
    struct mock mock = {.listener = socket(address.ss_family, SOCK_STREAM, 0)};

    ck_assert_int_ne(mock.listener, -1);
    ck_assert_int_eq(bind(mock.listener, (struct sockaddr *)&address, length), 0);
    ck_assert_int_eq(listen(mock.listener, 8), 0);
    mock.port = local_port(mock.listener);
    snprintf(mock.name, sizeof mock.name,
             address.ss_family == AF_INET6 ? "[%s]:%d" : "%s:%d", host, mock.port);
    return mock;
}

bool mock_ready(const struct mock *mock, int ms)
{
    return poll(&(struct pollfd){.fd = mock->listener, .events = POLLIN}, 1, ms) == 1;
}

struct stream mock_accept(const struct mock *mock)
{
    ck_assert_msg(mock_ready(mock, DEADLINE_MS), "nobody connects");
    return stream_of(accept(mock->listener, NULL, NULL));
}

void mock_fill_queue(const struct mock *mock)
{
    struct sockaddr_storage address;
    socklen_t length = address_of("127.0.0.1", mock->port, &address);
    struct pollfd client = {.events = POLLOUT};

    /* A client that connects is in the queue; the first that waits found it full. */
    ck_assert_int_eq(listen(mock->listener, 0), 0);
    do {
        client.fd = socket(AF_INET, SOCK_STREAM, 0);
        ck_assert_int_ne(fcntl(client.fd, F_SETFL, O_NONBLOCK), -1);
        (void)connect(client.fd, (struct sockaddr *)&address, length);
    } while (poll(&client, 1, 200) == 1);
}

void mock_close(struct mock *mock)
{
    if (shutdown(mock->listener, SHUT_RD) == -1) /* holds the port, but not on BSD */
        close(mock->listener);
    mock->listener = -1;
}

int unused_port(void)
{
    struct sockaddr_storage address;
    socklen_t length = address_of("127.0.0.1", 0, &address);
    int holder = socket(AF_INET, SOCK_STREAM, 0), port;
    const int on = 1;

    ck_assert(setsockopt(holder, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
    ck_assert_int_eq(bind(holder, (struct sockaddr *)&address, length), 0);
    port = local_port(holder);
#ifndef __linux__
    close(holder); /* elsewhere a server could not bind the port as well */
#endif
    return port;
}
