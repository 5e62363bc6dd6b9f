#include "net/input.h"

#include <string.h>

/* "POST /path HTTP/1.1" (RFC 9112 3). Of a long line this is only the first piece. */
static bool is_http(const char *line, bool is_whole)
{
    size_t method = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    const char *last = strrchr(line, ' ');

    if (method == 0 || line[method] != ' ')
        return false;
    if (!is_whole)
        return line[method + 1] == '/';
    return last > line + method + 1 && strncmp(last, " HTTP/", 6) == 0;
}

static void clear_used(struct input *input)
{
    if (input->is_used)
        line_clear(&input->line, input->keep);
    input->is_used = false;
    input->keep = 0;
}

static enum input_event event_of(struct input *input, enum line_event event)
{
    static const enum input_event events[] = {[LINE_OPEN] = INPUT_MORE,
                                              [LINE_ENDED] = INPUT_LINE,
                                              [LINE_FULL] = INPUT_PIECE,
                                              [LINE_LEAVE] = INPUT_LEAVE};
    bool is_first = !input->has_line;

    input->is_used = event == LINE_ENDED || event == LINE_FULL;
    input->has_line |= input->is_used;
    if (is_first && input->is_used && is_http(input->line.text, event == LINE_ENDED))
        return INPUT_HTTP;
    return events[event];
}

static size_t take_text(struct input *input, const unsigned char *bytes, size_t length,
                        enum input_event *event)
{
    enum line_event line_event;
    size_t taken = line_take(&input->line, bytes, length, &line_event);

    *event = event_of(input, line_event);
    return taken;
}

/* Takes a byte that may belong to a telnet command. 0: it does not fit the line. */
static size_t take_byte(struct input *input, const unsigned char *byte,
                        enum input_event *event)
{
    struct telnet before = input->telnet;

    switch (telnet_take(&input->telnet, *byte, &input->reply)) {
    case TELNET_DATA:
        if (take_text(input, byte, 1, event) == 1)
            return 1;
        input->telnet = before; /* the byte will be taken again after the piece */
        return 0;
    case TELNET_REFUSE: *event = INPUT_REPLY; break;
    case TELNET_ANSWERED: *event = INPUT_ANSWERED; break;
    case TELNET_ARE_YOU_THERE: *event = INPUT_ARE_YOU_THERE; break;
    case TELNET_NOTHING: break;
    }
    return 1;
}

size_t input_take(struct input *input, const unsigned char *bytes, size_t length,
                  enum input_event *event)
{
    size_t taken = 0;

    clear_used(input);
    *event = INPUT_MORE;
    while (taken < length && *event == INPUT_MORE) {
        size_t plain = telnet_plain(&input->telnet, bytes + taken, length - taken);

        if (plain > 0)
            taken += take_text(input, bytes + taken, plain, event);
        else
            taken += take_byte(input, bytes + taken, event);
    }
    return taken;
}

enum input_event input_finish(struct input *input)
{
    clear_used(input);
    return event_of(input, line_finish(&input->line));
}

void input_keep(struct input *input, size_t length)
{
    input->keep = length;
}

bool input_has_part(const struct input *input)
{
    return !input->is_used && input->line.length > 0;
}

void input_take_part(struct input *input)
{
    input->is_used = true; /* line.text is a string after every line_take() */
    input->line.is_rest = true;
}
