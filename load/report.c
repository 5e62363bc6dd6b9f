#include "load/report.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>

#define BUSY 0.9 /* of the time: whoever is busier than that sets the pace */

void report_text(struct report *report, const char *name, const char *text)
{
    if (report->count < REPORT_MOST)
        report->figures[report->count++] =
            (struct figure){.name = name, .unit = "", .text = text};
}

void report_add(struct report *report, const char *name, const char *unit, double value,
                int decimals)
{
    if (report->count < REPORT_MOST)
        report->figures[report->count++] = (struct figure){
            .name = name, .unit = unit, .value = value, .decimals = decimals};
}

void report_count(struct report *report, const char *name, const char *unit,
                  uint64_t value)
{
    report_add(report, name, unit, (double)value, 0);
}

void report_latency(struct report *report, const struct histogram *latency)
{
    static const char *const names[] = {"latency p50", "latency p90", "latency p99",
                                        "latency max"};
    static const double percents[] = {50, 90, 99, 100};

    for (int i = 0; i < 4; i++)
        report_add(report, names[i], "us",
                   latency->total == 0
                       ? NAN
                       : (double)histogram_percentile(latency, percents[i]) / 1e3,
                   1);
}

const char *report_bottleneck(const struct cost *cost)
{
    bool server = cost->server_cpu > BUSY * cost->seconds;
    bool generator = cost->own_cpu > BUSY * cost->seconds;

    if (cost->server_cpu < 0)
        return "";
    if (generator)
        return server ? "both" : "generator";
    return server ? "server" : "neither";
}

void report_cost(struct report *report, const struct cost *cost, const char *each,
                 uint64_t pieces)
{
    double cpu = cost->server_cpu < 0 ? NAN : cost->server_cpu;

    report_add(report, "server CPU", "s", cpu, 3);
    report_add(report, each, "ns", pieces > 0 ? cpu * 1e9 / (double)pieces : NAN, 1);
    report_add(report, "server memory", "KiB",
               isnan(cpu) || cost->memory_kib < 0 ? NAN : (double)cost->memory_kib, 0);
    report_add(report, "generator CPU", "s", cost->own_cpu, 3);
    report_add(report, "generator share", "%", 100 * cost->own_cpu / cost->seconds, 0);
    report_text(report, "bottleneck", report_bottleneck(cost));
}

void report_forget(struct report *report, int first)
{
    for (int i = first; i < report->count; i++) {
        report->figures[i].value = NAN;
        if (report->figures[i].text != NULL)
            report->figures[i].text = "";
    }
}

void report_print(const struct report *report)
{
    for (int i = 0; i < report->count; i++) {
        const struct figure *figure = &report->figures[i];

        if (figure->text != NULL)
            printf("%-23s %13s\n", figure->name,
                   figure->text[0] == '\0' ? "-" : figure->text);
        else if (isnan(figure->value))
            printf("%-23s %13s\n", figure->name, "-");
        else
            printf("%-23s %13.*f%s%s\n", figure->name, figure->decimals, figure->value,
                   figure->unit[0] == '\0' ? "" : " ", figure->unit);
    }
}

/* Letters and digits, in lower case, each other run between them a '_'. */
static void print_words(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (isalnum((unsigned char)*at))
            putchar(tolower((unsigned char)*at));
        else if (at > text && isalnum((unsigned char)at[1]))
            putchar('_');
    }
}

static void print_names(const struct report *report)
{
    for (int i = 0; i < report->count; i++) {
        const struct figure *figure = &report->figures[i];

        print_words(figure->name);
        if (isalnum((unsigned char)figure->unit[0]))
            putchar('_');
        print_words(figure->unit);
        putchar(i + 1 < report->count ? ',' : '\n');
    }
}

void report_csv(const struct report *report, bool names)
{
    if (names)
        print_names(report);
    for (int i = 0; i < report->count; i++) {
        const struct figure *figure = &report->figures[i];

        if (figure->text != NULL)
            printf("%s", figure->text);
        else if (!isnan(figure->value))
            printf("%.*f", figure->decimals, figure->value);
        putchar(i + 1 < report->count ? ',' : '\n');
    }
}
