/*
 * pchatsrv.h: the chat server's state, and what its commands (chat_commands.c) use of it.
 */
#ifndef PCHATSRV_H
#define PCHATSRV_H

#include "net/address.h"
#include "net/line.h"
#include "net/listener.h"
#include "net/telnet.h"
#include "net/transcript.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/select.h>

#define NAME_MOST                                                                        \
    ADDRESS_MOST /* bytes of a client's name: its address, or a short nick */
#define NOBODY TRANSCRIPT_NOBODY

/* What one recv() gets at the most: nobody who floods has more than this a turn. */
#define INBOX_BYTES 8192

/*
 * The ring that all dialog goes through, and how its room is shared out. Input is taken
 * only while the longest answer to it fits (a /who in a full room), and never out of what
 * is kept for the room's comings and goings: every client may yet leave, and a whole room
 * full may join while the rest waits for a slow reader.
 */
#define TRANSCRIPT_BYTES ((size_t)1 << 20)
#define ROOM_TO_LEAVE    ((size_t)FD_SETSIZE * (NAME_MOST + 32) + 1024)
#define ROOM_TO_JOIN     ((size_t)FD_SETSIZE * (NAME_MOST + 64))
#define ROOM_TO_ANSWER   ((size_t)FD_SETSIZE * (NAME_MOST + 2) + LINE_MOST)

#define ROOM_FOR_INPUT    (ROOM_TO_LEAVE + ROOM_TO_JOIN + ROOM_TO_ANSWER)
#define ROOM_FOR_NEWCOMER (ROOM_TO_LEAVE + NAME_MOST + 64)

/* A pause for slow readers ends when this much more than a line's room is free again. */
#define ROOM_TO_GO_ON ((size_t)32 * 1024)

#define PATIENCE_MS    2000 /* with a slow reader, with a leaving one, at the server's end */
#define ACCEPT_REST_MS 100 /* when a newcomer can be neither taken nor turned away */
#define ACCEPTS_A_TURN 64

/* What the kernel may hold for a client; taken over by accepted sockets from srvsock. */
#define SEND_BUFFER_BYTES 65536

/* More is waited for in a room of so many descriptors, so often, for so long at a time. */
#define GATHER_FROM  64
#define GATHER_LOOKS 10
#define GATHER_NS    50000

/* What a line that came in pieces turned out to be by its first. */
enum line_kind { NEW_LINE, SPEECH, COMMAND, IGNORED };

struct client {
    char name[NAME_MOST];
    struct transcript_cursor cursor;
    int64_t refused_since; /* its socket has taken nothing since then (ms); 0: it takes */
    bool deaf;             /* sending failed; recv() will tell when all it said is read */
    bool leaving;          /* it gets what lies before leaves_at, until leaves_by (ms) */
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

    struct { /* what a client sent and the transcript had no room for yet */
        int from;
        size_t taken, length;
        unsigned char bytes[INBOX_BYTES];
    } inbox;
    int next_to_read; /* the client whose turn it is, so that all have one */

    int looks; /* that were taken for more to send, see more_is_coming() */

    bool waiting; /* for slow readers: until the transcript begins at `goal` */
    int64_t waiting_since;
    uint64_t goal;

    struct listener_spare spare;
    int64_t accept_from; /* ms; newcomers are left alone until then */
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
 * Tells the others that a client is gone, with the reason in brackets unless that is
 * empty. The client is closed when it has got what was said until now.
 */
void client_leaves(struct chat_server *server, int sock, const char *reason);

/* Ends a connection, without a word to the others. */
void close_client(struct chat_server *server, int sock);

/* ---- How it is read (chat_readers.c) ------------------------------------------------ */

/* Does `sock` read the transcript? A client does, and standard output while it is open. */
bool is_reader(const struct chat_server *server, int sock);

/* Is there room for so many bytes? What everyone has read is given up only when needed. */
bool has_room(struct chat_server *server, size_t bytes);

/* There is none: from now on nothing is read until the slowest readers have caught up. */
void wait_for_readers(struct chat_server *server);

/*
 * Sends everyone what lies before them, in one send, but for those who are known to
 * refuse and whose socket is not in `writable`. Closes those who have now got all that
 * they were to get before they leave.
 */
void send_to_all(struct chat_server *server, const fd_set *writable);

/*
 * Ends the wait when the slowest have made room. Whoever stands in the way and had taken
 * nothing for two seconds when the room ran out is given up at once, whoever still
 * stands in the way after two seconds of waiting then: taking a byte now and then is not
 * enough.
 */
void mind_slow_readers(struct chat_server *server);

/* ---- What begins with a slash (chat_commands.c) ------------------------------------- */

/*
 * Obeys a line that begins with a slash (chat_commands.c). Returns how many bytes at its
 * beginning, the command's own words, stand before each further piece of a long line too;
 * 0 if the rest of such a line means nothing.
 */
size_t chat_command(struct chat_server *server, int sock, const char *line);

#endif
