#include "core/fault.h"

#include <stdlib.h>
#include <string.h>

bool bp__fault_is_on(bp__fault fault)
{
    static const char *const names[] = {"early_ack", "no_second_look"};
    const char *on = getenv("BUNDLEPOOL_FAULT");
    return on && strcmp(on, names[fault]) == 0;
}
