#include "tests/links.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TARGET_MOST 512
#define SLUGS_MOST  200

/* The lines of a Markdown file that are not in a fenced block. */
struct prose {
    FILE *file;
    char *line;
    size_t capacity;
    int number;
};

static bool prose_open(struct prose *prose, const char *path)
{
    *prose = (struct prose){.file = fopen(path, "r")};
    return prose->file != NULL;
}

static void prose_close(struct prose *prose)
{
    fclose(prose->file);
    free(prose->line);
}

static bool prose_next(struct prose *prose)
{
    bool in_fence = false;

    while (getline(&prose->line, &prose->capacity, prose->file) != -1) {
        const char *text = prose->line + strspn(prose->line, " ");

        prose->number++;
        prose->line[strcspn(prose->line, "\r\n")] = '\0';
        if (strncmp(text, "```", 3) == 0)
            in_fence = !in_fence;
        else if (!in_fence)
            return true;
    }
    return false;
}

/* ---- Anchors ------------------------------------------------------------------------- */

/* As GitHub does: small letters, blanks become -, and other punctuation goes. */
static void slug_of(const char *heading, char slug[TARGET_MOST])
{
    size_t length = 0;

    for (; *heading != '\0' && length < TARGET_MOST - 1; heading++) {
        unsigned char byte = (unsigned char)*heading;

        if (byte == 0xE2 && ((unsigned char)heading[1] & 0xFE) == 0x80)
            heading += 2; /* U+2000 to U+207F: dashes, quotation marks, dots */
        else if (byte == ' ')
            slug[length++] = '-';
        else if (isalnum(byte) || byte == '-' || byte == '_' || byte >= 0x80)
            slug[length++] = (char)tolower(byte);
    }
    slug[length] = '\0';
}

/* The second heading of one slug is slug-1, and so on. */
static bool is_heading(const char *line, const char *anchor, char *slugs[], int *count)
{
    char slug[TARGET_MOST], numbered[TARGET_MOST + 16];
    size_t level = strspn(line, "#");
    int before = 0;

    if (level < 1 || level > 6 || line[level] != ' ')
        return false;
    slug_of(line + level + strspn(line + level, " "), slug);
    for (int i = 0; i < *count; i++)
        before += strcmp(slugs[i], slug) == 0;
    if (*count < SLUGS_MOST)
        slugs[(*count)++] = strdup(slug);
    snprintf(numbered, sizeof numbered, before > 0 ? "%s-%d" : "%s", slug, before);
    return strcmp(numbered, anchor) == 0;
}

static bool is_marked(const char *line, const char *anchor)
{
    char mark[TARGET_MOST + 16];

    snprintf(mark, sizeof mark, "id=\"%s\"", anchor);
    return strstr(line, mark) != NULL;
}

bool links_has_anchor(const char *path, const char *anchor)
{
    char *slugs[SLUGS_MOST];
    struct prose prose;
    bool found = false;
    int count = 0;

    if (!prose_open(&prose, path))
        return false;
    while (!found && prose_next(&prose))
        found = is_marked(prose.line, anchor) ||
                is_heading(prose.line, anchor, slugs, &count);
    for (int i = 0; i < count; i++)
        free(slugs[i]);
    prose_close(&prose);
    return found;
}

/* ---- Links --------------------------------------------------------------------------- */

/* What is in `code` is not a link: an odd number of backquotes stands before it. */
static bool is_in_code(const char *line, const char *place)
{
    bool in_code = false;

    for (; line < place; line++)
        in_code ^= *line == '`';
    return in_code;
}

/* Copies the next link's target in the line, and returns what follows it. NULL: no more. */
static const char *next_target(const char *line, const char *from, char *target)
{
    static const char *const marks[] = {"](", "href=\"", "src=\""};
    const char *first = NULL;
    size_t length;

    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const char *found = strstr(from, marks[i]);

        while (found != NULL && is_in_code(line, found))
            found = strstr(found + 1, marks[i]);
        if (found != NULL && (first == NULL || found + strlen(marks[i]) < first))
            first = found + strlen(marks[i]);
    }
    if (first == NULL)
        return NULL;
    length = strcspn(first, ")\" ");
    snprintf(target, TARGET_MOST, "%.*s", (int)length, first);
    return first + length;
}

static bool is_elsewhere(const char *target)
{
    return strncmp(target, "http://", 7) == 0 || strncmp(target, "https://", 8) == 0 ||
           strncmp(target, "mailto:", 7) == 0;
}

/* Says what is wrong with a target in the file at `path`, or NULL. */
static const char *problem_of(const char *path, char *target)
{
    char file[2 * TARGET_MOST], *anchor = strchr(target, '#');
    const char *slash = strrchr(path, '/');

    if (is_elsewhere(target))
        return NULL;
    if (anchor != NULL)
        *anchor++ = '\0';
    if (*target == '\0')
        snprintf(file, sizeof file, "%s", path);
    else
        snprintf(file, sizeof file, "%.*s%s", slash == NULL ? 0 : (int)(slash - path) + 1,
                 path, target);
    if (access(file, F_OK) == -1)
        return "there is no such file";
    if (anchor != NULL && !links_has_anchor(file, anchor))
        return "there is no such anchor";
    return NULL;
}

void links_check(const char *path, void (*complain)(const char *sentence))
{
    struct prose prose;
    char target[TARGET_MOST], whole[TARGET_MOST], sentence[3 * TARGET_MOST];

    if (!prose_open(&prose, path)) {
        snprintf(sentence, sizeof sentence, "%s: it cannot be read", path);
        complain(sentence);
        return;
    }
    while (prose_next(&prose)) {
        const char *rest = prose.line, *problem;

        while ((rest = next_target(prose.line, rest, target)) != NULL) {
            strcpy(whole, target);
            problem = problem_of(path, target);
            if (problem == NULL)
                continue;
            snprintf(sentence, sizeof sentence, "%s:%d: %s: %s", path, prose.number,
                     whole, problem);
            complain(sentence);
        }
    }
    prose_close(&prose);
}
