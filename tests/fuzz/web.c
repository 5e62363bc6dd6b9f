/*
 * Fuzzes what web_srv makes of a request: a path's names never lead out of a directory, a
 * range lies in its document, and a date that is read is written as the same time.
 *
 * Modules: http/web_path.c http/part.c http/http.c http/url.c http/http_date.c http/types.c base/number.c
 */
#include "tests/fuzz/fuzz.h"

#include "http/http_date.h"
#include "http/part.h"
#include "http/types.h"
#include "http/web_path.h"

static void check_path(const char *target)
{
    static char names[WEB_PATH_MOST + 1], again[WEB_PATH_MOST + 1];
    char slash[WEB_PATH_MOST + 2] = "/";
    int status = web_path_clean(web_path_of(target), names);

    assert(status == 0 || status == 400 || status == 404);
    if (status != 0)
        return;
    assert(*names != '/' && strstr(names, "//") == NULL);
    for (char *name = names; *name != '\0'; name += strspn(name, "/")) {
        size_t length = strcspn(name, "/");

        assert(!(length == 1 && name[0] == '.'));
        assert(!(length == 2 && name[0] == '.' && name[1] == '.'));
        name += length;
    }
    (void)types_by_name(names);
    if (strpbrk(names, "%?") != NULL)
        return;
    strcat(slash, names);
    assert(strlen(slash) > WEB_PATH_MOST ||
           (web_path_clean(slash, again) == 0 && strcmp(names, again) == 0));
}

static void check_range(const char *value, uint64_t size)
{
    struct range range;
    int status = part_of_range(&range, value, size);

    assert(status == 200 || status == 206 || status == 416);
    if (status == 206)
        assert(range.length > 0 && range.first < size &&
               range.length <= size - range.first);
    else
        assert(range.first == 0 && range.length == size);
}

static void check_date(const char *text)
{
    int64_t when = http_date_parse(text);
    char date[HTTP_DATE_MOST];

    assert(when >= -1);
    if (when == -1)
        return;
    assert(http_date((time_t)when, date));
    assert(http_date_parse(date) == when);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = string_of(data, size);
    uint64_t length = size == 0 ? 0 : (uint64_t)1 << data[size - 1] % 64;

    check_path(text);
    check_range(text, size);
    check_range(text, length);
    check_date(text);
    (void)types_by_bytes((const char *)data, size);
    free(text);
    return 0;
}
