#include "tests/room.h"

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

    send_line(&client, "/nick %s", name);
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

void expect_source_session(struct program *server, struct stream *ann, struct stream *bob)
{
    const char *ann_name = name_of(ann), *bob_name = name_of(bob);

    send_text(bob, "Hello, is anyone there?\r\n");
    expect_line(ann, "[%s] Hello, is anyone there?", bob_name);
    send_text(ann, "Yes, I'm here.\r\n");
    expect_line(bob, "[%s] Yes, I'm here.", ann_name);
    stream_half_close(ann);
    expect_end(ann);
    expect_line(bob, "Client left %s", ann_name);

    expect_lf(&server->out, "Client joined %s", ann_name);
    expect_lf(&server->out, "Client joined %s", bob_name);
    expect_lf(&server->out, "[%s] Hello, is anyone there?", bob_name);
    expect_lf(&server->out, "[%s] Yes, I'm here.", ann_name);
    expect_lf(&server->out, "Client left %s", ann_name);
}

int room_crowd(struct program *server, struct stream *clients, int count)
{
    int served = 0;

    for (int i = 0; i < count; i++) {
        clients[i] = connect_to(server->port);
        stream_drain(&server->out);
    }
    while (served < count && was_served(&clients[served], GREETING))
        served++;
    for (int i = served + 1; i < count; i++)
        ck_assert(!was_served(&clients[i], GREETING));
    return served;
}

void expect_working_crowd(const struct program *server, struct stream *crowd, int served,
                          struct stream *listener)
{
    send_text(&crowd[served - 1], "hello\n");
    skip_to_line(listener, "[%s] hello", name_of(&crowd[served - 1]));
    stream_half_close(&crowd[0]);
    skip_to_line(listener, "Client left %s", name_of(&crowd[0]));
    stream_close(&crowd[0]);
    crowd[0] = connect_to(server->port);
    ck_assert(was_served(&crowd[0], GREETING));
}

void room_resets(struct program *server)
{
    for (int i = 0; i < 300; i++) {
        struct stream reset = connect_to(server->port), joins = connect_to(server->port);

        if (i % 3 == 0)
            send_text(&reset, "hello\nhal");
        if (i % 3 == 1)
            expect_line(&reset, GREETING);
        stream_reset(&reset);
        expect_line(&joins, GREETING);
        stream_close(&joins);
        stream_drain(&server->out);
    }
}
