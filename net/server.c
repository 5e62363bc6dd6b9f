#include "net/server.h"

#include "net/descriptor.h"

#include <sys/select.h>

int server_prepare(struct signals *signals, void (*on_stop)(int))
{
    if (descriptor_fill_standard() == -1)
        return -1;
    descriptor_raise_limit(FD_SETSIZE + 8);
    return signals_prepare(signals, on_stop);
}
