#include "base/random.h"

#include "base/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

int random_token(char token[RANDOM_TOKEN_MOST])
{
    unsigned char bytes[RANDOM_TOKEN_MOST / 2];
    int device = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (device == -1)
        return -1;
    got = read(device, bytes, sizeof bytes);
    descriptor_close_keeping_errno(device);
    if (got != (ssize_t)sizeof bytes) {
        if (got != -1)
            errno = EIO; /* it is another file: the device gives all at once */
        return -1;
    }
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(token + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

bool random_is_same(const char token[RANDOM_TOKEN_MOST], const char *other)
{
    int difference = 0;

    if (strlen(other) != RANDOM_TOKEN_MOST - 1)
        return false;
    for (int i = 0; i < RANDOM_TOKEN_MOST; i++)
        difference |= token[i] ^ other[i];
    return difference == 0;
}
