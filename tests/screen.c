#include "tests/screen.h"

#include "terminal/columns.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
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
    screen->wraps[row] = false;
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

static void line_feed(struct screen *screen, bool wraps)
{
    size_t others = (size_t)screen->rows - 1;

    screen->wraps[screen->row] = wraps;
    if (++screen->row < screen->rows)
        return;
    screen->row = screen->rows - 1;
    screen->scrolled++;
    for (int row = 0; row < screen->row; row++)
        memcpy(screen->cells[row], screen->cells[row + 1],
               (size_t)screen->columns * sizeof screen->cells[0][0]);
    memmove(screen->wraps, screen->wraps + 1, others * sizeof screen->wraps[0]);
    erase(screen, screen->row, 0);
}

static void put_character(struct screen *screen, const char *bytes, size_t length,
                          int width)
{
    struct cell *cell;

    if (width == 0 && screen->column > 0) { /* it is added to the character before */
        cell = &screen->cells[screen->row][screen->column - 1];
        if (cell->is_half)
            cell--;
        else if (memcmp(bytes, "\xEF\xB8\x8F", length) == 0 &&
                 screen->column < screen->columns) /* U+FE0F */
            screen->cells[screen->row][screen->column++].is_half = true;
        if (strlen(cell->text) + length < CELL_BYTES)
            strncat(cell->text, bytes, length);
        return;
    }
    if (screen->column + width > screen->columns) {
        screen->column = 0;
        line_feed(screen, true);
    }
    cell = &screen->cells[screen->row][screen->column];
    memset(cell, 0, (size_t)width * sizeof *cell);
    memcpy(cell->text, bytes, length);
    strcpy(cell->colour, screen->colour);
    if (width == 2)
        cell[1].is_half = true;
    screen->column += width;
}

static bool is_blank(const struct cell *cell)
{
    return !cell->is_half && (cell->text[0] == '\0' || strcmp(cell->text, " ") == 0);
}

/* Where the blank cells at the end of a row begin, at the cursor or right of it. */
static int end_of(const struct screen *screen, int row)
{
    const struct cell *cells = screen->cells[row];
    int end = screen->columns;

    if (screen->wraps[row]) /* a wide character that did not fit has left a gap */
        return end - (cells[end - 1].text[0] == '\0' && !cells[end - 1].is_half);
    while (end > 0 && !(row == screen->row && end == screen->column) &&
           is_blank(&cells[end - 1]))
        end--;
    return end;
}

/* The cursor stays on its character, or after the end of its line. */
void screen_rewrap(struct screen *screen, int columns)
{
    static struct screen old;
    int row = 0, column = 0;

    old = *screen;
    screen_init(screen, old.rows, columns);
    for (int y = 0; y < old.rows; y++) {
        int end = end_of(&old, y);

        for (int x = 0; x < end; x++) {
            const struct cell *cell = &old.cells[y][x];
            const char *text = is_blank(cell) ? " " : cell->text;
            int width = x + 1 < SCREEN_COLUMNS && cell[1].is_half ? 2 : 1;

            if (cell->is_half)
                continue;
            strcpy(screen->colour, cell->colour);
            put_character(screen, text, strlen(text), width);
            if (y == old.row && x == old.column) {
                row = screen->row + screen->scrolled;
                column = screen->column - width;
            }
        }
        if (y == old.row && end <= old.column) {
            row = screen->row + screen->scrolled;
            column = screen->column;
        }
        if (y >= old.row && !old.wraps[y])
            break; /* there is nothing below the cursor's line */
        if (!old.wraps[y]) {
            line_feed(screen, false);
            screen->column = 0;
        }
    }
    screen->row = row - screen->scrolled;
    screen->column = column;
    screen->bells = old.bells;
    strcpy(screen->colour, old.colour);
}

static void obey_sequence(struct screen *screen)
{
    const char *sequence = screen->sequence;

    if (strcmp(sequence, "[H") == 0) {
        screen->row = screen->column = 0;
    } else if (strchr(sequence, 'A') != NULL) {
        screen->row -=
            atoi(sequence + 1) < screen->row ? atoi(sequence + 1) : screen->row;
    } else if (strcmp(sequence, "[K") == 0) {
        erase(screen, screen->row, screen->column);
    } else if (strcmp(sequence, "[J") == 0 || strcmp(sequence, "[2J") == 0) {
        bool all = sequence[1] == '2';

        erase(screen, screen->row, all ? 0 : screen->column);
        for (int row = all ? 0 : screen->row + 1; row < screen->rows; row++)
            erase(screen, row, 0);
    } else if (strchr(sequence, 'm') != NULL) {
        strcpy(screen->colour, strcmp(sequence, "[0m") == 0 ? "" : sequence);
    } else if (!screen->is_lenient) {
        ck_abort_msg("the sequence ESC %s", sequence);
    }
}

static void take_sequence(struct screen *screen, char byte)
{
    screen->sequence[screen->sequence_length++] = byte;
    screen->sequence[screen->sequence_length] = '\0';
    if (screen->sequence_length == 1 && byte != '[') {
        ck_assert_msg(screen->is_lenient, "ESC and then '%c'", byte);
        screen->in_sequence = false;
    } else if (screen->sequence_length > 1 && byte >= 0x40) {
        screen->in_sequence = false;
        screen->sequences++;
        obey_sequence(screen);
    }
    ck_assert_uint_lt(screen->sequence_length, sizeof screen->sequence - 1);
}

static void take_control(struct screen *screen, char byte)
{
    switch (byte) {
    case '\r': screen->column = 0; break;
    case '\n': line_feed(screen, false); break;
    case '\b': screen->column -= screen->column > 0; break;
    case '\a': screen->bells++; break;
    case 27:
        screen->in_sequence = true;
        screen->sequence_length = 0;
        break;
    case '\t':
        if (screen->is_lenient) {
            screen->column = (screen->column / 8 + 1) * 8;
            if (screen->column >= screen->columns)
                screen->column = screen->columns - 1;
            break;
        } /* fall through */
    default:
        if (!screen->is_lenient)
            ck_abort_msg("control character %d on the screen", byte);
    }
}

void screen_take(struct screen *screen, const char *bytes, size_t length)
{
    for (; length > 0; bytes++, length--) {
        char whole[TEXT_MOST];
        size_t made, whole_bytes;

        if (screen->in_sequence) {
            take_sequence(screen, *bytes);
        } else if ((unsigned char)*bytes < 0x20) {
            take_control(screen, *bytes);
        } else {
            made = text_take(&screen->tail, (unsigned char)*bytes, whole);
            if (!screen->is_lenient && (made > 4 || (made >= 2 && !(whole[0] & 0x80))))
                ck_abort_msg(
                    "the text is not clean"); /* ck_assert() would be slow here */
            if (made > 0)
                put_character(screen, whole, made, (int)columns_at(whole, &whole_bytes));
        }
    }
}

/* `cursor`: the column that gets a |, or -1. */
static void put_row(const struct screen *screen, int row, int cursor, char **out)
{
    const struct cell *cells = screen->cells[row];
    int end = end_of(screen, row);

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
        put_row(screen, row, row == screen->row ? screen->column : -1, &out);
        *out++ = '\n';
    }
    out[-1] = '\0';
}

void screen_row(const struct screen *screen, int row, char *out)
{
    put_row(screen, row, -1, &out);
    *out = '\0';
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
