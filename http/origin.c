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

/* Writes the host that a request is sent to: in its target, if that is a whole URL, or in its
   Host, which does not count then (RFC 9112 3.2.2). "" without either. */
static char *find_host(const struct http_head *head, char host[HTTP_HEAD_MOST])
{
    const char *found = http_value(head, "Host");

    if (strncasecmp(head->target, "http://", 7) == 0)
        found = head->target + 7;
    if (found == NULL)
        found = "";
    snprintf(host, HTTP_HEAD_MOST, "%.*s", (int)strcspn(found, "/?"), found);
    return host;
}

bool origin_is_ours(const struct origin_names *names, const struct http_head *head)
{
    char host[HTTP_HEAD_MOST], bare[ADDRESS_MOST];
    char *port = strrchr(find_host(head, host), ':');
    const char *name;

    if (port != NULL && strchr(port, ']') == NULL)
        *port = '\0';
    name = address_bare(host, bare);
    if (is_local(name) || strcasecmp(name, names->machine) == 0)
        return true;
    for (size_t i = 0; i < names->count; i++)
        if (strcasecmp(name, names->list[i]) == 0)
            return true;
    return false;
}

bool origin_is_foreign(const struct http_head *head)
{
    const char *origin = http_value(head, "Origin");
    char host[HTTP_HEAD_MOST];

    if (origin == NULL)
        return false;
    if (strncmp(origin, "http://", 7) == 0)
        origin += 7;
    else if (strncmp(origin, "https://", 8) == 0)
        origin += 8;
    else
        return true;
    return *origin == '\0' || strcasecmp(origin, find_host(head, host)) != 0;
}
