/*
 * resolve: prints the addresses of names, and the names of addresses.
 *
 *     resolve NAME|ADDRESS ...
 *
 * Each line is one fact: what was asked, the kind of the answer, and the answer.
 *
 *     $ resolve localhost 127.0.0.1
 *     localhost name localhost
 *     localhost IPv6 ::1
 *     localhost IPv4 127.0.0.1
 *     127.0.0.1 name localhost
 *
 * getaddrinfo() and getnameinfo() (POSIX) ask the sources that the system is set up to
 * use, usually its hosts file and the DNS. Addresses come in the order in which a client
 * should try them (RFC 6724).
 */
#include "base/options.h"
#include "base/start.h"
#include "net/text.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAME_MOST  1025            /* the most that getnameinfo() writes (RFC 3493 6.2) */
#define CLEAN_MOST (3 * NAME_MOST) /* a byte that is not UTF-8 becomes three */

/* A stranger may have chosen the text: a name server, or the author of a list of names. */
static void print_fact(const char *asked, const char *kind, const char *answer)
{
    char question[CLEAN_MOST], fact[CLEAN_MOST];

    /* main()'s fflush() shows whether this failed. */
    printf("%s %s %s\n", text_clean(asked, question, sizeof question), kind,
           text_clean(answer, fact, sizeof fact));
}

/* Says why a look-up failed; `failed` is getaddrinfo()'s result. Returns -1. */
static int complain(const char *what, const char *asked, int failed)
{
    const char *why = failed == EAI_SYSTEM ? strerror(errno) : gai_strerror(failed);
    char question[CLEAN_MOST];

    fprintf(stderr, "resolve: no %s of '%s': %s\n", what,
            text_clean(asked, question, sizeof question), why);
    return -1;
}

/* Prints an address, or, with NI_NAMEREQD in `flags`, its name. 0, or -1: it has none. */
static int print_address(const char *asked, const struct addrinfo *address, int flags,
                         const char *kind)
{
    char text[NAME_MOST];
    int failed = getnameinfo(address->ai_addr, address->ai_addrlen, text, sizeof text,
                             NULL, 0, flags);

    if (failed)
        return complain("name", asked, failed);
    print_fact(asked, kind, text);
    return 0;
}

/* If the hosts file has an address twice, the answer has it twice. */
static bool is_repeated(const struct addrinfo *found, const struct addrinfo *address)
{
    for (; found != address; found = found->ai_next)
        if (found->ai_addrlen == address->ai_addrlen &&
            memcmp(found->ai_addr, address->ai_addr, found->ai_addrlen) == 0)
            return true;
    return false;
}

static int resolve_name(const char *asked)
{
    /* Without a socket type each address would come once for every type. */
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_CANONNAME};
    struct addrinfo *found;
    int failed = getaddrinfo(asked, NULL, &hints, &found), result = 0;

    if (failed)
        return complain("address", asked, failed);
    if (found->ai_canonname != NULL)
        print_fact(asked, "name", found->ai_canonname);
    for (struct addrinfo *address = found; address != NULL; address = address->ai_next)
        if (!is_repeated(found, address) &&
            print_address(asked, address, NI_NUMERICHOST,
                          address->ai_family == AF_INET6 ? "IPv6" : "IPv4") == -1)
            result = -1;
    freeaddrinfo(found);
    return result;
}

/* Returns 0, or -1 if nothing was found. */
static int resolve(const char *asked)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo *address;
    int failed = getaddrinfo(asked, NULL, &hints, &address), result;

    if (failed == EAI_NONAME) /* it is not an address */
        return resolve_name(asked);
    if (failed)
        return complain("name", asked, failed);
    result = print_address(asked, address, NI_NAMEREQD, "name");
    freeaddrinfo(address);
    return result;
}

static const struct options options = {
    .program = "resolve",
    .letters = "hV",
    .usage = "usage: resolve [-hV] name|address ...\n",
    .help =
        "Prints the full name and every address of each name, and the name of each\n"
        "address. Each line holds what was asked, then 'name', 'IPv4' or 'IPv6', and\n"
        "the answer. The status is 1 if one of them has no answer.\n"
        "  name     a host's name\n"
        "  address  an IPv4 or IPv6 address\n"
        "  -h       print this help\n"
        "  -V       print the version\n",
};

int main(int argc, char *argv[])
{
    int status = EXIT_SUCCESS;

    while (options_next(&options, argc, argv) != -1)
        continue;
    if (optind == argc)
        options_wrong(&options, "give a name or an address");
    start_program(&options);
    for (int i = optind; i < argc; i++) {
        if (resolve(argv[i]) == -1)
            status = EXIT_FAILURE;
        if (fflush(stdout) == EOF)
            options_cannot_write(&options);
    }
    return status;
}
