#define _XOPEN_SOURCE 700 /* some systems have gethostname() in the XSI option */
#include "http/origin.h"

#include "net/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

void origin_find_name(struct origin_names *names)
{
    if (gethostname(names->machine, sizeof names->machine - 1) == -1)
        *names->machine = '\0';
}

static bool is_local(const char *name)
{
    struct in6_addr address;
    size_t length = strlen(name);

    return inet_pton(AF_INET, name, &address) == 1 ||
           inet_pton(AF_INET6, name, &address) == 1 || strchr(name, '.') == NULL ||
           (length > 6 && strcasecmp(name + length - 6, ".local") == 0);
}

bool origin_is_ours(const struct origin_names *names, const char *host)
{
    const char *end = strrchr(host, ':'), *name;
    char copy[256], bare[ADDRESS_MOST];

    if (end == NULL || strchr(end, ']') != NULL) /* there is no port */
        end = host + strlen(host);
    if ((size_t)(end - host) >= sizeof copy)
        return false;
    snprintf(copy, sizeof copy, "%.*s", (int)(end - host), host);
    name = strlen(copy) < sizeof bare ? address_bare(copy, bare) : copy;
    if (is_local(name) || strcasecmp(name, names->machine) == 0)
        return true;
    for (size_t i = 0; i < names->count; i++)
        if (strcasecmp(name, names->list[i]) == 0)
            return true;
    return false;
}

bool origin_is_foreign(const struct http_head *head)
{
    const char *origin = http_value(head, "Origin"), *host = http_value(head, "Host");

    if (origin == NULL)
        return false;
    if (strncmp(origin, "http://", 7) == 0)
        origin += 7;
    else if (strncmp(origin, "https://", 8) == 0)
        origin += 8;
    else
        return true;
    return host == NULL || strcasecmp(origin, host) != 0;
}
