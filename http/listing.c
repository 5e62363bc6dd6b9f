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

#define SHOWN_MOST 4096 /* bytes of a name or a path, made clean; the rest is cut */

struct names {
    char *list[LISTING_MOST];
    size_t count;
    bool has_more;
};

/* ---- The directory ------------------------------------------------------------------ */

/* Reads the names. 0, or -1 with errno. */
static int read_names(DIR *directory, struct names *names)
{
    const struct dirent *entry;

    while (errno = 0, (entry = readdir(directory)) != NULL) {
        if (*entry->d_name == '.')
            continue;
        names->has_more = names->count == LISTING_MOST;
        if (names->has_more)
            return 0;
        names->list[names->count] = strdup(entry->d_name);
        if (names->list[names->count] == NULL)
            return -1;
        names->count++;
    }
    return errno == 0 ? 0 : -1;
}

static int by_name(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

/* ---- The page ----------------------------------------------------------------------- */

/* Writes what may be any bytes as text of HTML that cannot mislead (net/text.h). */
static void write_text(FILE *page, const char *text)
{
    char clean[SHOWN_MOST];

    text_clean(text, clean, sizeof clean);
    text_straighten(clean, strlen(clean));
    for (const char *byte = clean; *byte != '\0'; byte++) {
        switch (*byte) {
        case '<': fputs("&lt;", page); break;
        case '>': fputs("&gt;", page); break;
        case '&': fputs("&amp;", page); break;
        default: fputc(*byte, page);
        }
    }
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

/* Writes a row for a file or a directory, if the name still is one. */
static void write_row(FILE *page, int directory, const char *name)
{
    const char *slash;
    struct stat about;
    struct tm utc;

    if (fstatat(directory, name, &about, AT_SYMLINK_NOFOLLOW) == -1 ||
        !(S_ISREG(about.st_mode) || S_ISDIR(about.st_mode)))
        return;
    slash = S_ISDIR(about.st_mode) ? "/" : "";
    fputs("<tr><td><a href=\"", page);
    write_encoded(page, name);
    fprintf(page, "%s\">", slash);
    write_text(page, name);
    fprintf(page, "</a>%s<td>", slash);
    if (S_ISREG(about.st_mode))
        fprintf(page, "%llu", (unsigned long long)about.st_size);
    fputs("<td>", page);
    if (gmtime_r(&about.st_mtime, &utc) != NULL)
        fprintf(page, "%04d-%02d-%02d %02d:%02d", utc.tm_year + 1900, utc.tm_mon + 1,
                utc.tm_mday, utc.tm_hour, utc.tm_min);
    fputc('\n', page);
}

static void write_page(FILE *page, const char *path, int directory,
                       const struct names *names)
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
    for (size_t i = 0; i < names->count; i++)
        write_row(page, directory, names->list[i]);
    fprintf(page, "</table>\n<p>%sTimes are UTC.\n",
            names->has_more ? "There are more names. " : "");
}

/* ---- The whole ---------------------------------------------------------------------- */

/* Returns the page, or NULL with errno. */
static char *make_page(DIR *directory, int descriptor, const char *path,
                       struct names *names, size_t *length)
{
    char *text = NULL;
    FILE *page;
    bool failed;

    if (read_names(directory, names) == -1)
        return NULL;
    page = open_memstream(&text, length);
    if (page == NULL)
        return NULL;
    qsort(names->list, names->count, sizeof names->list[0], by_name);
    write_page(page, path, descriptor, names);
    failed = ferror(page) != 0;
    if (fclose(page) == 0 && !failed)
        return text;
    free(text);
    errno = ENOMEM; /* nothing else can fail in memory */
    return NULL;
}

char *listing_write(int descriptor, const char *path, size_t *length)
{
    struct names names = {.count = 0};
    DIR *directory = fdopendir(descriptor);
    char *text;
    int error;

    if (directory == NULL) {
        descriptor_close_keeping_errno(descriptor);
        return NULL;
    }
    text = make_page(directory, descriptor, path, &names, length);
    error = errno;
    for (size_t i = 0; i < names.count; i++)
        free(names.list[i]);
    closedir(directory);
    errno = error;
    return text;
}
