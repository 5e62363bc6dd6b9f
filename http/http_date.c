#define _XOPEN_SOURCE 700 /* strptime() is in the XSI option */
#include "http/http_date.h"

#include <stdio.h>

bool http_date(time_t when, char *out)
{
    struct tm utc;

    *out = '\0';
    if (gmtime_r(&when, &utc) == NULL || utc.tm_year < -1900 || utc.tm_year > 9999 - 1900)
        return false;
    out += strftime(out, HTTP_DATE_MOST, "%a, %d %b ", &utc);
    out += sprintf(out, "%04d", utc.tm_year + 1900); /* %Y may write fewer digits */
    (void)strftime(out, HTTP_DATE_MOST - 16, " %H:%M:%S GMT", &utc);
    return true;
}

/* The formula of POSIX (XBD 4.16); C11 and POSIX have no function for it. */
static int64_t seconds_of(const struct tm *utc)
{
    static const int before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t year = utc->tm_year; /* since 1900 */
    int64_t leap_days = (year - 69) / 4 - (year - 1) / 100 + (year + 299) / 400;
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 100);
    int64_t day = before[utc->tm_mon] + utc->tm_mday - 1 + (is_leap && utc->tm_mon > 1);

    day += 365 * (year - 70) + leap_days;
    return ((day * 24 + utc->tm_hour) * 60 + utc->tm_min) * 60 + utc->tm_sec;
}

int64_t http_date_parse(const char *text)
{
    static const char *const forms[] = {
        "%a, %d %b %Y %H:%M:%S GMT", /* as http_date() writes it */
        "%a, %d-%b-%y %H:%M:%S GMT", /* RFC 850 */
        "%a %b %d %H:%M:%S %Y",      /* asctime() */
    };

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct tm utc = {.tm_year = 0};
        const char *end = strptime(text, forms[i], &utc);

        if (end != NULL && *end == '\0')
            return utc.tm_year >= 70 ? seconds_of(&utc) : -1;
    }
    return -1;
}
