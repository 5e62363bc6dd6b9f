/*
 * Fuzzes terminal/line_edit.h: keys make the same lines however they come in, the line is
 * clean and the cursor within it, and a view fits the columns that it gets.
 *
 * Modules: terminal/line_edit.c terminal/columns.c net/text.c
 */
#include "tests/fuzz/fuzz.h"

#include "terminal/columns.h"
#include "terminal/line_edit.h"

static size_t columns_of_text(const char *text, size_t length)
{
    size_t columns = 0, bytes;

    for (size_t at = 0; at < length; at += bytes)
        columns += columns_at(text + at, &bytes);
    return columns;
}

static void check_view(struct line_edit *edit, size_t columns)
{
    struct line_edit_view view;
    const char *end = edit->text + edit->length;

    line_edit_view(edit, columns, &view);
    assert(view.bytes >= edit->text && view.bytes + view.length <= end);
    assert(view.bytes + view.before_cursor == edit->text + edit->cursor);
    assert(view.before_cursor <= view.length && is_clean(view.bytes, view.length));
    assert(columns_of_text(view.bytes, view.length) <= columns);
    assert(columns_of_text(view.bytes, view.before_cursor) < columns);
}

static void check_line(const struct line_edit *edit)
{
    size_t bytes;

    assert(edit->length <= LINE_EDIT_MOST && edit->cursor <= edit->length);
    assert(strlen(edit->text) == edit->length);
    assert(is_clean(edit->text, edit->length) && strchr(edit->text, '\t') == NULL);
    /* The cursor parts no character from the combining ones after it. */
    assert(is_clean(edit->text, edit->cursor));
    assert(edit->cursor == 0 || edit->cursor == edit->length ||
           columns_at(edit->text + edit->cursor, &bytes) > 0);
}

static void type(const uint8_t *bytes, size_t length, struct cut *cut, size_t columns,
                 struct notes *notes)
{
    static struct line_edit edit;
    enum line_edit_event event;

    memset(&edit, 0, sizeof edit);
    notes->length = 0;
    while (length > 0) {
        size_t piece = cut == NULL ? length : cut_next(cut, length);

        for (size_t taken = 0; taken < piece;) {
            taken += line_edit_take(&edit, bytes + taken, piece - taken, &event);
            assert(taken <= piece && (event != LINE_EDIT_OPEN || taken == piece));
            check_line(&edit);
            check_view(&edit, columns);
            if (event == LINE_EDIT_OPEN)
                continue;
            notes_add_number(notes, event);
            if (event == LINE_EDIT_ENTERED) {
                notes_add_string(notes, edit.text);
                line_edit_next(&edit);
            }
        }
        bytes += piece;
        length -= piece;
    }
    notes_add_string(notes, edit.text);
    notes_add_number(notes, (long long)edit.cursor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct notes whole, pieces;
    struct cut cut;
    size_t columns;

    if (size == 0)
        return 0;
    cut.state = data[0];
    columns = LINE_EDIT_NARROWEST + data[0] % 80;
    type(data + 1, size - 1, NULL, columns, &whole);
    type(data + 1, size - 1, &cut, columns, &pieces);
    assert(notes_equal(&whole, &pieces));
    return 0;
}
