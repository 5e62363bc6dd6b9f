#include "net/server.h"

#include "net/descriptor.h"
#include "net/program.h"

#include <sys/select.h>

int server_prepare(struct signals *signals, void (*on_stop)(int))
{
    if (program_prepare() == -1)
        return -1;
    descriptor_raise_limit(FD_SETSIZE + 8);
    return signals_prepare(signals, on_stop);
}
