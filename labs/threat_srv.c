/*
 * threat_srv: tells the time and the national threat level, to many clients at a time.
 *
 *     threat_srv [-v] [-b address] [-f file | -u url [-c seconds]] [-p port] [-t seconds]
 *
 * Each line is a command: getTime, getThreat, help, disconnect (or nothing, which is the
 * same). The level comes from a file, which is read for each answer, or from a document on
 * the web. Fetching that can take seconds, and no other client may wait for it:
 *
 *  1. The client that asks is put on hold. No handler is called for it, so its next
 *     command is answered after this one.
 *  2. The document is fetched in the same loop that serves the clients (http/fetch.h).
 *     Others that ask meanwhile are put on hold too; nothing is fetched twice.
 *  3. fetched() tells everyone who waits, and resumes them.
 *
 * A level that cannot be found is "unknown", with the reason. An old level is never passed
 * off as a new one.
 */
#include "base/clock.h"
#include "http/fetch.h"
#include "loop/stream_server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FAILED_MS         1000 /* how long a failure is remembered */
#define FETCH_DESCRIPTORS 2    /* for a fetch; clients may not use them up */
#define IDLE_S            60
#define CACHE_S           60
#define COMMANDS          "getTime, getThreat, disconnect, help"
#define MS_PER_S          1000
#define WORD_MOST         15 /* bytes, as in %15s; levels and commands have fewer */

static const char *const levels[] = {"Low", "Guarded", "Elevated", "High", "Severe"};

struct threat_server {
    struct stream_server loop;
    const char *file; /* where to read the level, or NULL */
    struct url url;   /* where to fetch it; without a host: nowhere */
    struct fetch fetch;
    const char *level;   /* the last one fetched; NULL: none, and `why` says why */
    const char *why;     /* static, or in `fetch` */
    int64_t fresh_until; /* ms; until then the last answer is given again */
    int64_t cache_ms;
    bool waits[FD_SETSIZE]; /* for the level; clients by descriptor */
};

/* ---- The level ---------------------------------------------------------------------- */

/* The level that a text is, with nothing but space around it; or NULL. */
static const char *find_level(const char *text)
{
    char word[WORD_MOST + 1], more;

    if (sscanf(text, "%15s %c", word, &more) == 1)
        for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
            if (strcasecmp(word, levels[i]) == 0)
                return levels[i];
    return NULL;
}

/* Reads the level from a file. Returns NULL, and the reason in *why, if there is none. */
static const char *read_level(const char *name, const char **why)
{
    /* O_NONBLOCK: opening a FIFO would wait for its writer, and all clients with it. */
    int file = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    char text[256] = "";
    struct stat about;
    ssize_t got = 0;
    size_t length = 0;

    if (file == -1) {
        *why = strerror(errno);
        return NULL;
    }
    if (fstat(file, &about) == 0 && !S_ISREG(about.st_mode)) {
        *why = "the file is not a regular file";
    } else {
        do { /* read() may return less than there is */
            got = read(file, text + length, sizeof text - 1 - length);
            length += got > 0 ? (size_t)got : 0;
        } while (got > 0);
        *why = got == -1 ? strerror(errno) : "there is no level in the file";
    }
    close(file);
    return got != -1 ? find_level(text) : NULL;
}

/* Finds CONDITION="ELEVATED" in a document, as the agency's feed had it. NULL: none. */
static const char *find_condition(const char *document)
{
    static const char before[] = "CONDITION=\"";
    const char *found = strstr(document, before);
    char level[WORD_MOST + 1], after;

    if (found == NULL ||
        sscanf(found + strlen(before), "%15[^\"]%c", level, &after) != 2 || after != '"')
        return NULL;
    return find_level(level);
}

static void tell_level(struct stream *stream, const char *level, const char *why)
{
    if (level != NULL)
        stream_print(stream, "%s\r\n", level);
    else
        stream_print(stream, "unknown: %s\r\n", why);
}

/* The document is here, or the fetch has failed: everyone who waits is told. */
static void fetched(struct fetch *fetch)
{
    struct threat_server *server = fetch->server->state;
    int64_t fresh_ms = server->cache_ms;

    server->level = fetch->why == NULL ? find_condition(fetch->text) : NULL;
    server->why = fetch->why != NULL ? fetch->why : "there is no level in the document";
    /* A failure is remembered too, though not for long. Otherwise a hundred clients that
       ask for a missing document would cause a hundred fetches. */
    if (server->level == NULL && fresh_ms > FAILED_MS)
        fresh_ms = FAILED_MS;
    server->fresh_until = server->loop.now + fresh_ms;
    for (int sock = 0; sock < FD_SETSIZE; sock++) {
        struct stream *stream = &server->loop.streams[sock];

        if (!server->waits[sock])
            continue;
        server->waits[sock] = false;
        tell_level(stream, server->level, server->why);
        stream_resume(stream); /* what it has sent meanwhile is answered now */
    }
}

static void answer_threat(struct threat_server *server, struct stream *stream)
{
    const char *level, *why = "the server was given neither a file nor a URL to look in";

    if (*server->url.host == '\0') {
        level = server->file != NULL ? read_level(server->file, &why) : NULL;
        tell_level(stream, level, why);
        return;
    }
    if (server->loop.now < server->fresh_until) {
        tell_level(stream, server->level, server->why);
        return;
    }
    /* The handler may not wait for the document, and the client's next command may not
       overtake this one. So the client is held until fetched() has answered it. */
    stream_hold(stream);
    server->waits[stream->sock] = true;
    fetch_start(&server->fetch, &server->loop, &server->url, fetched);
}

/* ---- The clients -------------------------------------------------------------------- */

static void refuse(struct stream *stream)
{
    stream_print(stream, "No such command: there are " COMMANDS "\r\n");
}

/* An empty line is a goodbye, as "disconnect" is. */
static void answer(struct stream *stream, const char *command)
{
    char stamp[CLOCK_STAMP_BYTES], word[WORD_MOST + 1], more;
    int words = sscanf(command, "%15s %c", word, &more);

    if (words == 2) /* or more than two */
        refuse(stream);
    else if (words != 1 || strcasecmp(word, "disconnect") == 0)
        stream_close(stream);
    else if (strcasecmp(word, "getTime") == 0)
        stream_print(stream, "%s\r\n", clock_stamp(time(NULL), stamp));
    else if (strcasecmp(word, "getThreat") == 0)
        answer_threat(stream->server->state, stream);
    else if (strcasecmp(word, "help") == 0)
        stream_print(stream, "The commands are " COMMANDS "\r\n");
    else
        refuse(stream);
}

static void take_line(struct stream *stream, const char *text, bool is_last)
{
    if (is_last) {
        answer(stream, text);
        return;
    }
    refuse(stream); /* this is a piece of a long line, and no command is that long */
    stream_close(stream);
}

/* The handler for a client that was silent for idle_ms. Others may need its place. */
static void say_goodbye(struct stream *stream)
{
    stream_print(stream, "No command for %.9g seconds: goodbye\r\n",
                 (double)stream->server->idle_ms / MS_PER_S);
    stream_close(stream);
}

/* The handler for a client that is gone. The next one may get the same descriptor. */
static void forget(struct stream *stream, int error)
{
    struct threat_server *server = stream->server->state;

    (void)error;
    server->waits[stream->sock] = false;
}

/* ---- The program -------------------------------------------------------------------- */

static const struct options options = {
    .program = "threat_srv",
    .letters = "b:c:f:hp:t:u:vV",
    .usage = "usage: threat_srv [-hvV] [-b address] [-f file | -u url [-c seconds]]\n"
             "                  [-p port] [-t seconds]\n",
    .help = "Tells the time and the threat level. Each line is a command: getTime,\n"
            "getThreat, disconnect or help. An empty line is the same as disconnect.\n"
            "  -b address  listen on this address only (default: all, IPv6 and IPv4)\n"
            "  -c seconds  with -u: fetch the level again only after this long\n"
            "              (default: 60)\n"
            "  -f file     read the level from a file: Low, Guarded, Elevated, High or\n"
            "              Severe\n"
            "  -p port     listen on this port (default: 9055; 0: any free one)\n"
            "  -t seconds  drop a client that is silent for this long\n"
            "              (default: 60; 0: never)\n"
            "  -u url      fetch the level from a document that has\n"
            "              CONDITION=\"ELEVATED\" in it\n"
            "  -v          print a line for each connection opened or closed\n"
            "  -h          print this help\n"
            "  -V          print the version\n",
};

int main(int argc, char *argv[])
{
    static struct threat_server server = {.loop = {.program = "threat_srv",
                                                   .where.port = 9055,
                                                   .reserve = FETCH_DESCRIPTORS,
                                                   .idle_ms = IDLE_S * MS_PER_S,
                                                   .state = &server,
                                                   .handlers = {.line = take_line,
                                                                .timed_out = say_goodbye,
                                                                .closed = forget}},
                                          .cache_ms = CACHE_S * MS_PER_S};
    const char *url = NULL, *why;
    bool has_cache = false;
    int letter, result;

    while ((letter = options_next_of_server(&options, argc, argv, &server.loop.where)) !=
           -1) {
        switch (letter) {
        case 'c':
            server.cache_ms = options_milliseconds(&options, letter);
            has_cache = true;
            break;
        case 'f': server.file = optarg; break;
        case 't': server.loop.idle_ms = options_milliseconds(&options, letter); break;
        case 'u': url = optarg; break;
        }
    }
    options_end(&options, argc, argv);
    if (server.file != NULL && url != NULL)
        options_wrong(&options, "-f and -u cannot be used together");
    if (has_cache && url == NULL)
        options_wrong(&options, "-c needs -u");
    if (url != NULL && url_parse(&server.url, url, &why) == -1)
        options_wrong(&options, "'%s' is not a URL: %s", url, why);
    result = stream_server_run(&server.loop);
    fetch_stop(&server.fetch);
    return result;
}
