#include "load/lines.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MARK_LENGTH = 2, /* "~#" */
    CLIENT_DIGITS = 4,
    NUMBER_AT = MARK_LENGTH + CLIENT_DIGITS + 1,
    NUMBER_DIGITS = 8,
    LETTERS_AT = NUMBER_AT + NUMBER_DIGITS + 1,
    RING_LEAST = 8
};

/* What has arrived at a receiver from one sender. */
struct arrivals {
    uint64_t seen; /* bit n: line next - 1 - n has come */
    uint32_t next; /* the line that is expected next */
};

/* A line under way. */
struct flight {
    int64_t sent;
    uint32_t remaining; /* receivers that have neither received nor missed it */
    char *text;
};

struct sender {
    uint32_t oldest, next; /* its lines under way: oldest to next - 1 */
    int64_t progress;
    bool due;
    struct flight *flights; /* [ring] by number */
};

static void write_head(char *line, int client, uint32_t number)
{
    char head[2 * LETTERS_AT];

    snprintf(head, sizeof head, "~#%04d:%08u:", client, (unsigned)number);
    memcpy(line, head, LETTERS_AT);
}

void lines_write(char *line, size_t length, int client, uint32_t number)
{
    uint32_t random = (uint32_t)client * 31 + number;

    write_head(line, client, number);
    for (size_t i = LETTERS_AT; i < length - 1; i++) {
        random = random * 1664525 + 1013904223; /* Numerical Recipes' generator */
        line[i] = (char)('a' + (random >> 16) % 26);
    }
    line[length - 1] = '\n';
}

static uint32_t digits(const char *text, int count)
{
    uint32_t number = 0;

    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return UINT32_MAX;
        number = number * 10 + (uint32_t)(text[i] - '0');
    }
    return number;
}

const char *lines_find(const char *received, size_t length, uint32_t *number)
{
    const char *end = received + length;

    while ((received = memchr(received, '~', (size_t)(end - received))) != NULL) {
        if (end - received >= LETTERS_AT && received[1] == '#') {
            *number = digits(received + NUMBER_AT, NUMBER_DIGITS);
            return received;
        }
        received++;
    }
    return NULL;
}

bool lines_init(struct lines *lines)
{
    size_t senders = (size_t)lines->senders;
    bool enough;

    lines->ring = RING_LEAST;
    while (lines->ring < 2 * (uint32_t)lines->most)
        lines->ring *= 2;
    lines->sender = calloc(senders, sizeof *lines->sender);
    lines->arrivals = calloc((size_t)lines->clients * senders, sizeof *lines->arrivals);
    enough = lines->sender != NULL && lines->arrivals != NULL;
    for (int i = 0; i < lines->senders && enough; i++) {
        struct flight *flights = calloc(lines->ring, sizeof *flights);
        char *text = calloc(lines->ring, lines->length);

        enough = flights != NULL && text != NULL;
        for (uint32_t line = 0; line < lines->ring && enough; line++) {
            flights[line].text = text + line * lines->length;
            lines_write(flights[line].text, lines->length, lines->first + i, line);
        }
        lines->sender[i].flights = flights;
    }
    return enough;
}

static struct sender *sender_of(const struct lines *lines, int client)
{
    return &lines->sender[client - lines->first];
}

static struct flight *flight_of(const struct lines *lines, int client, uint32_t number)
{
    return &sender_of(lines, client)->flights[number & (lines->ring - 1)];
}

int lines_under_way(const struct lines *lines, int client)
{
    return (int)(sender_of(lines, client)->next - sender_of(lines, client)->oldest);
}

int64_t lines_waited(const struct lines *lines, int client)
{
    return lines->run->now - sender_of(lines, client)->progress;
}

const char *lines_next(struct lines *lines, int client, int most, size_t *length)
{
    struct sender *sender = sender_of(lines, client);
    char *text = flight_of(lines, client, sender->next)->text;
    int64_t now = clock_ns();

    for (*length = 0; lines_under_way(lines, client) < most &&
                      sender->next - sender->oldest < lines->ring;) {
        struct flight *flight = flight_of(lines, client, sender->next);

        if (flight->text != text + *length || sender->next == LINES_OTHERS)
            break; /* the ring begins again */
        flight->sent = sender->progress = now;
        flight->remaining = lines->echo ? 1 : (uint32_t)lines->live - 1;
        lines->run->expected += flight->remaining;
        lines->sent++;
        write_head(flight->text, client, sender->next++);
        *length += lines->length;
    }
    return *length > 0 ? text : NULL;
}

int lines_take_due(struct lines *lines)
{
    struct sender *sender;
    int client;

    if (lines->due_count == 0)
        return -1;
    client = lines->due[--lines->due_count];
    sender = sender_of(lines, client);
    sender->due = false;
    while (sender->oldest != sender->next &&
           flight_of(lines, client, sender->oldest)->remaining == 0)
        sender->oldest++;
    return client;
}

/* A receiver has received a line, or will never get it. */
static void line_settled(struct lines *lines, int client, uint32_t number)
{
    struct sender *sender = sender_of(lines, client);

    sender->progress = lines->run->now;
    if (--flight_of(lines, client, number)->remaining == 0 && !sender->due &&
        number == sender->oldest) {
        sender->due = true;
        lines->due[lines->due_count++] = client;
    }
}

static void lines_missed(struct lines *lines, struct arrivals *from, int client,
                         uint32_t until)
{
    uint32_t count = until - from->next;

    lines->run->missed += count;
    from->seen = count < 64 ? from->seen << count : 0;
    while (from->next < until)
        line_settled(lines, client, from->next++);
}

/*
 * A line that came before, or that a later line of its sender has overtaken. Beyond 64
 * lines nobody knows which; then it counts as a missing line, if there is one.
 */
static void line_overtaken(struct lines *lines, struct arrivals *from, uint32_t number)
{
    uint32_t age = from->next - 1 - number;

    if (lines->run->missed == 0 || (age < 64 && (from->seen >> age & 1) != 0)) {
        lines->duplicates++;
        return;
    }
    if (age < 64)
        from->seen |= UINT64_C(1) << age;
    lines->out_of_order++;
    lines->run->missed--;
    lines->run->arrived++;
}

static void line_arrived(struct lines *lines, struct arrivals *from, int client,
                         uint32_t number)
{
    if (number < from->next) {
        line_overtaken(lines, from, number);
        return;
    }
    lines_missed(lines, from, client, number);
    from->next++;
    from->seen = from->seen << 1 | 1;
    run_arrived(lines->run, flight_of(lines, client, number)->sent);
    line_settled(lines, client, number);
}

/*
 * Is it what was sent? A line that the ring has forgotten is not compared: it is so late
 * that it is a fault in any case.
 */
static bool is_whole(const struct lines *lines, const char *line, size_t length,
                     int client, uint32_t number)
{
    uint32_t next;

    if (length == lines->length && line[length - 1] == '\r')
        length--;
    if (length != lines->length - 1 || client < lines->first ||
        client >= lines->first + lines->senders)
        return false;
    next = sender_of(lines, client)->next;
    return number < next &&
           (next - number > lines->ring ||
            memcmp(line, flight_of(lines, client, number)->text, length) == 0);
}

/*
 * Chat servers may say who joins, leaves (ncat: "disconnected") or has a new name, and
 * irc_relay says "--" and how its link is; so does a relay of another room.
 */
static bool is_notice(const char *line)
{
    return strstr(line, "joined") != NULL || strstr(line, "left") != NULL ||
           strstr(line, "connected") != NULL || strstr(line, " is now ") != NULL ||
           strstr(line, " -- ") != NULL;
}

static struct arrivals *arrivals_at(const struct lines *lines, int receiver, int client)
{
    return &lines->arrivals[(size_t)receiver * (size_t)lines->senders +
                            (size_t)(client - lines->first)];
}

void lines_received(struct lines *lines, int receiver, const char *line, size_t length)
{
    uint32_t number;
    const char *mark = lines_find(line, length, &number);
    int client;

    if (mark == NULL) {
        lines->stray += lines->echo || !is_notice(line);
        return;
    }
    length -= (size_t)(mark - line);
    client = (int)digits(mark + MARK_LENGTH, CLIENT_DIGITS);
    if (number >= LINES_OTHERS && number != UINT32_MAX)
        return;
    if (!is_whole(lines, mark, length, client, number) || (lines->echo && mark != line))
        lines->damaged++;
    else if ((receiver == client) == lines->echo)
        line_arrived(lines, arrivals_at(lines, receiver, client), client, number);
    else if (lines->echo)
        lines->stray++; /* but a chat server may send a line to its sender too */
}

void lines_give_up(struct lines *lines, int receiver)
{
    for (int client = lines->first; client < lines->first + lines->senders; client++)
        if ((receiver == client) == lines->echo)
            lines_missed(lines, arrivals_at(lines, receiver, client), client,
                         sender_of(lines, client)->next);
}
