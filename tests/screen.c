#include "tests/screen.h"

#include "clients/columns.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

void screen_init(struct screen *screen, int rows, int columns)
{
    ck_assert(rows <= SCREEN_ROWS && columns <= SCREEN_COLUMNS);
    memset(screen, 0, sizeof *screen);
    screen->rows = rows;
    screen->columns = columns;
}

static void erase(struct screen *screen, int row, int from)
{
    for (int column = from; column < SCREEN_COLUMNS; column++)
        memset(&screen->cells[row][column], 0, sizeof screen->cells[row][column]);
}

void screen_resize(struct screen *screen, int columns)
{
    ck_assert(columns <= SCREEN_COLUMNS);
    screen->columns = columns;
    for (int row = 0; row < screen->rows; row++)
        erase(screen, row, columns);
    if (screen->column > columns)
        screen->column = columns;
}

static void line_feed(struct screen *screen)
{
    if (++screen->row < screen->rows)
        return;
    screen->row = screen->rows - 1;
    memmove(screen->cells[0], screen->cells[1],
            (size_t)(screen->rows - 1) * sizeof screen->cells[0]);
    erase(screen, screen->row, 0);
}

static void put_character(struct screen *screen, const char *bytes, size_t length,
                          int width)
{
    struct cell *cell;

    if (width == 0 && screen->column > 0) { /* onto the one before */
        cell = &screen->cells[screen->row][screen->column - 1];
        if (cell->is_half)
            cell--;
        if (strlen(cell->text) + length < CELL_BYTES)
            (void)strncat(cell->text, bytes, length);
        return;
    }
    if (screen->column + width > screen->columns) {
        screen->column = 0;
        line_feed(screen);
    }
    cell = &screen->cells[screen->row][screen->column];
    memset(cell, 0, (size_t)width * sizeof *cell);
    memcpy(cell->text, bytes, length);
    (void)strcpy(cell->colour, screen->colour);
    if (width == 2)
        cell[1].is_half = true;
    screen->column += width;
}

static unsigned long code_of(const char *bytes, size_t length)
{
    static const unsigned char lead[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    unsigned long code = (unsigned char)bytes[0] & lead[length];

    for (size_t i = 1; i < length; i++)
        code = code << 6 | ((unsigned char)bytes[i] & 0x3FU);
    return code;
}

static void obey_sequence(struct screen *screen)
{
    const char *sequence = screen->sequence;

    if (strcmp(sequence, "[H") == 0) {
        screen->row = screen->column = 0;
    } else if (strcmp(sequence, "[K") == 0) {
        erase(screen, screen->row, screen->column);
    } else if (strcmp(sequence, "[J") == 0 || strcmp(sequence, "[2J") == 0) {
        bool all = sequence[1] == '2';

        erase(screen, screen->row, all ? 0 : screen->column);
        for (int row = all ? 0 : screen->row + 1; row < screen->rows; row++)
            erase(screen, row, 0);
    } else if (strchr(sequence, 'm') != NULL) {
        (void)strcpy(screen->colour, strcmp(sequence, "[0m") == 0 ? "" : sequence);
    } else {
        ck_abort_msg("the sequence ESC %s", sequence);
    }
}

static void take_sequence(struct screen *screen, char byte)
{
    screen->sequence[screen->sequence_length++] = byte;
    screen->sequence[screen->sequence_length] = '\0';
    if (screen->sequence_length == 1)
        ck_assert_msg(byte == '[', "ESC and then '%c'", byte);
    else if (byte >= 0x40) {
        screen->in_sequence = false;
        obey_sequence(screen);
    }
    ck_assert_uint_lt(screen->sequence_length, sizeof screen->sequence - 1);
}

static void take_control(struct screen *screen, char byte)
{
    switch (byte) {
    case '\r': screen->column = 0; break;
    case '\n': line_feed(screen); break;
    case '\b': screen->column -= screen->column > 0; break;
    case '\a': screen->bells++; break;
    case 27:
        screen->in_sequence = true;
        screen->sequence_length = 0;
        break;
    default: ck_abort_msg("control character %d on the screen", byte);
    }
}

void screen_take(struct screen *screen, const char *bytes, size_t length)
{
    for (; length > 0; bytes++, length--) {
        char whole[TEXT_MOST];
        size_t made;

        if (screen->in_sequence) {
            take_sequence(screen, *bytes);
        } else if ((unsigned char)*bytes < 0x20) {
            take_control(screen, *bytes);
        } else {
            made = text_take(&screen->tail, (unsigned char)*bytes, whole);
            ck_assert_msg(made <= 4 && (made < 2 || whole[0] & 0x80), "no clean text");
            if (made > 0)
                put_character(screen, whole, made, (int)columns_of(code_of(whole, made)));
        }
    }
}

static bool is_blank(const struct cell *cell)
{
    return !cell->is_half && (cell->text[0] == '\0' || strcmp(cell->text, " ") == 0);
}

static void put_row(const struct screen *screen, int row, char **out)
{
    const struct cell *cells = screen->cells[row];
    int end = screen->columns, cursor = row == screen->row ? screen->column : -1;

    while (end > 0 && end > cursor && is_blank(&cells[end - 1]))
        end--;
    for (int column = 0; column <= screen->columns; column++) {
        if (column == cursor)
            *(*out)++ = '|';
        if (column < end && !cells[column].is_half)
            *out +=
                sprintf(*out, "%s", is_blank(&cells[column]) ? " " : cells[column].text);
    }
}

void screen_text(const struct screen *screen, char *out)
{
    for (int row = 0; row <= screen->row; row++) {
        put_row(screen, row, &out);
        *out++ = '\n';
    }
    out[-1] = '\0';
}

const char *screen_colour(const struct screen *screen, const char *text)
{
    for (int row = 0; row < screen->rows; row++)
        for (int column = 0; column < screen->columns; column++) {
            size_t n = 0;

            while (text[n] != '\0' && column + (int)n < screen->columns &&
                   screen->cells[row][column + (int)n].text[0] == text[n])
                n++;
            if (text[n] == '\0')
                return screen->cells[row][column].colour;
        }
    return NULL;
}
