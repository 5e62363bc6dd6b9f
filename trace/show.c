#include "trace/show.h"

#include "base/output.h"
#include "net/text.h"

#include <stdarg.h>
#include <string.h>

/* Where the columns are, counted from the end of the first. */
#define NUMBER_END     4
#define SETS_AT        6
#define DESCRIPTOR_END 12
#define VERB_AT        14
#define ERROR_AT       22
#define BYTES_END      24
#define TEXT_AT        28

#define SETS_COLUMNS 21
#define LIST_BYTES   128            /* more than fits a line */
#define CUT          "\xE2\x80\xA6" /* U+2026 */
#define LONG_S       1.0            /* a call that takes longer has waited */

/* Colours (ECMA-48); a line means the same without them. */
#define PLAIN   ""
#define BOLD    "\033[1m"
#define GREEN   "\033[32m"
#define RED     "\033[31m"
#define NORMAL  "\033[0m"
#define CLEARED "\r\033[J" /* from here to the end of the screen */

/* ---- A line ------------------------------------------------------------------------- */

struct row {
    bool has_colours;
    int columns, most;
    size_t length;
    char text[4 * SHOW_COLUMNS + 256];
};

static void add(struct row *row, const char *bytes)
{
    size_t length = strlen(bytes);

    if (row->length + length >= sizeof row->text)
        return;
    memcpy(row->text + row->length, bytes, length + 1);
    row->length += length;
}

/* Adds text, as printf() does, as far as there is room. No control character gets in. */
__attribute__((format(printf, 3, 4))) static void put(struct row *row, const char *style,
                                                      const char *format, ...)
{
    char text[4 * SHOW_COLUMNS];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (row->has_colours)
        add(row, style);
    for (const char *at = text; *at != '\0' && row->columns < row->most; row->columns++) {
        bool is_cut = strncmp(at, CUT, strlen(CUT)) == 0;
        char plain[] = {text_is_plain((unsigned char)*at) ? *at : '?', '\0'};

        add(row, is_cut ? CUT : plain);
        at += is_cut ? strlen(CUT) : 1;
    }
    if (row->has_colours && *style != '\0')
        add(row, NORMAL);
}

/* Spaces, so that what is so long ends in that column. At least one after other text. */
static void go_to(struct row *row, int column, int length)
{
    int spaces = column - length - row->columns;

    put(row, PLAIN, "%*s", spaces > 0 ? spaces : row->columns > 0, "");
}

static void put_number(struct row *row, const char *style, int column, long number)
{
    char digits[24];

    go_to(row, column, snprintf(digits, sizeof digits, "%ld", number));
    put(row, style, "%s", digits);
}

/* Text that is escaped as in C, in quotes. It is not cut inside an escape. */
static void put_text(struct row *row, const struct step *step)
{
    int room = row->most - row->columns - 3, fits = 0, length;

    for (const char *at = step->text; *at != '\0'; at += length) {
        length = 1 + (*at == '\\' && at[1] != '\0');
        if (length == 2)
            length +=
                (int)strspn(at + 2, "01234567") * (strchr("01234567", at[1]) != NULL);
        if (fits + length > room)
            break;
        fits += length;
    }
    put(row, PLAIN, "\"%.*s\"%s", fits, step->text,
        step->is_cut || step->text[fits] != '\0' ? CUT : "");
}

/* ---- Descriptors -------------------------------------------------------------------- */

/* Adds those with the flag, in order, after the name: " read 3 4 5", or " read 3-5". */
static void list(char *out, size_t size, const char *name, const struct watches *watches,
                 unsigned flag, const char *mark, bool as_ranges)
{
    const struct watch *from = watches->list, *end = from + watches->count, *last;

    for (; from < end; from = last + 1) {
        size_t length = strlen(out);

        last = from;
        if (!(from->flags & flag))
            continue;
        while (as_ranges && last + 1 < end && last[1].flags & flag &&
               last[1].descriptor == last->descriptor + 1)
            last++;
        if (last - from < 2)
            last = from;
        if (last == from)
            snprintf(out + length, size - length, "%s %d%s", name, from->descriptor,
                     mark);
        else
            snprintf(out + length, size - length, "%s %d-%d%s", name, from->descriptor,
                     last->descriptor, mark);
        name = "";
    }
}

/* Cuts a list after a descriptor, if it is too long. Returns how many columns it has. */
static size_t fit(char *text, size_t room)
{
    if (strlen(text) <= room)
        return strlen(text);
    while (room > 0 && text[--room] != ' ')
        continue;
    strcpy(text + room, CUT);
    return room + 1;
}

/* "read 3 4 5 write 5", in ranges if that is too long, and cut if it still is. */
static void list_sets(char *out, size_t size, const struct watches *watches)
{
    char to_read[LIST_BYTES], to_write[LIST_BYTES];
    size_t room = SETS_COLUMNS + 1; /* the first space is left out */

    for (int as_ranges = 0; as_ranges < 2; as_ranges++) {
        *to_read = *to_write = '\0';
        list(to_read, sizeof to_read, " read", watches, WATCH_READ, "", as_ranges);
        list(to_write, sizeof to_write, " write", watches, WATCH_WRITE, "", as_ranges);
        if (strlen(to_read) + strlen(to_write) <= room)
            break;
    }
    room -= fit(to_write, strlen(to_read) < room / 2 ? room - strlen(to_read) : room / 2);
    fit(to_read, room);
    snprintf(out, size, "%s%s", to_read, to_write);
    if (*out == '\0')
        snprintf(out, size, " nothing");
}

/* ---- Steps -------------------------------------------------------------------------- */

void show_begin(struct show *show, const char *program)
{
    int length = (int)strlen(program);

    show->name_width = length < 8 ? 8 : length > 11 ? 11 : length;
}

/* A turn: its number, what was watched, and if the wait is over, what was ready. */
static void put_turn(struct row *row, int from, const struct show_task *task,
                     const struct step *step)
{
    char sets[LIST_BYTES] = "", ready[LIST_BYTES] = "";

    put_number(row, BOLD, from + NUMBER_END, (long)task->turns + !step->is_over);
    go_to(row, from + SETS_AT, 0);
    list_sets(sets, sizeof sets, step->watches);
    put(row, PLAIN, "%s", sets + 1);
    go_to(row, from + TEXT_AT, 0);
    if (!step->is_over)
        return;
    put(row, PLAIN,
        step->seconds < 1000 ? "slept%8.3f s   ready:" : "slept%8.0f s   ready:",
        step->seconds);
    list(ready, sizeof ready, "", step->watches, READY_READ, "", false);
    list(ready, sizeof ready, "", step->watches, READY_WRITE, "w", false);
    fit(ready, (size_t)(row->most - row->columns));
    if (*step->error != '\0')
        put(row, RED, " %s", step->error);
    else
        put(row, GREEN, "%s", *ready != '\0' ? ready : " none");
}

/* What has become of a call. */
static void put_result(struct row *row, int from, const struct step *step)
{
    bool is_transfer = step->kind == STEP_RECEIVE || step->kind == STEP_SEND;
    bool is_good = *step->error == '\0';
    bool is_short =
        step->kind == STEP_SEND && is_good && (unsigned long)step->bytes < step->of;

    if (!is_good) {
        go_to(row, from + ERROR_AT, 0);
        put(row, RED, "%s", step->error);
    } else if (step->kind == STEP_ACCEPT || step->kind == STEP_FORK) {
        put(row, PLAIN, " -> %d", step->other);
    } else if (is_transfer && !step->is_end) {
        put_number(row, PLAIN, from + BYTES_END, step->bytes);
    }
    if (is_short)
        put(row, RED, " of %lu: the rest waits", step->of);
    go_to(row, from + (*step->verb != '\0' ? TEXT_AT : VERB_AT), 0);
    if (step->seconds >= LONG_S) {
        put(row, RED, "after %.1f s", step->seconds);
        go_to(row, 0, 0);
    }
    if (is_transfer && *step->text != '\0' && is_good && !is_short)
        put_text(row, step);
    else if (!is_transfer)
        put(row, PLAIN, "%s", step->text);
}

static void put_wait(struct row *row, const struct show_task *task,
                     const struct step *step)
{
    const char *style = task->is_stuck ? RED : PLAIN;

    put(row, style, "%s in %s", task->is_stuck ? "stuck" : "asleep", step->verb);
    if (step->kind == STEP_SEND)
        put(row, style, " to %d", step->descriptor);
    else if (step->kind != STEP_WAIT)
        put(row, style, " %s %d", step->kind == STEP_RECEIVE ? "from" : "on",
            step->descriptor);
    put(row, style, " for %.1f s", task->seconds);
}

static void put_step(struct row *row, const struct show *show,
                     const struct show_task *task, const struct step *step)
{
    int from = show->name_width;

    if (task->name != show->last_name)
        put(row, BOLD, "%.*s", from, task->name);
    if (step->kind == STEP_WAIT) {
        put_turn(row, from, task, step);
    } else {
        if (step->descriptor >= 0)
            put_number(row, PLAIN, from + DESCRIPTOR_END, step->descriptor);
        go_to(row, from + VERB_AT, 0);
        put(row, PLAIN, "%s", step->is_end ? "end" : step->verb);
        if (step->is_over)
            put_result(row, from, step);
        else
            go_to(row, from + TEXT_AT, 0);
    }
    if (!step->is_over)
        put_wait(row, task, step);
    while (row->length > 0 && row->text[row->length - 1] == ' ')
        row->text[--row->length] = '\0';
}

void show_step(struct show *show, const struct show_task *task, const struct step *step)
{
    bool is_on_screen = step->is_over || !show->can_draw;
    struct row row = {.most = SHOW_COLUMNS, .has_colours = show->has_colours};
    struct row plain = {.most = SHOW_COLUMNS};

    if (!is_on_screen && show->file == NULL)
        return;
    if (is_on_screen) {
        put_step(&row, show, task, step);
        log_line(show->screen, "%s%s", show->is_drawn ? CLEARED : "", row.text);
        show->is_drawn = false;
    }
    if (show->file != NULL) {
        put_step(&plain, show, task, step);
        fprintf(show->file, "%s\n", plain.text);
    }
    show->last_name = is_on_screen ? task->name : NULL; /* the last line of both */
}

/* ---- A wait that is drawn ----------------------------------------------------------- */

static bool write_at_once(const struct show *show, const char *text)
{
    return show->screen->begin == show->screen->end && /* it comes after all lines */
           output_write(&show->screen->output, text, strlen(text)) > 0;
}

/*
 * The program may print at any moment, and does so where the cursor is. So the cursor
 * stays in an empty line, and this goes into the one below. If the program has printed a
 * line since the last time, the cursor is where that was drawn.
 */
void show_draw(struct show *show, const struct show_task *task, const struct step *step)
{
    struct row row = {.most = SHOW_COLUMNS, .has_colours = show->has_colours};
    char drawn[sizeof row.text + 32];

    if (show->columns <= SHOW_COLUMNS)
        row.most = show->columns - 1; /* the last column could make it two lines */
    put_step(&row, show, task, step);
    snprintf(drawn, sizeof drawn, "\033[J\n%s\r\033[1A", row.text);
    if (show->can_draw && write_at_once(show, drawn))
        show->is_drawn = true;
}

void show_clear(struct show *show)
{
    if (show->is_drawn && write_at_once(show, CLEARED))
        show->is_drawn = false;
}
