#include "http/listing.h"

#include "base/descriptor.h"
#include "net/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct entry {
    char *name;
    struct stat about;
};

struct entries {
    struct entry *list;
    size_t count, room;
    bool has_more; /* than LISTING_MOST */
};

/* ---- The directory ------------------------------------------------------------------ */

static int add(struct entries *entries, const char *name, const struct stat *about)
{
    if (entries->count == entries->room) {
        size_t room = entries->room == 0 ? 64 : 2 * entries->room;
        struct entry *list = realloc(entries->list, room * sizeof *list);

        if (list == NULL)
            return -1;
        entries->list = list;
        entries->room = room;
    }
    entries->list[entries->count].about = *about;
    entries->list[entries->count].name = strdup(name);
    return entries->list[entries->count++].name == NULL ? -1 : 0;
}

/* Reads what is to be shown. 0, or -1 with errno. */
static int read_entries(DIR *directory, struct entries *entries)
{
    const struct dirent *found;
    struct stat about;

    while (errno = 0, (found = readdir(directory)) != NULL) {
        /* One that was removed in the meantime is not there any more. */
        if (*found->d_name == '.' ||
            fstatat(dirfd(directory), found->d_name, &about, AT_SYMLINK_NOFOLLOW) == -1 ||
            !(S_ISREG(about.st_mode) || S_ISDIR(about.st_mode)))
            continue;
        entries->has_more = entries->count == LISTING_MOST;
        if (entries->has_more)
            return 0;
        if (add(entries, found->d_name, &about) == -1)
            return -1;
    }
    return errno == 0 ? 0 : -1;
}

static int by_name(const void *one, const void *other)
{
    return strcmp(((const struct entry *)one)->name, ((const struct entry *)other)->name);
}

/* ---- The page ----------------------------------------------------------------------- */

/* Writes what may be any bytes as text of HTML that cannot mislead (net/text.h). */
static void write_text(FILE *page, const char *text)
{
    struct text state = {.have = 0};
    char clean[TEXT_MOST];
    size_t length;

    do {
        length = *text != '\0' ? text_take(&state, (unsigned char)*text, clean)
                               : text_finish(&state, clean);
        text_straighten(clean, length);
        for (size_t i = 0; i < length; i++) {
            switch (clean[i]) {
            case '<': fputs("&lt;", page); break;
            case '>': fputs("&gt;", page); break;
            case '&': fputs("&amp;", page); break;
            default: fputc(clean[i], page);
            }
        }
    } while (*text++ != '\0');
}

/* Writes a name for a URL: all but the unreserved bytes encoded (RFC 3986 2.3). */
static void write_encoded(FILE *page, const char *name)
{
    static const char unreserved[] = "abcdefghijklmnopqrstuvwxyz0123456789-._~"
                                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    for (; *name != '\0'; name++) {
        if (strchr(unreserved, *name) != NULL)
            fputc(*name, page);
        else
            fprintf(page, "%%%02X", (unsigned)(unsigned char)*name);
    }
}

static void write_entry(FILE *page, const struct entry *entry)
{
    const char *slash = S_ISDIR(entry->about.st_mode) ? "/" : "";
    struct tm utc;

    fputs("<tr><td><a href=\"", page);
    write_encoded(page, entry->name);
    fprintf(page, "%s\">", slash);
    write_text(page, entry->name);
    fprintf(page, "</a>%s<td>", slash);
    if (*slash == '\0')
        fprintf(page, "%llu", (unsigned long long)entry->about.st_size);
    fputs("<td>", page);
    if (gmtime_r(&entry->about.st_mtime, &utc) != NULL)
        fprintf(page, "%04d-%02d-%02d %02d:%02d", utc.tm_year + 1900, utc.tm_mon + 1,
                utc.tm_mday, utc.tm_hour, utc.tm_min);
    fputc('\n', page);
}

static void write_page(FILE *page, const char *path, const struct entries *entries)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>/", page);
    write_text(page, path);
    fputs("</title>\n<style>td { padding-right: 2em } td + td { text-align: right }"
          "</style>\n<h1>/",
          page);
    write_text(page, path);
    fputs("</h1>\n<table>\n", page);
    if (*path != '\0')
        fputs("<tr><td><a href=\"../\">..</a>/\n", page);
    for (size_t i = 0; i < entries->count; i++)
        write_entry(page, &entries->list[i]);
    fprintf(page, "</table>\n<p>%sTimes are UTC.\n",
            entries->has_more ? "There are more names. " : "");
}

/* ---- The whole ---------------------------------------------------------------------- */

/* Returns the page, or NULL with errno. */
static char *make_page(DIR *directory, const char *path, struct entries *entries,
                       size_t *length)
{
    char *text = NULL;
    FILE *page;
    bool failed;

    if (read_entries(directory, entries) == -1)
        return NULL;
    page = open_memstream(&text, length);
    if (page == NULL)
        return NULL;
    if (entries->count > 0)
        qsort(entries->list, entries->count, sizeof *entries->list, by_name);
    write_page(page, path, entries);
    failed = ferror(page) != 0;
    if (fclose(page) == 0 && !failed)
        return text;
    free(text);
    errno = ENOMEM; /* nothing else can fail in memory */
    return NULL;
}

char *listing_write(int descriptor, const char *path, size_t *length)
{
    struct entries entries = {.list = NULL};
    int own = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;
    DIR *directory = own == -1 ? NULL : fdopendir(own);
    char *text;

    if (directory == NULL && own != -1)
        descriptor_close_keeping_errno(own);
    if (directory == NULL)
        return NULL;
    text = make_page(directory, path, &entries, length);
    error = errno;
    for (size_t i = 0; i < entries.count; i++)
        free(entries.list[i].name);
    free(entries.list);
    closedir(directory);
    errno = error;
    return text;
}
