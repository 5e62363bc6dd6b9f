#include "base/complaint.h"

#include <stdio.h>
#include <string.h>

void complaint_print(const char *program, const char *format, va_list arguments)
{
    char line[COMPLAINT_MOST + 1];
    size_t begun = (size_t)snprintf(line, COMPLAINT_MOST, "%s: ", program);

    vsnprintf(line + begun, COMPLAINT_MOST - begun, format, arguments);
    strcat(line, "\n");
    fputs(line, stderr);
}
