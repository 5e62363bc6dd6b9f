/*
 * shim: makes a call of a program fail. It is loaded before libc (LD_PRELOAD, ld.so(8)), so
 * the program calls these functions instead of libc's. The file that FAULT_FILE names says
 * which call fails (fault.h). Calls that libc itself makes, in stdio for one, are not seen
 * here. It is for Linux with glibc.
 */
#define _GNU_SOURCE
#include "tests/faults/fault.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#define DESCRIPTORS_MOST 1200

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void __libc_free(void *block);

/* Where the program itself lies: memory that libc takes for itself does not fail. */
static uintptr_t code_begin, code_end;

static struct fault *fault; /* NULL: no file, so all calls work */
static atomic_int blocks;
static int descriptors_before;
static pid_t main_process; /* a child's end is not the program's */

static int count_descriptors(void)
{
    int count = 0;

    for (long descriptor = 0; descriptor < DESCRIPTORS_MOST; descriptor++)
        count += syscall(SYS_fcntl, descriptor, F_GETFD) != -1;
    return count;
}

/* The first object is the program (dl_iterate_phdr(3)). */
static int find_code(struct dl_phdr_info *program, size_t size, void *nothing)
{
    (void)size;
    (void)nothing;
    for (int n = 0; n < program->dlpi_phnum; n++) {
        if (program->dlpi_phdr[n].p_type != PT_LOAD ||
            (program->dlpi_phdr[n].p_flags & PF_X) == 0)
            continue;
        code_begin = program->dlpi_addr + program->dlpi_phdr[n].p_vaddr;
        code_end = code_begin + program->dlpi_phdr[n].p_memsz;
    }
    return 1;
}

static __attribute__((constructor)) void begin(void)
{
    const char *name = getenv("FAULT_FILE");
    long file = name == NULL ? -1 : syscall(SYS_openat, AT_FDCWD, name, O_RDWR);
    void *map;

    if (file == -1)
        return;
    map = mmap(NULL, sizeof *fault, PROT_READ | PROT_WRITE, MAP_SHARED, (int)file, 0);
    syscall(SYS_close, file);
    dl_iterate_phdr(find_code, NULL);
    main_process = getpid();
    descriptors_before = count_descriptors();
    blocks = 0;
    fault = map == MAP_FAILED ? NULL : map;
}

static __attribute__((destructor)) void end(void)
{
    if (fault == NULL || getpid() != main_process)
        return;
    fault->descriptors = count_descriptors() - descriptors_before;
    fault->blocks = blocks;
}

static int port_of(const struct sockaddr_storage *name)
{
    return ntohs(name->ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)name)->sin6_port
                     : ((const struct sockaddr_in *)name)->sin_port);
}

/* The peer's port, if it is a socket that has a peer. */
static int peer_port(int descriptor)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;

    if (descriptor == -1 || syscall(SYS_getpeername, descriptor, &peer, &length) == -1)
        return 0;
    return port_of(&peer);
}

static bool is_datagram(int descriptor)
{
    int type = 0;
    socklen_t length = sizeof type;

    syscall(SYS_getsockopt, descriptor, SOL_SOCKET, SO_TYPE, &type, &length);
    return type == SOCK_DGRAM;
}

/* A pipe that the program has made for itself. */
static bool is_own_pipe(int descriptor)
{
    struct stat about;

    return descriptor > 2 && syscall(SYS_fstat, descriptor, &about) == 0 &&
           S_ISFIFO(about.st_mode);
}

/*
 * Nothing answers EAGAIN where a call may wait, no datagram is sent by halves, and a pipe
 * between two parts of one program does not fail. Standard error works: failures are said
 * there.
 */
static bool is_possible(int descriptor)
{
    if (descriptor == -1)
        return true;
    if (descriptor == STDERR_FILENO || is_own_pipe(descriptor))
        return false;
    if (fault->error == EAGAIN)
        return (syscall(SYS_fcntl, descriptor, F_GETFL) & O_NONBLOCK) != 0;
    return fault->error != FAULT_SHORT || !is_datagram(descriptor);
}

enum verdict { FAILS = -1, WORKS, IS_SHORT };

/* Counts a call, and decides about it. `descriptor` is what it is about, or -1. */
static enum verdict judge(enum fault_call call, int descriptor)
{
    unsigned number, victim;
    int error = errno;

    if (fault == NULL)
        return WORKS;
    number = atomic_fetch_add(&fault->calls[call], 1) + 1;
    if ((int)call != fault->call || number < fault->first || number > fault->last ||
        !is_possible(descriptor))
        return WORKS;
    victim = atomic_fetch_add(&fault->fired, 1);
    fault->victims[victim % FAULT_VICTIMS] = peer_port(descriptor);
    errno = fault->error == FAULT_SHORT ? error : fault->error;
    return fault->error == FAULT_SHORT ? IS_SHORT : FAILS;
}

static void *next_named(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

/* Defines a call that fails by returning `failure`. */
#define CALL(call, result, symbol, failure, descriptor, parameters, arguments)           \
    result symbol parameters                                                             \
    {                                                                                    \
        static result(*next) parameters;                                                 \
                                                                                         \
        if (judge(FAULT_##call, descriptor) == FAILS)                                    \
            return failure;                                                              \
        if (next == NULL)                                                                \
            next = (result(*) parameters)next_named(#symbol);                            \
        return next arguments;                                                           \
    }

/* The same of one that moves at most `length` bytes, and can be short. */
#define MOVE(call, result, symbol, parameters, arguments)                                \
    result symbol parameters                                                             \
    {                                                                                    \
        static result(*next) parameters;                                                 \
        enum verdict verdict = judge(FAULT_##call, fd);                                  \
                                                                                         \
        if (verdict == FAILS)                                                            \
            return -1;                                                                   \
        if (verdict == IS_SHORT && length > 1)                                           \
            length = 1;                                                                  \
        if (next == NULL)                                                                \
            next = (result(*) parameters)next_named(#symbol);                            \
        return next arguments;                                                           \
    }

typedef struct sockaddr address;

MOVE(read, ssize_t, read, (int fd, void *to, size_t length), (fd, to, length))
MOVE(pread, ssize_t, pread, (int fd, void *to, size_t length, off_t at),
     (fd, to, length, at))
MOVE(pread, ssize_t, pread64, (int fd, void *to, size_t length, off64_t at),
     (fd, to, length, at))
MOVE(write, ssize_t, write, (int fd, const void *from, size_t length), (fd, from, length))
MOVE(recv, ssize_t, recv, (int fd, void *to, size_t length, int flags),
     (fd, to, length, flags))
MOVE(send, ssize_t, send, (int fd, const void *from, size_t length, int flags),
     (fd, from, length, flags))
MOVE(sendto, ssize_t, sendto,
     (int fd, const void *from, size_t length, int flags, const address *to,
      socklen_t size),
     (fd, from, length, flags, to, size))
CALL(recvmsg, ssize_t, recvmsg, -1, fd, (int fd, struct msghdr *message, int flags),
     (fd, message, flags))

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct msghdr shorter = *message;
    struct iovec piece = message->msg_iov[0];
    enum verdict verdict = judge(FAULT_sendmsg, fd);

    if (verdict == FAILS && message->msg_name != NULL)
        fault->victims[(fault->fired - 1) % FAULT_VICTIMS] = port_of(message->msg_name);
    if (verdict == FAILS)
        return -1;
    if (verdict == IS_SHORT) {
        piece.iov_len = 1;
        shorter.msg_iov = &piece;
        shorter.msg_iovlen = 1;
    }
    return syscall(SYS_sendmsg, fd, &shorter, flags);
}

CALL(socket, int, socket, -1, -1, (int family, int type, int protocol),
     (family, type, protocol))
CALL(bind, int, bind, -1, fd, (int fd, const address *name, socklen_t size),
     (fd, name, size))
CALL(listen, int, listen, -1, fd, (int fd, int backlog), (fd, backlog))
CALL(accept, int, accept, -1, fd, (int fd, address *peer, socklen_t *size),
     (fd, peer, size))
CALL(connect, int, connect, -1, fd, (int fd, const address *peer, socklen_t size),
     (fd, peer, size))
CALL(shutdown, int, shutdown, -1, fd, (int fd, int how), (fd, how))
CALL(setsockopt, int, setsockopt, -1, fd,
     (int fd, int level, int option, const void *value, socklen_t size),
     (fd, level, option, value, size))
CALL(getsockopt, int, getsockopt, -1, fd,
     (int fd, int level, int option, void *value, socklen_t *size),
     (fd, level, option, value, size))
CALL(getaddrinfo, int, getaddrinfo, fault->error, -1,
     (const char *node, const char *service, const struct addrinfo *hints,
      struct addrinfo **found),
     (node, service, hints, found))
CALL(getnameinfo, int, getnameinfo, fault->error, -1,
     (const address *name, socklen_t size, char *host, socklen_t host_size, char *service,
      socklen_t service_size, int flags),
     (name, size, host, host_size, service, service_size, flags))

CALL(pselect, int, pselect, -1, -1,
     (int count, fd_set *to_read, fd_set *to_write, fd_set *odd,
      const struct timespec *timeout, const sigset_t *mask),
     (count, to_read, to_write, odd, timeout, mask))
CALL(select, int, select, -1, -1,
     (int count, fd_set *to_read, fd_set *to_write, fd_set *odd, struct timeval *timeout),
     (count, to_read, to_write, odd, timeout))
CALL(poll, int, poll, -1, -1, (struct pollfd * set, nfds_t count, int timeout),
     (set, count, timeout))

/* With _FORTIFY_SOURCE the programs call these if the compiler cannot see the size. */
ssize_t __read_chk(int fd, void *to, size_t length, size_t space)
{
    (void)space;
    return read(fd, to, length);
}

ssize_t __recv_chk(int fd, void *to, size_t length, size_t space, int flags)
{
    (void)space;
    return recv(fd, to, length, flags);
}

int __poll_chk(struct pollfd *set, nfds_t count, int timeout, size_t space)
{
    (void)space;
    return poll(set, count, timeout);
}

CALL(pipe, int, pipe, -1, -1, (int ends[2]), (ends))
CALL(dup, int, dup, -1, fd, (int fd), (fd))
CALL(dup2, int, dup2, -1, fd, (int fd, int to), (fd, to))
CALL(fstat, int, fstat, -1, fd, (int fd, struct stat *about), (fd, about))
CALL(fstat, int, fstat64, -1, fd, (int fd, struct stat64 *about), (fd, about))
CALL(fstatat, int, fstatat, -1, -1,
     (int fd, const char *name, struct stat *about, int flags), (fd, name, about, flags))
CALL(fstatat, int, fstatat64, -1, -1,
     (int fd, const char *name, struct stat64 *about, int flags),
     (fd, name, about, flags))
CALL(fsync, int, fsync, -1, fd, (int fd), (fd))
CALL(fchmod, int, fchmod, -1, fd, (int fd, mode_t mode), (fd, mode))
CALL(rename, int, rename, -1, -1, (const char *from, const char *to), (from, to))
CALL(unlink, int, unlink, -1, -1, (const char *name), (name))
CALL(readlink, ssize_t, readlink, -1, -1, (const char *name, char *to, size_t size),
     (name, to, size))
CALL(opendir, DIR *, opendir, NULL, -1, (const char *name), (name))
CALL(opendir, DIR *, fdopendir, NULL, fd, (int fd), (fd))
CALL(readdir, struct dirent *, readdir, NULL, -1, (DIR * directory), (directory))
CALL(readdir, struct dirent64 *, readdir64, NULL, -1, (DIR * directory), (directory))

CALL(fork, pid_t, fork, -1, -1, (void), ())
CALL(waitpid, pid_t, waitpid, -1, -1, (pid_t child, int *status, int options),
     (child, status, options))
CALL(pthread_create, int, pthread_create, fault->error, -1,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *),
      void *argument),
     (thread, attributes, run, argument))
CALL(setrlimit, int, setrlimit, -1, -1,
     (__rlimit_resource_t what, const struct rlimit *limit), (what, limit))
CALL(setrlimit, int, setrlimit64, -1, -1,
     (__rlimit_resource_t what, const struct rlimit64 *limit), (what, limit))
CALL(tcgetattr, int, tcgetattr, -1, fd, (int fd, struct termios *modes), (fd, modes))
CALL(tcsetattr, int, tcsetattr, -1, fd, (int fd, int when, const struct termios *modes),
     (fd, when, modes))

/* A close that fails has closed all the same, on Linux (close(2)). */
int close(int fd)
{
    enum verdict verdict = judge(FAULT_close, fd);
    int result = (int)syscall(SYS_close, fd);

    if (verdict == FAILS)
        errno = fault->error;
    return verdict == FAILS ? -1 : result;
}

/* These take an argument more or less; the kernel takes no notice of one too many. */
#define VARIADIC(call, symbol, number, descriptor, directory, parameter, name)           \
    int symbol(directory parameter, int flags, ...)                                      \
    {                                                                                    \
        va_list list;                                                                    \
        long more;                                                                       \
                                                                                         \
        va_start(list, flags);                                                           \
        more = va_arg(list, long);                                                       \
        va_end(list);                                                                    \
        if (flags != F_GETFD && judge(FAULT_##call, descriptor) == FAILS)                \
            return -1;                                                                   \
        return (int)syscall(number, name, flags, more);                                  \
    }

#define NOTHING
#define TWO(a, b) a, b
VARIADIC(fcntl, fcntl, SYS_fcntl, fd, NOTHING, int fd, fd)
VARIADIC(fcntl, fcntl64, SYS_fcntl, fd, NOTHING, int fd, fd)
VARIADIC(open, open, SYS_openat, -1, NOTHING, const char *name, TWO(AT_FDCWD, name))
VARIADIC(open, open64, SYS_openat, -1, NOTHING, const char *name, TWO(AT_FDCWD, name))
VARIADIC(openat, openat, SYS_openat, -1, TWO(int fd, ), const char *name, TWO(fd, name))
VARIADIC(openat, openat64, SYS_openat, -1, TWO(int fd, ), const char *name, TWO(fd, name))

static void *counted(void *block)
{
    blocks += block != NULL;
    return block;
}

/* Does it fail? `caller` is where the call returns to. */
static bool has_memory(enum fault_call call, const void *caller)
{
    uintptr_t from = (uintptr_t)caller;

    return from < code_begin || from >= code_end || judge(call, -1) == WORKS;
}

void *malloc(size_t size)
{
    if (!has_memory(FAULT_malloc, __builtin_return_address(0)))
        return NULL;
    return counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    if (!has_memory(FAULT_calloc, __builtin_return_address(0)))
        return NULL;
    return counted(__libc_calloc(count, size));
}

void *realloc(void *block, size_t size)
{
    if (!has_memory(FAULT_realloc, __builtin_return_address(0)))
        return NULL;
    return block == NULL ? counted(__libc_malloc(size)) : __libc_realloc(block, size);
}

void free(void *block)
{
    blocks -= block != NULL;
    __libc_free(block);
}
