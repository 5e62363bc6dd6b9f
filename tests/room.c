#include "tests/room.h"

#include <stdio.h>

struct program room_open(void)
{
    return program_serve(PCHATSRV, FIRST_LINE, NULL);
}

struct program room_open_by(const char *script)
{
    return program_serve_by(script, PCHATSRV, FIRST_LINE, NULL);
}

struct stream room_join(const struct program *server)
{
    struct stream client = connect_to(server->port);

    expect_line(&client, GREETING);
    return client;
}

struct stream named(const struct program *server, const char *name)
{
    struct stream client = room_join(server);
    char command[64];

    snprintf(command, sizeof command, "/nick %s\n", name);
    send_text(&client, command);
    (void)skip_to_line(&client, "Client %s is now %s", name_of(&client), name);
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
