#include "net/server.h"

#include "net/descriptor.h"
#include "net/signals.h"

#include <sys/select.h>

int server_prepare(void (*on_stop)(int), sigset_t *while_waiting)
{
    if (descriptor_fill_standard() == -1)
        return -1;
    descriptor_raise_limit(FD_SETSIZE + 8);
    return signals_prepare(on_stop, while_waiting);
}
