/*
 * pchatsrv.h: the chat server's state, and what its three files use of each other.
 */
#ifndef CHAT_PCHATSRV_H
#define CHAT_PCHATSRV_H

#include "chat/transcript.h"
#include "net/address.h"
#include "net/line.h"
#include "net/listener.h"
#include "net/telnet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/select.h>

/* Bytes of a client's name, which is its address or a short nick. */
#define NAME_MOST ADDRESS_MOST
#define NOBODY    TRANSCRIPT_NOBODY

/*
 * A client's share of a turn, so that nobody who floods starves the others: what it is
 * read, and what that may come to in the transcript before the next client's turn.
 */
#define INPUT_BYTES 8192
#define SHARE_BYTES 16384

/*
 * The ring that all dialog goes through, and how its space is shared out. Input is taken
 * only while the longest answer to it fits (a /who in a full room, or a line in its
 * pieces), and never out of what is kept for comings and goings: every client may yet
 * leave, and a whole room full may join while the rest waits for a slow reader. Each share
 * has some to spare for the words around a name.
 */
#define TRANSCRIPT_BYTES ((size_t)1 << 20)
#define SPACE_TO_LEAVE   ((size_t)FD_SETSIZE * (NAME_MOST + 48) + 1024)
#define SPACE_TO_JOIN    ((size_t)FD_SETSIZE * (NAME_MOST + 64))
#define SPACE_TO_ANSWER  ((size_t)FD_SETSIZE * (NAME_MOST + 8) + 2 * LINE_MOST)

#define SPACE_FOR_INPUT    (SPACE_TO_LEAVE + SPACE_TO_JOIN + SPACE_TO_ANSWER)
#define SPACE_FOR_NEWCOMER (SPACE_TO_LEAVE + NAME_MOST + 64)

/*
 * A wait for slow readers ends when so much more is free: at 16 KiB a second a reader is
 * slow, but it reads. Waiting for less would stop and start the room at every line.
 */
#define SPACE_TO_GO_ON ((size_t)32 * 1024)

_Static_assert(SPACE_FOR_INPUT + SPACE_TO_GO_ON <= TRANSCRIPT_BYTES / 2,
               "half of the transcript is for dialog");

/* The most that anyone waits: the room for a slow reader, the end for the last of all. */
#define PATIENCE_MS 2000

/* What the kernel may hold for a client; accepted sockets take it over from srvsock. */
#define SEND_BUFFER_BYTES 65536

/*
 * When several talk at once in a large room the sends are put off while more comes (see
 * gather_more()), which nearly doubles what it delivers: from 64 descriptors on, where a
 * round of sends takes a multiple of the 50 us of a look, and for ten looks, half a
 * millisecond, at the most.
 */
#define GATHER_FROM  64
#define GATHER_LOOKS 10
#define GATHER_NS    50000

/* What a line that came in pieces turned out to be by its first. */
enum line_kind { NEW_LINE, SPEECH, COMMAND, IGNORED };

struct client {
    char name[NAME_MOST];
    struct transcript_cursor cursor;
    int64_t refused_since; /* its socket has taken nothing since then (ms); 0: it takes */
    int send_error; /* errno of a send that failed; recv() ends when all it said is read */
    bool leaving;   /* it gets what lies before leaves_at, until leaves_by (ms) */
    uint64_t leaves_at;
    int64_t leaves_by;
    struct telnet telnet;
    enum line_kind kind;
    struct line line;
};

struct chat_server {
    int port;
    int srvsock;        /* the listening socket; -1 once the server is stopping */
    fd_set descriptors; /* srvsock and every client: the set that select() reads from */
    int highest;        /* of them */

    struct client clients[FD_SETSIZE]; /* by descriptor; standard output's is its log's */
    struct transcript transcript;
    bool log_open; /* standard output still takes the dialog */

    int next_to_read; /* the client whose turn it is, so that all have one */

    int gathering; /* turns in a row whose sending was put off, see gather_more() */

    bool waiting; /* for slow readers, until the transcript begins at resume_at */
    int64_t waiting_since;
    uint64_t resume_at;

    struct listener_spare spare;
    int64_t accept_from; /* ms; accept() is not called before */
    int64_t stop_by;     /* ms; the end of a stopping server's patience */
    int64_t now;         /* ms; the time of this turn */
};

/* ---- Who is there, and what is said (pchatsrv.c) ------------------------------------ */

/* Is `sock` a client? And is it one that has not said goodbye? */
bool is_client(const struct chat_server *server, int sock);
bool is_present(const struct chat_server *server, int sock);

/* Sends a line to every client but `omit_sock` (NOBODY: to all), and to the log. */
void broadcast_string(struct chat_server *server, const char *str, int omit_sock);

/* Sends a line to one client alone. */
void tell(struct chat_server *server, int sock, const char *str);

/*
 * Tells the others that a client is gone, and why: nothing, or what is to stand behind its
 * name, " (too slow)" for one. It is closed when it has got what was said until now.
 */
void client_leaves(struct chat_server *server, int sock, const char *why);

/* Ends a connection, without a word to the others. */
void close_client(struct chat_server *server, int sock);

/* ---- How it is read (chat_readers.c) ------------------------------------------------ */

/* Does `sock` read the transcript? A client does, and standard output while it is open. */
bool is_reader(const struct chat_server *server, int sock);

/* Is there space for so many bytes? What everyone has read is given up only when needed. */
bool has_space(struct chat_server *server, size_t bytes);

/* There is none: from now on nothing is read until the slowest readers have caught up. */
void wait_for_slow_readers(struct chat_server *server);

/*
 * Sends everyone what lies before them, in one send, but for those who are known to
 * refuse and whose socket is not in `writable`. Closes those who have now got all that
 * they were to get before they leave.
 */
void send_to_all(struct chat_server *server, const fd_set *writable);

/*
 * Ends the wait when the slowest have made space. Whoever stands in the way and had taken
 * nothing for two seconds when space ran out is given up at once, whoever still stands in
 * the way after two seconds of waiting then: taking a byte now and then is not enough. One
 * who always makes space in time stays, and the room goes at that pace.
 */
void close_slow_readers(struct chat_server *server);

/* ---- What begins with a slash (chat_commands.c) ------------------------------------- */

/*
 * Obeys a line that begins with a slash. Returns how many bytes at its beginning, the
 * command's own words, stand before each further piece of a long line too; 0 if the rest
 * of such a line means nothing.
 */
size_t chat_command(struct chat_server *server, int sock, const char *line);

#endif
