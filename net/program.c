#include "net/program.h"

#include "net/descriptor.h"

#include <signal.h>

int program_prepare(void)
{
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
        return -1;
    return descriptor_fill_standard();
}
