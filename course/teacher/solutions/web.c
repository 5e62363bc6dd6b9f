/*
 * web: serves the files below www/ to browsers, one request on each connection (HTTP/1.1,
 * RFC 9112).
 *
 * A process for each client, as in name.c: a slow reader keeps nobody else waiting. The
 * request cannot be trusted. So it is limited in length and in time, and its path is decoded
 * first and only then judged.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT         "www"
#define REQUEST_MOST 8192 /* RFC 9112 3: at least 8,000 for the first line */
#define PATIENCE_S   30

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int listen_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    if (listener == -1)
        die("socket");
    address.sin_port = htons((in_port_t)port);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1)
        die("bind");
    if (listen(listener, SOMAXCONN) == -1)
        die("listen");
    return listener;
}

/* ---- Sending ------------------------------------------------------------------------ */

static bool send_all(int sock, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(sock, bytes, length, MSG_NOSIGNAL);

        if (sent == -1)
            return false;
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

/* The empty line ends the header; Content-Length says where the content ends. */
static bool send_header(int sock, const char *status, long long length)
{
    char header[256];
    int written = snprintf(header, sizeof header,
                           "HTTP/1.1 %s\r\n"
                           "Content-Length: %lld\r\n"
                           "Connection: close\r\n"
                           "\r\n",
                           status, length);

    return send_all(sock, header, (size_t)written);
}

static void refuse(int sock, const char *status, bool with_content)
{
    if (send_header(sock, status, (long long)strlen(status) + 1) && with_content &&
        send_all(sock, status, strlen(status)))
        send_all(sock, "\n", 1);
}

static void send_file(int sock, int file, bool with_content)
{
    char bytes[16384];
    struct stat about;
    ssize_t got;

    if (fstat(file, &about) == -1 || !S_ISREG(about.st_mode)) {
        refuse(sock, "404 Not Found", with_content);
        return;
    }
    if (!send_header(sock, "200 OK", (long long)about.st_size) || !with_content)
        return;
    while ((got = read(file, bytes, sizeof bytes)) > 0)
        if (!send_all(sock, bytes, (size_t)got))
            return;
}

/* ---- A request ---------------------------------------------------------------------- */

/* Reads up to the empty line, however it was cut. False: it ended before, or is too long. */
static bool read_request(int sock, char *request)
{
    size_t length = 0;

    while (length < REQUEST_MOST) {
        ssize_t got = recv(sock, request + length, REQUEST_MOST - length, 0);

        if (got <= 0)
            return false;
        length += (size_t)got;
        request[length] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL || strstr(request, "\n\n") != NULL)
            return true;
    }
    refuse(sock, "431 Request Header Fields Too Large", true);
    return false;
}

/* Replaces %2e by '.' and so on, in place. False: it is not a hexadecimal number, or it is 0. */
static bool decode(char *path)
{
    char *to = path;

    for (char *from = path; *from != '\0'; from++, to++) {
        char digits[3] = "";

        *to = *from;
        if (*from != '%')
            continue;
        strncat(digits, from + 1, 2);
        if (strspn(digits, "0123456789abcdefABCDEF") != 2 || strcmp(digits, "00") == 0)
            return false;
        *to = (char)strtol(digits, NULL, 16);
        from += 2;
    }
    *to = '\0';
    return true;
}

/* Does the path stay below www/? It begins with / and has no part that is "..". */
static bool stays_inside(const char *path)
{
    const char *up = path;

    while ((up = strstr(up, "/..")) != NULL) {
        up += strlen("/..");
        if (*up == '/' || *up == '\0')
            return false;
    }
    return *path == '/';
}

static void answer(int sock, char *request)
{
    char *method = strtok(request, " "), *path = strtok(NULL, " \r\n");
    char name[sizeof ROOT + REQUEST_MOST + sizeof "index.html"];
    bool with_content = method == NULL || strcmp(method, "HEAD") != 0;
    int file;

    if (method == NULL || path == NULL) {
        refuse(sock, "400 Bad Request", with_content);
        return;
    }
    if (with_content && strcmp(method, "GET") != 0) {
        refuse(sock, "501 Not Implemented", true);
        return;
    }
    path[strcspn(path, "?")] = '\0'; /* a file has no use for a query */
    if (!decode(path) || !stays_inside(path)) {
        refuse(sock, "400 Bad Request", with_content);
        return;
    }
    sprintf(name, "%s%s%s", ROOT, path,
            path[strlen(path) - 1] == '/' ? "index.html" : "");
    file = open(name, O_RDONLY);
    if (file == -1)
        refuse(sock, "404 Not Found", with_content);
    else
        send_file(sock, file, with_content);
}

/* As in hello.c: a close() with unread bytes would reset what is still on its way. */
static void serve(int sock)
{
    static char request[REQUEST_MOST + 1];

    alarm(PATIENCE_S); /* ends this process, whatever the client does or does not */
    if (read_request(sock, request))
        answer(sock, request);
    shutdown(sock, SHUT_WR);
    while (recv(sock, request, sizeof request, 0) > 0)
        continue;
}

int main(int argc, char *argv[])
{
    int listener = listen_on(atoi(argv[argc - 1]));

    signal(SIGCHLD, SIG_IGN); /* no zombies */
    for (;;) {
        int sock = accept(listener, NULL, NULL);

        if (sock == -1 && errno != ECONNABORTED && errno != EINTR)
            die("accept");
        if (sock != -1 && fork() == 0) {
            close(listener);
            serve(sock);
            exit(0);
        }
        close(sock);
    }
}
