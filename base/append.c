#include "base/append.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMMON (O_NOCTTY | O_CLOEXEC | O_NONBLOCK)

/* Was the last line cut? If the file may not be read, assume that it was not. */
static bool ends_within_line(const char *path, int descriptor)
{
    struct stat about;
    char last;
    ssize_t got;
    int reading;

    if (fstat(descriptor, &about) == -1 || !S_ISREG(about.st_mode) || about.st_size == 0)
        return false;
    reading = open(path, O_RDONLY | COMMON);
    if (reading == -1)
        return false;
    got = pread(reading, &last, 1, about.st_size - 1);
    close(reading);
    return got == 1 && last != '\n';
}

int append_open(struct append *file, const char *path)
{
    file->descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | COMMON, 0666);
    if (file->descriptor == -1)
        return -1;
    file->within_line = ends_within_line(path, file->descriptor);
    return 0;
}

int append_line(struct append *file, const char *line, size_t length)
{
    if (file->within_line && write(file->descriptor, "\n", 1) != 1)
        return -1;
    file->within_line = false;
    /* After a short write, the next write reports the error. */
    for (size_t done = 0; done < length;) {
        ssize_t written = write(file->descriptor, line + done, length - done);

        if (written <= 0) {
            file->within_line = done > 0;
            return -1;
        }
        done += (size_t)written;
    }
    return 0;
}

void append_close(struct append *file)
{
    close(file->descriptor);
    file->descriptor = -1;
}
