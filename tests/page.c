#include "tests/page.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANY   "…"
#define TYPED "» "
#define KEY   "«"
#define CLOSE "»"

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static void *enlarged(void *array, size_t count, size_t size)
{
    void *larger = realloc(array, (count + 1) * size);

    if (larger == NULL)
        abort();
    return larger;
}

/* ---- A line ------------------------------------------------------------------------- */

/* The byte of «Ctrl-C», «Esc» and so on; -1 if there is no such key. */
static int key_byte(const char *name, size_t length)
{
    static const struct {
        const char *name;
        char byte;
    } keys[] = {{"Enter", '\r'}, {"Esc", 27}, {"Tab", '\t'}, {"Backspace", 127}};

    if (length == 6 && begins(name, "Ctrl-") && name[5] >= '@' && name[5] <= '_')
        return name[5] & 31;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (length == strlen(keys[i].name) && begins(name, keys[i].name))
            return keys[i].byte;
    return -1;
}

const char *page_keys(const char *text, char *keys)
{
    bool enter = true;
    size_t length = 0;

    while (*text != '\0') {
        const char *name = text + strlen(KEY), *end = strstr(text, CLOSE);
        int byte = (unsigned char)*text;

        if (length > KEYS_MOST - 3)
            return "this line is too long to type";
        enter = !begins(text, KEY);
        if (!enter) {
            byte = end == NULL ? -1 : key_byte(name, (size_t)(end - name));
            if (byte == -1)
                return "there is no such key: «Ctrl-A» to «Ctrl-Z», «Ctrl-]», «Enter», "
                       "«Esc», «Tab» and «Backspace» are known";
            text = end + strlen(CLOSE);
        } else {
            text++;
        }
        keys[length++] = (char)byte;
    }
    if (enter)
        keys[length++] = '\r';
    keys[length] = '\0';
    return NULL;
}

bool page_matches(const char *line, const char *seen)
{
    while (*line != '\0' && !begins(line, ANY)) {
        if (*line != *seen)
            return *seen == '\0' && line[strspn(line, " ")] == '\0';
        line++;
        seen++;
    }
    if (*line == '\0')
        return seen[strspn(seen, " ")] == '\0';
    line += strlen(ANY);
    for (;; seen++) {
        if (page_matches(line, seen))
            return true;
        if (*seen == '\0')
            return false;
    }
}

/* ---- A page ------------------------------------------------------------------------- */

static bool wrong(struct page *page, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool wrong(struct page *page, int line, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vsnprintf(page->bad, sizeof page->bad, format, list);
    va_end(list);
    page->bad_line = line;
    return false;
}

static bool is_name(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return length > 0 && name[length] == '\0';
}

static const struct block *find_terminal(const struct page *page, const char *name)
{
    for (size_t i = 0; i < page->count; i++)
        if (strcmp(page->blocks[i].terminal, name) == 0)
            return &page->blocks[i];
    return NULL;
}

static void add_step(struct block *block, enum step_kind kind, int line, const char *text)
{
    block->steps = enlarged(block->steps, block->count, sizeof *block->steps);
    block->steps[block->count++] = (struct step){kind, line, strdup(text)};
}

/* A line of a block. What a backslash continues is a line of its own for the shell. */
static bool take_line(struct page *page, struct block *block, const char *text, int line)
{
    const struct step *last = block->count > 0 ? &block->steps[block->count - 1] : NULL;
    char keys[KEYS_MOST];
    const char *problem = NULL;

    if (last != NULL && last->kind == STEP_SHELL && *last->text != '\0' &&
        last->text[strlen(last->text) - 1] == '\\')
        add_step(block, STEP_SHELL, line, begins(text, "> ") ? text + 2 : text);
    else if (begins(text, "$ "))
        add_step(block, STEP_SHELL, line, text + 2);
    else if (begins(text, TYPED) || strcmp(text, CLOSE) == 0)
        add_step(block, STEP_KEYS, line, text + (text[2] == '\0' ? 2 : strlen(TYPED)));
    else if (begins(text, KEY))
        add_step(block, STEP_KEYS, line, text);
    else if (strcmp(text, ANY) == 0)
        add_step(block, STEP_ANY, line, text);
    else
        add_step(block, STEP_LINE, line, text);
    last = &block->steps[block->count - 1];
    if (last->kind == STEP_SHELL || last->kind == STEP_KEYS)
        problem = page_keys(last->text, keys);
    return problem == NULL || wrong(page, line, "%s", problem);
}

/* The fence's words after "console". */
static bool open_block(struct page *page, const char *name, int line)
{
    if (!is_name(name))
        return wrong(page, line,
                     "'%s' is not the name of a terminal (small letters, digits, -)",
                     name);
    if (strcmp(name, "once") == 0)
        return ++page->once <= PAGE_ONCE_MOST ||
               wrong(page, line, "more than %d blocks of 'console once'", PAGE_ONCE_MOST);
    page->blocks = enlarged(page->blocks, page->count, sizeof *page->blocks);
    page->blocks[page->count++] = (struct block){.line = line, .terminal = strdup(name)};
    return true;
}

static bool close_block(struct page *page)
{
    struct block *block = &page->blocks[page->count - 1];

    if (block->count == 0)
        return wrong(page, block->line, "an empty block");
    if (find_terminal(page, block->terminal) == block &&
        block->steps[0].kind != STEP_SHELL)
        return wrong(
            page, block->line,
            "nothing runs in terminal '%s' yet: its first line must begin with $",
            block->terminal);
    return true;
}

/* The text of a line, without the fence's own indentation, its end, and tabs. */
static void lay_out(char *out, size_t size, const char *line, size_t indent)
{
    size_t column = 0, skip = strspn(line, " ");

    for (line += skip < indent ? skip : indent; *line != '\0' && column + 8 < size;
         line++)
        do
            out[column++] = *line == '\t' ? ' ' : *line;
        while (*line == '\t' && column % 8 != 0);
    while (column > 0 && isspace((unsigned char)out[column - 1]))
        column--;
    out[column] = '\0';
}

static bool read_lines(struct page *page, FILE *file)
{
    enum { PROSE, FOREIGN, TYPE } state = PROSE;
    char *line = NULL, text[KEYS_MOST];
    size_t capacity = 0, indent = 0;
    int number = 0, opened = 0;
    bool good = true;

    while (good && getline(&line, &capacity, file) != -1) {
        bool fence;

        number++;
        lay_out(text, sizeof text, line, state == PROSE ? 3 : indent);
        fence = begins(text, "```");
        if (state == PROSE && fence) {
            indent = strspn(line, " ");
            opened = number;
            state = FOREIGN;
            if (begins(text, "```console")) {
                const char *name = text + strlen("```console");

                name += strspn(name, " ");
                good = open_block(page, name, number);
                if (strcmp(name, "once") != 0)
                    state = TYPE;
            }
        } else if (strcmp(text, "```") == 0) {
            good = state != TYPE || close_block(page);
            state = PROSE;
        } else if (state == TYPE) {
            good = take_line(page, &page->blocks[page->count - 1], text, number);
        }
    }
    free(line);
    if (good && state != PROSE)
        good = wrong(page, opened, "the block that begins here does not end");
    return good;
}

bool page_read(struct page *page, const char *path)
{
    FILE *file = fopen(path, "r");
    bool good;

    *page = (struct page){.path = path};
    if (file == NULL)
        return wrong(page, 0, "cannot open it: %s", strerror(errno));
    good = read_lines(page, file);
    fclose(file);
    return good;
}

void page_free(struct page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        struct block *block = &page->blocks[i];

        for (size_t j = 0; j < block->count; j++)
            free(block->steps[j].text);
        free(block->steps);
        free(block->terminal);
    }
    free(page->blocks);
}
