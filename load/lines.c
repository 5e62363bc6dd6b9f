#include "load/lines.h"

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
    uint32_t next; /* the line that is expected now */
};

/* A line under way. */
struct flight {
    int64_t sent;
    uint32_t remaining; /* receivers that have neither had nor missed it */
    char *text;
};

struct sender {
    uint32_t oldest, next; /* its lines under way: oldest to next - 1 */
    int64_t progress;
    bool due;
    struct flight *flights; /* [ring] by number */
};

bool lines_init(struct lines *lines)
{
    size_t senders = (size_t)lines->senders;
    uint32_t random = 1;
    bool enough;

    for (int i = 0; i < LINES_PERIOD + LINES_MAX; i++) {
        random = random * 1664525 + 1013904223; /* Numerical Recipes' generator */
        lines->letters[i] = i < LINES_PERIOD ? (char)('a' + (random >> 16) % 26)
                                             : lines->letters[i - LINES_PERIOD];
    }
    lines->ring = RING_LEAST;
    while (lines->ring < 2 * (uint32_t)lines->most)
        lines->ring *= 2;
    lines->sender = calloc(senders, sizeof *lines->sender);
    lines->arrivals = calloc((size_t)lines->clients * senders, sizeof *lines->arrivals);
    enough = lines->sender != NULL && lines->arrivals != NULL;
    for (size_t i = 0; i < senders && enough; i++) {
        struct flight *flights = calloc(lines->ring, sizeof *flights);
        char *texts = calloc(lines->ring, lines->length);

        enough = flights != NULL && texts != NULL;
        for (uint32_t line = 0; line < lines->ring && enough; line++)
            flights[line].text = texts + line * lines->length;
        lines->sender[i].flights = flights;
    }
    return enough;
}

/* ---- Text --------------------------------------------------------------------------- */

void lines_write(const struct lines *lines, char *line, int client, uint32_t number)
{
    uint32_t letter = ((uint32_t)client * 31 + number) % LINES_PERIOD;
    char head[2 * LETTERS_AT];

    snprintf(head, sizeof head, "~#%04d:%08u:", client, (unsigned)number);
    memcpy(line, head, LETTERS_AT);
    memcpy(line + LETTERS_AT, lines->letters + letter, lines->length - LETTERS_AT - 1);
    line[lines->length - 1] = '\n';
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

/* ---- Lines under way ---------------------------------------------------------------- */

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

int64_t lines_progress(const struct lines *lines, int client)
{
    return sender_of(lines, client)->progress;
}

const char *lines_next(struct lines *lines, int client, int most, int receivers,
                       int64_t now, size_t *length)
{
    struct sender *sender = sender_of(lines, client);
    char *text = flight_of(lines, client, sender->next)->text;

    for (*length = 0; lines_under_way(lines, client) < most &&
                      sender->next - sender->oldest < lines->ring;) {
        struct flight *flight = flight_of(lines, client, sender->next);

        if (flight->text != text + *length || sender->next == LINES_OTHERS)
            break; /* the ring begins again */
        flight->sent = sender->progress = now;
        flight->remaining = (uint32_t)receivers;
        lines->run->expected += flight->remaining;
        lines->sent++;
        lines_write(lines, flight->text, client, sender->next++);
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

/* A receiver has had a line, or will not get it. */
static void line_settled(struct lines *lines, int client, uint32_t number, int64_t now)
{
    struct sender *sender = sender_of(lines, client);

    sender->progress = now;
    if (--flight_of(lines, client, number)->remaining == 0 && !sender->due &&
        number == sender->oldest) {
        sender->due = true;
        lines->due[lines->due_count++] = client;
    }
}

static void lines_missed(struct lines *lines, struct arrivals *from, int client,
                         uint32_t until, int64_t now)
{
    uint32_t count = until - from->next;

    lines->run->missed += count;
    from->seen = count < 64 ? from->seen << count : 0;
    while (from->next < until)
        line_settled(lines, client, from->next++, now);
}

/* A line that came before, or that a later one of its sender has overtaken. Which of the
 * two is not known beyond 64 lines; then it is taken for one that is missing, if any is. */
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
                         uint32_t number, int64_t now)
{
    if (number < from->next) {
        line_overtaken(lines, from, number);
        return;
    }
    lines_missed(lines, from, client, number, now);
    from->next++;
    from->seen = from->seen << 1 | 1;
    run_arrived(lines->run, flight_of(lines, client, number)->sent, now);
    line_settled(lines, client, number, now);
}

/* Is it what was sent? A line that the ring has forgotten is not compared: it comes so late
 * that it is a fault in any case. */
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

/* Chat servers may say who joins and leaves (ncat: "disconnected"). */
static bool is_notice(const char *line)
{
    return strstr(line, "joined") != NULL || strstr(line, "left") != NULL ||
           strstr(line, "connected") != NULL;
}

static struct arrivals *arrivals_at(const struct lines *lines, int receiver, int client)
{
    return &lines->arrivals[(size_t)receiver * (size_t)lines->senders +
                            (size_t)(client - lines->first)];
}

void lines_received(struct lines *lines, int receiver, const char *line, size_t length,
                    int64_t now)
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
        line_arrived(lines, arrivals_at(lines, receiver, client), client, number, now);
    else if (lines->echo)
        lines->stray++; /* but a chat server may send a line to its sender too */
}

void lines_give_up(struct lines *lines, int receiver, int64_t now)
{
    for (int client = lines->first; client < lines->first + lines->senders; client++)
        if ((receiver == client) == lines->echo)
            lines_missed(lines, arrivals_at(lines, receiver, client), client,
                         sender_of(lines, client)->next, now);
}
