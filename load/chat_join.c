/*
 * chat_join: until everyone is in
 *
 * All clients connect at once, which is what a server's queue of new connections is
 * tried by. A connection that is established on the client's side need not have got into
 * that queue: when it's full, the last step of the handshake is thrown away. The
 * server's system tries again after a second or more; or, if it had answered with a SYN
 * cookie, not until the client sends something. So connecting isn't enough:
 *
 *  - A server that announces newcomers is believed when each client was told of all who
 *    came after it. When no more is heard and some are still missing, those clients that
 *    heard nothing yet send a line, a probe, as a user who gets no greeting would: the
 *    nudged.
 *  - With one that announces nobody, every client sends a probe; who's in is whose probe
 *    has come through to anyone. It's taken for one, too, if all have heard something, some
 *    announcements are missing, and nothing comes for long: what seemed to be
 *    announcements greeted the newcomers.
 */
#include "load/chat_load.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/*
 * How servers announce a newcomer: most say "joined"; ncat says the other, and says it to
 * the newcomer too, as the first that it hears: that one does not count.
 */
static const char *const announcements[] = {"joined", "is connected as"};

enum {
    TICK_MS = 10,
    FIRST_CONNECT_SECONDS = 5, /* for a server that doesn't say when it's ready */
    QUIET_MS = 300,            /* nothing heard for so long: nothing more is coming */
    GREETED_MS = 2000,         /* ... announcements, even of a slow server */
    PROBES_AT_ONCE = 4,        /* so few that a queue of five has room for them */
    PROBE_AGAIN_MS = 1000,
    CONNECTS_A_TURN = 16
};

static const uint32_t PROBE = CHAT_LINE_SEQUENCES - 1; /* its number as a line */

static void join_writable(struct load *load, int index)
{
    struct client *client = &load->clients[index];
    int why = 0;
    socklen_t length = sizeof why;

    if (client->connected)
        return;
    if (getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &why, &length) == -1 || why != 0) {
        failure_note(&load->failure, "client %d cannot connect: %s", index,
                     strerror(why));
        return;
    }
    client->connected = true;
    load->polled[index].events = POLLIN;
    load->joining.connections++;
}

static bool has_words(const char *line, size_t length, const char *words)
{
    const char *end = line + length;
    size_t size = strlen(words);

    while ((line = memchr(line, words[0], (size_t)(end - line))) != NULL) {
        if ((size_t)(end - line) >= size && memcmp(line, words, size) == 0)
            return true;
        line++;
    }
    return false;
}

static bool is_announcement(const char *line, size_t length, bool first)
{
    return has_words(line, length, announcements[0]) ||
           (!first && has_words(line, length, announcements[1]));
}

/* Whether a line without a mark tells of a join or a leave, as far as we know those. */
bool chat_is_notice(const char *line, size_t length)
{
    return has_words(line, length, "joined") || has_words(line, length, "left") ||
           has_words(line, length, "connected"); /* and ncat's "disconnected" */
}

static void join_line(struct load *load, int index, const char *line, size_t length)
{
    const char *mark = chat_line_find(line, length);
    uint32_t sender, sequence;

    if (mark == NULL) {
        load->joining.announcements +=
            is_announcement(line, length, !load->clients[index].heard);
        load->clients[index].heard = true;
        return;
    }
    load->clients[index].heard = true;
    length -= (size_t)(mark - line);
    if (!chat_line_read(&load->line, mark, length, &sender, &sequence) ||
        sequence != PROBE || sender >= (uint32_t)load->options.clients)
        return;
    load->joining.probes++;
    load->joining.known += !load->clients[sender].known;
    load->clients[sender].known = true;
}

static void join_was_read(struct load *load)
{
    load->joining.heard = load->now;
}

static void join_closed(struct load *load, int index)
{
    (void)index;
    failure_note(&load->failure,
                 "the server closed a connection while the clients joined");
}

static const struct phase joining = {join_writable, join_line, join_was_read,
                                     join_closed};

static uint64_t announcements_due(const struct load *load)
{
    uint64_t clients = (uint64_t)load->options.clients;

    return clients * (clients - 1) / 2;
}

/* Whether there's nothing against going on: everyone alive, and in time. */
static bool may_go_on(struct load *load)
{
    struct joining *join = &load->joining;
    double patience = (double)load->options.patience / SECOND;

    if (load->failure.text[0] != '\0')
        return false;
    if (interrupted)
        failure_note(&load->failure, "interrupted");
    else if (!child_running(&load->server))
        failure_note(&load->failure, "the server ended while the clients joined");
    else if (load->now - join->began < load->options.patience)
        return true;
    else if (join->connections < load->options.clients)
        failure_note(&load->failure, "after %.0f s %d of %d clients were connected",
                     patience, join->connections, load->options.clients);
    else
        failure_note(&load->failure,
                     "after %.0f s not everyone was in: %" PRIu64 " of %" PRIu64
                     " announcements came",
                     patience, join->announcements, announcements_due(load));
    return false;
}

/* The first waits for the server to listen, and the time counts from when it does. */
static bool connect_first(struct load *load)
{
    uint64_t deadline = clock_now() + FIRST_CONNECT_SECONDS * (uint64_t)SECOND;
    const struct timespec pause = {.tv_nsec = TICK_MS * MILLISECOND};

    for (;;) {
        load->joining.began = load->now = clock_now();
        if (client_connect(load, 0, true))
            return true;
        int why = errno;
        if (!may_go_on(load))
            return false;
        if (why != ECONNREFUSED || load->now > deadline) {
            failure_note(&load->failure, "cannot connect to port %d: %s", load->port,
                         strerror(why));
            return false;
        }
        child_drain(&load->server);
        (void)nanosleep(&pause, NULL);
    }
}

static bool connect_rest(struct load *load)
{
    for (int i = 1; i < load->options.clients; i++) {
        if (!client_connect(load, i, false)) {
            failure_note(&load->failure, "client %d cannot connect: %s%s", i,
                         strerror(errno),
                         errno == EMFILE ? " (raise the limit with ulimit -n)" : "");
            return false;
        }
        if (i % CONNECTS_A_TURN == 0)
            clients_turn(load, 0);
    }
    return true;
}

static bool is_quiet(const struct load *load, int ms)
{
    return load->now - load->joining.heard > (uint64_t)ms * MILLISECOND;
}

static bool is_announced(const struct load *load)
{
    return load->joining.announcements > 0 && !load->joining.greeted;
}

/* Whether all announcements were made; or, where none is, all probes have come through,
 * and have stopped coming: they are not to be met in the run. */
static bool everyone_in(struct load *load)
{
    struct joining *join = &load->joining;
    uint64_t clients = (uint64_t)load->options.clients;

    if (join->connections < load->options.clients)
        return false;
    if (join->connected == 0)
        join->connected = load->now - join->began;
    if (join->announcements >= announcements_due(load)) {
        join->told = load->now - join->began - join->waited;
        return true;
    }
    return !is_announced(load) && join->known == load->options.clients &&
           (join->probes >= clients * (clients - 1) || is_quiet(load, QUIET_MS));
}

static void send_probe(struct load *load, int index)
{
    struct client *client = &load->clients[index];
    char line[CHAT_LINE_MAX];

    /* If it's not taken it isn't seen to come through, and is sent again. */
    chat_line_write(&load->line, line, (uint32_t)index, PROBE);
    (void)!send(client->fd, line, load->line.length, MSG_NOSIGNAL);
    load->joining.nudged += client->probed == 0;
    client->probed = load->now;
}

/* Keeps a few probes under way, from clients that aren't known to be in. */
static void probe_some(struct load *load)
{
    bool announced = is_announced(load);
    int under_way = 0;

    for (int i = 0; i < load->options.clients && under_way < PROBES_AT_ONCE; i++) {
        const struct client *client = &load->clients[i];
        if (announced ? client->heard : client->known)
            continue;
        if (client->probed == 0 ||
            load->now - client->probed > PROBE_AGAIN_MS * (uint64_t)MILLISECOND)
            send_probe(load, i);
        under_way++;
    }
    if (announced && under_way == 0 && is_quiet(load, GREETED_MS))
        load->joining.greeted = true;
}

bool load_join(struct load *load)
{
    bool probing = false;

    load->phase = &joining;
    if (!connect_first(load) || !connect_rest(load))
        return false;
    load->joining.heard = load->now;
    while (!everyone_in(load)) {
        if (!may_go_on(load))
            return false;
        clients_turn(load, TICK_MS);
        if (!probing && load->joining.connected != 0 && is_quiet(load, QUIET_MS)) {
            load->joining.waited = load->now - load->joining.heard;
            probing = true;
        }
        if (probing)
            probe_some(load);
    }
    return true;
}
