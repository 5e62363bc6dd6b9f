/*
 * input: makes lines of clean text out of what telnet or any other client sends.
 *
 * It removes telnet's commands (net/telnet.h), cleans the text (net/text.h), and cuts it
 * into lines (net/line.h). The stream may be cut anywhere.
 *
 *     while (taken < got) {
 *         taken += input_take(&input, bytes + taken, got - taken, &event);
 *         if (event == INPUT_LINE)
 *             puts(input.line.text);
 *     }
 */
#ifndef NET_INPUT_H
#define NET_INPUT_H

#include "net/line.h"
#include "net/telnet.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * An HTTP request is not a line: a web page can make a browser send one to any port, and
 * could talk in a chat room. Answer it with an error, and close the client.
 */
enum input_event {
    INPUT_MORE,         /* all bytes were taken, and the line has not ended */
    INPUT_LINE,         /* line.text is a line, or the last piece of a long one */
    INPUT_PIECE,        /* line.text is a piece of a line of more than LINE_MOST bytes */
    INPUT_HTTP,         /* the first line is an HTTP request */
    INPUT_LEAVE,        /* Ctrl-D at the beginning of a line: the user has finished */
    INPUT_REPLY,        /* the peer asks for a telnet option: send `reply` */
    INPUT_ANSWERED,     /* the peer has refused one: telnet.verb, telnet.option */
    INPUT_ARE_YOU_THERE /* the peer's user asks for a sign of life */
};

/* All zero bytes is the start of a stream. */
struct input {
    struct line line;
    struct telnet telnet;
    struct telnet_reply reply;
    bool has_line; /* the first line has come; set by clients, which get no requests */
    bool is_used;  /* the caller has seen line.text: the next call clears it */
    size_t keep;   /* except for these bytes; see input_keep() */
};

/*
 * Takes bytes until there is an event, or until there are no more. Returns how many, which
 * may be 0 on INPUT_PIECE. The text, a string, is valid until the next call.
 */
size_t input_take(struct input *input, const unsigned char *bytes, size_t length,
                  enum input_event *event);

/*
 * The stream has ended. INPUT_LINE: line.text is a last line without a line end.
 * INPUT_PIECE: a piece; call again. INPUT_MORE: nothing is left.
 */
enum input_event input_finish(struct input *input);

/*
 * Is part of a line waiting for the rest? A question such as "login: " has no line end.
 * input_take_part() makes it line.text, a string, as if a piece had ended there.
 */
bool input_has_part(const struct input *input);
void input_take_part(struct input *input);

/*
 * After INPUT_PIECE: the next piece begins with the first `length` bytes of this one, at
 * most LINE_KEPT (net/line.h).
 */
void input_keep(struct input *input, size_t length);

#endif
