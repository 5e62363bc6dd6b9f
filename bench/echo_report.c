/* echo_report - see echo_report.h */
#include "echo_report.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>

void report_add(struct report *report, const char *name, const char *unit, double value,
                int decimals)
{
    if (report->count < FIGURES_MAX)
        report->figures[report->count++] = (struct figure){name, unit, value, decimals};
}

void report_print(const struct report *report)
{
    for (int i = 0; i < report->count; i++) {
        const struct figure *figure = &report->figures[i];

        if (isnan(figure->value))
            printf("%-23s %13s\n", figure->name, "-");
        else if (figure->unit[0] == '\0')
            printf("%-23s %13.*f\n", figure->name, figure->decimals, figure->value);
        else
            printf("%-23s %13.*f %s\n", figure->name, figure->decimals, figure->value,
                   figure->unit);
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

void report_csv_names(const struct report *report)
{
    printf("server,way");
    for (int i = 0; i < report->count; i++) {
        putchar(',');
        print_words(report->figures[i].name);
        if (isalnum((unsigned char)report->figures[i].unit[0]))
            putchar('_');
        print_words(report->figures[i].unit);
    }
    printf(",outcome\n");
}

void report_csv(const struct report *report, const char *server, const char *way,
                const char *outcome)
{
    printf("%s,%s", server, way);
    for (int i = 0; i < report->count; i++) {
        const struct figure *figure = &report->figures[i];

        putchar(',');
        if (!isnan(figure->value))
            printf("%.*f", figure->decimals, figure->value);
    }
    printf(",%s\n", outcome);
}
