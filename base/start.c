#define _XOPEN_SOURCE 700 /* SIGXFSZ is in the XSI option */
#include "base/start.h"

#include "base/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

void start_program(const struct options *options)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (descriptor_fill_standard() == -1)
        options_fail(options, "cannot open /dev/null: %s", strerror(errno));
}

void start_server(const struct options *options, struct signals *signals)
{
    start_program(options);
    (void)descriptor_unshare(STDERR_FILENO, O_WRONLY); /* see the header */
    descriptor_raise_limit(FD_SETSIZE + 8);
    signals_prepare(signals);
}
