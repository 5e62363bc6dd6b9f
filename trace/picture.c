#include "trace/picture.h"

#include "net/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

/* In SVG's user units: pixels, if nobody scales the picture. */
#define WIDTH_LEAST 600 /* for the legend */
#define WIDTH_MOST  1280
#define MARGIN      20
#define TITLE       86  /* down to the first band: the title and the legend */
#define LABELS      52  /* the descriptors, left of the first turn */
#define HEADS       36  /* the turns, above the first descriptor */
#define GAP         26  /* between two bands */
#define ROW         20  /* of a descriptor */
#define MARK        19  /* a ring or a square, and the space after it */
#define CHARACTER   7.3 /* monospaced, of 12 units: at most 0.61 wide */
#define AFTER       7   /* the last character of a turn */

#define MOST_IN_WORDS 48 /* more turns than this have letters */
#define LETTERS                                                                          \
    "a accept, r recv or read, s send or shutdown, w write, e end, c close, ! error or " \
    "stuck"

#define BLACK  "#222222"
#define GREY   "fill=\"#5a5a5a\""
#define BLUE   "#0063b1"
#define ORANGE "#e69f00"
#define BAD    "fill=\"#b00020\" font-weight=\"bold\""
#define BOLD   "font-weight=\"bold\""

/* ---- Keeping ------------------------------------------------------------------------ */

/* The descriptor's cell in a turn, which is added if it is new. NULL: there is no room. */
static struct picture_cell *find_cell(struct picture_turn *turn, int descriptor)
{
    for (size_t i = 0; i < turn->cell_count; i++)
        if (turn->cells[i].descriptor == descriptor)
            return &turn->cells[i];
    if (turn->cell_count == PICTURE_CELLS || descriptor >= PICTURE_DESCRIPTORS)
        return NULL;
    turn->cells[turn->cell_count] = (struct picture_cell){.descriptor = descriptor};
    return &turn->cells[turn->cell_count++];
}

void picture_turn(struct picture *picture, pid_t task, unsigned number,
                  const struct step *wait)
{
    struct picture_turn *turn = &picture->turns[picture->count++ % PICTURE_TURNS];

    turn->task = task;
    turn->number = number;
    turn->seconds = wait->seconds;
    turn->cell_count = 0;
    for (size_t i = 0; i < wait->watches->count; i++) {
        const struct watch *watch = &wait->watches->list[i];
        struct picture_cell *cell = find_cell(turn, watch->descriptor);

        if (cell != NULL)
            cell->flags = watch->flags;
    }
}

/* The turns that are kept, from the first of them on. */
static size_t first_turn(const struct picture *picture)
{
    return picture->count < PICTURE_TURNS ? 0 : picture->count - PICTURE_TURNS;
}

void picture_step(struct picture *picture, pid_t task, int descriptor, const char *word)
{
    struct picture_cell *cell = NULL;
    char spaced[sizeof cell->words];
    size_t length, n = picture->count;
    bool is_bad;

    while (n > first_turn(picture) &&
           picture->turns[(n - 1) % PICTURE_TURNS].task != task)
        n--;
    if (n > first_turn(picture))
        cell = find_cell(&picture->turns[(n - 1) % PICTURE_TURNS], descriptor);
    if (cell == NULL)
        return;
    length = strlen(cell->words);
    snprintf(spaced, sizeof spaced, " %s", word); /* " end" is not in " send" */
    if (strstr(cell->words, spaced) != NULL || length + strlen(spaced) >= sizeof spaced)
        return;
    strcpy(cell->words + length, spaced);
    is_bad = strcmp(word, "stuck") == 0 || isupper((unsigned char)*word);
    cell->is_bad |= is_bad;
    length = strlen(cell->letters);
    if (length + 1 < sizeof cell->letters)
        cell->letters[length] = is_bad ? '!' : *word;
}

/* ---- Laying out --------------------------------------------------------------------- */

/* The turns of one task, and how they are drawn. */
struct drawing {
    const struct picture_turn *turns[PICTURE_TURNS];
    size_t count;
    bool in_words;
    FILE *file;
};

static void choose_turns(struct drawing *drawing, const struct picture *picture,
                         pid_t task)
{
    drawing->count = 0;
    for (size_t n = first_turn(picture); n < picture->count; n++)
        if (picture->turns[n % PICTURE_TURNS].task == task)
            drawing->turns[drawing->count++] = &picture->turns[n % PICTURE_TURNS];
    drawing->in_words = drawing->count <= MOST_IN_WORDS;
}

/* The task that has most of them. */
static pid_t choose_task(struct drawing *drawing, const struct picture *picture)
{
    size_t most = 0;
    pid_t best = 0;

    for (size_t n = first_turn(picture); n < picture->count; n++) {
        choose_turns(drawing, picture, picture->turns[n % PICTURE_TURNS].task);
        if (drawing->count > most)
            best = picture->turns[n % PICTURE_TURNS].task;
        most = drawing->count > most ? drawing->count : most;
    }
    return best;
}

/* What is in a cell: "recv send", or "rs". */
static const char *label(const struct drawing *drawing, const struct picture_cell *cell)
{
    if (!drawing->in_words)
        return cell->letters;
    return *cell->words == ' ' ? cell->words + 1 : "";
}

static double width_of(const struct drawing *drawing, const struct picture_turn *turn)
{
    size_t most = drawing->in_words ? strlen("0.00 s") : 1;
    size_t digits = (size_t)snprintf(NULL, 0, "%u", turn->number);

    for (size_t i = 0; i < turn->cell_count; i++) {
        size_t length = strlen(label(drawing, &turn->cells[i]));

        most = length > most ? length : most;
    }
    most = digits > most + 2 ? digits - 2 : most; /* it stands above the mark, too */
    return MARK + CHARACTER * (double)most + AFTER;
}

/* Turns that stand side by side, and the rows of the descriptors in them. */
struct band {
    size_t from, to; /* in drawing.turns */
    double right;    /* where the last of them ends */
    int rows;
    int row_of[PICTURE_DESCRIPTORS]; /* from 1 on; 0: none */
};

/* Takes as many turns as fit, from this one on. Returns the height. */
static double fill_band(struct band *band, const struct drawing *drawing, size_t from)
{
    *band = (struct band){.from = from, .to = from, .right = MARGIN + LABELS};
    for (; band->to < drawing->count; band->to++) {
        const struct picture_turn *turn = drawing->turns[band->to];
        double width = width_of(drawing, turn);

        if (band->to > from && band->right + width > WIDTH_MOST - MARGIN)
            break;
        band->right += width;
        for (size_t i = 0; i < turn->cell_count; i++)
            band->row_of[turn->cells[i].descriptor] = 1;
    }
    for (int descriptor = 0; descriptor < PICTURE_DESCRIPTORS; descriptor++)
        if (band->row_of[descriptor] != 0)
            band->row_of[descriptor] = ++band->rows;
    return HEADS + ROW * band->rows + GAP;
}

/* ---- Drawing ------------------------------------------------------------------------ */

/* Writes text as printf() does. Text from a program is never taken for SVG. */
__attribute__((format(printf, 5, 6))) static void
draw_text(FILE *file, double x, double y, const char *style, const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (char *at = text; *at != '\0'; at++)
        if (!text_is_plain((unsigned char)*at) || strchr("<>&", *at) != NULL)
            *at = '?';
    fprintf(file, "<text x=\"%.1f\" y=\"%.1f\" %s>%s</text>\n", x, y, style, text);
}

static void draw_marks(FILE *file, double x, double y, unsigned flags)
{
    if (flags & (WATCH_WRITE | READY_WRITE))
        fprintf(file,
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"14\" height=\"14\" stroke=\"" ORANGE
                "\" fill=\"%s\"/>\n",
                x, y - 7, flags & READY_WRITE ? ORANGE : "white");
    if (flags & (WATCH_READ | READY_READ))
        fprintf(file,
                "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\" stroke=\"" BLUE
                "\" fill=\"%s\"/>\n",
                x + 7, y, flags & READY_READ ? BLUE : "white");
}

static void draw_turn(const struct drawing *drawing, const struct band *band,
                      const struct picture_turn *turn, double x, double top)
{
    FILE *file = drawing->file;

    draw_text(file, x, top + 12, BOLD, "%u", turn->number);
    if (drawing->in_words)
        draw_text(file, x, top + 27, GREY, "%.2f s", turn->seconds);
    for (size_t i = 0; i < turn->cell_count; i++) {
        const struct picture_cell *cell = &turn->cells[i];
        double y = top + HEADS + ROW * (band->row_of[cell->descriptor] - 0.5);

        draw_marks(file, x, y, cell->flags);
        if (*cell->words != '\0')
            draw_text(file, x + MARK, y + 4, cell->is_bad ? BAD : "", "%s",
                      label(drawing, cell));
    }
}

static void draw_band(const struct drawing *drawing, const struct band *band, double top)
{
    double x = MARGIN + LABELS, label_end = MARGIN + LABELS - 12;
    const char *style = GREY " text-anchor=\"end\"";
    FILE *file = drawing->file;

    draw_text(file, label_end, top + 12, style, "turn");
    if (drawing->in_words)
        draw_text(file, label_end, top + 27, style, "slept");
    for (int descriptor = 0; descriptor < PICTURE_DESCRIPTORS; descriptor++) {
        int row = band->row_of[descriptor];
        double y = top + HEADS + ROW * (row - 1);

        if (row % 2 == 1)
            fprintf(file,
                    "<rect x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" "
                    "stroke=\"none\" fill=\"#eef2f6\"/>\n",
                    MARGIN, y, band->right - MARGIN, ROW);
        if (row != 0)
            draw_text(file, label_end, y + 14, BOLD " text-anchor=\"end\"", "%d",
                      descriptor);
    }
    for (size_t n = band->from; n < band->to; n++) {
        draw_turn(drawing, band, drawing->turns[n], x, top);
        x += width_of(drawing, drawing->turns[n]);
    }
}

static void draw_title(const struct drawing *drawing, const char *program)
{
    static const struct {
        unsigned flags;
        const char *text;
    } legend[] = {{WATCH_READ, "watched"},
                  {WATCH_READ | READY_READ, "ready to read"},
                  {WATCH_WRITE, "watched for writing"},
                  {WATCH_WRITE | READY_WRITE, "ready to write"}};
    double x = MARGIN;

    if (drawing->count == 0)
        draw_text(drawing->file, x, 30, BOLD, "%s: no turn, it never waited in select()",
                  program);
    else
        draw_text(drawing->file, x, 30, "font-size=\"16\" " BOLD, "%s: turns %u to %u",
                  program, drawing->turns[0]->number,
                  drawing->turns[drawing->count - 1]->number);
    for (size_t i = 0; i < sizeof legend / sizeof legend[0]; i++) {
        draw_marks(drawing->file, x, 52, legend[i].flags);
        draw_text(drawing->file, x + MARK, 56, GREY, "%s", legend[i].text);
        x += MARK + CHARACTER * (double)strlen(legend[i].text) + MARGIN;
    }
    if (!drawing->in_words)
        draw_text(drawing->file, x, 56, GREY, "%s", LETTERS);
}

void picture_draw(const struct picture *picture, const char *program, FILE *file)
{
    static struct drawing drawing;
    static struct band band;
    double width = WIDTH_LEAST, height = TITLE, top = TITLE;

    drawing.file = file;
    choose_turns(&drawing, picture, choose_task(&drawing, picture));
    for (size_t n = 0; n < drawing.count; n = band.to) {
        height += fill_band(&band, &drawing, n);
        width = band.right + MARGIN > width ? band.right + MARGIN : width;
    }
    fprintf(file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
            "viewBox=\"0 0 %.0f %.0f\">\n"
            "<rect width=\"100%%\" height=\"100%%\" rx=\"8\" fill=\"white\"/>\n"
            "<g font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" "
            "font-size=\"12\" fill=\"" BLACK "\" stroke-width=\"1.6\">\n",
            width, height, width, height);
    draw_title(&drawing, program);
    for (size_t n = 0; n < drawing.count; n = band.to) {
        double more = fill_band(&band, &drawing, n);

        draw_band(&drawing, &band, top);
        top += more;
    }
    fprintf(file, "</g>\n</svg>\n");
}
