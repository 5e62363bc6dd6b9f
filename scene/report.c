#include "scene/report.h"

#include "net/text.h"

#include <stdlib.h>
#include <string.h>

#define WIDTH       80
#define WHO_WIDTH   11 /* columns of "A sends", with the space after it */
#define WHAT_INDENT 24 /* where what it sends begins */
#define WHY_INDENT  15
#define NEXT_MOST   2

int report_format(const char *name)
{
    static const char *const names[] = {"text", "csv", "gradescope", "autolab"};

    for (int i = 0; i < 4; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static bool is_asked_for(const struct report *report, size_t index)
{
    return report->only == -1 || (size_t)report->only == index;
}

/* The behaviours that were asked for, and the failure for which one was not tried. */
static bool is_shown(const struct report *report, size_t index)
{
    return is_asked_for(report, index) ||
           (report->results[report->only].mark == NOT_TRIED &&
            report->results[index].mark == FAILED);
}

static int points_of(const struct report *report, size_t index)
{
    return report->results[index].mark == PASSED ? report->lab->behaviours[index].points
                                                 : 0;
}

int report_points(const struct report *report)
{
    int sum = 0;

    for (size_t i = 0; i < report->lab->count; i++)
        sum += is_asked_for(report, i) ? points_of(report, i) : 0;
    return sum;
}

int report_total(const struct report *report)
{
    return report->only == -1 ? report->lab->points
                              : report->lab->behaviours[report->only].points;
}

const struct behaviour *report_needed(const struct report *report,
                                      const struct behaviour *behaviour)
{
    for (size_t i = 0; i < report->lab->count; i++) {
        const struct behaviour *needed = &report->lab->behaviours[i];
        const struct result *result = &report->results[i];
        bool enough = result->mark == FAILED && needed->enough > 0 &&
                      result->outcome.step >= needed->enough;

        if ((behaviour->needs >> i & 1) != 0 && result->mark != PASSED && !enough)
            return needed;
    }
    return NULL;
}

/* ---- Text -------------------------------------------------------------------------------- */

/* Columns of UTF-8 text: its bytes, except those that continue a character. */
static size_t columns(const char *text, size_t length)
{
    size_t count = 0;

    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

/* A paragraph, and a place to read on at the right of its last line. */
static void write_why(const struct behaviour *behaviour, FILE *out)
{
    size_t column = WHY_INDENT, see = strlen(behaviour->see);

    fprintf(out, "          why  ");
    for (const char *at = behaviour->why.at; *at != '\0';) {
        size_t word = strcspn(at, " "), width = columns(at, word);

        if (column > WHY_INDENT && column + 1 + width > WIDTH) {
            fprintf(out, "\n%*s", WHY_INDENT, "");
            column = WHY_INDENT;
        } else if (column > WHY_INDENT) {
            fprintf(out, " ");
            column++;
        }
        fprintf(out, "%.*s", (int)word, at);
        column += width;
        at += word;
        at += strspn(at, " ");
    }
    if (see > 0 && column + 2 + see > WIDTH) {
        fprintf(out, "\n");
        column = 0;
    }
    if (see > 0)
        fprintf(out, "%*s", (int)(WIDTH - column), behaviour->see);
    fprintf(out, "\n");
}

/* What came, and why the step failed: the first line beside a heading, the others below. */
static void write_got(const char *at, FILE *out)
{
    for (const char *heading = "got"; *at != '\0'; heading = "") {
        size_t length = strcspn(at, "\n");

        fprintf(out, "%*s%-7s%.*s\n", WHAT_INDENT, "", heading, (int)length, at);
        at += length + 1;
    }
}

/*
 * Adds what a program has printed. It becomes UTF-8 (net/text.h): JSON takes nothing else.
 * Control characters are shown, and none of them is obeyed.
 */
static void add_clean(struct bytes *out, const char *said)
{
    struct text text = {.have = 0};
    char clean[TEXT_MOST];

    for (; *said != '\0'; said++) {
        unsigned char byte = (unsigned char)*said;
        bool is_control = (byte < 0x20 && byte != '\t') || byte == 0x7f;

        bytes_add(out, clean,
                  is_control ? text_finish(&text, clean) : text_take(&text, byte, clean));
        if (is_control)
            bytes_print(out, byte == '\n' ? "\n" : "\\%03o", byte);
    }
    bytes_add(out, clean, text_finish(&text, clean));
}

static void write_clean(const struct bytes *said, const char *indent, FILE *out)
{
    struct bytes text = {0};

    add_clean(&text, bytes_text(said));
    for (const char *at = text.at; *at != '\0'; at += *at == '\n') {
        size_t length = strcspn(at, "\n");

        fprintf(out, "%s%.*s\n", indent, (int)length, at);
        at += length;
    }
    bytes_free(&text);
}

/* Who does what, side by side, or one below the other. The step that failed is marked. */
static void write_step(size_t step, const char *line, const struct bytes *wanted,
                       FILE *out)
{
    size_t who = strcspn(line, "\t"), what = strcspn(line + who, "\n") - 1;

    fprintf(out, "        %c%2zu  %.*s", wanted != NULL ? '>' : ' ', step, (int)who,
            line);
    if (wanted != NULL && wanted->length > 0 && who >= WHO_WIDTH)
        fprintf(out, "\n%*s", WHAT_INDENT, "");
    else if (what > 0 || (wanted != NULL && wanted->length > 0))
        fprintf(out, "%*s", who < WHO_WIDTH ? (int)(WHO_WIDTH - who) : 1, "");
    if (wanted != NULL && wanted->length > 0)
        fprintf(out, "wanted %s", wanted->at);
    else
        fprintf(out, "%.*s", (int)what, line + who + 1);
    fprintf(out, "\n");
}

static void write_steps(const struct outcome *outcome, bool failed, FILE *out)
{
    size_t step = 0;

    for (const char *line = bytes_text(&outcome->steps); *line != '\0'; step++) {
        bool this_one = failed && outcome->step == step;

        write_step(step + 1, line, this_one ? &outcome->wanted : NULL, out);
        line += strcspn(line, "\n") + 1;
    }
    if (!failed)
        return;
    write_got(bytes_text(&outcome->got), out);
    write_clean(&outcome->last_words, "                        | ", out);
}

static void write_behaviour(struct report *report, size_t index, FILE *out)
{
    const struct behaviour *behaviour = &report->lab->behaviours[index];
    const struct result *result = &report->results[index];
    bool failed = result->mark == FAILED, passed = result->mark == PASSED;

    if (result->mark == NOT_REACHED || (passed && report->only == -1))
        return;
    fprintf(out, "  %-4s %3d/%d  %-11s ",
            failed   ? "FAIL"
            : passed ? "pass"
                     : "--",
            points_of(report, index), behaviour->points, behaviour->name);
    if (result->mark == NOT_TRIED) {
        fprintf(out, "not tried: it needs %s\n", report_needed(report, behaviour)->name);
        return;
    }
    fprintf(out, "%s\n", behaviour->title);
    write_steps(&result->outcome, failed, out);
    if (failed)
        write_why(behaviour, out);
}

static void write_group(const struct report *report, size_t first, FILE *out)
{
    const struct lab *lab = report->lab;
    const char *group = lab->behaviours[first].group;
    int points = 0, total = 0;

    if (group[0] == '\0' || report->only != -1 ||
        report->results[first].mark == NOT_REACHED ||
        (first > 0 && strcmp(lab->behaviours[first - 1].group, group) == 0))
        return;
    for (size_t i = first; i < lab->count; i++) {
        if (strcmp(lab->behaviours[i].group, group) == 0) {
            points += points_of(report, i);
            total += lab->behaviours[i].points;
        }
    }
    fprintf(out, "  %-9s %d of %d\n", group, points, total);
}

static bool would_earn_more(const struct report *report, size_t index)
{
    return report->results[index].mark == FAILED && is_shown(report, index);
}

/* The first behaviour that would earn more; NULL: there is none. */
static const struct behaviour *first_failed(const struct report *report)
{
    for (size_t i = 0; i < report->lab->count; i++)
        if (would_earn_more(report, i))
            return &report->lab->behaviours[i];
    return NULL;
}

/* In the order in which a student should mend them. */
static void write_next(const struct report *report, FILE *out)
{
    int count = 0;

    for (size_t i = 0; i < report->lab->count && count < NEXT_MOST; i++)
        if (would_earn_more(report, i))
            fprintf(out, "%s%s (%d)", count++ == 0 ? "  Next: " : ", ",
                    report->lab->behaviours[i].name, report->lab->behaviours[i].points);
}

static void write_text(struct report *report, FILE *out)
{
    const struct program *program = report->program;
    const struct behaviour *failed = first_failed(report);
    const char *quote = strchr(program->argument, ' ') == NULL ? "" : "'";

    fprintf(out, "grade %s   %s", report->lab->name, program->argument);
    if (program->warnings > 0)
        fprintf(out, " (%d warning%s)", program->warnings,
                program->warnings == 1 ? "" : "s");
    fprintf(out, "   seed %llu\n", (unsigned long long)report->seed);
    if (program->warnings > 0 || report->refused.length > 0)
        write_clean(&program->compiler, "    ", out);
    if (report->refused.length > 0)
        fprintf(out, "  %s.\n", report->refused.at);
    for (size_t i = 0; i < report->lab->count; i++) {
        write_group(report, i, out);
        if (is_shown(report, i))
            write_behaviour(report, i, out);
    }
    fprintf(out, "  %d of %d.", report_points(report), report_total(report));
    write_next(report, out);
    if (failed != NULL) {
        fprintf(out, ".\n  Again: %s -b %s", report->again, failed->name);
        if (report->seed != 1)
            fprintf(out, " -s %llu", (unsigned long long)report->seed);
        fprintf(out, " %s %s%s%s", report->scenes, quote, program->argument, quote);
    }
    fprintf(out, "\n");
}

void report_write_line(const struct report *report, FILE *out)
{
    fprintf(out, "%s %d of %d", report->lab->name, report_points(report),
            report_total(report));
    if (report->refused.length > 0)
        fprintf(out, ", %s", report->refused.at);
    else if (first_failed(report) != NULL)
        fprintf(out, ", next: %s", first_failed(report)->name);
    fprintf(out, "\n");
}

void report_list(const struct lab *lab, FILE *out)
{
    for (size_t i = 0; i < lab->count; i++)
        fprintf(out, "%s\t%d\t%s\n", lab->behaviours[i].name, lab->behaviours[i].points,
                lab->behaviours[i].title);
}

/* ---- Formats for programs ------------------------------------------------------------------ */

/* RFC 4180: quotes around a field that needs them. */
static void write_csv_field(const char *text, FILE *out)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fprintf(out, "%s", text);
        return;
    }
    fputc('"', out);
    for (; *text != '\0'; text++)
        fprintf(out, "%s%c", *text == '"' ? "\"" : "", *text);
    fputc('"', out);
}

static void write_csv(const struct report *report, FILE *out)
{
    const struct lab *lab = report->lab;

    fprintf(out, "program,total,of,compiled");
    for (size_t i = 0; i < lab->count; i++)
        fprintf(out, ",%s", lab->behaviours[i].name);
    fprintf(out, "\n");
    write_csv_field(report->program->argument, out);
    fprintf(out, ",%d,%d,%s", report_points(report), report_total(report),
            report->does_not_compile ? "no" : "yes");
    for (size_t i = 0; i < lab->count; i++) {
        enum mark mark = report->results[i].mark;

        fprintf(out, ",");
        if (mark == PASSED || mark == FAILED)
            fprintf(out, "%d", points_of(report, i));
    }
    fprintf(out, "\n");
}

/* RFC 8259. What is not UTF-8 was replaced or escaped before. */
static void write_json_string(const char *text, FILE *out)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else if (*text == '\n')
            fprintf(out, "\\n");
        else if ((unsigned char)*text < 0x20)
            fprintf(out, "\\u%04x", (unsigned)(unsigned char)*text);
        else
            fputc(*text, out);
    }
    fputc('"', out);
}

static void write_gradescope_test(struct report *report, size_t index, FILE *out)
{
    const struct behaviour *behaviour = &report->lab->behaviours[index];
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);

    if (memory != NULL) {
        write_behaviour(report, index, memory);
        fclose(memory);
    }
    fprintf(out, "{\"name\":");
    write_json_string(behaviour->name, out);
    fprintf(out, ",\"score\":%d,\"max_score\":%d,\"output\":", points_of(report, index),
            behaviour->points);
    write_json_string(length > 0 ? text : behaviour->title, out);
    fprintf(out, "}");
    free(text);
}

static void write_gradescope(struct report *report, FILE *out)
{
    struct bytes summary = {0};

    bytes_print(&summary, "%d of %d", report_points(report), report_total(report));
    if (report->refused.length > 0) {
        bytes_print(&summary, ": %s\n", report->refused.at);
        add_clean(&summary, bytes_text(&report->program->compiler));
    }
    fprintf(out, "{\"output\":");
    write_json_string(summary.at, out);
    fprintf(out, ",\"tests\":[");
    for (size_t i = 0; i < report->lab->count; i++) {
        fprintf(out, "%s\n", i == 0 ? "" : ",");
        write_gradescope_test(report, i, out);
    }
    fprintf(out, "\n]}\n");
    bytes_free(&summary);
}

void report_write(struct report *report, enum report_format format, FILE *out)
{
    switch (format) {
    case REPORT_CSV: write_csv(report, out); return;
    case REPORT_GRADESCOPE: write_gradescope(report, out); return;
    case REPORT_TEXT: write_text(report, out); return;
    case REPORT_AUTOLAB:
        write_text(report, out);
        fprintf(out, "{\"scores\":{\"%s\":%d}}\n", report->lab->name,
                report_points(report));
    }
}

void report_free(struct report *report)
{
    for (size_t i = 0; i < LAB_BEHAVIOURS; i++)
        outcome_free(&report->results[i].outcome);
    bytes_free(&report->refused);
}
