#include "http/types.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define TEXT  "text/plain; charset=utf-8"
#define BYTES "application/octet-stream"

static const struct {
    const char *type, *endings;
} types[] = {
    {"text/html; charset=utf-8", "html htm"},
    {"text/css; charset=utf-8", "css"},
    {"text/javascript; charset=utf-8", "js mjs"},
    {TEXT, "txt md c h log sh py cc cpp hpp rs go java pl rb mk conf cfg ini toml yaml "
           "yml diff patch rst tex"},
    {"text/csv; charset=utf-8", "csv"},
    {"text/vtt; charset=utf-8", "vtt"},
    {"application/json", "json map"},
    {"application/manifest+json", "webmanifest"},
    {"application/xml", "xml"},
    {"application/xhtml+xml", "xhtml"},
    {"application/wasm", "wasm"},
    {"application/pdf", "pdf"},
    {"application/zip", "zip"},
    {"application/gzip", "gz tgz"},
    {"image/png", "png"},
    {"image/jpeg", "jpg jpeg"},
    {"image/gif", "gif"},
    {"image/svg+xml", "svg"},
    {"image/webp", "webp"},
    {"image/avif", "avif"},
    {"image/x-icon", "ico"},
    {"image/bmp", "bmp"},
    {"image/tiff", "tif tiff"},
    {"audio/mpeg", "mp3"},
    {"audio/mp4", "m4a"},
    {"audio/aac", "aac"},
    {"audio/ogg", "ogg oga opus"},
    {"audio/flac", "flac"},
    {"audio/wav", "wav"},
    {"audio/webm", "weba"},
    {"video/mp4", "mp4 m4v"},
    {"video/webm", "webm"},
    {"video/ogg", "ogv"},
    {"video/quicktime", "mov"},
    {"video/mpeg", "mpeg mpg"},
    {"video/x-matroska", "mkv"},
    {"font/woff", "woff"},
    {"font/woff2", "woff2"},
    {"font/ttf", "ttf"},
    {"font/otf", "otf"},
};

/* Is the word in this list of words? Case does not matter. */
static bool lists(const char *words, const char *word)
{
    size_t length = strlen(word), next;

    for (; *words != '\0'; words += next + (words[next] == ' ')) {
        next = strcspn(words, " ");
        if (next == length && strncasecmp(words, word, length) == 0)
            return true;
    }
    return false;
}

const char *types_by_name(const char *name)
{
    const char *dot = strrchr(name, '.');

    if (dot == NULL)
        return NULL;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (lists(types[i].endings, dot + 1))
            return types[i].type;
    return BYTES;
}

const char *types_by_bytes(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length && i < TYPES_LOOK; i++) {
        unsigned char byte = (unsigned char)bytes[i];

        if (byte < ' ' && (byte < '\t' || byte == 0x0b || byte > '\r') && byte != 0x1b)
            return BYTES;
    }
    return TEXT;
}
