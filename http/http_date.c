#include "http/http_date.h"

#include <stdio.h>
#include <string.h>

/* strftime() would write the names in the language of the locale. */
static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

bool http_date(time_t when, char *out)
{
    struct tm utc;

    *out = '\0';
    if (gmtime_r(&when, &utc) == NULL || utc.tm_year < -1900 || utc.tm_year > 9999 - 1900)
        return false;
    snprintf(out, HTTP_DATE_MOST, "%s, %02d %s %04d %02d:%02d:%02d GMT",
             days[utc.tm_wday], utc.tm_mday, months[utc.tm_mon], utc.tm_year + 1900,
             utc.tm_hour, utc.tm_min, utc.tm_sec);
    return true;
}

/* Are there such a day and time? Sets the number of the month. */
static bool is_valid(struct tm *utc, const char *month)
{
    while (utc->tm_mon < 12 && strcmp(months[utc->tm_mon], month) != 0)
        utc->tm_mon++;
    return utc->tm_mon < 12 && utc->tm_year >= 70 && utc->tm_mday >= 1 &&
           utc->tm_mday <= 31 && utc->tm_hour >= 0 && utc->tm_hour <= 23 &&
           utc->tm_min >= 0 && utc->tm_min <= 59 && utc->tm_sec >= 0 && utc->tm_sec <= 60;
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
    struct tm utc = {.tm_mon = 0};
    char month[4];
    int end = 0;

    if (sscanf(text, "%*3[A-Za-z], %2d %3s %4d %2d:%2d:%2d GMT%n", &utc.tm_mday, month,
               &utc.tm_year, &utc.tm_hour, &utc.tm_min, &utc.tm_sec, &end) == 6 &&
        end > 0) {
        utc.tm_year -= 1900;
    } else if (sscanf(text, "%*[A-Za-z], %2d-%3s-%2d %2d:%2d:%2d GMT%n", &utc.tm_mday,
                      month, &utc.tm_year, &utc.tm_hour, &utc.tm_min, &utc.tm_sec,
                      &end) == 6 &&
               end > 0) {
        utc.tm_year += utc.tm_year < 70 ? 100 : 0; /* of RFC 850, with two digits */
    } else if (sscanf(text, "%*3[A-Za-z] %3s %2d %2d:%2d:%2d %4d%n", month, &utc.tm_mday,
                      &utc.tm_hour, &utc.tm_min, &utc.tm_sec, &utc.tm_year, &end) == 6) {
        utc.tm_year -= 1900; /* of asctime() */
    } else {
        return -1;
    }
    return text[end] == '\0' && is_valid(&utc, month) ? seconds_of(&utc) : -1;
}
