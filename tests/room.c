#include "tests/room.h"

struct program room_open(void)
{
    struct program server;

    program_start(&server, "PCHATSRV", "bin/pchatsrv", "-p", "0", NULL);
    program_read_port(&server, "ChatServer started on port ");
    return server;
}

struct stream room_join(const struct program *server)
{
    struct stream client = connect_to(server->port);

    expect_line(&client, GREETING);
    return client;
}

void room_fill(const struct program *server, struct stream *clients, int count)
{
    for (int i = 0; i < count; i++) {
        clients[i] = room_join(server);
        for (int earlier = 0; earlier < i; earlier++)
            expect_line(&clients[earlier], "Client joined %s", name_of(&clients[i]));
    }
}
