#include "base/start.h"

#include "base/descriptor.h"

#include <signal.h>
#include <sys/select.h>

int start_program(void)
{
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
        return -1;
    return descriptor_fill_standard();
}

int start_server(struct signals *signals)
{
    if (start_program() == -1)
        return -1;
    descriptor_raise_limit(FD_SETSIZE + 8);
    return signals_prepare(signals);
}
