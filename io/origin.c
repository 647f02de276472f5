#include "io/origin.h"

#include <stdlib.h>

void bp__origin_fini(bp__origin *origin)
{
    free(origin->path);
    free(origin->options);
    *origin = (bp__origin){0};
}
