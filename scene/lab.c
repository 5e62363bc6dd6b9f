#include "scene/lab.h"

#include "base/number.h"
#include "scene/bytes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MOST   1024
#define TOKENS_MOST 24
#define ROUNDS_MOST 100

static const struct sentence sentences[] = {
#define X(verb, form, kind, play) {verb, form, kind},
    SENTENCES(X)
#undef X
};

struct token {
    bool quoted;
    struct bytes text;
};

struct parser {
    struct lab *lab;
    struct lab_error *error;
    int line;
    struct token tokens[TOKENS_MOST];
    size_t token_count;
    char group[LAB_NAME_MOST];
    struct behaviour *behaviour; /* the one whose steps come; NULL: none yet */
    size_t repeat_from;          /* its first step in the `repeat` that is open */
    long rounds;                 /* of that; 0: none is open */
    uint32_t there;              /* while checking: a bit for each client that is there */
    uint32_t known;              /* and for each that ever was */
};

/* Always -1, so that a caller can return it. */
__attribute__((format(printf, 2, 3))) static int wrong(struct parser *parser,
                                                       const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(parser->error->reason, sizeof parser->error->reason, format, arguments);
    va_end(arguments);
    parser->error->line = parser->line;
    return -1;
}

/* ---- A line becomes tokens ----------------------------------------------------------- */

/* Reads what follows a backslash. Returns where it ends, or NULL. */
static const char *unescape(const char *at, char *byte)
{
    static const char letters[] = "rnt0\"\\", bytes[] = "\r\n\t\0\"\\";
    const char *letter = strchr(letters, *at);

    if (*at == 'x') {
        int high = number_hex_digit(at[1]);
        int low = high == -1 ? -1 : number_hex_digit(at[2]);

        *byte = (char)(high * 16 + low);
        return low == -1 ? NULL : at + 3;
    }
    if (*at == '\0' || letter == NULL)
        return NULL;
    *byte = bytes[letter - letters];
    return at + 1;
}

/* Reads a quoted text that begins here. Returns where it ends, or NULL. */
static const char *quoted(struct parser *parser, const char *at, struct bytes *text)
{
    bytes_add(text, "", 0);
    for (at++; *at != '"';) {
        char byte = *at;

        if (byte == '\0') {
            wrong(parser, "a quote is not closed");
            return NULL;
        }
        at = byte == '\\' ? unescape(at + 1, &byte) : at + 1;
        if (at == NULL) {
            wrong(parser,
                  "unknown escape: \\r \\n \\t \\0 \\\" \\\\ and \\xFF are known");
            return NULL;
        }
        bytes_add(text, &byte, 1);
    }
    return at + 1;
}

static void free_tokens(struct parser *parser)
{
    for (size_t i = 0; i < parser->token_count; i++)
        bytes_free(&parser->tokens[i].text);
    parser->token_count = 0;
}

static int tokenize(struct parser *parser, const char *at)
{
    for (at += strspn(at, " \t"); *at != '\0'; at += strspn(at, " \t")) {
        struct token *token = &parser->tokens[parser->token_count];
        size_t length = strcspn(at, " \t");

        if (parser->token_count == 0 && *at == '#')
            break;
        if (parser->token_count == TOKENS_MOST)
            return wrong(parser, "too many words in a line");
        parser->token_count++;
        *token = (struct token){.quoted = *at == '"'};
        if (token->quoted) {
            at = quoted(parser, at, &token->text);
            if (at == NULL)
                return -1;
        } else {
            bytes_add(&token->text, at, length);
            at += length;
        }
    }
    return 0;
}

/* ---- Tokens become a step ------------------------------------------------------------ */

static const char *word_at(const struct parser *parser, size_t index)
{
    return index < parser->token_count && !parser->tokens[index].quoted
               ? parser->tokens[index].text.at
               : "";
}

static bool is_client(const char *word)
{
    return word[0] >= 'A' && word[0] <= 'Z' && word[1] == '\0';
}

const char *lab_next_word(const char *form, char word[LAB_NAME_MOST])
{
    size_t length = strcspn(form, " ");

    snprintf(word, LAB_NAME_MOST, "%.*s", (int)length, form);
    return form + length + strspn(form + length, " ");
}

/* Does the token fit one word of a sentence's form? Then it goes into the step. */
static bool fits(const struct token *token, const char *form, struct lab_step *step,
                 int *texts, int *numbers)
{
    const char *word = token->text.at;
    long number;

    if (strcmp(form, "TEXT") == 0) {
        if (token->quoted)
            step->texts[(*texts)++] = token->text; /* add_step() copies it */
        return token->quoted;
    }
    if (token->quoted)
        return false;
    if (strcmp(form, "NUMBER") == 0) {
        if (number_parse(word, 0, 1000000000, &number) == -1)
            return false;
        step->numbers[(*numbers)++] = number;
        return true;
    }
    if (strcmp(form, "CLIENT") == 0 || strcmp(form, "CLIENTS") == 0) {
        if (is_client(word) && strlen(step->clients) < LAB_CLIENTS)
            strncat(step->clients, word, 1);
        return is_client(word);
    }
    if (strcmp(form, "WORD") == 0) {
        snprintf(step->word, sizeof step->word, "%.*s", LAB_NAME_MOST - 1, word);
        return strlen(word) < sizeof step->word;
    }
    return strcmp(word, form) == 0;
}

/* Do all tokens fit the form? CLIENTS, always its last word, takes as many as there are. */
static bool fits_all(const struct parser *parser, const struct sentence *sentence,
                     struct lab_step *step)
{
    const char *form = sentence->form;
    char word[LAB_NAME_MOST] = "";
    int texts = 0, numbers = 0;

    *step = (struct lab_step){.sentence = sentence, .line = parser->line};
    for (size_t i = 0; i < parser->token_count; i++) {
        if (strcmp(word, "CLIENTS") != 0)
            form = lab_next_word(form, word);
        if (!fits(&parser->tokens[i], word, step, &texts, &numbers))
            return false;
    }
    return *form == '\0';
}

static void add_step(struct behaviour *behaviour, const struct lab_step *step)
{
    struct lab_step *copy;

    behaviour->steps =
        realloc(behaviour->steps, (behaviour->step_count + 1) * sizeof *behaviour->steps);
    if (behaviour->steps == NULL)
        abort();
    copy = &behaviour->steps[behaviour->step_count++];
    *copy = *step;
    for (int i = 0; i < 2; i++) {
        copy->texts[i] = (struct bytes){0};
        bytes_add(&copy->texts[i], step->texts[i].at, step->texts[i].length);
    }
}

static int take_step(struct parser *parser)
{
    struct lab_step step;

    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++) {
        if (fits_all(parser, &sentences[i], &step)) {
            step.round = parser->rounds > 0;
            add_step(parser->behaviour, &step);
            return 0;
        }
    }
    return wrong(parser,
                 "this is not a sentence of a scene: '%s %s ...' (docs/grade.md "
                 "lists them)",
                 word_at(parser, 0), word_at(parser, 1));
}

static int end_repeat(struct parser *parser)
{
    struct behaviour *behaviour = parser->behaviour;
    size_t end = behaviour->step_count;

    for (int round = 2; round <= parser->rounds; round++) {
        for (size_t i = parser->repeat_from; i < end; i++) {
            struct lab_step step = behaviour->steps[i];

            step.round = round;
            add_step(behaviour, &step);
        }
    }
    parser->rounds = 0;
    return 0;
}

/* ---- The lines that are not steps ---------------------------------------------------- */

/* "KEYWORD NAME POINTS ... "title"": takes the three. */
static int take_heading(struct parser *parser, char *name, int *points, char **title)
{
    const char *word = word_at(parser, 1);
    size_t last = parser->token_count - 1;
    long number;

    if (parser->token_count < 4 || !parser->tokens[last].quoted)
        return wrong(parser, "write: %s NAME POINTS \"title\"", word_at(parser, 0));
    if (strlen(word) >= LAB_NAME_MOST || strchr(word, ',') != NULL || word[0] == '\0')
        return wrong(parser, "'%.40s' is not a name (at most %d bytes, no comma)", word,
                     LAB_NAME_MOST - 1);
    if (number_parse(word_at(parser, 2), 1, 10000, &number) == -1)
        return wrong(parser, "'%s' is not a number of points", word_at(parser, 2));
    memcpy(name, word, strlen(word) + 1);
    *points = (int)number;
    *title = parser->tokens[last].text.at; /* which is no longer the token's */
    parser->tokens[last].text = (struct bytes){0};
    return 0;
}

static int begin_lab(struct parser *parser)
{
    if (parser->lab->title != NULL)
        return wrong(parser, "a file has one lab, and this is the second");
    parser->lab->datagrams = strcmp(word_at(parser, 3), "datagrams") == 0;
    if (take_heading(parser, parser->lab->name, &parser->lab->points,
                     &parser->lab->title) == -1)
        return -1;
    if (parser->token_count != (parser->lab->datagrams ? 5u : 4u))
        return wrong(parser, "write: lab NAME POINTS [datagrams] \"title\"");
    return 0;
}

static int begin_behaviour(struct parser *parser)
{
    struct lab *lab = parser->lab;
    struct behaviour *behaviour = &lab->behaviours[lab->count];

    if (lab->count == LAB_BEHAVIOURS)
        return wrong(parser, "a lab has at most %d behaviours", LAB_BEHAVIOURS);
    if (lab_find(lab, word_at(parser, 1)) != -1)
        return wrong(parser, "there is a behaviour '%s' already", word_at(parser, 1));
    lab->count++;
    parser->behaviour = behaviour;
    behaviour->line = parser->line;
    memcpy(behaviour->group, parser->group, sizeof behaviour->group);
    return take_heading(parser, behaviour->name, &behaviour->points, &behaviour->title);
}

static int take_needs(struct parser *parser)
{
    for (size_t i = 1; i < parser->token_count; i++) {
        int needed = lab_find(parser->lab, word_at(parser, i));

        if (needed == -1 || &parser->lab->behaviours[needed] == parser->behaviour)
            return wrong(parser, "there is no behaviour '%s' before this one",
                         word_at(parser, i));
        parser->behaviour->needs |= (uint64_t)1 << needed;
    }
    return 0;
}

/* The hint goes on where the line before stopped. */
static int take_why(struct parser *parser)
{
    struct bytes *why = &parser->behaviour->why;

    if (parser->token_count != 2 || !parser->tokens[1].quoted)
        return wrong(parser, "write: why \"the likely cause\"");
    bytes_print(why, "%s%s", why->length == 0 ? "" : " ", parser->tokens[1].text.at);
    return 0;
}

/* "KEYWORD WORD": copies the word. */
static int take_word(struct parser *parser, const char *form, char *out, size_t size)
{
    const char *word = word_at(parser, 1);

    if (parser->token_count != 2 || strlen(word) >= size)
        return wrong(parser, "write: %s, under %zu bytes", form, size);
    memcpy(out, word, strlen(word) + 1);
    return 0;
}

static int take_file(struct parser *parser)
{
    struct lab_file *file = &parser->lab->files[parser->lab->file_count];
    const char *path;
    long size;

    if (parser->token_count != 3 || !parser->tokens[1].quoted ||
        number_parse(word_at(parser, 2), 0, 1 << 24, &size) == -1)
        return wrong(parser, "write: file \"path\" BYTES");
    path = parser->tokens[1].text.at;
    if (parser->lab->file_count == LAB_FILES || strlen(path) >= sizeof file->path ||
        path[0] == '/' || strstr(path, "..") != NULL)
        return wrong(parser, "a lab has at most %d files, below its own directory",
                     LAB_FILES);
    memcpy(file->path, path, strlen(path) + 1);
    file->size = (size_t)size;
    parser->lab->file_count++;
    return 0;
}

static int take_behaviours_line(struct parser *parser, const char *first)
{
    if (parser->behaviour == NULL)
        return wrong(parser, "'%s' comes before the first behaviour", first);
    if (strcmp(first, "needs") == 0)
        return take_needs(parser);
    if (strcmp(first, "why") == 0)
        return take_why(parser);
    if (strcmp(first, "see") == 0)
        return take_word(parser, "see PAGE#ANCHOR", parser->behaviour->see, LAB_SEE_MOST);
    if (strcmp(first, "repeat") == 0) {
        parser->repeat_from = parser->behaviour->step_count;
        return parser->rounds == 0 && number_parse(word_at(parser, 1), 1, ROUNDS_MOST,
                                                   &parser->rounds) == 0
                   ? 0
                   : wrong(parser,
                           "write: repeat NUMBER (at most %d), and close it with "
                           "'end' before the next",
                           ROUNDS_MOST);
    }
    if (strcmp(first, "enough") == 0 && parser->token_count == 1) {
        parser->behaviour->enough = parser->behaviour->step_count;
        return 0;
    }
    if (strcmp(first, "end") == 0 && parser->token_count == 1)
        return parser->rounds > 0 ? end_repeat(parser)
                                  : wrong(parser, "this 'end' closes nothing");
    return take_step(parser);
}

static int take_line(struct parser *parser)
{
    const char *first = word_at(parser, 0);

    if (parser->token_count == 0)
        return 0;
    if (strcmp(first, "lab") == 0)
        return begin_lab(parser);
    if (parser->lab->title == NULL)
        return wrong(parser, "the first line of a lab is: lab NAME POINTS \"title\"");
    if (parser->rounds > 0 &&
        (strcmp(first, "behaviour") == 0 || strcmp(first, "group") == 0))
        return wrong(parser, "the 'repeat' before this has no 'end'");
    if (strcmp(first, "file") == 0)
        return take_file(parser);
    if (strcmp(first, "behaviour") == 0)
        return begin_behaviour(parser);
    if (strcmp(first, "group") == 0)
        return take_word(parser, "group NAME", parser->group, sizeof parser->group);
    return take_behaviours_line(parser, first);
}

/* ---- What can only be checked when all is there -------------------------------------- */

static uint32_t bit(char client)
{
    return UINT32_C(1) << (client - 'A');
}

/* Every {C} in a text must be a client that has joined. */
static int check_text(struct parser *parser, const struct bytes *text)
{
    for (size_t i = 0; i + 2 < text->length; i++) {
        const char *at = text->at + i;

        if (at[0] == '{' && at[2] == '}' && at[1] >= 'A' && at[1] <= 'Z' &&
            (parser->known & bit(at[1])) == 0)
            return wrong(parser, "client %c has not joined", at[1]);
    }
    return 0;
}

static int check_clients(struct parser *parser, const struct lab_step *step)
{
    enum verb verb = step->sentence->verb;

    for (const char *client = step->clients; *client != '\0'; client++) {
        bool is_there = (parser->there & bit(*client)) != 0;
        bool joins = (step->sentence->kind & SENTENCE_JOINS) != 0;

        if (joins && is_there)
            return wrong(parser, "client %c is there already", *client);
        if (!joins && !is_there)
            return wrong(parser, "client %c has not joined, or has left", *client);
        parser->there |= bit(*client);
        parser->known |= bit(*client);
        if (verb == LEAVES || verb == RESETS || verb == CLOSES)
            parser->there &= ~bit(*client);
    }
    return 0;
}

const char *lab_unknown(const struct lab_step *step)
{
    char mark[LAB_NAME_MOST + 2];

    snprintf(mark, sizeof mark, "{%s}", step->word);
    return strstr(step->texts[0].at, mark);
}

static int check_behaviour(struct parser *parser, const struct behaviour *behaviour)
{
    parser->line = behaviour->line;
    parser->there = parser->known = 0;
    if (behaviour->step_count == 0)
        return wrong(parser, "the behaviour '%s' has no steps", behaviour->name);
    if (behaviour->why.length == 0)
        return wrong(parser, "the behaviour '%s' has no 'why'", behaviour->name);
    for (size_t i = 0; i < behaviour->step_count; i++) {
        const struct lab_step *step = &behaviour->steps[i];

        parser->line = step->line;
        if (check_clients(parser, step) == -1 ||
            check_text(parser, &step->texts[0]) == -1 ||
            check_text(parser, &step->texts[1]) == -1)
            return -1;
        if (step->sentence->verb == LEARNS && lab_unknown(step) == NULL)
            return wrong(parser, "there is no {%s} in the text", step->word);
    }
    return 0;
}

static int check(struct parser *parser)
{
    const struct lab *lab = parser->lab;
    int sum = 0;

    if (parser->line == 0)
        parser->line = 1; /* an empty file */
    if (lab->title == NULL || lab->count == 0)
        return wrong(parser, "the file has no %s",
                     lab->title == NULL ? "lab" : "behaviour");
    if (parser->rounds > 0)
        return wrong(parser, "the last 'repeat' has no 'end'");
    for (size_t i = 0; i < lab->count; i++) {
        sum += lab->behaviours[i].points;
        if (check_behaviour(parser, &lab->behaviours[i]) == -1)
            return -1;
    }
    parser->line = 1;
    return sum == lab->points ? 0
                              : wrong(parser,
                                      "the behaviours' points add up to %d, and the "
                                      "lab has %d",
                                      sum, lab->points);
}

int lab_load(struct lab *lab, const char *path, struct lab_error *error)
{
    struct parser parser = {.lab = lab, .error = error};
    char line[LINE_MOST];
    FILE *file = fopen(path, "r");
    int result = 0;

    *lab = (struct lab){0};
    if (file == NULL)
        return wrong(&parser, "%s", strerror(errno));
    while (result == 0 && fgets(line, sizeof line, file) != NULL) {
        parser.line++;
        if (strchr(line, '\n') == NULL && !feof(file)) {
            result = wrong(&parser, "a line is over %d bytes", LINE_MOST - 2);
            break;
        }
        line[strcspn(line, "\r\n")] = '\0';
        result = tokenize(&parser, line);
        if (result == 0)
            result = take_line(&parser);
        free_tokens(&parser);
    }
    if (result == 0 && ferror(file))
        result = wrong(&parser, "%s", strerror(errno));
    fclose(file);
    return result == -1 ? -1 : check(&parser);
}

void lab_free(struct lab *lab)
{
    for (size_t i = 0; i < lab->count; i++) {
        struct behaviour *behaviour = &lab->behaviours[i];

        for (size_t step = 0; step < behaviour->step_count; step++) {
            bytes_free(&behaviour->steps[step].texts[0]);
            bytes_free(&behaviour->steps[step].texts[1]);
        }
        free(behaviour->steps);
        free(behaviour->title);
        bytes_free(&behaviour->why);
    }
    free(lab->title);
    *lab = (struct lab){0};
}

int lab_find(const struct lab *lab, const char *name)
{
    for (size_t i = 0; i < lab->count; i++)
        if (strcmp(lab->behaviours[i].name, name) == 0)
            return (int)i;
    return -1;
}
