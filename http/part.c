#include "http/part.h"

#include "http/http_date.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- Ranges ------------------------------------------------------------------------- */

/* Takes digits. A number beyond all files becomes UINT64_MAX. False: there are none. */
static bool take_number(const char **text, uint64_t *number)
{
    const char *begin = *text;

    for (*number = 0; **text >= '0' && **text <= '9'; (*text)++) {
        uint64_t digit = (uint64_t)(**text - '0');

        *number = *number > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *number * 10 + digit;
    }
    return *text > begin;
}

int part_of_range(struct range *range, const char *value, uint64_t size)
{
    uint64_t first, last;
    bool has_first, has_last;

    *range = (struct range){0, size};
    if (strncasecmp(value, "bytes=", 6) != 0)
        return 200;
    value += 6;
    has_first = take_number(&value, &first);
    if (*value != '-')
        return 200;
    value++;
    has_last = take_number(&value, &last);
    if (*value != '\0' || !(has_first || has_last))
        return 200;
    if (!has_first) { /* bytes=-20: the last 20 */
        if (size == 0 && last > 0)
            return 200; /* they are all there are, but a Content-Range cannot say so */
        first = last < size ? size - last : 0;
        has_last = false;
    }
    if (!has_last || last >= size)
        last = size - 1;
    if (first >= size || first > last)
        return 416;
    *range = (struct range){first, last - first + 1};
    return 206;
}

/* ---- Conditions --------------------------------------------------------------------- */

/* What identifies a version of a file. */
struct validators {
    char tag[60];              /* W/"size-time" */
    char date[HTTP_DATE_MOST]; /* "": there is none */
    int64_t modified;
};

static void make_validators(struct validators *validators, const struct web_file *file,
                            time_t now)
{
    validators->modified = file->modified.tv_sec;
    snprintf(validators->tag, sizeof validators->tag, "W/\"%llx-%llx.%lx\"",
             (unsigned long long)file->size, (unsigned long long)validators->modified,
             (unsigned long)file->modified.tv_nsec);
    /* No server says that a file was changed in the future (RFC 9110 8.8.2.1). */
    validators->date[0] = '\0';
    if (file->modified.tv_sec <= now)
        http_date(file->modified.tv_sec, validators->date);
}

/* Does the client have this version? Tags are compared without their W/ (8.8.3.2). */
static bool is_known(const struct http_head *request, const char *tag)
{
    static const char name[] = "If-None-Match";

    return http_lists(request, name, "*") || http_lists(request, name, tag) ||
           http_lists(request, name, tag + strlen("W/"));
}

/* Was the file changed after the time that the field says? -1: it says none. */
static int changed_since(const struct http_head *request, const char *name,
                         const struct validators *validators)
{
    const char *value = http_value(request, name);
    int64_t since = value == NULL ? -1 : http_date_parse(value);

    return since == -1 ? -1 : validators->modified > since;
}

/* The status if a condition stops the answer, or 200 (RFC 9110 13.2.2). */
static int check_conditions(const struct http_head *request,
                            const struct validators *validators)
{
    /* If-Match compares strongly, and a weak tag is never the same as another. */
    if (http_value(request, "If-Match") != NULL) {
        if (!http_lists(request, "If-Match", "*"))
            return 412;
    } else if (changed_since(request, "If-Unmodified-Since", validators) == 1) {
        return 412;
    }
    if (http_value(request, "If-None-Match") != NULL)
        return is_known(request, validators->tag) ? 304 : 200;
    return changed_since(request, "If-Modified-Since", validators) == 0 ? 304 : 200;
}

/*
 * Does If-Range allow a part (13.1.5)? The date has to be the file's own, and be over:
 * another change in the same second would not show. A weak tag is never enough.
 */
static bool allows_part(const struct http_head *request,
                        const struct validators *validators, time_t now)
{
    const char *value = http_value(request, "If-Range");

    return value == NULL ||
           (strcmp(value, validators->date) == 0 && validators->modified < now);
}

/* ---- The part ----------------------------------------------------------------------- */

/* A 304 has the fields that update a cache, and no others (15.4.5). */
static void write_fields(struct part *part, const struct validators *validators,
                         uint64_t size)
{
    char modified[60] = "", range[100] = "";
    const struct range *sent = &part->range;

    if (*validators->date != '\0' && (part->status == 200 || part->status == 206))
        snprintf(modified, sizeof modified, "Last-Modified: %s\r\n", validators->date);
    if (part->status == 206)
        snprintf(range, sizeof range, "Content-Range: bytes %llu-%llu/%llu\r\n",
                 (unsigned long long)sent->first,
                 (unsigned long long)(sent->first + sent->length - 1),
                 (unsigned long long)size);
    else if (part->status == 416)
        snprintf(range, sizeof range, "Content-Range: bytes */%llu\r\n",
                 (unsigned long long)size);
    snprintf(part->fields, sizeof part->fields,
             "Accept-Ranges: bytes\r\nETag: %s\r\n%s%s", validators->tag, modified,
             range);
}

void part_choose(struct part *part, const struct http_head *request,
                 const struct web_file *file, time_t now)
{
    const char *range = http_value(request, "Range");
    struct validators validators;

    *part = (struct part){.status = 200, .range = {0, file->size}};
    if (file->text != NULL)
        return;
    make_validators(&validators, file, now);
    part->status = check_conditions(request, &validators);
    /* A range is defined for GET alone (14.2). */
    if (part->status == 200 && range != NULL && strcmp(request->method, "GET") == 0 &&
        allows_part(request, &validators, now))
        part->status = part_of_range(&part->range, range, file->size);
    write_fields(part, &validators, file->size);
}
